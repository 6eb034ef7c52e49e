/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/glass_sign.c - a break-glass that carries a signature.
 *
 * One signature is for all gates that it opens: their names in the order of their numbers,
 * and their digests. It says "break-glass", so that it is no approval anywhere.
 */
#include "engine/internal.h"

#include <stdlib.h>

#include "base/id.h"
#include "engine/statement.h"

struct texts { /* what the statement borrows */
    struct str names, digests;
    struct id run;
};

static void texts_fini(struct texts *texts)
{
    str_fini(&texts->names);
    str_fini(&texts->digests);
}

/* False when one of the gates is not there. */
static bool put_gates(struct texts *texts, struct run *run, struct span gates)
{
    struct span number;
    size_t pos = 0;

    texts->run = id_run(run->id);
    while (json_next(gates, &pos, NULL, &number)) {
        const struct gate *gate = gate_find(run, (int)json_int(number, 0));
        const char *blank = texts->names.len > 0 ? " " : "";

        if (gate == NULL)
            return false;
        str_printf(&texts->names, "%s%s", blank, id_gate(run->id, gate->number).text);
        str_add_text(&texts->digests, blank);
        str_add_span(&texts->digests, json_get_raw(gate->body, "digest"));
    }
    return true;
}

static struct statement statement_of(const struct run *run, const struct texts *texts)
{
    return (struct statement){ .install = span_of(run->engine->install),
                               .gate = str_span(&texts->names),
                               .run = span_of(texts->run.text),
                               .digest = str_span(&texts->digests),
                               .vote = VOTE_BREAK_GLASS };
}

static int wanted(struct engine *engine)
{
    return policy_sign(engine, "break_glass.sign");
}

bool glass_is_signed(struct run *run, const struct event *event, struct span gates,
                     char *fingerprint)
{
    struct engine *engine = run->engine;
    char *reason = json_get_text(event->json, "reason");
    struct texts texts = { 0 };
    bool is_signed = false;

    if (wanted(engine) != SIGN_NONE &&
        json_kind(json_get(event->json, "sig")) != JSON_STRING) {
        reply_error(
            engine, event->number, 2, "sign",
            "breaking the glass wants a signature%s (policy.lua, break_glass.sign): "
            "`cordon break-glass %s --reason TEXT --sign KEYFILE`",
            wanted(engine) == SIGN_VERIFIED ? " of a hardware key that asks for a PIN" : "",
            id_run(run->id).text);
    } else if (put_gates(&texts, run, gates)) {
        struct statement statement = statement_of(run, &texts);

        statement.who = event->who;
        statement.reason = span_of(reason);
        is_signed = signed_is_good(engine, &statement, wanted(engine), event, fingerprint);
    }
    texts_fini(&texts);
    free(reason);
    return is_signed;
}

bool glass_is_proved(struct run *run, struct span body)
{
    char *armor = json_get_text(body, "sig"), *key = json_get_text(body, "key");
    char *who = json_get_text(body, "who"), *reason = json_get_text(body, "why");
    struct texts texts = { 0 };
    bool is_proved = false;

    if (armor == NULL && key == NULL) {
        is_proved = wanted(run->engine) == SIGN_NONE;
    } else if (armor != NULL && key != NULL &&
               put_gates(&texts, run, json_get(body, "gates"))) {
        struct statement statement = statement_of(run, &texts);

        statement.who = span_of(who);
        statement.reason = span_of(reason);
        int proof = proof_of_row(&statement, span_of(armor), span_of(key));
        is_proved = proof > SIGN_NONE && proof >= wanted(run->engine) &&
                    key_speaks_for(run->engine, key, statement.who);
    }
    texts_fini(&texts);
    free(armor);
    free(key);
    free(who);
    free(reason);
    return is_proved;
}

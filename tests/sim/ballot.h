/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/ballot.h - a world in which bob and carol have keys, and a gate that they vote at,
 * with signatures over whatever a case wants them to have signed.
 */
#pragma once

#include "signer.h"

static const struct w_wish one_set[] = { SET("0", 1, 1, "a"), END };

static struct signer bob, carol;

static inline const struct w_reply *last(struct world *w)
{
    return &w->replies[w->next_ask - 1];
}

/* The answer is an error with this code and these words in its sentence. */
static inline void check_refused(struct world *w, const char *code, const char *said)
{
    struct span reply = span_of(last(w)->json);
    char *got = json_get_text(reply, "code"), *sentence = json_get_text(reply, "error");

    CHECK_STR(got != NULL ? got : "accepted", code);
    if (strstr(sentence, said) == NULL)
        CHECK_STR(sentence, said);
    free(got);
    free(sentence);
}

static inline void add_key(struct world *w, const char *person, const char *line)
{
    char json[600];

    snprintf(json, sizeof json, "{\"key\":\"%s\",\"person\":\"%s\"}", line, person);
    w_ask(w, "key_add", "owner", json);
    w_commit(w);
}

static inline void revoke(struct world *w, const char *key)
{
    char json[200];

    snprintf(json, sizeof json, "{\"key\":\"%s\",\"reason\":\"lost\"}", key);
    w_ask(w, "key_revoke", "owner", json);
    w_commit(w);
}

/* A world with the keys of bob and carol, under a policy, at a gate. */
static inline struct world *at_gate_of(const struct w_wish *script, const char *policy)
{
    struct world *w = w_new(5, script);

    s_init(&bob, 1);
    s_init(&carol, 2);
    w->approves = false;
    w->policy = policy;
    w_crash(w);
    add_key(w, "bob", bob.line);
    add_key(w, "carol", carol.line);
    w_start_run(w);
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    return w;
}

static inline struct world *at_gate(const char *policy)
{
    return at_gate_of(one_set, policy);
}

struct said {
    const char *who, *reason, *namespace, *digest, *gate, *install;
    const struct signer *signer;
    bool no;
};

static inline void put_statement(struct world *w, const struct said *said, struct str *out)
{
    const struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    char *digest = gate != NULL ? json_get_text(span_of(gate->body), "digest") : NULL;
    char *install = json_get_text(span_of(w->rows[0].body), "install");
    struct statement statement = {
        .install = span_of(said->install != NULL ? said->install : install),
        .gate = span_of(said->gate != NULL ? said->gate : "g-000001-1"),
        .run = span_of("r-000001"),
        .digest = span_of(said->digest != NULL ? said->digest : digest),
        .reason = span_of(said->reason),
        .who = span_of(said->who),
        .vote = said->no ? VOTE_DENY : VOTE_APPROVE,
    };

    statement_put(out, &statement);
    free(digest);
    free(install);
}

static inline void sign(const struct said *said, struct span statement, struct str *armor)
{
    s_sign(armor, said->signer,
           said->namespace != NULL ? said->namespace : SSHSIG_VOTE_NAMESPACE, statement);
}

/* At the engine: `cordon approve --sign`. */
static inline void vote_signed(struct world *w, const char *verb, const char *who,
                               const struct said *said)
{
    struct str statement = { 0 }, armor = { 0 }, json = { 0 };
    struct json_out out = { .str = &json };

    put_statement(w, said, &statement);
    sign(said, str_span(&statement), &armor);
    json_open(&out, '{');
    json_put_raw(&out, "digest", json_get(str_span(&statement), "digest"));
    json_put_raw(&out, "gate", json_get(str_span(&statement), "gate"));
    json_put(&out, "reason", said->reason);
    json_put(&out, "sig", str_text(&armor));
    json_close(&out);
    w_ask(w, verb, who, str_text(&json));
    str_fini(&statement);
    str_fini(&armor);
    str_fini(&json);
}

/* From a file: `cordon gate import`. */
static inline void import(struct world *w, const char *carrier, const struct said *said)
{
    struct str statement = { 0 }, armor = { 0 }, json = { 0 };
    struct json_out out = { .str = &json };

    put_statement(w, said, &statement);
    sign(said, str_span(&statement), &armor);
    json_open(&out, '{');
    json_put(&out, "sig", str_text(&armor));
    json_put_raw(&out, "statement", str_span(&statement));
    json_close(&out);
    w_ask(w, "import", carrier, str_text(&json));
    str_fini(&statement);
    str_fini(&armor);
    str_fini(&json);
}

static inline struct w_row *row_of(struct world *w, int kind)
{
    for (int i = w->row_count - 1; i >= 0; i--)
        if (w->rows[i].kind == kind)
            return &w->rows[i];
    return NULL;
}

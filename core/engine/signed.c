/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/signed.c - votes that carry a signature.
 *
 * What was signed is made again here from the gate and from what the vote says; the bytes
 * that somebody sent along are never what is looked at. All of that is asked again of the
 * vote's row when a permit is used: see proof.c.
 */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/sshsig.h"
#include "engine/statement.h"

const char *sign_word(int sign)
{
    static const char *const words[] = { "none", "key", "verified" };

    return words[sign];
}

int sign_of(struct span word)
{
    return span_is(word, "verified") ? SIGN_VERIFIED
           : span_is(word, "key")    ? SIGN_KEY
                                     : SIGN_NONE;
}

/* Whose key is it, and may it speak for who? */
static bool is_key_of(struct engine *engine, const struct event *event,
                      const char *fingerprint)
{
    const struct enrolled *key = key_find(engine, span_of(fingerprint));
    struct span who = event->who;

    if (key == NULL)
        reply_error(engine, event->number, 4, "key",
                    "key %s is not enrolled here: the engine's owner does that with "
                    "`cordon key add PERSON FILE.pub`",
                    fingerprint);
    else if (key->is_revoked)
        reply_error(engine, event->number, 4, "key_revoked",
                    "key %s of %s has been revoked, and what it signs does not count",
                    key->fingerprint, key->person);
    else if (!span_is(who, key->person))
        reply_error(engine, event->number, 4, "key",
                    "key %s is that of %s, and the vote is one of %.*s", key->fingerprint,
                    key->person, (int)(who.len < 100 ? who.len : 100), who.ptr);
    else
        return true;
    return false;
}

bool signed_is_good(struct engine *engine, const struct statement *statement, int wanted,
                    const struct event *event, char *fingerprint)
{
    char *armor = json_get_text(event->json, "sig");
    bool is_hardware = false, is_good = false;
    struct span what = statement->vote == VOTE_BREAK_GLASS
                           ? span_of("break_glass.sign of the policy")
                           : statement->gate;
    struct err err;
    int sign;

    fingerprint[0] = '\0';
    if (armor == NULL)
        return true;
    sign = proof_read(statement, span_of(armor), fingerprint, &is_hardware, &err);
    free(armor);
    if (sign < 0)
        reply_error(engine, event->number, 4, "signature", "%s", err.text);
    else if (!is_key_of(engine, event, fingerprint))
        ; /* answered */
    else if (sign < wanted)
        reply_error(engine, event->number, 4, "sign",
                    "%.*s wants a hardware key that asks for a PIN or a finger, and %s %s "
                    "(ssh-keygen -t ed25519-sk -O verify-required)",
                    (int)what.len, what.ptr, fingerprint,
                    is_hardware ? "did not ask" : "is a file");
    else
        is_good = true;
    return is_good;
}

bool signed_vote_is_good(struct run *run, struct gate *gate, const struct event *event,
                         bool yes, char *fingerprint)
{
    char *reason = json_get_text(event->json, "reason");
    struct id gate_id = id_gate(run->id, gate->number), run_id = id_run(run->id);
    struct statement statement = { .install = span_of(run->engine->install),
                                   .gate = span_of(gate_id.text),
                                   .run = span_of(run_id.text),
                                   .digest = json_get_raw(event->json, "digest"),
                                   .reason = span_of(reason),
                                   .who = event->who,
                                   .vote = yes ? VOTE_APPROVE : VOTE_DENY };
    /* To say stop takes any key, or none. */
    bool is_good = signed_is_good(run->engine, &statement, yes ? gate->sign : SIGN_NONE,
                                  event, fingerprint);

    free(reason);
    return is_good;
}

bool signed_is_missing(struct run *run, const struct gate *gate, const struct event *event,
                       bool yes)
{
    /* To say stop takes no key: who cannot sign must still be able to stop it. */
    if (!yes || gate->sign == SIGN_NONE || json_get(event->json, "sig").len > 0)
        return false;
    struct id id = id_gate(run->id, gate->number);
    reply_error(run->engine, event->number, 2, "sign",
                "gate %s wants signed approvals%s (policy.lua, sign): `cordon approve %s "
                "--sign KEYFILE`",
                id.text,
                gate->sign == SIGN_VERIFIED ? " of a hardware key that asks for a PIN" : "",
                id.text);
    return true;
}

/* -- votes that somebody carries here ----------------------------------------------------- */

static bool has_taken(struct gate *gate, struct span who, const char *fingerprint)
{
    list_each (link, after, &gate->votes) {
        const struct vote *vote = list_item(link, struct vote, in_gate);

        if (span_is(who, vote->who) && vote->key != NULL &&
            strcmp(vote->key, fingerprint) == 0)
            return true;
    }
    return false;
}

/* The vote as if its person had come: the same rules hold for them. */
static void put_vote(struct str *json, const struct event *event,
                     const struct statement *statement)
{
    struct json_out out = { .str = json };

    json_open(&out, '{');
    json_put_span(&out, "digest", statement->digest);
    json_put_bool(&out, "follow", false);
    json_put_span(&out, "gate", statement->gate);
    json_put_span(&out, "reason", statement->reason);
    json_put_raw(&out, "sig", json_get(event->json, "sig"));
    json_close(&out);
}

static void take_vote(struct run *run, struct gate *gate, const struct event *event,
                      const struct statement *statement)
{
    char fingerprint[SSHKEY_FINGERPRINT_LEN + 1];
    struct str json = { 0 };
    struct event vote = *event;

    put_vote(&json, event, statement);
    vote.via = event->who;
    vote.channel = span_of("file");
    vote.who = statement->who;
    vote.json = str_span(&json);
    if (!signed_vote_is_good(run, gate, &vote, statement->vote == VOTE_APPROVE,
                             fingerprint))
        ; /* answered */
    else if (has_taken(gate, vote.who, fingerprint))
        reply_error(run->engine, event->number, 1, "replayed",
                    "this vote of %.*s was taken before; it counts once", (int)vote.who.len,
                    vote.who.ptr);
    else
        gate_on_vote(run, gate->number, &vote, statement->vote == VOTE_APPROVE);
    str_fini(&json);
}

bool import_is_ours(struct engine *engine, const struct event *event)
{
    struct str who = { 0 }, reason = { 0 };
    struct statement statement;
    struct err err;
    bool is_ours = false;

    if (json_kind(json_get(event->json, "sig")) != JSON_STRING)
        reply_error(engine, event->number, 2, "file", "there is no signature in it");
    else if (statement_read(&statement, &who, &reason, json_get(event->json, "statement"),
                            &err) != 0)
        reply_error(engine, event->number, 2, "file", "%s", err.text);
    else if (!span_is(statement.install, engine->install))
        reply_error(engine, event->number, 1, "install",
                    "the vote is for a gate of another journal, %.*s, and this is %s",
                    (int)(statement.install.len < 40 ? statement.install.len : 40),
                    statement.install.ptr, engine->install);
    else
        is_ours = true;
    str_fini(&who);
    str_fini(&reason);
    return is_ours;
}

void gate_on_import(struct run *run, int number, const struct event *event)
{
    struct gate *gate = gate_find(run, number);
    struct str who = { 0 }, reason = { 0 };
    struct statement statement;
    struct err err;

    if (gate == NULL)
        reply_error(run->engine, event->number, 2, "not_found", "run %s has no gate %d",
                    id_run(run->id).text, number);
    else if (statement_read(&statement, &who, &reason, json_get(event->json, "statement"),
                            &err) != 0)
        reply_error(run->engine, event->number, 2, "file", "%s", err.text);
    else if (!span_is(statement.run, id_run(run->id).text))
        reply_error(run->engine, event->number, 4, "signature",
                    "the vote says that the gate is one of run %.*s, and it is one of %s",
                    (int)(statement.run.len < 40 ? statement.run.len : 40),
                    statement.run.ptr, id_run(run->id).text);
    else
        take_vote(run, gate, event, &statement);
    str_fini(&who);
    str_fini(&reason);
}

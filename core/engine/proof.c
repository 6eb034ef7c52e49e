/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/proof.c - does a signature say what somebody is said to have said?
 *
 * Asked when a vote or a break-glass arrives, and again of its row whenever it is counted: a
 * row that somebody else wrote has no signature that fits. What was signed is made again from
 * the row. That the signature fits is found out once for each row in memory; whose key it is,
 * and whether it was revoked, each time.
 */
#include "engine/internal.h"

#include <string.h>

#include "base/id.h"
#include "base/sshsig.h"
#include "engine/statement.h"

int proof_read(const struct statement *statement, struct span armor, char *fingerprint,
               bool *is_hardware, struct err *err)
{
    struct str bytes = { 0 };
    struct sshsig sig;

    if (sshsig_read(&sig, armor, err) != 0)
        return -1;
    statement_put(&bytes, statement);
    int rc = sshsig_check(&sig, SSHSIG_VOTE_NAMESPACE, str_span(&bytes), err);
    int sign = rc != 0 ? -1 : sig.is_verified ? SIGN_VERIFIED : SIGN_KEY;
    memcpy(fingerprint, sig.key.fingerprint, sizeof sig.key.fingerprint);
    *is_hardware = sshkey_is_hardware(&sig.key);
    str_fini(&bytes);
    sshsig_fini(&sig);
    return sign;
}

int proof_of_row(const struct statement *statement, struct span armor, struct span key)
{
    char fingerprint[SSHKEY_FINGERPRINT_LEN + 1];
    bool is_hardware;
    struct err err;
    int sign = proof_read(statement, armor, fingerprint, &is_hardware, &err);

    return sign > SIGN_NONE && span_is(key, fingerprint) ? sign : PROOF_NONE;
}

static int proof_of_vote(const struct gate *gate, const struct vote *vote)
{
    const struct run *run = gate->step->run;
    struct id gate_id = id_gate(run->id, gate->number), run_id = id_run(run->id);
    struct statement statement = { .install = span_of(run->engine->install),
                                   .gate = span_of(gate_id.text),
                                   .run = span_of(run_id.text),
                                   .digest = json_get_raw(gate->body, "digest"),
                                   .reason = span_of(vote->why),
                                   .who = span_of(vote->who),
                                   .vote = vote->yes ? VOTE_APPROVE : VOTE_DENY };

    return proof_of_row(&statement, span_of(vote->sig), span_of(vote->key));
}

bool vote_counts(const struct gate *gate, struct vote *vote)
{
    struct engine *engine = gate->step->run->engine;

    /* To say stop takes no key; but who gave one is held to it. */
    if (vote->key == NULL && vote->sig == NULL)
        return gate->sign == SIGN_NONE || !vote->yes;
    if (vote->key == NULL || vote->sig == NULL)
        return false;
    if (!vote->is_checked) {
        vote->is_checked = true;
        vote->proof = proof_of_vote(gate, vote);
    }
    return vote->proof != PROOF_NONE && (!vote->yes || vote->proof >= gate->sign) &&
           key_speaks_for(engine, vote->key, span_of(vote->who));
}

const char *vote_lost(const struct gate *gate, struct vote *vote)
{
    struct engine *engine = gate->step->run->engine;

    if (vote_counts(gate, vote))
        return NULL;
    if (vote->key != NULL && vote->proof != PROOF_NONE && key_is_revoked(engine, vote->key))
        return ", whose key was revoked,";
    return vote->sig == NULL ? ", whose vote is not signed,"
                             : ", whose vote is not what the key signed,";
}

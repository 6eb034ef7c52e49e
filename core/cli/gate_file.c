/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gate_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/id.h"
#include "cli/gate.h"
#include "cli/input.h"
#include "engine/digest.h"

#define GATE_FORMAT "cordon.gate-file.v1"
#define VOTE_FORMAT "cordon.vote-file.v1"

/* -- writing ------------------------------------------------------------------------------ */

int gate_file_put(struct str *out, struct span gate, struct err *err)
{
    static const char *const kept[] = { "body", "digest" };
    static const char *const also[] = { "gate",          "install", "playbook",
                                        "playbook_hash", "run",     "state" };
    static const char *const signs[] = { "digest", "gate", "install", "run" };
    struct json_out json = { .str = out };

    if (gate_is_question(gate))
        return err_set(err, ERR_INVALID,
                       "it asks a question, and only approvals can be signed elsewhere");
    json_open(&json, '{');
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_put_raw(&json, kept[i], json_get(gate, kept[i]));
    json_put(&json, "format", GATE_FORMAT);
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        json_put_raw(&json, also[i], json_get(gate, also[i]));
    /* What is signed, but for what the voter adds: reason, vote and who. */
    json_key(&json, "statement");
    json_open(&json, '{');
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        json_put_raw(&json, signs[i], json_get(gate, signs[i]));
    json_put(&json, "v", "cordon.approval.v1");
    json_close(&json);
    json_put_raw(&json, "votes", json_get(gate, "votes"));
    json_close(&json);
    str_add_char(out, '\n');
    return 0;
}

void vote_file_put(struct str *out, struct span statement, const char *armor)
{
    struct json_out json = { .str = out };

    json_open(&json, '{');
    json_put(&json, "format", VOTE_FORMAT);
    json_put(&json, "sig", armor);
    json_put_raw(&json, "statement", statement);
    json_close(&json);
    str_add_char(out, '\n');
}

int file_write(const char *path, struct span text, struct err *err)
{
    bool is_stdout = strcmp(path, "-") == 0;
    FILE *file = is_stdout ? stdout : fopen(path, "we");

    if (file == NULL)
        return err_set(err, ERR_INVALID, "write %s: %s", path, strerror(errno));
    bool is_written = fwrite(text.ptr, 1, text.len, file) == text.len && fflush(file) == 0;
    int why = errno;
    if (!is_stdout && fclose(file) != 0)
        is_written = false;
    return is_written ? 0 : err_set(err, ERR_IO, "write %s: %s", path, strerror(why));
}

/* -- reading ------------------------------------------------------------------------------ */

static int altered(const char *path, const char *what, struct err *err)
{
    return err_set(err, ERR_DENIED,
                   "%s has been altered: %s is not that of what stands in it; ask for it "
                   "anew, and sign nothing",
                   path, what);
}

static int check_changes(struct span file, int64_t run, const char *path, struct err *err)
{
    struct span body = json_get(file, "body"), change;
    struct span playbook = json_get_raw(file, "playbook_hash");
    size_t pos = 0;
    int number = 0;

    while (json_next(json_get(body, "changes"), &pos, NULL, &change)) {
        char digest[HASH_HEX_LEN + 1], what[60];

        gate_change_digest(body, change, run, playbook, digest);
        snprintf(what, sizeof what, "the digest of change %d", ++number);
        if (!span_is(json_get_raw(change, "digest"), digest))
            return altered(path, what, err);
    }
    return 0;
}

static bool is_same_text(struct span a, const char *key, struct span b)
{
    return json_kind(json_get(a, key)) == JSON_STRING &&
           json_same(json_get(a, key), json_get(b, key));
}

/* Names that stand outside of what the digests cover must be those inside. */
static int check_names(struct span file, int64_t *run, const char *path, struct err *err)
{
    static const char *const signs[] = { "digest", "gate", "install", "run" };
    struct span body = json_get(file, "body"), statement = json_get(file, "statement");
    int64_t of_gate = 0;
    int n = 0;

    if (json_kind(body) != JSON_OBJECT || !id_parse_run(json_get_raw(file, "run"), run) ||
        !id_parse_gate(json_get_raw(file, "gate"), &of_gate, &n))
        return err_set(err, ERR_INVALID, "%s is no gate as cordon gate export writes it",
                       path);
    if (of_gate != *run || n != json_get_int(body, "g", 0))
        return altered(path, "the gate's name", err);
    if (!is_same_text(file, "playbook", body))
        return altered(path, "the playbook's name", err);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (!is_same_text(file, signs[i], statement))
            return altered(path, "the statement", err);
    return 0;
}

static int check_gate(struct span file, const char *path, struct err *err)
{
    char digest[HASH_HEX_LEN + 1];
    int64_t run = 0;

    if (check_names(file, &run, path, err) != 0)
        return err->code;
    gate_digest(json_get(file, "body"), run, digest);
    if (!span_is(json_get_raw(file, "digest"), digest) ||
        !span_is(json_path(file, "body.digest").len > 0
                     ? json_get_raw(json_get(file, "body"), "digest")
                     : (struct span){ 0 },
                 digest))
        return altered(path, "the gate's digest", err);
    return check_changes(file, run, path, err);
}

static int read_json(struct str *json, const char *path, const char *what, struct err *err)
{
    struct str text = { 0 };
    int rc = input_read(&text, path, GATE_FILE_MAX, what, err);

    if (rc == 0 && (rc = json_canonical(json, text.ptr, text.len, err)) != 0)
        rc = err_wrap(err, "%s", path);
    str_fini(&text);
    return rc;
}

int gate_file_read(struct str *json, const char *path, struct err *err)
{
    if (read_json(json, path, "gate file", err) != 0)
        return err->code;
    struct span format = json_get_raw(str_span(json), "format");
    if (span_is(format, VOTE_FORMAT))
        return err_set(err, ERR_INVALID,
                       "%s is a vote; cordon gate import %s takes it to the engine", path,
                       path);
    if (!span_is(format, GATE_FORMAT))
        return err_set(err, ERR_INVALID,
                       "%s is no gate of format %s: want what cordon gate export writes",
                       path, GATE_FORMAT);
    return check_gate(str_span(json), path, err);
}

int vote_file_read(struct str *json, const char *path, struct err *err)
{
    if (read_json(json, path, "vote file", err) != 0)
        return err->code;
    struct span format = json_get_raw(str_span(json), "format");
    if (span_is(format, GATE_FORMAT))
        return err_set(err, ERR_INVALID,
                       "%s is a gate that nobody has signed: cordon gate sign %s --sign "
                       "KEYFILE --who PERSON",
                       path, path);
    if (!span_is(format, VOTE_FORMAT))
        return err_set(err, ERR_INVALID,
                       "%s is no vote of format %s: want what cordon gate sign writes",
                       path, VOTE_FORMAT);
    return 0;
}

void gate_file_say(struct str *out, struct span gate)
{
    size_t count = json_count(json_path(gate, "body.changes"));

    str_printf(out,
               "checked: the digest of the gate%s %s made of what stands above.\n"
               "no file can prove: that the gate is still open, who has voted there, that "
               "targets\nare as they were, and what is behind the hashes of plugins, "
               "playbook and policy.\nThe engine does: it takes this vote for this digest "
               "only.\n",
               count == 0   ? ""
               : count == 1 ? " and of its change"
                            : " and of each of its changes",
               count == 0 ? "is" : "are");
}

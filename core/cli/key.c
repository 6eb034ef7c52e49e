/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon key: whose SSH key is whose, so that votes can be signed.
 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"
#include "base/sshkey.h"
#include "cli/ask.h"
#include "cli/input.h"
#include "cli/render.h"
#include "cli/table.h"

static void add_row(struct table *table, const struct look *look, struct span key)
{
    struct str cell = { 0 };

    str_printf(&cell, "k-%lld", (long long)json_get_int(key, "i", 0));
    table_cell(table, &cell);
    table_value(table, json_get(key, "person"));
    table_value(table, json_get(key, "type"));
    table_whole_value(table, json_get(key, "fp"));
    render_when(&cell, look, json_get_int(key, "since", 0));
    table_cell(table, &cell);
    if (json_get_bool(key, "on", false)) {
        str_add_text(&cell, "in force");
    } else {
        str_add_text(&cell, "revoked by ");
        render_value(&cell, json_get(key, "by"), 80);
        str_add_text(&cell, ": ");
        render_value(&cell, json_get(key, "why"), 200);
    }
    table_cell(table, &cell);
}

static int list_keys(const struct options *options)
{
    struct look look = look_of_stdout();
    struct table table = {
        .columns = 6, .head = { "key", "person", "type", "fingerprint", "since", "state" }
    };
    struct str reply = { 0 }, out = { 0 };
    struct span key;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_reply(options, "keys", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "keys"), &pos, NULL, &key))
            add_row(&table, &look, key);
        if (table.count)
            table_render(&table, &out, &look);
        else
            str_add_text(&out, "no key is enrolled: cordon key add PERSON FILE.pub\n");
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static void say(struct str *out, struct span key, const char *what)
{
    str_printf(out, "k-%lld ", (long long)json_get_int(key, "i", 0));
    render_value(out, json_get(key, "fp"), 80);
    str_add_text(out, " of ");
    render_value(out, json_get(key, "person"), 200);
    str_printf(out, " %s\n", what);
}

static int change(const struct options *options, const char *verb, struct str *args,
                  const char *what)
{
    struct str reply = { 0 }, out = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, verb, str_span(args), &reply, &is_over);

    if (!is_over)
        say(&out, str_span(&reply), what);
    ask_print(&out);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int add(const struct options *options)
{
    struct str line = { 0 }, args = { 0 };
    struct json_out out = { .str = &args };
    struct err err;

    if (options->arg_count != 3)
        return command_usage_error(options,
                                   "cordon key add wants a person and a file: cordon key "
                                   "add PERSON FILE.pub");
    if (input_read(&line, options->args[2], SSHKEY_LINE_MAX, "key", &err) != 0) {
        str_fini(&line);
        return command_error(options, &err);
    }
    json_open(&out, '{');
    json_put(&out, "key", str_text(&line));
    json_put(&out, "person", options->args[1]);
    json_close(&out);
    int exit_code = change(options, "key_add", &args, "is enrolled: what it signs counts");
    str_fini(&line);
    str_fini(&args);
    return exit_code;
}

static int revoke(const struct options *options)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    if (options->arg_count != 2)
        return command_usage_error(options,
                                   "cordon key revoke wants one key: cordon key revoke k-1 "
                                   "--reason TEXT");
    if (span_is_blank(span_of(options->reason)))
        return command_usage_error(options,
                                   "revoking wants a reason: cordon key revoke %.80s "
                                   "--reason TEXT",
                                   options->args[1]);
    json_open(&out, '{');
    json_put(&out, "key", options->args[1]);
    ask_put_reason(&out, options);
    json_close(&out);
    int exit_code = change(options, "key_revoke", &args,
                           "is revoked: nothing that it signed counts any more");
    str_fini(&args);
    return exit_code;
}

static int run_key(const struct options *options)
{
    static const char *const words[] = { "add", "list", "revoke" };
    const char *word = options->arg_count > 0 ? options->args[0] : "list";

    if (strcmp(word, "list") == 0 && options->arg_count <= 1)
        return list_keys(options);
    if (strcmp(word, "list") == 0)
        return command_usage_error(options, "cordon key list takes nothing more");
    if (strcmp(word, "add") == 0)
        return add(options);
    if (strcmp(word, "revoke") == 0)
        return revoke(options);
    const char *nearest = schema_nearest(span_of(word), words, 3);
    return command_usage_error(options, "cordon key %.40s: %s%s", word,
                               nearest ? "did you mean " : "want add, list or revoke",
                               nearest ? nearest : "");
}

const struct command command_key = {
    .name = "key",
    .summary = "whose SSH key is whose, for signed votes",
    .usage = "cordon key [list | add PERSON FILE.pub | revoke KEY --reason TEXT]",
    .about =
        "Enrols a public key of SSH for a person, named as in the groups of policy.lua, "
        "so\n"
        "that they can sign what they approve, also on another machine. KEY is its name\n"
        "(k-1) or its fingerprint. A revoked key never comes back, and what it approved "
        "and\n"
        "has not been done yet needs a new approval. Only the user whom the engine runs "
        "as\n"
        "enrols and revokes.",
    .example = "cordon key add change-manager-1 change-manager-1.pub",
    .options = OPTION_ENGINE | OPTION_REASON,
    .args_max = 3,
    .run = run_key,
};

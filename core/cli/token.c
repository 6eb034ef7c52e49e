/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon token: what programs show to be let in.
 *
 * A token is made here, shown once, and only its hash leaves this process.
 */
#include "cli/command.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/password.h"
#include "base/schema.h"
#include "cli/ask.h"
#include "cli/credential.h"
#include "cli/render.h"
#include "cli/table.h"

#define LIFE "90d"

static void put_state(struct str *out, const struct look *look, struct span token)
{
    int64_t expires = json_get_int(token, "expires", 0);

    if (!json_get_bool(token, "on", false)) {
        str_add_text(out, "revoked by ");
        render_value(out, json_get(token, "by"), 80);
        return;
    }
    str_add_text(out, expires < clock_unix_ms() ? "ended " : "ends ");
    render_when(out, look, expires);
}

static void add_row(struct table *table, const struct look *look, struct span token)
{
    struct str cell = { 0 };

    str_printf(&cell, "t-%lld", (long long)json_get_int(token, "i", 0));
    table_cell(table, &cell);
    table_value(table, json_get(token, "name"));
    if (json_kind(json_get(token, "for")) == JSON_STRING)
        render_value(&cell, json_get(token, "for"), 80);
    else
        str_add_char(&cell, '-');
    table_cell(table, &cell);
    credential_roles(&cell, token);
    table_cell(table, &cell);
    put_state(&cell, look, token);
    table_cell(table, &cell);
}

static int list(const struct options *options)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 5,
                           .head = { "token", "name", "for", "roles", "state" } };
    struct str reply = { 0 }, out = { 0 };
    struct span token;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_reply(options, "tokens", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "tokens"), &pos, NULL, &token))
            add_row(&table, &look, token);
        if (table.count)
            table_render(&table, &out, &look);
        else
            str_add_text(&out, "there is no token: cordon token add NAME --role ROLE\n");
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

/* The text on standard output alone, so that a script can take it from there. */
static void say_new(const struct options *options, struct span reply, struct span text)
{
    struct str out = { 0 }, note = { 0 };
    struct look look = look_of_stdout();
    struct json_out json = { .str = &out };

    if (options->json) {
        json_open(&json, '{');
        json_put_int(&json, "expires", json_get_int(reply, "expires", 0));
        json_put_int(&json, "i", json_get_int(reply, "i", 0));
        json_put_raw(&json, "name", json_get(reply, "name"));
        json_put_span(&json, "token", text);
        json_close(&json);
    } else {
        str_add_span(&out, text);
        str_printf(&note, "t-%lld ends ", (long long)json_get_int(reply, "i", 0));
        render_when(&note, &look, json_get_int(reply, "expires", 0));
        str_add_text(&note, "; it is not shown again\n");
    }
    str_add_char(&out, '\n');
    ask_print(&out);
    ask_complain(&note);
    str_wipe(&out);
    str_fini(&note);
}

static int put_new(struct json_out *out, const struct options *options, struct str *text,
                   struct err *err)
{
    const char *life = options->expires != NULL ? options->expires : LIFE;
    char id[TOKEN_ID_LEN + 1];
    struct str hash = { 0 };
    int64_t life_ms;

    if (!duration_positive(span_of(life), &life_ms))
        return err_set(err, ERR_INVALID, "--expires %.40s: want a time like 90d or 12h",
                       life);
    token_make(text, &hash, id);
    json_open(out, '{');
    json_put(out, "for", options->for_whom);
    credential_put_roles(out, options);
    json_put_span(out, "hash", str_span(&hash));
    json_put(out, "id", id);
    json_put_int(out, "life_ms", life_ms);
    json_put(out, "name", options->args[1]);
    ask_put_reason(out, options);
    json_close(out);
    str_fini(&hash);
    return 0;
}

static int add(const struct options *options)
{
    struct str args = { 0 }, text = { 0 }, reply = { 0 };
    struct err err;
    int exit_code;

    if (options->arg_count != 2 || options->role_count == 0)
        return command_usage_error(options, "cordon token add wants a name and what it may "
                                            "do: cordon token add NAME --role viewer");
    if (put_new(&(struct json_out){ .str = &args }, options, &text, &err) != 0)
        return command_error(options, &err);
    exit_code = ask_once(options, "token_add", str_span(&args), &reply, &err);
    if (exit_code < 0)
        exit_code = command_error(options, &err);
    else if (exit_code == 0)
        say_new(options, str_span(&reply), str_span(&text));
    else if (options->json)
        ask_print(&reply);
    else
        ask_print_error(str_span(&reply));
    str_wipe(&text);
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

static int revoke(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out json = { .str = &args };
    bool is_over;

    if (options->arg_count != 2)
        return command_usage_error(options,
                                   "which one? cordon token revoke t-1; cordon token list "
                                   "shows them");
    json_open(&json, '{');
    ask_put_reason(&json, options);
    json_put(&json, "token", options->args[1]);
    json_close(&json);
    int exit_code = ask_reply(options, "token_revoke", str_span(&args), &reply, &is_over);
    if (!is_over)
        str_printf(&out, "t-%lld is revoked: nothing is let in with it any more\n",
                   (long long)json_get_int(str_span(&reply), "i", 0));
    ask_print(&out);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int run_token(const struct options *options)
{
    static const char *const words[] = { "add", "list", "revoke" };
    const char *word = options->arg_count > 0 ? options->args[0] : "list";

    if (strcmp(word, "list") == 0 && options->arg_count <= 1)
        return list(options);
    if (strcmp(word, "add") == 0)
        return add(options);
    if (strcmp(word, "revoke") == 0)
        return revoke(options);
    const char *nearest = schema_nearest(span_of(word), words, 3);
    return command_usage_error(options, "cordon token %.40s: %s%s", word,
                               nearest ? "did you mean " : "want add, list or revoke",
                               nearest ? nearest : "");
}

const struct command command_token = {
    .name = "token",
    .summary = "what programs show to be let in to the API",
    .usage = "cordon token [list | add NAME --role ROLE [--for PERSON] [--playbook NAME]\n"
             "                    [--expires 90d] | revoke TOKEN]",
    .about =
        "Makes a token and prints it, this once; only its hash is kept. Programs send it "
        "as\n"
        "\"Authorization: Bearer TOKEN\", and act as token:NAME, which never votes. One "
        "that "
        "is\n"
        "made --for a person speaks as that person, who may vote with it where it has the "
        "role\n"
        "approver and the policy lists them. Several may have one name, so that a new one "
        "can "
        "be\n"
        "brought out before the old one is revoked. TOKEN is t-1 or a name that one token "
        "has.\n"
        "With --playbook it starts runs of those playbooks and changes nothing else, "
        "whatever\n"
        "its roles say.",
    .example = "cordon token add dashboard --role viewer --expires 30d",
    .options = OPTION_ENGINE | OPTION_ROLE | OPTION_TOKEN | OPTION_REASON,
    .args_max = 2,
    .run = run_token,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon user: who may sign in with a password, and what they may do.
 *
 * The password becomes its hash here: the plain one leaves this process nowhere.
 */
#include "cli/command.h"

#include <string.h>

#include "base/err.h"
#include "base/password.h"
#include "base/schema.h"
#include "cli/ask.h"
#include "cli/credential.h"
#include "cli/render.h"
#include "cli/secret.h"
#include "cli/table.h"

static void add_row(struct table *table, const struct look *look, struct span user)
{
    struct str cell = { 0 };

    table_value(table, json_get(user, "name"));
    credential_roles(&cell, user);
    table_cell(table, &cell);
    render_when(&cell, look, json_get_int(user, "since", 0));
    table_cell(table, &cell);
    if (json_get_bool(user, "on", false)) {
        str_add_text(&cell, "may sign in");
    } else {
        str_add_text(&cell, "disabled by ");
        render_value(&cell, json_get(user, "by"), 80);
    }
    table_cell(table, &cell);
}

static int list(const struct options *options)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 4, .head = { "name", "roles", "since", "state" } };
    struct str reply = { 0 }, out = { 0 };
    struct span user;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_reply(options, "users", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "users"), &pos, NULL, &user))
            add_row(&table, &look, user);
        if (table.count)
            table_render(&table, &out, &look);
        else
            str_add_text(&out, "there is no account: cordon user add NAME --role ROLE\n");
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

static int put_new_hash(struct json_out *out, const struct options *options,
                        struct err *err)
{
    struct str secret = { 0 }, hash = { 0 };
    int rc = secret_read_new(&secret, options, err);

    if (rc == 0) {
        password_hash(&hash, str_span(&secret));
        json_put_span(out, "hash", str_span(&hash));
    }
    str_wipe(&secret);
    str_fini(&hash);
    return rc;
}

static int send(const struct options *options, const char *verb, struct str *args,
                const char *what)
{
    struct str reply = { 0 }, out = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, verb, str_span(args), &reply, &is_over);

    if (!is_over) {
        render_value(&out, json_get(str_span(&reply), "name"), 80);
        str_printf(&out, " %s\n", what);
    }
    ask_print(&out);
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

/* What "cordon user WORD NAME" changes of an account. */
static const struct change {
    const char *word, *verb, *what;
    bool takes_password, takes_roles;
    const char *on; /* NULL: as it is */
} changes[] = {
    { "add", "user_add", "may sign in", true, true, NULL },
    { "password", "user_change", "has a new password, and is signed out everywhere", true,
      false, NULL },
    { "roles", "user_change", "has these roles from now on, and is signed out everywhere",
      false, true, NULL },
    { "disable", "user_change", "is signed out everywhere, and may not sign in any more",
      false, false, "false" },
    { "enable", "user_change", "may sign in again", false, false, "true" },
};
enum { CHANGES = sizeof changes / sizeof *changes };

static int change(const struct options *options, const struct change *change)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };
    struct err err;
    int rc = 0;

    if (options->arg_count != 2)
        return command_usage_error(options, "whose account? cordon user %s NAME",
                                   change->word);
    if (change->takes_roles && options->role_count == 0)
        return command_usage_error(options,
                                   "which roles? cordon user %s %.60s --role viewer, also "
                                   "responder, approver, author, admin; repeat for more",
                                   change->word, options->args[1]);
    json_open(&out, '{');
    if (change->takes_roles)
        credential_put_roles(&out, options);
    json_put(&out, "name", options->args[1]);
    if (change->on != NULL)
        json_put_raw(&out, "on", span_of(change->on));
    ask_put_reason(&out, options);
    if (change->takes_password)
        rc = put_new_hash(&out, options, &err);
    json_close(&out);
    rc = rc != 0 ? command_error(options, &err)
                 : send(options, change->verb, &args, change->what);
    str_fini(&args);
    return rc;
}

static int run_user(const struct options *options)
{
    const char *words[CHANGES + 1] = { "list" };
    const char *word = options->arg_count > 0 ? options->args[0] : "list";

    if (strcmp(word, "list") == 0 && options->arg_count <= 1)
        return list(options);
    for (int i = 0; i < CHANGES; i++) {
        if (strcmp(word, changes[i].word) == 0)
            return change(options, &changes[i]);
        words[i + 1] = changes[i].word;
    }
    const char *nearest = schema_nearest(span_of(word), words, CHANGES + 1);
    return command_usage_error(options, "cordon user %.40s: %s%s", word,
                               nearest
                                   ? "did you mean "
                                   : "want add, list, password, roles, disable or enable",
                               nearest ? nearest : "");
}

const struct command command_user = {
    .name = "user",
    .summary = "who may sign in to the console with a password",
    .usage =
        "cordon user [list | add NAME --role ROLE | password NAME | roles NAME --role ROLE "
        "|\n                   disable NAME | enable NAME]",
    .about =
        "NAME is the person's name in the groups of policy.lua. The password is typed "
        "twice, "
        "or\n"
        "is the line on standard input with --password-stdin; only its hash is kept. A "
        "role "
        "is\n"
        "what somebody may do here at all: viewer sees; responder starts, rolls back, "
        "settles,\n"
        "halts; approver votes, where the policy's groups say so too; author checks and "
        "tests\n"
        "playbooks; admin makes tokens. Each is a right of its own. With --group somebody "
        "votes\n"
        "for these groups only. Whatever is changed of an account ends its sessions at "
        "once.\n"
        "Only the user whom the engine runs as changes accounts.",
    .example = "cordon user add oncall --role viewer --role responder",
    .options = OPTION_ENGINE | OPTION_ROLE | OPTION_PASSWORD | OPTION_REASON,
    .args_max = 2,
    .run = run_user,
};

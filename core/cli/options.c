/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"
#include "cli/command.h"

struct option {
    const char *name;
    unsigned bit;      /* 0: every command takes it */
    const char *value; /* what it takes; NULL for a flag */
    const char *help;
};

static const struct option known[] = {
    { "--param", OPTION_PARAM, "K=V", "a parameter of the playbook; repeat for more" },
    { "--param-file", OPTION_PARAM, "FILE", "parameters as a JSON object" },
    { "--alert", OPTION_ALERT, "FILE",
      "the alert that started this, as JSON; - reads it"
      " from standard input" },
    { "--force", OPTION_FORCE, NULL,
      "take an alert that the playbook's on_alert does not" },
    { "--reason", OPTION_REASON, "TEXT", "why; it is kept in the journal" },
    { "--digest", OPTION_DIGEST, "HEX", "approve exactly this gate digest and no other" },
    { "--sign", OPTION_SIGN, "KEYFILE", "sign it with this SSH key, by ssh-keygen" },
    { "--who", OPTION_FILE_VOTE, "PERSON", "whose key it is, as it is enrolled" },
    { "--deny", OPTION_FILE_VOTE, NULL, "deny, in place of approving" },
    { "--out", OPTION_FILE_VOTE, "FILE", "write to this file" },
    { "--yes", OPTION_YES, NULL, "do not ask at the terminal" },
    { "--step", OPTION_STEP, "B/N", "only this one step, not the whole run" },
    { "--target", OPTION_STEP, "ID", "only what was done to this target" },
    { "--to", OPTION_BACK, "B/N", "back to this step: all that was done after it" },
    { "--plan", OPTION_BACK, NULL, "show what would be undone, and change nothing" },
    { "--run", OPTION_RUN, "RUN", "the run that lets go of it, when several want it" },
    { "--only", OPTION_ONLY, "STATE",
      "runs in this state: running, waiting, stuck, done, "
      "..." },
    { "--limit", OPTION_ONLY, "N", "at most so many (50 when not given)" },
    { "--unreadable", OPTION_UNREADABLE, NULL,
      "what was kept and could not be read, and what was refused" },
    { "--check", OPTION_CHECK, NULL, "observe each target again before the answer" },
    { "--rebuild", OPTION_REBUILD, NULL, "make the tables again from the journal" },
    { "--accept", OPTION_REBUILD, NULL,
      "take a journal as it is that is an older copy, has lost its mark, or was written "
      "to" },
    { "--reject", OPTION_REJECT, NULL, "it should not have been done" },
    { "--detach", OPTION_DETACH, NULL, "return when it is journaled; do not follow" },
    { "--role", OPTION_ROLE, "ROLE",
      "viewer, responder, approver, author or admin; repeat for more" },
    { "--group", OPTION_ROLE, "GROUP", "votes for this group of the policy only; repeat" },
    { "--for", OPTION_TOKEN, "PERSON", "speaks as this person of the policy" },
    { "--playbook", OPTION_TOKEN, "NAME",
      "starts runs of this playbook only, and changes nothing else; repeat" },
    { "--expires", OPTION_TOKEN, "TIME", "when it ends by itself (90d when not given)" },
    { "--password-stdin", OPTION_PASSWORD, NULL,
      "read the password's line from standard input" },
    { "--state", OPTION_STATE, "DIR", "where the journal is ($CORDON_STATE, .cordon)" },
    { "--config", OPTION_CONFIG, "FILE", "configuration for an engine that is started" },
    { "--json", OPTION_JSON, NULL, "for machines: one JSON document, or one a line" },
    { "--help", 0, NULL, "this page" },
};
enum { KNOWN_COUNT = sizeof known / sizeof known[0] };

static bool takes(const struct command *command, const struct option *option)
{
    return option->bit == 0 || (command->options & option->bit) != 0;
}

/* Finds the option that word names up to its '=', or explains which would be right. */
static const struct option *find(const struct command *command, struct span name,
                                 struct err *err)
{
    const char *names[KNOWN_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (!takes(command, &known[i]))
            continue;
        if (span_is(name, known[i].name))
            return &known[i];
        names[count++] = known[i].name;
    }
    const char *nearest = schema_nearest(name, names, count);
    struct str shown = { 0 };
    str_add_shown(&shown, name.ptr, name.len < 60 ? name.len : 60);
    if (nearest)
        err_set(err, ERR_INVALID, "cordon %s has no option %s: did you mean %s?",
                command->name, str_text(&shown), nearest);
    else
        err_set(err, ERR_INVALID, "cordon %s has no option %s: see cordon %s --help",
                command->name, str_text(&shown), command->name);
    str_fini(&shown);
    return NULL;
}

static int add_param(struct options *options, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return err_set(err, ERR_INVALID, "--param %.80s: want NAME=VALUE", text);
    if (options->param_count == OPTIONS_PARAMS_MAX)
        return err_set(err, ERR_TOO_BIG, "more than %d --param: use --param-file",
                       OPTIONS_PARAMS_MAX);
    struct span key = { text, (size_t)(equals - text) };
    for (int i = 0; i < options->param_count; i++)
        if (span_equal(options->params[i].key, key))
            return err_set(err, ERR_INVALID, "--param %.*s is given twice", (int)key.len,
                           key.ptr);
    options->params[options->param_count++] =
        (struct options_param){ .key = key, .value = span_of(equals + 1) };
    return 0;
}

static int set_limit(struct options *options, const char *text, struct err *err)
{
    if (!span_int(span_of(text), &options->limit) || options->limit < 1)
        return err_set(err, ERR_INVALID, "--limit %.40s: want a number from 1", text);
    return 0;
}

static int add_word(const char **words, int *count, const char *name, const char *value,
                    struct err *err)
{
    if (*count == OPTIONS_ROLES_MAX)
        return err_set(err, ERR_TOO_BIG, "more than %d %s", OPTIONS_ROLES_MAX, name);
    words[(*count)++] = value;
    return 0;
}

static int set_value(struct options *options, const char *name, const char *value,
                     struct err *err)
{
    const struct {
        const char *name;
        const char **place;
    } places[] = {
        { "--param-file", &options->param_file },
        { "--alert", &options->alert },
        { "--reason", &options->reason },
        { "--digest", &options->digest },
        { "--step", &options->step },
        { "--target", &options->target },
        { "--only", &options->only },
        { "--sign", &options->sign },
        { "--who", &options->who },
        { "--out", &options->out },
        { "--to", &options->to },
        { "--run", &options->run },
        { "--for", &options->for_whom },
        { "--expires", &options->expires },
        { "--state", &options->state_dir },
        { "--config", &options->config },
    };

    if (strcmp(name, "--param") == 0)
        return add_param(options, value, err);
    if (strcmp(name, "--limit") == 0)
        return set_limit(options, value, err);
    if (strcmp(name, "--role") == 0)
        return add_word(options->roles, &options->role_count, name, value, err);
    if (strcmp(name, "--group") == 0)
        return add_word(options->groups, &options->group_count, name, value, err);
    if (strcmp(name, "--playbook") == 0)
        return add_word(options->playbooks, &options->playbook_count, name, value, err);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(name, places[i].name) == 0)
            *places[i].place = value;
    return 0;
}

static void set_flag(struct options *options, const char *name)
{
    options->json |= strcmp(name, "--json") == 0;
    options->yes |= strcmp(name, "--yes") == 0;
    options->help |= strcmp(name, "--help") == 0;
    options->rebuild |= strcmp(name, "--rebuild") == 0;
    options->accept |= strcmp(name, "--accept") == 0;
    options->unreadable |= strcmp(name, "--unreadable") == 0;
    options->check |= strcmp(name, "--check") == 0;
    options->force |= strcmp(name, "--force") == 0;
    options->deny |= strcmp(name, "--deny") == 0;
    options->plan |= strcmp(name, "--plan") == 0;
    options->reject |= strcmp(name, "--reject") == 0;
    options->password_stdin |= strcmp(name, "--password-stdin") == 0;
    options->detach |= strcmp(name, "--detach") == 0;
}

/* Takes the option at argv[i]; returns how many words it was, or a negative code. */
static int take(struct options *options, const struct command *command, int argc,
                char **argv, int i, struct err *err)
{
    const char *equals = strchr(argv[i], '=');
    struct span name = span_of(argv[i]);

    if (equals)
        name.len = (size_t)(equals - argv[i]);
    if (span_is(name, "-h"))
        name = span_of("--help");
    const struct option *option = find(command, name, err);
    if (!option)
        return err->code;
    if (!option->value) {
        if (equals)
            return err_set(err, ERR_INVALID, "%s takes no value", option->name);
        set_flag(options, option->name);
        return 1;
    }
    if (!equals && i + 1 >= argc)
        return err_set(err, ERR_INVALID, "%s wants a value: %s %s", option->name,
                       option->name, option->value);
    if (set_value(options, option->name, equals ? equals + 1 : argv[i + 1], err) != 0)
        return err->code;
    return equals ? 1 : 2;
}

/* A usage of several lines is said in one. */
static int wrong_count(const struct command *command, const char *what, const char *word,
                       struct err *err)
{
    struct str usage = { 0 };

    for (const char *at = command->usage; *at;) {
        size_t len = strcspn(at, "\n");

        str_add(&usage, at, len);
        at += len;
        at += strspn(at, "\n ");
        if (*at)
            str_add_char(&usage, ' ');
    }
    err_set(err, ERR_INVALID, "cordon %s%s%.80s: %s", command->name, what,
            word != NULL ? word : "", str_text(&usage));
    str_fini(&usage);
    return err->code;
}

static int check_count(const struct options *options, const struct command *command,
                       struct err *err)
{
    if (options->help)
        return 0;
    if (options->arg_count < command->args_min)
        return wrong_count(command, " wants more", NULL, err);
    if (options->arg_count > command->args_max)
        return wrong_count(command, ": nothing is to be done with ",
                           options->args[command->args_max], err);
    return 0;
}

int options_parse(struct options *options, const struct command *command, int argc,
                  char **argv, struct err *err)
{
    bool is_over = false;

    *options = (struct options){ .state_dir = getenv("CORDON_STATE") };
    for (int i = 0; i < argc;) {
        bool is_option = !is_over && argv[i][0] == '-' && argv[i][1] != 0;
        if (is_option && strcmp(argv[i], "--") == 0) {
            is_over = true;
            i++;
        } else if (is_option) {
            int words = take(options, command, argc, argv, i, err);
            if (words < 0)
                return words;
            i += words;
        } else if (options->arg_count == OPTIONS_ARGS_MAX) {
            return err_set(err, ERR_TOO_BIG, "more than %d words", OPTIONS_ARGS_MAX);
        } else {
            options->args[options->arg_count++] = argv[i++];
        }
    }
    if (!options->state_dir || !options->state_dir[0])
        options->state_dir = ".cordon";
    return check_count(options, command, err);
}

void options_describe(struct str *out, unsigned bits)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (known[i].bit != 0 && (bits & known[i].bit) == 0)
            continue;
        size_t start = out->len;
        str_printf(out, "  %s%s%s", known[i].name, known[i].value ? " " : "",
                   known[i].value ? known[i].value : "");
        while (out->len - start < 22)
            str_add_char(out, ' ');
        str_printf(out, "%s\n", known[i].help);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon policy: what is in force, what it says of a change, and tests of it.
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/schema.h"
#include "cli/ask.h"
#include "cli/gate.h"
#include "cli/input.h"
#include "cli/render.h"

enum { TEXT_MAX = 1000 };

/* -- show ------------------------------------------------------------------------------------ */

static int show(const struct options *options)
{
    struct str reply = { 0 }, out = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, "policy", span_of("{}"), &reply, &is_over);

    if (!is_over && exit_code == 0) {
        render_value(&out, json_get(str_span(&reply), "path"), TEXT_MAX);
        str_add_text(&out, "\nsha256 ");
        render_value(&out, json_get(str_span(&reply), "hash"), 80);
        str_add_char(&out, '\n');
        json_pretty(&out, json_get(str_span(&reply), "policy"), 0);
        str_add_char(&out, '\n');
        ask_print(&out);
    } else if (!is_over) {
        str_add_text(&out, "cordon: ");
        render_value(&out, json_get(str_span(&reply), "why"), TEXT_MAX);
        str_add_char(&out, '\n');
        ask_complain(&out);
    }
    str_fini(&out);
    str_fini(&reply);
    return exit_code;
}

/* -- explain ---------------------------------------------------------------------------------- */

static void put_demand(struct str *out, struct span demand)
{
    if (json_count(json_get(demand, "slots")) > 0) {
        str_add_text(out, "one each of ");
        render_list(out, json_get(demand, "slots"), TEXT_MAX);
        return;
    }
    str_printf(out, "%lld of ", (long long)json_get_int(demand, "need", 1));
    if (json_count(json_get(demand, "from")) > 0)
        render_list(out, json_get(demand, "from"), TEXT_MAX);
    else
        str_add_text(out, "any group");
}

static void put_needs(struct str *out, struct span needs)
{
    int64_t need = json_get_int(needs, "need", 0);
    struct span demand;
    size_t pos = 0;

    if (json_get_bool(needs, "forbidden", false)) {
        str_add_text(out, "not allowed: ");
        render_value(out, json_get(needs, "why"), TEXT_MAX);
        return;
    }
    if (need == 0) {
        str_add_text(out, "needs nobody's approval");
        return;
    }
    for (int i = 0; json_next(json_get(needs, "demands"), &pos, NULL, &demand); i++) {
        str_add_text(out, i > 0 ? "; and " : "needs ");
        put_demand(out, demand);
    }
}

static void put_line(struct str *out, const char *label, struct span list)
{
    if (json_count(list) == 0)
        return;
    str_printf(out, "      %-8s", label);
    render_list(out, list, TEXT_MAX);
    str_add_char(out, '\n');
}

static void put_freezes(struct str *out, struct span freezes)
{
    struct span freeze;
    size_t pos = 0;

    while (json_next(freezes, &pos, NULL, &freeze)) {
        str_add_text(out, "      freeze  \"");
        render_value(out, json_get(freeze, "name"), TEXT_MAX);
        str_add_text(out, "\" until ");
        render_value(out, json_get(freeze, "to"), 60);
        str_add_text(out, json_get_bool(freeze, "emergency", false)
                              ? ", by its emergency path\n"
                              : ", without an emergency path\n");
    }
}

/* What a change needs: which rules, which freezes, which guard. */
static void put_reasons(struct str *out, const char *when, struct span needs)
{
    str_printf(out, "      %-8s", when);
    put_needs(out, needs);
    str_add_char(out, '\n');
    put_line(out, "rules", json_get(needs, "rules"));
    put_freezes(out, json_get(needs, "freezes"));
    if (json_get(needs, "guard").len > 0) {
        str_add_text(out, "      guard   would stop it: ");
        render_value(out, json_get(needs, "guard"), TEXT_MAX);
        str_add_char(out, '\n');
    }
}

static void put_head(struct str *out, struct span step)
{
    str_add_text(out, "  ");
    render_value(out, json_get(step, "path"), 80);
    str_add_text(out, "  ");
    render_value(out, json_get(step, "action"), 100);
    str_add_text(out,
                 span_is(json_get_raw(step, "op"), "restore") ? " undone on " : " on ");
    render_value(out, json_get(step, "target"), TEXT_MAX);
    str_add_char(out, '\n');
}

static void put_step(struct str *out, struct span step)
{
    struct span rules = json_get(step, "rules");

    put_head(out, step);
    str_add_text(out, "      state   ");
    render_value(out, json_get(step, "state"), 80);
    if (json_kind(json_get(step, "gate")) == JSON_STRING) {
        str_add_text(out, json_get(step, "needs").len > 0 ? " " : ", approved at ");
        render_value(out, json_get(step, "gate"), 40);
    }
    str_add_char(out, '\n');
    if (json_get(step, "needs").len > 0) {
        put_reasons(out, "asked", json_get(step, "needs"));
        if (!json_same(json_get(step, "needs"), json_get(step, "now")))
            put_reasons(out, "now", json_get(step, "now"));
        if (json_count(json_get(step, "not_known")) > 0)
            str_add_text(out,
                         "      guard   tenants, own and targets_percent are not known: "
                         "the gate is older than its notes of them\n");
    } else if (json_count(rules) > 0) {
        put_line(out, "rules", rules);
        str_add_text(out, "      guard   none stood against it\n");
    } else if (rules.len > 0) {
        str_add_text(out, "      rules   none matches\n");
    } else {
        str_add_text(out, "      rules   none was asked: nothing had to be changed\n");
    }
}

static void show_run(struct span reply)
{
    struct span steps = json_get(reply, "steps"), error = json_get(reply, "error"), step;
    struct look look = look_of_stdout();
    struct str out = { 0 };
    size_t pos = 0;

    render_value(&out, json_get(reply, "run"), 40);
    str_add_text(&out, "  ");
    render_value(&out, json_get(reply, "playbook"), 100);
    str_add_text(&out, "  ");
    render_value(&out, json_get(reply, "state"), 40);
    str_add_char(&out, '\n');
    while (json_next(steps, &pos, NULL, &step))
        put_step(&out, step);
    if (json_count(steps) == 0)
        str_add_text(&out, "  it has changed nothing, and nothing waits\n");
    gate_render_limits(&out, &look, reply, "More may follow");
    if (json_kind(error) == JSON_OBJECT) {
        str_add_text(&out, "  it ended because: ");
        render_error(&out, error);
        str_add_char(&out, '\n');
    }
    ask_print(&out);
    str_fini(&out);
}

static int explain_run(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 };
    struct json_out out = { .str = &args };
    bool is_over;

    json_open(&out, '{');
    ask_put_run(&out, options->args[1]);
    if (options->arg_count > 2)
        json_put(&out, "step", options->args[2]);
    json_close(&out);
    int exit_code = ask_reply(options, "explain", str_span(&args), &reply, &is_over);
    if (!is_over)
        show_run(str_span(&reply));
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

static int build_plan(struct str *args, const struct options *options, struct err *err)
{
    struct json_out out = { .str = args };
    char *path;

    if (input_find_playbook(&path, options->args[1], err) != 0)
        return err->code;
    json_open(&out, '{');
    int rc = input_put_playbook(&out, path, err);
    if (rc == 0)
        rc = input_put_params(&out, options, err);
    json_close(&out);
    free(path);
    return rc;
}

static void show_plan(struct span reply)
{
    struct span changes = json_get(reply, "changes"), error = json_get(reply, "error"),
                step;
    struct look look = look_of_stdout();
    struct str out = { 0 };
    size_t pos = 0;

    while (json_next(changes, &pos, NULL, &step)) {
        put_head(&out, step);
        put_reasons(&out, "policy", json_get(step, "needs"));
    }
    if (json_count(changes) == 0)
        str_add_text(&out, "nothing would be changed\n");
    gate_render_limits(&out, &look, reply, "More may follow");
    if (json_kind(error) == JSON_OBJECT) {
        str_add_text(&out, "the plan ends here: ");
        render_error(&out, error);
        str_add_char(&out, '\n');
    }
    ask_print(&out);
    str_fini(&out);
}

/* What would happen, and for each change what the policy of now says. */
static int explain_playbook(const struct options *options)
{
    struct str args = { 0 }, reply = { 0 };
    struct err err;
    bool is_over;
    int exit_code;

    if (build_plan(&args, options, &err) != 0) {
        exit_code = command_error(options, &err);
    } else {
        exit_code = ask_reply(options, "plan", str_span(&args), &reply, &is_over);
        if (!is_over || (!options->json && json_get(str_span(&reply), "changes").len > 0))
            show_plan(str_span(&reply));
    }
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

static int explain(const struct options *options)
{
    int64_t run;

    return id_parse_run(span_of(options->args[1]), &run) ? explain_run(options)
                                                         : explain_playbook(options);
}

/* -- test -------------------------------------------------------------------------------------- */

/* NAME.lua beside NAME.test.lua; NULL when the test is called otherwise. Heap. */
static char *policy_of(const char *test)
{
    size_t len = strlen(test), tail = strlen(".test.lua");
    struct str path = { 0 };

    if (len <= tail || strcmp(test + len - tail, ".test.lua") != 0)
        return NULL;
    str_add(&path, test, len - tail);
    str_add_text(&path, ".lua");
    return str_take(&path);
}

static int build_test(struct str *args, const char *test, const char *policy,
                      struct err *err)
{
    struct json_out out = { .str = args };
    struct str source = { 0 };

    json_open(&out, '{');
    int rc = input_put_policy(&out, policy, err);
    if (rc == 0)
        rc = input_read(&source, test, INPUT_PLAYBOOK_MAX, "test", err);
    json_key(&out, "test");
    json_open(&out, '{');
    json_put(&out, "name", test);
    json_put_span(&out, "source", str_span(&source));
    json_close(&out);
    json_close(&out);
    str_fini(&source);
    return rc;
}

static void show_message(struct str *out, struct span message)
{
    char *text = json_text(message);

    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);

        str_add_text(out, "        ");
        str_add_shown(out, line, len);
        str_add_char(out, '\n');
        line = end != NULL ? end + 1 : NULL;
    }
    free(text);
}

static void show_tests(const char *file, struct span reply)
{
    struct str out = { 0 };
    struct span test;
    size_t pos = 0;

    str_printf(&out, "# %s\n", file);
    while (json_next(json_get(reply, "tests"), &pos, NULL, &test)) {
        bool is_ok = json_get_bool(test, "ok", false);

        str_add_text(&out, is_ok ? "ok      " : "not ok  ");
        render_value(&out, json_get(test, "name"), TEXT_MAX);
        str_add_char(&out, '\n');
        if (!is_ok)
            show_message(&out, json_get(test, "message"));
    }
    str_printf(&out, "%lld passed, %lld failed\n",
               (long long)json_get_int(reply, "passed", 0),
               (long long)json_get_int(reply, "failed", 0));
    ask_print(&out);
    str_fini(&out);
}

static int test(const struct options *options)
{
    const char *file = options->args[1];
    char *policy =
        options->arg_count > 2 ? xstrdup(options->args[2]) : policy_of(options->args[1]);
    struct str args = { 0 }, reply = { 0 };
    struct err err;
    bool is_over;
    int exit_code;

    if (policy == NULL)
        return command_usage_error(options,
                                   "%.200s is not called NAME.test.lua: name the policy "
                                   "behind it, cordon policy test FILE POLICY.lua",
                                   file);
    if (build_test(&args, file, policy, &err) != 0) {
        exit_code = command_error(options, &err);
    } else {
        exit_code = ask_reply(options, "policy_test", str_span(&args), &reply, &is_over);
        if (!is_over)
            show_tests(file, str_span(&reply));
    }
    free(policy);
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

/* -- the command --------------------------------------------------------------------------------- */

static int run_policy(const struct options *options)
{
    static const char *const words[] = { "show", "explain", "test" };
    const char *word = options->args[0];
    bool wants_more = strcmp(word, "show") != 0;

    if (strcmp(word, words[0]) != 0 && strcmp(word, words[1]) != 0 &&
        strcmp(word, words[2]) != 0) {
        const char *nearest = schema_nearest(span_of(word), words, 3);
        return command_usage_error(options, "cordon policy %.40s: %s%s", word,
                                   nearest ? "did you mean " : "want show, explain or test",
                                   nearest ? nearest : "");
    }
    if (wants_more && options->arg_count == 1)
        return command_usage_error(options, "cordon policy %s wants more: %s", word,
                                   strcmp(word, "test") == 0
                                       ? "cordon policy test FILE.test.lua"
                                       : "cordon policy explain RUN [STEP], or PLAYBOOK "
                                         "with --param or --alert");
    if (options->arg_count > (wants_more ? 3 : 1))
        return command_usage_error(options,
                                   "cordon policy %s takes nothing more: what is "
                                   "%.80s?",
                                   word, options->args[wants_more ? 3 : 1]);
    if (strcmp(word, "explain") == 0)
        return explain(options);
    return wants_more ? test(options) : show(options);
}

const struct command command_policy = {
    .name = "policy",
    .summary = "the policy in force, what it says of a change, and tests of it",
    .usage = "cordon policy show | explain RUN [STEP] | explain PLAYBOOK |\n"
             "       cordon policy test FILE.test.lua [POLICY.lua]",
    .about =
        "show prints the policy in force and its hash. explain names for each change of a\n"
        "run, past or waiting, the rules, freezes and guards that made it so; for a\n"
        "playbook, those of each change that it would make (--param and --alert as for\n"
        "cordon plan). test asks the policy NAME.lua beside NAME.test.lua about a table "
        "of\n"
        "changes; exit code 1 when one is not as expected.",
    .example = "cordon policy test playbooks/policy.test.lua",
    .options = OPTION_ENGINE | OPTION_PARAM | OPTION_ALERT | OPTION_FORCE,
    .args_min = 1,
    .args_max = 3,
    .run = run_policy,
};

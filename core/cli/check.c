/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon check and cordon test: playbooks, before they are needed.
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/ask.h"
#include "cli/input.h"
#include "cli/rehearse.h"
#include "cli/render.h"

/* -- check ------------------------------------------------------------------------------ */

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* Does the word playbook stand before a brace, outside of a comment? A policy is data and
 * calls nothing. */
static bool calls_playbook(const char *source)
{
    static const char word[] = "playbook";

    for (const char *at = source; *at; at++) {
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
            if (!*at)
                return false;
        }
        if (strncmp(at, word, sizeof word - 1) != 0)
            continue;
        const char *next = at + sizeof word - 1;
        next += strspn(next, " \t\r\n");
        if (*next == '{' || *next == '(')
            return true;
    }
    return false;
}

/* Adds the reply for one file. Returns its exit code, or a negative code. */
static int check_file(const struct options *options, const char *path, struct str *reply,
                      struct err *err)
{
    struct str args = { 0 }, source = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    int rc = input_read(&source, path, INPUT_PLAYBOOK_MAX, "playbook", err);
    if (rc == 0)
        rc = calls_playbook(str_text(&source)) ? input_put_playbook(&out, path, err)
                                               : input_put_policy(&out, path, err);
    str_fini(&source);
    json_close(&out);
    if (rc == 0)
        rc = ask_once(options, "check", str_span(&args), reply, err);
    str_fini(&args);
    return rc;
}

/* FILE:LINE:COL: level: message. Returns how many are errors. */
static int add_findings(struct str *out, const char *path, struct span reply)
{
    struct span findings = json_get(reply, "findings"), finding;
    bool is_policy = span_is(json_get_raw(reply, "kind"), "policy");
    size_t pos = 0;
    int errors = 0;

    while (json_next(findings, &pos, NULL, &finding)) {
        struct span level = json_get_raw(finding, "level");
        int64_t line = json_get_int(finding, "line", 0);
        int64_t column = json_get_int(finding, "column", 0);
        bool is_error = !span_is(level, "warning");
        str_printf(out, "%s:", path);
        if (line > 0)
            str_printf(out, "%lld:", (long long)line);
        if (line > 0 && column > 0)
            str_printf(out, "%lld:", (long long)column);
        str_add_text(out, is_error ? " " : " warning: ");
        if (is_policy)
            str_add_text(out, "taken as a policy, since it makes no playbook {}: ");
        render_value(out, json_get(finding, "message"), 4000);
        str_add_char(out, '\n');
        errors += is_error;
    }
    return errors;
}

static void put_checked(struct json_out *out, const char *path, struct span reply)
{
    json_open(out, '{');
    json_put(out, "file", path);
    json_put_raw(out, "findings", json_get(reply, "findings"));
    json_close(out);
}

struct check_run {
    const struct options *options;
    struct str text, json;
    struct json_out out;
    int errors, files, policies, tests;
};

/* What stands in a folder of playbooks is looked at as what it is. */
static int check_one(struct check_run *run, const char *given, struct err *err)
{
    struct str reply = { 0 };
    char *path;

    if (ends_in(given, ".test.lua")) {
        run->tests++;
        return 0;
    }
    if (input_find_playbook(&path, given, err) != 0)
        return err->code;
    int rc = check_file(run->options, path, &reply, err);
    struct span answer = str_span(&reply);
    if (rc > 0 && json_get(answer, "findings").len == 0)
        rc = err_set(err, ERR_IO, "%s: %s", path, str_text(&reply));
    if (rc >= 0) {
        run->errors += add_findings(&run->text, path, answer);
        run->files++;
        run->policies += span_is(json_get_raw(answer, "kind"), "policy");
        put_checked(&run->out, path, answer);
    }
    free(path);
    str_fini(&reply);
    return rc < 0 ? rc : 0;
}

static void show_checked(struct check_run *run)
{
    if (run->errors == 0 && run->files > 0) {
        str_printf(&run->text, "%d file%s, nothing wrong", run->files,
                   run->files == 1 ? "" : "s");
        if (run->policies > 0)
            str_printf(&run->text, "; %d of them a policy", run->policies);
        str_add_char(&run->text, '\n');
    }
    if (run->tests > 0)
        str_printf(&run->text, "%d test%s left to \"cordon test\"\n", run->tests,
                   run->tests == 1 ? "" : "s");
}

static int run_check(const struct options *options)
{
    struct check_run run = { .options = options };
    struct err err;
    int rc = 0;

    run.out.str = &run.json;
    json_open(&run.out, '{');
    json_key(&run.out, "files");
    json_open(&run.out, '[');
    for (int i = 0; i < options->arg_count && rc == 0; i++)
        rc = check_one(&run, options->args[i], &err);
    json_close(&run.out);
    json_close(&run.out);
    if (rc == 0)
        show_checked(&run);
    if (!options->json)
        ask_print(&run.text);
    else if (rc == 0)
        printf("%s\n", str_text(&run.json));
    str_fini(&run.text);
    str_fini(&run.json);
    return rc != 0 ? command_error(options, &err) : run.errors ? EXIT_FAILED : EXIT_DONE;
}

/* -- test ------------------------------------------------------------------------------- */

struct test_run {
    const struct options *options;
    struct str json;
    struct json_out out;
    int64_t passed, failed;
};

struct test_paths {
    char *playbook, *test;
};

/* NAME.lua and NAME.test.lua for either of them. */
static void find_paths(const char *given, struct test_paths *paths)
{
    struct str base = { 0 };
    size_t len = strlen(given);

    if (len > 9 && strcmp(given + len - 9, ".test.lua") == 0)
        len -= 9;
    else if (len > 4 && strcmp(given + len - 4, ".lua") == 0)
        len -= 4;
    str_add(&base, given, len);
    str_add_text(&base, ".lua");
    paths->playbook = xstrdup(str_text(&base));
    base.len = len;
    str_add_text(&base, ".test.lua");
    paths->test = str_take(&base);
}

static int put_test(struct json_out *out, const char *path, struct err *err)
{
    struct str source = { 0 };
    int rc = input_read(&source, path, INPUT_PLAYBOOK_MAX, "test", err);

    if (rc == 0) {
        char *name = input_base_name(path, ".lua");
        json_key(out, "test");
        json_open(out, '{');
        json_put(out, "name", name);
        json_put_span(out, "source", str_span(&source));
        json_close(out);
        free(name);
    }
    str_fini(&source);
    return rc;
}

/* What is wrong with a case: one line, or several. */
static void show_lines(struct str *out, const char *name, struct span test)
{
    char *text = json_get_text(test, "message");
    int64_t at = json_get_int(test, "line", 0);

    for (char *line = text, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
        if (end != NULL)
            end++;
        str_add_text(out, "        ");
        if (at > 0 && line == text)
            str_printf(out, "%s:%lld: ", name, (long long)at);
        str_add_shown(out, line, len < 4000 ? len : 4000);
        str_add_char(out, '\n');
    }
    free(text);
}

static void show_tests(const char *name, struct span tests)
{
    struct str out = { 0 };
    struct span test;
    size_t pos = 0;

    str_printf(&out, "# %s\n", name);
    while (json_next(tests, &pos, NULL, &test)) {
        bool is_ok = json_get_bool(test, "ok", false);
        str_add_text(&out, is_ok ? "ok      " : "not ok  ");
        render_value(&out, json_get(test, "name"), 300);
        str_add_char(&out, '\n');
        if (!is_ok)
            show_lines(&out, name, test);
    }
    ask_print(&out);
    str_fini(&out);
}

/* A case that wants a world comes back untried: it is tried here. */
static int try_test(const struct test_paths *paths, struct span test, struct json_out *out,
                    bool *is_ok, struct err *err)
{
    struct span rehearsal = json_get(test, "rehearse");
    struct str message = { 0 };
    int rc = 0;

    if (rehearsal.len == 0) {
        *is_ok = json_get_bool(test, "ok", false);
        json_raw_value(out, test);
        return 0;
    }
    rc = rehearse(rehearsal, paths->playbook, paths->test, &message, err);
    *is_ok = message.len == 0;
    json_open(out, '{');
    json_put(out, "message", *is_ok ? NULL : str_text(&message));
    json_put_raw(out, "name", json_get(test, "name"));
    json_put_bool(out, "ok", *is_ok);
    json_close(out);
    str_fini(&message);
    return rc;
}

static int try_tests(struct test_run *run, const struct test_paths *paths,
                     struct span given, struct str *tests, struct err *err)
{
    struct json_out out = { .str = tests };
    struct span test;
    size_t pos = 0;
    int rc = 0;

    json_open(&out, '[');
    while (rc == 0 && json_next(given, &pos, NULL, &test)) {
        bool is_ok;
        rc = try_test(paths, test, &out, &is_ok, err);
        run->passed += is_ok;
        run->failed += !is_ok;
    }
    json_close(&out);
    return rc;
}

/* A reply without tests is an error about the file as a whole. */
static int take_tests(struct test_run *run, const struct test_paths *paths,
                      struct span reply, struct err *err)
{
    struct span given = json_get(reply, "tests");
    struct str tests = { 0 };

    if (json_kind(given) != JSON_ARRAY) {
        struct str text = { 0 };
        render_error(&text, json_get(reply, "error"));
        err_set(err, ERR_INVALID, "%s: %s", paths->test, str_text(&text));
        str_fini(&text);
        return err->code;
    }
    int rc = try_tests(run, paths, given, &tests, err);
    if (rc == 0 && !run->options->json)
        show_tests(paths->test, str_span(&tests));
    json_open(&run->out, '{');
    json_put(&run->out, "file", paths->test);
    json_put_raw(&run->out, "tests", str_span(&tests));
    json_close(&run->out);
    str_fini(&tests);
    return rc;
}

static int test_file(struct test_run *run, const char *given, struct err *err)
{
    struct str args = { 0 }, reply = { 0 };
    struct json_out out = { .str = &args };
    struct test_paths paths;
    char *found;

    if (input_find_playbook(&found, given, err) != 0)
        return err->code;
    find_paths(found, &paths);
    json_open(&out, '{');
    int rc = input_put_playbook(&out, paths.playbook, err);
    if (rc == 0)
        rc = put_test(&out, paths.test, err);
    json_close(&out);
    if (rc == 0)
        rc = ask_once(run->options, "test", str_span(&args), &reply, err);
    if (rc >= 0)
        rc = take_tests(run, &paths, str_span(&reply), err);
    free(found);
    free(paths.playbook);
    free(paths.test);
    str_fini(&args);
    str_fini(&reply);
    return rc;
}

static int run_test(const struct options *options)
{
    struct test_run run = { .options = options };
    struct err err;
    int rc = 0;

    run.out.str = &run.json;
    json_open(&run.out, '{');
    json_key(&run.out, "files");
    json_open(&run.out, '[');
    for (int i = 0; i < options->arg_count && rc == 0; i++)
        rc = test_file(&run, options->args[i], &err);
    json_close(&run.out);
    json_put_int(&run.out, "passed", run.passed);
    json_put_int(&run.out, "failed", run.failed);
    json_close(&run.out);
    if (rc == 0 && options->json)
        printf("%s\n", str_text(&run.json));
    else if (rc == 0)
        printf("%lld passed, %lld failed\n", (long long)run.passed, (long long)run.failed);
    fflush(stdout);
    str_fini(&run.json);
    return rc != 0 ? command_error(options, &err) : run.failed ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_check = {
    .name = "check",
    .summary = "find what is wrong in playbooks without running them",
    .usage = "cordon check PLAYBOOK...",
    .about =
        "Syntax, unknown actions, arguments against their schemas, parameters that the\n"
        "playbook does not declare, fields that no result and no alert has, calls of ctx,\n"
        "groups that the policy does not have, more approvals than they have people, an\n"
        "on_alert that can start nothing or that no alert can match, gates that are never\n"
        "reached. One finding a line, FILE:LINE:COLUMN: message; exit code\n"
        "1 when one of them is an error. A file that makes no playbook {} is taken as a\n"
        "policy; NAME.test.lua is left to cordon test.",
    .example = "cordon check playbooks/*.lua",
    .options = OPTION_ENGINE,
    .args_min = 1,
    .args_max = OPTIONS_ARGS_MAX,
    .run = run_check,
};

const struct command command_test = {
    .name = "test",
    .summary = "run the tests of playbooks",
    .usage = "cordon test PLAYBOOK...",
    .about =
        "PLAYBOOK is NAME.lua or NAME.test.lua; the other one stands beside it. A case\n"
        "answers what the playbook asks for, and nothing is sent anywhere; or it names a\n"
        "world, and is run for real on a simulator of its own.",
    .example = "cordon test playbooks/contain-app-service.test.lua",
    .options = OPTION_ENGINE,
    .args_min = 1,
    .args_max = OPTIONS_ARGS_MAX,
    .run = run_test,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon doctor: is everything there that a run will need?
 */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/ask.h"
#include "cli/azsim.h"
#include "cli/render.h"
#include "serve/index.h"

/* Checks are collected as JSON, from us and from the engine alike, and shown at the end. */
struct doctor {
    const struct options *options;
    struct str json;
    struct json_out out;
    int bad;
};

static void add_check(struct doctor *doctor, const char *name, bool is_ok, const char *text,
                      const char *fix)
{
    json_open(&doctor->out, '{');
    json_put(&doctor->out, "name", name);
    json_put_bool(&doctor->out, "ok", is_ok);
    json_put(&doctor->out, "text", text);
    json_put(&doctor->out, "fix", fix);
    json_close(&doctor->out);
    doctor->bad += !is_ok;
}

static void check_state_dir(struct doctor *doctor)
{
    const char *dir = doctor->options->state_dir;
    struct stat status;
    struct str text = { 0 };
    bool is_there = stat(dir, &status) == 0;
    /* A group may be let through to the socket, see docs/operations.md. */
    bool is_private = is_there && (status.st_mode & (S_IWGRP | S_IWOTH | S_IROTH)) == 0;

    str_printf(&text, "%s%s", dir,
               !is_there     ? " is not there yet; the first run makes it"
               : !is_private ? " can be read by anybody, or written by others than you"
                             : "");
    if (is_there && access(dir, R_OK | W_OK | X_OK) != 0)
        add_check(doctor, "state directory", false, strerror(errno), "use one of your own");
    else
        add_check(doctor, "state directory", !is_there || is_private, str_text(&text),
                  !is_there || is_private
                      ? NULL
                      : "chmod 700, or 2710 when a group shall reach its socket");
    str_fini(&text);
}

/* The engine looks, also one that has another configuration: this one does not come into force. */
static void check_config(struct doctor *doctor)
{
    const char *path = doctor->options->config;
    char *full = path != NULL ? realpath(path, NULL) : NULL;
    struct str args = { 0 }, reply = { 0 };
    struct json_out out = { .str = &args };
    struct span check;
    struct err err;
    size_t pos = 0;

    if (path == NULL)
        return;
    if (full == NULL) {
        add_check(doctor, "config", false, strerror(errno), "give the right --config");
        return;
    }
    json_open(&out, '{');
    json_put(&out, "path", full);
    json_close(&out);
    int exit_code =
        ask_once(doctor->options, "config_check", str_span(&args), &reply, &err);
    while (exit_code == 0 &&
           json_next(json_get(str_span(&reply), "checks"), &pos, NULL, &check)) {
        struct str name = { 0 };
        char *what = json_get_text(check, "name"), *text = json_get_text(check, "text");

        str_printf(&name, "config %s", what);
        add_check(doctor, str_text(&name), json_get_bool(check, "ok", false), text, NULL);
        str_fini(&name);
        free(what);
        free(text);
    }
    if (exit_code < 0)
        add_check(doctor, "config", false, err.text, NULL);
    else if (exit_code > 0)
        add_check(doctor, "config", false, "it was not looked at",
                  "ask as the user whom the engine runs as");
    str_fini(&args);
    str_fini(&reply);
    free(full);
}

static void check_libexec(struct doctor *doctor)
{
    char *path = azsim_find();

    add_check(doctor, "simulator", path != NULL, path ? path : "azsim was not found",
              path ? NULL : "set CORDON_LIBEXEC to the folder it is in");
    free(path);
}

/* What the engine says of itself; that it cannot start is one more check. */
static void check_engine(struct doctor *doctor)
{
    struct str reply = { 0 };
    struct span check;
    struct err err;
    size_t pos = 0;
    int exit_code = ask_once(doctor->options, "status", span_of("{}"), &reply, &err);

    if (exit_code < 0)
        add_check(doctor, "engine", false, err.text, NULL);
    while (exit_code >= 0 &&
           json_next(json_get(str_span(&reply), "checks"), &pos, NULL, &check)) {
        json_raw_value(&doctor->out, check);
        doctor->bad += !json_get_bool(check, "ok", false);
    }
    str_fini(&reply);
    if (exit_code < 0)
        return;
    exit_code = ask_once(doctor->options, "verify", span_of("{}"), &reply, &err);
    struct span rows = json_get(str_span(&reply), "rows");
    struct str text = { 0 };
    if (exit_code < 0)
        str_add_text(&text, err.text);
    else if (exit_code > 0)
        render_error(&text, json_get(str_span(&reply), "error"));
    else
        str_printf(&text,
                   "%.*s rows, as they were written, and %lld entries that say the same",
                   (int)rows.len, rows.ptr,
                   (long long)json_get_int(str_span(&reply), "entries", 0));
    add_check(doctor, "verified", exit_code == 0, str_text(&text),
              exit_code == 0 ? NULL : "restore the state directory from a copy");
    str_fini(&text);
    str_fini(&reply);
}

static void show_checks(const struct doctor *doctor)
{
    struct look look = look_of_stdout();
    struct str out = { 0 };
    struct span check;
    size_t pos = 0;

    while (json_next(json_get(str_span(&doctor->json), "checks"), &pos, NULL, &check)) {
        bool is_ok = json_get_bool(check, "ok", false);
        render_styled(&out, &look, is_ok ? STYLE_GOOD : STYLE_BAD,
                      is_ok ? "ok    " : "not ok");
        str_add_text(&out, "  ");
        size_t start = out.len;
        render_value(&out, json_get(check, "name"), 60);
        render_pad(&out, start, 18);
        render_value(&out, json_get(check, "text"), 600);
        if (!is_ok && json_kind(json_get(check, "fix")) == JSON_STRING) {
            str_add_text(&out, "; to mend it: ");
            render_value(&out, json_get(check, "fix"), 600);
        }
        str_add_char(&out, '\n');
    }
    ask_print(&out);
    str_fini(&out);
}

static int rebuild(const struct options *options)
{
    struct str reply = { 0 };
    bool is_over;
    int exit_code = ask_reply(options, "rebuild", span_of("{}"), &reply, &is_over);

    if (!is_over)
        printf("%lld entries made again from %lld rows\n",
               (long long)json_get_int(str_span(&reply), "entries", 0),
               (long long)json_get_int(str_span(&reply), "rows", 0));
    str_fini(&reply);
    return exit_code;
}

/* Without an engine, as none starts on such a journal; the lock keeps one away meanwhile. */
static int accept(const struct options *options)
{
    struct str said = { 0 };
    struct err err;

    if (options->reason == NULL)
        return command_usage_error(options,
                                   "--accept wants --reason TEXT: it is journaled");
    int rc = index_accept(options->state_dir, getuid(), options->reason, &said, &err);
    if (rc == 0)
        printf("%s\n", str_text(&said));
    str_fini(&said);
    return rc == 0 ? EXIT_DONE : command_error(options, &err);
}

static int run_doctor(const struct options *options)
{
    struct doctor doctor = { .options = options };

    if (options->accept)
        return accept(options);
    if (options->rebuild)
        return rebuild(options);
    doctor.out.str = &doctor.json;
    json_open(&doctor.out, '{');
    json_key(&doctor.out, "checks");
    json_open(&doctor.out, '[');
    check_state_dir(&doctor);
    check_config(&doctor);
    check_libexec(&doctor);
    check_engine(&doctor);
    json_close(&doctor.out);
    json_put_bool(&doctor.out, "ok", doctor.bad == 0);
    json_close(&doctor.out);
    if (options->json)
        printf("%s\n", str_text(&doctor.json));
    else
        show_checks(&doctor);
    str_fini(&doctor.json);
    return doctor.bad ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "is everything there that a run will need?",
    .usage = "cordon doctor [--config FILE] [--rebuild | --accept --reason TEXT]",
    .about =
        "Looks at the state directory, the journal, plugins.lock, configuration and "
        "policy.\n"
        "With --config FILE it says of that file, whatever is in force, if it could be: "
        "its\n"
        "certificates, secrets and paths too.\n"
        "--rebuild makes the tables again from the journal, which stays as it is.\n"
        "--accept is for a journal that no engine starts on: an older copy that was put "
        "back, "
        "one\n"
        "without its mark, or one whose seal does not fit. When the chain of its rows is "
        "whole "
        "it\n"
        "is taken as it is, its tables are made again, and who did it and why is "
        "journaled.",
    .example = "cordon doctor",
    .options = OPTION_ENGINE | OPTION_REBUILD | OPTION_REASON,
    .run = run_doctor,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon contained: what is still contained, by whom, until when, and how it is released.
 */
#include "cli/command.h"

#include <stdio.h>

#include "base/err.h"

#include "cli/ask.h"
#include "cli/render.h"

enum {
    COLUMNS = 80,
    WHAT_MAX = 400,
    TARGET_MAX = 4000,
    CHECK_OLDER_MS = 500 /* a target that was observed so recently is not observed again */
};

/* Lines of a hold, none longer than a narrow terminal but for the target; --json has all. */
static void add_line(struct str *out, size_t start, size_t columns)
{
    render_cut(out, start, columns);
    str_add_char(out, '\n');
}

static void add_times(struct str *out, struct span hold)
{
    int64_t times = json_get_int(hold, "extended", 0);

    if (times > 0)
        str_printf(out, " (extended %lld time%s)", (long long)times, times > 1 ? "s" : "");
}

/* What happens when its time is over. */
static void add_then(struct str *out, struct span hold)
{
    struct span then = json_get_raw(hold, "on_expire");

    str_add_text(out, span_is(then, "ask")      ? ", then people are asked"
                      : span_is(then, "extend") ? ", then as long again"
                                                : ", then it is released");
    add_times(out, hold);
}

static void add_over(struct str *out, struct span hold)
{
    struct span gate = json_get(hold, "gate");

    str_add_text(out, "; its time is over: ");
    str_add_text(out, json_kind(gate) == JSON_STRING ? "cordon gates " : "cordon show ");
    render_value(out, json_kind(gate) == JSON_STRING ? gate : json_get(hold, "expired_in"),
                 40);
}

static void add_since(struct str *out, const struct look *look, struct span hold)
{
    int64_t until_ms = json_get_int(hold, "until", 0);

    str_add_text(out, "  since ");
    render_when(out, look, json_get_int(hold, "since", 0));
    if (json_kind(json_get(hold, "expired_in")) == JSON_STRING) {
        add_over(out, hold);
    } else if (until_ms > 0) {
        str_add_text(out, ", until ");
        render_when(out, look, until_ms);
        add_then(out, hold);
    } else {
        str_add_text(out, ", until it is released");
        if (json_kind(json_get(hold, "kept_in")) == JSON_STRING) {
            str_add_text(out, ", as decided in ");
            render_value(out, json_get(hold, "kept_in"), 40);
        }
    }
}

static void add_people(struct str *out, struct span hold)
{
    str_add_text(out, "  wanted by ");
    render_list(out, json_get(hold, "runs"), 60);
    if (json_count(json_get(hold, "approved_by")) > 0) {
        str_add_text(out, ", approved by ");
        render_list(out, json_get(hold, "approved_by"), 60);
    }
}

static const char *verdict_text(struct span verdict)
{
    struct span word = json_raw(verdict);

    return span_is(word, "undone") ? "NOT IN FORCE: somebody put it back"
           : span_is(word, "gone") ? "NOT IN FORCE: the target does not exist any more"
                                   : "NOT IN FORCE: somebody changed it";
}

/* What the last check found, when that is not what we left. */
static void add_seen(struct str *out, const struct look *look, struct span hold,
                     size_t columns)
{
    struct span seen = json_get(hold, "seen");
    size_t start = out->len;

    if (json_kind(seen) != JSON_OBJECT)
        return;
    str_add_text(out, "  ");
    render_styled(out, look, STYLE_BAD, verdict_text(json_get(seen, "verdict")));
    str_add_text(out, ", found ");
    render_when(out, look, json_get_int(seen, "since", 0));
    add_line(out, start, columns);
    start = out->len;
    if (json_get(seen, "now").len > 0) {
        str_add_text(out, "  it is now ");
        render_value(out, json_get(seen, "now"), WHAT_MAX);
        add_line(out, start, look->columns > 0 ? columns : WHAT_MAX);
    }
}

/* A check that fails leaves the verdict as it was, so the reader must know how old that is. */
static void add_unseen(struct str *out, const struct look *look, struct span hold,
                       size_t columns)
{
    struct span unseen = json_get(hold, "unobserved");
    size_t start = out->len;

    if (json_kind(unseen) != JSON_OBJECT)
        return;
    str_add_text(out, "  ");
    render_styled(out, look, STYLE_BAD, "COULD NOT BE OBSERVED");
    str_add_text(out, " since ");
    render_when(out, look, json_get_int(unseen, "since", 0));
    if (json_kind(json_get(unseen, "why")) == JSON_STRING) {
        str_add_text(out, ": ");
        render_value(out, json_get(unseen, "why"), WHAT_MAX);
    }
    add_line(out, start, look->columns > 0 ? columns : WHAT_MAX);
}

static void add_release(struct str *out, struct span hold)
{
    str_add_text(out, "  cordon release ");
    render_value(out, json_get(hold, "hold"), 40);
}

/* The short name is that of many; this is what rollback --target takes, so it is never cut. */
static void add_whole_target(struct str *out, struct span target)
{
    str_add_text(out, "  ");
    render_value(out, target, TARGET_MAX);
    str_add_char(out, '\n');
}

static void add_hold(struct str *out, const struct look *look, struct span hold)
{
    size_t columns = look->columns > 0 ? (size_t)look->columns : COLUMNS;
    struct span what = json_get(hold, "what");
    size_t start = out->len;

    render_value(out, json_get(hold, "hold"), 40);
    str_add_text(out, "  ");
    render_target(out, json_get(hold, "target"));
    add_line(out, start, columns);
    add_whole_target(out, json_get(hold, "target"));
    start = out->len;
    str_add_text(out, "  ");
    render_value(out, json_kind(what) == JSON_STRING ? what : json_get(hold, "action"),
                 400);
    add_line(out, start, look->columns > 0 ? columns : WHAT_MAX);
    add_seen(out, look, hold, columns);
    add_unseen(out, look, hold, columns);
    start = out->len;
    add_since(out, look, hold);
    add_line(out, start, columns);
    start = out->len;
    add_people(out, hold);
    add_line(out, start, columns);
    start = out->len;
    add_release(out, hold);
    add_line(out, start, columns);
}

/* Has the targets observed again: with --check before the answer, else beside it, so that the
 * next look at the list has it. */
static int check_holds(const struct options *options)
{
    char args[64];
    struct str reply = { 0 };
    struct err err;

    snprintf(args, sizeof args, "{\"older\":%d,\"wait\":%s}",
             options->check ? 0 : CHECK_OLDER_MS, options->check ? "true" : "false");
    int exit_code = ask_once(options, "check_holds", span_of(args), &reply, &err);
    int64_t failed = json_get_int(str_span(&reply), "failed", 0);

    if (options->check && exit_code < 0)
        fprintf(stderr, "cordon: the targets were not observed: %s\n", err.text);
    else if (failed > 0)
        fprintf(stderr,
                "cordon: %lld target%s could not be observed now; shown as last seen\n",
                (long long)failed, failed > 1 ? "s" : "");
    str_fini(&reply);
    return options->check && exit_code < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_contained(const struct options *options)
{
    int checked = check_holds(options);
    struct look look = look_of_stdout();
    struct str reply = { 0 }, out = { 0 };
    struct span hold;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_reply(options, "contained", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "holds"), &pos, NULL, &hold))
            add_hold(&out, &look, hold);
        if (out.len == 0)
            str_add_text(&out, "nothing is contained\n");
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code != EXIT_DONE ? exit_code : checked;
}

const struct command command_contained = {
    .name = "contained",
    .summary = "what is contained now, by which runs, and how to release it",
    .usage = "cordon contained [--check]",
    .about =
        "What several runs want is listed once for each of them, with all of their "
        "names; it\n"
        "is put back when the last of them lets go. Each target is observed again while\n"
        "the list is shown, and by a daemon every 15 minutes (holds.check_every); with\n"
        "--check the list waits for that. A containment that somebody has undone says NOT "
        "IN\n"
        "FORCE; one whose target cannot be observed says since when, and why not.",
    .example = "cordon contained",
    .options = OPTION_ENGINE | OPTION_CHECK,
    .run = run_contained,
};

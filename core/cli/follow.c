/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "cli/ask.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/decide.h"
#include "cli/gate.h"
#include "cli/live.h"
#include "cli/person.h"
#include "cli/slow.h"
#include "cli/stuck.h"

enum { ROUNDS_MAX = 100000, QUIET_MS = 2000, QUIET_MAX_MS = 64 * 1000 };

/* The newest row that was taken of a run: it may be asked for again. */
struct seen {
    int64_t run, seq;
    bool is_due; /* a run that is followed called it, and nobody has looked at it yet */
    bool
        is_left; /* it was not over when its own child was followed: its last rows are to come */
};

struct follow {
    const struct options *options;
    struct live live;
    struct slow slow;
    struct str out;
    struct str run; /* the run that is followed; empty until the engine has said */
    struct str reply;
    struct str decided; /* the gate that was just decided here */
    struct seen *seen;  /* of it, and of the runs that it waits for */
    int seen_count, seen_cap;
    int64_t past;   /* so many of the rows that come now are of before */
    bool is_before; /* they are, and happened before this command */
    bool hides_past, shows_past, stays;
    bool said_held;
};

static void print_json_line(struct span json)
{
    fwrite(json.ptr, 1, json.len, stdout);
    putchar('\n');
    fflush(stdout);
}

static void learn_run(struct follow *follow, struct span json)
{
    str_add_span(&follow->run, json_get_raw(json, "run"));
    follow->live.run = str_span(&follow->run);
}

static struct seen *seen_of(struct follow *follow, struct span run)
{
    int64_t id = 0;

    id_parse_run(run, &id);
    for (int i = 0; i < follow->seen_count; i++)
        if (follow->seen[i].run == id)
            return &follow->seen[i];
    if (follow->seen_count == follow->seen_cap) {
        follow->seen_cap = follow->seen_cap ? follow->seen_cap * 2 : 8;
        follow->seen =
            xrealloc(follow->seen, (size_t)follow->seen_cap * sizeof(struct seen));
    }
    follow->seen[follow->seen_count] = (struct seen){ .run = id };
    return &follow->seen[follow->seen_count++];
}

static bool is_root(const struct follow *follow, struct span run)
{
    return span_equal(run, str_span(&follow->run));
}

/* The rows of before come now. Those of the run that was asked for are shown to who watches,
 * those of a run that it waits for to everybody, and each row once. */
static void begin_past(struct follow *follow, struct span json)
{
    struct span run = json_get_raw(json, "run");

    follow->past = json_get_int(json, "past", 0);
    follow->is_before = seen_of(follow, run)->seq == 0;
    follow->hides_past = follow->is_before && is_root(follow, run) && !follow->shows_past;
}

/* Has it been taken before? */
static bool is_again(struct follow *follow, struct span json)
{
    int64_t seq = json_get_int(json, "seq", 0);
    struct seen *seen = seq > 0 ? seen_of(follow, json_get_raw(json, "run")) : NULL;
    bool is_old = seen != NULL && seq <= seen->seq;

    if (seen != NULL && !is_old)
        seen->seq = seq;
    return is_old;
}

/* It may be over before it is asked for, and is shown all the same. */
static void note_child(struct follow *follow, struct span json)
{
    struct span child = json_get_raw(json_get(json, "body"), "run");
    struct seen *seen = span_is(json_get_raw(json, "kind"), "child") && child.len > 0
                            ? seen_of(follow, child)
                            : NULL;

    if (seen != NULL && seen->seq == 0)
        seen->is_due = true;
}

/* What was before is read in any case, so that what comes has a name. */
static void on_event(struct follow *follow, struct span json)
{
    bool is_past = follow->past > 0;

    if (follow->run.len == 0)
        learn_run(follow, json);
    if (json_get(json, "past").len) {
        begin_past(follow, json);
        return;
    }
    follow->past -= is_past;
    if (is_again(follow, json))
        return;
    if (!is_past || !follow->is_before || !is_root(follow, json_get_raw(json, "run")))
        note_child(follow, json);
    if (follow->options->json) {
        if (!is_past || !follow->hides_past)
            print_json_line(json);
        return;
    }
    follow->live.is_past = is_past && follow->is_before;
    live_render(&follow->live, &follow->out, json);
    if (is_past && follow->hides_past)
        str_reset(&follow->out);
    follow->said_held = false;
    ask_print(&follow->out);
}

/* The verbs that go on with a run which has rows already. */
static bool has_past(const char *verb)
{
    static const char *const verbs[] = { "watch",  "approve", "deny", "answer",
                                         "settle", "signal",  "retry" };

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (span_is(span_of(verb), verbs[i]))
            return true;
    return false;
}

static bool concerns(const struct follow *follow, struct span scope)
{
    const char *playbook = follow->live.playbook;

    if (!span_starts(scope, "playbook:"))
        return true;
    scope.ptr += sizeof "playbook:" - 1;
    scope.len -= sizeof "playbook:" - 1;
    return playbook && span_is(scope, playbook);
}

/* A run that is held by a halt has nothing to say of itself, so the halts are asked for. */
static void say_held(struct follow *follow)
{
    struct str reply = { 0 };
    struct span halt;
    struct err err;
    size_t pos = 0;

    if (ask_once(follow->options, "halts", span_of("{}"), &reply, &err) == 0)
        while (json_next(json_get(str_span(&reply), "halts"), &pos, NULL, &halt))
            if (concerns(follow, json_get_raw(halt, "scope"))) {
                live_render_held(&follow->live, &follow->out, halt);
                follow->said_held = true;
            }
    ask_print(&follow->out);
    str_fini(&reply);
}

static void wait_for_more(struct follow *follow, const struct client *client)
{
    int wait_ms = QUIET_MS;

    while (!follow->options->json && !follow->said_held && follow->run.len &&
           client_is_quiet(client, wait_ms)) {
        say_held(follow);
        if (wait_ms < QUIET_MAX_MS)
            wait_ms *= 2;
    }
}

static int on_gone(struct follow *follow)
{
    const char *run = str_text(&follow->run);
    struct err err;

    live_render_open(&follow->live, &follow->out);
    ask_print(&follow->out);
    if (follow->run.len)
        err_set(
            &err, ERR_IO,
            "the engine was killed; nothing is lost: \"cordon watch %s\" goes on with it",
            run);
    else
        err_set(
            &err, ERR_IO,
            "the engine was killed before it answered: \"cordon runs\" tells what it took");
    return command_error(follow->options, &err);
}

static int on_interrupt(struct follow *follow)
{
    const char *run = str_text(&follow->run);

    live_clear(&follow->live, &follow->out);
    ask_print(&follow->out);
    if (follow->run.len)
        str_printf(&follow->out,
                   "\n%s goes on without you\n  cordon watch %s     follows it\n"
                   "  cordon cancel %s    stops it\n",
                   run, run, run);
    else
        str_add_text(&follow->out,
                     "\ninterrupted before the engine took it: \"cordon runs\""
                     " tells whether a run began\n");
    ask_complain(&follow->out);
    return EXIT_INTERRUPTED;
}

/* A call takes long: that is shown in the place of what is under way. */
static bool is_slow(struct follow *follow, struct span json)
{
    if (!slow_take(&follow->slow, follow->options, json))
        return false;
    follow->live.has_passing = false;
    return true;
}

/* One ask to its reply. True when there is one; else *exit_code is the command's. */
static bool ask_and_show(struct follow *follow, const char *verb, struct span args,
                         int *exit_code)
{
    struct client client;
    struct client_message message = { 0 };
    struct err err;
    int got = client_ask(&client, follow->options, verb, args, &err);

    while (got == 0 || got == CLIENT_EVENT) {
        wait_for_more(follow, &client);
        got = client_next(&client, &message, &err);
        if (got == CLIENT_EVENT && is_slow(follow, message.json))
            continue;
        slow_clear(&follow->slow);
        if (got == CLIENT_EVENT)
            on_event(follow, message.json);
    }
    str_reset(&follow->reply);
    if (got == CLIENT_REPLY)
        str_add_span(&follow->reply, message.json);
    *exit_code = got == CLIENT_REPLY         ? message.exit
                 : got == CLIENT_GONE        ? on_gone(follow)
                 : got == CLIENT_INTERRUPTED ? on_interrupt(follow)
                                             : command_error(follow->options, &err);
    client_close(&client);
    return got == CLIENT_REPLY;
}

/* -- The end ---------------------------------------------------------------------------- */

static void add_done(struct follow *follow, struct str *out, const char *run)
{
    int changes = follow->live.changes;

    if (follow->live.began_ms) {
        str_add_text(out, " in ");
        render_took(out, clock_unix_ms() - follow->live.began_ms);
    }
    if (changes > 0)
        str_printf(out,
                   ", %d change%s\n  cordon show %s        what was done, and who agreed\n"
                   "  cordon rollback %s    puts it back as it was\n",
                   changes, changes == 1 ? "" : "s", run, run);
    else if (follow->live.undone > 0)
        str_printf(out, ", %d undone\n  cordon contained          what stays contained\n",
                   follow->live.undone);
    else if (follow->live.began_ms)
        str_add_text(out, ", no changes\n");
    else
        str_printf(out, "\n  cordon show %s        what was done, and who agreed\n", run);
}

static void add_end(struct follow *follow, struct span reply, struct str *out)
{
    struct span state = json_get_raw(reply, "state"), error = json_get(reply, "error");
    const char *run = str_text(&follow->run);
    bool is_done = span_is(state, "done");
    struct str line = { 0 };

    str_printf(&line, "%s %.*s", run, (int)state.len, state.ptr);
    render_styled(out, &follow->live.look,
                  is_done                     ? STYLE_GOOD
                  : span_is(state, "waiting") ? STYLE_WARN
                                              : STYLE_BAD,
                  str_text(&line));
    str_fini(&line);
    if (is_done) {
        add_done(follow, out, run);
        return;
    }
    if (json_kind(error) > JSON_NULL) {
        str_add_text(out, ": ");
        render_error(out, error);
    }
    if (span_is(state, "stuck"))
        str_add_text(out, ": a person must settle it");
    str_add_char(out, '\n');
    if (span_is(state, "waiting")) {
        waits_render(out, &follow->live.look, &follow->live.waits, str_span(&follow->run));
        str_printf(out, "  cordon watch %s    follows it\n", run);
    } else if (follow->live.changes > 0)
        str_printf(out,
                   "  cordon contained          what stays contained\n"
                   "  cordon rollback %s    puts it back as it was\n",
                   run);
}

/* Asks for the run, and prints what a person must settle in it. */
static void show_stuck(const struct options *options, struct span run)
{
    struct look look = look_of_stdout();
    struct str args = { 0 }, reply = { 0 }, out = { 0 };
    struct json_out arg = { .str = &args };
    bool is_over;

    json_open(&arg, '{');
    json_put_span(&arg, "run", run);
    json_close(&arg);
    ask_reply(options, "show", str_span(&args), &reply, &is_over);
    if (!is_over)
        stuck_render(&out, &look, str_span(&reply));
    ask_print(&out);
    str_fini(&args);
    str_fini(&reply);
    str_fini(&out);
}

/* Journaled and not followed: without its name nobody finds the run again. */
static void show_detached(struct follow *follow)
{
    const char *run = str_text(&follow->run);

    str_printf(&follow->out, "%s goes on without you\n  cordon watch %s    follows it\n",
               run, run);
    ask_print(&follow->out);
}

static void show_end(struct follow *follow, struct span reply)
{
    struct look look = look_of_stdout();

    live_clear(&follow->live, &follow->out);
    if (json_kind(json_get(reply, "changes")) == JSON_ARRAY) {
        str_add_text(&follow->out,
                     "the alert is simulated (a sample or a test): nothing is "
                     "changed for it. This is what would be\n\n");
        gate_render_plan(&follow->out, &look, reply);
        ask_print(&follow->out);
        return;
    }
    if (json_kind(json_get(reply, "state")) != JSON_STRING) {
        ask_print(&follow->out);
        if (json_kind(json_get(reply, "error")) > JSON_NULL)
            ask_print_error(reply);
        else if (follow->run.len > 0)
            show_detached(follow);
        return;
    }
    add_end(follow, reply, &follow->out);
    ask_print(&follow->out);
}

/* A gate stands open: shows it, and asks whoever is there. True when there is a next ask. */
static bool at_gate(struct follow *follow, struct span gate_id, char **verb,
                    struct str *args)
{
    bool was_decided = span_equal(gate_id, str_span(&follow->decided));

    live_clear(&follow->live, &follow->out);
    ask_print(&follow->out);
    if (was_decided) {
        printf("%.*s wants more approvals than yours; the run waits for them\n",
               (int)gate_id.len, gate_id.ptr);
        return false;
    }
    char *id = span_dup(gate_id);
    bool has_next = decide_at_gate(follow->options, id, verb, args);
    str_reset(&follow->decided);
    str_add_text(&follow->decided, id);
    free(id);
    return has_next;
}

/* The arguments, and that the rows of before are wanted. Who watches stays also while the run
 * waits for time alone. */
static void with_past(struct str *out, struct span args, bool stays)
{
    str_add_text(out, stays ? "{\"past\":true,\"stay\":true" : "{\"past\":true");
    if (json_count(args) > 0)
        str_add_char(out, ',');
    str_add(out, args.ptr + 1, args.len - 1);
}

static bool is_over(struct span state)
{
    return state.len > 0 && !span_is(state, "waiting") && !span_is(state, "stuck") &&
           !span_is(state, "running");
}

/* The first run that was called and not looked at yet; 0: none is. */
static int64_t next_due(const struct follow *follow)
{
    for (int i = 0; i < follow->seen_count; i++)
        if (follow->seen[i].is_due)
            return follow->seen[i].run;
    return 0;
}

/* The last run that was left for one that it called; 0: none was. */
static int64_t take_left(struct follow *follow)
{
    for (int i = follow->seen_count; i > 0; i--)
        if (follow->seen[i - 1].is_left) {
            follow->seen[i - 1].is_left = false;
            return follow->seen[i - 1].run;
        }
    return 0;
}

/* The run to watch next, or 0: one that was called, one that this one waits for, or, when such
 * a one is over, the one that was left for it, and the first at the end. */
static int64_t next_run(struct follow *follow)
{
    struct span reply = str_span(&follow->reply), state = json_get_raw(reply, "state");
    struct span name = json_get_raw(reply, "run");
    bool is_first = is_root(follow, name);
    int64_t run = state.len > 0 ? next_due(follow) : 0;

    if (run > 0 || id_parse_run(json_get_raw(reply, "child"), &run)) {
        if (!is_first && name.len > 0 && !is_over(state))
            seen_of(follow, name)->is_left = true;
        return run;
    }
    if (!is_over(state))
        return 0;
    run = take_left(follow);
    if (run == 0 && !is_first)
        id_parse_run(str_span(&follow->run), &run);
    return run;
}

static bool goes_on(struct follow *follow, char **verb, struct str *args)
{
    int64_t run = follow->options->detach || follow->run.len == 0 ? 0 : next_run(follow);
    struct str plain = { 0 };

    if (run == 0)
        return false;
    seen_of(follow, span_of(id_run(run).text))->is_due = false;
    str_printf(&plain, "{\"run\":\"%s\"}", id_run(run).text);
    str_reset(args);
    with_past(args, str_span(&plain), follow->stays);
    str_fini(&plain);
    free(*verb);
    *verb = xstrdup("watch");
    return true;
}

/* How the run that is followed rests, when the one that it waits for rests. */
static void put_rest(struct follow *follow, struct str *text)
{
    struct span reply = str_span(&follow->reply), run = json_get_raw(reply, "run");
    struct json_out out = { .str = text };

    if (is_root(follow, run) || json_get(reply, "state").len == 0) {
        str_add_span(text, reply);
        return;
    }
    json_open(&out, '{');
    json_put_span(&out, "child", run);
    json_put_raw(&out, "error", (struct span){ 0 });
    json_put_raw(&out, "gate", json_get(reply, "gate"));
    json_put_span(&out, "run", str_span(&follow->run));
    json_put(&out, "state", "waiting");
    json_close(&out);
}

static void end_here(struct follow *follow)
{
    struct span reply = str_span(&follow->reply);
    struct str rest = { 0 };

    put_rest(follow, &rest);
    if (follow->options->json) {
        print_json_line(str_span(&rest));
    } else {
        show_end(follow, str_span(&rest));
        if (!follow->live.saw_stop && span_is(json_get_raw(reply, "state"), "stuck"))
            show_stuck(follow->options, json_get_raw(reply, "run"));
    }
    str_fini(&rest);
}

static int follow_on(struct follow *follow, const char *verb, struct span args)
{
    struct str next_args = { 0 };
    char *next_verb = NULL;
    int exit_code = EXIT_FAILED;
    bool has_next = true;

    for (int i = 0; has_next && i < ROUNDS_MAX; i++) {
        if (!ask_and_show(follow, next_verb ? next_verb : verb,
                          next_verb ? str_span(&next_args) : args, &exit_code))
            break;
        struct span reply = str_span(&follow->reply);
        struct span gate = json_get_raw(reply, "gate");
        bool is_at_gate = gate.len > 0 && exit_code == EXIT_WAITING;

        if (follow->run.len == 0)
            learn_run(follow, reply);
        if (is_at_gate && !follow->options->json && !follow->options->detach) {
            has_next = at_gate(follow, gate, &next_verb, &next_args);
        } else if (is_at_gate || !goes_on(follow, &next_verb, &next_args)) {
            end_here(follow);
            has_next = false;
        }
    }
    free(next_verb);
    str_fini(&next_args);
    return exit_code;
}

int follow(const struct options *options, const char *verb, struct span args)
{
    struct follow state = { .options = options, .live = { .look = look_of_stdout() } };

    state.live.is_terminal = !options->json && state.live.look.is_color;
    client_catch_interrupt();
    state.stays = span_is(span_of(verb), "watch");
    state.shows_past = state.stays && !options->json;
    struct str asked = { 0 };
    if (has_past(verb))
        with_past(&asked, args, state.stays);
    else
        str_add_span(&asked, args);
    int exit_code = follow_on(&state, verb, str_span(&asked));
    str_fini(&asked);
    live_fini(&state.live);
    free(state.seen);
    slow_fini(&state.slow);
    str_fini(&state.out);
    str_fini(&state.run);
    str_fini(&state.reply);
    str_fini(&state.decided);
    return exit_code;
}

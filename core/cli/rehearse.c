/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rehearse.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/client.h"
#include "cli/cloud.h"
#include "cli/input.h"
#include "cli/outcome.h"
#include "cli/render.h"
#include "cli/stage.h"

enum {
    WORLD_LEN_MAX = 1024 * 1024,
    LOG_LEN_MAX = 16 * 1024 * 1024,
    WATCH_MS = 500 /* then gates are looked for again */
};

struct rehearsal {
    struct span now; /* the case */
    const char *playbook_path, *test_path;
    struct cloud cloud;
    struct stage stage;
    int64_t until_us;
    struct str reply; /* the newest */
    struct str run;   /* what is carried on */
    struct str gate;  /* that was decided last */
    int gates;
    struct str *message;
};

/* "../worlds/shop.json" is meant from where the test file is. Heap. */
static char *path_beside(const char *test_path, struct span name)
{
    const char *slash = strrchr(test_path, '/');
    struct str path = { 0 };

    if (name.ptr[0] != '/' && slash != NULL)
        str_add(&path, test_path, (size_t)(slash + 1 - test_path));
    str_add_span(&path, name);
    return str_take(&path);
}

/* -- asking ------------------------------------------------------------------------------ */

/* Leaves the reply in rehearsal->reply; without one until then, ERR_BUSY and the old one. */
static int ask_until(struct rehearsal *rehearsal, const char *verb, const struct str *args,
                     int64_t until_us, struct err *err)
{
    if (until_us > rehearsal->until_us)
        until_us = rehearsal->until_us;
    int rc = stage_ask(&rehearsal->stage, verb, str_span(args), until_us, &rehearsal->reply,
                       err);
    if (rc == ERR_BUSY && clock_mono_us() >= rehearsal->until_us)
        return err_set(err, ERR_BUSY, "the rehearsal took longer than %d s",
                       REHEARSE_WITHIN_S);
    return rc;
}

static int ask(struct rehearsal *rehearsal, const char *verb, const struct str *args,
               struct err *err)
{
    return ask_until(rehearsal, verb, args, rehearsal->until_us, err);
}

/* The reply is a refusal, not a run. */
static int refused(struct rehearsal *rehearsal, const char *what, struct err *err)
{
    struct str text = { 0 };

    render_error(&text, json_get(str_span(&rehearsal->reply), "error"));
    err_set(err, ERR_INVALID, "%s: %s", what, str_text(&text));
    str_fini(&text);
    return err->code;
}

/* An ask whose reply says where a run is. */
static int ask_run(struct rehearsal *rehearsal, const char *verb, const struct str *args,
                   struct err *err)
{
    if (ask(rehearsal, verb, args, err) != 0)
        return err->code;
    if (json_get(str_span(&rehearsal->reply), "state").len == 0)
        return refused(rehearsal, verb, err);
    return 0;
}

static int trust(struct rehearsal *rehearsal, struct err *err)
{
    char *plugin = stage_find_plugin();
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    if (plugin == NULL)
        return err_set(err, ERR_NOT_FOUND,
                       "azure.so was not found: set CORDON_PLUGINS to the folder it is in");
    json_open(&out, '{');
    json_put(&out, "path", plugin);
    json_close(&out);
    free(plugin);
    int rc = ask(rehearsal, "trust", &args, err);
    str_fini(&args);
    if (rc == 0 && json_get(str_span(&rehearsal->reply), "sha256").len == 0)
        return refused(rehearsal, "trust azure.so", err);
    return rc;
}

static int start_run(struct rehearsal *rehearsal, struct err *err)
{
    struct span params = json_get(rehearsal->now, "params");
    struct span alert = json_get(rehearsal->now, "alert");
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    int rc = input_put_playbook(&out, rehearsal->playbook_path, err);
    /* An empty Lua table is a list as JSON. */
    json_put_raw(&out, "params_json",
                 json_kind(params) == JSON_OBJECT ? params : span_of("{}"));
    json_put_raw(&out, "params", span_of("{}"));
    if (alert.len > 0)
        json_put_span(&out, "alert_text", alert);
    json_put_bool(&out, "follow", true);
    json_close(&out);
    if (rc == 0)
        rc = ask_run(rehearsal, "run", &args, err);
    str_fini(&args);
    return rc;
}

/* -- gates ------------------------------------------------------------------------------- */

/* The case's answer to the gate that is decided now: {"in_order":[...]} has one for each. */
static struct span answer_for(const struct rehearsal *rehearsal, const char *name)
{
    struct span given = json_path(rehearsal->now, "answers"), item = { 0 };
    size_t pos = 0;

    given = json_get(given, name);
    struct span list = json_get(given, "in_order");
    if (json_kind(list) != JSON_ARRAY)
        return given;
    for (int i = 0; i < rehearsal->gates; i++)
        if (!json_next(list, &pos, NULL, &item))
            return (struct span){ 0 };
    return item;
}

static int look_at_gate(struct rehearsal *rehearsal, struct err *err)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    json_put_span(&out, "gate", str_span(&rehearsal->gate));
    json_close(&out);
    int rc = ask(rehearsal, "gate", &args, err);
    str_fini(&args);
    if (rc == 0 && json_get(str_span(&rehearsal->reply), "digest").len == 0)
        return refused(rehearsal, "gate", err);
    return rc;
}

/* Begins the arguments of the verb by which the gate that was looked at is decided. */
static const char *put_decision(const struct rehearsal *rehearsal, bool is_back,
                                struct json_out *out, struct err *err)
{
    struct span shown = str_span(&rehearsal->reply);
    bool is_ask = span_is(json_get_raw(json_get(shown, "body"), "k"), "ask");
    struct span given = answer_for(rehearsal, is_ask ? "ask" : "approve");

    json_put_span(out, "gate", str_span(&rehearsal->gate));
    if (is_ask && given.len == 0) {
        err_set(err, ERR_INVALID, "the case has no answer for ctx.ask");
        return NULL;
    }
    if (is_ask) {
        json_put_raw(out, "value", given);
        return "answer";
    }
    json_put_span(out, "digest", json_get_raw(shown, "digest"));
    json_put(out, "reason", "the case says so");
    return json_kind(given) == JSON_FALSE && !is_back ? "deny" : "approve";
}

static int decide(struct rehearsal *rehearsal, bool is_back, struct err *err)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    rehearsal->gates++;
    if (look_at_gate(rehearsal, err) != 0)
        return err->code;
    json_open(&out, '{');
    const char *verb = put_decision(rehearsal, is_back, &out, err);
    json_put_bool(&out, "follow", true);
    json_close(&out);
    int rc = verb != NULL ? ask_run(rehearsal, verb, &args, err) : err->code;
    str_fini(&args);
    return rc;
}

/* The next gate that nobody has decided: also one of an undo that the run waits for. Empty
 * when there is none; the one that was decided last when it wants somebody else too. */
static int find_gate(struct rehearsal *rehearsal, struct str *gate, struct err *err)
{
    struct str args = { 0 };
    struct span open;
    size_t pos = 0;

    str_add_text(&args, "{}");
    int rc = ask(rehearsal, "gates", &args, err);
    str_fini(&args);
    str_reset(gate);
    if (rc == 0 &&
        json_next(json_get(str_span(&rehearsal->reply), "gates"), &pos, NULL, &open))
        str_add_span(gate, json_get_raw(open, "gate"));
    return rc;
}

/* Waits until the run parks again or is over, at most for a moment. */
static int watch(struct rehearsal *rehearsal, struct err *err)
{
    int64_t until_us = clock_mono_us() + (int64_t)WATCH_MS * 1000;
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    json_put_span(&out, "run", str_span(&rehearsal->run));
    json_put_bool(&out, "follow", true);
    json_close(&out);
    int rc = ask_until(rehearsal, "watch", &args, until_us, err);
    str_fini(&args);
    return rc == ERR_BUSY && clock_mono_us() < rehearsal->until_us ? 0 : rc;
}

/* Is what the newest reply is about our run, and has it come to an end? */
static bool is_over(const struct rehearsal *rehearsal)
{
    struct span reply = str_span(&rehearsal->reply);
    struct span state = json_get_raw(reply, "state");

    return span_equal(json_get_raw(reply, "run"), str_span(&rehearsal->run)) &&
           state.len > 0 && !span_is(state, "waiting");
}

/* Decides gates until the run is over, or waits for somebody else's vote. */
static int carry_on(struct rehearsal *rehearsal, bool is_back, struct err *err)
{
    struct str gate = { 0 };
    int rc = 0;

    str_reset(&rehearsal->run);
    str_add_span(&rehearsal->run, json_get_raw(str_span(&rehearsal->reply), "run"));
    while (rc == 0 && !is_over(rehearsal)) {
        rc = find_gate(rehearsal, &gate, err);
        if (rc == 0 && gate.len > 0 &&
            span_equal(str_span(&gate), str_span(&rehearsal->gate)))
            break;
        if (rc == 0 && gate.len == 0) {
            rc = watch(rehearsal, err);
            continue;
        }
        str_reset(&rehearsal->gate);
        str_add_span(&rehearsal->gate, str_span(&gate));
        if (rc == 0)
            rc = decide(rehearsal, is_back, err);
    }
    str_fini(&gate);
    return rc;
}

/* -- the run, and the way back ----------------------------------------------------------- */

static void judge_end(struct rehearsal *rehearsal, const char *what, struct span wanted)
{
    struct span reply = str_span(&rehearsal->reply), error = json_get(reply, "error");
    struct span state = json_get_raw(reply, "state"), code = json_get_raw(error, "code");
    struct str text = { 0 };

    if (!is_over(rehearsal)) {
        state = span_of("waiting");
        error = code = (struct span){ 0 };
    }
    if (span_equal(state, wanted) || (code.len > 0 && span_equal(code, wanted)))
        return;
    str_printf(&text, "%s should end with ", what);
    str_add_shown(&text, wanted.ptr, wanted.len);
    str_add_text(&text, ", and ends with ");
    str_add_shown(&text, state.ptr, state.len);
    if (json_kind(error) > JSON_NULL) {
        str_add_text(&text, ": ");
        render_error(&text, error);
    }
    outcome_tell(rehearsal->message, &text);
    str_fini(&text);
}

static int go_back(struct rehearsal *rehearsal, const char *verb, struct span run,
                   struct err *err)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };

    json_open(&out, '{');
    json_put_span(&out, "run", run);
    json_put(&out, "reason", "the case says so");
    json_put_bool(&out, "follow", true);
    json_close(&out);
    int rc = ask_run(rehearsal, verb, &args, err);
    if (rc == 0)
        rc = carry_on(rehearsal, true, err);
    if (rc == 0)
        judge_end(rehearsal, verb, span_of("done"));
    str_fini(&args);
    return rc;
}

static int play(struct rehearsal *rehearsal, struct err *err)
{
    struct span ends = json_get_raw(rehearsal->now, "ends");

    if (trust(rehearsal, err) != 0 || start_run(rehearsal, err) != 0 ||
        carry_on(rehearsal, false, err) != 0)
        return err->code;
    judge_end(rehearsal, "it", ends.len > 0 ? ends : span_of("done"));
    char *run = span_dup(str_span(&rehearsal->run)); /* going back is a run of its own */
    int rc = 0;
    if (json_get_bool(rehearsal->now, "recover", false))
        rc = go_back(rehearsal, "recover", span_of(run), err);
    if (rc == 0 && json_get_bool(rehearsal->now, "rollback", false))
        rc = go_back(rehearsal, "rollback", span_of(run), err);
    free(run);
    return rc;
}

/* -- what came of it --------------------------------------------------------------------- */

static int judge(struct rehearsal *rehearsal, const char *log_path, struct err *err)
{
    struct span effects = json_get(rehearsal->now, "effects");
    struct span wanted = json_get(rehearsal->now, "world_after");
    struct str log = { 0 }, world = { 0 };
    int rc = 0;

    if (effects.len > 0)
        rc = input_read(&log, log_path, LOG_LEN_MAX, "log", err);
    if (rc == 0 && effects.len > 0)
        outcome_effects(rehearsal->message, effects, str_span(&log));
    if (rc == 0 && wanted.len > 0)
        rc = cloud_get(&rehearsal->cloud, "/_sim/world", &world, err);
    if (rc == 0 && wanted.len > 0)
        outcome_world(rehearsal->message, wanted, str_span(&world));
    str_fini(&log);
    str_fini(&world);
    return rc;
}

/* -- all of it --------------------------------------------------------------------------- */

/* Simulator and state directory, as the case has them. */
static int set_up(struct rehearsal *rehearsal, const char *log_path, struct err *err)
{
    struct span policy = json_get_raw(rehearsal->now, "policy");
    char *world_path =
        path_beside(rehearsal->test_path, json_get_raw(rehearsal->now, "world"));
    char *policy_path = policy.len > 0 ? path_beside(rehearsal->test_path, policy) : NULL;
    struct str world = { 0 };
    int rc = input_read(&world, world_path, WORLD_LEN_MAX, "world", err);

    if (rc == 0 && json_check(str_text(&world), world.len, WORLD_LEN_MAX, err) != 0)
        rc = err_wrap(err, "%s", world_path);
    if (rc == 0)
        rc = cloud_open(&rehearsal->cloud, world_path, log_path, err);
    if (rc == 0)
        rc = stage_furnish(&rehearsal->stage, str_span(&world),
                           str_text(&rehearsal->cloud.url), policy_path, err);
    free(world_path);
    free(policy_path);
    str_fini(&world);
    return rc;
}

static int rehearse_in(struct rehearsal *rehearsal, struct err *err)
{
    char *log_path = stage_path(&rehearsal->stage, "requests.jsonl");
    int rc = set_up(rehearsal, log_path, err);

    if (rc == 0)
        rc = play(rehearsal, err);
    if (rc == 0)
        rc = judge(rehearsal, log_path, err);
    free(log_path);
    return rc;
}

int rehearse(struct span now, const char *playbook_path, const char *test_path,
             struct str *message, struct err *err)
{
    struct rehearsal rehearsal = { .now = now,
                                   .playbook_path = playbook_path,
                                   .test_path = test_path,
                                   .cloud = { .out_fd = -1 },
                                   .message = message };

    rehearsal.until_us = clock_mono_us() + (int64_t)REHEARSE_WITHIN_S * 1000000;
    client_catch_interrupt();
    int rc = stage_open(&rehearsal.stage, err);
    if (rc == 0)
        rc = rehearse_in(&rehearsal, err);
    cloud_close(&rehearsal.cloud);
    stage_close(&rehearsal.stage);
    str_fini(&rehearsal.reply);
    str_fini(&rehearsal.run);
    str_fini(&rehearsal.gate);
    if (rc == 0 || rc == ERR_CANCELED)
        return rc;
    struct str text = { 0 };
    str_add_text(&text, err->text);
    outcome_tell(message, &text);
    str_fini(&text);
    return 0;
}

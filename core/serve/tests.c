/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/tests.c - playbook tests: the playbook's own process, and another answerer.
 *
 * A test file is Lua-as-data: a list of cases, each with answers to what the playbook asks
 * for and what is expected of it; docs/testing-playbooks.md describes them. No engine, no
 * plugin's process and no journal take part, but arguments and answers are compared with
 * the plugin's schemas, so that a test does not pass with what would fail for real.
 *
 * A case with a world is rehearsed on the simulator, in processes that only the client may
 * start: it is checked here, and goes back to the client as "rehearse".
 */
#include "serve/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/schema.h"
#include "frame/frame.h"
#include "serve/adapters.h"
#include "serve/answers.h"

enum { TESTS_CASES_MAX = 1000 };

static const char rehearsal_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"name\",\"world\"],"
    "\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1},"
    "\"world\":{\"type\":\"string\",\"minLength\":1},"
    "\"policy\":{\"type\":\"string\",\"minLength\":1},"
    "\"params\":{\"type\":\"object\"},\"alert\":{\"type\":\"object\"},"
    "\"answers\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"approve\":{},\"ask\":{}}},"
    "\"rollback\":{\"type\":\"boolean\"},\"recover\":{\"type\":\"boolean\"},"
    "\"effects\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"world_after\":{\"type\":\"object\"},\"ends\":{\"type\":\"string\"}}}";

struct testing {
    struct serve *serve;
    int64_t ask;
    char *name, *source, *test_name;
    char *cases; /* JSON list */
    size_t pos;
    struct machine *machine;
    struct str results;
    struct json_out out;
    int64_t passed, failed;
    /* the case at hand */
    int64_t run;
    struct span now;
    struct str alert;
    struct answers answers;
    bool is_reading; /* the alert, in another process than the playbook's */
};

static void next_case(struct testing *testing);
static void on_gone(void *arg, const char *why);

/* -- the end ------------------------------------------------------------------------------ */

static void free_testing(struct testing *testing)
{
    if (testing->machine != NULL)
        vms_own_close(testing->machine);
    answers_fini(&testing->answers);
    str_fini(&testing->alert);
    str_fini(&testing->results);
    free(testing->name);
    free(testing->source);
    free(testing->test_name);
    free(testing->cases);
    free(testing);
}

static void finish(struct testing *testing)
{
    struct str text = { 0 };

    json_close(&testing->out);
    str_printf(&text, "{\"failed\":%lld,\"passed\":%lld,\"tests\":%s}",
               (long long)testing->failed, (long long)testing->passed,
               str_text(&testing->results));
    clients_reply(testing->serve, testing->ask, testing->failed > 0 ? 1 : 0,
                  str_span(&text));
    str_fini(&text);
    free_testing(testing);
}

static void fail_file(struct testing *testing, struct span name, struct span error)
{
    struct arena arena = { 0 };
    struct span text = vms_error(&arena, name, error);

    clients_error(testing->serve, testing->ask, 2, "test", "%.*s", (int)text.len, text.ptr);
    arena_fini(&arena);
    free_testing(testing);
}

/* message NULL: the case passed. */
static void end_case(struct testing *testing, const char *message)
{
    struct json_out *out = &testing->out;

    json_open(out, '{');
    json_put(out, "message", message);
    json_put_raw(out, "name", json_get(testing->now, "name"));
    json_put_bool(out, "ok", message == NULL);
    json_close(out);
    if (message == NULL)
        testing->passed++;
    else
        testing->failed++;
    answers_fini(&testing->answers);
    next_case(testing);
}

/* -- one case ----------------------------------------------------------------------------- */

static void send_int_frame(struct testing *testing, enum frame_type type)
{
    struct str frame = { 0 };
    struct frame_writer out;

    frame_begin(&out, &frame, type);
    frame_add_int(&out, testing->run);
    frame_finish(&out);
    vms_own_send(testing->machine, str_span(&frame));
    str_fini(&frame);
}

static void start_run(struct testing *testing, struct span params)
{
    struct str frame = { 0 }, about = { 0 };
    struct json_out json = { .str = &about };
    struct frame_writer out;
    char *entry = json_get_text(testing->now, "entry");

    json_open(&json, '{');
    json_put_raw(&json, "alert", str_span(&testing->alert));
    json_put(&json, "id", "r-000001");
    json_put(&json, "requester", "tester");
    json_close(&json);
    frame_begin(&out, &frame, FRAME_VM_START);
    frame_add_int(&out, testing->run);
    frame_add_text(&out, entry != NULL ? entry : "run");
    frame_add_span(&out, json_kind(params) == JSON_OBJECT ? params : span_of("{}"));
    frame_add_span(&out, str_span(&about));
    frame_finish(&out);
    vms_own_send(testing->machine, str_span(&frame));
    free(entry);
    str_fini(&frame);
    str_fini(&about);
}

/* The next wish gets its answer; false when the case has ended by that. */
static void answer_next(struct testing *testing)
{
    struct str frame = { 0 };
    struct frame_writer out;
    struct answer answer;
    struct err err;

    if (answers_next(&testing->answers, testing->serve, &answer, &err) != 0) {
        send_int_frame(testing, FRAME_VM_DROP);
        end_case(testing, err.text);
        return;
    }
    frame_begin(&out, &frame, FRAME_VM_ANSWER);
    frame_add_int(&out, testing->run);
    frame_add_span(&out, answer.branch);
    frame_add_int(&out, answer.n);
    frame_add_int(&out, answer.ok);
    frame_add_span(&out, answer.value);
    frame_finish(&out);
    vms_own_send(testing->machine, str_span(&frame));
    str_fini(&frame);
}

static void on_turn(void *arg, const struct event *event)
{
    struct testing *testing = arg;
    struct err err = { 0 };

    if (event->run != testing->run)
        return; /* of a case that has ended */
    if (answers_take(&testing->answers, event, &err) != 0) {
        send_int_frame(testing, FRAME_VM_DROP);
        end_case(testing, err.text);
    } else if (event->number == VM_TURN_WAITING) {
        answer_next(testing);
    } else {
        int rc = answers_judge(&testing->answers, event, &err);
        if (event->number != VM_TURN_BUDGET)
            send_int_frame(testing, FRAME_VM_DROP);
        end_case(testing, rc == 0 ? NULL : err.text);
    }
}

static void on_matched(void *arg, const struct event *event)
{
    struct testing *testing = arg;
    bool shall_start = json_get_bool(testing->now, "starts", true);
    struct err err;

    if (!event->ok) {
        err_set(&err, ERR_INVALID, "on_alert failed: %.*s", (int)event->text.len,
                event->text.ptr);
        end_case(testing, err.text);
    } else if ((event->number2 != 0) != shall_start) {
        err_set(&err, ERR_INVALID, "the alert %s a run: %.*s",
                shall_start ? "starts no" : "starts", (int)event->text.len,
                event->text.ptr);
        end_case(testing, err.text);
    } else if (!shall_start) {
        end_case(testing, NULL);
    } else {
        start_run(testing, event->json);
    }
}

static void match_alert(struct testing *testing)
{
    struct str frame = { 0 };
    struct frame_writer out;

    frame_begin(&out, &frame, FRAME_VM_MATCH);
    frame_add_span(&out, str_span(&testing->alert));
    frame_finish(&out);
    vms_own_send(testing->machine, str_span(&frame));
    str_fini(&frame);
}

/* Neither passed nor failed until the client has tried it. */
static void pass_on(struct testing *testing)
{
    struct json_out *out = &testing->out;
    struct err err;

    if (schema_match(span_of(rehearsal_schema), testing->now, &err) != 0) {
        err_wrap(&err, "the case");
        end_case(testing, err.text);
        return;
    }
    json_open(out, '{');
    json_put_raw(out, "name", json_get(testing->now, "name"));
    json_put_raw(out, "rehearse", testing->now);
    json_close(out);
    next_case(testing);
}

/* Parameters come from the case, or as for real from the alert. */
static void begin_case(struct testing *testing)
{
    if (json_get(testing->now, "params").len == 0 && testing->alert.len > 0)
        match_alert(testing);
    else
        start_run(testing, json_get(testing->now, "params"));
}

static void on_alert_read(void *arg, bool ok, struct span json)
{
    struct testing *testing = arg;
    struct span alert;
    size_t pos = 0;
    char *why = ok ? NULL : json_get_text(json, "message");

    testing->is_reading = false;
    if (testing->machine == NULL) {
        on_gone(testing, "the playbook's process ended");
    } else if (!ok) {
        end_case(testing, why != NULL ? why : "the alert cannot be read");
    } else if (json_count(json) != 1) {
        end_case(testing, "the alert: want one");
    } else {
        json_next(json, &pos, NULL, &alert);
        str_add_span(&testing->alert, alert);
        begin_case(testing);
    }
    free(why);
}

static void read_alert(struct testing *testing)
{
    struct span alert = json_get(testing->now, "alert");

    str_reset(&testing->alert);
    if (alert.len == 0) {
        begin_case(testing);
        return;
    }
    testing->is_reading = true;
    adapters_read(testing->serve, (struct span){ 0 }, NULL, alert, 0, on_alert_read,
                  testing);
}

static void next_case(struct testing *testing)
{
    struct err err;

    if (!json_next(span_of(testing->cases), &testing->pos, NULL, &testing->now)) {
        finish(testing);
        return;
    }
    testing->run++;
    if (json_get(testing->now, "world").len > 0)
        pass_on(testing);
    else if (answers_init(&testing->answers, testing->now, &err) != 0)
        end_case(testing, err.text);
    else
        read_alert(testing);
}

/* -- the beginning ------------------------------------------------------------------------ */

static void on_loaded(void *arg, bool ok, struct span json)
{
    struct testing *testing = arg;

    if (!ok) {
        fail_file(testing, span_of(testing->name), json);
        return;
    }
    json_open(&testing->out, '[');
    next_case(testing);
}

/* The case that was at work took the process with it. The others have not been tried. */
static void on_gone(void *arg, const char *why)
{
    struct testing *testing = arg;
    struct str error = { 0 };
    struct json_out out = { .str = &error };

    testing->machine = NULL;
    if (testing->is_reading)
        return; /* it ends here once that is over */
    json_open(&out, '{');
    json_put(&out, "message", why);
    json_close(&out);
    fail_file(testing, json_get_raw(testing->now, "name"), str_span(&error));
    str_fini(&error);
}

static const struct vms_hooks hooks = {
    .loaded = on_loaded, .turn = on_turn, .matched = on_matched, .gone = on_gone
};

static void on_cases(void *arg, bool ok, struct span json)
{
    struct testing *testing = arg;

    if (!ok) {
        fail_file(testing, span_of(testing->test_name), json);
        return;
    }
    if (json_kind(json) != JSON_ARRAY || json_count(json) == 0 ||
        json_count(json) > TESTS_CASES_MAX) {
        fail_file(testing, span_of(testing->test_name),
                  span_of("{\"message\":\"want a list of 1 to 1000 cases\",\"line\":1}"));
        return;
    }
    testing->cases = span_dup(json);
    testing->machine = vms_own(testing->serve, span_of(testing->name),
                               span_of(testing->source), &hooks, testing);
}

bool tests_ask(struct serve *serve, const struct asked *asked)
{
    struct span playbook = json_get(asked->args, "playbook");
    struct span test = json_get(asked->args, "test");

    if (!span_is(asked->verb, "test"))
        return false;
    struct testing *testing = xcalloc(1, sizeof *testing);
    testing->serve = serve;
    testing->ask = asked->number;
    testing->name = json_get_text(playbook, "name");
    testing->source = json_get_text(playbook, "source");
    testing->test_name = json_get_text(test, "name");
    testing->out.str = &testing->results;
    char *source = json_get_text(test, "source");
    if (testing->name == NULL || testing->source == NULL || testing->test_name == NULL ||
        source == NULL) {
        clients_error(serve, asked->number, 2, "test",
                      "want playbook and test, each with name and source");
        free_testing(testing);
    } else {
        vms_data(serve, testing->test_name, span_of(source), on_cases, testing);
    }
    free(source);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include <cordon/plugin.h>

#include "base/err.h"
#include "check.h"
#include "plugin/lro.h"
#include "plugin/retry.h"

/* A wire that answers from a list, and a clock that stands still but for waits. */
struct line {
    int status; /* 0: no reply */
    bool was_sent;
    const char *headers;
    const char *body;
};

struct world {
    struct exchange_port port;
    const struct line *lines;
    int sent;
    char log[2048]; /* "PUT https://a.test/x|wait 500|..." */
    int64_t now_ms;
    uint32_t chance;
    struct exchange *exchange;
    char record[1024];
    bool holds_save;
    /* What came. */
    int answers;
    int status;
    int may_have_sent;
    int is_json;
    char json_fault[256];
    char body[256];
    char error[256];
    char operation[32];
    /* What is to happen next. */
    loop_fn *wake;
    void *wake_arg;
    http_fn *done;
    void *done_arg;
    int64_t timeout_ms;
};

static void note(struct world *world, const char *text)
{
    size_t len = strlen(world->log);

    snprintf(world->log + len, sizeof world->log - len, "%s%s", len ? "|" : "", text);
}

static int fake_send(void *ctx, const struct http_request *request, bool is_secret,
                     http_fn *done, void *arg, struct http_call **call, struct err *err)
{
    struct world *world = ctx;
    char text[512];

    (void)is_secret;
    if (strstr(request->url, "forbidden"))
        return err_set(err, ERR_DENIED, "not among the hosts");
    snprintf(text, sizeof text, "%s %s", request->method, request->url);
    note(world, text);
    for (const char *const *header = request->headers; header && *header; header++)
        note(world, *header);
    if (request->body_len > 0)
        note(world, request->body);
    world->timeout_ms = request->timeout_ms;
    world->done = done;
    world->done_arg = arg;
    *call = (struct http_call *)(void *)world;
    return 0;
}

static void fake_cancel(void *ctx, struct http_call *call)
{
    (void)call;
    note(ctx, "cancel");
}

static void fake_wait(void *ctx, struct timer *timer, int64_t ms, loop_fn *fn, void *arg)
{
    struct world *world = ctx;
    char text[64];

    (void)timer;
    snprintf(text, sizeof text, "wait %lld", (long long)ms);
    note(world, text);
    world->now_ms += ms;
    world->wake = fn;
    world->wake_arg = arg;
}

static void fake_unwait(void *ctx, struct timer *timer)
{
    (void)timer;
    ((struct world *)ctx)->wake = NULL;
}

static int64_t fake_now(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static int64_t fake_unix(void *ctx)
{
    return 1769850000000 + ((struct world *)ctx)->now_ms; /* 2026-01-31T09:00:00Z */
}

static uint32_t fake_chance(void *ctx)
{
    return ((struct world *)ctx)->chance;
}

static void on_answer(void *arg, const struct cordon_http_reply *reply)
{
    struct world *world = arg;

    world->answers++;
    world->status = reply->status;
    world->may_have_sent = reply->may_have_sent;
    world->is_json = reply->is_json;
    snprintf(world->json_fault, sizeof world->json_fault, "%s",
             reply->json_fault ? reply->json_fault : "");
    snprintf(world->body, sizeof world->body, "%s", reply->body);
    snprintf(world->error, sizeof world->error, "%s", reply->error ? reply->error : "");
    snprintf(world->operation, sizeof world->operation, "%s",
             reply->operation ? reply->operation : "");
}

static void on_save(void *arg, struct exchange *exchange, struct span record)
{
    struct world *world = arg;

    note(world, "save");
    snprintf(world->record, sizeof world->record, "%.*s", (int)record.len, record.ptr);
    if (!world->holds_save)
        exchange_saved(exchange);
}

static void begin(struct world *world, const struct line *lines)
{
    *world = (struct world){ .lines = lines };
    world->port =
        (struct exchange_port){ world,    fake_send, fake_cancel, fake_wait, fake_unwait,
                                fake_now, fake_unix, fake_chance, NULL };
}

/* Lets replies and waits follow each other until nothing is left to happen. */
static void go(struct world *world)
{
    for (int i = 0; i < 100 && (world->done || world->wake); i++) {
        if (world->wake) {
            loop_fn *wake = world->wake;
            world->wake = NULL;
            wake(world->wake_arg);
            continue;
        }
        const struct line *line = &world->lines[world->sent++];
        struct http_reply reply = {
            .status = line->status,
            .may_have_sent = line->status != 0 || line->was_sent,
            .body = line->body ? line->body : "",
            .body_len = line->body ? strlen(line->body) : 0,
            .error = line->status ? NULL : "connection reset",
            .headers = line->headers ? line->headers : "",
        };
        http_fn *done = world->done;
        world->done = NULL;
        done(world->done_arg, &reply);
    }
}

static void start(struct world *world, const char *method, const char *url, uint32_t flags,
                  int64_t timeout_ms, const char *resume)
{
    const char *headers[] = { "Authorization: Bearer t", "Content-Type: a/b", "If-Match: 7",
                              NULL };
    struct cordon_http request = {
        .size = sizeof request,
        .method = method,
        .url = url,
        .headers = flags & CORDON_HTTP_LRO ? headers : NULL,
        .flags = flags,
    };
    struct exchange_options options = {
        .request = &request,
        .timeout_ms = timeout_ms,
        .resume = span_of(resume),
        .save = on_save,
        .done = on_answer,
        .arg = world,
    };
    struct err err;

    CHECK_OK(exchange_start(&world->exchange, &world->port, &options, &err), &err);
}

static void run(struct world *world, const struct line *lines, const char *method,
                uint32_t flags)
{
    begin(world, lines);
    start(world, method, "https://a.test/x", flags, 600000, NULL);
    CHECK_INT(world->answers, 0);
    go(world);
    CHECK_INT(world->answers, 1);
}

/* -- Sending again ------------------------------------------------------------------------ */

TEST(a_429_is_sent_again_after_what_it_says_and_not_a_millisecond_before)
{
    const struct line lines[] = { { .status = 429, .headers = "Retry-After: 7\n" },
                                  { .status = 200, .body = "{}" } };
    struct world world;

    run(&world, lines, "POST", 0);
    CHECK_STR(world.log, "POST https://a.test/x|wait 7000|POST https://a.test/x");
    CHECK_INT(world.status, 200);
    CHECK(world.is_json);
    begin(&world, lines);
    world.chance = UINT32_MAX;
    start(&world, "POST", "https://a.test/x", 0, 600000, NULL);
    go(&world);
    CHECK(world.now_ms > 7000 && world.now_ms <= 7000 + 7000 / 4 + 50);
}

TEST(a_byte_order_mark_in_front_of_json_is_skipped)
{
    const struct line lines[] = { { .status = 200, .body = "\xef\xbb\xbf{\"a\":1}" } };
    struct world world;

    run(&world, lines, "GET", 0);
    CHECK(world.is_json);
    CHECK_STR(world.body, "{\"a\":1}");
}

TEST(a_byte_order_mark_in_the_answer_to_a_poll_is_skipped)
{
    const struct line lines[] = {
        { .status = 202, .headers = "Azure-AsyncOperation: https://a.test/op\n" },
        { .status = 200, .body = "\xef\xbb\xbf{\"status\":\"Failed\"}" },
    };
    struct world world;

    run(&world, lines, "POST", CORDON_HTTP_LRO);
    CHECK_STR(world.operation, "Failed");
}

static const struct {
    const char *headers;
    int64_t ms;
} retry_afters[] = {
    { "Retry-After: 0\n", 0 },
    { "Retry-After: 12\n", 12000 },
    { "Retry-After: 2.5\n", 2500 },
    { "Retry-After: 0.0004\n", 0 },
    { "retry-after: 86401\n", INT64_C(86401000) },
    { "Retry-After: 604800\n", INT64_C(604800000) },
    { "Retry-After: 999999999999999999999999\n", RETRY_AFTER_MAX_MS },
    { "Retry-After: Mon, 07 Sep 2026 10:00:10 GMT\n", 10000 },
    { "Retry-After: Monday, 07-Sep-26 10:01:00 GMT\n", 60000 },
    { "Retry-After: Mon Sep  7 10:00:01 2026\n", 1000 },
    { "Retry-After: Mon, 14 Sep 2026 10:00:00 GMT\n", INT64_C(604800000) },
    { "Retry-After: Mon, 07 Sep 2026 09:00:00 GMT\n", 0 },
    { "retry-after-ms: 250\n", 250 },
    { "x-ms-retry-after-ms: 40\n", 40 },
    { "Retry-After: 3\nretry-after-ms: 9\n", 3000 },
    { "Retry-After: 5 minutes\n", -1 },
    { "Retry-After: .5\n", -1 },
    { "Retry-After: 1e3\n", -1 },
    { "Retry-After: \n", -1 },
    { "", -1 },
};

TEST(retry_after_is_read_in_each_form_and_at_any_length)
{
    for (size_t i = 0; i < sizeof retry_afters / sizeof *retry_afters; i++)
        CHECK_INT(retry_after_ms(retry_afters[i].headers, INT64_C(1788775200000)),
                  retry_afters[i].ms);
}

TEST(a_wait_that_is_one_for_the_engine_is_not_sat_out)
{
    const struct line lines[] = { { .status = 429, .headers = "Retry-After: 12\n" },
                                  { .status = 200 } };
    struct cordon_http request = { .size = sizeof request,
                                   .method = "GET",
                                   .url = "https://a.test/x" };
    struct exchange_options options = {
        .request = &request, .timeout_ms = 600000, .wait_max_ms = 10000, .done = on_answer
    };
    struct world world;
    struct err err;

    begin(&world, lines);
    options.arg = &world;
    CHECK_OK(exchange_start(&world.exchange, &world.port, &options, &err), &err);
    go(&world);
    CHECK_INT(world.status, 429);
    CHECK_STR(world.log, "GET https://a.test/x");
}

TEST(an_operation_is_followed_at_an_address_with_blanks_and_other_letters)
{
    const struct line lines[] = {
        { .status = 202,
          .headers = "Location: https://a.test/gr\xc3\xb6\xc3\x9f"
                     "e/a b\n" },
        { .status = 200, .body = "{}" },
    };
    struct world world;

    run(&world, lines, "DELETE", CORDON_HTTP_LRO);
    CHECK_HAS(world.log, "GET https://a.test/gr%C3%B6%C3%9Fe/a%20b");
    CHECK_STR(world.operation, "Succeeded");
}

TEST(retry_after_may_be_a_date)
{
    const struct line lines[] = {
        { .status = 429, .headers = "Retry-After: Sat, 31 Jan 2026 09:00:30 GMT\n" },
        { .status = 200 }
    };
    struct world world;

    run(&world, lines, "POST", 0);
    CHECK_HAS(world.log, "wait 30000");
    CHECK_INT(retry_after_ms("Retry-After: soon\n", 0), -1);
    CHECK_INT(retry_after_ms("Retry-After: -3\n", 0), -1);
    CHECK_INT(retry_after_ms("Retry-After: 99999999999\n", 0), RETRY_AFTER_MAX_MS);
    CHECK_INT(retry_after_ms("Retry-After: Sat, 31 Jan 2026 09:00:30 GMT\n", 1869850000000),
              0);
}

TEST(a_change_is_not_sent_again_after_5xx_or_a_reset_and_a_read_is)
{
    static const struct line busy[] = {
        { .status = 503 }, { .was_sent = true }, { .status = 502 }, { .status = 200 }
    };
    static const struct line reset[] = { { .was_sent = true }, { .status = 200 } };
    struct world world;

    run(&world, busy, "POST", 0);
    CHECK_STR(world.log, "POST https://a.test/x");
    CHECK_INT(world.status, 503);
    run(&world, reset, "PUT", 0);
    CHECK_STR(world.log, "PUT https://a.test/x");
    CHECK_INT(world.status, 0);
    CHECK_INT(world.may_have_sent, 1);
    CHECK_STR(world.error, "connection reset");
    run(&world, busy, "GET", 0);
    CHECK_INT(world.status, 200);
    CHECK_INT(world.sent, 4);
    run(&world, busy, "POST", CORDON_HTTP_SAFE);
    CHECK_INT(world.status, 200);
}

TEST(a_change_that_provably_left_nothing_is_sent_again_and_stays_provable)
{
    static const struct line later[] = { { .status = 0 },
                                         { .status = 0 },
                                         { .status = 201 } };
    static const struct line never[] = { { .status = 429 }, { .status = 0 },
                                         { .status = 0 },   { .status = 0 },
                                         { .status = 0 },   { .status = 0 },
                                         { .status = 0 } };
    static const struct line doubt[] = { { .was_sent = true }, { .status = 0 },
                                         { .status = 0 },      { .status = 0 },
                                         { .status = 0 },      { .status = 0 } };
    struct world world;

    run(&world, later, "POST", 0);
    CHECK_INT(world.status, 201);
    run(&world, never, "POST", 0);
    CHECK_INT(world.sent, RETRY_ATTEMPTS_MAX);
    CHECK_INT(world.may_have_sent, 0);
    run(&world, doubt, "POST", CORDON_HTTP_SAFE);
    CHECK_INT(world.may_have_sent, 1);
}

TEST(once_means_once)
{
    static const struct line lines[] = { { .status = 429, .headers = "Retry-After: 1\n" },
                                         { .status = 200 } };
    struct world world;

    run(&world, lines, "GET", CORDON_HTTP_ONCE);
    CHECK_INT(world.status, 429);
    CHECK_INT(world.sent, 1);
}

TEST(waits_double_up_to_a_bound_and_the_attempts_are_counted)
{
    static const struct line lines[] = { { .status = 500 }, { .status = 500 },
                                         { .status = 500 }, { .status = 500 },
                                         { .status = 500 }, { .status = 500 } };
    struct world world;

    run(&world, lines, "GET", 0);
    CHECK_STR(world.log, "GET https://a.test/x|wait 500|GET https://a.test/x|wait 1000|"
                         "GET https://a.test/x|wait 2000|GET https://a.test/x|wait 4000|"
                         "GET https://a.test/x|wait 8000|GET https://a.test/x");
    CHECK_INT(world.status, 500);
}

TEST(a_wait_that_would_outlive_the_deadline_is_not_begun)
{
    static const struct line lines[] = { { .status = 429, .headers = "Retry-After: 60\n" },
                                         { .status = 200 } };
    struct world world;

    begin(&world, lines);
    start(&world, "GET", "https://a.test/x", 0, 59000, NULL);
    CHECK_INT(world.timeout_ms, 59000);
    go(&world);
    CHECK_INT(world.answers, 1);
    CHECK_INT(world.status, 429);
    CHECK_INT(world.now_ms, 0);
}

TEST(what_cannot_be_sent_fails_to_start_and_calls_nothing)
{
    struct cordon_http request = { .size = sizeof request,
                                   .method = "GET",
                                   .url = "https://forbidden.test/" };
    struct world world;
    struct err err;

    begin(&world, NULL);
    struct exchange_options options = {
        .request = &request, .timeout_ms = 1, .done = on_answer, .arg = &world
    };
    CHECK_ERR(exchange_start(&world.exchange, &world.port, &options, &err), &err,
              ERR_DENIED);
    CHECK_INT(world.answers, 0);
}

TEST(a_cancelled_exchange_calls_nothing)
{
    static const struct line lines[] = { { .status = 429 }, { .status = 200 } };
    struct world world;

    begin(&world, lines);
    start(&world, "GET", "https://a.test/x", 0, 1000, NULL);
    exchange_cancel(world.exchange);
    CHECK_HAS(world.log, "cancel");
    CHECK_INT(world.answers, 0);
}

/* -- Long-running operations ---------------------------------------------------------------- */

#define STATUS_AT "Azure-AsyncOperation: https://a.test/op/1?x=1\n"

TEST(an_operation_is_saved_then_polled_until_it_ends_then_the_resource_is_read)
{
    static const struct line lines[] = {
        { .status = 201, .headers = STATUS_AT "Retry-After: 3\n", .body = "{}" },
        { .status = 200,
          .headers = "Retry-After: 5\n",
          .body = "{\"status\":\"InProgress\"}" },
        { .status = 200, .body = "{\"status\":\"Updating\"}" },
        { .status = 200, .body = "{\"status\":\"Succeeded\"}" },
        { .status = 200, .body = "{\"id\":7}" },
    };
    struct world world;

    run(&world, lines, "PUT", CORDON_HTTP_LRO);
    CHECK_STR(world.log,
              "PUT https://a.test/x|Authorization: Bearer t|Content-Type: a/b|"
              "If-Match: 7|save|wait 3000|GET https://a.test/op/1?x=1|"
              "Authorization: Bearer t|wait 5000|GET https://a.test/op/1?x=1|"
              "Authorization: Bearer t|wait 10000|GET https://a.test/op/1?x=1|"
              "Authorization: Bearer t|GET https://a.test/x|Authorization: Bearer t");
    CHECK_INT(world.status, 200);
    CHECK_STR(world.body, "{\"id\":7}");
    CHECK_STR(world.operation, "Succeeded");
    CHECK_STR(world.record,
              "{\"final\":\"https://a.test/x\",\"method\":\"PUT\","
              "\"poll\":\"https://a.test/op/1?x=1\",\"url\":\"https://a.test/x\","
              "\"way\":\"status\"}");
}

TEST(nothing_is_polled_before_the_record_is_durable)
{
    static const struct line lines[] = { { .status = 202, .headers = STATUS_AT } };
    struct world world;

    begin(&world, lines);
    world.holds_save = true;
    start(&world, "POST", "https://a.test/x", CORDON_HTTP_LRO, 600000, NULL);
    go(&world);
    CHECK_LACKS(world.log, "GET");
    CHECK_LACKS(world.log, "wait");
    CHECK_INT(world.answers, 0);
    exchange_saved(world.exchange);
    CHECK_HAS(world.log, "wait 10000");
    exchange_cancel(world.exchange);
}

TEST(a_saved_operation_is_polled_by_a_fresh_process_without_sending_the_request)
{
    static const struct line lines[] = { { .status = 200,
                                           .body = "{\"status\":\"Succeeded\"}" },
                                         { .status = 200, .body = "{\"id\":7}" } };
    const char *record = "{\"final\":\"https://a.test/x\",\"method\":\"PUT\","
                         "\"poll\":\"https://a.test/op/1\",\"url\":\"https://a.test/x\","
                         "\"way\":\"status\"}";
    struct world world;

    begin(&world, lines);
    start(&world, "PUT", "https://a.test/x", CORDON_HTTP_LRO, 600000, record);
    go(&world);
    CHECK_LACKS(world.log, "PUT");
    CHECK_HAS(world.log, "wait 0|GET https://a.test/op/1");
    CHECK_STR(world.body, "{\"id\":7}");
    /* Another url: the record is somebody else's, and the request is sent. */
    begin(&world, lines);
    start(&world, "PUT", "https://a.test/y", CORDON_HTTP_LRO, 600000, record);
    CHECK_HAS(world.log, "PUT https://a.test/y");
    go(&world);
}

TEST(location_is_polled_while_it_says_202_and_its_last_reply_is_the_result)
{
    static const struct line lines[] = {
        { .status = 202, .headers = "Location: /later/1\nRetry-After: 1\n" },
        { .status = 202, .headers = "Retry-After: 2\n" },
        { .status = 200, .body = "{\"ok\":true}" },
    };
    struct world world;

    run(&world, lines, "POST", CORDON_HTTP_LRO);
    CHECK_HAS(world.log, "wait 1000|GET https://a.test/later/1");
    CHECK_HAS(world.log, "wait 2000|GET https://a.test/later/1");
    CHECK_STR(world.body, "{\"ok\":true}");
    CHECK_STR(world.operation, "Succeeded");
}

TEST(a_resource_that_is_still_being_made_is_read_until_it_is_not)
{
    static const struct line lines[] = {
        { .status = 200, .body = "{\"properties\":{\"provisioningState\":\"Updating\"}}" },
        { .status = 200, .body = "{\"properties\":{\"provisioningState\":\"Updating\"}}" },
        { .status = 200, .body = "{\"properties\":{\"provisioningState\":\"Succeeded\"}}" },
    };
    static const struct line ended[] = {
        { .status = 200, .body = "{\"properties\":{\"provisioningState\":\"Succeeded\"}}" }
    };
    struct world world;

    run(&world, lines, "PUT", CORDON_HTTP_LRO);
    CHECK_INT(world.sent, 3);
    CHECK_HAS(world.body, "Succeeded");
    run(&world, ended, "PUT", CORDON_HTTP_LRO);
    CHECK_INT(world.sent, 1);
    CHECK_STR(world.operation, "");
}

TEST(an_operation_that_failed_is_status_500_with_its_reason)
{
    static const struct line lines[] = {
        { .status = 202, .headers = STATUS_AT },
        { .status = 200, .body = "{\"error\":{\"code\":\"Quota\"},\"status\":\"Failed\"}" },
    };
    static const struct line conflict[] = { { .status = 202, .headers = "Location: /l\n" },
                                            { .status = 409 } };
    struct world world;

    run(&world, lines, "POST", CORDON_HTTP_LRO);
    CHECK_INT(world.status, 500);
    CHECK_STR(world.operation, "Failed");
    CHECK_HAS(world.body, "Quota");
    run(&world, conflict, "DELETE", CORDON_HTTP_LRO);
    CHECK_INT(world.status, 500);
    CHECK_STR(world.operation, "Failed");
}

TEST(an_operation_whose_end_cannot_be_read_is_no_reply_but_may_have_been_sent)
{
    static const struct line gone[] = { { .status = 202, .headers = STATUS_AT },
                                        { .status = 404 } };
    static const struct line garbage[] = { { .status = 202, .headers = STATUS_AT },
                                           { .status = 200, .body = "<p>" } };
    static const struct line down[] = { { .status = 202, .headers = STATUS_AT },
                                        { .status = 500 },
                                        { .status = 500 },
                                        { .status = 500 },
                                        { .status = 500 },
                                        { .status = 0 },
                                        { .status = 500 } };
    const struct line *const all[] = { gone, garbage, down };
    struct world world;

    for (size_t i = 0; i < 3; i++) {
        run(&world, all[i], "POST", CORDON_HTTP_LRO);
        CHECK_INT(world.status, 0);
        CHECK_INT(world.may_have_sent, 1);
        CHECK_HAS(world.error, "the operation was accepted");
    }
}

TEST(polling_ends_with_the_deadline_and_a_blip_does_not_end_it)
{
    static const struct line lines[] = {
        { .status = 202, .headers = STATUS_AT },
        { .status = 503 },
        { .status = 200, .body = "{\"status\":\"InProgress\"}" },
        { .status = 429, .headers = "Retry-After: 2\n" },
        { .status = 200, .body = "{\"status\":\"InProgress\"}" },
        { .status = 200, .body = "{\"status\":\"InProgress\"}" },
    };
    struct world world;

    begin(&world, lines);
    start(&world, "POST", "https://a.test/x", CORDON_HTTP_LRO, 35000, NULL);
    go(&world);
    CHECK_INT(world.answers, 1);
    CHECK_INT(world.sent, 6);
    CHECK_HAS(world.error, "had not ended when the time was up");
    CHECK_INT(world.may_have_sent, 1);
}

TEST(credentials_follow_an_operation_only_to_the_same_host_below_it_or_beside_it)
{
    static const struct {
        const char *from, *to;
        bool may;
    } all[] = {
        { "https://management.azure.com/x", "https://management.azure.com/op", true },
        { "https://management.azure.com/x", "https://MANAGEMENT.azure.com:443/op", true },
        { "https://management.azure.com/x", "https://eastus.management.azure.com/op",
          true },
        { "https://management.azure.com/x", "https://west.azure.com/op", true },
        { "https://management.azure.com/x", "https://evil.test/op", false },
        { "https://management.azure.com/x", "https://azure.com.evil.test/op", false },
        { "https://management.azure.com/x", "https://evilazure.com/op", false },
        { "https://management.azure.com/x", "http://management.azure.com/op", false },
        { "https://management.azure.com/x", "http://management.azure.com:443/op", false },
        { "https://management.azure.com/x", "http://west.azure.com/op", false },
        { "https://management.azure.com/x", "https://management.azure.com@evil.test/",
          false },
        { "https://a.test/x", "https://b.test/x", false },
        { "https://a.test/x", "https://a.test/\xff", false },
        { "https://a.test/x", "https://a.test/gr\xc3\xbcn", false },
        { "https://a.test/gr\xc3\xbcn", "https://a.test/gr\xc3\xbcn", true },
        { "http://127.0.0.1:81/x", "http://127.0.0.1:81/op", true },
        { "http://127.0.0.1:81/x", "http://127.0.0.1:82/op", false },
        { "http://127.0.0.1:81/x", "http://128.0.0.1:81/op", false },
    };
    static const struct line lines[] = {
        { .status = 202, .headers = "Azure-AsyncOperation: https://evil.test/op\n" }
    };
    struct world world;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (lro_may_follow(all[i].from, all[i].to) != all[i].may)
            FAIL("%s to %s", all[i].from, all[i].to);
    run(&world, lines, "POST", CORDON_HTTP_LRO);
    CHECK_LACKS(world.log, "GET");
    CHECK_INT(world.status, 0);
    CHECK_INT(world.may_have_sent, 1);
    CHECK_HAS(world.error, "does not belong to the host");
}

/* -- bodies ------------------------------------------------------------------------------- */

static char *list_of(const char *item, size_t count)
{
    size_t len = strlen(item);
    char *text = malloc(count * (len + 1) + 3), *at = text;

    CHECK(text != NULL);
    for (size_t i = 0; i < count; i++) {
        *at++ = i == 0 ? '[' : ',';
        at = stpcpy(at, item);
    }
    strcpy(at, "]");
    return text;
}

TEST(a_large_answer_is_json_and_one_beyond_a_bound_says_which)
{
    static const struct {
        const char *item;
        size_t count;
        const char *fault; /* "": it is JSON */
    } all[] = {
        { "{\"id\":\"/subscriptions/x\",\"name\":\"an alert\",\"more\":[1,2,3]}", 200000,
          "" }, /* 11 MB, 600,000 members */
        { "{\"a\":1}", 1000 * 1000 + 1, "(JSON_KEYS_MAX)" },
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 1,
          "(JSON_DEPTH_MAX)" },
        { "nonsense", 1, "line 1, column 2" },
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *body = list_of(all[i].item, all[i].count);
        const struct line lines[] = { { .status = 200, .body = body } };
        struct world world;

        run(&world, lines, "GET", 0);
        CHECK_INT(world.is_json, all[i].fault[0] == '\0');
        if (all[i].fault[0] != '\0')
            CHECK_HAS(world.json_fault, all[i].fault);
        else
            CHECK_STR(world.json_fault, "");
        free(body);
    }
}

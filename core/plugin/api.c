/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http.h"
#include "plugin/retry.h"
#include "plugin/run.h"

enum { ALLOC_MAX = 64 * 1024 * 1024, PENDING_MAX = 256, LOG_TEXT_MAX = 2000 };

/* Something that a call waits for; in the call's arena, so that it ends with it. */
struct pending {
    struct list link;
    struct cordon_call *call;
    struct exchange *exchange;
    struct http_call *other; /* mail, or bytes */
    struct timer timer;
    struct run *run;
    struct save *save;
    bool is_change; /* of this request: it is no reading one */
    cordon_http_fn *on_http;
    cordon_timer_fn *on_timer;
    cordon_run_fn *on_run;
    void *arg;
};

/* What a reply's headers are to a plugin: header() hands out texts with a NUL. */
struct reply_headers {
    const char *text;
    struct arena *arena;
};

/* The functions below that have no call. One process, one plugin. */
static struct host *the_host;

void api_setup(struct host *host)
{
    the_host = host;
}

/* -- What a call waits for ---------------------------------------------------------------- */

static struct pending *pending_new(struct cordon_call *call, void *arg)
{
    struct pending *pending = arena_alloc(&call->arena, sizeof *pending);

    pending->call = call;
    pending->arg = arg;
    list_add(&call->pending, &pending->link);
    return pending;
}

static void pending_cancel(struct pending *pending)
{
    list_remove(&pending->link);
    timer_stop(&pending->timer);
    if (pending->exchange)
        exchange_cancel(pending->exchange);
    if (pending->other)
        http_cancel(pending->other);
    if (pending->run)
        program_cancel(pending->run);
    if (pending->save)
        pending->save->done = NULL;
}

void api_cancel(struct cordon_call *call)
{
    while (!list_is_empty(&call->pending))
        pending_cancel(list_item(call->pending.next, struct pending, link));
}

/* May this call ask for something that takes time? */
static bool may_wait(struct cordon_call *call, const char *what)
{
    size_t count = 0;

    if (!call_is_live(call, what))
        return false;
    if (call->fn == CALL_PURE || call->is_answered) {
        log_warnx("the plugin calls %s %s; refused", what,
                  call->is_answered ? "after finish()" : "in plan() or undone()");
        return false;
    }
    list_each (link, after, &call->pending)
        count++;
    if (count >= PENDING_MAX)
        log_warnx("the plugin has %d things under way in one call; refused", PENDING_MAX);
    return count < PENDING_MAX;
}

static void *api_alloc(struct cordon_call *call, size_t size)
{
    if (!call_is_live(call, "alloc()") || size > ALLOC_MAX)
        fatalx("the plugin asks for %zu bytes; at most %d for a call that is under way",
               size, ALLOC_MAX);
    return arena_alloc(&call->arena, size);
}

static void api_finish(struct cordon_call *call, const struct cordon_result *result)
{
    if (call_is_live(call, "finish()"))
        call_answer(call, result);
}

/* -- Texts ------------------------------------------------------------------------------------ */

static void api_fail(struct cordon_call *call, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void api_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void api_fail(struct cordon_call *call, const char *code, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!call) {
        free(the_host->fail_text);
        the_host->fail_text = xstrdup(text);
    } else if (call_is_live(call, "fail()")) {
        call->fail_code = code ? arena_strdup(&call->work->arena, code) : NULL;
        call->fail_message = arena_strdup(&call->work->arena, text);
    }
}

static void api_log(int level, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    struct str clean = { 0 };
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    redact_to(&the_host->secrets, &clean, span_of(text));
    if (level <= 0)
        log_debug("%s", str_text(&clean));
    else if (level == 1)
        log_info("%s", str_text(&clean));
    else
        log_warnx("%s", str_text(&clean));
    str_fini(&clean);
}

/* -- HTTP --------------------------------------------------------------------------------------- */

/* What the engine is told with the answer: a service that says when it wants to be asked
 * again is not asked before. */
static void take_wait(struct pending *pending, const struct cordon_http_reply *reply)
{
    struct work *work = pending->call->work;
    int64_t now_ms = clock_unix_ms();
    int64_t ms = reply->status >= 400 ? retry_after_ms(reply->headers, now_ms) : -1;

    work->not_before_ms = ms > 0 ? now_ms + ms : 0;
    if (pending->is_change && reply->status >= 200 && reply->status < 300)
        work->has_written = true;
}

static void on_http(void *arg, const struct cordon_http_reply *reply)
{
    struct pending *pending = arg;
    struct cordon_http_reply mine = *reply;
    struct reply_headers headers = { reply->headers, &pending->call->arena };

    mine.headers = &headers;
    pending->exchange = NULL;
    take_wait(pending, reply);
    list_remove(&pending->link);
    plugin_enter();
    pending->on_http(pending->call, &mine, pending->arg);
    plugin_leave();
}

static void on_lro_saved(void *arg)
{
    struct pending *pending = arg;

    pending->save = NULL;
    exchange_saved(pending->exchange);
}

static void on_save(void *arg, struct exchange *exchange, struct span record)
{
    struct pending *pending = arg;

    (void)exchange;
    pending->save = progress_lro(pending->call->work, record, on_lro_saved, pending);
}

/* The call's trace goes on in each of its requests, unless the plugin says another. */
static const char *const *with_trace(struct work *work, const char *const *headers)
{
    static const char name[] = "traceparent:";
    size_t count = 0;

    while (headers != NULL && headers[count] != NULL)
        if (strncasecmp(headers[count++], name, sizeof name - 1) == 0)
            return headers;
    if (work->trace == NULL)
        return headers;
    const char **more = arena_alloc(&work->arena, (count + 2) * sizeof *more);
    for (size_t i = 0; i < count; i++)
        more[i] = headers[i];
    more[count] = arena_printf(&work->arena, "%s %s", name, work->trace);
    more[count + 1] = NULL;
    return more;
}

static int api_http(struct cordon_call *call, const struct cordon_http *from,
                    cordon_http_fn *done, void *arg)
{
    struct cordon_http traced = { 0 };
    const struct cordon_http *request = &traced;
    struct err err;

    if (!may_wait(call, "http()"))
        return -1;
    struct work *work = call->work;
    memcpy(&traced, from, from->size < sizeof traced ? from->size : sizeof traced);
    traced.headers = with_trace(work, from->headers);
    bool is_change = call->fn == CALL_APPLY || call->fn == CALL_RESTORE;
    bool is_lro = is_change && (request->flags & CORDON_HTTP_LRO);
    int64_t left = work_left_ms(work);
    struct pending *pending = pending_new(call, arg);
    struct exchange_options options = {
        .request = request,
        .timeout_ms = request->timeout_ms > 0 && request->timeout_ms < left
                          ? request->timeout_ms
                          : left,
        .wait_max_ms = work->has_written ? 0 : RETRY_IN_CALL_MS,
        .resume = is_lro ? progress_take(work, request) : (struct span){ 0 },
        .save = is_lro ? on_save : NULL,
        .done = on_http,
        .arg = pending,
    };
    pending->on_http = done;
    pending->is_change = is_change && strcmp(request->method, "GET") != 0 &&
                         strcmp(request->method, "HEAD") != 0 &&
                         !(request->flags & CORDON_HTTP_SAFE);
    if (exchange_start(&pending->exchange, &call->host->port, &options, &err) == 0)
        return 0;
    pending->exchange = NULL;
    list_remove(&pending->link);
    api_fail(call, "http", "%s", err.text);
    return err.code;
}

static const char *api_header(const struct cordon_http_reply *reply, const char *name)
{
    const struct reply_headers *headers = reply->headers;

    if (!headers)
        return NULL;
    struct span value = http_header(headers->text, name);
    return value.ptr ? arena_dup(headers->arena, value.ptr, value.len) : NULL;
}

/* -- Mail, and bytes without HTTP ---------------------------------------------------------------- */

static void call_on_other(struct pending *pending, const struct http_reply *from,
                          bool is_word, const char *no_word)
{
    struct cordon_http_reply reply = {
        .size = sizeof reply,
        .status = is_word ? from->status : 0,
        .may_have_sent = from->may_have_sent,
        .body = "",
        .error = from->error ? from->error
                 : is_word   ? NULL
                             : no_word,
    };

    pending->other = NULL;
    list_remove(&pending->link);
    plugin_enter();
    pending->on_http(pending->call, &reply, pending->arg);
    plugin_leave();
}

static void on_mail(void *arg, const struct http_reply *from)
{
    call_on_other(arg, from, from->status == 250 || from->status >= 400,
                  "the mail server ended with a word that is none");
}

static void on_sent(void *arg, const struct http_reply *from)
{
    call_on_other(arg, from, from->status == HTTP_SENT, "it was not sent");
}

/* What is no HTTP, under way. request's time is what the plugin asks for. */
static int start_other(struct cordon_call *call, const char *word,
                       struct http_request *request, http_fn *on_reply,
                       cordon_http_fn *done, void *arg)
{
    struct err err;
    int64_t left = work_left_ms(call->work);
    struct pending *pending = pending_new(call, arg);

    if (request->timeout_ms <= 0 || request->timeout_ms > left)
        request->timeout_ms = left;
    pending->on_http = done;
    if (http_start(&pending->other, call->host->http, request, on_reply, pending, &err) ==
        0)
        return 0;
    pending->other = NULL;
    list_remove(&pending->link);
    api_fail(call, word, "%s", err.text);
    return err.code;
}

static int api_mail(struct cordon_call *call, const struct cordon_mail *mail,
                    cordon_http_fn *done, void *arg)
{
    if (!may_wait(call, "mail()"))
        return -1;
    struct http_mail envelope = { .from = mail->from,
                                  .to = mail->to,
                                  .user = mail->user,
                                  .password = mail->password,
                                  .is_plain = mail->flags & CORDON_MAIL_PLAIN };
    struct http_request request = { .url = mail->url,
                                    .body = mail->message,
                                    .body_len = mail->message_len,
                                    .timeout_ms = mail->timeout_ms,
                                    .mail = &envelope };
    return start_other(call, "mail", &request, on_mail, done, arg);
}

static int api_send(struct cordon_call *call, const struct cordon_send *send,
                    cordon_http_fn *done, void *arg)
{
    if (!may_wait(call, "send()"))
        return -1;
    struct http_request request = { .url = send->url,
                                    .body = send->bytes,
                                    .body_len = send->len,
                                    .timeout_ms = send->timeout_ms,
                                    .is_send = true };
    return start_other(call, "send", &request, on_sent, done, arg);
}

/* -- Timers, progress, programs -------------------------------------------------------------------- */

static void call_on_timer(struct pending *pending)
{
    list_remove(&pending->link);
    plugin_enter();
    pending->on_timer(pending->call, pending->arg);
    plugin_leave();
}

static void on_after(void *arg)
{
    call_on_timer(arg);
}

static int api_after(struct cordon_call *call, uint32_t ms, cordon_timer_fn *done,
                     void *arg)
{
    if (!may_wait(call, "after()"))
        return -1;
    struct pending *pending = pending_new(call, arg);
    pending->on_timer = done;
    timer_start(&pending->timer, call->host->loop, ms, on_after, pending);
    return 0;
}

static void on_progress_saved(void *arg)
{
    struct pending *pending = arg;

    pending->save = NULL;
    call_on_timer(pending);
}

static int api_progress(struct cordon_call *call, const char *json, cordon_timer_fn *done,
                        void *arg)
{
    struct str canonical = { 0 };
    struct err err;

    if (!may_wait(call, "progress()"))
        return -1;
    if (call->fn != CALL_APPLY && call->fn != CALL_RESTORE) {
        api_fail(call, "bad_plugin", "progress() is only for apply() and restore()");
        return -1;
    }
    if (json_canonical(&canonical, json, strlen(json), &err) != 0) {
        api_fail(call, "bad_plugin", "progress(): %s", err.text);
        return -1;
    }
    struct pending *pending = pending_new(call, arg);
    pending->on_timer = done;
    const char *kept = arena_dup(&call->work->arena, canonical.ptr, canonical.len);
    str_fini(&canonical);
    pending->save = progress_own(call->work, kept, on_progress_saved, pending);
    return 0;
}

static void on_run(void *arg, int status, const char *out)
{
    struct pending *pending = arg;

    pending->run = NULL;
    list_remove(&pending->link);
    plugin_enter();
    pending->on_run(pending->call, status, out, pending->arg);
    plugin_leave();
}

static int api_run(struct cordon_call *call, const char *const argv[], cordon_run_fn *done,
                   void *arg)
{
    struct err err;

    if (!may_wait(call, "run()"))
        return -1;
    struct pending *pending = pending_new(call, arg);
    pending->on_run = done;
    if (program_start(&pending->run, call->host->loop,
                      (const char *const *)call->host->programs, argv, on_run, pending,
                      &err) == 0)
        return 0;
    pending->run = NULL;
    list_remove(&pending->link);
    api_fail(call, "program", "%s", err.text);
    return err.code;
}

/* -- The rest ---------------------------------------------------------------------------------------- */

static const char *api_secret(const char *name)
{
    return redact_find(&the_host->secrets, name);
}

static void api_random(void *bytes, size_t len)
{
    random_bytes(bytes, len);
}

static int64_t api_now_ms(void)
{
    return clock_unix_ms();
}

const struct cordon_host host_api = {
    .size = sizeof(struct cordon_host),
    .abi = CORDON_ABI,
    .alloc = api_alloc,
    .finish = api_finish,
    .fail = api_fail,
    .log = api_log,
    .http = api_http,
    .header = api_header,
    .after = api_after,
    .progress = api_progress,
    .run = api_run,
    .secret = api_secret,
    .random = api_random,
    .now_ms = api_now_ms,
    .mail = api_mail,
    .send = api_send,
};

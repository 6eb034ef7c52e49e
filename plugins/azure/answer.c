/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "job.h"
#include "text.h"

enum { HEADERS_MAX = 12 };

/* An exchange under way. */
struct flight {
    struct job *job;
    struct exchange exchange;
};

static bool is_read(const struct exchange *exchange)
{
    return exchange->is_harmless || strcmp(exchange->method, "GET") == 0;
}

/* The target is busy with somebody else's change: nothing of ours was begun. */
static bool is_busy(const char *code)
{
    return strcmp(code, "AnotherOperationInProgress") == 0 ||
           strcmp(code, "RetryableErrorDueToAnotherOperation") == 0;
}

static enum cordon_status judge(const struct exchange *exchange,
                                const struct cordon_http_reply *reply, const char *code)
{
    if (reply->status >= 200 && reply->status < 300)
        return CORDON_DONE;
    if (reply->status == 0 && !reply->may_have_sent)
        return CORDON_RETRY;
    if (reply->status == 429 || (reply->status >= 400 && is_busy(code)))
        return CORDON_RETRY;
    if (reply->status >= 400 && reply->status < 500 && reply->status != 408)
        return CORDON_REFUSED;
    return is_read(exchange) ? CORDON_RETRY : CORDON_UNKNOWN;
}

/* What went wrong, in the API's words where it has some. */
static void explain(struct job *job, struct answer *answer)
{
    const struct cordon_http_reply *reply = answer->reply;
    const cJSON *error = json_get(answer->json, "error");

    answer->inner = json_text(json_get(error, "innererror"), "code");
    if (answer->verdict == CORDON_DONE)
        return;
    if (reply->status == 0) {
        answer->code = "NoAnswer";
        answer->message = job_text(job, "%s", reply->error ? reply->error : "no answer");
        return;
    }
    answer->code = json_text(error, "code");
    answer->message = json_text(error, "message");
    if (answer->code[0] == '\0')
        answer->code = job_text(job, "HTTP%d", reply->status);
    if (answer->message[0] == '\0')
        answer->message = job_text(job, "answered with status %d", reply->status);
}

static void on_reply(struct cordon_call *call, const struct cordon_http_reply *reply,
                     void *arg)
{
    struct flight *flight = arg;
    struct job *job = flight->job;
    struct answer answer = {
        .status = reply->status,
        .code = "",
        .inner = "",
        .message = "",
        .reply = reply,
    };
    (void)call;

    if (reply->is_json)
        answer.json = job_own(job, cJSON_Parse(reply->body));
    answer.verdict =
        judge(&flight->exchange, reply, json_text(json_get(answer.json, "error"), "code"));
    explain(job, &answer);
    flight->exchange.done(job, &answer, flight->exchange.arg);
}

/* Nothing hangs on it, so it is sent once and soon given up. */
static void make_courtesy(const struct job *job, struct cordon_http *request)
{
    int64_t left_ms = job->instead_until_ms - job->host->now_ms();

    request->flags |= CORDON_HTTP_ONCE;
    request->timeout_ms = left_ms > 0 ? (uint32_t)left_ms : 1;
}

void exchange_send(struct job *job, const struct exchange *exchange)
{
    struct flight *flight = job_alloc(job, sizeof *flight);
    const char *headers[HEADERS_MAX + 3] = { NULL };
    char uuid[UUID_SIZE];
    size_t count = 0;

    for (; exchange->headers[count] != NULL && count < HEADERS_MAX; count++)
        headers[count] = exchange->headers[count];
    text_uuid(job, uuid);
    headers[count++] = job_text(job, "x-ms-client-request-id: %s", uuid);
    headers[count++] = "x-ms-return-client-request-id: true";
    *flight = (struct flight){ .job = job, .exchange = *exchange };
    struct cordon_http request = {
        .size = sizeof request,
        .method = exchange->method,
        .url = exchange->url,
        .headers = headers,
        .body = exchange->body,
        .body_len = exchange->body != NULL ? strlen(exchange->body) : 0,
        .flags = exchange->flags,
    };
    if (job->instead != NULL)
        make_courtesy(job, &request);
    int status = job->host->http(job->call, &request, on_reply, flight);
    if (exchange->is_wiped && exchange->body != NULL)
        explicit_bzero(exchange->body, request.body_len);
    if (status != 0)
        job_fail(job, CORDON_REFUSED, "NotSent",
                 "the host does not let us ask %s: is it among the allowed hosts?",
                 exchange->url);
}

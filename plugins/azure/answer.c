/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "fault.h"
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

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

static enum cordon_status judge(const struct exchange *exchange,
                                const struct cordon_http_reply *reply,
                                const struct answer *answer, bool is_page)
{
    if (is_success(reply->status) && !is_page)
        return CORDON_DONE;
    if (reply->status == 0 && !reply->may_have_sent)
        return CORDON_RETRY;
    if (reply->status >= 400 && answer->refusal == REFUSAL_PASSES &&
        reply->operation == NULL)
        return CORDON_RETRY;
    /* A proxy that sends us elsewhere has not let the request through. */
    if (reply->status >= 300 && reply->status < 400 && answer->is_foreign)
        return CORDON_REFUSED;
    if (reply->status >= 400 && reply->status < 500 && reply->status != 408)
        return CORDON_REFUSED;
    return is_read(exchange) ? CORDON_RETRY : CORDON_UNKNOWN;
}

static enum family family_of(const struct exchange *exchange)
{
    return exchange->family != FAMILY_ARM ? exchange->family
                                          : refusal_family(exchange->url);
}

/* Does the answer have one of the headers that Microsoft's services send, and nobody else? */
static bool is_of_service(const struct job *job, const struct cordon_http_reply *reply)
{
    static const char *const names[] = { "x-ms-request-id", "x-ms-correlation-request-id",
                                         "request-id", "x-ms-keyvault-service-version",
                                         "x-ms-version" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (job->host->header(reply, names[i]) != NULL)
            return true;
    return false;
}

/* What went wrong, in the API's words where it has some. */
static void explain(struct job *job, const struct exchange *exchange, struct answer *answer,
                    const struct fault_source *from)
{
    struct fault fault;

    fault_read(&fault, job, from);
    answer->refusal = refusal_of(family_of(exchange), answer->status, &fault);
    answer->hint = refusal_hint(&fault);
    answer->is_foreign = fault.is_foreign;
    answer->code = fault.code;
    answer->inner = fault.inner;
    answer->message = fault.message;
    if (answer->code[0] == '\0')
        answer->code = job_text(job, "HTTP%d", answer->status);
    if (answer->message[0] == '\0')
        answer->message = job_text(job, "answered with status %d", answer->status);
}

static void explain_silence(struct job *job, struct answer *answer)
{
    const char *error = answer->reply->error;

    answer->code = "NoAnswer";
    answer->message = error != NULL
                          ? fault_clean(job, error, strlen(error), FAULT_MESSAGE_MAX)
                          : "no answer";
}

static void on_reply(struct cordon_call *call, const struct cordon_http_reply *reply,
                     void *arg)
{
    struct flight *flight = arg;
    struct job *job = flight->job;
    struct fault_source from = {
        .status = reply->status,
        .body = reply->body,
        .len = reply->body_len,
        .type = job->host->header(reply, "Content-Type"),
        .error_code = job->host->header(reply, "x-ms-error-code"),
        .challenge = job->host->header(reply, "WWW-Authenticate"),
        .location = job->host->header(reply, "Location"),
        .is_of_service = is_of_service(job, reply),
    };
    struct answer answer = {
        .status = reply->status,
        .code = "",
        .inner = "",
        .message = "",
        .hint = "",
        .reply = reply,
        .has_failed = reply->operation != NULL && !is_success(reply->status),
    };
    bool is_page = reply->status != 0 && fault_is_page(&from);
    (void)call;

    if (reply->is_json)
        answer.json = job_own(job, cJSON_Parse(reply->body));
    if (reply->status == 0)
        explain_silence(job, &answer);
    else if (!is_success(reply->status) || is_page)
        explain(job, &flight->exchange, &answer, &from);
    answer.verdict = judge(&flight->exchange, reply, &answer, is_page);
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
    if (strcmp(exchange->method, "GET") == 0 && exchange->family != FAMILY_IMDS)
        job->page = exchange->url;
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

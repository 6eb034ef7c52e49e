/* SPDX-License-Identifier: Apache-2.0 */
/* api/http_reply.c - replies, and such as have no end. */
#include "api/http_inside.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "base/json.h"

/* -- replies ------------------------------------------------------------------------------- */

void respond_header(struct request *request, const char *name, const char *value)
{
    struct header *header = xcalloc(1, sizeof *header);

    header->name = xstrdup(name);
    header->value = xstrdup(value);
    header->next = request->headers;
    request->headers = header;
}

static void respond_with(struct request *request, int status, const char *type,
                         struct MHD_Response *response)
{
    static const char *const always[][2] = {
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Strict-Transport-Security", "max-age=31536000" },
    };

    if (request->is_stream) { /* it has begun to answer: all that can be said is the end */
        MHD_destroy_response(response);
        request->is_left = true;
        request_end(request);
        return;
    }
    assert(request->response == NULL && !request->is_queued);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        MHD_add_response_header(response, always[i][0], always[i][1]);
    if (type != NULL)
        MHD_add_response_header(response, "Content-Type", type);
    request->status = status;
    request->response = response;
    request_resume(request);
}

void respond(struct request *request, int status, const char *type, struct span body)
{
    respond_header(request, "Cache-Control", "no-store");
    respond_header(request, "Content-Security-Policy",
                   "default-src 'none'; frame-ancestors 'none'");
    respond_with(request, status, type,
                 MHD_create_response_from_buffer(body.len, (void *)body.ptr,
                                                 MHD_RESPMEM_MUST_COPY));
}

void respond_static(struct request *request, int status, const char *type, struct span body)
{
    respond_with(request, status, type,
                 MHD_create_response_from_buffer(body.len, (void *)body.ptr,
                                                 MHD_RESPMEM_PERSISTENT));
}

void respond_json(struct request *request, int status, struct span json)
{
    respond(request, status, "application/json", json);
}

void respond_problem(struct request *request, int status, const char *code, const char *fmt,
                     ...)
{
    char sentence[1024];
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    json_open(&out, '{');
    json_put(&out, "code", code);
    json_put(&out, "detail", sentence);
    json_put_int(&out, "status", status);
    json_put(&out, "title", route_status_word(status));
    json_put(&out, "type", "about:blank");
    json_close(&out);
    respond(request, status, "application/problem+json", str_span(&text));
    str_fini(&text);
}

/* -- streams ------------------------------------------------------------------------------- */

static ssize_t on_stream(void *arg, uint64_t pos, char *buf, size_t max)
{
    struct request *request = arg;
    size_t len = request->out.len < max ? request->out.len : max;

    (void)pos;
    if (len > 0) {
        request->server->at_once = 0;
        memcpy(buf, request->out.ptr, len);
        memmove(request->out.ptr, request->out.ptr + len, request->out.len - len);
        request->out.len -= len;
        return (ssize_t)len;
    }
    if (request->is_over)
        return MHD_CONTENT_READER_END_OF_STREAM;
    request->is_suspended = true;
    MHD_suspend_connection(request->connection);
    return 0;
}

void respond_stream(struct request *request, void (*gone)(struct request *request))
{
    request->is_stream = true;
    request->gone = gone;
    request->status = 200;
    request->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, on_stream, request, NULL);
    respond_header(request, "Content-Type", "text/event-stream");
    respond_header(request, "Cache-Control", "no-store");
    request_resume(request);
}

void stream_write(struct request *request, struct span bytes)
{
    if (request->is_over)
        return;
    if (request->out.len + bytes.len > HTTP_IN_STREAM_MAX) {
        request->is_left = true; /* it does not read; what it missed it can ask for again */
        request_end(request);
        return;
    }
    str_add_span(&request->out, bytes);
    request_resume(request);
}

void request_end(struct request *request)
{
    request->is_over = true;
    if (request->is_queued && request->connection != NULL)
        age_enter(request->connection, AGE_ANSWER); /* what is left of it */
    request_resume(request);
}

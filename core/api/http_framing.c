/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_framing.c - a request that two readers may cut differently is answered by nobody.
 *
 * libmicrohttpd is lenient: it ends a line at a bare CR or LF, unfolds headers, and shows
 * text only up to a NUL. But what it shows still lies where it came, each line's end a NUL for
 * each of its bytes. So each line must begin where the one before it ended in CR LF, and the
 * last must end where the header does: then nothing lies between that we have not seen.
 */
#include "api/http_inside.h"

#include <string.h>

#include "api/http_strict.h"

struct framing {
    const char *next; /* where the next line must begin */
    int lengths, encodings, count, hosts;
    bool is_wrong;
};

/* The bytes between a name and its value: the colon, now a NUL, and blanks. */
static bool is_gap(const char *end, const char *value)
{
    if (value <= end)
        return false;
    for (const char *c = end + 1; c < value; c++)
        if (*c != ' ' && *c != '\t')
            return false;
    return true;
}

static bool is_line(const struct framing *framing, const char *name, const char *value)
{
    return value != NULL && name == framing->next && strict_name(span_of(name)) &&
           strict_value(span_of(value)) && is_gap(name + strlen(name), value);
}

static enum MHD_Result look_at_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct framing *framing = arg;

    (void)kind;
    framing->count++;
    if (!is_line(framing, name, value)) {
        framing->is_wrong = true;
        return MHD_NO;
    }
    framing->next = value + strlen(value) + 2;
    framing->hosts += strcasecmp(name, "Host") == 0;
    if (strcasecmp(name, "Content-Length") == 0) {
        framing->lengths++;
        framing->is_wrong = framing->is_wrong || !strict_length(span_of(value));
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->encodings++;
        framing->is_wrong = framing->is_wrong || strcasecmp(value, "chunked") != 0;
    }
    return MHD_YES;
}

/* "METHOD address HTTP/1.1", with one space each. */
static bool is_request_line(const struct request_line *line)
{
    return line->is_right && line->uri == line->method + strlen(line->method) + 1 &&
           line->version == line->uri + line->uri_len + 1;
}

static bool ends_where_the_header_does(const struct request *request,
                                       const struct framing *framing)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection,
                                MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL && framing->next + 2 == request->line->method + info->header_size;
}

static void refuse(struct request *request, int status, const char *sentence)
{
    request->is_last = true;
    respond_problem(request, status, "framing", "%s", sentence);
}

static bool is_cut_one_way(struct request *request, const struct framing *framing)
{
    if (framing->is_wrong || framing->hosts > 1 ||
        framing->lengths + framing->encodings > 1 ||
        !ends_where_the_header_does(request, framing)) {
        refuse(
            request, 400,
            "want lines that end in CR LF and have no NUL, no folded line, one Host, and "
            "for a body one Content-Length, or Transfer-Encoding: chunked, and not both");
        return false;
    }
    return true;
}

bool framing_is_right(struct request *request)
{
    const struct request_line *line = request->line;
    struct framing framing = { .next = line->version + strlen(line->version) + 2 };
    bool is_old = strcmp(line->version, "HTTP/1.0") == 0;

    if (!is_old && strcmp(line->version, "HTTP/1.1") != 0) {
        refuse(request, 505, "want HTTP/1.1");
        return false;
    }
    if (!is_request_line(line)) {
        refuse(request, 400,
               "want a method, a path from / in ASCII, with two hex digits for each %, and "
               "HTTP/1.1, with one space between");
        return false;
    }
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look_at_header,
                              &framing);
    if (framing.count > HTTP_IN_HEADERS_MAX) {
        request->is_last = true;
        respond_problem(request, 431, "headers", "a request may have %d headers",
                        HTTP_IN_HEADERS_MAX);
        return false;
    }
    framing.is_wrong = framing.is_wrong || (is_old && framing.encodings > 0);
    /* How chunks are cut is libmicrohttpd's to know: nothing comes behind them. */
    request->is_last = framing.encodings > 0;
    return is_cut_one_way(request, &framing);
}

static enum MHD_Result count_one(void *arg, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    (void)name;
    (void)value;
    ++*(int *)arg;
    return MHD_YES;
}

bool framing_has_trailers(const struct request *request)
{
    int count = 0;

    MHD_get_connection_values(request->connection, MHD_FOOTER_KIND, count_one, &count);
    return count > 0;
}

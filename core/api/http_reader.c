/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/http.h"
#include "api/http_strict.h"

/* What the second of could be another one's, whom a proxy let through. */
static const struct {
    const char *name, *code;
} once[] = {
    { "Authorization", "two_credentials" }, { "Content-Encoding", "framing" },
    { "Content-Type", "framing" },          { "Cookie", "two_credentials" },
    { "Idempotency-Key", "framing" },       { "Origin", "framing" },
    { "Sec-Fetch-Site", "framing" },        { "X-Cordon-Token", "two_credentials" },
};

/* -- refusing --------------------------------------------------------------------------------- */

/* Of a request whose header was handed on the body ends here, and its handler looks why. */
static void __attribute__((format(printf, 4, 5)))
refuse(struct http_reader *reader, int status, const char *code, const char *fmt, ...)
{
    va_list args;

    if (reader->phase == HTTP_OVER)
        return;
    va_start(args, fmt);
    vsnprintf(reader->sentence, sizeof reader->sentence, fmt, args);
    va_end(args);
    reader->status = status;
    reader->code = code;
    if (reader->phase == HTTP_HEAD) {
        reader->requests++;
        str_add_text(&reader->out, HTTP_REFUSED);
    } else {
        str_add_text(&reader->out, "0\r\n\r\n");
    }
    reader->last = reader->requests;
    reader->phase = HTTP_OVER;
    str_fini(&reader->line);
    str_fini(&reader->head);
}

static void refuse_framing(struct http_reader *reader)
{
    refuse(reader, 400, "framing",
           "want lines that end in CR LF and have no NUL, no folded line, one Host, and "
           "for a body one Content-Length, or Transfer-Encoding: chunked, and not both");
}

static void refuse_chunk(struct http_reader *reader)
{
    refuse(reader, 400, "framing",
           "want chunks of 1 to %d hex digits and CR LF, without an extension, and nothing "
           "behind the last one",
           HTTP_CHUNK_DIGITS_MAX);
}

/* -- a header --------------------------------------------------------------------------------- */

static void begin_head(struct http_reader *reader)
{
    reader->phase = HTTP_HEAD;
    reader->head_size = 0;
    reader->headers = reader->hosts = reader->lengths = reader->encodings = 0;
    reader->once = 0;
    reader->is_old = reader->is_blank = false;
    reader->length = 0;
    str_fini(&reader->head);
    str_fini(&reader->line);
}

/* "METHOD address HTTP/1.1", with one space each. */
static void take_request_line(struct http_reader *reader, struct span line)
{
    const char *first = memchr(line.ptr, ' ', line.len);
    size_t method = first != NULL ? (size_t)(first - line.ptr) : line.len;
    struct span rest = { line.ptr + method, line.len - method };
    size_t uri = 0;

    if (rest.len > 0) {
        rest.ptr++;
        rest.len--;
    }
    while (uri < rest.len && rest.ptr[uri] != ' ')
        uri++;
    struct span version = { rest.ptr + uri, rest.len - uri };
    if (version.len > 0) {
        version.ptr++;
        version.len--;
    }
    bool is_right = strict_name((struct span){ line.ptr, method }) &&
                    strict_uri((struct span){ rest.ptr, uri });
    reader->is_old = span_is(version, "HTTP/1.0");
    if (is_right && version.len == 8 && span_starts(version, "HTTP/") && !reader->is_old &&
        !span_is(version, "HTTP/1.1"))
        refuse(reader, 505, "framing", "want HTTP/1.1");
    else if (!is_right || (!reader->is_old && !span_is(version, "HTTP/1.1")))
        refuse(
            reader, 400, "framing",
            "want a method, a path from / in ASCII, with two hex digits for each %%, and "
            "HTTP/1.1, with one space between");
    else
        str_printf(&reader->head, "%.*s\r\n", (int)line.len, line.ptr);
}

static bool is_name(struct span name, const char *text)
{
    return span_equal_nocase(name, span_of(text));
}

static void take_once(struct http_reader *reader, struct span name)
{
    for (unsigned i = 0; i < sizeof once / sizeof *once; i++) {
        if (!is_name(name, once[i].name))
            continue;
        if ((reader->once & 1U << i) != 0)
            refuse(reader, 400, once[i].code, "want one header %s, and not two",
                   once[i].name);
        reader->once |= 1U << i;
    }
}

static void take_header(struct http_reader *reader, struct span name, struct span value)
{
    reader->hosts += is_name(name, "Host");
    if (is_name(name, "Content-Length")) {
        reader->lengths++;
        if (!strict_length(value) || !span_int(value, &reader->length))
            refuse_framing(reader);
    }
    if (is_name(name, "Transfer-Encoding")) {
        reader->encodings++;
        if (!is_name(value, "chunked"))
            refuse_framing(reader);
    }
    take_once(reader, name);
    if (++reader->headers > HTTP_IN_HEADERS_MAX)
        refuse(reader, 431, "headers", "a request may have %d headers",
               HTTP_IN_HEADERS_MAX);
    if (reader->phase == HTTP_OVER)
        return;
    str_add_span(&reader->head, name);
    str_add_text(&reader->head, value.len > 0 ? ": " : ":");
    str_add_span(&reader->head, value);
    str_add_text(&reader->head, "\r\n");
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static void take_header_line(struct http_reader *reader, struct span line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    struct span name = { line.ptr, colon != NULL ? (size_t)(colon - line.ptr) : 0 };
    struct span value = { line.ptr + name.len, line.len - name.len };

    if (value.len > 0) {
        value.ptr++;
        value.len--;
    }
    while (value.len > 0 && is_space(value.ptr[0])) {
        value.ptr++;
        value.len--;
    }
    while (value.len > 0 && is_space(value.ptr[value.len - 1]))
        value.len--;
    if (!strict_name(name) || !strict_value(value))
        refuse_framing(reader);
    else
        take_header(reader, name, value);
}

static void end_head(struct http_reader *reader)
{
    if (reader->hosts > 1 || (reader->hosts == 0 && !reader->is_old) ||
        reader->lengths + reader->encodings > 1 ||
        (reader->is_old && reader->encodings > 0)) {
        refuse_framing(reader);
        return;
    }
    str_add_text(&reader->head, "\r\n");
    str_add_span(&reader->out, str_span(&reader->head));
    reader->requests++;
    reader->left = (size_t)reader->length;
    if (reader->encodings > 0) {
        reader->phase = HTTP_CHUNK_SIZE;
        reader->last = reader->requests;
        str_fini(&reader->head);
    } else if (reader->left > 0) {
        reader->phase = HTTP_BODY;
        str_fini(&reader->head);
    } else {
        begin_head(reader);
    }
}

static void take_head_line(struct http_reader *reader, struct span line)
{
    if (reader->head.len > 0 && line.len == 0)
        end_head(reader);
    else if (reader->head.len > 0)
        take_header_line(reader, line);
    else if (line.len > 0)
        take_request_line(reader, line);
    else if (!reader->is_blank)
        reader->is_blank = true; /* RFC 9112, 2.2: one empty line may come before */
    else
        refuse_framing(reader);
}

/* -- chunks ----------------------------------------------------------------------------------- */

static void take_chunk_size(struct http_reader *reader, struct span line)
{
    size_t size = 0;

    if (line.len == 0 || line.len > HTTP_CHUNK_DIGITS_MAX) {
        refuse_chunk(reader);
        return;
    }
    for (size_t i = 0; i < line.len; i++) {
        int c = tolower((unsigned char)line.ptr[i]);

        if (!isxdigit(c)) {
            refuse_chunk(reader);
            return;
        }
        size = size * 16 + (size_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    reader->left = size;
    reader->phase = size > 0 ? HTTP_CHUNK : HTTP_LAST_END;
}

static void take_chunk_line(struct http_reader *reader, struct span line)
{
    if (reader->phase == HTTP_CHUNK_SIZE) {
        take_chunk_size(reader, line);
    } else if (line.len > 0) {
        refuse_chunk(reader);
    } else if (reader->phase == HTTP_CHUNK_END) {
        reader->phase = HTTP_CHUNK_SIZE;
    } else {
        str_add_text(&reader->out, "0\r\n\r\n");
        reader->phase = HTTP_OVER;
    }
}

/* -- bytes ------------------------------------------------------------------------------------ */

static void take_line(struct http_reader *reader)
{
    struct str line = reader->line;

    reader->line = (struct str){ .is_secret = true };
    if (line.len < 2 || line.ptr[line.len - 2] != '\r' ||
        memchr(line.ptr, '\r', line.len) != line.ptr + line.len - 2) {
        if (reader->phase == HTTP_HEAD)
            refuse_framing(reader);
        else
            refuse_chunk(reader);
    } else if (reader->phase == HTTP_HEAD) {
        take_head_line(reader, (struct span){ line.ptr, line.len - 2 });
    } else {
        take_chunk_line(reader, (struct span){ line.ptr, line.len - 2 });
    }
    str_fini(&line);
}

static size_t line_max(const struct http_reader *reader)
{
    return reader->phase == HTTP_HEAD ? HTTP_IN_MEMORY : HTTP_CHUNK_DIGITS_MAX + 2;
}

/* Up to the end of the line, or all of it. */
static size_t feed_line(struct http_reader *reader, const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\n', len);
    size_t count = end != NULL ? (size_t)(end - bytes) + 1 : len;

    reader->line.is_secret = reader->head.is_secret = true;
    reader->head_size += reader->phase == HTTP_HEAD ? count : 0;
    if (reader->head_size > HTTP_IN_MEMORY && reader->phase == HTTP_HEAD) {
        refuse(reader, 431, "headers", "a request line and its headers may have %d bytes",
               HTTP_IN_MEMORY);
        return len;
    }
    if (reader->line.len + count > line_max(reader)) {
        refuse_chunk(reader);
        return len;
    }
    str_add(&reader->line, bytes, count);
    if (end != NULL)
        take_line(reader);
    return count;
}

static size_t feed_body(struct http_reader *reader, const char *bytes, size_t len)
{
    size_t count = len < reader->left ? len : reader->left;

    if (reader->phase == HTTP_CHUNK)
        str_printf(&reader->out, "%zx\r\n", count);
    str_add(&reader->out, bytes, count);
    if (reader->phase == HTTP_CHUNK)
        str_add_text(&reader->out, "\r\n");
    reader->left -= count;
    if (reader->left == 0 && reader->phase == HTTP_CHUNK)
        reader->phase = HTTP_CHUNK_END;
    else if (reader->left == 0)
        begin_head(reader);
    return count;
}

void http_reader_feed(struct http_reader *reader, const char *bytes, size_t len)
{
    reader->out.is_secret = true;
    while (len > 0 && reader->phase != HTTP_OVER) {
        size_t count = reader->phase == HTTP_BODY || reader->phase == HTTP_CHUNK
                           ? feed_body(reader, bytes, len)
                           : feed_line(reader, bytes, len);

        bytes += count;
        len -= count;
    }
}

size_t http_reader_take(struct http_reader *reader, char *bytes, size_t size)
{
    size_t count = reader->out.len - reader->taken;

    if (count == 0)
        return 0;
    if (count > size)
        count = size;
    memcpy(bytes, reader->out.ptr + reader->taken, count);
    reader->taken += count;
    if (reader->taken == reader->out.len) {
        str_fini(&reader->out); /* who waits holds no memory */
        reader->taken = 0;
    }
    return count;
}

bool http_reader_is_idle(const struct http_reader *reader)
{
    return reader->phase == HTTP_HEAD && reader->head_size == 0;
}

void http_reader_fini(struct http_reader *reader)
{
    str_fini(&reader->line);
    str_fini(&reader->head);
    str_fini(&reader->out);
}

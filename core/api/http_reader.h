/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_reader.h - a strict reader of requests, in front of libmicrohttpd.
 *
 * It is fed the bytes of one connection and gives bytes that can be cut in one way only: a
 * request's header when it is whole and right, each line written anew as "Name: value" CR LF; a
 * body of as many bytes as its Content-Length says; or chunks, each written anew. What two readers
 * may read differently is refused: in its place stands a request of ours (HTTP_REFUSED), whose
 * answer is the refusal, and nothing of the connection is read any more.
 *
 *     a header line  name ":" value, no blank before the colon, no control character, not folded
 *     lines          end in CR LF; neither stands alone
 *     once at most   Host (HTTP/1.1: exactly once), Content-Length, Transfer-Encoding and others
 *                    of which the second could be another one's
 *     a body         Content-Length in digits, or Transfer-Encoding: chunked, and not both
 *     chunks         1 to 8 hex digits, no extension, no trailer; the connection ends behind them
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum { HTTP_CHUNK_DIGITS_MAX = 8 };

#define HTTP_REFUSED "GET /refused HTTP/1.1\r\nHost: refused\r\n\r\n"

enum http_phase {
    HTTP_HEAD,
    HTTP_BODY,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,
    HTTP_CHUNK_END, /* the CR LF behind a chunk */
    HTTP_LAST_END,  /* the CR LF behind the last one */
    HTTP_OVER
};

/* Zeroed, it is at a connection's begin. */
struct http_reader {
    enum http_phase phase;
    struct str line; /* of the header or of chunks, not whole yet */
    struct str head; /* the lines before it, as they are handed on */
    struct str out;  /* from taken on: not handed on yet */
    size_t taken;
    size_t left;      /* bytes of the body or of the chunk */
    size_t head_size; /* as it came */
    int headers, hosts, lengths, encodings;
    unsigned once;         /* bits of those that may come once, and have */
    bool is_old, is_blank; /* HTTP/1.0; an empty line came before the request */
    int64_t length;
    unsigned requests; /* whole headers, refused ones too */
    unsigned last;     /* the request with which the connection ends; 0: none yet */
    /* why the last one is refused; status 0: it is not */
    int status;
    const char *code;
    char sentence[256];
};

void http_reader_feed(struct http_reader *reader, const char *bytes, size_t len);
/* Moves what may be handed on; 0: nothing now. */
size_t http_reader_take(struct http_reader *reader, char *bytes, size_t size);
/* Is it between two requests? */
bool http_reader_is_idle(const struct http_reader *reader);
void http_reader_fini(struct http_reader *reader);

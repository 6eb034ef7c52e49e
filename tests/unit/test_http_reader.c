/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "check.h"

/* All that is handed on of text, which comes in pieces of that many bytes. */
static char *read_in(const char *text, size_t len, size_t piece, struct http_reader *reader)
{
    struct str all = { 0 };
    char some[7];
    size_t count;

    *reader = (struct http_reader){ 0 };
    for (size_t at = 0; at < len; at += piece) {
        http_reader_feed(reader, text + at, len - at < piece ? len - at : piece);
        while ((count = http_reader_take(reader, some, sizeof some)) > 0)
            str_add(&all, some, count);
    }
    return str_take(&all);
}

static void hands_on(const char *text, const char *wanted)
{
    struct http_reader reader;

    for (size_t piece = 1; piece <= strlen(text) + 1; piece += piece < 8 ? 1 : 29) {
        char *all = read_in(text, strlen(text), piece, &reader);

        CHECK_STR(all, wanted);
        CHECK_INT(reader.status, 0);
        free(all);
        http_reader_fini(&reader);
    }
}

TEST(a_header_is_handed_on_when_it_is_whole_with_each_line_written_anew)
{
    struct http_reader reader;
    const char *half = "GET / HTTP/1.1\r\nHost: x\r\n";
    char *all = read_in(half, strlen(half), 5, &reader);

    CHECK_STR(all, "");
    CHECK(!http_reader_is_idle(&reader));
    http_reader_fini(&reader);
    free(all);
    hands_on("GET /a?b=c HTTP/1.1\r\nHost:x\r\nA:  b c \t \r\nEmpty: \r\nNone:\r\n\r\n",
             "GET /a?b=c HTTP/1.1\r\nHost: x\r\nA: b c\r\nEmpty:\r\nNone:\r\n\r\n");
    hands_on("\r\nGET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n");
}

TEST(a_body_is_as_long_as_it_says_and_the_next_request_comes_behind_it)
{
    hands_on("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nG\n\0\0\0"
             "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nG\n");
    hands_on("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\r\n\r\nA"
             "GET /b HTTP/1.1\r\nHost: y \r\n\r\n",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\r\n\r\nA"
             "GET /b HTTP/1.1\r\nHost: y\r\n\r\n");
}

TEST(chunks_are_written_anew_and_nothing_is_read_behind_them)
{
    struct http_reader reader;
    const char *text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                       "0000A\r\n0123456789\r\n2\r\n\r\n\r\n0\r\n\r\n"
                       "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    char *all = read_in(text, strlen(text), strlen(text), &reader);

    CHECK_STR(all, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                   "a\r\n0123456789\r\n2\r\n\r\n\r\n0\r\n\r\n");
    CHECK_INT((int)reader.requests, 1);
    CHECK_INT((int)reader.last, 1);
    CHECK_INT(reader.status, 0);
    free(all);
    http_reader_fini(&reader);
}

#define FIRST        "GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD         "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED      HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define STRING(TEXT) TEXT, sizeof(TEXT) - 1

static const struct {
    const char *text;
    size_t len;
    int status;
    const char *code;
} wrong[] = {
    { STRING("GET / HTTP/1.1\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: x\r\n\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: x\r\n b\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\n: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: \x0bx\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1\r\n\r\n"), 400, "framing" },
    { STRING("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET /  HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET /%0 HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET x HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET /\r\n\r\n"), 400, "framing" },
    { STRING("GET\r\n\r\n"), 400, "framing" },
    { STRING("GET / http/1.1\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505, "framing" },
    { STRING("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505, "framing" },
    { STRING("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: 5, 5\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: +5\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: 05\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length:\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: 0x5\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: 99999999999999999999\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
      "framing" },
    { STRING(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
      "framing" },
    { STRING(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), 400,
      "framing" },
    { STRING(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
      "framing" },
    { STRING(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Transfer-Encoding:\r\n\r\n"), 400, "framing" },
    { STRING("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, "framing" },
    { STRING(HEAD "Authorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n"), 400,
      "two_credentials" },
    { STRING(HEAD "Cookie: a=b\r\nCookie: c=d\r\n\r\n"), 400, "two_credentials" },
    { STRING(HEAD "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"), 400, "framing" },
    { STRING(CHUNKED "x\r\n"), 400, "framing" },
    { STRING(CHUNKED "\r\n"), 400, "framing" },
    { STRING(CHUNKED "-1\r\n"), 400, "framing" },
    { STRING(CHUNKED " 1\r\n"), 400, "framing" },
    { STRING(CHUNKED "1 \r\n"), 400, "framing" },
    { STRING(CHUNKED "0x1\r\n"), 400, "framing" },
    { STRING(CHUNKED "1;a=b\r\n"), 400, "framing" },
    { STRING(CHUNKED "1\n"), 400, "framing" },
    { STRING(CHUNKED "000000001\r\n"), 400, "framing" },
    { STRING(CHUNKED "1\r\naa\r\n"), 400, "framing" },
    { STRING(CHUNKED "1\r\na\n"), 400, "framing" },
    { STRING(CHUNKED "0\r\nA: b\r\n\r\n"), 400, "framing" },
    { STRING(CHUNKED "0\n\r\n"), 400, "framing" },
};

TEST(what_two_readers_may_cut_differently_is_refused_however_it_comes)
{
    struct http_reader reader;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t piece = 1; piece < 80; piece += piece < 4 ? 1 : 19) {
            struct str text = { 0 };

            str_add_text(&text, FIRST);
            str_add(&text, wrong[i].text, wrong[i].len);
            str_add_text(&text, "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n");
            char *all = read_in(text.ptr, text.len, piece, &reader);

            if (reader.status != wrong[i].status)
                fprintf(stderr, "%s\n", wrong[i].text);
            CHECK_INT(reader.status, wrong[i].status);
            CHECK_STR(reader.code, wrong[i].code);
            CHECK_INT((int)reader.requests, 2);
            CHECK_INT((int)reader.last, 2);
            CHECK(strstr(all, FIRST) == all && strstr(all, "hidden") == NULL);
            CHECK(strstr(all, HTTP_REFUSED) != NULL ||
                  strstr(all, "\r\n0\r\n\r\n") != NULL);
            free(all);
            str_fini(&text);
            http_reader_fini(&reader);
        }
}

TEST(headers_without_end_stop_at_their_bounds)
{
    struct http_reader reader = { 0 };
    char line[64];

    http_reader_feed(&reader, STRING("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < HTTP_IN_HEADERS_MAX - 1; i++)
        http_reader_feed(&reader, STRING("A: b\r\n"));
    CHECK_INT(reader.status, 0);
    http_reader_feed(&reader, STRING("A: b\r\n"));
    CHECK_INT(reader.status, 431);
    http_reader_fini(&reader);

    reader = (struct http_reader){ 0 };
    memset(line, 'a', sizeof line);
    for (size_t i = 0; i < HTTP_IN_MEMORY / sizeof line; i++)
        http_reader_feed(&reader, line, sizeof line);
    CHECK_INT(reader.status, 0);
    http_reader_feed(&reader, line, 1);
    CHECK_INT(reader.status, 431);
    CHECK_INT((int)reader.line.cap, 0); /* nothing of it is kept */
    http_reader_fini(&reader);
}

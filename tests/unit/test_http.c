/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "check.h"
#include "http_server.h"
#include "net/loop.h"

/* The static one outlives the server's threads, which end with the process. */
static struct server server;

struct seen {
    struct loop *loop;
    int count;
    int wanted;
    int status;
    bool may_have_sent;
    bool is_hopeless;
    char *body;
    char *error;
    char *headers;
};

static void forget(struct seen *seen)
{
    free(seen->body);
    free(seen->error);
    free(seen->headers);
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct seen *seen = arg;

    forget(seen);
    seen->count++;
    seen->status = reply->status;
    seen->may_have_sent = reply->may_have_sent;
    seen->is_hopeless = reply->is_hopeless;
    seen->body = strdup(reply->body);
    seen->error = reply->error ? strdup(reply->error) : NULL;
    seen->headers = strdup(reply->headers);
    if (seen->count == seen->wanted)
        loop_stop(seen->loop);
}

static struct http *open_client(struct loop *loop, const char *allowed)
{
    const char *allow[] = { allowed, NULL };
    struct http_options options = { .allow = allow };
    struct http *http;
    struct err err;

    CHECK_OK(http_open(&http, loop, &options, &err), &err);
    return http;
}

static struct http_call *ask(struct seen *seen, struct http *http, const char *method,
                             const char *path, const char *body, int64_t timeout_ms)
{
    char url[256];
    const char *headers[] = { "X-Test: yes", "Content-Type: application/json", NULL };
    struct http_request request = { .method = method,
                                    .url = url,
                                    .headers = headers,
                                    .body = body,
                                    .body_len = body ? strlen(body) : 0,
                                    .timeout_ms = timeout_ms };
    struct http_call *call;
    struct err err;

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    CHECK_OK(http_start(&call, http, &request, on_reply, seen, &err), &err);
    seen->wanted++;
    return call;
}

struct fixture {
    struct loop *loop;
    struct http *http;
    struct seen seen;
};

static struct fixture begin(void)
{
    struct fixture fixture = { .loop = loop_open() };

    server_start(&server);
    fixture.http = open_client(fixture.loop, "127.0.0.1");
    fixture.seen.loop = fixture.loop;
    return fixture;
}

static void finish(struct fixture *fixture)
{
    http_close(fixture->http);
    loop_run(fixture->loop);
    loop_close(fixture->loop);
    forget(&fixture->seen);
}

TEST(a_reply_brings_status_headers_and_body_and_the_connection_is_used_again)
{
    struct fixture f = begin();

    for (int i = 0; i < 3; i++) {
        ask(&f.seen, f.http, "GET", "/ok", NULL, 5000);
        loop_run(f.loop);
        CHECK_INT(f.seen.status, 200);
        CHECK_STR(f.seen.body, "hello");
        CHECK_SPAN(http_header(f.seen.headers, "X-ONE"), "two");
        CHECK_SPAN(http_header(f.seen.headers, "X-On"), "");
    }
    CHECK_INT(f.seen.count, 3);
    CHECK_INT(server_requests(&server), 3);
    CHECK_INT(server_connections(&server), 1);
    finish(&f);
}

TEST(method_headers_and_body_arrive_as_given_and_a_post_without_a_body_says_length_0)
{
    struct fixture f = begin();

    ask(&f.seen, f.http, "PUT", "/echo", "{\"a\":1}", 5000);
    loop_run(f.loop);
    CHECK_HAS(f.seen.body, "PUT /echo HTTP/1.1\r\n");
    CHECK_HAS(f.seen.body, "X-Test: yes\r\n");
    CHECK_HAS(f.seen.body, "Content-Length: 7\r\n");
    CHECK_HAS(f.seen.body, "\r\n\r\n{\"a\":1}");
    CHECK_LACKS(f.seen.body, "Expect");
    ask(&f.seen, f.http, "POST", "/echo", NULL, 5000);
    loop_run(f.loop);
    CHECK_HAS(f.seen.body, "Content-Length: 0\r\n");
    ask(&f.seen, f.http, "DELETE", "/echo", NULL, 5000);
    loop_run(f.loop);
    CHECK_HAS(f.seen.body, "DELETE /echo HTTP/1.1\r\n");
    CHECK_LACKS(f.seen.body, "Content-Length");
    finish(&f);
}

TEST(a_connection_closed_after_the_request_is_doubt_and_the_request_is_not_sent_again)
{
    struct fixture f = begin();

    ask(&f.seen, f.http, "GET", "/ok", NULL, 5000);
    loop_run(f.loop);
    ask(&f.seen, f.http, "POST", "/drop", "x", 5000); /* on the connection that is open */
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 0);
    CHECK(f.seen.may_have_sent);
    CHECK(!f.seen.is_hopeless);
    CHECK(f.seen.error[0]);
    CHECK_INT(server_requests(&server), 2);
    finish(&f);
}

TEST(a_reply_cut_short_is_no_reply)
{
    struct fixture f = begin();

    ask(&f.seen, f.http, "GET", "/half", NULL, 5000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 0);
    CHECK(f.seen.may_have_sent);
    CHECK_STR(f.seen.body, "");
    finish(&f);
}

TEST(a_refused_connection_has_provably_sent_nothing)
{
    struct fixture f = begin();
    int port = server.port;

    server.port = 1; /* nobody listens there, and an ordinary user never could */
    ask(&f.seen, f.http, "POST", "/ok", "x", 5000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 0);
    CHECK(!f.seen.may_have_sent);
    CHECK(!f.seen.is_hopeless);
    server.port = port;
    finish(&f);
}

TEST(the_deadline_ends_a_call_that_nobody_answers)
{
    struct fixture f = begin();

    ask(&f.seen, f.http, "GET", "/silent", NULL, 100);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 0);
    CHECK(f.seen.may_have_sent);
    CHECK_STR(f.seen.error, "no reply before the time was up");
    finish(&f);
}

TEST(bodies_and_headers_without_end_stop_at_their_named_bounds)
{
    struct fixture f = begin();

    ask(&f.seen, f.http, "GET", "/big", NULL, 8000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 0);
    CHECK_HAS(f.seen.error, "HTTP_BODY_MAX");
    ask(&f.seen, f.http, "GET", "/headers", NULL, 8000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 0);
    CHECK(f.seen.may_have_sent);
    finish(&f);
}

TEST(redirects_are_handed_over_and_early_hints_are_not_the_replys)
{
    struct fixture f = begin();

    ask(&f.seen, f.http, "GET", "/moved", NULL, 5000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 302);
    CHECK_SPAN(http_header(f.seen.headers, "location"), "/ok");
    ask(&f.seen, f.http, "GET", "/early", NULL, 5000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 200);
    CHECK_STR(f.seen.body, "late");
    CHECK_SPAN(http_header(f.seen.headers, "x-early"), "");
    finish(&f);
}

TEST(a_hundred_at_once_all_end_and_no_more_than_64_connections_are_made)
{
    struct fixture f = begin();

    for (int i = 0; i < 100; i++)
        ask(&f.seen, f.http, "GET", "/ok", NULL, 8000);
    loop_run(f.loop);
    CHECK_INT(f.seen.count, 100);
    CHECK_INT(f.seen.status, 200);
    CHECK(server_connections(&server) <= HTTP_AT_ONCE_MAX);
    finish(&f);
}

TEST(a_cancelled_call_and_a_closed_client_call_nothing)
{
    struct fixture f = begin();
    struct http_call *call = ask(&f.seen, f.http, "GET", "/ok", NULL, 5000);

    http_cancel(call);
    for (int i = 0; i < 70; i++)
        ask(&f.seen, f.http, "GET", "/ok", NULL, 5000);
    finish(&f);
    CHECK_INT(f.seen.count, 0);
}

TEST(a_proxy_in_the_environment_is_not_asked)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct fixture f = begin();

    ask(&f.seen, f.http, "GET", "/ok", NULL, 5000);
    loop_run(f.loop);
    CHECK_INT(f.seen.status, 200);
    finish(&f);
}

TEST(an_address_that_is_not_listed_is_not_connected_to_whatever_name_led_there)
{
    struct loop *loop = loop_open();
    struct http *http = open_client(loop, "*");
    struct seen seen = { .loop = loop };

    server_start(&server);
    ask(&seen, http, "POST", "/ok", "x", 5000);
    loop_run(loop);
    CHECK_INT(seen.status, 0);
    CHECK(!seen.may_have_sent);
    CHECK(seen.is_hopeless);
    CHECK_HAS(seen.error, "is no public address");
    CHECK_INT(server_connections(&server), 0);
    http_close(http);
    loop_run(loop);
    loop_close(loop);
    forget(&seen);
}

TEST(a_request_that_is_none_is_refused_before_anything_is_sent)
{
    static const struct {
        const char *method, *url, *header, *says;
    } wrong[] = {
        { "GET", "ftp://127.0.0.1/", "A: b", "must begin with https" },
        { "GET", "http://127.0.0.1@other.test/", "A: b", "no host and port" },
        { "GET", "http://127.0.0.1%2eother.test/", "A: b", "no host and port" },
        { "GET", "http://127.0.0.1:0/", "A: b", "no host and port" },
        { "GET", "http://127.0.0.1/a b", "A: b", "must be escaped" },
        { "GET", "http://127.0.0.1\\@other.test/", "A: b", "must be escaped" },
        { "GET", "http://other.test/", "A: b", "is not among the hosts" },
        { "GET /x", "http://127.0.0.1/", "A: b", "capital letters" },
        { "GET", "http://127.0.0.1/", "A: b\r\nC: d", "one line" },
    };
    struct fixture f = begin();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *headers[] = { wrong[i].header, NULL };
        struct http_request request = { .method = wrong[i].method,
                                        .url = wrong[i].url,
                                        .headers = headers,
                                        .timeout_ms = 1000 };
        struct http_call *call;
        struct err err = { 0 };
        CHECK(http_start(&call, f.http, &request, on_reply, &f.seen, &err) != 0);
        CHECK_HAS(err.text, wrong[i].says);
    }
    finish(&f);
    CHECK_INT(f.seen.count, 0);
}

TEST(a_mail_that_is_none_is_refused_before_anything_is_sent)
{
    static const struct {
        const char *url, *from, *to, *says;
    } wrong[] = {
        { "http://127.0.0.1/", "a@b.test", "a@b.test", "smtp://HOST:PORT" },
        { "smtp://127.0.0.1/name", "a@b.test", "a@b.test", "smtp://HOST:PORT" },
        { "smtp://user@127.0.0.1", "a@b.test", "a@b.test", "no host and port" },
        { "smtp://127.0.0.1 x", "a@b.test", "a@b.test", "must be escaped" },
        { "smtp://other.test", "a@b.test", "a@b.test", "is not among the hosts" },
        { "smtp://127.0.0.1", "a", "a@b.test", "name@example.org" },
        { "smtp://127.0.0.1", "a@b.test", "a@b.test\r\nDATA", "name@example.org" },
        { "smtp://127.0.0.1", "a@b.test", "<a@b.test>", "name@example.org" },
        { "smtp://127.0.0.1", "a@b.test", NULL, "1 to 100 recipients" },
    };
    struct fixture f = begin();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *to[] = { wrong[i].to, NULL };
        struct http_mail mail = { .from = wrong[i].from, .to = to, .is_plain = true };
        struct http_request request = {
            .url = wrong[i].url, .body = "", .timeout_ms = 1000, .mail = &mail
        };
        struct http_call *call;
        struct err err = { 0 };
        CHECK(http_start(&call, f.http, &request, on_reply, &f.seen, &err) != 0);
        CHECK_HAS(err.text, wrong[i].says);
    }
    finish(&f);
    CHECK_INT(f.seen.count, 0);
}

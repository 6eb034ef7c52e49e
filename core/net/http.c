/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

/* -- Calls -------------------------------------------------------------------------------- */

void http_free(struct http_call *call)
{
    timer_stop(&call->deadline);
    timer_stop(&call->again);
    list_remove(&call->link);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->mail_to);
    free(call->message);
    str_fini(&call->reply_headers);
    str_fini(&call->reply_body);
    free(call->url_text);
    free(call);
}

void http_run_next(struct http *http)
{
    while (http->running_count < HTTP_AT_ONCE_MAX && !list_is_empty(&http->waiting)) {
        struct http_call *call =
            list_item(list_take(&http->waiting), struct http_call, link);
        list_add(&http->running, &call->link);
        http->waiting_count--;
        http->running_count++;
        call->is_running = true;
        CURLMcode rc = curl_multi_add_handle(http->multi, call->easy);
        assert(rc == CURLM_OK);
    }
}

static void take_out(struct http_call *call)
{
    struct http *http = call->http;

    if (call->is_running) {
        curl_multi_remove_handle(http->multi, call->easy);
        http->running_count--;
    } else {
        http->waiting_count--;
    }
    list_remove(&call->link);
}

void http_answer(struct http_call *call, const struct http_reply *reply)
{
    struct http *http = call->http;

    take_out(call);
    timer_stop(&call->deadline);
    http_run_next(http);
    call->done(call->arg, reply);
    http_free(call);
}

void http_fail(struct http_call *call, const char *sentence, bool is_hopeless)
{
    struct http_reply reply = {
        .may_have_sent = call->may_have_sent,
        .is_hopeless = is_hopeless,
        .body = "",
        .error = sentence,
        .headers = "",
    };

    http_answer(call, &reply);
}

static bool is_hopeless(const struct http_call *call, CURLcode rc)
{
    return call->why.code == ERR_DENIED || rc == CURLE_PEER_FAILED_VERIFICATION ||
           rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL ||
           rc == CURLE_SSL_CACERT_BADFILE;
}

/* The server said no: what it said counts, whatever libcurl makes of it. */
static bool refused_mail(struct http_call *call, CURLcode rc)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!call->is_mail || rc == CURLE_OK || call->why.code != 0 || status < 400)
        return false;
    struct http_reply reply = {
        .status = (int)status,
        .body = "",
        .error = call->curl_why[0] ? call->curl_why : curl_easy_strerror(rc),
        .headers = "",
    };
    http_answer(call, &reply);
    return true;
}

static void on_done(struct http_call *call, CURLcode rc)
{
    long status = 0;

    if (refused_mail(call, rc))
        return;
    if (rc != CURLE_OK) {
        const char *sentence = call->why.code != 0 ? call->why.text
                               : call->curl_why[0] ? call->curl_why
                                                   : curl_easy_strerror(rc);
        http_fail(call, sentence, is_hopeless(call, rc));
        return;
    }
    if (call->is_send) {
        http_send_go_on(call);
        return;
    }
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    struct http_reply reply = {
        .status = (int)status,
        .may_have_sent = true,
        .body = str_text(&call->reply_body),
        .body_len = call->reply_body.len,
        .headers = str_text(&call->reply_headers),
    };
    http_answer(call, &reply);
}

void http_on_deadline(void *arg)
{
    struct http_call *call = arg;

    http_fail(call,
              call->may_have_sent ? "no reply before the time was up"
                                  : "no connection before the time was up",
              false);
}

void http_cancel(struct http_call *call)
{
    struct http *http = call->http;

    take_out(call);
    http_free(call);
    http_run_next(http);
}

static void read_messages(struct http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct http_call *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = message->data.result; /* the message is gone with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        on_done(call, rc);
    }
}

/* -- libcurl on the loop -------------------------------------------------------------------- */

struct http_socket {
    struct http *http;
    struct watch *watch;
    curl_socket_t fd;
};

static void free_socket(void *arg)
{
    free(arg);
}

static void on_ready(void *arg, int events)
{
    struct http_socket *sock = arg;
    struct http *http = sock->http;
    int running;

    curl_multi_socket_action(http->multi, sock->fd,
                             (events & WATCH_READ ? CURL_CSELECT_IN : 0) |
                                 (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0) |
                                 (events & WATCH_ERROR ? CURL_CSELECT_ERR : 0),
                             &running);
    read_messages(http);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *own)
{
    struct http *http = arg;
    struct http_socket *sock = own;
    struct err err;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock)
            watch_close(sock->watch, free_socket);
        curl_multi_assign(http->multi, fd, NULL);
        return 0;
    }
    int events =
        (what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0);
    if (sock) {
        watch_change(sock->watch, events);
        return 0;
    }
    sock = xcalloc(1, sizeof *sock);
    sock->http = http;
    sock->fd = fd;
    if (watch_open(&sock->watch, http->loop, fd, events, on_ready, sock, &err) != 0) {
        free(sock);
        return -1; /* libcurl fails its calls; their deadline and sentence reach the caller */
    }
    curl_multi_assign(http->multi, fd, sock);
    return 0;
}

static void on_curl_timer(void *arg)
{
    struct http *http = arg;
    int running;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_messages(http);
}

static int on_timer_change(CURLM *multi, long ms, void *arg)
{
    struct http *http = arg;

    (void)multi;
    if (ms < 0)
        timer_stop(&http->timer);
    else
        timer_start(&http->timer, http->loop, ms, on_curl_timer, http);
    return 0;
}

int http_open(struct http **out, struct loop *loop, const struct http_options *options,
              struct err *err)
{
    struct http *http = xcalloc(1, sizeof *http);

    if (allow_init(&http->allow, options->allow, err) != 0) {
        free(http);
        return err->code;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    http->loop = loop;
    http->multi = curl_multi_init();
    assert(http->multi);
    http->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
    http->ca_pem = options->ca_pem ? xstrdup(options->ca_pem) : NULL;
    list_init(&http->running);
    list_init(&http->waiting);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_AT_ONCE_MAX);
    *out = http;
    return 0;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    while (!list_is_empty(&http->waiting))
        http_cancel(list_item(list_take(&http->waiting), struct http_call, link));
    while (!list_is_empty(&http->running))
        http_cancel(list_item(list_take(&http->running), struct http_call, link));
    curl_multi_cleanup(http->multi);
    timer_stop(&http->timer);
    allow_fini(&http->allow);
    free(http->ca_file);
    free(http->ca_pem);
    free(http);
}

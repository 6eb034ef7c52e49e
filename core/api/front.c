/* SPDX-License-Identifier: Apache-2.0 */
#include "api/front.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/hooks.h"
#include "api/http.h"
#include "api/http_cert.h"
#include "api/oidc.h"
#include "api/route.h"
#include "api/signin.h"
#include "api/tls.h"
#include "api/v1.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/deny.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/stream.h"

enum { ASK_BUCKETS = 1024, FILES_MAX = 16384 };

struct ask {
    struct list in_bucket;
    int64_t id;
    struct request *request; /* NULL: it has gone */
    answer_fn *answer;
    event_fn *event;
};

static struct front {
    struct loop *loop;
    struct stream *stream;
    struct server *server;
    struct str setup;
    struct list asks[ASK_BUCKETS];
    int64_t next_id;
    int ask_count;
    struct timer finish;
    struct hash pem; /* of the certificate that is shown, and its key */
    bool is_ending;
    int exit;
} front;

struct span front_setup(const char *name)
{
    return json_get(str_span(&front.setup), name);
}

const char *front_origin(void)
{
    static struct str origin;
    struct span said = front_setup("origin");

    str_reset(&origin);
    if (json_kind(said) == JSON_STRING)
        json_text_to(&origin, said);
    else
        str_printf(&origin, "https://%s", server_address(front.server));
    return str_text(&origin);
}

int64_t front_now_ms(void)
{
    return clock_unix_ms();
}

struct loop *front_loop(void)
{
    return front.loop;
}

/* -- asks ---------------------------------------------------------------------------------- */

static struct ask *find(int64_t id)
{
    list_each (link, after, &front.asks[(uint64_t)id % ASK_BUCKETS]) {
        struct ask *ask = list_item(link, struct ask, in_bucket);

        if (ask->id == id)
            return ask;
    }
    return NULL;
}

static void maybe_finish(void)
{
    if (front.is_ending && front.ask_count == 0)
        loop_stop(front.loop);
}

static void free_ask(struct ask *ask)
{
    list_remove(&ask->in_bucket);
    front.ask_count--;
    free(ask);
    maybe_finish();
}

/* The request has gone: what it started goes on, and nobody hears of it. */
static void on_dropped(void *state)
{
    struct ask *ask = state;
    struct frame_writer out;

    if (front.stream != NULL) {
        frame_begin(&out, stream_out(front.stream), FRAME_FRONT_DROP);
        frame_add_int(&out, ask->id);
        frame_finish(&out);
        stream_flush(front.stream);
    }
    free_ask(ask);
}

/* NULL: it has been answered that we are busy. */
static struct ask *new_ask(struct request *request, answer_fn *answer)
{
    struct ask *ask;

    if (front.ask_count >= FRONT_ASKS_MAX || front.stream == NULL) {
        respond_header(request, "Retry-After", "2");
        respond_problem(request, 503, "busy",
                        "%d requests wait for the engine; try again in two seconds",
                        front.ask_count);
        return NULL;
    }
    ask = xcalloc(1, sizeof *ask);
    ask->id = ++front.next_id;
    ask->request = request;
    ask->answer = answer;
    list_add(&front.asks[(uint64_t)ask->id % ASK_BUCKETS], &ask->in_bucket);
    front.ask_count++;
    request_keep(request, ask, on_dropped);
    return ask;
}

static void put_powers(struct str *text, const struct caller *caller)
{
    struct json_out out = { .str = text };

    json_open(&out, '{');
    json_put_raw(&out, "groups", span_of(caller->groups == NULL ? "null" : caller->groups));
    json_key(&out, "roles");
    json_open(&out, '[');
    for (unsigned bit = ROLE_VIEWER; bit <= ROLE_ADMIN; bit <<= 1)
        if ((caller->roles & bit) != 0)
            json_string(&out, role_name(bit));
    json_close(&out);
    json_put(&out, "via", caller->via);
    json_close(&out);
}

void request_follow(struct request *request, const char *verb, struct span args,
                    event_fn *event, answer_fn *answer)
{
    struct ask *ask = new_ask(request, answer);
    struct str powers = { 0 };
    struct frame_writer out;

    if (ask == NULL)
        return;
    ask->event = event;
    put_powers(&powers, request_caller(request));
    frame_begin(&out, stream_out(front.stream), FRAME_FRONT_ASK);
    frame_add_int(&out, ask->id);
    frame_add_text(&out, request_caller(request)->who);
    frame_add_span(&out, str_span(&powers));
    frame_add_text(&out, verb);
    frame_add_span(&out, args);
    frame_finish(&out);
    stream_flush(front.stream);
    str_fini(&powers);
}

void request_ask(struct request *request, const char *verb, struct span args,
                 answer_fn *answer)
{
    request_follow(request, verb, args, NULL, answer);
}

void request_deliver(struct request *request, const char *source, const char *delivery,
                     const char *proof, struct span raw, answer_fn *answer)
{
    struct ask *ask = new_ask(request, answer);
    struct frame_writer out;

    if (ask == NULL)
        return;
    frame_begin(&out, stream_out(front.stream), FRAME_FRONT_ALERT);
    frame_add_int(&out, ask->id);
    frame_add_text(&out, source);
    frame_add_text(&out, delivery);
    frame_add_text(&out, proof);
    frame_add_span(&out, raw);
    frame_finish(&out);
    stream_flush(front.stream);
}

void front_refused(const char *source, const char *peer, int status, const char *why,
                   int64_t count)
{
    struct frame_writer out;

    frame_begin(&out, stream_out(front.stream), FRAME_FRONT_REFUSED);
    frame_add_text(&out, source);
    frame_add_text(&out, peer);
    frame_add_int(&out, status);
    frame_add_text(&out, why);
    frame_add_int(&out, count);
    frame_finish(&out);
    stream_flush(front.stream);
}

static void on_event(struct frame_reader *in)
{
    struct ask *ask = find(frame_get_int(in));
    struct span json = frame_get_span(in);

    if (ask != NULL && ask->event != NULL)
        ask->event(ask->request, json);
}

static void on_reply(struct frame_reader *in)
{
    struct ask *ask = find(frame_get_int(in));
    int exit = (int)frame_get_int(in);
    struct span json = frame_get_span(in);
    struct request *request;
    answer_fn *answer;

    if (ask == NULL)
        return;
    request = ask->request;
    answer = ask->answer;
    request_keep(request, NULL, NULL);
    free_ask(ask);
    answer(request, exit, json);
}

/* -- setup --------------------------------------------------------------------------------- */

static void say(enum frame_type type, const char *text)
{
    struct frame_writer out;

    frame_begin(&out, stream_out(front.stream), type);
    frame_add_text(&out, text);
    frame_finish(&out);
    stream_flush(front.stream);
}

static struct hash pem_hash(void)
{
    struct hash_list list;

    hash_list_init(&list, "cordon.front.pem.v1");
    hash_list_add_span(&list, front_setup("cert"));
    hash_list_add_span(&list, front_setup("key"));
    return hash_list_end(&list);
}

static int listen_now(struct err *err)
{
    char *listen = json_text(front_setup("listen"));
    char *cert = json_text(front_setup("cert")), *key = json_text(front_setup("key"));
    char *client_ca = json_text(front_setup("client_ca"));
    char *name = json_text(front_setup("name"));
    bool is_ingress = strcmp(name, "ingress") == 0;
    const struct server_options options = { .address = listen,
                                            .cert = cert,
                                            .key = key,
                                            .client_ca = client_ca,
                                            .routes = routes,
                                            .listener = is_ingress ? LISTENER_INGRESS
                                                                   : LISTENER_CONSOLE,
                                            .identify = auth_identify };
    int rc = tls_check(cert, key, client_ca, front_now_ms(), err);

    if (rc == 0)
        rc = server_open(&front.server, front.loop, &options, err);
    front.pem = pem_hash();
    free(listen);
    free(cert);
    text_wipe(key);
    free(client_ca);
    free(name);
    return rc;
}

/* The engine has looked whether it goes: the pair is shown to whoever connects from now on. */
static void renew(void)
{
    char *cert, *key;
    struct hash now = pem_hash();
    struct err err;

    if (hash_equal(now, front.pem))
        return;
    cert = json_text(front_setup("cert"));
    key = json_text(front_setup("key"));
    if (cert_use(cert, key, &err) != 0)
        log_warnx("the certificate of before stays: %s", err.text);
    else
        front.pem = now;
    free(cert);
    text_wipe(key);
}

static void on_setup(struct span json)
{
    struct err err;

    front.setup.is_secret = true;
    str_reset(&front.setup);
    str_add_span(&front.setup, json);
    auth_setup(str_span(&front.setup));
    oidc_setup();
    hooks_setup(str_span(&front.setup));
    streams_end_all();
    if (front.server != NULL) {
        renew();
        return;
    }
    if (listen_now(&err) != 0)
        say(FRAME_FRONT_FAILED, err.text);
    else
        say(FRAME_FRONT_READY, server_address(front.server));
}

static void on_late(void *arg)
{
    (void)arg;
    loop_stop(front.loop);
}

static void on_stop(void)
{
    front.is_ending = true;
    server_quiesce(front.server);
    streams_end_all();
    timer_start(&front.finish, front.loop, FRONT_FINISH_MS, on_late, NULL);
    maybe_finish();
}

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct frame_reader in;

    (void)arg;
    frame_read(&in, fields);
    switch ((int)type) {
    case FRAME_FRONT_SETUP: on_setup(frame_get_span(&in)); break;
    case FRAME_FRONT_EVENT: on_event(&in); break;
    case FRAME_FRONT_REPLY: on_reply(&in); break;
    case FRAME_FRONT_STOP: on_stop(); break;
    default: log_warnx("a frame of type %d that no front knows", (int)type); break;
    }
}

static void on_closed(void *arg, const char *why)
{
    (void)arg;
    (void)why;
    front.stream = NULL;
    loop_stop(front.loop);
}

/* -- its life ------------------------------------------------------------------------------ */

/* Whoever takes it over can gain no rights, start nothing, change no file, read none but the
 * system's, and not ask the engine as its owner: only what the setup had is theirs. */
static int harden(struct err *err)
{
    /* What libraries look up names and check certificates with. */
    static const char *const readable[] = { "/etc",
                                            "/usr",
                                            "/lib",
                                            "/lib64",
                                            "/dev",
                                            "/proc/self",
                                            "/run/systemd/resolve",
                                            "/run/resolvconf",
                                            "/run/NetworkManager",
                                            NULL };
    const struct rlimit files = { FILES_MAX, FILES_MAX };
    const struct deny_reach reach = { .readable = readable };
    int abi = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "give up rights: %s", strerror(errno));
    if (deny_inspection(err) != 0)
        return err->code;
    deny_terminal();
    setrlimit(RLIMIT_NOFILE,
              &files); /* more than the service manager gives is not to be had */
    if (deny_files(&reach, &abi, err) != 0)
        return err->code;
    deny_log();
    return deny_calls(DENY_RARE | DENY_OTHERS | DENY_PROGRAMS | DENY_LOCAL_SOCKETS |
                          DENY_SIGNALS | DENY_ATTRIBUTES | DENY_TRUNCATE | DENY_FORKS |
                          DENY_SESSIONS | DENY_OTHER_SOCKETS,
                      err);
}

int front_main(int fd)
{
    struct err err;

    log_open("front");
    if (harden(&err) != 0) {
        log_warnx("%s", err.text);
        return 1;
    }
    signin_open();
    for (int i = 0; i < ASK_BUCKETS; i++)
        list_init(&front.asks[i]);
    front.loop = loop_open();
    hooks_open(front.loop);
    /* The engine says when to end; a Ctrl-C at the terminal is for it alone. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    if (stream_open(&front.stream, front.loop, fd, on_frame, on_closed, NULL, &err) != 0) {
        log_warnx("%s", err.text);
        return 1;
    }
    stream_keep_secret(front.stream);
    loop_run(front.loop);
    timer_stop(&front.finish);
    streams_close();
    oidc_close();
    server_close(front.server);
    stream_close(front.stream);
    front.stream = NULL;
    hooks_close();
    auth_close();
    str_fini(&front.setup);
    loop_close(front.loop);
    return front.exit;
}

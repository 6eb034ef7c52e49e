/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/fronts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alert/alert.h"
#include "api/tls.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/process.h"
#include "net/stream.h"
#include "serve/alerts.h"
#include "serve/child.h"
#include "serve/inside.h"
#include "serve/secret_file.h"
#include "serve/secrets.h"
#include "serve/sources.h"
#include "serve/unread.h"
#include "serve/sign_ins.h"

enum { PEM_MAX = 256 * 1024, FRONTS = 2, ASKS_MAX = 20000 };

struct front {
    struct serve *serve;
    const char *name;
    struct process *process;
    struct stream *stream;
    struct timer again;
    char *address; /* NULL: it does not listen */
    char why[512];
    int ask_count;
    bool is_wanted;
};

struct fronts {
    struct front items[FRONTS];
    fronts_done_fn *done; /* until the first start is over */
    void (*stopped)(struct serve *serve);
    struct timer stopping;
};

static const char *const names[FRONTS] = { "console", "ingress" };

/* Whoever is somebody may look. */
#define SEES "viewer responder approver author admin"

/* -- what somebody may ask ------------------------------------------------------------------ */

static const struct {
    const char *verb, *roles; /* any of these */
} allowed[] = {
    { "ready", "anybody" },
    { "metrics", "viewer admin" },
    { "runs", SEES },
    { "show", SEES },
    { "steps", SEES },
    { "watch", SEES },
    { "feed", SEES },
    { "gates", SEES },
    { "gate", SEES },
    { "contained", SEES },
    { "actions", SEES },
    { "plugins", SEES },
    { "halts", SEES },
    { "playbooks", SEES },
    { "playbook", SEES },
    { "policy", SEES },
    { "status", SEES },
    { "explain", SEES },
    { "alerts", SEES },
    { "unreadable", SEES },
    { "alert", SEES },
    { "explain_alert", SEES },
    { "run", "responder" },
    { "plan", "responder" },
    { "rollback", "responder" },
    { "release", "responder" },
    { "check_holds", "responder" },
    { "retry", "responder" },
    { "recover", "responder" },
    { "cancel", "responder" },
    { "settle", "responder" },
    { "signal", "responder" },
    { "halt", "responder" },
    { "resume", "admin" },
    { "break_glass", "approver" },
    { "review", "approver" },
    { "approve", "approver" },
    { "deny", "approver" },
    { "answer", "approver" },
    { "check", "author" },
    { "test", "author" },
    { "policy_test", "author" },
    { "tokens", "admin" },
    { "token_add", "admin" },
    { "token_revoke", "admin" },
    { "users", "admin" },
};

static bool has_word(const char *words, struct span word)
{
    const char *at = words;

    while (*at != '\0') {
        size_t len = strcspn(at, " ");

        if (len == word.len && memcmp(at, word.ptr, len) == 0)
            return true;
        at += len + (at[len] == ' ');
    }
    return false;
}

static bool may_ask(struct span powers, struct span verb)
{
    struct span role;
    size_t pos = 0;

    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (!span_is(verb, allowed[i].verb))
            continue;
        if (strcmp(allowed[i].roles, "anybody") == 0)
            return true;
        while (json_next(json_get(powers, "roles"), &pos, NULL, &role))
            if (has_word(allowed[i].roles, json_raw(role)))
                return true;
    }
    return false;
}

/* -- out ------------------------------------------------------------------------------------ */

void fronts_event(struct front *front, int64_t id, struct span json)
{
    struct frame_writer out;

    if (front->stream == NULL)
        return;
    frame_begin(&out, stream_out(front->stream), FRAME_FRONT_EVENT);
    frame_add_int(&out, id);
    frame_add_span(&out, json);
    frame_finish(&out);
    stream_flush(front->stream);
}

void fronts_reply(struct front *front, int64_t id, int exit, struct span json)
{
    struct frame_writer out;

    front->ask_count--;
    if (front->stream == NULL)
        return;
    frame_begin(&out, stream_out(front->stream), FRAME_FRONT_REPLY);
    frame_add_int(&out, id);
    frame_add_int(&out, exit);
    frame_add_span(&out, json);
    frame_finish(&out);
    stream_flush(front->stream);
}

/* -- in ------------------------------------------------------------------------------------- */

static void refuse(struct front *front, int64_t id, int exit, const char *code,
                   const char *sentence)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put(&out, "code", code);
    json_put(&out, "error", sentence);
    json_close(&out);
    fronts_reply(front, id, exit, str_span(&text));
    str_fini(&text);
}

static void on_ask(struct front *front, struct frame_reader *in)
{
    struct serve *serve = front->serve;
    int64_t id = frame_get_int(in);
    struct span who = frame_get_span(in), powers = frame_get_span(in);
    struct span verb = frame_get_span(in), args = frame_get_span(in);
    struct err err;

    front->ask_count++;
    if (frame_end(in, &err) != 0)
        refuse(front, id, 2, "ask", err.text);
    else if (front->ask_count > ASKS_MAX)
        refuse(front, id, 1, "busy", "too many asks wait for the engine");
    else if (strcmp(front->name, "console") != 0 || !may_ask(powers, verb))
        refuse(front, id, 4, "role", "your roles do not allow that");
    else if (json_check(args.ptr, args.len, SERVE_ASK_MAX, &err) != 0)
        refuse(front, id, 2, err_word(err.code), err.text);
    else
        clients_ask_of(serve, &(struct clients_of_front){ .front = front,
                                                          .id = id,
                                                          .who = who,
                                                          .powers = powers,
                                                          .verb = verb,
                                                          .args = args });
}

static void on_alert(struct front *front, struct frame_reader *in)
{
    struct serve *serve = front->serve;
    int64_t id = frame_get_int(in), ask;
    struct span source = frame_get_span(in), delivery = frame_get_span(in);
    struct span proof = frame_get_span(in), raw = frame_get_span(in);
    struct err err;

    front->ask_count++;
    if (frame_end(in, &err) != 0) {
        refuse(front, id, 2, "alert", err.text);
        return;
    }
    ask = clients_ask_of(serve, &(struct clients_of_front){ .front = front, .id = id });
    alerts_take(serve, ask, source, delivery, proof, raw);
}

static void on_refused(struct front *front, struct frame_reader *in)
{
    struct refusal refusal = { .source = frame_get_span(in), .peer = frame_get_span(in) };
    struct err err;

    refusal.status = (int)frame_get_int(in);
    refusal.why = frame_get_span(in);
    refusal.count = frame_get_int(in);
    if (frame_end(in, &err) == 0)
        refusals_note(front->serve, &refusal);
    else
        log_warnx("%s: %s", front->name, err.text);
}

static void maybe_started(struct fronts *fronts)
{
    fronts_done_fn *done = fronts->done;

    for (int i = 0; i < FRONTS; i++)
        if (fronts->items[i].is_wanted && fronts->items[i].address == NULL)
            return;
    fronts->done = NULL;
    if (done != NULL)
        done(fronts->items[0].serve, NULL);
}

static void on_listening(struct front *front, struct span address)
{
    free(front->address);
    front->address = span_dup(address);
    log_info("%s listens on %s", front->name, front->address);
    maybe_started(front->serve->fronts);
}

static void on_failed(struct front *front, struct span why)
{
    struct fronts *fronts = front->serve->fronts;
    fronts_done_fn *done = fronts->done;
    struct err err;

    snprintf(front->why, sizeof front->why, "%.*s", (int)why.len, why.ptr);
    log_warnx("%s: %s", front->name, front->why);
    fronts->done = NULL;
    if (front->process != NULL) /* it has nothing to do, and another may do better */
        process_kill(front->process, SIGKILL);
    if (done == NULL)
        return;
    err_set(&err, ERR_INVALID, "serve.%s: %s", front->name, front->why);
    done(front->serve, &err);
}

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct front *front = arg;
    struct frame_reader in;

    frame_read(&in, fields);
    switch ((int)type) {
    case FRAME_FRONT_READY: on_listening(front, frame_get_span(&in)); break;
    case FRAME_FRONT_FAILED: on_failed(front, frame_get_span(&in)); break;
    case FRAME_FRONT_ASK: on_ask(front, &in); break;
    case FRAME_FRONT_DROP: clients_drop(front->serve, front, frame_get_int(&in)); break;
    case FRAME_FRONT_ALERT: on_alert(front, &in); break;
    case FRAME_FRONT_REFUSED: on_refused(front, &in); break;
    default: log_warnx("%s sent a frame of type %d", front->name, (int)type); break;
    }
}

/* -- setup ----------------------------------------------------------------------------------- */

static struct span part_of(struct serve *serve, const char *name)
{
    return json_get(json_get(str_span(&serve->config), "serve"), name);
}

/* A key that others can read is no key. */
static int read_pem(struct serve *serve, struct span part, const char *key, bool is_secret,
                    struct str *out, struct err *err)
{
    char *path = config_resolve(serve, json_get(part, key));
    char *real = path != NULL && is_secret ? realpath(path, NULL) : NULL;
    int rc;

    if (path == NULL)
        return err_set(err, ERR_INVALID, "%s: want the path of a PEM file", key);
    /* Whose job it is to renew it makes links; what counts is the file that they lead to. */
    rc = is_secret ? secret_path_read(out, real != NULL ? real : path, PEM_MAX, err)
                   : serve_read_file(out, path, PEM_MAX, err);
    if (rc == ERR_DENIED)
        err_wrap(err, "%s = \"%s\", which if it was so for long wants a new one", key,
                 path);
    free(path);
    free(real);
    return rc;
}

static int put_pem(struct json_out *out, struct serve *serve, struct span part,
                   const char *key, bool is_secret, struct err *err)
{
    struct str text = { 0 };
    int rc = read_pem(serve, part, key, is_secret, &text, err);

    if (rc == 0)
        json_put_span(out, key, str_span(&text));
    str_wipe(&text);
    return rc;
}

/* Only the console's front checks passwords and tokens. */
static void put_credentials(struct json_out *out, struct serve *serve)
{
    struct str text = { .is_secret = true };

    engine_credentials(serve->engine, &text);
    json_put_raw(out, "accounts", json_get(str_span(&text), "accounts"));
    json_put_raw(out, "tokens", json_get(str_span(&text), "tokens"));
    str_wipe(&text);
}

static int write_setup(struct front *front, struct str *text, struct err *err)
{
    struct serve *serve = front->serve;
    struct span part = part_of(serve, front->name);
    struct json_out out = { .str = text };
    int rc;

    text->is_secret = true;
    json_open(&out, '{');
    rc = put_pem(&out, serve, part, "cert", false, err);
    if (rc == 0 && json_get(part, "client_ca").len > 0)
        rc = put_pem(&out, serve, part, "client_ca", false, err);
    if (rc == 0)
        rc = put_pem(&out, serve, part, "key", true, err);
    if (rc != 0)
        return rc;
    json_put_raw(&out, "listen", json_get(part, "listen"));
    json_put(&out, "name", front->name);
    json_put_raw(&out, "origin",
                 json_get(part, "origin").len > 0 ? json_get(part, "origin")
                                                  : span_of("null"));
    if (strcmp(front->name, "console") == 0) {
        json_key(&out, "sign_in");
        rc = sign_ins_write(serve, &out, err);
        put_credentials(&out, serve);
    }
    if (rc == 0 && strcmp(front->name, "ingress") == 0) {
        if (json_count(json_get(str_span(&serve->config), "sources")) == 0)
            return err_set(err, ERR_INVALID,
                           "nobody could prove anything: want sources = { NAME = { kind, "
                           "auth } } in cordon.lua, or no serve.ingress");
        rc = sources_write(serve, &out, err);
    }
    json_close(&out);
    if (rc == 0 && text->len > FRONTS_SETUP_MAX)
        rc = err_set(
            err, ERR_TOO_BIG,
            "with its sources, keys and certificates it comes to %zu bytes, of %d at "
            "most: want shorter key files, or fewer sources",
            text->len, FRONTS_SETUP_MAX);
    return rc;
}

static int set_up(struct front *front, struct err *err)
{
    struct frame_writer out;
    struct str text = { 0 };
    int rc = write_setup(front, &text, err);

    if (rc == 0) {
        stream_keep_secret(front->stream);
        frame_begin(&out, stream_out(front->stream), FRAME_FRONT_SETUP);
        frame_add_span(&out, str_span(&text));
        frame_finish(&out);
        stream_flush(front->stream);
    }
    str_wipe(&text);
    return rc;
}

static int check_pair(struct span setup, struct err *err)
{
    char *cert = json_get_text(setup, "cert"), *key = json_get_text(setup, "key");
    char *client_ca = json_get_text(setup, "client_ca");
    int rc = tls_check(cert, key, client_ca, clock_unix_ms(), err);

    free(cert);
    text_wipe(key);
    free(client_ca);
    return rc;
}

int fronts_check_one(struct serve *serve, const char *name, struct err *err)
{
    struct front front = { .serve = serve, .name = name };
    struct str text = { 0 };
    int rc = write_setup(&front, &text, err);

    if (rc == 0)
        rc = check_pair(str_span(&text), err);
    str_wipe(&text);
    return rc;
}

int fronts_check(struct serve *serve, struct err *err)
{
    for (int i = 0; i < FRONTS; i++)
        if (part_of(serve, names[i]).len > 0 && fronts_check_one(serve, names[i], err) != 0)
            return err_wrap(err, "serve.%s", names[i]);
    return 0;
}

/* What was revoked must not stay good because a certificate could not be opened just now. */
static void refresh(void *arg)
{
    struct front *front = arg;
    struct err err;

    if (front->stream == NULL || set_up(front, &err) == 0)
        return;
    log_warnx("%s keeps what it had: %s", front->name, err.text);
    if (err.code == ERR_BUSY)
        timer_start(&front->again, front->serve->loop, FRONTS_AGAIN_MS, refresh, front);
}

void fronts_refresh(struct serve *serve)
{
    for (int i = 0; serve->fronts != NULL && i < FRONTS; i++)
        refresh(&serve->fronts->items[i]);
}

/* -- processes ------------------------------------------------------------------------------- */

static void start(void *arg);

static bool is_any_there(const struct fronts *fronts)
{
    for (int i = 0; i < FRONTS; i++)
        if (fronts->items[i].process != NULL)
            return true;
    return false;
}

static void maybe_stopped(struct fronts *fronts)
{
    void (*stopped)(struct serve *) = fronts->stopped;

    if (stopped == NULL || is_any_there(fronts))
        return;
    fronts->stopped = NULL;
    timer_stop(&fronts->stopping);
    stopped(fronts->items[0].serve);
}

static void gone(struct front *front)
{
    struct fronts *fronts = front->serve->fronts;

    if (front->process != NULL || front->stream != NULL)
        return;
    clients_drop_all(front->serve, front);
    front->ask_count = 0;
    free(front->address);
    front->address = NULL;
    maybe_stopped(fronts);
    if (fronts->stopped == NULL && front->is_wanted && fronts->done == NULL &&
        !front->serve->is_ending)
        timer_start(&front->again, front->serve->loop, FRONTS_AGAIN_MS, start, front);
}

static void on_exit_of(void *arg, int status)
{
    struct front *front = arg;

    front->process = NULL;
    if (front->is_wanted && front->serve->fronts->stopped == NULL)
        log_warnx("%s ended with status %d, and is started again", front->name, status);
    gone(front);
}

static void on_closed(void *arg, const char *why)
{
    struct front *front = arg;

    (void)why;
    front->stream = NULL;
    if (front->process != NULL)
        process_kill(front->process, SIGKILL);
    gone(front);
}

static void start(void *arg)
{
    struct front *front = arg;
    struct err err;
    int rc = child_start(front->serve->loop, "--internal-front", "front",
                         span_of(front->name), &front->process, &front->stream, on_frame,
                         on_closed, on_exit_of, front, &err);

    bool is_first = front->serve->fronts->done != NULL;
    if (rc == 0)
        rc = set_up(front, &err);
    if (rc == 0)
        return;
    on_failed(front, span_of(err.text));
    if (!is_first)
        gone(front);
}

/* A console that lets nobody in is a mistake that is better told now. */
static bool could_anybody_enter(struct serve *serve)
{
    struct span oidc = json_path(str_span(&serve->config), "sign_in.oidc");
    struct str text = { .is_secret = true };
    size_t count;

    engine_credentials(serve->engine, &text);
    count = json_count(json_get(str_span(&text), "accounts")) +
            json_count(json_get(str_span(&text), "tokens")) + json_count(oidc);
    str_wipe(&text);
    return count > 0;
}

static void refuse_to_start(struct serve *serve, const char *why)
{
    fronts_done_fn *done = serve->fronts->done;
    struct err err;

    err_set(&err, ERR_INVALID, "%s: %s", serve->config_path, why);
    serve->fronts->done = NULL;
    done(serve, &err);
}

void fronts_open(struct serve *serve, fronts_done_fn *done)
{
    struct fronts *fronts = xcalloc(1, sizeof *fronts);
    bool is_wanted = false;

    serve->fronts = fronts;
    fronts->done = done;
    for (int i = 0; i < FRONTS; i++) {
        struct front *front = &fronts->items[i];

        front->serve = serve;
        front->name = names[i];
        front->is_wanted = part_of(serve, names[i]).len > 0;
        is_wanted = is_wanted || front->is_wanted;
    }
    if (!is_wanted)
        refuse_to_start(serve, "cordon serve wants serve = { console = { listen, cert, key "
                               "} }, serve.ingress or both: see docs/operations.md");
    else if (part_of(serve, "console").len > 0 && !could_anybody_enter(serve))
        refuse_to_start(serve,
                        "nobody could sign in at the console: make an account first "
                        "(cordon user add NAME --role ROLE), or a token (cordon token "
                        "add), or name a provider in sign_in.oidc");
    for (int i = 0; i < FRONTS && fronts->done != NULL; i++)
        if (fronts->items[i].is_wanted)
            start(&fronts->items[i]);
}

static void on_stop_late(void *arg)
{
    struct fronts *fronts = arg;

    for (int i = 0; i < FRONTS; i++)
        if (fronts->items[i].process != NULL)
            process_kill(fronts->items[i].process, SIGKILL);
}

void fronts_stop(struct serve *serve, void (*done)(struct serve *serve))
{
    struct fronts *fronts = serve->fronts;
    struct frame_writer out;

    fronts->stopped = done;
    for (int i = 0; i < FRONTS; i++) {
        timer_stop(&fronts->items[i].again);
        if (fronts->items[i].stream == NULL)
            continue;
        frame_begin(&out, stream_out(fronts->items[i].stream), FRAME_FRONT_STOP);
        frame_finish(&out);
        stream_flush(fronts->items[i].stream);
    }
    timer_start(&fronts->stopping, serve->loop, FRONTS_END_MS, on_stop_late, fronts);
    maybe_stopped(fronts);
}

void fronts_close(struct serve *serve)
{
    struct fronts *fronts = serve->fronts;

    if (fronts == NULL)
        return;
    timer_stop(&fronts->stopping);
    for (int i = 0; i < FRONTS; i++) {
        struct front *front = &fronts->items[i];

        clients_drop_all(serve, front);
        timer_stop(&front->again);
        stream_close(front->stream);
        process_close(front->process);
        free(front->address);
    }
    free(fronts);
    serve->fronts = NULL;
}

void fronts_describe(struct serve *serve, struct str *out)
{
    for (int i = 0; serve->fronts != NULL && i < FRONTS; i++)
        if (serve->fronts->items[i].address != NULL)
            str_printf(out, "%s https://%s\n", names[i], serve->fronts->items[i].address);
}

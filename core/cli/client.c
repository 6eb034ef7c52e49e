/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/options.h"
#include "cli/starter.h"
#include "frame/frame.h"

/* An engine that ends just as we come is met at most a few times in a row. */
enum { RESENDS_MAX = 5 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

/* The signal is blocked except inside ppoll, so that none slips by between looking at the
 * flag and waiting. */
void client_catch_interrupt(void)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* The verbs that read files of the state directory, and those that are about records: what has no
 * journal has none. Others may be the first in a directory, which they make. */
static const char *const dir_verbs[] = { "actions", "explain", "notices", "plugins",
                                         "policy",  "status",  "verify" };
static const char *const journal_verbs[] = {
    "alert",       "alerts",    "answer",     "approve",       "break_glass",  "cancel",
    "check_holds", "contained", "deny",       "explain_alert", "gate",         "gates",
    "halts",       "import",    "key_revoke", "keys",          "may_vote",     "rebuild",
    "recover",     "release",   "resume",     "retry",         "review",       "rollback",
    "runs",        "settle",    "show",       "signal",        "token_revoke", "tokens",
    "unreadable",  "users",     "watch"
};

static bool is_one_of(const char *verb, const char *const *verbs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(verbs[i], verb) == 0)
            return true;
    return false;
}

static enum starter_needs needs_of(const char *verb)
{
    if (is_one_of(verb, journal_verbs, sizeof journal_verbs / sizeof *journal_verbs))
        return STARTER_NEEDS_JOURNAL;
    if (is_one_of(verb, dir_verbs, sizeof dir_verbs / sizeof *dir_verbs))
        return STARTER_NEEDS_DIR;
    return STARTER_NEEDS_NOTHING;
}

static int open_one(struct client *client, struct err *err)
{
    client->fd = starter_connect(client->options, client->needs, err);
    if (client->fd < 0)
        return client->fd;
    client->is_first = true;
    return 0;
}

/* True when the ask was sent; false when the other side went before reading it all. */
static bool try_send(struct client *client)
{
    struct span rest = str_span(&client->ask);

    while (rest.len > 0) {
        ssize_t sent = send(client->fd, rest.ptr, rest.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        rest.ptr += sent;
        rest.len -= (size_t)sent;
    }
    return true;
}

static int connect_and_send(struct client *client, struct err *err)
{
    for (int i = 0; i < RESENDS_MAX; i++) {
        if (open_one(client, err) != 0)
            return err->code;
        if (try_send(client))
            return 0;
        close(client->fd);
        client->fd = -1;
    }
    return err_set(err, ERR_BUSY,
                   "the engine of %s ended %d times while it was being asked: try again",
                   client->options->state_dir, RESENDS_MAX);
}

int client_ask(struct client *client, const struct options *options, const char *verb,
               struct span args, struct err *err)
{
    struct frame_writer out;

    *client = (struct client){ .fd = -1, .options = options, .needs = needs_of(verb) };
    if (json_check(args.ptr, args.len, FRAME_LEN_MAX - 1024, err) != 0)
        return err_wrap(err, "what is asked");
    frame_begin(&out, &client->ask, FRAME_ASK);
    frame_add_text(&out, verb);
    frame_add_span(&out, args);
    frame_finish(&out);
    return connect_and_send(client, err);
}

/* What is left until until_us; NULL when there is no such time. */
static const struct timespec *time_left(int64_t until_us, struct timespec *left)
{
    int64_t us = until_us - clock_mono_us();

    if (until_us == 0)
        return NULL;
    *left = (struct timespec){ 0 };
    if (us > 0)
        *left = (struct timespec){ us / 1000000, us % 1000000 * 1000 };
    return left;
}

/* Waits for bytes. 1: some came, 0: interrupted. */
static int wait_readable(const struct client *client, struct err *err)
{
    struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
    struct timespec left;
    sigset_t set;

    sigprocmask(SIG_SETMASK, NULL, &set);
    sigdelset(&set, SIGINT);
    for (;;) {
        if (is_interrupted)
            return 0;
        int ready = ppoll(&poll_fd, 1, time_left(client->until_us, &left), &set);
        if (ready > 0)
            return 1;
        if (ready == 0)
            return err_set(err, ERR_BUSY, "the engine took too long");
        if (ready < 0 && errno != EINTR)
            return err_set(err, ERR_IO, "wait for the engine: %s", strerror(errno));
    }
}

enum peek { PEEK_BYTES, PEEK_END, PEEK_RESET };

static enum peek peek(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK);

    return got > 0 ? PEEK_BYTES : got == 0 ? PEEK_END : PEEK_RESET;
}

static int read_message(struct client *client, enum frame_type type, struct span fields,
                        struct client_message *message, struct err *err)
{
    struct frame_reader in;

    if (type != FRAME_EVENT && type != FRAME_REPLY)
        return err_set(err, ERR_INVALID,
                       "the engine sent a frame of type %d: is it of"
                       " another version of cordon?",
                       (int)type);
    frame_read(&in, fields);
    message->exit = type == FRAME_REPLY ? (int)frame_get_int(&in) : 0;
    message->json = frame_get_span(&in);
    if (frame_end(&in, err) != 0)
        return err->code;
    if (json_check(message->json.ptr, message->json.len, FRAME_LEN_MAX, err) != 0)
        return err_wrap(err, "what the engine sent");
    client->is_first = false;
    return type == FRAME_EVENT ? CLIENT_EVENT : CLIENT_REPLY;
}

/* One attempt; 0 means: reset before a first frame, so the ask was not read. */
static int next(struct client *client, struct client_message *message, struct err *err)
{
    enum frame_type type;
    struct span fields;
    int ready = wait_readable(client, err);

    if (ready <= 0)
        return ready < 0 ? ready : CLIENT_INTERRUPTED;
    enum peek seen = peek(client->fd);
    if (seen == PEEK_RESET && client->is_first)
        return 0;
    if (seen != PEEK_BYTES)
        return CLIENT_GONE;
    int got = frame_receive(client->fd, &client->buf, &type, &fields, err);
    if (got < 0 && err->code == ERR_IO)
        return CLIENT_GONE; /* it was killed in the middle of a frame */
    return got < 0    ? got
           : got == 0 ? CLIENT_GONE
                      : read_message(client, type, fields, message, err);
}

/* What everybody is told who asks for anything here; true when that was all. */
static bool show_notice(const struct client_message *message, int got)
{
    struct span notice =
        got == CLIENT_EVENT ? json_get(message->json, "notice") : (struct span){ 0 };
    struct str text = { 0 }, shown = { 0 };

    if (json_kind(notice) != JSON_STRING)
        return false;
    json_text_to(&text, notice);
    str_add_shown(&shown, str_text(&text), text.len);
    fflush(stdout);
    fprintf(stderr, "cordon: %s\n", str_text(&shown));
    str_fini(&text);
    str_fini(&shown);
    return true;
}

int client_next(struct client *client, struct client_message *message, struct err *err)
{
    for (int i = 0; i < RESENDS_MAX; i++) {
        int got = next(client, message, err);

        while (show_notice(message, got))
            got = next(client, message, err);
        if (got != 0)
            return got;
        close(client->fd);
        client->fd = -1;
        if (connect_and_send(client, err) != 0)
            return err->code;
    }
    return CLIENT_GONE;
}

bool client_is_quiet(const struct client *client, int within_ms)
{
    struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
    struct timespec within = { within_ms / 1000, within_ms % 1000 * 1000000L };
    sigset_t set;

    sigprocmask(SIG_SETMASK, NULL, &set);
    sigdelset(&set, SIGINT);
    return !is_interrupted && ppoll(&poll_fd, 1, &within, &set) == 0;
}

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    str_fini(&client->buf);
    str_fini(&client->ask);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "net/loop.h"

enum { FLUSH_NOW_MS = 1000, FLUSH_NOW_TRIES = 20 };

struct stream {
    struct loop *loop;
    struct watch *watch;
    int fd;
    stream_frame_fn *on_frame;
    stream_closed_fn *on_closed;
    void *arg;
    struct str out; /* from sent on: not yet written */
    size_t sent;
    bool is_secret; /* what comes is overwritten once it has been handed out */
    bool is_full;   /* the socket takes no more before the loop has waited for it */
    char *in;       /* from in_start to in_end: read, and not yet a whole frame */
    size_t in_start;
    size_t in_end;
    size_t in_cap;
    struct later flush;
    struct later
        report; /* on_closed, which is never called from inside a function of ours */
    struct err why;
    bool is_over; /* calls back no more, but for report */
    bool is_finishing;
};

static void free_stream(void *arg)
{
    struct stream *stream = arg;

    str_fini(&stream->out);
    if (stream->is_secret && stream->in != NULL)
        explicit_bzero(stream->in, stream->in_cap);
    free(stream->in);
    free(stream);
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    stream->is_over = true;
    later_stop(&stream->flush);
    later_stop(&stream->report);
    watch_close(stream->watch, free_stream);
    close(stream->fd);
}

static void on_report(void *arg)
{
    struct stream *stream = arg;
    stream_closed_fn *on_closed = stream->on_closed;
    void *owner = stream->arg;
    struct err why = stream->why;

    stream_close(stream);
    on_closed(owner, why.text);
}

/* The end by itself. Nothing more is read or written; the owner hears of it later. */
static void end(struct stream *stream)
{
    if (stream->is_over)
        return;
    if (stream->is_finishing) {
        stream_close(stream);
        return;
    }
    stream->is_over = true;
    watch_change(stream->watch, 0);
    later_stop(&stream->flush);
    loop_later(stream->loop, &stream->report, on_report, stream);
}

/* -- Writing ---------------------------------------------------------------------------- */

static void on_flush(void *arg)
{
    struct stream *stream = arg;
    ssize_t n = 0;

    stream->is_full = false;
    while (stream->sent < stream->out.len) {
        n = send(stream->fd, stream->out.ptr + stream->sent, stream->out.len - stream->sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        stream->sent += (size_t)n;
    }
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        err_set(&stream->why, ERR_IO, "write to the other side: %s", strerror(errno));
        end(stream);
        return;
    }
    if (stream->sent < stream->out.len) {
        watch_change(stream->watch, WATCH_READ | WATCH_WRITE);
        return;
    }
    if (stream->out.cap > STREAM_KEPT_MAX)
        str_fini(&stream->out); /* one big frame shall not cost its size for ever */
    str_reset(&stream->out);
    stream->sent = 0;
    watch_change(stream->watch, WATCH_READ);
    if (stream->is_finishing)
        stream_close(stream);
}

void stream_flush_now(struct stream *stream)
{
    struct pollfd room = { .fd = stream->fd, .events = POLLOUT };
    bool may_wait = !stream->is_finishing; /* else the stream may be gone afterwards */

    if (stream->is_over)
        return;
    on_flush(stream);
    for (int i = 0; i < FLUSH_NOW_TRIES; i++) {
        if (!may_wait || stream->is_over || stream_unsent(stream) == 0)
            return;
        if (poll(&room, 1, FLUSH_NOW_MS / FLUSH_NOW_TRIES) > 0)
            on_flush(stream);
    }
}

void stream_keep_secret(struct stream *stream)
{
    stream->is_secret = true;
    stream->out.is_secret = true;
}

struct str *stream_out(struct stream *stream)
{
    return &stream->out;
}

/* A turn may make many frames. The other side, on a processor of its own, begins with the
 * first of them while the rest is being made. What is wrong shows at the turn's end. */
static void write_early(struct stream *stream)
{
    if (stream->is_full || stream_unsent(stream) < STREAM_EAGER_MIN)
        return;
    ssize_t n = send(stream->fd, stream->out.ptr + stream->sent, stream_unsent(stream),
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        stream->sent += (size_t)n;
    stream->is_full = stream->sent < stream->out.len;
}

void stream_flush(struct stream *stream)
{
    if (stream->is_over)
        return;
    if (stream_unsent(stream) > STREAM_OUT_MAX) {
        err_set(
            &stream->why, ERR_TOO_BIG,
            "the other side does not read: more than %d MiB wait for it (STREAM_OUT_MAX)",
            STREAM_OUT_MAX / 1024 / 1024);
        end(stream);
        return;
    }
    if (stream->sent > STREAM_OUT_MAX / 4) {
        memmove(stream->out.ptr, stream->out.ptr + stream->sent, stream_unsent(stream));
        if (stream->is_secret)
            explicit_bzero(stream->out.ptr + stream_unsent(stream), stream->sent);
        stream->out.len -= stream->sent;
        stream->sent = 0;
    }
    loop_last(stream->loop, &stream->flush, on_flush, stream);
    write_early(stream);
}

void stream_send(struct stream *stream, struct span bytes)
{
    if (stream->is_over)
        return;
    str_add_span(&stream->out, bytes);
    stream_flush(stream);
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->out.len - stream->sent;
}

void stream_finish(struct stream *stream)
{
    if (stream->is_over) { /* it ended by itself, and the owner no longer wants to know */
        stream_close(stream);
        return;
    }
    stream->is_finishing = true;
    stream_flush(stream);
}

/* -- Reading ---------------------------------------------------------------------------- */

/* Hands out every whole frame. False when the stream is over. */
static bool cut(struct stream *stream)
{
    while (!stream->is_over && !stream->is_finishing) {
        struct span rest = { stream->in + stream->in_start,
                             stream->in_end - stream->in_start };
        enum frame_type type;
        struct span fields;
        size_t total;
        int found = frame_find(rest, &type, &fields, &total, &stream->why);
        if (found < 0) {
            end(stream);
            return false;
        }
        if (found == 0)
            return true;
        stream->in_start += total;
        stream->on_frame(stream->arg, type, fields);
        if (stream->is_secret) /* a frame is borrowed until now */
            explicit_bzero(stream->in + stream->in_start - total, total);
    }
    return !stream->is_over;
}

/* realloc() may leave what was secret where it was. */
static void grow(struct stream *stream, size_t cap, size_t len)
{
    char *before = stream->in;

    if (!stream->is_secret || before == NULL) {
        stream->in = xrealloc(before, cap);
    } else {
        stream->in = xcalloc(1, cap);
        memcpy(stream->in, before, len);
        explicit_bzero(before, stream->in_cap);
        free(before);
    }
    stream->in_cap = cap;
}

/* Moves the rest to the front, and sees that STREAM_READ_SIZE bytes fit behind it. A frame
 * is at most FRAME_LEN_MAX, which bounds the rest. */
static void make_room(struct stream *stream)
{
    size_t len = stream->in_end - stream->in_start;
    size_t want = len + STREAM_READ_SIZE;

    if (stream->in_start > 0)
        memmove(stream->in, stream->in + stream->in_start, len);
    stream->in_start = 0;
    stream->in_end = len;
    if (want > stream->in_cap || (len == 0 && stream->in_cap > STREAM_KEPT_MAX)) {
        grow(stream, len > 0 && want < 2 * stream->in_cap ? 2 * stream->in_cap : want, len);
    }
}

static void read_some(struct stream *stream)
{
    bool goes_on = true;

    for (int i = 0; i < STREAM_READS_A_TURN && goes_on; i++) {
        if (stream->is_finishing) /* what still comes is for nobody */
            stream->in_start = stream->in_end;
        make_room(stream);
        size_t room = stream->in_cap - stream->in_end;
        ssize_t n = recv(stream->fd, stream->in + stream->in_end, room, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        if (n <= 0) {
            if (n < 0)
                err_set(&stream->why, ERR_IO, "read: %s", strerror(errno));
            else
                err_set(&stream->why, ERR_IO, "the other side has closed the connection%s",
                        stream->in_end > stream->in_start ? " in the middle of a frame"
                                                          : "");
            end(stream);
            return;
        }
        stream->in_end += (size_t)n;
        goes_on = cut(stream);
        if ((size_t)n < room)
            return;
    }
}

static void on_ready(void *arg, int events)
{
    struct stream *stream = arg;

    if (events & WATCH_WRITE)
        loop_last(stream->loop, &stream->flush, on_flush, stream);
    if (events & (WATCH_READ | WATCH_ERROR))
        read_some(stream);
}

int stream_open(struct stream **out, struct loop *loop, int fd, stream_frame_fn *on_frame,
                stream_closed_fn *on_closed, void *arg, struct err *err)
{
    struct stream *stream = xcalloc(1, sizeof *stream);

    stream->loop = loop;
    stream->fd = fd;
    stream->on_frame = on_frame;
    stream->on_closed = on_closed;
    stream->arg = arg;
    if (watch_open(&stream->watch, loop, fd, WATCH_READ, on_ready, stream, err) != 0) {
        free(stream);
        return err->code;
    }
    *out = stream;
    return 0;
}

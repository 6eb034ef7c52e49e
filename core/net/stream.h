/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/stream.h - frames, to and fro, over a connected socket.
 *
 * What is sent in one turn of the loop leaves with one write at the turn's end, behind the
 * turn functions. What comes is cut into frames; one read may hold many.
 *
 * A stream ends in one of three ways, and then calls back no more:
 *   stream_close()   at once; nothing is called.
 *   stream_finish()  when all has been written, or the peer is gone; nothing is called.
 *   by itself        the peer closed, sent what is no frame, or does not read: on_closed is
 *                    called once, later, with a sentence; the stream is gone then, and its
 *                    descriptor closed.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "frame/frame.h"

struct err;
struct loop;
struct stream;

enum {
    STREAM_OUT_MAX = 64 * 1024 * 1024, /* unwritten bytes: a peer that lets more pile up
                                        * does not read, and is left */
    STREAM_READ_SIZE = 64 * 1024,
    STREAM_EAGER_MIN = 16 * 1024, /* unwritten bytes: the other side can begin with these */
    STREAM_KEPT_MAX = 1024 * 1024, /* of a buffer that is empty again */
    STREAM_READS_A_TURN = 4        /* then the other streams have their turn */
};

/* fields are borrowed until it returns. It may close the stream. */
typedef void stream_frame_fn(void *arg, enum frame_type type, struct span fields);
typedef void stream_closed_fn(void *arg, const char *why);

/* Owns fd from success on. */
int stream_open(struct stream **stream, struct loop *loop, int fd,
                stream_frame_fn *on_frame, stream_closed_fn *on_closed, void *arg,
                struct err *err);
/* Where to write frames to (frame_begin and so on), followed by stream_flush(). */
struct str *stream_out(struct stream *stream);
/* What comes and goes may be secret: no copy of it stays in the buffers. */
void stream_keep_secret(struct stream *stream);
/* What stream_out() holds leaves at the end of this turn; much of it begins to leave at once. */
void stream_flush(struct stream *stream);
/* The same at once; waits a second at most for the other side to take it: for a process that
 * is about to end. */
void stream_flush_now(struct stream *stream);
/* Both in one: adds whole frames that were written elsewhere. */
void stream_send(struct stream *stream, struct span bytes);
/* How many bytes wait to be written. */
size_t stream_unsent(const struct stream *stream);
void stream_finish(struct stream *stream);
void stream_close(struct stream *stream); /* NULL is fine */

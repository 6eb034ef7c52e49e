/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/front.h - a process that listens: the console's and the API's, or the hooks'.
 *
 * It parses what strangers send, and knows only what it needs for that: certificates, whose
 * token is whose, a source's keys. Everything else it asks the engine, over the socket that
 * it was started with.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct loop;
struct request;

enum {
    FRONT_ASKS_MAX = 20000, /* under way at once */
    FRONT_FINISH_MS = 5000, /* for what is under way when it is to end */
    FRONT_ARGS_MAX = 4 * 1024 * 1024
};

/* The whole life of the process. Returns its exit status. */
int front_main(int fd);

/* The part of its setup of that name; lives until the next setup. */
struct span front_setup(const char *name);
int64_t front_now_ms(void); /* unix time */
/* Where browsers find the console: "https://cordon.example:8443". Until it is asked again. */
const char *front_origin(void);
struct loop *front_loop(void);

/* exit and json as docs/protocol.md has them. Not called when the request has gone. */
typedef void answer_fn(struct request *request, int exit, struct span json);

/* Asks in the caller's name. args is an object. */
void request_ask(struct request *request, const char *verb, struct span args,
                 answer_fn *answer);
/* The same with events in between. */
typedef void event_fn(struct request *request, struct span json);
void request_follow(struct request *request, const char *verb, struct span args,
                    event_fn *event, answer_fn *answer);
/* Hands in what a source delivered, as it came. */
void request_deliver(struct request *request, const char *source, const char *delivery,
                     const char *proof, struct span raw, answer_fn *answer);
/* Tells the engine that a source's delivery or handshake was refused; count of its all. */
void front_refused(const char *source, const char *peer, int status, const char *why,
                   int64_t count);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/client.h - one ask to the engine of a state directory, and what comes back.
 *
 * Each ask has a connection of its own. When nobody listens, an engine is started, in a
 * session of its own, so that Ctrl-C ends the command and not the engine.
 *
 *     struct client client;
 *     if (client_ask(&client, options, "runs", "{}", &err) != 0) ...
 *     while ((got = client_next(&client, &message, &err)) == CLIENT_EVENT) ...
 *     client_close(&client);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "cli/starter.h"

struct err;
struct options;

struct client {
    int fd;
    bool is_first; /* nothing has come back yet */
    struct str buf;
    struct str ask; /* the frame, to be sent again if it was provably not read */
    const struct options *options;
    enum starter_needs needs; /* of what is asked */
    int64_t until_us; /* of clock_mono_us(): client_next() gives up then; 0: never */
};

enum client_got {
    CLIENT_EVENT = 1,
    CLIENT_REPLY = 2,
    CLIENT_GONE = 3,       /* the engine ended before it replied */
    CLIENT_INTERRUPTED = 4 /* Ctrl-C */
};

struct client_message {
    int exit;         /* CLIENT_REPLY */
    struct span json; /* checked; lives until the next call */
};

/* Connects, starting an engine when there is none, and sends the ask. */
int client_ask(struct client *client, const struct options *options, const char *verb,
               struct span args, struct err *err);
/* Waits for what comes next: one of enum client_got, or a negative code. */
int client_next(struct client *client, struct client_message *message, struct err *err);
/* True when nothing comes for that long, and nobody interrupts. */
bool client_is_quiet(const struct client *client, int within_ms);
void client_close(struct client *client); /* also after a failed client_ask */

/* From now on Ctrl-C makes client_next return instead of ending the process. */
void client_catch_interrupt(void);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/unread.h - what came in and was not read: deliveries that are kept and that no adapter
 * could read, deliveries and handshakes that a front refused, and alerts that match and could
 * not start a run. People see each of them: in the log, in doctor, in a list, as a number.
 */
#pragma once

#include <stdint.h>

#include "base/said.h"
#include "base/str.h"

struct asked;
struct json_out;
struct serve;
struct turn_row;

enum {
    UNREAD_LIST_MAX = 500,              /* deliveries that one ask lists */
    UNREAD_HEAD_MAX = 300,              /* bytes of each that are shown */
    UNREAD_REFUSALS_MAX = 128,          /* sources whose refusals are remembered */
    UNREAD_DOCTOR_MS = 24 * 3600 * 1000 /* so long doctor names one that cannot be read */
};

/* A front's; the spans are borrowed. */
struct refusal {
    struct span source, peer, why;
    int status;
    int64_t count;
};
void refusals_note(struct serve *serve, const struct refusal *refusal);

/* Says it in the log, each fault of each source once a minute. */
void unread_say(struct serve *serve, int64_t delivery, const char *source, const char *why);
/* A row is durable: an alert that matches and started nothing is said in the log. */
void unread_row(struct serve *serve, const struct turn_row *row);

/* The verb unreadable: {"refused","unreadable"}. */
void unread_list(struct serve *serve, const struct asked *asked);
/* Lines of doctor; fn is called with name, ok, text, fix. */
typedef void unread_check_fn(void *arg, const char *name, bool ok, const char *text,
                             const char *fix);
void unread_checks(struct serve *serve, unread_check_fn *fn, void *arg);
/* Writes the members "not_started", and "refusals" [{"count","source"}]. */
void unread_numbers(struct serve *serve, struct json_out *out);
void unread_close(struct serve *serve);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/lro.h - what Azure says of an operation that goes on after its first reply. Pure.
 *
 * Three ways to follow one, in this order of preference: an address given in
 * Azure-AsyncOperation that answers {"status": ...}; one given in Location that answers 202
 * until it is done; or the resource itself, whose provisioningState ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct http_reply;

enum lro_way { LRO_NONE, LRO_STATUS, LRO_LOCATION, LRO_RESOURCE };
enum lro_state { LRO_RUNNING, LRO_SUCCEEDED, LRO_FAILED, LRO_CANCELED, LRO_UNREADABLE };

enum {
    LRO_DEFAULT_MS = 10 * 1000, /* between polls, when no Retry-After is given */
    LRO_LEAST_MS = 200,
    LRO_MOST_MS = 5 * 60 * 1000
};

struct lro {
    enum lro_way way;
    char *poll;  /* heap; where to ask */
    char *final; /* heap; what to GET when it has succeeded; NULL: the poll's reply is it */
};

/* Does this reply to method url begin an operation that goes on? Fills lro (way LRO_NONE
 * when not). An address that may not be followed (see lro_may_follow) fails. */
int lro_begin(struct lro *lro, const char *method, const char *url,
              const struct http_reply *reply, struct err *err);
void lro_fini(struct lro *lro);

/* What the reply to a poll says. Not for 408, 429, 5xx and no reply: those say nothing. */
enum lro_state lro_read(const struct lro *lro, const struct http_reply *reply);
/* How long to wait before the next poll. */
int64_t lro_delay_ms(const char *headers, int64_t unix_ms);

/* The request's credentials go along with a poll, so it may only go to the same host, one
 * below it, or one beside it (regional endpoints), and never from https to http. Nor to one
 * with characters that addresses in headers do not have, unless it is the one that was asked. */
bool lro_may_follow(const char *from, const char *to);

/* The record that lets a fresh process go on: {"final","method","poll","url","way"}. */
void lro_save(const struct lro *lro, const char *method, const char *url,
              struct str *record);
/* Reads it back; false when it belongs to another request or makes no sense. */
bool lro_load(struct lro *lro, const char *method, const char *url, struct span record);

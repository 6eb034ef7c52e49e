/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/session.h - who has signed in with a browser, in this process's memory alone.
 *
 *   signed in ──► used ... used ──► 30 minutes unused, or 12 hours old, or signed out, or the
 *                                   account changed: gone
 *
 * What the browser holds is random and told once; kept is its hash. Each session has a token
 * of its own beside it, which a page must send along with whatever changes something.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/str.h"

enum {
    SESSION_IDLE_MS = 30 * 60 * 1000,
    SESSION_LIFE_MS = 12 * 60 * 60 * 1000,
    SESSION_FRESH_MS = 15 * 60 * 1000, /* so long counts a password that was typed */
    SESSIONS_MAX = 5000,               /* the one that was unused for longest gives way */
    SESSIONS_EACH_MAX = 20,            /* of one person; likewise */
    SESSION_TEXT_LEN = 43,             /* base64url of 32 bytes */
    SESSION_BUCKETS = 256
};

struct session {
    struct list in_all, in_bucket;
    struct hash id; /* of what the browser holds */
    char token[SESSION_TEXT_LEN + 1];
    char *who, *groups; /* groups: JSON list, or NULL: all */
    unsigned roles;
    int64_t account, turn; /* of the account, when signed in with a password; else 0 */
    int64_t begun_ms, seen_ms;
    int64_t proved_ms; /* when they last showed that it is them */
};

struct session_about {
    const char *who;
    struct span groups; /* JSON list; else all */
    unsigned roles;
    int64_t account, turn, proved_ms;
};

struct sessions {
    struct list all; /* the one used last at the end */
    struct list buckets[SESSION_BUCKETS];
    int count;
};

void sessions_init(struct sessions *sessions);
void sessions_fini(struct sessions *sessions);
/* text has room for SESSION_TEXT_LEN + 1 bytes and gets what the browser is to hold. */
struct session *session_begin(struct sessions *sessions, const struct session_about *about,
                              char *text, int64_t now_ms);
/* The one that is in force, and now used; NULL when there is none. */
struct session *session_find(struct sessions *sessions, struct span text, int64_t now_ms);
bool session_is_fresh(const struct session *session, int64_t now_ms);
void session_end(struct sessions *sessions, struct session *session);
/* Ends those for which is_over says so. */
void sessions_end_if(struct sessions *sessions,
                     bool (*is_over)(const struct session *session, void *arg), void *arg);
/* Is that the session's own token? Constant time. */
bool session_has_token(const struct session *session, struct span token);
/* 32 random bytes as base64url; text has room for SESSION_TEXT_LEN + 1 bytes. */
void session_random(char *text);

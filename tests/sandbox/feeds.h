/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/feeds.h - the engine, real playbooks, and feeds that tell of alerts: which runs start?
 *
 * What the journal would keep of alerts is kept here, and their keys join them as in the daemon.
 */
#pragma once

#include "engine/engine.h"
#include "proc.h"

enum { FEEDS_BOOKS = 4, FEEDS_ALERTS = 8, FEEDS_RUNS = 40, FEEDS_HELD = 64 };

struct feeds_alert { /* one that is known */
    int64_t number, first_seq;
    char *own;   /* "FEED ID" of each delivery, and its keys, each in a line */
    char *alert; /* as it was told last with something new */
    char *card;
    int state;
};

struct feeds_question { /* to a playbook's on_alert */
    char *hash, *alert;
    int64_t number;
};

struct feeds {
    struct engine *engine;
    struct turn *turn;
    struct proc books[FEEDS_BOOKS];
    char hashes[FEEDS_BOOKS][65];
    char *infos[FEEDS_BOOKS];
    int book_count;
    const char *routes; /* JSON list */
    struct feeds_alert alerts[FEEDS_ALERTS];
    int alert_count;
    char *runs[FEEDS_RUNS]; /* "PLAYBOOK PARAMS" of each run that was started, sorted */
    int run_count;
    int64_t last_seq, deliveries;
    char *made;     /* the newest decisions */
    char *signals;  /* kinds of the newest notes, in a line */
    bool is_silent; /* playbooks do not answer: what they are asked is held */
    struct feeds_question held[FEEDS_HELD];
    int held_count;
};

/* With these sources, up to the first NULL, and the routes (JSON; NULL: none). */
void feeds_open(struct feeds *feeds, const char *const *sources, const char *routes);
void feeds_close(struct feeds *feeds);
/* The feed of that name delivers this alert, as an adapter makes it. */
void feeds_tell(struct feeds *feeds, const char *feed, const char *alert);
/* Playbooks answer what is held. */
void feeds_answer(struct feeds *feeds);
/* The engine's process ends and another one opens what was written. */
void feeds_restart(struct feeds *feeds);
/* Those that were started so far do not count any more. */
void feeds_forget(struct feeds *feeds);
/* The runs in one text on the heap, "a {...}; b {...}". */
char *feeds_runs(const struct feeds *feeds);

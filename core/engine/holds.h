/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/holds.h - which holds there are, and what they want of a slice that they share.
 *
 * The engine knows every hold that is on, though not much of it: whose it is, where its rows
 * are, and a hash of its action and target. What it changed is read from its run's rows when
 * somebody needs it. docs/decisions/0019 says how a shared slice is let go of.
 */
#pragma once

#include "engine/internal.h"

/* Since when a target cannot be observed: see hold_unseen.c. */
struct unseen {
    int64_t since_ms;   /* of the first check that failed; 0: it can be observed */
    int64_t counted_ms; /* when the last check began that counted as a round */
    int rounds;         /* that failed in a row */
    int64_t seq;        /* the row that told of it; 0: nobody was told */
    char *why;          /* NULL after a restart */
};

/* What the schedule of checks wants. */
struct check_rounds {
    int64_t every_ms;
    int tell_after;  /* that many rounds */
    int64_t told_ms; /* when people were told last; 0: never */
};

struct hold {
    struct list in_slice, in_run; /* of the engine: holds_by_slice, holds_by_run */
    int64_t run;
    int n; /* ordinal in its run */
    int64_t first_seq, last_seq, due_ms;
    uint64_t slice;
    char *
        goal; /* what undoing it leaves, when another hold passed that on; NULL: as journaled */
    int64_t goal_ms;     /* and when that was seen */
    int extends;         /* how often its time was prolonged */
    int64_t expired_in;  /* the rollback that its end began and that is not over; 0 */
    int64_t kept_in;     /* the rollback in which somebody said that it stays; 0 */
    int64_t goal_seq;    /* while the index is made again: the row that passed it on */
    bool is_off;         /* while the index is made again: it was, and is let go of */
    int verdict;         /* enum hold_verdict, of the last observation that gave one */
    int64_t verdict_seq; /* its row; 0: in force since it was taken */
    int64_t seen_ms;     /* when the last check of it began; 0: not in this process */
    int64_t looked_ms;   /* when a check last had a result, or failed; 0: the same */
    struct unseen unseen;
    /* read from its run's rows on demand: what it wants */
    bool is_asked, is_known;
    char *action, *target, *before, *after, *own_goal;
};

/* A cache that lags must not end a hold. */
enum { GONE_LOOKS = 2 };

/* -- hold.c ----------------------------------------------------------------------------- */
struct hold *hold_find(struct engine *engine, int64_t run, int n);
/* Another run than this step's has a hold on the same action and target. */
bool hold_is_wanted_by_others(const struct step *step);
/* The step of this run that took hold n; NULL. */
struct step *hold_step(struct run *run, int n);
/* A hold from the index, at start. */
void hold_on_seen(struct engine *engine, const struct event *event);
/* A run was loaded: those of its holds that the index does not have are known again, and
 * what was asked of them is answered. */
void holds_on_loaded(struct run *run);
/* An undo is over: its hold is off, and what it passes on belongs to those who still want it. */
void hold_release(struct step *undo, int64_t seq);
void holds_free(struct engine *engine);
/* It stays on, and something about it is new. */
void hold_put_on(struct engine *engine, const struct hold *hold);
/* Is what it wants known? Otherwise its run is being loaded, and tells. */
bool hold_learn(struct engine *engine, struct hold *hold);

/* While the index is made again: the hold that a row names, also when its run comes later.
 * NULL when it is off. */
struct hold *hold_seen_in_row(struct engine *engine, int64_t run, int n);

/* -- hold_unseen.c ---------------------------------------------------------------------- */
/* A check could not observe it. */
void unseen_note(struct engine *engine, struct hold *hold, struct check_rounds *rounds,
                 const char *why);
/* It was observed: journals that, when people were told that it could not be. */
void unseen_end(struct engine *engine, struct hold *hold);
void unseen_forget(struct hold *hold);
/* While the index is made again. True when the row has no verdict. */
bool unseen_read_row(struct hold *hold, struct span body, int64_t seq);

/* -- share.c ---------------------------------------------------------------------------- */
enum share_kind {
    SHARE_NONE, /* nobody else: put back as it was */
    SHARE_SOME, /* put back what nobody else wants */
    SHARE_ALL,  /* write nothing: all of it is wanted, or nothing is left to put back */
    SHARE_GONE, /* the hold is off already */
    SHARE_WAIT  /* the rows of another run must come first */
};

struct share {
    enum share_kind kind;
    struct str goal;   /* what this undo shall leave */
    struct str wanted; /* list of runs that still want it: ["r-000002"] */
    struct str passes; /* list: [{"at":MS,"g":GOAL,"n":N,"run":R}], what becomes theirs */
    bool
        is_as_left; /* apart from what others keep, each field of found is as we left it, or
                        * back already */
};

/* found: what was observed, or empty before anybody looked. share_fini() it. */
void share_of(struct step *undo, struct span found, struct share *share);
void share_fini(struct share *share);
/* Journals that the undo's hold is let go of without an effect. */
void share_leave(struct step *undo, const struct share *share);
/* Journals that the undo writes nothing and its hold ends as state (HOLD_GONE,
 * HOLD_NOT_RESTORED), and why. */
void share_end(struct step *undo, int state, struct span why);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/engine.h - what happens next, and nothing else.
 *
 * The engine is a pure state machine: (state, event) -> (state, rows, entries, commands).
 * It reads no clock, makes no random numbers and does no I/O; time and chance come in with
 * events. What drives it is core/serve in production and tests/sim in the simulator.
 *
 * THE RULE: no effect before its record is durable. Each call of engine_handle() adds to
 * one struct turn:
 *
 *     rows and entries   appended to the store's open transaction, in order
 *     commands           things to do; those with after_commit set wait until everything
 *                        appended so far is committed, the others may go at once
 *
 * The driver handles all events that are ready, appends rows and entries, does the commands
 * that need no commit, and then, if any command waits, commits once and does those, in
 * order. Rows that nothing waits for may stay uncommitted until the next commit; the driver
 * commits them when it has nothing else to do. If a commit fails, no waiting command is
 * ever done, and the process ends.
 *
 * Whatever the engine holds in memory can be made again from rows; tests do it at every
 * point. A run that waits for people or for a long time is dropped from memory (parked) and
 * loaded again when something happens to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"

struct engine;
struct err;

/* -- What is kept -------------------------------------------------------------------- */

/* Rows. Their JSON bodies are described in docs/journal.md, short names and all. */
enum row_kind {
    ROW_BORN = 1,     /* the journal itself: its install id */
    ROW_PLAYBOOK = 2, /* a playbook version: source and info; run 0 */
    ROW_START = 3,    /* a run begins */
    ROW_ANSWER = 4,   /* a wish got its answer: reads, time, chance, sleep, notes, no-ops */
    ROW_INTENT = 5,  /* about to apply or restore: D, permit, key, attempt, before, after */
    ROW_OUTCOME = 6, /* what came of an intent */
    ROW_PROGRESS = 7, /* where a long-running operation can be taken up again */
    ROW_GATE = 8,     /* a question to people, with all changes that it covers */
    ROW_VOTE = 9,
    ROW_GATE_END = 10, /* granted, denied, expired, void */
    ROW_SLEEP = 11,    /* until when */
    ROW_CHILD = 12,    /* a wish that another run answers */
    ROW_DRIFT = 13,    /* undo found something that is neither before nor ours */
    ROW_DOUBT = 14,    /* nobody can know: a person must say */
    ROW_SETTLE = 15,   /* and what the person said */
    ROW_CANCEL = 16,
    ROW_END = 17,         /* the run's end: state, error */
    ROW_HALT = 18,        /* run 0: halt or resume, scope, who, why */
    ROW_LEAVE = 19,       /* a hold's run lets go of it without an effect: others want it */
    ROW_REMIND = 20,      /* people are reminded of a gate */
    ROW_ESCALATE = 21,    /* from here on others may approve it too */
    ROW_BREAK_GLASS = 22, /* run 0: somebody granted the open gates of a run alone */
    ROW_REVIEW = 23,      /* run 0: and what another says of that */
    ROW_KEY = 24,         /* run 0: a person's key is enrolled or revoked */
    ROW_DELIVERY = 26,    /* run 0: what a source delivered, as it came */
    ROW_ALERT = 27,       /* run 0: an alert that is new */
    ROW_ALERT_NOTE =
        28,          /* run 0: it came again, was routed; or a delivery could not be read */
    ROW_KEEP = 25,   /* a hold whose time is over stays on: until when */
    ROW_CURSOR = 29, /* run 0: how far a source that is polled has been taken */
    ROW_ACCOUNT = 30,   /* run 0: somebody may sign in with a password, or no longer */
    ROW_TOKEN = 31,     /* run 0: a token is made or revoked */
    ROW_NOTICE = 32,    /* run 0: a channel was told of a row, or was not */
    ROW_ONCE = 33,      /* run 0: the answer to an ask that may come again */
    ROW_HOLD_SEEN = 38, /* run 0: a check found a hold's target otherwise than before */
    ROW_RECORD = 39,    /* run 0: the index was made again, or the journal taken as it is */
    ROW_WAIT = 34       /* the service said when to ask again: until when, and why */
};
const char *row_kind_name(int kind); /* "born", "start", ... */

enum entry_kind {
    ENTRY_RUN = 1,       /* n 0; state: enum run_state */
    ENTRY_GATE = 2,      /* n: the gate's number; state: enum gate_state */
    ENTRY_HOLD = 3,      /* n: the step's ordinal in its run; state: enum hold_state */
    ENTRY_PLAYBOOK = 4,  /* run: the row's seq; body {"hash","name","source","info"} */
    ENTRY_HALT = 5,      /* run 0, n: ordinal; state 1 in force, 0 lifted */
    ENTRY_GLASS = 6,     /* n: ordinal; state: enum glass_state; body: the newest row's */
    ENTRY_KEY = 7,       /* run 0, n: ordinal; state 1 in force, 0 revoked */
    ENTRY_ALERT = 10,    /* run: the alert's number; state: enum alert_state */
    ENTRY_DELIVERY = 11, /* run: made of a source and an id; n 0: a delivery's, state: enum
                          * delivery_state; n 1: an alert's, last_seq: its number */
    ENTRY_STORM = 12,   /* run: made of a route and what it counts by; due_ms: when its time
                          * is over; state 1 while it lasts */
    ENTRY_FAMILY = 9,   /* run: from which on runs call each other; n: made of a
                         * change's name; state 1 while that run goes on */
    ENTRY_CURSOR = 13,  /* run: made of a pull's name; its row says it */
    ENTRY_ACCOUNT = 14, /* run 0, n: ordinal; state 1 in force, 0 not; its row says it */
    ENTRY_TOKEN = 15,   /* likewise */
    ENTRY_NOTICE = 16,  /* run: made of a channel; n 0: up to which row it was told; else
                         * something that it was not told; state: enum notice_state */
    ENTRY_ONCE = 17,    /* run 0, n: its place among those kept; its row says it */
    ENTRY_RECORD = 19,  /* run: the row's seq; body: the row's */
    ENTRY_ALERT_PLAN = 18 /* run: the alert's number; n: of its row, which says it */
};

enum run_state {
    RUN_RUNNING = 1, /* in memory, or was when the power went */
    RUN_WAITING = 2, /* parked: at a gate, in a sleep, for another run */
    RUN_STUCK = 3,   /* a person must settle a doubt or a drift */
    RUN_DONE = 4,    /* ends */
    RUN_FAILED = 5,
    RUN_DENIED = 6,
    RUN_CANCELED = 7,
    RUN_DIVERGED = 8,
    RUN_BLOCKED = 9 /* by a guard or by policy */
};
const char *run_state_name(int state); /* "running", "waiting", ... */
int run_state_exit(int state);         /* DESIGN.md 11: 0 done, 1 failed, 3 waiting, ... */

enum gate_state { GATE_OPEN = 1, GATE_GRANTED, GATE_DENIED, GATE_EXPIRED, GATE_VOID };
const char *gate_state_name(int state);

enum glass_state { GLASS_UNREVIEWED = 1, GLASS_REVIEWED, GLASS_REJECTED };
const char *glass_state_name(int state);

enum alert_state { ALERT_NEW = 1, ALERT_ROUTED };
enum notice_state { NOTICE_CURSOR = 1, NOTICE_FAILED };
enum delivery_state { DELIVERY_NEW = 1, DELIVERY_READ, DELIVERY_UNREADABLE };

enum hold_state {
    HOLD_ON = 1,
    HOLD_OFF,         /* what it was about is as before again */
    HOLD_LEFT,        /* a person left it as it is */
    HOLD_GONE,        /* the target does not exist any more */
    HOLD_NOT_RESTORED /* there was nothing that an undo may put back */
};
/* "on", "off", "left", "gone", "not_restored"; and back, 0 for any other word. */
const char *hold_state_name(int state);
int hold_state_of(struct span word);

/* What the last observation says of a hold that is on: see hold_check.c. */
enum hold_verdict {
    HOLD_IN_FORCE = 0,
    HOLD_UNDONE,     /* the target is as it was before */
    HOLD_CHANGED,    /* it is neither as before nor as we left it */
    HOLD_TARGET_GONE /* it does not exist any more */
};
/* "in_force", "undone", "changed", "gone" */
const char *hold_verdict_name(int verdict);

/* Holds whose target could not be observed when it was checked last: see hold_unseen.c. */
struct engine_unseen {
    int count;
    int64_t since_ms; /* of the one for which that is so longest */
    const char *why;  /* of that one; borrowed until the next event; NULL: not known */
    int not_yet;      /* others that were not checked since the engine started */
};

enum run_kind { RUN_LIVE = 1, RUN_RECOVER = 2, RUN_ROLLBACK = 3, RUN_PLAN = 4 };

/* -- Events: everything that can happen. Spans are borrowed for the call. -------------- */

enum event_kind {
    EV_START = 1,   /* first of all: install id, counters; see struct event_start */
    EV_PLAYBOOK,    /* at start: each ENTRY_PLAYBOOK; later: a source was loaded */
    EV_POLICY,      /* the policy in force, or that there is none; number 1: not yet */
    EV_PLUGIN,      /* one line of plugins.lock */
    EV_HALT,        /* at start: a halt in force */
    EV_GLASS,       /* at start: each ENTRY_GLASS; json: its newest row's body */
    EV_KEY,         /* at start: a key that is or was enrolled; json: its row's body */
    EV_ACCOUNT,     /* at start: an account; json: its newest row's body */
    EV_TOKEN,       /* at start: a token that is or was in force; json: its row's body */
    EV_ONCE,        /* at start: an answer that is kept; json: its row's body */
    EV_CHANGE_SEEN, /* at start: an intent of the last hour (for rate guards): json its
                     * row's body, name its playbook, text the playbook above all */
    EV_FAMILY,      /* at start: an ENTRY_FAMILY of state 1 */
    EV_HOLD,        /* at start: a hold that is on: run and number name it, number2 is its
                     * due time, json its entry's body, text its intent's when json has no
                     * "s"; first_seq, last_seq as in the entry */
    EV_OPEN_RUN,    /* at start, after those: a run that was in memory; asks for its rows */
    EV_ALERTS,      /* at start: number is the newest alert's */
    EV_ALERT_OPEN, /* at start: an alert that was not routed: number, json, name its source,
                     * text its entry's body, first_seq */
    EV_STORM,      /* at start: an ENTRY_STORM of state 1: run, number2 its due time, json
                     * its body */
    EV_CATALOGUE,  /* the playbooks that alerts may start: json {"playbooks":[hashes],
                     * "routes":[...]} */
    EV_DELIVERY,   /* run: what it is counted by; name source, text its id, who proof, json
                     * what came; number the ask; ok: it is new, else first_seq is its row */
    EV_ALERT,      /* one that was read: run its key, name source, json alert, last_seq the
                     * delivery's row; number its own when it is known, and then text its
                     * entry's body and first_seq its row */
    EV_DELIVERY_READ, /* all alerts of a delivery have been told: run its key, first_seq its
                       * row, number how many; not ok: text says why it cannot be read */
    EV_READY,         /* at start, last */
    EV_ROWS,          /* the answer to CMD_LOAD: all rows of a run, oldest first */
    EV_CURSOR,        /* json: {"after","name","since"} of a source that was polled */
    EV_NOTICE, /* a channel was told of a row, or was given up: json its row's body */
    EV_FOUND, /* the answer to CMD_FIND: run, json as there, name the version's hash (empty:
                * none was found), text why what was found cannot be used (empty: it can) */
    EV_VM_TURN,
    EV_VM_MATCHED,
    EV_VM_GONE, /* the VM process of a playbook ended */
    EV_HOST_DONE,
    EV_HOST_PROGRESS,
    EV_HOST_GONE, /* a plugin's host ended or could not be started */
    EV_CALL_SLOW, /* the call number to a host is under way since number2: who waits is told */
    EV_DUE,       /* an entry's due_ms has come */
    EV_TICK,      /* the time that CMD_TIMER asked for has come */
    EV_ASK        /* a person or a program wants something */
};

struct event_row {
    int64_t seq;
    int64_t prev;
    int32_t kind;
    int64_t at_ms;
    struct span body;
};

struct event_wish {
    struct span branch;
    int64_t n;
    struct span kind;
    struct span action;
    struct span args; /* canonical JSON */
};

struct event {
    enum event_kind kind;
    int64_t now_ms;
    int64_t run;      /* EV_ROWS, EV_VM_TURN, EV_DUE, EV_OPEN_RUN */
    struct span name; /* playbook hash (hex), plugin name, halt scope, ask verb */
    bool ok;
    struct span json; /* info, policy, declaration, value, params, ask arguments */
    struct span path; /* EV_PLAYBOOK: of the file that it came from; empty: not known */
    struct span text; /* source, path, error sentence, why, message */
    struct span hash; /* EV_POLICY, EV_PLUGIN: SHA-256 in hex */
    int64_t number;   /* EV_VM_TURN: enum vm_turn; EV_CHANGE_SEEN: at_ms; EV_ASK,
                             * EV_VM_MATCHED: the ask's number; EV_HOST_*: the call's id;
                             * EV_OPEN_RUN: last seq known; EV_DUE: the entry's kind;
                             * EV_HALT: n */
    /* EV_VM_MATCHED: does it match; EV_DUE: the entry's n; EV_VM_GONE: the run that was being
     * activated, 0 none, -1 when the process ended before it had loaded the playbook */
    int64_t number2;
    const struct event_row *rows;    /* EV_ROWS */
    const struct event_wish *wishes; /* EV_VM_TURN */
    int count;                       /* of rows or wishes */
    struct span who;     /* EV_ASK: the person, as the socket says; EV_PLAYBOOK: its author;
                      * EV_PLUGIN: who trusted it */
    struct span channel; /* how a vote came: terminal, command, session, token, file */
    struct span via;     /* set by the engine alone: who carried the vote of who here */
    /* EV_START */
    int64_t last_seq, last_run;
    int64_t first_seq; /* EV_HOLD */
    struct span seed;  /* 32 random bytes, for ctx.random and ctx.uuid */
    /* EV_HOST_DONE */
    int status; /* enum cordon_status */
    struct span code, message, target, token, state, after, goal, info, result;
    bool verified;
    int64_t wait_ms; /* for which the service wants to be left alone; 0: it does not say */
};

/* -- Commands: everything that the engine can want. ------------------------------------ */

enum command_kind {
    CMD_VM = 1,  /* send frame to the VM of playbook name (hash); start it, and give it the
                   * source with FRAME_VM_LOAD first, when it is not there */
    CMD_VM_KILL, /* of playbook name */
    CMD_HOST,    /* send frame to the host of plugin name; start it when it is not there */
    CMD_LOAD,    /* read all rows of run -> EV_ROWS */
    CMD_FIND, /* find the version that playbook name means to a run that calls it -> EV_FOUND;
                  * bytes {"branch","by","caller","n"}, caller the hash of its playbook */
    CMD_TIMER,   /* EV_TICK no later than number (unix ms); replaces the one before */
    CMD_EVENT,   /* to ask number: FRAME_EVENT json */
    CMD_FOLLOW,  /* ask number follows run: gets its rows as they become durable, and a
                   * reply at the next CMD_SETTLED of that run */
    CMD_SETTLED, /* run has parked or ended: reply json with exit to its followers */
    CMD_ADAPT, /* make alerts of what name delivered: run its key, number its row, bytes ->
                * EV_ALERT, EV_DELIVERY_READ */
    CMD_TELL, /* to who follows run now: json, a row's shape; it is no row, and is not kept */
    CMD_REPLY /* to ask number: FRAME_REPLY json with exit; the last */
};

struct command {
    enum command_kind kind;
    bool after_commit;
    int64_t number;
    int64_t run;
    int exit;
    struct span name;
    struct span bytes; /* a frame, or JSON */
};

struct turn_row {
    int64_t seq, run, prev, at_ms;
    int32_t kind;
    struct span body;
};

struct turn_entry {
    int32_t kind, n, state;
    int64_t run, due_ms, first_seq, last_seq;
    struct span body;
};

/* What a turn of the loop collected. Spans live until turn_reset. Rows and entries are in
 * one list of items, in the order in which they must be written. */
struct turn_item {
    bool is_row;
    struct turn_row row;
    struct turn_entry entry;
};

struct turn {
    struct turn_item *items;
    int item_count, item_cap;
    struct command *commands;
    int command_count, command_cap;
    struct arena *arena;
};

struct turn *turn_new(void);
void turn_free(struct turn *turn);
void turn_reset(struct turn *turn);

/* -- The machine ---------------------------------------------------------------------- */

enum {
    ENGINE_STEPS_MAX = 10000,           /* wishes of one run */
    ENGINE_BODY_MAX = 32 * 1024 * 1024, /* journal bytes of one run */
    ENGINE_RESULT_MAX = 256 * 1024,     /* one answer */
    ENGINE_ASK_MAX = 1024 * 1024,       /* what a person or a program asks with */
    ENGINE_REASON_MAX = 8 * 1024,       /* why they ask for it, as JSON */
    ENGINE_PREVIEW_MAX = 1024 * 1024,   /* what one gate shows */
    ENGINE_PREVIEW_CALLS_MAX = 500,
    ENGINE_ATTEMPTS_MAX = 5,
    ENGINE_CALLS_MAX = 8,  /* runs that call each other, one in the other */
    ENGINE_SLOTS_MAX = 16, /* role slots of one demand */
    ENGINE_REMINDS_MAX = 10,
    ENGINE_ESCALATES_MAX = 10,
    ENGINE_KEYS_MAX = 1000,  /* that were ever enrolled */
    ENGINE_PERSON_MAX = 100, /* bytes of a person's name */
    ENGINE_ACCOUNTS_MAX = 1000,
    ENGINE_ACCOUNT_NAME_MAX = 64,
    ENGINE_ACCOUNT_GROUPS_MAX = 32,
    ENGINE_TOKENS_MAX = 10000,       /* that were ever made */
    ENGINE_TOKEN_PLAYBOOKS_MAX = 32, /* that one token may be bound to */
    ENGINE_TOKEN_DAYS_MAX = 366,
    ENGINE_EXTENDS_MAX = 10, /* how often a hold is extended before people are asked */
    ENGINE_ONCE_MAX = 20000, /* answers that are kept for asks that come again */
    ENGINE_ONCE_HOURS = 24,
    ENGINE_ROUTES_MAX = 500,
    ENGINE_ALERT_RUNS_MAX = 20, /* that one alert may start */
    ENGINE_ALERT_PLANS_MAX = 8, /* in shadow mode, under way at once */
    ENGINE_STORMS_MAX = 20000,  /* under way at once */
    ENGINE_NOTICES_KEPT = 200,  /* that a channel was not told, to be shown */
    ENGINE_STRIKES_MAX = 3      /* how often a run may lose its VM before it has failed */
};

struct engine *engine_new(void);
void engine_free(struct engine *engine);

/* Handles one event; what follows from it is added to turn. Never fails: what is wrong with
 * an event is answered or journaled. */
void engine_handle(struct engine *engine, const struct event *event, struct turn *turn);

/* The idempotency key of a step: the same for each of its attempts, and for no other step of
 * any run of any installation. It follows from the names alone, so no row has it. hex has
 * room for STEP_KEY_LEN + 1 bytes. */
enum { STEP_KEY_LEN = 32 };
struct step_name {
    int64_t run;
    struct span branch;
    int64_t n;
    bool is_restore;
};
void engine_step_key(const struct engine *engine, const struct step_name *name, char *hex);

/* A channel's entries are those of this run; and what a notice of a row is known by, wherever
 * it is sent again. hex as of engine_step_key(). */
int64_t engine_channel_key(struct span channel);
void engine_notice_key(const struct engine *engine, struct span channel, int64_t of,
                       char *hex);
/* The channels that a gate names, of its row or its entry; empty when it names none. */
struct span engine_gate_channels(struct span body);
/* How far each demand of a gate is met: a list of {from, have, need, slots}. body, and the lists of
 * votes and reminders, are as its rows have them. */
void engine_gate_tally(struct engine *engine, struct span body, struct span votes,
                       struct span reminders, struct str *out);

/* What the policy says of a change that json describes: action, target, op, args, tags, alert,
 * requester, playbook, targets (which one of the run it is), exists, tenant, own, reversible.
 * Adds {"need","from","rules"} and where they apply "forbidden", "why", "freezes", "guard",
 * "slots", as a gate's changes have them. On an engine with a policy and plugins. */
void engine_judge(struct engine *engine, struct span json, int64_t now_ms,
                  struct turn *turn, struct str *text);

/* Is it a match (of a rule, of a freeze) that the engine understands? Its keys and their
 * types are known to be right. The error begins with the key: "severity: want ...". */
int engine_check_match(struct span match, struct err *err);
/* The lists of the policy's guards that are compared word by word. */
int engine_check_guards(struct span guards, struct err *err);
/* The severity and the confidence that a match of alerts wants. */
int engine_check_alert_levels(struct span match, struct err *err);
/* What is one slice, for all that the engine knows: an action and a target. */
/* The choices with which a person can settle a step that waits for one, up to NULL: a doubt, a
 * drift, or an undo that failed. */
enum settle_kind {
    SETTLE_DOUBT,
    SETTLE_DRIFT,
    SETTLE_FAILED,
    SETTLE_PARTLY,       /* each field is as before or as planned, and some are each */
    SETTLE_PARTLY_UNDONE /* the same of an undo: as it was left, or as it shall be */
};
/* What kind of doubt a row says. */
enum settle_kind engine_doubt_kind(struct span body, bool is_undo);
const char *const *engine_settle_choices(enum settle_kind kind);
/* Adds "break_glass", whether this person may grant the run's gates alone and what follows from
 * that: {"may","sign","review_from","reviewers"}. Nothing when the policy has no break-glass.
 * groups: a list of those for which what the person says counts; empty: all. */
void engine_put_break_glass(struct engine *engine, struct json_out *out, struct span who,
                            struct span groups);

uint64_t engine_slice(struct span action, struct span target);
/* The same from the body of a hold's entry; false when it has none. */
bool engine_read_slice(struct span json, uint64_t *slice);
/* Do two holds of one slice want the same field of it? before: what undoing each leaves. */
bool engine_is_shared(struct span before, struct span after, struct span other_before,
                      struct span other_after);

void engine_unseen_count(const struct engine *engine, struct engine_unseen *unseen);
/* Since when the target of this hold cannot be observed, 0: it can be. why as above. */
int64_t engine_unseen_since(struct engine *engine, int64_t run, int n, const char **why);

/* What would become of an alert: adds {"decisions":[...]}, as ROW_ALERT_NOTE has them, from
 * what matched says of each playbook ([{"hash","ok","matches","params","why"}]). Changes
 * nothing. */
void engine_route_plan(struct engine *engine, struct span alert, struct span matched,
                       struct str *text);
/* Each name of a playbook that the engine knows, and the schema of its newest version's
 * parameters. */
typedef void engine_params_fn(void *arg, const char *name, struct span params);
void engine_each_params(struct engine *engine, engine_params_fn *fn, void *arg);
/* Tells of each route, and of each playbook's on_alert, that can start nothing: no such
 * playbook, no such parameter, one that is missing, an alert that cannot be. sources is for
 * base/alert_reach.h. The text begins with the place in the file: "routes[2].playbook: ...",
 * "on_alert.when.source: ..."; playbook is NULL for a route. */
typedef void engine_reach_fn(void *arg, const char *playbook, const char *text);
void engine_reach(struct engine *engine, struct span sources, engine_reach_fn *fn,
                  void *arg);
/* Checks a list of routes; the error begins with the place: "routes[2].match.severity: ...". */
int engine_check_routes(struct span routes, struct err *err);

/* A route's parameter "$alert.resource:TYPE" is the first resource of that type. */
#define ROUTE_BY_TYPE "resource:"
/* The run under which ENTRY_CURSOR has the pull of that name. */
int64_t engine_cursor_key(struct span name);

/* For doctor --rebuild, on a fresh engine: adds to turn the entries of one run (event has
 * its number and all its rows; run 0: the rows that belong to none). Runs in the order of
 * their numbers, so that what a rollback released is released. */
void engine_reindex(struct engine *engine, const struct event *event, struct turn *turn);

/* Adds {"accounts": [...], "tokens": [...]}: those in force, hashes included. For who checks
 * passwords and tokens, and nobody else. */
void engine_credentials(const struct engine *engine, struct str *out);

/* How many runs are in memory, and how many things are under way (turns, calls): the local
 * engine ends itself when nobody is connected and both say nothing will happen by itself. */
int engine_runs(const struct engine *engine);
/* Is this call to a host (the number of its CMD_HOST) still under way? */
bool engine_has_call(struct engine *engine, int64_t number);
bool engine_is_idle(const struct engine *engine);
/* Turns and calls that have not come back yet. */
int engine_under_way(const struct engine *engine);

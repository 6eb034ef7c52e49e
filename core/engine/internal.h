/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/internal.h - the engine's own structs, shared by the files of this folder only.
 *
 * How they hang together: the engine has runs in a table, playbooks and plugins in lists. A
 * run has steps (one for each wish, found by branch and number) and gates. All of it comes
 * from rows: live code builds a row, and row_apply() changes the state, just as it does
 * when a run is loaded. What is not in rows (calls under way, what a VM is waiting for) is
 * made again by looking at the state: see run_push().
 *
 * A run's memory is its arena, except the spans of one event, which are borrowed.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/str.h"
#include "engine/engine.h"

struct run;
struct step;
struct gate;

/* The bit that makes a shadow's number from its run's: previews are runs that live only in
 * memory. */
#define SHADOW (INT64_C(1) << 60)

enum step_state {
    STEP_NEW = 0,  /* known from a wish; nothing asked yet */
    STEP_CALLING,  /* READ or PREPARE or OBSERVE (undo) is with the host */
    STEP_GATED,    /* waits for a gate */
    STEP_HELD,     /* waits for the end of a halt, a policy, another change */
    STEP_APPLYING, /* its intent is journaled; APPLY or RESTORE is with the host */
    STEP_IN_DOUBT, /* OBSERVE is with the host, to learn what became of the intent */
    STEP_PAUSING,  /* waits a moment before it asks again */
    STEP_SLEEPING, /* ctx.sleep; ctx.wait_until between its looks */
    STEP_LOOKING,  /* ctx.wait_until: the playbook looks, and nothing of it is journaled */
    STEP_FINDING,  /* ctx.call: it is looked which version the name means */
    STEP_CHILD,    /* another run answers it */
    STEP_HUMAN,    /* doubt or drift: a person must settle it */
    STEP_ANSWERED  /* its answer is journaled */
};

struct change; /* one entry of a gate's list */

struct step {
    struct list in_run;                 /* in order of birth */
    struct list in_effects, in_waiters; /* of the engine: see slice.c */
    struct list in_order;               /* answered ones, in the journal's order */
    struct run *run;
    const char *branch;
    int64_t n;
    const char *kind; /* "step", "approve", "now", ... */
    const char *action;
    struct span args;
    const char *by, *because; /* a signal: who sent it, and the reason that came with it */
    char args_hash[17];       /* the first 16 hex digits of its SHA-256 */
    int state;
    bool is_wished;    /* the VM has asked for it since it was started */
    bool is_assumed;   /* shadow: it comes after a change whose result was taken as given */
    bool is_relied_on; /* shadow: this is such a change */
    bool is_delivered; /* and has been given the answer */
    /* the answer */
    bool ok;
    struct span value;
    /* a change */
    bool is_undo;
    int64_t undoes_run;
    struct span before, after, goal;
    struct span plan_info; /* what plan() said, for approvers */
    bool
        is_partly_told; /* of that only the tags are known: an old gate's row has no more */
    struct span info;   /* what apply() gave back */
    const char *differs; /* from what was approved; NULL */
    const char *token, *target, *what, *undo;
    struct span now; /* what was observed last */
    const char *resume;
    const char *code, *message;
    int attempt;
    bool has_intent, has_outcome, is_noop, is_done;
    bool is_in_ledger; /* its hold is in the index */
    bool is_joined;    /* found as planned, because of another run's hold */
    /* an undo: as its hold has it, whoever shares the slice; and what others get of it */
    struct span own_after, own_goal, passes;
    int64_t captured_ms; /* when the state to put back was seen */
    bool is_gone;        /* its hold was off already */
    int ends_as;         /* its hold ends as HOLD_GONE or HOLD_NOT_RESTORED; 0: as ever */
    bool is_kept;        /* and here it stays on, until until_ms */
    int extends;         /* so often by now for that time */
    int doubts;          /* observations since the intent got into doubt */
    int retries;
    int waits;            /* that a service asked for: see wait.c */
    int excused;          /* attempts that it put off, and that count for nothing */
    bool is_waiting;      /* until wake_ms, by a row */
    struct span wait_why; /* what the service said then, JSON */
    int64_t put_off_ms;   /* an effect in doubt: when the service wants to be asked again */
    int64_t intent_ms, wake_ms, until_ms, intent_seq, outcome_seq;
    int64_t call;      /* the host call under way; 0 none */
    int64_t looked_at; /* by the engine's slice_clock */
    int gate;          /* number of the gate it waits for; 0 none */
    int permit_gate, permit_index;
    int64_t child;
    bool is_child_seen; /* and was not over; it tells its parent when it is */
    bool is_child_told; /* that it shall stop */
    char digest[HASH_HEX_LEN + 1];
    bool is_drift, may_restore_over;
    int settle; /* enum settle_kind, of what a person must settle */
    /* An attempt did a part: what was captured before the change stays, and the next attempt
     * does the rest. Of an undo: what it shall leave is found out anew. */
    bool is_partly;
    bool is_rest_refused; /* and the service refuses it */
    bool may_complete;    /* a person has said that the rest shall be done */
    bool is_failed;       /* an undo that could not be done; it may be tried again */
    const char *settled_by;
    const char *choice; /* how a person settled it; NULL */
    int64_t again_n;    /* ctx.wait_until: its answer goes to this wish; 0: to its own */
    int looks;          /* of this load */
    bool is_ending;     /* its look is being journaled */
    int ordinal;        /* among the run's intents; names its hold */
    struct span also;   /* groups that its next gate asks too */
    bool must_look;     /* its next gate wants the target looked at first */
    int undoes_ordinal;
    int64_t undoes_seq; /* the intent that is undone */
    const char *undoes_path;
    struct span why;                   /* names of the rules that let its intent go */
    uint64_t change_mark, target_mark; /* of what was begun: see family.c */
};

struct change {
    const char *path; /* "0/3" */
    struct span json; /* as the approver sees it */
    struct span args, before;
    const char *action, *target, *plugin_hash, *policy_hash, *digest;
    bool is_used;
};

struct gate {
    struct list in_run;
    int number;
    struct step *step;
    int state;
    struct span body; /* the row */
    struct span from; /* list of groups */
    struct span demands;
    int64_t due_ms;
    const char *on_timeout;
    bool is_question;
    struct change *changes;
    int change_count;
    struct list votes;
    bool needs_reason;
    int sign;               /* enum sign: of those who approve */
    struct span value;      /* of a question's answer */
    int64_t deny_threshold; /* so many denials end it */
    int64_t execute_ms;     /* a permit is good so long after the grant; 0: until due_ms */
    int64_t ended_ms;
    struct span remind, escalate; /* when, and to whom: see remind.c */
    int reminded, escalated;      /* how many of them have been */
    struct span also;             /* groups that may fill any demand by now */
    const char *glass_by;         /* who granted it alone; NULL */
    int glass;                    /* and the number of that */
    struct span wider;            /* and those that its successor asks too */
    bool is_checked, is_whole;    /* see vouch.c */
};

struct vote {
    struct list in_gate;
    const char *who;
    const char *why;    /* the reason; "" */
    const char *key;    /* the fingerprint of the one that signed it; NULL */
    const char *sig;    /* the armor; NULL */
    struct span groups; /* JSON list of those for which it counts; empty: all */
    bool yes;
    bool is_checked; /* see proof.c */
    int proof;       /* enum sign, or PROOF_NONE: a signature that fits nothing */
};

struct run {
    struct list in_table;
    struct list in_queue; /* of runs to look at before the event is done */
    struct engine *engine;
    struct arena arena;
    int64_t id;
    int kind;  /* enum run_kind */
    int state; /* enum run_state */
    struct playbook *playbook;
    const char *hash_hex; /* the playbook's, also when it is not loaded */
    const char *playbook_name, *entry, *by, *title;
    struct span params, alert;
    int64_t of; /* ROLLBACK, RECOVER: the run it is about */
    int64_t parent, parent_n;
    int64_t root;       /* the run from which on they call each other; 0: itself */
    const char *top;    /* and its playbook; "": its own */
    struct span notify; /* the channels that are told of it; empty: as cordon.lua has it */
    struct span trace;  /* W3C traceparent of who asked for it, JSON; empty: none */
    struct span cause;  /* what the alert of that one says, for matching */
    int depth;          /* how many runs called each other before it */
    const char *parent_branch;
    const char *only_step, *only_target, *since, *back_to; /* ROLLBACK: limits */
    int64_t since_n;
    const char *why; /* ROLLBACK: a person's reason, or the event that began it */
    struct span
        expired_hold;   /* ROLLBACK of one whose time is over: its place in the index */
    struct span expire; /* and how it goes on: see expire.c */
    int64_t first_seq, last_seq, started_ms, ended_ms, body_bytes;
    struct list steps, order, gates;
    int step_count, gate_count, intent_count;
    bool is_loading; /* rows were asked for */
    bool is_loaded;
    bool was_running;    /* it was in memory when the power went */
    int64_t indexed_seq; /* and its entry covered its rows up to here */
    bool is_started;     /* VM_START was sent to the VM that lives now */
    int turns;           /* answers and starts that the VM has not answered yet */
    int calls;           /* host calls under way */
    int strikes;
    int glass; /* the newest of its break-glasses; 0: none */
    bool is_indexed_running;
    bool is_canceling;
    bool wants_vm;  /* the VM has something to do for it */
    int stop_state; /* it shall end like this, once what it began is known */
    bool has_undo_list;
    int64_t wait_rows_of; /* ROLLBACK: loading the rows of that run */
    bool is_awaited;      /* a rollback waits for the rows of this one */
    bool is_check_wanted; /* of its holds, once its rows are there */
    struct span error;
    struct list waiting; /* events that wait for the rows */
    /* shadows */
    struct run *shadow; /* the preview that this run waits for */
    bool is_check;      /* shadow: it looks whether its run's holds are in force */
    struct run *casts;  /* shadow: whose preview it is */
    struct step *at;    /* shadow: the gate's step, taken as granted */
    int64_t plan_ask;   /* shadow of `cordon plan`: who asked */
    int64_t plan_alert; /* shadow of an alert in shadow mode: its number, or 0 */
    struct step **planned;
    int planned_count, planned_cap, reads;
    size_t planned_bytes;
    const char *stopped;   /* why the preview ended early, or NULL */
    const char *blocked;   /* why a branch of it does not go on; others may */
    const char *more;      /* what it does not show, when it ended in time */
    struct step **drifted; /* undos that would write nothing, and wait for a person */
    int drifted_count, drifted_cap;
    struct step **granted; /* approvals that a plan takes as given */
    int granted_count, granted_cap;
    struct step **failed; /* what could not be looked at, or would be refused */
    int failed_count, failed_cap;
    struct str left; /* shadow: what its rollback would leave as it is, as JSON objects */
    bool is_refused; /* one of those: the change would be refused */
    int64_t begun_ms;
};

struct playbook {
    struct list in_engine;
    char hash[HASH_HEX_LEN + 1];
    char *name;
    char *source;
    char *info; /* canonical JSON */
    char *by;   /* its author, or who first brought it; "": not known */
    int64_t seq;
    int load_strikes; /* VMs in a row that ended before they had loaded it */
};

struct action {
    struct list in_engine;
    struct plugin *plugin;
    char *name;
    struct span json; /* its declaration, inside plugin->declaration */
    int effect, repeat, risk;
    int64_t settle_ms, timeout_ms;
    bool can_undo;
    bool asks_partly; /* what is partly done goes on only on a person's word */
};

struct plugin {
    struct list in_engine;
    char *name;
    char hash[HASH_HEX_LEN + 1];
    char *declaration;
    char *by;              /* who trusted it; "": not known */
    bool is_refused;       /* its host cannot be started */
    int64_t settle_max_ms; /* as configured here; 0: as each action declares */
    char *why;
};

struct halt {
    struct list in_engine;
    char *scope;
    int n;
};

struct enrolled { /* a person's key */
    struct list in_engine;
    int n;
    char *fingerprint, *person;
    char *body; /* of its newest row */
    bool is_revoked;
};

struct call { /* one host call under way */
    struct list in_table;
    int64_t id;
    int64_t run;
    struct step *step;
    struct plugin *plugin;
    int op;
};

struct ask { /* a start that waits for the VM's on_alert */
    struct list in_engine;
    int64_t number;
    char *args;
    char *who;
    bool is_plan;
    struct playbook *playbook;
};

enum {
    TABLE_SIZE = 4096,
    SLICE_PLACES = 1024,
    PARK_SLEEP_MS = 5000,
    RATE_WINDOW_MS = 3600 * 1000
};

struct seen { /* one change of the last hour; names as mark_of() has them */
    int64_t at_ms;
    uint64_t playbook, top; /* top: the playbook that called it, from above all others */
    uint64_t kind, target;  /* azure.appservice, and the target itself */
};

struct playbook_rate { /* a playbook, and how often it is among them */
    uint64_t mark;
    int count;
};

struct rate {          /* for the hourly guards */
    struct seen *seen; /* oldest first */
    int count, cap;
    int old; /* so many at the beginning are out of the window */
    struct playbook_rate *playbooks;
    int playbook_count;
};

struct family_change {
    uint64_t change, target;
};

struct family { /* runs that called each other, under the one that nobody called */
    struct list in_engine;
    int64_t root;
    struct family_change *changes;
    int count, cap;
};

struct engine {
    struct list table[TABLE_SIZE];
    int run_count;
    struct list calls[TABLE_SIZE];
    struct list playbooks, plugins, actions, halts, asks, families, keys, glasses;
    struct list credentials; /* access.c */
    int64_t next_seq, next_run, next_call;
    int next_halt, next_key, key_count, next_glass, next_account, next_token;
    int64_t now_ms;
    char *install; /* hex, the journal's own */
    struct hash seed;
    char *policy;       /* canonical JSON; NULL: none, and then nothing changes anything */
    struct span guards; /* of it; empty when it has none */
    char policy_hash[HASH_HEX_LEN + 1];
    char *policy_error;
    struct rate rate;
    int64_t timer_ms;                    /* asked for; 0 none */
    int busy;                            /* turns and calls under way, over all runs */
    struct turn *turn;                   /* of the event being handled */
    struct list effects[SLICE_PLACES];   /* steps whose intent has no outcome yet */
    struct list waiters[SLICE_PLACES];   /* steps that wait for one of those */
    int64_t slice_clock;                 /* one more with each effect that begins or ends */
    int64_t slice_changed[SLICE_PLACES]; /* and when the last one was */
    struct list holds_by_run[TABLE_SIZE], holds_by_slice[TABLE_SIZE];
    bool is_reindexing;         /* the index is made again */
    bool is_policy_coming;      /* it is being read */
    struct list queue;          /* runs to look at */
    struct intake *intake;      /* alert.c, route.c */
    struct hold_checks *checks; /* hold_check.c; NULL: none has begun */
    struct onces *onces;        /* once.c; NULL: no ask has come that wants it */
    struct span trace;          /* of the ask that starts a run now; else empty */
    struct span notify;         /* of the route by which a run starts now; else empty */
    bool is_ready;
};

/* -- turn.c: adding to the turn -------------------------------------------------------- */
void turn_add_row(struct engine *engine, const struct turn_row *row);
void turn_add_entry(struct engine *engine, const struct turn_entry *entry);
struct command *turn_command(struct engine *engine, enum command_kind kind,
                             bool after_commit);
struct span turn_keep(struct engine *engine, struct span bytes);
void reply_error(struct engine *engine, int64_t ask, int exit, const char *code,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void reply_json(struct engine *engine, int64_t ask, int exit, struct span json,
                bool after_commit);

/* -- rows.c: state from rows ------------------------------------------------------------ */
/* Journals the row (not for shadows), then applies it. body is built by the caller in any
 * struct str; it is copied. */
void row_write(struct run *run, enum row_kind kind, struct span body);
void row_apply(struct run *run, const struct event_row *row);
/* notice.c */
void notice_on_event(struct engine *engine, const struct event *event);
void notice_put_entry(struct engine *engine, struct span body, int64_t seq);
void row_write_global(struct engine *engine, enum row_kind kind, struct span body);
struct step *step_find(struct run *run, struct span branch, int64_t n);
struct step *step_new(struct run *run, struct span branch, int64_t n, struct span kind,
                      struct span action, struct span args);
struct gate *gate_find(struct run *run, int number);
struct span run_keep(struct run *run, struct span bytes);
const char *run_text(struct run *run, struct span bytes); /* unescaped copy of raw text */

/* -- run.c ------------------------------------------------------------------------------ */
struct run *run_find(struct engine *engine, int64_t id);
struct run *run_new(struct engine *engine, int64_t id, int kind);
void run_free(struct run *run);
/* Loads the run if it is not in memory. NULL when it does not exist. */
struct run *run_wake(struct engine *engine, int64_t id);
/* Puts the run into the queue of those to look at before the event is done. Whatever can go
 * on then goes on; a run that cannot is parked, one that is over is freed. So no run goes
 * away under the feet of a function that works on it. */
void run_push(struct run *run);
void runs_drain(struct engine *engine);
void run_end(struct run *run, int state, struct span error);
void run_tell_followers(struct run *run); /* how it stands */
/* Ends the run, or makes it end once the outcome of all that it began is known. */
void run_stop(struct run *run, int state, struct span error);
/* A person, or the run that it belongs to, says stop. why is JSON, or absent. */
void run_cancel(struct run *run, struct span who, struct span why);
void run_fail(struct run *run, int state, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool run_is_over(const struct run *run);
void run_put_entry(struct run *run);
struct run *run_start(struct engine *engine, int kind, struct playbook *playbook,
                      const char *entry, struct span params, struct span alert,
                      struct span by, int64_t of, struct step *parent, struct span limits);
bool run_is_shadow(const struct run *run);
void timer_want(struct engine *engine, int64_t at_ms);

/* -- replay.c: the VM ------------------------------------------------------------------- */
void vm_start(struct run *run);
void vm_on_turn(struct run *run, const struct event *event);
void vm_deliver(struct run *run);
void vm_on_gone(struct engine *engine, const struct event *event);
void vm_drop(struct run *run);

/* -- step.c ----------------------------------------------------------------------------- */
void step_begin(struct step *step);
void step_begin_plain(struct step *step); /* time, chance, notes */
void step_stop_child(struct step *step);  /* its run shall stop */
void step_go_on(struct step *step);       /* after a gate, a halt, a pause, a load */
void step_answer(struct step *step, bool ok, struct span value);
void step_answer_error(struct step *step, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void step_on_host(struct step *step, int op, const struct event *event);
void step_on_host_gone(struct step *step, int op, struct span why);
void step_on_progress(struct step *step, int64_t call, struct span resume);
struct action *action_find(struct engine *engine, struct span name);
/* The slice as it was observed before a change or an undo, and as it shall be after it. */
struct span step_found(const struct step *step);
/* What its plugin would have approvers know; empty: nothing. */
struct span step_notes(const struct step *step);
struct span step_wanted(const struct step *step);
const char *step_path(const struct step *step); /* "0/3", in the run's arena */
void host_call(struct step *step, int op);
/* Tells those who wait for it; call may be NULL. */
void call_on_slow(const struct call *call, const struct event *event);
struct span step_result(struct step *step);  /* what the playbook gets for a change */
int64_t step_until(const struct step *step); /* when its hold expires by itself; 0 never */
void step_settle(struct step *step, const char *choice);

/* -- look.c ----------------------------------------------------------------------------- */
void look_begin(struct step *step);
void look_go_on(struct step *step);
/* When a step that sleeps goes on, and whether its run may leave memory until then. */
int64_t look_due(const struct step *step);
bool look_may_park(const struct step *step);
/* Is the answer one of a look that is not journaled? */
bool look_keeps(const struct step *step);
/* A wish comes: true when it is an open look's "not yet". When it is more than reading, the
 * looks that are open in its branch and above are journaled first. */
struct event_wish;
bool look_takes(struct run *run, const struct event_wish *wish);
/* Journals all looks that are open. */
void look_end_all(struct run *run);
/* Which wish the answer is for; value gets it. */
int64_t look_number(struct step *step, struct str *value);

/* -- step.c: what its neighbours share --------------------------------------------------- */
/* The plugin ABI's numbers; the engine does not include the plugin's header. */
enum { STATUS_DONE = 0, STATUS_RETRY = 1, STATUS_REFUSED = 2, STATUS_UNKNOWN = 3 };
enum { EFFECT_READS = 1, EFFECT_REVERTS = 2, EFFECT_PERMANENT = 3 };
enum { REPEAT_BLIND = 4 };
enum { RETRIES_MAX = 10 };
/* -- wait.c: the service said when to ask again ------------------------------------------ */
struct wait_why {
    struct span code, message; /* the service's */
    int64_t until_ms;
    bool is_doubt;   /* it is only looked what became of an effect */
    bool is_excused; /* an attempt was put off by it */
};
/* Does the answer want a wait, and may there be one more? */
bool wait_is_asked(const struct step *step, const struct event *event);
int64_t wait_end_ms(const struct step *step, const struct event *event);
void wait_begin(struct step *step, const struct wait_why *why);
void wait_apply(struct step *step, const struct json_fields *in); /* of its row */
bool wait_is_parked(const struct step *step);
void wait_go_on(struct step *step);
void step_begin_again(struct step *step);
struct action *step_action(const struct step *step);
void undoes_put(struct json_out *out, const struct step *step);
void answer_write(struct step *step, bool ok, struct span value, bool is_noop);
void error_put(struct str *body, const struct step *step, struct span code,
               struct span message, bool retryable);
/* Asks again a little later, and tells who follows the run why. */
void step_pause(struct step *step, const struct event *event);
void step_on_failed_read(struct step *step, const struct event *event);

/* -- change.c --------------------------------------------------------------------------- */
bool change_is_held(struct step *step);
void change_on_prepared(struct step *step, const struct event *event);
/* An undo begins: true when its target must be looked at; else it lets go without, or waits. */
bool change_begins_undo(struct step *step);
/* Does the answer to an undo's call say that its target does not exist any more? */
bool undo_is_gone(const struct step *step, const struct event *event);
void change_on_observed(struct step *step, const struct event *event);
void change_on_applied(struct step *step, const struct event *event);
void outcome_write(struct step *step, const char *word, const struct event *event,
                   const char *how);
/* A part of it is done, and no more will be. */
void outcome_partly(struct step *step);
/* The error of a step like that. */
void change_put_partly_error(struct str *out, const struct step *step);
/* Does the rest of a change of which event shows that a part is done. */
void change_complete(struct step *step, const struct event *event);
void outcome_done(struct step *step, const struct event *event, const char *how);

/* -- doubt.c ---------------------------------------------------------------------------- */
void doubt_look(struct step *step);
void doubt_look_later(struct step *step);
void doubt_on_looked(struct step *step, const struct event *event);
void doubt_write(struct step *step, const struct event *event, const char *why);
/* The same for what is partly done: head, and which fields. */
void doubt_write_partly(struct step *step, const struct event *event, const char *head);
/* A run is about to end: what is partly done goes into the ledger as that. */
void doubt_keep_parts(struct run *run);

/* -- permit.c --------------------------------------------------------------------------- */
/* due_ms: until when people may say yes; execute_ms: how long after that it is good. */
void permit_digest(const struct step *step, int64_t due_ms, int64_t execute_ms, char *hex);
/* A permit for exactly this step; false when none. differs gets words for what is not the
 * same as in the permit of the same path, when there is one. */
struct need;
bool permit_find(struct step *step, const struct need *need, int *gate, int *index,
                 struct str *differs);
/* Does the gate list exactly what the step would do now, and has nothing used that entry? */
bool permit_is_listed(const struct step *step, const struct gate *gate);
/* Is what this gate granted the very thing that the step would do now, and good? It may be
 * that more people are wanted by now. */
bool permit_stands(const struct step *step, struct gate *gate);

/* -- signed.c --------------------------------------------------------------------------- */
enum sign { SIGN_NONE = 0, SIGN_KEY, SIGN_VERIFIED }; /* the last: the strictest */
const char *sign_word(int sign);                      /* as in a gate's body */
int sign_of(struct span word);
/* False when the event has a signature that is none of what event->who is to have said, or
 * less of one than is wanted (enum sign); then the ask has been answered. fingerprint
 * (SSHKEY_FINGERPRINT_LEN + 1 bytes) is "" when there is none. */
struct statement;
bool signed_is_good(struct engine *engine, const struct statement *statement, int wanted,
                    const struct event *event, char *fingerprint);
bool signed_vote_is_good(struct run *run, struct gate *gate, const struct event *event,
                         bool yes, char *fingerprint);
/* True when the gate wants one and there is none; then the ask has been answered. */
bool signed_is_missing(struct run *run, const struct gate *gate, const struct event *event,
                       bool yes);
/* A vote in a file: is it of this journal? When not, the ask has been answered. */
bool import_is_ours(struct engine *engine, const struct event *event);
void gate_on_import(struct run *run, int number, const struct event *event);

/* -- proof.c ---------------------------------------------------------------------------- */
enum { PROOF_NONE = -1 };
/* Whether the armor signs the statement, and how (enum sign); -1 with err. fingerprint
 * (SSHKEY_FINGERPRINT_LEN + 1 bytes) is set when there is a key in it. */
int proof_read(const struct statement *statement, struct span armor, char *fingerprint,
               bool *is_hardware, struct err *err);
/* Of a row that says which key signed it: enum sign, or PROOF_NONE. */
int proof_of_row(const struct statement *statement, struct span armor, struct span key);
/* It is signed when the gate wants that; and when it is signed, its signature is right, and
 * its key is that of its voter, and not revoked. */
bool vote_counts(const struct gate *gate, struct vote *vote);
/* Why it does not count, for a sentence about its voter; NULL when it does. */
const char *vote_lost(const struct gate *gate, struct vote *vote);

/* -- vouch.c ---------------------------------------------------------------------------- */
/* Is this the row that was voted for? */
bool vouch_gate(struct gate *gate);

/* -- policy.c --------------------------------------------------------------------------- */
/* So many people out of these groups. Several of them all want to be met, each by itself:
 * two of one group do not stand for one of another. */
struct demand {
    struct list in_need;
    int64_t need;
    struct span from;  /* list of groups (JSON); empty list: whoever is in any group */
    struct span slots; /* list of groups, one person each; empty: need people of from */
    bool is_firm;      /* the policy's: whom a playbook escalates to does not meet it */
};

struct need {
    int64_t need;      /* approvers; 0 none */
    struct span from;  /* list of groups (JSON), in the turn's memory */
    struct span rules; /* names of the rules that made it so (JSON list) */
    bool is_forbidden;
    int sign;            /* enum sign */
    struct span why;     /* and why it is: a sentence */
    struct span freezes; /* that are in force for it: list of {emergency, name, to} */
    bool self;           /* the requester may approve */
    int64_t within_ms;
    struct list demands;
};
/* Adds a demand, in the turn's memory; the same groups are asked once, for the most. */
void demand_add(struct engine *engine, struct list *demands, int64_t need,
                struct span from);
/* Adds one that the policy has. is_firm: it stays apart from those of the playbook. */
void demand_add_policy(struct engine *engine, struct list *demands,
                       const struct demand *wanted, bool is_firm);
/* One person for each group of the list, and each person for one of them only. */
void demand_add_slots(struct engine *engine, struct list *demands, struct span slots);
/* So many people, or the list of slots: what a rule or ctx.approve calls its need. */
void demand_add_need(struct engine *engine, struct list *demands, struct span need,
                     struct span from);
int64_t need_count(struct span need, int64_t otherwise);
void demands_put(struct json_out *out, const struct list *demands);
void policy_need(const struct step *step, struct need *need);
/* Adds the names of a list that are not there yet, with commas between. */
void names_add(struct str *list, struct span names);
/* Is who in one of the groups (none: in any)? only: a JSON list of the groups for which what
 * they say counts; anything else: all. */
bool policy_is_member(struct engine *engine, struct span groups, struct span who,
                      struct span only);
int policy_sign(struct engine *engine, const char *path); /* "gate.sign": enum sign */
bool policy_allows_self(struct engine *engine);
int64_t policy_number(struct engine *engine, const char *path, int64_t otherwise);

/* -- address.c -------------------------------------------------------------------------- */
/* Is entry an address or a prefix that has an address in common with one in the change? */
bool address_is_touched(const struct step *step, struct span entry);
/* Adds why a person must decide on the addresses that the change asks for: special ones, or
 * more of them than the guards prefix_v4 and prefix_v6 let through. Nothing when none must. */
void address_why(const struct step *step, const struct action *action, struct str *why);

/* -- people.c --------------------------------------------------------------------------- */
/* Does raw JSON, as it stands between the quotes, say this text? Names of directories may
 * hold a backslash, which JSON escapes. */
bool raw_says(struct span raw, struct span text);
/* One name for all accounts of a human; who itself when the policy says nothing of it. */
struct span policy_human(struct engine *engine, struct span who);
bool policy_is_service(struct engine *engine, struct span who);
/* A word for why this person's approval does not count here, whatever groups they are in,
 * and a sentence; NULL when nothing is in the way. */
const char *person_bar(const struct gate *gate, struct span who, struct str *why);

/* -- quorum.c --------------------------------------------------------------------------- */
bool quorum_asks(const struct gate *gate, struct span who, struct span only);
/* Of one demand of a gate: how many people it wants, and how many of those have said yes. */
int64_t quorum_need(struct span demand);
int64_t quorum_have(const struct gate *gate, struct span demand);
/* Is each demand met by people whose votes count now? lost (may be NULL) gets the names of
 * those whose approval no longer does. */
bool quorum_is_met(const struct gate *gate, struct str *lost);
bool quorum_is_denied(const struct gate *gate);

/* -- glass.c ---------------------------------------------------------------------------- */
void glass_on_known(struct engine *engine, const struct event *event);
void glass_put_entry(struct engine *engine, struct span body, int64_t seq);
void glasses_free(struct engine *engine);
/* Is there a break-glass that granted this gate, by one who may still do so, and which its
 * reviewers have not rejected? */
bool glass_stands(const struct gate *gate);
void glass_break(struct run *run, const struct event *event);
void glass_review(struct engine *engine, int64_t run, const struct event *event);

/* -- glass_sign.c ----------------------------------------------------------------------- */
/* Is it signed when the policy wants that, and rightly when it is signed? Else the ask has
 * been answered. gates: the list of the numbers of those that it opens. */
bool glass_is_signed(struct run *run, const struct event *event, struct span gates,
                     char *fingerprint);
/* The same of its row, when what it granted is about to be done. */
bool glass_is_proved(struct run *run, struct span body);

/* -- remind.c --------------------------------------------------------------------------- */
struct span gate_groups(struct engine *engine, struct span from);
/* Does the playbook say itself whom the gate of this step escalates to? */
bool gate_has_own_chain(const struct step *step);
/* Adds the keys escalate, remind and wider of a gate that opens, each in its place. */
void gate_put_escalate(struct json_out *out, const struct step *step, int64_t due_ms);
void gate_put_remind(struct json_out *out, struct engine *engine, int64_t due_ms);
/* Adds the groups of the gate's whole chain, to a list without brackets. */
void gate_add_chain(const struct step *step, struct str *names);
void gate_put_wider(struct json_out *out, const struct step *step);
const char *gate_on_timeout(const struct step *step);
int64_t gate_next_due(const struct gate *gate);
/* What is due before the deadline. */
void gate_remind(struct run *run, struct gate *gate);
void gate_apply_remind(struct run *run, const struct event_row *row);
void gate_apply_escalate(struct run *run, const struct event_row *row);

/* -- params.c --------------------------------------------------------------------------- */
/* A run's parameters from those that an alert gives (matched) and those of the ask: words are
 * texts of a command line, read as the playbook's schema wants them. In the turn's memory. */
int params_merge(struct engine *engine, struct span info, struct span matched,
                 struct span args, struct span *params, struct err *err);

/* -- need.c ----------------------------------------------------------------------------- */
/* As approvers see it, and what a guard would say to it. */
void need_put(struct json_out *out, const struct step *step, const struct need *need);
/* People who approved at this gate: do they stand for all that is needed now? */
bool need_is_covered(const struct gate *gate, const struct need *need);

/* -- match.c ---------------------------------------------------------------------------- */
/* Does a change fit what a rule or a guard names? In the order of certainty. */
enum fit { FIT_NO, FIT_OPEN, FIT_YES };

/* A word or a list of them against a text: patterns; "medium+" against a level. */
bool match_text(struct span wanted, const char *text);
bool match_level(struct span wanted, const char *text);
/* FIT_OPEN: it would, where the target lies in what the match names, and that is not known. */
enum fit match_fits(struct span match, const struct step *step,
                    const struct action *action);
/* ">= 5": is_so tells whether count is; false when the word is no such thing. */
bool match_count(struct span word, int64_t count, bool *is_so);
bool match_is_days(struct span word, int day); /* "sat", "mon-fri"; day -1: is it one */
int match_minute(struct span text);            /* "22:30" of the day; -1 when it is none */
/* The tags that were observed, {"name": "value"}; empty when none are known. */
struct span step_tags(const struct step *step);
bool tags_fit(const struct step *step, struct span wanted);
/* In small letters, each slash once, none at the end; free(). */
char *target_plain(const char *target);

/* -- place.c ---------------------------------------------------------------------------- */

/* Why it is not known where the target lies; empty: it is known. */
struct span place_unknown(const struct step *step);
/* The subscription of the target, "" when there is none or it is not known; free(). */
char *place_subscription(const struct step *step);
/* Says in text, after FIT_OPEN, that the place is not known, and why. */
void place_add_unknown(const struct step *step, enum fit fit, struct str *text);
/* Is it the target's id, or one of what contains it, that the glob matches? */
enum fit place_fits(const struct step *step, const char *glob);
/* The same, or does the target lie below it? */
enum fit place_is_below(const struct step *step, const char *glob);
/* Is its subscription one that the glob matches? */
enum fit place_is_in(const struct step *step, const char *glob);

/* -- freeze.c --------------------------------------------------------------------------- */
void freeze_need(const struct step *step, const struct action *action, struct need *need,
                 struct str *rules, struct str *groups);

/* -- guard.c ---------------------------------------------------------------------------- */
/* True when no guard stands against the change; else a sentence in why. */
bool guard_allows(const struct step *step, struct str *why);
/* Would the guard of shares need a number that the plugin could not tell? why says so. */
bool guard_cannot_count(const struct step *step, struct str *why);
void guard_put(struct json_out *out, const struct step *step); /* "guard": why not */
/* "guards": each that counts, what it comes to with this change, and where it ends. */
void guard_put_counts(struct json_out *out, const struct step *step);
bool halt_holds(const struct step *step);
/* How many different targets the run, with those that called it and that it called, has
 * touched and would have touched with this step. */
int64_t guard_targets(const struct step *step);

/* -- rate.c ----------------------------------------------------------------------------- */
void rate_add(struct engine *engine, int64_t at_ms, struct span playbook, struct span top,
              struct span intent);
int rate_changes(struct engine *engine);
int rate_of_playbook(struct engine *engine, const char *playbook);
/* How many different targets of the step's kind, this one included, whoever did it. */
int rate_targets(const struct step *step);
uint64_t mark_of(struct span text);
uint64_t target_mark(const char *target);
int marks_distinct(uint64_t *marks, int count); /* sorts them */

/* -- family.c --------------------------------------------------------------------------- */
struct family *family_of(const struct run *run);
void family_begin(struct run *run);
void family_join(struct run *run);
void family_take(const struct step *step);
void family_drop(struct run *run);
void family_put(const struct step *step);
void family_put_all(struct run *run, int state);
void family_on_entry(struct engine *engine, const struct event *event);
void families_free(struct engine *engine);
uint64_t change_mark(const struct step *step);

/* -- gate.c ----------------------------------------------------------------------------- */
void gate_end(struct run *run, struct gate *gate, int state, struct span value);
/* Granted by one person alone: glass is {"i", "who", "why"}. */
void gate_end_by_glass(struct run *run, struct gate *gate, struct span glass);
void gate_on_due(struct run *run, int number);
void gate_void_all(struct run *run);
void gate_put_entry(struct run *run, struct gate *gate);
void gate_answer(struct step *step, struct gate *gate);
void gate_apply(struct run *run, const struct event_row *row);
void gate_apply_vote(struct run *run, const struct event_row *row);
void gate_apply_end(struct run *run, const struct event_row *row);

/* -- opening.c -------------------------------------------------------------------------- */
/* gate_can.c: "unable", why nobody can grant a gate with these demands; or "unknown_group", the
 * group that is not there beside those who can. Nothing when all is right. */
void gate_put_unable(struct json_out *out, struct step *step, const struct run *shadow,
                     const struct list *demands);
/* Nobody is asked, or there is no time to answer: then the step has been answered. */
bool gate_is_in_vain(struct step *step);
void gate_begin(struct step *step);                         /* ctx.approve and ctx.ask */
void gate_for_step(struct step *step, struct span differs); /* policy */
void gate_open(struct run *run, struct step *step, struct run *shadow);
/* Opens it for what the preview found. A ctx.approve with nothing to show is answered as
 * granted; one whose changes are all known to be refused, with that refusal. */
void gate_offer(struct run *run, struct step *step, struct run *shadow);
/* A ctx.approve that was answered so, without a gate. */
bool gate_was_spared(const struct step *step);
void change_json(struct json_out *out, const struct step *step, const char *digest,
                 const struct need *need);

/* -- vote.c, answer.c --------------------------------------------------------------------- */
/* True when this person may speak at this gate now; else the ask has been answered. */
/* Of whoever may vote for some groups only: those, as a JSON list; else empty. */
struct span vote_groups(const struct event *event);
/* Answers whether the vote of who asks would count, and why not; nothing is journaled. */
void gate_on_may_vote(struct run *run, int number, const struct event *event);
bool vote_may_speak(struct run *run, struct gate *gate, const struct event *event,
                    bool is_denial);
void gate_on_vote(struct run *run, int number, const struct event *event, bool yes);
void gate_on_answer(struct run *run, int number, const struct event *event);

/* -- preview.c -------------------------------------------------------------------------- */
struct run *preview_start(struct run *run, struct step *at);
void preview_step(struct step *step);
void preview_on_prepared(struct step *step);
/* The step was answered: it could not be looked at, or the change would be refused. */
void preview_on_failed(struct step *step, bool is_refused);
/* Of a shadow: what a run did twice to one slice is not known before the second is undone,
 * and what other runs did is undone by rollbacks of their own. True when that is so. */
bool preview_skips(struct step *step);
/* Of a shadow: an undo was looked at, and would write, or wait for a person. */
void preview_undo(struct step *step, bool is_drift);
/* What a rollback of run with these limits would do, for whoever asked. */
void preview_rollback(struct run *run, const struct event *event, struct span limits);
/* The undos that a gate shows and that it is not about: what would be left alone, and why. */
/* What it assumes, a sentence each: changes that end as planned, approvals that are given. */
bool preview_assumes(const struct run *shadow);
void preview_put_assumes(const struct run *shadow, struct json_out *out);
void preview_put_rest(const struct run *shadow, struct json_out *out);
void preview_end(struct run *shadow, const char *stopped);
void preview_check_bounds(struct run *shadow);

/* -- undo.c ----------------------------------------------------------------------------- */
void undo_push(struct run *run);
/* What a rollback has undone and what not, for whoever asked for it. */
void undo_tell(struct run *run, struct json_out *out);
/* A run has ended: what it promised to undo by itself is undone. */
void undo_after_end(struct run *run);
/* A run's rows have come: rollbacks of it that waited for them go on. */
void undo_on_loaded(struct run *of);
/* This rollback goes on when the rows of run of, which were asked for, have come. */
void undo_wait_for(struct run *run, int64_t of);

/* -- back.c: what people ask for on the way back -------------------------------------------- */
void ask_rollback(struct run *run, const struct event *event);
void ask_release(struct run *run, const struct event *event);
void ask_retry(struct run *run, const struct event *event);
/* A rollback of this one step, which its asker follows. */
void ask_take_back(struct run *run, const struct step *step, const struct event *event);
/* The hold that is to be released; false when there is none, and the ask is answered. */
bool ask_find_hold(struct engine *engine, const struct event *event, int64_t *run, int *n);

/* -- slice.c ---------------------------------------------------------------------------- */
/* Does another intent for the same slice have no outcome yet? The step is then pushed when
 * it has. */
bool slice_is_busy(struct step *step);
void slice_take(struct step *step);
void slice_let_go(struct step *step);
/* Has an effect on the slice begun or ended since the step's last look began? */
bool slice_is_stale(const struct step *step);
void slice_forget(struct step *step); /* its run leaves the memory */

/* -- hold.c ----------------------------------------------------------------------------- */
void hold_put(struct step *step, int state);
/* Its step has done what it wanted, or found it so: it is known from now on. */
struct hold *hold_take(struct step *step);
bool step_holds(const struct step *step); /* done, and not undone by this run */
void holds_put_all(struct run *run);
void holds_known_until(struct run *run, int64_t seq);

/* -- hold_check.c ------------------------------------------------------------------------- */
/* Observes the targets of holds, and journals each verdict that is new. */
void ask_check_holds(struct engine *engine, const struct event *event);
void check_on_loaded(struct run *run);
void check_on_observed(struct step *step, const struct event *event);
void check_on_end(struct run *shadow);
void verdict_put_entry(struct engine *engine, struct span body, int64_t seq);
void checks_free(struct engine *engine);

/* -- expire.c --------------------------------------------------------------------------- */
void hold_on_due(struct run *run, int n);
/* A rollback began because a hold's time is over: from now on it is not due. */
void expire_begin(struct run *rollback);
/* Of such a rollback: may its undo begin? Otherwise people are asked, or the hold stays on. */
bool expire_go_on(struct run *rollback);
/* Its hold stays on, as the row says. */
void expire_keep(struct step *undo);

/* -- start.c, halt.c --------------------------------------------------------------------- */
void ask_start(struct engine *engine, const struct event *event, bool is_plan);
void ask_halt(struct engine *engine, const struct event *event, bool on);

/* -- key.c ------------------------------------------------------------------------------ */
bool ask_key(struct engine *engine,
             const struct event *event); /* is the verb one of ours? */
void key_on_known(struct engine *engine, const struct event *event);
void key_put_entry(struct engine *engine, struct span body, int64_t seq);
struct enrolled *key_find(struct engine *engine, struct span fingerprint);
/* Is it enrolled for who, and not revoked? */
bool key_speaks_for(struct engine *engine, const char *fingerprint, struct span who);
bool key_is_revoked(struct engine *engine, const char *fingerprint);
void keys_free(struct engine *engine);

/* -- access.c ---------------------------------------------------------------------------- */
bool ask_access(struct engine *engine, const struct event *event); /* one of its verbs? */
void access_on_known(struct engine *engine, const struct event *event, bool is_token);
void access_put_entry(struct engine *engine, int row_kind, struct span body, int64_t seq);
void access_free(struct engine *engine);
/* -- alert.c ----------------------------------------------------------------------------- */
struct playbook;

/* An alert as its entry has it. */
enum {
    ALERT_MADE_MAX = 8
};               /* routings of one alert that are remembered: the first, and these */
struct teller {  /* a feed that tells of an alert, by the names that it has for it */
    char *who;   /* JSON: {"confidence","feed","id","product","resources","severity",...} */
    bool is_due; /* routes and playbooks have not decided on it */
    bool is_asked; /* they are being asked */
};

struct alert_card {
    int64_t made[ALERT_MADE_MAX];
    int made_count;
    int64_t number, first_seq, last_seq, count, first_ms, last_ms, delivery;
    int64_t changes[ALERT_MADE_MAX]; /* rows that say what it gained, the newest ones */
    int change_count;
    int64_t
        grown; /* row of the alert as it was told last with something new; 0: its first */
    char *id, *source, *type, *title, *severity, *status;
    struct str runs;        /* JSON list of names, without brackets */
    struct str starts;      /* JSON list of hashes, the same: of what was started with */
    struct teller *tellers; /* none: just the feed that the alert came from */
    int teller_count;
    int64_t ended; /* how often */
    char *news;    /* JSON: what it has gained and was not routed; NULL: nothing */
    char *foreign; /* the same, of which another known alert tells too */
    bool is_routed, is_over, is_simulated;
};

struct intake {
    int64_t last_alert, next_match, next_plan;
    int plans;            /* in shadow mode, under way */
    struct list routings; /* alerts whose playbooks are being asked */
    struct list storms;
    int storm_count;
    char *routes;  /* JSON list */
    char *enabled; /* JSON list of hashes */
};

struct intake *intake_of(struct engine *engine);
void intake_free(struct engine *engine);
void alert_on_delivery(struct engine *engine, const struct event *event);
void alert_on_alert(struct engine *engine, const struct event *event);
void alert_on_read(struct engine *engine, const struct event *event);
void alert_on_open(struct engine *engine, const struct event *event);
void alert_put_entry(struct engine *engine, struct span body, int64_t seq);
void delivery_put_entry(struct engine *engine, const struct event_row *row);
/* Writes a ROW_ALERT_NOTE of this kind, more being members that stand behind "k", and the entry. */
void alert_note(struct engine *engine, struct alert_card *card, const char *kind,
                struct span more);
struct alert_card *alert_card_read(struct span body, int64_t number, int64_t first_seq);
void alert_card_free(struct alert_card *card);
struct span alert_name(struct engine *engine, int64_t number); /* "a-000001" */

/* -- grow.c ------------------------------------------------------------------------------ */
/* What both lists of news say, JSON on the heap; a may be NULL. */
char *news_join(const char *a, struct span b);
/* The first without the second, JSON on the heap; NULL: nothing is left. */
char *news_less(const char *a, struct span b);
/* What an alert has gained: lists by kind, or the empty span. */
struct gain {
    struct span news;
    struct span foreign; /* what another known alert names too */
};
/* The alert as routes and playbooks see it, on the heap, under the names that the teller has for
 * it (the empty span: as it is), the teller's resources in front. */
enum view_kind {
    VIEW_FULL,          /* all of it, as if it came in now */
    VIEW_TITLED,        /* the same, under the teller's title */
    VIEW_OWN,           /* without what is foreign */
    VIEW_NEW_RESOURCES, /* the same with {"new": news}; new resources in front of the others,
                         * or where none are new, new entities in the place of the others */
    VIEW_NEW_ENTITIES /* where both are new: new entities with the old resources; else NULL */
};
char *alert_view(struct span alert, struct span teller, const struct gain *gain,
                 enum view_kind kind);

/* -- teller.c ---------------------------------------------------------------------------- */
/* Has the alert not been told under these names, or with a lower severity? was are the names of
 * the alert as it was, which count while the card has no tellers. */
bool teller_is_news(const struct alert_card *card, struct span told, struct span was);
/* They are due to be asked about. */
void teller_take(struct alert_card *card, struct span told, struct span was);
bool tellers_are_due(const struct alert_card *card);
void tellers_settle(struct alert_card *card); /* those that were asked about are not due */
void tellers_read(struct alert_card *card, struct span list);
void tellers_put(struct json_out *out, const struct alert_card *card);
void tellers_free(struct alert_card *card);
/* Has the alert started the playbook with these parameters? Lists count without their order. */
bool start_is_known(const struct alert_card *card, const char *playbook,
                    struct span params);
/* The same with any, by that route (the empty span: by its on_alert). */
bool start_has_begun(const struct alert_card *card, const char *playbook,
                     struct span route);
void start_remember(struct alert_card *card, const char *playbook, struct span route,
                    struct span params);

/* -- route.c ----------------------------------------------------------------------------- */
/* Takes the card. Routes and playbooks are asked about the whole alert, under each name that it
 * was told under. */
void route_begin(struct engine *engine, struct alert_card *card, struct span alert);
/* The same about what the alert has gained, and under the names that are due. */
void route_begin_more(struct engine *engine, struct alert_card *card, struct span alert);
/* There is more of the alert that is being routed, whose card says it: it is routed when that has
 * ended; is_for_all: as a whole. */
void route_add_more(struct engine *engine, int64_t number, struct span alert,
                    bool is_for_all);
/* The card of an alert that is being routed, which is newer than its entry; NULL. */
struct alert_card *route_card(struct engine *engine, int64_t number);
bool route_on_matched(struct engine *engine, const struct event *event); /* one of ours? */
void route_on_catalogue(struct engine *engine, const struct event *event);
void storm_on_known(struct engine *engine, const struct event *event);
void storm_on_due(struct engine *engine, const struct event *event);
void storm_put_entry(struct engine *engine, struct span body);
void routings_free(struct intake *intake);

/* -- alert_plan.c ------------------------------------------------------------------------ */
/* Plans what that alert would start, for its explanation. False: too many are under way. */
bool alert_plan(struct engine *engine, int64_t number, struct playbook *playbook,
                struct span params, struct span alert, struct span who);
void alert_planned(struct run *shadow, struct span plan);
/* Of a ROW_ALERT_NOTE, when it is one of these. */
bool alert_plan_put_entry(struct engine *engine, struct span body, int64_t seq);

/* -- cursor.c ---------------------------------------------------------------------------- */
void cursor_on_moved(struct engine *engine, const struct event *event);
void cursor_put_entry(struct engine *engine, struct span body, int64_t seq);

/* -- once.c ------------------------------------------------------------------------------ */
/* True when the ask has been answered: it was here before, or cannot be promised. */
bool once_ask(struct engine *engine, const struct event *event);
/* An ask is answered: the answer is kept when it is one to keep. */
void once_on_reply(struct engine *engine, int64_t ask, int exit, struct span reply,
                   bool after_commit);
void once_on_known(struct engine *engine, const struct event *event);
void once_put_entry(struct engine *engine, struct span body, int64_t seq);
void onces_free(struct engine *engine);

/* -- explain.c -------------------------------------------------------------------------- */
void explain_reply(struct run *run, const struct event *event);

/* -- ask.c ------------------------------------------------------------------------------ */
void ask_handle(struct engine *engine, const struct event *event);
void ask_on_matched(struct engine *engine, const struct event *event);
/* The ask is journaled with this turn: its asker follows the run, or is told just that. */
void ask_accept(struct run *run, const struct event *event);
/* The ask started another run: its asker follows that. */
void ask_accept_child(struct engine *engine, const struct event *event, struct run *child);
bool ask_must_end_first(struct run *run, const struct event *event);
/* With the run in memory. */
void ask_on_run(struct run *run, const struct event *event);
/* A run for an alert: its parameters are checked first. NULL: err says what is wrong. */
/* Answers ask, once, with what it would do. */
struct run *start_plan(struct engine *engine, struct playbook *playbook, struct span params,
                       struct span alert, struct span who, int64_t ask);
struct run *start_for_alert(struct engine *engine, struct playbook *playbook,
                            struct span params, struct span alert, struct span who,
                            struct err *err);
void start_wish_child(struct step *step);
void start_on_found(struct engine *engine, const struct event *event);
struct playbook *playbook_of(struct engine *engine, const char *hash);

/* -- engine.c --------------------------------------------------------------------------- */
void wait_for_rows(struct run *run, const struct event *event);
struct call *call_find(struct engine *engine, int64_t id);

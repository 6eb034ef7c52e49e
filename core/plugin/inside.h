/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/inside.h - what the files of the host process know of each other.
 *
 *     host.c   frames in, the plugin's life
 *     work.c   one FRAME_HOST_CALL: which functions in which order, and its answer
 *     call.c   one plugin function under way, and what finish() makes of it
 *     api.c    struct cordon_host: what a plugin may ask for
 *     progress.c  what is to be journaled while a work goes on
 *
 * A work has at most one call; a call belongs to one work and dies before it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cordon/plugin.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "frame/frame.h"
#include "net/loop.h"
#include "plugin/exchange.h"
#include "plugin/load.h"
#include "plugin/redact.h"

struct http;
struct record;
struct stream;
struct work;

enum { WORK_LRO_MAX = 8 };

struct host {
    struct loop *loop;
    struct stream *stream;
    struct http *http;
    struct record *record; /* NULL: nothing is recorded */
    struct exchange_port port;
    struct load load;
    const struct cordon_plugin *plugin; /* NULL until it is checked */
    void *state;                        /* what open() stored */
    bool is_open;
    char **programs; /* NULL at the end */
    struct redact secrets;
    struct list works;
    int work_count;
    char *fail_text; /* what the plugin said in fail(NULL, ...) */
    int exit_status;
};

/* -- call.c ----------------------------------------------------------------------------- */

enum call_fn { CALL_READ, CALL_OBSERVE, CALL_APPLY, CALL_RESTORE, CALL_PURE };

struct cordon_call {
    struct list link; /* in the list of those that are gone */
    uint32_t mark;
    enum call_fn fn;
    struct work *work;
    struct host *host;
    struct arena arena;
    struct list pending; /* struct pending of api.c */
    struct later settle;
    bool is_answered;
    /* The answer; texts live in the work's arena. */
    enum cordon_status status;
    const char *code, *message, *json;
    bool has_observation;
    const char *target, *token, *state, *tags, *tenant;
    const char *notes, *cannot, *cannot_code;
    const char *within, *subscription, *unplaced, *partly, *uncounted;
    int64_t exists;
    bool is_gone;
    /* What fail() said. */
    const char *fail_code, *fail_message;
};

/* Calls the plugin's function; work_on_answer() follows, later. */
/* As the ABI names it: "observe()". */
const char *call_fn_name(enum call_fn fn);
void call_start(struct work *work, enum call_fn fn);
/* Calls plan() or undone(); true when it has planned, and out is filled. */
bool call_plan(struct work *work, cordon_plan_fn *fn, const struct cordon_input *in,
               struct cordon_plan *out);
/* The work does not want the answer any more. */
void call_drop(struct cordon_call *call);
/* Asserts for the plugin that the call is one: false, with a line in the log, when it is
 * gone; a pointer that never was a call ends the process. */
bool call_is_live(struct cordon_call *call, const char *what);
void call_answer(struct cordon_call *call, const struct cordon_result *result);
/* Around every call into the plugin: it may not block. */
void plugin_enter(void);
void plugin_leave(void);
void call_free_all(void); /* at the end of the process */

/* -- api.c ------------------------------------------------------------------------------- */

extern const struct cordon_host host_api;
void api_setup(struct host *host);
/* Ends what the call still waits for, without callbacks. */
void api_cancel(struct cordon_call *call);

/* -- work.c ------------------------------------------------------------------------------ */

struct work {
    struct list link;
    struct host *host;
    struct arena arena;
    int64_t id;
    enum host_op op;
    const struct cordon_action *action;
    struct cordon_input in; /* as the frame says; size and deadline_ms set per call */
    int64_t deadline_ms;    /* on the loop's clock */
    int64_t timeout_ms;     /* of the whole call */
    const char *trace;      /* traceparent of its requests, or NULL */
    struct timer deadline;
    struct timer pause;
    int64_t pause_ms;
    int64_t settle_end_ms; /* 0: not verifying */
    struct cordon_call *call;
    /* progress.c */
    struct list saves;
    const char *own_record;            /* the plugin's progress(), or NULL */
    const char *lro[WORK_LRO_MAX];     /* records of operations, oldest first */
    bool is_from_before[WORK_LRO_MAX]; /* made by an earlier process, not taken up yet */
    int lro_count;
    /* When the service wants to be asked again, by the last reply; 0: it does not say. */
    int64_t not_before_ms;
    bool has_written; /* a request that changes something has been answered with 2xx */
    /* What FRAME_HOST_DONE will say. */
    enum cordon_status status;
    const char *code, *message, *target, *token, *state, *after, *goal, *info, *result;
    bool is_verified;
    /* Of what was observed, for info. */
    const char *tags, *tenant;
    const char *notes, *cannot, *cannot_code;
    const char *within, *subscription, *unplaced, *partly, *uncounted;
    int64_t exists;
};

void work_start(struct host *host, struct span fields);
void work_cancel(struct host *host, int64_t id);
void work_on_answer(struct work *work, struct cordon_call *call);
struct work *work_find(struct host *host, int64_t id);
void work_free_all(struct host *host);
int64_t work_left_ms(const struct work *work);

/* -- progress.c --------------------------------------------------------------------------- */

struct save {
    struct list link;
    loop_fn *done; /* NULL: nobody waits any more */
    void *arg;
};

/* Reads what an earlier process saved. */
void progress_open(struct work *work, struct span resume);
/* The record of an operation that this request began in an earlier process; once. */
struct span progress_take(struct work *work, const struct cordon_http *request);
/* Asks the engine to journal; done when it has. The save is the work's. */
struct save *progress_own(struct work *work, const char *json, loop_fn *done, void *arg);
struct save *progress_lro(struct work *work, struct span record, loop_fn *done, void *arg);
void progress_saved(struct work *work);
void progress_close(struct work *work);

/* -- host.c --------------------------------------------------------------------------------- */

/* Adds text to the frame without secrets; json stays canonical JSON. */
void host_add_text(struct host *host, struct frame_writer *out, const char *text);
void host_add_json(struct host *host, struct frame_writer *out, const char *json);

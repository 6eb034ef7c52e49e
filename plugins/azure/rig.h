/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h - the azure plugin in the test's own process, with a host that answers its
 * requests from a script.
 *
 *     struct rig rig;
 *     rig_open(&rig);
 *     rig_add(&rig, "GET", "/sites/a?", 200, "", SITE);
 *     rig_call(&rig, "azure.appservice.stop", RIG_APPLY, "{\"id\":...}");
 *     CHECK_INT(rig.status, CORDON_DONE);
 *
 * A line of the script answers the next request that it fits, once; "*" in front of the
 * method answers each. A request that no line fits gets the token or a 404 with no body.
 */
#pragma once

#include <cordon/plugin.h>

enum { RIG_LINES_MAX = 64, RIG_LOG_MAX = 16384, RIG_EVENTS_MAX = 64 };

enum rig_fn { RIG_READ, RIG_OBSERVE, RIG_APPLY, RIG_RESTORE };
enum rig_plan_fn { RIG_PLAN, RIG_UNDONE };

struct rig_line {
    const char *method, *part; /* of the address */
    int status;
    const char *headers; /* "Name: value\n..." */
    const char *body;
    const char *operation; /* how a followed one ended; NULL */
    int is_used;
};

struct rig {
    struct rig_line lines[RIG_LINES_MAX];
    int line_count;
    char log[RIG_LOG_MAX]; /* "GET https://...\n..." */
    char sent[8192];       /* the last body that was sent to a service */
    char put[8192];        /* and that of the last PUT */
    int tokens;            /* that were given out */
    void *plugin;
    /* The call's slices; NULL: none. */
    const char *before, *after, *goal;
    /* How it ended. */
    int is_finished;
    enum cordon_status status;
    char code[256], message[2048], state[4096], json[8192];
    int is_gone;
    /* What approvers would be told. */
    char notes[8192], cannot[2048], cannot_code[256];
    char what[2048], undo[2048], after_planned[4096];
    char ask[2048]; /* why a person must approve it */
    /* Where the target lies. */
    char within[4096], subscription[256], unplaced[2048];
    char uncounted[1024]; /* why it is not known how many there are */
};

void rig_open(struct rig *rig);
void rig_open_as(struct rig *rig, const char *config);
/* The plugin does not start with that; why. */
const char *rig_refused(struct rig *rig, const char *config);
void rig_close(struct rig *rig);
struct rig_line *rig_add(struct rig *rig, const char *method, const char *part, int status,
                         const char *headers, const char *body);
void rig_call(struct rig *rig, const char *action, enum rig_fn fn, const char *args);
/* plan() or undone(); what it says is in after_planned, what and undo. */
void rig_plan(struct rig *rig, const char *action, enum rig_plan_fn fn, const char *args);
/* How many requests had that in method and address. */
int rig_count(const struct rig *rig, const char *part);

struct job;
/* A job whose memory lives to the end of the test's process. */
struct job *rig_job(void);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/live.h - a run's rows as lines, while they become durable.
 *
 * A change is two rows, an intent and an outcome. They become one line, when it is over;
 * on a terminal a passing line shows meanwhile what is under way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "cli/render.h"
#include "cli/waits.h"

struct live_intent;

struct live {
    struct look look;
    bool is_terminal; /* may a line be written over? */
    bool has_passing; /* a passing line stands there now */
    bool saw_stop;    /* a drift or a doubt was shown */
    int changes;      /* that took effect */
    int undone;       /* changes that were taken back */
    bool is_past;     /* what comes happened before: nothing is to be done about it */
    int64_t day;      /* of the row before; 0: none was */
    int64_t began_ms; /* of the run that is followed; 0 until its start is seen */
    struct span run;  /* the run that is followed; lines of others name theirs */
    char *playbook;   /* its name, heap; NULL: not seen */
    struct waits waits;
    struct live_intent *intents; /* without an outcome yet */
    int count, cap;
};

/* A zeroed struct live with its look set is ready. */
void live_fini(struct live *live);
/* Adds what a row ({"seq","run","at","kind","body"}) has to say, maybe nothing. */
void live_render(struct live *live, struct str *out, struct span row);
/* Takes the passing line away, so that something else can be printed. */
void live_clear(struct live *live, struct str *out);
/* Nothing comes because of a halt ({"scope","why","who"}). */
void live_render_held(struct live *live, struct str *out, struct span halt);
/* What was under way when the engine went, a line each. */
void live_render_open(struct live *live, struct str *out);

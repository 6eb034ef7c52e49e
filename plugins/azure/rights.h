/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.h - may cordon do what is planned? Known before anybody is asked, where Azure tells.
 *
 * Three lists of the resource manager say it: what the caller may do at a scope, and the deny
 * assignments and locks in force there. None is certain to be readable; what cannot be read
 * says nothing. A right that the change lacks refuses it in the plan, and so does a lock. One
 * that only its undo lacks is a note.
 */
#pragma once

#include <stdbool.h>

struct job;

struct rights {
    const char
        *change; /* the action that the change needs, "Microsoft.Web/sites/stop/action" */
    const char *undo; /* and its undo */
};

/* Looks, notes or refuses (job_cannot), and calls next. Only before a change. */
void rights_look(struct job *job, const char *scope, const struct rights *rights,
                 void (*next)(struct job *job, void *arg), void *arg);

/* Does pattern, in which a star stands for anything, cover the action? */
bool rights_cover(const char *pattern, const char *action);

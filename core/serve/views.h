/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/views.h - what the files that answer reading verbs share.
 *
 * Lists come in pages: "limit" of them, from behind the cursor ("before" where the newest come
 * first, "after" elsewhere) that the page before gave as "next". Things that appear meanwhile
 * move nothing: a cursor is the name of the last thing that was looked at. With filters a page
 * may be short, and still have a "next", since no ask looks at more than VIEW_SCAN_MAX entries.
 */
#pragma once

#include "serve/inside.h"

struct entry;

enum {
    VIEW_RUNS_MAX = 1000,  /* of one page */
    VIEW_SCAN_MAX = 20000, /* entries that one ask looks at */
    VIEW_CHILDREN_WITHIN = 10000
};

struct view {
    struct serve *serve;
    struct json_out out;
    int64_t run, left;
    int gate;
    struct span who, groups; /* of one gate: who looks at it, and for whom they speak */
};

typedef int view_fn(struct view *view, const struct asked *asked, struct err *err);

/* What "limit" says, or otherwise; VIEW_RUNS_MAX at most. */
int64_t view_limit(const struct asked *asked, int64_t otherwise);

/* -- view_runs.c */
view_fn view_runs, view_show;
/* -- view_gates.c */
view_fn view_gates, view_gate;
/* Each open gate that nobody can grant, and why (JSON text). */
typedef void view_unable_fn(void *arg, const char *gate, struct span why);
int view_each_unable(struct serve *serve, view_unable_fn *fn, void *arg, struct err *err);
/* -- view_origin.c: of one run */
/* first_seq: the row that starts it. Adds "alert" {"alert","title","severity","source"} when an
 * alert started the run, or the run that called it or that it undoes. */
void origin_put_alert(struct view *view, int64_t run, int64_t first_seq);
/* Adds "recover": does the version of its playbook have a recover function? */
void origin_put_recover(struct view *view, int64_t first_seq);
/* -- view_steps.c */
view_fn view_steps;
/* -- view_metrics.c */
view_fn view_metrics, view_ready;
/* -- view_playbooks.c */
view_fn view_playbooks, view_playbook;

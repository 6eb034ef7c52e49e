/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/adapters.h"

#include <stdlib.h>

#include "alert/alert.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "serve/inside.h"

struct job {
    struct list in_serve;
    struct later turn;
    struct str raw;
    adapters_done_fn *done;
    void *arg;
};

static void free_job(struct job *job)
{
    list_remove(&job->in_serve);
    later_stop(&job->turn);
    str_fini(&job->raw);
    free(job);
}

static void on_turn(void *arg)
{
    struct job *job = arg;
    struct str out = { 0 };
    struct err err;

    str_add_char(&out, '[');
    bool ok = alert_normalise(str_span(&job->raw), &out, &err) == 0;
    str_add_char(&out, ']');
    if (!ok) {
        struct json_out json = { .str = &out };

        str_reset(&out);
        json_open(&json, '{');
        json_put(&json, "message", err.text);
        json_close(&json);
    }
    job->done(job->arg, ok, str_span(&out));
    str_fini(&out);
    free_job(job);
}

void adapters_read(struct serve *serve, struct span kind, const char *path, struct span raw,
                   adapters_done_fn *done, void *arg)
{
    struct job *job = xcalloc(1, sizeof *job);

    (void)kind;
    (void)path;
    str_add_span(&job->raw, raw);
    job->done = done;
    job->arg = arg;
    list_add(&serve->adapting, &job->in_serve);
    loop_later(serve->loop, &job->turn, on_turn, job);
}

void adapters_close(struct serve *serve)
{
    while (!list_is_empty(&serve->adapting))
        free_job(list_item(list_take(&serve->adapting), struct job, in_serve));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/hook_trial.c - what a delivery would become and start, were it to come: read by its adapter, asked of each
 * playbook, decided by the routes; and nothing of it is written.
 */
#include "serve/alerts.h"

#include <stdlib.h>
#include <string.h>

#include "alert/alert_grow.h"
#include "base/clock.h"
#include "frame/frame.h"
#include "serve/adapters.h"
#include "serve/inside.h"
#include "serve/sources.h"

struct trial {
    struct serve *serve;
    int64_t ask;
    char *source;                       /* the name in cordon.lua; NULL: a kind was named */
    struct str alerts, unread, answers; /* lists */
    struct span alert;                  /* the one that is being asked about */
    size_t pos;
    struct str out;
    struct json_out json;
    int pending;
    bool is_first;
};

static void trial_next(struct trial *trial);

static void trial_free(struct trial *trial)
{
    str_fini(&trial->alerts);
    str_fini(&trial->unread);
    str_fini(&trial->answers);
    str_fini(&trial->out);
    free(trial->source);
    free(trial);
}

struct question {
    struct trial *trial;
    char hash[HASH_HEX_LEN + 1];
    struct machine *machine;
    struct str frame;
    struct later ending;
};

static void trial_answered(struct trial *trial)
{
    if (--trial->pending > 0)
        return;
    struct str made = { 0 };

    str_add_char(&trial->answers, ']');
    engine_route_plan(trial->serve->engine, trial->alert, str_span(&trial->answers), &made);
    json_open(&trial->json, '{');
    json_put_raw(&trial->json, "alert", trial->alert);
    json_put_raw(&trial->json, "decisions", str_span(&made));
    json_close(&trial->json);
    str_fini(&made);
    trial_next(trial);
}

static void end_question(void *arg)
{
    struct question *question = arg;
    struct trial *trial = question->trial;

    vms_own_close(question->machine);
    str_fini(&question->frame);
    free(question);
    trial_answered(trial);
}

static void answer_question(struct question *question, bool ok, bool matches,
                            struct span params, struct span why)
{
    struct trial *trial = question->trial;
    struct json_out out = { .str = &trial->answers };

    if (trial->answers.len > 1)
        str_add_char(&trial->answers, ',');
    json_open(&out, '{');
    json_put(&out, "hash", question->hash);
    json_put_bool(&out, "matches", matches);
    json_put_bool(&out, "ok", ok);
    if (ok && matches)
        json_put_raw(&out, "params", params);
    json_put_span(&out, "why", why);
    json_close(&out);
    loop_later(trial->serve->loop, &question->ending, end_question, question);
}

static void on_trial_matched(void *arg, const struct event *event)
{
    answer_question(arg, event->ok, event->number2 != 0, event->json, event->text);
}

static void on_trial_gone(void *arg, const char *why)
{
    struct question *question = arg;

    question->machine = NULL;
    answer_question(question, false, false, (struct span){ 0 }, span_of(why));
}

static void on_trial_loaded(void *arg, bool ok, struct span json)
{
    struct question *question = arg;

    (void)json;
    if (ok)
        vms_own_send(question->machine, str_span(&question->frame));
    else
        answer_question(question, false, false, (struct span){ 0 },
                        span_of("it cannot be loaded"));
}

static void ask_playbook(void *arg, struct span hash)
{
    static const struct vms_hooks hooks = { .loaded = on_trial_loaded,
                                            .matched = on_trial_matched,
                                            .gone = on_trial_gone };
    struct trial *trial = arg;
    struct known *known = serve_known(trial->serve, hash);
    struct question *question;
    struct frame_writer out;

    if (known == NULL)
        return;
    question = xcalloc(1, sizeof *question);
    question->trial = trial;
    memcpy(question->hash, known->hash, sizeof question->hash);
    frame_begin(&out, &question->frame, FRAME_VM_MATCH);
    frame_add_span(&out, trial->alert);
    frame_finish(&out);
    trial->pending++;
    question->machine = vms_own(trial->serve, span_of(known->name), span_of(known->source),
                                &hooks, question);
}

static void trial_next(struct trial *trial)
{
    if (!json_next(str_span(&trial->alerts), &trial->pos, NULL, &trial->alert)) {
        json_close(&trial->json);
        if (trial->unread.len > 2)
            json_put_raw(&trial->json, "unread", str_span(&trial->unread));
        json_close(&trial->json);
        clients_reply(trial->serve, trial->ask, 0, str_span(&trial->out));
        trial_free(trial);
        return;
    }
    str_reset(&trial->answers);
    str_add_char(&trial->answers, '[');
    trial->pending = 1;
    catalogue_each(trial->serve, ask_playbook, trial);
    trial_answered(trial);
}

/* As its source would deliver it. */
static void add_fed(struct trial *trial, struct span alert)
{
    struct err err;

    if (trial->alerts.len > 1)
        str_add_char(&trial->alerts, ',');
    if (trial->source == NULL ||
        alert_put_feed(alert, span_of(trial->source), &trial->alerts, &err) != 0)
        str_add_span(&trial->alerts, alert);
}

static void add_items(struct trial *trial, struct span items)
{
    struct span item;
    size_t pos = 0;

    str_add_char(&trial->alerts, '[');
    str_add_char(&trial->unread, '[');
    while (json_next(items, &pos, NULL, &item)) {
        struct span why = json_get(item, "unread");

        if (why.len == 0) {
            add_fed(trial, item);
            continue;
        }
        if (trial->unread.len > 1)
            str_add_char(&trial->unread, ',');
        str_add_span(&trial->unread, why);
    }
    str_add_char(&trial->alerts, ']');
    str_add_char(&trial->unread, ']');
}

static void on_trial_read(void *arg, bool ok, struct span json)
{
    struct trial *trial = arg;

    if (!ok) {
        char *why = json_get_text(json, "message");

        clients_error(trial->serve, trial->ask, 2, "alert", "%s", why != NULL ? why : "");
        free(why);
        trial_free(trial);
        return;
    }
    add_items(trial, json);
    trial->json.str = &trial->out;
    json_open(&trial->json, '{');
    json_key(&trial->json, "alerts");
    json_open(&trial->json, '[');
    trial_next(trial);
}

void hook_trial(struct serve *serve, const struct asked *asked, struct span raw)
{
    struct trial *trial = xcalloc(1, sizeof *trial);
    struct span source = json_get_raw(asked->args, "source");
    struct span config = sources_find(serve, source);
    char *path = config_resolve(serve, json_get(config, "adapter"));

    trial->serve = serve;
    trial->ask = asked->number;
    trial->source = config.len > 0 ? span_dup(source) : NULL;
    adapters_read(serve, config.len > 0 ? json_get_raw(config, "kind") : source, path, raw,
                  clock_unix_ms(), on_trial_read, trial);
    free(path);
}

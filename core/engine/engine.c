/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/engine.c - the door: events come in here, one at a time.
 */
#include "engine/holds.h"

#include <stdlib.h>
#include <string.h>

struct engine *engine_new(void)
{
    struct engine *engine = xcalloc(1, sizeof *engine);

    for (int i = 0; i < TABLE_SIZE; i++) {
        list_init(&engine->table[i]);
        list_init(&engine->calls[i]);
        list_init(&engine->holds_by_run[i]);
        list_init(&engine->holds_by_slice[i]);
    }
    list_init(&engine->playbooks);
    list_init(&engine->plugins);
    list_init(&engine->actions);
    list_init(&engine->halts);
    list_init(&engine->glasses);
    list_init(&engine->asks);
    list_init(&engine->families);
    list_init(&engine->keys);
    list_init(&engine->credentials);
    for (int i = 0; i < SLICE_PLACES; i++) {
        list_init(&engine->effects[i]);
        list_init(&engine->waiters[i]);
    }
    list_init(&engine->queue);
    engine->next_seq = engine->next_run = engine->next_call = 1;
    engine->policy_error =
        xstrdup("there is no policy: nothing that changes anything runs");
    return engine;
}

static void free_playbooks(struct engine *engine)
{
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        free(playbook->name);
        free(playbook->source);
        free(playbook->info);
        free(playbook->by);
        free(playbook);
    }
}

static void free_actions_of(struct engine *engine, const struct plugin *plugin)
{
    list_each (link, after, &engine->actions) {
        struct action *action = list_item(link, struct action, in_engine);

        if (plugin != NULL && action->plugin != plugin)
            continue;
        list_remove(&action->in_engine);
        free(action->name);
        free(action);
    }
}

static void free_plugins(struct engine *engine)
{
    free_actions_of(engine, NULL);
    list_each (link, after, &engine->plugins) {
        struct plugin *plugin = list_item(link, struct plugin, in_engine);

        free(plugin->name);
        free(plugin->declaration);
        free(plugin->by);
        free(plugin->why);
        free(plugin);
    }
}

void engine_free(struct engine *engine)
{
    struct turn *turn;

    if (engine == NULL)
        return;
    turn = turn_new();
    engine->turn = turn;
    for (int i = 0; i < TABLE_SIZE; i++)
        while (!list_is_empty(&engine->table[i])) {
            struct run *run = list_item(engine->table[i].next, struct run, in_table);
            run_free(run);
        }
    checks_free(engine);
    turn_free(turn);
    for (int i = 0; i < TABLE_SIZE; i++) {
        list_each (link, after, &engine->calls[i]) {
            free(list_item(link, struct call, in_table));
        }
    }
    list_each (link, after, &engine->asks) {
        struct ask *ask = list_item(link, struct ask, in_engine);

        free(ask->args);
        free(ask->who);
        free(ask);
    }
    list_each (link, after, &engine->halts) {
        struct halt *halt = list_item(link, struct halt, in_engine);

        free(halt->scope);
        free(halt);
    }
    keys_free(engine);
    access_free(engine);
    intake_free(engine);
    onces_free(engine);
    glasses_free(engine);
    free_playbooks(engine);
    free_plugins(engine);
    holds_free(engine);
    free(engine->install);
    free(engine->policy);
    free(engine->policy_error);
    free(engine->rate.seen);
    free(engine->rate.playbooks);
    families_free(engine);
    free(engine);
}

/* -- what is known from the start ---------------------------------------------------------- */

static void on_start(struct engine *engine, const struct event *event)
{
    engine->next_seq = event->last_seq + 1;
    engine->next_run = event->last_run + 1;
    engine->seed = hash_of(event->seed.ptr, event->seed.len);
    if (event->name.len > 0) {
        engine->install = span_dup(event->name);
        return;
    }
    char hex[HASH_HEX_LEN + 1];
    struct str body = { 0 };
    hash_hex(hash_of(event->seed.ptr, event->seed.len), hex);
    hex[32] = '\0';
    engine->install = xstrdup(hex);
    str_printf(&body, "{\"install\":\"%s\",\"v\":1}", hex);
    row_write_global(engine, ROW_BORN, str_span(&body));
    str_fini(&body);
}

static void on_playbook(struct engine *engine, const struct event *event)
{
    struct span name = json_get_raw(event->json, "name");

    if (event->json.len + event->text.len > ENGINE_ASK_MAX)
        return; /* nobody finds it, and is told so */
    struct playbook *playbook = xcalloc(1, sizeof *playbook);

    memcpy(playbook->hash, event->name.ptr, HASH_HEX_LEN);
    playbook->name = span_dup(name);
    playbook->source = span_dup(event->text);
    playbook->info = span_dup(event->json);
    playbook->by = span_dup(event->who);
    list_add(&engine->playbooks, &playbook->in_engine);
    if (event->number > 0) {
        playbook->seq = event->number; /* it is in the journal */
        return;
    }
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    json_open(&out, '{');
    if (event->who.len > 0)
        json_put_span(&out, "by", event->who);
    json_put(&out, "hash", playbook->hash);
    json_put_raw(&out, "info", event->json);
    json_put_span(&out, "name", name);
    if (event->path.len > 0)
        json_put_span(&out, "path", event->path);
    json_put_span(&out, "source", event->text);
    json_close(&out);
    playbook->seq = engine->next_seq;
    row_write_global(engine, ROW_PLAYBOOK, str_span(&body));
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_PLAYBOOK,
                                                 .run = playbook->seq,
                                                 .state = 1,
                                                 .body = str_span(&body) });
    str_fini(&body);
}

static void push_all(struct engine *engine)
{
    for (int i = 0; i < TABLE_SIZE; i++) {
        list_each (link, after, &engine->table[i]) {
            run_push(list_item(link, struct run, in_table));
        }
    }
}

/* While a new one is being read nothing changes anything, and nothing fails for that. */
static void on_policy(struct engine *engine, const struct event *event)
{
    free(engine->policy);
    engine->policy = NULL;
    engine->guards = (struct span){ 0 };
    engine->is_policy_coming = !event->ok && event->number == 1;
    memset(engine->policy_hash, 0, sizeof engine->policy_hash);
    if (event->ok) {
        engine->policy = span_dup(event->json);
        engine->guards = json_get(span_of(engine->policy), "guards");
        memcpy(engine->policy_hash, event->hash.ptr, HASH_HEX_LEN);
    } else {
        free(engine->policy_error);
        engine->policy_error = span_dup(event->text);
    }
    push_all(engine);
}

static int word_of(struct span word, const char *const *words)
{
    for (int i = 1; words[i - 1] != NULL; i++)
        if (span_is(word, words[i - 1]))
            return i;
    return 0;
}

static void add_action(struct engine *engine, struct plugin *plugin, struct span json)
{
    static const char *const effects[] = { "reads", "reverts", "permanent", NULL };
    static const char *const repeats[] = { "keyed", "conditional", "observable", "blind",
                                           NULL };
    static const char *const risks[] = { "low", "medium", "high", NULL };
    struct action *action = xcalloc(1, sizeof *action);

    action->plugin = plugin;
    action->name = span_dup(json_get_raw(json, "name"));
    action->json = json;
    action->effect = word_of(json_get_raw(json, "effect"), effects);
    action->repeat = word_of(json_get_raw(json, "repeat"), repeats);
    action->risk = word_of(json_get_raw(json, "risk"), risks);
    action->settle_ms = json_get_int(json, "settle_ms", 0);
    if (plugin->settle_max_ms > 0 && action->settle_ms > plugin->settle_max_ms)
        action->settle_ms = plugin->settle_max_ms;
    action->timeout_ms = json_get_int(json, "timeout_ms", 60000);
    action->asks_partly = span_is(json_get_raw(json, "partly"), "asks");
    action->can_undo = json_get_bool(json, "can_undo", false);
    list_add(&engine->actions, &action->in_engine);
}

static struct plugin *plugin_find(struct engine *engine, struct span name)
{
    list_each (link, after, &engine->plugins) {
        struct plugin *plugin = list_item(link, struct plugin, in_engine);

        if (span_is(name, plugin->name))
            return plugin;
    }
    return NULL;
}

static void on_plugin(struct engine *engine, const struct event *event)
{
    struct plugin *plugin = plugin_find(engine, event->name);
    struct span json;
    size_t pos = 0;

    if (plugin == NULL) {
        plugin = xcalloc(1, sizeof *plugin);
        plugin->name = span_dup(event->name);
        list_add(&engine->plugins, &plugin->in_engine);
    }
    free_actions_of(engine, plugin);
    free(plugin->declaration);
    free(plugin->by);
    free(plugin->why);
    plugin->by = span_dup(event->who);
    plugin->declaration = span_dup(event->json);
    plugin->is_refused = !event->ok;
    plugin->settle_max_ms = event->number;
    plugin->why = event->ok ? NULL : span_dup(event->text);
    memset(plugin->hash, 0, sizeof plugin->hash);
    if (event->hash.len > 0)
        memcpy(plugin->hash, event->hash.ptr,
               event->hash.len < HASH_HEX_LEN ? event->hash.len : HASH_HEX_LEN);
    while (json_next(json_get(span_of(plugin->declaration), "actions"), &pos, NULL, &json))
        add_action(engine, plugin, json);
}

static void on_halt(struct engine *engine, const struct event *event)
{
    struct halt *halt = xcalloc(1, sizeof *halt);

    halt->scope = span_dup(event->name);
    halt->n = (int)event->number;
    if (halt->n > engine->next_halt)
        engine->next_halt = halt->n;
    list_add(&engine->halts, &halt->in_engine);
}

/* -- runs come back -------------------------------------------------------------------------- */

/* An event that must wait until its run is in memory. Lives in the run's arena. */
struct waiting {
    struct list in_run;
    struct event event;
};

void wait_for_rows(struct run *run, const struct event *event)
{
    struct waiting *waiting = arena_alloc(&run->arena, sizeof *waiting);

    waiting->event = *event;
    waiting->event.name = run_keep(run, event->name);
    waiting->event.json = run_keep(run, event->json);
    waiting->event.who = run_keep(run, event->who);
    waiting->event.rows = NULL;
    waiting->event.wishes = NULL;
    list_add(&run->waiting, &waiting->in_run);
}

static void on_due(struct run *run, const struct event *event)
{
    if (event->number == ENTRY_GATE)
        gate_on_due(run, (int)event->number2);
    else if (event->number == ENTRY_HOLD)
        hold_on_due(run, (int)event->number2);
    run_push(run);
}

static void handle_waiting(struct run *run)
{
    while (!list_is_empty(&run->waiting)) {
        struct waiting *waiting = list_item(run->waiting.next, struct waiting, in_run);

        list_remove(&waiting->in_run);
        waiting->event.now_ms = run->engine->now_ms;
        if (waiting->event.kind == EV_DUE)
            on_due(run, &waiting->event);
        else
            ask_on_run(run, &waiting->event);
    }
}

/* The run whose wish this one answers may be waiting for its rows. */
static void tell_waiting_parent(struct run *run)
{
    struct run *parent = run->parent > 0 ? run_find(run->engine, run->parent) : NULL;

    if (parent != NULL)
        run_push(parent);
}

static void on_rows(struct engine *engine, const struct event *event)
{
    struct run *run = run_find(engine, event->run);

    if (run == NULL || run->is_loaded)
        return;
    for (int i = 0; i < event->count; i++)
        row_apply(run, &event->rows[i]);
    run->is_loading = false;
    run->is_loaded = true;
    run->playbook = playbook_of(engine, run->hash_hex);
    run->is_indexed_running = run->was_running;
    holds_known_until(run, run->was_running ? run->indexed_seq : run->last_seq);
    if (!run_is_over(run)) {
        run->wants_vm = run->kind != RUN_ROLLBACK && run->was_running;
        run->state = RUN_RUNNING;
    }
    family_join(run);
    holds_on_loaded(run);
    undo_on_loaded(run);
    check_on_loaded(run);
    tell_waiting_parent(run);
    handle_waiting(run);
    run_push(run);
}

/* -- calls ------------------------------------------------------------------------------------- */

struct call *call_find(struct engine *engine, int64_t id)
{
    list_each (link, after, &engine->calls[(uint64_t)id % TABLE_SIZE]) {
        struct call *call = list_item(link, struct call, in_table);

        if (call->id == id)
            return call;
    }
    return NULL;
}

bool engine_has_call(struct engine *engine, int64_t number)
{
    return call_find(engine, number) != NULL;
}

/* Takes the call off the list; what it was for, or NULL when its run is gone. */
static struct step *call_end(struct engine *engine, struct call *call, int *op)
{
    struct step *step = call->step;

    *op = call->op;
    list_remove(&call->in_table);
    engine->busy--;
    free(call);
    if (step != NULL) {
        step->run->calls--;
        step->call = 0;
    }
    return step;
}

static void on_host_done(struct engine *engine, const struct event *event)
{
    struct call *call = call_find(engine, event->number);
    struct step *step;
    int op;

    if (call == NULL)
        return;
    step = call_end(engine, call, &op);
    if (step != NULL)
        step_on_host(step, op, event);
}

static void lose_calls(struct engine *engine, const struct plugin *plugin,
                       struct list *head, int64_t until, struct span why)
{
    list_each (link, after, head) {
        struct call *call = list_item(link, struct call, in_table);
        struct step *step;
        int op;

        if (call->plugin != plugin || call->id >= until)
            continue;
        step = call_end(engine, call, &op);
        if (step != NULL)
            step_on_host_gone(step, op, why);
    }
}

/* ok: the host ended; not ok: it cannot be used at all, text says why. */
static void on_host_gone(struct engine *engine, const struct event *event)
{
    struct plugin *plugin = plugin_find(engine, event->name);

    if (plugin == NULL)
        return;
    if (!event->ok) {
        plugin->is_refused = true;
        free(plugin->why);
        plugin->why = span_dup(event->text);
    }
    /* What is begun from here on has a higher number, and goes to the next process. */
    int64_t until = engine->next_call;
    for (int i = 0; i < TABLE_SIZE; i++)
        lose_calls(engine, plugin, &engine->calls[i], until, event->text);
}

void engine_handle(struct engine *engine, const struct event *event, struct turn *turn)
{
    struct run *run;
    struct call *call;

    engine->turn = turn;
    if (event->now_ms > 0)
        engine->now_ms = event->now_ms;
    switch (event->kind) {
    case EV_START: on_start(engine, event); break;
    case EV_PLAYBOOK: on_playbook(engine, event); break;
    case EV_POLICY: on_policy(engine, event); break;
    case EV_PLUGIN: on_plugin(engine, event); break;
    case EV_HALT: on_halt(engine, event); break;
    case EV_GLASS: glass_on_known(engine, event); break;
    case EV_KEY: key_on_known(engine, event); break;
    case EV_ACCOUNT:
    case EV_TOKEN: access_on_known(engine, event, event->kind == EV_TOKEN); break;
    case EV_ONCE: once_on_known(engine, event); break;
    case EV_CURSOR: cursor_on_moved(engine, event); break;
    case EV_NOTICE: notice_on_event(engine, event); break;
    case EV_CHANGE_SEEN:
        rate_add(engine, event->number, event->name, event->text, event->json);
        break;
    case EV_FAMILY: family_on_entry(engine, event); break;
    case EV_HOLD: hold_on_seen(engine, event); break;
    case EV_OPEN_RUN:
        engine->is_ready = false; /* until all of them are here: they may know each other */
        run = run_wake(engine, event->run);
        if (run != NULL) {
            run->was_running = true;
            run->indexed_seq = event->number2;
        }
        break;
    case EV_READY: engine->is_ready = true; break;
    case EV_ROWS: on_rows(engine, event); break;
    case EV_FOUND: start_on_found(engine, event); break;
    case EV_VM_TURN:
        run = run_find(engine, event->run);
        if (run != NULL)
            vm_on_turn(run, event);
        break;
    case EV_VM_MATCHED:
        if (!route_on_matched(engine, event))
            ask_on_matched(engine, event);
        break;
    case EV_ALERTS: intake_of(engine)->last_alert = event->number; break;
    case EV_ALERT_OPEN: alert_on_open(engine, event); break;
    case EV_STORM: storm_on_known(engine, event); break;
    case EV_CATALOGUE: route_on_catalogue(engine, event); break;
    case EV_DELIVERY: alert_on_delivery(engine, event); break;
    case EV_ALERT: alert_on_alert(engine, event); break;
    case EV_DELIVERY_READ: alert_on_read(engine, event); break;
    case EV_VM_GONE: vm_on_gone(engine, event); break;
    case EV_HOST_DONE: on_host_done(engine, event); break;
    case EV_HOST_PROGRESS:
        call = call_find(engine, event->number);
        if (call != NULL && call->step != NULL && event->json.len <= ENGINE_RESULT_MAX)
            step_on_progress(call->step, call->id, event->json);
        break;
    case EV_HOST_GONE: on_host_gone(engine, event); break;
    case EV_CALL_SLOW: call_on_slow(call_find(engine, event->number), event); break;
    case EV_DUE:
        if (event->number == ENTRY_STORM) {
            storm_on_due(engine, event);
            break;
        }
        run = run_wake(engine, event->run);
        if (run != NULL && run->is_loaded)
            on_due(run, event);
        else if (run != NULL)
            wait_for_rows(run, event);
        break;
    case EV_TICK:
        engine->timer_ms = 0;
        push_all(engine);
        break;
    case EV_ASK: ask_handle(engine, event); break;
    }
    if (engine->is_ready)
        runs_drain(engine);
}

int engine_runs(const struct engine *engine)
{
    return engine->run_count;
}

bool engine_is_idle(const struct engine *engine)
{
    return engine->busy == 0 && engine->timer_ms == 0;
}

int engine_under_way(const struct engine *engine)
{
    return engine->busy;
}

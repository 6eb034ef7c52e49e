/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/world.h - one seeded fake world around the real engine.
 *
 * Store, VMs, hosts, people and time are all here, in one thread, and every choice comes
 * from one seed: which message is next, which call fails how, where the power goes. The
 * playbook is a table of groups of wishes; a group is wished for at once (parallel branches)
 * and the next one comes when all of it is answered.
 */
#pragma once

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "check.h"
#include "engine/engine.h"
#include "frame/frame.h"

enum {
    W_ROWS = 4000,
    W_ENTRIES = 600,
    W_MESSAGES = 400,
    W_TARGETS = 32,
    W_KEYS = 400,
    W_LOADS = 100, /* within one turn */
    W_RUNS = 128,
    W_WISHES = 104, /* of one turn */
    W_STEPS_MAX = 20000,
    W_DONE = 0,
    W_RETRY = 1,
    W_REFUSED = 2,
    W_UNKNOWN = 3
};

struct w_wish {
    int group;
    const char *branch;
    int n;
    const char *kind, *action, *args;
};

struct w_row {
    int64_t seq, run, prev, at_ms;
    int kind;
    char *body;
};

struct w_entry {
    int kind, n, state;
    int64_t run, due_ms, first_seq, last_seq;
    char *body;
    bool is_due_told;
};

struct w_message {
    enum command_kind kind;
    char *bytes;
    size_t len;
    int64_t run, number;
};

struct w_vm {
    int64_t run;
    const struct w_wish *script;
    int group, waiting;
    bool is_up;
    char *error; /* raised in a branch; the others run to their end before it goes on */
};

struct w_target {
    char name[64];
    char value[64];
    int effects; /* how often a change by us took place */
    int edits;
};

struct w_reply {
    int exit;
    char *json;
};

struct w_call {
    int64_t id, op;
    struct span action, run, args, before, token, after, goal, key, resume;
};

struct world {
    uint64_t rng;
    int64_t now_ms;
    struct engine *engine;
    struct turn *turn;
    struct w_row rows[W_ROWS];
    int row_count, durable_rows;
    /* Before what is new becomes durable: rows from durable_rows on, entries unlike durable. */
    void (*on_commit)(struct world *w, void *arg);
    void *on_commit_arg;
    struct w_entry entries[W_ENTRIES], durable[W_ENTRIES];
    int entry_count, durable_entries;
    struct w_message messages[W_MESSAGES];
    int message_count;
    struct w_vm vms[W_RUNS];
    struct w_target targets[W_TARGETS];
    int target_count;
    const struct w_wish *script; /* of every run without one of its own */
    const struct w_wish *scripts[W_RUNS];
    const char *info; /* what the playbook says of itself */
    const char *policy;
    const char *says; /* by the plugin: {"target": {"tags": ..., "exists": ...}}; NULL */
    const char *policy_hash, *plugin_hash;
    const char *author, *installer; /* of the playbook, of the plugin; NULL: not known */
    const char *plugin_name;
    const char *declaration; /* of the plugin */
    /* Serves a message to the host; NULL: the plugin of this file. False: the power went. */
    bool (*host)(struct world *w, const struct w_message *message);
    const char *target_id; /* what every target is called; NULL: as the arguments say */
    const char *planned;   /* what plan() says, whatever is asked; NULL: what is asked */
    /* Told of each change before it takes place. */
    void (*on_effect)(struct world *w, const struct w_call *call);
    void *watcher;
    int64_t timer_ms;
    int fault_percent; /* of host calls that go wrong */
    int crash_at;      /* the world step at which the power goes; 0 never */
    int falls;         /* how often it may go again soon after */
    int steps, crashes;
    int applies;       /* APPLY and RESTORE calls that were sent */
    bool is_undurable; /* an effect was seen whose intent was not durable */
    bool approves;     /* people approve what is open */
    bool is_twice;     /* a step's change took place again */
    char took[W_KEYS][STEP_KEY_LEN + 1]; /* keys of what took place */
    int took_count;
    bool has_settled;      /* somebody said what became of a doubt or a drift */
    bool may_edit;         /* somebody else changes targets too */
    char *hint;            /* what followers were told last that is no row; NULL */
    int settled;           /* how often followers were told how a run stands */
    const char *refused;   /* looks at this target are refused */
    const char *unseen;    /* a change of this target cannot even be planned */
    const char *found;     /* version that a call finds; NULL: none */
    const char *found_why; /* and why it cannot be used; NULL */
    const char *gone;      /* this target does not exist any more, for an undo */
    bool is_for_good;      /* undoing leaves what the change made */
    int64_t wait_ms;       /* for which a failing call asks to be left alone */
    int failures;          /* host calls that fail from here on, with fail_status */
    int fail_op, fail_status, failed_calls;
    char *stood; /* how a run stands, as followers were told last */
    struct w_reply replies[16];
    int64_t next_ask;
    struct arena arena; /* all that is kept until the end */
};

/* Wishes, as a script has them. */
#define SET(branch, n, group, target)                       \
    {                                                       \
        group, branch, n, "step", "noop.set",               \
            "{\"target\":\"" target "\",\"value\":\"new\"}" \
    }
#define GET(branch, n, group, target)                                       \
    {                                                                       \
        group, branch, n, "step", "noop.get", "{\"target\":\"" target "\"}" \
    }
#define APPROVE(n, group)                                                          \
    {                                                                              \
        group, "0", n, "approve", "",                                              \
            "{\"from\":\"soc\",\"need\":1,\"title\":\"go on\",\"within\":\"30m\"}" \
    }
#define END                          \
    {                                \
        0, NULL, 0, NULL, NULL, NULL \
    }

static const char w_hash[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char w_plugin_hash[] =
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
static const char w_policy_hash[] =
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
static const char w_other_hash[] =
    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
static const char w_info[] =
    "{\"name\":\"p\",\"params\":{\"type\":\"object\"},\"recover\":true}";
static const char w_policy[] = "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[]}";
static const char w_open_policy[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"name\":\"all\",\"need\":0}]}";
#define W_ACTION(name)                                                                  \
    "{\"because\":null,\"can_undo\":true,\"effect\":\"reverts\",\"name\":\"" name "\"," \
    "\"permissions\":[],\"repeat\":\"observable\",\"risk\":\"low\",\"settle_ms\":0,"    \
    "\"timeout_ms\":1000},"
static const char w_declaration[] =
    "{\"actions\":["
    "{\"because\":null,\"can_undo\":true,\"effect\":\"reverts\",\"name\":\"noop.set\","
    "\"permissions\":[],\"repeat\":\"observable\",\"risk\":\"low\",\"settle_ms\":0,"
    "\"timeout_ms\":1000},"
    "{\"because\":null,\"can_undo\":true,\"effect\":\"reverts\",\"name\":\"noop.blind\","
    "\"permissions\":[],\"repeat\":\"blind\",\"risk\":\"low\",\"settle_ms\":0,"
    "\"timeout_ms\":1000}," W_ACTION("noop.block") W_ACTION("noop.drop")
        W_ACTION("noop.rule") "{\"because\":null,\"can_undo\":false,\"effect\":\"reads\","
                              "\"name\":\"noop.get\","
                              "\"permissions\":[],\"repeat\":\"observable\",\"risk\":"
                              "\"low\",\"settle_ms\":0,"
                              "\"timeout_ms\":1000}],\"name\":\"noop\"}";

static uint32_t w_chance(struct world *w, uint32_t below)
{
    w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
    return below == 0 ? 0 : (uint32_t)(w->rng >> 33) % below;
}

static char *w_keep(struct world *w, struct span bytes)
{
    return arena_dup(&w->arena, bytes.len > 0 ? bytes.ptr : "", bytes.len);
}

static struct w_target *w_target(struct world *w, struct span name)
{
    for (int i = 0; i < w->target_count; i++)
        if (span_is(name, w->targets[i].name))
            return &w->targets[i];
    CHECK(w->target_count < W_TARGETS);
    struct w_target *target = &w->targets[w->target_count++];
    snprintf(target->name, sizeof target->name, "%.*s", (int)name.len, name.ptr);
    snprintf(target->value, sizeof target->value, "old");
    return target;
}

/* -- store ----------------------------------------------------------------------------- */

static void w_put(struct world *w, const struct turn_entry *from)
{
    int64_t newest = w->row_count > 0 ? w->rows[w->row_count - 1].seq : 0;
    struct w_entry *to = NULL;

    CHECK(from->first_seq <= newest); /* both are numbers of rows that are there: else */
    CHECK(from->last_seq <= newest);  /* doctor takes the journal for cut off */

    for (int i = 0; i < w->entry_count && to == NULL; i++)
        if (w->entries[i].kind == from->kind && w->entries[i].run == from->run &&
            w->entries[i].n == from->n)
            to = &w->entries[i];
    if (to == NULL) {
        CHECK(w->entry_count < W_ENTRIES);
        to = &w->entries[w->entry_count++];
    }
    *to = (struct w_entry){ .kind = from->kind,
                            .n = from->n,
                            .state = from->state,
                            .run = from->run,
                            .due_ms = from->due_ms,
                            .first_seq = from->first_seq,
                            .last_seq = from->last_seq,
                            .body = w_keep(w, from->body) };
}

static void w_commit(struct world *w)
{
    if (w->on_commit != NULL)
        w->on_commit(w, w->on_commit_arg);
    w->durable_rows = w->row_count;
    memcpy(w->durable, w->entries, (size_t)w->entry_count * sizeof *w->entries);
    w->durable_entries = w->entry_count;
}

static bool w_has_durable_intent(struct world *w, struct span key)
{
    for (int i = 0; i < w->durable_rows; i++) {
        struct span body = span_of(w->rows[i].body);
        struct step_name name = { w->rows[i].run, json_get_raw(body, "b"),
                                  json_get_int(body, "n", 0),
                                  span_is(json_get_raw(body, "op"), "restore") };
        char hex[STEP_KEY_LEN + 1];

        if (w->rows[i].kind != ROW_INTENT)
            continue;
        engine_step_key(w->engine, &name, hex);
        if (span_is(key, hex))
            return true;
    }
    return false;
}

/* -- driving ---------------------------------------------------------------------------- */

static void w_release(struct world *w, const struct command *command)
{
    struct w_message *message;

    switch (command->kind) {
    case CMD_VM:
    case CMD_FIND:
    case CMD_HOST:
        CHECK(w->message_count < W_MESSAGES);
        message = &w->messages[w->message_count++];
        *message = (struct w_message){ .kind = command->kind,
                                       .run = command->run,
                                       .number = command->number,
                                       .bytes = w_keep(w, command->bytes),
                                       .len = command->bytes.len };
        break;
    case CMD_TIMER: w->timer_ms = command->number; break;
    case CMD_REPLY:
        if (command->number < 16) {
            w->replies[command->number].exit = command->exit;
            w->replies[command->number].json = w_keep(w, command->bytes);
        }
        break;
    case CMD_TELL: w->hint = w_keep(w, command->bytes); break;
    case CMD_SETTLED:
        w->settled++;
        w->stood = w_keep(w, command->bytes);
        break;
    default: break;
    }
}

static void w_append(struct world *w, const struct turn_item *item)
{
    int64_t prev = 0;

    if (!item->is_row) {
        w_put(w, &item->entry);
        return;
    }
    for (int i = 0; i < w->row_count; i++) {
        CHECK(item->row.run == 0 || w->rows[i].run != item->row.run ||
              w->rows[i].kind != ROW_END); /* nothing comes after the end */
        if (w->rows[i].run == item->row.run)
            prev = w->rows[i].seq;
    }
    CHECK(w->row_count < W_ROWS);
    CHECK_INT(item->row.seq, w->row_count + 1);
    CHECK_INT(item->row.prev, item->row.run > 0 ? prev : 0);
    w->rows[w->row_count++] =
        (struct w_row){ item->row.seq,   item->row.run,  item->row.prev,
                        item->row.at_ms, item->row.kind, w_keep(w, item->row.body) };
}

static void w_load(struct world *w, int64_t run)
{
    static struct event_row rows[W_ROWS];
    struct event event = { .kind = EV_ROWS, .run = run, .rows = rows, .now_ms = w->now_ms };

    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run == run)
            rows[event.count++] =
                (struct event_row){ w->rows[i].seq, w->rows[i].prev, w->rows[i].kind,
                                    w->rows[i].at_ms, span_of(w->rows[i].body) };
    engine_handle(w->engine, &event, w->turn);
}

/* Everything that waits for no commit; true when something does. */
static bool w_drain(struct world *w)
{
    struct turn *turn = w->turn;
    bool wants_commit = false;
    int items = 0, commands = 0, loads = 0;

    for (;;) {
        for (; items < turn->item_count; items++)
            w_append(w, &turn->items[items]);
        if (commands == turn->command_count)
            return wants_commit;
        struct command command = turn->commands[commands++];
        wants_commit |= command.after_commit;
        if (command.kind == CMD_LOAD) {
            CHECK(++loads < W_LOADS); /* runs that load each other for ever */
            w_load(w, command.run);
        } else if (!command.after_commit)
            w_release(w, &command);
    }
}

/* One loop turn with one event; false when the power went. */
static bool w_handle(struct world *w, struct event *event)
{
    int crash = w->crash_at > 0 && w->steps == w->crash_at ? (int)w_chance(w, 3) : -1;

    w->steps++;
    event->now_ms = w->now_ms;
    turn_reset(w->turn);
    engine_handle(w->engine, event, w->turn);
    bool wants_commit = w_drain(w);
    if (crash == 0)
        return false; /* before the commit: the turn is lost */
    if (wants_commit || w_chance(w, 4) == 0)
        w_commit(w);
    if (crash == 1)
        return false; /* after the commit, before what waited for it */
    for (int i = 0; i < w->turn->command_count; i++)
        if (w->turn->commands[i].after_commit)
            w_release(w, &w->turn->commands[i]);
    return crash != 2;
}

static struct span w_read_text(struct frame_reader *in)
{
    return frame_get_span(in);
}

/* The body of a run's first row. */
static struct span w_start_of(struct world *w, int64_t run)
{
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run == run && w->rows[i].kind == ROW_START)
            return span_of(w->rows[i].body);
    return (struct span){ 0 };
}

/* False when the power went meanwhile. */
static bool w_start_engine(struct world *w)
{
    static const char seed[] = "0123456789abcdef0123456789abcdef";
    char *install = NULL;
    int64_t last_run = 0;

    w->engine = engine_new();
    w->turn = turn_new();
    if (w->row_count > 0)
        install = json_get_text(span_of(w->rows[0].body), "install");
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run > last_run)
            last_run = w->rows[i].run;
    struct event event = { .kind = EV_START,
                           .last_seq = w->row_count,
                           .last_run = last_run,
                           .seed = span_of(seed),
                           .name = span_of(install) };
    bool alive = w_handle(w, &event);
    free(install);
    if (!alive)
        return false;
    event = (struct event){ .kind = EV_PLAYBOOK,
                            .name = span_of(w_hash),
                            .number = 0,
                            .json = span_of(w->info),
                            .who = span_of(w->author),
                            .text = span_of("source") };
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_PLAYBOOK)
            event.number = w->entries[i].run;
    if (!w_handle(w, &event))
        return false;
    event = (struct event){ .kind = EV_PLUGIN,
                            .name = span_of(w->plugin_name),
                            .ok = true,
                            .who = span_of(w->installer),
                            .hash = span_of(w->plugin_hash),
                            .json = span_of(w->declaration) };
    if (!w_handle(w, &event))
        return false;
    event = (struct event){ .kind = EV_POLICY,
                            .ok = w->policy != NULL,
                            .json = span_of(w->policy),
                            .hash = span_of(w->policy_hash),
                            .text = span_of("no policy") };
    if (!w_handle(w, &event))
        return false;
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].kind == ROW_INTENT) {
            struct span start = w_start_of(w, w->rows[i].run);
            event = (struct event){ .kind = EV_CHANGE_SEEN,
                                    .number = w->rows[i].at_ms,
                                    .name = json_get_raw(start, "playbook"),
                                    .text = json_get_raw(start, "top"),
                                    .json = span_of(w->rows[i].body) };
            if (!w_handle(w, &event))
                return false;
        }
    int count = w->entry_count;
    for (int i = 0; i < count; i++) {
        if (w->entries[i].kind != ENTRY_HOLD || w->entries[i].state != HOLD_ON)
            continue;
        event =
            (struct event){ .kind = EV_HOLD,
                            .run = w->entries[i].run,
                            .number = w->entries[i].n,
                            .number2 = w->entries[i].due_ms,
                            .first_seq = w->entries[i].first_seq,
                            .last_seq = w->entries[i].last_seq,
                            .json = span_of(w->entries[i].body),
                            .text = span_of(w->rows[w->entries[i].first_seq - 1].body) };
        if (!w_handle(w, &event))
            return false;
    }
    for (int i = 0; i < count; i++) {
        if (w->entries[i].kind == ENTRY_GLASS) {
            event = (struct event){ .kind = EV_GLASS, .json = span_of(w->entries[i].body) };
            if (!w_handle(w, &event))
                return false;
        }
        if (w->entries[i].kind == ENTRY_KEY) {
            int64_t seq = w->entries[i].last_seq;

            CHECK_INT(w->rows[seq - 1].kind, ROW_KEY);
            event =
                (struct event){ .kind = EV_KEY, .json = span_of(w->rows[seq - 1].body) };
            if (!w_handle(w, &event))
                return false;
        }
        if (w->entries[i].kind == ENTRY_ACCOUNT || w->entries[i].kind == ENTRY_TOKEN) {
            bool is_token = w->entries[i].kind == ENTRY_TOKEN;
            int64_t seq = w->entries[i].last_seq;

            CHECK_INT(w->rows[seq - 1].kind, is_token ? ROW_TOKEN : ROW_ACCOUNT);
            event = (struct event){ .kind = is_token ? EV_TOKEN : EV_ACCOUNT,
                                    .json = span_of(w->rows[seq - 1].body) };
            if (!w_handle(w, &event))
                return false;
        }
        if (w->entries[i].kind == ENTRY_ONCE) {
            int64_t seq = w->entries[i].last_seq;

            CHECK_INT(w->rows[seq - 1].kind, ROW_ONCE);
            event =
                (struct event){ .kind = EV_ONCE, .json = span_of(w->rows[seq - 1].body) };
            if (!w_handle(w, &event))
                return false;
        }
        if (w->entries[i].kind == ENTRY_HALT && w->entries[i].state == 1) {
            event = (struct event){ .kind = EV_HALT,
                                    .number = w->entries[i].n,
                                    .name = json_get_raw(span_of(w->entries[i].body),
                                                         "scope") };
            if (!w_handle(w, &event))
                return false;
        }
        if (w->entries[i].kind == ENTRY_FAMILY && w->entries[i].state == 1) {
            event = (struct event){ .kind = EV_FAMILY,
                                    .run = w->entries[i].run,
                                    .json = span_of(w->entries[i].body) };
            if (!w_handle(w, &event))
                return false;
        }
    }
    for (int i = 0; i < count; i++) {
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].state == RUN_RUNNING) {
            event = (struct event){ .kind = EV_OPEN_RUN,
                                    .run = w->entries[i].run,
                                    .number2 = w->entries[i].last_seq };
            if (!w_handle(w, &event))
                return false;
        }
    }
    event = (struct event){ .kind = EV_READY };
    return w_handle(w, &event);
}

static struct world *w_new(uint64_t seed, const struct w_wish *script)
{
    struct world *w = xcalloc(1, sizeof *w);

    hash_setup();
    w->rng = seed * 2654435761u + 12345;
    w->now_ms = 1700000000000;
    w->script = script;
    w->info = w_info;
    w->policy = w_policy;
    w->policy_hash = w_policy_hash;
    w->plugin_hash = w_plugin_hash;
    w->plugin_name = "noop";
    w->declaration = w_declaration;
    w->approves = true;
    w->next_ask = 1;
    w_start_engine(w);
    return w;
}

static void w_free(struct world *w)
{
    engine_free(w->engine);
    turn_free(w->turn);
    arena_fini(&w->arena);
    free(w);
}

/* Host calls that were on their way either arrive before the end or never. */
static void w_run_host(struct world *w, const struct w_message *message, bool is_lost);

static void w_fall(struct world *w)
{
    w->crashes++;
    for (int i = 0; i < w->message_count; i++)
        if (w->messages[i].kind == CMD_HOST && w_chance(w, 2) == 0)
            w_run_host(w, &w->messages[i], true);
    w->message_count = 0;
    memset(w->vms, 0, sizeof w->vms);
    engine_free(w->engine);
    turn_free(w->turn);
    w->row_count = w->durable_rows;
    memcpy(w->entries, w->durable, (size_t)w->durable_entries * sizeof *w->durable);
    w->entry_count = w->durable_entries;
    for (int i = 0; i < w->entry_count; i++)
        w->entries[i].is_due_told = false;
    w->timer_ms = 0;
    w->now_ms += 1000;
}

/* The power goes, and comes again, and may go while the engine starts. */
static void w_crash(struct world *w)
{
    do {
        w_fall(w);
        bool again = w->falls > 0 && w_chance(w, 2) == 0;

        w->falls -= again;
        w->crash_at = again ? w->steps + (int)w_chance(w, 16) : 0;
    } while (!w_start_engine(w));
}

/* -- the VM ------------------------------------------------------------------------------- */

static struct w_vm *w_vm(struct world *w, int64_t run)
{
    for (int i = 0; i < W_RUNS; i++)
        if (w->vms[i].is_up && w->vms[i].run == run)
            return &w->vms[i];
    for (int i = 0; i < W_RUNS; i++)
        if (!w->vms[i].is_up) {
            w->vms[i] = (struct w_vm){ .run = run, .is_up = true };
            return &w->vms[i];
        }
    CHECK(false);
    return NULL;
}

static bool w_turn(struct world *w, struct w_vm *vm)
{
    struct event_wish wishes[W_WISHES];
    struct event event = {
        .kind = EV_VM_TURN, .run = vm->run, .wishes = wishes, .number = VM_TURN_WAITING
    };

    if (vm->waiting == 0 && vm->error != NULL) {
        event.number = VM_TURN_FAILED;
        event.json = span_of(vm->error);
    } else if (vm->waiting == 0) {
        vm->group++;
        for (const struct w_wish *wish = vm->script; wish->branch != NULL; wish++)
            if (wish->group == vm->group && event.count < W_WISHES)
                wishes[event.count++] =
                    (struct event_wish){ span_of(wish->branch), wish->n,
                                         span_of(wish->kind), span_of(wish->action),
                                         span_of(wish->args) };
        vm->waiting = event.count;
        if (event.count == 0)
            event.number = VM_TURN_DONE;
    }
    return w_handle(w, &event);
}

/* The playbook takes alerts of high severity. */
static bool w_match(struct world *w, const struct w_message *message, struct span alert)
{
    bool is_high = span_is(json_get_raw(alert, "severity"), "high");

    return w_handle(w, &(struct event){
                           .kind = EV_VM_MATCHED,
                           .ok = true,
                           .number = message->number,
                           .number2 = is_high,
                           .json = span_of(is_high ? "{}" : "null"),
                           .text = span_of(is_high ? "" : "severity low, want high") });
}

static bool w_run_vm(struct world *w, const struct w_message *message)
{
    enum frame_type type;
    struct span fields;
    size_t total;
    struct err err;
    struct frame_reader in;

    CHECK_INT(frame_find((struct span){ message->bytes, message->len }, &type, &fields,
                         &total, &err),
              1);
    frame_read(&in, fields);
    if (type == FRAME_VM_MATCH)
        return w_match(w, message, frame_get_span(&in));
    struct w_vm *vm = w_vm(w, frame_get_int(&in));
    if (type == FRAME_VM_DROP) {
        vm->is_up = false;
        return true;
    }
    if (type == FRAME_VM_START) {
        frame_get_span(&in); /* entry */
        frame_get_span(&in); /* params */
        int64_t run = 0;
        id_parse_run(json_get_raw(frame_get_span(&in), "id"), &run);
        bool is_own = run < W_RUNS && w->scripts[run] != NULL;
        vm->script = is_own ? w->scripts[run] : w->script;
        vm->group = vm->waiting = 0;
        vm->error = NULL;
        return w_turn(w, vm);
    }
    w_read_text(&in);
    frame_get_int(&in);
    bool ok = frame_get_int(&in) != 0;
    struct span value = frame_get_span(&in);
    vm->waiting--;
    if (!ok && vm->error == NULL)
        vm->error = w_keep(w, value);
    return w_turn(w, vm);
}

/* -- the host ------------------------------------------------------------------------------ */

static struct w_call w_read_call(const struct w_message *message)
{
    enum frame_type type;
    struct span fields;
    size_t total;
    struct err err;
    struct frame_reader in;
    struct w_call call = { 0 };

    CHECK_INT(frame_find((struct span){ message->bytes, message->len }, &type, &fields,
                         &total, &err),
              1);
    frame_read(&in, fields);
    if (type != FRAME_HOST_CALL)
        return call;
    call.id = frame_get_int(&in);
    call.op = frame_get_int(&in);
    call.action = frame_get_span(&in);
    call.run = frame_get_span(&in);
    call.args = frame_get_span(&in);
    call.before = frame_get_span(&in);
    call.token = frame_get_span(&in);
    call.after = frame_get_span(&in);
    call.goal = frame_get_span(&in);
    call.key = frame_get_span(&in);
    call.resume = frame_get_span(&in);
    return call;
}

/* A step's key is the same for all its attempts. */
static void w_take(struct world *w, struct span key)
{
    for (int i = 0; i < w->took_count; i++)
        w->is_twice = w->is_twice || span_is(key, w->took[i]);
    CHECK(w->took_count < W_KEYS);
    snprintf(w->took[w->took_count++], sizeof *w->took, "%.*s", (int)key.len, key.ptr);
}

/* -- what slices there are ----------------------------------------------------------------- */

/* noop.block: a set of letters, of which each call sees its own. noop.drop: a thing that is
 * there or not. noop.rule: letters in a rule of the step's own. Everything else: a value. */

static bool w_is(const struct w_call *call, const char *action)
{
    return span_is(call->action, action);
}

/* The step's own rule: as captured, or after its key. */
static char *w_rule(struct world *w, const struct w_call *call)
{
    struct span rule = json_get_raw(call->before, "rule");

    return w_keep(w, rule.len > 0 ? rule : (struct span){ call->key.ptr, 4 });
}

static void w_blocked(struct str *out, const struct w_call *call, const char *value)
{
    struct span items = json_get_raw(call->args, "items");

    str_add_text(out, "{\"blocked\":{");
    for (size_t i = 0; i < items.len; i++)
        str_printf(out, "%s\"%c\":%s", i > 0 ? "," : "", items.ptr[i],
                   value == NULL || strchr(value, items.ptr[i]) != NULL ? "true" : "false");
    str_add_text(out, "}}");
}

/* The slice as the call sees it. */
static char *w_found(struct world *w, struct w_target *target, const struct w_call *call)
{
    struct str out = { 0 };

    if (w_is(call, "noop.block")) {
        w_blocked(&out, call, target->value);
    } else if (w_is(call, "noop.drop")) {
        if (strcmp(target->value, "gone") == 0)
            str_add_text(&out, "{\"present\":false}");
        else
            str_printf(&out, "{\"id\":\"%s\",\"present\":true}", target->value);
    } else if (w_is(call, "noop.rule")) {
        char *rule = w_rule(w, call), *at = strstr(target->value, rule);
        int len = at != NULL ? (int)strcspn(at + 5, ";") : 0;

        if (at != NULL)
            str_printf(&out, "{\"items\":\"%.*s\",\"rule\":\"%s\"}", len, at + 5, rule);
        else
            str_printf(&out, "{\"items\":null,\"rule\":\"%s\"}", rule);
    } else {
        str_printf(&out, "{\"value\":\"%s\"}", target->value);
    }
    char *kept = w_keep(w, str_span(&out));
    str_fini(&out);
    return kept;
}

static char *w_planned(struct world *w, const struct w_call *call)
{
    struct str out = { 0 };
    struct span items = json_get_raw(call->args, "items");

    if (w_is(call, "noop.block"))
        w_blocked(&out, call, NULL);
    else if (w_is(call, "noop.drop"))
        str_add_text(&out, "{\"present\":false}");
    else if (w_is(call, "noop.rule"))
        str_printf(&out, "{\"items\":\"%.*s\",\"rule\":\"%s\"}", (int)items.len, items.ptr,
                   w_rule(w, call));
    else
        str_printf(&out, "{\"value\":\"%.*s\"}", (int)json_get_raw(call->args, "value").len,
                   json_get_raw(call->args, "value").ptr);
    char *kept = w_keep(w, str_span(&out));
    str_fini(&out);
    return kept;
}

static void w_write_set(char *value, size_t size, struct span blocked)
{
    struct span key, is_in;
    size_t pos = 0;

    while (json_next(blocked, &pos, &key, &is_in)) {
        char *at = strchr(value, key.ptr[0]);

        if (json_kind(is_in) == JSON_TRUE && at == NULL)
            snprintf(value + strlen(value), size - strlen(value), "%c", key.ptr[0]);
        else if (json_kind(is_in) == JSON_FALSE && at != NULL)
            memmove(at, at + 1, strlen(at));
    }
}

static void w_write_rule(char *value, size_t size, const char *rule, struct span items)
{
    char *at = strstr(value, rule);

    if (at != NULL)
        memmove(at, strchr(at, ';') + 1, strlen(strchr(at, ';') + 1) + 1);
    if (json_kind(items) == JSON_STRING)
        snprintf(value + strlen(value), size - strlen(value), "%s=%.*s;", rule,
                 (int)json_raw(items).len, json_raw(items).ptr);
}

static void w_write(struct world *w, struct w_target *target, const struct w_call *call,
                    struct span to)
{
    const char *key = w_is(call, "noop.drop") ? "id" : "value";
    struct span value = json_get_raw(to, key);

    if (w_is(call, "noop.block"))
        w_write_set(target->value, sizeof target->value, json_get(to, "blocked"));
    else if (w_is(call, "noop.rule"))
        w_write_rule(target->value, sizeof target->value, w_rule(w, call),
                     json_get(to, "items"));
    else if (w_is(call, "noop.drop") && !json_get_bool(to, "present", true))
        snprintf(target->value, sizeof target->value, "gone");
    else
        snprintf(target->value, sizeof target->value, "%.*s", (int)value.len, value.ptr);
}

static void w_effect(struct world *w, struct w_target *target, const struct w_call *call)
{
    char was[sizeof target->value];

    memcpy(was, target->value, sizeof was);
    w->applies++;
    if (!w_has_durable_intent(w, call->key))
        w->is_undurable = true;
    if (w->on_effect != NULL)
        w->on_effect(w, call);
    w_write(w, target, call, call->op == HOST_APPLY ? call->after : call->goal);
    if (strcmp(was, target->value) != 0) {
        target->effects++;
        w_take(w, call->key);
    }
}

/* What the plugin tells beside the state: w->says has more for the targets that it names. */
static const char *w_info_of(struct world *w, const struct w_target *target, char *info)
{
    struct span told = json_get(span_of(w->says), target->name), key, value;
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(told, &pos, &key, &value)) {
        json_key_span(&out, key);
        json_raw_value(&out, value);
    }
    json_put(&out, "undo", "put it back");
    json_put(&out, "what", "set it");
    json_close(&out);
    snprintf(info, 512, "%s", str_text(&text));
    CHECK(text.len < 512);
    str_fini(&text);
    return info;
}

static bool w_is_gone(const struct world *w, const struct w_call *call,
                      const struct w_target *target)
{
    return w->gone != NULL && strcmp(w->gone, target->name) == 0 &&
           (call->op == HOST_OBSERVE || call->op == HOST_RESTORE);
}

static bool w_done(struct world *w, const struct w_call *call, struct w_target *target,
                   int status)
{
    char info[512];
    struct span wanted = call->op == HOST_APPLY ? call->after : call->goal;
    struct event event = { .kind = EV_HOST_DONE, .number = call->id, .status = status };

    if (status == W_DONE) {
        event.target = span_of(w->target_id != NULL ? w->target_id : target->name);
        event.state = span_of(w_found(w, target, call));
        event.result = call->op == HOST_READ ? event.state : (struct span){ 0 };
        event.info = span_of(w_info_of(w, target, info));
        if (call->op == HOST_PREPARE) {
            event.after = span_of(w->planned != NULL ? w->planned : w_planned(w, call));
            event.goal = w->is_for_good ? event.after : event.state;
        }
        event.verified = json_same(event.state, wanted);
    } else {
        event.wait_ms = w->wait_ms;
        event.code = span_of("fault");
        event.message = span_of("the world is like that");
        if (status == W_REFUSED && w_is_gone(w, call, target))
            event.info = span_of("{\"gone\":true}");
    }
    return w_handle(w, &event);
}

static bool w_host_turn(struct world *w, const struct w_message *message)
{
    struct w_call call = w_read_call(message);
    bool is_effect = call.op == HOST_APPLY || call.op == HOST_RESTORE;

    if (call.id == 0)
        return true;
    struct w_target *target = w_target(w, json_get_raw(call.args, "target"));
    if (w->unseen != NULL && call.op == HOST_PREPARE &&
        strcmp(w->unseen, target->name) == 0)
        return w_done(w, &call, target, W_REFUSED);
    if (w_is_gone(w, &call, target))
        return w_done(w, &call, target, W_REFUSED);
    if (call.op == HOST_OBSERVE && w->refused != NULL &&
        strcmp(w->refused, target->name) == 0)
        return w_done(w, &call, target, W_REFUSED);
    if (w->failures > 0 && call.op == w->fail_op) {
        w->failures--;
        w->failed_calls++;
        return w_done(w, &call, target, w->fail_status);
    }
    bool is_fault = (int)w_chance(w, 100) < w->fault_percent;
    if (!is_effect)
        return w_done(w, &call, target, is_fault ? W_RETRY : W_DONE);
    if (is_fault && w_chance(w, 3) == 0)
        return w_done(w, &call, target, W_RETRY); /* nothing happened */
    bool is_lost = is_fault && w_chance(w, 2) == 0;
    if (!is_lost)
        w_effect(w, target, &call);
    return w_done(w, &call, target, is_fault ? W_UNKNOWN : W_DONE);
}

static void w_run_host(struct world *w, const struct w_message *message, bool is_lost)
{
    struct w_call call = w_read_call(message);

    (void)is_lost;
    if (w->host == NULL && call.id != 0 &&
        (call.op == HOST_APPLY || call.op == HOST_RESTORE))
        w_effect(w, w_target(w, json_get_raw(call.args, "target")), &call);
}

/* -- people and time ------------------------------------------------------------------------- */

static bool w_ask(struct world *w, const char *verb, const char *who, const char *json)
{
    struct event event = { .kind = EV_ASK,
                           .name = span_of(verb),
                           .who = span_of(who),
                           .json = span_of(json),
                           .number = w->next_ask++ };

    return w_handle(w, &event);
}

/* Another policy from now on. */
static inline void w_policy_is(struct world *w, const char *policy)
{
    char hex[HASH_HEX_LEN + 1];

    hash_hex(hash_of(policy, strlen(policy)), hex);
    w->policy = policy;
    w->policy_hash = w_keep(w, span_of(hex));
    w_handle(w, &(struct event){ .kind = EV_POLICY,
                                 .ok = true,
                                 .json = span_of(w->policy),
                                 .hash = span_of(w->policy_hash) });
}

static struct w_entry *w_entry(struct world *w, int kind, int state)
{
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == kind && (state < 0 || w->entries[i].state == state))
            return &w->entries[i];
    return NULL;
}

static bool w_vote(struct world *w, const char *verb, const char *who,
                   const struct w_entry *gate)
{
    char json[256];
    char *digest = json_get_text(span_of(gate->body), "digest");

    snprintf(json, sizeof json,
             "{\"digest\":\"%s\",\"gate\":\"g-%06" PRId64 "-%d\",\"reason\":\"seen\"}",
             digest, gate->run, gate->n);
    free(digest);
    return w_ask(w, verb, who, json);
}

/* Which playbook a call means. */
static bool w_find(struct world *w, const struct w_message *message)
{
    return w_handle(w, &(struct event){ .kind = EV_FOUND,
                                        .run = message->run,
                                        .json = { message->bytes, message->len },
                                        .name = span_of(w->found),
                                        .text = span_of(w->found_why) });
}

static bool w_message_turn(struct world *w)
{
    int pick = (int)w_chance(w, (uint32_t)w->message_count);

    /* A VM answers in the order asked. */
    if (w->messages[pick].kind == CMD_VM)
        for (int i = 0; i < pick; i++)
            if (w->messages[i].kind == CMD_VM) {
                pick = i;
                break;
            }
    struct w_message message = w->messages[pick];
    memmove(&w->messages[pick], &w->messages[pick + 1],
            (size_t)(w->message_count - pick - 1) * sizeof message);
    w->message_count--;
    if (message.kind == CMD_FIND)
        return w_find(w, &message);
    if (message.kind == CMD_VM)
        return w_run_vm(w, &message);
    return w->host != NULL ? w->host(w, &message) : w_host_turn(w, &message);
}

/* Something that happens by itself: a due time, a timer, an approval. 0 when nothing does,
 * -1 when the power went. */
static int w_by_itself(struct world *w)
{
    struct w_entry *gate = w->approves ? w_entry(w, ENTRY_GATE, GATE_OPEN) : NULL;
    struct w_entry *due = NULL;

    if (gate != NULL)
        return w_vote(w, "approve", w_chance(w, 2) ? "bob" : "carol", gate) ? 1 : -1;
    if (w->timer_ms > 0) {
        if (w->now_ms < w->timer_ms)
            w->now_ms = w->timer_ms;
        w->timer_ms = 0;
        return w_handle(w, &(struct event){ .kind = EV_TICK }) ? 1 : -1;
    }
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].due_ms > 0 && !w->entries[i].is_due_told &&
            (due == NULL || w->entries[i].due_ms < due->due_ms))
            due = &w->entries[i];
    if (due == NULL)
        return 0;
    due->is_due_told = true;
    if (w->now_ms < due->due_ms)
        w->now_ms = due->due_ms;
    struct event event = { .kind = EV_DUE,
                           .run = due->run,
                           .number = due->kind,
                           .number2 = due->n,
                           .json = span_of(due->body) };
    return w_handle(w, &event) ? 1 : -1;
}

/* Until nothing happens any more. */
static inline void w_settle(struct world *w)
{
    for (int i = 0; i < W_STEPS_MAX; i++) {
        bool alive = true;

        if (w->message_count > 0) {
            alive = w_message_turn(w);
        } else {
            int happened = w_by_itself(w);

            if (happened == 0) {
                w_commit(w);
                return;
            }
            alive = happened > 0;
        }
        if (!alive)
            w_crash(w);
    }
    CHECK(!"the world came to rest");
}

/* Until no message is under way; time stands still and nobody votes. */
static inline void w_pump(struct world *w)
{
    for (int i = 0; i < W_STEPS_MAX && w->message_count > 0; i++)
        CHECK(w_message_turn(w));
    w_commit(w);
}

static inline bool w_tick(struct world *w)
{
    w->now_ms += 1000;
    return w_handle(w, &(struct event){ .kind = EV_TICK });
}

/* Is an APPLY or a RESTORE on its way to a host? */
static inline bool w_is_applying(struct world *w)
{
    for (int i = 0; i < w->message_count; i++) {
        struct w_call call = { 0 };

        if (w->messages[i].kind == CMD_HOST)
            call = w_read_call(&w->messages[i]);
        if (call.op == HOST_APPLY || call.op == HOST_RESTORE)
            return true;
    }
    return false;
}

/* The effect that is on its way to a host never gets there. */
static inline struct w_call w_take_effect(struct world *w)
{
    for (int i = 0; i < w->message_count; i++) {
        struct w_call call = { 0 };

        if (w->messages[i].kind == CMD_HOST)
            call = w_read_call(&w->messages[i]);
        if (call.op != HOST_APPLY && call.op != HOST_RESTORE)
            continue;
        w->messages[i] = w->messages[--w->message_count];
        return call;
    }
    CHECK(!"an effect is on its way");
    return (struct w_call){ 0 };
}

/* And nobody knows. */
static inline void w_lose(struct world *w)
{
    struct w_call call = w_take_effect(w);

    w_done(w, &call, w_target(w, json_get_raw(call.args, "target")), W_UNKNOWN);
}

/* The VM's process ends, and what was on its way to it with it. */
static inline bool w_vm_gone(struct world *w)
{
    int kept = 0;

    for (int i = 0; i < w->message_count; i++)
        if (w->messages[i].kind != CMD_VM)
            w->messages[kept++] = w->messages[i];
    w->message_count = kept;
    memset(w->vms, 0, sizeof w->vms);
    struct event event = { .kind = EV_VM_GONE,
                           .name = span_of(w_hash),
                           .text = span_of("it ended") };
    return w_handle(w, &event);
}

/* The host's process ends; of what was with it some took place, and nobody hears of it. */
static inline bool w_host_gone(struct world *w)
{
    int kept = 0;

    for (int i = 0; i < w->message_count; i++)
        if (w->messages[i].kind != CMD_HOST)
            w->messages[kept++] = w->messages[i];
        else if (w_chance(w, 2) == 0)
            w_run_host(w, &w->messages[i], true);
    w->message_count = kept;
    struct event event = { .kind = EV_HOST_GONE,
                           .name = span_of(w->plugin_name),
                           .ok = true,
                           .text = span_of("it ended") };
    return w_handle(w, &event);
}

static struct w_entry *w_run(struct world *w, int64_t run)
{
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].run == run)
            return &w->entries[i];
    return NULL;
}

static inline const char *w_state(struct world *w, int64_t run)
{
    struct w_entry *entry = w_run(w, run);

    return entry == NULL ? "absent" : run_state_name(entry->state);
}

/* The index made again from rows says the same as the one that was written on the way. */
static inline void w_check_index(struct world *w)
{
    static struct event_row rows[W_ROWS];
    struct w_entry *was = xmalloc(sizeof w->entries);
    struct engine *engine = engine_new();
    int count = w->entry_count;
    int64_t last = 0;

    memcpy(was, w->entries, sizeof w->entries);
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run > last)
            last = w->rows[i].run;
    w->entry_count = 0;
    for (int64_t run = 0; run <= last; run++) {
        struct event event = { .run = run, .rows = rows };

        for (int i = 0; i < w->row_count; i++)
            if (w->rows[i].run == run)
                rows[event.count++] =
                    (struct event_row){ w->rows[i].seq, w->rows[i].prev, w->rows[i].kind,
                                        w->rows[i].at_ms, span_of(w->rows[i].body) };
        turn_reset(w->turn);
        if (event.count > 0)
            engine_reindex(engine, &event, w->turn);
        for (int i = 0; i < w->turn->item_count; i++)
            w_put(w, &w->turn->items[i].entry);
    }
    engine_free(engine);
    for (int i = 0; i < count; i++) {
        struct w_entry *now = NULL;

        if (was[i].kind == ENTRY_FAMILY)
            continue; /* one that is over may be there or not */
        for (int j = 0; j < w->entry_count; j++)
            if (w->entries[j].kind == was[i].kind && w->entries[j].run == was[i].run &&
                w->entries[j].n == was[i].n)
                now = &w->entries[j];
        CHECK(now != NULL);
        /* A run that is not over comes out as running, and is loaded and parked again. */
        CHECK(now->state == was[i].state ||
              (now->kind == ENTRY_RUN && now->state == RUN_RUNNING));
        CHECK_INT(now->last_seq, was[i].last_seq);
        if (now->kind == ENTRY_HOLD) {
            CHECK_INT(now->first_seq, was[i].first_seq);
            CHECK_INT(now->due_ms, was[i].due_ms);
            CHECK_STR(now->body, was[i].body);
        }
    }
    memcpy(w->entries, was, sizeof w->entries);
    w->entry_count = count;
    free(was);
}

static inline void w_start_run(struct world *w)
{
    if (!w_ask(w, "run", "alice", "{\"name\":\"p\",\"params\":{}}"))
        w_crash(w);
}

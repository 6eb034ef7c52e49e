/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/vms.c - a process per playbook version, and one per file of Lua-as-data.
 *
 * Frames are answered in the order in which they were sent, so what is owed is a queue. The
 * activation at its head has a budget of processor time; who exceeds it is killed. Whoever
 * does not answer and computes nothing either was held up: that is the machine's fault and
 * not the playbook's, so it is waited for longer, and then replayed. A process is gone when
 * it has ended and all that it wrote has been read: then the engine is told, and replays its
 * runs in the next one.
 */
#include "serve/inside.h"
#include "serve/notices.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/log.h"
#include "frame/frame.h"
#include "net/process.h"
#include "net/stream.h"
#include "serve/child.h"
#include "serve/sources.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWNESS 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWNESS 10
#endif
#endif
#ifndef SLOWNESS
#define SLOWNESS 1
#endif

enum {
    VMS_BUDGET_MS = 2000 * SLOWNESS, /* of one activation */
    VMS_LOAD_MS = 10000 * SLOWNESS,  /* start of the process and reading the source */
    VMS_RECHECK_MS = 50,             /* the least between two looks at what it has used */
    VMS_STUCK_TIMES = 10,            /* budgets on the clock for one of processor time */
    VMS_IDLE_MS = 30000,             /* without a run */
    VMS_IDLE_MAX = 16,               /* processes without a run */
    VMS_GONE_MS = 5000,              /* between the end of the stream and of the process */
    VMS_BLAMES_MAX = 3, /* processes that end while they answer one question of a match */
    VMS_ASKS_MAX = 10,  /* processes that end before they answer it, for whatever reason */
    VMS_ASK_AGAIN_MS = 50 /* after the first of them; twice as long after each other */
};

struct owed { /* an answer that the process owes */
    struct list in_machine;
    enum frame_type type;
    int64_t run; /* FRAME_VM_TURN */
    int64_t ask; /* FRAME_VM_MATCHED */
    vms_done_fn *done;
    void *arg;
    struct again *again; /* FRAME_VM_MATCHED of the engine; owned */
};

/* The question of a match. An alert has one on_alert of each playbook: who kills the process, or
 * another run that has it killed, must not decide that it starts nothing. */
struct again {
    struct list in_serve; /* while it waits to be asked again */
    struct serve *serve;
    struct timer timer;
    char hash[HASH_HEX_LEN + 1];
    struct str frame;
    int64_t ask;
    int asks, blames;
};

struct machine {
    struct list in_serve;
    struct serve *serve;
    char hash[HASH_HEX_LEN + 1];   /* "": runs are not sent here */
    char wanted[HASH_HEX_LEN + 1]; /* becomes its hash once it is known to load */
    struct process *process;
    struct stream *stream;
    struct list owed;
    const char *part; /* child_start() */
    char *name;
    struct str unsent;  /* frames that wait for the process */
    struct timer again; /* runs while the process is to be started once more */
    int lacks, blames;  /* it could not be started; it ended before it had answered */
    bool is_lacking;    /* to the end, so what was asked says nothing about what was read */
    bool has_one_question; /* unsent keeps it: another process can be asked */
    struct timer budget, idle;
    int64_t began_ms, began_cpu_ms; /* what is at the head: when, and what had been used */
    struct later failure;           /* it could not be started */
    int runs;
    bool is_over_budget, is_ending; /* ending: by its own will or by ours, nobody's fault */
    bool is_unloadable;
    char why[512];
    const struct vms_hooks *hooks; /* vms_own() */
    void *hooks_arg;
};

static void mind_head(struct machine *machine);
static void begin(void *arg);
static void ask_match(struct again *again);

/* -- a match that is asked again ------------------------------------------------------------ */

static void free_again(struct again *again)
{
    if (again == NULL)
        return;
    timer_stop(&again->timer);
    list_remove(&again->in_serve);
    str_fini(&again->frame);
    free(again);
}

static void free_owed(struct owed *owed)
{
    free_again(owed->again);
    free(owed);
}

static void on_ask_again(void *arg)
{
    struct again *again = arg;

    list_remove(&again->in_serve);
    ask_match(again);
}

/* May it be asked again, by another process? Takes it then. is_head: the process was at it. */
static bool put_off(struct machine *machine, struct owed *owed, bool is_head)
{
    struct again *again = owed->again;

    if (again == NULL || machine->is_unloadable || machine->serve->is_ending ||
        (is_head && machine->is_over_budget))
        return false;
    again->blames += is_head && !machine->is_ending;
    if (again->blames >= VMS_BLAMES_MAX || again->asks >= VMS_ASKS_MAX)
        return false;
    owed->again = NULL;
    list_add(&machine->serve->asked_again, &again->in_serve);
    timer_start(&again->timer, machine->serve->loop, VMS_ASK_AGAIN_MS << again->asks,
                on_ask_again, again);
    again->asks++;
    return true;
}

/* -- the end ------------------------------------------------------------------------------ */

static struct span sentence_of(const struct machine *machine)
{
    return span_of(machine->why);
}

/* What was asked beside runs is answered: that it will not be. */
static void fail_owed(struct machine *machine, struct list *all)
{
    struct str error = { 0 };
    struct json_out out = { .str = &error };
    bool is_head = true;

    json_open(&out, '{');
    json_put(&out, "message", machine->why);
    json_put_bool(&out, "lack", machine->is_lacking);
    json_close(&out);
    while (!list_is_empty(all)) {
        struct owed *owed = list_item(list_take(all), struct owed, in_machine);

        if (owed->done != NULL)
            owed->done(owed->arg, false, str_span(&error));
        else if (owed->type == FRAME_VM_MATCHED && !put_off(machine, owed, is_head))
            pump_event(machine->serve, &(struct event){ .kind = EV_VM_MATCHED,
                                                        .number = owed->ask,
                                                        .text = sentence_of(machine) });
        free_owed(owed);
        is_head = false;
    }
    str_fini(&error);
}

static void forget_owed(struct list *all)
{
    while (!list_is_empty(all))
        free_owed(list_item(list_take(all), struct owed, in_machine));
}

static void free_machine(struct machine *machine)
{
    forget_owed(&machine->owed);
    timer_stop(&machine->budget);
    timer_stop(&machine->idle);
    timer_stop(&machine->again);
    later_stop(&machine->failure);
    str_fini(&machine->unsent);
    free(machine->name);
    stream_close(machine->stream);
    process_close(machine->process);
    list_remove(&machine->in_serve);
    free(machine);
}

/* A reader, a check or a load whose process was killed says nothing about what was read. */
static bool may_begin_again(struct machine *machine)
{
    return machine->has_one_question && !list_is_empty(&machine->owed) &&
           !machine->is_over_budget && !machine->is_unloadable && !machine->is_ending &&
           !machine->serve->is_ending && machine->lacks < CHILD_TRIES_MAX &&
           ++machine->blames < VMS_BLAMES_MAX;
}

static void begin_later(struct machine *machine, int ms)
{
    timer_stop(&machine->budget);
    timer_start(&machine->again, machine->serve->loop, ms, begin, machine);
}

/* Both its process and its stream are gone. */
static void gone(struct machine *machine)
{
    struct serve *serve = machine->serve;
    struct list owed;
    int64_t run =
        0; /* the one that was being activated; -1: none yet, it died while loading */

    if (machine->process != NULL || machine->stream != NULL)
        return;
    if (may_begin_again(machine)) {
        machine->why[0] = '\0';
        begin_later(machine, VMS_ASK_AGAIN_MS);
        return;
    }
    list_init(&owed);
    if (!list_is_empty(&machine->owed)) {
        struct owed *head = list_item(machine->owed.next, struct owed, in_machine);

        run = head->type == FRAME_VM_LOADED ? -1 : head->run;
        owed = machine->owed;
        owed.next->prev = owed.prev->next = &owed;
        list_init(&machine->owed);
    }
    list_remove(&machine->in_serve); /* the next frame starts another */
    if (machine->hooks == NULL)
        fail_owed(machine, &owed);
    else
        forget_owed(&owed);
    if (machine->hooks != NULL)
        machine->hooks->gone(machine->hooks_arg, machine->why);
    if (machine->hash[0] != '\0')
        pump_event(serve, &(struct event){
                              .kind = EV_VM_GONE,
                              .name = span_of(machine->hash),
                              .number = machine->is_over_budget,
                              .number2 = machine->is_ending ? 0 : run,
                              .text = sentence_of(machine),
                          });
    free_machine(machine);
    serve_maybe_end(serve);
}

static void say_why(struct machine *machine, const char *why)
{
    if (machine->why[0] == '\0')
        snprintf(machine->why, sizeof machine->why, "%s", why);
}

static void on_exit_of(void *arg, int status)
{
    struct machine *machine = arg;
    char why[96];

    machine->process = NULL;
    if (status < 0)
        snprintf(why, sizeof why, "the playbook's process was ended by signal %d", -status);
    else
        snprintf(why, sizeof why, "the playbook's process ended with status %d", status);
    say_why(machine, why);
    gone(machine);
}

static void on_closed(void *arg, const char *why)
{
    struct machine *machine = arg;

    (void)why;
    machine->stream = NULL;
    if (machine->process != NULL)
        process_kill(machine->process, SIGKILL); /* without its socket it is of no use */
    gone(machine);
}

static void on_failure(void *arg)
{
    gone(arg);
}

static void end(struct machine *machine, const char *why)
{
    say_why(machine, why);
    if (machine->process != NULL)
        process_kill(machine->process, SIGKILL);
    if (!timer_is_running(&machine->again))
        return;
    timer_stop(&machine->again);
    machine->is_ending = true;
    loop_later(machine->serve->loop, &machine->failure, on_failure, machine);
}

/* -- budgets ------------------------------------------------------------------------------ */

static int64_t cpu_of(const struct machine *machine)
{
    return machine->process != NULL ? process_cpu_ms(machine->process) : 0;
}

static int budget_of(const struct owed *owed)
{
    bool is_activation = owed->type == FRAME_VM_TURN || owed->type == FRAME_VM_MATCHED ||
                         owed->type == FRAME_VM_ADAPTED;

    return is_activation ? VMS_BUDGET_MS : VMS_LOAD_MS;
}

static void on_budget(void *arg)
{
    struct machine *machine = arg;
    struct owed *head = list_item(machine->owed.next, struct owed, in_machine);
    const char *who = head->type == FRAME_VM_ADAPTED   ? "adapter"
                      : head->type == FRAME_VM_MATCHED ? "playbook's on_alert.params"
                                                       : "playbook";
    int budget = budget_of(head);
    int64_t used = cpu_of(machine) - machine->began_cpu_ms;
    char why[128];

    if (used >= budget) {
        machine->is_over_budget = true;
        snprintf(why, sizeof why,
                 "the %s computed for more than %d s without asking for anything", who,
                 budget / 1000);
        end(machine, why);
    } else if (clock_mono_us() / 1000 - machine->began_ms >=
               (int64_t)budget * VMS_STUCK_TIMES) {
        snprintf(why, sizeof why, "the %s's process was held up for more than %d s", who,
                 budget * VMS_STUCK_TIMES / 1000);
        end(machine, why);
    } else {
        int left = budget - (int)used;

        timer_start(&machine->budget, machine->serve->loop,
                    left > VMS_RECHECK_MS ? left : VMS_RECHECK_MS, on_budget, machine);
    }
}

static void on_idle(void *arg)
{
    struct machine *machine = arg;

    machine->is_ending = true;
    end(machine, "the playbook's process had nothing to do");
}

/* However many versions come, few wait for another run: the one that was first to come goes. */
static void bound_idle(struct serve *serve)
{
    struct machine *first = NULL;
    int count = 0;

    list_each (link, after, &serve->machines) {
        struct machine *machine = list_item(link, struct machine, in_serve);

        if (!timer_is_running(&machine->idle))
            continue;
        if (count++ == 0)
            first = machine;
    }
    if (count > VMS_IDLE_MAX) {
        timer_stop(&first->idle);
        on_idle(first);
    }
}

/* The head of the queue is what the process is at. */
static void mind_head(struct machine *machine)
{
    timer_stop(&machine->budget);
    timer_stop(&machine->idle);
    if (timer_is_running(&machine->again))
        return;
    if (!list_is_empty(&machine->owed)) {
        struct owed *head = list_item(machine->owed.next, struct owed, in_machine);

        machine->began_ms = clock_mono_us() / 1000;
        machine->began_cpu_ms = cpu_of(machine);
        timer_start(&machine->budget, machine->serve->loop, budget_of(head), on_budget,
                    machine);
    } else if (machine->runs <= 0) {
        timer_start(&machine->idle, machine->serve->loop, VMS_IDLE_MS, on_idle, machine);
        bound_idle(machine->serve);
    }
}

static struct machine *find(struct serve *serve, struct span hash)
{
    list_each (link, after, &serve->machines) {
        struct machine *machine = list_item(link, struct machine, in_serve);

        if (hash.len > 0 && span_is(hash, machine->hash))
            return machine;
    }
    return NULL;
}

static void on_gone_unheard(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static const struct vms_hooks no_hooks = { .gone = on_gone_unheard };

/* -- what comes --------------------------------------------------------------------------- */

static int give_turn(struct machine *machine, struct span fields, struct err *err)
{
    struct frame_reader in;
    struct event event = { .kind = EV_VM_TURN };

    frame_read(&in, fields);
    event.run = frame_get_int(&in);
    event.number = frame_get_int(&in);
    event.json = frame_get_span(&in);
    int64_t count = frame_get_int(&in);
    if (in.is_bad || count < 0 || (size_t)count > fields.len / 4)
        return err_set(err, ERR_INVALID, "a turn with %lld wishes", (long long)count);
    struct event_wish *wishes = xcalloc((size_t)count + 1, sizeof *wishes);
    for (int64_t i = 0; i < count; i++) {
        wishes[i].branch = frame_get_span(&in);
        wishes[i].n = frame_get_int(&in);
        wishes[i].kind = frame_get_span(&in);
        wishes[i].action = frame_get_span(&in);
        wishes[i].args = frame_get_span(&in);
        if (!in.is_bad &&
            json_check(wishes[i].args.ptr, wishes[i].args.len, FRAME_LEN_MAX, err) != 0)
            in.is_bad = true;
    }
    int rc = frame_end(&in, err);
    if (rc == 0 && event.json.len > 0)
        rc = json_check(event.json.ptr, event.json.len, FRAME_LEN_MAX, err);
    event.wishes = wishes;
    event.count = (int)count;
    if (event.number == VM_TURN_BUDGET)
        machine->is_ending =
            true; /* it ends after this frame, and no other run is at fault */
    if (rc == 0 && machine->hooks != NULL)
        machine->hooks->turn(machine->hooks_arg, &event);
    else if (rc == 0)
        pump_event(machine->serve, &event);
    free(wishes);
    return rc;
}

static int give_matched(struct machine *machine, const struct owed *owed,
                        struct span fields, struct err *err)
{
    struct frame_reader in;
    struct event event = { .kind = EV_VM_MATCHED, .number = owed->ask };

    frame_read(&in, fields);
    event.ok = frame_get_int(&in) != 0;
    event.number2 = frame_get_int(&in);
    event.json = frame_get_span(&in);
    event.text = frame_get_span(&in);
    if (frame_end(&in, err) != 0 ||
        json_check(event.json.ptr, event.json.len, FRAME_LEN_MAX, err) != 0)
        return err->code;
    char *message = event.ok ? NULL : json_get_text(event.json, "message");
    if (message != NULL)
        event.text = span_of(message);
    if (machine->hooks != NULL)
        machine->hooks->matched(machine->hooks_arg, &event);
    else
        pump_event(machine->serve, &event);
    free(message);
    return 0;
}

static int give_done(struct machine *machine, const struct owed *owed, struct span fields,
                     struct err *err)
{
    struct frame_reader in;

    frame_read(&in, fields);
    bool ok = frame_get_int(&in) != 0;
    struct span json = frame_get_span(&in);
    if (frame_end(&in, err) != 0 || json_check(json.ptr, json.len, FRAME_LEN_MAX, err) != 0)
        return err->code;
    if (!ok && owed->type == FRAME_VM_LOADED) {
        char *message = json_get_text(json, "message");
        snprintf(machine->why, sizeof machine->why, "the playbook cannot be used: %s",
                 message != NULL ? message : "it does not say why");
        free(message);
        machine->is_unloadable = true;
    }
    if (ok && machine->wanted[0] != '\0' &&
        find(machine->serve, span_of(machine->wanted)) == NULL)
        memcpy(machine->hash, machine->wanted, sizeof machine->hash);
    bool is_own = machine->hooks != NULL;
    if (owed->done != NULL)
        owed->done(owed->arg, ok, json);
    if (machine->is_unloadable || (machine->hash[0] == '\0' && !is_own)) {
        machine->is_ending = !machine->is_unloadable;
        end(machine, "the process has done what it was for");
    }
    return 0;
}

static int give_checked(struct machine *machine, const struct owed *owed,
                        struct span fields, struct err *err)
{
    struct frame_reader in;

    frame_read(&in, fields);
    struct span json = frame_get_span(&in);
    if (frame_end(&in, err) != 0 || json_check(json.ptr, json.len, FRAME_LEN_MAX, err) != 0)
        return err->code;
    owed->done(owed->arg, true, json);
    machine->is_ending = true;
    end(machine, "the process has done what it was for");
    return 0;
}

static int give_adapted(struct machine *machine, struct span fields, struct err *err)
{
    struct frame_reader in;

    frame_read(&in, fields);
    bool ok = frame_get_int(&in) != 0;
    struct span json = frame_get_span(&in);
    if (frame_end(&in, err) != 0 || json_check(json.ptr, json.len, FRAME_LEN_MAX, err) != 0)
        return err->code;
    if (ok && json_kind(json) != JSON_ARRAY)
        return err_set(err, ERR_INVALID, "want a list of alerts");
    machine->hooks->adapted(machine->hooks_arg, ok, json);
    return 0;
}

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct machine *machine = arg;
    struct err err = { 0 };
    int rc;

    if (machine->is_over_budget || machine->is_unloadable || machine->hooks == &no_hooks)
        return; /* too late */
    if (list_is_empty(&machine->owed) ||
        list_item(machine->owed.next, struct owed, in_machine)->type != type) {
        end(machine, "the playbook's process sent what it was not asked for");
        return;
    }
    struct owed *owed = list_item(machine->owed.next, struct owed, in_machine);
    list_remove(&owed->in_machine);
    machine->has_one_question = false;
    str_fini(&machine->unsent);
    mind_head(machine);
    if (type == FRAME_VM_CHECKED)
        rc = give_checked(machine, owed, fields, &err);
    else if (type == FRAME_VM_TURN)
        rc = give_turn(machine, fields, &err);
    else if (type == FRAME_VM_MATCHED)
        rc = give_matched(machine, owed, fields, &err);
    else if (type == FRAME_VM_ADAPTED)
        rc = give_adapted(machine, fields, &err);
    else
        rc = give_done(machine, owed, fields, &err);
    free_owed(owed);
    if (rc != 0) {
        log_warnx("from the playbook's process: %s", err.text);
        end(machine, "the playbook's process sent what makes no sense");
    }
}

/* -- the beginning ------------------------------------------------------------------------ */

static void owe(struct machine *machine, const struct owed *what)
{
    struct owed *owed = xcalloc(1, sizeof *owed);
    bool was_empty = list_is_empty(&machine->owed);

    *owed = *what;
    list_add(&machine->owed, &owed->in_machine);
    if (was_empty)
        mind_head(machine);
}

static void send_frame(struct machine *machine, struct span frame)
{
    if (machine->stream != NULL)
        stream_send(machine->stream, frame);
    if (timer_is_running(&machine->again) || machine->has_one_question)
        str_add_span(&machine->unsent, frame);
}

static void begin(void *arg)
{
    struct machine *machine = arg;
    struct err err;
    int rc = child_start(machine->serve->loop, "--internal-vm", machine->part,
                         span_of(machine->name), &machine->process, &machine->stream,
                         on_frame, on_closed, on_exit_of, machine, &err);

    if (rc == ERR_BUSY && machine->lacks < CHILD_TRIES_MAX) {
        child_say_lack("a playbook's process", &err);
        begin_later(machine, child_break_ms(machine->lacks++));
    } else if (rc != 0) {
        machine->is_lacking = rc == ERR_BUSY;
        machine->lacks = CHILD_TRIES_MAX;
        say_why(machine, err.text);
        loop_later(machine->serve->loop, &machine->failure, on_failure, machine);
    } else {
        if (machine->unsent.len > 0)
            stream_send(machine->stream, str_span(&machine->unsent));
        if (!machine->has_one_question)
            str_fini(&machine->unsent);
        if (!list_is_empty(&machine->owed))
            mind_head(machine);
    }
}

/* name: the playbook's, or the file's that it reads. */
static struct machine *start(struct serve *serve, const char *hash, const char *part,
                             struct span name)
{
    struct machine *machine = xcalloc(1, sizeof *machine);

    machine->serve = serve;
    machine->part = part;
    machine->name = span_dup(name);
    snprintf(machine->hash, sizeof machine->hash, "%s", hash);
    list_init(&machine->owed);
    list_add(&serve->machines, &machine->in_serve);
    begin(machine);
    return machine;
}

static void send_load(struct machine *machine, struct span name, struct span source,
                      vms_done_fn *done, void *arg)
{
    struct str frame = { 0 }, catalog = { 0 };
    struct frame_writer out;

    locks_catalog(machine->serve, &catalog);
    frame_begin(&out, &frame, FRAME_VM_LOAD);
    frame_add_span(&out, name);
    frame_add_span(&out, source);
    frame_add_span(&out, str_span(&catalog));
    frame_finish(&out);
    owe(machine, &(struct owed){ .type = FRAME_VM_LOADED, .done = done, .arg = arg });
    send_frame(machine, str_span(&frame));
    str_fini(&frame);
    str_fini(&catalog);
}

static enum frame_type type_of(struct span frame)
{
    struct span fields;
    enum frame_type type = 0;
    size_t total;
    struct err err;

    if (frame_find(frame, &type, &fields, &total, &err) != 1)
        fatalx("a frame for a playbook is none: %s", err.text);
    return type;
}

/* The one of that version, which is started when there is none. */
static struct machine *machine_for(struct serve *serve, struct span hash)
{
    struct machine *machine = find(serve, hash);

    if (machine == NULL) {
        struct known *known = serve_known(serve, hash);

        machine = start(serve, known->hash, "vm", span_of(known->name));
        send_load(machine, span_of(known->name), span_of(known->source), NULL, NULL);
    }
    return machine;
}

static void ask_match(struct again *again)
{
    struct machine *machine = machine_for(again->serve, span_of(again->hash));

    owe(machine,
        &(struct owed){ .type = FRAME_VM_MATCHED, .ask = again->ask, .again = again });
    send_frame(machine, str_span(&again->frame));
}

void vms_send(struct serve *serve, const struct command *command)
{
    enum frame_type type = type_of(command->bytes);
    struct machine *machine = find(serve, command->name);

    if (type == FRAME_VM_DROP) {
        if (machine != NULL) {
            machine->runs--;
            send_frame(machine, command->bytes);
            if (list_is_empty(&machine->owed))
                mind_head(machine);
        }
        return;
    }
    if (type == FRAME_VM_MATCH) {
        struct again *again = xcalloc(1, sizeof *again);

        list_init(&again->in_serve);
        again->serve = serve;
        again->ask = command->number;
        snprintf(again->hash, sizeof again->hash, "%.*s", (int)command->name.len,
                 command->name.ptr);
        str_add_span(&again->frame, command->bytes);
        ask_match(again);
        return;
    }
    machine = machine_for(serve, command->name);
    if (type == FRAME_VM_START)
        machine->runs++;
    owe(machine, &(struct owed){ .type = FRAME_VM_TURN, .run = command->run });
    send_frame(machine, command->bytes);
}

void vms_warm(struct serve *serve, struct span hash)
{
    struct known *known = serve_known(serve, hash);

    if (known == NULL || find(serve, hash) != NULL)
        return;
    send_load(start(serve, known->hash, "vm", span_of(known->name)), span_of(known->name),
              span_of(known->source), NULL, NULL);
}

void vms_kill(struct serve *serve, struct span hash)
{
    struct machine *machine = find(serve, hash);

    if (machine == NULL)
        return;
    machine->is_ending = true;
    end(machine, "the playbook's process was told to end");
}

void vms_load(struct serve *serve, struct span hash, struct span name, struct span source,
              vms_done_fn *done, void *arg)
{
    struct machine *machine = start(serve, "", "vm", name);

    machine->has_one_question = true;
    if (hash.len == HASH_HEX_LEN)
        memcpy(machine->wanted, hash.ptr, HASH_HEX_LEN);
    send_load(machine, name, source, done, arg);
}

/* What a check knows beside the actions' arguments: vm/check.h. */
static void put_known(struct serve *serve, const char *path, struct str *text)
{
    struct json_out out = { .str = text };
    struct str channels = { 0 }, sources = { 0 };

    notices_names(serve, &channels);
    json_open(&out, '{');
    json_key(&out, "alert");
    alert_put_schema(&out);
    json_put_raw(&out, "channels", str_span(&channels));
    if (serve->policy_ok) {
        rules_put_humans(str_span(&serve->policy_json), &out);
        json_put_raw(&out, "groups", json_get(str_span(&serve->policy_json), "groups"));
    }
    if (path != NULL)
        calls_put_known(serve, path, &out);
    json_key(&out, "results");
    locks_results(serve, &out);
    sources_put_known(serve, &sources);
    json_put_raw(&out, "sources", str_span(&sources));
    json_close(&out);
    str_fini(&channels);
    str_fini(&sources);
}

void vms_check(struct serve *serve, struct span name, const char *path, struct span source,
               vms_done_fn *done, void *arg)
{
    struct machine *machine = start(serve, "", "check", name);
    struct str frame = { 0 }, schemas = { 0 }, known = { 0 };
    struct frame_writer out;

    machine->has_one_question = true;
    locks_schemas(serve, &schemas);
    put_known(serve, path, &known);
    frame_begin(&out, &frame, FRAME_VM_CHECK);
    frame_add_span(&out, name);
    frame_add_span(&out, source);
    frame_add_span(&out, str_span(&schemas));
    frame_add_span(&out, str_span(&known));
    frame_finish(&out);
    owe(machine, &(struct owed){ .type = FRAME_VM_CHECKED, .done = done, .arg = arg });
    send_frame(machine, str_span(&frame));
    str_fini(&frame);
    str_fini(&schemas);
    str_fini(&known);
}

void vms_data(struct serve *serve, const char *name, struct span source, vms_done_fn *done,
              void *arg)
{
    struct machine *machine = start(serve, "", "reader", span_of(name));
    struct str frame = { 0 };
    struct frame_writer out;

    machine->has_one_question = true;
    frame_begin(&out, &frame, FRAME_VM_DATA);
    frame_add_text(&out, name);
    frame_add_span(&out, source);
    frame_finish(&out);
    owe(machine, &(struct owed){ .type = FRAME_VM_DATA_DONE, .done = done, .arg = arg });
    send_frame(machine, str_span(&frame));
    str_fini(&frame);
}

void vms_refresh(struct serve *serve)
{
    list_each (link, after, &serve->machines) {
        struct machine *machine = list_item(link, struct machine, in_serve);

        if (machine->runs <= 0 && list_is_empty(&machine->owed))
            on_idle(machine);
    }
}

struct machine *vms_own(struct serve *serve, struct span name, struct span source,
                        const struct vms_hooks *hooks, void *arg)
{
    struct machine *machine = start(serve, "", "vm", name);

    machine->hooks = hooks;
    machine->hooks_arg = arg;
    machine->runs = 1; /* it is ended by vms_own_close(), not for being idle */
    send_load(machine, name, source, hooks->loaded, arg);
    return machine;
}

struct machine *vms_own_adapter(struct serve *serve, struct span name, struct span source,
                                const struct vms_hooks *hooks, void *arg)
{
    struct machine *machine =
        start(serve, "", "adapter", source.len > 0 ? name : (struct span){ 0 });
    struct str frame = { 0 };
    struct frame_writer out;

    machine->hooks = hooks;
    machine->hooks_arg = arg;
    machine->runs = 1;
    frame_begin(&out, &frame, FRAME_VM_ADAPTER);
    frame_add_span(&out, name);
    frame_add_span(&out, source);
    frame_finish(&out);
    owe(machine,
        &(struct owed){ .type = FRAME_VM_LOADED, .done = hooks->loaded, .arg = arg });
    send_frame(machine, str_span(&frame));
    str_fini(&frame);
    return machine;
}

void vms_own_send(struct machine *machine, struct span frame)
{
    enum frame_type type = type_of(frame);

    if (type == FRAME_VM_MATCH)
        owe(machine, &(struct owed){ .type = FRAME_VM_MATCHED });
    else if (type == FRAME_VM_ADAPT)
        owe(machine, &(struct owed){ .type = FRAME_VM_ADAPTED });
    else if (type != FRAME_VM_DROP)
        owe(machine, &(struct owed){ .type = FRAME_VM_TURN });
    send_frame(machine, frame);
}

void vms_own_close(struct machine *machine)
{
    machine->hooks = &no_hooks;
    machine->is_ending = true;
    end(machine, "nobody needs it any more");
}

void vms_close(struct serve *serve)
{
    while (!list_is_empty(&serve->machines))
        free_machine(list_item(list_take(&serve->machines), struct machine, in_serve));
    while (!list_is_empty(&serve->asked_again))
        free_again(list_item(list_take(&serve->asked_again), struct again, in_serve));
}

struct span vms_error(struct arena *arena, struct span name, struct span json)
{
    char *message = json_get_text(json, "message");
    int64_t line = json_get_int(json, "line", 0), column = json_get_int(json, "column", 0);
    struct str text = { 0 };

    str_add_span(&text, name);
    if (line > 0)
        str_printf(&text, ":%lld", (long long)line);
    if (line > 0 && column > 0)
        str_printf(&text, ":%lld", (long long)column);
    str_printf(&text, ": %s", message != NULL ? message : "it cannot be read");
    char *kept = arena_dup(arena, text.ptr, text.len);
    struct span span = { kept, text.len };
    str_fini(&text);
    free(message);
    return span;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/inside.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "plugin/host.h"

/* A call that is gone stays recognisable for a while: its memory is used again only after
 * so many others, so that a late finish() is noticed and does not answer a stranger. */
enum { CALL_GONE_MAX = 1024 };

enum { MARK_LIVE = 0x11fe11fe, MARK_GONE = 0x90e990e9 };

static struct list gone;
static int gone_count;

/* -- The plugin may not block ---------------------------------------------------------------- */

/* One alarm serves for many calls: it stays set when a function returns, and who is inside
 * when it rings is looked at. So a call that is short costs no system call. */
static volatile sig_atomic_t is_inside, is_alarm_set;
static volatile int64_t entered_ms;

static int64_t coarse_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void on_alarm(int signum)
{
    static const char text[] = "plugin host: a plugin function has not returned in time\n";
    int64_t left_ms = entered_ms + HOST_BLOCKED_MAX_S * INT64_C(1000) - coarse_ms();

    (void)signum;
    if (!is_inside) {
        is_alarm_set = 0;
        return;
    }
    if (left_ms > 0) {
        alarm((unsigned)(left_ms / 1000) + 1);
        return;
    }
    if (write(2, text, sizeof text - 1) < 0)
        _exit(HOST_EXIT_BLOCKED);
    _exit(HOST_EXIT_BLOCKED);
}

void plugin_enter(void)
{
    static bool is_caught;

    if (!is_caught)
        signal(SIGALRM, on_alarm);
    is_caught = true;
    entered_ms = coarse_ms();
    is_inside = 1;
    if (!is_alarm_set) {
        is_alarm_set = 1;
        alarm(HOST_BLOCKED_MAX_S);
    }
}

void plugin_leave(void)
{
    is_inside = 0;
}

/* -- A call's life ----------------------------------------------------------------------------- */

static void free_oldest(void)
{
    gone_count--;
    free(list_item(list_take(&gone), struct cordon_call, link));
}

static struct cordon_call *call_new(struct work *work, enum call_fn fn)
{
    struct cordon_call *call = xcalloc(1, sizeof *call);

    if (!gone.next)
        list_init(&gone);
    list_init(&call->link);
    list_init(&call->pending);
    call->mark = MARK_LIVE;
    call->fn = fn;
    call->work = work;
    call->host = work->host;
    return call;
}

static void call_end(struct cordon_call *call)
{
    api_cancel(call);
    later_stop(&call->settle);
    arena_fini(&call->arena);
    call->mark = MARK_GONE;
    call->work = NULL;
    list_add(&gone, &call->link);
    if (++gone_count > CALL_GONE_MAX)
        free_oldest();
}

void call_free_all(void)
{
    while (gone_count > 0)
        free_oldest();
}

bool call_is_live(struct cordon_call *call, const char *what)
{
    if (call && call->mark == MARK_LIVE)
        return true;
    if (call && call->mark == MARK_GONE) {
        log_warnx("the plugin calls %s for a call that has been answered; ignored", what);
        return false;
    }
    log_warnx("the plugin calls %s for a call that there never was; the process ends",
              what);
    _exit(HOST_EXIT_MISUSE);
}

void call_drop(struct cordon_call *call)
{
    call_end(call);
}

/* -- Answers ------------------------------------------------------------------------------------ */

/* The plugin may still stand in a function or callback of this call, on memory of it. */
static void on_settle(void *arg)
{
    struct cordon_call *call = arg;
    struct work *work = call->work;

    work->call = NULL;
    call_end(
        call); /* its answer stays readable: the texts are the work's, the struct is kept */
    work_on_answer(work, call);
}

static void settle(struct cordon_call *call)
{
    call->is_answered = true;
    loop_later(call->host->loop, &call->settle, on_settle, call);
}

static const char *keep(struct cordon_call *call, const char *text)
{
    return text ? arena_strdup(&call->work->arena, text) : NULL;
}

/* A plugin that was built earlier has a shorter one. */
#define IS_THERE(seen, field) \
    ((seen)->size >= offsetof(__typeof__(*(seen)), field) + sizeof(seen)->field)

static void take_observation(struct cordon_call *call,
                             const struct cordon_observation *seen)
{
    call->has_observation = true;
    call->target = keep(call, seen->target);
    call->token = keep(call, seen->token);
    call->state = keep(call, seen->state);
    if (IS_THERE(seen, tags))
        call->tags = keep(call, seen->tags);
    if (IS_THERE(seen, exists))
        call->exists = seen->exists;
    if (IS_THERE(seen, tenant))
        call->tenant = keep(call, seen->tenant);
    if (IS_THERE(seen, notes))
        call->notes = keep(call, seen->notes);
    if (IS_THERE(seen, cannot))
        call->cannot = keep(call, seen->cannot);
    if (IS_THERE(seen, cannot_code))
        call->cannot_code = keep(call, seen->cannot_code);
    if (IS_THERE(seen, within))
        call->within = keep(call, seen->within);
    if (IS_THERE(seen, subscription))
        call->subscription = keep(call, seen->subscription);
    if (IS_THERE(seen, unplaced))
        call->unplaced = keep(call, seen->unplaced);
    if (IS_THERE(seen, partly))
        call->partly = keep(call, seen->partly);
    if (IS_THERE(seen, uncounted))
        call->uncounted = keep(call, seen->uncounted);
}

void call_answer(struct cordon_call *call, const struct cordon_result *result)
{
    if (call->is_answered || call->fn == CALL_PURE) {
        log_warnx("the plugin finishes a call of %s twice; the first answer counts",
                  call->work->action->name);
        return;
    }
    call->status = result->status;
    call->code = keep(call, result->code);
    call->message = keep(call, result->message);
    call->json = keep(call, result->json);
    if (result->observation)
        take_observation(call, result->observation);
    call->is_gone = IS_THERE(result, gone) && result->gone != 0;
    settle(call);
}

const char *call_fn_name(enum call_fn fn)
{
    static const char *const names[] = { [CALL_READ] = "read()",
                                         [CALL_OBSERVE] = "observe()",
                                         [CALL_APPLY] = "apply()",
                                         [CALL_RESTORE] = "restore()",
                                         [CALL_PURE] = "plan()" };

    return names[fn];
}

static void refuse(struct cordon_call *call)
{
    call->status = CORDON_REFUSED;
    call->code = call->fail_code ? call->fail_code : "refused";
    call->message = call->fail_message
                        ? call->fail_message
                        : arena_printf(&call->work->arena,
                                       "%s: the plugin's %s refused, and did not say why",
                                       call->work->action->name, call_fn_name(call->fn));
    settle(call);
}

static cordon_action_fn *function_of(const struct cordon_action *action, enum call_fn fn)
{
    switch (fn) {
    case CALL_READ: return action->read;
    case CALL_OBSERVE: return action->observe;
    case CALL_APPLY: return action->apply;
    case CALL_RESTORE: return action->restore;
    case CALL_PURE: break;
    }
    return NULL;
}

void call_start(struct work *work, enum call_fn fn)
{
    struct cordon_call *call = call_new(work, fn);
    struct cordon_input *in = arena_alloc(&call->arena, sizeof *in);

    work->call = call;
    *in = work->in;
    in->size = sizeof *in;
    in->plugin = work->host->state;
    in->deadline_ms = work_left_ms(work);
    if (fn != CALL_APPLY && fn != CALL_RESTORE)
        in->resume = NULL;
    plugin_enter();
    int rc = function_of(work->action, fn)(call, in);
    plugin_leave();
    if (rc == 0)
        return;
    if (!call->is_answered) {
        refuse(call);
        return;
    }
    /* Two answers that contradict each other: what is true is not known. */
    log_warnx("the plugin finishes a call of %s and refuses it too", work->action->name);
    call->status = CORDON_UNKNOWN;
    call->code = "bad_plugin";
    call->message = arena_printf(&work->arena,
                                 "%s: the plugin's %s answered the call and refused it too",
                                 work->action->name, call_fn_name(fn));
}

bool call_plan(struct work *work, cordon_plan_fn *fn, const struct cordon_input *in,
               struct cordon_plan *out)
{
    struct cordon_call *call = call_new(work, CALL_PURE);
    struct cordon_input mine = *in;

    mine.size = sizeof mine;
    mine.plugin = work->host->state;
    mine.deadline_ms = work_left_ms(work);
    *out = (struct cordon_plan){ .size = sizeof *out };
    plugin_enter();
    int rc = fn(call, &mine, out);
    plugin_leave();
    if (rc != 0) {
        work->status = CORDON_REFUSED;
        work->code = call->fail_code ? call->fail_code : "refused";
        work->message = call->fail_message
                            ? call->fail_message
                            : arena_printf(&work->arena,
                                           "%s: the plugin's plan() refused, and did not "
                                           "say why",
                                           work->action->name);
    } else {
        out->after = keep(call, out->after);
        out->what = keep(call, out->what);
        out->undo = keep(call, out->undo);
        out->affects_what = keep(call, out->affects_what);
        out->own = keep(call, out->own);
        out->notes = keep(call, out->notes);
        out->cannot = keep(call, out->cannot);
        out->cannot_code = keep(call, out->cannot_code);
        out->ask = keep(call, out->ask);
    }
    call_end(call);
    return rc == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/expiry.h"
#include "base/json.h"
#include "base/log.h"
#include "base/schema.h"
#include "net/stream.h"
#include "plugin/check.h"
#include "plugin/host.h"

/*
 *   READ      read ──────────────────────────────► answer
 *   OBSERVE   observe ───────────────────────────► answer
 *   PREPARE   observe ─► plan ─► undone ─────────► answer
 *   APPLY     apply ─► observe ◄─┐ not yet so ───► answer
 *   RESTORE   restore ─► observe ┴─ pause          answer
 */

int64_t work_left_ms(const struct work *work)
{
    return work->deadline_ms - loop_now_ms(work->host->loop);
}

struct work *work_find(struct host *host, int64_t id)
{
    list_each (link, after, &host->works) {
        struct work *work = list_item(link, struct work, link);
        if (work->id == id)
            return work;
    }
    return NULL;
}

static void free_work(struct work *work)
{
    if (work->call)
        call_drop(work->call);
    progress_close(work);
    timer_stop(&work->deadline);
    timer_stop(&work->pause);
    list_remove(&work->link);
    work->host->work_count--;
    arena_fini(&work->arena);
    free(work);
}

void work_free_all(struct host *host)
{
    while (!list_is_empty(&host->works))
        free_work(list_item(list_take(&host->works), struct work, link));
}

/* -- Answers ------------------------------------------------------------------------------ */

/* How long the service wants to be left alone, where that matters to the engine. */
static int64_t wait_ms(const struct work *work)
{
    int64_t left = work->not_before_ms - clock_unix_ms();

    return left > 0 && (work->status == CORDON_RETRY || work->status == CORDON_UNKNOWN)
               ? left
               : 0;
}

static size_t len_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

/* One frame has all of it. What is longer is told as that: of a look nothing was changed, of a
 * change nobody knows. */
static void bound_answer(struct work *work)
{
    size_t len = len_of(work->state) + len_of(work->after) + len_of(work->goal) +
                 len_of(work->info) + len_of(work->result);
    bool is_change = work->op == HOST_APPLY || work->op == HOST_RESTORE;

    if (len <= HOST_ANSWER_MAX)
        return;
    work->state = work->after = work->goal = work->info = work->result = NULL;
    work->is_verified = false;
    work->status = is_change ? CORDON_UNKNOWN : CORDON_REFUSED;
    work->code = "too_big";
    work->message = arena_printf(&work->arena,
                                 "%s: the plugin's answer has %zu bytes, more than the %d "
                                 "that one may have (HOST_ANSWER_MAX)",
                                 work->action->name, len, HOST_ANSWER_MAX);
}

static void answer(struct work *work)
{
    struct host *host = work->host;
    struct frame_writer out;

    bound_answer(work);

    frame_begin(&out, stream_out(host->stream), FRAME_HOST_DONE);
    frame_add_int(&out, work->id);
    frame_add_int(&out, work->status);
    host_add_text(host, &out, work->code);
    host_add_text(host, &out, work->message);
    host_add_text(host, &out, work->target);
    host_add_text(host, &out, work->token);
    host_add_json(host, &out, work->state);
    host_add_json(host, &out, work->after);
    host_add_json(host, &out, work->goal);
    host_add_json(host, &out, work->info);
    host_add_json(host, &out, work->result);
    frame_add_int(&out, work->is_verified);
    frame_add_int(&out, wait_ms(work));
    frame_finish(&out);
    stream_flush(host->stream);
    free_work(work);
}

static void answer_with(struct work *work, enum cordon_status status, const char *code,
                        const char *message)
{
    work->status = status;
    work->code = code;
    work->message = message;
    answer(work);
}

/* What a plugin says that makes no sense: of a look, nothing was changed; of a change, we
 * cannot know. */
static void answer_bad(struct work *work, enum call_fn fn, const char *what,
                       const struct err *err)
{
    bool is_change = fn == CALL_APPLY || fn == CALL_RESTORE;

    answer_with(work, is_change ? CORDON_UNKNOWN : CORDON_REFUSED, "bad_plugin",
                arena_printf(&work->arena, "%s: the plugin's %s makes no sense: %s",
                             work->action->name, what, err->text));
}

/* -- JSON that a plugin made --------------------------------------------------------------- */

static const char *canonical(struct work *work, const char *json, bool is_object,
                             struct err *err)
{
    struct str out = { 0 };

    if (!json) {
        err_set(err, ERR_INVALID, "it is missing");
        return NULL;
    }
    if (json_canonical(&out, json, strlen(json), err) != 0)
        return NULL;
    if (is_object && json_kind(str_span(&out)) != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "want a JSON object");
        str_fini(&out);
        return NULL;
    }
    const char *kept = arena_dup(&work->arena, out.ptr, out.len);
    str_fini(&out);
    return kept;
}

/* Fills work->result; NULL json is fine where the action may have no result. */
static int take_result(struct work *work, const struct cordon_call *call, struct err *err)
{
    if (!call->json && call->fn != CALL_READ)
        return 0;
    work->result = canonical(work, call->json, false, err);
    if (!work->result)
        return err->code;
    if (!work->action->result_schema)
        return 0;
    return schema_match(span_of(work->action->result_schema), span_of(work->result), err);
}

enum { WITHIN_MAX = 8, WITHIN_LEN_MAX = 4096 };

/* The ids of what contains the target. */
static int take_within(struct work *work, const char *within, struct err *err)
{
    struct span list, item;
    size_t pos = 0;
    int count = 0;

    if (!within)
        return 0;
    if (!(work->within = canonical(work, within, false, err)))
        return err_wrap(err, "its within");
    list = span_of(work->within);
    bool is_good = json_kind(list) == JSON_ARRAY;
    while (is_good && json_next(list, &pos, NULL, &item))
        is_good = json_kind(item) == JSON_STRING && item.len <= WITHIN_LEN_MAX &&
                  ++count <= WITHIN_MAX;
    return is_good ? 0
                   : err_set(err, ERR_INVALID,
                             "its within: want an array of at most %d texts of at most %d "
                             "bytes",
                             WITHIN_MAX, WITHIN_LEN_MAX);
}

enum { PARTLY_MAX = 64, PARTLY_LEN_MAX = 200 };

static bool is_names(struct span list)
{
    struct span item;
    size_t pos = 0;
    int count = 0;

    while (json_kind(list) == JSON_ARRAY && json_next(list, &pos, NULL, &item))
        if (json_kind(item) != JSON_STRING || item.len > PARTLY_LEN_MAX ||
            ++count > PARTLY_MAX)
            return false;
    return count > 0;
}

/* Which parts of a change are made, where the plugin alone can see it. */
static int take_partly(struct work *work, const char *partly, struct err *err)
{
    if (!partly)
        return 0;
    if (!(work->partly = canonical(work, partly, true, err)))
        return err_wrap(err, "its partly");
    struct span json = span_of(work->partly);
    if (json_count(json) == 2 && is_names(json_get(json, "before")) &&
        is_names(json_get(json, "planned")))
        return 0;
    return err_set(
        err, ERR_INVALID,
        "its partly: want {\"before\":[...],\"planned\":[...]} with 1 to %d texts "
        "of at most %d bytes each",
        PARTLY_MAX, PARTLY_LEN_MAX);
}

/* Fills target, token and state from what observe() found. */
static int take_observation(struct work *work, const struct cordon_call *call,
                            struct err *err)
{
    if (!call->has_observation)
        return err_set(err, ERR_INVALID, "it is missing");
    if (!call->target || !*call->target)
        return err_set(err, ERR_INVALID, "it names no target");
    const char *state = canonical(work, call->state, true, err);
    if (!state)
        return err->code;
    if (call->tags && !(work->tags = canonical(work, call->tags, true, err)))
        return err_wrap(err, "its tags");
    work->state = state;
    work->target = call->target;
    work->token = call->token ? call->token : "";
    work->exists = call->exists;
    work->tenant = call->tenant;
    work->notes = call->notes;
    work->cannot = call->cannot;
    work->cannot_code = call->cannot_code;
    work->subscription = call->subscription;
    work->unplaced = call->unplaced;
    work->uncounted = call->uncounted;
    if (take_partly(work, call->partly, err) != 0)
        return err->code;
    return take_within(work, call->within, err);
}

/* -- PREPARE --------------------------------------------------------------------------------- */

enum { NOTES_MAX = 16, NOTE_LEN_MAX = 1000 };

/* Adds the texts of a plugin's list to out. */
static int add_notes(struct json_out *out, const char *list, struct err *err)
{
    struct str notes = { 0 };
    struct span note;
    size_t pos = 0;
    int count = 0;

    if (list == NULL)
        return 0;
    if (json_canonical(&notes, list, strlen(list), err) != 0)
        return err_wrap(err, "its notes");
    bool is_good = json_kind(str_span(&notes)) == JSON_ARRAY;
    while (is_good && json_next(str_span(&notes), &pos, NULL, &note)) {
        is_good = json_kind(note) == JSON_STRING && note.len <= NOTE_LEN_MAX &&
                  ++count <= NOTES_MAX;
        if (is_good)
            json_raw_value(out, note);
    }
    str_fini(&notes);
    return is_good ? 0
                   : err_set(err, ERR_INVALID,
                             "its notes: want an array of at most %d texts of at most %d "
                             "bytes",
                             NOTES_MAX, NOTE_LEN_MAX);
}

/* Adds "notes" when there are any. */
static int put_notes(struct json_out *out, const char *seen, const char *planned,
                     struct err *err)
{
    struct str text = { 0 };
    struct json_out list = { .str = &text };

    json_open(&list, '[');
    int rc = add_notes(&list, seen, err);
    if (rc == 0)
        rc = add_notes(&list, planned, err);
    json_close(&list);
    if (rc == 0 && json_count(str_span(&text)) > 0)
        json_put_raw(out, "notes", str_span(&text));
    str_fini(&text);
    return rc;
}

/* Why the change would be refused; what changes nothing cannot be. */
static void put_cannot(struct json_out *out, const struct work *work,
                       const struct cordon_plan *plan)
{
    bool is_seen = work->cannot != NULL && *work->cannot != '\0';
    const char *why = is_seen ? work->cannot : plan->cannot;
    const char *code = is_seen ? work->cannot_code : plan->cannot_code;

    if (why == NULL || *why == '\0' ||
        json_same(span_of(work->state), span_of(work->after)))
        return;
    json_key(out, "cannot");
    json_open(out, '{');
    json_put(out, "code", code != NULL && *code != '\0' ? code : "cannot");
    json_put(out, "message", why);
    json_close(out);
}

/* What is told beside the state. plan NULL: nothing was planned. NULL: it makes no sense. */
static const char *info_of(struct work *work, const struct cordon_plan *plan,
                           struct err *err)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    const char *info = NULL;

    json_open(&out, '{');
    if (plan) {
        json_put_int(&out, "affects", plan->affects);
        json_put(&out, "affects_what", plan->affects_what);
        put_cannot(&out, work, plan);
    }
    if (plan && plan->ask && *plan->ask)
        json_put(&out, "ask", plan->ask);
    if (work->exists > 0)
        json_put_int(&out, "exists", work->exists);
    int rc = plan ? put_notes(&out, work->notes, plan->notes, err) : 0;
    if (plan && plan->own && *plan->own)
        json_put(&out, "own", plan->own);
    if (!plan && work->partly)
        json_put_raw(&out, "partly", span_of(work->partly));
    if (work->subscription && *work->subscription)
        json_put(&out, "subscription", work->subscription);
    if (work->tags)
        json_put_raw(&out, "tags", span_of(work->tags));
    if (work->tenant && *work->tenant)
        json_put(&out, "tenant", work->tenant);
    if (plan) {
        json_put(&out, "undo", plan->undo);
        json_put(&out, "what", plan->what);
    }
    if (work->uncounted && *work->uncounted)
        json_put(&out, "uncounted", work->uncounted);
    if (work->unplaced && *work->unplaced)
        json_put(&out, "unplaced", work->unplaced);
    if (work->within)
        json_put_raw(&out, "within", span_of(work->within));
    json_close(&out);
    if (rc == 0)
        info = canonical(work, str_text(&text), true, err);
    str_fini(&text);
    return info;
}

/* Whoever undoes something is asked by rules that speak of tags, too. */
static void answer_observed(struct work *work)
{
    struct err err;

    bool is_told = work->tags || work->tenant || work->exists > 0 || work->within ||
                   work->subscription || work->unplaced || work->partly;

    if (work->op == HOST_OBSERVE && is_told)
        work->info = info_of(work, NULL, &err);
    answer(work);
}

static void plan(struct work *work)
{
    const struct cordon_action *action = work->action;
    struct cordon_input in = work->in;
    struct cordon_plan planned, undone;
    struct err err;

    in.before = work->state;
    in.token = work->token;
    if (!call_plan(work, action->plan, &in, &planned)) {
        answer(work);
        return;
    }
    work->after = canonical(work, planned.after, true, &err);
    if (work->after && (!planned.what || !*planned.what))
        work->after = NULL,
        err_set(&err, ERR_INVALID, "it does not say what it is, for people");
    if (work->after && !(work->info = info_of(work, &planned, &err)))
        work->after = NULL;
    if (!work->after) {
        answer_bad(work, CALL_PURE, "plan", &err);
        return;
    }
    work->goal = action->restore ? work->state : "";
    if (action->undone) {
        in.after = work->after;
        if (!call_plan(work, action->undone, &in, &undone)) {
            answer(work);
            return;
        }
        work->goal = canonical(work, undone.after, true, &err);
        if (!work->goal) {
            answer_bad(work, CALL_PURE, "undone", &err);
            return;
        }
    }
    answer(work);
}

/* -- APPLY and RESTORE: is it so? --------------------------------------------------------------- */

static void observe_again(void *arg)
{
    call_start(arg, CALL_OBSERVE);
}

static void verify(struct work *work)
{
    work->settle_end_ms = loop_now_ms(work->host->loop) + work->action->settle_ms + 1;
    work->pause_ms = HOST_PAUSE_FIRST_MS;
    work->status = CORDON_DONE;
    call_start(work, CALL_OBSERVE);
}

static void on_verified(struct work *work, const struct cordon_call *call)
{
    const char *wanted = work->op == HOST_APPLY ? work->in.after : work->in.goal;
    struct err err;

    if (call->status == CORDON_DONE && take_observation(work, call, &err) == 0 && wanted)
        work->is_verified = json_same(span_of(work->state), span_of(wanted));
    int64_t left = work->settle_end_ms - loop_now_ms(work->host->loop);
    if (work->is_verified || left <= 0 || call->status == CORDON_REFUSED) {
        answer(work);
        return;
    }
    timer_start(&work->pause, work->host->loop,
                work->pause_ms < left ? work->pause_ms : left, observe_again, work);
    work->pause_ms *= 2;
    if (work->pause_ms > HOST_PAUSE_LAST_MS)
        work->pause_ms = HOST_PAUSE_LAST_MS;
}

/* -- What a plugin function has answered ---------------------------------------------------------- */

static void on_done(struct work *work, const struct cordon_call *call)
{
    struct err err;

    switch (call->fn) {
    case CALL_OBSERVE:
        if (take_observation(work, call, &err) != 0)
            answer_bad(work, call->fn, "observation", &err);
        else if (work->op == HOST_PREPARE)
            plan(work);
        else
            answer_observed(work);
        break;
    case CALL_READ:
        if (take_result(work, call, &err) != 0)
            work->result = NULL, answer_bad(work, call->fn, "result", &err);
        else
            answer(work);
        break;
    case CALL_APPLY:
    case CALL_RESTORE:
        if (take_result(work, call, &err) != 0)
            work->result = NULL, answer_bad(work, call->fn, "result", &err);
        else
            verify(work);
        break;
    case CALL_PURE: break;
    }
}

void work_on_answer(struct work *work, struct cordon_call *call)
{
    enum cordon_status status = call->status;
    bool is_look = call->fn == CALL_READ || call->fn == CALL_OBSERVE;

    if (work->settle_end_ms != 0)
        on_verified(work, call);
    else if ((unsigned)status > CORDON_UNKNOWN)
        answer_with(
            work, is_look ? CORDON_REFUSED : CORDON_UNKNOWN, "bad_plugin",
            arena_printf(&work->arena,
                         "%s: the plugin's %s answered with status %u, which is none",
                         work->action->name, call_fn_name(call->fn), (unsigned)status));
    else if (status == CORDON_DONE)
        on_done(work, call);
    else { /* a look changes nothing, so there is nothing to be in doubt about */
        if (status == CORDON_REFUSED && call->is_gone)
            work->info = "{\"gone\":true}";
        answer_with(work, is_look && status == CORDON_UNKNOWN ? CORDON_RETRY : status,
                    call->code ? call->code : "refused", call->message);
    }
}

/* -- The end before the end -------------------------------------------------------------------------- */

static void give_up(struct work *work, const char *code, const char *why)
{
    bool is_change = work->op == HOST_APPLY || work->op == HOST_RESTORE;

    if (work->settle_end_ms != 0) /* done; only that it shows has not been seen */
        answer(work);
    else
        answer_with(work, is_change ? CORDON_UNKNOWN : CORDON_RETRY, code, why);
}

static void on_deadline(void *arg)
{
    struct work *work = arg;
    char limit[32];

    give_up(
        work, "deadline",
        arena_printf(&work->arena,
                     "%s: the plugin's %s gave no answer within the call's timeout of %s",
                     work->action->name,
                     work->call != NULL ? call_fn_name(work->call->fn) : "observe()",
                     duration_show(work->timeout_ms, limit)));
}

void work_cancel(struct host *host, int64_t id)
{
    struct work *work = work_find(host, id);

    if (work) /* it may just have been answered */
        give_up(work, "canceled", "the engine gave the call up");
}

/* -- Starting ---------------------------------------------------------------------------------------------- */

static const char *text_or_null(struct work *work, struct span span)
{
    return span.len > 0 ? arena_dup(&work->arena, span.ptr, span.len) : NULL;
}

static const char *text_or(struct work *work, struct span span, const char *otherwise)
{
    return span.len > 0 ? arena_dup(&work->arena, span.ptr, span.len) : otherwise;
}

/* Does the action do what is asked of it? */
static bool fits(const struct cordon_action *action, enum host_op op)
{
    switch (op) {
    case HOST_READ: return action->read;
    case HOST_PREPARE:
    case HOST_APPLY:
    case HOST_OBSERVE: return action->apply;
    case HOST_RESTORE: return action->restore;
    }
    return false;
}

/* The arguments are held against what is declared, and the plugin gets those of its own. */
static int take_args(struct work *work, struct err *err)
{
    struct span schema = span_of(work->action->args_schema);
    struct span args = span_of(work->in.args);
    struct str declared = { 0 }, own = { 0 };
    int rc;

    if (json_check(args.ptr, args.len, JSON_LEN_MAX, err) != 0)
        return err->code;
    if (work->action->effect != CORDON_REVERTS || !expiry_is_given(args))
        return schema_match(schema, args, err);
    expiry_add_schema(&declared, schema);
    rc = schema_match(str_span(&declared), args, err);
    if (rc == 0)
        rc = expiry_check(args, err);
    expiry_strip(&own, schema, args);
    work->in.args = arena_dup(&work->arena, own.ptr, own.len);
    str_fini(&declared);
    str_fini(&own);
    return rc;
}

static void begin(struct work *work, const char *name)
{
    static const enum call_fn first[] = {
        [HOST_READ] = CALL_READ,       [HOST_PREPARE] = CALL_OBSERVE,
        [HOST_APPLY] = CALL_APPLY,     [HOST_OBSERVE] = CALL_OBSERVE,
        [HOST_RESTORE] = CALL_RESTORE,
    };
    struct err err;

    work->action = check_find(work->host->plugin, name);
    if (!work->action || !fits(work->action, work->op)) {
        answer_with(work, CORDON_REFUSED, "invalid_arguments",
                    arena_printf(&work->arena,
                                 "plugin %s has no action %s that can do this",
                                 work->host->plugin->name, name));
        return;
    }
    if (work->host->work_count > HOST_CALLS_MAX) {
        answer_with(work, CORDON_RETRY, "busy",
                    "more calls at once than HOST_CALLS_MAX; the same one works later");
        return;
    }
    if (take_args(work, &err) != 0) {
        answer_with(work, CORDON_REFUSED, "invalid_arguments",
                    arena_printf(&work->arena, "%s: %s", name, err.text));
        return;
    }
    if (work->deadline_ms <= 0)
        work->deadline_ms = work->action->timeout_ms;
    work->timeout_ms = work->deadline_ms;
    timer_start(&work->deadline, work->host->loop, work->deadline_ms, on_deadline, work);
    work->deadline_ms += loop_now_ms(work->host->loop);
    call_start(work, first[work->op]);
}

void work_start(struct host *host, struct span fields)
{
    struct work *work = xcalloc(1, sizeof *work);
    struct frame_reader in;
    struct err err;

    work->host = host;
    frame_read(&in, fields);
    work->id = frame_get_int(&in);
    work->op = (enum host_op)frame_get_int(&in);
    struct span name = frame_get_span(&in);
    work->in.run = text_or(work, frame_get_span(&in), "");
    work->in.args = text_or(work, frame_get_span(&in), "{}");
    work->in.before = text_or_null(work, frame_get_span(&in));
    work->in.token = text_or(work, frame_get_span(&in), "");
    work->in.after = text_or_null(work, frame_get_span(&in));
    work->in.goal = text_or_null(work, frame_get_span(&in));
    work->in.key = text_or(work, frame_get_span(&in), "");
    struct span resume = frame_get_span(&in);
    work->deadline_ms = frame_get_int(&in);
    work->trace = text_or_null(work, frame_get_span(&in));
    if (frame_end(&in, &err) != 0 || work->op < HOST_READ || work->op > HOST_RESTORE)
        fatalx("the engine sent a call that cannot be read");
    list_add(&host->works, &work->link);
    host->work_count++;
    progress_open(work, resume);
    work->in.resume = work->own_record;
    begin(work, arena_dup(&work->arena, name.ptr, name.len));
}

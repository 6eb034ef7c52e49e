/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "job.h"

struct event {
    cordon_http_fn *on_http;
    cordon_timer_fn *on_timer;
    void *arg;
    struct rig_line line;
};

struct cordon_call {
    struct rig *rig;
    struct event events[RIG_EVENTS_MAX];
    int first, count;
};

static struct rig *the_rig;

/* Kept to the end of the process: what a job's memory is, and reachable for sanitizers. */
static void *kept[100000];
static size_t kept_count;

static void *fake_alloc(struct cordon_call *call, size_t size)
{
    (void)call;
    void *memory = calloc(1, size + 1);
    if (memory == NULL || kept_count >= sizeof kept / sizeof *kept)
        abort();
    return kept[kept_count++] = memory;
}

static void put(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text != NULL ? text : "");
}

static void fake_finish(struct cordon_call *call, const struct cordon_result *result)
{
    struct rig *rig = call->rig;

    CHECK(!rig->is_finished);
    rig->is_finished = 1;
    rig->status = result->status;
    put(rig->code, sizeof rig->code, result->code);
    put(rig->message, sizeof rig->message, result->message);
    put(rig->json, sizeof rig->json, result->json);
    put(rig->state, sizeof rig->state,
        result->observation != NULL ? result->observation->state : NULL);
    rig->is_gone = result->gone;
    if (result->observation == NULL)
        return;
    put(rig->notes, sizeof rig->notes, result->observation->notes);
    put(rig->cannot, sizeof rig->cannot, result->observation->cannot);
    put(rig->cannot_code, sizeof rig->cannot_code, result->observation->cannot_code);
    put(rig->within, sizeof rig->within, result->observation->within);
    put(rig->subscription, sizeof rig->subscription, result->observation->subscription);
    put(rig->unplaced, sizeof rig->unplaced, result->observation->unplaced);
    put(rig->uncounted, sizeof rig->uncounted, result->observation->uncounted);
}

__attribute__((format(printf, 3, 4))) static void fake_fail(struct cordon_call *call,
                                                            const char *code,
                                                            const char *fmt, ...)
{
    va_list args;

    (void)call;
    put(the_rig->code, sizeof the_rig->code, code);
    va_start(args, fmt);
    vsnprintf(the_rig->message, sizeof the_rig->message, fmt, args);
    va_end(args);
}

static void fake_log(int level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

static struct event *add_event(struct cordon_call *call, void *arg)
{
    CHECK(call->count < RIG_EVENTS_MAX);
    struct event *event = &call->events[call->count++];
    *event = (struct event){ .arg = arg };
    return event;
}

static const char token_body[] = "{\"access_token\":\"t\",\"expires_in\":3600}";

static struct rig_line answer_to(struct rig *rig, const struct cordon_http *request)
{
    for (int i = 0; i < rig->line_count; i++) {
        struct rig_line *line = &rig->lines[i];
        bool is_each = line->method[0] == '*';
        if (strcmp(line->method + is_each, request->method) != 0 || line->is_used ||
            strstr(request->url, line->part) == NULL)
            continue;
        line->is_used = !is_each;
        return *line;
    }
    if (strstr(request->url, "/oauth2/") != NULL) {
        rig->tokens++;
        return (struct rig_line){ .status = 200, .headers = "", .body = token_body };
    }
    return (struct rig_line){ .status = 404, .headers = "", .body = "" };
}

static int fake_http(struct cordon_call *call, const struct cordon_http *request,
                     cordon_http_fn *done, void *arg)
{
    struct rig *rig = call->rig;
    size_t len = strlen(rig->log);
    struct event *event = add_event(call, arg);

    snprintf(rig->log + len, sizeof rig->log - len, "%s %s\n", request->method,
             request->url);
    if (request->body != NULL && strstr(request->url, "/oauth2/") == NULL)
        snprintf(rig->sent, sizeof rig->sent, "%.*s", (int)request->body_len,
                 request->body);
    if (request->body != NULL && strcmp(request->method, "PUT") == 0)
        snprintf(rig->put, sizeof rig->put, "%.*s", (int)request->body_len, request->body);
    event->on_http = done;
    event->line = answer_to(rig, request);
    return 0;
}

static const char *fake_header(const struct cordon_http_reply *reply, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = reply->headers; at != NULL && *at != '\0';) {
        size_t line = strcspn(at, "\n");
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            char *value = fake_alloc(NULL, line);
            const char *start = at + len + 1 + strspn(at + len + 1, " ");
            memcpy(value, start, (size_t)(at + line - start));
            return value;
        }
        at += line + (at[line] == '\n');
    }
    return NULL;
}

static int fake_after(struct cordon_call *call, uint32_t ms, cordon_timer_fn *done,
                      void *arg)
{
    (void)ms;
    add_event(call, arg)->on_timer = done;
    return 0;
}

static int fake_progress(struct cordon_call *call, const char *json, cordon_timer_fn *done,
                         void *arg)
{
    (void)json;
    return fake_after(call, 0, done, arg);
}

static int fake_run(struct cordon_call *call, const char *const argv[], cordon_run_fn *done,
                    void *arg)
{
    (void)call;
    (void)argv;
    (void)done;
    (void)arg;
    return -1;
}

static const char *fake_secret(const char *name)
{
    return strcmp(name, "s") == 0 ? "hush" : NULL;
}

static void fake_random(void *bytes, size_t len)
{
    memset(bytes, 0x5a, len);
}

static int64_t fake_now(void)
{
    return INT64_C(1790000000000);
}

static const struct cordon_host fake_host = {
    .size = sizeof fake_host,
    .abi = CORDON_ABI,
    .alloc = fake_alloc,
    .finish = fake_finish,
    .fail = fake_fail,
    .log = fake_log,
    .http = fake_http,
    .header = fake_header,
    .after = fake_after,
    .progress = fake_progress,
    .run = fake_run,
    .secret = fake_secret,
    .random = fake_random,
    .now_ms = fake_now,
};

void rig_open_as(struct rig *rig, const char *config)
{
    *rig = (struct rig){ 0 };
    the_rig = rig;
    int rc = cordon_plugin_v1.open(&fake_host, config, &rig->plugin);
    CHECK_STR(rig->message, "");
    CHECK_INT(rc, 0);
}

void rig_open(struct rig *rig)
{
    rig_open_as(rig, "{\"credential\":\"client_secret\",\"secret\":\"s\","
                     "\"tenant\":\"11111111-2222-4333-8444-555555555555\","
                     "\"client_id\":\"66666666-7777-4888-8999-000000000000\"}");
}

const char *rig_refused(struct rig *rig, const char *config)
{
    *rig = (struct rig){ 0 };
    the_rig = rig;
    CHECK(cordon_plugin_v1.open(&fake_host, config, &rig->plugin) != 0);
    return rig->message;
}

void rig_close(struct rig *rig)
{
    cordon_plugin_v1.close(rig->plugin);
}

struct rig_line *rig_add(struct rig *rig, const char *method, const char *part, int status,
                         const char *headers, const char *body)
{
    CHECK(rig->line_count < RIG_LINES_MAX);
    struct rig_line *line = &rig->lines[rig->line_count++];
    *line = (struct rig_line){
        .method = method, .part = part, .status = status, .headers = headers, .body = body
    };
    return line;
}

static bool is_json(const char *text)
{
    cJSON *json = text != NULL ? cJSON_Parse(text) : NULL;

    cJSON_Delete(json);
    return json != NULL;
}

static void play(struct cordon_call *call)
{
    while (!call->rig->is_finished && call->first < call->count) {
        struct event event = call->events[call->first++];
        struct cordon_http_reply reply = {
            .size = sizeof reply,
            .status = event.line.status,
            .may_have_sent = 1,
            .body = event.line.body,
            .body_len = event.line.body != NULL ? strlen(event.line.body) : 0,
            .headers = event.line.headers,
            .operation = event.line.operation,
        };
        if (event.on_timer != NULL) {
            event.on_timer(call, event.arg);
            continue;
        }
        if (event.line.status == 0)
            reply.error = "reset";
        reply.is_json = is_json(reply.body);
        event.on_http(call, &reply, event.arg);
    }
}

static const struct cordon_action *find_action(const char *name)
{
    const struct cordon_action *const *at = cordon_plugin_v1.actions;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at++;
    CHECK(*at != NULL);
    return *at;
}

static void forget(struct rig *rig)
{
    rig->is_finished = rig->is_gone = 0;
    rig->code[0] = rig->message[0] = rig->state[0] = rig->json[0] = '\0';
    rig->notes[0] = rig->cannot[0] = rig->cannot_code[0] = '\0';
    rig->ask[0] = rig->within[0] = rig->subscription[0] = rig->unplaced[0] = '\0';
    rig->uncounted[0] = '\0';
    rig->what[0] = rig->undo[0] = rig->after_planned[0] = '\0';
}

static struct cordon_input input_of(const struct rig *rig, const char *args)
{
    return (struct cordon_input){
        .size = sizeof(struct cordon_input),
        .plugin = rig->plugin,
        .args = args,
        .before = rig->before,
        .token = "",
        .after = rig->after,
        .goal = rig->goal,
        .key = "00112233445566778899aabbccddeeff",
        .run = "r-000001",
        .deadline_ms = 60000,
    };
}

void rig_plan(struct rig *rig, const char *action, enum rig_plan_fn fn, const char *args)
{
    const struct cordon_action *of = find_action(action);
    struct cordon_call *call = fake_alloc(NULL, sizeof *call);
    struct cordon_input in = input_of(rig, args);
    struct cordon_plan plan = { .size = sizeof plan };

    the_rig = rig;
    call->rig = rig;
    forget(rig);
    int rc = (fn == RIG_PLAN ? of->plan : of->undone)(call, &in, &plan);
    rig->status = rc == 0 ? CORDON_DONE : CORDON_REFUSED;
    put(rig->after_planned, sizeof rig->after_planned, plan.after);
    put(rig->what, sizeof rig->what, plan.what);
    put(rig->undo, sizeof rig->undo, plan.undo);
    put(rig->notes, sizeof rig->notes, plan.notes);
    put(rig->ask, sizeof rig->ask, plan.ask);
    put(rig->cannot, sizeof rig->cannot, plan.cannot);
    put(rig->cannot_code, sizeof rig->cannot_code, plan.cannot_code);
}

void rig_call(struct rig *rig, const char *action, enum rig_fn fn, const char *args)
{
    const struct cordon_action *of = find_action(action);
    cordon_action_fn *const fns[] = { of->read, of->observe, of->apply, of->restore };
    struct cordon_call *call = fake_alloc(NULL, sizeof *call);
    struct cordon_input in = input_of(rig, args);

    the_rig = rig;
    call->rig = rig;
    forget(rig);
    CHECK(fns[fn] != NULL);
    if (fns[fn](call, &in) != 0) {
        rig->status = CORDON_REFUSED;
        return;
    }
    play(call);
    CHECK(rig->is_finished);
}

int rig_count(const struct rig *rig, const char *part)
{
    int count = 0;

    for (const char *at = rig->log; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

struct job *rig_job(void)
{
    struct job *job = fake_alloc(NULL, sizeof *job);

    job->host = &fake_host;
    return job;
}

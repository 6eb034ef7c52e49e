/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/cloud.h - the azure plugin itself, in front of a small cloud, behind the real engine.
 *
 * The cloud is a list of documents by path, and knows what the plugin's actions need of Azure. A
 * host without a process serves the engine's calls with the plugin's own functions, and may die
 * at any request that changes something: before the cloud has it, or after. Then the plugin is
 * opened anew, as a fresh process would.
 */
#pragma once

#include <dlfcn.h>
#include <stdarg.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <cordon/plugin.h>

#include "plugin/check.h"
#include "world.h"

enum { C_DOCS = 64, C_EVENTS = 64, C_KILLS = 4 };

struct c_doc {
    char *path;
    cJSON *json;
};

struct c_block {
    struct c_block *next;
    _Alignas(16) char bytes[];
};

struct c_event {
    cordon_http_fn *on_http;
    cordon_timer_fn *on_timer;
    void *arg;
    int status;
    char *headers, *body;
};

struct cordon_call {
    struct c_block *blocks;
    struct c_event events[C_EVENTS];
    int first, count;
    int64_t id;
    bool is_finished;
    enum cordon_status status;
    char *code, *message, *json, *target, *token, *state, *partly;
    int gone;
};

enum c_death { C_HOST, C_ENGINE };

struct c_kill {
    int at; /* the so-manieth request that changes something, from here on; 0: none */
    bool is_after;   /* the cloud has it by then */
    enum c_death of; /* the plugin's host, or the engine with all of it */
};

struct cloud {
    struct world *w;
    const struct cordon_plugin *plugin;
    void *state;
    struct c_doc docs[C_DOCS];
    int doc_count, versions;
    struct c_kill kills[C_KILLS];
    int next_kill, requests; /* since the last kill */
    int killed, changes;     /* requests that changed something in the cloud */
    const char *refused;     /* a part of a path: what would change it is refused; NULL */
    bool is_dead;
};

static struct cloud *the_cloud;

#define C_SUB    "/subscriptions/33333333-3333-3333-3333-333333333333"
#define C_GROUP  C_SUB "/resourceGroups/shop"
#define C_SITE   C_GROUP "/providers/Microsoft.Web/sites/till"
#define C_NSG    C_GROUP "/providers/Microsoft.Network/networkSecurityGroups/wall"
#define C_GRANTS "/providers/Microsoft.Authorization/roleAssignments"
#define C_GRANT  C_GROUP C_GRANTS "/aaaaaaaa-1111-2222-3333-444444444444"
#define C_SECRET "/secrets/db"

/* -- documents ------------------------------------------------------------------------------- */

static struct c_doc *c_find(struct cloud *c, const char *path)
{
    for (int i = 0; i < c->doc_count; i++)
        if (strcasecmp(c->docs[i].path, path) == 0)
            return &c->docs[i];
    return NULL;
}

static struct c_doc *c_put(struct cloud *c, const char *path, cJSON *json)
{
    struct c_doc *doc = c_find(c, path);

    if (doc == NULL) {
        CHECK(c->doc_count < C_DOCS);
        doc = &c->docs[c->doc_count++];
        *doc = (struct c_doc){ .path = xstrdup(path) };
    }
    cJSON_Delete(doc->json);
    doc->json = json;
    return doc;
}

static void c_set(struct cloud *c, const char *path, const char *json)
{
    cJSON *parsed = cJSON_Parse(json);

    CHECK(parsed != NULL);
    c_put(c, path, parsed);
}

static void c_delete(struct cloud *c, struct c_doc *doc)
{
    free(doc->path);
    cJSON_Delete(doc->json);
    *doc = c->docs[--c->doc_count];
}

/* All of it, in an order that does not depend on how it came to be. */
static char *c_world(struct cloud *c)
{
    cJSON *all = cJSON_CreateObject();
    struct str out = { 0 };
    struct err err;

    for (int i = 0; i < c->doc_count; i++)
        cJSON_AddItemToObject(all, c->docs[i].path, cJSON_Duplicate(c->docs[i].json, true));
    char *text = cJSON_PrintUnformatted(all);
    CHECK_OK(json_canonical(&out, text, strlen(text), &err), &err);
    free(text);
    cJSON_Delete(all);
    return str_take(&out);
}

static void c_merge(cJSON *to, const cJSON *from)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, from)
    {
        cJSON *there = cJSON_GetObjectItemCaseSensitive(to, item->string);

        if (cJSON_IsObject(there) && cJSON_IsObject(item)) {
            c_merge(there, item);
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(to, item->string);
        cJSON_AddItemToObject(to, item->string, cJSON_Duplicate(item, true));
    }
}

/* -- what it answers --------------------------------------------------------------------------- */

static void c_answer(struct c_event *event, int status, const char *body)
{
    event->status = status;
    event->body = xstrdup(body);
}

static void c_answer_json(struct c_event *event, int status, cJSON *json)
{
    event->status = status;
    event->body = cJSON_PrintUnformatted(json);
}

/* Documents right below a path. */
static cJSON *c_below(struct cloud *c, const char *prefix)
{
    cJSON *list = cJSON_CreateArray();
    size_t len = strlen(prefix);

    for (int i = 0; i < c->doc_count; i++)
        if (strncasecmp(c->docs[i].path, prefix, len) == 0 &&
            strchr(c->docs[i].path + len, '/') == NULL)
            cJSON_AddItemToArray(list, cJSON_Duplicate(c->docs[i].json, true));
    return list;
}

static void c_get(struct cloud *c, struct c_event *event, const char *path)
{
    struct c_doc *doc = c_find(c, path);
    cJSON *out = NULL;

    if (strcmp(path, C_SECRET "/versions") == 0) {
        out = cJSON_CreateObject();
        cJSON_AddItemToObject(out, "value", c_below(c, C_SECRET "/"));
    } else if (strcmp(path, C_GROUP C_GRANTS) == 0) {
        out = cJSON_CreateObject();
        cJSON_AddItemToObject(out, "value", c_below(c, C_GROUP C_GRANTS "/"));
    } else if (doc != NULL) {
        out = cJSON_Duplicate(doc->json, true);
        if (strcmp(path, C_NSG) == 0)
            cJSON_AddItemToObject(cJSON_GetObjectItem(out, "properties"), "securityRules",
                                  c_below(c, C_NSG "/securityRules/"));
    }
    if (out != NULL)
        c_answer_json(event, 200, out);
    else
        c_answer(
            event, 404,
            strstr(path, "/roleAssignments/") != NULL
                ? "{\"error\":{\"code\":\"RoleAssignmentNotFound\",\"message\":\"no\"}}"
                : "{\"error\":{\"code\":\"ResourceNotFound\",\"message\":\"no\"}}");
    cJSON_Delete(out);
}

/* A vault makes a version of each PUT. */
static void c_new_version(struct cloud *c, struct c_event *event, const cJSON *body)
{
    char path[80], id[200];
    cJSON *json = cJSON_CreateObject();
    cJSON *attributes = cJSON_AddObjectToObject(json, "attributes");

    snprintf(path, sizeof path, C_SECRET "/v%d", ++c->versions);
    snprintf(id, sizeof id, "https://shop-kv.vault.azure.net%s", path);
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddBoolToObject(attributes, "enabled", true);
    cJSON_AddNumberToObject(attributes, "created", 1700000000 + c->versions);
    cJSON_AddItemToObject(json, "tags",
                          cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(body, "tags"),
                                          true));
    c_put(c, path, json);
    c_answer_json(event, 200, json);
}

static void c_change(struct cloud *c, struct c_event *event, const char *method,
                     const char *path, const cJSON *body)
{
    struct c_doc *doc = c_find(c, path);

    if (c->refused != NULL && strstr(path, c->refused) != NULL) {
        c_answer(event, 403,
                 "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"no right to "
                 "that\"}}");
        return;
    }
    if (strcmp(method, "PUT") == 0 && strcmp(path, C_SECRET) == 0) {
        c_new_version(c, event, body);
    } else if (strcmp(method, "PUT") == 0) {
        cJSON *json = cJSON_Duplicate(body, true);
        cJSON_AddStringToObject(json, "id", path);
        cJSON_AddStringToObject(json, "name", strrchr(path, '/') + 1);
        cJSON *properties = cJSON_GetObjectItem(json, "properties");
        if (strstr(path, C_GRANTS) != NULL &&
            cJSON_GetObjectItem(properties, "scope") == NULL)
            cJSON_AddStringToObject(properties, "scope", C_GROUP);
        c_put(c, path, json);
        c_answer_json(event, 200, json);
    } else if (strcmp(method, "PATCH") == 0 && doc != NULL) {
        c_merge(doc->json, body);
        c_answer_json(event, 200, doc->json);
    } else if (strcmp(method, "DELETE") == 0) {
        if (doc != NULL)
            c_delete(c, doc);
        c_answer(event, doc != NULL ? 200 : 204, "");
    } else {
        c_answer(event, 404, "{\"error\":{\"code\":\"ResourceNotFound\"}}");
    }
}

/* -- the host ----------------------------------------------------------------------------------- */

static void *c_alloc(struct cordon_call *call, size_t size)
{
    struct c_block *block = xcalloc(1, sizeof *block + size);

    block->next = call->blocks;
    call->blocks = block;
    return block->bytes;
}

static char *c_kept(const char *text)
{
    return text != NULL ? xstrdup(text) : NULL;
}

static void c_finish(struct cordon_call *call, const struct cordon_result *result)
{
    CHECK(!call->is_finished);
    call->is_finished = true;
    call->status = result->status;
    call->code = c_kept(result->code);
    call->message = c_kept(result->message);
    call->json = c_kept(result->json);
    call->gone = result->gone;
    if (result->observation == NULL)
        return;
    call->target = c_kept(result->observation->target);
    call->token = c_kept(result->observation->token);
    call->state = c_kept(result->observation->state);
    call->partly = c_kept(result->observation->partly);
}

__attribute__((format(printf, 3, 4))) static void c_fail(struct cordon_call *call,
                                                         const char *code, const char *fmt,
                                                         ...)
{
    char text[1000];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    CHECK(call != NULL);
    call->code = c_kept(code);
    call->message = c_kept(text);
}

__attribute__((format(printf, 2, 3))) static void c_log(int level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

static struct c_event *c_event(struct cordon_call *call, void *arg)
{
    CHECK(call->count < C_EVENTS);
    struct c_event *event = &call->events[call->count++];
    *event = (struct c_event){ .arg = arg };
    return event;
}

/* Does the host, or the engine, die at this request? */
static const struct c_kill *c_kill_now(struct cloud *c)
{
    const struct c_kill *kill = &c->kills[c->next_kill];

    c->requests++;
    return c->next_kill < C_KILLS && kill->at > 0 && c->requests >= kill->at ? kill : NULL;
}

static void c_serve(struct cloud *c, struct c_event *event,
                    const struct cordon_http *request)
{
    const char *rest = strstr(request->url, "://") + 3;
    char path[2000];
    bool is_signed = false;

    rest = strchr(rest, '/');
    snprintf(path, sizeof path, "%.*s", (int)strcspn(rest, "?"), rest);
    for (int i = 0; request->headers != NULL && request->headers[i] != NULL; i++)
        is_signed |= strncasecmp(request->headers[i], "authorization:", 14) == 0;
    if (strstr(path, "/oauth2/") != NULL) {
        c_answer(event, 200, "{\"access_token\":\"t\",\"expires_in\":3600}");
        return;
    }
    if (!is_signed) {
        c_answer(event, 401, "");
        event->headers = xstrdup(
            "WWW-Authenticate: Bearer authorization=\"https://login.microsoftonline.com/"
            "11111111-2222-4333-8444-555555555555\", "
            "resource=\"https://vault.azure.net\"\n");
        return;
    }
    if (strcmp(request->method, "GET") == 0) {
        c_get(c, event, path);
        return;
    }
    const struct c_kill *kill = c_kill_now(c);
    char *was = c_world(c);
    cJSON *body = request->body != NULL
                      ? cJSON_ParseWithLength(request->body, request->body_len)
                      : NULL;
    if (kill == NULL || kill->is_after)
        c_change(c, event, request->method, path, body);
    char *is = c_world(c);
    c->changes += strcmp(was, is) != 0;
    c->is_dead = kill != NULL;
    free(was);
    free(is);
    cJSON_Delete(body);
}

static int c_http(struct cordon_call *call, const struct cordon_http *request,
                  cordon_http_fn *done, void *arg)
{
    struct c_event *event = c_event(call, arg);

    event->on_http = done;
    if (!the_cloud->is_dead)
        c_serve(the_cloud, event, request);
    return 0;
}

static const char *c_header(const struct cordon_http_reply *reply, const char *name)
{
    const char *headers = reply->headers;

    return headers != NULL && strcasecmp(name, "www-authenticate") == 0
               ? strchr(headers, ' ') + 1
               : NULL;
}

static int c_after(struct cordon_call *call, uint32_t ms, cordon_timer_fn *done, void *arg)
{
    (void)ms;
    c_event(call, arg)->on_timer = done;
    return 0;
}

static int c_progress(struct cordon_call *call, const char *json, cordon_timer_fn *done,
                      void *arg)
{
    w_handle(the_cloud->w, &(struct event){ .kind = EV_HOST_PROGRESS,
                                            .number = call->id,
                                            .json = span_of(json) });
    return c_after(call, 0, done, arg);
}

static const char *c_secret(const char *name)
{
    return strcmp(name, "s") == 0 ? "hush" : NULL;
}

static void c_random(void *bytes, size_t len)
{
    memset(bytes, 0x5a, len);
}

static int64_t c_now(void)
{
    return the_cloud->w->now_ms;
}

static const struct cordon_host c_host = {
    .size = sizeof c_host,
    .abi = CORDON_ABI,
    .alloc = c_alloc,
    .finish = c_finish,
    .fail = c_fail,
    .log = c_log,
    .http = c_http,
    .header = c_header,
    .after = c_after,
    .progress = c_progress,
    .secret = c_secret,
    .random = c_random,
    .now_ms = c_now,
};

static void c_call_free(struct cordon_call *call)
{
    while (call->blocks != NULL) {
        struct c_block *next = call->blocks->next;
        free(call->blocks);
        call->blocks = next;
    }
    for (int i = 0; i < call->count; i++) {
        free(call->events[i].headers);
        free(call->events[i].body);
    }
    free(call->code);
    free(call->message);
    free(call->json);
    free(call->target);
    free(call->token);
    free(call->state);
    free(call->partly);
    *call = (struct cordon_call){ .id = call->id };
}

static void c_play(struct cloud *c, struct cordon_call *call)
{
    while (!call->is_finished && !c->is_dead && call->first < call->count) {
        struct c_event event = call->events[call->first++];
        struct err err;
        struct cordon_http_reply reply = { .size = sizeof reply,
                                           .status = event.status,
                                           .may_have_sent = 1,
                                           .body = event.body,
                                           .headers = event.headers };

        if (event.on_timer != NULL) {
            event.on_timer(call, event.arg);
            continue;
        }
        reply.body_len = strlen(event.body);
        reply.is_json = json_check(event.body, reply.body_len, JSON_LEN_MAX, &err) == 0;
        event.on_http(call, &reply, event.arg);
    }
    CHECK(call->is_finished || c->is_dead);
}

static void c_run(struct cloud *c, struct cordon_call *call, cordon_action_fn *fn,
                  const struct cordon_input *in)
{
    if (fn(call, in) == 0) {
        c_play(c, call);
        return;
    }
    call->is_finished = true;
    call->status = CORDON_REFUSED;
}

static void c_open(struct cloud *c)
{
    c->state = NULL;
    CHECK_INT(c->plugin->open(&c_host,
                              "{\"credential\":\"client_secret\",\"secret\":\"s\","
                              "\"tenant\":\"11111111-2222-4333-8444-555555555555\","
                              "\"client_id\":\"66666666-7777-4888-8999-000000000000\","
                              "\"vault_ids\":{\"shop-kv\":\"" C_GROUP
                              "/providers/Microsoft.KeyVault/vaults/shop-kv\"}}",
                              &c->state),
              0);
}

static const struct cordon_action *c_action(struct cloud *c, struct span name)
{
    for (int i = 0; c->plugin->actions[i] != NULL; i++)
        if (span_is(name, c->plugin->actions[i]->name))
            return c->plugin->actions[i];
    CHECK(!"an action of the plugin");
    return NULL;
}

static char *c_canonical(struct world *w, const char *json)
{
    struct str out = { 0 };
    struct err err;

    CHECK(json != NULL);
    CHECK_OK(json_canonical(&out, json, strlen(json), &err), &err);
    char *kept = w_keep(w, str_span(&out));
    str_fini(&out);
    return kept;
}

/* What plan() and undone() make of the state that was found. */
static void c_plan(struct cloud *c, const struct cordon_action *action,
                   struct cordon_input in, struct event *event)
{
    struct cordon_call call = { 0 };
    struct cordon_plan plan = { .size = sizeof plan }, undone = { .size = sizeof undone };

    in.before = event->state.ptr;
    CHECK_INT(action->plan(&call, &in, &plan), 0);
    event->after = span_of(c_canonical(c->w, plan.after));
    event->goal = event->state;
    if (action->undone != NULL) {
        in.after = event->after.ptr;
        CHECK_INT(action->undone(&call, &in, &undone), 0);
        event->goal = span_of(c_canonical(c->w, undone.after));
    }
    event->info = span_of("{\"undo\":\"put it back\",\"what\":\"change it\"}");
    c_call_free(&call);
}

static void c_observed(struct cloud *c, const struct cordon_call *call, struct event *event)
{
    event->target = span_of(w_keep(c->w, span_of(call->target)));
    event->token = span_of(w_keep(c->w, span_of(call->token)));
    event->state = span_of(c_canonical(c->w, call->state));
    event->info = span_of(call->partly != NULL
                              ? arena_printf(&c->w->arena, "{\"partly\":%s}", call->partly)
                              : "{}");
}

/* The process is gone, and a fresh one comes when it is wanted. */
static bool c_die(struct cloud *c)
{
    enum c_death of = c->kills[c->next_kill++].of;

    c->is_dead = false;
    c->requests = 0;
    c->killed++;
    c->plugin->close(c->state);
    c_open(c);
    if (of == C_ENGINE) {
        w_crash(c->w);
        return true;
    }
    return w_host_gone(c->w);
}

static struct cordon_input c_input(struct cloud *c, const struct w_call *from)
{
    struct world *w = c->w;

    return (struct cordon_input){
        .size = sizeof(struct cordon_input),
        .plugin = c->state,
        .args = w_keep(w, from->args),
        .before = from->before.len > 0 ? w_keep(w, from->before) : NULL,
        .token = w_keep(w, from->token),
        .after = from->after.len > 0 ? w_keep(w, from->after) : NULL,
        .goal = from->goal.len > 0 ? w_keep(w, from->goal) : NULL,
        .key = w_keep(w, from->key),
        .resume = from->resume.len > 0 ? w_keep(w, from->resume) : NULL,
        .run = w_keep(w, from->run),
        .deadline_ms = 60000,
    };
}

static void c_fill(struct cloud *c, const struct cordon_call *call, struct event *event)
{
    event->status = (int)call->status;
    event->code = span_of(w_keep(c->w, span_of(call->code)));
    event->message = span_of(w_keep(c->w, span_of(call->message)));
}

static bool c_host_turn(struct world *w, const struct w_message *message)
{
    struct cloud *c = the_cloud;
    struct w_call from = w_read_call(message);
    struct cordon_call call = { .id = from.id };
    struct event event = { .kind = EV_HOST_DONE, .number = from.id };
    bool is_effect = from.op == HOST_APPLY || from.op == HOST_RESTORE;

    if (from.id == 0)
        return true;
    const struct cordon_action *action = c_action(c, from.action);
    struct cordon_input in = c_input(c, &from);
    if (is_effect && !w_has_durable_intent(w, from.key))
        w->is_undurable = true;
    w->applies += is_effect;
    c_run(c, &call,
          from.op == HOST_APPLY     ? action->apply
          : from.op == HOST_RESTORE ? action->restore
                                    : action->observe,
          &in);
    c_fill(c, &call, &event);
    if (!c->is_dead && is_effect && call.status == CORDON_DONE) {
        c_call_free(&call);
        in.resume = NULL;
        c_run(c, &call, action->observe, &in);
    }
    if (!c->is_dead && call.status == CORDON_DONE && call.state != NULL) {
        c_observed(c, &call, &event);
        if (from.op == HOST_PREPARE)
            c_plan(c, action, in, &event);
        event.verified =
            json_same(event.state, from.op == HOST_APPLY ? from.after : from.goal);
    }
    c_call_free(&call);
    return c->is_dead ? c_die(c) : w_handle(w, &event);
}

/* -- all of it -------------------------------------------------------------------------------- */

static const char *c_declaration(const struct cordon_plugin *plugin)
{
    static char *text;
    struct str out = { 0 };

    if (text == NULL) {
        check_declare(plugin, &out);
        text = str_take(&out);
    }
    return text;
}

static const struct cordon_plugin *c_plugin(void)
{
    static const struct cordon_plugin *plugin;
    const char *folder = getenv("PLUGINS"), *build = getenv("BUILD");
    char path[1000];

    if (plugin != NULL)
        return plugin;
    snprintf(path, sizeof path, "%s%s/azure.so",
             folder != NULL  ? folder
             : build != NULL ? build
                             : "build/release",
             folder != NULL ? "" : "/plugins");
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (so == NULL)
        printf("      %s\n", dlerror());
    CHECK(so != NULL);
    plugin = dlsym(so, "cordon_plugin_v1");
    CHECK(plugin != NULL);
    return plugin;
}

static void c_fill_cloud(struct cloud *c)
{
    c_set(c, C_SITE,
          "{\"id\":\"" C_SITE "\",\"kind\":\"app\",\"properties\":{\"state\":"
          "\"Running\"}}");
    c_set(c, C_SITE "/basicPublishingCredentialsPolicies/scm",
          "{\"properties\":{\"allow\":true}}");
    c_set(c, C_SITE "/basicPublishingCredentialsPolicies/ftp",
          "{\"properties\":{\"allow\":true}}");
    c_set(c, C_SITE "/config/web",
          "{\"properties\":{\"ipSecurityRestrictions\":[{\"ipAddress\":\"192.0.2.0/24\","
          "\"action\":\"Allow\",\"priority\":300,\"name\":\"office\"}]}}");
    c_set(c, C_NSG, "{\"id\":\"" C_NSG "\",\"properties\":{}}");
    c_set(c, C_GRANT,
          "{\"id\":\"" C_GRANT "\",\"properties\":{\"principalId\":\"bbbbbbbb-1111-2222-"
          "3333-444444444444\",\"roleDefinitionId\":\"" C_SUB
          "/providers/Microsoft.Authorization/roleDefinitions/cccccccc-1111-2222-3333-"
          "444444444444\",\"scope\":\"" C_GROUP "\"}}");
    c_set(c, C_SECRET "/v0",
          "{\"id\":\"https://shop-kv.vault.azure.net" C_SECRET "/v0\",\"attributes\":{"
          "\"enabled\":true,\"created\":1700000000}}");
}

static struct cloud *c_new(uint64_t seed, const struct w_wish *script)
{
    struct cloud *c = xcalloc(1, sizeof *c);

    c->plugin = c_plugin();
    the_cloud = c;
    c->w = w_new(seed, script);
    /* Again, with another plugin than that of world.h. */
    engine_free(c->w->engine);
    turn_free(c->w->turn);
    c->w->row_count = c->w->durable_rows = 0;
    c->w->entry_count = c->w->durable_entries = 0;
    c->w->plugin_name = "azure";
    c->w->declaration = c_declaration(c->plugin);
    c->w->host = c_host_turn;
    CHECK(w_start_engine(c->w));
    c_fill_cloud(c);
    c_open(c);
    return c;
}

static void c_free(struct cloud *c)
{
    w_free(c->w);
    c->plugin->close(c->state);
    while (c->doc_count > 0)
        c_delete(c, &c->docs[0]);
    free(c);
    the_cloud = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.c - HTTP, programs, progress: fetch.get {"url"} asks for a url and tells status and
 * may_have_sent; fetch.set {"url"} PUTs to it and follows the operation; fetch.run {"program"}
 * tells what a program wrote; fetch.steps saves its progress twice and says where it began.
 */
#include "fixture.h"

#define URL_SCHEMA                                                         \
    "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"}}," \
    "\"required\":[\"url\"],\"additionalProperties\":false}"

static void on_reply(struct cordon_call *call, const struct cordon_http_reply *reply,
                     void *arg)
{
    const char *type = fixture_host->header(reply, "x-one");
    char *text = fixture_host->alloc(call, 2048);

    (void)arg;
    if (reply->status == 503) {
        fixture_finish(call, CORDON_UNKNOWN, "busy", "the server is busy");
        return;
    }
    snprintf(text, 2048,
             "{\"error\":\"%.200s\",\"header\":\"%s\",\"len\":%zu,\"sent\":%s,"
             "\"status\":%d}",
             reply->error ? reply->error : "", type ? type : "", reply->body_len,
             reply->may_have_sent ? "true" : "false", reply->status);
    fixture_finish_json(call, text);
}

static int fetch(struct cordon_call *call, const struct cordon_input *in,
                 const char *method, uint32_t flags)
{
    const char *headers[] = { "Authorization: Bearer canary-of-fetch",
                              "Content-Type: application/json", NULL };
    struct cordon_http request = {
        .size = sizeof request,
        .method = method,
        .url = fixture_get(call, in->args, "url"),
        .headers = headers,
        .body = flags ? "{\"want\":1}" : NULL,
        .body_len = flags ? 10 : 0,
        .flags = flags,
    };

    return fixture_host->http(call, &request, on_reply, NULL);
}

static int on_get(struct cordon_call *call, const struct cordon_input *in)
{
    return fetch(call, in, "GET", 0);
}

static int on_put(struct cordon_call *call, const struct cordon_input *in)
{
    return fetch(call, in, "PUT", CORDON_HTTP_LRO);
}

static int on_observe(struct cordon_call *call, const struct cordon_input *in)
{
    (void)in;
    fixture_finish_state(call, "the-one", "{\"on\":false}");
    return 0;
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    (void)call;
    (void)in;
    out->after = "{\"on\":false}";
    out->what = "put it there";
    return 0;
}

static void on_end(struct cordon_call *call, int status, const char *out, void *arg)
{
    char *text = fixture_host->alloc(call, strlen(out) + 64);

    (void)arg;
    snprintf(text, strlen(out) + 64, "{\"out\":\"%.*s\",\"status\":%d}",
             (int)strcspn(out, "\n"), out, status);
    fixture_finish_json(call, text);
}

static int on_run(struct cordon_call *call, const struct cordon_input *in)
{
    const char *argv[] = { fixture_get(call, in->args, "url"), "hello", NULL };

    return fixture_host->run(call, argv, on_end, NULL);
}

static void on_second(struct cordon_call *call, void *arg)
{
    char *text = fixture_host->alloc(call, 256);

    snprintf(text, 256, "{\"began\":%s}", (const char *)arg);
    fixture_finish_json(call, text);
}

static void on_first(struct cordon_call *call, void *arg)
{
    if (fixture_host->progress(call, "{ \"step\" : 2 }", on_second, arg) != 0)
        fixture_finish(call, CORDON_UNKNOWN, "progress", "the second one was refused");
}

static int on_steps(struct cordon_call *call, const struct cordon_input *in)
{
    const char *began = in->resume ? in->resume : "null";

    return fixture_host->progress(call, "{\"step\":1}", on_first, (void *)(uintptr_t)began);
}

#define COMMON                                                                     \
    .risk = CORDON_LOW, .permissions = fixture_no_permissions, .timeout_ms = 9000, \
    .args_schema = URL_SCHEMA, .result_schema = "{\"type\":\"object\"}"

static const struct cordon_action get = {
    .size = sizeof get,
    .name = "fetch.get",
    .summary = "Ask for a url",
    .effect = CORDON_READS,
    .read = on_get,
    COMMON,
};

static const struct cordon_action run = {
    .size = sizeof run,
    .name = "fetch.run",
    .summary = "Run a program",
    .effect = CORDON_READS,
    .read = on_run,
    COMMON,
};

static const struct cordon_action set = {
    .size = sizeof set,
    .name = "fetch.set",
    .summary = "Put to a url",
    .effect = CORDON_PERMANENT,
    .permanent_because = "it is put for good",
    .repeat = CORDON_OBSERVABLE,
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_put,
    COMMON,
};

static const struct cordon_action steps = {
    .size = sizeof steps,
    .name = "fetch.steps",
    .summary = "Go step by step",
    .effect = CORDON_PERMANENT,
    .permanent_because = "steps are not taken back",
    .repeat = CORDON_OBSERVABLE,
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_steps,
    COMMON,
};

static const struct cordon_action *const actions[] = { &get, &run, &set, &steps, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "fetch",
    .version = "1.0.0",
    .summary = "Fetches, for tests",
    .actions = actions,
    .open = fixture_open,
};

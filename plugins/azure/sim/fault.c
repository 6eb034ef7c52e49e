/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <stdlib.h>
#include <string.h>

enum {
    FAULTS_MAX = 256,
    DELAY_MAX_MS = 10 * 60 * 1000,
    TIMES_MAX = 1000000,
    STALE_DEFAULT_S = 5,
    ANSWER_HEADERS_MAX = 8
};

struct faults {
    struct fault rules[FAULTS_MAX];
    int count;
};

static const char *const names[] = {
    [FAULT_LATENCY] = "latency",
    [FAULT_429] = "429",
    [FAULT_500_BEFORE] = "500-before",
    [FAULT_500_AFTER] = "500-after",
    [FAULT_RESET_BEFORE] = "reset-before",
    [FAULT_RESET_AFTER] = "reset-after",
    [FAULT_STALE] = "stale",
    [FAULT_EDIT] = "edit",
    [FAULT_LRO] = "lro-fail",
    [FAULT_ANSWER] = "answer",
};

struct faults *faults_new(void)
{
    return xcalloc(1, sizeof(struct faults));
}

void faults_clear(struct faults *faults)
{
    for (int i = 0; i < faults->count; i++) {
        free(faults->rules[i].method);
        free(faults->rules[i].path_contains);
        free(faults->rules[i].code);
        cJSON_Delete(faults->rules[i].edit);
        cJSON_Delete(faults->rules[i].headers);
        cJSON_Delete(faults->rules[i].body);
    }
    memset(faults, 0, sizeof *faults);
}

void faults_free(struct faults *faults)
{
    faults_clear(faults);
    free(faults);
}

const char *fault_name(enum fault_kind kind)
{
    return names[kind];
}

static enum fault_kind kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i] != NULL && name != NULL && strcmp(names[i], name) == 0)
            return (enum fault_kind)i;
    }
    return FAULT_NONE;
}

static bool read_number(const cJSON *json, const char *name, int min, int max, int *out)
{
    const cJSON *item = json_get(json, name);

    if (item == NULL)
        return true;
    if (!cJSON_IsNumber(item) || item->valuedouble < min || item->valuedouble > max)
        return false;
    *out = item->valueint;
    return true;
}

static const char *read_leaves(const cJSON *json, struct fault *rule)
{
    const char *leaves = json_text(json, "leaves");

    rule->leaves_failed = text_is(leaves, "failed");
    if (json_get(json, "leaves") == NULL || rule->leaves_failed ||
        text_is(leaves, "nothing"))
        return NULL;
    return "leaves has to be nothing or failed: what a failed operation leaves behind";
}

static const char *read_answer(const cJSON *json, struct fault *rule)
{
    const cJSON *body = json_get(json, "body");
    const cJSON *header;

    rule->status = 0;
    if (!read_number(json, "status", 200, 599, &rule->status) || rule->status == 0)
        return "the fault answer needs a status from 200 to 599";
    if (body != NULL && !cJSON_IsObject(body) && !cJSON_IsString(body))
        return "the body of an answer has to be an object or a text";
    if (cJSON_GetArraySize(json_get(json, "headers")) > ANSWER_HEADERS_MAX)
        return "an answer has at most 8 headers";
    cJSON_ArrayForEach(header, json_get(json, "headers"))
    {
        if (!cJSON_IsString(header))
            return "the headers of an answer have to be texts";
    }
    return NULL;
}

const char *faults_add(struct faults *faults, const cJSON *json)
{
    const cJSON *match = json_get(json, "match");
    const char *method = json_text(match, "method");
    const char *part = json_text(match, "path_contains");
    struct fault rule = { .kind = kind_of(json_text(json, "fault")),
                          .times = 1,
                          .retry_after_s = 1,
                          .for_s = STALE_DEFAULT_S };

    if (faults->count == FAULTS_MAX)
        return "there are 256 rules already; DELETE /_sim/faults takes them away";
    if (rule.kind == FAULT_NONE)
        return "fault has to be latency, 429, 500-before, 500-after, reset-before, "
               "reset-after, stale, edit, lro-fail or answer";
    if (rule.kind == FAULT_STALE)
        rule.times = -1;
    if (!read_number(json, "times", -1, TIMES_MAX, &rule.times))
        return "times has to be a number, -1 for ever";
    if (!read_number(json, "ms", 0, DELAY_MAX_MS, &rule.delay_ms) ||
        !read_number(json, "retry_after_s", 0, DELAY_MAX_MS, &rule.retry_after_s) ||
        !read_number(json, "for_s", 0, DELAY_MAX_MS / 1000, &rule.for_s))
        return "ms, retry_after_s and for_s have to be numbers of at most ten minutes";
    if (rule.kind == FAULT_EDIT && json_text(json_get(json, "edit"), "path") == NULL)
        return "the fault edit needs edit: {path, patch}";
    const char *wrong = read_leaves(json, &rule);
    if (wrong == NULL && rule.kind == FAULT_ANSWER)
        wrong = read_answer(json, &rule);
    if (wrong != NULL)
        return wrong;
    if (rule.kind == FAULT_STALE)
        rule.ends_ms = clock_steady_ms() + (int64_t)rule.for_s * 1000;
    rule.method = method != NULL ? xstrdup(method) : NULL;
    rule.path_contains = part != NULL ? xstrdup(part) : NULL;
    rule.edit = cJSON_Duplicate(json_get(json, "edit"), true);
    rule.headers = cJSON_Duplicate(json_get(json, "headers"), true);
    rule.body = cJSON_Duplicate(json_get(json, "body"), true);
    rule.code = json_text(json, "code") != NULL ? xstrdup(json_text(json, "code")) : NULL;
    faults->rules[faults->count++] = rule;
    return NULL;
}

static bool fits(const struct fault *rule, const struct request *request)
{
    if (rule->times == 0 || (rule->kind == FAULT_STALE && !request_is(request, "GET")))
        return false;
    if (rule->kind == FAULT_STALE && rule->ends_ms <= clock_steady_ms())
        return false;
    return (rule->method == NULL || text_is(rule->method, request->method)) &&
           (rule->path_contains == NULL ||
            text_contains(request->uri, rule->path_contains));
}

const struct fault *faults_take(struct faults *faults, const struct request *request)
{
    for (int i = 0; i < faults->count; i++) {
        struct fault *rule = &faults->rules[i];
        if (!fits(rule, request))
            continue;
        if (rule->times > 0)
            rule->times--;
        return rule;
    }
    return NULL;
}

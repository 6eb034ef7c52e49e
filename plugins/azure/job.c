/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "text.h"

enum { MESSAGE_MAX = 1024 };

struct tree {
    struct tree *next;
    cJSON *json;
};

void *job_alloc(struct job *job, size_t size)
{
    return job->host->alloc(job->call, size);
}

static cJSON *parse(struct job *job, const char *text)
{
    return text != NULL ? job_own(job, cJSON_Parse(text)) : NULL;
}

struct job *job_begin(struct cordon_call *call, const struct cordon_input *in)
{
    struct azure *azure = (struct azure *)in->plugin;
    struct job *job = azure->host->alloc(call, sizeof *job);

    job->azure = azure;
    job->host = azure->host;
    job->call = call;
    job->in = in;
    job->is_starting = true;
    job->args = parse(job, in->args);
    job->before = parse(job, in->before);
    job->after = parse(job, in->after);
    job->goal = parse(job, in->goal);
    return job;
}

static void free_trees(struct job *job)
{
    for (struct tree *tree = job->trees; tree != NULL; tree = tree->next)
        cJSON_Delete(tree->json);
    job->trees = NULL;
}

int job_started(struct job *job)
{
    if (job->is_refused) {
        free_trees(job);
        return -1;
    }
    job->is_starting = false;
    return 0;
}

int job_end_plan(struct job *job)
{
    free_trees(job);
    return job->is_refused ? -1 : 0;
}

char *job_text(struct job *job, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(len >= 0);
    char *text = job_alloc(job, (size_t)len + 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

char *job_lower(struct job *job, const char *text)
{
    char *lower = job_text(job, "%s", text);

    text_fold(lower);
    return lower;
}

cJSON *job_own(struct job *job, cJSON *json)
{
    struct tree *tree = job_alloc(job, sizeof *tree);

    tree->json = json;
    tree->next = job->trees;
    job->trees = tree;
    return json;
}

cJSON *job_object(struct job *job)
{
    return job_own(job, cJSON_CreateObject());
}

char *job_print(struct job *job, const cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);

    assert(text != NULL);
    char *copy = job_text(job, "%s", text);
    explicit_bzero(text, strlen(text)); /* the value of a secret passes through here */
    cJSON_free(text);
    return copy;
}

enum { NOTE_LEN_MAX = 900 }; /* of the 1000 that one may have, escapes left room */

void job_note(struct job *job, const char *fmt, ...)
{
    char text[NOTE_LEN_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (job->notes == NULL)
        job->notes = job_own(job, cJSON_CreateArray());
    if (cJSON_GetArraySize(job->notes) < NOTES_MAX)
        cJSON_AddItemToArray(job->notes, cJSON_CreateString(text));
}

void job_cannot(struct job *job, const char *code, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list args;

    if (job->cannot != NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    job->cannot = job_text(job, "%s", text);
    job->cannot_code = code;
}

void job_tell_plan(struct job *job, struct cordon_plan *out)
{
    if (out->size < offsetof(struct cordon_plan, cannot_code) + sizeof out->cannot_code)
        return;
    if (job->notes != NULL)
        out->notes = job_print(job, job->notes);
    out->cannot = job->cannot;
    out->cannot_code = job->cannot_code;
}

static void finish(struct job *job, const struct cordon_result *result)
{
    assert(!job->is_starting);
    free_trees(job);
    job->host->finish(job->call, result);
}

void job_done(struct job *job, const cJSON *json)
{
    struct cordon_result result = { .size = sizeof result, .status = CORDON_DONE };

    if (json != NULL)
        result.json = job_print(job, json);
    finish(job, &result);
}

void job_observed(struct job *job, const char *target, const cJSON *state)
{
    struct cordon_observation seen = {
        .size = sizeof seen,
        .target = target,
        .token = "",
        .state = job_print(job, state),
        .tags = cJSON_IsObject(job->tags) ? job_print(job, job->tags) : NULL,
        .exists = job->exists,
        .tenant = own_tenant(job),
        .notes = job->notes != NULL ? job_print(job, job->notes) : NULL,
        .cannot = job->cannot,
        .cannot_code = job->cannot_code,
        .uncounted = job->uncounted,
    };
    struct cordon_result result = {
        .size = sizeof result,
        .status = CORDON_DONE,
        .observation = &seen,
    };

    place_tell(job, &seen);
    finish(job, &result);
}

void job_fail(struct job *job, enum cordon_status status, const char *code, const char *fmt,
              ...)
{
    char message[MESSAGE_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    text_clip(message);
    if (job->instead != NULL) {
        job->is_gone = false;
        job->instead(job, status, message);
        return;
    }
    if (job->is_starting) {
        job->host->fail(job->call, code, "%s", message);
        job->is_refused = true;
        return;
    }
    /* Part of the change is in place already: what is true of the world has to be looked
     * at, whatever the last request said. */
    if (job->has_changed)
        status = CORDON_UNKNOWN;
    struct cordon_result result = {
        .size = sizeof result,
        .status = status,
        .code = job_text(job, "%s", code), /* it may be part of a tree */
        .message = message,
        .gone = status == CORDON_REFUSED && job->is_gone,
    };
    finish(job, &result);
}

const cJSON *json_get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_text(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

bool json_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(json_get(object, name));
}

void json_add_text(cJSON *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        cJSON_AddStringToObject(object, name, text);
}

void json_copy(cJSON *to, const char *as, const cJSON *from, const char *name)
{
    const cJSON *item = json_get(from, name);

    if (item != NULL && !cJSON_IsNull(item))
        cJSON_AddItemToObject(to, as, cJSON_Duplicate(item, true));
}

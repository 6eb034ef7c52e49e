/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

struct version {
    cJSON *doc;    /* NULL: absent */
    int64_t at_ms; /* steady clock */
};

struct object {
    struct object *next;
    char *key;
    int count;
    struct version history[HISTORY_MAX]; /* oldest first */
};

void store_fini(struct store *store)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        struct object *object = store->first[kind];
        while (object != NULL) {
            struct object *next = object->next;
            for (int i = 0; i < object->count; i++)
                cJSON_Delete(object->history[i].doc);
            free(object->key);
            free(object);
            object = next;
        }
        store->first[kind] = NULL;
    }
}

static struct object *find(const struct store *store, enum kind kind, const char *key)
{
    for (struct object *object = store->first[kind]; object != NULL;
         object = object->next) {
        if (text_is(object->key, key))
            return object;
    }
    return NULL;
}

static struct object *find_or_add(struct store *store, enum kind kind, const char *key)
{
    struct object **last = &store->first[kind];

    for (; *last != NULL; last = &(*last)->next) {
        if (text_is((*last)->key, key))
            return *last;
    }
    *last = xcalloc(1, sizeof **last);
    (*last)->key = xstrdup(key);
    return *last;
}

static cJSON *newest(const struct object *object)
{
    return object->count > 0 ? object->history[object->count - 1].doc : NULL;
}

static cJSON *as_of(const struct object *object, int64_t age_ms)
{
    if (age_ms <= 0)
        return newest(object);
    int64_t until_ms = clock_steady_ms() - age_ms;
    for (int i = object->count - 1; i >= 0; i--) {
        if (object->history[i].at_ms <= until_ms)
            return object->history[i].doc;
    }
    return NULL;
}

static void push(struct object *object, cJSON *doc)
{
    if (object->count == HISTORY_MAX) {
        cJSON_Delete(object->history[0].doc);
        memmove(&object->history[0], &object->history[1],
                (HISTORY_MAX - 1) * sizeof object->history[0]);
        object->count--;
        object->history[0].at_ms = INT64_MIN;
    }
    object->history[object->count].doc = doc;
    object->history[object->count].at_ms = clock_steady_ms();
    object->count++;
}

cJSON *store_now(const struct store *store, enum kind kind, const char *key)
{
    return store_past(store, kind, key, 0);
}

cJSON *store_past(const struct store *store, enum kind kind, const char *key,
                  int64_t age_ms)
{
    const struct object *object = find(store, kind, key);

    return object != NULL ? as_of(object, age_ms) : NULL;
}

cJSON *store_write(struct store *store, enum kind kind, const char *key)
{
    struct object *object = find_or_add(store, kind, key);
    const cJSON *old = newest(object);

    push(object, old != NULL ? cJSON_Duplicate(old, true) : cJSON_CreateObject());
    return newest(object);
}

void store_put(struct store *store, enum kind kind, const char *key, cJSON *doc)
{
    push(find_or_add(store, kind, key), doc);
}

void store_found(struct store *store, enum kind kind, const char *key, cJSON *doc)
{
    struct object *object = find_or_add(store, kind, key);

    push(object, doc);
    object->history[object->count - 1].at_ms = INT64_MIN;
}

void store_remove(struct store *store, enum kind kind, const char *key)
{
    struct object *object = find(store, kind, key);

    if (object != NULL && newest(object) != NULL)
        push(object, NULL);
}

int store_each(const struct store *store, enum kind kind, int64_t age_ms, store_fn *fn,
               void *arg)
{
    for (struct object *object = store->first[kind]; object != NULL;
         object = object->next) {
        cJSON *doc = as_of(object, age_ms);
        int answer = doc != NULL ? fn(doc, arg) : 0;
        if (answer != 0)
            return answer;
    }
    return 0;
}

int store_ever(const struct store *store, enum kind kind, store_fn *fn, void *arg)
{
    for (struct object *object = store->first[kind]; object != NULL;
         object = object->next) {
        for (int i = 0; i < object->count; i++) {
            cJSON *doc = object->history[i].doc;
            int answer = doc != NULL ? fn(doc, arg) : 0;
            if (answer != 0)
                return answer;
        }
    }
    return 0;
}

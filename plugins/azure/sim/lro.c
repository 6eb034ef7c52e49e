/* SPDX-License-Identifier: Apache-2.0 */
#include "lro.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPERATIONS_MAX = 1024 /* the oldest is forgotten */
};

struct operations {
    struct operation ring[OPERATIONS_MAX];
    unsigned count;
};

static void forget(struct operation *operation)
{
    free(operation->target);
    free(operation->part);
    cJSON_Delete(operation->before);
    *operation = (struct operation){ 0 };
}

struct operations *operations_new(void)
{
    return xcalloc(1, sizeof(struct operations));
}

void operations_clear(struct operations *operations)
{
    for (int i = 0; i < OPERATIONS_MAX; i++)
        forget(&operations->ring[i]);
    operations->count = 0;
}

void operations_free(struct operations *operations)
{
    operations_clear(operations);
    free(operations);
}

static void finish(struct sim *sim, struct operation *operation)
{
    operation->is_over = true;
    operation->settle(sim, operation);
}

const struct operation *operation_start(struct sim *sim, const struct operation *given)
{
    struct operations *operations = sim->operations;
    struct operation *operation = &operations->ring[operations->count++ % OPERATIONS_MAX];

    if (operation->target != NULL && !operation->is_over)
        finish(sim, operation);
    forget(operation);
    *operation = *given;
    operation->target = xstrdup(given->target);
    operation->part = xstrdup(given->part);
    uuid_make(operation->id);
    operation->started_ms = clock_ms();
    operation->due_ms = clock_steady_ms() + sim->settings.lro_ms;
    operation->is_over = false;
    return operation;
}

void operations_tick(struct sim *sim)
{
    int64_t now_ms = clock_steady_ms();

    for (int i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *operation = &sim->operations->ring[i];
        if (operation->target != NULL && !operation->is_over && operation->due_ms <= now_ms)
            finish(sim, operation);
    }
}

bool operation_runs_on(const struct sim *sim, const char *target)
{
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        const struct operation *operation = &sim->operations->ring[i];
        if (!operation->is_over && text_is(operation->target, target))
            return true;
    }
    return false;
}

const struct operation *operation_find(const struct sim *sim, const char *id)
{
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        const struct operation *operation = &sim->operations->ring[i];
        if (operation->target != NULL && text_is(operation->id, id))
            return operation;
    }
    return NULL;
}

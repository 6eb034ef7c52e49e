/* SPDX-License-Identifier: Apache-2.0 */
#include "subscriptions.h"

#include "arm.h"
#include "job.h"
#include "text.h"

static void on_subscriptions(struct job *job, const struct answer *answer, void *arg)
{
    struct subscriptions *list = arg;
    const cJSON *item;

    if (!answer_is_good(job, answer, true, "list subscriptions"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        const char *id = json_text(item, "id");

        if (list->count < list->most && text_starts(id, "/subscriptions/"))
            list->ids[list->count++] = job_text(job, "%s", id);
        else
            list->left_out++;
    }
    const char *next = json_text(answer->json, "nextLink");
    bool has_more = next[0] != '\0';
    if (has_more && list->count < list->most && ++list->pages < PAGES_MAX) {
        arm_next(job, next, on_subscriptions, list);
        return;
    }
    list->left_out += has_more;
    list->done(job, list->arg);
}

void subscriptions_list(struct job *job, struct subscriptions *list)
{
    list->ids = job_alloc(job, (size_t)list->most * sizeof *list->ids);
    list->count = list->left_out = list->pages = 0;
    arm_get(job, "/subscriptions", ARM_SUBS, on_subscriptions, list);
}

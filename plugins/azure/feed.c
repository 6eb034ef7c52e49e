/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.c - azure.defender.alerts, azure.graph.alerts, azure.graph.incidents: what is new.
 *
 * Whoever polls says up to where it has what there is: a time, and the id of the last one that
 * has that time. What is later comes in this order, so much of it as one answer holds, and
 * "more" when there is more. None of the APIs promises an order, and Defender for Cloud's takes
 * no filter: all pages are read first.
 */
#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "azure.h"
#include "job.h"
#include "text.h"

enum {
    FEED_ALERTS_MAX = 200,       /* of one answer */
    FEED_BYTES_MAX = 512 * 1024, /* the same; but always one at least */
    FEED_SEEN_MAX = 50 * 1000,   /* of all pages together */
    KEY_SIZE = 32,
    FRACTION_LEN = 7
};

struct item {
    char key[KEY_SIZE];
    const char *id;
    const cJSON *json;
};

struct feed {
    const char *id;         /* the member that names one */
    const char *properties; /* the member that the times are in; NULL: the alert itself */
    const char *times[2];   /* the latest of these counts */
    const char *next;       /* the member with the link to the next page */
    bool is_graph;
    const char *path;
    char since[KEY_SIZE];
    const char *after;
    struct item *items;
    size_t count, cap;
    int pages;
};

/* "2026-01-31T09:00:00.12Z" as text that sorts by time: seven digits after the second. "" for
 * what is no time. */
static void make_key(char key[KEY_SIZE], const char *time)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    size_t at = sizeof shape - 1, digits = 0;

    key[0] = '\0';
    for (size_t i = 0; i < at; i++) {
        bool is_digit = time[i] >= '0' && time[i] <= '9';
        if (shape[i] == 'd' ? !is_digit : time[i] != shape[i])
            return;
    }
    memcpy(key, time, at);
    key[at] = '.';
    if (time[at] == '.')
        for (; digits < FRACTION_LEN && time[at + 1 + digits] >= '0' &&
               time[at + 1 + digits] <= '9';
             digits++)
            key[at + 1 + digits] = time[at + 1 + digits];
    for (; digits < FRACTION_LEN; digits++)
        key[at + 1 + digits] = '0';
    key[at + 1 + FRACTION_LEN] = 'Z';
    key[at + 2 + FRACTION_LEN] = '\0';
}

static int compare(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int order = strcmp(a->key, b->key);

    return order != 0 ? order : strcmp(a->id, b->id);
}

static bool is_new(const struct feed *feed, const struct item *item)
{
    int order = strcmp(item->key, feed->since);

    if (item->key[0] ==
        '\0') /* it has no time: it is told each time, and known by its id */
        return true;
    return order > 0 || (order == 0 && strcmp(item->id, feed->after) > 0);
}

static void keep(struct job *job, struct feed *feed, const cJSON *json)
{
    const cJSON *from = feed->properties != NULL ? json_get(json, feed->properties) : json;
    struct item item = { .id = json_text(json, feed->id), .json = json };
    char other[KEY_SIZE];

    make_key(item.key, json_text(from, feed->times[0]));
    make_key(other, feed->times[1] != NULL ? json_text(from, feed->times[1]) : "");
    if (strcmp(other, item.key) > 0)
        memcpy(item.key, other, sizeof other);
    if (item.id[0] == '\0' || !is_new(feed, &item))
        return;
    if (feed->count == feed->cap) {
        size_t cap = feed->cap ? feed->cap * 2 : 64;
        struct item *items = job_alloc(job, cap * sizeof *items);
        if (feed->count > 0)
            memcpy(items, feed->items, feed->count * sizeof *items);
        feed->items = items;
        feed->cap = cap;
    }
    feed->items[feed->count++] = item;
}

static void tell(struct job *job, struct feed *feed)
{
    cJSON *out = job_object(job);
    cJSON *list = cJSON_AddArrayToObject(out, "alerts");
    const struct item *last = NULL;
    size_t bytes = 0, i = 0;

    if (feed->count > 0)
        qsort(feed->items, feed->count, sizeof *feed->items, compare);
    for (; i < feed->count && i < FEED_ALERTS_MAX; i++) {
        bytes += strlen(job_print(job, feed->items[i].json));
        if (i > 0 && bytes > FEED_BYTES_MAX)
            break;
        cJSON_AddItemToArray(list, cJSON_Duplicate(feed->items[i].json, true));
        if (feed->items[i].key[0] != '\0')
            last = &feed->items[i];
    }
    cJSON_AddBoolToObject(out, "more", i < feed->count);
    cJSON_AddStringToObject(out, "since", last != NULL ? last->key : feed->since);
    cJSON_AddStringToObject(out, "after", last != NULL ? last->id : feed->after);
    job_done(job, out);
}

static void on_page(struct job *job, const struct answer *answer, void *arg);

static void ask(struct job *job, struct feed *feed, const char *url)
{
    struct arm_request request = { .method = "GET", .done = on_page, .arg = feed };

    if (feed->is_graph) {
        request.audience = job->azure->config.graph_audience;
        request.family = FAMILY_GRAPH;
        /* Without it the newer products' alerts say that they come from nobody. */
        request.header = "Prefer: include-unknown-enum-members";
    }
    arm_send_to(job, &request, url);
}

static void on_page(struct job *job, const struct answer *answer, void *arg)
{
    struct feed *feed = arg;
    const struct config *config = &job->azure->config;
    const char *base = feed->is_graph ? config->graph : config->arm;
    const cJSON *item;

    if (!answer_is_good(job, answer, true,
                        feed->is_graph ? "read the alerts of Graph" : "list the alerts"))
        return;
    cJSON_ArrayForEach(item, json_get(answer->json, "value"))
    {
        keep(job, feed, item);
    }
    const char *next = json_text(answer->json, feed->next);
    if (next[0] == '\0') {
        tell(job, feed);
    } else if (++feed->pages >= PAGES_MAX || feed->count > FEED_SEEN_MAX) {
        job_fail(job, CORDON_REFUSED, "TooMany",
                 "there are more than %d pages of alerts; poll from a later time",
                 PAGES_MAX);
    } else {
        const char *url = link_of(job, next, base, NULL);
        if (url != NULL)
            ask(job, feed, url);
    }
}

/* One, by its id: what a change notification names. */
static void on_one(struct job *job, const struct answer *answer, void *arg)
{
    struct feed *feed = arg;

    if (!answer_is_good(job, answer, true, job_text(job, "read %s", feed->path)))
        return;
    cJSON *out = job_object(job);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(out, "alerts"),
                         cJSON_Duplicate(answer->json, true));
    cJSON_AddBoolToObject(out, "more", false);
    cJSON_AddStringToObject(out, "since", "");
    cJSON_AddStringToObject(out, "after", "");
    job_done(job, out);
}

static struct feed *feed_new(struct job *job, const struct feed *like)
{
    struct feed *feed = job_alloc(job, sizeof *feed);
    const char *since = json_text(job->args, "since");

    *feed = *like;
    feed->after = json_text(job->args, "after");
    make_key(feed->since, since);
    if (since[0] != '\0' && feed->since[0] == '\0') {
        job_fail(job, CORDON_REFUSED, "BadTime", "since: want one like %s",
                 "2026-01-31T09:00:00Z");
        return NULL;
    }
    return feed;
}

static int defender_read(struct cordon_call *call, const struct cordon_input *in)
{
    static const struct feed defender = {
        .id = "name",
        .properties = "properties",
        .times = { "timeGeneratedUtc", "processingEndTimeUtc" },
        .next = "nextLink",
    };
    struct job *job = job_begin(call, in);
    struct feed *feed = feed_new(job, &defender);

    if (feed != NULL)
        ask(job, feed,
            job_text(job,
                     "%s/subscriptions/%s/providers/Microsoft.Security/alerts"
                     "?api-version=" ARM_ALERTS,
                     job->azure->config.arm, json_text(job->args, "subscription")));
    return job_started(job);
}

static int graph_read(struct cordon_call *call, const struct cordon_input *in,
                      const char *path)
{
    const struct feed graph = { .id = "id",
                                .times = { "lastUpdateDateTime", NULL },
                                .next = "@odata.nextLink",
                                .is_graph = true,
                                .path = path };
    struct job *job = job_begin(call, in);
    struct feed *feed = feed_new(job, &graph);
    const char *id = json_text(job->args, "id");
    const char *base = job->azure->config.graph;

    if (feed != NULL && id[0] != '\0') {
        struct arm_request request = { .method = "GET",
                                       .done = on_one,
                                       .arg = feed,
                                       .audience = job->azure->config.graph_audience,
                                       .header = "Prefer: include-unknown-enum-members" };
        arm_send_to(job, &request,
                    job_text(job, "%s/v1.0/security/%s/%s", base, path,
                             text_encode(job, id)));
    } else if (feed != NULL) {
        ask(job, feed,
            job_text(job, "%s/v1.0/security/%s?$top=50%s%s", base, path,
                     feed->since[0] != '\0' ? "&$filter=lastUpdateDateTime%20ge%20" : "",
                     feed->since));
    }
    return job_started(job);
}

static int graph_alerts_read(struct cordon_call *call, const struct cordon_input *in)
{
    return graph_read(call, in, "alerts_v2");
}

static int graph_incidents_read(struct cordon_call *call, const struct cordon_input *in)
{
    return graph_read(call, in, "incidents");
}

/* -- Declarations ---------------------------------------------------------------------- */

#define SINCE                                                                     \
    "\"since\":{\"type\":\"string\",\"maxLength\":40,\"description\":"            \
    "\"what changed at this time or later, RFC 3339 in UTC; everything when not " \
    "given\"},\"after\":{\"type\":\"string\",\"maxLength\":1024,\"description\":" \
    "\"of what changed right at that time, those whose id sorts behind this one\"}"
#define RESULT                                                                      \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"alerts\"," \
    "\"more\",\"since\",\"after\"],\"properties\":{\"alerts\":{\"type\":\"array\"," \
    "\"description\":\"as the API has them, from the oldest\",\"items\":{\"type\":" \
    "\"object\",\"additionalProperties\":true}},\"more\":{\"type\":\"boolean\","    \
    "\"description\":\"there are later ones\"},\"since\":{\"type\":\"string\","     \
    "\"description\":\"with after: from where to go on\"},\"after\":{\"type\":"     \
    "\"string\"}}}"
#define ONE                                                                          \
    "\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":200,\"description\":" \
    "\"only this one, whenever it changed\"}"

static const char *const defender_permissions[] = { "Microsoft.Security/alerts/read",
                                                    NULL };
static const char *const alerts_permissions[] = { "SecurityAlert.Read.All", NULL };
static const char *const incidents_permissions[] = { "SecurityIncident.Read.All", NULL };

const struct cordon_action feed_defender = {
    .size = sizeof(struct cordon_action),
    .name = "azure.defender.alerts",
    .summary = "List the alerts of Defender for Cloud in a subscription, from a time on",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = defender_permissions,
    .timeout_ms = 120000,
    .args_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"required\":[\"subscription\"],\"properties\":{\"subscription\":{"
                   "\"type\":\"string\",\"format\":\"uuid\"}," SINCE "}}",
    .result_schema = RESULT,
    .read = defender_read,
};

const struct cordon_action feed_graph_alerts = {
    .size = sizeof(struct cordon_action),
    .name = "azure.graph.alerts",
    .summary = "List the security alerts of Microsoft Graph, from a time on, or one by id",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = alerts_permissions,
    .timeout_ms = 120000,
    .args_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"properties\":{" SINCE "," ONE "}}",
    .result_schema = RESULT,
    .read = graph_alerts_read,
};

const struct cordon_action feed_graph_incidents = {
    .size = sizeof(struct cordon_action),
    .name = "azure.graph.incidents",
    .summary = "List the incidents of Microsoft Graph, from a time on, or one by id",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = incidents_permissions,
    .timeout_ms = 120000,
    .args_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"properties\":{" SINCE "," ONE "}}",
    .result_schema = RESULT,
    .read = graph_incidents_read,
};

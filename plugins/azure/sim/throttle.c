/* SPDX-License-Identifier: Apache-2.0 */
#include "throttle.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum {
    PRINCIPALS_MAX = 64, /* the oldest is forgotten */
    SHARED_TIMES = 15,   /* what all principals together have of one's */
    READS = 250,         /* what Azure gives, for the headers when nothing is limited */
    WRITES = 200
};

enum action { ACTION_READ, ACTION_WRITE, ACTION_DELETE, ACTION_COUNT };

struct bucket {
    char principal[UUID_SIZE]; /* "" for all together */
    double left[ACTION_COUNT];
    int64_t filled_ms[ACTION_COUNT]; /* 0: never used, and so full */
    int64_t
        waits_until_ms[ACTION_COUNT]; /* what its last refusal said; 0: there was none */
};

struct buckets {
    struct bucket of[PRINCIPALS_MAX];
    struct bucket shared;
    int next;
};

static const char *const names[] = { "reads", "writes", "deletes" };

struct buckets *buckets_new(void)
{
    return xcalloc(1, sizeof(struct buckets));
}

void buckets_free(struct buckets *buckets)
{
    free(buckets);
}

void buckets_clear(struct buckets *buckets)
{
    memset(buckets, 0, sizeof *buckets);
}

static enum action action_of(const struct request *request)
{
    if (request_is(request, "GET") || request_is(request, "HEAD"))
        return ACTION_READ;
    return request_is(request, "DELETE") ? ACTION_DELETE : ACTION_WRITE;
}

static struct bucket *bucket_of(struct buckets *buckets, const char *principal)
{
    for (int i = 0; i < PRINCIPALS_MAX; i++) {
        if (text_is(buckets->of[i].principal, principal))
            return &buckets->of[i];
    }
    struct bucket *bucket = &buckets->of[buckets->next++ % PRINCIPALS_MAX];
    *bucket = (struct bucket){ 0 };
    memcpy(bucket->principal, principal, UUID_SIZE - 1);
    return bucket;
}

static void fill(struct bucket *bucket, enum action action, int size, int refill)
{
    int64_t now_ms = clock_steady_ms();
    double gone_s = (double)(now_ms - bucket->filled_ms[action]) / 1000;
    double left = bucket->left[action] + gone_s * refill;

    bucket->left[action] = bucket->filled_ms[action] == 0 || left > size ? size : left;
    bucket->filled_ms[action] = now_ms;
}

static void refuse(struct reply *reply, struct bucket *bucket, enum action action,
                   int refill, bool is_shared)
{
    double lacks = 1 - bucket->left[action];
    int wait_s = refill > 0 ? (int)(lacks / refill) + 1 : 60;

    reply_error(reply, 429,
                is_shared ? "SubscriptionRequestsThrottled" : "ResourceRequestsThrottled",
                "Number of %s for this %s exceeded the limit. Please try again after '%d' "
                "seconds.",
                names[action], is_shared ? "subscription" : "principal", wait_s);
    reply_header(reply, "Retry-After", "%d", wait_s);
    bucket->waits_until_ms[action] = clock_steady_ms() + (int64_t)wait_s * 1000;
}

static void add_header(struct reply *reply, const char *kind, enum action action,
                       const struct bucket *bucket)
{
    char *name =
        text_format("x-ms-ratelimit-remaining-subscription%s-%s", kind, names[action]);

    reply_header(reply, name, "%d", (int)bucket->left[action]);
    free(name);
}

/* Azure begins the wait anew for who does not wait: nothing comes back meanwhile. */
static void renew(struct bucket *bucket, enum action action)
{
    if (clock_steady_ms() < bucket->waits_until_ms[action])
        bucket->left[action] = 0;
}

bool throttle_lets_pass(struct request *request, struct reply *reply)
{
    const struct settings *settings = &request->sim->settings;
    struct buckets *buckets = request->sim->buckets;
    enum action action = action_of(request);
    bool is_read = action == ACTION_READ;
    int limit = is_read ? settings->read_bucket : settings->write_bucket;
    int refill = is_read ? settings->read_refill : settings->write_refill;
    int size = limit > 0 ? limit : is_read ? READS : WRITES;
    struct bucket *own = bucket_of(buckets, json_text(request->identity, "object_id"));
    struct bucket *shared = &buckets->shared;

    fill(own, action, size, refill);
    fill(shared, action, size * SHARED_TIMES, refill * SHARED_TIMES);
    if (limit > 0 && settings->bucket_renews)
        renew(own, action);
    bool is_shared = shared->left[action] < 1;
    bool is_empty = own->left[action] < 1 || is_shared;
    if (limit > 0 && is_empty) {
        refuse(reply, is_shared ? shared : own, action, refill, is_shared);
        return false;
    }
    own->left[action] -= own->left[action] >= 1;
    shared->left[action] -= shared->left[action] >= 1;
    add_header(reply, "", action, own);
    add_header(reply, "-global", action, shared);
    return true;
}

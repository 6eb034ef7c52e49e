/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "job.h"
#include "nsg.h"
#include "own.h"
#include "place.h"
#include "rbac.h"
#include "rights.h"
#include "text.h"
#include "vault.h"

enum {
    COUNT_PAGES_MAX = 20,    /* of one list; what is behind them is not counted */
    COUNT_MS = 10 * 1000,    /* for all pages; the observation waits no longer */
    KEPT_MS = 5 * 60 * 1000, /* a number, and also a refusal */
    MISSED_MS = 30 * 1000,   /* that it failed: it may work soon */
    LOOK_MS = 50             /* between looks at a count that somebody else makes */
};

struct count {
    struct job *job;
    enum count_kind kind;
    const char *place; /* a subscription, a scope or a vault */
    const char *what;  /* the name under which it is kept */
    const char *busy;  /* and that under which it is known to be under way */
    const char *target;
    const cJSON *state;
    int64_t found;
    int pages;
};

/* why: of a number that is not known. */
static void end(struct count *count, int64_t exists, const char *why)
{
    count->job->instead = NULL;
    if (exists <= 0)
        count->job->uncounted =
            job_text(count->job, "how many %s there are is not known: %.600s", count->what,
                     why != NULL && why[0] != '\0' ? why : "the list has none");
    count->job->exists = exists;
    job_observed(count->job, count->target, count->state);
}

static void keep(struct count *count, int64_t exists, const char *why, int64_t ms)
{
    known_keep(count->job, count->what,
               job_text(count->job, "%" PRId64 ":%.600s", exists, why), ms);
    known_keep(count->job, count->busy, "", 0);
}

static void on_missed(struct job *job, enum cordon_status status, const char *why)
{
    struct count *count = job->courtesy;

    job->host->log(0, "%s: how many exist is not known: %s", count->what, why);
    keep(count, 0, why, status == CORDON_REFUSED ? KEPT_MS : MISSED_MS);
    end(count, 0, why);
}

static void miss(struct job *job, const char *why)
{
    job_fail(job, CORDON_RETRY, "NotCounted", "%s", why);
}

/* The list of sites also says which addresses are ours. */
static void see_sites(struct job *job, const cJSON *list)
{
    const cJSON *site;

    cJSON_ArrayForEach(site, list)
    {
        own_see_outbound(job, job_lower(job, json_text(site, "id")), site);
    }
}

static void on_page(struct job *job, const struct answer *answer, void *arg)
{
    struct count *count = arg;
    const cJSON *list = json_get(answer->json, "value");
    const char *next = json_text(answer->json, "nextLink");

    if (!answer_is_good(job, answer, true, "list them"))
        return;
    if (!cJSON_IsArray(list)) {
        miss(job, "the answer is no list");
        return;
    }
    if (count->kind == COUNT_SITES)
        see_sites(job, list);
    count->found += cJSON_GetArraySize(list);
    count->pages++;
    if (next[0] != '\0' && count->pages < COUNT_PAGES_MAX) {
        if (count->kind == COUNT_SECRETS)
            vault_next(job, count->place, next, on_page, count);
        else
            arm_next(job, next, on_page, count);
        return;
    }
    if (next[0] != '\0')
        job->host->log(0, "%s: there are more than the %" PRId64 " that %d pages show",
                       count->what, count->found, COUNT_PAGES_MAX);
    keep(count, count->found, "", KEPT_MS);
    end(count, count->found, NULL);
}

static void ask(struct job *job, struct count *count)
{
    static const struct {
        const char *path, *version;
    } lists[] = {
        [COUNT_SITES] = { "providers/Microsoft.Web/sites", ARM_WEB },
        [COUNT_NSGS] = { "providers/" NSG_TYPE, ARM_NETWORK },
        [COUNT_ASSIGNMENTS] = { "providers/Microsoft.Authorization/roleAssignments",
                                ARM_AUTH },
    };
    bool is_above =
        count->kind == COUNT_ASSIGNMENTS && !text_starts(count->place, "/subscriptions/");

    if (count->kind == COUNT_SECRETS) {
        struct vault_request request = { .method = "GET",
                                         .vault = count->place,
                                         .path = "/secrets",
                                         .query = "&maxresults=25",
                                         .done = on_page,
                                         .arg = count };
        vault_send(job, &request);
        return;
    }
    struct arm_request request = {
        .method = "GET",
        .path = job_text(job, "%s/%s", count->place, lists[count->kind].path),
        .version = lists[count->kind].version,
        .query = is_above ? "&%24filter=atScope%28%29" : NULL,
        .done = on_page,
        .arg = count,
    };
    arm_send(job, &request);
}

/* Others that are observed at the same time wait for the one that asks, by a clock of their
 * own: should its call be over before it has an answer, the next one asks. */
static void look(struct cordon_call *call, void *arg)
{
    struct count *count = arg;
    struct job *job = count->job;
    const char *known = known_find(job, count->what);

    (void)call;
    if (known != NULL) {
        const char *why = strchr(known, ':');
        end(count, strtoll(known, NULL, 10), why != NULL ? why + 1 : NULL);
        return;
    }
    job->instead = on_missed;
    if (known_find(job, count->busy) == NULL) {
        known_keep(job, count->busy, "", COUNT_MS);
        ask(job, count);
    } else if (job->host->now_ms() >= job->instead_until_ms ||
               job->host->after(job->call, LOOK_MS, look, count) != 0) {
        end(count, 0, "another look that counts them has not come to its end");
    }
}

/* Where the right to change it is asked for: an assignment is changed at its scope. */
static const char *scope_of(struct job *job, enum count_kind kind, const char *id)
{
    if (kind != COUNT_ASSIGNMENTS)
        return id;
    return job_text(job, "%.*s", (int)(strlen(id) - ASSIGNMENT_TAIL), id);
}

/* The part of an id that says where such things are counted. */
static const char *place_of(struct job *job, enum count_kind kind, const char *id)
{
    static const char prefix[] = "/subscriptions/";
    size_t len = strlen(prefix);

    if (kind == COUNT_SECRETS)
        return id;
    if (text_starts(id, prefix))
        return job_lower(job,
                         job_text(job, "%.*s", (int)(len + strcspn(id + len, "/")), id));
    /* SCOPE/providers/Microsoft.Authorization/roleAssignments/GUID */
    return job_lower(job, job_text(job, "%.*s", (int)(strlen(id) - ASSIGNMENT_TAIL), id));
}

static void begin(struct job *job, void *arg)
{
    struct count *count = arg;

    job->courtesy = count;
    job->instead_until_ms = job->host->now_ms() + COUNT_MS;
    look(job->call, count);
}

void count_observed(struct job *job, enum count_kind kind, const char *place,
                    const char *target, const cJSON *state)
{
    static const char *const names[] = {
        [COUNT_SITES] = "sites",
        [COUNT_NSGS] = "network security groups",
        [COUNT_ASSIGNMENTS] = "role assignments",
        [COUNT_SECRETS] = "secrets",
    };

    if (job->before != NULL) { /* it is looked at again: nothing is guarded any more */
        if (kind == COUNT_SECRETS)
            place_observed(job, place, target, state);
        else
            job_observed(job, target, state);
        return;
    }
    struct count *count = job_alloc(job, sizeof *count);
    *count = (struct count){ .job = job, .kind = kind, .target = target, .state = state };
    count->place = place_of(job, kind, place);
    count->what = job_text(job, "%s of %s", names[kind],
                           count->place[0] != '\0' ? count->place : "/");
    count->busy = job_text(job, "counting %s", count->what);
    if (job->rights != NULL)
        rights_look(job, scope_of(job, kind, place), job->rights, begin, count);
    else if (kind == COUNT_SECRETS)
        place_look(job, place, begin, count);
    else
        begin(job, count);
}

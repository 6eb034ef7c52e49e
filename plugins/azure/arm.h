/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm.h - requests to the resource manager: address, version, token, and one more try with
 * a fresh token when the first one is turned down.
 */
#pragma once

#include "answer.h"

#define ARM_WEB     "2024-04-01"
#define ARM_AUTH    "2022-04-01"
#define ARM_PIM     "2020-10-01"
#define ARM_LOCKS   "2020-05-01"
#define ARM_NETWORK "2024-03-01"
#define ARM_SUBS    "2022-12-01"
#define ARM_VAULTS  "2026-02-01" /* all earlier ones are retired on 2027-02-27 */
#define ARM_ALERTS  "2022-01-01"

enum { PAGES_MAX = 200 }; /* of one list */

struct arm_request {
    const char *method;
    const char *path;     /* "/subscriptions/...", without the query */
    const char *version;  /* of the API */
    const char *query;    /* "&$filter=...", encoded; NULL for none */
    const cJSON *body;    /* NULL for none; printed, not taken */
    const char *accept;   /* NULL: application/json */
    const char *header;   /* one more; NULL for none */
    const char *audience; /* whom the token is for; NULL: the resource manager */
    enum family family;   /* FAMILY_ARM: by the provider in the address */
    uint32_t flags;       /* CORDON_HTTP_* */
    answer_fn *done;
    void *arg;
};

/* Calls request->done with whatever came, or fails the job. */
void arm_send(struct job *job, const struct arm_request *request);

/* The same to the whole address url, of the service that request->audience names; path, version
 * and query are not looked at. */
void arm_send_to(struct job *job, const struct arm_request *request, const char *url);

/* The same for a GET without query. */
void arm_get(struct job *job, const char *path, const char *version, answer_fn *done,
             void *arg);

/* Goes on with a list at its nextLink, which has to be an address of the resource manager:
 * anybody else would be sent our token. */
void arm_next(struct job *job, const char *link, answer_fn *done, void *arg);

/* Did it work, with a JSON body if needs_body? If not, the job has failed and what, which
 * may name the target, begins the sentence: "stop site shop-web: ...". */
bool answer_is_good(struct job *job, const struct answer *answer, bool needs_body,
                    const char *what);

/* Does it say that the target, or the group in which it lies, does not exist? Not of a
 * subscription: that is also what another tenant is answered. Nor of a secret: one that is
 * deleted can be recovered, and is then as we left it. */
bool answer_says_gone(const struct answer *answer);

/* The address that a nextLink means, when it is one of base (an address without a slash at
 * the end), or of known, the name under which base is known to others (NULL: none): the
 * path alone is completed, and what may not stand in an address is encoded. NULL after the
 * job has failed, with what is wrong with the link. */
const char *link_of(struct job *job, const char *link, const char *base, const char *known);

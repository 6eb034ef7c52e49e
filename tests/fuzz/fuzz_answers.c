/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what others answer us: a provider's claims; headers up to an empty line and a
 * body, as the begin of an operation, as a poll and as its record. What is followed stays with
 * whom it began, and every wait is bounded. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/oidc_claims.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "plugin/lro.h"
#include "plugin/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1800000000000)

static void try_claims(struct span json)
{
    static const char config[] =
        "{\"groups\":{\"g\":[\"viewer\"]},\"groups_claim\":\"groups\"}";
    struct oidc_person person;
    struct err err = { 0 };

    if (json_check(json.ptr, json.len, 65536, &err) != 0)
        return;
    if (oidc_read_claims(&person, "entra", span_of(config), json, &err) == 0)
        assert(person.roles != 0 && strncmp(person.who, "entra:", 6) == 0 &&
               strlen(person.who) <= OIDC_PERSON_MAX);
    else
        assert(strlen(err.text) > 0);
}

static void try_operation(const struct http_reply *reply)
{
    static const char url[] = "https://management.azure.com/subscriptions/x";
    struct lro lro = { 0 }, again = { 0 };
    struct str record = { 0 };
    struct err err = { 0 };

    if (lro_begin(&lro, "PUT", url, reply, &err) == 0) {
        if (lro.way != LRO_NONE) {
            assert(lro.poll == NULL || lro_may_follow(url, lro.poll));
            lro_read(&lro, reply);
            lro_save(&lro, "PUT", url, &record);
            assert(lro_load(&again, "PUT", url, str_span(&record)));
            lro_fini(&again);
        }
        lro_fini(&lro);
    } else {
        assert(strlen(err.text) > 0);
    }
    str_fini(&record);
    int64_t wait = lro_delay_ms(reply->headers, NOW_MS);
    assert(wait >= LRO_LEAST_MS && wait <= LRO_MOST_MS);
    assert(retry_after_ms(reply->headers, NOW_MS) <= RETRY_AFTER_MAX_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 200, 201, 202, 204, 400, 404, 429, 503 };
    char *text = span_dup((struct span){ (const char *)data, size });
    char *body = strstr(text, "\n\n");
    struct lro lro = { 0 };

    try_claims((struct span){ (const char *)data, size });
    if (lro_load(&lro, "PUT", "https://management.azure.com/x", span_of(text)))
        lro_fini(&lro);
    if (body != NULL) {
        body[1] = '\0';
        body += 2;
    }
    struct http_reply reply = { .status = statuses[size % 8],
                                .headers = text,
                                .body = body != NULL ? body : "",
                                .body_len = body != NULL ? strlen(body) : 0 };
    try_operation(&reply);
    free(text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an alert: refused with a sentence, and nothing added; or normalised, which is
 * canonical JSON with every member that an alert has. */
#include "alert/alert.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_alert(const struct str *alert)
{
    static const char *const texts[] = { "id",       "source", "type",   "title",
                                         "severity", "status", "tenant", "subscription" };
    static const char *const lists[] = { "resources", "tactics", "techniques" };
    struct span json = str_span(alert);
    struct str again = { 0 };
    struct err err;

    int rc = json_canonical(&again, alert->ptr, alert->len, &err);
    assert(rc == 0 && span_equal(json, str_span(&again)));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert(json_kind(json_get(json, texts[i])) == JSON_STRING);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert(json_kind(json_get(json, lists[i])) == JSON_ARRAY);
        assert(json_count(json_get(json, lists[i])) <= ALERT_ITEMS_MAX);
    }
    assert(json_kind(json_get(json, "entities")) == JSON_OBJECT);
    str_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str alert = { 0 };
    struct err err = { 0 };

    if (alert_normalise((struct span){ (const char *)data, size }, &alert, &err) == 0)
        check_alert(&alert);
    else
        assert(alert.len == 0 && err.code < 0 && strlen(err.text) > 0);
    str_fini(&alert);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a delivery: refused with a sentence; or a list of alerts that the adapters which
 * cordon brings made of it, each of which is refused, and nothing added, or is canonical JSON
 * with every member that an alert has. */
#include "alert/alert.h"
#include "alert/alert_set.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/adapt.h"
#include "vm/state.h"
#include "vm/vm.h"

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

static void complete(struct span json)
{
    struct str alert = { 0 };
    struct err err = { 0 };

    if (alert_complete(json, span_of("generic"), &alert, &err) == 0)
        check_alert(&alert);
    else
        assert(alert.len == 0 && err.code < 0 && strlen(err.text) > 0);
    str_fini(&alert);
}

/* The items of a delivery, those of one alert joined. */
static void join_items(struct span list)
{
    struct alert_set set = { 0 };
    struct str out = { 0 };
    struct span item;
    struct err err = { 0 };
    size_t pos = 0;
    int count = 0;

    while (json_next(list, &pos, NULL, &item))
        if (alert_set_add(&set, item, span_of("generic"), 1, &err) == 0)
            count++;
    alert_set_write(&set, &out);
    assert(set.count <= count);
    assert(json_check(out.ptr, out.len, JSON_LEN_MAX * 4, &err) == 0);
    alert_set_fini(&set);
    str_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vm *vm;
    struct span delivery = { (const char *)data, size }, item;
    struct err err = { 0 };
    size_t pos = 0;

    if (json_check(delivery.ptr, delivery.len, ALERT_LEN_MAX, &err) != 0)
        return 0;
    if (vm == NULL)
        vm = vm_new(-1);
    complete(delivery);
    bool ok = adapt_read(vm, span_of(""), delivery);
    struct str *adapted = &vm->adapted;
    assert(json_check(adapted->ptr, adapted->len, JSON_LEN_MAX * 4, &err) == 0);
    if (!ok)
        assert(json_get_raw(str_span(adapted), "message").len > 0);
    while (ok && json_next(str_span(adapted), &pos, NULL, &item))
        complete(item);
    if (ok)
        join_items(str_span(adapted));
    return 0;
}

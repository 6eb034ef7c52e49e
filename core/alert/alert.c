/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/alert.h"

#include "alert/fields.h"
#include "base/err.h"
#include "base/json.h"

/* Senders put alerts into lists, also single ones: [alert], {"value":[alert]}, and with a
 * link to the next page beside it. */
static int unwrap(struct span *json, struct err *err)
{
    struct span list = json_kind(*json) == JSON_ARRAY ? *json
                       : json_count(*json) <= 2       ? json_get(*json, "value")
                                                      : (struct span){ 0 };
    size_t pos = 0;

    if (json_kind(list) != JSON_ARRAY)
        return 0;
    if (json_count(list) != 1)
        return err_set(err, ERR_INVALID, "a list of %zu alerts: give one at a time",
                       json_count(list));
    json_next(list, &pos, NULL, json);
    return 0;
}

static int read_alert(struct alert *alert, struct span json, struct err *err)
{
    alert->raw = json;
    if (json_kind(json) == JSON_OBJECT && alert_is_defender(json))
        return alert_from_defender(alert, json, err);
    if (json_kind(json) == JSON_OBJECT && alert_is_generic(json))
        return alert_from_generic(alert, json, err);
    return err_set(
        err, ERR_INVALID,
        "this is no alert that is known: want one of Defender for Cloud (the event"
        " with AlertType and SystemAlertId, the ARM resource with these in"
        " properties, or the activity log entry of category Security), or an object"
        " with id, title and severity");
}

int alert_normalise(struct span text, struct str *out, struct err *err)
{
    struct alert alert = { 0 };

    if (json_check(text.ptr, text.len, ALERT_LEN_MAX, err) != 0)
        return err_wrap(err, "the alert");
    struct span json = text;
    int rc = unwrap(&json, err);
    if (rc == 0)
        rc = read_alert(&alert, json, err);
    if (rc == 0)
        rc = alert_write(&alert, out, err);
    alert_fini(&alert);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stuck.h"

#include <stdbool.h>

#include "base/json.h"
#include "cli/drift.h"
#include "cli/render.h"

/* Is there a settle row for this step behind pos? A step may drift more than once. */
static bool is_settled(struct span rows, size_t pos, struct span body)
{
    struct span row;

    while (json_next(rows, &pos, NULL, &row)) {
        struct span other = json_get(row, "body");
        if (span_is(json_get_raw(row, "kind"), "settle") &&
            span_equal(json_get(other, "b"), json_get(body, "b")) &&
            json_get_int(other, "n", -1) == json_get_int(body, "n", -2))
            return true;
    }
    return false;
}

/* The error of an undo that could not be done; empty when the row is none. */
static struct span failed_undo(struct span kind, struct span body)
{
    bool is_undo = span_is(json_get_raw(body, "b"), "u");
    bool is_answer = span_is(kind, "answer") && !json_get_bool(body, "ok", true);
    bool is_refused =
        span_is(kind, "outcome") && span_is(json_get_raw(body, "s"), "refused");

    return is_undo && (is_answer || is_refused) ? json_get(body, "v") : (struct span){ 0 };
}

/* An outcome does not name its target; the intent of the same step does. */
static struct span named(struct span rows, struct span body)
{
    struct span row, found = body;
    size_t pos = 0;

    while (json_get(body, "t").len == 0 && json_next(rows, &pos, NULL, &row)) {
        struct span other = json_get(row, "body");
        if (span_is(json_get_raw(row, "kind"), "intent") &&
            span_equal(json_get(other, "b"), json_get(body, "b")) &&
            json_get_int(other, "n", -1) == json_get_int(body, "n", -2))
            found = other;
    }
    return found;
}

void stuck_render(struct str *out, const struct look *look, struct span show)
{
    struct span rows = json_get(show, "rows"), row;
    size_t pos = 0;

    while (json_next(rows, &pos, NULL, &row)) {
        struct span kind = json_get_raw(row, "kind"), body = json_get(row, "body");
        bool is_drift = span_is(kind, "drift");
        struct span failed = failed_undo(kind, body);
        if ((!is_drift && !failed.len && !span_is(kind, "doubt")) ||
            is_settled(rows, pos, body))
            continue;
        if (failed.len)
            drift_render_failed(out, look, json_get_raw(row, "run"), named(rows, body),
                                failed);
        else if (is_drift)
            drift_render(out, look, json_get_raw(row, "run"), body);
        else
            drift_render_doubt(out, look, json_get_raw(row, "run"), body);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/outcome.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "cli/render.h"

enum { SHOWN_MAX = 300 /* bytes of one value in a message */ };

void outcome_tell(struct str *message, const struct str *sentence)
{
    if (message->len > 0)
        str_add_char(message, '\n');
    str_add_span(message, str_span(sentence));
}

static void add_shown(struct str *out, const char *text)
{
    str_add_shown(out, text, strnlen(text, SHOWN_MAX));
}

/* -- effects ----------------------------------------------------------------------------- */

/* The next line of the simulator's log that changed something; NULL when there is none. */
static char *next_effect(struct span *log)
{
    while (log->len > 0) {
        const char *end = memchr(log->ptr, '\n', log->len);
        struct span line = { log->ptr, end != NULL ? (size_t)(end - log->ptr) : log->len };
        size_t step = line.len + (end != NULL);
        struct err err;

        *log = (struct span){ log->ptr + step, log->len - step };
        if (json_check(line.ptr, line.len, JSON_LEN_MAX, &err) != 0)
            continue;
        char *effect = json_get_text(line, "effect");
        if (effect != NULL)
            return effect;
    }
    return NULL;
}

static void tell_effect(struct str *message, int number, const char *wanted,
                        const char *got)
{
    struct str text = { 0 };

    if (wanted == NULL) {
        str_printf(&text, "after %d effects there should be no other, and there is ",
                   number - 1);
    } else {
        str_printf(&text, "effect %d should be ", number);
        add_shown(&text, wanted);
        str_add_text(&text, got != NULL ? ", and is " : ", and there is none");
    }
    if (got != NULL)
        add_shown(&text, got);
    outcome_tell(message, &text);
    str_fini(&text);
}

/* Only the first that is different is told: what comes behind it means little then. */
void outcome_effects(struct str *message, struct span list, struct span log)
{
    bool is_same = true, is_more = true;
    struct span item;
    size_t pos = 0;

    for (int number = 1; is_same && is_more; number++) {
        char *wanted = json_next(list, &pos, NULL, &item) ? json_text(item) : NULL;
        char *got = next_effect(&log);

        is_more = wanted != NULL || got != NULL;
        is_same = !is_more || (wanted != NULL && got != NULL &&
                               fnmatch(wanted, got, FNM_NOESCAPE) == 0);
        if (!is_same)
            tell_effect(message, number, wanted, got);
        free(wanted);
        free(got);
    }
}

/* -- the world --------------------------------------------------------------------------- */

/* The object with that id, wherever it is. The world's depth is bounded by its check. */
static struct span find_object(struct span value, struct span id)
{
    struct span item, found = { 0 };
    size_t pos = 0;

    if (json_kind(value) != JSON_OBJECT && json_kind(value) != JSON_ARRAY)
        return found;
    if (json_kind(value) == JSON_OBJECT && span_equal_nocase(json_get_raw(value, "id"), id))
        return value;
    while (found.len == 0 && json_next(value, &pos, NULL, &item))
        found = find_object(item, id);
    return found;
}

static struct span member(struct span object, struct span name)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(object, &pos, &key, &value))
        if (span_equal(key, name))
            return value;
    return (struct span){ 0 };
}

/* Goes down to the first member that is different, and adds its path to text. */
static void find_difference(struct str *text, struct span *got, struct span *wanted)
{
    const char *between = ": ";

    for (bool is_deeper = true; is_deeper;) {
        struct span key, item;
        size_t pos = 0;

        is_deeper = false;
        if (json_kind(*got) != JSON_OBJECT || json_kind(*wanted) != JSON_OBJECT)
            return;
        while (!is_deeper && json_next(*wanted, &pos, &key, &item)) {
            struct span there = member(*got, key);
            if (there.len > 0 && json_has(there, item))
                continue;
            str_add_text(text, between);
            between = ".";
            str_add_shown(text, key.ptr, key.len);
            *got = there;
            *wanted = item;
            is_deeper = true;
        }
    }
}

static void tell_object(struct str *message, struct span id, struct span wanted,
                        struct span got)
{
    struct str text = { 0 };

    str_add_text(&text, "afterwards ");
    str_add_shown(&text, id.ptr, id.len < SHOWN_MAX ? id.len : SHOWN_MAX);
    if (json_kind(wanted) == JSON_FALSE) {
        str_add_text(&text, " should be gone, and is there");
    } else if (got.len == 0) {
        str_add_text(&text, " should be there, and is gone");
    } else {
        find_difference(&text, &got, &wanted);
        str_add_text(&text, " should be ");
        render_value(&text, wanted, SHOWN_MAX);
        str_add_text(&text, got.len > 0 ? ", and is " : ", and is not there");
        render_value(&text, got, SHOWN_MAX);
    }
    outcome_tell(message, &text);
    str_fini(&text);
}

void outcome_world(struct str *message, struct span list, struct span world)
{
    struct span id, wanted;
    size_t pos = 0;

    while (json_next(list, &pos, &id, &wanted)) {
        struct span got = find_object(world, id);
        bool is_right = json_kind(wanted) == JSON_FALSE
                            ? got.len == 0
                            : got.len > 0 && json_has(got, wanted);
        if (!is_right)
            tell_object(message, id, wanted, got);
    }
}

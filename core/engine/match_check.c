/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/match_check.c - is it a match that engine/match.c understands word for word?
 *
 * What would never fit anything is a rule that somebody believes in and that does not hold,
 * so it is refused when the policy is read.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/schema.h"
#include "base/zone.h"

static int fail(struct err *err, const char *what, const char *want, struct span got)
{
    return err_set(err, ERR_INVALID, "%s: want %s, got %.*s", what, want,
                   (int)(got.len < 60 ? got.len : 60), got.ptr);
}

static bool is_word(struct span word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (span_equal_nocase(word, span_of(*words)))
            return true;
    return false;
}

/* With a "+" behind it, it and all above it. */
static bool is_level(struct span word)
{
    static const char *const levels[] = { "informational", "low",      "medium",
                                          "high",          "critical", NULL };

    if (word.len > 0 && word.ptr[word.len - 1] == '+')
        word.len--;
    return is_word(word, levels);
}

static bool is_effect(struct span word)
{
    static const char *const words[] = { "reads", "reverts", "permanent", "*", NULL };

    return is_word(word, words);
}

static bool is_risk(struct span word)
{
    static const char *const words[] = { "low", "medium", "high", "*", NULL };

    return is_word(word, words);
}

static bool is_days(struct span word)
{
    return match_is_days(word, -1);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Tags are compared as they are, so a blank beside "=" or at an end matches no tag. */
static bool is_tag(struct span word)
{
    const char *sign = memchr(word.ptr, '=', word.len);

    if (word.len == 0 || sign == word.ptr || is_blank(word.ptr[0]) ||
        is_blank(word.ptr[word.len - 1]))
        return false;
    return sign == NULL ||
           (!is_blank(sign[-1]) && (sign + 1 == word.ptr + word.len || !is_blank(sign[1])));
}

/* A GUID, or a glob that one can match. */
static bool is_subscription(struct span word)
{
    bool has_glob =
        memchr(word.ptr, '*', word.len) != NULL || memchr(word.ptr, '?', word.len) != NULL;

    for (size_t i = 0; i < word.len; i++)
        if (strchr("0123456789abcdefABCDEF-*?", word.ptr[i]) == NULL)
            return false;
    return word.len > 0 && (has_glob || schema_format("uuid", word));
}

/* A run has touched one target at least: "< 1" and "= 0" fit none. */
static bool is_count(struct span word)
{
    bool fits_none, fits_one, fits_all;

    return match_count(word, 0, &fits_none) && match_count(word, 1, &fits_one) &&
           match_count(word, INT64_MAX, &fits_all) &&
           (fits_one || fits_all || (span_starts(word, "=") && !fits_none));
}

typedef bool is_fn(struct span word);

/* One text or a list of them, and each of them so. */
static int check_words(struct span value, const char *what, const char *want, is_fn *is,
                       struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(value) == JSON_ARRAY && json_count(value) == 0)
        return fail(err, what, "a list with at least one of them", value);
    if (json_kind(value) != JSON_ARRAY)
        return json_kind(value) == JSON_STRING && is(json_raw(value))
                   ? 0
                   : fail(err, what, want, value);
    while (json_next(value, &pos, NULL, &item))
        if (json_kind(item) != JSON_STRING || !is(json_raw(item)))
            return fail(err, what, want, item);
    return 0;
}

static int check_clock(struct span time, const char *key, struct err *err)
{
    struct span value = json_get(time, key);
    char what[16];

    snprintf(what, sizeof what, "time.%s", key);
    if (value.len > 0 && match_minute(json_raw(value)) < 0)
        return fail(err, what, "an hour of the day such as \"22:30\"", value);
    return 0;
}

static int check_time(struct span time, struct err *err)
{
    static const char *const keys[] = { "days", "from", "to", "offset", "zone", NULL };
    struct span key, value, offset = json_get(time, "offset"),
                            zone = json_get(time, "zone");
    size_t pos = 0;
    int64_t ignored;

    if (json_kind(time) != JSON_OBJECT)
        return fail(err, "time", "{ days = ..., from = ..., to = ... }", time);
    while (json_next(time, &pos, &key, &value))
        if (!is_word(key, keys))
            return err_set(err, ERR_INVALID,
                           "time: unknown member \"%.*s\", want days, from, to, zone "
                           "or offset",
                           (int)(key.len < 40 ? key.len : 40), key.ptr);
    value = json_get(time, "days");
    if (value.len > 0 &&
        check_words(value, "time.days", "days such as \"sat\" or \"mon-fri\"", is_days,
                    err) != 0)
        return err->code;
    if (check_clock(time, "from", err) != 0 || check_clock(time, "to", err) != 0)
        return err->code;
    if (offset.len > 0 && !moment_offset(json_raw(offset), &ignored))
        return fail(err, "time.offset", "an offset from UTC such as \"+01:00\"", offset);
    if (zone.len > 0 && (json_kind(zone) != JSON_STRING || !zone_is_name(json_raw(zone))))
        return fail(err, "time.zone", "a time zone such as \"Europe/Berlin\"", zone);
    if (zone.len > 0 && offset.len > 0)
        return err_set(err, ERR_INVALID, "time: want zone or offset, and not both");
    return 0;
}

static int check_times(struct span time, struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(time) != JSON_ARRAY || json_count(time) == 0)
        return check_time(time, err);
    while (json_next(time, &pos, NULL, &item))
        if (check_time(item, err) != 0)
            return err->code;
    return 0;
}

static bool is_text(struct span word)
{
    return word.len > 0;
}

int engine_check_guards(struct span guards, struct err *err)
{
    struct span tags = json_get(guards, "protected_tags");
    struct span places = json_get(guards, "subscriptions");

    if (json_count(tags) > 0 &&
        check_words(tags, "guards.protected_tags",
                    "\"name=value\" (globs) without blanks around =", is_tag, err) != 0)
        return err->code;
    return json_count(places) > 0
               ? check_words(places, "guards.subscriptions",
                             "subscriptions' GUIDs, or globs of them", is_subscription, err)
               : 0;
}

int engine_check_alert_levels(struct span match, struct err *err)
{
    static const char *const keys[] = { "severity", "confidence" };

    for (size_t i = 0; i < 2; i++) {
        struct span value = json_get(match, keys[i]);

        if (value.len > 0 &&
            check_words(value, keys[i],
                        "informational, low, medium, high or critical, or one with a + "
                        "behind it",
                        is_level, err) != 0)
            return err->code;
    }
    return 0;
}

int engine_check_match(struct span match, struct err *err)
{
    static const struct {
        const char *key, *want;
        is_fn *is;
    } keys[] = {
        { "action", "a glob", is_text },
        { "effect", "reads, reverts or permanent", is_effect },
        { "risk", "low, medium or high", is_risk },
        { "target", "a glob", is_text },
        { "subscription", "a subscription's GUID, or a glob of it", is_subscription },
        { "playbook", "a glob", is_text },
        { "requester", "a glob", is_text },
        { "source", "a glob", is_text },
        { "type", "a glob", is_text },
        { "severity",
          "informational, low, medium, high or critical, or one with a + behind it",
          is_level },
        { "confidence", "low, medium or high, or one with a + behind it", is_level },
        { "tag", "\"name=value\" (globs) without blanks around =", is_tag },
        { "targets", "a count of at least one such as \">= 5\"", is_count },
    };
    struct span time = json_get(match, "time");

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct span value = json_get(match, keys[i].key);

        if (value.len > 0 &&
            check_words(value, keys[i].key, keys[i].want, keys[i].is, err) != 0)
            return err->code;
    }
    return time.len > 0 ? check_times(time, err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/match.c - does a rule or a freeze speak of this change?
 *
 * Everything that a match names must be so; what it does not name is as it likes. Where the
 * facts say nothing (no alert, no tags) a match that wants something of them does not fit.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "base/zone.h"

enum { DAY_MIN = 24 * 60, DAYS = 7 };

/* -- texts --------------------------------------------------------------------------------- */

typedef bool fits_fn(struct span wanted, const void *what);

/* One wanted thing or a list of them, any of which will do. */
static bool fits_any(struct span wanted, fits_fn *fits, const void *what)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(wanted) != JSON_ARRAY)
        return fits(wanted, what);
    while (json_next(wanted, &pos, NULL, &item))
        if (fits(item, what))
            return true;
    return false;
}

static bool fits_text(struct span wanted, const void *what)
{
    char *glob = json_text(wanted);
    bool is_match = glob != NULL && span_glob(span_of(what), glob);

    free(glob);
    return is_match;
}

static const char *effect_word(const struct action *action)
{
    return action->effect == EFFECT_PERMANENT ? "permanent"
           : action->effect == EFFECT_REVERTS ? "reverts"
                                              : "reads";
}

static const char *risk_word(const struct action *action)
{
    return action->risk == 3 ? "high" : action->risk == 2 ? "medium" : "low";
}

char *target_plain(const char *target)
{
    struct str text = { 0 }, folded = { 0 };

    for (const char *c = target; *c != '\0'; c++)
        if (*c != '/' || c == target || c[-1] != '/' || (c >= target + 2 && c[-2] == ':'))
            str_add_char(&text, *c); /* "https://" has two */
    str_add_folded(&folded, str_span(&text));
    while (folded.len > 1 && folded.ptr[folded.len - 1] == '/')
        folded.ptr[--folded.len] = '\0';
    str_fini(&text);
    return str_take(&folded);
}

/* -- what the alert says ---------------------------------------------------------------------- */

/* What started the run; a run that was called has its caller's reason. */
static struct span cause_of(const struct step *step)
{
    return step->run->alert.len > 0 ? step->run->alert : step->run->cause;
}

static int level_of(struct span word, bool *or_more)
{
    static const char *const levels[] = { "informational", "low", "medium", "high",
                                          "critical" };

    *or_more = word.len > 0 && word.ptr[word.len - 1] == '+';
    word.len -= *or_more;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (span_equal_nocase(word, span_of(levels[i])))
            return (int)i;
    return -1;
}

/* "medium+" is medium and all above it. */
static bool fits_level(struct span wanted, const void *what)
{
    bool or_more, ignored;
    int want = level_of(json_raw(wanted), &or_more);
    int is = level_of(span_of(what), &ignored);

    return is >= 0 && want >= 0 && (or_more ? is >= want : is == want);
}

static bool has_alert_text(const struct step *step, const char *key)
{
    return json_get_raw(cause_of(step), key).len > 0;
}

static bool fits_alert(struct span wanted, const struct step *step, const char *key,
                       fits_fn *fits)
{
    char *text = json_get_text(cause_of(step), key);
    bool is_match = fits_any(wanted, fits, text != NULL ? text : "");

    free(text);
    return is_match;
}

/* The kind that read the alert, the product that raised it, or the name that cordon.lua gives
 * to where it came from; as routes and playbooks have it. */
static bool fits_source(struct span wanted, const struct step *step)
{
    return fits_alert(wanted, step, "source", fits_text) ||
           (has_alert_text(step, "product") &&
            fits_alert(wanted, step, "product", fits_text)) ||
           (has_alert_text(step, "feed") && fits_alert(wanted, step, "feed", fits_text));
}

/* -- tags ---------------------------------------------------------------------------------------- */

/* "name=value", each a glob; a name alone wants the tag to be there. */
static bool fits_tag(struct span wanted, const void *what)
{
    const struct span *tags = what;
    char *name = json_text(wanted);
    struct span key, value;
    size_t pos = 0;
    bool is_match = false;

    if (name == NULL)
        return false;
    char *glob = strchr(name, '=');
    if (glob != NULL)
        *glob++ = '\0';
    while (!is_match && json_next(*tags, &pos, &key, &value)) {
        struct str text = { 0 };

        json_text_to(&text, value);
        is_match =
            span_glob(key, name) && span_glob(str_span(&text), glob != NULL ? glob : "*");
        str_fini(&text);
    }
    free(name);
    return is_match;
}

struct span step_tags(const struct step *step)
{
    struct span tags = json_get(step->plan_info, "tags");

    return json_kind(tags) == JSON_OBJECT ? tags : (struct span){ 0 };
}

bool tags_fit(const struct step *step, struct span wanted)
{
    struct span tags = step_tags(step);

    return fits_any(wanted, fits_tag, &tags);
}

/* -- time ---------------------------------------------------------------------------------------- */

/* "mon" is 0; -1 for no day. */
static int day_of(struct span word)
{
    static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

    for (int i = 0; i < DAYS; i++)
        if (span_equal_nocase(word, span_of(days[i])))
            return i;
    return -1;
}

/* "sat", or "mon-fri", also across the end of the week: "fri-mon". */
bool match_is_days(struct span word, int day)
{
    int first, last;

    if (word.len == 3)
        return day_of(word) >= 0 && (day < 0 || day_of(word) == day);
    if (word.len != 7 || word.ptr[3] != '-')
        return false;
    first = day_of((struct span){ word.ptr, 3 });
    last = day_of((struct span){ word.ptr + 4, 3 });
    if (first < 0 || last < 0 || day < 0)
        return first >= 0 && last >= 0;
    return first <= last ? day >= first && day <= last : day >= first || day <= last;
}

static bool fits_day(struct span wanted, const void *what)
{
    return match_is_days(json_raw(wanted), *(const int *)what);
}

int match_minute(struct span text)
{
    int minute = 0;

    if (text.len != 5 || text.ptr[2] != ':')
        return -1;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (text.ptr[i] < '0' || text.ptr[i] > '9'))
            return -1;
    minute = ((text.ptr[0] - '0') * 10 + text.ptr[1] - '0') * 60 +
             (text.ptr[3] - '0') * 10 + text.ptr[4] - '0';
    return text.ptr[3] > '5' || minute > DAY_MIN ? -1 : minute;
}

/* Minutes since 1970 as the clocks show them there. An hour that the clocks show twice counts
 * both times, and one that they leave out never comes. */
static int64_t local_minutes(struct span wanted, const struct engine *engine)
{
    char *zone = json_get_text(wanted, "zone");
    int64_t offset = 0, local_s = engine->now_ms / 1000;

    if (zone != NULL)
        local_s += zone_offset(json_get(json_get(span_of(engine->policy), "zones"), zone),
                               local_s);
    else if (moment_offset(json_get_raw(wanted, "offset"), &offset))
        local_s += offset * 60;
    free(zone);
    return local_s / 60;
}

/* From 22:00 to 06:00 belongs to the day on which it began. */
static bool fits_time(struct span wanted, const void *what)
{
    int64_t minutes = local_minutes(wanted, what);
    struct span days = json_get(wanted, "days");
    int from = match_minute(json_get_raw(wanted, "from"));
    int to = match_minute(json_get_raw(wanted, "to"));

    int day = (int)((minutes / DAY_MIN + 3) % DAYS); /* 1970 began on a Thursday */
    int now = (int)(minutes % DAY_MIN);
    from = from < 0 ? 0 : from;
    to = to < 0 ? DAY_MIN : to;
    if (from >= to && now < to) { /* it began yesterday */
        day = (day + DAYS - 1) % DAYS;
        now += DAY_MIN;
    }
    to += from >= to ? DAY_MIN : 0;
    return (days.len == 0 || fits_any(days, fits_day, &day)) && now >= from && now < to;
}

/* -- numbers ------------------------------------------------------------------------------------- */

bool match_count(struct span word, int64_t count, bool *is_so)
{
    static const char *const signs[] = { ">=", "<=", ">", "<", "=" };
    int64_t n;

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t len = strlen(signs[i]);

        if (!span_starts(word, signs[i]))
            continue;
        while (len < word.len && word.ptr[len] == ' ')
            len++;
        if (!span_int((struct span){ word.ptr + len, word.len - len }, &n) || n < 0)
            return false;
        *is_so = i == 0   ? count >= n
                 : i == 1 ? count <= n
                 : i == 2 ? count > n
                 : i == 3 ? count < n
                          : count == n;
        return true;
    }
    return false;
}

static bool fits_targets(struct span wanted, const struct step *step)
{
    bool is_so = false;

    return match_count(json_raw(wanted), guard_targets(step), &is_so) && is_so;
}

/* Can what it does be put back? */
static bool is_reversible(const struct step *step, const struct action *action)
{
    return action->effect == EFFECT_REVERTS && step->goal.len > 0 &&
           json_kind(step->goal) != JSON_NULL;
}

/* -- all of it --------------------------------------------------------------------------------------- */

/* A match that says nothing of op is about doing, not about undoing. */
static bool fits_op(struct span op, const struct step *step)
{
    if (op.len == 0)
        return !step->is_undo;
    return span_is(op, "any") || span_is(op, step->is_undo ? "undo" : "apply");
}

typedef enum fit place_fn(const struct step *step, const char *glob);

/* One glob or a list of them: the best fit counts. */
static enum fit fit_place(struct span wanted, const struct step *step, place_fn *fits)
{
    enum fit best = FIT_NO;
    struct span item;
    size_t pos = 0;

    if (json_kind(wanted) != JSON_ARRAY) {
        char *glob = json_text(wanted);

        best = glob != NULL ? fits(step, glob) : FIT_NO;
        free(glob);
        return best;
    }
    while (best != FIT_YES && json_next(wanted, &pos, NULL, &item)) {
        enum fit one = fit_place(item, step, fits);

        best = one > best ? one : best;
    }
    return best;
}

static bool fits_key(struct span key, struct span wanted, const struct step *step,
                     const struct action *action)
{
    struct span tags = step_tags(step);

    if (span_is(key, "action"))
        return fits_any(wanted, fits_text, step->action);
    if (span_is(key, "effect"))
        return fits_any(wanted, fits_text, effect_word(action));
    if (span_is(key, "risk"))
        return fits_any(wanted, fits_text, risk_word(action));
    if (span_is(key, "playbook"))
        return fits_any(wanted, fits_text, step->run->playbook_name);
    if (span_is(key, "requester"))
        return fits_any(wanted, fits_text, step->run->by);
    if (span_is(key, "source"))
        return fits_source(wanted, step);
    if (span_is(key, "type"))
        return fits_alert(wanted, step, "type", fits_text);
    if (span_is(key, "severity") || span_is(key, "confidence"))
        return fits_alert(wanted, step,
                          span_is(key, "severity") ? "severity" : "confidence", fits_level);
    if (span_is(key, "tag"))
        return fits_any(wanted, fits_tag, &tags);
    if (span_is(key, "time"))
        return fits_any(wanted, fits_time, step->run->engine);
    if (span_is(key, "targets"))
        return fits_targets(wanted, step);
    if (span_is(key, "reversible"))
        return json_bool(wanted, true) == is_reversible(step, action);
    return span_is(key, "op");
}

static enum fit fit_key(struct span key, struct span wanted, const struct step *step,
                        const struct action *action)
{
    if (span_is(key, "target"))
        return fit_place(wanted, step, place_fits);
    if (span_is(key, "subscription"))
        return fit_place(wanted, step, place_is_in);
    return fits_key(key, wanted, step, action) ? FIT_YES : FIT_NO;
}

bool match_text(struct span wanted, const char *text)
{
    return fits_any(wanted, fits_text, text);
}

bool match_level(struct span wanted, const char *text)
{
    return fits_any(wanted, fits_level, text);
}

enum fit match_fits(struct span match, const struct step *step, const struct action *action)
{
    enum fit worst = FIT_YES;
    struct span key, wanted;
    size_t pos = 0;

    if (!fits_op(json_get_raw(match, "op"), step))
        return FIT_NO;
    while (worst != FIT_NO && json_next(match, &pos, &key, &wanted)) {
        enum fit one = fit_key(key, wanted, step, action);

        worst = one < worst ? one : worst;
    }
    return worst;
}

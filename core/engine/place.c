/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/place.c - where the target of a change lies.
 *
 * The plugin reports the subscription of a target and the ids of what contains it. A plugin
 * that reports neither has targets whose ids show both. A plugin that could not learn the
 * place says so; then what a guard or a rule protects may contain the target.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

struct span place_unknown(const struct step *step)
{
    return json_get_raw(step->plan_info, "unplaced");
}

/* "/subscriptions/ID/..." -> ID, or nothing. */
static struct span subscription_in(struct span id)
{
    size_t skip = strlen("/subscriptions/"), len = skip;

    if (!span_glob(id, "/subscriptions/?*"))
        return (struct span){ 0 };
    while (len < id.len && id.ptr[len] != '/')
        len++;
    return (struct span){ id.ptr + skip, len - skip };
}

char *place_subscription(const struct step *step)
{
    char *told = json_get_text(step->plan_info, "subscription");

    if (told != NULL)
        return told;
    char *plain = target_plain(step->target);
    char *shown = span_dup(subscription_in(span_of(plain)));
    free(plain);
    return shown;
}

void place_add_unknown(const struct step *step, enum fit fit, struct str *text)
{
    if (fit != FIT_OPEN)
        return;
    str_printf(text, " where it fits, and where %s lies is not known: ", step->target);
    json_text_to(text, json_get(step->plan_info, "unplaced"));
}

/* -- ids and globs --------------------------------------------------------------------------- */

static bool is_star(const char *text)
{
    return strchr(text, '*') != NULL;
}

/* Can an id and a glob be the same from these characters on, when it is known of the rest: right has one character less of b, down one less of a, across one less of both. */
static bool meets_here(char a, char b, bool right, bool down, bool across)
{
    if (a == '*') /* in an id it is no more than one part */
        return down || (b != '\0' && b != '/' && right);
    if (b == '*')
        return right || (a != '\0' && down);
    if (a == '\0' || b == '\0')
        return a == b;
    return (a == b || a == '?' || b == '?') && across;
}

/* Is there an id like a that the glob b matches? */
static bool globs_meet(const char *a, const char *b)
{
    size_t rows = strlen(a) + 1, columns = strlen(b) + 1;
    bool *below = xcalloc(columns + 1, sizeof *below);
    bool *row = xcalloc(columns + 1, sizeof *row);

    for (size_t i = rows; i-- > 0;) {
        bool *free_row = below;

        for (size_t j = columns; j-- > 0;)
            row[j] = meets_here(a[i], b[j], row[j + 1], below[j], below[j + 1]);
        below = row;
        row = free_row;
    }
    bool is_met = below[0];
    free(below);
    free(row);
    return is_met;
}

/* id may have stars for what is not known of it. */
static enum fit fit_glob(const char *id, const char *glob)
{
    if (!is_star(id))
        return span_glob(span_of(id), glob) ? FIT_YES : FIT_NO;
    return globs_meet(id, glob) ? FIT_OPEN : FIT_NO;
}

/* The id itself, or something below it. */
static enum fit fit_below(const char *id, const char *glob)
{
    struct str below = { 0 };
    enum fit fit = fit_glob(id, glob);

    str_printf(&below, "%s/*", glob);
    if (fit == FIT_NO)
        fit = fit_glob(id, str_text(&below));
    str_fini(&below);
    return fit;
}

typedef enum fit fit_fn(const char *id, const char *glob);

/* The best of the target's own id and of those that the plugin tells. */
static enum fit fit_ids(const struct step *step, const char *glob, fit_fn *fit)
{
    char *plain = target_plain(step->target), *wanted = target_plain(glob);
    enum fit best = fit(plain, wanted) != FIT_NO ? FIT_YES : FIT_NO;
    struct span item;
    size_t pos = 0;

    while (best != FIT_YES &&
           json_next(json_get(step->plan_info, "within"), &pos, NULL, &item)) {
        char *text = json_text(item);
        char *id = target_plain(text != NULL ? text : "");
        enum fit one = fit(id, wanted);

        best = one > best ? one : best;
        free(id);
        free(text);
    }
    free(plain);
    free(wanted);
    return best;
}

enum fit place_fits(const struct step *step, const char *glob)
{
    return span_glob(span_of(step->target), glob) ? FIT_YES : fit_ids(step, glob, fit_glob);
}

enum fit place_is_below(const struct step *step, const char *glob)
{
    return fit_ids(step, glob, fit_below);
}

enum fit place_is_in(const struct step *step, const char *glob)
{
    char *subscription = place_subscription(step);
    enum fit fit = FIT_NO;

    if (subscription[0] != '\0')
        fit = span_glob(span_of(subscription), glob) ? FIT_YES : FIT_NO;
    else if (place_unknown(step).len > 0)
        fit = FIT_OPEN;
    free(subscription);
    return fit;
}

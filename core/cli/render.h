/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/render.h - values, times and colours as people read them.
 *
 * Everything is added to a struct str, so that tests can look at it. Whatever came from
 * outside goes through str_add_shown: no text can move the cursor or turn the line around.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* How it should look; comes from the terminal, or from a test. */
struct look {
    bool is_color;
    int columns; /* of the terminal; 0: there is none, and nothing is cut to fit */
    int64_t now_ms;
};

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BAD, STYLE_WARN };

/* Colour only on a terminal, and not with NO_COLOR. */
struct look look_of_stdout(void);

/* text is ours: it is added as it is. */
void render_styled(struct str *out, const struct look *look, enum style style,
                   const char *text);
/* Spaces up to column, counted in characters from start; at least one. */
void render_pad(struct str *out, size_t start, size_t column);
/* How many columns text takes, more or less: characters, not bytes. */
size_t render_columns(struct span text);
/* Cuts what was added since start to max bytes, ending in "...". */
void render_cut(struct str *out, size_t start, size_t max);

/* A JSON value: the text of a string without quotes, anything else on one line; null and
 * absent add nothing. At most max bytes. */
void render_value(struct str *out, struct span value, size_t max);
/* The items of an array with ", " between them, or one value. */
void render_list(struct str *out, struct span array, size_t max);
/* An ARM id by its last two words ("sites/shop-web"), anything else as render_value. */
void render_target(struct str *out, struct span value);
/* "id=sites/shop-web ips=["203.0.113.7"]", at most max bytes. */
void render_args(struct str *out, struct span object, size_t max);
/* The lines of before -> after, each behind prefix and whole. Returns how many. */
int render_diff_whole(struct str *out, struct span before, struct span after,
                      const char *prefix);
/* The same in short: long lines are cut, and of more than lines_max only that many shown,
 * with how many were left out. */
int render_diff(struct str *out, struct span before, struct span after, const char *prefix,
                int lines_max);
/* The first 12 digits of a hash. */
void render_short_hash(struct str *out, struct span value);
/* "in 5m", "2h ago", "now". */
void render_when(struct str *out, const struct look *look, int64_t unix_ms);
/* "2026-11-21T19:31:02Z". */
void render_date(struct str *out, int64_t unix_ms);
/* "240 ms", "1.2 s", "5m 3s". */
void render_took(struct str *out, int64_t ms);
/* An error object: "message (code, from action)". */
void render_error(struct str *out, struct span error);

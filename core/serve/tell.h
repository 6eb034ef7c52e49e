/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/tell.h - a row as people are told of it: the arguments of an action of plugin notify.
 *
 * As little as lets somebody decide whether to look: what it is, until when, a link. What
 * playbooks and people write as titles is told; arguments, results and reasons are not, and
 * targets only to channels with detail = "full".
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct serve;
struct shown_row;

enum { TELL_TITLE_MAX = 200, TELL_VALUE_MAX = 300, TELL_CHANGES_MAX = 10 };

struct tell {
    struct serve *serve;
    const char *channel;
    bool is_full;
    bool has_severity; /* its action takes event and severity */
};

/* The word of cordon.lua (notify.on) for what the row tells; NULL: nothing. */
const char *tell_word(const struct shown_row *row);
/* Is it such a word? nearest may come out NULL. */
bool tell_is_word(struct span word, const char **nearest);
/* Adds canonical JSON, of a row that has a word. */
void tell_write(struct tell *tell, const struct shown_row *row, struct str *args);
void tell_write_test(struct tell *tell, struct str *args);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/fields.h - an alert while it is being put together; for the files of core/alert.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct err;

struct alert_list {
    char **items; /* heap, no two the same without regard to case */
    int count, cap;
    bool is_cut; /* more than ALERT_ITEMS_MAX were added: the first ones are there */
};

struct alert {
    struct str confidence;    /* "" when the sender does not say */
    struct str product, feed; /* "" when nobody says */
    struct str id, source, type, title, severity, status, time, tenant, subscription, link;
    struct alert_list resources, ips, assets, accounts, hosts, urls, files;
    struct alert_list tactics, techniques, children, notes, keys;
    bool is_over, is_simulated;
    struct span raw;
};

/* Reads json into alert, which is zeroed but for source; raw borrows from json. */
int alert_read(struct alert *alert, struct span json, struct err *err);
void alert_fini(struct alert *alert);
void alert_list_fini(struct alert_list *list);
/* What more names too, the higher severity, and the later state. */
void alert_join(struct alert *alert, const struct alert *more);
int alert_write(const struct alert *alert, struct str *out, struct err *err);

/* Removes those items that are in gone. */
void alert_remove(struct alert_list *list, const struct alert_list *gone);
bool alert_has(const struct alert_list *list, struct span text);
/* Adds the text, unless it is empty or there already, or the list is full. */
void alert_add_text(struct alert_list *list, struct span text);

/* The same with the text of a JSON string. */
void alert_add_value(struct alert_list *list, struct span value);

/* Notes which lists are cut. */
void alert_note_cut(struct alert *alert);

/* Adds a sentence, unless it is there already or there are ALERT_NOTES_MAX of them. */
void alert_add_note(struct alert *alert, struct span text);

/* High, Critical, Low, Information...: our four words, or an error. */
int alert_set_severity(struct alert *alert, struct span value, struct err *err);
/* High, Medium, Low in any case, or a score from 0 to 1 in thirds. False, and nothing is set,
 * for anything else. */
bool alert_set_confidence(struct alert *alert, struct span value);
/* Resolved, dismissed, judged false or expected: nobody attacks, or nobody attacks any more. */
bool alert_status_ends(struct span status);
/* New and Active are "active"; others in lower case. */
void alert_set_status(struct alert *alert, struct span value);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/fields.h - an alert while it is being put together; for the files of core/alert.
 *
 * Senders write the same name as AlertType, alertType and alerttype, so foreign keys are
 * read without regard to case. An object in which two names differ only in case is refused:
 * two readers could take two different ones for the truth.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct err;

struct alert_list {
    char **items; /* heap, no two the same without regard to case */
    int count, cap;
};

struct alert {
    struct str confidence; /* "" when the sender does not say */
    struct str id, source, type, title, severity, status, time, tenant, subscription, link;
    struct alert_list resources, ips, accounts, hosts, urls, files, tactics, techniques;
    struct span raw;
};

void alert_fini(struct alert *alert);
int alert_write(const struct alert *alert, struct str *out, struct err *err);

/* The member with this name in any case; empty when it is absent. */
struct span alert_get(struct span object, const char *key);
/* Fails when two keys of object differ only in case, or there are too many. */
int alert_check_keys(struct span object, struct err *err);
/* Sets field to the text of the first of keys ("A|B|C") that object has as a non-empty
 * string; leaves it when there is none. */
void alert_set(struct str *field, struct span object, const char *keys);
/* Adds text unless it is empty or there already. */
int alert_add(struct alert_list *list, struct span text, struct err *err);
/* The same for a JSON string; other kinds are passed over. */
int alert_add_value(struct alert_list *list, struct span value, struct err *err);
/* The items of an array of strings, of a string that holds such an array as JSON, or the
 * words of a string with commas between them. "Unknown" is nothing. */
int alert_add_words(struct alert_list *list, struct span value, struct err *err);
/* Only what looks like an ARM id. */
int alert_add_resource(struct alert *alert, struct span value, struct err *err);

/* High, Critical, Low, Information...: our four words, or an error. */
int alert_set_severity(struct alert *alert, struct span value, struct err *err);
/* High, Medium, Low in any case, or a score from 0 to 1 in thirds. False, and nothing is set,
 * for anything else. */
bool alert_set_confidence(struct alert *alert, struct span value);
/* New and Active are "active"; others in lower case. */
void alert_set_status(struct alert *alert, struct span value);

/* Collects what the sender's entities name, "$id" and "$ref" resolved within document. */
int alert_entities(struct alert *alert, struct span entities, struct span document,
                   struct err *err);

/* One source each: is it of this shape, and what does it say? */
bool alert_is_defender(struct span json);
int alert_from_defender(struct alert *alert, struct span json, struct err *err);
bool alert_is_generic(struct span json);
int alert_from_generic(struct alert *alert, struct span json, struct err *err);

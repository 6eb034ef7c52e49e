/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/redact.h - secrets that a plugin was given do not leave its host in any text.
 *
 * Each secret is looked for as it is, as it stands in a JSON string, in a URL, and in
 * base64 (wherever it begins), hex; what is found is replaced by [secret]. Secrets shorter than REDACT_LEN_MIN would
 * take ordinary words with them, and are refused where secrets come in.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct err;

enum { REDACT_LEN_MIN = 6, REDACT_SECRETS_MAX = 64 };

/* A zeroed one holds no secrets. */
struct redact {
    struct redact_entry *entries;
    size_t count;
};

int redact_add(struct redact *redact, struct span name, struct span value, struct err *err);
void redact_fini(struct redact *redact); /* wipes */
/* The value, or NULL. */
const char *redact_find(const struct redact *redact, const char *name);
/* Adds text to out without the secrets. Returns whether there were any. */
bool redact_to(const struct redact *redact, struct str *out, struct span text);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - one secret of one vault, and the list of its versions. Never a value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"

enum { VERSIONS_MAX = 2000 };

#define SECRET_NAMES                                                   \
    "\"vault\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":24," \
    "\"description\":\"name of the key vault\"},"                      \
    "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":127," \
    "\"description\":\"name of the secret\"}"

/* A version as the vault lists it. */
struct version {
    const char *id;    /* the last segment of its address */
    const cJSON *json; /* the whole item */
    int64_t created_s;
    bool is_enabled;
};

/* All versions, newest first. At the same second a version that says it replaces the other
 * is the newer one. */
struct secret {
    const char *vault;
    const char *name;
    const char *url; /* the target */
    struct version *versions;
    size_t count;
    void (*done)(struct job *job, struct secret *secret);
};

/* Reads the job's arguments; NULL after the job has failed. */
struct secret *secret_of(struct job *job);

/* Lists all versions and calls done, or fails the job. A secret without any is refused. */
void secret_list(struct job *job, struct secret *secret,
                 void (*done)(struct job *job, struct secret *secret));

/* NULL when there is no such version. */
const struct version *secret_version(const struct secret *secret, const char *id);

/* Was the version made by the step with that key, or to replace the version old? Where there
 * was no room for both, one tag says both. */
bool version_has_key(const struct version *version, const char *key);
bool version_replaces(const struct version *version, const char *old);
/* Who manages the secret, so that nobody may put a version of it, in words; NULL: nobody. */
const char *version_manager(const struct version *version);

/* A tag of the version, "" when it has none of that name. */
const char *version_tag(const struct version *version, const char *name);

/* Sets whether the version can be read. done gets the answer. */
void secret_enable(struct job *job, const struct secret *secret, const char *version,
                   bool is_enabled, answer_fn *done, void *arg);

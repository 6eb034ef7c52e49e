/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes.h - what a new version of a secret takes over from the old one.
 *
 * Expiry, not-before, content type, tags and enabled belong to a version, and a PUT without
 * them makes one that is good for ever. In a slice they stand as
 *
 *     {"content_type","enabled","expires_after_s","not_before_s","tags"}
 *
 * where both times are counted from when the version is made, since a plan knows no time.
 * What there is not is left out. tags are those of others, without cordon's own.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

struct job;
struct version;

enum { TAGS_MAX = 15 }; /* of one version, ours among them */

#define ATTRIBUTE_ARGS                                                                     \
    "\"expires_in\":{\"type\":\"string\",\"format\":\"duration\",\"description\":\"how "   \
    "long the new version is valid; as long as the old one was when not given\"},"         \
    "\"not_before_in\":{\"type\":\"string\",\"format\":\"duration\",\"description\":"      \
    "\"when the new version becomes valid; as with the old one when not given\"},"         \
    "\"content_type\":{\"type\":\"string\",\"maxLength\":255,\"description\":\"of the "    \
    "new "                                                                                 \
    "version; that of the old one when not given\"},"                                      \
    "\"enabled\":{\"type\":\"boolean\",\"description\":\"whether the new version can be "  \
    "read; as the old one when not given\"},"                                              \
    "\"tags\":{\"type\":\"object\",\"additionalProperties\":true,\"description\":\"texts:" \
    " "                                                                                    \
    "instead of the tags of the old version; at most 14\"}"

/* Those of a version as the vault lists it. Notes what cannot be taken over. */
cJSON *attributes_of(struct job *job, const struct version *version);
/* Those of the new version: the arguments before what was. */
cJSON *attributes_wanted(struct job *job, const cJSON *was);
/* Tells approvers what the new version will be like. */
void attributes_note(struct job *job, const cJSON *wanted);
/* Adds them to the body of a PUT, and to its tags those that say that the version is ours and
 * replaces old: all three, or as many as there is room for. */
void attributes_send(struct job *job, cJSON *body, const cJSON *wanted, const char *old);
/* Is there room for a tag of ours? */
bool attributes_have_room(const cJSON *wanted);

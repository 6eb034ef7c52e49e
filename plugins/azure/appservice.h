/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appservice.h - what the actions on sites have in common.
 */
#pragma once

#include <cjson/cJSON.h>

struct job;
struct rights;

#define SITE_ID                                                                          \
    "\"id\":{\"type\":\"string\",\"format\":\"arm-id\","                                 \
    "\"x-arm-type\":\"Microsoft.Web/sites\",\"description\":\"resource id of the site, " \
    "or "                                                                                \
    "of one of its slots\"}"

#define SITE_ARGS                                                                \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\"]," \
    "\"properties\":{" SITE_ID "}}"

/* The site, or the slot of one, that the arguments name; NULL after the job has failed. */
const char *site_of(struct job *job);
/* "site shop", "slot staging of site shop". */
const char *site_words(struct job *job, const char *id);

/* What a change of a site needs, as it is called for this one: a slot has actions of its own. */
const struct rights *site_rights(struct job *job, const char *id,
                                 const struct rights *of_site);

/* Goes on with arg. */
typedef void site_fn(struct job *job, void *arg);

/* Sets the job's tags, and sees whether cordon itself runs on the site: from a look at it
 * that is less than five minutes old, or from one now. Calls next, or the job has failed: a
 * guard that wants to know either cannot do without. */
void site_look(struct job *job, const char *id, site_fn *next, void *arg);
/* The same from the site as it was just read. */
void site_see(struct job *job, const char *id, const cJSON *site);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appservice.h - what the actions on sites have in common.
 */
#pragma once

struct job;

#define SITE_ID                                          \
    "\"id\":{\"type\":\"string\",\"format\":\"arm-id\"," \
    "\"x-arm-type\":\"Microsoft.Web/sites\",\"description\":\"resource id of the site\"}"

#define SITE_ARGS                                                                \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\"]," \
    "\"properties\":{" SITE_ID "}}"

/* The site that the arguments name; NULL after the job has failed. */
const char *site_of(struct job *job);

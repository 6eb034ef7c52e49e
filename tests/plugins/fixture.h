/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - what the fixture plugins share: short answers, and a look into canonical JSON
 * that is known to be flat.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cordon/plugin.h>

#define FIXTURE_TARGET_SCHEMA                                                 \
    "{\"type\":\"object\",\"properties\":{\"target\":{\"type\":\"string\"}}," \
    "\"required\":[\"target\"],\"additionalProperties\":false}"
#define FIXTURE_EMPTY_SCHEMA \
    "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"

static const struct cordon_host *fixture_host;
static const char *const fixture_no_permissions[] = { NULL };

static inline int fixture_open(const struct cordon_host *host, const char *config,
                               void **plugin)
{
    (void)config;
    *plugin = NULL;
    fixture_host = host;
    return 0;
}

/* The text behind "key": as it stands, up to the end of its string or number; "" when it is
 * not there. For strings without their quotes. */
static inline char *fixture_get(struct cordon_call *call, const char *json, const char *key)
{
    char mark[64];

    snprintf(mark, sizeof mark, "\"%s\":", key);
    const char *at = strstr(json, mark);
    if (!at)
        return fixture_host->alloc(call, 1);
    at += strlen(mark);
    size_t len = 0;
    if (*at == '"') {
        at++;
        while (at[len] && at[len] != '"')
            len += at[len] == '\\' && at[len + 1] ? 2 : 1;
    } else {
        len = strcspn(at, ",}");
    }
    char *text = fixture_host->alloc(call, len + 1);
    memcpy(text, at, len);
    return text;
}

static inline void fixture_finish(struct cordon_call *call, enum cordon_status status,
                                  const char *code, const char *message)
{
    struct cordon_result result = {
        .size = sizeof result, .status = status, .code = code, .message = message
    };

    fixture_host->finish(call, &result);
}

static inline void fixture_finish_json(struct cordon_call *call, const char *json)
{
    struct cordon_result result = { .size = sizeof result,
                                    .status = CORDON_DONE,
                                    .json = json };

    fixture_host->finish(call, &result);
}

static inline void fixture_finish_state(struct cordon_call *call, const char *target,
                                        const char *state)
{
    struct cordon_observation seen = {
        .size = sizeof seen, .target = target, .token = "", .state = state
    };
    struct cordon_result result = { .size = sizeof result,
                                    .status = CORDON_DONE,
                                    .observation = &seen };

    fixture_host->finish(call, &result);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - one exchange, and what its reply says about the world.
 *
 * The verdict follows what is documented: what was refused with a 4xx did not happen; what
 * the table of refusal.c says to pass may be asked again; after a 5xx, a reset or a timeout
 * nobody knows, unless the request could not change anything or not a byte of it was sent.
 * A page of a proxy says nothing of the service, whatever its status.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

#include "refusal.h"

struct job;

/* Lives until the callback returns, but json and texts until the job ends. */
struct answer {
    int status;        /* 0: there was none */
    const cJSON *json; /* NULL when the body is none */
    enum cordon_status verdict;
    const char *code;    /* the API's word; "" for 2xx */
    const char *inner;   /* Key Vault's reason behind it; "" when there is none */
    const char *message; /* "" for 2xx; one line, and bounded */
    enum refusal refusal;
    bool is_foreign;  /* a proxy or gateway answered, and not the service */
    const char *hint; /* what people can do about a sign-in that failed; "" */
    bool has_failed;  /* it was begun, and an operation that was followed says Failed */
    const struct cordon_http_reply *reply;
};

typedef void answer_fn(struct job *job, const struct answer *answer, void *arg);

struct exchange {
    const char *method;
    const char *url;
    const char *const *headers; /* NULL at the end */
    char *body;                 /* NULL for none */
    uint32_t flags;             /* CORDON_HTTP_* */
    enum family family;         /* FAMILY_ARM: by the provider in the address */
    bool is_harmless;           /* changes nothing although it is no GET */
    bool is_wiped;              /* body is overwritten with zeros once it is sent */
    answer_fn *done;
    void *arg;
};

/* Sends a copy of exchange with a request id of its own, or fails the job. */
void exchange_send(struct job *job, const struct exchange *exchange);

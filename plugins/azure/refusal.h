/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.h - which refusals pass, for each family of Azure's services. Pure.
 *
 * One table holds them all: what a service says when it is busy, throttled or not up to date
 * yet, and when a fresh token may be let through where an older one was not. Everything that
 * is not in the table and has a status of 4xx is final.
 */
#pragma once

struct fault;

enum family {
    FAMILY_ARM = 0, /* the resource manager, and each provider without rows of its own */
    FAMILY_WEB,     /* App Service */
    FAMILY_NETWORK,
    FAMILY_AUTHORIZATION, /* role assignments */
    FAMILY_VAULT,
    FAMILY_STORAGE,
    FAMILY_LOGIN, /* sign-in */
    FAMILY_IMDS,  /* the machine's metadata service */
    FAMILY_GRAPH
};

enum refusal {
    REFUSAL_FINAL,  /* the same request never works */
    REFUSAL_PASSES, /* nothing was written, and the same request may work later */
    REFUSAL_TOKEN   /* a token that is fetched now may be let through */
};

enum refusal refusal_of(enum family family, int status, const struct fault *fault);

/* The family of a request of the resource manager, by the provider in its path. */
enum family refusal_family(const char *url);

/* What people can do about a sign-in that was refused for good; "" when it is not known. */
const char *refusal_hint(const struct fault *fault);

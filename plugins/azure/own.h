/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own.h - what is cordon's own: whoever takes it away cuts cordon off.
 *
 * Who we are is known from the configuration and from our tokens (object id, client id);
 * which vault our secrets come from, and from which address we reach Azure, the configuration
 * says ("own"). The plans of actions tell it to the guard, as why; NULL: it is not ours.
 */
#pragma once

#include <stddef.h>

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

struct azure;
struct job;
struct cidr_list;

enum { OWN_SITES_MAX = 16 };

struct own {
    char *object_id;            /* as our newest token has it; NULL until there is one */
    char *tenant;               /* the same */
    char *sites[OWN_SITES_MAX]; /* whose identity was seen to be ours, lower case */
    size_t site_next;
};

/* Takes what a token of ours says of us. */
void own_learn(struct job *job, const char *token);
void own_fini(struct azure *azure);

const char *own_principal(struct job *job, const char *id);
const char *own_vault(struct job *job, const char *vault);
const char *own_address(struct job *job, const struct cidr_list *ips);
/* A site is looked at; its identity may be the one that we run as. */
void own_see_site(struct job *job, const char *id, const cJSON *identity);
const char *own_site(struct job *job, const char *id);
/* The directory that our tokens are of; NULL when it is not known. */
const char *own_tenant(struct job *job);

/* Says so in the plan, when the host is one that listens. */
void own_tell(struct cordon_plan *out, const char *why);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own.h - what is cordon's own: whoever takes it away cuts cordon off.
 *
 * Who we are is known from the configuration and from our tokens (object id, client id);
 * which vault our secrets come from, the configuration says ("own"). The addresses from which
 * we reach Azure are those of the configuration, that of our token, and the outbound addresses
 * that Azure reports of the site that has our identity. The plans of actions tell it to the
 * guard, as why; NULL: it is not ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include <cordon/plugin.h>

struct azure;
struct job;
struct cidr_list;

enum {
    OWN_SITES_MAX = 16,
    OWN_PLACES_MAX = 512, /* sites whose outbound addresses are kept */
    OWN_ADDRESS_CAP = 64
};

/* A site that Azure has told of, and the addresses that it may come from. */
struct own_place {
    char *id;        /* NULL: free */
    char *addresses; /* with commas between them */
    bool is_ours;    /* cordon runs there */
};

struct own {
    char *object_id;            /* as our newest token has it; NULL until there is one */
    char *tenant;               /* the same */
    bool is_unreadable;         /* the newest token did not say whom it is of */
    char *sites[OWN_SITES_MAX]; /* whose identity was seen to be ours, lower case */
    size_t site_next;
    char *address; /* from which we got our newest token, where it says so; NULL */
    struct own_place places[OWN_PLACES_MAX];
    size_t place_next;
};

/* Takes what a token of ours says of us. */
void own_learn(struct job *job, const char *token);

/* What a token says of itself, borrowed; NULL when it cannot be read. */
const cJSON *own_claims(struct job *job, const char *token);
void own_fini(struct azure *azure);

/* Why it is not known who we are; a person then decides on what could cut us off. */
const char *own_unknown(struct job *job);
const char *own_principal(struct job *job, const char *id);
const char *own_vault(struct job *job, const char *vault);
const char *own_address(struct job *job, const struct cidr_list *ips);
/* The outbound address of another site of ours that is among ips: whom it serves would be
 * blocked, so a person decides. */
const char *own_site_address(struct job *job, const struct cidr_list *ips);
/* Keeps the outbound addresses that Azure reports of a site. */
void own_see_outbound(struct job *job, const char *id, const cJSON *site);
/* A site is looked at; its identity may be the one that we run as. */
void own_see_site(struct job *job, const char *id, const cJSON *identity);
const char *own_site(struct job *job, const char *id);
/* The directory that our tokens are of; NULL when it is not known. */
const char *own_tenant(struct job *job);

/* Says so in the plan, when the host is one that listens. */
void own_tell(struct cordon_plan *out, const char *why);
/* Says why a person must approve it, when the host is one that listens. */
void own_ask(struct cordon_plan *out, const char *why);

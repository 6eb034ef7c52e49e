/* SPDX-License-Identifier: Apache-2.0 */
#include "own.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "job.h"
#include "text.h"

static void replace(char **kept, const char *text)
{
    if (text[0] == '\0')
        return;
    free(*kept);
    *kept = strdup(text);
    if (*kept == NULL)
        abort();
}

/* The middle part of a JSON web token, which nobody has to verify who was given it. */
const cJSON *own_claims(struct job *job, const char *token)
{
    const char *begin = strchr(token, '.');
    const char *end = begin != NULL ? strchr(begin + 1, '.') : NULL;

    if (end == NULL)
        return NULL;
    char *part = job_text(job, "%.*s", (int)(end - begin - 1), begin + 1);
    const char *text = text_from_base64(job, part);
    return text != NULL ? job_own(job, cJSON_Parse(text)) : NULL;
}

void own_learn(struct job *job, const char *token)
{
    const cJSON *claims = own_claims(job, token);

    job->azure->own.is_unreadable = json_text(claims, "oid")[0] == '\0';
    if (claims == NULL)
        return;
    replace(&job->azure->own.object_id, json_text(claims, "oid"));
    replace(&job->azure->own.tenant, json_text(claims, "tid"));
    replace(&job->azure->own.address, json_text(claims, "ipaddr"));
}

void own_fini(struct azure *azure)
{
    free(azure->own.object_id);
    free(azure->own.tenant);
    free(azure->own.address);
    for (size_t i = 0; i < OWN_PLACES_MAX; i++) {
        free(azure->own.places[i].id);
        free(azure->own.places[i].addresses);
    }
    for (size_t i = 0; i < OWN_SITES_MAX; i++)
        free(azure->own.sites[i]);
}

const char *own_tenant(struct job *job)
{
    const char *configured = job->azure->config.tenant;

    if (job->azure->own.tenant != NULL)
        return job->azure->own.tenant;
    return configured[0] != '\0' ? configured : NULL;
}

static bool is_us(struct job *job, const char *id)
{
    const struct azure *azure = job->azure;
    const char *named = json_text(azure->config.own, "object_id");

    if (id[0] == '\0')
        return false;
    return text_same(id, named) || text_same(id, azure->config.client_id) ||
           (azure->own.object_id != NULL && text_same(id, azure->own.object_id));
}

const char *own_unknown(struct job *job)
{
    const struct own *own = &job->azure->own;

    if (own->object_id != NULL || json_text(job->azure->config.own, "object_id")[0] != '\0')
        return NULL;
    return job_text(job,
                    "cordon does not know its own identity, and this could take its "
                    "own rights or its own host away: %s; name the object id in "
                    "own.object_id of the azure plugin's configuration",
                    own->is_unreadable
                        ? "its token cannot be read (it is no JSON web token "
                          "with an oid)"
                        : "it has no token yet");
}

const char *own_principal(struct job *job, const char *id)
{
    return is_us(job, id) ? job_text(job, "principal %s is cordon's own identity", id)
                          : NULL;
}

static const cJSON *own_list(struct job *job, const char *name)
{
    return json_get(job->azure->config.own, name);
}

const char *own_vault(struct job *job, const char *vault)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, own_list(job, "vaults"))
    {
        if (cJSON_IsString(item) && text_same(item->valuestring, vault))
            return job_text(job, "cordon's own secrets come from vault %s", vault);
    }
    return NULL;
}

/* The first of ips that has an address in common with text. */
static const char *find_overlap(const struct cidr_list *ips, const char *text)
{
    struct cordon_ip own;

    if (!cidr_parse(&own, text))
        return NULL;
    for (size_t i = 0; i < ips->count; i++)
        if (cordon_ip_overlaps(&own, &ips->ips[i]))
            return ips->texts[i];
    return NULL;
}

/* The same over texts with commas between them, as App Service lists addresses. The one that
 * was found is left in own, which has OWN_ADDRESS_CAP bytes. */
static const char *find_in_words(const struct cidr_list *ips, const char *words, char *own)
{
    const char *found = NULL;

    while (found == NULL && *words != '\0') {
        size_t len = strcspn(words, ", ");
        if (len > 0 && len < OWN_ADDRESS_CAP) {
            memcpy(own, words, len);
            own[len] = '\0';
            found = find_overlap(ips, own);
        }
        words += len + strspn(words + len, ", ");
    }
    return found;
}

static const char *own_egress(struct job *job, const struct cidr_list *ips)
{
    const struct own *own = &job->azure->own;
    char address[OWN_ADDRESS_CAP];

    if (own->address != NULL && find_overlap(ips, own->address) != NULL)
        return job_text(job, "%s is where cordon itself comes from (%s, by its token)",
                        find_overlap(ips, own->address), own->address);
    for (size_t i = 0; i < OWN_PLACES_MAX; i++) {
        const struct own_place *place = &own->places[i];
        const char *found = place->id != NULL && place->is_ours
                                ? find_in_words(ips, place->addresses, address)
                                : NULL;
        if (found != NULL)
            return job_text(job,
                            "%s is where cordon itself comes from (%s, an outbound address "
                            "of site %s)",
                            found, address, place->id);
    }
    return NULL;
}

const char *own_address(struct job *job, const struct cidr_list *ips)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, own_list(job, "addresses"))
    {
        const char *found =
            cJSON_IsString(item) ? find_overlap(ips, item->valuestring) : NULL;
        if (found != NULL)
            return job_text(job, "%s is where cordon itself comes from (%s)", found,
                            item->valuestring);
    }
    return own_egress(job, ips);
}

const char *own_site_address(struct job *job, const struct cidr_list *ips)
{
    const struct own *own = &job->azure->own;
    char address[OWN_ADDRESS_CAP];

    for (size_t i = 0; i < OWN_PLACES_MAX; i++) {
        const struct own_place *place = &own->places[i];
        const char *found = place->id != NULL && !place->is_ours
                                ? find_in_words(ips, place->addresses, address)
                                : NULL;
        if (found != NULL)
            return job_text(job, "%s contains %s, an outbound address of our own site %s",
                            found, address, place->id);
    }
    return NULL;
}

static bool has_our_identity(struct job *job, const cJSON *identity)
{
    const cJSON *item;

    if (is_us(job, json_text(identity, "principalId")))
        return true;
    cJSON_ArrayForEach(item, json_get(identity, "userAssignedIdentities"))
    {
        if (is_us(job, json_text(item, "principalId")) ||
            is_us(job, json_text(item, "clientId")))
            return true;
    }
    return false;
}

static size_t site_find(struct azure *azure, const char *id)
{
    size_t i = 0;

    while (i < OWN_SITES_MAX &&
           (azure->own.sites[i] == NULL || !text_same(azure->own.sites[i], id)))
        i++;
    return i;
}

void own_see_site(struct job *job, const char *id, const cJSON *identity)
{
    struct own *own = &job->azure->own;
    size_t at = site_find(job->azure, id);

    if (!has_our_identity(job, identity)) {
        if (at < OWN_SITES_MAX) {
            free(own->sites[at]);
            own->sites[at] = NULL;
        }
    } else if (at == OWN_SITES_MAX) {
        replace(&own->sites[own->site_next++ % OWN_SITES_MAX], id);
    }
}

/* Where the site is kept, or where the next one is. */
static struct own_place *place_of(struct own *own, const char *id)
{
    for (size_t i = 0; i < OWN_PLACES_MAX; i++)
        if (own->places[i].id != NULL && text_same(own->places[i].id, id))
            return &own->places[i];
    return &own->places[own->place_next++ % OWN_PLACES_MAX];
}

void own_see_outbound(struct job *job, const char *id, const cJSON *site)
{
    const cJSON *properties = json_get(site, "properties");
    const char *now = json_text(properties, "outboundIpAddresses");
    const char *possible = json_text(properties, "possibleOutboundIpAddresses");

    if (id[0] == '\0' || (now[0] == '\0' && possible[0] == '\0'))
        return;
    struct own_place *place = place_of(&job->azure->own, id);
    replace(&place->id, id);
    replace(&place->addresses, job_text(job, "%s,%s", now, possible));
    place->is_ours = has_our_identity(job, json_get(site, "identity"));
}

const char *own_site(struct job *job, const char *id)
{
    return site_find(job->azure, id) < OWN_SITES_MAX
               ? job_text(job, "site %s has cordon's own identity: cordon runs there", id)
               : NULL;
}

void own_tell(struct cordon_plan *out, const char *why)
{
    if (out->size >= offsetof(struct cordon_plan, own) + sizeof out->own)
        out->own = why;
}

void own_ask(struct cordon_plan *out, const char *why)
{
    if (out->size >= offsetof(struct cordon_plan, ask) + sizeof out->ask)
        out->ask = why;
}

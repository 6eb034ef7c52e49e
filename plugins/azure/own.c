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
void own_learn(struct job *job, const char *token)
{
    const char *begin = strchr(token, '.');
    const char *end = begin != NULL ? strchr(begin + 1, '.') : NULL;

    if (end == NULL)
        return;
    char *part = job_text(job, "%.*s", (int)(end - begin - 1), begin + 1);
    const char *text = text_from_base64(job, part);
    const cJSON *claims = text != NULL ? job_own(job, cJSON_Parse(text)) : NULL;
    if (claims == NULL)
        return;
    replace(&job->azure->own.object_id, json_text(claims, "oid"));
    replace(&job->azure->own.tenant, json_text(claims, "tid"));
}

void own_fini(struct azure *azure)
{
    free(azure->own.object_id);
    free(azure->own.tenant);
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

const char *own_address(struct job *job, const struct cidr_list *ips)
{
    const cJSON *item;
    struct cidr own;

    cJSON_ArrayForEach(item, own_list(job, "addresses"))
    {
        if (!cJSON_IsString(item) || !cidr_parse(&own, item->valuestring))
            continue;
        for (size_t i = 0; i < ips->count; i++)
            if (cidr_overlaps(&own, &ips->cidrs[i]))
                return job_text(job, "%s is where cordon itself comes from (%s)",
                                ips->texts[i], item->valuestring);
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

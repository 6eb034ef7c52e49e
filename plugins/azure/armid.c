/* SPDX-License-Identifier: Apache-2.0 */
#include "armid.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "job.h"
#include "text.h"

/* -- Reading ---------------------------------------------------------------------------- */

/* A part of an id, between two slashes. */
struct part {
    const char *text;
    size_t len;
};

/* The next part of *at, and *at behind it; false at the end. */
static bool next_part(const char **at, struct part *part)
{
    if (**at != '/')
        return false;
    part->text = ++*at;
    part->len = strcspn(*at, "/");
    *at += part->len;
    return true;
}

static bool is_word(const struct part *part, const char *word)
{
    return part->len == strlen(word) && strncasecmp(part->text, word, part->len) == 0;
}

/* What could end the path, climb in it or be decoded into something else is refused. A blank
 * may stand within the name of a resource. */
static const char *part_fault(const struct part *part, bool may_have_blanks)
{
    if (part->len == 0)
        return "there is nothing between two slashes";
    if (is_word(part, ".") || is_word(part, ".."))
        return "\".\" and \"..\" are no names";
    for (size_t i = 0; i < part->len; i++) {
        unsigned char c = (unsigned char)part->text[i];
        bool is_inside = i > 0 && i + 1 < part->len;
        if (c == ' ' && may_have_blanks && is_inside)
            continue;
        if (c <= ' ')
            return "there is a blank or a control character in a name";
        if (c == 0x7f || strchr("?#%\\<>\"{}|^`", c) != NULL)
            return "a name has no ? # % \\ < > \" { } | ^ or `";
    }
    return NULL;
}

/* A scope in front of the first /providers: its type, or NULL when there is none. */
static const char *scope_type(const struct part *word, int pairs)
{
    if (pairs == 0 && is_word(word, "subscriptions"))
        return "Microsoft.Resources/subscriptions";
    if (pairs == 1 && is_word(word, "resourceGroups"))
        return "Microsoft.Resources/resourceGroups";
    return NULL;
}

static void type_add(char *type, const char *slash, const struct part *part)
{
    size_t len = strlen(type);

    snprintf(type + len, ARMID_TYPE_MAX - len, "%s%.*s", slash, (int)part->len, part->text);
}

const char *armid_fault(const char *id, char *type)
{
    struct part word, name;
    bool has_provider = false, has_type = true;

    type[0] = '\0';
    if (id[0] != '/')
        return "it does not begin with /";
    if (strlen(id) > ARMID_MAX)
        return "it is too long";
    for (int pairs = 0; *id != '\0'; pairs++) {
        next_part(&id, &word);
        const char *fault = part_fault(&word, has_provider);
        if (fault != NULL)
            return fault;
        if (!next_part(&id, &name))
            return "it ends with a word behind which a name is missing";
        if ((fault = part_fault(&name, has_provider)) != NULL)
            return fault;
        if (is_word(&word, "providers")) { /* a namespace: what follows is a type */
            if (!has_type)
                return "behind /providers/NAMESPACE a type and a name are missing";
            has_provider = true;
            has_type = false;
            type[0] = '\0';
            type_add(type, "", &name);
        } else if (has_provider) {
            has_type = true;
            type_add(type, "/", &word);
        } else {
            const char *scope = scope_type(&word, pairs);
            if (scope == NULL)
                return "it does not go /subscriptions/S/resourceGroups/G/providers/... or "
                       "/providers/...";
            snprintf(type, ARMID_TYPE_MAX, "%s", scope);
        }
    }
    return has_type ? NULL : "behind /providers/NAMESPACE a type and a name are missing";
}

/* A copy without doubled and trailing slashes. */
static char *clean(struct job *job, const char *text)
{
    char *id = job_alloc(job, strlen(text) + 1);
    size_t len = 0;

    for (; *text != '\0'; text++)
        if (*text != '/' || len == 0 || id[len - 1] != '/')
            id[len++] = *text;
    while (len > 1 && id[len - 1] == '/')
        id[--len] = '\0';
    return id;
}

/* -- What is asked for ------------------------------------------------------------------ */

const char *armid_of(struct job *job, const char *const *types)
{
    const char *text = json_text(job->args, "id");
    const char *id = clean(job, text);
    char type[ARMID_TYPE_MAX];
    const char *fault = armid_fault(id, type);

    for (const char *const *one = types; fault == NULL && *one != NULL; one++)
        if (text_same(type, *one))
            return id;
    if (fault == NULL)
        fault = job_text(job, "it is the id of a %s", type);
    job_fail(job, CORDON_REFUSED, "BadId",
             "%.400s is no %s: %s; want "
             "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/%s/NAME",
             text, types[0], fault, types[0]);
    return NULL;
}

const char *armid_scope(struct job *job, const char *text)
{
    char type[ARMID_TYPE_MAX];

    if (text_is_uuid(text))
        return job_text(job, "/subscriptions/%s", text);
    const char *id = clean(job, text);
    const char *fault = armid_fault(id, type);
    if (fault == NULL)
        return id;
    job_fail(job, CORDON_REFUSED, "BadScope",
             "%.400s is no scope: %s; want a subscription's id, or /subscriptions/...",
             text, fault);
    return NULL;
}

const char *armid_name(const char *id)
{
    const char *slash = strrchr(id, '/');

    return slash != NULL ? slash + 1 : id;
}

const char *armid_part(struct job *job, const char *id, int from_end)
{
    char *copy = job_text(job, "%s", id);
    char *slash = strrchr(copy, '/');

    for (; from_end > 0 && slash != NULL; from_end--) {
        *slash = '\0';
        slash = strrchr(copy, '/');
    }
    return slash != NULL ? slash + 1 : "";
}

bool armid_covers(struct job *job, const char *scope, const char *id)
{
    const char *outer = clean(job, job_lower(job, scope));
    const char *inner = clean(job, job_lower(job, id));
    size_t len = strcmp(outer, "/") == 0 ? 0 : strlen(outer);

    return strncmp(outer, inner, len) == 0 && (inner[len] == '\0' || inner[len] == '/');
}

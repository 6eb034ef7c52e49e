/* SPDX-License-Identifier: Apache-2.0 */
#include "armid.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "job.h"
#include "text.h"

enum { ID_MAX = 1024 };

/* Takes doubled and trailing slashes out of a copy. NULL when there is anything in it that
 * has no place in a path. */
static char *clean(struct job *job, const char *text)
{
    size_t len = 0;

    if (text[0] != '/' || !text_is_word(text, "-._()/", 1, ID_MAX))
        return NULL;
    char *id = job_alloc(job, strlen(text) + 1);
    for (; *text != '\0'; text++) {
        if (*text != '/' || len == 0 || id[len - 1] != '/')
            id[len++] = *text;
    }
    while (len > 0 && id[len - 1] == '/')
        id[--len] = '\0';
    if (strstr(id, "/./") != NULL || strstr(id, "/../") != NULL)
        return NULL;
    const char *last = armid_name(id);
    return strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ? NULL : id;
}

const char *armid_name(const char *id)
{
    const char *slash = strrchr(id, '/');

    return slash != NULL ? slash + 1 : id;
}

/* The next segment of *at, and *at behind it; -1 at the end. */
static int segment(const char **at, const char **start)
{
    if (**at != '/')
        return -1;
    *start = ++*at;
    *at += strcspn(*at, "/");
    return (int)(*at - *start);
}

static bool expect(const char **at, const char *word)
{
    const char *start = NULL;
    int len = segment(at, &start);

    return len == (int)strlen(word) && strncasecmp(start, word, (size_t)len) == 0;
}

static bool skip(const char **at)
{
    const char *start = NULL;

    return segment(at, &start) > 0;
}

static bool has_type(const char *id, const char *type)
{
    const char *at = id;
    size_t len = strlen(type);

    if (!expect(&at, "subscriptions") || !skip(&at) || !expect(&at, "resourceGroups") ||
        !skip(&at) || !expect(&at, "providers") || *at != '/')
        return false;
    if (strncasecmp(at + 1, type, len) != 0)
        return false;
    at += 1 + len;
    return skip(&at) && *at == '\0';
}

const char *armid_of(struct job *job, const char *type)
{
    const char *text = json_text(job->args, "id");
    const char *id = clean(job, text);

    if (id != NULL && has_type(id, type))
        return id;
    job_fail(job, CORDON_REFUSED, "BadId",
             "%.200s is no %s; want "
             "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/%s/NAME",
             text, type, type);
    return NULL;
}

const char *armid_scope(struct job *job, const char *text)
{
    if (text_is_uuid(text))
        return job_text(job, "/subscriptions/%s", text);
    const char *id = clean(job, text);
    if (id != NULL &&
        (text_starts(id, "/subscriptions/") || text_starts(id, "/providers/")))
        return id;
    job_fail(job, CORDON_REFUSED, "BadScope",
             "%.200s is no scope; want a subscription's id, or /subscriptions/...", text);
    return NULL;
}

bool armid_covers(const char *scope, const char *id)
{
    size_t len = strlen(scope);

    while (len > 0 && scope[len - 1] == '/')
        len--;
    return strncasecmp(scope, id, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

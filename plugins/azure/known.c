/* SPDX-License-Identifier: Apache-2.0 */
#include "known.h"

#include <stdlib.h>
#include <string.h>

#include "job.h"

static char *dup(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

static void clear(struct known *known)
{
    free(known->what);
    free(known->text);
    *known = (struct known){ 0 };
}

static struct known *find(struct azure *azure, const char *what)
{
    for (size_t i = 0; i < KNOWN_MAX; i++)
        if (azure->known[i].what != NULL && strcmp(azure->known[i].what, what) == 0)
            return &azure->known[i];
    return NULL;
}

const char *known_find(struct job *job, const char *what)
{
    const struct known *known = find(job->azure, what);

    if (known == NULL || known->until_ms <= job->host->now_ms())
        return NULL;
    return job_text(job, "%s", known->text);
}

void known_keep(struct job *job, const char *what, const char *text, int64_t ms)
{
    struct azure *azure = job->azure;
    struct known *known = find(azure, what);

    if (known == NULL && ms > 0)
        known = &azure->known[azure->known_next++ % KNOWN_MAX];
    if (known == NULL)
        return;
    clear(known);
    if (ms > 0)
        *known = (struct known){ dup(what), dup(text), job->host->now_ms() + ms };
}

void known_fini(struct azure *azure)
{
    for (size_t i = 0; i < KNOWN_MAX; i++)
        clear(&azure->known[i]);
}

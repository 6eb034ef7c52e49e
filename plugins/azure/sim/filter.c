/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <string.h>

static void skip_blanks(const char **at)
{
    while (**at == ' ')
        (*at)++;
}

static bool take(const char **at, const char *word)
{
    skip_blanks(at);
    if (!text_starts(*at, word))
        return false;
    *at += strlen(word);
    return true;
}

/* A GUID in single quotes. */
static bool take_id(const char **at, char out[UUID_SIZE])
{
    if (!take(at, "'") || strlen(*at) < UUID_SIZE || (*at)[UUID_SIZE - 1] != '\'')
        return false;
    memcpy(out, *at, UUID_SIZE - 1);
    out[UUID_SIZE - 1] = '\0';
    *at += UUID_SIZE;
    return is_uuid(out);
}

static bool take_term(const char **at, struct filter *filter)
{
    if (take(at, "atScope()")) {
        filter->is_at_scope = true;
        return true;
    }
    if (take(at, "assignedTo("))
        return take_id(at, filter->assigned_to) && take(at, ")");
    return take(at, "principalId") && take(at, "eq") && take_id(at, filter->principal);
}

bool filter_read(struct filter *filter, const char *text)
{
    *filter = (struct filter){ 0 };
    if (text == NULL)
        return true;
    do {
        if (!take_term(&text, filter))
            return false;
        skip_blanks(&text);
    } while (*text != '\0' && take(&text, "and "));
    return *text == '\0';
}

/* Text in single quotes, not empty. */
static bool take_text(const char **at, char out[ROLE_NAME_SIZE])
{
    if (!take(at, "'"))
        return false;
    size_t len = strcspn(*at, "'");
    if (len == 0 || len >= ROLE_NAME_SIZE || (*at)[len] != '\'')
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len + 1;
    return true;
}

static bool take_role_term(const char **at, struct role_filter *filter)
{
    if (take(at, "atScopeAndBelow()"))
        return true;
    if (take(at, "roleName"))
        return take(at, "eq") && take_text(at, filter->name);
    return take(at, "type") && take(at, "eq") && take_text(at, filter->type);
}

bool role_filter_read(struct role_filter *filter, const char *text)
{
    *filter = (struct role_filter){ 0 };
    if (text == NULL)
        return true;
    do {
        if (!take_role_term(&text, filter))
            return false;
        skip_blanks(&text);
    } while (*text != '\0' && take(&text, "and "));
    return *text == '\0';
}

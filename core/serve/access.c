/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/access.c - who may say who signs in, and who makes tokens. The rest is the engine's.
 *
 * Accounts are for the user whom the engine runs as: whoever sets somebody's password can be
 * that person. An admin who asks over the API makes and revokes tokens, with roles that they
 * have themselves, and for nobody but themselves: else "admin" would be "everybody".
 */
#include "serve/inside.h"

#include <stdlib.h>

static bool has_role(struct span roles, struct span name)
{
    struct span role;
    size_t pos = 0;

    while (json_next(roles, &pos, NULL, &role))
        if (span_equal(json_raw(role), name))
            return true;
    return false;
}

/* Has whoever asks all the roles that the token is to have? */
static bool has_roles(const struct asked *asked)
{
    struct span wanted = json_get(asked->args, "roles"), role;
    struct span own = json_get(asked->powers, "roles");
    size_t pos = 0;

    while (json_next(wanted, &pos, NULL, &role))
        if (!has_role(own, json_raw(role)))
            return false;
    return true;
}

static bool is_for_oneself(const struct asked *asked)
{
    char *person = json_get_text(asked->args, "for");
    bool is_own = person == NULL || span_is(asked->who, person);

    free(person);
    return is_own;
}

/* A token of somebody who votes for some groups only is for no others. */
static bool keeps_groups(const struct asked *asked)
{
    struct span own = json_get(asked->powers, "groups"), group;
    struct span wanted = json_get(asked->args, "groups");
    size_t pos = 0;

    if (json_kind(own) != JSON_ARRAY)
        return true;
    if (json_kind(wanted) != JSON_ARRAY)
        return false;
    while (json_next(wanted, &pos, NULL, &group))
        if (!has_role(own, json_raw(group)))
            return false;
    return true;
}

static void say_owner(struct serve *serve, const struct asked *asked)
{
    clients_error(
        serve, asked->number, 4, "not_the_owner",
        "%.*s may not say who signs in: the user whom the engine runs as does, or "
        "root",
        (int)asked->who.len, asked->who.ptr);
}

static void ask_by_front(struct serve *serve, const struct asked *asked)
{
    bool is_add = span_is(asked->verb, "token_add");
    bool is_account =
        span_is(asked->verb, "user_add") || span_is(asked->verb, "user_change");

    if (is_account || !has_role(json_get(asked->powers, "roles"), span_of("admin")))
        say_owner(serve, asked);
    else if (is_add && !(has_roles(asked) && is_for_oneself(asked) && keeps_groups(asked)))
        clients_error(
            serve, asked->number, 4, "role",
            "a token that is asked for here has no role and no group that you have "
            "not, and is for a program or for yourself; cordon token add, on the "
            "machine, makes others");
    else
        clients_to_engine(serve, asked);
}

bool access_ask(struct serve *serve, const struct asked *asked)
{
    static const char *const verbs[] = { "users",  "user_add",  "user_change",
                                         "tokens", "token_add", "token_revoke" };
    bool is_ours = false;

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        is_ours = is_ours || span_is(asked->verb, verbs[i]);
    if (!is_ours)
        return false;
    if (asked->powers.len > 0)
        ask_by_front(serve, asked);
    else if (!asked->is_owner)
        say_owner(serve, asked);
    else
        clients_to_engine(serve, asked);
    return true;
}

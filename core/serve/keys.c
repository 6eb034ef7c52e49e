/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/keys.c - who may say whose key is whose. The rest is the engine's.
 */
#include "serve/inside.h"

bool keys_ask(struct serve *serve, const struct asked *asked)
{
    bool is_list = span_is(asked->verb, "keys");

    if (!is_list && !span_is(asked->verb, "key_add") && !span_is(asked->verb, "key_revoke"))
        return false;
    if (!is_list && !asked->is_owner)
        clients_error(serve, asked->number, 4, "not_the_owner",
                      "%.*s may not say whose key is whose: the user whom the engine runs "
                      "as does, or root",
                      (int)asked->who.len, asked->who.ptr);
    else
        clients_to_engine(serve, asked);
    return true;
}

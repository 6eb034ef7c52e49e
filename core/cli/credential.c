/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/credential.h"

#include "cli/options.h"
#include "cli/render.h"

static void put_words(struct json_out *out, const char *key, const char *const *words,
                      int count)
{
    json_key(out, key);
    json_open(out, '[');
    for (int i = 0; i < count; i++)
        json_string(out, words[i]);
    json_close(out);
}

void credential_put_roles(struct json_out *out, const struct options *options)
{
    if (options->group_count > 0)
        put_words(out, "groups", options->groups, options->group_count);
    else
        json_put(out, "groups", NULL);
    if (options->playbook_count > 0)
        put_words(out, "playbooks", options->playbooks, options->playbook_count);
    put_words(out, "roles", options->roles, options->role_count);
}

static void join(struct str *out, struct span list)
{
    struct span word;
    size_t pos = 0;
    const char *comma = "";

    while (json_next(list, &pos, NULL, &word)) {
        str_add_text(out, comma);
        render_value(out, word, 80);
        comma = ", ";
    }
}

void credential_roles(struct str *out, struct span credential)
{
    join(out, json_get(credential, "roles"));
    if (json_kind(json_get(credential, "groups")) == JSON_ARRAY) {
        str_add_text(out, " (votes for ");
        join(out, json_get(credential, "groups"));
        str_add_char(out, ')');
    }
    if (json_kind(json_get(credential, "playbooks")) == JSON_ARRAY) {
        str_add_text(out, " (starts ");
        join(out, json_get(credential, "playbooks"));
        str_add_text(out, " only)");
    }
}

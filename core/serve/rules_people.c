/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rules_people.c - does a policy ask for more people than it has?
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct crowd {
    struct span policy;
    struct str names; /* each human once, "ann","bob" */
    size_t count;
    bool has_anybody; /* "*" */
};

static bool is_service(struct span policy, struct span who)
{
    struct span item;
    size_t pos = 0;
    bool is_so = false;

    while (!is_so && json_next(json_get(policy, "services"), &pos, NULL, &item)) {
        char *glob = json_text(item);

        is_so = glob != NULL && span_glob(who, glob);
        free(glob);
    }
    return is_so;
}

static bool is_in(struct span list, struct span name)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_equal(json_raw(item), name))
            return true;
    return false;
}

/* Whose account it is: all names of a human are one. */
static struct span human_of(struct span policy, struct span who)
{
    struct span name, person;
    size_t pos = 0;

    while (json_next(json_get(policy, "people"), &pos, &name, &person))
        if (is_in(json_get(person, "accounts"), who))
            return name;
    return who;
}

static void add_member(struct crowd *crowd, struct span who)
{
    struct span human = human_of(crowd->policy, who);
    struct str list = { 0 }, one = { 0 };
    struct json_out out = { .str = &one };

    str_printf(&list, "[%s]", str_text(&crowd->names));
    if (span_is(who, "*")) {
        crowd->has_anybody = true;
    } else if (!is_service(crowd->policy, who) && !is_in(str_span(&list), human)) {
        json_string_span(&out, human);
        str_printf(&crowd->names, "%s%s", crowd->count++ > 0 ? "," : "", str_text(&one));
    }
    str_fini(&list);
    str_fini(&one);
}

static void add_group(struct crowd *crowd, struct span name)
{
    struct span key, members, member;
    size_t pos = 0, at = 0;

    while (json_next(json_get(crowd->policy, "groups"), &pos, &key, &members))
        while (span_equal(key, name) && json_next(members, &at, NULL, &member))
            add_member(crowd, json_raw(member));
}

/* One group or a list of them; nothing: all. */
static void add_groups(struct crowd *crowd, struct span from)
{
    struct span key, item;
    size_t pos = 0;

    if (json_kind(from) == JSON_STRING)
        add_group(crowd, json_raw(from));
    while (json_kind(from) == JSON_ARRAY && json_next(from, &pos, NULL, &item))
        add_group(crowd, json_raw(item));
    while (from.len == 0 && json_next(json_get(crowd->policy, "groups"), &pos, &key, &item))
        add_group(crowd, key);
}

/* A gate's chain widens whom it asks. */
static void add_chain(struct crowd *crowd)
{
    struct span link;
    size_t pos = 0;

    while (json_next(json_path(crowd->policy, "gate.escalate"), &pos, NULL, &link))
        add_groups(crowd, json_get(link, "from"));
}

/* asked has need and from, as a rule has them. */
static int check_need(struct span policy, struct span asked, const char *path,
                      struct err *err)
{
    struct crowd crowd = { .policy = policy };
    struct span need = json_get(asked, "need");
    bool is_slots = json_kind(need) == JSON_ARRAY;
    int64_t wanted = is_slots ? (int64_t)json_count(need) : json_int(need, 0);

    add_groups(&crowd, is_slots ? need : json_get(asked, "from"));
    add_chain(&crowd);
    int rc = crowd.has_anybody || wanted <= (int64_t)crowd.count
                 ? 0
                 : err_set(err, ERR_INVALID,
                           "%s.need: it asks for %" PRId64 " approval%s, and its groups "
                           "have %zu who can give one ([%.200s]; services do not vote, and "
                           "a human counts once)",
                           path, wanted, wanted == 1 ? "" : "s", crowd.count,
                           str_text(&crowd.names));
    str_fini(&crowd.names);
    return rc;
}

static void put_names(struct json_out *out, struct span names)
{
    struct span name;
    size_t pos = 0;

    if (json_kind(names) == JSON_STRING)
        json_raw_value(out, names);
    while (json_kind(names) == JSON_ARRAY && json_next(names, &pos, NULL, &name))
        json_raw_value(out, name);
}

static void put_crowd(struct json_out *out, struct span policy, struct span group)
{
    struct crowd crowd = { .policy = policy };
    struct str list = { 0 };

    add_group(&crowd, group);
    str_printf(&list, "[%s]", str_text(&crowd.names));
    json_key_span(out, group);
    json_open(out, '[');
    if (crowd.has_anybody)
        json_string(out, "*");
    put_names(out, str_span(&list));
    json_close(out);
    str_fini(&list);
    str_fini(&crowd.names);
}

void rules_put_humans(struct span policy, struct json_out *out)
{
    struct span key, item;
    size_t pos = 0;

    json_key(out, "chain");
    json_open(out, '[');
    while (json_next(json_path(policy, "gate.escalate"), &pos, NULL, &item))
        put_names(out, json_get(item, "from"));
    json_close(out);
    json_key(out, "humans");
    json_open(out, '{');
    pos = 0;
    while (json_next(json_get(policy, "groups"), &pos, &key, &item))
        put_crowd(out, policy, key);
    json_close(out);
}

int rules_check_people(struct span json, struct err *err)
{
    static const struct {
        const char *list, *asked; /* its member; NULL: the item itself */
    } lists[] = { { "rules", NULL }, { "freeze", "emergency" } };
    char path[80];

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const char *asked = lists[i].asked;
        struct span item;
        size_t pos = 0;

        for (int n = 0; json_next(json_get(json, lists[i].list), &pos, NULL, &item); n++) {
            snprintf(path, sizeof path, "%s[%d]%s%s", lists[i].list, n,
                     asked != NULL ? "." : "", asked != NULL ? asked : "");
            if (check_need(json, asked != NULL ? json_get(item, asked) : item, path, err) !=
                0)
                return err->code;
        }
    }
    return 0;
}

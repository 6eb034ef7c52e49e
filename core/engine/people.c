/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/people.c - who is who, and who must not approve what they made.
 *
 * The policy's `people` has all names of one human, its `services` the names behind which no
 * human is. Whoever asked for a run, wrote its playbook or trusted a plugin of it looks at
 * it with their own eyes, so another's are wanted. A program cannot be asked twice: services
 * and root, which installs and deploys, keep nobody from anything by having done so.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

bool raw_says(struct span raw, struct span text)
{
    struct str quoted = { 0 }, plain = { 0 };
    bool is_so;

    if (raw.len == 0 || memchr(raw.ptr, '\\', raw.len) == NULL)
        return span_equal(raw, text);
    str_printf(&quoted, "\"%.*s\"", (int)raw.len, raw.ptr);
    json_text_to(&plain, str_span(&quoted));
    is_so = span_equal(str_span(&plain), text);
    str_fini(&quoted);
    str_fini(&plain);
    return is_so;
}

static bool is_listed(struct span list, struct span who)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (raw_says(json_raw(item), who))
            return true;
    return false;
}

struct span policy_human(struct engine *engine, struct span who)
{
    struct span name, person;
    size_t pos = 0;

    while (json_next(json_get(span_of(engine->policy), "people"), &pos, &name, &person))
        if (raw_says(name, who) || is_listed(json_get(person, "accounts"), who))
            return name;
    return who;
}

bool policy_is_service(struct engine *engine, struct span who)
{
    struct span item;
    size_t pos = 0;
    bool is_service = false;

    while (!is_service &&
           json_next(json_get(span_of(engine->policy), "services"), &pos, NULL, &item)) {
        char *glob = json_text(item);

        is_service = glob != NULL && span_glob(who, glob);
        free(glob);
    }
    return is_service;
}

static bool is_same(struct engine *engine, const char *a, struct span b)
{
    return a != NULL && *a != '\0' &&
           span_equal(policy_human(engine, span_of(a)), policy_human(engine, b));
}

/* Did this person make it, as one who could have asked another to look? */
static bool is_maker(struct engine *engine, const char *maker, struct span who)
{
    return is_same(engine, maker, who) && strcmp(maker, "root") != 0 &&
           !policy_is_service(engine, span_of(maker));
}

/* "ann", or "ann, who is also ann-adm". */
static void add_names(struct str *why, struct span name, struct span who)
{
    str_add_shown(why, name.ptr, name.len);
    if (!span_equal(name, who)) {
        str_add_text(why, ", who is also ");
        str_add_shown(why, who.ptr, who.len);
        str_add_text(why, " (policy.lua, people),");
    }
}

static const struct plugin *own_plugin(const struct gate *gate, struct span who)
{
    struct engine *engine = gate->step->run->engine;

    for (int i = 0; i < gate->change_count; i++) {
        struct action *action = action_find(engine, span_of(gate->changes[i].action));

        if (action != NULL && is_maker(engine, action->plugin->by, who))
            return action->plugin;
    }
    return NULL;
}

const char *person_bar(const struct gate *gate, struct span who, struct str *why)
{
    struct run *run = gate->step->run;
    struct engine *engine = run->engine;
    const struct plugin *plugin = own_plugin(gate, who);
    const char *settler = gate->step->settled_by;

    if (policy_is_service(engine, who)) {
        str_add_shown(why, who.ptr, who.len);
        str_add_text(why, " is a service (policy.lua, services), and people vote here");
        return "service";
    }
    if (policy_allows_self(engine))
        return NULL;
    if (is_same(engine, settler, who)) {
        add_names(why, span_of(settler), who);
        str_add_text(why,
                     " said what shall be done here, so somebody else must approve it");
        return "own_request";
    }
    if (gate->is_question)
        return NULL;
    if (is_same(engine, run->by, who)) {
        add_names(why, span_of(run->by), who);
        str_add_text(why, " asked for this run, so somebody else must approve it");
        return "own_request";
    }
    if (run->playbook != NULL && is_maker(engine, run->playbook->by, who)) {
        add_names(why, span_of(run->playbook->by), who);
        str_printf(why,
                   " wrote this version of playbook %s, so somebody else must approve "
                   "what it does",
                   run->playbook_name);
        return "own_playbook";
    }
    if (plugin != NULL) {
        add_names(why, span_of(plugin->by), who);
        str_printf(why, " trusted plugin %s, so somebody else must approve what it does",
                   plugin->name);
        return "own_plugin";
    }
    return NULL;
}

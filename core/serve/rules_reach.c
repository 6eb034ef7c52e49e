/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rules_reach.c - a rule or a guard that can match nothing protects nothing.
 *
 * Actions are those of the trusted plugins. A pattern of a plugin that is not trusted (yet)
 * is left alone, unless its name is nearly one that is.
 */
#include "serve/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alert_reach.h"
#include "base/ip.h"
#include "base/schema.h"
#include "serve/sources.h"

enum { ACTIONS_MAX = 512 };

struct actions {
    struct arena arena;
    const char *names[ACTIONS_MAX], *verbs[ACTIONS_MAX], *plugins[ACTIONS_MAX];
    size_t count;
    struct str sources; /* for base/alert_reach.h */
    bool are_ids;       /* targets are ARM ids or URLs: no plugin has other ones */
};

static void add_action(struct actions *actions, struct span name)
{
    const char *text = arena_dup(&actions->arena, name.ptr, name.len);
    const char *dot = strchr(text, '.'), *last = strrchr(text, '.');

    if (actions->count == ACTIONS_MAX || dot == NULL)
        return;
    actions->plugins[actions->count] =
        arena_dup(&actions->arena, text, (size_t)(dot - text));
    actions->verbs[actions->count] = last + 1;
    actions->names[actions->count++] = text;
}

/* Channels are no targets that anybody protects. */
static void read_actions(struct serve *serve, struct actions *actions)
{
    struct span action;
    bool are_others = false;

    list_each (link, after, &serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        size_t pos = 0;

        while (
            json_next(json_get(span_of(line->declaration), "actions"), &pos, NULL, &action))
            add_action(actions, json_get_raw(action, "name"));
        if (strstr(line->declaration, "\"arm-id\"") != NULL)
            actions->are_ids = true;
        else
            are_others = are_others || strcmp(line->name, "notify") != 0;
    }
    actions->are_ids = actions->are_ids && !are_others;
}

/* -- actions ------------------------------------------------------------------------------- */

static bool has_glob(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

static bool is_plugin(const struct actions *actions, const char *name)
{
    for (size_t i = 0; i < actions->count; i++)
        if (strcmp(actions->plugins[i], name) == 0)
            return true;
    return false;
}

/* The name that it is the end of: "nsg.block_ips" lacks "azure." in front. */
static const char *action_ending_with(struct actions *actions, const char *pattern)
{
    struct str whole = { 0 };
    const char *found = NULL;

    str_printf(&whole, "*.%s", pattern);
    for (size_t i = 0; found == NULL && i < actions->count; i++)
        if (span_glob(span_of(actions->names[i]), str_text(&whole)))
            found = actions->names[i];
    str_fini(&whole);
    return found;
}

/* What the pattern means, probably; NULL: it may mean a plugin that is not trusted. */
static const char *nearest_action(struct actions *actions, const char *pattern)
{
    const char *dot = strchr(pattern, '.'), *last = strrchr(pattern, '.');
    struct span all = span_of(pattern);

    const char *whole = action_ending_with(actions, pattern);
    if (whole != NULL)
        return whole;
    if (dot == NULL)
        return schema_nearest(all, actions->names, actions->count);
    const char *plugin = arena_dup(&actions->arena, pattern, (size_t)(dot - pattern));
    if (has_glob(plugin))
        return schema_nearest(span_of(last + 1), actions->verbs, actions->count);
    const char *near = schema_nearest(all, actions->names, actions->count);
    if (near == NULL && !is_plugin(actions, plugin))
        near = schema_nearest(span_of(plugin), actions->plugins, actions->count);
    return near;
}

static int check_action(struct actions *actions, struct span value, const char *path,
                        struct err *err)
{
    char *pattern = json_text(value);
    const char *dot = pattern != NULL ? strchr(pattern, '.') : NULL;
    bool is_found = pattern == NULL;

    for (size_t i = 0; !is_found && i < actions->count; i++)
        is_found = span_glob(span_of(actions->names[i]), pattern);
    if (is_found) {
        free(pattern);
        return 0;
    }
    const char *near = nearest_action(actions, pattern);
    const char *plugin =
        dot != NULL ? arena_dup(&actions->arena, pattern, (size_t)(dot - pattern)) : "";
    if (near != NULL || is_plugin(actions, plugin))
        err_set(err, ERR_INVALID,
                "%s.match.action: no trusted plugin has an action %s, so this matches "
                "nothing%s%s%s",
                path, pattern, near != NULL ? "; did you mean " : "",
                near != NULL ? near : "", near != NULL ? "?" : "");
    free(pattern);
    return near != NULL || is_plugin(actions, plugin) ? ERR_INVALID : 0;
}

/* -- ids ----------------------------------------------------------------------------------- */

/* Principals are compared whole: a glob is none. */
static bool is_guid(const char *text)
{
    return schema_format("uuid", span_of(text));
}

/* The part of an id up to the next slash; *rest is what follows the slash. A part with a star may
 * be more than one. */
static struct span next_part(struct span *rest)
{
    const char *slash = rest->len > 0 ? memchr(rest->ptr, '/', rest->len) : NULL;
    struct span part = { rest->ptr,
                         slash != NULL ? (size_t)(slash - rest->ptr) : rest->len };
    size_t used = slash != NULL ? part.len + 1 : part.len;

    rest->ptr += used;
    rest->len -= used;
    return part;
}

static bool part_has_glob(struct span part)
{
    return memchr(part.ptr, '*', part.len) != NULL ||
           memchr(part.ptr, '?', part.len) != NULL;
}

static bool is_part(struct span part, const char *word)
{
    return part_has_glob(part) || span_equal_nocase(part, span_of(word));
}

/* Can an id of ARM fit "/subscriptions/GUID/resourceGroups/NAME/providers/..."? What is behind a
 * star can be anything. */
static bool is_arm(const char *text)
{
    struct span rest = span_of(text + strspn(text, "/"));

    struct span part = next_part(&rest);
    if (part.len == 0 || part_has_glob(part) ||
        span_equal_nocase(part, span_of("providers")))
        return true;
    if (!span_equal_nocase(part, span_of("subscriptions")))
        return false;
    part = next_part(&rest);
    if (part.len == 0 || part_has_glob(part))
        return true;
    if (!schema_format("uuid", part))
        return false;
    part = next_part(&rest);
    if (part.len == 0 || part_has_glob(part) ||
        span_equal_nocase(part, span_of("providers")))
        return true;
    if (!span_equal_nocase(part, span_of("resourceGroups")))
        return false;
    part = next_part(&rest);
    return part_has_glob(part) || rest.len == 0 || is_part(next_part(&rest), "providers");
}

/* A target's address names a thing's own host: ids of ARM have none, in a pattern either. */
static bool is_url(const char *text)
{
    return (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0) &&
           !span_glob(span_of(text), "*/subscriptions/*");
}

/* An id, a URL, an address, or something that a star may make one. */
static bool is_id(const char *text)
{
    struct cordon_ip ip;
    size_t len = strlen(text);

    if (len == 0 || strchr(" \t\r\n", text[0]) != NULL ||
        strchr(" \t\r\n", text[len - 1]) != NULL)
        return false;
    return ip_parse(span_of(text), &ip) || text[0] == '*' || text[0] == '?' ||
           (text[0] == '/' ? is_arm(text) : is_url(text));
}

static int fail_value(struct err *err, const char *what, const char *value,
                      const char *want)
{
    return err_set(err, ERR_INVALID, "%s: \"%.80s\" can match nothing; want %s", what,
                   value, want);
}

typedef bool is_fn(const char *text);

/* One text, or a list of them. */
static int check_texts(struct span value, const char *what, is_fn *is, const char *want,
                       struct err *err)
{
    struct span item;
    size_t pos = 0;
    int rc = 0;

    if (json_kind(value) == JSON_STRING) {
        char *text = json_text(value);

        rc = text != NULL && !is(text) ? fail_value(err, what, text, want) : 0;
        free(text);
        return rc;
    }
    while (rc == 0 && json_next(value, &pos, NULL, &item))
        if (json_kind(item) == JSON_STRING)
            rc = check_texts(item, what, is, want, err);
    return rc;
}

static const char want_id[] =
    "an id such as \"/subscriptions/GUID/resourceGroups/NAME/...\" without an address in "
    "front, or \"https://VAULT.vault.azure.net/secrets/*\", or a glob that begins with *";
static const char want_guid[] = "a GUID such as \"0a1b2c3d-...\" (an id, not a name)";

/* -- all of it ----------------------------------------------------------------------------- */

static int check_actions(struct actions *actions, struct span value, const char *path,
                         struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (actions->count == 0)
        return 0;
    if (json_kind(value) == JSON_STRING)
        return check_action(actions, value, path, err);
    while (json_next(value, &pos, NULL, &item))
        if (check_action(actions, item, path, err) != 0)
            return err->code;
    return 0;
}

/* "source:NAME" is who requests a run that an alert started. */
static int check_requester(struct reach_known known, struct span requester, struct err *err)
{
    static const char prefix[] = "source:";
    struct span word = json_raw(requester);
    struct str name = { 0 };
    struct json_out out = { .str = &name };

    if (json_kind(requester) != JSON_STRING || !span_starts(word, prefix))
        return 0;
    json_string_span(&out, (struct span){ word.ptr + sizeof prefix - 1,
                                          word.len - sizeof prefix + 1 });
    int rc = reach_source(known, str_span(&name), err);
    str_fini(&name);
    return rc;
}

static int check_requesters(struct reach_known known, struct span value, struct err *err)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(value) != JSON_ARRAY)
        return check_requester(known, value, err);
    while (json_next(value, &pos, NULL, &item))
        if (check_requester(known, item, err) != 0)
            return err->code;
    return 0;
}

/* What no alert can be; see base/alert_reach.h. */
static int check_alert(struct actions *actions, struct span match, const char *path,
                       struct err *err)
{
    struct reach_known known = { .sources = str_span(&actions->sources) };
    const char *key = NULL;
    struct err why;

    int rc = reach_match(known, match, &key, &why);
    if (rc == 0) {
        key = "requester";
        rc = check_requesters(known, json_get(match, key), &why);
    }
    return rc == 0 ? 0 : err_set(err, ERR_INVALID, "%s.match.%s: %s", path, key, why.text);
}

static int check_match(struct actions *actions, struct span match, const char *path,
                       struct err *err)
{
    char what[100];

    if (check_actions(actions, json_get(match, "action"), path, err) != 0 ||
        check_alert(actions, match, path, err) != 0)
        return err->code;
    snprintf(what, sizeof what, "%s.match.target", path);
    return actions->are_ids
               ? check_texts(json_get(match, "target"), what, is_id, want_id, err)
               : 0;
}

static int check_list(struct actions *actions, struct span json, const char *key,
                      struct err *err)
{
    struct span item;
    size_t pos = 0;
    char path[64];

    for (int i = 0; json_next(json_get(json, key), &pos, NULL, &item); i++) {
        snprintf(path, sizeof path, "%s[%d]", key, i);
        if (check_match(actions, json_get(item, "match"), path, err) != 0)
            return err->code;
    }
    return 0;
}

static int check_guards(struct actions *actions, struct span guards, struct err *err)
{
    if (!actions->are_ids)
        return 0;
    if (check_texts(json_get(guards, "protected"), "guards.protected", is_id, want_id,
                    err) != 0)
        return err->code;
    if (check_texts(json_get(guards, "tenants"), "guards.tenants", is_guid, want_guid,
                    err) != 0)
        return err->code;
    return check_texts(json_get(guards, "principals"), "guards.principals", is_guid,
                       want_guid, err);
}

int rules_check_reach(struct serve *serve, struct span json, struct err *err)
{
    struct actions *actions = xcalloc(1, sizeof *actions);
    int rc = 0;

    read_actions(serve, actions);
    sources_put_known(serve, &actions->sources);
    rc = check_list(actions, json, "rules", err);
    if (rc == 0)
        rc = check_list(actions, json, "freeze", err);
    if (rc == 0)
        rc = check_guards(actions, json_get(json, "guards"), err);
    arena_fini(&actions->arena);
    str_fini(&actions->sources);
    free(actions);
    return rc;
}

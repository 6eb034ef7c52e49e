/* SPDX-License-Identifier: Apache-2.0 */
/* on_alert: is this alert one for this playbook, and with which parameters? */
#include "vm/playbook.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/budget.h"
#include "vm/door.h"
#include "vm/opts.h"
#include "vm/params.h"
#include "vm/alert_view.h"
#include "vm/state.h"
#include "vm/value.h"

const char *const playbook_severities[] = { "informational", "low",      "medium",
                                            "high",          "critical", NULL };

struct match {
    struct span alert;
    bool *matches;
    struct str *params;
    struct str *why;
    const char *function; /* "on_alert.params" once it is known; NULL */
    int line;             /* where it begins; 0: not known */
};

int playbook_severity(struct span text, bool *or_more)
{
    *or_more = text.len > 0 && text.ptr[text.len - 1] == '+';
    text.len -= *or_more;
    for (int i = 0; playbook_severities[i] != NULL; i++)
        if (span_equal_nocase(text, span_of(playbook_severities[i])))
            return i;
    return -1;
}

static struct span alert_text(struct vm *vm, struct span alert, const char *key)
{
    str_reset(&vm->text);
    json_text_to(&vm->text, json_get(alert, key));
    return str_span(&vm->text);
}

/* Does the alert's text fit the pattern in when? Says why not. */
static bool fits(struct match *match, struct vm *vm, struct span pattern, const char *key)
{
    if (pattern.ptr == NULL)
        return true;
    struct span text = alert_text(vm, match->alert, key);
    if (span_glob(text, pattern.ptr))
        return true;
    str_printf(match->why, "%s ", key);
    str_add_shown(match->why, str_text(&vm->text), vm->text.len);
    str_printf(match->why, " is not %s", pattern.ptr);
    return false;
}

/* The source is the kind that read the alert, the product that raised it, or the name that
 * cordon.lua gives to where it came from. */
static bool source_fits(struct match *match, struct vm *vm, struct span pattern)
{
    static const char *const names[] = { "feed", "product" };

    for (size_t i = 0; pattern.ptr != NULL && i < sizeof names / sizeof names[0]; i++) {
        struct span text = alert_text(vm, match->alert, names[i]);
        if (text.len > 0 && span_glob(text, pattern.ptr))
            return true;
    }
    return fits(match, vm, pattern, "source");
}

static bool severity_fits(struct match *match, struct vm *vm, struct span wanted)
{
    if (wanted.ptr == NULL)
        return true;
    bool or_more, ignored;
    int want = playbook_severity(wanted, &or_more);
    int is = playbook_severity(alert_text(vm, match->alert, "severity"), &ignored);
    if (or_more ? is >= want : is == want)
        return true;
    str_add_text(match->why, "severity ");
    if (vm->text.len == 0)
        str_add_text(match->why, "is not given");
    else
        str_add_shown(match->why, str_text(&vm->text), vm->text.len);
    str_printf(match->why, ", want %s", wanted.ptr);
    return false;
}

/* Stack: ... when. What it says at the key: 1 true, 0 false, -1 nothing. */
static int when_truth(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    int said = lua_rawget(L, -2) == LUA_TNIL ? -1 : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return said;
}

static bool alert_is(struct match *match, const char *key)
{
    struct span status = json_get_raw(match->alert, "status");
    bool otherwise = strcmp(key, "over") == 0 && span_is(status, "resolved");

    return json_get_bool(match->alert, key,
                         otherwise); /* old alerts have the status only */
}

static bool truth_fits(struct match *match, lua_State *L, const char *key)
{
    int wanted = when_truth(L, key);
    bool is = alert_is(match, key);

    if (wanted < 0 || wanted == is)
        return true;
    str_printf(match->why, "it is %s%s; on_alert.when.%s = %s wants the other",
               is ? "" : "not ", key, key, wanted ? "true" : "false");
    return false;
}

/* An alert that is over needs no containment: on_alert asks for it, or does not get it. */
static bool state_fits(struct match *match, struct vm *vm, struct span status)
{
    lua_State *L = vm->L;

    if (!truth_fits(match, L, "over") || !truth_fits(match, L, "simulated"))
        return false;
    if (status.ptr != NULL)
        return fits(match, vm, status, "status");
    if (when_truth(L, "over") >= 0 || !alert_is(match, "over"))
        return true;
    str_add_text(match->why, "it is over (status ");
    alert_text(vm, match->alert, "status");
    str_add_shown(match->why, str_text(&vm->text), vm->text.len);
    str_add_text(match->why, "); on_alert.when.over = true would take it");
    return false;
}

/* Stack: on_alert -> on_alert function. What makes the parameters: for what an alert has gained,
 * changed when it is there. */
static int push_function(lua_State *L, bool is_changed)
{
    lua_pushliteral(L, "changed");
    int type = lua_rawget(L, -2);
    if (is_changed && type == LUA_TFUNCTION)
        return type;
    lua_pop(L, 1);
    lua_pushliteral(L, "params");
    return lua_rawget(L, -2);
}

/* changed = false: what an alert gains is nothing for this playbook. */
static bool wants_changes(lua_State *L)
{
    lua_pushliteral(L, "changed");
    bool is_refused = lua_rawget(L, -2) == LUA_TBOOLEAN;
    lua_pop(L, 1);
    return !is_refused;
}

/* Stack: on_alert function -> the same. Where it stands, for errors that have no place. */
static void note_function(struct match *match, lua_State *L)
{
    lua_Debug ar;

    lua_pushliteral(L, "changed");
    lua_rawget(L, -3); /* on_alert function changed */
    match->function = lua_rawequal(L, -1, -2) ? "on_alert.changed" : "on_alert.params";
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &ar);
    match->line = ar.linedefined;
}

/* Stack: on_alert. Calls its params function with the alert, in co. */
static void push_params(struct vm *vm, lua_State *co, struct match *match)
{
    lua_State *L = vm->L;
    int count = 0;

    if (push_function(L, json_get(match->alert, "new").len > 0) ==
        LUA_TNIL) { /* on_alert nil */
        lua_newtable(L);
        lua_replace(L, -2); /* on_alert params */
        return;
    }
    if (lua_type(L, -1) == LUA_TFUNCTION)
        note_function(match, L);
    lua_xmove(L, co, 1);          /* co: fn */
    value_push(co, match->alert); /* co: fn alert */
    alert_view_add(co);
    int status = door_resume(vm, co, 1, &count);
    if (status == LUA_YIELD)
        luaL_error(L, "on_alert.params cannot wait");
    if (status == LUA_OK && count != 1)
        luaL_error(L, "on_alert.params wants to return one table");
    lua_xmove(co, L, 1); /* on_alert result */
    if (status != LUA_OK)
        lua_error(L);
    if (lua_isnil(L, -1) && json_get(match->alert, "new").len > 0)
        return; /* nothing in it for this playbook */
    if (lua_type(L, -1) != LUA_TTABLE)
        luaL_error(L, "on_alert.params wants to return a table, got %s", value_kind(L, -1));
}

static void set_params(struct vm *vm, struct match *match)
{
    struct err err;

    value_write(vm->L, -1, "on_alert.params", VALUE_IS_OBJECT);
    if (params_complete(str_span(&vm->schema), str_span(&vm->json), match->params, &err) !=
        0)
        luaL_error(vm->L, "on_alert.params: %s", err.text);
}

static void match_alert(struct vm *vm, void *arg)
{
    struct match *match = arg;
    lua_State *L = vm->L;
    lua_State *co = lua_newthread(L); /* co */

    *branch_slot(co) = NULL;
    playbook_push_spec(vm, co); /* co spec */
    lua_pushliteral(L, "on_alert");
    if (lua_rawget(L, -2) == LUA_TNIL) { /* co spec on_alert */
        str_add_text(match->why, "this playbook has no on_alert");
        return;
    }
    lua_pushliteral(L, "when");
    lua_rawget(L, -2); /* co spec on_alert when */
    const char *what = "on_alert.when";
    if (!source_fits(match, vm, opts_text(L, -1, what, "source", false)) ||
        !fits(match, vm, opts_text(L, -1, what, "type", false), "type") ||
        !severity_fits(match, vm, opts_text(L, -1, what, "severity", false)) ||
        !state_fits(match, vm, opts_text(L, -1, what, "status", false)))
        return;
    lua_pop(L, 1); /* co spec on_alert */
    if (json_get(match->alert, "new").len > 0 && !wants_changes(L)) {
        str_add_text(match->why,
                     "on_alert.changed = false: what the alert gains starts nothing");
        return;
    }
    push_params(vm, co, match);
    if (lua_isnil(L, -1)) {
        str_add_text(match->why, "on_alert.changed wants nothing of what is new");
        return;
    }
    set_params(vm, match);
    *match->matches = true;
    str_add_text(match->why, "source, type and severity are as on_alert wants");
}

/* What our own code finds wrong has no line: it is that of the function. */
static void put_place(const struct vm *vm, const struct match *match,
                      struct source_error *error)
{
    const char *name = match->function != NULL ? match->function : "on_alert";
    bool is_named = strncmp(error->message, "on_alert", strlen("on_alert")) == 0;
    char message[sizeof error->message], place[16] = "";

    if (error->line <= 0)
        error->line = match->line;
    if (error->line > 0)
        snprintf(place, sizeof place, ":%d", error->line);
    snprintf(message, sizeof message, "%.100s%s: %s%s%.150s", vm->name, place,
             is_named ? "" : name, is_named ? "" : ": ", error->message);
    memcpy(error->message, message, sizeof message);
}

bool playbook_match(struct vm *vm, struct span alert, bool *matches, struct str *params,
                    struct str *why)
{
    struct match match = {
        .alert = alert, .matches = matches, .params = params, .why = why
    };
    struct source_error error = { .column = 1 };
    struct err err;

    *matches = false;
    if (!vm->is_loaded) {
        err_set(&err, ERR_INVALID, "no playbook is loaded");
    } else {
        budget_begin(vm, VM_STEPS_MAX);
        if (door_enter(vm, match_alert, &match, &err) == 0)
            return true;
    }
    *matches = false;
    str_reset(params);
    str_reset(why);
    source_split(vm->chunk, err.text, &error);
    put_place(vm, &match, &error);
    source_error_json(params, "on_alert", &error);
    return false;
}

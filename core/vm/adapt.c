/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/adapt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "vm/adapt_list.h"
#include "vm/budget.h"
#include "vm/door.h"
#include "vm/playbook.h"
#include "vm/sandbox.h"
#include "vm/source.h"
#include "vm/state.h"
#include "vm/value.h"

enum { KINDS_MAX = 32 };

struct adapter {
    int own_ref;         /* the source's own chunk */
    int env_ref;         /* what all chunks see */
    int refs[KINDS_MAX]; /* those of adapt_shipped, compiled when first wanted */
};

static struct adapter *adapters_of(struct vm *vm)
{
    if (vm->adapters == NULL) {
        vm->adapters = xcalloc(1, sizeof *vm->adapters);
        vm->adapters->own_ref = vm->adapters->env_ref = LUA_NOREF;
        for (int i = 0; i < KINDS_MAX; i++)
            vm->adapters->refs[i] = LUA_NOREF;
    }
    return vm->adapters;
}

void adapt_close(struct vm *vm)
{
    free(vm->adapters);
}

/* -- Chunks ----------------------------------------------------------------------------- */

/* Stack: alert -> the same, with what a chunk of the library adds to it. */
static void run_library(lua_State *L, const struct shipped *part)
{
    struct source_error error;
    struct span source = { (const char *)part->source, part->len };

    if (source_compile(L, source, "=alert", &error) != 0) /* alert chunk */
        luaL_error(L, "%s:%d: %s", part->kind, error.line, error.message);
    lua_newtable(L);
    sandbox_push_playbook_env(L); /* alert chunk env */
    sandbox_confine(L);           /* alert chunk */
    lua_pushvalue(L, -2);         /* alert chunk alert */
    lua_call(L, 1, 0);            /* alert */
}

/* Leaves nothing; raises when a source of ours does not compile. */
static void make_env(lua_State *L, struct adapter *adapters)
{
    if (adapters->env_ref != LUA_NOREF)
        return;
    adapt_push_library(L); /* alert */
    for (int i = 0; adapt_library[i].kind != NULL; i++)
        run_library(L, &adapt_library[i]);
    lua_newtable(L);   /* alert names */
    lua_insert(L, -2); /* names alert */
    sandbox_protect(L, "alert");
    lua_setfield(L, -2, "alert"); /* names */
    sandbox_push_playbook_env(L); /* env */
    adapters->env_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Pushes the chunk, ready to be called. */
static int compile(struct vm *vm, lua_State *L, struct span source, const char *chunk,
                   struct source_error *error)
{
    if (source_compile(L, source, chunk, error) != 0)
        return -1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, adapters_of(vm)->env_ref); /* chunk env */
    sandbox_confine(L);                                          /* chunk */
    return 0;
}

static int find_shipped(struct span kind)
{
    for (int i = 0; adapt_shipped[i].kind != NULL && i < KINDS_MAX; i++)
        if (span_is(kind, adapt_shipped[i].kind))
            return i;
    return -1;
}

static void push_shipped(struct vm *vm, lua_State *L, int at)
{
    struct adapter *adapters = adapters_of(vm);
    const struct shipped *shipped = &adapt_shipped[at];
    struct source_error error;

    if (adapters->refs[at] == LUA_NOREF) {
        lua_pushfstring(L, "=%s", shipped->kind); /* name */
        if (compile(vm, L, (struct span){ (const char *)shipped->source, shipped->len },
                    lua_tostring(L, -1), &error) != 0)
            luaL_error(L, "%s:%d: %s", shipped->kind, error.line, error.message);
        adapters->refs[at] = luaL_ref(L, LUA_REGISTRYINDEX);
        lua_pop(L, 1);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, adapters->refs[at]);
}

/* Stack: chunk -> the table that it returns, looked through. */
static void run_chunk(lua_State *L, const char *name)
{
    lua_call(L, 0, 1); /* table */
    if (lua_type(L, -1) != LUA_TTABLE)
        luaL_error(L, "%s:1: the adapter wants to return a table with a function adapt",
                   name);
    lua_pushliteral(L, "adapt");
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        luaL_error(L, "%s:1: the adapter's adapt: want a function of the event", name);
    lua_pushliteral(L, "is");
    int type = lua_rawget(L, -3);
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
        luaL_error(L, "%s:1: the adapter's is: want a function of the event", name);
    lua_pop(L, 2);
}

/* -- One event --------------------------------------------------------------------------- */

/* Stack: adapter -> the same; is the event at idx of its shape? */
static bool is_its(lua_State *L, int idx)
{
    lua_pushliteral(L, "is");
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        return true;
    }
    lua_pushvalue(L, idx);
    lua_call(L, 1, 1);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* Stack: adapter -> what it makes of the event at idx. */
static void call_adapt(struct vm *vm, lua_State *L, int idx)
{
    if (++vm->adapter_depth > VM_ADAPT_DEPTH_MAX)
        luaL_error(L, "events lie in each other more than %d deep", VM_ADAPT_DEPTH_MAX);
    lua_pushliteral(L, "adapt");
    lua_rawget(L, -2);
    lua_pushvalue(L, idx);
    lua_call(L, 1, 1); /* adapter result */
    lua_remove(L, -2); /* result */
    vm->adapter_depth--;
}

/* Pushes a sentence without a place in a file: it is about what came in. */
static int refuse(lua_State *L, const char *kind, const char *want)
{
    if (want == NULL)
        lua_pushfstring(L, "this is nothing of kind %s", kind);
    else
        lua_pushfstring(L, "this is nothing of kind %s: want %s", kind, want);
    return lua_error(L);
}

/* Stack: adapter -> the same. The first of the kinds in its list "kin" that says that the event
 * at idx is its; -1 for none. Products of one family hand on each other's alerts. */
static int kin_of(struct vm *vm, lua_State *L, int idx)
{
    int found = -1, top = lua_gettop(L);

    lua_pushliteral(L, "kin");
    lua_rawget(L, top); /* adapter kin */
    lua_Integer count = lua_type(L, -1) == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : 0;
    for (lua_Integer i = 1; i <= count && found < 0; i++) {
        lua_rawgeti(L, top + 1, i); /* adapter kin kind */
        int at = find_shipped(span_of(lua_tostring(L, -1)));
        if (at >= 0) {
            push_shipped(vm, L, at);
            run_chunk(L, adapt_shipped[at].kind);
            found = is_its(L, idx) ? at : -1;
        }
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return found;
}

static void as_kind(struct vm *vm, lua_State *L, int at, int idx)
{
    push_shipped(vm, L, at);
    run_chunk(L, adapt_shipped[at].kind); /* adapter */
    bool is_its_own = is_its(L, idx);
    int kin = is_its_own ? -1 : kin_of(vm, L, idx);
    if (kin >= 0) {
        lua_pop(L, 1);
        push_shipped(vm, L, kin);
        run_chunk(L, adapt_shipped[kin].kind); /* the other adapter */
    } else if (!is_its_own) {
        lua_pushliteral(L, "want");
        lua_rawget(L, -2);
        refuse(L, adapt_shipped[at].kind, lua_tostring(L, -1));
    }
    call_adapt(vm, L, idx);
}

/* The first of those that cordon brings that says the event is its; -1 for none. */
static int kind_of(struct vm *vm, lua_State *L, int idx)
{
    luaL_checkstack(L, 8, "adapters call each other too deep");
    for (int i = 0; adapt_shipped[i].kind != NULL; i++) {
        push_shipped(vm, L, i);
        run_chunk(L, adapt_shipped[i].kind);
        bool is = is_its(L, idx);
        lua_pop(L, 1);
        if (is)
            return i;
    }
    return -1;
}

int adapt_l_kind(lua_State *L)
{
    lua_settop(L, 1);
    int at = kind_of(vm_of(L), L, 1);
    if (at < 0)
        return 0;
    lua_pushstring(L, adapt_shipped[at].kind);
    return 1;
}

int adapt_l_as(lua_State *L)
{
    struct span kind;

    kind.ptr = luaL_checklstring(L, 1, &kind.len);
    lua_settop(L, 2);
    int at = find_shipped(kind);
    if (at < 0)
        return luaL_error(L, "alert.as: there is no kind '%s'", kind.ptr);
    as_kind(vm_of(L), L, at, 2);
    return 1;
}

/* The whole work for one event, on a coroutine so that it is counted: kind, event -> what
 * the adapter makes of it. */
static int l_event(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct span kind;
    int own = adapters_of(vm)->own_ref;

    kind.ptr = lua_tolstring(L, 1, &kind.len);
    vm->adapter_depth = 0;
    if (own != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, own);
        run_chunk(L, vm->name);
        if (!is_its(L, 2))
            return refuse(L, vm->name, NULL);
        call_adapt(vm, L, 2);
        return 1;
    }
    int at = kind.len > 0 ? find_shipped(kind) : kind_of(vm, L, 2);
    if (at < 0 && kind.len > 0)
        return luaL_error(L, "there is no adapter of kind %s", kind.ptr);
    if (at < 0) {
        lua_pushliteral(
            L, "this is no alert that is known: want one of Defender for Cloud (the event"
               " with AlertType and SystemAlertId, the ARM resource with these in"
               " properties, or the activity log entry of category Security), of Sentinel,"
               " Microsoft Graph, Azure Monitor, Event Grid or CloudEvents, or an object"
               " with id, title and severity");
        return lua_error(L);
    }
    as_kind(vm, L, at, 2);
    return 1;
}

/* -- What comes out ----------------------------------------------------------------------- */

struct work {
    struct vm *vm;
    struct span kind;
    struct span delivery;
    struct json_out out;
    int events, count, unread; /* items of the delivery, alerts, and items that are none */
    struct str why;            /* the first item cannot be read */
};

/* The JSON behind the alert at the top: the event; or the event's own "raw" where the adapter
 * hands that on, untouched by what Lua cannot tell apart ({} and []). */
static struct span raw_of(lua_State *L, int event_idx, struct span event)
{
    struct span raw = event;

    lua_pushliteral(L, "raw");
    int type = lua_rawget(L, -2); /* alert raw */
    if (type == LUA_TTABLE && lua_type(L, event_idx) == LUA_TTABLE) {
        lua_pushliteral(L, "raw");
        lua_rawget(L, event_idx); /* alert raw raw */
        if (lua_rawequal(L, -1, -2) && json_kind(json_get(event, "raw")) == JSON_OBJECT)
            raw = json_get(event, "raw");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return raw;
}

/* Does it stand in this event? A row of a table is made anew, and has all of them. */
static bool is_noted(const struct vm *vm, const struct json_mend *mend, struct span event)
{
    const char *start = vm->mended.ptr, *end = start + vm->mended.len;
    size_t at = (size_t)(event.ptr - start);

    if (event.ptr < start || event.ptr >= end)
        return true;
    return mend->at >= at && mend->at <= at + event.len;
}

static void put_notes(struct vm *vm, struct work *work, struct span own, struct span event)
{
    const struct json_mends *mends = &vm->mends;
    int listed = mends->count < JSON_MENDS_MAX ? mends->count : JSON_MENDS_MAX;
    int noted = 0, left = mends->count - listed;
    struct span note;
    char text[JSON_MEND_WHAT_CAP + 60];

    json_key(&work->out, "notes");
    json_open(&work->out, '[');
    for (size_t pos = 0; json_next(own, &pos, NULL, &note);)
        json_raw_value(&work->out, note);
    for (int i = 0; i < listed; i++) {
        if (!is_noted(vm, &mends->items[i], event))
            continue;
        if (noted++ >= VM_MENDS_NOTED_MAX) {
            left++;
            continue;
        }
        if (mends->items[i].line == 0)
            snprintf(text, sizeof text, "in a text that holds JSON: %s",
                     mends->items[i].what);
        else
            snprintf(text, sizeof text, "line %ld, column %ld of the delivery: %s",
                     mends->items[i].line, mends->items[i].column, mends->items[i].what);
        json_string(&work->out, text);
    }
    snprintf(text, sizeof text, "%d more places of the delivery are replaced", left);
    if (left > 0)
        json_string(&work->out, text);
    json_close(&work->out);
}

/* A long event is in the row of its delivery; each run would carry it along. */
static void put_raw(struct vm *vm, struct work *work, struct span raw)
{
    char why[160];

    if (raw.len <= VM_RAW_MAX && vm->adapted.len + raw.len <= VM_ADAPTED_MAX) {
        json_put_raw(&work->out, "raw", raw);
        return;
    }
    snprintf(
        why, sizeof why,
        "the event has %zu bytes, an alert carries at most %d: the row of the delivery "
        "has it",
        raw.len, VM_RAW_MAX);
    json_key(&work->out, "raw");
    json_open(&work->out, '{');
    json_put(&work->out, "left_out", why);
    json_close(&work->out);
}

/* The others of the delivery are read all the same; these are told of beside them. */
static void put_unread(struct work *work, const char *why)
{
    struct str text = { 0 };

    if (work->unread++ == 0)
        str_add_text(&work->why, why);
    if (work->unread > VM_UNREAD_MAX)
        return;
    str_printf(&text, "item %d: %s", work->events, why);
    json_open(&work->out, '{');
    json_put_span(&work->out, "unread", str_span(&text));
    json_close(&work->out);
    str_fini(&text);
}

/* The alert is vm->json. */
static bool has_room(struct vm *vm, struct work *work)
{
    if (work->count < VM_ALERTS_MAX && vm->adapted.len + vm->json.len <= VM_ADAPTED_MAX)
        return true;
    put_unread(work, work->count < VM_ALERTS_MAX
                         ? "the delivery becomes more bytes of alerts than are taken of one"
                         : "the delivery holds more alerts than are taken of one");
    return false;
}

/* Stack: alert -> the same. */
static void add_alert(struct vm *vm, struct work *work, int event_idx, struct span event)
{
    lua_State *L = vm->L;
    struct span key, value, own = { 0 };

    if (lua_type(L, -1) != LUA_TTABLE)
        luaL_error(L, "%s: adapt wants to return an alert, a list of them or nil, got %s",
                   vm->name, value_kind(L, -1));
    struct span raw = raw_of(L, event_idx, event);
    lua_pushliteral(L, "raw"); /* only ours: what was read, not what was made of it */
    lua_pushnil(L);
    lua_rawset(L, -3);
    value_write(L, -1, "the alert", VALUE_IS_OBJECT);
    if (!has_room(vm, work))
        return;
    work->count++;
    bool has_notes = vm->mends.count > 0;
    json_open(&work->out, '{');
    for (size_t pos = 0; json_next(str_span(&vm->json), &pos, &key, &value);) {
        if (has_notes && span_is(key, "notes") && json_kind(value) == JSON_ARRAY) {
            own = value;
            continue;
        }
        has_notes = has_notes && !span_is(key, "notes"); /* a wrong one is refused later */
        json_key_span(&work->out, key);
        json_raw_value(&work->out, value);
    }
    if (has_notes)
        put_notes(vm, work, own, event);
    put_raw(vm, work, raw);
    json_close(&work->out);
}

/* Stack: what the adapter returned; pops it. */
static void add_result(struct vm *vm, struct work *work, int event_idx, struct span event)
{
    lua_State *L = vm->L;

    if (lua_type(L, -1) == LUA_TTABLE && lua_rawlen(L, -1) > 0) {
        lua_Integer count = value_sequence(L, -1, "what adapt returns");
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            add_alert(vm, work, event_idx, event);
            lua_pop(L, 1);
        }
    } else if (lua_toboolean(L, -1)) {
        lua_pushnil(L);
        bool is_empty = lua_type(L, -2) == LUA_TTABLE && lua_next(L, -2) == 0;
        lua_settop(L, event_idx + 1);
        if (!is_empty)
            add_alert(vm, work, event_idx, event);
    }
    lua_pop(L, 1);
}

/* A row of a table is made anew, and is nowhere in the delivery. */
static void note_place(struct vm *vm, struct span event)
{
    const char *start = vm->mended.ptr;
    bool is_inside = event.ptr >= start && event.ptr < start + vm->mended.len;

    vm->event_at = is_inside ? (size_t)(event.ptr - start) : 0;
}

static void put_rest_unread(struct work *work)
{
    char text[80];

    snprintf(text, sizeof text, "and %d more items", work->unread - VM_UNREAD_MAX);
    json_open(&work->out, '{');
    json_put(&work->out, "unread", text);
    json_close(&work->out);
}

static void read_event(struct vm *vm, struct work *work, struct span event)
{
    lua_State *L = vm->L;
    int count = 0, base = lua_gettop(L);
    lua_State *co = lua_newthread(L); /* co */

    *branch_slot(co) = NULL;
    note_place(vm, event);
    value_push(L, event); /* co event */
    lua_pushcfunction(co, l_event);
    lua_pushlstring(co, work->kind.ptr == NULL ? "" : work->kind.ptr, work->kind.len);
    lua_pushvalue(L, -1);
    lua_xmove(L, co, 1); /* co: l_event kind event */
    int status = door_resume(vm, co, 2, &count);
    if (status != LUA_OK) {
        lua_xmove(co, L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            lua_pushfstring(L, "%s:1: the adapter raised a table", vm->name);
        put_unread(work, lua_tostring(L, -1));
        lua_settop(L, base);
        return;
    }
    if (count == 0)
        lua_pushnil(co);
    lua_settop(co, count == 0 ? 1 : count);
    lua_settop(co, 1);
    lua_xmove(co, L, 1); /* co event result */
    add_result(vm, work, base + 2, event);
    lua_settop(L, base);
}

static void on_event(void *arg, struct span event)
{
    struct work *work = arg;

    work->events++;
    if (work->vm->steps < VM_ADAPT_STEPS)
        read_event(work->vm, work, event);
    else
        put_unread(work, "the delivery takes more work than is done for one");
}

/* A workflow may send the JSON of an alert as a text. */
static struct span opened(struct vm *vm, struct span delivery)
{
    struct str text = { 0 };
    struct json_mends mends;
    struct err err;

    if (json_kind(delivery) != JSON_STRING)
        return delivery;
    json_text_to(&text, delivery);
    str_reset(&vm->opened);
    bool is_json = json_mend(&vm->opened, str_span(&text), &mends, &err) == 0;
    str_fini(&text);
    if (!is_json || json_kind(str_span(&vm->opened)) == JSON_STRING)
        return delivery;
    str_reset(&vm->mended);
    str_add_span(&vm->mended, str_span(&vm->opened));
    vm->mends = mends;
    return str_span(&vm->mended);
}

static void read_delivery(struct vm *vm, void *arg)
{
    struct work *work = arg;
    bool is_shipped = adapters_of(vm)->own_ref == LUA_NOREF;

    make_env(vm->L, adapters_of(vm));
    json_open(&work->out, '[');
    adapt_each(is_shipped ? opened(vm, work->delivery) : work->delivery, is_shipped,
               &vm->row, on_event, work);
    if (work->unread > VM_UNREAD_MAX)
        put_rest_unread(work);
    json_close(&work->out);
    if (work->count > 0 || work->unread == 0)
        return;
    lua_pushlstring(vm->L, work->why.ptr, work->why.len);
    lua_error(vm->L);
}

static void set_error(struct vm *vm, struct str *out, const char *text)
{
    struct source_error error = { 0 };

    str_reset(out);
    source_split(vm->chunk, text, &error);
    source_error_json(out, "adapter", &error);
}

bool adapt_read(struct vm *vm, struct span kind, struct span delivery)
{
    struct work work = { .vm = vm, .kind = kind, .out = { .str = &vm->adapted } };
    struct err err;

    str_reset(&vm->adapted);
    str_reset(&vm->mended);
    if (adapters_of(vm)->own_ref == LUA_NOREF)
        playbook_set_name(vm, kind.len > 0 ? kind : span_of("adapter"));
    budget_begin(vm, VM_STEPS_MAX);
    int rc = json_mend(&vm->mended, delivery, &vm->mends, &err);
    work.delivery = str_span(&vm->mended);
    bool is_read = rc == 0 && door_enter(vm, read_delivery, &work, &err) == 0;
    str_fini(&work.why);
    if (!is_read)
        set_error(vm, &vm->adapted, err.text);
    return is_read;
}

/* -- Loading ------------------------------------------------------------------------------ */

struct loading {
    struct span source;
    struct source_error error;
    bool is_compiled;
};

static int l_try(lua_State *L)
{
    run_chunk(L, vm_of(L)->name);
    return 0;
}

/* Compiles it, and runs it once, so that what is wrong is known before anything comes. */
static void load(struct vm *vm, void *arg)
{
    struct loading *loading = arg;
    lua_State *L = vm->L;
    int count = 0;

    make_env(L, adapters_of(vm));
    if (loading->source.len == 0) {
        loading->is_compiled = true;
        return;
    }
    if (compile(vm, L, loading->source, vm->chunk, &loading->error) != 0)
        return;
    loading->is_compiled = true; /* chunk */
    lua_State *co = lua_newthread(L);
    *branch_slot(co) = NULL;
    lua_pushcfunction(co, l_try);
    lua_pushvalue(L, -2);
    lua_xmove(L, co, 1); /* chunk co */
    if (door_resume(vm, co, 1, &count) != LUA_OK) {
        lua_xmove(co, L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s:1: the adapter raised a table", vm->name);
        lua_error(L);
    }
    lua_pop(L, 1);
    adapters_of(vm)->own_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

bool adapt_load(struct vm *vm, struct span name, struct span source, struct str *info)
{
    struct loading loading = { .source = source };
    struct err err;

    playbook_set_name(vm, name);
    budget_begin(vm, VM_STEPS_DATA_MAX);
    int rc = door_enter(vm, load, &loading, &err);
    if (rc == 0 && loading.is_compiled) {
        str_add_text(info, "{}");
        return true;
    }
    if (rc != 0)
        source_split(vm->chunk, err.text, &loading.error);
    source_error_json(info, loading.is_compiled ? "adapter" : "syntax", &loading.error);
    return false;
}

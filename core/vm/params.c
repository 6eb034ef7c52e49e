/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/params.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/schema.h"
#include "vm/opts.h"
#include "vm/state.h"
#include "vm/value.h"

struct type_word {
    const char *word;
    const char *type;
    const char *format; /* NULL: none */
};

static const struct type_word words[] = {
    { "string", "string", NULL },      { "integer", "integer", NULL },
    { "number", "number", NULL },      { "boolean", "boolean", NULL },
    { "arm_id", "string", "arm-id" },  { "ip", "string", "ip" },
    { "uuid", "string", "uuid" },      { "duration", "string", "duration" },
    { "time", "string", "date-time" },
};

enum { WORD_COUNT = sizeof words / sizeof *words };

static const struct type_word *find_word(lua_State *L, struct span word, const char *what)
{
    const char *names[WORD_COUNT];

    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (span_is(word, words[i].word))
            return &words[i];
        names[i] = words[i].word;
    }
    const char *nearest = schema_nearest(word, names, WORD_COUNT);
    lua_pushlstring(L, word.ptr, word.len);
    luaL_error(
        L,
        "%s: '%s' is no type; %s%s%s want string, integer, number, boolean, arm_id, ip, "
        "uuid, duration, time, or list of one of them",
        what, lua_tostring(L, -1), nearest == NULL ? "" : "did you mean '",
        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    return NULL;
}

/* Adds member name as the JSON of the field of the descriptor, when it is there. */
static void copy_field(lua_State *L, int idx, const char *field, struct json_out *out,
                       const char *name, const char *what)
{
    lua_pushstring(L, field);
    if (lua_rawget(L, idx) != LUA_TNIL) {
        const char *place = lua_pushfstring(L, "%s: %s", what, field); /* value place */
        value_write(L, -2, place, 0);
        json_put_raw(out, name, str_span(&vm_of(L)->json));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void write_one(lua_State *L, int idx, const struct type_word *word,
                      struct json_out *out, const char *what)
{
    bool is_text = strcmp(word->type, "string") == 0;
    bool is_number = !is_text && strcmp(word->type, "boolean") != 0;

    json_open(out, '{');
    json_put(out, "type", word->type);
    if (word->format != NULL)
        json_put(out, "format", word->format);
    struct span type_of = opts_text(L, idx, what, "type_of", false);
    if (type_of.ptr != NULL && strcmp(word->word, "arm_id") != 0)
        luaL_error(L, "%s: type_of is for arm_id", what);
    if (type_of.ptr != NULL)
        json_put_span(out, "x-arm-type", type_of);
    copy_field(L, idx, "choices", out, "enum", what);
    if (is_number || is_text) {
        copy_field(L, idx, "min", out, is_number ? "minimum" : "minLength", what);
        copy_field(L, idx, "max", out, is_number ? "maximum" : "maxLength", what);
    }
    /* Open: the caller adds what belongs to a parameter and closes. */
}

static struct span type_text(lua_State *L, int idx, const char *what)
{
    if (lua_rawgeti(L, idx, 1) != LUA_TSTRING)
        luaL_error(L, "%s wants its type first, as in { \"string\", \"what it is\" }",
                   what);
    struct span text = opts_text_at(L, -1, what);
    lua_pop(L, 1);
    return text;
}

static void write_descriptor(lua_State *L, int idx, const char *what, struct json_out *out)
{
    struct span type = type_text(L, idx, what);
    bool is_list = span_starts(type, "list of ");

    if (is_list) {
        type.ptr += strlen("list of ");
        type.len -= strlen("list of ");
    }
    const struct type_word *word = find_word(L, type, what);
    if (is_list) {
        json_open(out, '{');
        json_put(out, "type", "array");
        json_key(out, "items");
    }
    write_one(L, idx, word, out, what);
    if (is_list)
        json_close(out);
    if (lua_rawgeti(L, idx, 2) == LUA_TSTRING)
        json_put_span(out, "description", opts_text_at(L, -1, what));
    else if (!lua_isnil(L, -1))
        luaL_error(L, "%s wants a description in words after its type", what);
    lua_pop(L, 1);
    copy_field(L, idx, "default", out, "default", what);
    json_close(out);
}

void params_write_type(lua_State *L, int idx, const char *what, struct str *out)
{
    struct json_out json = { .str = out };

    write_descriptor(L, lua_absindex(L, idx), what, &json);
}

/* The keys of a descriptor: 1, 2 and the names. */
static void check_descriptor(lua_State *L, int idx, const char *what)
{
    static const char *const known[] = { "default", "optional", "type_of", "choices",
                                         "min",     "max",      NULL };

    if (lua_type(L, idx) != LUA_TTABLE || lua_getmetatable(L, idx))
        luaL_error(L, "%s wants a table such as { \"string\", \"what it is\" }", what);
    size_t count = value_push_keys(L, idx); /* keys */
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i); /* keys key */
        bool is_place = lua_isinteger(L, -1) &&
                        (lua_tointeger(L, -1) == 1 || lua_tointeger(L, -1) == 2);
        bool is_known = is_place;
        for (size_t k = 0; known[k] != NULL && !is_known; k++)
            is_known = lua_type(L, -1) == LUA_TSTRING &&
                       strcmp(lua_tostring(L, -1), known[k]) == 0;
        if (!is_known && lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s has more than a type and a description", what);
        if (!is_known)
            opts_unknown(L, what, span_of(lua_tostring(L, -1)), known, 6);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void check_name(lua_State *L, const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > 64 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len ||
        (name[0] >= '0' && name[0] <= '9'))
        luaL_error(L, "params: '%s' is no name; want small letters, digits and _", name);
}

static bool is_required(lua_State *L, int idx, const char *what)
{
    lua_pushliteral(L, "optional");
    int type = lua_rawget(L, idx); /* optional */
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        luaL_error(L, "%s: optional wants true or false", what);
    lua_pushliteral(L, "default");
    bool has_default = lua_rawget(L, idx) != LUA_TNIL; /* optional default */
    bool required = !lua_toboolean(L, -2) && !has_default;
    lua_pop(L, 2);
    return required;
}

/* A default that the parameter itself would refuse is found now and not in the incident. */
static void check_default(lua_State *L, struct span property, const char *what)
{
    struct span value = json_get(property, "default");
    struct err err;

    if (value.len > 0 && schema_match(property, value, &err) != 0)
        luaL_error(L, "%s: default: %s", what, err.text);
}

static void write_property(lua_State *L, int idx, const char *name, struct json_out *out,
                           struct str *required)
{
    const char *what = lua_pushfstring(L, "params.%s", name); /* what */
    struct err err;

    check_descriptor(L, idx, what);
    json_key(out, name);
    size_t begin = out->str->len;
    write_descriptor(L, idx, what, out);
    struct span property = { out->str->ptr + begin, out->str->len - begin };
    if (schema_check(property, &err) != 0)
        luaL_error(L, "%s: %s", what, err.text);
    check_default(L, property, what);
    if (is_required(L, idx, what))
        str_printf(required, "%s\"%s\"", required->len > 1 ? "," : "", name);
    lua_pop(L, 1);
}

void params_declare(lua_State *L, int idx)
{
    struct vm *vm = vm_of(L);
    struct json_out out = { .str = &vm->schema };

    str_reset(&vm->schema);
    str_reset(&vm->required);
    str_add_char(&vm->required, '[');
    json_open(&out, '{');
    json_put(&out, "type", "object");
    json_put_bool(&out, "additionalProperties", false);
    json_key(&out, "properties");
    json_open(&out, '{');
    if (!lua_isnil(L, idx)) {
        if (lua_type(L, idx) != LUA_TTABLE)
            luaL_error(L, "params wants a table, got %s", value_kind(L, idx));
        size_t count = value_push_keys(L, idx); /* keys */
        for (size_t i = 1; i <= count; i++) {
            if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TSTRING) /* keys key */
                luaL_error(L, "params wants a name for each parameter");
            check_name(L, lua_tostring(L, -1));
            lua_pushvalue(L, -1);
            lua_rawget(L, idx); /* keys key descriptor */
            write_property(L, lua_gettop(L), lua_tostring(L, -2), &out, &vm->required);
            lua_pop(L, 2);
        }
        lua_pop(L, 1);
    }
    json_close(&out);
    json_key(&out, "required");
    str_add_char(&vm->required, ']');
    json_raw_value(&out, str_span(&vm->required));
    json_close(&out);
}

int params_complete(struct span schema, struct span given, struct str *out, struct err *err)
{
    struct span properties = json_get(schema, "properties"), key, value;
    struct str whole = { 0 };
    struct json_out json = { .str = &whole };
    size_t pos = 0;

    if (json_kind(given) != JSON_OBJECT && json_count(given) > 0)
        return err_set(err, ERR_INVALID, "want an object of parameters");
    json_open(&json, '{');
    while (json_kind(given) == JSON_OBJECT && json_next(given, &pos, &key, &value)) {
        struct span quoted = { key.ptr - 1, key.len + 2 };
        char *name = json_text(quoted);
        json_put_raw(&json, name, value);
        free(name);
    }
    pos = 0;
    while (json_next(properties, &pos, &key, &value)) {
        struct span otherwise = json_get(value, "default");
        char *name = span_dup(key);
        if (otherwise.len > 0 && json_get(given, name).len == 0)
            json_put_raw(&json, name, otherwise);
        free(name);
    }
    json_close(&json);
    int rc = schema_match(schema, str_span(&whole), err);
    if (rc == 0)
        rc = json_canonical(out, str_text(&whole), whole.len, err);
    str_fini(&whole);
    return rc;
}

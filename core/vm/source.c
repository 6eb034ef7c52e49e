/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/json.h"
#include "vm/limits.h"
#include "vm/token.h"

enum { PLACES_MAX = 64 }; /* places of one token tried in the search for a column */

size_t source_utf8(const char *pos, const char *end, uint32_t *character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)*pos;
    size_t len = first < 0x80   ? 1
                 : first < 0xc2 ? 0
                 : first < 0xe0 ? 2
                 : first < 0xf0 ? 3
                                : 4;

    if (len == 0 || first > 0xf4 || (size_t)(end - pos) < len)
        return 0;
    *character = len == 1 ? first : first & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)pos[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (next & 0x3f);
    }
    if (*character < least[len] || *character > 0x10ffff ||
        (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return len;
}

bool source_is_text(struct span text)
{
    uint32_t character;
    const char *end = text.ptr + text.len;

    for (const char *pos = text.ptr; pos < end;) {
        size_t len = source_utf8(pos, end, &character);
        if (len == 0 || character == 0)
            return false;
        pos += len;
    }
    return true;
}

/* Characters that show nothing, or turn the direction of what is beside them. */
static bool is_deceptive(uint32_t c)
{
    return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

static int refuse(struct source_error *error, int line, int column, const char *message)
{
    error->line = line;
    error->column = column;
    snprintf(error->message, sizeof error->message, "%s", message);
    return -1;
}

static int check_characters(struct span source, struct source_error *error)
{
    const char *end = source.ptr + source.len;
    int line = 1, column = 1;

    for (const char *pos = source.ptr; pos < end;) {
        uint32_t c = 0;
        size_t len = source_utf8(pos, end, &c);
        if (len == 0)
            return refuse(error, line, column, "the source is not UTF-8 here");
        if (is_deceptive(c)) {
            char message[96];
            snprintf(message, sizeof message,
                     "character U+%04X cannot be seen and can deceive; take it out",
                     (unsigned)c);
            return refuse(error, line, column, message);
        }
        if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
            return refuse(error, line, column,
                          "a control character stands here; take it out");
        if (c == '\n') {
            line++;
            column = 0;
        }
        column++;
        pos += len;
    }
    return 0;
}

/* Two words of Lua are not for playbooks: 5.4.4 can compile _ENV wrongly, and what closes
 * itself can run where nothing may. */
static int check_words(struct span source, struct source_error *error)
{
    struct token_reader in;
    struct token token, before = { 0 };

    for (token_start(&in, source); token_next(&in, &token); before = token) {
        if (token.kind == TOKEN_NAME && span_is(token.text, "_ENV"))
            return refuse(error, token.line, token.column,
                          "_ENV cannot be used in a playbook");
        if (token.kind == TOKEN_NAME && span_is(token.text, "close") &&
            span_is(before.text, "<"))
            return refuse(error, token.line, token.column,
                          "<close> cannot be used in a playbook");
    }
    return 0;
}

int source_check(struct span source, struct source_error *error)
{
    char message[96];

    if (source.len > VM_SOURCE_MAX) {
        snprintf(message, sizeof message, "the source has %zu bytes; at most %d are taken",
                 source.len, VM_SOURCE_MAX);
        return refuse(error, 1, 1, message);
    }
    if (source.len > 0 && source.ptr[0] == '\x1b')
        return refuse(error, 1, 1, "this is compiled Lua; only source text is taken");
    if (check_characters(source, error) != 0)
        return -1;
    return check_words(source, error);
}

void source_split(const char *chunk, const char *text, struct source_error *error)
{
    const char *name = chunk + 1;
    size_t len = strlen(name);

    error->line = 0;
    error->column = 1;
    if (strncmp(text, name, len) == 0 && text[len] == ':') {
        char *end;
        long line = strtol(text + len + 1, &end, 10);
        if (end != text + len + 1 && end[0] == ':' && end[1] == ' ') {
            error->line = (int)line;
            text = end + 2;
        }
    }
    snprintf(error->message, sizeof error->message, "%s", text);
}

/* What is between the quotes of "... near 'x'"; empty when the sentence has no such end. */
static struct span near_token(const char *message)
{
    const char *at = NULL;

    for (const char *found = message; (found = strstr(found, " near ")) != NULL; found++)
        at = found;
    if (at == NULL)
        return (struct span){ 0 };
    at += strlen(" near ");
    size_t len = strlen(at);
    if (len > 2 && at[0] == '\'' && at[len - 1] == '\'')
        return (struct span){ at + 1, len - 2 };
    return (struct span){ at, len };
}

/* Does the source, cut off behind a token, already have the same error? */
static bool fails_alike(lua_State *L, struct span source, const char *chunk,
                        const char *why)
{
    bool same = luaL_loadbufferx(L, source.ptr, source.len, chunk, "t") != LUA_OK &&
                strcmp(lua_tostring(L, -1), why) == 0;

    lua_pop(L, 1);
    return same;
}

static int column_of(struct span source, const char *at)
{
    const char *begin = at;

    while (begin > source.ptr && begin[-1] != '\n')
        begin--;
    int column = 1;
    for (; begin < at; begin++)
        column += ((unsigned char)*begin & 0xc0) != 0x80;
    return column;
}

/* Lua tells the line and the token. The first token there with which the source fails in
 * the same way is the one. */
static int find_column(lua_State *L, struct span source, const char *chunk, const char *why,
                       const struct source_error *error)
{
    struct span token = near_token(error->message);
    const char *pos = source.ptr, *end = source.ptr + source.len;
    int tried = 0;

    for (int line = 1; line < error->line && pos < end; pos++)
        line += *pos == '\n';
    const char *stop = memchr(pos, '\n', (size_t)(end - pos));
    stop = stop == NULL ? end : stop;
    if (span_is(token, "<eof>"))
        return column_of(source, stop);
    for (; token.len > 0 && (size_t)(stop - pos) >= token.len; pos++) {
        if (memcmp(pos, token.ptr, token.len) != 0 || tried++ == PLACES_MAX)
            continue;
        struct span cut = { source.ptr, (size_t)(pos + token.len - source.ptr) };
        if (fails_alike(L, cut, chunk, why))
            return column_of(source, pos);
    }
    return 1;
}

int source_compile(lua_State *L, struct span source, const char *chunk,
                   struct source_error *error)
{
    if (source_check(source, error) != 0)
        return -1;
    if (luaL_loadbufferx(L, source.ptr, source.len, chunk, "t") == LUA_OK)
        return 0;                          /* function */
    const char *why = lua_tostring(L, -1); /* why */
    source_split(chunk, why, error);
    if (error->line > 0)
        error->column = find_column(L, source, chunk, why, error);
    lua_pop(L, 1); /* - */
    return -1;
}

void source_error_json(struct str *out, const char *code, const struct source_error *error)
{
    struct json_out json = { .str = out };
    struct str shown = { 0 };

    str_add_shown(&shown, error->message, strlen(error->message));
    json_open(&json, '{');
    json_put(&json, "code", code);
    json_put_int(&json, "column", error->column);
    json_put_int(&json, "line", error->line);
    json_put(&json, "message", str_text(&shown));
    json_close(&json);
    str_fini(&shown);
}

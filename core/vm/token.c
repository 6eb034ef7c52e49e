/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/token.h"

#include <ctype.h>
#include <string.h>

void token_start(struct token_reader *in, struct span source)
{
    *in = (struct token_reader){ .pos = source.ptr,
                                 .end = source.ptr + source.len,
                                 .line = 1,
                                 .counted = source.ptr,
                                 .column = 1 };
    /* Lua leaves a first line that begins with # out. */
    if (source.len > 0 && source.ptr[0] == '#')
        while (in->pos < in->end && *in->pos != '\n')
            in->pos++;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static char peek(const struct token_reader *in, size_t ahead)
{
    return (size_t)(in->end - in->pos) > ahead ? in->pos[ahead] : '\0';
}

/* One character, and the line it may begin. */
static void step(struct token_reader *in)
{
    if (*in->pos++ == '\n') {
        in->line++;
        in->counted = in->pos;
        in->column = 1;
    }
}

/* At "[", "[=", ...: the number of "=" of a long bracket, or -1. */
static int long_level(const struct token_reader *in)
{
    size_t level = 0;

    while (peek(in, 1 + level) == '=')
        level++;
    return peek(in, 1 + level) == '[' ? (int)level : -1;
}

/* From the opening long bracket to behind the closing one; returns what is between. */
static struct span skip_long(struct token_reader *in, int level)
{
    in->pos += level + 2;
    const char *begin = in->pos;
    while (in->pos < in->end) {
        if (*in->pos == ']') {
            size_t count = 0;
            while (peek(in, 1 + count) == '=')
                count++;
            if (count == (size_t)level && peek(in, 1 + count) == ']') {
                struct span inside = { begin, (size_t)(in->pos - begin) };
                in->pos += level + 2;
                return inside;
            }
        }
        step(in);
    }
    return (struct span){ begin, (size_t)(in->pos - begin) };
}

static void skip_comment(struct token_reader *in)
{
    in->pos += 2;
    int level = peek(in, 0) == '[' ? long_level(in) : -1;
    if (level >= 0)
        skip_long(in, level);
    while (level < 0 && in->pos < in->end && *in->pos != '\n')
        in->pos++;
}

static void skip_blank(struct token_reader *in)
{
    while (in->pos < in->end) {
        if (isspace((unsigned char)*in->pos))
            step(in);
        else if (peek(in, 0) == '-' && peek(in, 1) == '-')
            skip_comment(in);
        else
            return;
    }
}

static struct span take_quoted(struct token_reader *in)
{
    char quote = *in->pos++;
    const char *begin = in->pos;

    while (in->pos < in->end && *in->pos != quote && *in->pos != '\n') {
        if (*in->pos == '\\' && in->end - in->pos > 1)
            step(in);
        step(in);
    }
    struct span inside = { begin, (size_t)(in->pos - begin) };
    if (in->pos < in->end && *in->pos == quote)
        in->pos++;
    return inside;
}

static struct span take_number(struct token_reader *in)
{
    const char *begin = in->pos;
    bool is_hex = peek(in, 0) == '0' && (peek(in, 1) | 32) == 'x';

    while (in->pos < in->end && (is_name(*in->pos) || *in->pos == '.')) {
        char c = (char)(*in->pos++ | 32);
        if (c == (is_hex ? 'p' : 'e') && (peek(in, 0) == '+' || peek(in, 0) == '-'))
            in->pos++;
    }
    return (struct span){ begin, (size_t)(in->pos - begin) };
}

static struct span take_sign(struct token_reader *in)
{
    static const char *const signs[] = { "...", "..", "==", "~=", "<=",
                                         ">=",  "<<", ">>", "//", "::" };
    struct span rest = { in->pos, (size_t)(in->end - in->pos) };
    size_t len = 1;

    for (size_t i = 0; i < sizeof signs / sizeof *signs && len == 1; i++)
        if (span_starts(rest, signs[i]))
            len = strlen(signs[i]);
    in->pos += len;
    return (struct span){ rest.ptr, len };
}

static int column_now(struct token_reader *in)
{
    for (; in->counted < in->pos; in->counted++)
        in->column += ((unsigned char)*in->counted & 0xc0) != 0x80;
    return in->column;
}

bool token_next(struct token_reader *in, struct token *token)
{
    skip_blank(in);
    if (in->pos == in->end)
        return false;
    token->line = in->line;
    token->column = column_now(in);
    char c = *in->pos;
    const char *begin = in->pos;
    int level = c == '[' ? long_level(in) : -1;
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)peek(in, 1)))) {
        token->kind = TOKEN_NUMBER;
        token->text = take_number(in);
    } else if (is_name(c)) {
        while (in->pos < in->end && is_name(*in->pos))
            in->pos++;
        token->kind = TOKEN_NAME;
        token->text = (struct span){ begin, (size_t)(in->pos - begin) };
    } else if (c == '"' || c == '\'' || level >= 0) {
        token->kind = TOKEN_STRING;
        token->text = level >= 0 ? skip_long(in, level) : take_quoted(in);
    } else {
        token->kind = TOKEN_SIGN;
        token->text = take_sign(in);
    }
    return true;
}

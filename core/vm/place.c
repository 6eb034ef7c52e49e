/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "vm/token.h"

enum { PLACE_DEPTH_MAX = 64 }; /* tables in one another that are looked into */

struct scan {
    struct token *tokens;
    size_t count, cap, at;
    struct place place;
};

static bool is_sign(const struct scan *scan, size_t ahead, const char *sign)
{
    size_t i = scan->at + ahead;

    return i < scan->count && scan->tokens[i].kind == TOKEN_SIGN &&
           span_is(scan->tokens[i].text, sign);
}

static bool is_end(const struct scan *scan)
{
    return scan->at >= scan->count;
}

static void read_all(struct scan *scan, struct span source)
{
    struct token_reader in;
    struct token token;

    token_start(&in, source);
    while (token_next(&in, &token)) {
        if (scan->count == scan->cap) {
            scan->cap = scan->cap == 0 ? 512 : scan->cap * 2;
            scan->tokens = xrealloc(scan->tokens, scan->cap * sizeof *scan->tokens);
        }
        scan->tokens[scan->count++] = token;
    }
}

static void note(struct scan *scan)
{
    if (!is_end(scan))
        scan->place =
            (struct place){ scan->tokens[scan->at].line, scan->tokens[scan->at].column };
}

/* To the "," or "}" behind the value. */
static void skip_value(struct scan *scan)
{
    int depth = 0;

    for (; !is_end(scan); scan->at++) {
        bool is_open =
            is_sign(scan, 0, "{") || is_sign(scan, 0, "(") || is_sign(scan, 0, "[");
        bool is_close =
            is_sign(scan, 0, "}") || is_sign(scan, 0, ")") || is_sign(scan, 0, "]");

        if (depth == 0 && (is_close || is_sign(scan, 0, ",") || is_sign(scan, 0, ";")))
            return;
        depth += is_open - is_close;
    }
}

/* One part of a path: a name, or the place in a list. */
struct part {
    struct span name;
    int64_t index; /* from 1; 0: it is a name */
};

static bool part_next(struct span *path, struct part *part)
{
    size_t len = 0;

    *part = (struct part){ 0 };
    if (path->len > 0 && path->ptr[0] == '.')
        *path = (struct span){ path->ptr + 1, path->len - 1 };
    if (path->len == 0)
        return false;
    if (path->ptr[0] == '[') {
        while (len < path->len && path->ptr[len] != ']')
            len++;
        if (!span_int((struct span){ path->ptr + 1, len - 1 }, &part->index))
            return false;
        part->index++;
        len += len < path->len;
    } else {
        while (len < path->len && path->ptr[len] != '.' && path->ptr[len] != '[')
            len++;
        part->name = (struct span){ path->ptr, len };
    }
    *path = (struct span){ path->ptr + len, path->len - len };
    return true;
}

/* At a field: its key, when it has one. Stands at its value afterwards. */
static struct span take_key(struct scan *scan)
{
    struct span key = { 0 };

    if (is_end(scan))
        return key;
    if (scan->tokens[scan->at].kind == TOKEN_NAME && is_sign(scan, 1, "=")) {
        key = scan->tokens[scan->at].text;
        scan->at += 2;
    } else if (is_sign(scan, 0, "[") && is_sign(scan, 2, "]") && is_sign(scan, 3, "=")) {
        key = scan->tokens[scan->at + 1].text;
        scan->at += 4;
    }
    return key;
}

/* At the "{" of a table: goes to the value of that part; false when it is not written. */
static bool enter(struct scan *scan, const struct part *part)
{
    int64_t index = 0;

    for (scan->at++; !is_end(scan) && !is_sign(scan, 0, "}");) {
        size_t begin = scan->at;
        struct span key = take_key(scan);
        struct place was = scan->place;

        scan->at = key.len > 0 ? scan->at : begin;
        index += key.len == 0;
        bool is_it = part->index > 0 ? key.len == 0 && index == part->index
                                     : key.len > 0 && span_equal(key, part->name);
        if (is_it) {
            size_t value = scan->at;
            scan->at = begin;
            note(scan);
            scan->at = value;
            return true;
        }
        scan->place = was;
        skip_value(scan);
        if (!is_end(scan) && !is_sign(scan, 0, "}"))
            scan->at++;
    }
    return false;
}

static bool is_name(const struct scan *scan, size_t ahead, const char *name)
{
    size_t i = scan->at + ahead;

    return i < scan->count && scan->tokens[i].kind == TOKEN_NAME &&
           span_is(scan->tokens[i].text, name);
}

/* The last return of the file that a table follows, or playbook { ... }. */
static bool find_return(struct scan *scan)
{
    for (size_t i = scan->count; i-- > 0;) {
        scan->at = i;
        if (!is_name(scan, 0, "return"))
            continue;
        size_t ahead = is_name(scan, 1, "playbook") ? 2 : 1;
        ahead += ahead == 2 && is_sign(scan, ahead, "(");
        if (is_sign(scan, ahead, "{")) {
            scan->at += ahead;
            return true;
        }
    }
    return false;
}

struct place place_find(struct span source, struct span path)
{
    struct scan scan = { .place = { 1, 1 } };
    struct part part;
    int depth = 0;

    read_all(&scan, source);
    if (find_return(&scan)) {
        note(&scan);
        while (depth++ < PLACE_DEPTH_MAX && part_next(&path, &part) &&
               is_sign(&scan, 0, "{") && enter(&scan, &part))
            continue;
    }
    free(scan.tokens);
    return scan.place;
}

struct place place_of_error(struct span source, const char *text)
{
    static const char unknown[] = "unknown member \"";
    const char *end = strstr(text, ": "), *member = strstr(text, unknown);
    struct str path = { 0 };

    for (const char *c = text; end != NULL && c < end; c++)
        if (*c == ' ' || *c == '"')
            end = NULL; /* it is a sentence, and speaks of the whole */
    if (end != NULL)
        str_add(&path, text, (size_t)(end - text));
    if (member != NULL && (end == NULL || member == end + 2)) {
        member += sizeof unknown - 1;
        str_printf(&path, "%s%.*s", path.len > 0 ? "." : "", (int)strcspn(member, "\""),
                   member);
    }
    struct place place = place_find(source, str_span(&path));
    str_fini(&path);
    return place;
}

int place_wrap(struct err *err, const char *path, struct span source)
{
    struct place place = place_of_error(source, err->text);

    return err_wrap(err, "%s:%d:%d", path, place.line, place.column);
}

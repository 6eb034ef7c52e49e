/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 160, SHORT_HASH_LEN = 12 };

static int columns_of_stdout(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
               ? size.ws_col
               : 0;
}

struct look look_of_stdout(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool is_plain = (no_color && no_color[0]) || (term && strcmp(term, "dumb") == 0);

    return (struct look){ .is_color = isatty(STDOUT_FILENO) && !is_plain,
                          .columns = columns_of_stdout(),
                          .now_ms = clock_unix_ms() };
}

void render_styled(struct str *out, const struct look *look, enum style style,
                   const char *text)
{
    static const char *const codes[] = {
        [STYLE_BOLD] = "\033[1m", [STYLE_DIM] = "\033[2m",   [STYLE_GOOD] = "\033[32m",
        [STYLE_BAD] = "\033[31m", [STYLE_WARN] = "\033[33m",
    };

    if (!look->is_color || style == STYLE_PLAIN) {
        str_add_text(out, text);
        return;
    }
    str_printf(out, "%s%s\033[0m", codes[style], text);
}

/* Bytes that begin a character, those of our own colour sequences left out. */
size_t render_columns(struct span text)
{
    size_t columns = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\033') {
            while (i < text.len && text.ptr[i] != 'm')
                i++;
            continue;
        }
        columns += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return columns;
}

void render_pad(struct str *out, size_t start, size_t column)
{
    size_t now = render_columns((struct span){ out->ptr + start, out->len - start });

    do
        str_add_char(out, ' ');
    while (++now < column);
}

void render_cut(struct str *out, size_t start, size_t max)
{
    if (out->len - start <= max || max < 4)
        return;
    size_t end = start + max - 3;
    while (end > start && ((unsigned char)out->ptr[end] & 0xC0) == 0x80)
        end--;
    out->len = end;
    str_add_text(out, "...");
}

void render_value(struct str *out, struct span value, size_t max)
{
    size_t start = out->len;
    enum json_kind kind = json_kind(value);

    if (kind == JSON_NONE || kind == JSON_NULL)
        return;
    if (kind == JSON_STRING) {
        struct str text = { 0 };
        json_text_to(&text, value);
        str_add_shown(out, str_text(&text), text.len);
        str_fini(&text);
    } else {
        str_add_shown(out, value.ptr, value.len);
    }
    render_cut(out, start, max);
}

void render_list(struct str *out, struct span array, size_t max)
{
    size_t start = out->len, pos = 0;
    struct span item;
    bool is_first = true;

    if (json_kind(array) != JSON_ARRAY) {
        render_value(out, array, max);
        return;
    }
    while (json_next(array, &pos, NULL, &item)) {
        if (!is_first)
            str_add_text(out, ", ");
        is_first = false;
        render_value(out, item, max);
    }
    render_cut(out, start, max);
}

/* Where the last two words of a path begin. */
static size_t last_two(struct span text)
{
    int slashes = 0;

    for (size_t i = text.len; i > 0; i--)
        if (text.ptr[i - 1] == '/' && ++slashes == 2)
            return i;
    return 0;
}

void render_target(struct str *out, struct span value)
{
    struct str text = { 0 };

    if (json_kind(value) != JSON_STRING) {
        render_value(out, value, 60);
        return;
    }
    json_text_to(&text, value);
    struct span shown = str_span(&text);
    if (span_starts(shown, "/subscriptions/") || span_starts(shown, "/providers/")) {
        size_t from = last_two(shown);
        shown.ptr += from;
        shown.len -= from;
    }
    size_t start = out->len;
    str_add_shown(out, shown.ptr, shown.len);
    render_cut(out, start, 60);
    str_fini(&text);
}

void render_args(struct str *out, struct span object, size_t max)
{
    size_t start = out->len, pos = 0;
    struct span key, value;

    if (json_kind(object) != JSON_OBJECT)
        return;
    while (json_next(object, &pos, &key, &value)) {
        if (out->len > start)
            str_add_char(out, ' ');
        str_add_shown(out, key.ptr, key.len);
        str_add_char(out, '=');
        if (json_kind(value) == JSON_STRING)
            render_target(out, value);
        else
            str_add_shown(out, value.ptr, value.len);
    }
    render_cut(out, start, max);
}

/* Adds up to lines_max lines of text, none longer than LINE_MAX_BYTES. */
static void add_lines(struct str *out, const char *text, int lines_max)
{
    for (int i = 0; i < lines_max && *text; i++) {
        size_t start = out->len, len = strcspn(text, "\n");
        str_add(out, text, len);
        render_cut(out, start, LINE_MAX_BYTES);
        str_add_char(out, '\n');
        text += len + (text[len] == '\n');
    }
}

int render_diff_whole(struct str *out, struct span before, struct span after,
                      const char *prefix)
{
    return json_diff(out, before, after, prefix);
}

int render_diff(struct str *out, struct span before, struct span after, const char *prefix,
                int lines_max)
{
    struct str lines = { 0 };
    int count = json_diff(&lines, before, after, prefix);

    add_lines(out, str_text(&lines), lines_max);
    if (count > lines_max)
        str_printf(out, "%sand %d more\n", prefix, count - lines_max);
    str_fini(&lines);
    return count;
}

void render_short_hash(struct str *out, struct span value)
{
    struct span hex = json_raw(value);

    str_add_shown(out, hex.ptr, hex.len < SHORT_HASH_LEN ? hex.len : SHORT_HASH_LEN);
}

void render_when(struct str *out, const struct look *look, int64_t unix_ms)
{
    int64_t away = unix_ms - look->now_ms;
    char buf[32];

    if (away > -1000 && away < 1000)
        str_add_text(out, "now");
    else if (away > 0)
        str_printf(out, "in %s", duration_show(away / 1000 * 1000, buf));
    else
        str_printf(out, "%s ago", duration_show(-away / 1000 * 1000, buf));
}

void render_date(struct str *out, int64_t unix_ms)
{
    char buf[32];

    str_add_text(out, clock_show(unix_ms, buf));
}

void render_took(struct str *out, int64_t ms)
{
    char buf[32];

    if (ms < 0)
        ms = 0;
    if (ms < 1000)
        str_printf(out, "%d ms", (int)ms);
    else if (ms < 60000)
        str_printf(out, "%d.%d s", (int)(ms / 1000), (int)(ms % 1000 / 100));
    else
        str_add_text(out, duration_show(ms / 1000 * 1000, buf));
}

void render_error(struct str *out, struct span error)
{
    struct span code = json_get(error, "code"), action = json_get(error, "action");
    bool has_action = json_kind(action) == JSON_STRING && json_raw(action).len > 0;
    int64_t line = json_get_int(error, "line", 0);

    if (json_kind(error) != JSON_OBJECT) {
        render_value(out, error, 2000);
        return;
    }
    render_value(out, json_get(error, "message"), 2000);
    if (json_kind(code) != JSON_STRING && !has_action)
        return;
    str_add_text(out, " (");
    render_value(out, code, 80);
    if (has_action) {
        str_add_text(out, json_kind(code) == JSON_STRING ? ", from " : "from ");
        render_value(out, action, 80);
    }
    if (has_action &&
        line > 0) /* what the playbook raised itself has its place in the text */
        str_printf(out, ", line %" PRId64, line);
    str_add_char(out, ')');
}

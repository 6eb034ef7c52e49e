/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/drift.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/render.h"
#include "cli/table.h"

enum { STATES = 3, BEFORE = 0, OURS = 1, NOW = 2, DEPTH_MAX = 8 };

struct states {
    struct table table;
    struct str path;
};

static void add_row(struct states *states, const struct span *values)
{
    struct str cell = { 0 };

    str_add_text(&cell, "  ");
    str_add_text(&cell, states->path.len ? str_text(&states->path) : "(all)");
    table_cell(&states->table, &cell);
    for (int i = 0; i < STATES; i++) {
        if (values[i].len)
            str_add_shown(&cell, values[i].ptr, values[i].len);
        else
            str_add_text(&cell, "absent");
        render_cut(&cell, 0, TABLE_CELL_MAX);
        table_cell(&states->table, &cell);
    }
    bool is_ours = json_same(values[OURS], values[NOW]);
    table_text(&states->table, is_ours ? " "
                               : json_same(values[BEFORE], values[NOW])
                                   ? "<- back as it was"
                                   : "<- changed by others");
}

/* The text of a raw key, heap. */
static char *name_of(struct span key)
{
    return json_text((struct span){ key.ptr - 1, key.len + 2 });
}

static void walk(struct states *states, const struct span *values, int depth);

static void walk_member(struct states *states, struct span key, const struct span *values,
                        int depth)
{
    struct span members[STATES];
    size_t len = states->path.len;
    char *name = name_of(key);

    for (int i = 0; i < STATES; i++)
        members[i] = json_get(values[i], name);
    if (len)
        str_add_char(&states->path, '.');
    str_add_shown(&states->path, key.ptr, key.len);
    walk(states, members, depth + 1);
    states->path.len = len;
    if (states->path.ptr)
        states->path.ptr[len] = 0;
    free(name);
}

/* Is key a member of one of the first count values? Then it was shown already. */
static bool was_seen(struct span key, const struct span *values, int count)
{
    char *name = name_of(key);
    bool is_there = false;

    for (int i = 0; i < count; i++)
        is_there |= json_get(values[i], name).len > 0;
    free(name);
    return is_there;
}

static void walk(struct states *states, const struct span *values, int depth)
{
    struct span key, value;
    bool has_object = false;

    for (int i = 0; i < STATES; i++) {
        enum json_kind kind = json_kind(values[i]);
        if (kind != JSON_OBJECT && kind != JSON_NONE) {
            add_row(states, values);
            return;
        }
        has_object |= kind == JSON_OBJECT && json_count(values[i]) > 0;
    }
    if (!has_object || depth == DEPTH_MAX) {
        add_row(states, values);
        return;
    }
    for (int i = 0; i < STATES; i++) {
        size_t pos = 0;
        while (json_next(values[i], &pos, &key, &value))
            if (!was_seen(key, values, i))
                walk_member(states, key, values, depth);
    }
}

void drift_render_states(struct str *out, const struct look *look, struct span before,
                         struct span ours, struct span now)
{
    const struct span values[STATES] = { before, ours, now };
    struct states states = { .table = { .columns = 5,
                                        .head = { "  ", "before", "ours", "now", " " } } };

    walk(&states, values, 0);
    table_render(&states.table, out, look);
    str_fini(&states.path);
}

static void head(struct str *out, const struct look *look, const char *word,
                 struct span body, const char *sentence)
{
    render_styled(out, look, STYLE_WARN, word);
    str_add_text(out, "  ");
    render_value(out, json_get(body, "b"), 80);
    str_printf(out, "/%lld  ", (long long)json_get_int(body, "n", 0));
    struct span target = json_get(body, "t");
    render_target(out, target.len > 0 ? target : json_path(body, "x.target"));
    str_printf(out, ": %s\n", sentence);
}

static void command(struct str *out, struct span run, struct span body, const char *choice,
                    const char *meaning)
{
    size_t start = out->len;

    str_add_text(out, "  cordon settle ");
    str_add_shown(out, run.ptr, run.len);
    str_add_char(out, ' ');
    render_value(out, json_get(body, "b"), 80);
    str_printf(out, "/%lld %s", (long long)json_get_int(body, "n", 0), choice);
    render_pad(out, start, 46);
    str_printf(out, "%s\n", meaning);
}

void drift_render(struct str *out, const struct look *look, struct span run,
                  struct span body)
{
    head(out, look, "DRIFT", body, "not as we left it, so nothing was written");
    drift_render_states(out, look, json_get(body, "w"), json_get(body, "z"),
                        json_get(body, "now"));
    command(out, run, body, "leave", "it stays as it is now; the hold is taken off");
    command(out, run, body, "restore", "write the state of before over it, once approved");
    command(out, run, body, "accept",
            "it stays as it is now; the hold stays, and a later rollback looks again");
}

/* Some fields are as before, some as planned, and none is neither. */
static bool is_partly(struct span body)
{
    struct span parts = json_get(body, "parts");

    return json_count(json_get(parts, "before")) > 0 &&
           json_count(json_get(parts, "planned")) > 0 &&
           json_count(json_get(parts, "foreign")) == 0;
}

static void commands_partly(struct str *out, struct span run, struct span body,
                            bool is_undo)
{
    command(out, run, body, "complete",
            is_undo ? "undo the rest" : "do the rest, under the same approval");
    if (is_undo) {
        command(out, run, body, "leave", "it stays as it is; the hold is taken off");
        return;
    }
    command(out, run, body, "take-back", "undo the part in a rollback; the step fails");
    command(out, run, body, "partly-applied",
            "the part stays, with a hold; the step fails");
}

void drift_render_doubt(struct str *out, const struct look *look, struct span run,
                        struct span body)
{
    struct span why = json_get(body, "why");
    bool is_part = is_partly(body), is_undo = span_is(json_get_raw(body, "b"), "u");

    head(out, look, is_part ? "PARTLY" : "IN DOUBT", body,
         !is_part  ? "we cannot know whether the effect happened"
         : is_undo ? "some of it is undone, and the rest is not"
                   : "some of it is done, and the rest is not");
    if (json_kind(why) == JSON_STRING) {
        str_add_text(out, "  ");
        render_value(out, why, 1000);
        str_add_char(out, '\n');
    }
    drift_render_states(out, look, json_get(body, "w"), json_get(body, "z"),
                        json_get(body, "now"));
    if (is_part) {
        commands_partly(out, run, body, is_undo);
        return;
    }
    command(out, run, body, "applied", "it happened: go on after it");
    command(out, run, body, "not-applied", "it did not happen");
}

void drift_render_planned(struct str *out, const struct look *look, struct span drifted)
{
    render_styled(out, look, STYLE_WARN, "DRIFT");
    str_add_text(out, "  ");
    render_value(out, json_get(drifted, "path"), 80);
    str_add_text(out, "  ");
    render_target(out, json_get(drifted, "target"));
    str_add_text(out, ": not as we left it, so nothing would be written\n");
    drift_render_states(out, look, json_get(drifted, "before"), json_get(drifted, "ours"),
                        json_get(drifted, "now"));
}

void drift_render_failed(struct str *out, const struct look *look, struct span run,
                         struct span body, struct span why)
{
    head(out, look, "NOT UNDONE", body, "it is still contained");
    str_add_text(out, "  ");
    render_error(out, why);
    str_add_text(out, "\n  cordon retry ");
    str_add_shown(out, run.ptr, run.len);
    str_add_text(out, "                     look again, and undo what can be undone\n");
    command(out, run, body, "accept", "it stays contained; a later rollback tries again");
    command(out, run, body, "leave", "it stays as it is; the hold is taken off");
}

void leave_render(struct str *out, struct span body, struct span wanted)
{
    if (json_count(wanted) > 0) {
        str_add_text(out, "  nothing was written: still wanted by ");
        render_list(out, wanted, 200);
    } else if (span_is(json_get_raw(body, "end"), "gone")) {
        str_add_text(out, "  gone, and the hold with it: ");
        render_value(out, json_get(body, "msg"), 1000);
    } else if (span_is(json_get_raw(body, "end"), "not_restored")) {
        str_add_text(out, "  nothing is put back: ");
        render_value(out, json_get(body, "msg"), 1000);
    } else if (json_get_bool(body, "off", false)) {
        str_add_text(out, "  let go of before");
    } else {
        str_add_text(out, "  nothing to put back");
    }
}

void keep_render(struct str *out, const struct look *look, struct span body)
{
    int64_t until_ms = json_get_int(body, "until", 0);

    if (until_ms > 0) {
        str_printf(out, "  its time was over: extended, for time %lld, until ",
                   (long long)json_get_int(body, "i", 0));
        render_when(out, look, until_ms);
    } else {
        str_add_text(out, "  its time was over: it stays until it is released");
    }
    if (json_kind(json_get(body, "who")) == JSON_STRING) {
        str_add_text(out, ", says ");
        render_value(out, json_get(body, "who"), 200);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/glass.c - everybody who asks for anything is told of a break-glass until others have
 * reviewed it.
 */
#include "serve/inside.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "store/store.h"

enum { UNKNOWN = -1 };

void glass_changed(struct serve *serve)
{
    serve->glass_count = UNKNOWN;
}

struct found {
    struct str first; /* the body of the oldest */
    int count;
};

static int take(const struct entry *entry, void *arg)
{
    struct found *found = arg;

    if (found->count++ == 0)
        str_add_span(&found->first, entry->body);
    return 0;
}

static void find(struct serve *serve, struct found *found)
{
    struct entry_query query = { .kind = ENTRY_GLASS,
                                 .state = GLASS_UNREVIEWED,
                                 .run = -1 };
    struct err ignored;

    if (store_each_entry(serve->store, &query, take, found, &ignored) < 0)
        found->count = 0; /* whoever asks next is told */
    serve->glass_count = found->count;
}

/* One line for people. */
static void put_sentence(struct str *text, struct span body, int more)
{
    struct span from = json_get(body, "from"), group;
    int64_t left_ms = json_get_int(body, "due", 0) - clock_unix_ms();
    struct id run = id_run(json_get_int(body, "run", 0));
    char late[32];
    size_t pos = 0;

    str_add_text(text, "BREAK-GLASS: ");
    json_text_to(text, json_get(body, "who"));
    str_printf(text, " granted what run %s asked for alone, because \"", run.text);
    json_text_to(text, json_get(body, "why"));
    str_printf(text, "\". %lld of",
               (long long)(json_get_int(body, "need", 2) -
                           (int64_t)json_count(json_get(body, "reviews"))));
    for (int i = 0; json_next(from, &pos, NULL, &group); i++) {
        str_add_text(text, i > 0 ? ", " : " ");
        json_text_to(text, group);
    }
    str_printf(text, " must review it, %s %s: cordon review %s --reason TEXT",
               left_ms > 0 ? "within" : "and are late by",
               duration_show(left_ms > 0 ? left_ms : -left_ms, late), run.text);
    if (more > 0)
        str_printf(text, " (and %d more)", more);
}

void glass_tell(struct serve *serve, int64_t ask)
{
    struct found found = { 0 };
    struct str sentence = { 0 }, text = { 0 };
    struct json_out out = { .str = &text };

    if (serve->glass_count == 0)
        return;
    find(serve, &found);
    if (found.count > 0) {
        put_sentence(&sentence, str_span(&found.first), found.count - 1);
        json_open(&out, '{');
        json_put_span(&out, "notice", str_span(&sentence));
        json_close(&out);
        clients_event(serve, ask, str_span(&text));
    }
    str_fini(&found.first);
    str_fini(&sentence);
    str_fini(&text);
}

/* -- in what is shown ----------------------------------------------------------------------- */

static int add_one(const struct entry *entry, void *arg)
{
    struct json_out *out = arg;
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(entry->body, &pos, &key, &value)) {
        json_key_span(out, key);
        if (span_is(key, "run"))
            json_string(out, id_run(entry->run).text);
        else
            json_raw_value(out, value);
    }
    json_put(out, "state", glass_state_name(entry->state));
    json_close(out);
    return 0;
}

int glass_show(struct serve *serve, struct json_out *out, int64_t run, struct err *err)
{
    struct entry_query query = { .kind = ENTRY_GLASS,
                                 .state = run > 0 ? -1 : GLASS_UNREVIEWED,
                                 .run = run > 0 ? run : -1 };

    json_key(out, "break_glass");
    json_open(out, '[');
    int rc = store_each_entry(serve->store, &query, add_one, out, err);
    json_close(out);
    return rc < 0 ? rc : 0;
}

const char *glass_word(struct serve *serve, int64_t run, struct span entry_body)
{
    int n = (int)json_get_int(entry_body, "glass", 0);
    struct entry entry;
    struct err ignored;

    if (n == 0 || store_find(serve->store, ENTRY_GLASS, run, n, &entry, &ignored) != 0)
        return NULL;
    return glass_state_name(entry.state);
}

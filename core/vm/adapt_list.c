/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/adapt_list.h"

#include "base/json.h"

enum { LISTS_DEPTH_MAX = 3 }; /* lists of objects around lists: batches of batches */

struct each {
    bool is_shipped;
    int depth_max;
    struct str *row;
    adapt_event_fn *fn;
    void *arg;
};

static bool is_companion(struct span key)
{
    static const char *const names[] = { "nextLink", "validationTokens", "schema",
                                         "stats",    "statistics",       "render" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_equal_nocase(key, span_of(names[i])))
            return true;
    return span_starts(key, "@");
}

/* The list at this name, in any letter case, in an object that holds nothing but it and its
 * companions. */
static struct span list_at(struct span object, const char *name)
{
    struct span list = { 0 }, key, value;

    if (json_kind(object) != JSON_OBJECT)
        return list;
    for (size_t pos = 0; json_next(object, &pos, &key, &value);)
        if (span_equal_nocase(key, span_of(name)))
            list = value;
        else if (!is_companion(key))
            return (struct span){ 0 };
    return json_kind(list) == JSON_ARRAY ? list : (struct span){ 0 };
}

/* A row of values and the columns' names become an object. */
static void each_row(const struct each *each, struct span columns, struct span row)
{
    struct json_out out = { .str = each->row };
    struct span column, value;
    size_t column_pos = 0, pos = 0;

    str_reset(each->row);
    json_open(&out, '{');
    while (json_next(columns, &column_pos, NULL, &column) &&
           json_next(row, &pos, NULL, &value)) {
        struct span name = json_get(column, "name");
        if (json_kind(name) != JSON_STRING)
            continue;
        json_key_span(&out, json_raw(name));
        json_raw_value(&out, value);
    }
    json_close(&out);
    each->fn(each->arg, str_span(each->row));
}

static void each_table(const struct each *each, struct span tables)
{
    struct span table, row;

    for (size_t pos = 0; json_next(tables, &pos, NULL, &table);) {
        struct span columns = json_get(table, "columns"), rows = json_get(table, "rows");
        for (size_t at = 0; json_next(rows, &at, NULL, &row);)
            each_row(each, columns, row);
    }
}

static struct span list_in(const struct each *each, struct span delivery)
{
    static const char *const names[] = { "value", "records", "results" };
    struct span list = { 0 };

    if (json_kind(delivery) == JSON_ARRAY)
        return delivery;
    for (int i = 0; i < (each->is_shipped ? 3 : 1) && list.len == 0; i++)
        list = list_at(delivery, names[i]);
    return list;
}

static void each_in(const struct each *each, struct span delivery, int depth)
{
    struct span list = list_in(each, delivery), tables = { 0 }, event;

    if (list.len == 0 && each->is_shipped)
        tables = list_at(delivery, "tables");
    if (tables.len > 0)
        each_table(each, tables);
    else if (list.len == 0 || depth == each->depth_max)
        each->fn(each->arg, delivery);
    for (size_t pos = 0; tables.len == 0 && list.len > 0 && depth < each->depth_max &&
                         json_next(list, &pos, NULL, &event);)
        each_in(each, event, depth + 1);
}

void adapt_each(struct span delivery, bool is_shipped, struct str *row, adapt_event_fn *fn,
                void *arg)
{
    struct each each = { is_shipped, is_shipped ? LISTS_DEPTH_MAX : 1, row, fn, arg };

    each_in(&each, delivery, 0);
}

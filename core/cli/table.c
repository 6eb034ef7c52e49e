/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "cli/render.h"

enum { WIDE_MIN = 40 };

void table_cell(struct table *table, struct str *cell)
{
    assert(table->columns > 0 && table->columns <= TABLE_COLUMNS_MAX);
    if (table->count == table->cap) {
        table->cap = table->cap ? table->cap * 2 : 64;
        table->cells = xrealloc(table->cells, (size_t)table->cap * sizeof(char *));
    }
    if (cell->len == 0)
        str_add_char(cell, '-');
    table->cells[table->count++] = str_take(cell);
}

void table_text(struct table *table, const char *text)
{
    struct str cell = { 0 };

    str_add_text(&cell, text);
    table_cell(table, &cell);
}

void table_value(struct table *table, struct span value)
{
    struct str cell = { 0 };

    render_list(&cell, value, TABLE_CELL_MAX);
    table_cell(table, &cell);
}

void table_whole_value(struct table *table, struct span value)
{
    struct str cell = { 0 };

    render_list(&cell, value, TABLE_WHOLE_MAX);
    table_cell(table, &cell);
}

/* On a terminal the wide column gives up what the line has too much, to a decent rest. */
static void fit(struct table *table, const struct look *look, size_t *widths)
{
    size_t total = 0, max = (size_t)look->columns, *wide = &widths[table->wide_column];

    for (int i = 0; i < table->columns; i++)
        total += widths[i] + (i > 0 ? 2 : 0);
    if (max == 0 || table->wide_column == 0 || total <= max || *wide <= WIDE_MIN)
        return;
    *wide = *wide > total - max + WIDE_MIN ? *wide - (total - max) : WIDE_MIN;
    for (int i = table->wide_column; i < table->count; i += table->columns) {
        struct str cell = { 0 };
        str_add_text(&cell, table->cells[i]);
        if (render_columns(str_span(&cell)) > *wide)
            render_cut(&cell, 0, *wide);
        free(table->cells[i]);
        table->cells[i] = str_take(&cell);
    }
}

static void measure(const struct table *table, size_t *widths)
{
    for (int i = 0; i < table->columns; i++)
        widths[i] = render_columns(span_of(table->head[i]));
    for (int i = 0; i < table->count; i++) {
        size_t width = render_columns(span_of(table->cells[i]));
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
}

/* No line ends in spaces, so the last column is not padded and empty ends are cut. */
static void add_cell(struct str *out, const struct table *table, int column,
                     const char *text, const size_t *widths)
{
    size_t start = out->len;

    str_add_text(out, text);
    if (column + 1 < table->columns) {
        render_pad(out, start, widths[column] + 2);
        return;
    }
    while (out->len && out->ptr[out->len - 1] == ' ')
        out->ptr[--out->len] = 0;
}

static void add_head(struct str *out, const struct table *table, const struct look *look,
                     const size_t *widths)
{
    struct str head = { 0 };

    for (int i = 0; i < table->columns; i++)
        add_cell(&head, table, i, table->head[i], widths);
    render_styled(out, look, STYLE_DIM, str_text(&head));
    str_add_char(out, '\n');
    str_fini(&head);
}

void table_render(struct table *table, struct str *out, const struct look *look)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };

    assert(table->count % table->columns == 0);
    measure(table, widths);
    fit(table, look, widths);
    add_head(out, table, look, widths);
    for (int i = 0; i < table->count; i++) {
        add_cell(out, table, i % table->columns, table->cells[i], widths);
        if ((i + 1) % table->columns == 0)
            str_add_char(out, '\n');
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
    table->count = table->cap = 0;
}

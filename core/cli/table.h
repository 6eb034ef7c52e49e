/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/table.h - columns that are as wide as what stands in them.
 *
 *     struct table table = { .columns = 3, .head = { "run", "state", "playbook" } };
 *     table_text(&table, "r-000001"); ... one call a cell, row by row
 *     table_render(&table, &out, &look);
 *
 * table_render frees the cells.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct look;

enum { TABLE_COLUMNS_MAX = 10, TABLE_CELL_MAX = 60, TABLE_WHOLE_MAX = 4000 };

struct table {
    int columns;
    int wide_column; /* not the first: it is cut until the line fits; 0: none is */
    const char *head[TABLE_COLUMNS_MAX];
    char **cells; /* heap, row by row */
    int count, cap;
};

/* The cell is what the caller added to a str; it is emptied. */
void table_cell(struct table *table, struct str *cell);
void table_text(struct table *table, const char *text);
/* A JSON value as render_value shows it, "-" for null and absent. */
void table_value(struct table *table, struct span value);
void table_whole_value(struct table *table, struct span value); /* not cut at any length */
void table_render(struct table *table, struct str *out, const struct look *look);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon contained: what is still contained, by whom, until when, and how it is released.
 */
#include "cli/command.h"

#include "cli/ask.h"
#include "cli/render.h"
#include "cli/table.h"

static void add_hold(struct table *table, const struct look *look, struct span hold)
{
    struct span what = json_get(hold, "what"), runs = json_get(hold, "runs"), run;
    int64_t until_ms = json_get_int(hold, "until", 0);
    struct str cell = { 0 };
    size_t pos = 0;

    table_value(table, json_get(hold, "hold"));
    table_whole_value(table,
                      json_kind(what) == JSON_STRING ? what : json_get(hold, "action"));
    render_target(&cell, json_get(hold, "target"));
    table_cell(table, &cell);
    render_when(&cell, look, json_get_int(hold, "since", 0));
    table_cell(table, &cell);
    if (until_ms > 0)
        render_when(&cell, look, until_ms);
    else
        str_add_text(&cell, "it is released");
    table_cell(table, &cell);
    table_value(table, runs);
    str_add_text(&cell, "cordon rollback ");
    if (json_next(runs, &pos, NULL, &run))
        render_value(&cell, run, 20);
    if (json_kind(json_get(hold, "step")) == JSON_STRING) {
        str_add_text(&cell, " --step ");
        render_value(&cell, json_get(hold, "step"), 40);
    }
    table_cell(table, &cell);
}

static int run_contained(const struct options *options)
{
    struct look look = look_of_stdout();
    struct table table = { .columns = 7,
                           .wide_column = 1,
                           .head = { "hold", "what", "where", "since", "until", "runs",
                                     "release with" } };
    struct str reply = { 0 }, out = { 0 };
    struct span hold;
    size_t pos = 0;
    bool is_over;
    int exit_code = ask_reply(options, "contained", span_of("{}"), &reply, &is_over);

    if (!is_over) {
        while (json_next(json_get(str_span(&reply), "holds"), &pos, NULL, &hold))
            add_hold(&table, &look, hold);
        if (table.count)
            table_render(&table, &out, &look);
        else
            str_add_text(&out, "nothing is contained\n");
        ask_print(&out);
    }
    str_fini(&reply);
    str_fini(&out);
    return exit_code;
}

const struct command command_contained = {
    .name = "contained",
    .summary = "what is contained now, by which runs, and how to release it",
    .usage = "cordon contained",
    .example = "cordon contained",
    .options = OPTION_ENGINE,
    .run = run_contained,
};

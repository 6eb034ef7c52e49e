/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/slow.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/options.h"
#include "cli/render.h"

enum { LINE_COLUMNS = 80 };

/* "azure.appservice.get sites/shop-web (read)". */
static void add_call(struct str *out, struct span body)
{
    struct span target = json_get(body, "t");

    render_value(out, json_get(body, "a"), 80);
    str_add_char(out, ' ');
    if (json_raw(target).len > 0)
        render_target(out, target);
    else
        render_args(out, json_get(body, "args"), 60);
    str_add_text(out, " (");
    render_value(out, json_get(body, "op"), 20);
    str_add_char(out, ')');
}

static void show_passing(struct slow *slow, const struct look *look, struct span event)
{
    struct str line = { 0 };

    str_add_text(&line, "  waits for ");
    add_call(&line, json_get(event, "body"));
    render_cut(&line, 0, look->columns > 0 ? (size_t)look->columns - 1 : LINE_COLUMNS);
    printf("\r\033[K%s", str_text(&line));
    fflush(stdout);
    slow->has_passing = true;
    str_fini(&line);
}

/* Once for each call, however often it is told. */
static void show_line(struct slow *slow, struct span event)
{
    struct str line = { 0 };
    char time[32];

    str_add_text(&line, "cordon: waits for ");
    add_call(&line, json_get(event, "body"));
    str_printf(&line, " since %s\n", clock_show_time(json_get_int(event, "at", 0), time));
    if (!span_equal(str_span(&line), str_span(&slow->said))) {
        fflush(stdout);
        fputs(str_text(&line), stderr);
    }
    str_reset(&slow->said);
    str_add_span(&slow->said, str_span(&line));
    str_fini(&line);
}

bool slow_take(struct slow *slow, const struct options *options, struct span event)
{
    struct look look = look_of_stdout();

    if (!span_is(json_get_raw(event, "kind"), "call"))
        return false;
    if (options->json)
        return true;
    if (look.is_color)
        show_passing(slow, &look, event);
    else
        show_line(slow, event);
    return true;
}

void slow_clear(struct slow *slow)
{
    if (slow->has_passing)
        fputs("\r\033[K", stdout);
    slow->has_passing = false;
}

void slow_fini(struct slow *slow)
{
    slow_clear(slow);
    fflush(stdout);
    str_fini(&slow->said);
}

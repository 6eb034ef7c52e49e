/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/halt.c - the stop switch: thrown and lifted.
 */
#include "engine/internal.h"

#include <stdlib.h>

static bool is_scope(struct span scope)
{
    return span_is(scope, "all") || span_starts(scope, "plugin:") ||
           span_starts(scope, "playbook:");
}

void ask_halt(struct engine *engine, const struct event *event, bool on)
{
    struct span scope = json_get_raw(event->json, "scope");
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    struct halt *found = NULL;

    if (scope.len == 0)
        scope = span_of("all");
    if (!is_scope(scope)) {
        reply_error(engine, event->number, 2, "scope",
                    "the scope is all, plugin:NAME or playbook:NAME");
        return;
    }
    list_each (link, after, &engine->halts) {
        struct halt *halt = list_item(link, struct halt, in_engine);

        if (span_is(scope, halt->scope))
            found = halt;
    }
    if (!on && found == NULL) {
        reply_error(engine, event->number, 1, "not_halted", "%.*s is not halted",
                    (int)scope.len, scope.ptr);
        return;
    }
    if (found == NULL) {
        found = xcalloc(1, sizeof *found);
        found->scope = span_dup(scope);
        found->n = ++engine->next_halt;
        list_add(&engine->halts, &found->in_engine);
    }
    json_open(&out, '{');
    json_put_int(&out, "at", engine->now_ms);
    json_put_int(&out, "i", found->n);
    json_put_bool(&out, "on", on);
    json_put_span(&out, "scope", scope);
    json_put_span(&out, "who", event->who);
    json_put_raw(&out, "why", json_get(event->json, "reason"));
    json_close(&out);
    row_write_global(engine, ROW_HALT, str_span(&body));
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_HALT,
                                                 .n = found->n,
                                                 .state = on,
                                                 .body = str_span(&body) });
    reply_json(engine, event->number, 0, str_span(&body), true);
    str_fini(&body);
    if (!on) {
        list_remove(&found->in_engine);
        free(found->scope);
        free(found);
        for (int i = 0; i < TABLE_SIZE; i++) {
            list_each (link, after, &engine->table[i]) {
                run_push(list_item(link, struct run, in_table));
            }
        }
    }
}

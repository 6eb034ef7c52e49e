/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rebuild.c - the index, made again from the rows alone.
 *
 * An engine of its own reads every run and says what its entries are. It is done only while
 * no run is in memory, so that nothing changes meanwhile, and all of it is one transaction.
 */
#include "serve/inside.h"

#include "serve/index.h"

#include "store/store.h"

static void reply(struct serve *serve, const struct index_made *made, int64_t ask)
{
    struct str text = { 0 };

    str_printf(&text, "{\"entries\":%lld,\"rows\":%lld}", (long long)made->entries,
               (long long)made->rows);
    clients_reply(serve, ask, 0, str_span(&text));
    str_fini(&text);
}

bool rebuild_ask(struct serve *serve, const struct asked *asked)
{
    struct index_made made;
    struct err err;

    if (!span_is(asked->verb, "rebuild"))
        return false;
    if (engine_runs(serve->engine) > 0) {
        clients_error(serve, asked->number, 1, "busy",
                      "runs are under way: `cordon halt all`, wait until they have parked, "
                      "and try again");
        return true;
    }
    if (serve->is_dirty)
        pump_commit(serve);
    /* What rows alone say of a parked run is that it is not over: it is loaded, and parks. */
    if (index_rebuild(serve->store, &made, &err) != 0 ||
        store_commit(serve->store, &err) != 0 || serve_give_families(serve, &err) != 0 ||
        open_walk(serve, &err) != 0) {
        /* The transaction is rolled back with the process, and the old index is there. */
        clients_error(serve, asked->number, 1, err_word(err.code), "%s", err.text);
        serve_end(serve, 1);
    } else {
        open_give(serve);
        pump_event(serve, &(struct event){ .kind = EV_READY });
        reply(serve, &made, asked->number);
        dues_arm(serve->dues);
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/streams.c - server-sent events: rows of a run, or what changed, as they become durable.
 *
 * The id of an event is its row's number, so a client that was cut off comes again with
 * Last-Event-ID and misses nothing. A stream ends by itself after a while, and when accounts or
 * tokens have changed: who comes again shows again who it is. A client that does not read is left
 * (HTTP_IN_STREAM_MAX), and never waited for.
 */
#include "api/v1_queries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/list.h"
#include "net/loop.h"

struct sse {
    struct list in_all;
    struct request *request;
    int64_t run, since; /* run 0: all */
    bool has_since, is_begun;
    struct timer beat;
    int64_t ends_ms; /* of the loop's clock */
};

static struct list all = { &all, &all };
static int stream_count;

int streams_count(void)
{
    return stream_count;
}

static struct sse *find(struct request *request)
{
    list_each (link, after, &all) {
        struct sse *sse = list_item(link, struct sse, in_all);

        if (sse->request == request)
            return sse;
    }
    return NULL;
}

static void free_sse(struct sse *sse)
{
    timer_stop(&sse->beat);
    list_remove(&sse->in_all);
    stream_count--;
    free(sse);
}

static void on_gone(struct request *request)
{
    struct sse *sse = find(request);

    if (sse != NULL)
        free_sse(sse);
}

static void end(struct sse *sse)
{
    struct request *request = sse->request;

    free_sse(sse);
    request_end(request);
}

void streams_close(void)
{
    while (!list_is_empty(&all))
        free_sse(list_item(all.next, struct sse, in_all));
}

void streams_end_all(void)
{
    list_each (link, after, &all) {
        struct sse *sse = list_item(link, struct sse, in_all);

        if (sse->is_begun)
            end(sse);
    }
}

static void write_text(struct sse *sse, const char *text)
{
    stream_write(sse->request, span_of(text));
}

static void on_beat(void *arg)
{
    struct sse *sse = arg;

    if (loop_now_ms(front_loop()) >= sse->ends_ms) {
        end(sse);
        return;
    }
    timer_start(&sse->beat, front_loop(), V1_BEAT_MS, on_beat, sse);
    write_text(sse, ": still here\n\n");
}

static void begin(struct sse *sse)
{
    if (sse->is_begun)
        return;
    sse->is_begun = true;
    sse->ends_ms = loop_now_ms(front_loop()) + V1_STREAM_MS;
    respond_header(sse->request, "X-Accel-Buffering", "no");
    respond_stream(sse->request, on_gone);
    timer_start(&sse->beat, front_loop(), V1_BEAT_MS, on_beat, sse);
    write_text(sse, "retry: 2000\n\n");
}

/* JSON has no end of line in it. */
static void write_event(struct sse *sse, const char *kind, int64_t seq, struct span json)
{
    struct str text = { 0 };

    if (seq > 0)
        str_printf(&text, "id: %" PRId64 "\n", seq);
    str_printf(&text, "event: %s\ndata: ", kind);
    str_add_span(&text, json);
    str_add_text(&text, "\n\n");
    stream_write(sse->request, str_span(&text));
    str_fini(&text);
}

static void ask(struct sse *sse);

static void on_event(struct request *request, struct span json)
{
    struct sse *sse = find(request);
    char *kind = json_get_text(json, "kind");
    int64_t seq = json_get_int(json, "seq", 0);

    if (sse != NULL) {
        begin(sse);
        sse->since = seq > 0 ? seq : sse->since;
        sse->has_since = true;
        write_event(sse, kind != NULL ? kind : "row", seq, json);
    }
    free(kind);
}

/* Whoever comes again for a run that is over and has seen all of it needs not come again. */
static void on_over(struct sse *sse, struct span json)
{
    struct request *request = sse->request;

    if (sse->is_begun) {
        write_event(sse, "over", 0, json);
        end(sse);
        return;
    }
    free_sse(sse);
    respond(request, 204, NULL, (struct span){ 0 });
}

static void on_answer(struct request *request, int exit, struct span json)
{
    struct sse *sse = find(request);

    if (sse == NULL)
        return;
    if (v1_is_error(exit, json) && !sse->is_begun) {
        free_sse(sse);
        v1_problem(request, exit, json);
    } else if (exit == 0 && json_get_bool(json, "more", false)) {
        sse->since = json_get_int(json, "since", sse->since);
        sse->has_since = true;
        ask(sse);
    } else if (exit == 0) {
        on_over(sse, json);
    } else {
        end(sse);
    }
}

static void ask(struct sse *sse)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    if (sse->run > 0)
        json_put(&out, "run", id_run(sse->run).text);
    if (sse->has_since)
        json_put_int(&out, "since", sse->since);
    json_close(&out);
    request_follow(sse->request, "feed", str_span(&text), on_event, on_answer);
    str_fini(&text);
}

/* Where it was cut off. False: answered that this is no row's number. */
static bool read_since(struct request *request, struct sse *sse)
{
    const char *last = request_header(request, "Last-Event-ID");
    const char *text = last != NULL ? last : request_query(request, "since");

    sse->has_since = text != NULL;
    if (text == NULL || (span_int(span_of(text), &sse->since) && sse->since >= 0))
        return true;
    respond_problem(request, 400, "since", "Last-Event-ID, since: want a row's number");
    return false;
}

static void open_stream(struct request *request, int64_t run)
{
    struct sse *sse;
    struct args args;

    args_open(&args);
    bool is_right = args_query(request, &args, query_events);
    args_drop(&args);
    if (!is_right)
        return;
    if (strcmp(request_method(request), "HEAD") == 0) {
        respond(request, 200, "text/event-stream", (struct span){ 0 });
        return;
    }
    sse = xcalloc(1, sizeof *sse);
    sse->request = request;
    sse->run = run;
    list_add(&all, &sse->in_all);
    stream_count++;
    if (read_since(request, sse))
        ask(sse);
    else
        free_sse(sse);
}

void follow_changes(struct request *request)
{
    open_stream(request, 0);
}

void follow_run(struct request *request)
{
    int64_t run;

    if (id_parse_run(span_of(request_param(request, 0)), &run))
        open_stream(request, run);
    else
        respond_problem(request, 404, "not_found",
                        "there is no run %.40s; runs are named like r-000041",
                        request_param(request, 0));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "frame/frame.h"
#include "net/stream.h"
#include "plugin/lro.h"

void progress_open(struct work *work, struct span resume)
{
    struct err err;
    struct span item;
    size_t pos = 0;

    list_init(&work->saves);
    if (resume.len == 0 || json_check(resume.ptr, resume.len, JSON_LEN_MAX, &err) != 0)
        return;
    struct span own = json_get(resume, "plugin");
    if (own.len > 0)
        work->own_record = arena_dup(&work->arena, own.ptr, own.len);
    struct span list = json_get(resume, "lro");
    while (work->lro_count < WORK_LRO_MAX && json_kind(list) == JSON_ARRAY &&
           json_next(list, &pos, NULL, &item)) {
        work->is_from_before[work->lro_count] = true;
        work->lro[work->lro_count++] = arena_dup(&work->arena, item.ptr, item.len);
    }
}

struct span progress_take(struct work *work, const struct cordon_http *request)
{
    for (int i = 0; i < work->lro_count; i++) {
        struct lro lro;
        if (!work->is_from_before[i] ||
            !lro_load(&lro, request->method, request->url, span_of(work->lro[i])))
            continue;
        lro_fini(&lro);
        work->is_from_before[i] = false;
        return span_of(work->lro[i]);
    }
    return (struct span){ 0 };
}

/* -- Asking the engine --------------------------------------------------------------------- */

static struct save *ask(struct work *work, loop_fn *done, void *arg)
{
    struct host *host = work->host;
    struct str text = { 0 };
    struct json_out json = { .str = &text };
    struct frame_writer out;
    struct save *save = arena_alloc(&work->arena, sizeof *save);

    json_open(&json, '{');
    json_key(&json, "lro");
    json_open(&json, '[');
    for (int i = 0; i < work->lro_count; i++)
        json_raw_value(&json, span_of(work->lro[i]));
    json_close(&json);
    if (work->own_record)
        json_put_raw(&json, "plugin", span_of(work->own_record));
    json_close(&json);
    frame_begin(&out, stream_out(host->stream), FRAME_HOST_PROGRESS);
    frame_add_int(&out, work->id);
    host_add_json(host, &out, str_text(&text));
    frame_finish(&out);
    stream_flush(host->stream);
    str_fini(&text);
    save->done = done;
    save->arg = arg;
    list_add(&work->saves, &save->link);
    return save;
}

struct save *progress_own(struct work *work, const char *json, loop_fn *done, void *arg)
{
    work->own_record = json;
    return ask(work, done, arg);
}

static bool is_same_request(const char *a, struct span b)
{
    return json_same(json_get(span_of(a), "method"), json_get(b, "method")) &&
           json_same(json_get(span_of(a), "url"), json_get(b, "url"));
}

/* The newer record of a request takes the older one's place; of too many, the oldest goes. */
struct save *progress_lro(struct work *work, struct span record, loop_fn *done, void *arg)
{
    int at = 0;

    while (at < work->lro_count && !is_same_request(work->lro[at], record))
        at++;
    if (at == WORK_LRO_MAX)
        at = 0;
    if (at < work->lro_count) {
        memmove(&work->lro[at], &work->lro[at + 1],
                (size_t)(work->lro_count - at - 1) * sizeof *work->lro);
        memmove(&work->is_from_before[at], &work->is_from_before[at + 1],
                (size_t)(work->lro_count - at - 1) * sizeof *work->is_from_before);
        work->lro_count--;
    }
    work->is_from_before[work->lro_count] = false;
    work->lro[work->lro_count++] = arena_dup(&work->arena, record.ptr, record.len);
    return ask(work, done, arg);
}

/* The engine answers in the order asked. */
void progress_saved(struct work *work)
{
    if (list_is_empty(&work->saves))
        return;
    struct save *save = list_item(list_take(&work->saves), struct save, link);
    if (save->done)
        save->done(save->arg);
}

void progress_close(struct work *work)
{
    list_init(&work->saves); /* the saves are in the arena */
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as one of the small words that people and files write: durations, moments,
 * names of runs, gates and holds, addresses, base64. What was read is written as what reads
 * as the same. And a first line as a path, or as an error that begins with one, and the others
 * as the source in which it is looked for: a place that is in the source. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/schema.h"
#include "base/str.h"
#include "net/http.h"
#include "vm/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_1_MS    (INT64_C(-62135596800) * 1000)
#define YEAR_9999_MS (INT64_C(253370764800) * 1000)

static void try_times(struct span text)
{
    int64_t ms, again, minutes;
    char shown[32];

    if (duration_parse(text, &ms)) {
        assert(ms >= 0);
        assert(strlen(duration_show(ms, shown)) < sizeof shown);
    }
    /* An offset can lead out of the years that have four digits. */
    if (moment_parse(text, &ms) && ms >= YEAR_1_MS && ms < YEAR_9999_MS) {
        assert(moment_parse(span_of(clock_show(ms, shown)), &again));
        assert(again <= ms && ms - again < 1000);
    }
    if (moment_offset(text, &minutes))
        assert(minutes > -24 * 60 && minutes < 24 * 60);
}

static void try_ids(struct span text)
{
    int64_t run, run_again;
    int n, n_again;

    if (id_parse_run(text, &run))
        assert(id_parse_run(span_of(id_run(run).text), &run_again) && run_again == run);
    if (id_parse_gate(text, &run, &n))
        assert(id_parse_gate(span_of(id_gate(run, n).text), &run_again, &n_again) &&
               run_again == run && n_again == n);
    if (id_parse_hold(text, &run, &n))
        assert(id_parse_hold(span_of(id_hold(run, n).text), &run_again, &n_again) &&
               run_again == run && n_again == n);
}

static void try_base64(struct span text)
{
    struct str bytes = { 0 }, letters = { 0 }, again = { 0 };

    if (base64_read(&bytes, text)) {
        base64_add(&letters, str_text(&bytes), bytes.len);
        assert(base64_read(&again, str_span(&letters)));
        assert(span_equal(str_span(&bytes), str_span(&again)));
    }
    str_fini(&bytes);
    str_fini(&letters);
    str_fini(&again);
}

static void try_url(const char *text)
{
    struct http_url parts;
    struct err err;

    if (http_url_parse(&parts, text, &err) != 0)
        return;
    assert(parts.port > 0 && parts.port < 65536 && parts.host.len > 0);
    assert(parts.host.ptr >= text &&
           parts.host.ptr + parts.host.len <= text + strlen(text));
}

static void check_place(struct span source, struct place place)
{
    int lines = 1;

    for (size_t i = 0; i < source.len; i++)
        lines += source.ptr[i] == '\n' || source.ptr[i] == '\r';
    assert(place.line >= 1 && place.line <= lines);
    assert(place.column >= 1 && (size_t)place.column <= source.len + 1);
}

static void try_place(struct span all)
{
    const char *end = all.len > 0 ? memchr(all.ptr, '\n', all.len) : NULL;
    size_t len = end != NULL ? (size_t)(end - all.ptr) : 0;
    struct span path = { all.ptr, len }, source = { all.ptr + len, all.len - len };
    char *text = span_dup(path);

    check_place(source, place_find(source, path));
    check_place(source, place_of_error(source, text));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = { "ip", "arm-id", "uuid", "duration",
                                           "date-time" };
    struct span text = { (const char *)data, size };
    char *copy = span_dup(text);
    struct str shown = { 0 };

    try_times(text);
    try_ids(text);
    try_base64(text);
    try_url(copy);
    try_place(text);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        schema_format(formats[i], text);
    str_add_shown(&shown, text.ptr, text.len);
    span_glob(text, copy);
    str_fini(&shown);
    free(copy);
    return 0;
}

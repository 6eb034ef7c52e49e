/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: found or refused; and what was read and is written again is the same frame. */
#include "frame/frame.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the fields by the tags they show, and writes each again. */
static void copy(struct span fields, enum frame_type type, struct str *again)
{
    struct frame_reader in;
    struct frame_writer out;
    struct err err;

    frame_read(&in, fields);
    frame_begin(&out, again, type);
    while (in.rest.len > 0 && !in.is_bad) {
        if (in.rest.ptr[0] == 'i')
            frame_add_int(&out, frame_get_int(&in));
        else
            frame_add_span(&out, frame_get_span(&in));
    }
    if (frame_end(&in, &err) != 0)
        str_reset(again);
    else
        frame_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = { (const char *)data, size };
    struct str again = { 0 };
    enum frame_type type;
    struct span fields;
    struct err err;
    size_t total;

    while (frame_find(rest, &type, &fields, &total, &err) == 1) {
        assert(total >= FRAME_HEADER_LEN && total <= rest.len && total <= FRAME_LEN_MAX);
        str_reset(&again);
        copy(fields, type, &again);
        if (again.len > 0)
            assert(span_equal(str_span(&again), (struct span){ rest.ptr, total }));
        rest.ptr += total;
        rest.len -= total;
    }
    str_fini(&again);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A first line as a path, or as an error that begins with one, and any bytes as the source
 * in which it is looked for: a place that is in the source. */
#include "vm/place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(struct span source, struct place place)
{
    int lines = 1;

    for (size_t i = 0; i < source.len; i++)
        lines += source.ptr[i] == '\n' || source.ptr[i] == '\r';
    assert(place.line >= 1 && place.line <= lines);
    assert(place.column >= 1 && (size_t)place.column <= source.len + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = { (const char *)data, size };
    const char *end = size > 0 ? memchr(all.ptr, '\n', size) : NULL;
    size_t len = end != NULL ? (size_t)(end - all.ptr) : 0;
    struct span path = { all.ptr, len };
    struct span source = { all.ptr + len, size - len };
    char *text = span_dup(path);

    check_place(source, place_find(source, path));
    check_place(source, place_of_error(source, text));
    free(text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a connection, whole and in pieces: what is handed on is the same, is read again as the
 * same by another reader, and has no line that ends in anything but CR LF. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct str *out, struct http_reader *reader, struct span in,
                     size_t piece)
{
    char some[64];
    size_t count;

    *reader = (struct http_reader){ 0 };
    for (size_t at = 0; at < in.len; at += piece)
        http_reader_feed(reader, in.ptr + at, in.len - at < piece ? in.len - at : piece);
    while ((count = http_reader_take(reader, some, sizeof some)) > 0)
        str_add(out, some, count);
    http_reader_fini(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_reader whole, pieces, again;
    struct str out = { 0 }, same = { 0 }, twice = { 0 };
    struct span in = { (const char *)data, size };

    if (size == 0)
        return 0;
    read_all(&out, &whole, in, size);
    read_all(&same, &pieces, in, 1);
    assert(whole.status == pieces.status && whole.requests == pieces.requests &&
           whole.last == pieces.last);
    read_all(&twice, &again, str_span(&out), 3);
    assert(out.len == 0 || (again.status == 0 && again.requests == whole.requests));
    if (whole.last == 0 || whole.status == 0) /* chunks come in other pieces */
        assert(whole.encodings > 0 || span_equal(str_span(&out), str_span(&same)));
    str_fini(&out);
    str_fini(&same);
    str_fini(&twice);
    return 0;
}

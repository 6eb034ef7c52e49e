/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fold.h"

#include <cordon/fold.h>

void str_add_folded(struct str *out, struct span text)
{
    size_t before = out->len;

    str_add_span(out, text);
    if (text.len > 0)
        cordon_fold(out->ptr + before, text.len);
}

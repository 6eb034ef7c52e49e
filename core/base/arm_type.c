/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arm_type.h"

#include <string.h>

/* The part of the path up to the next slash; path goes on behind it. */
static struct span take_segment(struct span *path)
{
    const char *slash = memchr(path->ptr, '/', path->len);
    struct span segment = { path->ptr,
                            slash != NULL ? (size_t)(slash - path->ptr) : path->len };
    size_t taken = segment.len + (slash != NULL);

    path->ptr += taken;
    path->len -= taken;
    return segment;
}

/* What stands behind the last "providers": "Microsoft.Web/sites/web-1". */
static struct span behind_providers(struct span id)
{
    struct span found = { 0 };

    while (id.len > 0)
        if (span_equal_nocase(take_segment(&id), span_of("providers")))
            found = id;
    return found;
}

bool arm_is_type(struct span id, struct span type)
{
    struct span path = behind_providers(id);

    if (path.len == 0 || type.len == 0)
        return false;
    if (!span_equal_nocase(take_segment(&path), take_segment(&type)))
        return false;
    while (path.len > 0) {
        if (!span_equal_nocase(take_segment(&path), take_segment(&type)))
            return false;
        take_segment(&path); /* the name */
    }
    return type.len == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_framing.c - a request that two readers may cut differently is answered by nobody.
 *
 * What may be read at all http_reader.c decides, before libmicrohttpd. Here its verdict becomes an
 * answer; and a request that it never handed on is refused, whatever libmicrohttpd makes of bytes.
 */
#include "api/http_inside.h"

#include "base/log.h"

static bool refuse_as_read(struct request *request, const struct http_reader *reader)
{
    if (reader->status == 0 || reader->last != request->number)
        return false;
    request->is_last = true;
    respond_problem(request, reader->status, reader->code, "%s", reader->sentence);
    return true;
}

bool framing_is_right(struct request *request)
{
    const struct http_reader *reader = age_reader(request->connection);

    if (request->number > reader->requests) {
        log_warnx("libmicrohttpd reads a request where the strict reader has read none: "
                  "refused");
        request->is_last = true;
        respond_problem(request, 500, "framing", "this was not read as a request");
        return false;
    }
    request->is_last = reader->last == request->number;
    return !refuse_as_read(request, reader);
}

bool framing_ends_right(struct request *request)
{
    return !refuse_as_read(request, age_reader(request->connection));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/health.h"

#include "api/front.h"
#include "api/http.h"
#include "base/json.h"

void get_health(struct request *request)
{
    respond_json(request, 200, span_of("{\"ok\":true}"));
}

static void on_ready(struct request *request, int exit, struct span json)
{
    respond_json(request, exit == 0 && json_get_bool(json, "ok", false) ? 200 : 503, json);
}

void get_ready(struct request *request)
{
    request_ask(request, "ready", span_of("{}"), on_ready);
}

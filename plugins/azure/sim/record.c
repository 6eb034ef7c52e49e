/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static const char redacted[] = "redacted";

/* text with the first old in it replaced. */
static char *replace(const char *text, const char *old, const char *fresh)
{
    const char *at = strstr(text, old);

    if (at == NULL)
        return xstrdup(text);
    return text_format("%.*s%s%s", (int)(at - text), text, fresh, at + strlen(old));
}

/* The real base of what the request was for; to be freed. */
static char *real_base(const struct request *request)
{
    const struct settings *settings = &request->sim->settings;

    if (request->vault != NULL)
        return text_format("https://%s.%s", request->vault, settings->vault_suffix);
    return xstrdup(settings->arm);
}

static char *real_url(const struct request *request, const char *base)
{
    const char *uri = request->uri;
    const char *query = strchr(uri, '?');
    const char *end = query != NULL ? query : uri + strlen(uri);
    char *path = text_format("%.*s", (int)(end - uri), uri);
    char *prefix = text_format("/_vault/%s", request->vault != NULL ? request->vault : "");
    size_t skip = request->vault != NULL && text_starts(path, prefix) ? strlen(prefix) : 0;
    char *url = text_format("%s/%s%s", base, path + skip + strspn(path + skip, "/"),
                            query != NULL ? query : "");

    free(prefix);
    free(path);
    return url;
}

/* Takes json and gives it back without the value of a secret. */
static cJSON *without_secrets(const struct request *request, cJSON *json)
{
    if (request->vault != NULL && cJSON_IsString(json_get(json, "value")))
        json_set_text(json, "value", redacted);
    return json;
}

/* What was sent, also when it was refused before anybody read it; NULL when it is no JSON. */
static cJSON *sent_json(const struct request *request)
{
    if (request->json != NULL)
        return cJSON_Duplicate(request->json, true);
    return cJSON_ParseWithLength(request->body, request->body_len);
}

static void add_live_request(cJSON *out, const struct request *request, const char *base)
{
    cJSON *live = cJSON_AddObjectToObject(out, "liveRequest");
    char *url = real_url(request, base);

    cJSON_AddStringToObject(live, "method", request->method);
    cJSON_AddStringToObject(live, "url", url);
    free(url);
    cJSON *headers = cJSON_AddObjectToObject(live, "headers");
    if (request_header(request, "Authorization") != NULL)
        cJSON_AddStringToObject(headers, "authorization", redacted);
    if (request->client_request_id != NULL)
        cJSON_AddStringToObject(headers, "x-ms-client-request-id",
                                request->client_request_id);
    const char *type = request_header(request, "Content-Type");
    cJSON_AddStringToObject(headers, "content-type", type ? type : "application/json");
    cJSON *body = sent_json(request);
    if (body != NULL)
        cJSON_AddItemToObject(live, "body", without_secrets(request, body));
}

static void add_live_response(cJSON *out, const struct request *request,
                              const struct reply *reply, const char *base)
{
    cJSON *live = cJSON_AddObjectToObject(out, "liveResponse");
    char *status = text_format("%d", reply->status);

    cJSON_AddStringToObject(live, "statusCode", status);
    free(status);
    cJSON *headers = cJSON_AddObjectToObject(live, "headers");
    cJSON_AddStringToObject(headers, "content-type", "application/json; charset=utf-8");
    for (int i = 0; i < reply->header_count; i++) {
        char *value = replace(reply->headers[i].value, request->base, base);
        cJSON_AddStringToObject(headers, reply->headers[i].name, value);
        free(value);
    }
    if (reply->json == NULL)
        return;
    cJSON *body = without_secrets(request, cJSON_Duplicate(reply->json, true));
    const char *next = json_text(body, "nextLink");
    if (next != NULL) {
        char *real = replace(next, request->base, base);
        json_set_text(body, "nextLink", real);
        free(real);
    }
    cJSON_AddItemToObject(live, "body", body);
}

static bool is_worth_it(const struct request *request)
{
    const char *first = request->segment_count > 0 ? request->segments[0] : "";

    if (text_contains(request->path, "/operations/") ||
        text_contains(request->path, "/operationResults/"))
        return false;
    return request->vault != NULL || text_is(first, "subscriptions") ||
           text_is(first, "providers");
}

void record_write(const struct request *request, const struct reply *reply, int n)
{
    if (reply->is_reset || !is_worth_it(request))
        return;
    cJSON *out = cJSON_CreateObject();
    char *base = real_base(request);
    add_live_request(out, request, base);
    add_live_response(out, request, reply, base);
    char *text = cJSON_Print(out);
    char *path =
        text_format("%s/%06d-%s.json", request->sim->record_dir, n, request->method);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t len = strlen(text);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        fprintf(stderr, "azsim: write %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    cJSON_free(text);
    free(base);
    cJSON_Delete(out);
}

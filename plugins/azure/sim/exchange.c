/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool request_path(struct request *request, const char *url)
{
    size_t len = 0;

    request->path = xcalloc(1, strlen(url) + 2);
    for (const char *c = url; *c != '\0'; c++) {
        if (*c != '/' || len == 0 || request->path[len - 1] != '/')
            request->path[len++] = *c;
    }
    if (len > 1 && request->path[len - 1] == '/')
        request->path[len - 1] = '\0';

    request->segments_text = xstrdup(request->path);
    char *rest = NULL;
    char *segment = strtok_r(request->segments_text, "/", &rest);
    for (; segment != NULL; segment = strtok_r(NULL, "/", &rest)) {
        if (request->segment_count == SEGMENTS_MAX)
            return false;
        request->segments[request->segment_count++] = segment;
    }
    return true;
}

bool request_repath(struct request *request, char *path)
{
    free(request->path);
    free(request->segments_text);
    request->segment_count = 0;
    bool is_good = request_path(request, path);
    free(path);
    return is_good;
}

cJSON *request_json(struct request *request, struct reply *reply)
{
    const char *end = NULL;

    if (request->json == NULL && request->body_len > 0) {
        request->json =
            cJSON_ParseWithLengthOpts(request->body, request->body_len, &end, false);
        size_t used = end != NULL ? (size_t)(end - request->body) : 0;
        while (used < request->body_len && strchr(" \t\r\n", request->body[used]) != NULL)
            used++;
        if (used != request->body_len) {
            cJSON_Delete(request->json);
            request->json = NULL;
        }
    }
    if (!cJSON_IsObject(request->json)) {
        reply_error(reply, 400, "InvalidRequestContent",
                    "the body of this %s has to be one JSON object", request->method);
        return NULL;
    }
    return request->json;
}

bool request_is(const struct request *request, const char *method)
{
    return strcmp(request->method, method) == 0;
}

bool request_is_read(const struct request *request)
{
    return request_is(request, "GET") || request_is(request, "HEAD");
}

void request_fini(struct request *request)
{
    free(request->path);
    free(request->segments_text);
    free(request->base);
    free(request->scope);
    free(request->vault);
    cJSON_Delete(request->json);
}

static char *format_list(const char *fmt, va_list args)
    __attribute__((format(printf, 1, 0)));

static char *format_list(const char *fmt, va_list args)
{
    char *text;

    if (vasprintf(&text, fmt, args) < 0)
        abort();
    return text;
}

void reply_json(struct reply *reply, int status, cJSON *json)
{
    cJSON_Delete(reply->json);
    free(reply->xml);
    reply->xml = NULL;
    reply->json = json;
    reply->status = status;
}

void reply_xml(struct reply *reply, int status, char *xml)
{
    reply_json(reply, status, NULL);
    reply->xml = xml;
}

void reply_error(struct reply *reply, int status, const char *code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *message = format_list(fmt, args);
    va_end(args);
    cJSON *json = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    free(message);
    reply_json(reply, status, json);
}

void reply_inner(struct reply *reply, const char *code)
{
    cJSON *inner = cJSON_AddObjectToObject(json_get(reply->json, "error"), "innererror");

    cJSON_AddStringToObject(inner, "code", code);
}

void reply_header(struct reply *reply, const char *name, const char *fmt, ...)
{
    va_list args;
    struct header *header = NULL;

    va_start(args, fmt);
    char *value = format_list(fmt, args);
    va_end(args);
    for (int i = 0; i < reply->header_count; i++) {
        if (text_is(reply->headers[i].name, name))
            header = &reply->headers[i];
    }
    if (header != NULL) {
        free(header->value);
        header->value = value;
        return;
    }
    if (reply->header_count == HEADERS_MAX)
        abort();
    header = &reply->headers[reply->header_count++];
    header->name = xstrdup(name);
    header->value = value;
}

const char *reply_header_get(const struct reply *reply, const char *name)
{
    for (int i = 0; i < reply->header_count; i++) {
        if (text_is(reply->headers[i].name, name))
            return reply->headers[i].value;
    }
    return NULL;
}

void reply_drop_headers(struct reply *reply)
{
    for (int i = 0; i < reply->header_count; i++) {
        free(reply->headers[i].name);
        free(reply->headers[i].value);
    }
    reply->header_count = 0;
}

void reply_effect(struct reply *reply, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    free(reply->effect);
    reply->effect = format_list(fmt, args);
    va_end(args);
}

void reply_fini(struct reply *reply)
{
    cJSON_Delete(reply->json);
    free(reply->xml);
    reply_drop_headers(reply);
    free(reply->effect);
    free(reply->fault);
    *reply = (struct reply){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/v1.h"

#include <stdlib.h>
#include <string.h>

#include "api/openapi.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/schema.h"

enum { ETAG_HEX = 32 };

/* -- arguments ------------------------------------------------------------------------------ */

void args_open(struct args *args)
{
    memset(args, 0, sizeof *args);
    args->out.str = &args->text;
    json_open(&args->out, '{');
}

void args_drop(struct args *args)
{
    str_fini(&args->text);
}

static bool put_query(struct request *request, struct args *args, const struct query *query,
                      const char *text)
{
    int64_t number;

    if (strlen(text) > V1_QUERY_MAX) {
        respond_problem(request, 400, "query", "%s: want at most %d bytes", query->name,
                        V1_QUERY_MAX);
        return false;
    }
    if (query->kind == 't') {
        json_put(&args->out, query->name, text);
        return true;
    }
    if (query->kind == 'b' && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        json_put_bool(&args->out, query->name, text[0] == 't');
        return true;
    }
    if (query->kind == 'n' && span_int(span_of(text), &number) && number >= 0) {
        json_put_int(&args->out, query->name, number);
        return true;
    }
    respond_problem(request, 400, "query", "%s: want %s", query->name,
                    query->kind == 'n' ? "a whole number" : "true or false");
    return false;
}

/* What nobody looks at would be believed to count. */
static bool knows_all(struct request *request, const struct query *queries)
{
    const char *names[HTTP_IN_HEADERS_MAX];
    size_t count = 0;
    struct str list = { 0 };

    for (; queries[count].name != NULL; count++) {
        names[count] = queries[count].name;
        str_printf(&list, "%s%s", count > 0 ? ", " : "", names[count]);
    }
    const char *other = request_query_other(request, names, count);
    if (other != NULL) {
        const char *near = schema_nearest(span_of(other), names, count);

        if (near != NULL)
            respond_problem(request, 400, "query", "there is no %.60s here: %s is meant?",
                            other, near);
        else if (count > 0)
            respond_problem(request, 400, "query", "there is no %.60s here: there are %s",
                            other, str_text(&list));
        else
            respond_problem(request, 400, "query", "%.60s: nothing is taken in the query",
                            other);
    }
    str_fini(&list);
    return other == NULL;
}

bool args_query(struct request *request, struct args *args, const struct query *queries)
{
    static const struct query none[] = { { .name = NULL } };

    if (queries == NULL)
        queries = none;
    if (!knows_all(request, queries))
        return false;
    for (; queries->name != NULL; queries++) {
        const char *text = request_query(request, queries->name);

        if (text != NULL && !put_query(request, args, queries, text))
            return false;
    }
    return true;
}

static void put_hash(struct json_out *out, const char *key, struct hash hash)
{
    char hex[HASH_HEX_LEN + 1];

    json_put(out, key, hash_hex(hash, hex));
}

bool args_once(struct request *request, struct args *args)
{
    const char *key = request_header(request, "Idempotency-Key");
    struct hash_list list;
    size_t len;

    if (key == NULL)
        return true;
    len = strlen(key);
    for (size_t i = 0; i < len; i++)
        if (key[i] < ' ' || key[i] > '~')
            len = 0;
    if (len == 0 || len > V1_KEY_MAX) {
        respond_problem(request, 400, "once",
                        "Idempotency-Key: want 1 to %d printable ASCII characters",
                        V1_KEY_MAX);
        return false;
    }
    hash_list_init(&list, "cordon.request.v1");
    hash_list_add_span(&list, span_of(request_method(request)));
    hash_list_add_span(&list, span_of(request_path(request)));
    hash_list_add_span(&list, request_body(request));
    json_key(&args->out, "once");
    json_open(&args->out, '{');
    put_hash(&args->out, "body", hash_list_end(&list));
    put_hash(&args->out, "key", hash_of(key, len));
    json_close(&args->out);
    return true;
}

void args_put_members(struct args *args, struct span body, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (json_get(body, names[i]).len > 0)
            json_put_raw(&args->out, names[i], json_get(body, names[i]));
}

void args_ask(struct request *request, struct args *args, const char *verb,
              answer_fn *answer)
{
    json_close(&args->out);
    request_ask(request, verb, str_span(&args->text), answer);
    str_fini(&args->text);
}

/* -- the body ------------------------------------------------------------------------------- */

bool v1_body(struct request *request, const char *name, struct span *body)
{
    struct span raw = request_body(request), schema = openapi_schema(name);
    struct str text = { 0 };
    struct err err;

    if (raw.len == 0) {
        respond_problem(request, 400, "body", "the body is empty: want a JSON object");
    } else if (json_canonical(&text, raw.ptr, raw.len, &err) != 0) {
        respond_problem(request, 400, "json", "the body: %s", err.text);
    } else if (json_kind(str_span(&text)) != JSON_OBJECT) {
        respond_problem(request, 400, "body", "the body: want a JSON object");
    } else if (schema_match(schema, str_span(&text), &err) != 0) {
        respond_problem(request, 400, "body", "%s", err.text);
    } else {
        *body = request_copy(request, str_span(&text));
        str_fini(&text);
        return true;
    }
    str_fini(&text);
    return false;
}

/* -- answers -------------------------------------------------------------------------------- */

bool v1_is_error(int exit, struct span json)
{
    return exit != 0 && json_kind(json_get(json, "code")) == JSON_STRING &&
           json_kind(json_get(json, "error")) == JSON_STRING;
}

static int status_of(int exit, struct span code)
{
    static const struct {
        const char *code;
        int status;
    } known[] = {
        { "not_found", 404 },  { "once_differs", 422 }, { "once_pending", 409 },
        { "too_many", 429 },   { "busy", 503 },         { "role", 403 },
        { "which_gate", 409 }, { "no_match", 422 },     { "journal", 503 },
        { "io", 500 },         { "corrupt", 500 },      { "version", 500 },
        { "too_big", 413 },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(code, known[i].code))
            return known[i].status;
    switch (exit) {
    case 2: return 400;
    case 4:
    case 6: return 403;
    default: return 409; /* not as things stand now */
    }
}

void v1_problem(struct request *request, int exit, struct span json)
{
    char *code = json_get_text(json, "code"), *sentence = json_get_text(json, "error");
    int status = status_of(exit, span_of(code));

    if (status == 429 || status == 503)
        respond_header(request, "Retry-After", "5");
    respond_problem(request, status, code != NULL ? code : "engine", "%s",
                    sentence != NULL ? sentence : "the engine could not say why");
    free(code);
    free(sentence);
}

/* "A", W/"B", *: does it name this one? */
static bool is_named(const char *header, const char *etag)
{
    const char *at = header;
    size_t len = strlen(etag);

    while (at != NULL && *at != '\0') {
        at += strspn(at, " \t,");
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        if (strncmp(at, etag, len) == 0)
            return true;
        at = strchr(at, ',');
    }
    return false;
}

static void add_encoded(struct str *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (strchr("-._~", *text) != NULL || (*text >= '0' && *text <= '9') ||
            (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
            str_add_char(out, *text);
        else
            str_printf(out, "%%%02X", (unsigned char)*text);
}

/* The next page: the same query, with the cursor that the engine gave. */
static void link_next(struct request *request, struct span json)
{
    static const char *const kept[] = { "state",  "playbook", "by",    "run",  "action",
                                        "target", "source",   "since", "limit" };
    char *next = json_get_text(json, "next");
    struct str link = { 0 };

    if (next == NULL)
        return;
    bool is_newest_first =
        json_get(json, "runs").len > 0 || json_get(json, "alerts").len > 0;
    str_printf(&link, "<%s?%s=", request_path(request),
               is_newest_first ? "before" : "after");
    add_encoded(&link, next);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = request_query(request, kept[i]);

        if (value == NULL)
            continue;
        str_printf(&link, "&%s=", kept[i]);
        add_encoded(&link, value);
    }
    str_add_text(&link, ">; rel=\"next\"");
    respond_header(request, "Link", str_text(&link));
    str_fini(&link);
    free(next);
}

void v1_on_read(struct request *request, int exit, struct span json)
{
    char hex[HASH_HEX_LEN + 1], etag[ETAG_HEX + 3];
    const char *header;

    if (v1_is_error(exit, json)) {
        v1_problem(request, exit, json);
        return;
    }
    hash_hex(hash_of(json.ptr, json.len), hex);
    etag[0] = etag[ETAG_HEX + 1] = '"';
    memcpy(etag + 1, hex, ETAG_HEX);
    etag[ETAG_HEX + 2] = '\0';
    respond_header(request, "ETag", etag);
    header = request_header(request, "If-None-Match");
    if (header != NULL && is_named(header, etag)) {
        respond(request, 304, NULL, (struct span){ 0 });
        return;
    }
    link_next(request, json);
    respond_json(request, 200, json);
}

void v1_on_done(struct request *request, int exit, struct span json)
{
    if (v1_is_error(exit, json))
        v1_problem(request, exit, json);
    else
        respond_json(request, 200, json);
}

void v1_on_accepted(struct request *request, int exit, struct span json)
{
    struct span run = json_get_raw(json, "run");
    struct str location = { 0 };

    if (v1_is_error(exit, json)) {
        v1_problem(request, exit, json);
        return;
    }
    if (run.len > 0) {
        str_printf(&location, "/v1/runs/%.*s", (int)run.len, run.ptr);
        respond_header(request, "Location", str_text(&location));
    }
    respond_json(request, 202, json);
    str_fini(&location);
}

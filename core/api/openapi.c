/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/openapi_words.h"
#include "api/route.h"
#include "api/v1_queries.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

static const struct words *words_of(const char *operation)
{
    for (const struct words *words = openapi_words; words->operation != NULL; words++)
        if (strcmp(words->operation, operation) == 0)
            return words;
    return NULL;
}

static void put_text(struct json_out *out, const char *key, const char *text)
{
    if (text != NULL)
        json_put(out, key, text);
}

static void put_ref(struct json_out *out, const char *key, const char *kind,
                    const char *name)
{
    struct str ref = { 0 };

    str_printf(&ref, "#/components/%s/%s", kind, name);
    json_key(out, key);
    json_open(out, '{');
    json_put(out, "$ref", str_text(&ref));
    json_close(out);
    str_fini(&ref);
}

/* -- parameters ----------------------------------------------------------------------------- */

static void put_parameter(struct json_out *out, const char *in, const char *name,
                          const char *type, const char *about)
{
    json_open(out, '{');
    put_text(out, "description", about);
    json_put(out, "in", in);
    json_put(out, "name", name);
    if (strcmp(in, "path") == 0)
        json_put_bool(out, "required", true);
    json_key(out, "schema");
    json_open(out, '{');
    json_put(out, "type", type);
    json_close(out);
    json_close(out);
}

static const char *about_path(const char *name)
{
    static const struct {
        const char *name, *about;
    } known[] = {
        { "run", "A run, like r-000041." },
        { "gate", "A gate, like g-000041-1." },
        { "alert", "An alert." },
        { "name", "Its name." },
        { "scope", "all, plugin:NAME or playbook:NAME." },
        { "source", "A source of cordon.lua." },
        { "id", "Its number." },
        { "token", "A token, like t-3." },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].about;
    return "A name.";
}

static void put_path_parameters(struct json_out *out, const char *path)
{
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        char *name = span_dup((struct span){ at + 1, (size_t)(end - at - 1) });

        put_parameter(out, "path", name, "string", about_path(name));
        free(name);
    }
}

static void put_header_ref(struct json_out *out, const char *name)
{
    struct str ref = { 0 };

    str_printf(&ref, "#/components/parameters/%s", name);
    json_open(out, '{');
    json_put(out, "$ref", str_text(&ref));
    json_close(out);
    str_fini(&ref);
}

static void put_parameters(struct json_out *out, const struct route *route,
                           const struct words *words)
{
    static const char *const types[] = {
        ['t'] = "string", ['n'] = "integer", ['b'] = "boolean"
    };

    json_key(out, "parameters");
    json_open(out, '[');
    put_path_parameters(out, route->path);
    for (const struct query *query = words != NULL ? words->queries : NULL;
         query != NULL && query->name != NULL; query++)
        put_parameter(out, "query", query->name, types[(unsigned char)query->kind],
                      query->about);
    if (words != NULL && words->flags & WORDS_ONCE)
        put_header_ref(out, "IdempotencyKey");
    if (words != NULL && words->flags & WORDS_TRACE)
        put_header_ref(out, "traceparent");
    if (words != NULL && words->flags & WORDS_MATCH)
        put_header_ref(out, "IfMatch");
    if (words != NULL && words->flags & WORDS_ETAG)
        put_header_ref(out, "IfNoneMatch");
    if (words != NULL && words->flags & WORDS_EVENTS)
        put_header_ref(out, "LastEventID");
    json_close(out);
}

/* -- bodies and answers --------------------------------------------------------------------- */

static const char *type_of(const struct route *route)
{
    switch (route->content) {
    case CONTENT_JSON: return "application/json";
    case CONTENT_FORM: return "application/x-www-form-urlencoded";
    case CONTENT_ANY: return "*/*";
    default: return NULL;
    }
}

static void put_body(struct json_out *out, const struct route *route,
                     const struct words *words)
{
    if (type_of(route) == NULL)
        return;
    json_key(out, "requestBody");
    json_open(out, '{');
    json_key(out, "content");
    json_open(out, '{');
    json_key(out, type_of(route));
    json_open(out, '{');
    if (words != NULL && words->body != NULL)
        put_ref(out, "schema", "schemas", words->body);
    else
        json_put_raw(out, "schema", span_of("{}"));
    json_close(out);
    json_close(out);
    json_put_bool(out, "required", route->content != CONTENT_ANY);
    json_close(out);
}

static void put_content(struct json_out *out, const struct words *words)
{
    const char *type =
        words != NULL && words->type != NULL ? words->type : "application/json";

    json_key(out, "content");
    json_open(out, '{');
    json_key(out, type);
    json_open(out, '{');
    if (words != NULL && words->reply != NULL)
        put_ref(out, "schema", "schemas", words->reply);
    else
        json_put_raw(out, "schema", span_of("{}"));
    json_close(out);
    json_close(out);
}

static void put_good(struct json_out *out, const struct words *words)
{
    const char *status = words != NULL && words->status != NULL ? words->status : "200";

    json_key(out, status);
    json_open(out, '{');
    json_put(out, "description",
             words != NULL && words->answer != NULL ? words->answer : "As asked.");
    if (words == NULL || (words->flags & WORDS_EMPTY) == 0)
        put_content(out, words);
    json_close(out);
    if (words != NULL && words->flags & WORDS_ETAG)
        put_ref(out, "304", "responses", "NotModified");
    if (words != NULL && words->flags & WORDS_PLAN)
        put_ref(out, "200", "responses", "Planned");
}

static void put_answers(struct json_out *out, const struct route *route,
                        const struct words *words)
{
    bool is_open = (route->roles & ROLE_ANYBODY) != 0;

    json_key(out, "responses");
    json_open(out, '{');
    put_good(out, words);
    put_ref(out, "400", "responses", "Problem");
    if (!is_open)
        put_ref(out, "401", "responses", "Unauthorized");
    if (!is_open)
        put_ref(out, "403", "responses", "Problem");
    if (strchr(route->path, '{') != NULL)
        put_ref(out, "404", "responses", "Problem");
    if (words != NULL && words->flags & WORDS_ONCE) {
        put_ref(out, "409", "responses", "Problem");
        put_ref(out, "422", "responses", "Problem");
    }
    if (type_of(route) != NULL)
        put_ref(out, "413", "responses", "Problem");
    if (route->content == CONTENT_JSON || route->content == CONTENT_FORM)
        put_ref(out, "415", "responses", "Problem");
    put_ref(out, "429", "responses", "Busy");
    put_ref(out, "503", "responses", "Busy");
    json_close(out);
}

/* -- who ------------------------------------------------------------------------------------ */

static void put_roles(struct json_out *out, unsigned roles)
{
    json_key(out, "x-roles");
    json_open(out, '[');
    for (unsigned bit = ROLE_ANYBODY; bit <= ROLE_SOURCE; bit <<= 1)
        if ((roles & bit) != 0)
            json_string(out, role_name(bit));
    json_close(out);
}

static void put_security(struct json_out *out, unsigned roles)
{
    json_key(out, "security");
    if ((roles & ROLE_ANYBODY) != 0)
        json_raw_value(out, span_of("[]"));
    else if ((roles & ROLE_SOURCE) != 0)
        json_raw_value(out, span_of("[{\"source\":[]}]"));
    else
        json_raw_value(out, span_of("[{\"bearer\":[]},{\"session\":[]}]"));
}

/* -- the document --------------------------------------------------------------------------- */

/* "list_runs" -> "listRuns": as client generators want it. */
static void put_id(struct json_out *out, const char *operation)
{
    struct str id = { 0 };

    for (; *operation != '\0'; operation++)
        if (operation[0] == '_' && operation[1] != '\0')
            str_add_char(&id, (char)toupper((unsigned char)*++operation));
        else
            str_add_char(&id, *operation);
    json_put(out, "operationId", str_text(&id));
    str_fini(&id);
}

static void put_operation(struct json_out *out, const struct route *route)
{
    const struct words *words = words_of(route->operation);
    struct str method = { 0 };

    for (const char *c = route_methods(route->method); *c != '\0'; c++)
        str_add_char(&method, (char)tolower((unsigned char)*c));
    json_key(out, str_text(&method));
    str_fini(&method);
    json_open(out, '{');
    if (words != NULL) {
        put_text(out, "description", words->about);
        put_text(out, "summary", words->summary);
        json_key(out, "tags");
        json_open(out, '[');
        json_string(out, words->tag);
        json_close(out);
    }
    put_id(out, route->operation);
    put_parameters(out, route, words);
    put_body(out, route, words);
    put_answers(out, route, words);
    put_security(out, route->roles);
    put_roles(out, route->roles);
    json_key(out, "x-listeners");
    json_open(out, '[');
    if ((route->listeners & LISTENER_CONSOLE) != 0)
        json_string(out, "console");
    if ((route->listeners & LISTENER_INGRESS) != 0)
        json_string(out, "ingress");
    json_close(out);
    json_close(out);
}

static bool was_before(const struct route *route)
{
    for (const struct route *other = routes; other != route; other++)
        if (strcmp(other->path, route->path) == 0)
            return true;
    return false;
}

static void put_paths(struct json_out *out)
{
    json_key(out, "paths");
    json_open(out, '{');
    for (const struct route *route = routes; route->path != NULL; route++) {
        if (was_before(route))
            continue;
        json_key(out, route->path);
        json_open(out, '{');
        for (const struct route *each = route; each->path != NULL; each++)
            if (strcmp(each->path, route->path) == 0)
                put_operation(out, each);
        json_close(out);
    }
    json_close(out);
}

static void put_member(struct json_out *out, struct span key, struct span value)
{
    json_key_span(out, key);
    json_raw_value(out, value);
}

/* openapi.json, canonical. */
static struct span base(void)
{
    static struct str text;
    struct err err;

    if (text.len == 0 &&
        json_canonical(&text, openapi_base, strlen(openapi_base), &err) != 0)
        fatalx("openapi.json: %s", err.text);
    return str_span(&text);
}

struct span openapi_schema(const char *name)
{
    struct span schema = json_get(json_path(base(), "components.schemas"), name);

    if (schema.len == 0)
        fatalx("openapi.json has no schema %s", name);
    return schema;
}

static void write_document(struct str *text)
{
    struct json_out out = { .str = text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(base(), &pos, &key, &value))
        put_member(&out, key, value);
    put_paths(&out);
    json_close(&out);
}

struct span openapi_document(void)
{
    static struct str text;

    if (text.len == 0)
        write_document(&text);
    return str_span(&text);
}

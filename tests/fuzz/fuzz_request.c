/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of any bytes as what a request has: a method, an address, a header's name and value, a
 * length, a type, a cookie. What passes has nothing that another reader could take for the end
 * of anything; a route's parameters lie in the path; nobody is signed in by it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_strict.h"
#include "api/route.h"
#include "api/session.h"
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span line(struct span *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    struct span text = { rest->ptr, len };

    rest->ptr += len + (end != NULL);
    rest->len -= len + (end != NULL);
    return text;
}

static bool has_any(struct span text, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text.len > 0 && memchr(text.ptr, bytes[i], text.len) != NULL)
            return true;
    return false;
}

static void try_words(struct span uri, struct span name, struct span value,
                      struct span length)
{
    int64_t number;

    if (strict_uri(uri))
        assert(uri.ptr[0] == '/' && !has_any(uri, "\0\r\n\t #\\", 7));
    if (strict_name(name))
        assert(name.len > 0 && !has_any(name, "\0\r\n\t :,;\"", 9));
    if (strict_value(value))
        assert(!has_any(value, "\0\r\n\x0b\x7f", 5));
    if (strict_length(length))
        assert(span_int(length, &number) && number >= 0);
}

static void try_route(struct span method, struct span path)
{
    char *verb = span_dup(method), *where = span_dup(path);

    for (unsigned listener = LISTENER_CONSOLE; listener <= LISTENER_INGRESS;
         listener <<= 1) {
        char *params[HTTP_IN_PARAMS_MAX] = { NULL };
        unsigned others = 0;
        const struct route *route =
            route_find(routes, listener, verb, where, params, &others);

        assert(route == NULL || (route->listeners & listener) != 0);
        for (int i = 0; i < HTTP_IN_PARAMS_MAX; i++) {
            assert(params[i] == NULL || (route != NULL && params[i][0] != '\0' &&
                                         strstr(where, params[i]) != NULL));
            free(params[i]);
        }
        assert(strlen(route_methods(others)) < 64);
    }
    free(verb);
    free(where);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sessions sessions;
    struct span rest = { (const char *)data, size };
    struct span method = line(&rest), uri = line(&rest), name = line(&rest),
                value = line(&rest), length = line(&rest), type = line(&rest);
    char *text = span_dup(type);

    hash_setup();
    if (sessions.all.next == NULL) {
        char held[SESSION_TEXT_LEN + 1];

        sessions_init(&sessions);
        session_begin(&sessions, &(struct session_about){ .who = "somebody" }, held, 1);
    }
    try_words(uri, name, value, length);
    try_route(method, uri);
    if (strict_type(text, "application/json"))
        assert(strncasecmp(text, "application/json", 16) == 0);
    assert(session_find(&sessions, rest, 2) == NULL);
    role_of(value);
    free(text);
    return 0;
}

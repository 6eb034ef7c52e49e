/* SPDX-License-Identifier: Apache-2.0 */
/* api/http_look.c - what a handler sees of a request. */
#include "api/http_inside.h"

#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "api/route.h"

enum { SUBJECT_MAX = 512 };

const struct route *request_route(const struct request *request)
{
    return request->route;
}

const char *request_method(const struct request *request)
{
    return request->is_head ? "HEAD" : route_methods(request->route->method);
}

const char *request_path(const struct request *request)
{
    return request->path;
}

const char *request_param(const struct request *request, int i)
{
    return request->params[i] == NULL ? "" : request->params[i];
}

const char *request_query(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct other {
    const char *const *names;
    size_t count;
    const char *found;
};

static enum MHD_Result look_at_query(void *arg, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct other *other = arg;

    (void)kind;
    (void)value;
    for (size_t i = 0; i < other->count; i++)
        if (strcmp(other->names[i], name) == 0)
            return MHD_YES;
    other->found = name;
    return MHD_NO;
}

const char *request_query_other(const struct request *request, const char *const *names,
                                size_t count)
{
    struct other other = { .names = names, .count = count };

    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, look_at_query,
                              &other);
    return other.found;
}

struct span request_copy(struct request *request, struct span bytes)
{
    return (struct span){ arena_dup(&request->arena, bytes.ptr, bytes.len), bytes.len };
}

void request_set_note(struct request *request, struct span bytes)
{
    str_wipe(&request->note);
    str_add_span(&request->note, bytes);
}

const char *request_note(const struct request *request)
{
    return str_text(&request->note);
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool request_cookie(const struct request *request, const char *name, struct str *out)
{
    const char *value =
        MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);

    if (value == NULL)
        return false;
    str_add_text(out, value);
    return true;
}

struct span request_body(const struct request *request)
{
    return str_span(&request->body);
}

const char *request_peer(const struct request *request)
{
    return request->peer;
}

struct caller *request_caller(struct request *request)
{
    return &request->caller;
}

void request_end_connection(struct request *request)
{
    request->is_last = true;
}

void *request_server_arg(const struct request *request)
{
    return request->server->arg;
}

void request_keep(struct request *request, void *state, void (*drop)(void *state))
{
    request->kept = state;
    request->drop = drop;
}

void *request_kept(const struct request *request)
{
    return request->kept;
}

static char *subject_of(gnutls_session_t session)
{
    unsigned status = 1, count = 0;
    const gnutls_datum_t *chain;
    gnutls_x509_crt_t cert;
    gnutls_datum_t name = { 0 };
    char *subject = NULL;

    if (gnutls_certificate_verify_peers2(session, &status) != 0 || status != 0 ||
        (chain = gnutls_certificate_get_peers(session, &count)) == NULL || count == 0 ||
        gnutls_x509_crt_init(&cert) != 0)
        return NULL;
    if (gnutls_x509_crt_import(cert, chain, GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_get_dn3(cert, &name, 0) == 0 && name.size < SUBJECT_MAX)
        subject = span_dup((struct span){ (const char *)name.data, name.size });
    gnutls_free(name.data);
    gnutls_x509_crt_deinit(cert);
    return subject;
}

const char *request_client_cert(struct request *request)
{
    const union MHD_ConnectionInfo *info;

    if (!request->server->has_client_ca)
        return NULL;
    info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (request->subject == NULL && info != NULL)
        request->subject = subject_of(info->tls_session);
    return request->subject;
}

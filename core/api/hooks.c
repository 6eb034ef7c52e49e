/* SPDX-License-Identifier: Apache-2.0 */
#include "api/hooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/front.h"
#include "api/http_strict.h"
#include "api/issuer.h"
#include "api/jwt.h"
#include "api/proof.h"
#include "api/throttle.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_mend.h"
#include "base/log.h"
#include "base/said.h"

enum { SHOWN_MAX = 120 }; /* bytes of a header that is shown */

struct source {
    char *name, *kind;
    struct span config;    /* of the setup that is in force */
    struct issuer *issuer; /* of its JWTs; NULL */
    double tokens;         /* of its bucket */
    int64_t filled_ms, refused;
    double rate;
    size_t size;
};

static struct said told; /* outlives the sources: a reload is no reason to say it again */

static struct {
    struct loop *loop;
    struct str setup;
    struct source sources[HOOKS_MAX];
    int count;
    struct throttle unproven, greetings;
} hooks;

/* -- sources ------------------------------------------------------------------------------- */

static void free_sources(void)
{
    for (int i = 0; i < hooks.count; i++) {
        free(hooks.sources[i].name);
        free(hooks.sources[i].kind);
        issuer_close(hooks.sources[i].issuer);
    }
    memset(hooks.sources, 0, sizeof hooks.sources);
    hooks.count = 0;
}

static void add_source(struct span config)
{
    struct source *source = &hooks.sources[hooks.count++];
    struct span jwt = json_get(json_get(config, "auth"), "jwt");

    source->config = config;
    source->name = json_get_text(config, "name");
    source->kind = json_get_text(config, "kind");
    source->rate = (double)json_get_int(config, "rate", HOOKS_RATE);
    source->size = (size_t)json_get_int(config, "size", HOOKS_BODY);
    source->tokens = source->rate;
    source->filled_ms = front_now_ms();
    if (jwt.len > 0)
        source->issuer = issuer_open(hooks.loop, jwt);
}

void hooks_open(struct loop *loop)
{
    hooks.loop = loop;
}

void hooks_setup(struct span setup)
{
    struct span config;
    size_t pos = 0;

    hooks.unproven.max = HOOKS_UNPROVEN_MAX;
    hooks.greetings.max = HOOKS_GREETINGS_MAX;
    hooks.unproven.within_ms = hooks.greetings.within_ms = HOOKS_UNPROVEN_MS;
    free_sources();
    hooks.setup.is_secret = true;
    str_reset(&hooks.setup);
    str_add_span(&hooks.setup, json_get(setup, "sources"));
    while (hooks.count < HOOKS_MAX &&
           json_next(str_span(&hooks.setup), &pos, NULL, &config))
        add_source(config);
}

void hooks_close(void)
{
    free_sources();
    str_fini(&hooks.setup);
}

static struct source *find(const struct request *request)
{
    for (int i = 0; i < hooks.count; i++)
        if (strcmp(hooks.sources[i].name, request_param(request, 0)) == 0)
            return &hooks.sources[i];
    return NULL;
}

/* -- refusals ------------------------------------------------------------------------------ */

/* what begins with "a delivery" or "a handshake". The log has each fault of each source once
 * a minute, and the engine hears of it as often. */
static void note_refused(struct source *source, const struct request *request,
                         const char *what, int status, const char *why)
{
    int64_t withheld;

    source->refused++;
    if (!said_now(&told, span_of(source->name), span_of(why), front_now_ms(), &withheld))
        return;
    log_warnx("source %s: %s from %s was refused: %s (%" PRId64 " so far)", source->name,
              what, request_peer(request), why, source->refused);
    front_refused(source->name, request_peer(request), status, why, source->refused);
}

static void log_refused(struct source *source, const struct request *request, int status,
                        const char *why)
{
    note_refused(source, request, "a delivery", status, why);
}

/* A header or a member of a query, as people may see it; for one sentence. */
static const char *shown(struct request *request, const char *text)
{
    struct str out = { 0 };
    size_t len = strlen(text);

    str_add_shown(&out, text, len < SHOWN_MAX ? len : SHOWN_MAX);
    struct span kept = request_copy(request, str_span(&out));
    str_fini(&out);
    return kept.ptr;
}

/* What this sender seems to be, where its source is configured as something else. */
static const char *hint(const struct source *source, const struct request *request)
{
    const char *event = request_header(request, "aeg-event-type");

    if (request_query(request, "validationToken") != NULL &&
        strcmp(source->kind, "graph") != 0)
        return "; it asks with a validationToken, as Microsoft Graph does: kind = "
               "\"graph\" "
               "answers that";
    if (event != NULL && strcasecmp(event, "SubscriptionValidation") == 0 &&
        strcmp(source->kind, "event-grid") != 0)
        return "; it is the subscription validation of Event Grid: kind = \"event-grid\" "
               "answers that";
    return "";
}

/* One more of this budget, for the source and the address. False: it has been answered. */
static bool has_budget(struct throttle *budget, const struct source *source,
                       struct request *request, const char *what)
{
    int64_t now_ms = front_now_ms(), wait_ms;
    struct str name = { 0 };
    char seconds[24];

    str_printf(&name, "%s %s", source != NULL ? source->name : "", request_peer(request));
    wait_ms = throttle_wait_ms(budget, str_text(&name), now_ms);
    if (wait_ms == 0)
        throttle_note(budget, str_text(&name), now_ms);
    str_fini(&name);
    if (wait_ms == 0)
        return true;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_ms + 999) / 1000);
    respond_header(request, "Retry-After", seconds);
    request_end_connection(request);
    respond_problem(request, 429, "rate", "too many %s from your address", what);
    return false;
}

static void refuse(struct source *source, struct request *request, const char *why)
{
    struct str text = { 0 };

    if (!has_budget(&hooks.unproven, source, request, "deliveries without a proof"))
        return;
    if (source != NULL) {
        str_printf(&text, "%s (sources.%s.auth)%s", why, source->name,
                   hint(source, request));
        log_refused(source, request, 401, str_text(&text));
        str_fini(&text);
    }
    respond_header(request, "WWW-Authenticate", "Bearer");
    respond_problem(request, 401, "unauthenticated",
                    "this delivery is not proven to be from a source that is known here");
}

static bool has_room(struct source *source, struct request *request)
{
    int64_t now = front_now_ms();
    char why[200];

    source->tokens += (double)(now - source->filled_ms) * source->rate / 1000;
    source->filled_ms = now;
    if (source->tokens > source->rate)
        source->tokens = source->rate;
    if (source->tokens >= 1) {
        source->tokens--;
        return true;
    }
    snprintf(why, sizeof why, "more than %d deliveries a second (sources.%s.rate)",
             (int)source->rate, source->name);
    log_refused(source, request, 429, why);
    respond_header(request, "Retry-After", "1");
    respond_problem(request, 429, "rate", "more than %d deliveries a second of this source",
                    (int)source->rate);
    return false;
}

/* -- proofs that are headers ----------------------------------------------------------------- */

static struct span auth_of(const struct source *source, const char *kind)
{
    return json_get(json_get(source->config, "auth"), kind);
}

static const char *bearer_of(const struct source *source, const struct request *request)
{
    const char *header = request_header(request, "Authorization");

    if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0)
        return header + 7;
    /* The CloudEvents webhook spec wants both ways; elsewhere an address is no place for it. */
    return strcmp(source->kind, "cloudevents") == 0 ? request_query(request, "access_token")
                                                    : NULL;
}

static const char *header_proof(const struct source *source, struct request *request)
{
    struct span header = auth_of(source, "header"), bearer = auth_of(source, "bearer");
    struct span tls = auth_of(source, "mutual_tls");
    const char *given = bearer_of(source, request);
    const char *subject = tls.len > 0 ? request_client_cert(request) : NULL;
    char *name = json_get_text(header, "name");
    const char *value = name != NULL ? request_header(request, name) : NULL;
    const char *proof = NULL;

    if (subject != NULL && proof_one_of(span_of(subject), json_get(tls, "subjects")))
        proof = "mutual-tls";
    else if (given != NULL && bearer.len > 0 && proof_one_of(span_of(given), bearer))
        proof = "bearer";
    else if (value != NULL && proof_one_of(span_of(value), json_get(header, "values")))
        proof = "header";
    free(name);
    return proof;
}

/* Is there any proof of this source that only comes with, or after, the body? */
static bool may_be_proven_later(const struct source *source, const struct request *request)
{
    if (auth_of(source, "hmac").len > 0)
        return request_header(request, "webhook-signature") != NULL;
    if (auth_of(source, "client_state").len > 0)
        return true;
    return source->issuer != NULL && bearer_of(source, request) != NULL;
}

static bool is_graph_greeting(const struct source *source, const struct request *request)
{
    return strcmp(source->kind, "graph") == 0 &&
           request_query(request, "validationToken") != NULL;
}

/* False: it has been refused. */
static bool has_right_length(struct source *source, struct request *request, size_t len)
{
    char why[256];

    if (len <= source->size)
        return true;
    snprintf(why, sizeof why,
             "%zu bytes, and a delivery of this source may have %zu (sources.%s.size, at "
             "most %d)",
             len, source->size, source->name, HOOKS_BODY_MAX);
    log_refused(source, request, 413, why);
    respond_problem(request, 413, "too_big", "%s", why);
    return false;
}

/* RFC 9110, 15.5.16: the sender hears which codings are taken. */
static bool has_right_coding(struct source *source, struct request *request)
{
    const char *coding = request_header(request, "Content-Encoding");
    char why[400];

    if (http_takes_coding(request))
        return true;
    snprintf(why, sizeof why,
             "Content-Encoding: %s is not taken: want the body as it is (identity), switch "
             "compression off at the sender",
             shown(request, coding));
    log_refused(source, request, 415, why);
    http_refuse_coding(request);
    return false;
}

/* What the header says of its length. */
static bool has_length_for(struct source *source, struct request *request)
{
    const char *length = request_header(request, "Content-Length");
    int64_t bytes = 0;

    return length == NULL || !span_int(span_of(length), &bytes) || bytes < 0 ||
           has_right_length(source, request, (size_t)bytes);
}

bool hooks_identify(struct request *request)
{
    struct source *source = find(request);

    if (source == NULL) {
        refuse(NULL, request, "");
        return false;
    }
    if (strcmp(request_method(request), "OPTIONS") == 0 ||
        is_graph_greeting(source, request))
        return has_budget(&hooks.greetings, source, request, "handshakes");
    if (header_proof(source, request) == NULL) {
        if (may_be_proven_later(source, request))
            return has_right_coding(source, request) && has_length_for(source, request);
        refuse(source, request, "no proof that this source may use came with it");
        return false;
    }
    if (!has_room(source, request))
        return false;
    return has_right_coding(source, request) && has_length_for(source, request);
}

/* -- what it is ------------------------------------------------------------------------------ */

static bool is_binary_event(const struct source *source, const struct request *request)
{
    return strcmp(source->kind, "cloudevents") == 0 &&
           request_header(request, "ce-specversion") != NULL;
}

static bool has_right_type(const struct source *source, const struct request *request)
{
    const char *type = request_header(request, "Content-Type");

    if (strcmp(source->kind, "cloudevents") != 0 || is_binary_event(source, request))
        return strict_type(type, "application/json");
    return strict_type(type, "application/cloudevents+json") ||
           strict_type(type, "application/cloudevents-batch+json");
}

static void refuse_type(struct source *source, struct request *request)
{
    const char *type = request_header(request, "Content-Type");
    const char *want = strcmp(source->kind, "cloudevents") == 0
                           ? "application/cloudevents+json, -batch+json, or JSON with ce- "
                             "headers"
                           : "application/json";
    char why[400];

    snprintf(why, sizeof why, "Content-Type: %s, want %s",
             type != NULL ? shown(request, type) : "(none)", want);
    log_refused(source, request, 415, why);
    respond_problem(request, 415, "content_type", "want Content-Type: %s", want);
}

/* A binary event's attributes are headers; here they become one object with its data, whose
 * bytes stay as they came. */
static void wrap_binary(struct str *out, const struct request *request, bool is_json)
{
    static const char *const names[] = {
        "ce-datacontenttype", "ce-dataschema", "ce-id",   "ce-source",
        "ce-specversion",     "ce-subject",    "ce-time", "ce-type"
    };
    struct json_out json = { .str = out };
    struct str coded = { 0 };

    json_open(&json, '{');
    if (!is_json && request_body(request).len > 0) {
        base64_add(&coded, request_body(request).ptr, request_body(request).len);
        json_put_span(&json, "data_base64", str_span(&coded));
    } else if (request_body(request).len > 0) {
        json_put_raw(&json, "data", request_body(request));
    }
    str_fini(&coded);
    json_key(&json, "headers");
    json_open(&json, '{');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (request_header(request, names[i]) != NULL)
            json_put(&json, names[i], request_header(request, names[i]));
    json_close(&json);
    json_close(&json);
}

static char *delivery_id(const struct source *source, const struct request *request,
                         const char *proof)
{
    struct str id = { 0 };

    if (strcmp(proof, "hmac") == 0)
        str_add_text(&id, request_header(request, "webhook-id"));
    else if (is_binary_event(source, request) && request_header(request, "ce-id") != NULL)
        str_printf(&id, "%s %s",
                   request_header(request, "ce-source") != NULL
                       ? request_header(request, "ce-source")
                       : "",
                   request_header(request, "ce-id"));
    return id.len > 0 ? str_take(&id) : xstrdup("");
}

/* -- handshakes ------------------------------------------------------------------------------ */

/* Azure's own way of asking whether we want its events; it has been proven by then. */
static bool greets_event_grid(struct request *request, struct span json)
{
    const char *type = request_header(request, "aeg-event-type");
    struct span event = { 0 }, code;
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    size_t pos = 0;

    if (type == NULL || strcasecmp(type, "SubscriptionValidation") != 0)
        return false;
    json_next(json, &pos, NULL, &event);
    code = json_get(json_get(event, "data"), "validationCode");
    if (json_kind(code) != JSON_STRING) {
        note_refused(find(request), request, "a handshake", 400,
                     "Event Grid's subscription validation without data.validationCode in "
                     "its first event");
        respond_problem(request, 400, "handshake",
                        "want data.validationCode in the first event");
        return true;
    }
    json_open(&out, '{');
    json_put_raw(&out, "validationResponse", code);
    json_close(&out);
    respond_json(request, 200, str_span(&text));
    str_fini(&text);
    return true;
}

static void greet_graph(struct request *request)
{
    const char *token = request_query(request, "validationToken");

    if (strlen(token) > HOOKS_TOKEN_MAX) {
        note_refused(find(request), request, "a handshake", 400,
                     "Microsoft Graph's validationToken is longer than the 1024 bytes that "
                     "are echoed");
        respond_problem(request, 400, "handshake",
                        "a validationToken has at most %d bytes here", HOOKS_TOKEN_MAX);
    } else
        respond(request, 200, "text/plain; charset=utf-8", span_of(token));
}

/* The sentence for the log: what came, and the key of cordon.lua that would take it. */
static void refuse_origin(struct source *source, struct request *request,
                          const char *origin)
{
    struct str why = { 0 };

    if (strcmp(source->kind, "cloudevents") != 0)
        str_printf(
            &why,
            "a validation of CloudEvents (OPTIONS%s%s), and this source is of kind %s: "
            "want sources.%s.kind = \"cloudevents\", and its origins",
            origin != NULL ? ", WebHook-Request-Origin: " : "",
            origin != NULL ? shown(request, origin) : "", source->kind, source->name);
    else if (origin == NULL)
        str_add_text(&why, "a validation of CloudEvents without WebHook-Request-Origin");
    else
        str_printf(&why,
                   "the origin %s is not listed: sources.%s.origins = { \"%s\" } takes it",
                   shown(request, origin), source->name, shown(request, origin));
    note_refused(source, request, "a handshake", 403, str_text(&why));
    str_fini(&why);
    respond_problem(request, 403, "origin", "that origin may not send here");
}

/* CloudEvents asks before it sends; only origins that cordon.lua names may. */
void greet_hook(struct request *request)
{
    struct source *source = find(request);
    const char *origin = request_header(request, "WebHook-Request-Origin");
    struct str rate = { 0 };

    if (source == NULL) {
        refuse(NULL, request, ""); /* it was taken away meanwhile */
        return;
    }
    if (strcmp(source->kind, "cloudevents") != 0 || origin == NULL ||
        !proof_one_of(span_of(origin), json_get(source->config, "origins"))) {
        refuse_origin(source, request, origin);
        return;
    }
    str_printf(&rate, "%d", (int)(source->rate * 60));
    respond_header(request, "WebHook-Allowed-Origin", origin);
    respond_header(request, "WebHook-Allowed-Rate", str_text(&rate));
    respond_header(request, "Allow", "POST, OPTIONS");
    respond(request, 200, NULL, span_of(""));
    str_fini(&rate);
}

/* -- deliveries ------------------------------------------------------------------------------ */

static void on_taken(struct request *request, int exit, struct span json)
{
    char *code = json_get_text(json, "code"), *error = json_get_text(json, "error");

    if (exit == 0) {
        respond_json(request, 202, json);
    } else if (exit == 2) {
        respond_problem(request, 400, code != NULL ? code : "alert", "%s",
                        error != NULL ? error : "");
    } else {
        respond_header(request, "Retry-After", "5");
        respond_problem(request, 503, code != NULL ? code : "busy", "%s",
                        error != NULL ? error : "");
    }
    free(code);
    free(error);
}

/* It is kept, though nothing can be read of it: for its sender that is a mistake. */
static void on_kept(struct request *request, int exit, struct span json)
{
    struct span name = json_get_raw(json, "delivery");

    if (exit != 0) {
        on_taken(request, exit, json);
        return;
    }
    respond_problem(request, 400, "json",
                    "%s (it is kept as %.*s, and cordon alerts --unreadable lists it)",
                    request_note(request), (int)name.len, name.ptr);
}

/* The body as it is read; empty when nothing can be read of it, and err says why. */
static void read_body(const struct request *request, struct str *read, struct err *err)
{
    struct json_mends mends;

    json_mend(read, request_body(request), &mends, err);
}

/* It is proven. From here on it is kept, whatever its bytes are. */
static void hand_in(struct source *source, struct request *request, const char *proof)
{
    struct str read = { 0 }, wrapped = { 0 };
    bool is_binary = is_binary_event(source, request);
    struct span raw = request_body(request);
    struct err err = { 0 };

    if (!has_right_length(source, request, raw.len) ||
        (header_proof(source, request) == NULL && !has_room(source, request)))
        return; /* where a header proves it, the rate was charged before the body came */
    if (!is_binary || raw.len > 0)
        read_body(request, &read, &err);
    if (strcmp(source->kind, "event-grid") == 0 &&
        greets_event_grid(request, str_span(&read))) {
        str_fini(&read);
        return;
    }
    if (err.code != 0) {
        log_refused(source, request, 400, err.text);
        request_set_note(request, span_of(err.text));
    }
    if (is_binary) {
        wrap_binary(&wrapped, request, err.code == 0);
        raw = str_span(&wrapped);
    }
    char *id = delivery_id(source, request, proof);
    request_deliver(request, source->name, id, proof, raw,
                    err.code == 0 ? on_taken : on_kept);
    free(id);
    str_fini(&wrapped);
    str_fini(&read);
}

/* The one proof that lies in the body: it is read for that alone. */
static void prove_client_state(struct source *source, struct request *request)
{
    struct str read = { 0 };
    struct err err = { 0 };

    read_body(request, &read, &err);
    if (err.code == 0 &&
        proof_client_state(str_span(&read), auth_of(source, "client_state")))
        hand_in(source, request, "client-state");
    else
        refuse(source, request,
               err.code == 0 ? "another clientState"
                             : "no JSON, so that its clientState cannot be read");
    str_fini(&read);
}

static void on_token(struct request *request, bool is_right, const char *why)
{
    struct source *source = find(request);

    if (source == NULL || !is_right)
        refuse(source, request, why);
    else
        hand_in(source, request, "jwt");
}

static bool is_hmac(struct source *source, struct request *request, const char **why)
{
    return proof_hmac(
        &(struct hmac_proof){ .id = request_header(request, "webhook-id"),
                              .timestamp = request_header(request, "webhook-timestamp"),
                              .signature = request_header(request, "webhook-signature"),
                              .body = request_body(request) },
        auth_of(source, "hmac"), front_now_ms(), why);
}

void post_hook(struct request *request)
{
    struct source *source = find(request);
    const char *proof, *why = "none of its proofs holds", *token;

    if (source == NULL) {
        refuse(NULL, request, ""); /* it was taken away meanwhile */
        return;
    }
    if (is_graph_greeting(source, request)) {
        greet_graph(request);
        return;
    }
    if (!has_right_type(source, request)) {
        refuse_type(source, request);
        return;
    }
    proof = header_proof(source, request);
    if (proof == NULL && auth_of(source, "hmac").len > 0 && is_hmac(source, request, &why))
        proof = "hmac";
    token = bearer_of(source, request);
    if (proof == NULL && source->issuer != NULL && token != NULL) {
        issuer_check(source->issuer, request, token, on_token);
        return;
    }
    if (proof != NULL) {
        hand_in(source, request, proof);
    } else if (auth_of(source, "client_state").len > 0) {
        prove_client_state(source, request);
    } else {
        refuse(source, request, why);
    }
}

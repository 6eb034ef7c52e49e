/* SPDX-License-Identifier: Apache-2.0 */
#include "arm.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "credential.h"
#include "fault.h"
#include "job.h"
#include "text.h"

/* A request under way, with or without its token yet. */
struct arm_flight {
    struct arm_request request;
    struct token_want want;
    const char *url;
    int tokens_tried;
};

static void on_token(struct job *job, const char *token, void *arg);

/* 401: the token may have ended early, or a challenge wants something said with it. 403: a
 * right that was given a minute ago is in new tokens only. */
static bool try_again(struct job *job, struct arm_flight *flight,
                      const struct answer *answer)
{
    bool is_asked = answer->status == 401 || answer->refusal == REFUSAL_TOKEN;

    if (!is_asked || flight->tokens_tried > 1)
        return false;
    const char *header = job->host->header(answer->reply, "WWW-Authenticate");
    const char *claims = header != NULL ? text_parameter(job, header, "claims") : NULL;
    flight->want.is_fresh = true;
    flight->want.why = job_text(job, "%s: %s", answer->code, answer->message);
    flight->want.claims = claims != NULL ? text_from_base64(job, claims) : NULL;
    credential_get(job, &flight->want, on_token, flight);
    return true;
}

static void on_answer(struct job *job, const struct answer *answer, void *arg)
{
    struct arm_flight *flight = arg;

    if (try_again(job, flight, answer))
        return;
    flight->request.done(job, answer, flight->request.arg);
}

static void on_token(struct job *job, const char *token, void *arg)
{
    struct arm_flight *flight = arg;
    const struct arm_request *request = &flight->request;
    const char *headers[5] = { job_text(job, "Authorization: Bearer %s", token),
                               request->accept != NULL
                                   ? job_text(job, "Accept: %s", request->accept)
                                   : "Accept: application/json" };
    size_t count = 2;
    struct exchange exchange = {
        .method = flight->request.method,
        .url = flight->url,
        .headers = headers,
        .flags = flight->request.flags,
        .family = flight->request.family,
        .done = on_answer,
        .arg = flight,
    };

    if (request->body != NULL)
        headers[count++] = "Content-Type: application/json";
    if (request->header != NULL)
        headers[count++] = request->header;
    flight->tokens_tried++;
    if (flight->request.body != NULL)
        exchange.body = job_print(job, flight->request.body);
    exchange_send(job, &exchange);
}

void arm_send_to(struct job *job, const struct arm_request *request, const char *url)
{
    struct arm_flight *flight = job_alloc(job, sizeof *flight);

    flight->request = *request;
    flight->url = url;
    flight->want.tenant = "";
    flight->want.audience =
        request->audience != NULL ? request->audience : job->azure->config.arm_audience;
    credential_get(job, &flight->want, on_token, flight);
}

void arm_send(struct job *job, const struct arm_request *request)
{
    const char *query = request->query != NULL ? request->query : "";

    arm_send_to(job, request,
                job_text(job, "%s%s?api-version=%s%s", job->azure->config.arm,
                         text_encode_path(job, request->path), request->version, query));
}

void arm_get(struct job *job, const char *path, const char *version, answer_fn *done,
             void *arg)
{
    struct arm_request request = {
        .method = "GET", .path = path, .version = version, .done = done, .arg = arg
    };

    arm_send(job, &request);
}

static const char *skip_port(const char *at, const char *base)
{
    return text_starts(base, "https://") && text_starts(at, ":443") ? at + 4 : at;
}

/* What is behind base in a link that lies below it, NULL when it does not. The resource manager
 * names its default port at times. */
static const char *behind(const char *link, const char *base)
{
    size_t len = strlen(base);

    if (strncasecmp(link, base, len) != 0)
        return NULL;
    const char *rest = skip_port(link + len, base);
    return *rest == '/' || *rest == '?' || *rest == '\0' ? rest : NULL;
}

/* A link as an address below base, not encoded yet; NULL when it leads elsewhere. */
static const char *resolve(struct job *job, const char *link, const char *base,
                           const char *known)
{
    const char *rest = behind(link, base);

    if (rest == NULL && known != NULL)
        rest = behind(link, known);
    if (rest != NULL)
        return rest == link + strlen(base) ? link : job_text(job, "%s%s", base, rest);
    if (link[0] == '/' && link[1] != '/') /* a path alone */
        return job_text(job, "%s%s", base, link);
    if (link[0] == '?' && job->page != NULL && behind(job->page, base) != NULL)
        return job_text(job, "%.*s%s", (int)strcspn(job->page, "?"), job->page, link);
    return NULL;
}

/* The host that a link names, where it names one. */
static const char *host_of(struct job *job, const char *link)
{
    const char *host = strstr(link, "//");

    host = host != NULL ? host + 2 : link;
    return job_text(job, "%.*s",
                    (int)(strcspn(host, "/?#") < 100 ? strcspn(host, "/?#") : 100), host);
}

const char *link_of(struct job *job, const char *link, const char *base, const char *known)
{
    const char *url = resolve(job, link, base, known);

    if (url == NULL) {
        job_fail(job, CORDON_REFUSED, "ForeignLink",
                 "the next page is said to be at %s, which is not %s: it gets none of our "
                 "tokens (the link is %.200s)",
                 host_of(job, link), known != NULL ? known : base,
                 fault_clean(job, link, strlen(link), 200));
        return NULL;
    }
    url = text_encode_link(job, url);
    if (job->page == NULL || strcmp(url, job->page) != 0)
        return url;
    job_fail(job, CORDON_REFUSED, "EndlessList",
             "the page %.400s names itself as the next one: the list has no end", url);
    return NULL;
}

void arm_next(struct job *job, const char *link, answer_fn *done, void *arg)
{
    struct arm_request request = { .method = "GET", .done = done, .arg = arg };
    const char *url = link_of(job, link, job->azure->config.arm, NULL);

    if (url != NULL)
        arm_send_to(job, &request, url);
}

bool answer_says_gone(const struct answer *answer)
{
    static const char *const codes[] = { "ResourceNotFound", "ParentResourceNotFound",
                                         "ResourceGroupNotFound", "NotFound" };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (answer->status == 404 && text_same(answer->code, codes[i]))
            return true;
    return false;
}

/* A host of before says nothing. */
static const char *json_fault(const struct cordon_http_reply *reply)
{
    bool is_told =
        reply->size >= offsetof(struct cordon_http_reply, json_fault) + sizeof(char *);

    return is_told && !reply->is_json ? reply->json_fault : NULL;
}

bool answer_is_good(struct job *job, const struct answer *answer, bool needs_body,
                    const char *what)
{
    if (answer->verdict != CORDON_DONE) {
        job->is_gone = answer_says_gone(answer);
        job_fail(job, answer->verdict,
                 answer->inner[0] != '\0' ? answer->inner : answer->code, "%s: %s", what,
                 answer->message);
        return false;
    }
    if (needs_body && !cJSON_IsObject(answer->json)) {
        const char *fault = json_fault(answer->reply);

        job_fail(job, CORDON_RETRY, "NoJson", "%s: the answer is not a JSON object%s%s",
                 what, fault != NULL ? ": " : "", fault != NULL ? fault : "");
        return false;
    }
    return true;
}

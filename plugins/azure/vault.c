/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "credential.h"
#include "job.h"
#include "text.h"

#define VAULT_VERSION "7.5"

enum { TOKEN_TRIES_MAX = 2 };

/* A request under way. Before the vault's challenge is known it goes out as a GET without
 * token and body: nothing but the challenge can come of that. */
struct vault_flight {
    struct vault_request request;
    struct token_want want;
    const char *url;
    int tokens_tried;
};

static void on_token(struct job *job, const char *token, void *arg);
static void on_answer(struct job *job, const struct answer *answer, void *arg);

static const char *public_base(struct job *job, const char *vault)
{
    return job_text(job, "https://%s.%s", vault, job->azure->config.vault_suffix);
}

/* Where the vault is reached: elsewhere than under its name when the configuration says
 * so. */
static const char *base_of(struct job *job, const char *vault)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, job->azure->config.vaults)
    {
        if (!text_same(item->string, vault))
            continue;
        const char *url = item->valuestring;
        size_t len = strlen(url);
        while (len > 0 && url[len - 1] == '/')
            len--;
        return job_text(job, "%.*s", (int)len, url);
    }
    return public_base(job, vault);
}

const char *vault_secret_url(struct job *job, const char *vault, const char *name)
{
    return job_lower(job, job_text(job, "%s/secrets/%s", public_base(job, vault), name));
}

/* -- Challenges ------------------------------------------------------------------------ */

static void challenge_clear(struct challenge *challenge)
{
    free(challenge->vault);
    free(challenge->tenant);
    free(challenge->audience);
    *challenge = (struct challenge){ 0 };
}

void vault_fini(struct azure *azure)
{
    for (size_t i = 0; i < VAULTS_MAX; i++)
        challenge_clear(&azure->challenges[i]);
}

static struct challenge *challenge_find(struct azure *azure, const char *vault)
{
    for (size_t i = 0; i < VAULTS_MAX; i++) {
        struct challenge *challenge = &azure->challenges[i];
        if (challenge->vault != NULL && text_same(challenge->vault, vault))
            return challenge;
    }
    return NULL;
}

static void challenge_keep(struct azure *azure, const char *vault, const char *tenant,
                           const char *audience)
{
    struct challenge *challenge = challenge_find(azure, vault);

    if (challenge == NULL)
        challenge = &azure->challenges[azure->challenge_next++ % VAULTS_MAX];
    challenge_clear(challenge);
    challenge->vault = strdup(vault);
    challenge->tenant = strdup(tenant);
    challenge->audience = strdup(audience);
    if (challenge->vault == NULL || challenge->tenant == NULL ||
        challenge->audience == NULL)
        abort();
}

/* Is audience https, without port or path, and the parent domain of our vaults? */
static bool is_our_audience(const struct job *job, const char *audience)
{
    const char *suffix = job->azure->config.vault_suffix;
    const char *scheme = "https://";

    return text_starts(audience, scheme) && text_same(audience + strlen(scheme), suffix);
}

/* The last segment of the address at which the vault would have us sign in. */
static const char *tenant_of(const char *authority)
{
    const char *slash = strrchr(authority, '/');

    return slash != NULL && text_is_word(slash + 1, "-.", 1, 253) ? slash + 1 : NULL;
}

/* Remembers what the vault's 401 says. Returns false after the job has failed. */
static bool challenge_learn(struct job *job, const char *vault, const struct answer *answer)
{
    const char *header = job->host->header(answer->reply, "WWW-Authenticate");
    char *authority = NULL;
    char *audience = NULL;

    if (header != NULL && text_starts(header, "Bearer")) {
        authority = text_parameter(job, header, "authorization");
        audience = text_parameter(job, header, "resource");
    }
    /* A vault that only wants something said with the token need not say the rest again. */
    if (authority == NULL && audience == NULL && challenge_find(job->azure, vault) != NULL)
        return true;
    const char *tenant = authority != NULL ? tenant_of(authority) : NULL;
    if (tenant == NULL || audience == NULL) {
        job_fail(job, CORDON_REFUSED, "NoChallenge",
                 "vault %s does not say which tenant and audience its tokens are for",
                 vault);
        return false;
    }
    size_t len = strlen(audience);
    if (len > 0 && audience[len - 1] == '/')
        audience[len - 1] = '\0';
    if (!is_our_audience(job, audience)) {
        job_fail(job, CORDON_REFUSED, "ForeignChallenge",
                 "vault %s asks for a token for %.200s, which is not the parent domain of "
                 "%s.%s: it gets none",
                 vault, audience, vault, job->azure->config.vault_suffix);
        return false;
    }
    challenge_keep(job->azure, vault, tenant, audience);
    return true;
}

/* -- Sending --------------------------------------------------------------------------- */

/* Asks for the token that the vault's challenge, known by now, calls for. */
static void go_on(struct job *job, struct vault_flight *flight)
{
    const struct challenge *challenge = challenge_find(job->azure, flight->request.vault);

    flight->want.tenant = job_text(job, "%s", challenge->tenant);
    flight->want.audience = job_text(job, "%s", challenge->audience);
    flight->want.is_fresh = flight->tokens_tried > 0;
    credential_get(job, &flight->want, on_token, flight);
}

static void ask_challenge(struct job *job, struct vault_flight *flight)
{
    static const char *const headers[] = { "Accept: application/json", NULL };
    struct exchange exchange = {
        .method = "GET",
        .url = flight->url,
        .headers = headers,
        .flags = flight->request.flags & CORDON_HTTP_SECRET,
        .family = FAMILY_VAULT,
        .done = on_answer,
        .arg = flight,
    };

    exchange_send(job, &exchange);
}

static void on_answer(struct job *job, const struct answer *answer, void *arg)
{
    struct vault_flight *flight = arg;
    const char *vault = flight->request.vault;

    if (answer->status == 401 && flight->tokens_tried < TOKEN_TRIES_MAX) {
        if (!challenge_learn(job, vault, answer))
            return;
        const char *header = job->host->header(answer->reply, "WWW-Authenticate");
        const char *claims = header != NULL ? text_parameter(job, header, "claims") : NULL;
        flight->want.claims = claims != NULL ? text_from_base64(job, claims) : NULL;
        go_on(job, flight);
        return;
    }
    if (answer->refusal == REFUSAL_TOKEN && flight->tokens_tried == 1) {
        go_on(job, flight); /* a right of a minute ago is in new tokens only */
        return;
    }
    if (flight->tokens_tried == 0 && answer->verdict == CORDON_DONE) {
        job_fail(job, CORDON_REFUSED, "NoChallenge",
                 "vault %s answers without asking who we are", vault);
        return;
    }
    flight->request.done(job, answer, flight->request.arg);
}

static void on_token(struct job *job, const char *token, void *arg)
{
    struct vault_flight *flight = arg;
    const struct vault_request *request = &flight->request;
    const char *headers[] = {
        job_text(job, "Authorization: Bearer %s", token), "Accept: application/json",
        request->body != NULL ? "Content-Type: application/json" : NULL, NULL
    };
    struct exchange exchange = {
        .method = request->method,
        .url = flight->url,
        .headers = headers,
        .flags = request->flags,
        .family = FAMILY_VAULT,
        .is_wiped = true,
        .done = on_answer,
        .arg = flight,
    };

    flight->tokens_tried++;
    if (request->body != NULL)
        exchange.body = job_print(job, request->body);
    exchange_send(job, &exchange);
}

static void start(struct job *job, const struct vault_request *request, const char *url)
{
    struct vault_flight *flight = job_alloc(job, sizeof *flight);

    flight->request = *request;
    flight->url = url;
    if (challenge_find(job->azure, request->vault) != NULL)
        go_on(job, flight);
    else
        ask_challenge(job, flight);
}

void vault_send(struct job *job, const struct vault_request *request)
{
    const char *query = request->query != NULL ? request->query : "";

    start(job, request,
          job_text(job, "%s%s?api-version=" VAULT_VERSION "%s",
                   base_of(job, request->vault), request->path, query));
}

void vault_next(struct job *job, const char *vault, const char *link, answer_fn *done,
                void *arg)
{
    struct vault_request request = {
        .method = "GET", .vault = vault, .done = done, .arg = arg
    };
    const char *base = base_of(job, vault);
    const char *known = public_base(job, vault);

    const char *url = link_of(job, link, base, known);

    if (url != NULL)
        start(job, &request, url);
}

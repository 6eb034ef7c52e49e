/* SPDX-License-Identifier: Apache-2.0 */
#include "credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "job.h"
#include "text.h"

enum {
    ASSERTION_MAX = 64 * 1024,    /* bytes of a federated token file */
    REFRESH_MS = 5 * 60 * 1000,   /* a token is not used in its last minutes */
    LIFETIME_DEFAULT_S = 10 * 60, /* when the answer does not say */
    LIFETIME_MAX_S = 48 * 3600,
    TOKEN_TEXT_MAX = 64 * 1024
};

/* A token on its way. */
struct fetch {
    const struct token_want *want;
    const char *name;
    token_fn *done;
    void *arg;
    bool is_bare; /* az was run without a tenant */
};

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void token_wipe(struct token *token)
{
    free(token->name);
    wipe(token->text);
    *token = (struct token){ 0 };
}

void credential_fini(struct azure *azure)
{
    for (size_t i = 0; i < TOKENS_MAX; i++)
        token_wipe(&azure->tokens[i]);
}

static struct token *token_find(struct azure *azure, const char *name)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token *token = &azure->tokens[i];
        if (token->name != NULL && strcmp(token->name, name) == 0)
            return token;
    }
    return NULL;
}

static void token_keep(struct azure *azure, const char *name, const char *text,
                       int64_t expires_ms)
{
    struct token *token = token_find(azure, name);

    if (token == NULL)
        token = &azure->tokens[azure->token_next++ % TOKENS_MAX];
    token_wipe(token);
    token->name = strdup(name);
    token->text = strdup(text);
    token->expires_ms = expires_ms;
    if (token->name == NULL || token->text == NULL)
        abort();
}

/* Seconds come as numbers or as text, depending on who answers. */
static int64_t seconds(const cJSON *json, const char *name)
{
    const cJSON *item = json_get(json, name);

    if (cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 1e11)
        return (int64_t)item->valuedouble;
    if (cJSON_IsString(item))
        return strtoll(item->valuestring, NULL, 10);
    return 0;
}

static int64_t expiry_ms(const struct job *job, const cJSON *json)
{
    int64_t now_ms = job->host->now_ms();
    int64_t left_s = seconds(json, "expires_in");

    if (left_s <= 0)
        left_s = seconds(json, "expires_on") - now_ms / 1000;
    if (left_s <= 0)
        left_s = LIFETIME_DEFAULT_S;
    return now_ms + 1000 * (left_s < LIFETIME_MAX_S ? left_s : LIFETIME_MAX_S);
}

/* A header line must not be broken by what a stranger calls a token. */
static bool is_token(const char *text)
{
    return text_is_word(text, "-._~+/=", 1, TOKEN_TEXT_MAX);
}

static void take_token(struct job *job, struct fetch *fetch, cJSON *json,
                       const char *member)
{
    const char *text = json_text(json, member);

    if (!is_token(text)) {
        job_fail(job, CORDON_RETRY, "NoToken", "the answer to our sign-in holds no token");
        return;
    }
    own_learn(job, text);
    token_keep(job->azure, fetch->name, text, expiry_ms(job, json));
    explicit_bzero((char *)text, strlen(text));
    fetch->done(job, token_find(job->azure, fetch->name)->text, fetch->arg);
}

static void on_token(struct job *job, const struct answer *answer, void *arg)
{
    struct fetch *fetch = arg;
    if (answer->verdict == CORDON_DONE) { /* a proxy's page may come with 200, too */
        take_token(job, fetch, (cJSON *)answer->json, "access_token");
        return;
    }
    if (answer->verdict == CORDON_REFUSED)
        job_fail(job, CORDON_REFUSED, answer->code,
                 "sign in for %s: refused for good%s%s: %s", fetch->want->audience,
                 answer->hint[0] != '\0' ? ", since " : "", answer->hint, answer->message);
    else
        job_fail(job, CORDON_RETRY, answer->code, "sign in for %s: not now: %s",
                 fetch->want->audience, answer->message);
}

static void send_form(struct job *job, struct fetch *fetch, char *form)
{
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", NULL
    };
    const char *tenant =
        fetch->want->tenant[0] != '\0' ? fetch->want->tenant : job->azure->config.tenant;
    struct exchange exchange = {
        .method = "POST",
        .url = job_text(job, "%s/%s/oauth2/v2.0/token", job->azure->config.login,
                        text_encode(job, tenant)),
        .headers = headers,
        .body = form,
        .flags = CORDON_HTTP_SAFE | CORDON_HTTP_SECRET,
        .family = FAMILY_LOGIN,
        .is_harmless = true,
        .is_wiped = true,
        .done = on_token,
        .arg = fetch,
    };

    exchange_send(job, &exchange);
}

/* What both kinds of form have in common; proof says who we are, and is wiped. */
static void ask_login(struct job *job, struct fetch *fetch, char *proof)
{
    const struct token_want *want = fetch->want;
    const char *claims = "";

    if (want->claims != NULL)
        claims = job_text(job, "&claims=%s", text_encode(job, want->claims));
    const char *scope = job_text(job, "%s/.default", want->audience);
    char *form = job_text(job, "grant_type=client_credentials&client_id=%s&scope=%s&%s%s",
                          text_encode(job, job->azure->config.client_id),
                          text_encode(job, scope), proof, claims);
    explicit_bzero(proof, strlen(proof));
    send_form(job, fetch, form);
}

static void ask_secret(struct job *job, struct fetch *fetch)
{
    const char *secret = job->host->secret(job->azure->config.secret);

    if (secret == NULL) {
        job_fail(job, CORDON_REFUSED, "NoSecret",
                 "this plugin has no secret with the name %s", job->azure->config.secret);
        return;
    }
    char *encoded = text_encode(job, secret);
    char *proof = job_text(job, "client_secret=%s", encoded);
    explicit_bzero(encoded, strlen(encoded));
    ask_login(job, fetch, proof);
}

/* Reads a small file of this machine; that does not wait for anybody. */
static char *read_assertion(struct job *job, const char *path)
{
    char *text = job_alloc(job, ASSERTION_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, ASSERTION_MAX + 1) : -1;
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (len < 0) {
        job_fail(job, CORDON_RETRY, "NoAssertion", "read federated_token_file %s: %s", path,
                 strerror(error));
        return NULL;
    }
    if (len > ASSERTION_MAX) {
        job_fail(job, CORDON_REFUSED, "NoAssertion",
                 "federated_token_file %s is larger than %d bytes", path, ASSERTION_MAX);
        return NULL;
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    text[len] = '\0';
    return text;
}

static void ask_federated(struct job *job, struct fetch *fetch)
{
    char *assertion = read_assertion(job, job->azure->config.federated_token_file);

    if (assertion == NULL)
        return;
    ask_login(job, fetch,
              job_text(job,
                       "client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3A"
                       "client-assertion-type%%3Ajwt-bearer&client_assertion=%s",
                       text_encode(job, assertion)));
}

static void ask_managed(struct job *job, struct fetch *fetch)
{
    static const char *const headers[] = { "Metadata: true", "Accept: application/json",
                                           NULL };
    const struct config *config = &job->azure->config;
    const char *client = "";

    if (config->client_id[0] != '\0')
        client = job_text(job, "&client_id=%s", text_encode(job, config->client_id));
    struct exchange exchange = {
        .method = "GET",
        .url = job_text(job,
                        "%s/metadata/identity/oauth2/token?api-version=2018-02-01"
                        "&resource=%s%s",
                        config->imds, text_encode(job, fetch->want->audience), client),
        .headers = headers,
        .flags = CORDON_HTTP_SECRET,
        .family = FAMILY_IMDS,
        .is_harmless = true,
        .done = on_token,
        .arg = fetch,
    };
    exchange_send(job, &exchange);
}

/* -- The Azure CLI ------------------------------------------------------------------------- */

static void run_az(struct job *job, struct fetch *fetch, const char *tenant);

static const char *az_tenant(const struct job *job, const struct token_want *want)
{
    return want->tenant[0] != '\0' ? want->tenant : job->azure->config.tenant;
}

/* A token of another tenant than the one that was asked for would be turned down, or worse. */
static bool is_of_tenant(struct job *job, const struct fetch *fetch, const char *token)
{
    const char *wanted = az_tenant(job, fetch->want);
    const char *is = json_text(own_claims(job, token), "tid");

    if (!fetch->is_bare || is[0] == '\0' || strchr(wanted, '-') == NULL ||
        text_same(is, wanted))
        return true;
    job_fail(job, CORDON_REFUSED, "AzOtherTenant",
             "az is signed in to tenant %s and gives no token of tenant %s: az login "
             "--tenant %s",
             is, wanted, wanted);
    return false;
}

/* az keeps a token until it ends, and has no option to replace it. */
static bool is_another(struct job *job, const struct fetch *fetch, const char *token)
{
    const struct token *kept = token_find(job->azure, fetch->name);
    const char *why = fetch->want->why;

    if (!fetch->want->is_fresh || kept == NULL || strcmp(kept->text, token) != 0)
        return true;
    job_fail(job, CORDON_REFUSED, "AzSameToken",
             "the token of az was turned down (%.400s) and az gives the same one again: it "
             "keeps it until it ends, and cordon cannot replace it. Run az logout and az "
             "login",
             why != NULL && why[0] != '\0' ? why : "it is not valid");
    return false;
}

static void take_az(struct job *job, struct fetch *fetch, const char *out)
{
    cJSON *json = job_own(job, cJSON_Parse(out));
    const char *token = json_text(json, "accessToken");

    if (fetch->is_bare && token[0] != '\0' && az_tenant(job, fetch->want)[0] != '\0')
        job->azure->az_has_one_tenant = true;
    if (is_of_tenant(job, fetch, token) && is_another(job, fetch, token))
        take_token(job, fetch, json, "accessToken");
}

static void on_az(struct cordon_call *call, int status, const char *out, void *arg)
{
    struct job *job = arg;
    struct fetch *fetch = job->fetch;
    (void)call;

    if (status == 0)
        take_az(job, fetch, out);
    else if (!fetch->is_bare && az_tenant(job, fetch->want)[0] != '\0')
        run_az(job, fetch, ""); /* a managed identity's az takes no --tenant */
    else
        job_fail(job, CORDON_RETRY, "AzFailed",
                 "az account get-access-token --resource %s ended with %d: try az login as "
                 "the user that cordon runs as%s",
                 fetch->want->audience, status,
                 job->azure->config.az_config_dir[0] != '\0' ? ", with AZURE_CONFIG_DIR set"
                                                             : "");
}

/* Runs az without a tenant when tenant is "". */
static void run_az(struct job *job, struct fetch *fetch, const char *tenant)
{
    const char *argv[10] = {
        "az",   "account",    "get-access-token",    "--output",
        "json", "--resource", fetch->want->audience,
    };

    fetch->is_bare = tenant[0] == '\0';
    if (!fetch->is_bare) {
        argv[7] = "--tenant";
        argv[8] = tenant;
    }
    job->fetch = fetch;
    if (job->host->run(job->call, argv, on_az, job) != 0)
        job_fail(job, CORDON_REFUSED, "AzFailed",
                 "az cannot be started: is it installed, and among the plugin's programs?");
}

static void ask_az(struct job *job, struct fetch *fetch)
{
    if (fetch->want->claims != NULL) {
        job_fail(job, CORDON_REFUSED, "AzNoClaims",
                 "%s wants a sign-in with more claims, which az cannot be given by cordon: "
                 "run az login --scope %s/.default",
                 fetch->want->audience, fetch->want->audience);
        return;
    }
    run_az(job, fetch, job->azure->az_has_one_tenant ? "" : az_tenant(job, fetch->want));
}

/* -- Any of them --------------------------------------------------------------------------- */

/* A client id or "az" or "" may stand for several people over time only in another process:
 * the configuration lives as long as the cache. */
static const char *name_of(struct job *job, const struct token_want *want)
{
    const struct config *config = &job->azure->config;
    const char *tenant = want->tenant[0] != '\0' ? want->tenant : config->tenant;

    return job_text(job, "%s|%s|%s|%s", config->login, tenant, config->client_id,
                    want->audience);
}

void credential_get(struct job *job, const struct token_want *want, token_fn *done,
                    void *arg)
{
    static void (*const asks[])(struct job *, struct fetch *) = {
        [CREDENTIAL_SECRET] = ask_secret,
        [CREDENTIAL_FEDERATED] = ask_federated,
        [CREDENTIAL_MANAGED] = ask_managed,
        [CREDENTIAL_AZ_CLI] = ask_az,
    };
    const char *name = name_of(job, want);
    const struct token *kept = token_find(job->azure, name);

    if (kept != NULL && !want->is_fresh && want->claims == NULL &&
        kept->expires_ms - REFRESH_MS > job->host->now_ms()) {
        done(job, kept->text, arg);
        return;
    }
    if (job->azure->config.credential == CREDENTIAL_NONE) {
        job_fail(job, CORDON_REFUSED, "NoCredential",
                 "the azure plugin's configuration names no credential");
        return;
    }
    struct fetch *fetch = job_alloc(job, sizeof *fetch);
    *fetch = (struct fetch){ .want = want, .name = name, .done = done, .arg = arg };
    asks[job->azure->config.credential](job, fetch);
}

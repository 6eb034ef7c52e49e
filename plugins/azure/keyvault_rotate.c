/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyvault_rotate.c - azure.keyvault.rotate_secret: a new random value, then the old version
 * off.
 *
 * Every PUT makes another version, so the new one carries our key and the version that it
 * replaces as tags: whoever lists the versions sees whether the PUT arrived. Before the PUT
 * it is journaled that there may be one; an attempt after that which does not find it gives
 * the vault time to show it before another is made. The value is made here, sent once, and
 * wiped.
 */
#include "azure.h"

#include <stdlib.h>
#include <string.h>

#include "arm.h"
#include "armid.h"
#include "attributes.h"
#include "consumers.h"
#include "count.h"
#include "job.h"
#include "place.h"
#include "secret.h"
#include "text.h"
#include "vault.h"

enum {
    LENGTH_DEFAULT = 48, /* characters of 6 bits each */
    LENGTH_MIN = 16,
    LENGTH_MAX = 1024,
    SHOWN_MS = 3000 /* until a version that was put is in the list for sure */
};

static const char *old_version(const struct job *job)
{
    return json_text(job->before, "old_version");
}

/* Did we make this version to replace old? By key in this step; an undo has a key of its
 * own and knows it by what it replaces. */
static bool is_ours(const struct job *job, const struct version *version, const char *old)
{
    return version_has_key(version, job->in->key) || version_replaces(version, old);
}

/* -- The vault's policy ------------------------------------------------------------------ */

enum { POLICY_KEPT_MS = 24 * 3600 * 1000 };

static const char *policy_name(struct job *job, const struct secret *secret)
{
    return job_text(job, "policy of vault %s", secret->vault);
}

/* What a vault's policy wants is known when it has refused something, and told from then on. */
static bool policy_learn(struct job *job, const struct secret *secret,
                         const struct answer *answer)
{
    if (answer->verdict != CORDON_REFUSED ||
        (!text_same(answer->inner, "ForbiddenByPolicy") &&
         !text_same(answer->code, "ForbiddenByPolicy")))
        return false;
    known_keep(job, policy_name(job, secret), answer->message, POLICY_KEPT_MS);
    job_fail(job, CORDON_REFUSED, "ForbiddenByPolicy",
             "put a new version of %s: %s; expires_in sets how long the new version is "
             "valid",
             secret->url, answer->message);
    return true;
}

static void policy_note(struct job *job, const struct secret *secret,
                        const cJSON *attributes)
{
    const char *known = known_find(job, policy_name(job, secret));
    bool expires = json_get(attributes, "expires_after_s") != NULL ||
                   json_get(job->args, "expires_in") != NULL;

    if (known != NULL)
        job_note(job, "vault %s has refused a version lately: %.600s", secret->vault,
                 known);
    else if (!expires)
        job_note(job, "a vault whose policy wants an expiry date refuses a version without "
                      "one; expires_in sets it");
}

/* -- What is there --------------------------------------------------------------------- */

/* What stands in the way of a rotation is known before anybody is asked for it. */
static void see_obstacles(struct job *job, const struct secret *secret,
                          const cJSON *attributes)
{
    const char *manager = version_manager(&secret->versions[0]);

    if (manager != NULL)
        job_cannot(job, "SecretManaged", "secret %s of vault %s is managed: %s",
                   secret->name, secret->vault, manager);
    else if (cJSON_GetArraySize(json_get(attributes, "tags")) >= TAGS_MAX &&
             !cJSON_IsObject(json_get(job->args, "tags")))
        job_cannot(job, "TooManyTags",
                   "secret %s of vault %s has %d tags, and a version may have %d: there is "
                   "no room for the one by which cordon knows its own; give fewer in tags",
                   secret->name, secret->vault,
                   cJSON_GetArraySize(json_get(attributes, "tags")), TAGS_MAX);
}

struct first_look {
    const struct secret *secret;
    const cJSON *slice;
};

static void end_first_look(struct job *job, void *arg)
{
    const struct first_look *look = arg;

    count_observed(job, COUNT_SECRETS, look->secret->vault, look->secret->url, look->slice);
}

static void on_first_look(struct job *job, const struct secret *secret)
{
    const struct version *newest = &secret->versions[0];
    cJSON *attributes = attributes_of(job, newest);
    cJSON *slice = job_object(job);

    cJSON_AddItemToObject(slice, "attributes", cJSON_Duplicate(attributes, true));
    cJSON_AddStringToObject(slice, "old_version", newest->id);
    cJSON_AddBoolToObject(slice, "old_enabled", newest->is_enabled);
    cJSON_AddBoolToObject(slice, "rotated", false);
    see_obstacles(job, secret, attributes);
    policy_note(job, secret, attributes);
    struct first_look *look = job_alloc(job, sizeof *look);
    *look = (struct first_look){ secret, slice };
    consumers_look(job, secret->vault, secret->name, newest->id, end_first_look, look);
}

/* Before the rotation those of the old version, and after it those that were planned: what
 * others change about a version that is there already does not concern the undo. A slice of
 * an older journal has none. */
static void add_attributes(struct job *job, cJSON *slice, bool is_rotated)
{
    const cJSON *was = json_get(job->before, "attributes");

    if (cJSON_IsObject(was))
        cJSON_AddItemToObject(slice, "attributes",
                              cJSON_Duplicate(is_rotated ? attributes_wanted(job, was)
                                                         : was,
                                              true));
}

static void on_observed(struct job *job, struct secret *secret)
{
    const struct version *newest = &secret->versions[0];
    cJSON *slice = job_object(job);

    job->tags = json_get(newest->json, "tags");
    if (job->before == NULL) {
        on_first_look(job, secret);
        return;
    }
    const char *old = old_version(job);
    const struct version *version = secret_version(secret, old);
    bool is_by_us = !text_same(newest->id, old) && is_ours(job, newest, old);
    add_attributes(job, slice, is_by_us);
    cJSON_AddStringToObject(slice, "old_version", old);
    cJSON_AddBoolToObject(slice, "old_enabled", version != NULL && version->is_enabled);
    if (text_same(newest->id, old))
        cJSON_AddBoolToObject(slice, "rotated", false);
    else if (is_by_us)
        cJSON_AddBoolToObject(slice, "rotated", true);
    else
        cJSON_AddStringToObject(slice, "rotated", "by somebody else");
    place_observed(job, secret->vault, secret->url, slice);
}

static int rotate_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);

    if (secret != NULL)
        secret_list(job, secret, on_observed);
    return job_started(job);
}

/* -- What will be there ---------------------------------------------------------------- */

static const char *slice_text(struct job *job, bool is_old_enabled)
{
    cJSON *slice = job_object(job);

    add_attributes(job, slice, true);
    cJSON_AddStringToObject(slice, "old_version", old_version(job));
    cJSON_AddBoolToObject(slice, "old_enabled", is_old_enabled);
    cJSON_AddBoolToObject(slice, "rotated", true);
    return job_print(job, slice);
}

static void tell_attributes(struct job *job, const struct secret *secret,
                            struct cordon_plan *out)
{
    const cJSON *was = json_get(job->before, "attributes");

    if (!cJSON_IsObject(was))
        return;
    const cJSON *wanted = attributes_wanted(job, was);
    attributes_note(job, wanted);
    if (!attributes_have_room(wanted))
        job_cannot(job, "TooManyTags",
                   "tags has %d for secret %s, and a version may have %d: there is no room "
                   "for the one by which cordon knows its own",
                   cJSON_GetArraySize(json_get(wanted, "tags")), secret->name, TAGS_MAX);
    job_tell_plan(job, out);
}

static int rotate_plan(struct cordon_call *call, const struct cordon_input *in,
                       struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);

    if (secret != NULL) {
        out->after = slice_text(job, false);
        out->what =
            job_text(job,
                     "put a new random value into secret %s of vault %s, and disable "
                     "the version %s that it replaces",
                     secret->name, secret->vault, old_version(job));
        own_tell(out, own_vault(job, secret->vault));
        if (json_true(job->before, "old_enabled"))
            out->undo = "enable the old version again; the new value stays the newest";
        tell_attributes(job, secret, out);
    }
    return job_end_plan(job);
}

static int rotate_undone(struct cordon_call *call, const struct cordon_input *in,
                         struct cordon_plan *out)
{
    struct job *job = job_begin(call, in);

    out->after = slice_text(job, json_true(job->before, "old_enabled"));
    out->what = job_text(job, "enable version %s again; the new value stays the newest",
                         old_version(job));
    return job_end_plan(job);
}

/* -- Making it so ---------------------------------------------------------------------- */

struct rotation {
    struct job *job;
    struct secret *secret;
    bool has_waited;
    const char *made;  /* the version that carries our key */
    const cJSON *body; /* of the PUT, with the value until it is answered */
};

static void finish(struct job *job, const struct rotation *rotation)
{
    cJSON *out = job_object(job);

    cJSON_AddStringToObject(out, "version", rotation->made);
    job_done(job, out);
}

static void on_old_disabled(struct job *job, const struct answer *answer, void *arg)
{
    const struct rotation *rotation = arg;

    if (answer_is_good(job, answer, false,
                       job_text(job,
                                "the new version %s is in place; disable the old one %s",
                                rotation->made, old_version(job))))
        finish(job, rotation);
}

static void disable_old(struct job *job, struct rotation *rotation)
{
    const struct version *old = secret_version(rotation->secret, old_version(job));

    /* Ours is there, by this call or an earlier one. */
    job->has_changed = true;
    if (old == NULL || !old->is_enabled)
        finish(job, rotation);
    else
        secret_enable(job, rotation->secret, old->id, false, on_old_disabled, rotation);
}

/* A parsed tree still holds the value after its text is gone. */
static void wipe_value(const cJSON *json)
{
    cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");

    if (cJSON_IsString(value))
        explicit_bzero(value->valuestring, strlen(value->valuestring));
}

static void on_put(struct job *job, const struct answer *answer, void *arg)
{
    struct rotation *rotation = arg;

    wipe_value(answer->json);
    wipe_value(rotation->body);
    if (policy_learn(job, rotation->secret, answer))
        return;
    if (!answer_is_good(job, answer, false,
                        job_text(job, "put a new version of %s", rotation->secret->url)))
        return;
    rotation->made = armid_name(json_text(answer->json, "id"));
    if (!text_is_word(rotation->made, "-", 1, 64)) {
        job_fail(job, CORDON_UNKNOWN, "NoVersion",
                 "vault %s does not say which version it made", rotation->secret->vault);
        return;
    }
    disable_old(job, rotation);
}

/* As it was planned; a plan of an older journal says nothing of it, and then as it was. */
static cJSON *new_version(struct job *job, const struct version *old, const char *value)
{
    const cJSON *planned = json_get(job->after, "attributes");
    cJSON *body = job_object(job);

    if (!cJSON_IsObject(planned))
        planned = attributes_wanted(job, attributes_of(job, old));
    cJSON_AddStringToObject(body, "value", value);
    attributes_send(job, body, planned, old->id);
    return body;
}

static size_t length_wanted(const struct job *job)
{
    const cJSON *item = json_get(job->args, "length");

    if (!cJSON_IsNumber(item) || item->valuedouble < LENGTH_MIN)
        return item == NULL ? LENGTH_DEFAULT : LENGTH_MIN;
    return item->valuedouble < LENGTH_MAX ? (size_t)item->valuedouble : LENGTH_MAX;
}

static void put_new(struct cordon_call *call, void *arg)
{
    struct rotation *rotation = arg;
    struct job *job = rotation->job;
    const struct version *old = secret_version(rotation->secret, old_version(job));
    char value[LENGTH_MAX + 1];

    (void)call;
    text_random(job, value, length_wanted(job));
    cJSON *body = new_version(job, old, value);
    explicit_bzero(value, sizeof value);
    rotation->body = body;
    struct vault_request request = {
        .method = "PUT",
        .vault = rotation->secret->vault,
        .path = job_text(job, "/secrets/%s", rotation->secret->name),
        .body = body,
        .flags = CORDON_HTTP_SECRET,
        .done = on_put,
        .arg = rotation,
    };
    vault_send(job, &request);
}

static void on_listed(struct job *job, struct secret *secret);

static void list_again(struct cordon_call *call, void *arg)
{
    struct rotation *rotation = arg;
    (void)call;

    secret_list(rotation->job, rotation->secret, on_listed);
}

/* Nothing of ours is to be seen. */
static void begin(struct job *job, struct rotation *rotation)
{
    int rc;

    if (job->in->resume != NULL && !rotation->has_waited) {
        rotation->has_waited = true;
        rc = job->host->after(job->call, SHOWN_MS, list_again, rotation);
    } else {
        rc = job->host->progress(job->call, "{\"put\":true}", put_new, rotation);
    }
    if (rc != 0)
        job_fail(job, CORDON_RETRY, "NotSaved",
                 "the host does not keep our place in the "
                 "rotation of %s",
                 rotation->secret->url);
}

static void on_listed(struct job *job, struct secret *secret)
{
    struct rotation *rotation = job->state;
    const struct version *newest = &secret->versions[0];

    if (text_same(newest->id, old_version(job))) {
        begin(job, rotation);
    } else if (is_ours(job, newest, old_version(job))) {
        rotation->made = newest->id;
        disable_old(job, rotation);
    } else {
        job_fail(job, CORDON_REFUSED, "RotatedBySomebodyElse",
                 "the newest version of %s is %s and no longer %s: somebody else has put a "
                 "value",
                 secret->url, newest->id, old_version(job));
    }
}

static void start(struct job *job, struct secret *secret)
{
    struct rotation *rotation = job_alloc(job, sizeof *rotation);

    rotation->job = job;
    rotation->secret = secret;
    job->state = rotation;
    secret_list(job, secret, on_listed);
}

static int rotate_apply(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);

    if (secret != NULL && (in->key == NULL || in->key[0] == '\0'))
        job_fail(job, CORDON_REFUSED, "NoKey", "a rotation needs an idempotency key");
    else if (secret != NULL)
        start(job, secret);
    return job_started(job);
}

static void on_old_enabled(struct job *job, const struct answer *answer, void *arg)
{
    if (answer_is_good(job, answer, false, arg))
        job_done(job, NULL);
}

static int rotate_restore(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct secret *secret = secret_of(job);
    const char *old = json_text(job->goal, "old_version");

    if (secret != NULL && !text_is_word(old, "-", 1, 64))
        job_fail(job, CORDON_REFUSED, "NoVersion", "what was captured names no version");
    else if (secret != NULL)
        secret_enable(job, secret, old, json_true(job->goal, "old_enabled"), on_old_enabled,
                      job_text(job, "enable version %s of %s", old, secret->url));
    return job_started(job);
}

/* -- Declaration ----------------------------------------------------------------------- */

static const char *const permissions[] = {
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    "Microsoft.KeyVault/vaults/secrets/setSecret/action",
    "Microsoft.KeyVault/vaults/secrets/update/action",
    "Microsoft.Web/sites/Read",
    "Microsoft.Web/sites/config/Read",
    NULL
};

const struct cordon_action keyvault_rotate_secret = {
    .size = sizeof(struct cordon_action),
    .name = "azure.keyvault.rotate_secret",
    .summary = "Give a Key Vault secret a new random value and disable the old version",
    .effect = CORDON_PERMANENT,
    .permanent_because =
        "the old value is replaced for everybody who reads the secret without naming a "
        "version; only the disabling of the old version can be undone",
    .repeat = CORDON_KEYED,
    .risk = CORDON_HIGH,
    .permissions = permissions,
    .settle_ms = 15000,
    .timeout_ms = 120000,
    .args_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"vault\",\"name\"],\"properties\":{" SECRET_NAMES ","
        "\"length\":{\"type\":\"integer\",\"minimum\":16,\"maximum\":1024,"
        "\"description\":\"characters of the new value, 6 bits of chance each; 48 when not "
        "given\"}," ATTRIBUTE_ARGS "}}",
    .result_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                     "\"required\":[\"version\"],\"properties\":{\"version\":"
                     "{\"type\":\"string\",\"description\":\"the new version\"}}}",
    .observe = rotate_observe,
    .plan = rotate_plan,
    .apply = rotate_apply,
    .restore = rotate_restore,
    .undone = rotate_undone,
};

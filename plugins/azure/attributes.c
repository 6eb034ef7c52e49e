/* SPDX-License-Identifier: Apache-2.0 */
#include "attributes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "secret.h"
#include "text.h"

enum { SKEW_S = 300, DAY_S = 86400, TAG_LEN_MAX = 256 };

static const char *const own_tags[] = { "cordon-run", "cordon-key", "cordon-replaces" };

enum { OWN_TAGS = sizeof own_tags / sizeof *own_tags };

static int64_t now_s(const struct job *job)
{
    return job->host->now_ms() / 1000;
}

static int64_t number(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static bool is_own_tag(const char *name)
{
    for (size_t i = 0; i < OWN_TAGS; i++)
        if (strcmp(name, own_tags[i]) == 0)
            return true;
    return false;
}

/* -- What was --------------------------------------------------------------------------- */

static void add_times(struct job *job, cJSON *out, const cJSON *attributes)
{
    int64_t made = number(attributes, "created");
    int64_t created = made > 0 ? made : now_s(job);
    int64_t expires = number(attributes, "exp");
    int64_t begins = number(attributes, "nbf");

    if (expires > created)
        cJSON_AddNumberToObject(out, "expires_after_s", (double)(expires - created));
    else if (expires > 0)
        job_note(job, "the old version expired before it was made: the new one gets no "
                      "expiry date from it; give expires_in");
    /* One that is valid now is replaced by one that is valid at once. */
    if (begins > now_s(job) && begins > created)
        cJSON_AddNumberToObject(out, "not_before_s", (double)(begins - created));
    else if (begins > 0)
        cJSON_AddNumberToObject(out, "not_before_s", 0);
}

static void add_tags(cJSON *out, const cJSON *tags)
{
    cJSON *to = cJSON_AddObjectToObject(out, "tags");
    const cJSON *tag;

    cJSON_ArrayForEach(tag, tags)
    {
        if (cJSON_IsString(tag) && !is_own_tag(tag->string))
            cJSON_AddStringToObject(to, tag->string, tag->valuestring);
    }
}

cJSON *attributes_of(struct job *job, const struct version *version)
{
    cJSON *out = job_object(job);

    json_add_text(out, "content_type", json_text(version->json, "contentType"));
    cJSON_AddBoolToObject(out, "enabled", version->is_enabled);
    add_times(job, out, json_get(version->json, "attributes"));
    add_tags(out, json_get(version->json, "tags"));
    return out;
}

/* -- What will be ----------------------------------------------------------------------- */

static void replace(cJSON *out, const char *name, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(out, name);
    cJSON_AddItemToObject(out, name, value);
}

static void take_duration(struct job *job, cJSON *out, const char *arg, const char *name)
{
    const char *text = json_text(job->args, arg);
    int64_t seconds;

    if (text[0] == '\0')
        return;
    if (text_duration(text, &seconds))
        replace(out, name, cJSON_CreateNumber((double)seconds));
    else
        job_fail(job, CORDON_REFUSED, "BadDuration",
                 "%s is %.60s; want a duration, such as 90d or 12h", arg, text);
}

static void take_tags(struct job *job, cJSON *out)
{
    const cJSON *tags = json_get(job->args, "tags");
    const cJSON *tag;

    if (!cJSON_IsObject(tags))
        return;
    cJSON_ArrayForEach(tag, tags)
    {
        if (!cJSON_IsString(tag) || is_own_tag(tag->string) ||
            strlen(tag->string) > TAG_LEN_MAX || strlen(tag->valuestring) > TAG_LEN_MAX) {
            job_fail(job, CORDON_REFUSED, "BadTag",
                     "tags.%.60s: want a text of at most %d bytes, and a name that is not "
                     "one of cordon's own",
                     tag->string, TAG_LEN_MAX);
            return;
        }
    }
    cJSON_DeleteItemFromObjectCaseSensitive(out, "tags");
    add_tags(out, tags);
}

cJSON *attributes_wanted(struct job *job, const cJSON *was)
{
    cJSON *out = job_own(job, cJSON_Duplicate(was, true));

    if (cJSON_IsString(json_get(job->args, "content_type")))
        replace(out, "content_type",
                cJSON_CreateString(json_text(job->args, "content_type")));
    if (cJSON_IsBool(json_get(job->args, "enabled")))
        replace(out, "enabled", cJSON_CreateBool(json_true(job->args, "enabled")));
    take_duration(job, out, "expires_in", "expires_after_s");
    take_duration(job, out, "not_before_in", "not_before_s");
    take_tags(job, out);
    return out;
}

bool attributes_have_room(const cJSON *wanted)
{
    return cJSON_GetArraySize(json_get(wanted, "tags")) < TAGS_MAX;
}

/* -- In words --------------------------------------------------------------------------- */

static const char *span_text(struct job *job, int64_t seconds)
{
    if (seconds % DAY_S == 0)
        return job_text(job, "%" PRId64 " day%s", seconds / DAY_S,
                        seconds == DAY_S ? "" : "s");
    return job_text(job, "%" PRId64 " d %" PRId64 " h %" PRId64 " min", seconds / DAY_S,
                    seconds % DAY_S / 3600, seconds % 3600 / 60);
}

static const char *tags_text(struct job *job, const cJSON *tags)
{
    const char *text = "";
    const cJSON *tag;

    cJSON_ArrayForEach(tag, tags)
    {
        text = job_text(job, "%s%s%.40s=%.40s", text, text[0] != '\0' ? ", " : "",
                        tag->string, tag->valuestring);
    }
    return text[0] != '\0' ? text : "none";
}

void attributes_note(struct job *job, const cJSON *wanted)
{
    int64_t expires = number(wanted, "expires_after_s");
    int64_t begins = number(wanted, "not_before_s");
    const char *type = json_text(wanted, "content_type");

    job_note(job, "the new version %s%s%s, is %s, content type %s, tags: %.600s",
             expires > 0
                 ? job_text(job, "expires %s after it is made", span_text(job, expires))
                 : "never expires (expires_in sets an expiry date)",
             begins > 0 ? ", is valid after " : "",
             begins > 0 ? span_text(job, begins) : "",
             json_true(wanted, "enabled") ? "enabled" : "disabled",
             type[0] != '\0' ? type : "none", tags_text(job, json_get(wanted, "tags")));
    if (strcmp(type, "application/x-pkcs12") == 0 ||
        strcmp(type, "application/x-pem-file") == 0)
        job_note(job,
                 "its content type says that it is a certificate or a key, and the new "
                 "value is a random text: its readers will not be able to use it");
}

/* -- As the vault takes them -------------------------------------------------------------- */

static void send_times(const struct job *job, cJSON *to, const cJSON *wanted)
{
    int64_t expires = number(wanted, "expires_after_s");
    const cJSON *begins = json_get(wanted, "not_before_s");

    if (expires > 0)
        cJSON_AddNumberToObject(to, "exp", (double)(now_s(job) + expires));
    if (!cJSON_IsNumber(begins))
        return;
    /* The vault's clock may be behind ours, and the version is to be valid at once. */
    int64_t from = number(wanted, "not_before_s");
    cJSON_AddNumberToObject(to, "nbf", (double)(now_s(job) + (from > 0 ? from : -SKEW_S)));
}

static void send_own_tags(struct job *job, cJSON *tags, const char *old)
{
    int room = TAGS_MAX - cJSON_GetArraySize(tags);
    const char *key = job->in->key;

    if (room > 2)
        cJSON_AddStringToObject(tags, "cordon-run",
                                job->in->run != NULL ? job->in->run : "");
    if (room > 1)
        cJSON_AddStringToObject(tags, "cordon-key", key);
    cJSON_AddStringToObject(tags, "cordon-replaces",
                            room > 1 ? old : job_text(job, "%s %s", old, key));
}

void attributes_send(struct job *job, cJSON *body, const cJSON *wanted, const char *old)
{
    cJSON *attributes = cJSON_AddObjectToObject(body, "attributes");

    json_add_text(body, "contentType", json_text(wanted, "content_type"));
    cJSON_AddBoolToObject(attributes, "enabled", json_true(wanted, "enabled"));
    send_times(job, attributes, wanted);
    json_copy(body, "tags", wanted, "tags");
    cJSON *tags = cJSON_GetObjectItemCaseSensitive(body, "tags");
    if (!cJSON_IsObject(tags))
        tags = cJSON_AddObjectToObject(body, "tags");
    send_own_tags(job, tags, old);
}

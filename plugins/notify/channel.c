/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

const char *const channel_kinds[] = {
    "email", "teams", "slack", "webhook", "syslog", NULL
};

static char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    char *copy = text != NULL ? strdup(text) : NULL;

    if (text != NULL && copy == NULL)
        abort();
    return copy;
}

/* It will stand in the headers of mail as it is. */
static bool is_address(const char *text)
{
    const char *at = text != NULL ? strchr(text, '@') : NULL;

    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
        strlen(text) > 254)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f || strchr("<>()[]\\,;:\"", *p) != NULL)
            return false;
    return true;
}

static const char *read_email(struct channel *channel, const cJSON *json)
{
    const cJSON *item;
    int count = 0;

    channel->server = text_at(json, "server");
    channel->from = text_at(json, "from");
    channel->user = text_at(json, "user");
    channel->password = text_at(json, "password");
    channel->is_plain = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "plain"));
    if (channel->server == NULL || !is_address(channel->from))
        return "wants server, and from: an address like cordon@example.org";
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "to"))
    {
        if (count == RECIPIENTS_MAX || !is_address(cJSON_GetStringValue(item)))
            return "to: at most 50 addresses like oncall@example.org";
        channel->to[count++] = strdup(cJSON_GetStringValue(item));
    }
    return count > 0 ? NULL : "to: wants at least one address";
}

static const char *read_url(struct channel *channel, const cJSON *json)
{
    channel->url = text_at(json, "url");
    channel->url_secret = text_at(json, "url_secret");
    channel->secret = text_at(json, "secret");
    if ((channel->url == NULL) == (channel->url_secret == NULL))
        return "wants url, or url_secret: the name of the secret that holds it";
    if (channel->kind == CHANNEL_WEBHOOK && channel->secret == NULL)
        return "wants secret: the name of what it is signed with";
    return NULL;
}

static const char *read_syslog(struct channel *channel, const cJSON *json)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "enterprise");
    char *facility = text_at(json, "facility");
    char name[256] = "";

    channel->server = text_at(json, "server");
    channel->app_name = text_at(json, "app_name");
    channel->hostname = text_at(json, "hostname");
    if (channel->app_name == NULL)
        channel->app_name = strdup("cordon");
    if (channel->hostname == NULL && gethostname(name, sizeof name - 1) == 0)
        channel->hostname = strdup(name);
    if (channel->hostname == NULL)
        channel->hostname = strdup("");
    channel->enterprise = number != NULL ? number->valueint : ENTERPRISE_OF_EXAMPLES;
    while (syslog_facilities[channel->facility] != NULL &&
           strcmp(syslog_facilities[channel->facility], facility ? facility : "auth") != 0)
        channel->facility++;
    free(facility);
    if (channel->server == NULL)
        return "wants server: udp://, tcp:// or tls://, with host and port";
    return syslog_facilities[channel->facility] != NULL
               ? NULL
               : "facility: want auth, authpriv, daemon, user, local0 ... local7";
}

static const char *read_channel(struct channel *channel, const cJSON *json)
{
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "kind"));
    int i = 0;

    while (kind != NULL && channel_kinds[i] != NULL && strcmp(channel_kinds[i], kind) != 0)
        i++;
    if (kind == NULL || channel_kinds[i] == NULL)
        return "kind: want email, teams, slack, webhook or syslog";
    channel->kind = (enum channel_kind)i;
    switch (channel->kind) {
    case CHANNEL_EMAIL: return read_email(channel, json);
    case CHANNEL_SYSLOG: return read_syslog(channel, json);
    default: return read_url(channel, json);
    }
}

static const char *missing_secret(const struct notify *notify,
                                  const struct channel *channel)
{
    const char *names[] = { channel->password, channel->url_secret, channel->secret };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] != NULL && notify->host->secret(names[i]) == NULL)
            return names[i];
    return NULL;
}

int channels_init(struct notify *notify, const char *config)
{
    cJSON *json = cJSON_Parse(config);
    const cJSON *item;
    int rc = 0;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "channels"))
    {
        struct channel *channel = &notify->channels[notify->channel_count];
        const char *why = "too many of them: at most 64";

        if (notify->channel_count < CHANNELS_MAX) {
            notify->channel_count++;
            channel->name = strdup(item->string);
            why = read_channel(channel, item);
        }
        const char *missing = why == NULL ? missing_secret(notify, channel) : NULL;
        if (why != NULL || missing != NULL) {
            notify->host->fail(NULL, "channel", "channel %.40s: %s%.60s", item->string,
                               why != NULL ? why : "there is no secret ",
                               missing != NULL ? missing : "");
            rc = -1;
            break;
        }
    }
    cJSON_Delete(json);
    return rc;
}

void channels_fini(struct notify *notify)
{
    for (int i = 0; i < notify->channel_count; i++) {
        struct channel *channel = &notify->channels[i];

        free(channel->name);
        free(channel->server);
        free(channel->from);
        free(channel->user);
        free(channel->password);
        free(channel->url);
        free(channel->url_secret);
        free(channel->secret);
        free(channel->app_name);
        free(channel->hostname);
        for (int k = 0; channel->to[k] != NULL; k++)
            free(channel->to[k]);
    }
}

const struct channel *channel_find(const struct notify *notify, const char *name)
{
    for (int i = 0; i < notify->channel_count; i++)
        if (strcmp(notify->channels[i].name, name) == 0)
            return &notify->channels[i];
    return NULL;
}

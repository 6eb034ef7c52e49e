/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - the notify plugin: messages to people and programs, over channels that the
 * configuration names. docs/notify.md says how.
 *
 * The slice of a message is whether the receiver has taken it, as far as this process knows. A
 * fresh process does not know of what an earlier one sent, so a message whose end is in doubt is
 * sent again, with the same key: mail has it as Message-ID, a webhook as webhook-id, syslog as
 * key.
 */
#include "notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define SENT     "{\"sent\":true}"
#define NOT_SENT "{\"sent\":false}"

static struct notify *of(const struct cordon_input *in)
{
    return (struct notify *)in->plugin;
}

/* -- what was delivered --------------------------------------------------------------------- */

static bool was_sent(const struct notify *notify, const char *key)
{
    for (int i = 0; key != NULL && key[0] != '\0' && i < KEYS_MAX; i++)
        if (strcmp(notify->keys[i], key) == 0)
            return true;
    return false;
}

static void note_sent(struct notify *notify, const char *key)
{
    snprintf(notify->keys[notify->key_next], KEY_SIZE, "%s", key);
    notify->key_next = (notify->key_next + 1) % KEYS_MAX;
}

/* -- which channel --------------------------------------------------------------------------- */

/* NULL: the call has been told why. */
static const struct channel *find(struct cordon_call *call, const struct cordon_input *in,
                                  struct message *message, enum channel_kind kind)
{
    const struct cordon_host *host = of(in)->host;
    char why[200];

    if (!message_init(message, in, why, sizeof why)) {
        host->fail(call, "invalid_arguments", "%s", why);
        return NULL;
    }
    const struct channel *channel = channel_find(of(in), message->channel);
    if (channel != NULL && channel->kind == kind)
        return channel;
    if (channel == NULL)
        host->fail(call, "no_channel",
                   "there is no channel %.60s: cordon.lua has them in notify.channels",
                   message->channel);
    else
        host->fail(call, "no_channel", "channel %.60s is one for %s: use notify.%s",
                   message->channel, channel_kinds[channel->kind],
                   channel_kinds[channel->kind]);
    message_fini(message);
    return NULL;
}

static int observe(struct cordon_call *call, const struct cordon_input *in,
                   enum channel_kind kind)
{
    struct message message;
    const struct channel *channel = find(call, in, &message, kind);

    if (channel == NULL)
        return -1;
    message_fini(&message);
    const struct cordon_host *host = of(in)->host;
    char *target = host->alloc(call, strlen(channel->name) + 10);
    sprintf(target, "notify:%s", channel->name);
    struct cordon_observation seen = { .size = sizeof seen,
                                       .target = target,
                                       .state =
                                           was_sent(of(in), in->key) ? SENT : NOT_SENT };
    struct cordon_result result = { .size = sizeof result,
                                    .status = CORDON_DONE,
                                    .observation = &seen };
    host->finish(call, &result);
    return 0;
}

static int plan(struct cordon_call *call, const struct cordon_input *in,
                struct cordon_plan *out)
{
    struct message message;
    char why[200];
    struct text what = { 0 };

    if (!message_init(&message, in, why, sizeof why)) {
        of(in)->host->fail(call, "invalid_arguments", "%s", why);
        return -1;
    }
    text_print(&what, "tell channel %s: %s", message.channel, message.title);
    char *kept = of(in)->host->alloc(call, what.len + 1);
    memcpy(kept, what.ptr, what.len);
    out->after = SENT;
    out->what = kept;
    text_free(&what);
    message_fini(&message);
    return 0;
}

/* -- how it ends ------------------------------------------------------------------------------ */

static enum cordon_status status_of(const struct cordon_http_reply *reply)
{
    if (reply->status >= 200 && reply->status < 300)
        return CORDON_DONE;
    if (reply->status == 429 || (reply->status == 0 && !reply->may_have_sent))
        return CORDON_RETRY;
    if (reply->status >= 500 || reply->status == 408 || reply->status == 0)
        return CORDON_UNKNOWN;
    return CORDON_REFUSED;
}

enum { AFTER_DIGITS_MAX = 7 };

/* Seconds, a fraction counts as one more; 0: it is none, or a date. */
static int after_seconds(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t rest = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;

    if (whole == 0 || whole > AFTER_DIGITS_MAX || (text[whole] == '.' && rest == 0) ||
        text[whole + (rest > 0 ? rest + 1 : 0)] != '\0')
        return 0;
    return (int)strtol(text, NULL, 10) +
           (strspn(text + whole, ".0") < strlen(text + whole));
}

static void finish(struct cordon_call *call, const struct cordon_input *in,
                   const struct cordon_http_reply *reply, enum cordon_status status)
{
    const struct cordon_host *host = of(in)->host;
    const char *after = reply->headers ? host->header(reply, "Retry-After") : NULL;
    int seconds = after != NULL ? after_seconds(after) : 0;
    char *code = host->alloc(call, 64), *message = host->alloc(call, 512);
    struct cordon_result result = { .size = sizeof result, .status = status };

    if (status == CORDON_DONE) {
        note_sent(of(in), in->key);
    } else {
        /* The engine's outbox reads how long it shall wait. */
        if (seconds > 0)
            snprintf(code, 64, "retry_after:%d", seconds);
        else
            snprintf(code, 64, reply->status ? "status_%d" : "no_reply", reply->status);
        if (reply->status != 0)
            snprintf(message, 512, "the receiver answered %d%s%.300s", reply->status,
                     reply->error ? ": " : "", reply->error ? reply->error : "");
        else
            snprintf(message, 512, "%.500s", reply->error ? reply->error : "no reply");
        result.code = code;
        result.message = message;
    }
    host->finish(call, &result);
}

static void on_reply(struct cordon_call *call, const struct cordon_http_reply *reply,
                     void *arg)
{
    finish(call, arg, reply, status_of(reply));
}

/* A mail server's 4xx is "later", 5xx is "no", and each says that it has not taken it. */
static void on_mail_reply(struct cordon_call *call, const struct cordon_http_reply *reply,
                          void *arg)
{
    enum cordon_status status = reply->status >= 500   ? CORDON_REFUSED
                                : reply->status >= 400 ? CORDON_RETRY
                                                       : status_of(reply);

    finish(call, arg, reply, status);
}

/* -- sending ---------------------------------------------------------------------------------- */

static int send_mail(struct cordon_call *call, const struct cordon_input *in,
                     const struct channel *channel, const struct message *message)
{
    const struct cordon_host *host = of(in)->host;
    struct text text = { 0 };

    if (host->size < offsetof(struct cordon_host, mail) + sizeof host->mail) {
        host->fail(call, "old_host", "this cordon sends no mail: install a newer one");
        return -1;
    }
    mail_write(&text, channel, message);
    struct cordon_mail mail = {
        .size = sizeof mail,
        .url = channel->server,
        .from = channel->from,
        .to = (const char *const *)channel->to,
        .user = channel->user,
        .password = channel->password != NULL ? host->secret(channel->password) : NULL,
        .message = text.ptr,
        .message_len = text.len,
        .flags = channel->is_plain ? CORDON_MAIL_PLAIN : 0,
    };
    int rc = host->mail(call, &mail, on_mail_reply, (void *)in);
    text_free(&text);
    return rc;
}

static int send_syslog(struct cordon_call *call, const struct cordon_input *in,
                       const struct channel *channel, const struct message *message)
{
    const struct cordon_host *host = of(in)->host;
    struct text line = { 0 };

    if (host->size < offsetof(struct cordon_host, send) + sizeof host->send) {
        host->fail(call, "old_host", "this cordon sends no syslog: install a newer one");
        return -1;
    }
    syslog_write(&line, channel, message);
    struct cordon_send send = {
        .size = sizeof send, .url = channel->server, .bytes = line.ptr, .len = line.len
    };
    int rc = host->send(call, &send, on_reply, (void *)in);
    text_free(&line);
    return rc;
}

static int sign(struct cordon_call *call, const struct cordon_input *in,
                const struct channel *channel, const struct message *message,
                const struct text *body, struct text headers[3])
{
    const struct cordon_host *host = of(in)->host;
    int64_t unix_s = message->at_ms / 1000;
    char id[64];

    snprintf(id, sizeof id, "msg_%s", message->key);
    text_print(&headers[0], "webhook-id: %s", id);
    text_print(&headers[1], "webhook-timestamp: %lld", (long long)unix_s);
    text_add(&headers[2], "webhook-signature: ");
    if (webhook_sign(&headers[2], host->secret(channel->secret), id, unix_s, body))
        return 0;
    host->fail(call, "secret", "secret %.60s: want whsec_ and base64, or at most 256 bytes",
               channel->secret);
    return -1;
}

static int post(struct cordon_call *call, const struct cordon_input *in,
                const struct channel *channel, const struct message *message)
{
    const struct cordon_host *host = of(in)->host;
    bool is_webhook = channel->kind == CHANNEL_WEBHOOK;
    struct text body = { 0 }, signs[3] = { { 0 } };

    if (channel->kind == CHANNEL_TEAMS)
        teams_write(&body, message);
    else if (channel->kind == CHANNEL_SLACK)
        slack_write(&body, message);
    else
        webhook_write(&body, message);
    int rc = is_webhook ? sign(call, in, channel, message, &body, signs) : 0;
    const char *headers[] = { "Content-Type: application/json", signs[0].ptr, signs[1].ptr,
                              signs[2].ptr, NULL };
    struct cordon_http request = {
        .size = sizeof request,
        .method = "POST",
        .url = channel->url ? channel->url : host->secret(channel->url_secret),
        .headers = headers,
        .body = body.ptr,
        .body_len = body.len,
        .flags = is_webhook ? CORDON_HTTP_SAFE | CORDON_HTTP_SECRET : CORDON_HTTP_SECRET,
        .timeout_ms = 30000,
    };
    if (rc == 0)
        rc = host->http(call, &request, on_reply, (void *)in);
    for (int i = 0; i < 3; i++)
        text_free(&signs[i]);
    text_free(&body);
    return rc;
}

static int apply(struct cordon_call *call, const struct cordon_input *in,
                 enum channel_kind kind)
{
    struct message message;
    const struct channel *channel = find(call, in, &message, kind);

    if (channel == NULL)
        return -1;
    message.at_ms = of(in)->host->now_ms();
    int rc = kind == CHANNEL_EMAIL    ? send_mail(call, in, channel, &message)
             : kind == CHANNEL_SYSLOG ? send_syslog(call, in, channel, &message)
                                      : post(call, in, channel, &message);
    message_fini(&message);
    return rc;
}

/* -- the actions ------------------------------------------------------------------------------- */

#define TEXT(MAX) "{\"type\":\"string\",\"maxLength\":" MAX "}"
#define ARGS(MORE)                                                                         \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"channel\","       \
    "\"title\"],\"properties\":{\"channel\":{\"type\":\"string\",\"minLength\":1,"         \
    "\"maxLength\":64},\"title\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":300}," \
    "\"text\":" TEXT("4000") ",\"link\":" TEXT("2000") ",\"thread\":" TEXT(                \
        "100") ",\"facts\":{\"type\":\"array\",\"maxItems\":20,\"items\":{"                \
               "\"type\":\"object\",\"additionalProperties\":false,\"required\":["         \
               "\"name\","                                                                 \
               "\"value\"],\"properties\":{\"name\":" TEXT("200") ",\"value\":" TEXT(      \
                   "500") "}}}" MORE "}}"
#define SYSLOG_ARGS                                                                        \
    ",\"event\":" TEXT("32") ",\"severity\":{\"type\":\"string\",\"enum\":["               \
                             "\"emergency\",\"alert\",\"critical\",\"error\",\"warning\"," \
                             "\"notice\",\"info\",\"debug\"]}"
static const char *const no_permissions[] = { NULL };

#define ACTION(NOUN, KIND, REPEAT, MORE, SUMMARY)                                      \
    static int observe_##NOUN(struct cordon_call *call, const struct cordon_input *in) \
    {                                                                                  \
        return observe(call, in, KIND);                                                \
    }                                                                                  \
    static int apply_##NOUN(struct cordon_call *call, const struct cordon_input *in)   \
    {                                                                                  \
        return apply(call, in, KIND);                                                  \
    }                                                                                  \
    static const struct cordon_action action_##NOUN = {                                \
        .size = sizeof(struct cordon_action),                                          \
        .name = "notify." #NOUN,                                                       \
        .summary = (SUMMARY),                                                          \
        .effect = CORDON_PERMANENT,                                                    \
        .permanent_because = "a message cannot be unsent",                             \
        .repeat = (REPEAT),                                                            \
        .risk = CORDON_LOW,                                                            \
        .permissions = no_permissions,                                                 \
        .timeout_ms = 45000,                                                           \
        .args_schema = ARGS(MORE),                                                     \
        .observe = observe_##NOUN,                                                     \
        .plan = plan,                                                                  \
        .apply = apply_##NOUN,                                                         \
    }

ACTION(email, CHANNEL_EMAIL, CORDON_KEYED, "", "Send mail");
ACTION(teams, CHANNEL_TEAMS, CORDON_OBSERVABLE, "", "Post a card in Teams");
ACTION(slack, CHANNEL_SLACK, CORDON_OBSERVABLE, "", "Post in Slack");
ACTION(webhook, CHANNEL_WEBHOOK, CORDON_KEYED, "", "Call a webhook, signed");

ACTION(syslog, CHANNEL_SYSLOG, CORDON_KEYED, SYSLOG_ARGS, "Write to a syslog server");

static const struct cordon_action *const actions[] = { &action_email,  &action_teams,
                                                       &action_slack,  &action_webhook,
                                                       &action_syslog, NULL };

static void on_close(void *plugin)
{
    channels_fini(plugin);
    free(plugin);
}

static int on_open(const struct cordon_host *host, const char *config, void **plugin)
{
    struct notify *notify = calloc(1, sizeof *notify);

    if (notify == NULL)
        abort();
    notify->host = host;
    if (channels_init(notify, config) != 0) {
        on_close(notify);
        return -1;
    }
    *plugin = notify;
    return 0;
}

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "notify",
    .version = "1.0.0",
    .summary =
        "Messages to people and programs: mail, Teams, Slack, signed webhooks, syslog",
    .config_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                     "\"ca_file\":{\"type\":\"string\"},"
                     "\"channels\":{\"type\":\"object\"}}}",
    .actions = actions,
    .open = on_open,
    .close = on_close,
};

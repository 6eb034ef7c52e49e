/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/notices_config.c - the channels of cordon.lua: what may stand there, and what the plugin
 * notify gets of it.
 */
#include "serve/notices.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"
#include "serve/inside.h"
#include "serve/tell.h"

#define TEXT  "{\"type\":\"string\",\"minLength\":1}"
#define TEXTS "{\"type\":\"array\",\"items\":" TEXT "}"
#define CHANNEL(REQUIRED, MORE)                                                           \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"kind\"" REQUIRED \
    "],\"properties\":{\"kind\":" TEXT ",\"detail\":{\"type\":\"string\",\"enum\":["      \
    "\"brief\",\"full\"]}," MORE "}}"
#define POSTED "\"url\":" TEXT ",\"url_secret\":" TEXT ",\"host\":" TEXT

static const struct {
    const char *kind, *schema;
} kinds[] = {
    { "email",
      CHANNEL(",\"server\",\"from\",\"to\"",
              "\"server\":" TEXT ",\"from\":" TEXT ",\"to\":" TEXTS ",\"user\":" TEXT
              ",\"password\":" TEXT ",\"plain\":{\"type\":\"boolean\"}") },
    { "teams", CHANNEL("", POSTED) },
    { "slack", CHANNEL("", POSTED) },
    { "webhook", CHANNEL(",\"secret\"", POSTED ",\"secret\":" TEXT) },
    { "syslog",
      CHANNEL(
          ",\"server\"",
          "\"server\":" TEXT ",\"app_name\":" TEXT ",\"hostname\":" TEXT
          ",\"facility\":{\"type\":\"string\",\"enum\":[\"kern\",\"user\",\"mail\","
          "\"daemon\","
          "\"auth\",\"syslog\",\"lpr\",\"news\",\"uucp\",\"cron\",\"authpriv\",\"ftp\","
          "\"ntp\","
          "\"audit\",\"alert\",\"clock\",\"local0\",\"local1\",\"local2\",\"local3\","
          "\"local4\",\"local5\",\"local6\",\"local7\"]},"
          "\"enterprise\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":2147483647}") },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"channels\":{\"type\":\"object\"},\"on\":{\"type\":\"object\"},"
    "\"groups\":{\"type\":\"object\"},\"ca\":" TEXT "}}";

/* The host of an address, without port and brackets. */
static struct span host_of(struct span url)
{
    const char *at = memmem(url.ptr, url.len, "://", 3), *end = url.ptr + url.len, *stop;

    if (at == NULL)
        return (struct span){ 0 };
    at += 3;
    if (at < end && *at == '[') {
        at++;
        stop = memchr(at, ']', (size_t)(end - at));
        return (struct span){ at, stop == NULL ? 0 : (size_t)(stop - at) };
    }
    for (stop = at; stop < end && strchr(":/?#", *stop) == NULL;)
        stop++;
    return (struct span){ at, (size_t)(stop - at) };
}

static bool is_address(struct span host)
{
    unsigned char bytes[16];
    char text[64];

    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* What is not verified by TLS leads to no name: nobody could say who hears it. */
static int check_listener(struct span server, struct err *err)
{
    struct span host = host_of(server);
    bool is_tls = server.len > 6 && memcmp(server.ptr, "tls://", 6) == 0;
    bool is_known = is_tls || (server.len > 6 && (memcmp(server.ptr, "udp://", 6) == 0 ||
                                                  memcmp(server.ptr, "tcp://", 6) == 0));

    if (!is_known || host.len == 0 || host.len + 6 >= server.len)
        return err_set(err, ERR_INVALID,
                       "server: want tls://HOST:PORT, tcp://ADDRESS:PORT or "
                       "udp://ADDRESS:PORT");
    if (!is_tls && !is_address(host))
        return err_set(err, ERR_INVALID,
                       "server: udp and tcp want an address like 10.0.0.7, not a name; "
                       "tls://HOST:PORT may have one");
    return 0;
}

static int check_url(struct span channel, struct err *err)
{
    bool has_url = json_get(channel, "url").len > 0;
    bool has_secret = json_get(channel, "url_secret").len > 0;

    if (span_is(json_get_raw(channel, "kind"), "email"))
        return 0;
    if (span_is(json_get_raw(channel, "kind"), "syslog"))
        return check_listener(json_get_raw(channel, "server"), err);
    if (has_url == has_secret)
        return err_set(err, ERR_INVALID,
                       "want url, or url_secret: the name of the secret that holds it");
    if (has_secret && json_get(channel, "host").len == 0)
        return err_set(err, ERR_INVALID,
                       "url_secret wants host beside it: the only one that it may lead to");
    return 0;
}

static int check_channel(struct span name, struct span channel, struct err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    struct span kind = json_get_raw(channel, "kind");

    for (size_t i = 0; i < name.len; i++)
        if (strchr(letters, name.ptr[i]) == NULL || name.len > 64)
            return err_set(err, ERR_INVALID,
                           "a channel's name has lower case letters, digits, - and _, and "
                           "at most 64 of them");
    for (int i = 0; i < KINDS; i++)
        if (span_is(kind, kinds[i].kind))
            return schema_match(span_of(kinds[i].schema), channel, err) != 0
                       ? err->code
                       : check_url(channel, err);
    return err_set(err, ERR_INVALID, "kind: want email, teams, slack, webhook or syslog");
}

void notices_names(const struct serve *serve, struct str *text)
{
    struct json_out out = { .str = text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '[');
    while (json_next(json_get(notices_config(serve), "channels"), &pos, &key, &value))
        json_string_span(&out, key);
    json_close(&out);
}

static const char *nearest_channel(struct span channels, struct span name,
                                   char kept[NOTICES_CHANNELS_MAX][72])
{
    const char *names[NOTICES_CHANNELS_MAX];
    struct span key, value;
    size_t pos = 0, count = 0;

    while (count < NOTICES_CHANNELS_MAX && json_next(channels, &pos, &key, &value)) {
        snprintf(kept[count], sizeof kept[count], "%.*s", (int)key.len, key.ptr);
        names[count] = kept[count];
        count++;
    }
    return schema_nearest(name, names, count);
}

int notices_check_names(struct span config, struct span list, const char *what,
                        struct err *err)
{
    struct span channels = json_get(config, "channels"), name;
    char kept[NOTICES_CHANNELS_MAX][72];
    size_t at = 0;

    while (json_next(list, &at, NULL, &name)) {
        char *text = json_text(name);
        bool is_there = text != NULL && json_get(channels, text).len > 0;

        free(text);
        if (is_there)
            continue;
        const char *nearest = nearest_channel(channels, json_raw(name), kept);
        return err_set(err, ERR_INVALID,
                       "%s: there is no channel %.*s in notify.channels%s%s", what,
                       (int)name.len, name.ptr, nearest ? "; did you mean " : "",
                       nearest ? nearest : "");
    }
    return 0;
}

/* Lists of channels that there are. */
static int check_lists(struct span config, const char *member, struct err *err)
{
    struct span lists = json_get(config, member), key, list;
    size_t pos = 0;

    while (json_next(lists, &pos, &key, &list)) {
        char what[120];
        const char *nearest;

        snprintf(what, sizeof what, "notify.%s.%.*s", member,
                 (int)(key.len < 90 ? key.len : 90), key.ptr);
        if (strcmp(member, "on") == 0 && !tell_is_word(key, &nearest))
            return err_set(err, ERR_INVALID, "%s: there is no such thing to tell of%s%s",
                           what, nearest ? "; did you mean " : "", nearest ? nearest : "");
        if (schema_match(span_of(TEXTS), list, err) != 0)
            return err_wrap(err, "%s", what);
        if (notices_check_names(config, list, what, err) != 0)
            return err->code;
    }
    return 0;
}

int notices_check(struct span config, struct err *err)
{
    struct span key, value;
    size_t pos = 0;

    if (config.len == 0)
        return 0;
    if (schema_match(span_of(schema), config, err) != 0)
        return err_wrap(err, "notify");
    if (json_count(json_get(config, "channels")) > NOTICES_CHANNELS_MAX)
        return err_set(err, ERR_INVALID, "notify.channels: at most %d of them",
                       NOTICES_CHANNELS_MAX);
    while (json_next(json_get(config, "channels"), &pos, &key, &value))
        if (check_channel(key, value, err) != 0)
            return err_wrap(err, "notify.channels.%.*s", (int)key.len, key.ptr);
    return check_lists(config, "on", err) != 0 ? err->code
                                               : check_lists(config, "groups", err);
}

struct span notices_config(const struct serve *serve)
{
    return json_get(str_span(&serve->config), "notify");
}

static void put_hosts(struct json_out *out, struct span channels)
{
    struct span channel;
    size_t pos = 0;

    json_key(out, "hosts");
    json_open(out, '[');
    while (json_next(channels, &pos, NULL, &channel)) {
        struct span host = json_get_raw(channel, "host");

        if (host.len == 0)
            host =
                host_of(json_get_raw(channel, json_get(channel, "server").len > 0 ? "server"
                                                                                  : "url"));
        if (host.len > 0)
            json_string_span(out, host);
    }
    json_close(out);
}

static void put_secrets(struct json_out *out, struct span channels)
{
    static const char *const members[] = { "password", "url_secret", "secret" };
    struct str seen = { 0 };
    struct span channel;
    size_t pos = 0;

    json_key(out, "secrets");
    json_open(out, '[');
    while (json_next(channels, &pos, NULL, &channel))
        for (int i = 0; i < 3; i++) {
            struct span name = json_get(channel, members[i]);

            if (name.len == 0 ||
                (seen.len > 0 && memmem(seen.ptr, seen.len, name.ptr, name.len) != NULL))
                continue;
            str_add_span(&seen, name);
            json_raw_value(out, name);
        }
    json_close(out);
    str_fini(&seen);
}

void notices_plugin(struct serve *serve, struct str *out)
{
    struct span config = notices_config(serve);
    struct span channels = json_get(config, "channels");
    struct json_out json = { .str = out };

    if (json_count(channels) == 0)
        return;
    json_open(&json, '{');
    json_key(&json, "config");
    json_open(&json, '{');
    char *ca = config_resolve(serve, json_get(config, "ca"));
    if (ca != NULL)
        json_put(&json, "ca_file", ca);
    free(ca);
    json_put_raw(&json, "channels", channels);
    json_close(&json);
    put_hosts(&json, channels);
    put_secrets(&json, channels);
    json_close(&json);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog.c - a message as syslog has it: RFC 5424, and over TCP and TLS counted (RFC 6587, 5425).
 *
 *     <PRI>1 TIME HOST APP - MSGID [cordon@NUMBER key="..." event="..." ...] title: text
 *
 * Facts stand in the structured data, as many as fit; nothing in it can end a value, or the
 * line, early.
 */
#include "notify.h"

#include <string.h>
#include <time.h>

enum {
    DATAGRAM_MAX = 2048,         /* what a receiver should take: RFC 5426, 3.2 */
    FRAME_MAX = 8192,            /* and RFC 5425, 4.3.1 */
    TITLE_ROOM = TITLE_MAX + 16, /* facts leave this to the title */
    PARAM_NAME_MAX = 32,
    PRI_DEFAULT_SEVERITY = 5
};

const char *const syslog_facilities[] = {
    "kern",   "user",   "mail",   "daemon",   "auth",   "syslog", "lpr",
    "news",   "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",
    "alert",  "clock",  "local0", "local1",   "local2", "local3", "local4",
    "local5", "local6", "local7", NULL
};
static const char *const severities[] = { "emergency", "alert",   "critical",
                                          "error",     "warning", "notice",
                                          "info",      "debug",   NULL };

static int place_of(const char *const *words, const char *word, int otherwise)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return otherwise;
}

static void add_time(struct text *out, int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    text_print(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(unix_ms % 1000));
}

/* Printable ASCII without blanks, or "-". */
static void add_name(struct text *out, const char *name, size_t max)
{
    size_t begin = out->len;

    for (const char *p = name; *p != '\0' && out->len - begin < max; p++)
        if (*p > ' ' && *p < 0x7f)
            text_add_bytes(out, p, 1);
    if (out->len == begin)
        text_add(out, "-");
}

/* "Who decides" as who_decides. */
static void add_param_name(struct text *out, const char *name)
{
    size_t begin = out->len;

    for (const char *p = name; *p != '\0' && out->len - begin < PARAM_NAME_MAX; p++) {
        char letter = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        bool is_plain = (letter >= 'a' && letter <= 'z') ||
                        (letter >= '0' && letter <= '9') || letter == '-' || letter == '.';

        text_add_bytes(out, is_plain ? &letter : "_", 1);
    }
    if (out->len == begin)
        text_add(out, "_");
}

/* Line breaks are the only control characters that message.c leaves. */
static void add_line(struct text *out, const char *from)
{
    for (const char *p = from; *p != '\0'; p++)
        if (*p == '\n')
            text_add(out, "[U+000A]");
        else
            text_add_bytes(out, p, 1);
}

static void add_value(struct text *out, const char *from)
{
    struct text line = { 0 };

    add_line(&line, from);
    for (const char *p = text_of(&line); *p != '\0'; p++) {
        if (*p == '"' || *p == '\\' || *p == ']')
            text_add(out, "\\");
        text_add_bytes(out, p, 1);
    }
    text_free(&line);
}

/* A parameter that does not fit is left out as a whole. */
static void add_param(struct text *out, const char *name, const char *value, size_t max)
{
    size_t before = out->len;

    if (value[0] == '\0')
        return;
    text_add(out, " ");
    add_param_name(out, name);
    text_add(out, "=\"");
    add_value(out, value);
    text_add(out, "\"");
    if (out->len > max)
        text_cut(out, before);
}

static void add_data(struct text *out, const struct channel *channel,
                     const struct message *message, size_t max)
{
    text_print(out, " [cordon@%d", channel->enterprise);
    add_param(out, "key", message->key, max);
    add_param(out, "event", message->event, max);
    add_param(out, "thread", message->thread, max);
    add_param(out, "link", message->link, max);
    for (int i = 0; i < message->fact_count; i++)
        add_param(out, message->facts[i].name, message->facts[i].value, max);
    text_add(out, "] ");
}

static bool is_ascii(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p & 0x80)
            return false;
    return true;
}

static void add_words(struct text *out, const struct message *message, size_t max)
{
    struct text words = { 0 };

    add_line(&words, message->title);
    if (message->text[0] != '\0') {
        text_add(&words, ": ");
        add_line(&words, message->text);
    }
    if (!is_ascii(text_of(&words)))
        text_add(out, "\xef\xbb\xbf"); /* by which UTF-8 is known */
    text_add(out, text_of(&words));
    text_cut(out, max);
    text_free(&words);
}

void syslog_write(struct text *out, const struct channel *channel,
                  const struct message *message)
{
    bool is_datagram = strncmp(channel->server, "udp:", 4) == 0;
    size_t max = is_datagram ? DATAGRAM_MAX : FRAME_MAX;
    int severity = place_of(severities, message->severity, PRI_DEFAULT_SEVERITY);
    struct text line = { 0 };

    text_print(&line, "<%d>1 ", channel->facility * 8 + severity);
    add_time(&line, message->at_ms);
    text_add(&line, " ");
    add_name(&line, channel->hostname, 255);
    text_add(&line, " ");
    add_name(&line, channel->app_name, 48);
    text_add(&line, " - ");
    add_name(&line, message->event, 32);
    add_data(&line, channel, message, max - TITLE_ROOM);
    add_words(&line, message, max);
    if (!is_datagram)
        text_print(out, "%zu ", line.len);
    text_add_bytes(out, text_of(&line), line.len);
    text_free(&line);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - what the files of this plugin are to each other.
 *
 *   plugin.c   the actions, and how each ends
 *   channel.c  where messages go: from the configuration
 *   message.c  what is told: from an action's arguments
 *   mail.c     a message as RFC 5322 mail
 *   cards.c    as Teams, Slack and a webhook want it
 *   syslog.c   as syslog has it
 *   text.c     texts
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cordon/plugin.h>

#include "text.h"

enum {
    CHANNELS_MAX = 64,
    RECIPIENTS_MAX = 50,
    FACTS_MAX = 20,
    TITLE_MAX = 300, /* bytes */
    BODY_MAX = 4000,
    FACT_MAX = 500,
    LINK_MAX = 2000,
    KEYS_MAX = 1024, /* messages that this process knows to be delivered */
    KEY_SIZE = 33,
    ENTERPRISE_OF_EXAMPLES = 32473 /* RFC 5612 */
};

enum channel_kind {
    CHANNEL_EMAIL,
    CHANNEL_TEAMS,
    CHANNEL_SLACK,
    CHANNEL_WEBHOOK,
    CHANNEL_SYSLOG
};

struct channel {
    char *name;
    enum channel_kind kind;
    char *server, *from, *user, *password; /* password: the name of a secret */
    char *to[RECIPIENTS_MAX + 1];
    bool is_plain;
    char *url, *url_secret;    /* one of them */
    char *secret;              /* that a webhook is signed with: its name */
    char *app_name, *hostname; /* of syslog */
    int facility, enterprise;
};

struct notify {
    const struct cordon_host *host;
    struct channel channels[CHANNELS_MAX];
    int channel_count;
    char keys[KEYS_MAX][KEY_SIZE]; /* a ring */
    int key_next;
};

extern const char *const channel_kinds[]; /* "email", ...; NULL at the end */

/* Reads {"channels":{...}}. Non-zero: host->fail() has been told. */
int channels_init(struct notify *notify, const char *config);
void channels_fini(struct notify *notify);
const struct channel *channel_find(const struct notify *notify, const char *name);

struct fact {
    const char *name, *value;
};
struct message { /* clean: see text_add_clean() */
    struct text memory;
    const char *channel, *title, *text, *link,
        *thread;                  /* text, link, thread: "" when none */
    const char *event, *severity; /* for syslog; "" when none */
    struct fact facts[FACTS_MAX];
    int fact_count;
    const char *key; /* 32 hex digits: the same whenever it is sent again */
    int64_t at_ms;
};

/* From an action's arguments, which fit its schema. False: why says what is wrong. */
bool message_init(struct message *message, const struct cordon_input *in, char *why,
                  size_t size);
void message_fini(struct message *message);

/* Each adds to out. */
void mail_write(struct text *out, const struct channel *channel,
                const struct message *message);
void teams_write(struct text *out, const struct message *message);
void slack_write(struct text *out, const struct message *message);
void webhook_write(struct text *out, const struct message *message);
extern const char
    *const syslog_facilities[]; /* in the order of their numbers; NULL at the end */
void syslog_write(struct text *out, const struct channel *channel,
                  const struct message *message);
/* Standard Webhooks: "v1,..." over id, time and body. A secret that begins with whsec_ is
 * base64 behind it. False: it is no such secret. */
bool webhook_sign(struct text *out, const char *secret, const char *id, int64_t unix_s,
                  const struct text *body);

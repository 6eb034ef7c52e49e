/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/notices.h - people are told: an outbox that loses nothing. Of cordon.lua:
 *
 *     notify = {
 *       channels = {
 *         mail  = { kind = "email", server = "smtp://mail.example:587", from = "cordon@example.org",
 *                   to = { "soc@example.org" }, user = "cordon", password = "mail-password",
 *                   plain = false },               -- without TLS, on this machine only
 *         soc   = { kind = "teams", url_secret = "teams-url", host = "flows.example" },
 *         chat  = { kind = "slack", url = "https://..." },
 *         pager = { kind = "webhook", url = "https://...", secret = "pager-secret", detail = "full" },
 *       },
 *       on     = { gate = { "mail", "soc" }, run_failed = { "mail" } },
 *       ca     = "ca.pem", -- in place of the system's certificates
 *       groups = { ["change-managers"] = { "mail" } }, -- gates that ask them
 *     }
 *
 * A gate of a playbook (ctx.approve, ctx.ask) and a route of routes.lua may name channels in place of
 * those of on (notify = { "mail" }). Each row that tells something is told to each channel that wants
 * it, in order. What has been
 * told is a row (ROW_NOTICE), so after a crash it goes on where it was; a notice under way then
 * is sent again, with the same key. A channel that does not work waits by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct asked;
struct err;
struct serve;
struct shown_row;
struct turn_row;

enum {
    NOTICES_CHANNELS_MAX = 64,
    NOTICES_TRIES_MAX = 20,       /* about two hours */
    NOTICES_REFUSED_MAX = 3,      /* of tries that were refused */
    NOTICES_FIRST_MS = 1000,      /* until the second try, doubled each time, */
    NOTICES_LAST_MS = 600 * 1000, /* up to this; Retry-After may say more, up to */
    NOTICES_AFTER_MAX_S = 3600,
    NOTICES_CALL_MS = 60 * 1000,
    NOTICES_OLD_MS = 24 * 3600 * 1000 /* what is older is not news any more */
};

struct span notices_config(const struct serve *serve); /* empty when there is none */
int notices_check(struct span config, struct err *err);
/* Adds the names of the channels, as a JSON list. */
void notices_names(const struct serve *serve, struct str *out);
/* Are all in the list channels that there are? what stands in front of the sentence. */
int notices_check_names(struct span config, struct span list, const char *what,
                        struct err *err);
/* Is that channel told of a row with that word (see tell.h)? */
bool notices_wants(struct serve *serve, const char *channel, const struct shown_row *row,
                   const char *what);
/* What the plugin notify gets as its part of the configuration; nothing without channels. */
void notices_plugin(struct serve *serve, struct str *out);
/* How long until the next try, after so many and with the code that the last one ended with. */
int64_t notices_pause(int tries, struct span code);
void notices_open(struct serve *serve);
void notices_close(struct serve *serve);
void notices_row(struct serve *serve, const struct turn_row *row); /* it is durable */
bool notices_ask(struct serve *serve, const struct asked *asked);

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
 * Each row that tells something is told to each channel that wants it, in order. What has been
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
/* What the plugin notify gets as its part of the configuration; nothing without channels. */
void notices_plugin(struct serve *serve, struct str *out);
void notices_open(struct serve *serve);
void notices_close(struct serve *serve);
void notices_row(struct serve *serve, const struct turn_row *row); /* it is durable */
bool notices_ask(struct serve *serve, const struct asked *asked);

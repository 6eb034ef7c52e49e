/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/record.h - each HTTP exchange as a file, in the shape that traffic validators read:
 * {"liveRequest":{"method","url","headers","body"},"liveResponse":{"statusCode":"200",
 * "headers","body"}}. Credentials in headers are left out, bodies that are secret too.
 */
#pragma once

#include <stdbool.h>

struct err;
struct http_reply;
struct http_request;
struct record;
struct redact;

/* dir is made when it is not there. redact outlives the record. */
int record_open(struct record **record, const char *dir, const char *plugin,
                const struct redact *redact, struct err *err);
void record_close(struct record *record); /* NULL is fine */

/* One exchange that got a reply. A file that cannot be written is logged: recording never
 * stands in the way of what is recorded. */
void record_add(struct record *record, const struct http_request *request, bool is_secret,
                const struct http_reply *reply);

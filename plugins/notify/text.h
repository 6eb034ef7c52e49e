/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - a text that grows, and the forms that foreign text takes in messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *ptr; /* NUL behind it; NULL when empty */
    size_t len, cap;
};

void text_add(struct text *text, const char *more);
void text_add_bytes(struct text *text, const char *bytes, size_t len);
void text_print(struct text *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* What is longer is cut, between characters. */
void text_cut(struct text *text, size_t max);
void text_free(struct text *text);
const char *text_of(const struct text *text); /* "" when empty */

/* Adds what from says, without what moves or hides text: control characters become blanks
 * (line breaks stay where lines is set), those that turn the direction or have no width become
 * [U+202E]. At most max bytes, cut between characters. */
void text_add_clean(struct text *text, const char *from, size_t max, bool lines);
void text_add_html(struct text *text, const char *from);
/* For Slack's mrkdwn: then nothing in it is a link, a mention or a channel. At most max bytes
 * of what it has become (4 at least), cut between characters. */
void text_add_mrkdwn(struct text *text, const char *from, size_t max);
/* In lines of 76 characters, ended by CR LF. */
void text_add_base64(struct text *text, const char *bytes, size_t len);
/* The value of a header of mail, RFC 2047, folded. Never a line of its own. */
void text_add_header(struct text *text, const char *from);
/* RFC 5322: "Thu, 26 Nov 2026 10:00:00 +0000". */
void text_add_date(struct text *text, int64_t unix_ms);

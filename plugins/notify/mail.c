/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail.c - a message as mail: plain text and HTML that say the same.
 *
 * What the arguments hold stands in the headers only through text_add_header(), and in the
 * bodies only in base64: nothing in it can begin a line of its own.
 */
#include "notify.h"

#include <string.h>

static void write_plain(struct text *out, const struct message *message)
{
    text_print(out, "%s\n\n", message->title);
    if (message->text[0] != '\0') {
        text_add(out, message->text);
        text_add(out, "\n\n");
    }
    for (int i = 0; i < message->fact_count; i++) {
        text_add(out, message->facts[i].name);
        text_add(out, ": ");
        text_add(out, message->facts[i].value);
        text_add(out, "\n");
    }
    if (message->link[0] != '\0') {
        text_add(out, "\n");
        text_add(out, message->link);
        text_add(out, "\n");
    }
}

static void write_html(struct text *out, const struct message *message)
{
    text_add(out, "<!DOCTYPE html><html><body style=\"font-family:sans-serif\"><h2>");
    text_add_html(out, message->title);
    text_add(out, "</h2>");
    if (message->text[0] != '\0') {
        text_add(out, "<p>");
        text_add_html(out, message->text);
        text_add(out, "</p>");
    }
    text_add(out, "<table>");
    for (int i = 0; i < message->fact_count; i++) {
        text_add(out, "<tr><th align=\"left\" valign=\"top\">");
        text_add_html(out, message->facts[i].name);
        text_add(out, "</th><td>");
        text_add_html(out, message->facts[i].value);
        text_add(out, "</td></tr>");
    }
    text_add(out, "</table>");
    if (message->link[0] != '\0') {
        text_add(out, "<p><a href=\"");
        text_add_html(out, message->link);
        text_add(out, "\">Open in cordon</a></p>");
    }
    text_add(out, "</body></html>\n");
}

static void add_part(struct text *out, const struct message *message, const char *type,
                     void (*write)(struct text *out, const struct message *message))
{
    struct text body = { 0 };

    write(&body, message);
    text_print(out,
               "--=_%s\r\nContent-Type: %s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: base64\r\n\r\n",
               message->key, type);
    text_add_base64(out, body.ptr, body.len);
    text_free(&body);
}

void mail_write(struct text *out, const struct channel *channel,
                const struct message *message)
{
    const char *domain = strchr(channel->from, '@') + 1;

    text_add(out, "Date: ");
    text_add_date(out, message->at_ms);
    text_print(out, "\r\nFrom: cordon <%s>\r\nTo: ", channel->from);
    for (int i = 0; channel->to[i] != NULL; i++)
        text_print(out, "%s<%s>", i > 0 ? ",\r\n " : "", channel->to[i]);
    text_add(out, "\r\nSubject: ");
    text_add_header(out, message->title);
    text_print(out, "\r\nMessage-ID: <%s@%s>\r\n", message->key, domain);
    if (message->thread[0] != '\0')
        text_print(out,
                   "In-Reply-To: <%s@%s>\r\n"
                   "References: <%s@%s>\r\n",
                   message->thread, domain, message->thread, domain);
    text_print(out,
               "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
               "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n",
               message->key);
    add_part(out, message, "text/plain", write_plain);
    add_part(out, message, "text/html", write_html);
    text_print(out, "--=_%s--\r\n", message->key);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cards.c - a message as Teams, Slack and a webhook want it.
 *
 * What a button can do is open our page. All text is plain text to the reader's program: runs
 * of a RichTextBlock know no markup, and Slack's is escaped.
 */
#include "notify.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

enum {
    TEAMS_MAX = 28 * 1024, /* what Teams takes of one message */
    SLACK_HEADER_MAX = 150,
    SLACK_SECTION_MAX = 2900, /* of 3000 */
    SLACK_FIELDS_MAX = 10,    /* of one section */
    SLACK_NAME_MAX = 300,     /* with its marks and the value: one field, 2000 */
    SLACK_VALUE_MAX = 1600,
    SLACK_TEXT_MAX = 3000 /* where blocks are not shown: 4000 */
};

static void add_json(struct text *out, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    if (text == NULL)
        abort();
    text_add(out, text);
    free(text);
    cJSON_Delete(json);
}

static cJSON *object_of(cJSON *list, const char *type)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "type", type);
    cJSON_AddItemToArray(list, object);
    return object;
}

/* -- Teams ------------------------------------------------------------------------------- */

static void add_run(cJSON *inlines, const char *text, bool is_bold, bool is_large)
{
    cJSON *run = object_of(inlines, "TextRun");

    cJSON_AddStringToObject(run, "text", text);
    if (is_bold)
        cJSON_AddStringToObject(run, "weight", "Bolder");
    if (is_large)
        cJSON_AddStringToObject(run, "size", "Large");
}

static cJSON *add_block(cJSON *body)
{
    return cJSON_AddArrayToObject(object_of(body, "RichTextBlock"), "inlines");
}

static void add_fact(cJSON *body, const struct fact *fact)
{
    cJSON *inlines = add_block(body);
    struct text name = { 0 };

    text_print(&name, "%s: ", fact->name);
    add_run(inlines, text_of(&name), true, false);
    add_run(inlines, fact->value, false, false);
    text_free(&name);
}

static cJSON *card_of(const struct message *message, bool is_short)
{
    cJSON *card = cJSON_CreateObject();

    cJSON_AddStringToObject(card, "$schema",
                            "http://adaptivecards.io/schemas/adaptive-card.json");
    cJSON_AddStringToObject(card, "type", "AdaptiveCard");
    cJSON_AddStringToObject(card, "version", "1.4");
    cJSON *body = cJSON_AddArrayToObject(card, "body");
    add_run(add_block(body), message->title, true, true);
    if (is_short)
        add_run(add_block(body), "There is more than fits here.", false, false);
    else if (message->text[0] != '\0')
        add_run(add_block(body), message->text, false, false);
    for (int i = 0; !is_short && i < message->fact_count; i++)
        add_fact(body, &message->facts[i]);
    if (message->link[0] != '\0') {
        cJSON *action =
            object_of(cJSON_AddArrayToObject(card, "actions"), "Action.OpenUrl");

        cJSON_AddStringToObject(action, "title", "Open in cordon");
        cJSON_AddStringToObject(action, "url", message->link);
    }
    return card;
}

static void write_teams(struct text *out, const struct message *message, bool is_short)
{
    cJSON *json = cJSON_CreateObject(), *attachment = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "type", "message");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "attachments"), attachment);
    cJSON_AddStringToObject(attachment, "contentType",
                            "application/vnd.microsoft.card.adaptive");
    cJSON_AddNullToObject(attachment, "contentUrl");
    cJSON_AddItemToObject(attachment, "content", card_of(message, is_short));
    add_json(out, json);
}

void teams_write(struct text *out, const struct message *message)
{
    write_teams(out, message, false);
    if (out->len <= TEAMS_MAX)
        return;
    out->len = 0;
    write_teams(out, message, true);
}

/* -- Slack ------------------------------------------------------------------------------- */

static cJSON *plain_text(const char *from, size_t max)
{
    cJSON *object = cJSON_CreateObject();
    struct text text = { 0 };

    text_add_clean(&text, from, max, true);
    cJSON_AddStringToObject(object, "type", "plain_text");
    cJSON_AddStringToObject(object, "text", text_of(&text));
    cJSON_AddFalseToObject(object, "emoji");
    text_free(&text);
    return object;
}

static void add_field(cJSON *fields, const struct fact *fact)
{
    cJSON *field = object_of(fields, "mrkdwn");
    struct text text = { 0 };

    text_add(&text, "*");
    text_add_mrkdwn(&text, fact->name, SLACK_NAME_MAX);
    text_add(&text, "*\n");
    text_add_mrkdwn(&text, fact->value, SLACK_VALUE_MAX);
    cJSON_AddStringToObject(field, "text", text_of(&text));
    cJSON_AddTrueToObject(field, "verbatim");
    text_free(&text);
}

static void add_button(cJSON *blocks, const struct message *message)
{
    cJSON *elements = cJSON_AddArrayToObject(object_of(blocks, "actions"), "elements");
    cJSON *button = object_of(elements, "button");

    cJSON_AddItemToObject(button, "text", plain_text("Open in cordon", 75));
    cJSON_AddStringToObject(button, "url", message->link);
}

void slack_write(struct text *out, const struct message *message)
{
    cJSON *json = cJSON_CreateObject(), *fields = NULL;
    struct text title = { 0 };

    text_add_mrkdwn(&title, message->title, SLACK_TEXT_MAX);
    cJSON_AddStringToObject(json, "text", text_of(&title)); /* where blocks are not shown */
    text_free(&title);
    cJSON *blocks = cJSON_AddArrayToObject(json, "blocks");
    cJSON_AddItemToObject(object_of(blocks, "header"), "text",
                          plain_text(message->title, SLACK_HEADER_MAX));
    if (message->text[0] != '\0')
        cJSON_AddItemToObject(object_of(blocks, "section"), "text",
                              plain_text(message->text, SLACK_SECTION_MAX));
    for (int i = 0; i < message->fact_count; i++) {
        if (i % SLACK_FIELDS_MAX == 0)
            fields = cJSON_AddArrayToObject(object_of(blocks, "section"), "fields");
        add_field(fields, &message->facts[i]);
    }
    if (message->link[0] != '\0')
        add_button(blocks, message);
    add_json(out, json);
}

/* -- a webhook ----------------------------------------------------------------------------- */

void webhook_write(struct text *out, const struct message *message)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "type", "cordon.notice");
    cJSON *data = cJSON_AddObjectToObject(json, "data");
    cJSON_AddStringToObject(data, "title", message->title);
    cJSON_AddStringToObject(data, "text", message->text);
    cJSON_AddStringToObject(data, "link", message->link);
    cJSON_AddStringToObject(data, "thread", message->thread);
    cJSON *facts = cJSON_AddArrayToObject(data, "facts");
    for (int i = 0; i < message->fact_count; i++) {
        cJSON *fact = cJSON_CreateObject();

        cJSON_AddStringToObject(fact, "name", message->facts[i].name);
        cJSON_AddStringToObject(fact, "value", message->facts[i].value);
        cJSON_AddItemToArray(facts, fact);
    }
    add_json(out, json);
}

bool webhook_sign(struct text *out, const char *secret, const char *id, int64_t unix_s,
                  const struct text *body)
{
    unsigned char key[256], mac[crypto_auth_hmacsha256_BYTES];
    char base64[64];
    size_t len = strlen(secret);
    crypto_auth_hmacsha256_state state;
    struct text head = { 0 };

    if (strncmp(secret, "whsec_", 6) == 0) {
        if (sodium_base642bin(key, sizeof key, secret + 6, len - 6, NULL, &len, NULL,
                              sodium_base64_VARIANT_ORIGINAL) != 0)
            return false;
    } else if (len <= sizeof key) {
        memcpy(key, secret, len);
    } else {
        return false;
    }
    text_print(&head, "%s.%lld.", id, (long long)unix_s);
    crypto_auth_hmacsha256_init(&state, key, len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)head.ptr, head.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body->ptr, body->len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(key, sizeof key);
    sodium_bin2base64(base64, sizeof base64, mac, sizeof mac,
                      sodium_base64_VARIANT_ORIGINAL);
    text_print(out, "v1,%s", base64);
    text_free(&head);
    return true;
}

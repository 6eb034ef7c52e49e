/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Texts move while memory grows: first all are written, then they are pointed at. */
static size_t put(struct message *message, const cJSON *object, const char *key, size_t max,
                  bool lines)
{
    const char *from = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    size_t at = message->memory.len;

    text_add_clean(&message->memory, from != NULL ? from : "", max, lines);
    text_add_bytes(&message->memory, "", 1);
    return at;
}

/* Nothing but a page can be opened with it. */
static bool is_link(const char *link)
{
    if (strlen(link) > LINK_MAX ||
        (strncmp(link, "https://", 8) != 0 && strncmp(link, "http://", 7) != 0))
        return false;
    for (const char *p = link; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f || strchr("<>\"'`\\", *p) != NULL)
            return false;
    return true;
}

static bool is_thread(const char *thread)
{
    return strspn(thread, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(thread) &&
           strlen(thread) <= 100;
}

bool message_init(struct message *message, const struct cordon_input *in, char *why,
                  size_t size)
{
    size_t at[7], names[FACTS_MAX] = { 0 }, values[FACTS_MAX] = { 0 };
    cJSON *args = cJSON_Parse(in->args);
    const cJSON *item;

    *message = (struct message){ .key = in->key != NULL ? in->key : "" };
    at[0] = put(message, args, "channel", TITLE_MAX, false);
    at[1] = put(message, args, "title", TITLE_MAX, false);
    at[2] = put(message, args, "text", BODY_MAX, true);
    at[3] = put(message, args, "link", LINK_MAX + 1, false);
    at[4] = put(message, args, "thread", TITLE_MAX, false);
    at[5] = put(message, args, "event", TITLE_MAX, false);
    at[6] = put(message, args, "severity", TITLE_MAX, false);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(args, "facts"))
    {
        if (message->fact_count == FACTS_MAX)
            break;
        names[message->fact_count] = put(message, item, "name", FACT_MAX, false);
        values[message->fact_count++] = put(message, item, "value", FACT_MAX, true);
    }
    cJSON_Delete(args);
    const char *memory = message->memory.ptr;
    message->channel = memory + at[0];
    message->title = memory + at[1];
    message->text = memory + at[2];
    message->link = memory + at[3];
    message->thread = memory + at[4];
    message->event = memory + at[5];
    message->severity = memory + at[6];
    for (int i = 0; i < message->fact_count; i++)
        message->facts[i] = (struct fact){ memory + names[i], memory + values[i] };
    if (message->link[0] != '\0' && !is_link(message->link))
        snprintf(why, size, "link: want https://... without blanks and quotes");
    else if (!is_thread(message->thread))
        snprintf(why, size, "thread: want lower case letters, digits, - and .");
    else
        return true;
    message_fini(message);
    return false;
}

void message_fini(struct message *message)
{
    text_free(&message->memory);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c - azure.queue.take: the next messages of a storage queue.
 *
 * A message that was taken comes back after a while unless it is deleted, so whoever takes
 * messages says with the next call which of the last ones it has made sure of: these are deleted
 * first. Nothing else in Azure is changed, and a delete that fails costs nothing but seeing the
 * message again; so this action reads.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "arm.h"
#include "azure.h"
#include "job.h"
#include "text.h"
#include "xml.h"

#define QUEUE_VERSION  "2021-12-02"
#define QUEUE_AUDIENCE "https://storage.azure.com"

enum {
    QUEUE_MESSAGES_MAX = 32,
    QUEUE_HIDDEN_S = 300,
    QUEUE_RAW_MAX = 96 * 1024 /* bytes of a message that is no XML; Azure's have 64 KiB */
};

struct taking {
    const char *base;  /* https://ACCOUNT.queue.../QUEUE */
    const cJSON *done; /* the next message that is to be deleted */
    int deleted;
};

static const char *base_of(struct job *job, const char *account)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, job->azure->config.queues)
    {
        if (!text_same(item->string, account))
            continue;
        const char *url = item->valuestring;
        size_t len = strlen(url);
        while (len > 0 && url[len - 1] == '/')
            len--;
        return job_text(job, "%.*s", (int)len, url);
    }
    return job_text(job, "https://%s.%s", account, job->azure->config.queue_suffix);
}

static void send(struct job *job, struct taking *taking, const char *method,
                 const char *url, answer_fn *done)
{
    struct arm_request request = { .method = method,
                                   .accept = "application/xml",
                                   .header = "x-ms-version: " QUEUE_VERSION,
                                   .audience = QUEUE_AUDIENCE,
                                   .family = FAMILY_STORAGE,
                                   .done = done,
                                   .arg = taking };

    arm_send_to(job, &request, url);
}

/* Event Grid writes base64; others write the JSON itself, which is none. */
static const char *decoded(struct job *job, const char *text)
{
    const char *plain =
        text[0] == '{' || text[0] == '[' ? NULL : text_from_base64(job, text);

    return plain != NULL ? plain : text;
}

/* The same bytes have the same name, also when they come again. */
static const char *name_of(struct job *job, const char *bytes, size_t len)
{
    unsigned char hash[8];
    char hex[2 * sizeof hash + 1];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)bytes, len, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    return job_text(job, "no-id-%s", hex);
}

/* fault: why its text is not what was meant; NULL. Then text is the message as it came, so that
 * it is kept as one that cannot be read. */
static void add(struct job *job, cJSON *list, const struct xml *message, const char *text,
                const char *fault)
{
    const char *id = message != NULL ? xml_text(message, "MessageId") : NULL;
    const char *receipt = message != NULL ? xml_text(message, "PopReceipt") : NULL;
    const char *count = message != NULL ? xml_text(message, "DequeueCount") : NULL;
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "id",
                            id != NULL && id[0] != '\0' ? id
                                                        : name_of(job, text, strlen(text)));
    cJSON_AddStringToObject(out, "receipt", receipt != NULL ? receipt : "");
    cJSON_AddNumberToObject(out, "count",
                            count != NULL ? (double)strtol(count, NULL, 10) : 0);
    cJSON_AddStringToObject(out, "text", text);
    if (fault != NULL)
        cJSON_AddStringToObject(out, "fault", fault);
    cJSON_AddItemToArray(list, out);
    if (fault != NULL)
        job->host->log(2, "a message of the queue cannot be read: %s", fault);
}

/* One message as it came, cut and with a ? for each byte that no text has. */
static const char *as_it_came(struct job *job, const char *bytes, size_t len)
{
    size_t kept = len < QUEUE_RAW_MAX ? len : QUEUE_RAW_MAX;
    char *text = job_text(job, "%.*s", (int)kept, bytes);

    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x7f || ((unsigned char)*at < 0x20 && *at != '\n'))
            *at = '?';
    return text;
}

static void add_message(struct job *job, cJSON *list, const struct xml *message,
                        const char *raw, size_t raw_len)
{
    const char *text = xml_text(message, "MessageText");
    const char *fault = xml_text(message, "MessageId") == NULL ? "it has no MessageId"
                        : xml_text(message, "PopReceipt") == NULL
                            ? "it has no PopReceipt, so it cannot be deleted"
                        : text == NULL ? "it has no MessageText, or one with elements in it"
                                       : NULL;

    if (text != NULL)
        add(job, list, message, decoded(job, text), fault);
    else
        add(job, list, message, as_it_came(job, raw, raw_len), fault);
}

/* -- Message by message, when the list as a whole is no XML ------------------------------- */

/* Behind what is no markup: a comment or a section of CDATA that begins here. */
static const char *skip_literal(const char *at, const char *end)
{
    static const char *const pairs[][2] = { { "<!--", "-->" }, { "<![CDATA[", "]]>" } };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t len = strlen(pairs[i][0]);
        if ((size_t)(end - at) < len || memcmp(at, pairs[i][0], len) != 0)
            continue;
        const char *close = memmem(at, (size_t)(end - at), pairs[i][1], 3);
        return close != NULL ? close + 3 : end;
    }
    return at;
}

/* Where the tag stands next that is no part of a comment or of CDATA; NULL. */
static const char *find_tag(const char *at, const char *end, const char *tag)
{
    size_t len = strlen(tag);

    while (at < end && (at = memchr(at, '<', (size_t)(end - at))) != NULL) {
        const char *behind = skip_literal(at, end);
        if (behind == at && (size_t)(end - at) >= len && memcmp(at, tag, len) == 0)
            return at;
        at = behind > at ? behind : at + 1;
    }
    return NULL;
}

/* The element of that name, as it came; NULL. It may be in a message that is no XML. */
static struct xml *part_of(struct job *job, const char *at, const char *end,
                           const char *name)
{
    const char *open = find_tag(at, end, job_text(job, "<%s>", name));
    const char *tag = job_text(job, "</%s>", name);
    const char *close = open != NULL ? find_tag(open, end, tag) : NULL;
    struct xml *part = NULL;
    const char *why;

    if (close == NULL ||
        !xml_read(job, open, (size_t)(close - open) + strlen(tag), &part, &why))
        return NULL;
    return part;
}

/* A message that is no XML: what can be read of it is its id and its receipt, by which it can be
 * deleted once it is kept. */
static void add_broken(struct job *job, cJSON *list, const char *at, size_t len,
                       const char *why)
{
    static const char *const names[] = { "MessageId", "PopReceipt", "DequeueCount" };
    struct xml message = { .name = "QueueMessage", .text = "" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct xml *part = part_of(job, at, at + len, names[i]);
        if (part == NULL)
            continue;
        part->next = message.first;
        message.first = part;
    }
    add(job, list, &message, as_it_came(job, at, len), why);
}

/* False: there is no message in it at all. */
static bool add_one_by_one(struct job *job, cJSON *list, const char *text, size_t len)
{
    static const char open[] = "<QueueMessage>", close[] = "</QueueMessage>";
    const char *end = text + len, *at = text;
    int count = 0;

    while (count < QUEUE_MESSAGES_MAX && (at = find_tag(at, end, open)) != NULL) {
        const char *tail = find_tag(at, end, close);
        /* What follows a message without an end is not known to be of it. */
        const char *next = find_tag(at + 1, end, open);
        bool is_whole = tail != NULL && (next == NULL || tail < next);
        const char *behind = is_whole ? tail + sizeof close - 1 : next != NULL ? next : end;
        struct xml *message = NULL;
        const char *why;

        if (xml_read(job, at, (size_t)(behind - at), &message, &why))
            add_message(job, list, message, at, (size_t)(behind - at));
        else if (is_whole)
            add_broken(job, list, at, (size_t)(behind - at), why);
        count += is_whole;
        at = behind;
    }
    return count > 0;
}

static void add_all(struct job *job, cJSON *list, const struct xml *root)
{
    for (const struct xml *one = root->first; one != NULL; one = one->next)
        if (strcmp(one->name, "QueueMessage") == 0)
            add_message(job, list, one, "<QueueMessage>", strlen("<QueueMessage>"));
}

static void on_messages(struct job *job, const struct answer *answer, void *arg)
{
    struct taking *taking = arg;
    struct xml *root = NULL;
    const char *why;

    if (!answer_is_good(job, answer, false, "take messages"))
        return;
    cJSON *out = job_object(job);
    cJSON *list = cJSON_AddArrayToObject(out, "messages");
    bool is_read = xml_read(job, answer->reply->body, answer->reply->body_len, &root, &why);
    bool is_list = root != NULL && strcmp(root->name, "QueueMessagesList") == 0;
    cJSON_AddNumberToObject(out, "deleted", taking->deleted);
    if (is_read && is_list)
        add_all(job, list, root);
    else if (is_list &&
             !add_one_by_one(job, list, answer->reply->body, answer->reply->body_len))
        is_list = false;
    if (is_list)
        job_done(job, out);
    else
        job_fail(job, CORDON_RETRY, "NoXml",
                 "take messages: the answer is no list of messages: %s",
                 is_read ? "it is another document" : why);
}

static void take(struct job *job, struct taking *taking)
{
    send(job, taking, "GET",
         job_text(job, "%s/messages?numofmessages=%d&visibilitytimeout=%d", taking->base,
                  QUEUE_MESSAGES_MAX, QUEUE_HIDDEN_S),
         on_messages);
}

static void delete_next(struct job *job, struct taking *taking);

/* 404: somebody has it again, or it is gone; either way it is not ours to delete. */
static void on_deleted(struct job *job, const struct answer *answer, void *arg)
{
    struct taking *taking = arg;

    if (answer->status != 404 && answer->status != 400 &&
        !answer_is_good(job, answer, false, "delete a message"))
        return;
    taking->deleted += answer->verdict == CORDON_DONE;
    delete_next(job, taking);
}

static void delete_next(struct job *job, struct taking *taking)
{
    const cJSON *done = taking->done;

    if (done == NULL) {
        take(job, taking);
        return;
    }
    taking->done = done->next;
    send(job, taking, "DELETE",
         job_text(job, "%s/messages/%s?popreceipt=%s", taking->base,
                  text_encode(job, json_text(done, "id")),
                  text_encode(job, json_text(done, "receipt"))),
         on_deleted);
}

static int take_read(struct cordon_call *call, const struct cordon_input *in)
{
    struct job *job = job_begin(call, in);
    struct taking *taking = job_alloc(job, sizeof *taking);
    const char *account = json_text(job->args, "account");
    const char *queue = json_text(job->args, "queue");
    const cJSON *done = json_get(job->args, "done");

    taking->done = done != NULL ? done->child : NULL;
    if (!text_is_word(account, "", 3, 24) || !text_is_word(queue, "-", 3, 63)) {
        job_fail(job, CORDON_REFUSED, "BadName",
                 "account and queue: want the names of a storage account and of a queue in "
                 "it");
    } else {
        taking->base = job_text(job, "%s/%s", base_of(job, account), queue);
        delete_next(job, taking);
    }
    return job_started(job);
}

static const char *const permissions[] = {
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action", NULL
};

const struct cordon_action queue_take = {
    .size = sizeof(struct cordon_action),
    .name = "azure.queue.take",
    .summary = "Take the next messages of a storage queue, and delete those that are done",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = permissions,
    .timeout_ms = 120000,
    .args_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"account\","
        "\"queue\"],\"properties\":{\"account\":{\"type\":\"string\"},\"queue\":{"
        "\"type\":\"string\"},\"done\":{\"type\":\"array\",\"maxItems\":64,"
        "\"description\":\"messages that were taken and are not wanted again\",\"items\":{"
        "\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\","
        "\"receipt\"],\"properties\":{\"id\":{\"type\":\"string\",\"maxLength\":200},"
        "\"receipt\":{\"type\":\"string\",\"maxLength\":400}}}}}}",
    .result_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"messages\"],"
        "\"properties\":{\"messages\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
        "\"additionalProperties\":false,\"properties\":{\"id\":{\"type\":\"string\"},"
        "\"receipt\":{\"type\":\"string\"},\"count\":{\"type\":\"integer\","
        "\"description\":\"how often it was taken\"},\"text\":{\"type\":\"string\"},"
        "\"fault\":{\"type\":\"string\",\"description\":\"why it cannot be read; "
        "text is then the message as it came\"}}}},"
        "\"deleted\":{\"type\":\"integer\"}}}",
    .read = take_read,
};

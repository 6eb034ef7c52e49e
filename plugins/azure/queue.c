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

#include "arm.h"
#include "azure.h"
#include "job.h"
#include "text.h"
#include "xml.h"

#define QUEUE_VERSION  "2021-12-02"
#define QUEUE_AUDIENCE "https://storage.azure.com"

enum { QUEUE_MESSAGES_MAX = 32, QUEUE_HIDDEN_S = 300 };

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

static bool add_message(struct job *job, cJSON *list, struct xml *message)
{
    const char *id = xml_text(job, message, "MessageId");
    const char *receipt = xml_text(job, message, "PopReceipt");
    const char *count = xml_text(job, message, "DequeueCount");
    const char *text = xml_text(job, message, "MessageText");

    if (id == NULL || receipt == NULL || text == NULL)
        return false;
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddStringToObject(out, "receipt", receipt);
    cJSON_AddNumberToObject(out, "count",
                            count != NULL ? (double)strtol(count, NULL, 10) : 0);
    /* Event Grid writes base64; others write the JSON itself, which is none. */
    const char *plain =
        text[0] == '{' || text[0] == '[' ? NULL : text_from_base64(job, text);
    cJSON_AddStringToObject(out, "text", plain != NULL ? plain : text);
    cJSON_AddItemToArray(list, out);
    return true;
}

static void on_messages(struct job *job, const struct answer *answer, void *arg)
{
    struct taking *taking = arg;
    struct xml root, message;

    if (!answer_is_good(job, answer, false, "take messages"))
        return;
    cJSON *out = job_object(job);
    cJSON *list = cJSON_AddArrayToObject(out, "messages");
    bool is_good = xml_open(&root, answer->reply->body, "QueueMessagesList");
    while (is_good && xml_next(&root, "QueueMessage", &message))
        is_good = add_message(job, list, &message);
    cJSON_AddNumberToObject(out, "deleted", taking->deleted);
    if (is_good && !root.is_bad)
        job_done(job, out);
    else
        job_fail(job, CORDON_RETRY, "NoXml",
                 "take messages: the answer is no list of messages");
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
        "\"description\":\"how often it was taken\"},\"text\":{\"type\":\"string\"}}}},"
        "\"deleted\":{\"type\":\"integer\"}}}",
    .read = take_read,
};

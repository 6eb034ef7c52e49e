/* SPDX-License-Identifier: Apache-2.0 */
#include "reqlog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ENTRIES_MAX = 20000 /* in memory; the file has them all */
};

struct reqlog {
    cJSON *ring[ENTRIES_MAX];
    int n;     /* of the last entry */
    int first; /* of what is shown */
    int fd;    /* -1: no file */
};

struct reqlog *reqlog_open(const char *path)
{
    int fd = -1;

    if (path != NULL) {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
            return NULL;
    }
    struct reqlog *reqlog = xcalloc(1, sizeof *reqlog);
    reqlog->fd = fd;
    reqlog->first = 1;
    return reqlog;
}

void reqlog_close(struct reqlog *reqlog)
{
    for (int i = 0; i < ENTRIES_MAX; i++)
        cJSON_Delete(reqlog->ring[i]);
    if (reqlog->fd >= 0)
        close(reqlog->fd);
    free(reqlog);
}

/* One write, so that a line is whole or absent. */
static void write_line(const struct reqlog *reqlog, const cJSON *entry)
{
    char *text = cJSON_PrintUnformatted(entry);
    char *line = text_format("%s\n", text);
    size_t len = strlen(line);

    if (write(reqlog->fd, line, len) != (ssize_t)len)
        perror("azsim: the log file");
    free(line);
    cJSON_free(text);
}

static void add_text_or_null(cJSON *entry, const char *name, const char *text)
{
    if (text != NULL)
        cJSON_AddStringToObject(entry, name, text);
    else
        cJSON_AddNullToObject(entry, name);
}

/* Takes entry. */
static void append(struct reqlog *reqlog, cJSON *entry)
{
    cJSON **slot = &reqlog->ring[reqlog->n % ENTRIES_MAX];

    cJSON_Delete(*slot);
    *slot = entry;
    if (reqlog->fd >= 0)
        write_line(reqlog, entry);
}

static cJSON *new_entry(struct reqlog *reqlog, const char *method, const char *path)
{
    cJSON *entry = cJSON_CreateObject();
    char now[TIME_SIZE];

    reqlog->n++;
    time_text(now, clock_ms());
    cJSON_AddNumberToObject(entry, "n", reqlog->n);
    cJSON_AddStringToObject(entry, "time", now);
    cJSON_AddStringToObject(entry, "method", method);
    cJSON_AddStringToObject(entry, "path", path);
    return entry;
}

int reqlog_add(struct reqlog *reqlog, const struct request *request,
               const struct reply *reply)
{
    cJSON *entry = new_entry(reqlog, request->method, request->uri);

    /* A connection that breaks has no status. */
    cJSON_AddNumberToObject(entry, "status", reply->is_reset ? 0 : reply->status);
    add_text_or_null(entry, "client_request_id", request->client_request_id);
    if (request->traceparent != NULL)
        cJSON_AddStringToObject(entry, "traceparent", request->traceparent);
    add_text_or_null(entry, "client_id", json_text(request->identity, "client_id"));
    add_text_or_null(entry, "effect", reply->effect);
    add_text_or_null(entry, "fault", reply->fault);
    append(reqlog, entry);
    return reqlog->n;
}

void reqlog_add_edit(struct reqlog *reqlog, const char *path)
{
    cJSON *entry = new_entry(reqlog, "EDIT", path);
    char *effect = text_format("edit %s", path);

    cJSON_AddNumberToObject(entry, "status", 0);
    cJSON_AddNullToObject(entry, "client_request_id");
    cJSON_AddNullToObject(entry, "client_id");
    cJSON_AddStringToObject(entry, "effect", effect);
    cJSON_AddNullToObject(entry, "fault");
    free(effect);
    append(reqlog, entry);
}

cJSON *reqlog_dump(const struct reqlog *reqlog)
{
    cJSON *list = cJSON_CreateArray();
    int n = reqlog->n - ENTRIES_MAX + 1;

    if (n < reqlog->first)
        n = reqlog->first;
    for (; n <= reqlog->n; n++)
        cJSON_AddItemToArray(list, cJSON_Duplicate(reqlog->ring[n % ENTRIES_MAX], true));
    return list;
}

void reqlog_clear(struct reqlog *reqlog)
{
    reqlog->first = reqlog->n + 1;
}

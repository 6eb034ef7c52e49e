/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/record.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "net/http.h"
#include "plugin/redact.h"

struct record {
    char *prefix; /* DIR/PLUGIN-PID- */
    int count;
    const struct redact *redact;
};

int record_open(struct record **out, const char *dir, const char *plugin,
                const struct redact *redact, struct err *err)
{
    struct str prefix = { 0 };

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "record to %s: %s", dir, strerror(errno));
    struct record *record = xcalloc(1, sizeof *record);
    str_printf(&prefix, "%s/%s-%d-", dir, plugin, (int)getpid());
    record->prefix = str_take(&prefix);
    record->redact = redact;
    *out = record;
    return 0;
}

void record_close(struct record *record)
{
    if (!record)
        return;
    free(record->prefix);
    free(record);
}

/* -- Headers: names in small letters, one value each ------------------------------------------ */

static bool is_credential(const char *name)
{
    static const char *const names[] = {
        "authorization", "proxy-authorization", "cookie",
        "set-cookie",    "x-identity-header",   "x-ms-authorization-auxiliary"
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void add_header(struct json_out *out, struct str *seen, struct span line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    struct str name = { 0 };

    if (!colon)
        return;
    for (const char *c = line.ptr; c < colon; c++)
        str_add_char(&name, (char)tolower((unsigned char)*c));
    str_add_char(&name, '\n');
    bool is_known = seen->len > 0 && strstr(str_text(seen), str_text(&name)) != NULL;
    str_add_span(seen, str_span(&name)); /* JSON takes a name once; the first one stands */
    name.ptr[--name.len] = '\0';
    struct span value = { colon + 1, line.len - (size_t)(colon + 1 - line.ptr) };
    while (value.len > 0 && (*value.ptr == ' ' || *value.ptr == '\t'))
        value.ptr++, value.len--;
    if (!is_known && is_credential(name.ptr))
        json_put(out, name.ptr, "[redacted]");
    else if (!is_known)
        json_put_span(out, name.ptr, value);
    str_fini(&name);
}

static void add_request_headers(struct json_out *out, const char *const *headers)
{
    struct str seen = { 0 };

    json_key(out, "headers");
    json_open(out, '{');
    for (; headers && *headers; headers++)
        add_header(out, &seen, span_of(*headers));
    json_close(out);
    str_fini(&seen);
}

static void add_reply_headers(struct json_out *out, const char *headers)
{
    struct str seen = { 0 };

    json_key(out, "headers");
    json_open(out, '{');
    for (const char *line = headers; *line;) {
        size_t len = strcspn(line, "\n");
        add_header(out, &seen, (struct span){ line, len });
        line += len + (line[len] == '\n');
    }
    json_close(out);
    str_fini(&seen);
}

/* -- Bodies ------------------------------------------------------------------------------------- */

static void add_body(struct json_out *out, const char *body, size_t len, bool is_secret)
{
    struct err err;

    if (len == 0)
        return;
    json_key(out, "body");
    if (is_secret)
        json_string(out, "[secret]");
    else if (json_check(body, len, HTTP_BODY_MAX, &err) == 0)
        json_raw_value(out, (struct span){ body, len });
    else
        json_string_span(out, (struct span){ body, len });
}

static void write_file(struct record *record, struct span text)
{
    struct str path = { 0 };

    str_printf(&path, "%s%06d.json", record->prefix, ++record->count);
    int fd = open(path.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len)
        log_warn("record %s", path.ptr);
    if (fd >= 0)
        close(fd);
    str_fini(&path);
}

void record_add(struct record *record, const struct http_request *request, bool is_secret,
                const struct http_reply *reply)
{
    struct str text = { 0 }, clean = { 0 };
    struct json_out out = { .str = &text };
    char status[16];

    snprintf(status, sizeof status, "%d", reply->status);
    json_open(&out, '{');
    json_key(&out, "liveRequest");
    json_open(&out, '{');
    json_put(&out, "method", request->method);
    json_put(&out, "url", request->url);
    add_request_headers(&out, request->headers);
    add_body(&out, request->body, request->body_len, is_secret);
    json_close(&out);
    json_key(&out, "liveResponse");
    json_open(&out, '{');
    json_put(&out, "statusCode", status);
    add_reply_headers(&out, reply->headers);
    add_body(&out, reply->body, reply->body_len, is_secret);
    json_close(&out);
    json_close(&out);
    str_add_char(&text, '\n');
    redact_to(record->redact, &clean, str_span(&text));
    write_file(record, str_span(&clean));
    str_fini(&text);
    str_fini(&clean);
}

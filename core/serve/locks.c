/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/locks.c - plugins.lock: which plugins are trusted, each by the hash of its file.
 *
 * {"azure":{"at":ms,"by":who,"declaration":{...},"path":"/...","sha256":hex}}. It is
 * written by `cordon plugins trust` and may be kept under version control.
 */
#include "serve/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static void free_line(struct lock_line *line)
{
    list_remove(&line->in_serve);
    free(line->name);
    free(line->path);
    free(line->by);
    free(line->sha256);
    free(line->declaration);
    free(line->json);
    free(line->refused);
    free(line);
}

struct span locks_action(struct serve *serve, struct span name)
{
    struct span action;

    list_each (link, after, &serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        size_t pos = 0;

        while (
            json_next(json_get(span_of(line->declaration), "actions"), &pos, NULL, &action))
            if (span_equal(json_get_raw(action, "name"), name))
                return action;
    }
    return (struct span){ 0 };
}

void locks_close(struct serve *serve)
{
    while (!list_is_empty(&serve->locks))
        free_line(list_item(list_take(&serve->locks), struct lock_line, in_serve));
}

struct lock_line *locks_find(struct serve *serve, struct span name)
{
    list_each (link, after, &serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);

        if (span_is(name, line->name))
            return line;
    }
    return NULL;
}

static void tell(struct serve *serve, const struct lock_line *line)
{
    pump_event(serve, &(struct event){ .kind = EV_PLUGIN,
                                       .number = config_settle_ms(serve, line->name),
                                       .ok = true,
                                       .name = span_of(line->name),
                                       .who = span_of(line->by),
                                       .json = span_of(line->declaration),
                                       .text = span_of(line->path),
                                       .hash = span_of(line->sha256) });
}

static void tell_gone(struct serve *serve, const char *name)
{
    char why[256];

    snprintf(why, sizeof why, "plugin %.100s is no longer in plugins.lock", name);
    pump_event(serve, &(struct event){ .kind = EV_PLUGIN,
                                       .name = span_of(name),
                                       .json = span_of("{\"actions\":[]}"),
                                       .text = span_of(why) });
}

static int add_line(struct list *lines, struct span name, struct span json, struct err *err)
{
    struct lock_line *line = xcalloc(1, sizeof *line);
    struct hash ignored;

    list_add(lines, &line->in_serve);
    line->name = span_dup(name);
    line->json = span_dup(json);
    line->path = json_get_text(json, "path");
    line->by = json_get_text(json, "by");
    line->sha256 = span_dup(json_get_raw(json, "sha256"));
    line->declaration = span_dup(json_get(json, "declaration"));
    if (line->path == NULL || !hash_from_hex(span_of(line->sha256), &ignored) ||
        json_kind(span_of(line->declaration)) != JSON_OBJECT)
        return err_set(err, ERR_INVALID,
                       "plugin %s: want path, sha256 and declaration; trust it again",
                       line->name);
    return 0;
}

static int parse(struct list *lines, struct span json, struct err *err)
{
    struct span key, value;
    size_t pos = 0;

    if (json_check(json.ptr, json.len, SERVE_LOCK_MAX, err) != 0)
        return err->code;
    if (json_kind(json) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "want an object of plugins");
    while (json_next(json, &pos, &key, &value))
        if (add_line(lines, key, value, err) != 0)
            return err->code;
    return 0;
}

/* The engine hears of what is new, what changed, and what is gone. */
static void adopt(struct serve *serve, struct list *lines)
{
    struct list before;

    list_init(&before);
    while (!list_is_empty(&serve->locks)) {
        struct list *link = serve->locks.next;
        list_remove(link);
        list_add(&before, link);
    }
    while (!list_is_empty(lines)) {
        struct lock_line *line = list_item(lines->next, struct lock_line, in_serve);
        struct lock_line *old = NULL;

        list_remove(&line->in_serve);
        list_add(&serve->locks, &line->in_serve);
        list_each (link, after, &before) {
            struct lock_line *other = list_item(link, struct lock_line, in_serve);

            if (strcmp(other->name, line->name) == 0)
                old = other;
        }
        if (old == NULL || strcmp(old->json, line->json) != 0) {
            hosts_refresh(serve, line->name);
            tell(serve, line);
        }
        if (old != NULL)
            free_line(old);
    }
    while (!list_is_empty(&before)) {
        struct lock_line *old = list_item(before.next, struct lock_line, in_serve);

        hosts_refresh(serve, old->name);
        tell_gone(serve, old->name);
        free_line(old);
    }
    vms_refresh(serve);
}

int locks_read(struct serve *serve, struct err *err)
{
    char *path = serve_path(serve, "plugins.lock");
    struct str text = { 0 };
    struct list lines;

    list_init(&lines);
    serve_stamp(&serve->lock_stamp, path);
    int rc = serve_read_file(&text, path, SERVE_LOCK_MAX, err);
    if (rc == ERR_NOT_FOUND)
        rc = 0;
    else if (rc == 0 && (rc = parse(&lines, str_span(&text), err)) != 0)
        err_wrap(err, "%s", path);
    if (rc == 0)
        adopt(serve, &lines);
    while (!list_is_empty(&lines))
        free_line(list_item(list_take(&lines), struct lock_line, in_serve));
    str_fini(&text);
    free(path);
    return rc;
}

void locks_check(struct serve *serve)
{
    char *path = serve_path(serve, "plugins.lock");
    struct stamp now;
    struct err err;

    serve_stamp(&now, path);
    free(path);
    if (!serve->is_ready || serve_stamp_same(&now, &serve->lock_stamp))
        return;
    if (locks_read(serve, &err) == 0)
        return;
    log_warnx("%s; the plugins stay as they were", err.text);
    if (err.code == ERR_BUSY)
        serve->lock_stamp = (struct stamp){ 0 }; /* it is read again at the next look */
}

void locks_catalog(struct serve *serve, struct str *text)
{
    struct json_out out = { .str = text };
    struct span action;

    json_open(&out, '[');
    list_each (link, after, &serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        size_t pos = 0;

        while (
            json_next(json_get(span_of(line->declaration), "actions"), &pos, NULL, &action))
            json_raw_value(&out, json_get(action, "name"));
    }
    json_close(&out);
}

void locks_schemas(struct serve *serve, struct str *text)
{
    struct json_out out = { .str = text };
    struct span action;

    json_open(&out, '{');
    list_each (link, after, &serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        size_t pos = 0;

        while (json_next(json_get(span_of(line->declaration), "actions"), &pos, NULL,
                         &action)) {
            json_key_span(&out, json_get_raw(action, "name"));
            json_raw_value(&out, json_get(action, "args"));
        }
    }
    json_close(&out);
}

/* What a playbook gets for a change: see step_result(). */
static void put_change(struct json_out *out, struct span result)
{
    static const char *const any[] = { "after", "before", "changed" };

    json_open(out, '{');
    json_put_bool(out, "additionalProperties", false);
    json_key(out, "properties");
    json_open(out, '{');
    for (size_t i = 0; i < sizeof any / sizeof *any; i++)
        json_put_raw(out, any[i], span_of("{}"));
    json_put_raw(out, "result", json_kind(result) == JSON_OBJECT ? result : span_of("{}"));
    json_put_raw(out, "target", span_of("{}"));
    json_close(out);
    json_put(out, "type", "object");
    json_close(out);
}

void locks_results(struct serve *serve, struct json_out *out)
{
    struct span action;

    json_open(out, '{');
    list_each (link, after, &serve->locks) {
        struct lock_line *line = list_item(link, struct lock_line, in_serve);
        size_t pos = 0;

        while (json_next(json_get(span_of(line->declaration), "actions"), &pos, NULL,
                         &action)) {
            struct span result = json_get(action, "result");

            json_key_span(out, json_get_raw(action, "name"));
            if (!span_is(json_get_raw(action, "effect"), "reads"))
                put_change(out, result);
            else
                json_raw_value(out,
                               json_kind(result) == JSON_OBJECT ? result : span_of("{}"));
        }
    }
    json_close(out);
}

/* -- Writing ------------------------------------------------------------------------------ */

static int write_all(int fd, struct span text, const char *path, struct err *err)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, "write %s: %s", path, strerror(errno));
        text.ptr += n;
        text.len -= (size_t)n;
    }
    if (fsync(fd) != 0)
        return err_set(err, ERR_IO, "write %s: %s", path, strerror(errno));
    return 0;
}

/* The file is there whole, as it was or as it shall be. */
static int replace(struct serve *serve, struct span text, struct err *err)
{
    char *path = serve_path(serve, "plugins.lock");
    char *draft = serve_path(serve, "plugins.lock.new");
    int dir = open(serve->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc = 0;

    if (fd < 0 || dir < 0)
        rc = err_set(err, ERR_IO, "write %s: %s", draft, strerror(errno));
    else
        rc = write_all(fd, text, draft, err);
    if (rc == 0 && (rename(draft, path) != 0 || fsync(dir) != 0))
        rc = err_set(err, ERR_IO, "write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    free(path);
    free(draft);
    return rc;
}

static void put_others(struct json_out *out, struct serve *serve, const char *name)
{
    list_each (link, after, &serve->locks) {
        const struct lock_line *line = list_item(link, struct lock_line, in_serve);

        if (strcmp(line->name, name) != 0)
            json_put_raw(out, line->name, span_of(line->json));
    }
}

static int write_and_read(struct serve *serve, struct str *text, struct err *err)
{
    str_add_char(text, '\n');
    if (replace(serve, str_span(text), err) != 0)
        return err->code;
    return locks_read(serve, err);
}

int locks_put(struct serve *serve, const char *name, const char *path, struct span sha256,
              struct span declaration, const char *who, struct err *err)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    put_others(&out, serve, name);
    json_key(&out, name);
    json_open(&out, '{');
    json_put_int(&out, "at", clock_unix_ms());
    json_put(&out, "by", who);
    json_put_raw(&out, "declaration", declaration);
    json_put(&out, "path", path);
    json_put_span(&out, "sha256", sha256);
    json_close(&out);
    json_close(&out);
    int rc = write_and_read(serve, &text, err);
    str_fini(&text);
    return rc;
}

int locks_remove(struct serve *serve, const char *name, struct err *err)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    put_others(&out, serve, name);
    json_close(&out);
    int rc = write_and_read(serve, &text, err);
    str_fini(&text);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/schema.h"
#include "net/http.h"
#include "net/stream.h"
#include "plugin/check.h"
#include "plugin/harden.h"
#include "plugin/inside.h"
#include "plugin/record.h"
#include "plugin/wire.h"

enum { LIST_MAX = 256 };

/* -- Texts that leave ------------------------------------------------------------------------ */

void host_add_text(struct host *host, struct frame_writer *out, const char *text)
{
    struct str clean = { 0 };

    redact_to(&host->secrets, &clean, span_of(text));
    frame_add_span(out, str_span(&clean));
    str_fini(&clean);
}

/* A secret in a name or a number may leave something that is no JSON, or not canonical. */
void host_add_json(struct host *host, struct frame_writer *out, const char *json)
{
    struct str clean = { 0 }, canonical = { 0 };
    struct err err;

    if (!redact_to(&host->secrets, &clean, span_of(json)))
        frame_add_span(out, str_span(&clean));
    else if (json_canonical(&canonical, clean.ptr, clean.len, &err) == 0)
        frame_add_span(out, str_span(&canonical));
    else
        frame_add_text(out, "\"[secret]\"");
    str_fini(&clean);
    str_fini(&canonical);
}

static void send_failed(struct host *host, const char *sentence)
{
    struct frame_writer out;

    frame_begin(&out, stream_out(host->stream), FRAME_HOST_FAILED);
    host_add_text(host, &out, sentence);
    frame_finish(&out);
    stream_flush(host->stream);
    host->exit_status = HOST_EXIT_FAILED;
    loop_stop(host->loop); /* what is flushed in this turn still leaves */
}

static void send_ready(struct host *host)
{
    struct frame_writer out;
    struct str declaration = { 0 };
    char hex[HASH_HEX_LEN + 1];

    check_declare(host->plugin, &declaration);
    frame_begin(&out, stream_out(host->stream), FRAME_HOST_READY);
    frame_add_text(&out, hash_hex(host->load.hash, hex));
    host_add_json(host, &out, str_text(&declaration));
    frame_finish(&out);
    stream_flush(host->stream);
    str_fini(&declaration);
}

/* -- Loading ------------------------------------------------------------------------------------- */

/* The fields of FRAME_HOST_LOAD but the secrets; texts are heap. */
struct order {
    char *name, *path, *config, *record_dir, *ca_file;
    struct span wanted;
    char **allow;
    char **programs;
    char **paths;
};

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static void order_fini(struct order *order)
{
    free(order->name);
    free(order->path);
    free(order->config);
    free(order->record_dir);
    free(order->ca_file);
    free_list(order->allow);
    free_list(order->programs);
    free_list(order->paths);
}

/* A JSON list of texts, NULL at the end. */
static int read_list(char ***out, struct span json, const char *what, struct err *err)
{
    struct span item;
    size_t pos = 0, count = 0;
    char **list = xcalloc(LIST_MAX + 1, sizeof *list);

    *out = list;
    if (json.len == 0)
        return 0;
    if (json_check(json.ptr, json.len, JSON_LEN_MAX, err) != 0)
        return err_wrap(err, "%s", what);
    if (json_kind(json) != JSON_ARRAY)
        return err_set(err, ERR_INVALID, "%s: want a list", what);
    while (json_next(json, &pos, NULL, &item)) {
        if (count >= LIST_MAX || json_kind(item) != JSON_STRING)
            return err_set(err, ERR_INVALID, "%s: want a list of at most %d texts", what,
                           LIST_MAX);
        list[count++] = json_text(item);
    }
    return 0;
}

static int read_secrets(struct host *host, struct frame_reader *in, struct err *err)
{
    int64_t count = frame_get_int(in);

    for (int64_t i = 0; i < count && i <= REDACT_SECRETS_MAX; i++) {
        struct span name = frame_get_span(in);
        struct span value = frame_get_span(in);
        if (redact_add(&host->secrets, name, value, err) != 0)
            return err->code;
    }
    return 0;
}

static int read_order(struct host *host, struct order *order, struct span fields,
                      struct err *err)
{
    struct frame_reader in;

    frame_read(&in, fields);
    order->name = span_dup(frame_get_span(&in));
    order->path = span_dup(frame_get_span(&in));
    order->wanted = frame_get_span(&in);
    struct span config = frame_get_span(&in);
    order->config = config.len > 0 ? span_dup(config) : xstrdup("{}");
    struct span allow = frame_get_span(&in);
    struct span programs = frame_get_span(&in);
    struct span paths = frame_get_span(&in);
    order->record_dir = span_dup(frame_get_span(&in));
    if (read_list(&order->allow, allow, "hosts", err) != 0 ||
        read_list(&order->programs, programs, "programs", err) != 0 ||
        read_list(&order->paths, paths, "paths", err) != 0 ||
        read_secrets(host, &in, err) != 0)
        return err->code;
    return frame_end(&in, err);
}

static int check_config(const struct host *host, const char *config, struct err *err)
{
    const char *schema = host->plugin->config_schema;
    struct span span = span_of(config);

    if (json_check(config, span.len, JSON_LEN_MAX, err) != 0)
        return err_wrap(err, "configuration");
    if (schema && schema_match(span_of(schema), span, err) != 0)
        return err_wrap(err, "configuration");
    if (!schema && json_count(span) > 0)
        return err_set(err, ERR_INVALID, "configuration: plugin %s takes none, so want {}",
                       host->plugin->name);
    return 0;
}

static int open_plugin(struct host *host, const char *config, struct err *err)
{
    if (check_config(host, config, err) != 0)
        return err->code;
    plugin_enter();
    int rc = host->plugin->open(&host_api, config, &host->state);
    plugin_leave();
    if (rc != 0)
        return err_set(err, ERR_INVALID, "%s",
                       host->fail_text ? host->fail_text
                                       : "its open() refused, and did not say why");
    host->is_open = true;
    return 0;
}

static int set_up(struct host *host, struct order *order, struct err *err)
{
    struct http_options options = { .allow = (const char *const *)order->allow };
    struct span ca_file = json_get(span_of(order->config), "ca_file");

    order->ca_file = json_kind(ca_file) == JSON_STRING ? json_text(ca_file) : NULL;
    options.ca_file = order->ca_file;
    if (http_open(&host->http, host->loop, &options, err) != 0)
        return err->code;
    if (*order->record_dir && record_open(&host->record, order->record_dir, order->name,
                                          &host->secrets, err) != 0)
        return err->code;
    host->programs = order->programs;
    order->programs = NULL;
    return harden_plugin(&(struct harden_reach){ .file = order->path,
                                                 .ca_file = order->ca_file,
                                                 .record_dir = order->record_dir,
                                                 .paths = (const char *const *)order->paths,
                                                 .hosts = (const char *const *)order->allow,
                                                 .programs =
                                                     (const char *const *)host->programs },
                         err);
}

static int load(struct host *host, struct order *order, struct err *err)
{
    struct span config = span_of(order->config);

    if (json_check(config.ptr, config.len, JSON_LEN_MAX, err) != 0)
        return err_wrap(err, "configuration");
    if (set_up(host, order, err) != 0)
        return err->code;
    plugin_enter(); /* constructors run in here */
    int rc = load_open(&host->load, order->name, order->path, order->wanted, err);
    plugin_leave();
    if (rc != 0 || check_plugin(host->load.plugin, order->name, err) != 0)
        return err->code;
    host->plugin = host->load.plugin;
    return open_plugin(host, order->config, err);
}

static void on_load(struct host *host, struct span fields)
{
    struct order order = { 0 };
    struct str role = { 0 };
    struct err err;

    if (read_order(host, &order, fields, &err) == 0) {
        str_printf(&role, "host %s", order.name);
        log_open(str_text(&role));
        str_fini(&role);
        if (load(host, &order, &err) == 0)
            send_ready(host);
    }
    if (!host->is_open && err.code == ERR_BUSY) {
        log_warnx("%s", err.text);
        host->exit_status = HOST_EXIT_LACKING;
        loop_stop(host->loop);
    } else if (!host->is_open) {
        send_failed(host, err.text);
    }
    order_fini(&order);
}

/* -- Frames ------------------------------------------------------------------------------------------ */

static void on_saved(struct host *host, int64_t id)
{
    struct work *work = work_find(host, id);

    if (work) /* it may have been answered meanwhile */
        progress_saved(work);
}

static int64_t read_id(struct span fields)
{
    struct frame_reader in;
    struct err err;

    frame_read(&in, fields);
    int64_t id = frame_get_int(&in);
    if (frame_end(&in, &err) != 0)
        fatalx("the engine sent a frame that cannot be read: %s", err.text);
    return id;
}

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct host *host = arg;

    if (type == FRAME_HOST_LOAD && !host->load.handle && host->exit_status == HOST_EXIT_OK)
        on_load(host, fields);
    else if (host->is_open && type == FRAME_HOST_CALL)
        work_start(host, fields);
    else if (host->is_open && type == FRAME_HOST_SAVED)
        on_saved(host, read_id(fields));
    else if (host->is_open && type == FRAME_HOST_CANCEL)
        work_cancel(host, read_id(fields));
    else if (host->exit_status == HOST_EXIT_OK)
        fatalx("the engine sent a frame of type %d, which does not belong here", (int)type);
}

static void on_closed(void *arg, const char *why)
{
    struct host *host = arg;

    log_debug("the engine has gone: %s", why);
    work_free_all(host); /* before anything of theirs can look for the stream */
    host->stream = NULL;
    loop_stop(host->loop);
}

/* -- The process ----------------------------------------------------------------------------------------- */

/* Calls that are under way end without an answer: there is nobody to hear it. */
static void close_host(struct host *host)
{
    work_free_all(host);
    if (host->is_open && host->plugin->close) {
        plugin_enter();
        host->plugin->close(host->state);
        plugin_leave();
    }
    http_close(host->http);
    record_close(host->record);
    stream_close(host->stream);
    free_list(host->programs);
    free(host->fail_text);
    redact_fini(&host->secrets);
    call_free_all();
    loop_run(host->loop); /* lets the closing descriptors close */
    loop_close(host->loop);
    load_close(&host->load);
}

int host_main(int fd)
{
    struct host host = { .exit_status = HOST_EXIT_OK };
    struct err err;

    log_open("host");
    hash_setup();
    if (harden_process(fd, &err) != 0)
        fatalx("give up rights: %s", err.text);
    list_init(&host.works);
    host.loop = loop_open();
    api_setup(&host);
    wire_setup(&host);
    if (stream_open(&host.stream, host.loop, fd, on_frame, on_closed, &host, &err) != 0)
        fatalx("%s", err.text);
    stream_keep_secret(host.stream);
    loop_run(host.loop);
    close_host(&host);
    return host.exit_status;
}

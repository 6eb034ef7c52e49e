/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/catalogue.c - the playbooks that alerts may start, and routes.lua.
 *
 * cordon.lua's "playbooks" names files, and folders of which each *.lua is one but for
 * *.test.lua, policy.lua and routes.lua. A file that changes is another version, for alerts that come from then on. What
 * cannot be read is left out and told; what was good goes on with the version it had.
 */
#include "serve/alerts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/said.h"
#include "serve/child.h"
#include "serve/inside.h"
#include "serve/notices.h"
#include "serve/sources.h"
#include "vm/place.h"

enum { CATALOGUE_MAX = 500 };

struct item { /* a file */
    struct list in_catalogue;
    struct serve *serve;
    char *path, *name; /* name: without .lua */
    struct stamp stamp;
    char hash[HASH_HEX_LEN + 1]; /* the version that is in force; "": none */
    char next[HASH_HEX_LEN + 1]; /* that is being loaded */
    char *source, *error;
    bool is_seen;
};

struct catalogue {
    struct list items;
    char *routes_path;
    struct stamp routes_stamp;
    struct str routes; /* JSON list, "[]" without a file */
    char *routes_error;
    char *routes_source; /* that is being read */
    bool is_reading_routes;
    int pending;
    struct timer again; /* runs while it is looked once more, for want of descriptors */
    int lacks;
    bool is_lacking; /* something could not be read in this look */
    bool is_changed; /* since the engine was told */
    bool is_renamed; /* cordon.lua names others than those that are being read */
    catalogue_done_fn *done;
};

static struct catalogue *catalogue_of(struct serve *serve)
{
    if (serve->catalogue == NULL) {
        serve->catalogue = xcalloc(1, sizeof *serve->catalogue);
        list_init(&serve->catalogue->items);
        str_add_text(&serve->catalogue->routes, "[]");
    }
    return serve->catalogue;
}

static void free_item(struct item *item)
{
    list_remove(&item->in_catalogue);
    free(item->path);
    free(item->name);
    free(item->source);
    free(item->error);
    free(item);
}

void catalogue_close(struct serve *serve)
{
    struct catalogue *catalogue = serve->catalogue;

    if (catalogue == NULL)
        return;
    timer_stop(&catalogue->again);
    while (!list_is_empty(&catalogue->items))
        free_item(list_item(list_take(&catalogue->items), struct item, in_catalogue));
    free(catalogue->routes_path);
    free(catalogue->routes_error);
    free(catalogue->routes_source);
    str_fini(&catalogue->routes);
    free(catalogue);
    serve->catalogue = NULL;
}

void catalogue_each(struct serve *serve, void (*fn)(void *arg, struct span hash), void *arg)
{
    list_each (link, after, &catalogue_of(serve)->items) {
        struct item *item = list_item(link, struct item, in_catalogue);

        if (item->hash[0] != '\0')
            fn(arg, span_of(item->hash));
    }
}

void catalogue_each_error(struct serve *serve,
                          void (*fn)(void *arg, const char *path, const char *why),
                          void *arg)
{
    struct catalogue *catalogue = catalogue_of(serve);

    list_each (link, after, &catalogue->items) {
        struct item *item = list_item(link, struct item, in_catalogue);

        if (item->error != NULL)
            fn(arg, item->path, item->error);
    }
    if (catalogue->routes_error != NULL)
        fn(arg, catalogue->routes_path, catalogue->routes_error);
}

struct span catalogue_version(struct serve *serve, struct span name)
{
    list_each (link, after, &catalogue_of(serve)->items) {
        struct item *item = list_item(link, struct item, in_catalogue);

        if (span_is(name, item->name) && item->hash[0] != '\0')
            return span_of(item->hash);
    }
    return (struct span){ 0 };
}

bool catalogue_is_reading(const struct serve *serve)
{
    return serve->catalogue != NULL && serve->catalogue->pending > 0;
}

/* -- the engine is told ---------------------------------------------------------------------- */

static void add_hash(void *arg, struct span hash)
{
    struct json_out *out = arg;

    json_string_span(out, hash);
}

static void tell(struct serve *serve)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_key(&out, "playbooks");
    json_open(&out, '[');
    catalogue_each(serve, add_hash, &out);
    json_close(&out);
    json_put_raw(&out, "routes", str_span(&catalogue_of(serve)->routes));
    json_close(&out);
    pump_event(serve, &(struct event){ .kind = EV_CATALOGUE, .json = str_span(&text) });
    str_fini(&text);
}

/* FILE:LINE:COLUMN of "on_alert.when.source: ..." in the playbook's file, as it was read. */
static void put_place(struct serve *serve, const char *playbook, const char *text,
                      struct str *out)
{
    struct span version = catalogue_version(serve, span_of(playbook));
    const struct known *known = serve_known(serve, version);
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_.");

    if (known == NULL || known->path == NULL)
        return;
    struct place place = place_find(span_of(known->source), (struct span){ text, len });
    str_printf(out, "%s:%d:%d: ", known->path, place.line, place.column);
}

/* "routes[2].notify: ..." stands at "[1].notify" of the file. */
static char *with_place(const struct catalogue *catalogue, const char *text)
{
    struct str path = { 0 }, all = { 0 };
    static const char begin[] = "routes[";
    char *rest = NULL;
    long number = 0;

    if (strncmp(text, begin, sizeof begin - 1) == 0)
        number = strtol(text + sizeof begin - 1, &rest, 10);
    if (number > 0 && *rest == ']')
        str_printf(&path, "[%ld]%s", number - 1, rest + 1);
    struct place place = place_of_error(span_of(catalogue->routes_source), str_text(&path));
    str_printf(&all, "%s:%d:%d: %s", catalogue->routes_path, place.line, place.column,
               text);
    char *kept = xstrdup(str_text(&all));
    str_fini(&path);
    str_fini(&all);
    return kept;
}

struct unreached {
    struct serve *serve;
    void (*fn)(void *arg, const char *text);
    void *arg;
};

static void tell_unreached(void *arg, const char *playbook, const char *text)
{
    struct unreached *unreached = arg;
    struct str all = { 0 };

    if (playbook != NULL) {
        put_place(unreached->serve, playbook, text, &all);
        str_printf(&all, "playbook %s: %s", playbook, text);
    } else {
        char *placed = with_place(catalogue_of(unreached->serve), text);

        str_add_text(&all, placed);
        free(placed);
    }
    unreached->fn(unreached->arg, str_text(&all));
    str_fini(&all);
}

void catalogue_each_unreached(struct serve *serve, void (*fn)(void *arg, const char *text),
                              void *arg)
{
    struct unreached unreached = { .serve = serve, .fn = fn, .arg = arg };
    struct str sources = { 0 };

    sources_put_known(serve, &sources);
    engine_reach(serve->engine, str_span(&sources), tell_unreached, &unreached);
    str_fini(&sources);
}

static void warn_unreached(void *arg, const char *text)
{
    (void)arg;
    log_warnx("%s", text);
}

static void one_less(struct serve *serve)
{
    struct catalogue *catalogue = catalogue_of(serve);
    catalogue_done_fn *done = catalogue->done;

    if (--catalogue->pending > 0)
        return;
    if (catalogue->is_renamed) {
        catalogue_reread(serve);
        return;
    }
    if (catalogue->is_changed) {
        tell(serve);
        catalogue_each_unreached(serve, warn_unreached, NULL);
    }
    catalogue->is_changed = false;
    catalogue->done = NULL;
    if (done != NULL)
        done(serve);
    alerts_go_on(serve);
}

/* -- playbooks ------------------------------------------------------------------------------- */

static void say_wrong(struct item *item, const char *why)
{
    free(item->error);
    item->error = xstrdup(why);
    log_warnx("%s: %s%s", item->path, why,
              item->hash[0] != '\0' ? "; the version before it stays in force" : "");
}

static void take_version(struct item *item)
{
    item->serve->catalogue->is_changed = true;
    memcpy(item->hash, item->next, sizeof item->hash);
    free(item->error);
    item->error = NULL;
}

static void on_loaded(void *arg, bool ok, struct span json)
{
    struct item *item = arg;
    struct serve *serve = item->serve;
    struct arena arena = { 0 };

    if (!ok) {
        struct span why = vms_error(&arena, span_of(item->name), json);
        char *text = span_dup(why);

        say_wrong(item, text);
        free(text);
        if (json_get_bool(json, "lack", false)) /* read again at the next look */
            item->stamp = (struct stamp){ 0 };
    } else {
        starts_know(serve, span_of(item->next), span_of(item->name), item->source,
                    item->path, "", json);
        take_version(item);
    }
    arena_fini(&arena);
    free(item->source);
    item->source = NULL;
    one_less(serve);
}

static void read_item(struct item *item)
{
    struct serve *serve = item->serve;
    struct str source = { 0 };
    struct err err;

    if (item->source != NULL)
        return; /* still being loaded: the next look sees that its stamp is another one */
    serve_stamp(&item->stamp, item->path);
    int rc = serve_read_file(&source, item->path, SERVE_FILE_MAX, &err);
    if (rc == ERR_BUSY) {
        item->stamp = (struct stamp){ 0 };
        serve->catalogue->is_lacking = true;
    }
    if (rc == ERR_BUSY && serve->catalogue->lacks < CHILD_TRIES_MAX) {
        child_say_lack("a playbook's file", &err);
        str_fini(&source);
        return;
    }
    if (rc != 0) {
        say_wrong(item, err.text);
        str_fini(&source);
        return;
    }
    hash_hex(hash_of(source.ptr, source.len), item->next);
    if (serve_known(serve, span_of(item->next)) != NULL) {
        take_version(item);
        str_fini(&source);
        return;
    }
    item->source = str_take(&source);
    serve->catalogue->pending++;
    vms_load(serve, span_of(item->next), span_of(item->name), span_of(item->source),
             on_loaded, item);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), wanted = strlen(end);

    return len > wanted && strcmp(text + len - wanted, end) == 0;
}

static void see_file(struct serve *serve, const char *path)
{
    struct catalogue *catalogue = catalogue_of(serve);
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    struct stamp now;
    int count = 0;

    /* What lies beside playbooks, and is none. */
    if (!ends_with(path, ".lua") || ends_with(path, ".test.lua") ||
        strcmp(base, "policy.lua") == 0 || strcmp(base, "routes.lua") == 0)
        return;
    serve_stamp(&now, path);
    list_each (link, after, &catalogue->items) {
        struct item *item = list_item(link, struct item, in_catalogue);

        count++;
        if (strcmp(item->path, path) != 0)
            continue;
        item->is_seen = true;
        if (!serve_stamp_same(&now, &item->stamp))
            read_item(item);
        return;
    }
    if (count >= CATALOGUE_MAX) {
        log_warnx("%s: there may be %d playbooks; this one is left out", path,
                  CATALOGUE_MAX);
        return;
    }
    struct item *item = xcalloc(1, sizeof *item);
    item->serve = serve;
    item->path = xstrdup(path);
    item->name = span_dup((struct span){ base, strlen(base) - strlen(".lua") });
    item->is_seen = true;
    list_add(&catalogue->items, &item->in_catalogue);
    read_item(item);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A folder that cannot be read just now, for want of descriptors or by a fault of the disk, has
 * not lost its playbooks: an alert that comes meanwhile starts what it would have started. */
static void keep_all(struct catalogue *catalogue, const char *path)
{
    static struct said said;
    int64_t withheld;

    catalogue->is_lacking = catalogue->is_lacking || err_of_errno(errno) == ERR_BUSY;
    if (said_now(&said, span_of(path), span_of(strerror(errno)), clock_mono_us() / 1000,
                 &withheld))
        log_warnx("%s: %s; the playbooks that were read there before stay", path,
                  strerror(errno));
    list_each (link, after, &catalogue->items) {
        list_item(link, struct item, in_catalogue)->is_seen = true;
    }
}

static void see(struct serve *serve, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_visible, alphasort);
    struct str full = { 0 };

    if (count < 0 && errno != ENOTDIR && errno != ENOENT) {
        keep_all(serve->catalogue, path);
        return;
    }
    if (count < 0) {
        see_file(serve, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        str_reset(&full);
        str_printf(&full, "%s/%s", path, entries[i]->d_name);
        see_file(serve, str_text(&full));
        free(entries[i]);
    }
    free(entries);
    str_fini(&full);
}

static void drop_unseen(struct catalogue *catalogue)
{
    list_each (link, after, &catalogue->items) {
        struct item *item = list_item(link, struct item, in_catalogue);

        if (!item->is_seen && item->source == NULL) {
            catalogue->is_changed = true;
            free_item(item);
        }
    }
}

/* -- routes ---------------------------------------------------------------------------------- */

/* The channels that routes name are looked for in cordon.lua. */
static int check_channels(struct serve *serve, struct span routes, struct err *err)
{
    struct span route;
    size_t pos = 0;
    char what[40];

    for (int i = 1; json_next(routes, &pos, NULL, &route); i++) {
        snprintf(what, sizeof what, "routes[%d].notify", i);
        if (notices_check_names(notices_config(serve), json_get(route, "notify"), what,
                                err) != 0)
            return err->code;
    }
    return 0;
}

static void on_routes(void *arg, bool ok, struct span json)
{
    struct serve *serve = arg;
    struct catalogue *catalogue = serve->catalogue;
    struct arena arena = { 0 };
    struct err err = { 0 };

    catalogue->is_reading_routes = false;
    free(catalogue->routes_error);
    catalogue->routes_error = NULL;
    if (!ok) {
        struct span why = vms_error(&arena, span_of(catalogue->routes_path), json);

        catalogue->routes_error = span_dup(why);
        if (json_get_bool(json, "lack", false))
            catalogue->routes_stamp = (struct stamp){ 0 };
    } else if (engine_check_routes(json, &err) != 0 ||
               routes_check_paths(serve, json, &err) != 0 ||
               check_channels(serve, json, &err) != 0) {
        catalogue->routes_error = with_place(catalogue, err.text);
    } else {
        catalogue->is_changed = true;
        str_reset(&catalogue->routes);
        str_add_span(&catalogue->routes, json_count(json) > 0 ? json : span_of("[]"));
    }
    if (catalogue->routes_error != NULL)
        log_warnx("%s", catalogue->routes_error);
    arena_fini(&arena);
    one_less(serve);
}

static void read_routes(struct serve *serve)
{
    struct catalogue *catalogue = catalogue_of(serve);
    struct stamp now;
    struct str source = { 0 };
    struct err err;

    if (catalogue->routes_path == NULL || catalogue->is_reading_routes)
        return;
    serve_stamp(&now, catalogue->routes_path);
    if (serve_stamp_same(&now, &catalogue->routes_stamp))
        return;
    catalogue->routes_stamp = now;
    int rc = serve_read_file(&source, catalogue->routes_path, SERVE_FILE_MAX, &err);
    if (rc == ERR_BUSY) {
        catalogue->routes_stamp = (struct stamp){ 0 };
        catalogue->is_lacking = true;
    }
    if (rc != 0) {
        free(catalogue->routes_error);
        catalogue->routes_error = xstrdup(err.text);
        log_warnx("%s", err.text);
    } else {
        catalogue->pending++;
        catalogue->is_reading_routes = true;
        free(catalogue->routes_source);
        catalogue->routes_source = span_dup(str_span(&source));
        vms_data(serve, catalogue->routes_path, str_span(&source), on_routes, serve);
    }
    str_fini(&source);
}

/* -- all of it ------------------------------------------------------------------------------- */

static void look(struct serve *serve);

static void on_again(void *arg)
{
    look(arg);
    one_less(arg);
}

/* What could not be read for want of descriptors is read soon. Alerts wait, since what it would
 * have started may be there. */
static void look_again(struct serve *serve)
{
    struct catalogue *catalogue = serve->catalogue;

    if (!catalogue->is_lacking) {
        catalogue->lacks = 0;
    } else if (catalogue->lacks < CHILD_TRIES_MAX) {
        catalogue->pending++;
        timer_start(&catalogue->again, serve->loop, child_break_ms(catalogue->lacks++),
                    on_again, serve);
    }
}

static void look(struct serve *serve)
{
    struct catalogue *catalogue = catalogue_of(serve);
    struct span paths = json_get(str_span(&serve->config), "playbooks"), path;
    size_t pos = 0;

    catalogue->is_lacking = false;
    list_each (link, after, &catalogue->items) {
        list_item(link, struct item, in_catalogue)->is_seen = false;
    }
    while (json_next(paths, &pos, NULL, &path)) {
        char *full = config_resolve(serve, path);

        see(serve, full);
        free(full);
    }
    drop_unseen(catalogue);
    read_routes(serve);
    look_again(serve);
}

void catalogue_read(struct serve *serve, catalogue_done_fn *done)
{
    struct catalogue *catalogue = catalogue_of(serve);
    struct span routes = json_get(str_span(&serve->config), "routes");

    free(catalogue->routes_path);
    catalogue->routes_path = routes.len > 0 ? config_resolve(serve, routes) : NULL;
    catalogue->done = done;
    catalogue->is_changed = true; /* the engine has never been told */
    catalogue->pending++;         /* so that it ends once */
    look(serve);
    one_less(serve);
}

/* What is being read goes on; what else there is now is seen when that has ended. */
void catalogue_reread(struct serve *serve)
{
    struct catalogue *catalogue = catalogue_of(serve);
    struct span routes = json_get(str_span(&serve->config), "routes");

    if (catalogue->pending > 0) {
        catalogue->is_renamed = true;
        return;
    }
    free(catalogue->routes_path);
    catalogue->routes_path = routes.len > 0 ? config_resolve(serve, routes) : NULL;
    catalogue->routes_stamp = (struct stamp){ 0 };
    if (catalogue->routes_path == NULL) {
        str_reset(&catalogue->routes);
        str_add_text(&catalogue->routes, "[]");
    }
    catalogue->is_renamed = false;
    catalogue->is_changed = true;
    catalogue->pending++;
    look(serve);
    one_less(serve);
}

void catalogue_check(struct serve *serve)
{
    struct catalogue *catalogue = catalogue_of(serve);

    if (catalogue->pending > 0 || json_get(str_span(&serve->config), "playbooks").len == 0)
        return;
    catalogue->pending++;
    look(serve);
    one_less(serve);
}

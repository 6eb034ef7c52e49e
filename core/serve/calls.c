/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/calls.c - which version a name means to a run that calls it.
 *
 *   the catalogue has the name ────────────────► its version in force
 *   NAME.lua lies beside the caller's file ────► that file as it is now, loaded when it is new
 *   neither ───────────────────────────────────► the engine takes the newest that came in
 *
 * The engine starts the called run with the version that is found, and journals its hash: a
 * replay looks at no file.
 */
#include "serve/inside.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/alerts.h"

struct finding {
    struct list in_serve;
    struct serve *serve;
    struct later later;
    int64_t run;
    char *json, *name, *path, *by;
    char *source; /* of path, while it is being loaded */
    char hash[HASH_HEX_LEN + 1];
    char why[768];
};

static void free_finding(struct finding *finding)
{
    list_remove(&finding->in_serve);
    later_stop(&finding->later);
    free(finding->json);
    free(finding->name);
    free(finding->path);
    free(finding->by);
    free(finding->source);
    free(finding);
}

void calls_close(struct serve *serve)
{
    while (!list_is_empty(&serve->finding))
        free_finding(list_item(list_take(&serve->finding), struct finding, in_serve));
}

static void answer(void *arg)
{
    struct finding *finding = arg;

    pump_event(finding->serve, &(struct event){ .kind = EV_FOUND,
                                                .run = finding->run,
                                                .json = span_of(finding->json),
                                                .name = span_of(finding->hash),
                                                .text = span_of(finding->why) });
    free_finding(finding);
}

static void on_loaded(void *arg, bool ok, struct span json)
{
    struct finding *finding = arg;
    struct arena arena = { 0 };

    if (ok) {
        starts_know(finding->serve, span_of(finding->hash), span_of(finding->name),
                    finding->source, finding->path, finding->by, json);
    } else {
        struct span why = vms_error(&arena, span_of(finding->path), json);

        snprintf(finding->why, sizeof finding->why, "%.*s", (int)why.len, why.ptr);
    }
    arena_fini(&arena);
    answer(finding);
}

/* -- beside the caller ----------------------------------------------------------------------- */

/* Letters, digits, "-" and "_": a name leads to no other folder. */
static bool is_file_name(const char *name)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-_";

    return name[0] != '\0' && name[strspn(name, signs)] == '\0';
}

static char *path_beside(const char *caller, const char *name)
{
    const char *slash = caller != NULL ? strrchr(caller, '/') : NULL;
    struct str path = { 0 };

    if (slash == NULL || !is_file_name(name))
        return NULL;
    str_add(&path, caller, (size_t)(slash + 1 - caller));
    str_printf(&path, "%s.lua", name);
    return str_take(&path);
}

/* In a folder that many may write to, another's file is not what the caller's author meant. */
static bool is_of_same_people(const char *path, const char *caller)
{
    struct stat status, other;

    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    return status.st_uid == 0 || status.st_uid == geteuid() ||
           (stat(caller, &other) == 0 && other.st_uid == status.st_uid);
}

/* True when it is being loaded, and answers by itself. */
static bool load_beside(struct finding *finding, const char *caller)
{
    struct serve *serve = finding->serve;
    struct str source = { 0 };
    struct err err;

    finding->path = path_beside(caller, finding->name);
    if (finding->path == NULL || access(finding->path, F_OK) != 0)
        return false;
    if (!is_of_same_people(finding->path, caller)) {
        snprintf(finding->why, sizeof finding->why,
                 "%.300s belongs to another person than the playbook that calls it: its "
                 "owner must be that of %.300s",
                 finding->path, caller);
        return false;
    }
    if (serve_read_file(&source, finding->path, SERVE_FILE_MAX, &err) != 0) {
        snprintf(finding->why, sizeof finding->why, "%s", err.text);
        str_fini(&source);
        return false;
    }
    hash_hex(hash_of(source.ptr, source.len), finding->hash);
    finding->source = str_take(&source);
    if (serve_known(serve, span_of(finding->hash)) != NULL)
        return false;
    vms_load(serve, span_of(finding->hash), span_of(finding->name),
             span_of(finding->source), on_loaded, finding);
    return true;
}

void calls_find(struct serve *serve, const struct command *command)
{
    struct finding *finding = xcalloc(1, sizeof *finding);
    struct span version = catalogue_version(serve, command->name);
    const struct known *caller = serve_known(serve, json_get_raw(command->bytes, "caller"));

    finding->serve = serve;
    finding->run = command->run;
    finding->json = span_dup(command->bytes);
    finding->name = span_dup(command->name);
    finding->by = json_get_text(command->bytes, "by");
    list_add(&serve->finding, &finding->in_serve);
    if (version.len > 0)
        snprintf(finding->hash, sizeof finding->hash, "%.*s", (int)version.len,
                 version.ptr);
    else if (caller != NULL && load_beside(finding, caller->path))
        return;
    loop_later(serve->loop, &finding->later, answer, finding);
}

/* -- for a check --------------------------------------------------------------------------- */

enum { BESIDE_MAX = 1000 }; /* files of a folder that are looked at */

struct listing {
    struct str text;
    struct json_out out;
};

static void put_params(void *arg, const char *name, struct span params)
{
    struct listing *listing = arg;

    json_put_raw(&listing->out, name, params.len > 0 ? params : span_of("{}"));
}

static void put_file(struct listing *listing, const char *known, const char *name)
{
    if (is_file_name(name) && json_get(span_of(known), name).len == 0)
        json_put_raw(&listing->out, name, span_of("null"));
}

static void put_beside(const char *path, const char *known, struct listing *listing)
{
    const char *slash = strrchr(path, '/');
    struct str folder = { 0 };
    const struct dirent *entry;

    str_printf(&folder, "%.*s/", slash != NULL ? (int)(slash - path) : 1,
               slash != NULL ? path : ".");
    DIR *dir = opendir(str_text(&folder));
    for (int i = 0; dir != NULL && i < BESIDE_MAX && (entry = readdir(dir)) != NULL; i++) {
        size_t len = strlen(entry->d_name);
        bool is_lua = len > 4 && strcmp(entry->d_name + len - 4, ".lua") == 0;
        char *name = span_dup((struct span){ entry->d_name, is_lua ? len - 4 : 0 });

        put_file(listing, known, name);
        free(name);
    }
    if (dir != NULL)
        closedir(dir);
    str_fini(&folder);
}

void calls_put_known(struct serve *serve, const char *path, struct json_out *out)
{
    struct listing known = { .out.str = &known.text }, all = { .out.str = &all.text };

    json_open(&known.out, '{');
    json_open(&all.out, '{');
    engine_each_params(serve->engine, put_params, &known);
    engine_each_params(serve->engine, put_params, &all);
    json_close(&known.out);
    put_beside(path, str_text(&known.text), &all);
    json_close(&all.out);
    json_put_raw(out, "playbooks", str_span(&all.text));
    str_fini(&known.text);
    str_fini(&all.text);
}

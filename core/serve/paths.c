/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "serve/inside.h"

enum { PROTECTED_MAX = 8 };
static const char writable[] = ":rw";

/* What is kept from every plugin, without links; NULL where it is not there. */
struct kept {
    char *paths[PROTECTED_MAX];
    const char *what[PROTECTED_MAX];
    int count;
};

static void keep(struct kept *kept, const char *path, const char *what)
{
    char *full = path ? realpath(path, NULL) : NULL;

    if (full == NULL)
        return;
    kept->paths[kept->count] = full;
    kept->what[kept->count++] = what;
}

static void keep_option(struct kept *kept, struct serve *serve, const char *option,
                        const char *what)
{
    struct span path = json_path(str_span(&serve->config), option);
    char *full = path.len > 0 ? config_resolve(serve, path) : NULL;

    keep(kept, full, what);
    free(full);
}

static void keep_all(struct kept *kept, struct serve *serve)
{
    keep(kept, serve->dir, "the state directory");
    keep(kept, serve->config_path, "the configuration");
    keep(kept, serve->policy_path, "the policy");
    keep_option(kept, serve, "secrets", "the directory of secrets");
    keep_option(kept, serve, "routes", "routes.lua");
    keep_option(kept, serve, "serve.console.key", "the console's key");
    keep_option(kept, serve, "serve.ingress.key", "the ingress's key");
}

static void kept_fini(struct kept *kept)
{
    for (int i = 0; i < kept->count; i++)
        free(kept->paths[i]);
}

/* Is it the directory, or in it? */
static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    if (len == 1)
        return true;
    return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static int check_kept(const struct kept *kept, const char *path, struct err *err)
{
    for (int i = 0; i < kept->count; i++)
        if (is_below(path, kept->paths[i]) || is_below(kept->paths[i], path))
            return err_set(err, ERR_DENIED,
                           "paths: %s leads to %s (%s), which no plugin may reach; name a "
                           "directory that has neither above or below it",
                           path, kept->what[i], kept->paths[i]);
    return 0;
}

/* Writes one; with what it is called, for errors. */
static int resolve_one(struct json_out *out, struct serve *serve, const struct kept *kept,
                       struct span item, struct err *err)
{
    char *said = json_text(item);
    size_t len = strlen(said), end = sizeof writable - 1;
    bool is_writable = len > end && strcmp(said + len - end, writable) == 0;
    struct str json = { 0 }, full = { 0 };
    struct json_out text = { .str = &json };

    if (is_writable)
        said[len - end] = '\0';
    json_string(&text, said);
    char *path = said[0] != '\0' ? config_resolve(serve, str_span(&json)) : NULL;
    char *real = path ? realpath(path, NULL) : NULL;
    int rc = real != NULL ? check_kept(kept, real, err)
                          : err_set(err, path ? err_of_errno(errno) : ERR_NOT_FOUND,
                                    "paths: \"%s\": %s; make it, or take it away", said,
                                    path ? strerror(errno)
                                         : "want the path of a file or a directory");
    if (rc == 0) {
        str_printf(&full, "%s%s", real, is_writable ? writable : "");
        json_string(out, str_text(&full));
    }
    str_fini(&json);
    str_fini(&full);
    free(said);
    free(path);
    free(real);
    return rc;
}

static bool is_reached(struct span list, const char *file)
{
    char *real = realpath(file, NULL);
    struct span item;
    size_t pos = 0;
    bool is_found = real == NULL; /* what is not there the plugin says itself */

    while (!is_found && json_next(list, &pos, NULL, &item)) {
        char *path = json_text(item);
        size_t len = strlen(path), end = sizeof writable - 1;

        if (len > end && strcmp(path + len - end, writable) == 0)
            path[len - end] = '\0';
        is_found = is_below(real, path);
        free(path);
    }
    free(real);
    return is_found;
}

/* A plugin that cannot read its file would only say so when it is called. */
static int check_files(struct span list, struct span config, struct err *err)
{
    static const char end[] = "_file";
    struct span key, value;
    size_t pos = 0;
    int rc = 0;

    while (rc == 0 && json_next(config, &pos, &key, &value)) {
        bool is_file =
            key.len >= sizeof end - 1 &&
            memcmp(key.ptr + key.len - (sizeof end - 1), end, sizeof end - 1) == 0 &&
            !span_is(key, "ca_file") && json_kind(value) == JSON_STRING;
        char *path = is_file ? json_text(value) : NULL;

        if (path && path[0] == '/' && !is_reached(list, path))
            rc = err_set(
                err, ERR_INVALID,
                "config.%.*s: %s is in none of its paths; add its directory to paths",
                (int)key.len, key.ptr, path);
        free(path);
    }
    return rc;
}

int paths_resolve(struct str *list, struct serve *serve, struct span plugin,
                  struct err *err)
{
    struct span paths = json_get(plugin, "paths"), item;
    struct json_out out = { .str = list };
    struct kept kept = { 0 };
    size_t pos = 0;
    int rc = 0;

    if (json_count(paths) > PATHS_MAX)
        return err_set(err, ERR_TOO_BIG, "paths: more than %d (PATHS_MAX)", PATHS_MAX);
    keep_all(&kept, serve);
    json_open(&out, '[');
    while (rc == 0 && json_next(paths, &pos, NULL, &item))
        rc = resolve_one(&out, serve, &kept, item, err);
    json_close(&out);
    kept_fini(&kept);
    return rc == 0 ? check_files(str_span(list), json_get(plugin, "config"), err) : rc;
}

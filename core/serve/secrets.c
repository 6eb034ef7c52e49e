/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/secrets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/json.h"
#include "serve/inside.h"
#include "serve/secret_file.h"

/* A name is a file's name and cannot lead elsewhere. */
static bool is_name(struct span name)
{
    if (name.len == 0 || name.len > SECRET_NAME_MAX || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

/* The directory of systemd's credentials when it has one of that name, else the secrets directory. */
static const char *dir_of(const char *name, const char *dir)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    struct str path = { 0 };
    struct stat st;

    if (credentials == NULL || credentials[0] != '/')
        return dir;
    str_printf(&path, "%s/%s", credentials, name);
    bool is_there = lstat(str_text(&path), &st) == 0;
    str_fini(&path);
    return is_there ? credentials : dir;
}

static int read_one(struct str *value, const char *dir, const char *name, struct err *err)
{
    int rc = secret_file_read(value, dir_of(name, dir), name, SECRET_LEN_MAX, err);

    while (value->len > 0 &&
           (value->ptr[value->len - 1] == '\n' || value->ptr[value->len - 1] == '\r'))
        value->ptr[--value->len] = '\0'; /* the end of the line is the editor's */
    return rc;
}

int secrets_read(struct secrets *secrets, struct serve *serve, struct span names,
                 struct err *err)
{
    struct span dir_option = json_get(str_span(&serve->config), "secrets");
    char *dir = dir_option.len > 0 ? config_resolve(serve, dir_option)
                                   : serve_path(serve, "secrets");
    struct span item;
    size_t pos = 0;
    int rc = 0;

    while (rc == 0 && json_next(names, &pos, NULL, &item)) {
        struct span name = json_raw(item);

        if (!is_name(name) || secrets->count == SECRETS_MAX) {
            rc = err_set(err, ERR_INVALID,
                         "secret \"%.*s\": want the name of a file in %s: letters, digits, "
                         "\"-\", \"_\" and \".\", and at most %d of them",
                         (int)(name.len < 60 ? name.len : 60), name.ptr, dir, SECRETS_MAX);
            break;
        }
        secrets->items[secrets->count].name = span_dup(name);
        rc = read_one(&secrets->items[secrets->count].value, dir,
                      secrets->items[secrets->count].name, err);
        secrets->count++;
    }
    free(dir);
    return rc;
}

void secrets_fini(struct secrets *secrets)
{
    for (int i = 0; i < secrets->count; i++) {
        free(secrets->items[i].name);
        str_wipe(&secrets->items[i].value);
    }
    secrets->count = 0;
}

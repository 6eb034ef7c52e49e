/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "serve/inside.h"

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

static int check_file(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_set(err, ERR_IO, "secret %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_DENIED, "secret %s is no file", path);
    if (st.st_uid != geteuid())
        return err_set(err, ERR_DENIED, "secret %s belongs to another user", path);
    if ((st.st_mode & 077) != 0)
        return err_set(err, ERR_DENIED,
                       "secret %s can be read by others (mode %03o): chmod 600 it", path,
                       (unsigned)st.st_mode & 0777);
    if (st.st_size > SECRET_LEN_MAX)
        return err_set(err, ERR_TOO_BIG, "secret %s is larger than %d bytes", path,
                       SECRET_LEN_MAX);
    return 0;
}

static int read_one(struct str *value, const char *path, struct err *err)
{
    char buf[4096];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return err_set(err, ERR_NOT_FOUND, "secret %s: %s", path, strerror(errno));
    int rc = check_file(fd, path, err);
    while (rc == 0 && value->len <= SECRET_LEN_MAX && (n = read(fd, buf, sizeof buf)) > 0)
        str_add(value, buf, (size_t)n);
    if (rc == 0 && n < 0)
        rc = err_set(err, ERR_IO, "secret %s: %s", path, strerror(errno));
    close(fd);
    explicit_bzero(buf, sizeof buf);
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
        struct str path = { 0 };

        if (!is_name(name) || secrets->count == SECRETS_MAX) {
            rc = err_set(err, ERR_INVALID,
                         "secret \"%.*s\": want the name of a file in %s: letters, digits, "
                         "\"-\", \"_\" and \".\", and at most %d of them",
                         (int)(name.len < 60 ? name.len : 60), name.ptr, dir, SECRETS_MAX);
            break;
        }
        str_printf(&path, "%s/%.*s", dir, (int)name.len, name.ptr);
        secrets->items[secrets->count].name = span_dup(name);
        rc = read_one(&secrets->items[secrets->count++].value, str_text(&path), err);
        str_fini(&path);
    }
    free(dir);
    return rc;
}

void secrets_wipe(struct str *str)
{
    if (str->ptr != NULL)
        explicit_bzero(str->ptr, str->cap);
    str_fini(str);
}

void secrets_fini(struct secrets *secrets)
{
    for (int i = 0; i < secrets->count; i++) {
        free(secrets->items[i].name);
        secrets_wipe(&secrets->items[i].value);
    }
    secrets->count = 0;
}

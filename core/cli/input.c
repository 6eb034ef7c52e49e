/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/options.h"

enum { CHUNK = 16 * 1024 };

static int read_all(struct str *out, int fd, size_t max, const char *path, const char *what,
                    struct err *err)
{
    size_t start = out->len;

    for (;;) {
        char chunk[CHUNK];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_IO, "read the %s %s: %s", what, path, strerror(errno));
        if (got == 0)
            return 0;
        if (out->len - start + (size_t)got > max)
            return err_set(err, ERR_TOO_BIG, "the %s %s is larger than %zu KiB", what, path,
                           max / 1024);
        str_add(out, chunk, (size_t)got);
    }
}

int input_read(struct str *out, const char *path, size_t max, const char *what,
               struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat status;
    size_t start = out->len;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return err_set(err, ERR_INVALID, "open the %s %s: %s", what, path, strerror(errno));
    int rc = 0;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
        rc = err_set(err, ERR_INVALID, "the %s %s is a folder: want a file", what, path);
    else
        rc = read_all(out, fd, max, is_stdin ? "from standard input" : path, what, err);
    if (!is_stdin)
        close(fd);
    if (rc != 0 && out->ptr) {
        out->len = start;
        out->ptr[start] = 0;
    }
    return rc;
}

char *input_base_name(const char *path, const char *suffix)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t len = strlen(base), suffix_len = strlen(suffix);

    if (len > suffix_len && strcmp(base + len - suffix_len, suffix) == 0)
        len -= suffix_len;
    return xstrndup(base, len);
}

char *input_beside(const char *rest)
{
    char exe[PATH_MAX];
    struct str path = { 0 };
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);

    exe[len > 0 ? len : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    str_printf(&path, "%s/%s", exe, rest);
    return str_take(&path);
}

/* JSON replaces what is no UTF-8, and a playbook must arrive as it is, or not at all. */
static int put_source(struct json_out *out, const struct str *source, const char *path,
                      struct err *err)
{
    struct str text = { 0 };
    struct json_out one = { .str = &text };

    json_string_span(&one, str_span(source));
    char *back = json_text(str_span(&text));
    bool is_text =
        strlen(back) == source->len && memcmp(back, str_text(source), source->len) == 0;
    if (is_text)
        json_put_raw(out, "source", str_span(&text));
    free(back);
    str_fini(&text);
    return is_text ? 0
                   : err_set(err, ERR_INVALID, "the playbook %s is not UTF-8 text", path);
}

/* Where the engine may look at whose file it is. */
static void put_path(struct json_out *out, const char *path)
{
    char whole[PATH_MAX];
    struct err ignored;

    if (strcmp(path, "-") == 0 || realpath(path, whole) == NULL)
        return;
    struct str text = { 0 };
    struct json_out one = { .str = &text };
    json_string(&one, whole);
    if (json_check(str_text(&text), text.len, JSON_LEN_MAX, &ignored) == 0)
        json_put_raw(out, "path", str_span(&text));
    str_fini(&text);
}

static int put_file(struct json_out *out, const char *key, const char *path,
                    struct err *err)
{
    struct str source = { 0 };
    int rc = input_read(&source, path, INPUT_PLAYBOOK_MAX, key, err);

    if (rc == 0) {
        char *name = input_base_name(path, ".lua");
        json_key(out, key);
        json_open(out, '{');
        json_put(out, "name", name);
        put_path(out, path);
        rc = put_source(out, &source, path, err);
        json_close(out);
        free(name);
    }
    str_fini(&source);
    return rc;
}

int input_put_playbook(struct json_out *out, const char *path, struct err *err)
{
    return put_file(out, "playbook", path, err);
}

int input_put_policy(struct json_out *out, const char *path, struct err *err)
{
    return put_file(out, "policy", path, err);
}

static int put_param_file(struct json_out *out, const char *path, struct err *err)
{
    struct str text = { 0 };
    int rc = input_read(&text, path, INPUT_PARAMS_MAX, "parameter file", err);

    if (rc == 0 && json_check(str_text(&text), text.len, INPUT_PARAMS_MAX, err) != 0)
        rc = err_wrap(err, "the parameter file %s", path);
    if (rc == 0 && json_kind(str_span(&text)) != JSON_OBJECT)
        rc = err_set(err, ERR_INVALID,
                     "the parameter file %s: want an object {\"name\": value}", path);
    if (rc == 0)
        json_put_raw(out, "params_json", str_span(&text));
    str_fini(&text);
    return rc;
}

static int put_alert(struct json_out *out, const char *path, struct err *err)
{
    struct str text = { 0 };
    int rc = input_read(&text, path, INPUT_ALERT_MAX, "alert", err);

    if (rc == 0 && json_check(str_text(&text), text.len, INPUT_ALERT_MAX, err) != 0)
        rc = err_wrap(err, "the alert %s",
                      strcmp(path, "-") == 0 ? "on standard input" : path);
    if (rc == 0)
        json_put_span(out, "alert_text", str_span(&text));
    str_fini(&text);
    return rc;
}

int input_put_params(struct json_out *out, const struct options *options, struct err *err)
{
    json_key(out, "params");
    json_open(out, '{');
    for (int i = 0; i < options->param_count; i++) {
        json_key_span(out, options->params[i].key);
        json_string_span(out, options->params[i].value);
    }
    json_close(out);
    if (options->param_file && put_param_file(out, options->param_file, err) != 0)
        return err->code;
    return options->alert ? put_alert(out, options->alert, err) : 0;
}

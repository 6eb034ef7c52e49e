/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* -- whose, and who else may ---------------------------------------------------------------- */

void secret_reader_init(struct secret_reader *reader, const char *dir)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    int count = getgroups(SECRET_GROUPS_MAX - 1, reader->groups);

    reader->uid = geteuid();
    reader->group_count = count > 0 ? (size_t)count : 0;
    reader->groups[reader->group_count++] = getegid();
    reader->is_credential =
        credentials != NULL && credentials[0] == '/' && strcmp(credentials, dir) == 0;
}

static bool is_trusted(uid_t uid, const struct secret_reader *reader)
{
    return uid == 0 || uid == reader->uid;
}

static bool is_our_group(gid_t gid, const struct secret_reader *reader)
{
    for (size_t i = 0; i < reader->group_count; i++)
        if (reader->groups[i] == gid)
            return true;
    return false;
}

/* The group's bits of a credential are the mask of its access list, which lets our user alone. */
static bool may_group(const struct stat *st, const struct secret_reader *reader)
{
    unsigned group = st->st_mode & 070;

    if (group == 0)
        return true;
    return group == 040 && (st->st_mode & 0222) == 0 &&
           (is_our_group(st->st_gid, reader) || (reader->is_credential && st->st_uid == 0));
}

int secret_check(const struct stat *st, const char *path,
                 const struct secret_reader *reader, struct err *err)
{
    unsigned mode = (unsigned)st->st_mode & 0777;

    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_DENIED, "secret %s is no file: want one, or a link to one",
                       path);
    if (!is_trusted(st->st_uid, reader))
        return err_set(
            err, ERR_DENIED,
            "secret %s belongs to user %u: chown it to the engine's user (%u) or "
            "to root",
            path, (unsigned)st->st_uid, (unsigned)reader->uid);
    if ((mode & 07) == 0 && may_group(st, reader))
        return 0;
    return err_set(
        err, ERR_DENIED,
        "secret %s can be read by others (mode %04o, group %u): chmod 600 it, or "
        "0440 with a group of the engine's user; in Kubernetes and Docker that is "
        "the secret's mode (defaultMode, mode: 0440)",
        path, mode, (unsigned)st->st_gid);
}

int secret_check_dir(const struct stat *dir, uid_t owner, const char *path,
                     const struct secret_reader *reader, struct err *err)
{
    bool is_shared = (dir->st_mode & 022) != 0;

    /* In a sticky one nobody replaces what belongs to root or to us. */
    if (is_trusted(dir->st_uid, reader) &&
        (!is_shared || ((dir->st_mode & S_ISVTX) != 0 && is_trusted(owner, reader))))
        return 0;
    return err_set(
        err, ERR_DENIED,
        "secret %s lies in a directory whose files others can replace (user %u, "
        "mode %04o): chmod 700 the directory, owned by the engine's user or root",
        path, (unsigned)dir->st_uid, (unsigned)dir->st_mode & 07777);
}

/* -- the way to it --------------------------------------------------------------------------- */

/* A walk from the directory to the file: at is where it stands, rest what is still to go. */
struct walk {
    const struct secret_reader *reader;
    const char *path; /* for sentences */
    char rest[PATH_MAX];
    int at, links;
};

static int refuse_errno(const struct walk *walk, struct err *err)
{
    return err_set(err, err_of_errno(errno), "secret %s: %s", walk->path, strerror(errno));
}

/* The next part of the way, into part; what is behind it becomes the rest. */
static int next_part(struct walk *walk, char part[NAME_MAX + 1], struct err *err)
{
    char *begin = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(begin, "/");

    if (len == 0 || len > NAME_MAX || strncmp(begin, "..", len > 2 ? len : 2) == 0)
        return err_set(
            err, ERR_DENIED,
            "secret %s leads out of its directory by a link: want links within it",
            walk->path);
    memcpy(part, begin, len);
    part[len] = '\0';
    begin += len;
    begin += strspn(begin, "/");
    memmove(walk->rest, begin, strlen(begin) + 1);
    return 0;
}

/* The link's text is put in front of the rest. */
static int take_link(struct walk *walk, int fd, struct err *err)
{
    char text[PATH_MAX], rest[PATH_MAX];
    ssize_t len = readlinkat(fd, "", text, sizeof text - 1);

    if (len < 0)
        return refuse_errno(walk, err);
    text[len] = '\0';
    if (++walk->links > SECRET_LINKS_MAX)
        return err_set(err, ERR_DENIED, "secret %s: more than %d links in a row",
                       walk->path, SECRET_LINKS_MAX);
    if (text[0] == '/')
        return err_set(
            err, ERR_DENIED,
            "secret %s leads out of its directory by a link: want links within it",
            walk->path);
    memcpy(rest, walk->rest, strlen(walk->rest) + 1);
    if (snprintf(walk->rest, sizeof walk->rest, "%s%s%s", text, rest[0] != '\0' ? "/" : "",
                 rest) >= (int)sizeof walk->rest)
        return err_set(err, ERR_TOO_BIG, "secret %s: its links are too long", walk->path);
    return 0;
}

/* One part further. 1: it stands at the file, open in *file. */
static int step(struct walk *walk, int *file, struct err *err)
{
    char part[NAME_MAX + 1];
    struct stat st, dir;
    int rc = next_part(walk, part, err);

    if (rc != 0)
        return rc;
    int fd = openat(walk->at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return refuse_errno(walk, err);
    if (fstat(fd, &st) != 0 || fstat(walk->at, &dir) != 0)
        rc = refuse_errno(walk, err);
    else
        rc = secret_check_dir(&dir, st.st_uid, walk->path, walk->reader, err);
    if (rc == 0 && S_ISLNK(st.st_mode)) {
        rc = !is_trusted(st.st_uid, walk->reader)
                 ? err_set(err, ERR_DENIED, "secret %s is a link that belongs to user %u",
                           walk->path, (unsigned)st.st_uid)
                 : take_link(walk, fd, err);
    } else if (rc == 0 && walk->rest[0] != '\0') {
        int before = walk->at; /* openat() says when it is no directory */

        walk->at = fd;
        fd = before;
    } else if (rc == 0) {
        *file = openat(walk->at, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        rc = *file < 0 ? refuse_errno(walk, err) : 1;
    }
    close(fd);
    return rc;
}

static int open_file(const char *dir, const char *name, const struct secret_reader *reader,
                     const char *path, struct err *err)
{
    struct walk walk = { .reader = reader, .path = path };
    int file = -1, rc = 0;

    if (strlen(name) >= sizeof walk.rest)
        return err_set(err, ERR_TOO_BIG, "secret %s: its name is too long", path);
    memcpy(walk.rest, name, strlen(name) + 1);
    walk.at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (walk.at < 0)
        return refuse_errno(&walk, err);
    while (rc == 0)
        rc = step(&walk, &file, err);
    close(walk.at);
    return rc == 1 ? file : rc;
}

/* -- its bytes ------------------------------------------------------------------------------- */

static int read_all(struct str *value, int fd, const char *path, size_t max,
                    struct err *err)
{
    char buf[4096];
    size_t before = value->len;
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) > 0 && value->len - before <= max)
        str_add(value, buf, (size_t)n);
    explicit_bzero(buf, sizeof buf);
    if (n < 0)
        return err_set(err, err_of_errno(errno), "secret %s: %s", path, strerror(errno));
    if (value->len - before > max)
        return err_set(err, ERR_TOO_BIG, "secret %s is larger than %zu bytes", path, max);
    return 0;
}

int secret_file_read(struct str *value, const char *dir, const char *name, size_t max,
                     struct err *err)
{
    struct secret_reader *reader = xcalloc(1, sizeof *reader);
    struct str path = { 0 };
    struct stat st;

    value->is_secret = true;
    str_printf(&path, "%s/%s", dir, name);
    secret_reader_init(reader, dir);
    int fd = open_file(dir, name, reader, str_text(&path), err), rc = fd < 0 ? fd : 0;
    if (fd >= 0 && fstat(fd, &st) != 0)
        rc = err_set(err, err_of_errno(errno), "secret %s: %s", str_text(&path),
                     strerror(errno));
    if (rc == 0)
        rc = secret_check(&st, str_text(&path), reader, err);
    if (rc == 0)
        rc = read_all(value, fd, str_text(&path), max, err);
    if (fd >= 0)
        close(fd);
    str_fini(&path);
    free(reader);
    return rc;
}

int secret_path_read(struct str *value, const char *path, size_t max, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *dir =
        slash == NULL
            ? xstrdup(".")
            : span_dup((struct span){ path, slash == path ? 1 : (size_t)(slash - path) });
    int rc = secret_file_read(value, dir, slash == NULL ? path : slash + 1, max, err);

    free(dir);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

/* A new directory is only there after a power failure when its parent is synced. */
static int sync_parent(const char *dir, struct err *err)
{
    struct str path = { 0 };

    str_printf(&path, "%s/..", dir);
    int fd = open(str_text(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (rc != 0)
        err_set(err, ERR_IO, "sync %s: %s", str_text(&path), strerror(errno));
    if (fd >= 0)
        close(fd);
    str_fini(&path);
    return rc == 0 ? 0 : err->code;
}

int lock_check_dir(const char *dir, struct err *err)
{
    struct stat st;

    if (mkdir(dir, 0700) == 0)
        return sync_parent(dir, err);
    if (errno != EEXIST)
        return err_set(err, ERR_IO,
                       "make the directory %s: %s; give one that this user can make or "
                       "write",
                       dir, strerror(errno));
    if (stat(dir, &st) != 0)
        return err_set(err, ERR_IO, "look at %s: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_IO, "%s is no directory; give another one", dir);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(err, ERR_DENIED,
                       "the directory %s belongs to user %u, who could change the journal; "
                       "chown it to user %u",
                       dir, (unsigned)st.st_uid, (unsigned)geteuid());
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, ERR_DENIED,
                       "others may write into the directory %s; run chmod go-w on it", dir);
    return 0;
}

static int say_holder(int fd, const char *dir, struct err *err)
{
    char text[32] = { 0 };
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    long pid = len > 0 ? strtol(text, NULL, 10) : 0;

    if (pid <= 0)
        return err_set(err, ERR_BUSY, "another process just began to work in %s; try again",
                       dir);
    return err_set(err, ERR_BUSY,
                   "process %ld is already working in %s; end it first, or give another "
                   "directory",
                   pid, dir);
}

static int write_pid(int fd)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0)
        return -1;
    return pwrite(fd, text, (size_t)len, 0) == len ? 0 : -1;
}

int lock_take(const char *dir, int *fd, struct err *err)
{
    struct str path = { 0 };

    str_printf(&path, "%s/lock", dir);
    int file = open(str_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        err_set(err, ERR_IO,
                "open %s: %s; the directory and the files in it must be writable for this "
                "user",
                str_text(&path), strerror(errno));
    } else if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        say_holder(file, dir, err);
        close(file);
        file = -1;
    } else if (write_pid(file) != 0) {
        err_set(err, ERR_IO, "write %s: %s", str_text(&path), strerror(errno));
        close(file);
        file = -1;
    }
    str_fini(&path);
    if (file < 0)
        return err->code;
    *fd = file;
    return 0;
}

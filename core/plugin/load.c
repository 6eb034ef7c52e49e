/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

/* Only a plain file that nobody but root or ourselves can have written. */
static int open_file(const char *path, size_t *size, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 && errno == ELOOP)
        return err_set(err, ERR_DENIED, "%s is a symbolic link; give the file itself",
                       path);
    if (fd < 0)
        return err_set(err, err_of_errno(errno),
                       "open %s: %s; put the file back, or run: cordon plugins trust FILE",
                       path, strerror(errno));
    if (fstat(fd, &st) != 0)
        err_set(err, ERR_IO, "stat %s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        err_set(err, ERR_DENIED, "%s is no regular file", path);
    else if (st.st_mode & S_IWOTH)
        err_set(err, ERR_DENIED, "%s may be written by everybody; chmod o-w it", path);
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        err_set(err, ERR_DENIED, "%s belongs to user %u; want root or user %u", path,
                (unsigned)st.st_uid, (unsigned)geteuid());
    else if (st.st_size <= 0 || st.st_size > LOAD_SIZE_MAX)
        err_set(err, ERR_TOO_BIG, "%s has %lld bytes, want 1 to %d (LOAD_SIZE_MAX)", path,
                (long long)st.st_size, LOAD_SIZE_MAX);
    else {
        *size = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return err->code;
}

static int copy(int from, int to, const char *path, struct err *err)
{
    char buf[65536];
    size_t copied = 0;

    for (;;) {
        ssize_t n = read(from, buf, sizeof buf);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, "read %s: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        copied += (size_t)n;
        if (copied > LOAD_SIZE_MAX)
            return err_set(err, ERR_TOO_BIG, "%s grows beyond %d bytes (LOAD_SIZE_MAX)",
                           path, LOAD_SIZE_MAX);
        for (ssize_t done = 0; done < n;) {
            ssize_t put = write(to, buf + done, (size_t)(n - done));
            if (put < 0 && errno == EINTR)
                continue;
            if (put < 0)
                return err_set(err, ERR_IO, "copy %s: %s", path, strerror(errno));
            done += put;
        }
    }
}

static int hash_sealed(int fd, struct hash *hash, const char *path, struct err *err)
{
    struct stat st;

    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
        0)
        return err_set(err, ERR_IO, "seal the copy of %s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return err_set(err, ERR_IO, "%s: its copy is empty", path);
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_set(err, err_of_errno(errno), "map the copy of %s: %s", path,
                       strerror(errno));
    *hash = hash_of(bytes, (size_t)st.st_size);
    munmap(bytes, (size_t)st.st_size);
    return 0;
}

static int compare(const struct hash *hash, struct span wanted, const char *name,
                   const char *path, struct err *err)
{
    char hex[HASH_HEX_LEN + 1];
    struct hash pinned;

    if (wanted.len == 0)
        return 0;
    if (hash_from_hex(wanted, &pinned) && hash_equal(*hash, pinned))
        return 0;
    return err_set(
        err, ERR_DENIED,
        "%s has SHA-256 %s, and plugins.lock pins %.*s; if the new file is meant, "
        "run: cordon plugins trust %s",
        path, hash_hex(*hash, hex), (int)(wanted.len > 64 ? 64 : wanted.len), wanted.ptr,
        name);
}

static int load_sealed(struct load *load, int fd, const char *path, struct err *err)
{
    char sealed[64];

    snprintf(sealed, sizeof sealed, "/proc/self/fd/%d", fd);
    errno = 0;
    load->handle = dlopen(sealed, RTLD_NOW | RTLD_LOCAL);
    if (!load->handle) {
        int code = err_of_errno(errno) == ERR_BUSY ? ERR_BUSY : ERR_INVALID;
        const char *why = dlerror();
        return err_set(err, code, "load %s: %s", path, why ? why : "no reason given");
    }
    load->plugin = dlsym(load->handle, "cordon_plugin_v1");
    if (load->plugin)
        return 0;
    load_close(load);
    return err_set(err, ERR_INVALID,
                   "%s is no cordon plugin: it exports no cordon_plugin_v1", path);
}

int load_open(struct load *load, const char *name, const char *path, struct span wanted,
              struct err *err)
{
    size_t size = 0;
    int file = open_file(path, &size, err);

    *load = (struct load){ 0 };
    if (file < 0)
        return err->code;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        close(file);
        return err_set(err, err_of_errno(errno), "memfd for %s: %s", path, strerror(errno));
    }
    int rc = copy(file, fd, path, err);
    close(file);
    if (rc == 0)
        rc = hash_sealed(fd, &load->hash, path, err);
    if (rc == 0)
        rc = compare(&load->hash, wanted, name, path, err);
    if (rc == 0)
        rc = load_sealed(load, fd, path, err);
    close(fd); /* the mapping stays */
    return rc;
}

void load_close(struct load *load)
{
    if (load->handle)
        dlclose(load->handle);
    load->handle = NULL;
    load->plugin = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/crash/shim.c - counts the points at which an engine could die, and makes it die there.
 *
 * Preloaded into the unmodified binary. It wakes up only in the engine's process. A point is
 * a write or a sync of the journal, a frame (or part of one) that leaves, and one that has
 * just come in. The count is kept in a file, so that it goes on over the engine's restarts:
 *
 *     CRASH_FILE  six numbers of 8 bytes, see struct counter
 *     CRASH_AT    the point at which it happens; 0: only count
 *     CRASH_WHAT  engine, host or vm: whom SIGKILL takes
 *     SYNC_MS     added to every sync: a slower disk, for the bench
 *     SYNC_DIR    a directory that gets, after each sync of the WAL, the journal as it is on the
 *                 disk from then on, in MICROSECONDS.db and MICROSECONDS.db-wal
 *     AHEAD_S     added to the wall clock, in every process: what is so another day
 *     AHEAD_FILE  a file of 8 bytes: added to it, too, as the file says at the moment. Programs
 *                 that are started get both, whatever environment they are given
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct counter {
    int64_t points;
    int64_t has_happened;
    int64_t journal; /* of the points, writes and syncs of files */
    int64_t frames;
    int64_t syncs;
    int64_t bytes; /* written to files */
};

static struct counter *counter;
static int64_t crash_at;
static char what[16];
static int64_t sync_ms;
static char sync_dir[256];
static int64_t ahead_s;
static const volatile int64_t *ahead_more;
static char ahead_env[2][512]; /* as in an environment; empty without AHEAD_FILE */

static bool has_argument(const char *path, const char *argument)
{
    char line[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i < len; i += (ssize_t)strnlen(line + i, (size_t)(len - i)) + 1)
        if (strncmp(line + i, argument, strlen(argument)) == 0)
            return true;
    return false;
}

/* Mapped, as a walled process could not open it later. */
static const volatile int64_t *map_number(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *number =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (number == MAP_FAILED)
        abort();
    close(fd);
    return number;
}

__attribute__((constructor)) static void wake_up(void)
{
    const char *path = getenv("CRASH_FILE"), *ahead = getenv("AHEAD_S");
    const char *more = getenv("AHEAD_FILE");
    const char *at = getenv("CRASH_AT");
    const char *whom = getenv("CRASH_WHAT");
    const char *slow = getenv("SYNC_MS");
    const char *images = getenv("SYNC_DIR");

    if (ahead != NULL)
        ahead_s = strtoll(ahead, NULL, 10);
    if (more != NULL)
        ahead_more = map_number(more);
    if (more != NULL) {
        snprintf(ahead_env[0], sizeof ahead_env[0], "AHEAD_FILE=%s", more);
        snprintf(ahead_env[1], sizeof ahead_env[1], "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
    }
    if (path == NULL || !has_argument("/proc/self/cmdline", "--internal-engine"))
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *counter) != 0)
        abort();
    counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        abort();
    close(fd);
    crash_at = at != NULL ? strtoll(at, NULL, 10) : 0;
    sync_ms = slow != NULL ? strtoll(slow, NULL, 10) : 0;
    snprintf(sync_dir, sizeof sync_dir, "%s", images != NULL ? images : "");
    snprintf(what, sizeof what, "%s", whom != NULL ? whom : "engine");
    unsetenv("LD_PRELOAD");
}

static pid_t parent_of(const char *pid)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return -1;
    line[len] = '\0';
    const char *behind = strrchr(line, ')');
    long parent = 0;
    if (behind == NULL || sscanf(behind, ") %*c %ld", &parent) != 1)
        return -1;
    return (pid_t)parent;
}

static void kill_children(const char *mode)
{
    DIR *dir = opendir("/proc");

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char path[300];

        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
            parent_of(entry->d_name) != getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        if (has_argument(path, mode))
            kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
    }
    if (dir != NULL)
        closedir(dir);
}

static void point(bool is_frame)
{
    if (counter == NULL)
        return;
    counter->points++;
    if (is_frame)
        counter->frames++;
    else
        counter->journal++;
    if (crash_at == 0 || counter->points != crash_at || counter->has_happened)
        return;
    counter->has_happened = 1;
    if (strcmp(what, "host") == 0)
        kill_children("--internal-plugin-host");
    else if (strcmp(what, "vm") == 0)
        kill_children("--internal-vm");
    else
        kill(getpid(), SIGKILL);
}

static void wrote(size_t len)
{
    if (counter != NULL)
        counter->bytes += (int64_t)len;
}

static void synced(void)
{
    if (counter == NULL)
        return;
    counter->syncs++;
    if (sync_ms > 0)
        usleep((useconds_t)sync_ms * 1000);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[8192];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = 0;

    if (in < 0 || out < 0)
        abort();
    for (off_t at = 0; (got = pread(in, bytes, sizeof bytes, at)) > 0; at += got)
        if (syscall(SYS_pwrite64, out, bytes, (size_t)got, at) != got)
            abort();
    close(in);
    close(out);
}

/* The moment is that of the sync, and not that of the copy, which takes longer. */
static void keep_image(int fd)
{
    char path[256], link[64], to[sizeof sync_dir + 64];
    struct timespec now;

    if (counter == NULL || sync_dir[0] == '\0')
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 4 || memcmp(path + len - 4, "-wal", 4) != 0)
        return;
    path[len] = '\0';
    long long us = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    snprintf(to, sizeof to, "%s/%lld.db-wal", sync_dir, us);
    copy_file(path, to);
    path[len - 4] = '\0';
    snprintf(to, sizeof to, "%s/%lld.db", sync_dir, us);
    copy_file(path, to);
}

static bool is_kind(int fd, mode_t kind)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* The flags hide everything; what stands in for libc must be seen. */
#pragma GCC visibility push(default)

#define REAL(name)                 \
    static __typeof__(name) *real; \
    if (real == NULL)              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int rc = real(clock, now);

    if (rc == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += ahead_s + (ahead_more != NULL ? *ahead_more : 0);
    return rc;
}

int execve(const char *path, char *const *argv, char *const *env)
{
    enum { ENV_MAX = 128 };
    REAL(execve);
    char *with[ENV_MAX + 3];
    int count = 0;

    if (ahead_env[0][0] == '\0')
        return real(path, argv, env);
    for (; env != NULL && env[count] != NULL && count < ENV_MAX; count++)
        with[count] = env[count];
    with[count++] = ahead_env[0];
    with[count++] = ahead_env[1];
    with[count] = NULL;
    return real(path, argv, with);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
    REAL(pwrite);
    point(false);
    wrote(len);
    return real(fd, buf, len, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
    REAL(pwrite64);
    point(false);
    wrote(len);
    return real(fd, buf, len, at);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    point(false);
    synced();
    int rc = real(fd);
    keep_image(fd);
    return rc;
}

int fsync(int fd)
{
    REAL(fsync);
    point(false);
    synced();
    int rc = real(fd);
    keep_image(fd);
    return rc;
}

ssize_t write(int fd, const void *buf, size_t len)
{
    REAL(write);
    if (counter != NULL && is_kind(fd, S_IFSOCK))
        point(true);
    return real(fd, buf, len);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    REAL(writev);
    if (counter != NULL && is_kind(fd, S_IFSOCK))
        point(true);
    return real(fd, iov, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    point(true);
    return real(fd, message, flags);
}

ssize_t read(int fd, void *buf, size_t len)
{
    REAL(read);
    ssize_t got = real(fd, buf, len);
    if (counter != NULL && got > 0 && is_kind(fd, S_IFSOCK))
        point(true);
    return got;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    REAL(recvmsg);
    ssize_t got = real(fd, message, flags);
    if (got > 0)
        point(true);
    return got;
}

#pragma GCC visibility pop

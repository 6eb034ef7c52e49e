/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/wall.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/err.h"
#include "base/sanitizer.h"
#include "vm/limits.h"

static int limit(int resource, const char *name, rlim_t most, struct err *err)
{
    struct rlimit value = { .rlim_cur = most, .rlim_max = most };

    if (setrlimit(resource, &value) != 0)
        return err_set(err, ERR_IO, "limit %s of the playbook process: %s", name,
                       strerror(errno));
    return 0;
}

static int limit_all(struct err *err)
{
    if (limit(RLIMIT_CORE, "core files", 0, err) != 0)
        return err->code;
    /* A sanitizer reserves terabytes, and opens files to tell what it found. */
    if (HAS_SANITIZER)
        return 0;
    if (limit(RLIMIT_NOFILE, "open files", 0, err) != 0)
        return err->code;
    return limit(RLIMIT_DATA, "memory", VM_DATA_MAX, err);
}

static int give_up_rights(struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "give up rights of the playbook process: %s",
                       strerror(errno));
    return 0;
}

/* What memory management, the socket and the end of the process need. */
static const int allowed[] = {
    SCMP_SYS(brk),   SCMP_SYS(munmap),       SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),   SCMP_SYS(exit_group),
};

/* What a sanitizer's runtime does beside that, and to print what it found. */
static const int allowed_sanitized[] = {
    SCMP_SYS(mmap),          SCMP_SYS(mprotect),       SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid),        SCMP_SYS(gettid),         SCMP_SYS(sched_yield),
    SCMP_SYS(write),         SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(clock_gettime), SCMP_SYS(getrlimit),      SCMP_SYS(prlimit64),
    SCMP_SYS(readlink),      SCMP_SYS(tgkill),         SCMP_SYS(openat),
    SCMP_SYS(close),         SCMP_SYS(newfstatat),     SCMP_SYS(fstat),
    SCMP_SYS(lseek),         SCMP_SYS(read),           SCMP_SYS(ioctl),
    SCMP_SYS(prctl),         SCMP_SYS(getuid),         SCMP_SYS(getppid),
};

static int allow_list(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Reading from fd alone, writing to it and to standard error, memory that cannot be run. */
static int allow_bound(scmp_filter_ctx filter, int fd)
{
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                              SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return rc;
}

static int filter_calls(int fd, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return err_set(err, ERR_IO, "make a system call filter: no memory");

    int rc = allow_list(filter, allowed, sizeof allowed / sizeof *allowed);
    if (rc == 0 && HAS_SANITIZER)
        rc = allow_list(filter, allowed_sanitized,
                        sizeof allowed_sanitized / sizeof *allowed_sanitized);
    if (rc == 0 && !HAS_SANITIZER)
        rc = allow_bound(filter, fd);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc != 0)
        return err_set(err, ERR_IO, "raise the system call filter: %s", strerror(-rc));
    return 0;
}

/* All but fd and standard error: what is not open cannot be written to. */
static int close_others(int fd, struct err *err)
{
    if (fd <= STDERR_FILENO)
        return err_set(err, ERR_INVALID, "the playbook process wants its socket above 2");
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    if ((fd > 3 && close_range(3, (unsigned)fd - 1, 0) != 0) ||
        close_range((unsigned)fd + 1, ~0U, 0) != 0)
        return err_set(err, ERR_IO, "close files of the playbook process: %s",
                       strerror(errno));
    return 0;
}

static int compare_bytes(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* The C library asks the machine for its memory when it first sorts more than a kilobyte,
 * and remembers the answer. Behind the wall it could not ask. */
static void sort_once(void)
{
    char bytes[4096] = { 1 };

    qsort(bytes, sizeof bytes, 1, compare_bytes);
}

int wall_raise(int fd, struct err *err)
{
    sort_once();
    if (close_others(fd, err) != 0 || limit_all(err) != 0 || give_up_rights(err) != 0)
        return err->code;
    return filter_calls(fd, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/harden.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/arena.h"
#include "base/err.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

static const char *const denied[] = {
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "mount",
    "umount2",
    "move_mount",
    "fsopen",
    "fsmount",
    "fsconfig",
    "fspick",
    "open_tree",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "swapon",
    "swapoff",
    "reboot",
    "acct",
    "quotactl",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "syslog",
    "iopl",
    "ioperm",
    "lookup_dcookie",
    "name_to_handle_at",
    "open_by_handle_at",
    "personality",
    "vhangup",
    "nfsservctl",
    "fanotify_init",
    "pidfd_getfd",
    "kcmp",
    "process_madvise",
    "migrate_pages",
    "move_pages",
    "mknod",
    "mknodat",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
};

/* The leak sanitizer stops the threads of its own process with ptrace at the end. */
static const char *const denied_but_to_sanitizers[] = {
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
};

static const char *const programs[] = { "execve", "execveat" };

static int deny(scmp_filter_ctx filter, const char *const *names, size_t count,
                struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number == __NR_SCMP_ERROR)
            continue; /* not known to this system's library, so neither to its kernel's ABI */
        int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
        if (rc != 0)
            return err_set(err, ERR_IO, "seccomp rule for %s: %s", names[i], strerror(-rc));
    }
    return 0;
}

/* Threads are made with clone, and libcurl's resolver needs them; namespaces are too, and
 * nobody needs those. clone3 hides its flags behind a pointer, so libc is told that there is
 * none, and takes clone. */
static int deny_namespaces(scmp_filter_ctx filter, struct err *err)
{
    static const unsigned flags[] = { CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                      CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                      CLONE_NEWCGROUP };
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; rc == 0 && i < sizeof flags / sizeof *flags; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    return rc == 0 ? 0 : err_set(err, ERR_IO, "seccomp rule for clone: %s", strerror(-rc));
}

static int load_filter(const char *const *names, size_t count, const char *const *more,
                       size_t more_count, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (!filter)
        return err_set(err, ERR_IO, "seccomp: no filter can be made");
    int rc = deny(filter, names, count, err);
    if (rc == 0)
        rc = deny(filter, more, more_count, err);
    if (rc == 0)
        rc = deny_namespaces(filter, err);
    if (rc == 0) {
        int loaded = seccomp_load(filter);
        if (loaded != 0)
            rc = err_set(err, ERR_IO, "seccomp: %s", strerror(-loaded));
    }
    seccomp_release(filter);
    return rc;
}

static int limit(int resource, rlim_t most, const char *name, struct err *err)
{
    struct rlimit value;

    if (getrlimit((__rlimit_resource_t)resource, &value) != 0)
        return err_set(err, ERR_IO, "read the limit of %s: %s", name, strerror(errno));
    if (value.rlim_max > most)
        value.rlim_max = most;
    value.rlim_cur = value.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &value) != 0)
        return err_set(err, ERR_IO, "limit %s: %s", name, strerror(errno));
    return 0;
}

/* HOME for programs that keep their login there; nothing that libraries act on. */
static void clean_environment(void)
{
    const char *home = getenv("HOME");
    char *kept = home ? xstrdup(home) : NULL;

    clearenv();
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
    if (kept)
        setenv("HOME", kept, 1);
    free(kept);
}

static int close_others(int fd, struct err *err)
{
    if ((fd > 3 && close_range(3, (unsigned)fd - 1, 0) != 0) ||
        close_range((unsigned)fd + 1, ~0U, 0) != 0)
        return err_set(err, ERR_IO, "close descriptors: %s", strerror(errno));
    return 0;
}

int harden_process(int fd, struct err *err)
{
    clean_environment();
    if (close_others(fd, err) != 0)
        return err->code;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "prctl: %s", strerror(errno));
    if (!HAS_SANITIZER && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "prctl: %s", strerror(errno));
    if (limit(RLIMIT_CORE, 0, "core files", err) != 0 ||
        limit(RLIMIT_NOFILE, HARDEN_FILES_MAX, "descriptors", err) != 0)
        return err->code;
    if (!HAS_SANITIZER && limit(RLIMIT_AS, HARDEN_MEMORY_MAX, "memory", err) != 0)
        return err->code;
    return load_filter(denied, sizeof denied / sizeof *denied, denied_but_to_sanitizers,
                       HAS_SANITIZER ? 0
                                     : sizeof denied_but_to_sanitizers /
                                           sizeof *denied_but_to_sanitizers,
                       err);
}

int harden_no_programs(struct err *err)
{
    return load_filter(programs, sizeof programs / sizeof *programs, NULL, 0, err);
}

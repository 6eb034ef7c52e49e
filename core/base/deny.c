/* SPDX-License-Identifier: Apache-2.0 */
#include "base/deny.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/err.h"
#include "base/sanitizer.h"

/* -- its own memory ------------------------------------------------------------------------- */

int deny_inspection(struct err *err)
{
    const struct rlimit none = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return err_set(err, ERR_IO, "switch core files off: %s", strerror(errno));
    if (!HAS_SANITIZER && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "close the memory to other processes: %s",
                       strerror(errno));
    return 0;
}

/* -- system calls --------------------------------------------------------------------------- */

static const char *const rare[] = {
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

static const char *const others[] = { "ptrace", "process_vm_readv", "process_vm_writev" };

static const char *const programs[] = { "execve", "execveat" };

/* raise() and abort() signal by tgkill, to a thread of the caller. */
static const char *const signals[] = { "kill", "tkill", "rt_sigqueueinfo",
                                       "rt_tgsigqueueinfo", "pidfd_send_signal" };

static const char *const attributes[] = {
    "chmod",     "fchmod",      "fchmodat",     "fchmodat2",    "chown",
    "fchown",    "lchown",      "fchownat",     "setxattr",     "lsetxattr",
    "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "utime",
    "utimes",    "futimesat",   "utimensat",    "truncate",
};

static int deny(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number != __NR_SCMP_ERROR) /* else this kernel's ABI does not have it either */
            rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    return rc;
}

/* Threads are made with clone, and libcurl's resolver needs them; namespaces are too, and
 * nobody needs those. clone3 hides its flags behind a pointer, so libc is told that there is
 * none, and takes clone. */
static int deny_namespaces(scmp_filter_ctx filter)
{
    static const unsigned flags[] = { CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                      CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                      CLONE_NEWCGROUP };
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; rc == 0 && i < sizeof flags / sizeof *flags; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    return rc;
}

static int deny_signals(scmp_filter_ctx filter)
{
    int rc = deny(filter, signals, sizeof signals / sizeof *signals);

    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0));
    return rc;
}

static int add_rules(scmp_filter_ctx filter, unsigned what)
{
    int rc = 0;

    if (what & DENY_RARE)
        rc = deny(filter, rare, sizeof rare / sizeof *rare);
    if (rc == 0 && what & DENY_RARE)
        rc = deny_namespaces(filter);
    if (rc == 0 && what & DENY_OTHERS && !HAS_SANITIZER)
        rc = deny(filter, others, sizeof others / sizeof *others);
    if (rc == 0 && what & DENY_PROGRAMS)
        rc = deny(filter, programs, sizeof programs / sizeof *programs);
    if (rc == 0 && what & DENY_LOCAL_SOCKETS)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
    if (rc == 0 && what & DENY_SIGNALS)
        rc = deny_signals(filter);
    if (rc == 0 && what & DENY_ATTRIBUTES)
        rc = deny(filter, attributes, sizeof attributes / sizeof *attributes);
    return rc;
}

int deny_calls(unsigned what, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (filter == NULL)
        return err_set(err, ERR_IO, "make a system call filter: no memory");
    int rc = add_rules(filter, what);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0
               ? 0
               : err_set(err, ERR_IO, "raise the system call filter: %s", strerror(-rc));
}

/* -- files ---------------------------------------------------------------------------------- */

enum { ABI_REFER = 2 }; /* the first that knows it */

#define ACCESS_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_FIRST (LANDLOCK_ACCESS_FS_REFER - 1) /* all that the first ABI has */

/* A directory, and all below it. */
static int allow_path(int ruleset, const char *path)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = ACCESS_READ };
    int rc = 0;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        rc = -errno;
    close(rule.parent_fd);
    return rc;
}

int deny_files(const char *const *readable, bool *is_done, struct err *err)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr all = { .handled_access_fs = ACCESS_FIRST };
    int rc = 0;

    *is_done = abi > 0;
    if (abi <= 0)
        return 0;
    if (abi >= ABI_REFER)
        all.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (ruleset < 0)
        return err_set(err, ERR_IO, "Landlock: no ruleset: %s", strerror(errno));
    for (size_t i = 0; rc == 0 && readable[i] != NULL; i++)
        rc = allow_path(ruleset, readable[i]);
    if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        rc = -errno;
    close(ruleset);
    return rc == 0 ? 0 : err_set(err, ERR_IO, "Landlock: %s", strerror(-rc));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/deny.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/err.h"
#include "base/log.h"
#include "base/sanitizer.h"
#include "base/str.h"

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

void deny_terminal(void)
{
    if (!isatty(STDERR_FILENO))
        return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        close(STDERR_FILENO);
    else if (dup2(fd, STDERR_FILENO) >= 0)
        close(fd);
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
static const char *const signals[] = { "tkill", "rt_tgsigqueueinfo", "pidfd_send_signal",
                                       "ioprio_set" };

/* Their first argument is a process; the C library gives 0 for its own. */
static const int of_process[] = {
    SCMP_SYS(prlimit64),     SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setparam),
    SCMP_SYS(sched_setattr), SCMP_SYS(sched_setaffinity),  SCMP_SYS(setpriority),
};

/* With these a file tells another process of input, by a signal of the caller's choice. */
static const int owner_commands[] = { F_SETOWN, F_SETOWN_EX, F_SETSIG };
static const unsigned owner_requests[] = { FIOSETOWN, SIOCSPGRP };

/* What types for whoever sits at the terminal. */
static const unsigned terminal_requests[] = { TIOCSTI, TIOCLINUX };

static const char *const sessions[] = { "setsid", "setpgid" };

static const char *const listening[] = { "listen", "accept", "accept4" };

static const char *const forks[] = { "fork", "vfork" };

/* The kernel looks at the lower half of these arguments only. */
#define LOW_HALF UINT64_C(0xffffffff)

static const char *const attributes[] = {
    "chmod",        "fchmod",       "fchmodat", "fchmodat2", "chown",     "fchown",
    "lchown",       "fchownat",     "setxattr", "lsetxattr", "fsetxattr", "removexattr",
    "lremovexattr", "fremovexattr", "utime",    "utimes",    "futimesat", "utimensat",
};

static const char *const lengths[] = { "truncate" };

enum { FAMILIES_MAX = 64 }; /* Linux has 46 */

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

static int deny_value(scmp_filter_ctx filter, int call, unsigned arg, unsigned value,
                      int error)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), call, 1,
                            SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, LOW_HALF, value));
}

static int deny_other_than(scmp_filter_ctx filter, int call, unsigned arg,
                           scmp_datum_t value)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1,
                            SCMP_CMP(arg, SCMP_CMP_NE, value, 0));
}

static int deny_requests(scmp_filter_ctx filter, const unsigned *requests, size_t count)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = deny_value(filter, SCMP_SYS(ioctl), 1, requests[i], EPERM);
    return rc;
}

/* Signals, and all else that a process may do to others of its user without opening them:
 * limits, priorities, and signals that the kernel sends in its name. */
static int deny_signals(scmp_filter_ctx filter)
{
    const scmp_datum_t own = (scmp_datum_t)getpid();
    int rc = deny(filter, signals, sizeof signals / sizeof *signals);

    if (rc == 0)
        rc = deny_other_than(filter, SCMP_SYS(kill), 0, own);
    if (rc == 0)
        rc = deny_other_than(filter, SCMP_SYS(tgkill), 0, own);
    if (rc == 0)
        rc = deny_other_than(filter, SCMP_SYS(rt_sigqueueinfo), 0, own);
    for (size_t i = 0; rc == 0 && i < sizeof of_process / sizeof *of_process; i++)
        rc = deny_other_than(filter, of_process[i], 0, 0);
    if (rc == 0) /* else 0 is the user, or the group */
        rc = deny_other_than(filter, SCMP_SYS(setpriority), 1, 0);
    for (size_t i = 0; rc == 0 && i < sizeof owner_commands / sizeof *owner_commands; i++)
        rc = deny_value(filter, SCMP_SYS(fcntl), 1, (unsigned)owner_commands[i], EPERM);
    if (rc == 0)
        rc = deny_requests(filter, owner_requests,
                           sizeof owner_requests / sizeof *owner_requests);
    return rc;
}

/* A sanitizer's leak check runs in a process that shares its memory. */
static int deny_tasks(scmp_filter_ctx filter, bool threads_too)
{
    if (HAS_SANITIZER)
        return 0;
    int rc = deny(filter, forks, sizeof forks / sizeof *forks);
    if (rc == 0 && threads_too)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 0);
    else if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    return rc != 0 ? rc
                   : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* All families but the internet's two, and the kernel's own which the resolver asks for addresses
 * of this machine. Local sockets have a flag of their own. */
static int deny_families(scmp_filter_ctx filter, bool internet_too)
{
    int rc = 0;

    if (internet_too)
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 0);
    for (unsigned family = 0; rc == 0 && family < FAMILIES_MAX; family++)
        if (family != AF_INET && family != AF_INET6 && family != AF_NETLINK &&
            family != AF_UNIX)
            rc = deny_value(filter, SCMP_SYS(socket), 0, family, EAFNOSUPPORT);
    return rc;
}

static int add_rules(scmp_filter_ctx filter, unsigned what)
{
    int rc = 0;

    if (what & DENY_RARE)
        rc = deny(filter, rare, sizeof rare / sizeof *rare);
    if (rc == 0 && what & DENY_RARE)
        rc = deny_namespaces(filter);
    if (rc == 0 && what & DENY_RARE)
        rc = deny_requests(filter, terminal_requests,
                           sizeof terminal_requests / sizeof *terminal_requests);
    if (rc == 0 && what & DENY_OTHERS && !HAS_SANITIZER)
        rc = deny(filter, others, sizeof others / sizeof *others);
    if (rc == 0 && what & DENY_PROGRAMS)
        rc = deny(filter, programs, sizeof programs / sizeof *programs);
    if (rc == 0 && what & DENY_LOCAL_SOCKETS)
        rc = deny_value(filter, SCMP_SYS(socket), 0, AF_UNIX, EAFNOSUPPORT);
    if (rc == 0 && what & (DENY_SOCKETS | DENY_OTHER_SOCKETS))
        rc = deny_families(filter, what & DENY_SOCKETS);
    if (rc == 0 && what & DENY_LISTEN)
        rc = deny(filter, listening, sizeof listening / sizeof *listening);
    if (rc == 0 && what & DENY_SIGNALS)
        rc = deny_signals(filter);
    if (rc == 0 && what & (DENY_FORKS | DENY_THREADS))
        rc = deny_tasks(filter, what & DENY_THREADS);
    if (rc == 0 && what & DENY_SESSIONS)
        rc = deny(filter, sessions, sizeof sessions / sizeof *sessions);
    if (rc == 0 && what & DENY_TRUNCATE)
        rc = deny(filter, lengths, sizeof lengths / sizeof *lengths);
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

bool deny_has_filter(void)
{
    unsigned action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* -- files ---------------------------------------------------------------------------------- */

/* What newer kernels added, which an older one's headers do not name. */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_IOCTL    (UINT64_C(1) << 15)
#define SCOPE_ABSTRACT  (UINT64_C(1) << 0)
#define SCOPE_SIGNAL    (UINT64_C(1) << 1)

#define ACCESS_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_FIRST (LANDLOCK_ACCESS_FS_REFER - 1) /* all that the first ABI has */
/* What a rule about a file that is no directory may speak of. */
#define ACCESS_FILE                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
     LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL)
/* No devices or sockets are made. */
#define ACCESS_NO_WRITER                                         \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK | ACCESS_IOCTL)

struct ruleset_attr { /* as the newest kernel that we speak to knows it */
    uint64_t fs, net, scoped;
};

int deny_files_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

static uint64_t handled_by(int abi)
{
    return ACCESS_FIRST | (abi >= ABI_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) |
           (abi >= ABI_TRUNCATE ? ACCESS_TRUNCATE : 0) |
           (abi >= ABI_IOCTL ? ACCESS_IOCTL : 0);
}

static int make_ruleset(int abi)
{
    struct ruleset_attr all = { .fs = handled_by(abi) };
    size_t size = sizeof all.fs;

    if (abi >= ABI_NET)
        size += sizeof all.net;
    if (abi >= ABI_SCOPE) {
        size += sizeof all.scoped;
        all.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    }
    return (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
}

/* A file, or a directory and all below it. */
static int allow_path(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = access };
    struct stat st;
    int rc = 0;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
    if (fstat(rule.parent_fd, &st) != 0)
        rc = -errno;
    else if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= ACCESS_FILE;
    if (rc == 0 &&
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        rc = -errno;
    close(rule.parent_fd);
    return rc;
}

static int allow_paths(int ruleset, const char *const *paths, uint64_t access)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && paths != NULL && paths[i] != NULL; i++)
        rc = allow_path(ruleset, paths[i], access);
    return rc;
}

int deny_files(const struct deny_reach *reach, int *abi, struct err *err)
{
    *abi = deny_files_abi();
    if (*abi == 0)
        return 0;
    const uint64_t handled = handled_by(*abi);
    int ruleset = make_ruleset(*abi);
    if (ruleset < 0)
        return err_set(err, ERR_IO, "Landlock: no ruleset: %s", strerror(errno));
    int rc = allow_paths(ruleset, reach->readable, ACCESS_READ);
    if (rc == 0)
        rc = allow_paths(ruleset, reach->executable,
                         ACCESS_READ | LANDLOCK_ACCESS_FS_EXECUTE);
    if (rc == 0)
        rc = allow_paths(ruleset, reach->writable, handled & ~(uint64_t)ACCESS_NO_WRITER);
    if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        rc = -errno;
    close(ruleset);
    return rc == 0 ? 0 : err_set(err, ERR_IO, "Landlock: %s", strerror(-rc));
}

bool deny_show(struct str *text, bool has_filter, int abi)
{
    const char *join = "; missing: ";

    str_add_text(text, has_filter ? "system call filter" : "no system call filter");
    if (abi > 0)
        str_printf(text, ", Landlock %d", abi);
    else
        str_add_text(text, ", no Landlock");
    if (!has_filter) {
        str_printf(text, "%sseccomp, without which no process of ours starts", join);
        join = "; ";
    }
    if (abi == 0) {
        str_printf(
            text,
            "%sLandlock, which keeps plugins and fronts from files of the engine's user",
            join);
    } else if (abi < ABI_SCOPE) {
        str_printf(text,
                   "%sLandlock %d, which keeps plugins that start programs from signalling "
                   "others",
                   join, ABI_SCOPE);
    }
    return has_filter && abi > 0;
}

void deny_log(void)
{
    struct str text = { 0 };

    if (deny_show(&text, deny_has_filter(), deny_files_abi()))
        log_info("walls: %s", str_text(&text));
    else
        log_warnx("walls: %s; want Linux 5.13 or later with landlock among lsm=",
                  str_text(&text));
    str_fini(&text);
}

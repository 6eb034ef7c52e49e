/* SPDX-License-Identifier: Apache-2.0 */
/* What a process has given up it cannot do any more, and what it needs it still can. Each try is
 * made in a child, which ends with the error that it got. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deny.h"
#include "base/err.h"
#include "base/sanitizer.h"
#include "base/str.h"
#include "check.h"

enum { NO_WALL = 255, NOBODY = 65534 };

static const unsigned all_calls =
    DENY_RARE | DENY_OTHERS | DENY_PROGRAMS | DENY_LOCAL_SOCKETS | DENY_SIGNALS |
    DENY_ATTRIBUTES | DENY_FORKS | DENY_SESSIONS | DENY_TRUNCATE | DENY_OTHER_SOCKETS;

/* What try() gets when that was given up: 0 or an errno. */
static int behind(unsigned calls, int (*try)(void))
{
    struct err err;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        bool is_up =
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && deny_calls(calls, &err) == 0;

        _exit(is_up ? try() : NO_WALL);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int start_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);

    return fd >= 0 ? 0 : errno;
}

static int open_local(void)
{
    return open_socket(AF_UNIX);
}

static int open_internet(void)
{
    return open_socket(AF_INET);
}

static int open_pair(void)
{
    int ends[2];

    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 ? 0 : errno;
}

static int signal_parent(void)
{
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int signal_self(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) == 0 ? 0 : errno;
}

static int signal_self_by_number(void)
{
    signal(SIGUSR1, SIG_IGN);
    return kill(getpid(), SIGUSR1) == 0 ? 0 : errno;
}

static int queue_signal(void)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info) == 0 ? 0 : errno;
}

static int queue_signal_to_thread(void)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), 0, &info) == 0 ? 0 : errno;
}

static int signal_thread(void)
{
    return syscall(SYS_tkill, getppid(), 0) == 0 ? 0 : errno;
}

static int signal_by_descriptor(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

    return syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0 ? 0 : errno;
}

/* The number of the parent, with something in the half that the kernel does not look at. */
static int signal_with_a_high_half(void)
{
    return syscall(SYS_kill, (UINT64_C(1) << 32) | (unsigned)getppid(), 0) == 0 ? 0 : errno;
}

static int own_by_file(void)
{
    int ends[2];

    return pipe(ends) == 0 && fcntl(ends[0], F_SETOWN, getppid()) == 0 ? 0 : errno;
}

static int own_by_request(void)
{
    int ends[2], owner = getppid();

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return NO_WALL;
    return ioctl(ends[0], FIOSETOWN, &owner) == 0 ? 0 : errno;
}

static int limit_parent(void)
{
    struct rlimit limit;

    if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit) != 0)
        return errno;
    return prlimit(getppid(), RLIMIT_NOFILE, &limit, NULL) == 0 ? 0 : errno;
}

static int limit_self(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? 0
               : errno;
}

static int slow_parent(void)
{
    return setpriority(PRIO_PROCESS, (id_t)getppid(), 0) == 0 ? 0 : errno;
}

static int slow_user(void)
{
    errno = 0;
    return getpriority(PRIO_USER, 0) != -1 || errno == 0
               ? (setpriority(PRIO_USER, NOBODY, 0) == 0 || errno == ESRCH ? 0 : errno)
               : errno;
}

static int bind_parent(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return NO_WALL;
    return sched_setaffinity(getppid(), sizeof set, &set) == 0 ? 0 : errno;
}

static int fork_once(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child ? 0 : errno;
}

static int fork_by_clone3(void)
{
    uint64_t args[11] = { [4] = SIGCHLD };
    long child = syscall(SYS_clone3, args, sizeof args);

    if (child == 0)
        _exit(0);
    return child > 0 && waitpid((pid_t)child, NULL, 0) == child ? 0 : errno;
}

static int leave_session(void)
{
    return setsid() > 0 ? 0 : errno;
}

/* Of a pipe, which is no terminal: ENOTTY says that the kernel got to look. */
static int type_ahead(void)
{
    int ends[2];
    char byte = 'x';

    return pipe(ends) == 0 && ioctl(ends[0], TIOCSTI, &byte) == 0 ? 0 : errno;
}

static int listen_on_any_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd >= 0 && listen(fd, 1) == 0 ? 0 : errno;
}

static int open_packets(void)
{
    int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

    return fd >= 0 ? 0 : errno;
}

static int open_kernels(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW, 0);

    return fd >= 0 ? 0 : errno;
}

static int open_with_a_high_half(void)
{
    return syscall(SYS_socket, (UINT64_C(1) << 32) | AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0
                                                                                   : errno;
}

static void *do_nothing(void *arg)
{
    return arg;
}

static int start_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, do_nothing, NULL);

    return rc != 0 ? rc : pthread_join(thread, NULL);
}

static int make_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

static int clone_into_namespace(void)
{
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

    if (child == 0)
        _exit(0);
    return child > 0 && waitpid((pid_t)child, NULL, 0) == child ? 0 : errno;
}

static char *folder, *ours, *theirs;

static int shorten_file(void)
{
    return truncate(ours, 0) == 0 ? 0 : errno;
}

static int open_up_file(void)
{
    return chmod(ours, 0666) == 0 ? 0 : errno;
}

static char *make_file(const char *name)
{
    char *path = check_path(name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    CHECK_INT(write(fd, "x", 1), 1);
    close(fd);
    return path;
}

static void make_files(void)
{
    folder = check_path("open");
    CHECK_INT(mkdir(folder, 0700), 0);
    ours = make_file("open/ours");
    theirs = make_file("theirs");
}

TEST(without_a_filter_all_of_it_goes)
{
    CHECK_INT(behind(0, start_program), 0);
    CHECK_INT(behind(0, open_local), 0);
    CHECK_INT(behind(0, signal_parent), 0);
    CHECK_INT(behind(0, queue_signal), 0);
    CHECK_INT(behind(0, queue_signal_to_thread), 0);
    CHECK_INT(behind(0, signal_thread), 0);
    CHECK_INT(behind(0, signal_by_descriptor), 0);
    CHECK_INT(behind(0, signal_with_a_high_half), 0);
    CHECK_INT(behind(0, own_by_file), 0);
    CHECK_INT(behind(0, own_by_request), 0);
    CHECK_INT(behind(0, limit_parent), 0);
    CHECK_INT(behind(0, slow_parent), 0);
    CHECK_INT(behind(0, slow_user), 0);
    CHECK_INT(behind(0, bind_parent), 0);
    CHECK_INT(behind(0, fork_once), 0);
    CHECK_INT(behind(0, fork_by_clone3), 0);
    CHECK_INT(behind(0, leave_session), 0);
    CHECK_INT(behind(0, type_ahead), ENOTTY);
    CHECK_INT(behind(0, open_with_a_high_half), 0);
    make_files();
    CHECK_INT(behind(0, shorten_file), 0);
    CHECK_INT(behind(0, open_up_file), 0);
}

TEST(what_was_given_up_fails)
{
    CHECK_INT(behind(DENY_PROGRAMS, start_program), EPERM);
    CHECK_INT(behind(DENY_LOCAL_SOCKETS, open_local), EAFNOSUPPORT);
    CHECK_INT(behind(DENY_SIGNALS, signal_parent), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, queue_signal), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, queue_signal_to_thread), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, signal_thread), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, signal_by_descriptor), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, signal_with_a_high_half), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, own_by_file), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, own_by_request), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, limit_parent), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, slow_parent), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, slow_user), EPERM);
    CHECK_INT(behind(DENY_SIGNALS, bind_parent), EPERM);
    CHECK_INT(behind(DENY_FORKS, fork_once), HAS_SANITIZER ? 0 : EPERM);
    CHECK_INT(behind(DENY_THREADS, fork_once), HAS_SANITIZER ? 0 : EPERM);
    CHECK_INT(behind(DENY_FORKS, fork_by_clone3), HAS_SANITIZER ? 0 : ENOSYS);
    CHECK_INT(behind(DENY_THREADS, start_thread), HAS_SANITIZER ? 0 : EPERM);
    CHECK_INT(behind(DENY_SESSIONS, leave_session), EPERM);
    CHECK_INT(behind(DENY_RARE, type_ahead), EPERM);
    CHECK_INT(behind(DENY_LOCAL_SOCKETS, open_with_a_high_half), EAFNOSUPPORT);
    CHECK_INT(behind(DENY_OTHER_SOCKETS, open_packets), EAFNOSUPPORT);
    CHECK_INT(behind(DENY_SOCKETS, open_internet), EAFNOSUPPORT);
    CHECK_INT(behind(0, listen_on_any_port), 0);
    CHECK_INT(behind(DENY_LISTEN, listen_on_any_port), EPERM);
    CHECK_INT(behind(DENY_SOCKETS, open_local), EAFNOSUPPORT);
    CHECK_INT(behind(DENY_SOCKETS, open_kernels), EAFNOSUPPORT);
    CHECK_INT(behind(DENY_RARE, make_namespace), EPERM);
    CHECK_INT(behind(DENY_RARE, clone_into_namespace), EPERM);
    make_files();
    CHECK_INT(behind(DENY_TRUNCATE, shorten_file), EPERM);
    CHECK_INT(behind(DENY_ATTRIBUTES, open_up_file), EPERM);
}

TEST(what_is_needed_goes_behind_all_of_it)
{
    CHECK_INT(behind(all_calls, open_internet), 0);
    CHECK_INT(behind(all_calls, open_pair), 0);
    CHECK_INT(behind(all_calls, signal_self), 0);
    CHECK_INT(behind(all_calls, signal_self_by_number), 0);
    CHECK_INT(behind(all_calls, limit_self), 0);
    CHECK_INT(behind(all_calls, open_kernels), 0);
    CHECK_INT(behind(DENY_SOCKETS | DENY_THREADS, open_pair), 0);
    CHECK_INT(behind(all_calls, start_thread), 0);
}

/* -- its own memory ------------------------------------------------------------------------- */

/* An ordinary user, as root may look into everything. */
static void become_nobody(void)
{
    if (geteuid() == 0 &&
        (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0))
        _exit(NO_WALL);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* which another user's process is not */
}

static int open_of(pid_t pid, const char *file, int flags)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, flags | O_CLOEXEC);
    return fd >= 0 ? 0 : errno;
}

/* What another process of its user gets that opens this file of one that is inspectable or not. */
static int look_into(bool is_closed, const char *file, int flags)
{
    struct err err;
    int ready[2], status = 0;
    char byte = 0;

    CHECK_INT(pipe(ready), 0);
    pid_t watched = fork();
    if (watched == 0) {
        become_nobody();
        if (is_closed && deny_inspection(&err) != 0)
            _exit(NO_WALL);
        CHECK_INT(write(ready[1], "r", 1), 1);
        pause();
        _exit(0);
    }
    CHECK_INT(read(ready[0], &byte, 1), 1);
    pid_t looker = fork();
    if (looker == 0) {
        become_nobody();
        _exit(open_of(watched, file, flags));
    }
    waitpid(looker, &status, 0);
    kill(watched, SIGKILL);
    waitpid(watched, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(no_other_process_of_its_user_opens_the_memory_descriptors_or_environment)
{
    const int wanted = HAS_SANITIZER ? 0 : EACCES;

    CHECK_INT(look_into(false, "mem", O_RDWR), 0);
    CHECK_INT(look_into(false, "fd", O_RDONLY | O_DIRECTORY), 0);
    CHECK_INT(look_into(false, "environ", O_RDONLY), 0);
    CHECK_INT(look_into(false, "maps", O_RDONLY), 0);
    CHECK_INT(look_into(true, "mem", O_RDWR), wanted);
    CHECK_INT(look_into(true, "fd", O_RDONLY | O_DIRECTORY), wanted);
    CHECK_INT(look_into(true, "environ", O_RDONLY), wanted);
    CHECK_INT(look_into(true, "maps", O_RDONLY), wanted);
}

TEST(it_leaves_no_core_file)
{
    struct rlimit limit = { 1, 1 };
    struct err err;
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(deny_inspection(&err) == 0 && getrlimit(RLIMIT_CORE, &limit) == 0 &&
                      limit.rlim_cur == 0 && limit.rlim_max == 0
                  ? 0
                  : NO_WALL);
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
}

/* -- files ---------------------------------------------------------------------------------- */

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags, 0600);

    return fd >= 0 ? 0 : errno;
}

static int read_ours(void)
{
    return open_file(ours, O_RDONLY);
}

static int write_ours(void)
{
    return open_file(ours, O_WRONLY);
}

static int read_theirs(void)
{
    return open_file(theirs, O_RDONLY);
}

static int remove_theirs(void)
{
    return unlink(theirs) == 0 ? 0 : errno;
}

static bool kernel_has_it;

static int behind_files(int (*try)(void))
{
    const char *readable[] = { folder, "/is/not/there", NULL };
    const struct deny_reach reach = { .readable = readable };
    struct err err;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int abi = 0;
        bool is_up = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                     deny_files(&reach, &abi, &err) == 0 && (abi > 0) == kernel_has_it;

        _exit(is_up ? try() : NO_WALL);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(only_what_lies_in_the_directories_named_can_be_read_and_nothing_changed)
{
    int wanted;

    make_files();
    kernel_has_it = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
    wanted = kernel_has_it ? EACCES : 0;
    CHECK_INT(behind_files(read_ours), 0);
    CHECK_INT(behind_files(read_theirs), wanted);
    CHECK_INT(behind_files(write_ours), wanted);
    CHECK_INT(behind_files(remove_theirs), wanted);
}

TEST(what_a_kernel_lacks_is_said_with_what_it_would_have_done)
{
    struct str text = { 0 };

    CHECK(deny_show(&text, true, 7));
    CHECK_STR(str_text(&text), "system call filter, Landlock 7");
    str_reset(&text);
    CHECK(deny_show(&text, true, 3));
    CHECK_STR(str_text(&text), "system call filter, Landlock 3; missing: Landlock 6, which "
                               "keeps plugins that start programs from signalling others");
    str_reset(&text);
    CHECK(!deny_show(&text, true, 0));
    CHECK_STR(str_text(&text),
              "system call filter, no Landlock; missing: Landlock, which keeps "
              "plugins and fronts from files of the engine's user");
    str_reset(&text);
    CHECK(!deny_show(&text, false, 0));
    CHECK_HAS(str_text(&text), "no system call filter, no Landlock; missing: seccomp");
    str_fini(&text);
}

static int write_theirs(void)
{
    return open_file(theirs, O_WRONLY | O_TRUNC);
}

static int run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int behind_reach(const struct deny_reach *reach, int (*try)(void))
{
    struct err err;
    int status = 0, abi = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                      deny_files(reach, &abi, &err) == 0
                  ? try()
                  : NO_WALL);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(what_is_given_for_writing_can_be_changed_and_what_is_given_to_run_can_be_run)
{
    make_files();
    const char *writable[] = { theirs, NULL }, *folders[] = { folder, NULL };
    const char *run[] = { "/usr", "/bin", "/lib", "/lib64", NULL };
    const int wanted = deny_files_abi() > 0 ? EACCES : 0;

    CHECK_INT(behind_reach(&(struct deny_reach){ .writable = writable }, write_theirs), 0);
    CHECK_INT(behind_reach(&(struct deny_reach){ .writable = writable }, write_ours),
              wanted);
    CHECK_INT(behind_reach(&(struct deny_reach){ .writable = folders }, write_ours), 0);
    CHECK_INT(behind_reach(&(struct deny_reach){ .readable = run }, run_program), wanted);
    CHECK_INT(behind_reach(&(struct deny_reach){ .executable = run }, run_program), 0);
}

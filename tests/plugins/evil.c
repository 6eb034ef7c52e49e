/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evil.c - a plugin that tries what docs/threats.md says that no plugin can do.
 *
 * evil.list gives the names of its tricks. evil.try makes one; its arguments are the trick's name,
 * the number of another process of the engine's user, and the state directory. {"got":"1 ..."}
 * is the error that it got; "0" says that the trick was not refused.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#ifndef EVIL
#define EVIL "evil"
#endif

enum {
    ENGINE_FD = 3, /* the host's end of its socket */
    PATH_SIZE = 4096,
    FILES_TRIED = 4096,
    THREADS_TRIED = 4096,
    IDS_TRIED = 300,
    DONE = 98,
    READY = 96,
    FAILED = 97,
    PROGRESS = 99
};

static char state[PATH_SIZE];
static pid_t other;

/* -- helpers -------------------------------------------------------------------------------- */

static int got(long rc)
{
    return rc < 0 ? errno : 0;
}

static int open_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return got(fd);
}

static const char *in_state(const char *name)
{
    static char path[PATH_SIZE + 64];

    snprintf(path, sizeof path, "%s/%s", state, name);
    return path;
}

static const char *in_proc(pid_t pid, const char *name)
{
    static char path[PATH_SIZE];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return path;
}

static int open_socket(long family, int type)
{
    return got(syscall(SYS_socket, family, type, 0));
}

/* -- memory --------------------------------------------------------------------------------- */

static int engine_memory(void)
{
    return open_path(in_proc(getppid(), "mem"), O_RDWR);
}

static int other_memory(void)
{
    return open_path(in_proc(other, "mem"), O_RDWR);
}

static int engine_map(void)
{
    return open_path(in_proc(getppid(), "maps"), O_RDONLY);
}

static int engine_environment(void)
{
    return open_path(in_proc(getppid(), "environ"), O_RDONLY);
}

static int engine_descriptors(void)
{
    return open_path(in_proc(getppid(), "fd"), O_RDONLY | O_DIRECTORY);
}

static int engine_root(void)
{
    return open_path(in_proc(getppid(), "root/etc/passwd"), O_RDONLY);
}

static int engine_badness(void)
{
    return open_path(in_proc(getppid(), "oom_score_adj"), O_WRONLY);
}

static char here[8];

static int engine_read(void)
{
    struct iovec local = { here, 1 }, remote = { here, 1 };

    return got(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
}

static int engine_write(void)
{
    struct iovec local = { here, 1 }, remote = { here, 1 };

    return got(process_vm_writev(getppid(), &local, 1, &remote, 1, 0));
}

static int other_read(void)
{
    struct iovec local = { here, 1 }, remote = { here, 1 };

    return got(process_vm_readv(other, &local, 1, &remote, 1, 0));
}

static int engine_traced(void)
{
    return got(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int other_seized(void)
{
    return got(ptrace(PTRACE_SEIZE, other, NULL, NULL));
}

static int engine_descriptor_taken(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

    return got(syscall(SYS_pidfd_getfd, fd, 2, 0));
}

static int engine_compared(void)
{
    return got(syscall(SYS_kcmp, getpid(), getppid(), 1, 0, 0));
}

static int faults_handled(void)
{
    return got(syscall(SYS_userfaultfd, 0));
}

static int kernel_program(void)
{
    return got(syscall(SYS_bpf, 0, NULL, 0));
}

static int counters(void)
{
    return got(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static int ring(void)
{
    char params[256] = "";

    return got(syscall(SYS_io_uring_setup, 8, params));
}

/* -- signals -------------------------------------------------------------------------------- */

static int engine_killed(void)
{
    return got(kill(getppid(), SIGKILL));
}

static int engine_stopped(void)
{
    return got(kill(getppid(), SIGSTOP));
}

static int other_killed(void)
{
    return got(kill(other, SIGKILL));
}

static int everybody_killed(void)
{
    return got(kill(-1, SIGKILL));
}

static int group_killed(void)
{
    return got(kill(-getppid(), SIGKILL));
}

static int engine_tgkilled(void)
{
    return got(syscall(SYS_tgkill, getppid(), getppid(), SIGKILL));
}

static int engine_tkilled(void)
{
    return got(syscall(SYS_tkill, getppid(), SIGKILL));
}

static int engine_queued(void)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return got(syscall(SYS_rt_sigqueueinfo, getppid(), SIGKILL, &info));
}

static int engine_thread_queued(void)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return got(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), SIGKILL, &info));
}

static int engine_by_descriptor(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

    return got(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
}

static int engine_high_half(void)
{
    return got(syscall(SYS_kill, (UINT64_C(1) << 32) | (unsigned)getppid(), SIGKILL));
}

static int engine_owns_file(void)
{
    int ends[2];

    if (pipe(ends) != 0)
        return 0;
    int rc = got(fcntl(ends[0], F_SETOWN, getppid()));
    if (rc == 0)
        rc = got(fcntl(ends[0], F_SETSIG, SIGKILL));
    return rc;
}

static int engine_thread_owns_file(void)
{
    struct f_owner_ex owner = { F_OWNER_TID, getppid() };
    int ends[2];

    return pipe(ends) == 0 ? got(fcntl(ends[0], F_SETOWN_EX, &owner)) : 0;
}

static int engine_owns_socket(void)
{
    int ends[2], owner = getppid();

    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0
               ? got(ioctl(ends[0], FIOSETOWN, &owner))
               : 0;
}

static int engine_limited(void)
{
    struct rlimit limit = { 1, 1 };

    return got(prlimit(getppid(), RLIMIT_CPU, &limit, NULL));
}

static int engine_slowed(void)
{
    return got(setpriority(PRIO_PROCESS, (id_t)getppid(), 19));
}

static int user_slowed(void)
{
    return got(setpriority(PRIO_USER, 0, 19));
}

static int engine_pinned(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return got(sched_setaffinity(getppid(), sizeof set, &set));
}

static int engine_idle(void)
{
    struct sched_param param = { 0 };

    return got(sched_setscheduler(getppid(), SCHED_IDLE, &param));
}

static int engine_disk_idle(void)
{
    return got(syscall(SYS_ioprio_set, 1, getppid(), 3 << 13));
}

/* -- processes ------------------------------------------------------------------------------ */

static int forked(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return got(child);
}

static int cloned(void)
{
    long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (child == 0)
        _exit(0);
    return got(child);
}

static int cloned_as_brother(void)
{
    long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

    if (child == 0)
        _exit(0);
    return got(child);
}

static int cloned_anew(void)
{
    uint64_t args[11] = { [4] = SIGCHLD };
    long child = syscall(SYS_clone3, args, sizeof args);

    if (child == 0)
        _exit(0);
    return got(child);
}

static int executed(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int executed_from_memory(void)
{
    char *const none[] = { NULL };

    return got(syscall(SYS_execveat, ENGINE_FD, "", none, none, AT_EMPTY_PATH));
}

static int session_left(void)
{
    return got(setsid());
}

static int group_left(void)
{
    return got(setpgid(0, getppid()));
}

static int user_namespace(void)
{
    return got(unshare(CLONE_NEWUSER));
}

static int process_namespace(void)
{
    return got(
        syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int namespace_entered(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

    return got(setns(fd, CLONE_NEWNS));
}

static void *wait_for_ever(void *arg)
{
    pause();
    return arg;
}

/* How many threads there can be is bounded by the memory: 64 KiB of stack for each. */
static int many_threads(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rc = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    for (int i = 0; i < THREADS_TRIED && rc == 0; i++)
        rc = pthread_create(&thread, &attr, wait_for_ever, NULL);
    return rc;
}

/* -- files ---------------------------------------------------------------------------------- */

static int journal_read(void)
{
    return open_path(in_state("journal.db"), O_RDONLY);
}

static int journal_written(void)
{
    return open_path(in_state("journal.db"), O_WRONLY);
}

static int journal_shortened(void)
{
    return got(truncate(in_state("journal.db"), 0));
}

static int journal_opened_up(void)
{
    return got(chmod(in_state("journal.db"), 0666));
}

static int journal_removed(void)
{
    return got(unlink(in_state("journal.db")));
}

static int journal_renamed(void)
{
    char from[PATH_SIZE + 64];

    snprintf(from, sizeof from, "%s", in_state("journal.db"));
    return got(rename(from, in_state("gone.db")));
}

static int journal_linked(void)
{
    char to[PATH_SIZE + 64];

    snprintf(to, sizeof to, "%s.mine/journal.db", state);
    return got(link(in_state("journal.db"), to));
}

static int journal_by_own_link(void)
{
    char to[PATH_SIZE + 64];

    snprintf(to, sizeof to, "%s.mine/link", state);
    unlink(to);
    if (symlink(in_state("journal.db"), to) != 0)
        return 0; /* its own directory is its own */
    return open_path(to, O_RDONLY);
}

static int journal_by_dots(void)
{
    char path[2 * PATH_SIZE];
    const char *slash = strrchr(state, '/');

    snprintf(path, sizeof path, "%s.mine/../%s/journal.db", state, slash ? slash + 1 : "");
    return open_path(path, O_RDONLY);
}

static int journal_by_own_root(void)
{
    char path[2 * PATH_SIZE];

    snprintf(path, sizeof path, "/proc/self/root%s/journal.db", state);
    return open_path(path, O_RDONLY);
}

static int journal_aged(void)
{
    return got(utimensat(AT_FDCWD, in_state("journal.db"), NULL, 0));
}

static int journal_attributed(void)
{
    return got(syscall(SYS_setxattr, in_state("journal.db"), "user.evil", "x", 1, 0));
}

static int journal_by_handle(void)
{
    return got(syscall(SYS_open_by_handle_at, AT_FDCWD, here, O_RDONLY));
}

static int other_secret(void)
{
    return open_path(in_state("secrets/another"), O_RDONLY);
}

static int secrets_listed(void)
{
    DIR *dir = opendir(in_state("secrets"));

    if (dir)
        closedir(dir);
    return dir ? 0 : errno;
}

static int state_listed(void)
{
    DIR *dir = opendir(state);

    if (dir)
        closedir(dir);
    return dir ? 0 : errno;
}

static int lock_written(void)
{
    return open_path(in_state("plugins.lock"), O_WRONLY);
}

static int configuration_written(void)
{
    return open_path(in_state("cordon.lua"), O_WRONLY | O_APPEND);
}

static int policy_read(void)
{
    return open_path(in_state("policy.lua"), O_RDONLY);
}

static int file_made_in_state(void)
{
    return open_path(in_state("new"), O_WRONLY | O_CREAT);
}

static int other_world(void)
{
    char path[PATH_SIZE + 64];

    snprintf(path, sizeof path, "%s.world/theirs", state);
    return open_path(path, O_RDONLY);
}

static int file_in_tmp(void)
{
    return open_path("/tmp/of-an-evil-plugin", O_WRONLY | O_CREAT);
}

static int processes_listed(void)
{
    DIR *dir = opendir("/proc");

    if (dir)
        closedir(dir);
    return dir ? 0 : errno;
}

static int root_listed(void)
{
    return open_path("/", O_RDONLY | O_DIRECTORY);
}

static int socket_file_made(void)
{
    char path[PATH_SIZE + 64];

    snprintf(path, sizeof path, "%s.mine/fifo", state);
    return got(mknod(path, S_IFSOCK | 0600, 0));
}

static int root_changed(void)
{
    return got(chroot("/"));
}

static int mounted(void)
{
    return got(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
}

static int user_changed(void)
{
    return got(syscall(SYS_setuid, 0));
}

static int keys(void)
{
    return got(syscall(SYS_keyctl, 0, -3, 0));
}

/* -- sockets -------------------------------------------------------------------------------- */

static int engine_socket(void)
{
    return open_socket(AF_UNIX, SOCK_STREAM);
}

static int engine_socket_high_half(void)
{
    return open_socket((1L << 32) | AF_UNIX, SOCK_STREAM);
}

static int direct_connection(void)
{
    return open_socket(AF_INET, SOCK_STREAM);
}

static int direct_datagram(void)
{
    return open_socket(AF_INET6, SOCK_DGRAM);
}

static int direct_kernel(void)
{
    return open_socket(AF_NETLINK, SOCK_RAW);
}

/* A pair is no listener, but the filter does not look. */
static int listens(void)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return 0;
    int rc = got(listen(ends[0], 1));
    return rc == EINVAL ? 0 : rc; /* the kernel looked at it */
}

static int packets(void)
{
    return open_socket(AF_PACKET, SOCK_RAW);
}

static int virtual_machine_socket(void)
{
    return open_socket(40, SOCK_STREAM);
}

static int ciphers_socket(void)
{
    return open_socket(38, SOCK_SEQPACKET);
}

/* -- what it was given ---------------------------------------------------------------------- */

/* A file or a directory that was open before it came, beside the log. */
static int file_left_open(void)
{
    struct stat st;

    for (int fd = 0; fd < FILES_TRIED; fd++)
        if (fstat(fd, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) ||
                                    (S_ISREG(st.st_mode) && fd > 2 && st.st_nlink > 0)))
            return 0;
    return EBADF;
}

static int variable_left(void)
{
    for (char **at = environ; *at; at++)
        if (strncmp(*at, "PATH=", 5) != 0 && strncmp(*at, "HOME=", 5) != 0)
            return 0;
    return ENOENT;
}

static int core_file(void)
{
    struct rlimit limit = { 4096, RLIM_INFINITY };

    return got(setrlimit(RLIMIT_CORE, &limit));
}

static int more_memory(void)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    return got(setrlimit(RLIMIT_AS, &limit));
}

static int more_files(void)
{
    int last = 0;

    for (int i = 0; i < FILES_TRIED && last >= 0; i++)
        last = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int why = last < 0 ? errno : 0;
    for (int fd = 64; fd < FILES_TRIED; fd++)
        close(fd);
    return why;
}

static int typed_ahead(void)
{
    char byte = 'x';

    return got(ioctl(STDERR_FILENO, TIOCSTI, &byte));
}

static int terminal_read(void)
{
    char byte;

    return isatty(STDERR_FILENO) ? got(read(STDERR_FILENO, &byte, 1)) : ENOTTY;
}

/* -- the end -------------------------------------------------------------------------------- */

static char *volatile nowhere;

static int bad_pointer(void)
{
    *nowhere = 1;
    return 0;
}

static int aborts(void)
{
    abort();
}

static int exits(void)
{
    _exit(0);
}

static int foreign_call(void)
{
#if defined(__x86_64__)
    __asm__ volatile("int $0x80" ::"a"(20) : "memory");
#else
    _exit(1);
#endif
    return 0;
}

static int all_memory(void)
{
    for (;;) {
        char *block = malloc(1 << 20);
        if (!block)
            abort();
        memset(block, 1, 1 << 20);
    }
}

static int closes_socket(void)
{
    shutdown(ENGINE_FD, SHUT_RDWR);
    pause();
    return 0;
}

static int loops(void)
{
    volatile int goes_on = 1;

    while (goes_on)
        continue;
    return 0;
}

/* Not even the host's own alarm gets through. */
static int loops_deaf(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    return loops();
}

static int stops(void)
{
    raise(SIGSTOP);
    pause();
    return 0;
}

/* -- lies ----------------------------------------------------------------------------------- */

static unsigned char wire[1 << 16];
static size_t wire_len;

static void begin(int type)
{
    memset(wire, 0, 8);
    wire[4] = 1;
    wire[5] = (unsigned char)type;
    wire_len = 8;
}

static void add_int(int64_t value)
{
    wire[wire_len++] = 'i';
    memcpy(wire + wire_len, &value, 8);
    wire_len += 8;
}

static void add_text(const char *text)
{
    uint32_t len = (uint32_t)strlen(text);

    wire[wire_len++] = 's';
    memcpy(wire + wire_len, &len, 4);
    memcpy(wire + wire_len + 4, text, len);
    wire_len += 4 + len;
}

static int say(void)
{
    uint32_t len = (uint32_t)(wire_len - 4);

    memcpy(wire, &len, 4);
    for (size_t sent = 0; sent < wire_len;) {
        struct pollfd room = { .fd = ENGINE_FD, .events = POLLOUT };
        ssize_t n = send(ENGINE_FD, wire + sent, wire_len - sent, MSG_NOSIGNAL);
        if (n < 0 && (errno != EAGAIN || poll(&room, 1, 1000) != 1))
            return errno;
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int say_done(int64_t id, const char *result)
{
    begin(DONE);
    add_int(id);
    add_int(0);
    for (int i = 0; i < 8; i++)
        add_text("");
    add_text(result);
    add_int(1);
    add_int(0);
    return say();
}

static int lies_bytes(void)
{
    memset(wire, 'x', 100);
    return send(ENGINE_FD, wire, 100, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int lies_length(void)
{
    begin(DONE);
    memset(wire, 0xff, 4);
    return send(ENGINE_FD, wire, 8, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int lies_type(void)
{
    begin(1);
    return say();
}

static int lies_fields(void)
{
    begin(DONE);
    add_text("not a number");
    return say();
}

static int lies_json(void)
{
    return say_done(1, "{not json");
}

static int lies_progress(void)
{
    begin(PROGRESS);
    add_int(1);
    add_text("{");
    return say();
}

static int lies_load(void)
{
    begin(READY);
    add_text("short");
    add_text("{}");
    return say();
}

/* To calls of others, and to calls that there were not yet. */
static int answers_for_others(void)
{
    for (int64_t id = 100000; id < 100000 + IDS_TRIED; id++)
        if (say_done(id, "{\"got\":\"forged\"}") != 0)
            return errno;
    return 0;
}

static int progress_of_others(void)
{
    for (int64_t id = 100000; id < 100000 + IDS_TRIED; id++) {
        begin(PROGRESS);
        add_int(id);
        add_text("{\"plugin\":1}");
        if (say() != 0)
            return errno;
    }
    return 0;
}

static int says_failed(void)
{
    begin(FAILED);
    add_text("the plugin says that it failed");
    return say();
}

static int lies_half(void)
{
    begin(DONE);
    uint32_t len = 1000;
    memcpy(wire, &len, 4);
    int rc = send(ENGINE_FD, wire, 8, MSG_NOSIGNAL) < 0 ? errno : 0;
    _exit(rc);
}

/* -- those of a host that may start programs ------------------------------------------------ */

static void close_all(void)
{
    for (int fd = 0; fd < 64; fd++)
        if (fd != ENGINE_FD)
            close(fd);
}

static int leaves_child(void)
{
    pid_t child = fork();

    if (child == 0) {
        close_all();
        for (int i = 0; i < 600; i++)
            sleep(1);
        _exit(0);
    }
    _exit(child < 0);
}

static int leaves_grandchild(void)
{
    pid_t child = fork();

    if (child == 0) {
        setsid();
        setpgid(0, 0);
        leaves_child();
    }
    close_all();
    _exit(child < 0);
}

/* -- the plugin ----------------------------------------------------------------------------- */

static const struct trick {
    const char *name;
    int (*make)(void);
} tricks[] = {
#define TRICK(name) \
    {               \
#name, name \
    }
    TRICK(engine_memory),
    TRICK(other_memory),
    TRICK(engine_map),
    TRICK(engine_environment),
    TRICK(engine_descriptors),
    TRICK(engine_root),
    TRICK(engine_badness),
    TRICK(engine_read),
    TRICK(engine_write),
    TRICK(other_read),
    TRICK(engine_traced),
    TRICK(other_seized),
    TRICK(engine_descriptor_taken),
    TRICK(engine_compared),
    TRICK(faults_handled),
    TRICK(kernel_program),
    TRICK(counters),
    TRICK(ring),
    TRICK(engine_killed),
    TRICK(engine_stopped),
    TRICK(other_killed),
    TRICK(everybody_killed),
    TRICK(group_killed),
    TRICK(engine_tgkilled),
    TRICK(engine_tkilled),
    TRICK(engine_queued),
    TRICK(engine_thread_queued),
    TRICK(engine_by_descriptor),
    TRICK(engine_high_half),
    TRICK(engine_owns_file),
    TRICK(engine_thread_owns_file),
    TRICK(engine_owns_socket),
    TRICK(engine_limited),
    TRICK(engine_slowed),
    TRICK(user_slowed),
    TRICK(engine_pinned),
    TRICK(engine_idle),
    TRICK(engine_disk_idle),
    TRICK(forked),
    TRICK(cloned),
    TRICK(cloned_as_brother),
    TRICK(cloned_anew),
    TRICK(executed),
    TRICK(executed_from_memory),
    TRICK(session_left),
    TRICK(group_left),
    TRICK(user_namespace),
    TRICK(process_namespace),
    TRICK(namespace_entered),
    TRICK(many_threads),
    TRICK(journal_read),
    TRICK(journal_written),
    TRICK(journal_shortened),
    TRICK(journal_opened_up),
    TRICK(journal_removed),
    TRICK(journal_renamed),
    TRICK(journal_linked),
    TRICK(journal_by_own_link),
    TRICK(journal_by_dots),
    TRICK(journal_by_own_root),
    TRICK(journal_aged),
    TRICK(journal_attributed),
    TRICK(journal_by_handle),
    TRICK(other_secret),
    TRICK(secrets_listed),
    TRICK(state_listed),
    TRICK(lock_written),
    TRICK(configuration_written),
    TRICK(policy_read),
    TRICK(file_made_in_state),
    TRICK(other_world),
    TRICK(file_in_tmp),
    TRICK(processes_listed),
    TRICK(root_listed),
    TRICK(socket_file_made),
    TRICK(root_changed),
    TRICK(mounted),
    TRICK(user_changed),
    TRICK(keys),
    TRICK(engine_socket),
    TRICK(engine_socket_high_half),
    TRICK(direct_connection),
    TRICK(direct_datagram),
    TRICK(direct_kernel),
    TRICK(listens),
    TRICK(packets),
    TRICK(virtual_machine_socket),
    TRICK(ciphers_socket),
    TRICK(file_left_open),
    TRICK(variable_left),
    TRICK(core_file),
    TRICK(more_memory),
    TRICK(more_files),
    TRICK(typed_ahead),
    TRICK(terminal_read),
    TRICK(bad_pointer),
    TRICK(aborts),
    TRICK(exits),
    TRICK(foreign_call),
    TRICK(all_memory),
    TRICK(closes_socket),
    TRICK(loops),
    TRICK(loops_deaf),
    TRICK(stops),
    TRICK(lies_bytes),
    TRICK(lies_length),
    TRICK(lies_type),
    TRICK(lies_fields),
    TRICK(lies_json),
    TRICK(lies_progress),
    TRICK(lies_load),
    TRICK(lies_half),
    TRICK(answers_for_others),
    TRICK(progress_of_others),
    TRICK(says_failed),
    TRICK(leaves_child),
    TRICK(leaves_grandchild),
};

enum { TRICK_COUNT = sizeof tricks / sizeof *tricks };

static int on_list(struct cordon_call *call, const struct cordon_input *in)
{
    static char json[TRICK_COUNT * 40];
    size_t len = 0;

    (void)in;
    len += (size_t)snprintf(json, sizeof json, "{\"names\":[");
    for (size_t i = 0; i < TRICK_COUNT; i++)
        len += (size_t)snprintf(json + len, sizeof json - len, "%s\"%s\"", i ? "," : "",
                                tricks[i].name);
    snprintf(json + len, sizeof json - len, "]}");
    fixture_finish_json(call, json);
    return 0;
}

static int on_try(struct cordon_call *call, const struct cordon_input *in)
{
    const char *name = fixture_get(call, in->args, "trick");
    char json[200];
    int rc = -1;

    other = (pid_t)atoi(fixture_get(call, in->args, "pid"));
    snprintf(state, sizeof state, "%s", fixture_get(call, in->args, "state"));
    for (size_t i = 0; i < TRICK_COUNT; i++)
        if (strcmp(tricks[i].name, name) == 0)
            rc = tricks[i].make();
    if (rc > 0)
        snprintf(json, sizeof json, "{\"got\":\"%d %s\"}", rc, strerror(rc));
    else
        snprintf(json, sizeof json, "{\"got\":\"%s\"}", rc == 0 ? "0" : "no such trick");
    fixture_finish_json(call, json);
    return 0;
}

static const struct cordon_action list = {
    .size = sizeof list,
    .name = EVIL ".list",
    .summary = "Names its tricks",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = FIXTURE_EMPTY_SCHEMA,
    .result_schema = "{\"type\":\"object\"}",
    .read = on_list,
};

static const struct cordon_action try_one = {
    .size = sizeof try_one,
    .name = EVIL ".try",
    .summary = "Tries one of them",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 2000,
    .args_schema = "{\"type\":\"object\",\"properties\":{\"trick\":{\"type\":\"string\"},"
                   "\"pid\":{\"type\":\"integer\"},\"state\":{\"type\":\"string\"}},"
                   "\"required\":[\"trick\",\"pid\",\"state\"],"
                   "\"additionalProperties\":false}",
    .result_schema = "{\"type\":\"object\"}",
    .read = on_try,
};

/* Its time is not what ends a trick. */
static const struct cordon_action try_long = {
    .size = sizeof try_long,
    .name = EVIL ".try_long",
    .summary = "Tries one of them, and takes its time",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 60000,
    .args_schema = "{\"type\":\"object\",\"properties\":{\"trick\":{\"type\":\"string\"},"
                   "\"pid\":{\"type\":\"integer\"},\"state\":{\"type\":\"string\"}},"
                   "\"required\":[\"trick\",\"pid\",\"state\"],"
                   "\"additionalProperties\":false}",
    .result_schema = "{\"type\":\"object\"}",
    .read = on_try,
};

static const struct cordon_action *const actions[] = { &list, &try_one, &try_long, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = EVIL,
    .version = "1.0.0",
    .summary = "Tries what no plugin can do, for tests",
    .actions = actions,
    .open = fixture_open,
};

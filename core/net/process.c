/* SPDX-License-Identifier: Apache-2.0 */
#include "net/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "net/loop.h"

enum { CHILD_FD = 3, CHILD_FDS_ABOVE = 64 };

struct process {
    struct watch *watch;
    int pidfd; /* readable when the process has ended: no SIGCHLD, no other's children */
    pid_t pid;
    bool has_group;
    process_fn *on_exit;
    void *arg;
};

static void free_process(void *arg)
{
    free(arg);
}

static void forget(struct process *process)
{
    watch_close(process->watch, free_process);
    close(process->pidfd);
}

/* Only before it has been waited for: until then its number, and so its group's, is nobody else's. */
static void send_signal(const struct process *process, int signum)
{
    kill(process->has_group ? -process->pid : process->pid, signum);
}

/* -1: it has not ended; else waitpid()'s status. */
static int reap(struct process *process, int flags)
{
    siginfo_t ended = { 0 };
    int status = 0, rc;

    do
        rc = waitid(P_PID, (id_t)process->pid, &ended, WEXITED | WNOWAIT | flags);
    while (rc != 0 && errno == EINTR);
    if (rc == 0 && ended.si_pid == 0)
        return -1;
    if (process->has_group)
        send_signal(process, SIGKILL); /* its children, which it may have left */
    waitpid(process->pid, &status, 0);
    return status;
}

static void on_ready(void *arg, int events)
{
    struct process *process = arg;

    (void)events;
    int status = reap(process, WNOHANG);
    if (status < 0)
        return;
    process_fn *on_exit_fn = process->on_exit;
    void *owner = process->arg;
    forget(process);
    on_exit_fn(owner, WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
}

/* -- In the child: only what may be done between fork and exec ---------------------------- */

static void reset_signals(void)
{
    sigset_t none;

    for (int signum = 1; signum < 32; signum++)
        signal(signum, SIG_DFL); /* the two that cannot be set refuse, which is fine */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Returns only on failure. All descriptors that come in here are above CHILD_FDS_ABOVE, so
 * that none is overwritten before it has found its place. */
static void become(const struct process_options *options, int null_fd, int fd, int out_fd,
                   pid_t parent)
{
    char *const empty[] = { NULL };

    reset_signals();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return; /* the parent died before it could be told to take us along */
    if (options->has_group && setpgid(0, 0) != 0)
        return;
    if (dup2(null_fd, 0) < 0 || dup2(out_fd >= 0 ? out_fd : 2, 1) < 0)
        return;
    if (fd >= 0 && dup2(fd, CHILD_FD) < 0)
        return;
    if (close_range(fd >= 0 ? CHILD_FD + 1 : CHILD_FD, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return;
    execve(options->path != NULL ? options->path : options->argv[0],
           (char *const *)(uintptr_t)options->argv,
           options->env ? (char *const *)(uintptr_t)options->env : empty);
}

static int lift(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, CHILD_FDS_ABOVE);
}

static void run_child(const struct process_options *options, int report, pid_t parent)
{
    int null_fd = lift(open("/dev/null", O_RDWR | O_CLOEXEC));
    int said = lift(report);
    int fd = lift(options->fd);
    int out_fd = lift(options->out_fd);

    if (null_fd >= 0 && said >= 0 && (options->fd < 0 || fd >= 0) &&
        (options->out_fd < 0 || out_fd >= 0))
        become(options, null_fd, fd, out_fd, parent);
    int why = errno;
    if (write(said >= 0 ? said : report, &why, sizeof why) < 0)
        _exit(126);
    _exit(127);
}

/* -- In the parent ------------------------------------------------------------------------ */

/* The child's word: the pipe is closed by exec, or holds the errno that kept it from that. */
static int exec_errno(int fd)
{
    int why = 0;
    ssize_t n;

    do
        n = read(fd, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof why ? why : 0;
}

static int spawn(const struct process_options *options, pid_t *out, struct err *err)
{
    int report[2];
    pid_t parent = getpid();

    if (pipe2(report, O_CLOEXEC) != 0)
        return err_set(err, err_of_errno(errno), "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        run_child(options, report[1], parent);
    int fork_errno = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return err_set(err, err_of_errno(fork_errno), "fork: %s", strerror(fork_errno));
    }
    int why = exec_errno(report[0]);
    close(report[0]);
    if (why != 0) {
        waitpid(pid, NULL, 0);
        return err_set(err, err_of_errno(why), "start %s: %s", options->argv[0],
                       strerror(why));
    }
    *out = pid;
    return 0;
}

int process_start(struct process **out, struct loop *loop,
                  const struct process_options *options, process_fn *on_exit_fn, void *arg,
                  struct err *err)
{
    pid_t pid = -1;

    if (spawn(options, &pid, err) != 0)
        return err->code;
    struct process *process = xcalloc(1, sizeof *process);
    process->pid = pid;
    process->has_group = options->has_group;
    process->on_exit = on_exit_fn;
    process->arg = arg;
    process->pidfd = pidfd_open(pid, 0);
    if (process->pidfd < 0)
        err_set(err, err_of_errno(errno), "pidfd of %s: %s", options->argv[0],
                strerror(errno));
    else if (watch_open(&process->watch, loop, process->pidfd, WATCH_READ, on_ready,
                        process, err) == 0) {
        *out = process;
        return 0;
    }
    if (process->pidfd >= 0)
        close(process->pidfd);
    send_signal(process, SIGKILL);
    reap(process, 0);
    free(process);
    return err->code;
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

int64_t process_cpu_ms(const struct process *process)
{
    clockid_t clock;
    struct timespec used;

    if (clock_getcpuclockid(process->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

void process_kill(struct process *process, int signum)
{
    send_signal(process, signum);
}

void process_close(struct process *process)
{
    if (!process)
        return;
    send_signal(process, SIGKILL);
    reap(process, 0);
    forget(process);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/options.h"

enum {
    CONNECT_WITHIN_MS = 10000, /* for all attempts together */
    READY_WITHIN_MS = 60000,   /* a long journal is checked before the engine is ready */
    READY_LINE_MAX = 4096
};

/* The socket's path is relative to the directory, because sun_path has 108 bytes and a
 * state directory may be deeper. */
static int connect_in(const char *dir, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return err_set(err, ERR_IO, "open the state directory %s: %s", dir,
                       strerror(errno));
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/cordon.sock",
             dir_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof address);
    int why = errno;
    close(dir_fd);
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    if (why == ENOENT || why == ECONNREFUSED)
        return err_set(err, ERR_NOT_FOUND, "nobody listens in %s", dir);
    return err_set(err, why == EAGAIN ? ERR_BUSY : ERR_IO,
                   "connect to the engine of %s: %s", dir, strerror(why));
}

/* On a terminal the engine's warnings are seen there. Anything else that standard error may
 * be, a pipe above all, must not be held open by an engine that outlives the command: then
 * they go to engine.log in the state directory. */
static void keep_warnings(const struct options *options)
{
    char path[4200];

    if (isatty(STDERR_FILENO))
        return;
    snprintf(path, sizeof path, "%.4096s/engine.log", options->state_dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (fd < 0)
        fd = open("/dev/null", O_WRONLY);
    if (fd >= 0)
        dup2(fd, STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static void exec_engine(const struct options *options, int ready_fd)
{
    char number[16];
    const char *argv[10] = { "cordon",           "--internal-engine", "--state",
                             options->state_dir, "--ready-fd",        number };

    snprintf(number, sizeof number, "%d", ready_fd);
    if (options->config) {
        argv[6] = "--config";
        argv[7] = options->config;
    }
    /* A session of its own: the terminal's Ctrl-C is for the command. */
    setsid();
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (null > STDERR_FILENO)
            close(null);
    }
    keep_warnings(options);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    dprintf(ready_fd, "start an engine: %s\n", strerror(errno));
    _exit(1);
}

/* Reads the line from the pipe; the empty one when the engine ended without a word. */
static int read_line(int fd, struct str *line, struct err *err)
{
    int64_t until_us = clock_mono_us() + (int64_t)READY_WITHIN_MS * 1000;
    char byte;

    for (;;) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        int ready = left_ms > 0 ? poll(&poll_fd, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return err_set(err, ERR_IO, "the engine was not ready within %d s",
                           READY_WITHIN_MS / 1000);
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || byte == '\n' || line->len >= READY_LINE_MAX)
            return 0;
        str_add_char(line, byte);
    }
}

/* 0 when an engine is ready, ours or another's that came first. */
static int wait_ready(int fd, struct err *err)
{
    struct str line = { 0 };
    int rc = read_line(fd, &line, err);

    if (rc == 0 && line.len == 0)
        rc = err_set(err, ERR_IO, "the engine ended before it was ready");
    else if (rc == 0 && !span_is(str_span(&line), "ready") &&
             !span_is(str_span(&line), "busy"))
        rc = err_set(err, ERR_IO, "%s", str_text(&line));
    str_fini(&line);
    return rc;
}

/* Forks twice, so that the engine belongs to nobody who waits for it. */
static int start_engine(const struct options *options, struct err *err)
{
    int ends[2];

    if (pipe(ends) != 0)
        return err_set(err, ERR_IO, "start an engine: %s", strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        pid_t engine = fork();
        if (engine == 0)
            exec_engine(options, ends[1]);
        _exit(engine < 0);
    }
    close(ends[1]);
    int rc = child < 0 ? err_set(err, ERR_IO, "start an engine: %s", strerror(errno)) : 0;
    if (child > 0) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            continue;
        rc = wait_ready(ends[0], err);
    }
    close(ends[0]);
    return rc;
}

int starter_make_dir(const char *path, struct err *err)
{
    char *copy = xstrdup(path);
    int rc = 0;

    for (char *slash = strchr(copy + 1, '/'); slash && rc == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        rc = mkdir(copy, 0777) != 0 && errno != EEXIST ? -1 : 0;
        *slash = '/';
    }
    if (rc == 0 && mkdir(copy, 0700) != 0 && errno != EEXIST)
        rc = -1;
    if (rc != 0)
        err_set(err, ERR_IO, "make the state directory %s: %s", path, strerror(errno));
    free(copy);
    return rc != 0 ? err->code : 0;
}

static bool is_there(const char *dir, enum starter_needs needs)
{
    char path[4200];

    snprintf(path, sizeof path, "%.4096s/%s", dir,
             needs == STARTER_NEEDS_JOURNAL ? "journal.db" : ".");
    return access(path, F_OK) == 0 || errno != ENOENT;
}

static int refuse_new(const char *dir, enum starter_needs needs, struct err *err)
{
    return err_set(
        err, ERR_NOT_FOUND,
        "no engine runs for the state directory %s, and %s there, so nothing is "
        "known: name the directory of your engine with --state or in CORDON_STATE; "
        "to start one here: cordon engine --state %s, or cordon serve",
        dir, needs == STARTER_NEEDS_JOURNAL ? "no journal is" : "nothing is", dir);
}

/* Files that an engine of another user made here, its owner's engine could not write. */
static int check_owner(const char *dir, struct err *err)
{
    struct stat status;
    char number[16];

    if (stat(dir, &status) != 0 || status.st_uid == geteuid())
        return 0;
    const struct passwd *owner = getpwuid(status.st_uid);

    snprintf(number, sizeof number, "%u", (unsigned)status.st_uid);
    return err_set(
        err, ERR_DENIED,
        "no engine runs for the state directory %s, which belongs to user %s: only "
        "that user starts one (the service: systemctl start cordon; by hand, as "
        "that user: cordon engine --state %s)",
        dir, owner != NULL ? owner->pw_name : number, dir);
}

/* 0 when an engine may be met now. */
static int start_where_it_may(const struct options *options, enum starter_needs needs,
                              struct err *err)
{
    if (needs != STARTER_NEEDS_NOTHING && !is_there(options->state_dir, needs))
        return refuse_new(options->state_dir, needs, err);
    if (check_owner(options->state_dir, err) != 0)
        return err->code;
    return start_engine(options, err);
}

int starter_connect(const struct options *options, enum starter_needs needs,
                    struct err *err)
{
    int64_t until_us = clock_mono_us() + (int64_t)CONNECT_WITHIN_MS * 1000;

    if (needs != STARTER_NEEDS_NOTHING && !is_there(options->state_dir, STARTER_NEEDS_DIR))
        return refuse_new(options->state_dir, needs, err);
    if (needs == STARTER_NEEDS_NOTHING && starter_make_dir(options->state_dir, err) != 0)
        return err->code;
    for (int attempt = 0;; attempt++) {
        int fd = connect_in(options->state_dir, err);
        if (fd >= 0)
            return fd;
        if (err->code != ERR_NOT_FOUND && err->code != ERR_BUSY)
            return fd;
        if (attempt > 0 && clock_mono_us() > until_us)
            return err_set(err, ERR_BUSY,
                           "an engine holds %s but does not answer: look for a process"
                           " \"cordon --internal-engine\" and end it",
                           options->state_dir);
        if (err->code == ERR_NOT_FOUND && start_where_it_may(options, needs, err) != 0)
            return err->code;
        if (attempt > 0)
            usleep((useconds_t)(attempt < 20 ? attempt : 20) * 5000);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/process.h"

struct run {
    struct process *process; /* NULL when it has ended */
    struct watch *watch;
    int fd; /* what it writes */
    struct str out;
    run_fn *done;
    void *arg;
};

static void free_run(void *arg)
{
    struct run *run = arg;

    str_fini(&run->out);
    free(run);
}

static void close_run(struct run *run)
{
    process_close(run->process);
    watch_close(run->watch, free_run);
    close(run->fd);
}

/* What does not fit is read all the same, so that the program is not stopped by it. */
static bool read_output(struct run *run)
{
    char buf[4096];

    for (int i = 0; i < 64; i++) {
        ssize_t n = read(run->fd, buf, sizeof buf);
        if (n <= 0)
            return n == 0 || (errno != EAGAIN && errno != EINTR);
        size_t room = RUN_OUT_MAX - run->out.len;
        str_add(&run->out, buf, (size_t)n < room ? (size_t)n : room);
    }
    return false;
}

static void on_output(void *arg, int events)
{
    struct run *run = arg;

    (void)events;
    if (read_output(run))
        watch_change(run->watch, 0);
}

static void on_program_exit(void *arg, int status)
{
    struct run *run = arg;

    run->process = NULL;
    read_output(
        run); /* what it wrote last; a grandchild that goes on writing is not read */
    run->done(run->arg, status < 0 ? -1 : status, str_text(&run->out));
    close_run(run);
}

static const char *find_program(const char *const *programs, const char *name)
{
    for (; programs && *programs; programs++) {
        const char *slash = strrchr(*programs, '/');
        if (strcmp(*programs, name) == 0 || (slash && strcmp(slash + 1, name) == 0))
            return *programs;
    }
    return NULL;
}

/* A name without a folder is looked up where programs are: the plugin's own PATH is fixed, and
 * so is this. Returns ERR_NOT_FOUND when none of them has it. */
static int resolve_program(struct str *out, const char *program, struct err *err)
{
    static const char *const folders[] = { "/usr/local/bin", "/usr/bin", "/bin" };

    if (strchr(program, '/')) {
        str_printf(out, "%s", program);
        return 0;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        str_reset(out);
        str_printf(out, "%s/%s", folders[i], program);
        if (access(str_text(out), X_OK) == 0)
            return 0;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "program %s is in none of /usr/local/bin, /usr/bin and /bin", program);
}

static int spawn(struct run *run, struct loop *loop, const char *const *argv,
                 struct err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, err_of_errno(errno), "pipe: %s", strerror(errno));
    fcntl(fds[1], F_SETFL, 0); /* the program's end waits, as programs expect */
    struct process_options options = {
        .argv = argv, .env = (const char *const *)environ, .fd = -1, .out_fd = fds[1]
    };
    int rc = process_start(&run->process, loop, &options, on_program_exit, run, err);
    close(fds[1]);
    if (rc == 0) {
        run->fd = fds[0];
        rc = watch_open(&run->watch, loop, fds[0], WATCH_READ, on_output, run, err);
        if (rc != 0)
            process_close(run->process);
    }
    if (rc != 0)
        close(fds[0]);
    return rc;
}

int program_start(struct run **out, struct loop *loop, const char *const *programs,
                  const char *const *argv, run_fn *done, void *arg, struct err *err)
{
    const char *args[RUN_ARGS_MAX + 1] = { NULL };
    size_t count = 0;

    for (; argv[count]; count++) {
        if (count >= RUN_ARGS_MAX)
            return err_set(err, ERR_TOO_BIG, "more than %d arguments (RUN_ARGS_MAX)",
                           RUN_ARGS_MAX);
        args[count] = argv[count];
    }
    args[0] = count > 0 ? find_program(programs, argv[0]) : NULL;
    if (!args[0])
        return err_set(err, ERR_DENIED,
                       "program %s is not among the programs that the configuration allows "
                       "this plugin",
                       count > 0 ? argv[0] : "(none)");
    struct str path = { 0 };
    int rc = resolve_program(&path, args[0], err);
    struct run *run = rc == 0 ? xcalloc(1, sizeof *run) : NULL;
    if (run) {
        run->done = done;
        run->arg = arg;
        args[0] = str_text(&path);
        rc = spawn(run, loop, args, err);
    }
    str_fini(&path);
    if (rc == 0)
        *out = run;
    else
        free(run);
    return rc;
}

void program_cancel(struct run *run)
{
    close_run(run);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/child.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/said.h"

static const char *const kept[] = { "CORDON_LOG",    "CORDON_LOG_FORMAT", "ASAN_OPTIONS",
                                    "UBSAN_OPTIONS", "TSAN_OPTIONS",      "LSAN_OPTIONS" };
enum { KEPT_COUNT = sizeof kept / sizeof *kept, NAME_MAX_SHOWN = 64 };

static void fill_environment(struct arena *arena, const char *env[KEPT_COUNT + 1])
{
    int count = 0;

    for (int i = 0; i < KEPT_COUNT; i++) {
        const char *value = getenv(kept[i]);

        if (value != NULL)
            env[count++] = arena_printf(arena, "%s=%s", kept[i], value);
    }
    env[count] = NULL;
}

/* A name of a file or a playbook, for a line of ps. */
static const char *title_of(struct arena *arena, const char *part, struct span name)
{
    char shown[NAME_MAX_SHOWN + 1];
    size_t len = name.len < NAME_MAX_SHOWN ? name.len : NAME_MAX_SHOWN;

    for (size_t i = 0; i < len; i++)
        shown[i] = isalnum((unsigned char)name.ptr[i]) || strchr("-_.", name.ptr[i]) != NULL
                       ? name.ptr[i]
                       : '?';
    shown[len] = '\0';
    return arena_printf(arena, "cordon: %s%s%s", part, len > 0 ? " " : "", shown);
}

int child_break_ms(int tries)
{
    enum { FIRST_MS = 50, LONGEST_MS = 2000, DOUBLINGS = 6 };
    int ms = FIRST_MS << (tries < DOUBLINGS ? tries : DOUBLINGS);

    return ms < LONGEST_MS ? ms : LONGEST_MS;
}

void child_say_lack(const char *what, const struct err *why)
{
    static struct said said;
    int64_t withheld;

    if (said_now(&said, span_of(what), span_of(why->text), clock_mono_us() / 1000,
                 &withheld))
        log_warnx("%s: %s; it is tried again for a minute", what, why->text);
}

int child_start(struct loop *loop, const char *mode, const char *part, struct span name,
                struct process **process, struct stream **stream, stream_frame_fn *on_frame,
                stream_closed_fn *on_closed, process_fn *on_exit_fn, void *arg,
                struct err *err)
{
    const char *env[KEPT_COUNT + 1];
    struct arena arena = { 0 };
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set(err, err_of_errno(errno), "a socket pair: %s", strerror(errno));
    fill_environment(&arena, env);
    const char *argv[] = { title_of(&arena, part, name), mode, NULL };
    struct process_options options = { .argv = argv,
                                       .path = "/proc/self/exe",
                                       .env = env,
                                       .fd = ends[1],
                                       .out_fd = -1,
                                       .has_group = true };
    int rc = stream_open(stream, loop, ends[0], on_frame, on_closed, arg, err);
    if (rc != 0)
        close(ends[0]);
    else if ((rc = process_start(process, loop, &options, on_exit_fn, arg, err)) != 0) {
        stream_close(*stream);
        *stream = NULL;
    }
    close(ends[1]);
    arena_fini(&arena);
    return rc;
}

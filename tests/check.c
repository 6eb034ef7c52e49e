/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECK 1
#endif
#endif
#ifdef HAS_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

/* A test alone on a machine takes seconds; one beside ten others on two cores may not be
 * taken for one that hangs. */
#ifdef CHECK_SANITIZED
enum { SECONDS_TO_LIVE = 240 };
#else
enum { SECONDS_TO_LIVE = 60 };
#endif

enum { TICK_MS = 2, GRACE_MS = 1000, STRAYS_MAX = 256, QUOTED_MAX = 2000 };

static struct check_test *first;
static struct check_test **last = &first;
/* Named by the parent before it forks, made by the child, removed by the parent. */
static char dir[64];
/* Shared with the child, which sets it when the test has come to its last line: a test that
 * calls exit(0) on its way has not passed. */
static volatile bool *is_through;

void check_register(struct check_test *test)
{
    *last = test;
    last = &test->next;
}

/* -- Inside a test ----------------------------------------------------------------------- */

const char *check_dir(void)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        FAIL("make %s: %s", dir, strerror(errno));
    return dir;
}

char *check_path(const char *name)
{
    struct str path = { 0 };

    str_printf(&path, "%s/%s", check_dir(), name);
#ifdef HAS_LEAK_CHECK
    __lsan_ignore_object(path.ptr); /* a test's path is not what a leak check is after */
#endif
    return str_take(&path);
}

static void end(void) __attribute__((noreturn));
static void end(void)
{
    fflush(NULL);
    _exit(1);
}

void check_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    printf("    %s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    end();
}

static void differ(const char *what, const char *file, int line, const char *was,
                   const char *wanted) __attribute__((noreturn));
static void differ(const char *what, const char *file, int line, const char *was,
                   const char *wanted)
{
    printf("    %s:%d: %s\n        was    %s\n        wanted %s\n", file, line, what, was,
           wanted);
    end();
}

void check_true(bool holds, const char *claim, const char *file, int line)
{
    if (!holds)
        check_fail(file, line, "does not hold: %s", claim);
}

void check_ok(int rc, const struct err *err, const char *call, const char *file, int line)
{
    if (rc != 0)
        check_fail(file, line, "%s\n        was    %d (%s): %s\n        wanted 0", call, rc,
                   err_word(rc), err->text);
}

void check_err(int rc, const struct err *err, int code, const char *call, const char *file,
               int line)
{
    if (rc != code)
        check_fail(file, line, "%s\n        was    %d (%s): %s\n        wanted %d (%s)",
                   call, rc, err_word(rc), rc == 0 ? "" : err->text, code, err_word(code));
}

void check_int(int64_t was, int64_t wanted, const char *what, const char *file, int line)
{
    char a[32];
    char b[32];

    if (was == wanted)
        return;
    snprintf(a, sizeof a, "%" PRId64, was);
    snprintf(b, sizeof b, "%" PRId64, wanted);
    differ(what, file, line, a, b);
}

static char *quoted(const char *bytes, size_t len)
{
    struct str out = { 0 };

    str_add_char(&out, '"');
    str_add_shown(&out, bytes, len < QUOTED_MAX ? len : QUOTED_MAX);
    str_add_char(&out, '"');
    if (len > QUOTED_MAX)
        str_printf(&out, "... (%zu bytes)", len);
    return str_take(&out);
}

static char *quoted_text(const char *text)
{
    return text == NULL ? xstrdup("NULL") : quoted(text, strlen(text));
}

void check_str(const char *was, const char *wanted, const char *what, const char *file,
               int line)
{
    if (was == wanted || (was != NULL && wanted != NULL && strcmp(was, wanted) == 0))
        return;
    differ(what, file, line, quoted_text(was), quoted_text(wanted));
}

void check_span(struct span was, const char *wanted, const char *what, const char *file,
                int line)
{
    if (!span_is(was, wanted))
        differ(what, file, line, quoted(was.ptr, was.len), quoted_text(wanted));
}

void check_has(const char *text, const char *part, bool is_wanted, const char *what,
               const char *file, int line)
{
    bool has = text != NULL && strstr(text, part) != NULL;

    if (has != is_wanted)
        check_fail(file, line, "%s\n        was    %s\n        wanted %s %s", what,
                   quoted_text(text), is_wanted ? "something with" : "nothing with",
                   quoted_text(part));
}

void check_mem(const void *was, const void *wanted, size_t len, const char *what,
               const char *file, int line)
{
    if (len > 0 && memcmp(was, wanted, len) != 0)
        differ(what, file, line, quoted(was, len), quoted(wanted, len));
}

/* -- Around a test ----------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tick(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = TICK_MS * 1000000L }, NULL);
}

/* Waits for pid until the deadline. False when it has not ended by then. */
static bool wait_for(pid_t pid, int64_t deadline_ms, int *status)
{
    while (waitpid(pid, status, WNOHANG) != pid) {
        if (now_ms() > deadline_ms)
            return false;
        tick();
    }
    return true;
}

/* Kills the children of this process: the test, or what a test that ended left to us. */
static void kill_children(void)
{
    char path[64];
    int pid;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *list = fopen(path, "re");
    if (list == NULL)
        return;
    for (int i = 0; i < STRAYS_MAX && fscanf(list, "%d", &pid) == 1; i++)
        kill(pid, SIGKILL);
    fclose(list);
}

/* Waits until no child is left; whoever does not go in time is ended. Returns whether all
 * went by themselves. Killing one can hand us its own children, hence the rounds. */
static bool reap_strays(void)
{
    int64_t deadline = now_ms() + GRACE_MS;
    bool is_clean = true;

    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0)
            return is_clean;
        if (pid > 0)
            continue;
        if (now_ms() > deadline) {
            is_clean = false;
            kill_children();
        }
        tick();
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* What the parent has to say about how the test ended; NULL when it passed. */
static const char *verdict(bool in_time, int status, bool is_clean, char *buf, size_t size)
{
    if (!in_time)
        snprintf(buf, size, "still running after %d seconds", SECONDS_TO_LIVE);
    else if (WIFSIGNALED(status))
        snprintf(buf, size, "ended by signal %d, %s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
    else if (!*is_through)
        snprintf(buf, size, "exit before its last line");
    else if (!is_clean)
        snprintf(buf, size, "left a process running");
    else
        return NULL;
    return buf;
}

static bool run(const struct check_test *test)
{
    static int count;
    char why[128];
    int status = 0;

    snprintf(dir, sizeof dir, "/tmp/cordon-test-%d-%d", (int)getpid(), ++count);
    *is_through = false;
    fflush(NULL);
    pid_t pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 0);
        test->run();
        *is_through = true;
        exit(0); /* not _exit: a leak check runs at exit */
    }
    bool in_time = wait_for(pid, now_ms() + SECONDS_TO_LIVE * 1000, &status);
    if (!in_time)
        kill(pid, SIGKILL);
    bool is_clean = reap_strays();
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    const char *fault = verdict(in_time, status, is_clean, why, sizeof why);
    if (fault == NULL)
        printf("ok    %s\n", test->name);
    else
        printf("not ok %s: %s\n", test->name, fault);
    return fault == NULL;
}

int main(int argc, char **argv)
{
    int passed = 0;
    int failed = 0;

    is_through = mmap(NULL, sizeof *is_through, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(is_through != MAP_FAILED);
    /* Whoever a test leaves behind becomes a child of this process, and so is found. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const struct check_test *test = first; test != NULL; test = test->next) {
        if (argc > 1 && strstr(test->name, argv[1]) == NULL)
            continue;
        if (run(test))
            passed++;
        else
            failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}

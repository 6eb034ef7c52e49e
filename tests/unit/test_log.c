/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Standard error of this test goes to a file from here on. */
static void capture(void)
{
    char *path = check_path("stderr");
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

    CHECK(fd >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
    free(path);
}

static const char *captured(void)
{
    static char text[8192];
    ssize_t len = pread(STDERR_FILENO, text, sizeof text - 1, 0);

    CHECK(len >= 0);
    text[len] = '\0';
    return text;
}

TEST(a_line_has_time_role_level_and_sentence)
{
    capture();
    log_open("host azure");
    log_warnx("%d plugins are missing", 2);
    CHECK_STR(captured() + strlen("09:00:00.123"),
              " host azure warn: 2 plugins are missing\n");
    CHECK_INT(captured()[8], '.');
}

TEST(log_warn_says_what_errno_says_and_leaves_it_alone)
{
    capture();
    errno = ENOENT;
    log_warn("open runs.db");
    CHECK_INT(errno, ENOENT);
    CHECK_HAS(captured(), "cordon warn: open runs.db: No such file or directory\n");
}

TEST(only_lines_of_the_level_and_above_are_written)
{
    unsetenv("CORDON_LOG");
    capture();
    log_info("quiet");
    log_debug("quieter");
    CHECK_STR(captured(), "");
    log_level_set(LOG_LEVEL_INFO);
    log_info("heard");
    log_debug("quieter");
    CHECK_HAS(captured(), "info: heard\n");
    CHECK_LACKS(captured(), "quieter");
    log_level_set(LOG_LEVEL_DEBUG);
    log_debug("all of it");
    CHECK_HAS(captured(), "debug: all of it\n");
}

TEST(the_environment_chooses_the_level)
{
    setenv("CORDON_LOG", "info", 1);
    capture();
    log_debug("quiet");
    log_info("heard");
    CHECK_HAS(captured(), "info: heard\n");
    CHECK_LACKS(captured(), "quiet");
}

TEST(what_is_logged_cannot_forge_a_line)
{
    capture();
    log_warnx("name: %s", "x\n09:00:00.000 engine warn: forged\x1b[2J");
    CHECK_HAS(captured(), "x\\x0a09:00:00.000 engine warn: forged\\x1b[2J\n");
}

TEST(a_very_long_sentence_is_cut)
{
    char *text = calloc(1, 100000);

    memset(text, 'a', 99999);
    capture();
    log_warnx("%s", text);
    free(text);
    CHECK(strlen(captured()) < 5000);
    CHECK_HAS(captured(), "aaa\n");
}

static int status_of(void (*ending)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ending();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void end_fatal(void)
{
    errno = EACCES;
    fatal("open state");
}

static void end_fatalx(void)
{
    fatalx("two engines on one state");
}

TEST(fatal_says_why_and_ends_with_exit_code_1)
{
    capture();
    CHECK_INT(status_of(end_fatal), 1);
    CHECK_HAS(captured(), "fatal: open state: Permission denied\n");
    CHECK_INT(status_of(end_fatalx), 1);
    CHECK_HAS(captured(), "fatal: two engines on one state\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a playbook's process cannot do, by whatever its C code came to: each try is made in a child
 * behind the wall, and ends it. */
#include "vm/wall.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sanitizer.h"
#include "check.h"

enum { PAGE = 4096, WALL_FD = 5, NO_WALL = 99 };

/* How a child ends that tries something behind the wall: its status, or -SIGNAL. */
static int behind_wall(int (*try)(void))
{
    int ends[2], status = 0;
    struct err err;

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        if (dup2(ends[0], WALL_FD) != WALL_FD || wall_raise(WALL_FD, &err) != 0)
            _exit(NO_WALL);
        syscall(SYS_exit_group, try());
    }
    close(ends[0]);
    waitpid(child, &status, 0);
    close(ends[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int map(int protection)
{
    return mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int map_to_write(void)
{
    return map(PROT_READ | PROT_WRITE);
}

static int map_to_run(void)
{
    return map(PROT_READ | PROT_EXEC);
}

static int map_to_write_and_run(void)
{
    return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int write_to_socket(void)
{
    return write(WALL_FD, "x", 1) != 1;
}

static int write_elsewhere(void)
{
    return write(WALL_FD + 1, "x", 1) != 1;
}

static int read_elsewhere(void)
{
    char byte;

    return read(STDERR_FILENO, &byte, 1) != 1;
}

static int ask_for_pid(void)
{
    return syscall(SYS_getpid) <= 0;
}

static int make_process(void)
{
    return syscall(SYS_fork) < 0;
}

static int open_file(void)
{
    return syscall(SYS_open, "/etc/passwd", 0) < 0;
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

TEST(behind_the_wall_there_is_memory_and_the_socket)
{
    CHECK_INT(behind_wall(map_to_write), 0);
    CHECK_INT(behind_wall(write_to_socket), 0);
}

TEST(whatever_else_is_tried_behind_the_wall_ends_the_process)
{
    static int (*const tries[])(
        void) = { map_to_run,  map_to_write_and_run, write_elsewhere, read_elsewhere,
                  ask_for_pid, make_process,         open_file,       make_socket };

    for (size_t i = 0; i < sizeof tries / sizeof *tries && !HAS_SANITIZER; i++)
        if (behind_wall(tries[i]) != -SIGSYS)
            FAIL("try %zu ended with %d", i, behind_wall(tries[i]));
}

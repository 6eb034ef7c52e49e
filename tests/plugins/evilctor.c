/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evilctor.c - tries things while it is loaded, before anybody has called it, and tells how
 * each of them went: an errno, or 0 when it could.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { TRIES = 9 };

static int went[TRIES];
static int descriptors;

static int errno_of(long rc)
{
    return rc < 0 ? errno : 0;
}

__attribute__((constructor)) static void attack(void)
{
    char byte;
    struct iovec mine = { &byte, 1 }, theirs = { &byte, 1 };
    char *const argv[] = { (char *)(uintptr_t) "/bin/true", NULL };

    errno = 0; /* of a process that it does not trace: ESRCH, if it may ask at all */
    went[0] = errno_of(ptrace(PTRACE_PEEKUSER, getppid(), NULL, NULL));
    went[1] = errno_of(process_vm_readv(getppid(), &mine, 1, &theirs, 1, 0));
    went[2] = errno_of(syscall(SYS_bpf, 0, NULL, 0));
    went[3] = errno_of(syscall(SYS_io_uring_setup, 1, NULL));
    went[4] = errno_of(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    went[5] = errno_of(unshare(CLONE_NEWUSER));
    went[6] = errno_of(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
    went[7] = errno_of(execv(argv[0], argv));
    went[8] = errno_of(socket(AF_UNIX, SOCK_STREAM, 0));
    for (int fd = 3; fd < 256; fd++)
        descriptors += fcntl(fd, F_GETFD) >= 0;
}

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    char *text = fixture_host->alloc(call, 512);

    (void)in;
    snprintf(text, 512,
             "{\"bpf\":%d,\"descriptors\":%d,\"exec\":%d,\"io_uring\":%d,\"keyctl\":%d,"
             "\"ld_path\":%s,\"local_socket\":%d,\"mount\":%d,\"namespace\":%d,\"process_"
             "vm\":%d,"
             "\"ptrace\":%d}",
             went[2], descriptors, went[7], went[3], went[4],
             getenv("LD_LIBRARY_PATH") ? "true" : "false", went[8], went[6], went[5],
             went[1], went[0]);
    fixture_finish_json(call, text);
    return 0;
}

static const struct cordon_action action = {
    .size = sizeof action,
    .name = "evilctor.now",
    .summary = "Attacks at load",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = FIXTURE_EMPTY_SCHEMA,
    .result_schema = "{\"type\":\"object\"}",
    .read = on_read,
};

static const struct cordon_action *const actions[] = { &action, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "evilctor",
    .version = "1.0.0",
    .summary = "Attacks at load, for tests",
    .actions = actions,
    .open = fixture_open,
};

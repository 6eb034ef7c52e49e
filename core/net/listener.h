/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/listener.h - a Unix socket that waits for connections, and who is at the other end.
 */
#pragma once

#include <sys/types.h>

struct err;
struct listener;
struct loop;

/* fd is non-blocking, closed on exec, and the callee's. Uid and pid are what the kernel
 * says of the process that connected. */
typedef void listener_fn(void *arg, int fd, uid_t uid, pid_t pid);

/* Makes the socket file with exactly these permission bits. A file left over by a process
 * that is gone is replaced; one that somebody answers at is ERR_EXISTS. */
int listener_open(struct listener **listener, struct loop *loop, const char *path,
                  mode_t mode, listener_fn *on_connection, void *arg, struct err *err);
/* Removes the file. NULL is fine. */
void listener_close(struct listener *listener);

/* Connects to such a socket; blocks no longer than the kernel needs. fd is the caller's. */
int listener_connect(const char *path, int *fd, struct err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "net/loop.h"

enum {
    LISTENER_BACKLOG = 128,
    LISTENER_ACCEPTS_A_TURN = 32,
    LISTENER_PAUSE_MS = 100 /* when the process has no descriptor left */
};

struct listener {
    struct loop *loop;
    struct watch *watch;
    struct timer pause;
    int fd;
    char *path;
    listener_fn *on_connection;
    void *arg;
    bool is_closed;
};

static int address_of(const char *path, struct sockaddr_un *address, struct err *err)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path)
        return err_set(err, ERR_TOO_BIG,
                       "socket %s: the path has %zu bytes, the system takes %zu; use a "
                       "shorter state directory",
                       path, strlen(path), sizeof address->sun_path - 1);
    memcpy(address->sun_path, path, strlen(path));
    return 0;
}

int listener_connect(const char *path, int *out, struct err *err)
{
    struct sockaddr_un address;

    if (address_of(path, &address, err) != 0)
        return err->code;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, ERR_IO, "socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int code = errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : ERR_IO;
        err_set(err, code, "connect to %s: %s", path, strerror(errno));
        close(fd);
        return code;
    }
    *out = fd;
    return 0;
}

/* Only a file that nobody answers at is taken away. */
static int clear_path(const char *path, struct err *err)
{
    struct stat st;
    int fd = -1;

    if (lstat(path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_EXISTS, "%s is there already and is no socket", path);
    if (listener_connect(path, &fd, err) == 0) {
        close(fd);
        return err_set(err, ERR_EXISTS, "another process answers at %s", path);
    }
    if (err->code != ERR_NOT_FOUND)
        return err->code;
    if (unlink(path) != 0 && errno != ENOENT)
        return err_set(err, ERR_IO, "remove %s: %s", path, strerror(errno));
    return 0;
}

static int listen_at(const char *path, mode_t mode, int *out, struct err *err)
{
    struct sockaddr_un address;

    if (address_of(path, &address, err) != 0 || clear_path(path, err) != 0)
        return err->code;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, ERR_IO, "socket: %s", strerror(errno));
    mode_t old = umask(0777 & ~mode); /* so that the file never has wider bits than asked */
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(old);
    if (rc != 0 || listen(fd, LISTENER_BACKLOG) != 0) {
        err_set(err, ERR_IO, "listen at %s: %s", path, strerror(errno));
        if (rc == 0)
            unlink(path);
        close(fd);
        return err->code;
    }
    *out = fd;
    return 0;
}

static void on_pause_over(void *arg)
{
    struct listener *listener = arg;

    watch_change(listener->watch, WATCH_READ);
}

static void on_ready(void *arg, int events)
{
    struct listener *listener = arg;

    (void)events;
    for (int i = 0; i < LISTENER_ACCEPTS_A_TURN && !listener->is_closed; i++) {
        struct ucred peer = { 0 };
        socklen_t len = sizeof peer;
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
            log_warn("accept at %s", listener->path);
            watch_change(listener->watch, 0);
            timer_start(&listener->pause, listener->loop, LISTENER_PAUSE_MS, on_pause_over,
                        listener);
            return;
        }
        if (fd < 0)
            return; /* nobody is waiting, or the one who was has gone */
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
            log_warn("peer credentials at %s", listener->path);
            close(fd); /* who cannot be named is not let in */
            continue;
        }
        listener->on_connection(listener->arg, fd, peer.uid, peer.pid);
    }
}

int listener_open(struct listener **out, struct loop *loop, const char *path, mode_t mode,
                  listener_fn *on_connection, void *arg, struct err *err)
{
    int fd = -1;

    if (listen_at(path, mode, &fd, err) != 0)
        return err->code;
    struct listener *listener = xcalloc(1, sizeof *listener);
    listener->loop = loop;
    listener->fd = fd;
    listener->path = xstrdup(path);
    listener->on_connection = on_connection;
    listener->arg = arg;
    if (watch_open(&listener->watch, loop, fd, WATCH_READ, on_ready, listener, err) != 0) {
        unlink(path);
        close(fd);
        free(listener->path);
        free(listener);
        return err->code;
    }
    *out = listener;
    return 0;
}

static void free_listener(void *arg)
{
    struct listener *listener = arg;

    free(listener->path);
    free(listener);
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    listener->is_closed = true;
    timer_stop(&listener->pause);
    unlink(listener->path);
    watch_close(listener->watch, free_listener);
    close(listener->fd);
}

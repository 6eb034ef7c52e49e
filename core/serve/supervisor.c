/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/supervisor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"

enum { TEXT_MAX = 400, TIMES_AN_INTERVAL = 2 };

struct supervisor {
    struct loop *loop;
    struct timer timer;
    int fd;
    struct sockaddr_un address;
    socklen_t address_len;
    int64_t every_ms; /* 0: it has no watchdog for us */
};

static void say(struct supervisor *supervisor, const char *text)
{
    if (sendto(supervisor->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
               (struct sockaddr *)&supervisor->address, supervisor->address_len) < 0)
        log_debug("the service manager did not hear %s", text);
}

/* The name of a file, or "@" and a name without one. */
static bool set_address(struct supervisor *supervisor, const char *name)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len >= sizeof supervisor->address.sun_path)
        return false;
    supervisor->address.sun_family = AF_UNIX;
    memcpy(supervisor->address.sun_path, name, len);
    if (name[0] == '@')
        supervisor->address.sun_path[0] = '\0';
    supervisor->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

static int64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t us = 0, whose = 0;

    if (usec == NULL || !span_int(span_of(usec), &us) || us <= 0)
        return 0;
    if (pid != NULL && (!span_int(span_of(pid), &whose) || whose != getpid()))
        return 0;
    us /= INT64_C(1000) * TIMES_AN_INTERVAL;
    return us > 0 ? us : 1;
}

struct supervisor *supervisor_open(struct loop *loop)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct supervisor *supervisor = NULL;

    if (name != NULL && name[0] != '\0') {
        supervisor = xcalloc(1, sizeof *supervisor);
        supervisor->loop = loop;
        supervisor->every_ms = watchdog_ms();
        supervisor->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (supervisor->fd < 0 || !set_address(supervisor, name)) {
            log_warnx("NOTIFY_SOCKET=%s is no address of a service manager", name);
            supervisor_close(supervisor);
            supervisor = NULL;
        }
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return supervisor;
}

void supervisor_close(struct supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    timer_stop(&supervisor->timer);
    if (supervisor->fd >= 0)
        close(supervisor->fd);
    free(supervisor);
}

static void feed(void *arg)
{
    struct supervisor *supervisor = arg;

    say(supervisor, "WATCHDOG=1");
    timer_start(&supervisor->timer, supervisor->loop, supervisor->every_ms, feed,
                supervisor);
}

void supervisor_ready(struct supervisor *supervisor, const char *status)
{
    char text[TEXT_MAX];

    if (supervisor == NULL)
        return;
    snprintf(text, sizeof text, "READY=1\nSTATUS=%s", status);
    say(supervisor, text);
    if (supervisor->every_ms > 0)
        feed(supervisor);
}

void supervisor_reloading(struct supervisor *supervisor)
{
    char text[TEXT_MAX];
    struct timespec now;

    if (supervisor == NULL)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text,
             "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading cordon.lua",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    say(supervisor, text);
}

void supervisor_stopping(struct supervisor *supervisor)
{
    if (supervisor != NULL)
        say(supervisor, "STOPPING=1\nSTATUS=what is under way is written down");
}

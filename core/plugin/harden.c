/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/harden.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/deny.h"
#include "base/err.h"
#include "base/sanitizer.h"

static int limit(int resource, rlim_t most, const char *name, struct err *err)
{
    struct rlimit value;

    if (getrlimit((__rlimit_resource_t)resource, &value) != 0)
        return err_set(err, ERR_IO, "read the limit of %s: %s", name, strerror(errno));
    if (value.rlim_max > most)
        value.rlim_max = most;
    value.rlim_cur = value.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &value) != 0)
        return err_set(err, ERR_IO, "limit %s: %s", name, strerror(errno));
    return 0;
}

/* HOME for programs that keep their login there; nothing that libraries act on. */
static void clean_environment(void)
{
    const char *home = getenv("HOME");
    char *kept = home ? xstrdup(home) : NULL;

    clearenv();
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
    if (kept)
        setenv("HOME", kept, 1);
    free(kept);
}

static int close_others(int fd, struct err *err)
{
    if ((fd > 3 && close_range(3, (unsigned)fd - 1, 0) != 0) ||
        close_range((unsigned)fd + 1, ~0U, 0) != 0)
        return err_set(err, ERR_IO, "close descriptors: %s", strerror(errno));
    return 0;
}

int harden_process(int fd, struct err *err)
{
    clean_environment();
    if (close_others(fd, err) != 0)
        return err->code;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_set(err, ERR_IO, "prctl: %s", strerror(errno));
    if (deny_inspection(err) != 0 ||
        limit(RLIMIT_NOFILE, HARDEN_FILES_MAX, "descriptors", err) != 0)
        return err->code;
    if (!HAS_SANITIZER && limit(RLIMIT_AS, HARDEN_MEMORY_MAX, "memory", err) != 0)
        return err->code;
    return deny_calls(DENY_RARE | DENY_OTHERS, err);
}

int harden_no_programs(struct err *err)
{
    return deny_calls(DENY_PROGRAMS | DENY_LOCAL_SOCKETS, err);
}

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
    deny_terminal();
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

/* -- what the plugin's own configuration leaves ---------------------------------------------- */

/* What libraries look up names, check certificates and tell the time with. Not all of /etc: the
 * configuration and its secrets may lie there. */
static const char *const of_system[] = {
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
    "/proc/self",
};
static const char *const devices[] = { "/dev/null", "/dev/full" };

enum {
    SYSTEM_COUNT = sizeof of_system / sizeof *of_system,
    DEVICE_COUNT = sizeof devices / sizeof *devices,
    LIST_SIZE = SYSTEM_COUNT + DEVICE_COUNT + 3 * HARDEN_PATHS_MAX
};

struct lists {
    const char *readable[LIST_SIZE], *writable[LIST_SIZE], *executable[LIST_SIZE];
    size_t read_count, write_count, run_count;
    char *owned[HARDEN_PATHS_MAX]; /* paths without their ":rw" */
    size_t owned_count;
};

static bool is_empty(const char *const *list)
{
    return list == NULL || list[0] == NULL;
}

static void add_paths(struct lists *lists, const char *const *paths)
{
    static const char mark[] = ":rw";

    for (size_t i = 0; paths && paths[i] && i < HARDEN_PATHS_MAX; i++) {
        size_t len = strlen(paths[i]), end = sizeof mark - 1;
        if (len <= end || strcmp(paths[i] + len - end, mark) != 0) {
            lists->readable[lists->read_count++] = paths[i];
            continue;
        }
        lists->owned[lists->owned_count] = xstrndup(paths[i], len - end);
        lists->writable[lists->write_count++] = lists->owned[lists->owned_count++];
    }
}

/* Whoever may start a program may start what that starts in turn: an interpreter, above all. */
static void add_programs(struct lists *lists, const char *const *programs)
{
    if (is_empty(programs))
        return;
    for (size_t i = 0; i < SYSTEM_COUNT; i++)
        if (strncmp(of_system[i], "/etc", 4) != 0 && strncmp(of_system[i], "/dev", 4) != 0)
            lists->executable[lists->run_count++] = of_system[i];
    for (size_t i = 0; programs[i] && i < HARDEN_PATHS_MAX; i++)
        if (programs[i][0] == '/')
            lists->executable[lists->run_count++] = programs[i];
}

static int reach_only(const struct harden_reach *reach, struct err *err)
{
    struct lists *lists = xcalloc(1, sizeof *lists);
    int abi = 0;

    for (size_t i = 0; i < SYSTEM_COUNT; i++)
        lists->readable[lists->read_count++] = of_system[i];
    for (size_t i = 0; i < DEVICE_COUNT; i++)
        lists->writable[lists->write_count++] = devices[i];
    lists->readable[lists->read_count++] = reach->file;
    if (reach->ca_file)
        lists->readable[lists->read_count++] = reach->ca_file;
    if (reach->record_dir && *reach->record_dir)
        lists->writable[lists->write_count++] = reach->record_dir;
    add_paths(lists, reach->paths);
    add_programs(lists, reach->programs);
    const struct deny_reach files = { .readable = lists->readable,
                                      .writable = lists->writable,
                                      .executable = lists->executable };
    int rc = deny_files(&files, &abi, err);
    for (size_t i = 0; i < lists->owned_count; i++)
        free(lists->owned[i]);
    free(lists);
    if (rc == 0)
        deny_log();
    return rc;
}

int harden_plugin(const struct harden_reach *reach, struct err *err)
{
    unsigned calls = DENY_LOCAL_SOCKETS | DENY_LISTEN | DENY_SESSIONS | DENY_TRUNCATE;

    /* Names are resolved in threads, and the HTTP that the host offers is in this process. */
    calls |= is_empty(reach->hosts) && is_empty(reach->programs)
                 ? DENY_SOCKETS | DENY_THREADS
                 : DENY_OTHER_SOCKETS;
    /* What it starts it must be able to end. */
    if (is_empty(reach->programs))
        calls |= DENY_PROGRAMS | DENY_FORKS | DENY_SIGNALS | DENY_ATTRIBUTES;
    if (reach_only(reach, err) != 0)
        return err->code;
    return deny_calls(calls, err);
}

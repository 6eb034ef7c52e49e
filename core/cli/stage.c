/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/client.h"
#include "cli/input.h"
#include "cli/options.h"

enum {
    POLICY_LEN_MAX = 256 * 1024,
    ENGINE_ENDS_WITHIN_MS = 3000,
    WALK_FDS = 16,
    REMOVE_TRIES_MAX = 20
};

static const char own_policy[] =
    "-- For a rehearsal: whoever sits here may ask, and approve alone.\n"
    "return {\n"
    "  groups = { [\"change-managers\"] = { \"*\" }, soc = { \"*\" } },\n"
    "  self_approval = true,\n"
    "  rules = {\n"
    "    { name = \"only the playbook's own gates\", match = { action = \"*\" }, need = 0 "
    "},\n"
    "  },\n"
    "}\n";

/* -- making it --------------------------------------------------------------------------- */

int stage_open(struct stage *stage, struct err *err)
{
    const char *folder = getenv("TMPDIR");

    *stage = (struct stage){ .engine_fd = -1 };
    str_printf(&stage->dir, "%s/cordon-rehearsal-XXXXXX",
               folder != NULL && folder[0] != 0 ? folder : "/tmp");
    if (mkdtemp(stage->dir.ptr) == NULL) {
        int why = errno;
        err_set(err, ERR_IO, "make %s: %s", str_text(&stage->dir), strerror(why));
        str_reset(&stage->dir);
        return err->code;
    }
    str_printf(&stage->config, "%s/cordon.lua", str_text(&stage->dir));
    return 0;
}

char *stage_path(const struct stage *stage, const char *name)
{
    struct str path = { 0 };

    str_printf(&path, "%s/%s", str_text(&stage->dir), name);
    return str_take(&path);
}

static int write_file(const struct stage *stage, const char *name, struct span text,
                      struct err *err)
{
    char *path = stage_path(stage, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_whole = fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len;

    if (!is_whole)
        err_set(err, ERR_IO, "write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    return is_whole ? 0 : err->code;
}

static int write_policy(const struct stage *stage, const char *path, struct err *err)
{
    struct str text = { 0 };
    int rc = 0;

    if (path == NULL)
        str_add_text(&text, own_policy);
    else
        rc = input_read(&text, path, POLICY_LEN_MAX, "policy", err);
    if (rc == 0)
        rc = write_file(stage, "policy.lua", str_span(&text), err);
    str_fini(&text);
    return rc;
}

/* A Lua string for any bytes: only letters, digits and a few others stand for themselves. */
static void add_lua(struct str *out, struct span text)
{
    str_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || strchr("-._:/", c) != NULL;
        if (is_plain && c != 0)
            str_add_char(out, c);
        else
            str_printf(out, "\\%03d", (unsigned char)c);
    }
    str_add_char(out, '"');
}

static void put_lua(struct str *out, const char *name, struct span text)
{
    str_printf(out, "%s = ", name);
    add_lua(out, text);
    str_add_text(out, ",\n");
}

static void put_endpoints(struct str *out, struct span world, const char *url)
{
    struct span vault;
    size_t pos = 0;

    put_lua(out, "endpoints = { arm", span_of(url));
    put_lua(out, "login", span_of(url));
    str_add_text(out, "vaults = {\n");
    while (json_next(json_get(world, "vaults"), &pos, NULL, &vault)) {
        struct span id = json_get_raw(vault, "id");
        const char *slash = id.len > 0 ? memrchr(id.ptr, '/', id.len) : NULL;
        struct str address = { 0 };

        if (slash == NULL)
            continue;
        struct span name = { slash + 1, id.len - (size_t)(slash + 1 - id.ptr) };
        str_printf(&address, "%s/_vault/%.*s", url, (int)name.len, name.ptr);
        str_add_char(out, '[');
        add_lua(out, name);
        put_lua(out, "]", str_span(&address));
        str_fini(&address);
    }
    str_add_text(out, "} }\n");
}

static int write_config(const struct stage *stage, struct span world, struct span identity,
                        const char *url, struct err *err)
{
    struct str text = { 0 };

    str_add_text(&text,
                 "return { plugins = { azure = {\n"
                 "hosts = { \"127.0.0.1/32\" }, secrets = { \"azure-client-secret\" },\n"
                 "config = { credential = \"client_secret\","
                 " secret = \"azure-client-secret\",\n");
    put_lua(&text, "tenant", json_get_raw(world, "tenant"));
    put_lua(&text, "client_id", json_get_raw(identity, "client_id"));
    put_endpoints(&text, world, url);
    str_add_text(&text, "} } } }\n");
    int rc = write_file(stage, "cordon.lua", str_span(&text), err);
    str_fini(&text);
    return rc;
}

static int write_secret(const struct stage *stage, struct span identity, struct err *err)
{
    char *folder = stage_path(stage, "secrets");
    char *secret = json_get_text(identity, "client_secret");
    int rc = 0;

    if (mkdir(folder, 0700) != 0)
        rc = err_set(err, ERR_IO, "make %s: %s", folder, strerror(errno));
    if (rc == 0)
        rc = write_file(stage, "secrets/azure-client-secret", span_of(secret), err);
    free(folder);
    text_wipe(secret);
    return rc;
}

int stage_furnish(struct stage *stage, struct span world, const char *url,
                  const char *policy_path, struct err *err)
{
    struct span identity, found = { 0 };
    size_t pos = 0;

    while (found.len == 0 &&
           json_next(json_get(world, "identities"), &pos, NULL, &identity))
        if (json_kind(json_get(identity, "client_secret")) == JSON_STRING)
            found = identity;
    if (found.len == 0)
        return err_set(err, ERR_INVALID,
                       "the world has no identity with a client_secret, to sign in as");
    if (write_policy(stage, policy_path, err) != 0 ||
        write_config(stage, world, found, url, err) != 0)
        return err->code;
    return write_secret(stage, found, err);
}

char *stage_find_plugin(void)
{
    const char *folder = getenv("CORDON_PLUGINS");
    char *places[3] = { NULL, input_beside("plugins/azure.so"),
                        input_beside("../lib/cordon/plugins/azure.so") };
    char *found = NULL;
    struct str path = { 0 };

    if (folder != NULL && folder[0] != 0) {
        str_printf(&path, "%s/azure.so", folder);
        places[0] = str_take(&path);
    }
    for (int i = 0; i < 3; i++) {
        if (found == NULL && places[i] != NULL && access(places[i], R_OK) == 0)
            found = realpath(places[i], NULL); /* trust wants an absolute one */
        free(places[i]);
    }
    return found;
}

/* -- its engine -------------------------------------------------------------------------- */

/* Remembers who is at the other end of the socket, so that it can be ended. */
static void meet_engine(struct stage *stage, int socket_fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.pid <= 0)
        return;
    if (stage->engine_fd >= 0)
        close(stage->engine_fd);
    stage->engine_fd = pidfd_open(peer.pid, 0); /* closed on exec */
}

int stage_ask(struct stage *stage, const char *verb, struct span args, int64_t until_us,
              struct str *reply, struct err *err)
{
    struct options options = { .state_dir = str_text(&stage->dir),
                               .config = str_text(&stage->config) };
    struct client client;
    struct client_message message = { 0 };
    int got = client_ask(&client, &options, verb, args, err);

    client.until_us = until_us;
    if (got == 0)
        meet_engine(stage, client.fd);
    while (got == 0 || got == CLIENT_EVENT)
        got = client_next(&client, &message, err);
    if (got == CLIENT_REPLY) {
        str_reset(reply);
        str_add_span(reply, message.json);
    }
    client_close(&client);
    if (got == CLIENT_GONE)
        return err_set(err, ERR_IO, "the engine ended before it replied to %s", verb);
    if (got == CLIENT_INTERRUPTED)
        return err_set(err, ERR_CANCELED, "interrupted");
    return got < 0 ? got : 0;
}

/* -- ending it --------------------------------------------------------------------------- */

static bool has_ended(int pidfd, int within_ms)
{
    int64_t until_us = clock_mono_us() + (int64_t)within_ms * 1000;

    for (;;) {
        struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        int ready = poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

/* By pidfd, so that it can be no other process that has the number by now. */
static void end_engine(struct stage *stage)
{
    if (stage->engine_fd < 0)
        return;
    pidfd_send_signal(stage->engine_fd, SIGTERM, NULL, 0);
    if (!has_ended(stage->engine_fd, ENGINE_ENDS_WITHIN_MS)) {
        pidfd_send_signal(stage->engine_fd, SIGKILL, NULL, 0);
        has_ended(stage->engine_fd, ENGINE_ENDS_WITHIN_MS);
    }
    close(stage->engine_fd);
    stage->engine_fd = -1;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

void stage_close(struct stage *stage)
{
    end_engine(stage);
    /* Again when somebody was still writing into it. */
    for (int i = 0; stage->dir.len > 0 && i < REMOVE_TRIES_MAX; i++) {
        if (nftw(str_text(&stage->dir), remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS) == 0 ||
            errno == ENOENT)
            break;
        usleep(10000);
    }
    str_fini(&stage->dir);
    str_fini(&stage->config);
}

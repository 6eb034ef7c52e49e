/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "frame/frame.h"

double bench_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static const char *need_env(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        fatalx("%s is not set: run this with `make bench`", name);
    return value;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        fatal("write %s", path);
}

void bench_noop(const struct bench_engine *engine, const char *lua)
{
    char text[1000], world[280];

    snprintf(world, sizeof world, "%s.world", engine->dir);
    if (mkdir(world, 0700) != 0 && errno != EEXIST)
        fatal("make %s", world);
    snprintf(text, sizeof text,
             "return { plugins = { noop = { config = { %s }, paths = { \"%s:rw\" } } } }\n",
             lua, world);
    write_file(engine->dir, "cordon.lua", text);
}

void bench_state(struct bench_engine *engine, const char *name)
{
    char path[600];

    snprintf(engine->dir, sizeof engine->dir, "%s/bench-state/%s-%d", need_env("BUILD"),
             name, (int)getpid());
    snprintf(path, sizeof path, "rm -rf '%s' '%s.world' && mkdir -p -m 700 '%s'",
             engine->dir, engine->dir, engine->dir);
    if (system(path) != 0)
        fatalx("cannot make %s", engine->dir);
    write_file(engine->dir, "policy.lua",
               "return { groups = { all = { \"*\" } }, self_approval = true,\n"
               "  rules = { { name = \"all\", match = { action = \"*\" }, need = 0 } },\n"
               "  guards = { changes_per_run = 1000000, changes_per_hour = 100000000,\n"
               "             changes_per_playbook_hour = 100000000,\n"
               "             targets_per_run = 1000000 } }\n");
    write_file(engine->dir, "cordon.lua", "return {}\n");
    bench_start(engine);
    char json[500], reply[2000];
    snprintf(json, sizeof json, "{\"path\":\"%s/noop.so\"}", need_env("FIXTURES"));
    if (bench_ask(engine, "trust", json, reply, sizeof reply) != 0)
        fatalx("trust: %s", reply);
}

static int dial(const struct bench_engine *engine)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/cordon.sock", engine->dir);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fatal("connect %s", address.sun_path);
    return fd;
}

void bench_start(struct bench_engine *engine)
{
    char ready[8] = "", number[16], file[300];
    int pipes[2];
    double begun = bench_now_ms();

    if (pipe(pipes) != 0)
        fatal("pipe");
    snprintf(number, sizeof number, "%d", pipes[1]);
    snprintf(file, sizeof file, "%s/counts", engine->dir);
    engine->pid = fork();
    if (engine->pid == 0) {
        close(pipes[0]);
        setenv("LD_PRELOAD", need_env("SHIM"), 1);
        setenv("CRASH_FILE", file, 1);
        setenv("SYNC_MS", getenv("SLOW") != NULL ? getenv("SLOW") : "0", 1);
        execl(need_env("CORDON"), "cordon", "--internal-engine", "--state", engine->dir,
              "--ready-fd", number, (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    if (read(pipes[0], ready, sizeof ready - 1) <= 0 || strncmp(ready, "ready", 5) != 0)
        fatalx("the engine said: %s", ready);
    close(pipes[0]);
    engine->start_ms = bench_now_ms() - begun;
    engine->lamp = dial(engine);
}

void bench_kill(struct bench_engine *engine)
{
    kill(engine->pid, SIGKILL);
    waitpid(engine->pid, NULL, 0);
    engine->pid = 0;
    if (engine->lamp >= 0)
        close(engine->lamp);
    engine->lamp = -1;
}

void bench_stop(struct bench_engine *engine)
{
    if (engine->lamp >= 0)
        close(engine->lamp);
    engine->lamp = -1;
    for (int i = 0; i < 400 && waitpid(engine->pid, NULL, WNOHANG) == 0; i++)
        usleep(25000);
    kill(engine->pid, SIGKILL);
    waitpid(engine->pid, NULL, 0);
    engine->pid = 0;
}

void bench_counts(const struct bench_engine *engine, struct bench_count *count)
{
    char path[300];
    snprintf(path, sizeof path, "%s/counts", engine->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, count, sizeof *count) != sizeof *count)
        fatal("read %s", path);
    close(fd);
}

static int64_t status_kib(const struct bench_engine *engine, const char *field)
{
    char path[64], line[200];
    int64_t kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)engine->pid);
    FILE *file = fopen(path, "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoll(line + strlen(field), NULL, 10);
    if (file != NULL)
        fclose(file);
    return kib;
}

int64_t bench_rss_kib(const struct bench_engine *engine)
{
    return status_kib(engine, "VmRSS:");
}

int64_t bench_peak_kib(const struct bench_engine *engine)
{
    return status_kib(engine, "VmHWM:");
}

/* -- asking --------------------------------------------------------------------------------- */

struct slot {
    int fd;
    double begun_ms;
    struct str in;
};

static void send_ask(struct slot *slot, const struct bench_engine *engine, const char *verb,
                     const char *json)
{
    struct str bytes = { 0 };
    struct frame_writer out;
    struct err err;

    slot->begun_ms = bench_now_ms();
    slot->fd = dial(engine);
    frame_begin(&out, &bytes, FRAME_ASK);
    frame_add_text(&out, verb);
    frame_add_text(&out, json);
    frame_finish(&out);
    if (frame_send(slot->fd, str_span(&bytes), &err) != 0)
        fatalx("%s", err.text);
    str_fini(&bytes);
    str_reset(&slot->in);
}

/* Reads what is there; true when the reply has come. */
static bool take_reply(struct slot *slot, int *exit_code, char *reply, size_t size)
{
    char chunk[65536];
    ssize_t len = read(slot->fd, chunk, sizeof chunk);

    if (len <= 0)
        fatalx("the engine closed the connection");
    str_add(&slot->in, chunk, (size_t)len);
    for (;;) {
        enum frame_type type;
        struct span fields;
        size_t total;
        struct err err;
        int found = frame_find(str_span(&slot->in), &type, &fields, &total, &err);

        if (found < 0)
            fatalx("%s", err.text);
        if (found == 0)
            return false;
        if (type == FRAME_REPLY) {
            struct frame_reader in;

            frame_read(&in, fields);
            *exit_code = (int)frame_get_int(&in);
            struct span json = frame_get_span(&in);
            if (reply != NULL)
                snprintf(reply, size, "%.*s", (int)json.len, json.ptr);
            close(slot->fd);
            slot->fd = -1;
            return true;
        }
        memmove(slot->in.ptr, slot->in.ptr + total, slot->in.len - total);
        slot->in.len -= total;
    }
}

int bench_ask(const struct bench_engine *engine, const char *verb, const char *json,
              char *reply, size_t size)
{
    struct slot slot = { 0 };
    int exit_code = -1;

    send_ask(&slot, engine, verb, json);
    while (!take_reply(&slot, &exit_code, reply, size))
        continue;
    str_fini(&slot.in);
    return exit_code;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void subtract(struct bench_count *now, const struct bench_count *before)
{
    now->points -= before->points;
    now->journal -= before->journal;
    now->frames -= before->frames;
    now->syncs -= before->syncs;
    now->bytes -= before->bytes;
}

void bench_burst(const struct bench_engine *engine, const char *verb,
                 bench_json_fn *json_of, int total, int at_once, int exit_wanted,
                 struct bench_burst *burst)
{
    struct slot *slots = xcalloc((size_t)at_once, sizeof *slots);
    struct pollfd *polls = xcalloc((size_t)at_once, sizeof *polls);
    double *took = xcalloc((size_t)total, sizeof *took);
    char *json = xmalloc(65536);
    struct bench_count before;
    int sent = 0, done = 0, code;

    bench_counts(engine, &before);
    double begun = bench_now_ms();
    for (int i = 0; i < at_once; i++) {
        slots[i].fd = -1;
        if (sent < total) {
            json_of(json, 65536, sent++);
            send_ask(&slots[i], engine, verb, json);
        }
    }
    while (done < total) {
        for (int i = 0; i < at_once; i++)
            polls[i] = (struct pollfd){ .fd = slots[i].fd, .events = POLLIN };
        if (poll(polls, (nfds_t)at_once, 60000) <= 0)
            fatalx("nothing came for a minute: %d of %d asks done", done, total);
        for (int i = 0; i < at_once; i++) {
            char reply[2000];

            if (polls[i].revents == 0 || !take_reply(&slots[i], &code, reply, sizeof reply))
                continue;
            if (code != exit_wanted)
                fatalx("exit %d instead of %d: %s", code, exit_wanted, reply);
            took[done++] = bench_now_ms() - slots[i].begun_ms;
            if (sent < total) {
                json_of(json, 65536, sent++);
                send_ask(&slots[i], engine, verb, json);
            }
        }
    }
    burst->seconds = (bench_now_ms() - begun) / 1e3;
    burst->count = total;
    bench_counts(engine, &burst->used);
    subtract(&burst->used, &before);
    qsort(took, (size_t)total, sizeof *took, by_size);
    burst->p50_ms = took[total / 2];
    burst->p99_ms = took[total * 99 / 100];
    for (int i = 0; i < at_once; i++)
        str_fini(&slots[i].in);
    free(slots);
    free(polls);
    free(took);
    free(json);
}

double bench_first_event(const struct bench_engine *engine, const char *verb,
                         bench_json_fn *json_of, const char *kind)
{
    struct slot slot = { 0 };
    struct str frame = { 0 };
    char json[4096];
    double came_ms = 0;
    enum frame_type type = 0;
    struct span fields;
    struct err err;

    json_of(json, sizeof json, 0);
    send_ask(&slot, engine, verb, json);
    while (type != FRAME_REPLY) {
        struct frame_reader in;

        if (frame_receive(slot.fd, &frame, &type, &fields, &err) != 1)
            fatalx("the engine closed the connection");
        frame_read(&in, fields);
        if (type == FRAME_EVENT && came_ms == 0 &&
            span_is(json_get_raw(frame_get_span(&in), "kind"), kind))
            came_ms = bench_now_ms();
        else if (type == FRAME_REPLY && frame_get_int(&in) != 0)
            fatalx("%.*s", (int)fields.len, fields.ptr);
    }
    close(slot.fd);
    str_fini(&frame);
    str_fini(&slot.in);
    if (came_ms == 0)
        fatalx("no %s came", kind);
    return came_ms - slot.begun_ms;
}

int64_t bench_runs_in(const struct bench_engine *engine, const char *state, int limit)
{
    char json[100];
    size_t size = 4 * 1024 * 1024;
    char *reply = xmalloc(size);

    snprintf(json, sizeof json, "{\"limit\":%d,\"state\":\"%s\"}", limit, state);
    if (bench_ask(engine, "runs", json, reply, size) != 0)
        fatalx("runs: %s", reply);
    int64_t count = (int64_t)json_count(json_get(span_of(reply), "runs"));
    free(reply);
    return count;
}

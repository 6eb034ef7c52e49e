/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/gate.c - from the start of a run until its gate is open, with a preview of many
 * changes: each observed at the simulator, on the same machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "client.h"

enum { SITES = 50, OPENED = 15, AWAY_MS = 20, WORLD_MAX = 1024 * 1024 };

static const char site_id[] =
    "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/"
    "Microsoft.Web/sites/shop-web";

struct azsim {
    pid_t pid;
    char url[100], log[300];
};

/* -- a simulated cloud with many sites ------------------------------------------------------ */

static char *read_text(const char *path)
{
    char *text = xcalloc(1, WORLD_MAX + 1);
    FILE *file = fopen(path, "r");

    if (file == NULL || fread(text, 1, WORLD_MAX, file) == 0 || fclose(file) != 0)
        fatal("read %s", path);
    return text;
}

static void write_text(const char *dir, const char *name, const char *text)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
        fatal("write %s", path);
}

/* The shop's one site, so many times, each with its number behind its name. */
static void add_sites(struct str *out, struct span site)
{
    static const char name[] = "shop-web";

    for (int i = 1; i <= SITES; i++) {
        str_add_text(out, i > 1 ? "," : "[");
        for (size_t at = 0; at < site.len; at++) {
            bool is_name = at + sizeof name - 1 <= site.len &&
                           memcmp(site.ptr + at, name, sizeof name - 1) == 0;

            str_add_char(out, site.ptr[at]);
            if (is_name) {
                str_printf(out, "%s-%d", name + 1, i);
                at += sizeof name - 2;
            }
        }
    }
    str_add_char(out, ']');
}

static void make_world(const char *dir)
{
    char *shop = read_text(getenv("WORLD"));
    struct str world = { 0 };
    struct span key, value, site = { 0 };
    size_t pos = 0, first = 0;

    while (json_next(span_of(shop), &pos, &key, &value)) {
        str_printf(&world, "%s\"%.*s\":", world.len > 0 ? "," : "{", (int)key.len, key.ptr);
        if (span_is(key, "sites") && json_next(value, &first, NULL, &site))
            add_sites(&world, site);
        else
            str_add_span(&world, value);
    }
    str_add_char(&world, '}');
    write_text(dir, "world.json", str_text(&world));
    str_fini(&world);
    free(shop);
}

static void azsim_start(struct azsim *azsim, const char *dir)
{
    char line[200] = "", world[300];
    int pipes[2];

    make_world(dir);
    snprintf(world, sizeof world, "%s/world.json", dir);
    snprintf(azsim->log, sizeof azsim->log, "%s/requests.jsonl", dir);
    if (pipe(pipes) != 0)
        fatal("pipe");
    azsim->pid = fork();
    if (azsim->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* also when the bench is told to stop */
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execl(getenv("AZSIM"), "azsim", "--world", world, "--port", "0", "--quiet", "--log",
              azsim->log, (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    FILE *out = fdopen(pipes[0], "r");
    if (out == NULL || fgets(line, sizeof line, out) == NULL ||
        sscanf(line, "azsim listening on %99s", azsim->url) != 1)
        fatalx("azsim said: %s", line);
    fclose(out);
}

static void azsim_stop(const struct azsim *azsim)
{
    kill(azsim->pid, SIGTERM);
    waitpid(azsim->pid, NULL, 0);
}

/* Each answer comes so much later from now on, as over a network. */
static void slow_down(const struct azsim *azsim, int ms)
{
    char command[400];

    snprintf(command, sizeof command,
             "curl -fsS -X POST -H 'Content-Type: application/json' -d "
             "'{\"match\":{},\"times\":-1,\"fault\":\"latency\",\"ms\":%d}' %s/_sim/faults",
             ms, azsim->url);
    if (system(command) != 0)
        fatalx("azsim takes no rule");
}

static int64_t requests(const struct azsim *azsim)
{
    FILE *file = fopen(azsim->log, "r");
    int64_t lines = 0;
    int c;

    while (file != NULL && (c = fgetc(file)) != EOF)
        lines += c == '\n';
    if (file != NULL)
        fclose(file);
    return lines;
}

/* -- an engine that knows it ---------------------------------------------------------------- */

static void configure(struct bench_engine *engine, const struct azsim *azsim)
{
    char lua[1500], path[300], reply[2000];

    snprintf(path, sizeof path, "%s/secrets", engine->dir);
    if (mkdir(path, 0700) != 0)
        fatal("make %s", path);
    write_text(path, "azure-client-secret", "simulated-secret");
    snprintf(lua, sizeof lua,
             "return { plugins = { azure = { hosts = { \"127.0.0.1/32\" },\n"
             "  secrets = { \"azure-client-secret\" }, settle = \"200ms\",\n"
             "  config = { tenant = \"22222222-2222-2222-2222-222222222222\",\n"
             "    client_id = \"11111111-1111-1111-1111-111111111111\",\n"
             "    credential = \"client_secret\", secret = \"azure-client-secret\",\n"
             "    endpoints = { arm = \"%s\", login = \"%s\" } } } } }\n",
             azsim->url, azsim->url);
    bench_kill(engine);
    write_text(engine->dir, "cordon.lua", lua);
    bench_start(engine);
    snprintf(lua, sizeof lua, "{\"path\":\"%s/azure.so\"}", getenv("PLUGINS"));
    if (bench_ask(engine, "trust", lua, reply, sizeof reply) != 0)
        fatalx("trust: %s", reply);
}

/* -- what is measured ----------------------------------------------------------------------- */

static char source[1000];

static void run_json(char *out, size_t size, int i)
{
    struct str text = { 0 };
    struct json_out args = { .str = &text };

    (void)i;
    json_open(&args, '{');
    json_put_bool(&args, "follow", true);
    json_put_raw(&args, "params", span_of("{}"));
    json_key(&args, "playbook");
    json_open(&args, '{');
    json_put(&args, "name", "stops");
    json_put(&args, "source", source);
    json_close(&args);
    json_close(&args);
    snprintf(out, size, "%s", str_text(&text));
    str_fini(&text);
}

static void write_playbook(int changes, bool is_parallel)
{
    snprintf(source, sizeof source,
             "local site = use \"azure.appservice\"\n"
             "return playbook { name = \"stops\", summary = \"many sites at once\",\n"
             "  run = function(p, ctx)\n"
             "    ctx.approve { title = \"stop them\", within = \"24h\" }\n"
             "    local ids = {}\n"
             "    for i = 1, %d do ids[i] = \"%s-\" .. i end\n"
             "    local function stop(id) site.stop { id = id } end\n"
             "    %s\n"
             "  end }\n",
             changes, site_id,
             is_parallel ? "ctx.each(ids, stop, { at_once = 8 })"
                         : "for i = 1, #ids do stop(ids[i]) end");
}

/* Does the gate show what it is said to be measured with? */
static void check_gate(const struct bench_engine *engine, int run, int changes)
{
    char ask[64];
    size_t size = 1024 * 1024;
    char *reply = xmalloc(size);

    snprintf(ask, sizeof ask, "{\"gate\":\"g-%06d-1\"}", run);
    if (bench_ask(engine, "gate", ask, reply, size) != 0)
        fatalx("gate: %s", reply);
    int shown = (int)json_count(json_path(span_of(reply), "body.changes"));
    if (shown != changes)
        fatalx("the gate of run %d shows %d changes, and it should be %d", run, shown,
               changes);
    free(reply);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static bench_figure_fn *figure;

static void gates_open(const struct bench_engine *engine, const struct azsim *azsim,
                       int changes, bool is_parallel, const char *where)
{
    static int runs;
    struct bench_burst burst;
    double took[OPENED];
    char name[100];

    write_playbook(changes, is_parallel);
    bench_burst(engine, "run", run_json, 1, 1, 3,
                &burst); /* VM, host and token are there */
    runs++;
    int64_t before = requests(azsim);
    for (int i = 0; i < OPENED; i++) {
        bench_burst(engine, "run", run_json, 1, 1, 3, &burst);
        took[i] = burst.p50_ms;
        check_gate(engine, ++runs, changes);
    }
    double each = (double)(requests(azsim) - before) / OPENED;
    qsort(took, OPENED, sizeof *took, by_size);
    snprintf(name, sizeof name, "start to gate open, %d change%s%s%s", changes,
             changes == 1 ? "" : "s", is_parallel ? " in branches" : "", where);
    figure(name, took[OPENED / 2], "ms", 0, 0);
    snprintf(name, sizeof name, "HTTP requests for that, %d change%s%s%s", changes,
             changes == 1 ? "" : "s", is_parallel ? " in branches" : "", where);
    figure(name, each, "", 0, 0);
}

void bench_gate(bench_figure_fn *figure_fn)
{
    struct bench_engine engine;
    struct azsim azsim = { 0 };

    figure = figure_fn;
    printf("\nOpening a gate: the run starts, and it is open; median of %d\n", OPENED);
    bench_state(&engine, "gate");
    azsim_start(&azsim, engine.dir);
    configure(&engine, &azsim);
    gates_open(&engine, &azsim, 1, false, "");
    gates_open(&engine, &azsim, SITES, false, "");
    gates_open(&engine, &azsim, SITES, true, "");
    slow_down(&azsim, AWAY_MS);
    gates_open(&engine, &azsim, 1, false, ", 20 ms away");
    gates_open(&engine, &azsim, SITES, false, ", 20 ms away");
    gates_open(&engine, &azsim, SITES, true, ", 20 ms away");
    bench_stop(&engine);
    azsim_stop(&azsim);
}

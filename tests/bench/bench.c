/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/bench.c - how fast, how small, how soon again; beside what the machine can do.
 *
 * Read ratios and counts, not times: machines are shared. Every figure goes to the table and
 * to build/bench.json, with its goal where docs/performance.md states one.
 */
#include "client.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

enum { STEPS = 5, ROWS_PER_RUN = 12 };

static const char five_steps[] =
    "local noop = use \"noop\"\n"
    "return playbook { name = \"five\", summary = \"five steps\",\n"
    "  run = function(p, ctx)\n"
    "    for i = 1, 5 do\n"
    "      noop.set { target = ctx.run .. \"-\" .. i, value = \"x\" }\n"
    "    end\n"
    "  end }\n";

static const char gated[] =
    "local noop = use \"noop\"\n"
    "return playbook { name = \"gated\", summary = \"a gate, then a step\",\n"
    "  run = function(p, ctx)\n"
    "    ctx.approve { title = \"go on\", within = \"24h\" }\n"
    "    noop.set { target = ctx.run, value = \"x\" }\n"
    "  end }\n";

static struct str figures;
static struct json_out json = { .str = &figures };
static int goals_missed;

/* One figure: name, value, unit, and the goal it is held to; sense: '<', '>' or 0. */
static void figure(const char *name, double value, const char *unit, char sense,
                   double goal)
{
    bool is_met = sense == 0 || (sense == '<' ? value <= goal : value >= goal);

    printf("  %-58s %12.2f %-10s", name, value, unit);
    if (sense != 0)
        printf(" %s %g%s", sense == '<' ? "at most" : "at least", goal,
               is_met ? "" : "   MISSED");
    printf("\n");
    fflush(stdout);
    goals_missed += !is_met;
    json_open(&json, '{');
    json_put(&json, "name", name);
    json_key(&json, "value");
    json_number(&json, value);
    json_put(&json, "unit", unit);
    if (sense != 0) {
        json_key(&json, "goal");
        json_number(&json, goal);
        json_put_bool(&json, "met", is_met);
    }
    json_close(&json);
}

static void put_playbook(char *out, size_t size, const char *name, const char *source,
                         const char *more)
{
    struct str text = { 0 };
    struct json_out args = { .str = &text };

    json_open(&args, '{');
    json_key(&args, "playbook");
    json_open(&args, '{');
    json_put(&args, "name", name);
    json_put(&args, "source", source);
    json_close(&args);
    json_close(&args);
    snprintf(out, size, "%.*s,\"params\":{}%s}", (int)text.len - 1, text.ptr, more);
    str_fini(&text);
}

static void five_json(char *out, size_t size, int i)
{
    (void)i;
    put_playbook(out, size, "five", five_steps, ",\"follow\":true");
}

static void five_started_json(char *out, size_t size, int i)
{
    (void)i;
    put_playbook(out, size, "five", five_steps, ",\"follow\":false");
}

static const char on_alert[] =
    "local noop = use \"noop\"\n"
    "return playbook { name = \"alerted\", summary = \"from an alert\",\n"
    "  params = { t = { \"string\", \"target\" } },\n"
    "  on_alert = { when = { source = \"bench\", type = \"*\", severity = \"low+\" },\n"
    "    params = function(a) return { t = a.id } end },\n"
    "  run = function(p, ctx) noop.set { target = ctx.run .. p.t, value = \"x\" } end }\n";

static void alert_json(char *out, size_t size, int i)
{
    put_playbook(
        out, size, "alerted", on_alert,
        ",\"follow\":true,\"alert_text\":\"{\\\"id\\\":\\\"1\\\",\\\"source\\\":"
        "\\\"bench\\\",\\\"type\\\":\\\"x\\\",\\\"title\\\":\\\"x\\\",\\\"severity\\\":"
        "\\\"high\\\"}\"");
    (void)i;
}

static void gated_json(char *out, size_t size, int i)
{
    (void)i;
    put_playbook(out, size, "gated", gated, ",\"follow\":true");
}

/* -- what the disk gives ------------------------------------------------------------------- */

/* The same records without us: so many writers, each of whom appends one and waits until a
 * sync covers it; whoever comes first syncs for all. */
struct raw_log {
    pthread_mutex_t lock;
    pthread_cond_t synced;
    int fd;
    int bytes;
    int left;               /* records that nobody has begun */
    long appended, durable; /* records */
    bool is_syncing;
    useconds_t slower;
};

static void wait_durable(struct raw_log *raw, long mine)
{
    while (raw->durable < mine) {
        if (raw->is_syncing) {
            pthread_cond_wait(&raw->synced, &raw->lock);
            continue;
        }
        long covers = raw->appended;
        raw->is_syncing = true;
        pthread_mutex_unlock(&raw->lock);
        if (fdatasync(raw->fd) != 0)
            fatal("sync");
        if (raw->slower > 0)
            usleep(raw->slower);
        pthread_mutex_lock(&raw->lock);
        raw->is_syncing = false;
        raw->durable = covers;
        pthread_cond_broadcast(&raw->synced);
    }
}

static void *raw_writer(void *arg)
{
    struct raw_log *raw = arg;
    char *record = xcalloc(1, (size_t)raw->bytes);

    pthread_mutex_lock(&raw->lock);
    while (raw->left-- > 0) {
        if (write(raw->fd, record, (size_t)raw->bytes) != raw->bytes)
            fatal("write");
        wait_durable(raw, ++raw->appended);
    }
    pthread_mutex_unlock(&raw->lock);
    free(record);
    return NULL;
}

/* Records per second. */
static double raw_log(const char *dir, int records, int bytes, int writers)
{
    struct raw_log raw = { .bytes = bytes, .left = records };
    pthread_t threads[64];
    const char *slow = getenv("SLOW");
    char path[300];

    snprintf(path, sizeof path, "%s/raw.log", dir);
    raw.slower = slow != NULL ? (useconds_t)atoi(slow) * 1000 : 0;
    raw.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (raw.fd < 0)
        fatal("open %s", path);
    pthread_mutex_init(&raw.lock, NULL);
    pthread_cond_init(&raw.synced, NULL);
    double begun = bench_now_ms();
    for (int i = 0; i < writers; i++)
        if (pthread_create(&threads[i], NULL, raw_writer, &raw) != 0)
            fatalx("a thread could not be started");
    for (int i = 0; i < writers; i++)
        pthread_join(threads[i], NULL);
    double seconds = (bench_now_ms() - begun) / 1e3;
    close(raw.fd);
    unlink(path);
    return records / seconds;
}

/* -- throughput ------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double lone_syncs(const struct bench_engine *engine)
{
    struct bench_burst burst;
    double syncs[51];

    for (int i = 0; i < 51; i++) {
        bench_burst(engine, "run", five_json, 1, 1, 0, &burst);
        syncs[i] = (double)burst.used.syncs;
    }
    qsort(syncs, 51, sizeof *syncs, by_size);
    return syncs[25];
}

static void throughput(int at_once, int runs)
{
    struct bench_engine engine;
    struct bench_burst burst;
    char name[100];

    bench_state(&engine, "throughput");
    bench_burst(&engine, "run", five_json, at_once < 64 ? 5 : 64, at_once, 0, &burst);
    bench_burst(&engine, "run", five_json, runs, at_once, 0, &burst);
    double bytes = (double)burst.used.bytes / runs;
    double rows_s = runs * ROWS_PER_RUN / burst.seconds;
    double raw = raw_log(engine.dir, at_once == 1 ? 2000 : 50000,
                         (int)(bytes / 2 / ROWS_PER_RUN) + 1, at_once < 64 ? at_once : 64);

    printf("\n%d runs of five steps, %d at once\n", runs, at_once);
    snprintf(name, sizeof name, "durable steps per second, %d at once", at_once);
    figure(name, runs * STEPS / burst.seconds, "steps/s", 0, 0);
    snprintf(name, sizeof name, "p50 of a run, %d at once", at_once);
    figure(name, burst.p50_ms, "ms", 0, 0);
    snprintf(name, sizeof name, "p99 of a run, %d at once", at_once);
    figure(name, burst.p99_ms, "ms", 0, 0);
    snprintf(name, sizeof name, "p99/p50, %d at once", at_once);
    figure(name, burst.p99_ms / burst.p50_ms, "", at_once == 64 ? '<' : 0, 3);
    if (at_once == 1)
        figure("syncs of one lone run, median of 51", lone_syncs(&engine), "", '<', 6);
    snprintf(name, sizeof name, "syncs per run, checkpoints included, %d at once", at_once);
    figure(name, (double)burst.used.syncs / runs, "", at_once == 64 ? '<' : 0, 0.25);
    snprintf(name, sizeof name, "KiB written per run, %d at once", at_once);
    figure(name, bytes / 1024, "KiB",
           at_once == 64  ? '<'
           : at_once == 1 ? '<'
                          : 0,
           at_once == 64 ? 8 : 80);
    snprintf(name, sizeof name, "journal rows per second, %d at once", at_once);
    figure(name, rows_s, "rows/s", 0, 0);
    snprintf(name, sizeof name, "raw group-commit log, %d writers",
             at_once < 64 ? at_once : 64);
    figure(name, raw, "records/s", 0, 0);
    snprintf(name, sizeof name, "rows/s over the raw log, %d at once", at_once);
    figure(name, rows_s / raw, "", at_once == 64 ? '>' : 0, 0.25);
    bench_stop(&engine);
}

/* -- start, idle, first effect ------------------------------------------------------------------ */

static void start_up(void)
{
    struct bench_engine engine;
    struct bench_burst burst;
    double took[9];

    printf("\nStarting\n");
    bench_state(&engine, "start");
    figure("idle memory of the engine", (double)bench_rss_kib(&engine) / 1024, "MiB", '<',
           16);
    for (int i = 0; i < 9; i++) {
        bench_kill(&engine);
        bench_start(&engine);
        took[i] = engine.start_ms;
    }
    qsort(took, 9, sizeof *took, by_size);
    figure("start to ready, median of 9", took[4], "ms", '<', 50);
    bench_burst(&engine, "run", five_json, 1, 1, 0, &burst);
    figure("first run of a new engine, VM and host started", burst.p50_ms, "ms", 0, 0);
    bench_stop(&engine);
}

/* From asking for a run with an alert until its first intent is durable and on its way. */
static void first_effect(void)
{
    struct bench_engine engine;
    struct bench_burst burst;
    double took[50];

    printf("\nFrom an alert to the first effect\n");
    bench_state(&engine, "alert");
    for (int i = 0; i < 50; i++)
        took[i] = bench_first_event(&engine, "run", alert_json, "intent");
    qsort(took, 50, sizeof *took, by_size);
    figure("alert to first effect on its way, median of 50", took[25], "ms", 0, 0);
    figure("alert to first effect on its way, worst of 50", took[49], "ms", 0, 0);
    bench_burst(&engine, "run", five_json, 64, 64, 0, &burst);
    figure("64 runs of a version that is new, at once: all done", burst.seconds * 1e3, "ms",
           0, 0);
    bench_stop(&engine);
}

/* -- parked runs --------------------------------------------------------------------------------- */

static struct bench_engine *asked; /* whom digest_of asks */

static void approve_json(char *out, size_t size, int i)
{
    char ask[64];
    size_t reply_size = 32 * 1024;
    char *reply = xmalloc(reply_size);

    snprintf(ask, sizeof ask, "{\"gate\":\"g-%06d-1\"}", i + 1);
    if (bench_ask(asked, "gate", ask, reply, reply_size) != 0)
        fatalx("gate: %s", reply);
    char *digest = json_get_text(span_of(reply), "digest");
    snprintf(out, size, "{\"digest\":\"%s\",\"gate\":\"g-%06d-1\"}",
             digest != NULL ? digest : "", i + 1);
    free(digest);
    free(reply);
}

static int first_to_approve;

static void approve_from_json(char *out, size_t size, int i)
{
    approve_json(out, size, i + first_to_approve);
}

static void parked(int count)
{
    struct bench_engine engine;
    struct bench_burst burst;
    char name[100];

    printf("\n%d runs parked at a gate\n", count);
    bench_state(&engine, "parked");
    /* Caches that are full once are no run's. */
    bench_burst(&engine, "run", gated_json, 5000, 64, 3, &burst);
    int64_t before = bench_rss_kib(&engine);
    bench_burst(&engine, "run", gated_json, count, 64, 3, &burst);
    int64_t after = bench_rss_kib(&engine);
    snprintf(name, sizeof name, "parked per second, %d", count);
    figure(name, count / burst.seconds, "runs/s", 0, 0);
    snprintf(name, sizeof name, "memory per parked run, %d", count);
    figure(name, (double)(after - before) * 1024 / count, "bytes",
           count == 100000 ? '<' : 0, 64);
    bench_kill(&engine);
    double begun = bench_now_ms();
    bench_start(&engine);
    asked = &engine;
    first_to_approve = 0;
    bench_burst(&engine, "approve", approve_json, 1, 1, 0, &burst);
    snprintf(name, sizeof name, "start to first approval taken and run done, %d parked",
             count);
    figure(name, bench_now_ms() - begun, "ms", count == 100000 ? '<' : 0, 200);
    first_to_approve = 1;
    begun = bench_now_ms();
    bench_burst(&engine, "approve", approve_from_json, count - 1, 64, 0, &burst);
    snprintf(name, sizeof name, "woken, approved and done per second, %d", count);
    figure(name, (count - 1) / burst.seconds, "runs/s", 0, 0);
    snprintf(name, sizeof name, "peak memory of the engine, %d", count);
    figure(name, (double)bench_peak_kib(&engine) / 1024, "MiB", count == 100000 ? '<' : 0,
           128);
    bench_stop(&engine);
}

/* -- after SIGKILL --------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The world's log has each effect, and each once. */
static void check_effects(const char *path, int wanted)
{
    char **lines = xcalloc((size_t)wanted + 1, sizeof *lines);
    char line[500];
    FILE *file = fopen(path, "r");
    int count = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (count == wanted)
            fatalx("more than the %d effects that there should be: %s", wanted, line);
        lines[count++] = xstrdup(line);
    }
    if (file == NULL || fclose(file) != 0 || count != wanted)
        fatalx("%d effects instead of %d in %s", count, wanted, path);
    qsort(lines, (size_t)count, sizeof *lines, by_text);
    for (int i = 1; i < count; i++)
        if (strcmp(lines[i - 1], lines[i]) == 0)
            fatalx("an effect happened twice: %s", lines[i]);
    while (count > 0)
        free(lines[--count]);
    free(lines);
}

/* Runs are done when there are none in any other state. */
static void check_done(const struct bench_engine *engine)
{
    static const char *const others[] = { "running", "waiting",  "stuck",    "failed",
                                          "denied",  "canceled", "diverged", "blocked" };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (bench_runs_in(engine, others[i], 1) > 0)
            fatalx("a run is %s", others[i]);
}

/* Until nothing is written any more. */
static void wait_still(const struct bench_engine *engine)
{
    struct bench_count before, now;

    bench_counts(engine, &now);
    do {
        before = now;
        usleep(300000);
        bench_counts(engine, &now);
    } while (now.journal != before.journal);
}

static void until_done(const struct bench_engine *engine, double begun_ms)
{
    while (bench_runs_in(engine, "running", 1) > 0) {
        if (bench_now_ms() - begun_ms > 120000)
            fatalx("runs are open after two minutes");
        usleep(2000);
    }
}

/* Runs are all in the middle when the engine dies. A slow world brings them there together;
 * after the start it is quick, so that what is measured is us. Held: a halt has stopped each
 * before its next change, and nothing is in flight. Not held: what was in flight is in doubt,
 * and is looked at twice, as far apart as its action says that its world takes to settle. */
static void killed(int count, bool is_held)
{
    struct bench_engine engine;
    struct bench_burst burst;
    char name[100], reply[1000], log[120], lua[200];

    bench_state(&engine, "killed");
    bench_kill(&engine);
    snprintf(log, sizeof log, "%s.world/effects.log", engine.dir);
    snprintf(lua, sizeof lua, "log = \"%s\", delay_ms = %d", log, count / 10);
    bench_noop(&engine, lua);
    bench_start(&engine);
    bench_burst(&engine, "run", five_started_json, count, 64, 0, &burst);
    usleep((useconds_t)count * 100 * 7);
    if (is_held && bench_ask(&engine, "halt", "{\"reason\":\"bench\",\"scope\":\"all\"}",
                             reply, sizeof reply) != 0)
        fatalx("halt: %s", reply);
    if (is_held)
        wait_still(&engine);
    if (bench_runs_in(&engine, "running", 1000) < 1000 ||
        bench_runs_in(&engine, "done", 1) > 0)
        fatalx("the runs are not all in the middle: make the world slower");
    bench_kill(&engine);
    snprintf(lua, sizeof lua, "log = \"%s\"", log);
    bench_noop(&engine, lua);
    double begun = bench_now_ms();
    bench_start(&engine);
    if (is_held &&
        bench_ask(&engine, "resume", "{\"scope\":\"all\"}", reply, sizeof reply) != 0)
        fatalx("resume: %s", reply);
    until_done(&engine, begun);
    snprintf(name, sizeof name, "SIGKILL %s %d runs: start to all done",
             is_held ? "with a halt in" : "in the middle of", count);
    figure(name, bench_now_ms() - begun, "ms", is_held && count == 1000 ? '<' : 0, 250);
    check_done(&engine);
    check_effects(log, count * STEPS);
    bench_stop(&engine);
}

static void write_json(void)
{
    char path[300];
    snprintf(path, sizeof path, "%s/bench.json", getenv("BUILD"));
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(str_text(&figures), file) < 0 || fclose(file) != 0)
        fatal("write %s", path);
    printf("\nfigures: %s\n", path);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    const char *slow = getenv("SLOW");

    log_open("bench");
    if (slow != NULL && atoi(slow) > 0)
        printf("Every sync takes %s ms longer.\n", slow);
    json_open(&json, '[');
    if (*only == '\0' || strcmp(only, "start") == 0)
        start_up();
    if (*only == '\0' || strcmp(only, "alert") == 0)
        first_effect();
    if (*only == '\0' || strcmp(only, "gate") == 0)
        bench_gate(figure);
    if (*only == '\0' || strcmp(only, "load") == 0)
        bench_load(figure);
    if (strcmp(only, "64") == 0)
        throughput(64, 25600);
    if (strcmp(only, "held") == 0)
        killed(1000, true);
    if (*only == '\0' || strcmp(only, "throughput") == 0) {
        throughput(1, 300);
        throughput(64, 6400);
        throughput(900, 9000);
    }
    if (*only == '\0' || strcmp(only, "killed") == 0) {
        printf("\nAfter SIGKILL\n");
        killed(1000, true);
        killed(1000, false);
        killed(10000, true);
    }
    if (*only == '\0' || strcmp(only, "parked") == 0) {
        parked(1000);
        parked(10000);
        parked(100000);
    }
    json_close(&json);
    write_json();
    printf("%d goal%s missed\n", goals_missed, goals_missed == 1 ? "" : "s");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/load.c - `cordon serve` as strangers see it: alerts that are delivered over TLS,
 * and what the console and halt take while very many connections do nothing, slowly.
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "client.h"
#include "https.h"

enum {
    IDLE = 10000,
    SLOW = 500,
    STARTED = 5000, /* alerts that each start a run */
    DIALING = 64,   /* handshakes at once */
    DRIP_MS = 500,  /* from one byte of a slow request to its next */
    IDLE_MS = 8000, /* from one request of an idle connection to its next */
    LOOKS = 40,     /* at the console, under that load */
    GUESTS = IDLE + SLOW,
    GRACE_MS = 60000, /* what is not there by then never comes */
    ADDRESS_MAX = 64
};

struct served {
    char dir[80];
    pid_t pid;
    char console[ADDRESS_MAX], ingress[ADDRESS_MAX], token[200];
};

static const char hook_key[] = "the key that the bench signs its deliveries with";

static const char noted[] =
    "return playbook { name = \"noted\", summary = \"takes a note of each\",\n"
    "  params = { what = { \"string\", \"its title\" } },\n"
    "  on_alert = { when = { type = \"started\", severity = \"low+\" },\n"
    "    params = function(alert) return { what = alert.title } end },\n"
    "  run = function(p, ctx) ctx.note(p.what) end }\n";

/* -- a daemon of our own -------------------------------------------------------------------- */

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *fmt, ...)
{
    char command[1000];
    va_list args;

    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    if (system(command) != 0)
        fatalx("this failed: %s", command);
}

static void write_to(const char *dir, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        fatal("write %s", path);
}

static void configure(const struct served *served)
{
    struct str lua = { 0 };

    str_printf(
        &lua,
        "local tls = { listen = \"127.0.0.1:0\", cert = \"%s/tls.pem\", key = "
        "\"%s/tls.key\" }\n"
        "return { playbooks = { \"%s/playbooks\" }, serve = { console = tls, ingress "
        "= tls },\n  sources = {\n",
        served->dir, served->dir, served->dir);
    for (int i = 0; i < 2; i++)
        str_printf(
            &lua,
            "    %s = { kind = \"generic\", rate = 100000, auth = { hmac = { \"hook\" } "
            "} },\n",
            i == 0 ? "kept" : "started");
    str_add_text(&lua, "  } }\n");
    write_to(served->dir, "cordon.lua", str_text(&lua));
    str_fini(&lua);
}

static void read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");

    if (file == NULL || fgets(line, (int)size, file) == NULL)
        fatal("read %s", path);
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

static void set_up(struct served *served)
{
    const char *cordon = getenv("CORDON");
    char path[300];

    snprintf(served->dir, sizeof served->dir, "%s/bench-state/load-%d", getenv("BUILD"),
             (int)getpid());
    shell("rm -rf '%s' && mkdir -p -m 700 '%s/secrets' '%s/playbooks' && chmod 700 '%s'",
          served->dir, served->dir, served->dir, served->dir);
    write_to(served->dir, "secrets/hook", hook_key);
    write_to(served->dir, "playbooks/noted.lua", noted);
    write_to(served->dir, "policy.lua",
             "return { groups = { all = { \"*\" } }, self_approval = true, rules = {} }\n");
    write_to(served->dir, "cordon.lua", "return {}\n");
    shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
          "-keyout '%s/tls.key' -out '%s/tls.pem' -subj /CN=bench 2>/dev/null && "
          "chmod 600 '%s/tls.key' '%s/secrets/hook'",
          served->dir, served->dir, served->dir, served->dir);
    shell("'%s' token add bench --role viewer --role responder --state '%s' --json | jq -r "
          ".token "
          ">'%s/token'",
          cordon, served->dir, served->dir);
    shell("for i in $(seq 400); do test -S '%s/cordon.sock' || exit 0; sleep 0.05; done; "
          "exit 1",
          served->dir);
    snprintf(path, sizeof path, "%s/token", served->dir);
    read_line(path, served->token, sizeof served->token);
    configure(served);
}

/* Where it listens, from what it says when it is ready. */
static void read_addresses(struct served *served, FILE *said)
{
    char line[500], name[20], address[ADDRESS_MAX];

    while (*served->console == '\0' || *served->ingress == '\0') {
        if (fgets(line, sizeof line, said) == NULL)
            fatalx("cordon serve ended before it listened");
        if (sscanf(line, " %19s https://%63s", name, address) != 2)
            continue;
        snprintf(strcmp(name, "console") == 0 ? served->console : served->ingress,
                 ADDRESS_MAX, "%s", address);
    }
}

static void start_serving(struct served *served)
{
    int pipes[2];

    if (pipe(pipes) != 0)
        fatal("pipe");
    served->pid = fork();
    if (served->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        close(pipes[0]);
        dup2(pipes[1], STDOUT_FILENO);
        execl(getenv("CORDON"), "cordon", "serve", "--state", served->dir, (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    FILE *said = fdopen(pipes[0], "r");
    read_addresses(served, said);
    fclose(said);
}

static void stop_serving(struct served *served)
{
    kill(served->pid, SIGTERM);
    waitpid(served->pid, NULL, 0);
}

static int64_t field_of(int pid, const char *file, const char *field)
{
    char path[64], line[300];
    int64_t value = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    FILE *in = fopen(path, "r");

    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtoll(line + strlen(field), NULL, 10);
    if (in != NULL)
        fclose(in);
    return value;
}

/* What two processes share is counted once, where we may look; else twice. */
static int64_t memory_kib(int pid)
{
    int64_t kib = field_of(pid, "smaps_rollup", "Pss:");

    return kib > 0 ? kib : field_of(pid, "status", "VmRSS:");
}

/* The engine's and that of every process that it started. */
static double memory_mib(const struct served *served)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int64_t kib = 0;

    if (dir == NULL)
        fatal("/proc");
    while ((entry = readdir(dir)) != NULL) {
        int pid = atoi(entry->d_name);

        if (pid == served->pid ||
            (pid > 0 && field_of(pid, "status", "PPid:") == served->pid))
            kib += memory_kib(pid);
    }
    closedir(dir);
    return (double)kib / 1024;
}

/* -- deliveries ------------------------------------------------------------------------------ */

struct delivery {
    struct sender *sender;
    double begun_ms;
};

/* So many connections; each delivers, waits for the answer, and delivers again. */
struct sender {
    struct https *https;
    const char *source, *host;
    int total, sent, done;
    double *took;
};

static int next_alert; /* an id is given once */

static void add_delivery(struct str *out, const struct sender *sender)
{
    struct str body = { 0 }, proof = { 0 };
    long now = (long)time(NULL);
    int id = ++next_alert;

    str_printf(&body,
               "{\"id\":\"bench-%d\",\"title\":\"sign-in from an address that was never "
               "seen\",\"type\":\"%s\",\"severity\":\"medium\","
               "\"resources\":[\"/subscriptions/33333333-3333-3333-3333-333333333333/"
               "resourceGroups/shop/providers/Microsoft.Web/sites/shop-web\"],\"entities\":"
               "{\"ips\":[\"203.0.113.%d\"],\"accounts\":[\"oncall@shop.example\"]}}",
               id, sender->source, id % 250);
    str_printf(&proof, "msg-%d.%ld.", id, now);
    str_add_span(&proof, str_span(&body));
    struct hash mac = hash_hmac(hook_key, sizeof hook_key - 1, proof.ptr, proof.len);
    str_printf(out,
               "POST /hooks/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\nwebhook-id: msg-%d\r\nwebhook-timestamp: %ld\r\n"
               "webhook-signature: v1,",
               sender->source, sender->host, body.len, id, now);
    base64_add(out, mac.bytes, sizeof mac.bytes);
    str_add_text(out, "\r\n\r\n");
    str_add_span(out, str_span(&body));
    str_fini(&body);
    str_fini(&proof);
}

static void deliver(struct https_link *link, void *arg)
{
    struct delivery *delivery = arg;
    struct sender *sender = delivery->sender;
    struct str request = { 0 };

    if (sender->sent == sender->total)
        return;
    sender->sent++;
    add_delivery(&request, sender);
    delivery->begun_ms = bench_now_ms();
    https_say(link, str_span(&request));
    str_fini(&request);
}

static void on_delivered(struct https_link *link, int status, struct span body, void *arg)
{
    struct delivery *delivery = arg;
    struct sender *sender = delivery->sender;

    if (status != 202)
        fatalx("a delivery was answered with %d: %.*s", status, (int)body.len, body.ptr);
    sender->took[sender->done++] = bench_now_ms() - delivery->begun_ms;
    deliver(link, arg);
}

static void on_delivery_lost(struct https_link *link, void *arg)
{
    (void)link;
    (void)arg;
    fatalx("a connection with a delivery on it was closed");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void burst(const struct served *served, const char *source, int total, int at_once,
                  bench_figure_fn *figure)
{
    static const struct https_calls calls = { deliver, on_delivered, on_delivery_lost };
    struct sender sender = {
        https_open(served->ingress),           source, served->ingress, total, 0, 0,
        xcalloc((size_t)total, sizeof(double))
    };
    struct delivery *deliveries = xcalloc((size_t)at_once, sizeof *deliveries);
    const char *what =
        strcmp(source, "started") == 0 ? "alerts that each start a run" : "alerts";
    char name[100];

    double begun = bench_now_ms();
    for (int i = 0; i < at_once; i++) {
        deliveries[i].sender = &sender;
        https_dial(sender.https, &calls, &deliveries[i]);
    }
    while (sender.done < total && bench_now_ms() - begun < GRACE_MS)
        https_run(sender.https, 1000);
    if (sender.done < total)
        fatalx("%d of %d alerts were acknowledged within a minute", sender.done, total);
    double seconds = (bench_now_ms() - begun) / 1e3;
    qsort(sender.took, (size_t)total, sizeof *sender.took, by_size);
    snprintf(name, sizeof name, "%s accepted durably, %d connections", what, at_once);
    figure(name, total / seconds, "alerts/s", 0, 0);
    snprintf(name, sizeof name, "p50 of %s, %d connections", what, at_once);
    figure(name, sender.took[total / 2], "ms", 0, 0);
    snprintf(name, sizeof name, "p99 of %s, %d connections", what, at_once);
    figure(name, sender.took[total * 99 / 100], "ms", '<', 1000);
    https_close(sender.https);
    free(sender.took);
    free(deliveries);
}

/* -- connections that do nothing, slowly ------------------------------------------------------ */

enum presence { AWAY, DIALED, IN };

struct guest {
    struct crowd *crowd;
    struct https_link *link; /* NULL: away */
    enum presence presence;
    bool is_slow;
    double asked_ms; /* an idle one: when it asked last */
    size_t said;     /* of slow_request */
};

struct crowd {
    struct https *https;
    struct guest *guests;
    int dialed, in;
    int next; /* whom to look at next */
    double stirred_ms;
};

static const char slow_request[] =
    "GET /v1/gates HTTP/1.1\r\nHost: slow.example\r\nX-Slow: "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "a";

static void set_presence(struct guest *guest, enum presence presence)
{
    struct crowd *crowd = guest->crowd;

    crowd->dialed += (presence == DIALED) - (guest->presence == DIALED);
    crowd->in += (presence == IN) - (guest->presence == IN);
    guest->presence = presence;
}

static void ask_health(struct guest *guest)
{
    guest->asked_ms = bench_now_ms();
    https_say(guest->link, span_of("GET /healthz HTTP/1.1\r\nHost: idle.example\r\n\r\n"));
}

static void on_guest(struct https_link *link, void *arg)
{
    struct guest *guest = arg;

    (void)link;
    if (guest->is_slow)
        set_presence(guest, IN);
    else
        ask_health(guest);
}

/* A slow one is told that it takes too long; the others idle from here on. */
static void on_guest_reply(struct https_link *link, int status, struct span body, void *arg)
{
    struct guest *guest = arg;

    (void)link;
    if (!guest->is_slow && status != 200)
        fatalx("healthz: %d %.*s", status, (int)body.len, body.ptr);
    set_presence(guest, IN);
}

static void on_guest_closed(struct https_link *link, void *arg)
{
    struct guest *guest = arg;

    (void)link;
    set_presence(guest, AWAY);
    guest->link = NULL;
    guest->said = 0;
}

/* The slow ones say their next byte; the idle ones ask again before they are put out. */
static void stir(struct crowd *crowd, double now_ms)
{
    if (now_ms - crowd->stirred_ms < DRIP_MS)
        return;
    crowd->stirred_ms = now_ms;
    for (int i = 0; i < GUESTS; i++) {
        struct guest *guest = &crowd->guests[i];

        if (guest->presence != IN)
            continue;
        if (!guest->is_slow && now_ms - guest->asked_ms > IDLE_MS)
            ask_health(guest);
        else if (guest->is_slow && guest->said < sizeof slow_request - 1)
            https_say(guest->link, (struct span){ &slow_request[guest->said++], 1 });
    }
}

/* Whoever was put out comes back. */
static void dial_again(struct crowd *crowd)
{
    static const struct https_calls calls = { on_guest, on_guest_reply, on_guest_closed };

    for (int i = 0;
         i < GUESTS && crowd->dialed < DIALING && crowd->dialed + crowd->in < GUESTS; i++) {
        struct guest *guest = &crowd->guests[crowd->next++ % GUESTS];

        if (guest->link != NULL)
            continue;
        guest->crowd = crowd;
        guest->link = https_dial(crowd->https, &calls, guest);
        set_presence(guest, DIALED);
    }
}

static void drive(struct crowd *crowd, int timeout_ms)
{
    dial_again(crowd);
    stir(crowd, bench_now_ms());
    https_run(crowd->https, timeout_ms);
}

static void gather(struct crowd *crowd, const char *at)
{
    double begun = bench_now_ms();

    *crowd = (struct crowd){ .https = https_open(at),
                             .guests = xcalloc(GUESTS, sizeof *crowd->guests) };
    for (int i = 0; i < SLOW; i++)
        crowd->guests[i].is_slow = true;
    while (crowd->in < GUESTS - DIALING && bench_now_ms() - begun < GRACE_MS)
        drive(crowd, 100);
    if (crowd->in < GUESTS - DIALING)
        fatalx("only %d of %d connections stand after a minute", crowd->in, GUESTS);
}

static void scatter(struct crowd *crowd)
{
    https_close(crowd->https);
    free(crowd->guests);
}

/* -- people, meanwhile ------------------------------------------------------------------------ */

struct look {
    int status; /* 0: no answer yet; -1: closed */
};

static void on_looked(struct https_link *link, int status, struct span body, void *arg)
{
    struct look *look = arg;

    (void)link;
    look->status = status;
    if (status >= 300)
        fatalx("%d %.*s", status, (int)body.len, body.ptr);
}

static void on_look_closed(struct https_link *link, void *arg)
{
    struct look *look = arg;

    (void)link;
    look->status = -1;
}

/* Milliseconds of one request on a connection of its own, its handshake included. */
static double look_ms(const struct served *served, struct crowd *crowd, const char *request,
                      const char *body)
{
    static const struct https_calls calls = { NULL, on_looked, on_look_closed };
    struct https *https = https_open(served->console);
    struct look look = { 0 };
    struct str text = { 0 };
    double begun = bench_now_ms();
    struct https_link *link = https_dial(https, &calls, &look);

    str_printf(&text, "%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", request,
               served->console, served->token);
    if (body != NULL)
        str_printf(&text,
                   "Content-Type: application/json\r\nIdempotency-Key: bench-%s\r\n"
                   "Content-Length: %zu\r\n",
                   served->console, strlen(body));
    str_printf(&text, "\r\n%s", body != NULL ? body : "");
    https_say(link, str_span(&text));
    while (look.status == 0 && bench_now_ms() - begun < GRACE_MS) {
        https_run(https, 1);
        drive(crowd, 0);
    }
    double took = bench_now_ms() - begun;
    if (look.status <= 0)
        fatalx("%s: %s", request,
               look.status < 0 ? "closed without an answer" : "no answer");
    https_close(https);
    str_fini(&text);
    return took;
}

static double halt_ms(const struct served *served, struct crowd *crowd)
{
    double begun = bench_now_ms();
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(126);
        execl(getenv("CORDON"), "cordon", "halt", "--reason", "bench", "--state",
              served->dir, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0 && bench_now_ms() - begun < GRACE_MS)
        drive(crowd, 1);
    if (status != 0)
        fatalx("cordon halt ended with %d", status);
    return bench_now_ms() - begun;
}

static void crowded(const struct served *served, const char *at, const char *listener,
                    bench_figure_fn *figure)
{
    double took[LOOKS], memory = 0;
    struct crowd crowd;
    char name[100];

    printf("\n%d idle and %d slow connections to the %s\n", IDLE, SLOW, listener);
    double begun = bench_now_ms();
    gather(&crowd, at);
    figure("until they all stand", (bench_now_ms() - begun) / 1e3, "s", 0, 0);
    for (int i = 0; i < LOOKS; i++) {
        double mib = memory_mib(served), until = bench_now_ms() + 100;

        memory = mib > memory ? mib : memory;
        while (bench_now_ms() < until)
            drive(&crowd, 10);
        took[i] = look_ms(served, &crowd, "GET /v1/gates", NULL);
    }
    if (crowd.in < GUESTS - 2 * DIALING)
        fatalx("only %d of %d connections stood to the end", crowd.in, GUESTS);
    qsort(took, LOOKS, sizeof *took, by_size);
    figure("the inbox of gates, median", took[LOOKS / 2], "ms", 0, 0);
    figure("the inbox of gates, worst of 40", took[LOOKS - 1], "ms", '<', 1000);
    figure("cordon halt", halt_ms(served, &crowd), "ms", '<', 1000);
    snprintf(name, sizeof name, "halt over HTTP, beside the %s's crowd", listener);
    figure(name,
           look_ms(served, &crowd, "POST /v1/halts",
                   "{\"scope\":\"all\",\"reason\":\"bench\"}"),
           "ms", '<', 1000);
    figure("memory of the daemon and its processes", memory, "MiB", '<', 256);
    scatter(&crowd);
}

/* What was acknowledged became alerts, and those that a playbook waits for started it. */
static void check_taken(const struct served *served)
{
    double until = bench_now_ms() + GRACE_MS;
    char command[600];

    shell("test \"$('%s' alerts --state '%s' --json --limit 500 | jq '.alerts | length')\" "
          "= 500",
          getenv("CORDON"), served->dir);
    snprintf(command, sizeof command,
             "test \"$(curl -sk -H 'Authorization: Bearer %s' https://%s/metrics | "
             "sed -n 's/^cordon_runs{state=\"done\"} //p')\" = %d",
             served->token, served->console, STARTED);
    while (system(command) != 0)
        if (bench_now_ms() > until)
            fatalx("%d alerts did not start as many runs that are done", STARTED);
}

void bench_load(bench_figure_fn *figure)
{
    static const int connections[] = { 1, 16, 256 };
    struct served served = { 0 };

    hash_setup();
    set_up(&served);
    start_serving(&served);
    printf("\nAlerts over HTTPS, each signed, each an alert of its own\n");
    for (size_t i = 0; i < sizeof connections / sizeof *connections; i++)
        burst(&served, "kept", connections[i] == 1 ? 1000 : 10000, connections[i], figure);
    burst(&served, "started", STARTED, 256, figure);
    check_taken(&served);
    crowded(&served, served.ingress, "ingress", figure);
    crowded(&served, served.console, "console", figure);
    stop_serving(&served);
}

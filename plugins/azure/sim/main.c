/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azsim - a small Azure on loopback, for rehearsing playbooks and for tests.
 *
 * One process is one cloud, which begins as its world file says. docs/azsim.md describes
 * the file, what is served, and how to make things go wrong.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "http.h"
#include "lro.h"
#include "reqlog.h"
#include "throttle.h"
#include "token.h"
#include "util.h"
#include "world.h"

enum {
    EXIT_TROUBLE = 1, /* port, file or certificate */
    EXIT_USAGE = 2,   /* options or world file */
    PEM_MAX = 256 * 1024
};

struct options {
    const char *world;
    const char *host;
    int port;
    const char *cert_path;
    const char *key_path;
    const char *record_dir;
    const char *log_path;
    bool is_quiet;
};

static const char help[] =
    "azsim - a small Azure on loopback\n"
    "\n"
    "usage: cordon azsim --world FILE [options]\n"
    "\n"
    "  --world FILE     what the cloud holds when it starts (JSON)\n"
    "  --port N         where to listen; 0 takes any free port (default 0)\n"
    "  --host ADDRESS   IPv4 address to listen on (default 127.0.0.1)\n"
    "  --tls-cert FILE  serve HTTPS with this certificate (PEM)\n"
    "  --tls-key FILE   and this key (PEM)\n"
    "  --log FILE       append every request to FILE, one JSON object a line\n"
    "  --record DIR     write every exchange to a file in DIR\n"
    "  --quiet          say nothing but the address\n"
    "  --help           this text\n"
    "\n"
    "When it is ready it prints \"azsim listening on URL\". SIGTERM or SIGINT stop it.\n"
    "Exit status: 0 stopped, 1 the port or a file cannot be used, 2 bad options or "
    "world.\n";

static int usage(const char *what)
{
    fprintf(stderr, "azsim: %s; --help shows the options\n", what);
    return EXIT_USAGE;
}

static int read_port(const char *text, int *port)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 0 || number > 65535)
        return -1;
    *port = (int)number;
    return 0;
}

/* Returns -1 to go on, or the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        { "world", required_argument, NULL, 'w' },
        { "port", required_argument, NULL, 'p' },
        { "host", required_argument, NULL, 'h' },
        { "tls-cert", required_argument, NULL, 'c' },
        { "tls-key", required_argument, NULL, 'k' },
        { "record", required_argument, NULL, 'r' },
        { "log", required_argument, NULL, 'l' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, '?' + 256 },
        { 0 },
    };
    int letter;

    *options = (struct options){ .host = "127.0.0.1" };
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (letter) {
        case 'w': options->world = optarg; break;
        case 'h': options->host = optarg; break;
        case 'c': options->cert_path = optarg; break;
        case 'k': options->key_path = optarg; break;
        case 'r': options->record_dir = optarg; break;
        case 'l': options->log_path = optarg; break;
        case 'q': options->is_quiet = true; break;
        case 'p':
            if (read_port(optarg, &options->port) != 0)
                return usage("--port has to be a number from 0 to 65535");
            break;
        case '?' + 256: fputs(help, stdout); return 0;
        default: return EXIT_USAGE;
        }
    }
    if (optind < argc)
        return usage("there are no arguments without an option name");
    if (options->world == NULL)
        return usage("--world FILE is needed");
    if ((options->cert_path == NULL) != (options->key_path == NULL))
        return usage("--tls-cert and --tls-key go together");
    return -1;
}

static char *read_pem(const char *path)
{
    char *text = xcalloc(1, PEM_MAX + 1);
    FILE *file = fopen(path, "re");

    if (file == NULL || fread(text, 1, PEM_MAX, file) == 0) {
        fprintf(stderr, "azsim: read %s: %s\n", path,
                file == NULL ? strerror(errno) : "it is empty");
        free(text);
        text = NULL;
    }
    if (file != NULL)
        fclose(file);
    return text;
}

/* SIGTERM and SIGINT arrive on the descriptor that is returned. */
static int open_stop_fd(void)
{
    sigset_t signals;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int listen_and_serve(struct sim *sim, const struct options *options)
{
    struct http_config config = { .host = options->host, .port = options->port };
    char *cert = options->cert_path != NULL ? read_pem(options->cert_path) : NULL;
    char *key = options->key_path != NULL ? read_pem(options->key_path) : NULL;
    char error[ERROR_SIZE];
    struct http *http;
    int status = EXIT_TROUBLE;

    config.cert = cert;
    config.key = key;
    if (options->cert_path != NULL && (cert == NULL || key == NULL))
        goto out;
    int stop_fd = open_stop_fd();
    if (http_open(&http, &config, sim, error) != 0) {
        fprintf(stderr, "azsim: %s\n", error);
        goto out;
    }
    printf("azsim listening on %s\n", http_url(http));
    fflush(stdout);
    http_run(http, stop_fd);
    http_close(http);
    close(stop_fd);
    if (!options->is_quiet)
        fprintf(stderr, "azsim: stopped\n");
    status = 0;
out:
    free(cert);
    free(key);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct sim sim = { 0 };
    char error[ERROR_SIZE];

    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    sim.world_path = options.world;
    sim.record_dir = options.record_dir;
    sim.started_ms = clock_ms();
    if (world_load(&sim, error) != 0) {
        fprintf(stderr, "azsim: %s\n", error);
        return EXIT_USAGE;
    }
    if (options.record_dir != NULL && mkdir(options.record_dir, 0700) != 0 &&
        errno != EEXIST) {
        fprintf(stderr, "azsim: make %s: %s\n", options.record_dir, strerror(errno));
        world_fini(&sim);
        return EXIT_TROUBLE;
    }
    sim.reqlog = reqlog_open(options.log_path);
    if (sim.reqlog == NULL) {
        fprintf(stderr, "azsim: open %s: %s\n", options.log_path, strerror(errno));
        world_fini(&sim);
        return EXIT_TROUBLE;
    }
    sim.tokens = tokens_new();
    sim.operations = operations_new();
    sim.faults = faults_new();
    sim.buckets = buckets_new();

    status = listen_and_serve(&sim, &options);

    buckets_free(sim.buckets);
    faults_free(sim.faults);
    operations_free(sim.operations);
    tokens_free(sim.tokens);
    reqlog_close(sim.reqlog);
    world_fini(&sim);
    return status;
}

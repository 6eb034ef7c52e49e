/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/client.h - an engine of its own to measure, and connections to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_engine {
    char dir[80]; /* short enough for a socket beside it */
    pid_t pid;
    int lamp;        /* a connection that keeps the engine from ending itself */
    double start_ms; /* from exec to ready */
};

struct bench_count { /* what the shim counted; see tests/crash/shim.c */
    int64_t points, has_happened, journal, frames, syncs, bytes;
};

struct bench_burst {
    int count; /* runs that were done */
    double seconds;
    double p50_ms, p99_ms;
    struct bench_count used;
};

double bench_now_ms(void);
/* Makes a state directory with an open policy and the noop plugin, and starts an engine. */
void bench_state(struct bench_engine *engine, const char *name);
/* What cordon.lua has for the noop plugin, from the next start on. */
void bench_noop(const struct bench_engine *engine, const char *lua);
void bench_start(struct bench_engine *engine);
void bench_kill(struct bench_engine *engine); /* SIGKILL */
void bench_stop(struct bench_engine *engine); /* lets it end itself */
void bench_counts(const struct bench_engine *engine, struct bench_count *count);
int64_t bench_rss_kib(const struct bench_engine *engine);
int64_t bench_peak_kib(const struct bench_engine *engine);

/* One ask on a connection of its own; returns its exit code; reply may be NULL. */
int bench_ask(const struct bench_engine *engine, const char *verb, const char *json,
              char *reply, size_t size);
/* total asks, at_once at a time; json_of writes the arguments of the i-th. */
typedef void bench_json_fn(char *json, size_t size, int i);
void bench_burst(const struct bench_engine *engine, const char *verb,
                 bench_json_fn *json_of, int total, int at_once, int exit_wanted,
                 struct bench_burst *burst);
/* Milliseconds from one ask to the first event of that kind; reads on to the reply. */
double bench_first_event(const struct bench_engine *engine, const char *verb,
                         bench_json_fn *json_of, const char *kind);
/* How many runs are in that state, limit or 1,000 at most. */
int64_t bench_runs_in(const struct bench_engine *engine, const char *state, int limit);

/* One figure: name, value, unit, and the goal it is held to; sense: '<', '>' or 0. */
typedef void bench_figure_fn(const char *name, double value, const char *unit, char sense,
                             double goal);
/* gate.c: from the start of a run until its gate is open. Ends the process when azsim, the
 * plugin or the gate are not as they should be. */
void bench_gate(bench_figure_fn *figure);
/* load.c: alerts over HTTPS, and the console and halt beside very many connections. */
void bench_load(bench_figure_fn *figure);

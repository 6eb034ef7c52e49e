/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/serve.h - the engine in the real world: journal, clock, processes and people.
 *
 * One process a state directory. It opens what the journal says was under way, takes asks
 * from DIR/cordon.sock, and starts VM processes and plugin hosts by executing its own
 * binary with --internal-vm and --internal-plugin-host.
 */
#pragma once

#include <stdbool.h>

struct serve_options {
    const char *state_dir;
    const char
        *config;  /* --config; NULL: $CORDON_CONFIG, else DIR/cordon.lua when it is there */
    int ready_fd; /* one line is written here, and it is closed; -1: none */
    bool listens; /* also for HTTP: what serve.console and serve.ingress say */
    bool stay;    /* false: it ends itself when nobody is connected and nothing is open */
    /* NULL: nobody wants to know. listens: "console https://127.0.0.1:8443" lines. */
    void (*on_ready)(const struct serve_options *options, const char *listens);
};

/* The whole life of the process. On ready_fd goes "ready", or "busy" when another engine
 * has the directory, or the sentence that says why it cannot start. Returns the exit code. */
int serve_engine(const struct serve_options *options);

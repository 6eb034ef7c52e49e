/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/stage.h - a state directory that lives as long as a rehearsal: policy, configuration,
 * secret, and the engine that was started for it.
 *
 * What is in the configuration comes from the world: its tenant, its first identity that has
 * a secret, its vaults.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct err;

struct stage {
    struct str dir;    /* "/tmp/cordon-rehearsal-k3f9aQ", 0700 */
    struct str config; /* "DIR/cordon.lua" */
    int engine_fd;     /* a pidfd; -1: none was met */
};

/* A directory that nobody else can look into, empty. stage_close() either way. */
int stage_open(struct stage *stage, struct err *err);
/* Writes policy and configuration. world is checked JSON; policy_path NULL: whoever sits here
 * may ask, and approve alone. */
int stage_furnish(struct stage *stage, struct span world, const char *url,
                  const char *policy_path, struct err *err);
/* DIR/NAME, heap. */
char *stage_path(const struct stage *stage, const char *name);
/* Asks the engine of the directory, and puts its reply in the place of what is in reply;
 * events are passed over. ERR_BUSY when none came until until_us, of clock_mono_us(). */
int stage_ask(struct stage *stage, const char *verb, struct span args, int64_t until_us,
              struct str *reply, struct err *err);
/* Ends the engine, and removes everything. */
void stage_close(struct stage *stage);

/* The Azure plugin, heap, or NULL: in $CORDON_PLUGINS, in plugins/ beside our binary, in
 * ../lib/cordon/plugins. */
char *stage_find_plugin(void);

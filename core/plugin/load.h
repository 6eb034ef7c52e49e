/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/load.h - from a file that anybody may change to code that nobody can.
 *
 * The file is copied into memory that is then sealed; the sealed bytes are hashed, compared,
 * and loaded. So what runs is what was hashed, whatever happens to the file meanwhile.
 */
#pragma once

#include "base/hash.h"
#include "base/str.h"

struct cordon_plugin;
struct err;

enum { LOAD_SIZE_MAX = 64 * 1024 * 1024 };

struct load {
    void *handle;
    const struct cordon_plugin *plugin; /* not checked yet */
    struct hash hash;
};

/* wanted: SHA-256 in hex, or empty for any. Constructors of the library run in here: the
 * process must be hardened before. */
int load_open(struct load *load, const char *name, const char *path, struct span wanted,
              struct err *err);
void load_close(struct load *load);

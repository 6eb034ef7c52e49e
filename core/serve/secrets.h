/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/secrets.h - secrets on their way from files to the one plugin that may have them.
 *
 * Each is a file of its own name in the directory of systemd's credentials
 * ($CREDENTIALS_DIRECTORY) or else in the secrets directory (DIR/secrets, or what cordon.lua
 * says), which nobody else can read (serve/secret_file.h). They stay in memory for as long as it
 * takes to hand them over.
 */
#pragma once

#include "base/str.h"

struct err;
struct serve;

enum { SECRETS_MAX = 64, SECRET_LEN_MAX = 64 * 1024, SECRET_NAME_MAX = 100 };

struct secrets {
    struct {
        char *name;
        struct str value;
    } items[SECRETS_MAX];
    int count;
};

/* names: a JSON list, or nothing. */
int secrets_read(struct secrets *secrets, struct serve *serve, struct span names,
                 struct err *err);
void secrets_fini(struct secrets *secrets);

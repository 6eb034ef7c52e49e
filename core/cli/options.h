/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/options.h - what stands on a command line.
 *
 * Options are known by name to all commands, and each command says which it takes, so that
 * a wrong one is answered with the nearest right one. "--name value" and "--name=value" are
 * the same; "--" ends the options.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct command;

enum option_bit {
    OPTION_STATE = 1 << 0, /* also says: this command speaks to an engine */
    OPTION_CONFIG = 1 << 1,
    OPTION_JSON = 1 << 2,
    OPTION_PARAM = 1 << 3, /* --param and --param-file */
    OPTION_ALERT = 1 << 4,
    OPTION_REASON = 1 << 5,
    OPTION_DIGEST = 1 << 6,
    OPTION_YES = 1 << 7,
    OPTION_STEP = 1 << 8,     /* --step and --target */
    OPTION_ONLY = 1 << 9,     /* --only and --limit */
    OPTION_REBUILD = 1 << 10, /* and --accept */
    OPTION_DETACH = 1 << 11,
    OPTION_FORCE = 1 << 12,
    OPTION_SIGN = 1 << 13,
    OPTION_FILE_VOTE = 1 << 14, /* --who, --deny and --out */
    OPTION_REJECT = 1 << 17,
    OPTION_ROLE = 1 << 18,  /* --role and --group */
    OPTION_TOKEN = 1 << 19, /* --for and --expires */
    OPTION_PASSWORD = 1 << 20,
    OPTION_BACK = 1 << 25, /* --to and --plan of a rollback */
    OPTION_RUN = 1 << 26,
    OPTION_UNREADABLE = 1 << 27,
    OPTION_CHECK = 1 << 29,
    OPTION_ENGINE = OPTION_STATE | OPTION_CONFIG | OPTION_JSON
};

enum { OPTIONS_ROLES_MAX = 32, OPTIONS_PARAMS_MAX = 200, OPTIONS_ARGS_MAX = 1000 };

struct options_param {
    struct span key;
    struct span value;
};

/* Everything borrows from argv. */
struct options {
    const char *state_dir; /* never NULL */
    const char *config, *alert, *param_file, *reason, *digest, *step, *target, *only;
    const char *sign, *who, *out, *to, *run;
    const char *for_whom, *expires;
    const char *roles[OPTIONS_ROLES_MAX], *groups[OPTIONS_ROLES_MAX],
        *playbooks[OPTIONS_ROLES_MAX];
    int role_count, group_count, playbook_count;
    int64_t limit; /* 0: not given */
    bool password_stdin, json, yes, help, rebuild, check, detach, force, deny, reject, plan;
    bool unreadable, accept;
    struct options_param params[OPTIONS_PARAMS_MAX];
    int param_count;
    const char *args[OPTIONS_ARGS_MAX];
    int arg_count;
};

/* argv begins behind the command's name. ERR_INVALID names what is wrong. */
int options_parse(struct options *options, const struct command *command, int argc,
                  char **argv, struct err *err);

/* Adds the lines that describe the options in bits. */
void options_describe(struct str *out, unsigned bits);

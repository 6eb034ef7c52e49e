/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/input.h - files that a person names: playbooks, alerts, parameters.
 *
 * Sizes are checked while reading, so that a file of any length costs no more memory than
 * its limit.
 */
#pragma once

#include "base/json.h"
#include "base/str.h"

struct err;
struct options;

enum {
    INPUT_ALERT_MAX = 1024 * 1024,
    INPUT_PARAMS_MAX = 256 * 1024,
    INPUT_PLAYBOOK_MAX = 256 * 1024
};

/* Adds the whole file; "-" is standard input. what names it in the error: "alert". */
int input_read(struct str *out, const char *path, size_t max, const char *what,
               struct err *err);
/* The path of a playbook: name itself when it is a path, else NAME.lua in ./playbooks, in
 * the folders of $CORDON_PLAYBOOKS (with : between them), beside the installation. Heap in
 * *path. */
int input_find_playbook(char **path, const char *name, struct err *err);
/* Adds the member "playbook" for the file at path. */
int input_put_playbook(struct json_out *out, const char *path, struct err *err);
/* The same for a policy, which is a file of that kind: the member "policy". */
int input_put_policy(struct json_out *out, const char *path, struct err *err);
/* Adds "params", "params_json" and "alert_text" as the options have them. */
int input_put_params(struct json_out *out, const struct options *options, struct err *err);
/* The base name without folders and without suffix, heap. */
char *input_base_name(const char *path, const char *suffix);
/* A path from the folder of our own binary, heap: input_beside("../share/cordon"). */
char *input_beside(const char *rest);

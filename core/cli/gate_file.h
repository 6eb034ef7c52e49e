/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/gate_file.h - a gate and a vote as files, for a machine that has no engine.
 *
 * A gate file has the gate as approvers see it, and what its digests are made of. They are
 * made again when it is read, so that nothing in what they cover can have been changed
 * without all of it, the digest too, being another gate; and for such a digest no engine
 * takes a vote.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

struct err;

enum { GATE_FILE_MAX = 1024 * 1024 };

/* The file for a gate as the ask "gate" replies it. ERR_INVALID: it cannot be voted on. */
int gate_file_put(struct str *out, struct span gate, struct err *err);
/* Reads and checks one. json holds it, canonical: gate_render() takes it as it is. */
int gate_file_read(struct str *json, const char *path, struct err *err);
/* The sentences that say what has been checked, and what no file can prove. */
void gate_file_say(struct str *out, struct span gate);

void vote_file_put(struct str *out, struct span statement, const char *armor);
/* Reads one; what it says is for the engine to check. */
int vote_file_read(struct str *json, const char *path, struct err *err);

/* Writes text to a new file or over an old one; "-" is standard output. */
int file_write(const char *path, struct span text, struct err *err);

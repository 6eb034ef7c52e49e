/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/starter.h - a connection to the engine of a state directory, which is started when
 * there is none.
 *
 * Two commands that start at once both try; one engine wins the state directory's lock, and
 * both commands end up connected to it.
 */
#pragma once

struct err;
struct options;

/* Makes the state directory and what leads to it; only its owner may look inside. */
int starter_make_dir(const char *path, struct err *err);
/* A connected descriptor, or a negative code. The state directory is made when missing. */
int starter_connect(const struct options *options, struct err *err);

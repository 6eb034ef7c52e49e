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
/* What must be there before an engine is started. A command about what is there wants something:
 * an engine of its own in a new directory would report that nothing waits, which nobody knows. */
enum starter_needs {
    STARTER_NEEDS_NOTHING,
    STARTER_NEEDS_DIR,    /* the command reads files of the state directory */
    STARTER_NEEDS_JOURNAL /* the command reads records */
};

/* A connected descriptor, or a negative code. STARTER_NEEDS_NOTHING makes the state directory. An
 * engine is started only by the user whom the state directory belongs to. */
int starter_connect(const struct options *options, enum starter_needs needs,
                    struct err *err);

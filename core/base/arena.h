/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/arena.h - many small allocations with one lifetime, freed by one call.
 *
 * Small allocations do not fail: the process aborts. What a stranger chooses the size of
 * is bounded before it gets here.
 */
#pragma once

#include <stddef.h>

struct arena {
    struct arena_block *head; /* newest */
    size_t used;              /* bytes handed out since the last reset */
};

/* A zeroed struct arena is a valid, empty one. */
void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
/* Forgets everything handed out, keeps one block for the next round. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it. */
char *arena_dup(struct arena *arena, const void *bytes, size_t len);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* malloc's family, aborting instead of returning NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);

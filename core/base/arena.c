/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_MIN = 1024,
    BLOCK_MAX =
        64 * 1024, /* blocks double up to here; a larger request gets its own size */
    ALIGN = _Alignof(max_align_t)
};

struct arena_block {
    struct arena_block *prev;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char bytes[]; /* zero from used on */
};

/* Says so without allocating and stops: what is on disk is what counts, and starting again
 * is the road that the crash tests keep open. */
static _Noreturn void out_of_memory(void)
{
    static const char text[] = "cordon: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);

    (void)ignored;
    abort();
}

void *xmalloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);

    if (ptr == NULL)
        out_of_memory();
    return ptr;
}

void *xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);

    if (ptr == NULL)
        out_of_memory();
    return ptr;
}

void *xrealloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size ? size : 1);

    if (grown == NULL)
        out_of_memory();
    return grown;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t len)
{
    char *copy = xmalloc(len + 1);

    len = strnlen(text, len);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){ 0 };
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *prev = block->prev;
        free(block);
        block = prev;
    }
}

void arena_fini(struct arena *arena)
{
    free_blocks(arena->head);
    *arena = (struct arena){ 0 };
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->head;

    arena->used = 0;
    if (kept == NULL)
        return;
    free_blocks(kept->prev);
    kept->prev = NULL;
    memset(kept->bytes, 0, kept->used);
    kept->used = 0;
}

static struct arena_block *add_block(struct arena *arena, size_t need)
{
    size_t size = arena->head == NULL ? BLOCK_MIN : arena->head->size * 2;

    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size < need)
        size = need;

    struct arena_block *block = xcalloc(1, sizeof *block + size);
    block->size = size;
    block->prev = arena->head;
    arena->head = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    /* The caller bounds what a stranger chooses, so this is a bug of ours. */
    assert(size <= PTRDIFF_MAX / 2);

    size_t need = (size + ALIGN - 1) / ALIGN * ALIGN;
    struct arena_block *block = arena->head;
    if (block == NULL || block->size - block->used < need)
        block = add_block(arena, need);

    void *ptr = block->bytes + block->used;
    block->used += need;
    arena->used += size;
    return ptr;
}

char *arena_dup(struct arena *arena, const void *bytes, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_dup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(len >= 0);

    char *text = arena_alloc(arena, (size_t)len + 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    va_end(ap);
    return text;
}

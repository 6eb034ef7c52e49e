/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

TEST(what_an_arena_hands_out_is_zeroed_and_aligned)
{
    struct arena arena = { 0 };

    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *bytes = arena_alloc(&arena, size);
        CHECK((uintptr_t)bytes % _Alignof(max_align_t) == 0);
        CHECK(is_zero(bytes, size));
        memset(bytes, 0xAA, size);
    }
    arena_fini(&arena);
}

TEST(an_arena_is_zeroed_again_after_a_reset)
{
    struct arena arena;

    arena_init(&arena);
    memset(arena_alloc(&arena, 500), 0xFF, 500);
    CHECK_INT(arena.used, 500);
    arena_reset(&arena);
    CHECK_INT(arena.used, 0);
    CHECK(is_zero(arena_alloc(&arena, 500), 500));
    arena_fini(&arena);
}

TEST(a_reset_keeps_one_block_for_the_next_round)
{
    struct arena arena = { 0 };

    for (int i = 0; i < 100; i++)
        arena_alloc(&arena, 1000);
    arena_reset(&arena);
    struct arena_block *kept = arena.head;
    CHECK(kept != NULL);
    arena_alloc(&arena, 1000);
    CHECK(arena.head == kept);
    arena_fini(&arena);
}

TEST(allocations_do_not_touch_each_other)
{
    struct arena arena = { 0 };
    char *texts[200];
    char wanted[32];

    for (int i = 0; i < 200; i++)
        texts[i] = arena_printf(&arena, "text number %d", i);
    for (int i = 0; i < 200; i++) {
        snprintf(wanted, sizeof wanted, "text number %d", i);
        CHECK_STR(texts[i], wanted);
    }
    arena_fini(&arena);
}

TEST(something_larger_than_a_block_gets_one_of_its_size)
{
    struct arena arena = { 0 };
    size_t len = 1024 * 1024;

    unsigned char *big = arena_alloc(&arena, len);
    memset(big, 1, len);
    CHECK_STR(arena_strdup(&arena, "small"), "small");
    CHECK_INT(big[len - 1], 1);
    arena_fini(&arena);
}

TEST(a_duplicate_has_a_nul_behind_it_and_may_hold_one)
{
    struct arena arena = { 0 };

    char *copy = arena_dup(&arena, "a\0b!", 3);
    CHECK_MEM(copy, "a\0b", 4);
    CHECK_STR(arena_dup(&arena, NULL, 0), "");
    arena_fini(&arena);
}

TEST(xstrndup_stops_at_the_end_of_a_shorter_text)
{
    char *copy = xstrndup("short", 100);

    CHECK_STR(copy, "short");
    free(copy);
    copy = xstrndup("longer", 4);
    CHECK_STR(copy, "long");
    free(copy);
}

#ifndef CHECK_SANITIZED
/* A sanitizer's allocator has its own way to stop. */
TEST(running_out_of_memory_stops_the_process)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_AS, &(struct rlimit){ 256 * 1024 * 1024, 256 * 1024 * 1024 });
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        close(STDERR_FILENO);
        char *volatile never = xmalloc((size_t)1024 * 1024 * 1024);
        _exit(never != NULL);
    }
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(WTERMSIG(status), SIGABRT);
}
#endif

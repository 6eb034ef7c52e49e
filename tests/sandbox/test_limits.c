/* SPDX-License-Identifier: Apache-2.0 */
/* Each limit of limits.h one below, at, and one beyond where it stands. */
#include "proc.h"

#include "check.h"
#include "vm/limits.h"

static void load(struct proc *proc, const char *body)
{
    char *text;

    proc_open(proc);
    if (!proc_load(proc, proc_wrap(body), &text))
        FAIL("%s", text);
}

/* The state in which the first turn of a body leaves the run. */
static int state_of(const char *body)
{
    struct proc proc;

    load(&proc, body);
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    CHECK(!seen.is_killed);
    proc_close(&proc, 0);
    return seen.state;
}

static const char *with_number(const char *before, int number, const char *after)
{
    return arena_printf(&proc_texts, "%s%d%s", before, number, after);
}

TEST(a_wish_of_256_kib_goes_out_and_one_byte_more_does_not)
{
    /* {"id":"..."} has nine bytes beside the text. */
    static const char before[] = "site.stop { id = ('x'):rep(", after[] = ") }";
    int most = VM_WISH_MAX - (int)strlen("{\"id\":\"\"}");

    CHECK_INT(state_of(with_number(before, most - 1, after)), VM_TURN_WAITING);
    CHECK_INT(state_of(with_number(before, most, after)), VM_TURN_WAITING);
    CHECK_INT(state_of(with_number(before, most + 1, after)), VM_TURN_FAILED);
}

TEST(what_a_run_returns_is_bounded_like_a_wish)
{
    int most = VM_WISH_MAX - (int)strlen("\"\"");

    CHECK_INT(state_of(with_number("return ('x'):rep(", most, ")")), VM_TURN_DONE);
    CHECK_INT(state_of(with_number("return ('x'):rep(", most + 1, ")")), VM_TURN_FAILED);
}

TEST(a_run_makes_ten_thousand_wishes_and_not_one_more)
{
    struct proc proc;
    struct turn_seen seen;

    load(&proc, "local n = 0 while true do ctx.now() n = n + 1 end");
    seen = proc_start(&proc, 1, "{}");
    for (int n = 1; n <= VM_WISHES_MAX; n++) {
        if (seen.state != VM_TURN_WAITING || seen.count != 1 || seen.wishes[0].n != n)
            FAIL("at wish %d: %s", n, seen.value);
        arena_reset(&proc_texts);
        seen = proc_answer(&proc, 1, "0", n, true, "1");
    }
    CHECK_INT(seen.state, VM_TURN_FAILED);
    CHECK_HAS(seen.value, "\"code\":\"limit\"");
    proc_close(&proc, 0);
}

TEST(a_string_of_1_mib_is_made_and_searched_and_one_byte_more_is_not)
{
    CHECK_INT(state_of(with_number("return #('x'):rep(", VM_STRING_MAX, ")")),
              VM_TURN_DONE);
    CHECK_INT(state_of(with_number("return #('x'):rep(", VM_STRING_MAX + 1, ")")),
              VM_TURN_FAILED);
    CHECK_INT(state_of(with_number("return (('x'):rep(", VM_STRING_MAX, "):find('y'))")),
              VM_TURN_DONE);
    CHECK_INT(state_of(
                  with_number("return (('x'):rep(", VM_STRING_MAX, ") .. 'x'):find('y')")),
              VM_TURN_FAILED);
}

TEST(a_thousand_branches_run_at_once_and_not_one_more)
{
    static const char before[] = "local t = {} for i = 1, ";
    static const char after[] = " do t[i] = function() ctx.now() end end ctx.all(t)";

    /* The branch that waits for them is one of the thousand. */
    CHECK_INT(state_of(with_number(before, VM_BRANCHES_MAX - 1, after)), VM_TURN_WAITING);
    CHECK_INT(state_of(with_number(before, VM_BRANCHES_MAX, after)), VM_TURN_FAILED);
}

TEST(branches_stand_eight_deep_and_not_nine)
{
    static const char before[] =
        "local function f(n) if n == 0 then return ctx.now() end "
        "return ctx.all { function() return f(n - 1) end } end return f(";

    CHECK_INT(state_of(with_number(before, VM_FORK_DEPTH_MAX, ")")), VM_TURN_WAITING);
    CHECK_INT(state_of(with_number(before, VM_FORK_DEPTH_MAX + 1, ")")), VM_TURN_FAILED);
}

TEST(what_all_branches_wish_for_in_one_turn_is_bounded)
{
    static const char before[] = "local t = {} for i = 1, ";
    static const char after[] = " do t[i] = function() "
                                "site.stop { id = ('x'):rep(262135) } end end ctx.all(t)";
    struct proc proc;

    CHECK_INT(state_of(with_number(before, VM_TURN_MAX / VM_WISH_MAX - 1, after)),
              VM_TURN_WAITING);
    load(&proc, with_number(before, VM_TURN_MAX / VM_WISH_MAX + 3, after));
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    CHECK_INT(seen.state, VM_TURN_WAITING);
    CHECK_INT(seen.count, VM_TURN_MAX / VM_WISH_MAX - 1);
    proc_close(&proc, 0);
}

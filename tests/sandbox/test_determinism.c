/* SPDX-License-Identifier: Apache-2.0 */
/* The same playbook says the same in every process: same wishes, same bytes, same errors. */
#include "proc.h"

#include "check.h"

enum {
#ifdef CHECK_SANITIZED
    PROCESSES = 6,
#else
    PROCESSES = 20,
#endif
    TURNS_MAX = 20
};

/* Everything that a process says of one run, every wish answered alike. */
static char *transcript(const char *source)
{
    struct str all = { 0 };
    struct proc proc;
    char *info;

    proc_open(&proc);
    if (!proc_load(&proc, source, &info))
        FAIL("%s", info);
    str_add_text(&all, info);
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        CHECK(!seen.is_killed);
        str_printf(&all, "\n%d %s", seen.state, seen.value);
        for (int64_t i = 0; i < seen.count; i++)
            str_printf(&all, "\n%s:%d %s %s %s", seen.wishes[i].branch,
                       (int)seen.wishes[i].n, seen.wishes[i].kind, seen.wishes[i].action,
                       seen.wishes[i].args);
        if (seen.state != VM_TURN_WAITING || seen.count == 0)
            break;
        seen =
            proc_answer(&proc, 1, seen.wishes[0].branch, seen.wishes[0].n, true,
                        "{\"delta\":1,\"alpha\":2,\"echo\":3,\"bravo\":4,\"charlie\":5}");
    }
    proc_close(&proc, seen.state == VM_TURN_BUDGET ? 3 : 0);
    char *kept = arena_dup(&proc_texts, str_text(&all), all.len);
    str_fini(&all);
    return kept;
}

static void check_same_over(int processes, const char *body, const char *part)
{
    char *source = proc_wrap(body);
    char *first = transcript(source);

    CHECK_HAS(first, part);
    for (int i = 1; i < processes; i++)
        CHECK_STR(transcript(source), first);
}

static void check_same(const char *body, const char *part)
{
    check_same_over(PROCESSES, body, part);
}

TEST(pairs_walks_the_same_way_in_every_process)
{
    check_same("for k, v in pairs(site.get {}) do site.stop { k = k, v = v } end",
               "\"k\":\"alpha\"");
    check_same("local t = {} for i = 1, 300 do t['key' .. i * 7919 % 1000] = i end "
               "local s = {} for k in pairs(t) do s[#s + 1] = k end "
               "site.stop { keys = table.concat(s, ',') }",
               "key");
}

TEST(sorting_equal_keys_gives_the_same_order_in_every_process)
{
    check_same("local t = {} for i = 1, 500 do t[i] = { k = i % 4, i = i } end "
               "table.sort(t, function(a, b) return a.k < b.k end) site.stop { t = t }",
               "\"i\":4");
    check_same("local t = {} for i = 1, 200 do t[i] = { i = i } end "
               "table.sort(t, function() return true end) site.stop { t = t }",
               "\"i\"");
}

TEST(errors_and_names_have_no_addresses)
{
    check_same("site.stop { a = tostring({}), b = tostring(site.get), c = tostring(null), "
               "d = type(null) } local e = {} return e .. site.get",
               "attempt to concatenate");
    check_same("local _, e = pcall(function() return #site.get end) site.stop { e = e }",
               "attempt to get length of a function value");
    check_same("local _, e = pcall(string.find, {}) local _, f = pcall(site.get, 1) "
               "local _, g = pcall(ipairs) site.stop { e = e, f = f, g = g }",
               "string expected");
}

TEST(a_used_up_budget_is_used_up_at_the_same_instruction)
{
    check_same_over(
        4,
        "local n = 0 while true do n = n + 1\nif n == 20000000 then error 'past' end\nend",
        "instructions");
    check_same(
        "local n = 0 while true do n = n + 1 if n % 50000 == 0 then ctx.note('' .. n) "
        "end end",
        "50000");
}

TEST(branches_come_in_the_same_order_in_every_process)
{
    check_same("ctx.each({ 'a', 'b', 'c', 'd', 'e' }, function(x) site.get { x = x } "
               "site.stop { x = x } end, { at_once = 2 })",
               "0.1.5:1");
}

TEST(lengths_that_lua_leaves_open_are_refused_by_the_table_functions)
{
    check_same("local t = {} for i = 1, 40 do t[(i * 17) % 61] = i end "
               "local _, e = pcall(table.insert, t, 1) local _, f = pcall(table.concat, t) "
               "local _, g = pcall(table.unpack, t) site.stop { e = e, f = f, g = g }",
               "without holes");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a playbook can say, and what comes of it. */
#include "proc.h"

#include <stdio.h>

#include "check.h"

static const char contain[] =
    "local site = use \"azure.appservice\"\n"
    "return playbook {\n"
    "  name = \"contain\", summary = \"Stop a site\",\n"
    "  params = {\n"
    "    app = { \"arm_id\", \"the site\", type_of = \"Microsoft.Web/sites\" },\n"
    "    ips = { \"list of ip\", \"addresses\", default = {} },\n"
    "  },\n"
    "  run = function(p, ctx)\n"
    "    local app = site.get { id = p.app }\n"
    "    site.block_ips { id = p.app, ips = p.ips, expires = \"24h\" }\n"
    "    ctx.approve { title = \"Stop \" .. app.name, from = \"cm\", need = 2, within = "
    "\"30m\" }\n"
    "    ctx.note(\"stopping\")\n"
    "    ctx.sleep \"1m\"\n"
    "    local at = ctx.now()\n"
    "    site.stop { id = p.app }\n"
    "    return { at = at, ips = p.ips }\n"
    "  end,\n"
    "}\n";

#define APP                                                                    \
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shop/" \
    "providers/Microsoft.Web/sites/shop"

static void load(struct proc *proc, const char *source)
{
    char *text;

    proc_open(proc);
    if (!proc_load(proc, source, &text))
        FAIL("%s", text);
}

static void check_wish(struct turn_seen seen, int64_t n, const char *kind,
                       const char *action, const char *args)
{
    if (seen.is_killed || seen.state != VM_TURN_WAITING)
        FAIL("the run does not wait: %s", seen.is_killed ? "killed" : seen.value);
    CHECK_INT(seen.count, 1);
    CHECK_STR(seen.wishes[0].branch, "0");
    CHECK_INT(seen.wishes[0].n, n);
    CHECK_STR(seen.wishes[0].kind, kind);
    CHECK_STR(seen.wishes[0].action, action);
    CHECK_STR(seen.wishes[0].args, args);
}

TEST(a_playbook_becomes_its_wishes_one_after_the_other)
{
    struct proc proc;

    load(&proc, contain);
    struct turn_seen seen = proc_start(&proc, 1, "{\"app\":\"" APP "\"}");
    check_wish(seen, 1, "step", "azure.appservice.get", "{\"id\":\"" APP "\"}");
    seen = proc_answer(&proc, 1, "0", 1, true, "{\"name\":\"shop\"}");
    check_wish(seen, 2, "step", "azure.appservice.block_ips",
               "{\"expires\":\"24h\",\"id\":\"" APP "\",\"ips\":[]}");
    seen = proc_answer(&proc, 1, "0", 2, true, "null");
    check_wish(
        seen, 3, "approve", "",
        "{\"from\":\"cm\",\"need\":2,\"on_timeout\":\"hold\",\"title\":\"Stop shop\","
        "\"within\":\"30m\"}");
    seen = proc_answer(&proc, 1, "0", 3, true, "{\"by\":[\"ann\",\"bob\"]}");
    check_wish(seen, 4, "note", "", "{\"text\":\"stopping\"}");
    seen = proc_answer(&proc, 1, "0", 4, true, "null");
    check_wish(seen, 5, "sleep", "", "{\"ms\":60000}");
    seen = proc_answer(&proc, 1, "0", 5, true, "null");
    check_wish(seen, 6, "now", "", "{}");
    seen = proc_answer(&proc, 1, "0", 6, true, "1764000000");
    check_wish(seen, 7, "step", "azure.appservice.stop", "{\"id\":\"" APP "\"}");
    seen = proc_answer(&proc, 1, "0", 7, true, "{}");
    CHECK_INT(seen.state, VM_TURN_DONE);
    CHECK_STR(seen.value, "{\"at\":1764000000,\"ips\":[]}");
    proc_close(&proc, 0);
}

/* A body of run() that ends in its first turn. */
static struct turn_seen once(const char *body)
{
    struct proc proc;

    load(&proc, proc_wrap(body));
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    CHECK(!seen.is_killed);
    proc_close(&proc, 0);
    return seen;
}

static void check_done(const char *body, const char *value)
{
    struct turn_seen seen = once(body);

    CHECK_STR(seen.value, value);
    CHECK_INT(seen.state, VM_TURN_DONE);
}

static void check_failed(const char *body, const char *part)
{
    struct turn_seen seen = once(body);

    CHECK_INT(seen.state, VM_TURN_FAILED);
    CHECK_HAS(seen.value, part);
}

TEST(pairs_walks_integers_then_floats_then_strings_by_their_bytes)
{
    check_done(
        "local s = '' for k, v in pairs { b = 1, a = 2, B = 3, [2] = 4, [1.5] = 5,"
        " [1] = 6, [-7] = 7 } do s = s .. tostring(k) .. '=' .. v .. ' ' end return s",
        "\"-7=7 1=6 2=4 1.5=5 B=3 a=2 b=1 \"");
    check_done("local t, n = { a = 1, b = 2, c = 3 }, 0 for k in pairs(t) do t.b = nil "
               "t.z = 1 n = n + 1 end return n",
               "2");
}

TEST(sorting_keeps_the_order_of_equal_items)
{
    check_done("local t = {} for i = 1, 20 do t[i] = { k = i % 3, i = i } end "
               "table.sort(t, function(a, b) return a.k < b.k end) "
               "local s = '' for _, x in ipairs(t) do s = s .. x.i .. ' ' end return s",
               "\"3 6 9 12 15 18 1 4 7 10 13 16 19 2 5 8 11 14 17 20 \"");
    check_done("local t = { 5, 3, 9, 1 } table.sort(t) return t", "[1,3,5,9]");
    check_failed("table.sort { 1, 'a' }", "attempt to compare");
}

TEST(lists_grow_and_shrink_and_are_joined)
{
    check_done("local t = { 1, 2 } table.insert(t, 3) table.insert(t, 1, 0) "
               "local x = table.remove(t) local y = table.remove(t, 1) "
               "return { t = t, x = x, y = y }",
               "{\"t\":[1,2],\"x\":3,\"y\":0}");
    check_done("return table.concat({ 1, 'b', 2.5 }, '-')", "\"1-b-2.5\"");
    check_done("return { table.unpack({ 1, 2, 3 }, 2) }", "[2,3]");
    check_done("return table.move({ 1, 2, 3 }, 1, 3, 2)", "[1,1,2,3]");
    check_done("return table.pack(1, 2).n", "2");
    check_failed("table.concat { {} }", "item 1 is a table");
}

TEST(data_keeps_its_shape_from_lua_to_json)
{
    check_done("return { 1, 1.5, 'x', true, null, {}, { a = null } }",
               "[1,1.5,\"x\",true,null,[],{\"a\":null}]");
    check_done("return 9007199254740992", "9007199254740992");
    check_done("return 3.0", "3");
    check_done("return { [1] = 'a', [2] = 'b' }", "[\"a\",\"b\"]");
    check_failed("return { a = { b = { print and 1 or 2 } } }", "no variable 'print'");
    check_failed("return { a = { b = { function() end } } }",
                 "what the playbook returned.a.b[1]: a function is no data");
    check_failed("return { 1, a = 2 }", "both numbers and names");
    check_failed("return { 1, nil, 3 }", "[2]: a list has a hole");
    check_failed("return { [1.5] = 1 }", "hole");
}

TEST(data_keeps_its_shape_from_json_to_lua)
{
    struct proc proc;

    load(&proc,
         proc_wrap("local r = site.get {} return { t = type(r.i), m = math.type(r.i), "
                   "f = math.type(r.f), n = r.n == nil, l = r.l[2] == null, "
                   "len = #r.l, k = r['a\\u{e4}\"'], e = #r.e }"));
    proc_start(&proc, 1, "{}");
    struct turn_seen seen = proc_answer(
        &proc, 1, "0", 1, true,
        "{\"i\":7,\"f\":1.5,\"n\":null,\"l\":[1,null,3],\"a\xc3\xa4\\\"\":\"x\",\"e\":[]}");
    CHECK_STR(seen.value, "{\"e\":0,\"f\":\"float\",\"k\":\"x\",\"l\":true,\"len\":3,"
                          "\"m\":\"integer\",\"n\":true,\"t\":\"number\"}");
    proc_close(&proc, 0);
}

TEST(an_error_of_a_step_is_a_table_that_pcall_catches)
{
    struct proc proc;
    const char *error = "{\"action\":\"azure.appservice.stop\",\"code\":\"not_found\","
                        "\"message\":\"no such site\",\"retryable\":false}";

    load(&proc, proc_wrap("local ok, e = pcall(site.stop, { id = 'x' })\n"
                          "return { ok = ok, code = e.code, text = tostring(e) }"));
    check_wish(proc_start(&proc, 1, "{}"), 1, "step", "azure.appservice.stop",
               "{\"id\":\"x\"}");
    struct turn_seen seen = proc_answer(&proc, 1, "0", 1, false, error);
    CHECK_STR(seen.value,
              "{\"code\":\"not_found\",\"ok\":false,\"text\":\"no such site\"}");

    proc_start(&proc, 2, "{}");
    proc_drop(&proc, 2);
    seen = proc_answer(&proc, 2, "0", 1, true, "null");
    CHECK_HAS(seen.value, "\"code\":\"protocol\"");
    proc_close(&proc, 0);
}

TEST(an_error_nobody_catches_fails_the_run_with_its_line)
{
    struct proc proc;

    load(&proc, proc_wrap("site.stop { id = 'x' }"));
    proc_start(&proc, 1, "{}");
    struct turn_seen seen =
        proc_answer(&proc, 1, "0", 1, false, "{\"code\":\"denied\",\"message\":\"no\"}");
    CHECK_INT(seen.state, VM_TURN_FAILED);
    CHECK_STR(seen.value, "{\"line\":3,\"code\":\"denied\",\"message\":\"no\"}");
    proc_close(&proc, 0);
    check_failed("error 'enough'", "\"message\":\"test:3: enough\"");
    check_failed("error { code = 7 }", "\"code\":\"error\"");
    check_failed("local x = nil; return x.y", "test:3: attempt to index a nil value");
}

TEST(branches_are_named_by_where_they_come_from)
{
    struct proc proc;

    load(&proc,
         proc_wrap("local a = ctx.all { function() return site.get { n = 1 } end,\n"
                   "  function() return site.get { n = 2 } end }\n"
                   "local b = ctx.each({ 'x', 'y', 'z' }, function(item, i)\n"
                   "  return ctx.all { function() return site.get { n = item .. i } end }\n"
                   "end, { at_once = 2 })\n"
                   "return { a = a, b = b }"));
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    CHECK_INT(seen.count, 2);
    CHECK_STR(seen.wishes[0].branch, "0.1.1");
    CHECK_STR(seen.wishes[1].branch, "0.1.2");
    CHECK_INT(seen.wishes[1].n, 1);
    seen = proc_answer(&proc, 1, "0.1.2", 1, true, "\"second\"");
    CHECK_INT(seen.count, 0);
    CHECK_INT(seen.state, VM_TURN_WAITING);
    seen = proc_answer(&proc, 1, "0.1.1", 1, true, "\"first\"");
    CHECK_INT(seen.count, 2);
    CHECK_STR(seen.wishes[0].branch, "0.2.1.1.1");
    CHECK_STR(seen.wishes[1].branch, "0.2.2.1.1");
    CHECK_STR(seen.wishes[1].args, "{\"n\":\"y2\"}");
    seen = proc_answer(&proc, 1, "0.2.2.1.1", 1, true, "2");
    CHECK_INT(seen.count, 1);
    CHECK_STR(seen.wishes[0].branch, "0.2.3.1.1");
    proc_answer(&proc, 1, "0.2.3.1.1", 1, true, "3");
    seen = proc_answer(&proc, 1, "0.2.1.1.1", 1, true, "null");
    CHECK_STR(seen.value, "{\"a\":[\"first\",\"second\"],\"b\":[[null],[2],[3]]}");
    proc_close(&proc, 0);
}

TEST(a_failing_branch_lets_the_others_finish_and_then_the_first_error_is_raised)
{
    struct proc proc;

    load(&proc, proc_wrap("local ok, e = pcall(ctx.all, {\n"
                          "  function() site.get { n = 1 } error { code = 'a' } end,\n"
                          "  function() error { code = 'b', message = 'two' } end,\n"
                          "  function() site.get { n = 3 } error { code = 'c' } end })\n"
                          "return { ok, e.code }"));
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    CHECK_INT(seen.count, 2);
    CHECK_INT(seen.state, VM_TURN_WAITING);
    seen = proc_answer(&proc, 1, "0.1.3", 1, true, "null");
    CHECK_INT(seen.state, VM_TURN_WAITING);
    seen = proc_answer(&proc, 1, "0.1.1", 1, true, "null");
    CHECK_STR(seen.value, "[false,\"a\"]");
    proc_close(&proc, 0);
}

TEST(an_answer_to_no_wish_fails_the_run)
{
    struct proc proc;

    load(&proc, proc_wrap("site.get {}"));
    proc_start(&proc, 1, "{}");
    struct turn_seen seen = proc_answer(&proc, 1, "0", 2, true, "null");
    CHECK_INT(seen.state, VM_TURN_FAILED);
    CHECK_HAS(seen.value, "belongs to no wish");
    proc_start(&proc, 2, "{}");
    seen = proc_answer(&proc, 2, "0.1.1", 1, true, "null");
    CHECK_HAS(seen.value, "belongs to no wish");
    proc_close(&proc, 0);
}

TEST(runs_of_one_process_share_nothing)
{
    struct proc proc;

    load(&proc, "local site = use \"azure.appservice\"\n"
                "local seen = 0\n"
                "return playbook { name = \"x\", run = function(p, ctx)\n"
                "seen = seen + 1 site.get {} seen = seen + 1 return seen end }");
    proc_start(&proc, 1, "{}");
    proc_start(&proc, 2, "{}");
    struct turn_seen seen = proc_answer(&proc, 2, "0", 1, true, "null");
    CHECK_STR(seen.value, "2");
    seen = proc_answer(&proc, 1, "0", 1, true, "null");
    CHECK_STR(seen.value, "2");
    proc_close(&proc, 0);
}

TEST(ctx_wishes_carry_what_they_were_given)
{
    static const char *const rows[][3] = {
        { "ctx.ask { title = 'Gone?', choices = { 'yes', 'no' }, from = 'soc', within = 90 "
          "}",
          "ask",
          "{\"choices\":[\"yes\",\"no\"],\"from\":\"soc\",\"title\":\"Gone?\","
          "\"type\":\"string\",\"within\":\"90s\"}" },
        { "ctx.approve { title = 'x', from = { 'a', 'b' }, on_timeout = 'deny' }",
          "approve",
          "{\"from\":[\"a\",\"b\"],\"need\":1,\"on_timeout\":\"deny\",\"title\":\"x\"}" },
        { "ctx.rollback()", "rollback", "{}" },
        { "ctx.rollback { target = 't', to = '0:3' }", "rollback",
          "{\"target\":\"t\",\"to\":\"0:3\"}" },
        { "ctx.call('other', { a = 1 })", "call",
          "{\"params\":{\"a\":1},\"playbook\":\"other\"}" },
        { "ctx.signal('go', { within = '1h' })", "signal",
          "{\"name\":\"go\",\"within\":\"1h\"}" },
        { "ctx.random(6)", "random", "{\"n\":6}" },
        { "ctx.random()", "random", "{}" },
        { "ctx.uuid()", "uuid", "{}" },
        { "ctx.sleep '1h30m'", "sleep", "{\"ms\":5400000}" },
        { "ctx.sleep(2)", "sleep", "{\"ms\":2000}" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct proc proc;
        load(&proc, proc_wrap(rows[i][0]));
        check_wish(proc_start(&proc, 1, "{}"), 1, rows[i][1], "", rows[i][2]);
        proc_close(&proc, 0);
    }
}

TEST(a_wrong_word_to_ctx_is_answered_with_the_right_one)
{
    check_failed("ctx.approve { title = 'x', whithin = '30m' }", "did you mean 'within'?");
    check_failed("ctx.approve { title = 'x', within = 'soon' }",
                 "\\\"soon\\\" is no duration; want \\\"1.5s\\\"");
    check_failed("ctx.approve {}", "ctx.approve wants a title");
    check_failed("ctx.approve { title = 'x', on_timeout = 'hlod' }",
                 "did you mean 'hold'?");
    check_failed("ctx.approve { title = 'x', need = 0 }", "from 1 to 100");
    check_failed("ctx:note 'x'", "a dot, not a colon");
    check_failed("ctx.sleep 'x'", "is no duration");
    check_failed("site.stpo {}", "did you mean azure.appservice.stop?");
    check_failed("site.stop('x')", "takes one table");
    check_failed("site.stop { 1, 2 }", "takes fields with names");
    check_failed("return tostrong(1)", "did you mean 'tostring'?");
}

static const char waits[] =
    "local ok, e = pcall(ctx.wait_until, function(look)\n"
    "  return site.get { look = look }.state == 'Running' and 'up' end,\n"
    "  { every = '1.5s', within = '20s' })\n"
    "return { ok, ok and e or e.code, ctx.now() }";

TEST(each_look_of_wait_until_takes_the_numbers_of_the_one_before)
{
    struct proc proc;

    load(&proc, proc_wrap(waits));
    check_wish(proc_start(&proc, 1, "{}"), 1, "wait_until", "",
               "{\"every\":1500,\"ms\":20000}");
    check_wish(proc_answer(&proc, 1, "0", 1, true, "{\"at\":7000,\"look\":1}"), 2, "step",
               "azure.appservice.get", "{\"look\":1}");
    for (int look = 2; look <= 40; look++) {
        char turn[64], args[64];

        check_wish(proc_answer(&proc, 1, "0", 2, true, "{\"state\":\"Stopped\"}"), 3,
                   "wait_until", "", "{\"at\":7000,\"every\":1500,\"ms\":20000,\"of\":1}");
        snprintf(turn, sizeof turn, "{\"at\":7000,\"look\":%d,\"to\":1}", look);
        snprintf(args, sizeof args, "{\"look\":%d}", look);
        check_wish(proc_answer(&proc, 1, "0", 3, true, turn), 2, "step",
                   "azure.appservice.get", args);
    }
    check_wish(proc_answer(&proc, 1, "0", 2, true, "{\"state\":\"Running\"}"), 3, "now", "",
               "{}");
    CHECK_STR(proc_answer(&proc, 1, "0", 3, true, "9").value, "[true,\"up\",9]");
    proc_close(&proc, 0);
}

TEST(a_look_that_was_journaled_keeps_its_numbers_and_the_end_of_the_time_is_an_error)
{
    struct proc proc;

    load(&proc, proc_wrap(waits));
    proc_start(&proc, 1, "{}");
    proc_answer(&proc, 1, "0", 1, true, "{\"at\":7000,\"look\":1}");
    check_wish(proc_answer(&proc, 1, "0", 2, true, "{\"state\":\"Stopped\"}"), 3,
               "wait_until", "", "{\"at\":7000,\"every\":1500,\"ms\":20000,\"of\":1}");
    check_wish(proc_answer(&proc, 1, "0", 3, true, "{\"at\":7000,\"look\":4}"), 4, "step",
               "azure.appservice.get", "{\"look\":4}");
    check_wish(proc_answer(&proc, 1, "0", 4, true, "{\"state\":\"Stopped\"}"), 5,
               "wait_until", "", "{\"at\":7000,\"every\":1500,\"ms\":20000,\"of\":3}");
    check_wish(proc_answer(&proc, 1, "0", 5, true,
                           "{\"at\":7000,\"look\":9,\"timeout\":true,\"to\":3}"),
               4, "now", "", "{}");
    CHECK_STR(proc_answer(&proc, 1, "0", 4, true, "9").value, "[false,\"timeout\",9]");
    proc_close(&proc, 0);
}

/* The journal has the time where an earlier version began the wait. */
TEST(a_wait_that_an_earlier_version_began_goes_on_by_sleeping)
{
    struct proc proc;

    load(&proc, proc_wrap("local ok, e = pcall(ctx.wait_until, function()\n"
                          "  return site.get {}.state == 'Running' and 'up' end,\n"
                          "  { every = '15s', within = '20s' })\n"
                          "return { ok, ok and e or e.code }"));
    for (int64_t run = 1; run <= 2; run++) {
        check_wish(proc_start(&proc, run, "{}"), 1, "wait_until", "",
                   "{\"every\":15000,\"ms\":20000}");
        check_wish(proc_answer(&proc, run, "0", 1, true, "100"), 2, "step",
                   "azure.appservice.get", "{}");
        check_wish(proc_answer(&proc, run, "0", 2, true, "{\"state\":\"Stopped\"}"), 3,
                   "now", "", "{}");
        check_wish(proc_answer(&proc, run, "0", 3, true, "110"), 4, "sleep", "",
                   "{\"ms\":15000}");
        proc_answer(&proc, run, "0", 4, true, "null");
        struct turn_seen seen =
            proc_answer(&proc, run, "0", 5, true,
                        run == 1 ? "{\"state\":\"Running\"}" : "{\"state\":\"Stopped\"}");
        if (run == 2)
            seen = proc_answer(&proc, run, "0", 6, true, "121");
        CHECK_STR(seen.value, run == 1 ? "[true,\"up\"]" : "[false,\"timeout\"]");
    }
    proc_close(&proc, 0);
}

TEST(atomic_ends_or_is_undone_and_the_error_goes_on)
{
    struct proc proc;

    load(&proc,
         proc_wrap("ctx.note 'before'\n"
                   "return ctx.atomic(function() site.stop { id = 1 } return 'all' end)"));
    for (int64_t run = 1; run <= 2; run++) {
        proc_start(&proc, run, "{}");
        check_wish(proc_answer(&proc, run, "0", 1, true, "null"), 2, "atomic_begin", "",
                   "{}");
        proc_answer(&proc, run, "0", 2, true, "null");
        struct turn_seen seen = proc_answer(&proc, run, "0", 3, run == 1,
                                            "{\"code\":\"denied\",\"message\":\"no\"}");
        check_wish(seen, 4, run == 1 ? "atomic_end" : "atomic_undo", "", "{\"from\":2}");
        seen = proc_answer(&proc, run, "0", 4, true, "null");
        CHECK_INT(seen.state, run == 1 ? VM_TURN_DONE : VM_TURN_FAILED);
        CHECK_HAS(seen.value, run == 1 ? "\"all\"" : "\"code\":\"denied\"");
    }
    proc_close(&proc, 0);
}

TEST(params_become_a_schema_and_what_does_not_keep_it_starts_nothing)
{
    struct proc proc;
    char *info;

    proc_open(&proc);
    CHECK(proc_load(&proc, contain, &info));
    CHECK_HAS(info, "\"app\":{\"type\":\"string\",\"format\":\"arm-id\",\"x-arm-type\":"
                    "\"Microsoft.Web/sites\",\"description\":\"the site\"}");
    CHECK_HAS(info, "\"required\":[\"app\"]");
    CHECK_HAS(info, "\"default\":[]");
    struct turn_seen seen = proc_start(&proc, 1, "{}");
    CHECK_INT(seen.state, VM_TURN_FAILED);
    CHECK_HAS(seen.value, "\"code\":\"params\"");
    CHECK_HAS(seen.value, "app");
    seen = proc_start(&proc, 2, "{\"app\":\"" APP "\",\"ips\":[\"10.0.0\"]}");
    CHECK_HAS(seen.value, "ips[0]");
    seen = proc_start(&proc, 3, "{\"ap\":\"" APP "\"}");
    CHECK_HAS(seen.value, "did you mean");
    proc_close(&proc, 0);
}

TEST(a_playbook_with_a_mistake_in_its_table_is_refused_with_the_place)
{
    static const char *const rows[][2] = {
        { "return playbook { nmae = 'x', run = function() end }", "did you mean 'name'?" },
        { "return playbook { run = function() end }", "playbook wants a name" },
        { "return playbook { name = 'x' }", "playbook wants run" },
        { "return playbook { name = 'X y', run = function() end }", "small letters" },
        { "return playbook { name = 'x', run = function() end, params = { a = 'ip' } }",
          "params.a wants a table" },
        { "return playbook { name = 'x', run = function() end, params = { a = { 'ipp' } } "
          "}",
          "did you mean 'ip'?" },
        { "return playbook { name = 'x', run = function() end,\n"
          "params = { a = { 'integer', 'n', default = 'no' } } }",
          "params.a: default" },
        { "return playbook { name = 'x', run = function() end,\n"
          "params = { a = { 'integer', 'n', defualt = 1 } } }",
          "did you mean 'default'?" },
        { "return playbook { name = 'x', run = function() end, on_failure = 'keap' }",
          "did you mean 'keep'?" },
        { "return playbook { name = 'x', run = function() end,\n"
          "on_alert = { when = { severity = 'medum+' } } }",
          "did you mean 'medium'?" },
        { "return playbook { name = 'x', run = function() end, on_alert = { params = 1 } }",
          "params wants a function" },
        { "local s = use 'azure.apservice'", "did you mean azure.appservice?" },
        { "x = 1", "use local x" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct proc proc;
        char *text;
        proc_open(&proc);
        CHECK(!proc_load(&proc, rows[i][0], &text));
        CHECK_HAS(text, rows[i][1]);
        CHECK_HAS(text, "\"line\":1");
        CHECK_LACKS(text, "etc/cordon");
        proc_close(&proc, 0);
    }
}

TEST(a_syntax_error_has_its_line_and_column)
{
    static const struct {
        const char *source;
        const char *place;
    } rows[] = {
        { "local x = = 1", "\"column\":11,\"line\":1" },
        { "local t = {\n  a = 1\n  b = 2\n}", "\"column\":3,\"line\":3" },
        { "if x then\n", "\"column\":1,\"line\":2" },
        { "local a, b = 1, 2\nfor i = a, b, a, b do end", "\"column\":16,\"line\":2" },
        { "return 'abc", "\"column\":12,\"line\":1" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct proc proc;
        char *text;
        proc_open(&proc);
        CHECK(!proc_load(&proc, rows[i].source, &text));
        CHECK_HAS(text, rows[i].place);
        CHECK_HAS(text, "\"code\":\"syntax\"");
        proc_close(&proc, 0);
    }
}

TEST(an_alert_starts_a_run_or_is_told_why_not)
{
    static const char source[] =
        "return playbook { name = 'x', run = function(p, ctx) end,\n"
        "  params = { app = { 'string', 'the site' }, n = { 'integer', 'n', default = 3 } "
        "},\n"
        "  on_alert = { when = { source = 'defender', type = 'AppServices_*',\n"
        "    severity = 'medium+' },\n"
        "  params = function(alert) return { app = alert.resources[1] } end } }";
    struct proc proc;
    char *params, *why;

    load(&proc, source);
    CHECK_STR(proc_match(&proc,
                         "{\"source\":\"defender\",\"type\":\"AppServices_X\",\"severity\":"
                         "\"High\",\"resources\":[\"s\"]}",
                         &params, &why),
              "matches");
    CHECK_STR(params, "{\"app\":\"s\",\"n\":3}");
    CHECK_STR(proc_match(&proc,
                         "{\"source\":\"defender\",\"type\":\"AppServices_X\",\"severity\":"
                         "\"low\"}",
                         &params, &why),
              "no");
    CHECK_STR(why, "severity low, want medium+");
    CHECK_STR(proc_match(&proc, "{\"source\":\"defender\",\"type\":\"VM_X\"}", &params,
                         &why),
              "no");
    CHECK_STR(why, "type VM_X is not AppServices_*");
    CHECK_STR(proc_match(&proc,
                         "{\"source\":\"defender\",\"type\":\"AppServices_X\",\"severity\":"
                         "\"High\"}",
                         &params, &why),
              "error");
    CHECK_HAS(params, "test:5: on_alert.params: attempt to index a nil value");
    proc_close(&proc, 0);
}

TEST(a_mistake_in_on_alert_params_has_its_file_line_and_function)
{
    static const struct {
        const char *body, *says;
    } cases[] = {
        { "return nil", "test:2: on_alert.params wants to return a table, got nil" },
        { "return {}", "test:2: on_alert.params: " },
        { "return { app = 1 }", "test:2: on_alert.params: " },
        { "return { app = 's' }, 2", "test:2: on_alert.params wants to return one table" },
        { "return { app = 's', other = 1 }", "test:2: on_alert.params: " },
        { "\n\nerror('by hand')", "test:4: on_alert.params: by hand" },
        { "\nlocal a = nil .. 'x'", "test:3: on_alert.params: attempt to concatenate" },
        { "return { app = alert.no.thing }", "test:2: on_alert.params: attempt to index" },
        { "return { app = print }", "test:2: on_alert.params" },
        { "return { app = ('x'):rep(300000) }", "test:2: on_alert.params" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct proc proc;
        char *params, *why;

        load(&proc,
             arena_printf(&proc_texts,
                          "return playbook { name = 'x', params = { app = { 'string', "
                          "'a' } }, run = function() end,\non_alert = { when = { type = "
                          "'T' }, params = "
                          "function(alert) %s end } }",
                          cases[i].body));
        CHECK_STR(proc_match(&proc, "{\"type\":\"T\"}", &params, &why), "error");
        CHECK_HAS(params, cases[i].says);
        proc_close(&proc, 0);
    }
}

TEST(recover_is_an_entry_of_its_own_and_sees_what_the_run_is_about)
{
    struct proc proc;

    load(&proc, "return playbook { name = 'x', run = function() return 1 end,\n"
                "recover = function(p, ctx) return { ctx.run, ctx.alert.id,\n"
                "ctx.requester or null } end }");
    struct turn_seen seen =
        proc_start_as(&proc, 1, "recover", "{}",
                      "{\"id\":\"r-000007\",\"alert\":{\"id\":\"a\"},\"requester\":null}");
    CHECK_STR(seen.value, "[\"r-000007\",\"a\",null]");
    seen = proc_start_as(&proc, 2, "stop", "{}", "{\"id\":\"r\"}");
    CHECK_HAS(seen.value, "begins with run or recover");
    proc_close(&proc, 0);
}

TEST(lua_as_data_is_one_table_and_nothing_else)
{
    struct proc proc;
    char *text;

    proc_open(&proc);
    CHECK(proc_data(&proc, "/etc/policy.lua", "local n = 2\nreturn { b = n, a = { 'x' } }",
                    &text));
    CHECK_STR(text, "{\"a\":[\"x\"],\"b\":2}");
    CHECK(proc_data(&proc, "policy.lua", "return {}", &text));
    CHECK_STR(text, "{}");
    CHECK(!proc_data(&proc, "policy.lua", "return { f = function() end }", &text));
    CHECK_HAS(text, "policy.f: a function is no data");
    CHECK(!proc_data(&proc, "policy.lua", "return {\n  a = ,\n}", &text));
    CHECK_HAS(text, "\"column\":7,\"line\":2");
    CHECK(!proc_data(&proc, "policy.lua", "return 1", &text));
    CHECK_HAS(text, "one table");
    CHECK(!proc_data(&proc, "policy.lua", "return use 'x'", &text));
    CHECK_HAS(text, "no variable 'use'");
    CHECK(!proc_data(&proc, "policy.lua", "while true do end", &text));
    CHECK_HAS(text, "2000000 instructions");
    proc_close(&proc, 3);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a playbook before it runs, and where in it. */
#include <stdio.h>

#include "proc.h"

#include "check.h"

static char *findings_of(const char *source)
{
    struct proc proc;

    proc_open(&proc);
    char *findings = proc_check(&proc, source);
    proc_close(&proc, 0);
    return findings;
}

/* Findings on the body of run(), which begins in line 3. */
static void check_body(const char *body, const char *findings)
{
    struct str source = { 0 };

    str_printf(
        &source,
        "local site = use \"azure.appservice\"\n"
        "return playbook { name = \"test\", params = { app = { \"string\", \"a\" }, x "
        "= { \"string\", \"b\", default = \"c\" } }, run = function(p, ctx)\n%s\n"
        "end }\n",
        body);
    CHECK_STR(findings_of(str_text(&source)), findings);
    str_fini(&source);
}

#define FOUND(line, column, level, message)                           \
    "{\"column\":" #column ",\"level\":\"" level "\",\"line\":" #line \
    ",\"message\":\"" message "\"}"

TEST(a_right_playbook_has_no_findings)
{
    check_body(
        "local app = site.get { id = 'x' }\n"
        "local n, t = 0, { 1, [2] = 'b', c = function(self, ...) return select('#', ...) "
        "end }\n"
        "for i, ip in ipairs(app.ips) do\n"
        "  n = n + i\n"
        "  if ip == '10.0.0.1' then goto continue end\n"
        "  t[#t + 1] = -n * (i // 2) ~ 3 .. ''\n"
        "  ::continue::\n"
        "end\n"
        "local function again(k) if k > 0 then return again(k - 1) end end\n"
        "repeat local done = again(3) until not done\n"
        "while n > 0 do n = n - 1 if n == 7 then break end end\n"
        "function t.f(a) return a end\n"
        "function t:g() return self.f(1) end\n"
        "do local x <const> = 5 n = x end\n"
        "ctx.all { function() site.block_ips { id = 'x', ips = {}, expires = '1h' } end }\n"
        "site.block_ips({ id = p.app, ips = app.ips, priority = 3 })\n"
        "local name = 'id'\n"
        "site.get { [name] = 'x' }\n"
        "if app.state == 'Running' then return 1 elseif n == 1 then return 2 else n = 2 "
        "end\n"
        "ctx.approve { title = ('%s'):format(n) }\n"
        "return { n, t }",
        "[]");
}

TEST(a_syntax_error_is_the_one_finding)
{
    CHECK_STR(findings_of("local x = = 1"),
              "[" FOUND(1, 11, "error", "unexpected symbol near '='") "]");
}

TEST(variables_that_are_not_there_are_named_with_the_nearest)
{
    check_body(
        "local a = tostrong(1)",
        "[" FOUND(3, 11, "error",
                  "there is no variable 'tostrong' here; did you mean 'tostring'?") "]");
    check_body("do local inner = 1 end\nreturn inner",
               "[" FOUND(4, 8, "error", "there is no variable 'inner' here") "]");
    check_body("for i = 1, 3 do end return i",
               "[" FOUND(3, 28, "error", "there is no variable 'i' here") "]");
    check_body("repeat local x = 1 until x return x",
               "[" FOUND(3, 35, "error", "there is no variable 'x' here") "]");
}

TEST(a_global_cannot_be_written)
{
    check_body(
        "count = 1",
        "[" FOUND(3, 1, "error",
                  "the global variable 'count' cannot be written; use local count") "]");
    check_body("local a; a, b = 1, 2",
               "[" FOUND(3, 13, "error",
                         "the global variable 'b' cannot be written; use local b") "]");
    check_body(
        "function helper() end",
        "[" FOUND(3, 10, "error",
                  "the global variable 'helper' cannot be written; use local helper") "]");
}

TEST(actions_that_are_not_there_are_named_with_the_nearest)
{
    check_body("site.gte { id = 'x' }",
               "[" FOUND(3, 6, "error",
                         "there is no action azure.appservice.gte; did you mean get?") "]");
    CHECK_HAS(findings_of(
                  "local s = use \"azure.apservice\"\n"
                  "return playbook { name = \"x\", run = function() s.get {} end }"),
              "did you mean azure.appservice?");
}

TEST(arguments_are_held_against_the_schema)
{
    check_body("site.get { ip = 'x' }",
               "[" FOUND(3, 12, "error",
                         "azure.appservice.get has no argument 'ip'; did you "
                         "mean 'id'?") "," FOUND(3, 6, "error",
                                                 "azure.appservice.get wants "
                                                 "the argument 'id'") "]");
    check_body("site.get()", "[" FOUND(3, 6, "error",
                                       "azure.appservice.get wants the argument 'id'") "]");
    CHECK_HAS(findings_of(proc_wrap("site.get { id = 7 }")), "\"column\":17");
    CHECK_HAS(findings_of(
                  proc_wrap("site.block_ips { id = 'x', ips = {},\n  expires = 'soon' }")),
              "\"column\":13,\"level\":\"error\",\"line\":4");
    check_body("site.block_ips { id = 'x', ips = {}, on_expire = 'ask' }",
               "[" FOUND(3, 6, "error",
                         "azure.appservice.block_ips: on_expire wants expires "
                         "beside it: for how long is it?") "]");
    check_body("site.block_ips { id = 'x', ips = {}, expires = '1h', on_expire = 'ask' }",
               "[]");
    CHECK_HAS(
        findings_of(proc_wrap(
            "site.block_ips { id = 'x', ips = {}, expires = '1h', on_expire = 'end' }")),
        "on_expire");
    CHECK_HAS(findings_of(proc_wrap("site.block_ips { id = 'x', ips = {}, priority = 0 }")),
              "priority");
    check_body("site.block_ips { id = 'x', ips = {}, priority = 0 + 1 }", "[]");
    check_body("site.get 'x'",
               "[" FOUND(3, 10, "error",
                         "azure.appservice.get takes one table, as in get { ... }") "]");
}

TEST(code_and_gates_that_are_never_reached_are_pointed_at)
{
    check_body("if false then\n  ctx.approve { title = 'x' }\nend",
               "[" FOUND(4, 3, "warning", "this code is never reached") "," FOUND(
                   4, 7, "warning",
                   "this gate is never reached, so nobody is ever asked") "]");
    check_body("do return end\nctx.approve { title = 'x' }",
               "[" FOUND(4, 1, "warning", "this code is never reached") "," FOUND(
                   4, 5, "warning",
                   "this gate is never reached, so nobody is ever asked") "]");
    check_body("error('stop')\nctx.note 'x'",
               "[" FOUND(4, 1, "warning", "this code is never reached") "]");
    check_body("if p.x then return 1 else error 'no' end\nctx.note 'x'",
               "[" FOUND(4, 1, "warning", "this code is never reached") "]");
    check_body("while nil do ctx.note 'x' end",
               "[" FOUND(3, 14, "warning", "this code is never reached") "]");
    check_body("if true then return 1 else return 2 end",
               "[" FOUND(3, 28, "warning", "this code is never reached") "]");
}

TEST(what_ctx_approve_and_ctx_ask_are_given_is_looked_at)
{
    check_body(
        "ctx.approve { titel = 'x' }",
        "[" FOUND(3, 15, "error",
                  "ctx.approve has no argument 'titel'; did you mean "
                  "'title'?") "," FOUND(3, 5, "error",
                                        "ctx.approve wants the argument 'title'") "]");
    CHECK_HAS(findings_of(proc_wrap("ctx.approve { title = 'x', need = 0 }")), "need");
    CHECK_HAS(findings_of(proc_wrap("ctx.approve { title = 'x', within = 'soon' }")),
              "within");
    CHECK_HAS(findings_of(proc_wrap("ctx.ask { title = 'x', type = 'strin' }")), "type");
    check_body("ctx.approve { title = 'x' .. p.app, need = { 'a', 'b' }, within = '30m',"
               " from = { 'soc' }, on_timeout = 'escalate' }",
               "[]");
    check_body("ctx.ask { title = 'x', choices = { 'a' }, within = 600 }", "[]");
}

TEST(a_wrong_field_of_ctx_is_named_with_the_nearest)
{
    check_body("ctx.aprove { title = 'x' }",
               "[" FOUND(3, 5, "error",
                         "ctx has no 'aprove'; did you mean 'approve'?") "]");
}

TEST(what_only_reading_the_file_shows_is_found_too)
{
    CHECK_STR(findings_of("return playbook { nmae = 'x', run = function() end }"),
              "[" FOUND(1, 1, "error", "playbook has no 'nmae'; did you mean 'name'?") "]");
    CHECK_HAS(findings_of("return 1"), "return playbook { ... }");
}

/* -- Mistakes that only the declarations show ------------------------------------------------ */

#define PLAYBOOK                                                          \
    "local site = use 'azure.appservice'\n"                               \
    "return playbook { name = 'x', params = { app = { 'string', 'a' },\n" \
    "  hours = { 'integer', 'b', default = 4 } }, run = function(p, ctx)\n"

/* In a playbook that declares app and hours: what is found first, or nothing. */
static void check_declared(const char *body, const char *has)
{
    struct str source = { 0 };

    str_printf(&source, PLAYBOOK "%s\nend }", body);
    char *found = findings_of(str_text(&source));
    if (has == NULL)
        CHECK_STR(found, "[]");
    else
        CHECK_HAS(found, has);
    str_fini(&source);
}

TEST(what_is_declared_nowhere_is_found_and_what_is_declared_is_not)
{
    static const struct {
        const char *body, *has;
    } rows[] = {
        { "site.get { id = p.app }", NULL },
        { "site.get { id = p.ap }", "declares no parameter 'ap'; did you mean 'app'?" },
        { "site.get { id = p.resource }", "no parameter 'resource'; it has app, hours" },
        { "site.get { id = p['hour'] }", "did you mean 'hours'?" },
        { "p.note = 'x' ctx.note(p.note)", NULL },
        { "local p = { x = 1 } return p.x", NULL },
        { "local function f(p) return p.x end return f({})", NULL },
        { "p = { x = 'a' } return p.x", NULL },
        { "ctx.each({ 1 }, function(q) return p.hrs end)",
          "no parameter 'hrs'; it has app, hours" },
        { "return site.get { id = p.app }.nam", "has no 'nam'; did you mean 'name'?" },
        { "local a = site.get { id = p.app } return a.name, a.tags.owner", NULL },
        { "local a = site.get { id = p.app } return a.sku", "a has no 'sku'" },
        { "local a = site.get({ id = p.app }) return a.stat", "did you mean 'state'?" },
        { "local a = site.get { id = p.app } return a.identity.principal",
          "a.identity has no 'principal'" },
        { "local a = site.get { id = p.app } return a.ips[1].adress",
          "did you mean 'address'?" },
        { "local a = site.get { id = p.app } return a.ips.address", "is a list" },
        { "local a = site.get { id = p.app }\nfor _, i in ipairs(a.ips) do ctx.note(i.rul) "
          "end",
          "did you mean 'rule'?" },
        { "local a = site.get { id = p.app }\nfor _, i in ipairs(a.ips) do "
          "ctx.note(i.rule) "
          "end",
          NULL },
        { "local a = site.get { id = p.app } or {} return a.anything", NULL },
        { "local a = site.get { id = p.app } a = {} return a.anything", NULL },
        { "local d = site.block_ips { id = p.app, ips = {} } return d.result.x", NULL },
        { "local d = site.block_ips { id = p.app, ips = {} } return d.results",
          "did you mean 'result'?" },
        { "site.block_ips { id = p.app, ips = { '203.0.113.9', '203.0.113.900' } }",
          "ips: " },
        { "site.block_ips { id = p.app, ips = { p.app, '203.0.113.9', ctx.uuid() } }",
          NULL },
        { "site.block_ips { id = p.app, ips = {} }", NULL },
        { "site.get(p.app)", "azure.appservice.get takes one table, as in get { ... }" },
        { "site.get('/subscriptions/x')", "takes one table, as in get { ... }" },
        { "local t = { id = p.app } return site.get(t).name", NULL },
        { "site.get(p.app and { id = p.app } or {})", NULL },
        { "p.app = { id = 'x' } site.get(p.app)", NULL },
        { "local q = p return q.hrs", "no parameter 'hrs'" },
        { "local q = p and { x = 1 } return q.x", NULL },
        { "local q, c = p, ctx c.note(q.app) return q.ap", "did you mean 'app'?" },
        { "local s = site s.gett { id = p.app }", "did you mean get?" },
        { "local a = ctx.alert return a and a.severty", "did you mean 'severity'?" },
        { "local e = ctx.alert.entities return e.user", "has no 'user'" },
        { "local a = ctx.alert or {} return a.anything", NULL },
        { "if ctx.alert then return ctx.alert.entities.ips[1] end", NULL },
        { "if ctx.alert then return ctx.alert.resorces end", "did you mean 'resources'?" },
        { "if ctx.alert then return ctx.alert.entities.ip end", "did you mean 'ips'?" },
        { "return ctx.alert.raw.anything.at.all", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_declared(rows[i].body, rows[i].has);
}

TEST(functions_of_ctx_are_called_as_they_are_declared)
{
    static const struct {
        const char *body, *has;
    } rows[] = {
        { "ctx.approve { title = 'x', from = 'leads' }", NULL },
        { "ctx.approve { title = 'x', from = 'lead' }",
          "no group 'lead', so nobody could approve; did you mean 'leads'?" },
        { "ctx.approve { title = 'x', from = { 'leads', 'night' } }", "no group 'night'" },
        { "ctx.approve { title = 'x', from = {} }", "from is an empty list" },
        { "ctx.approve { title = 'x', need = { 'leads', 'nightshift' } }",
          "did you mean 'night-shift'?" },
        { "ctx.approve { title = 'x', escalate = { { after = '5m', from = 'leed' } } }",
          "no group 'leed', so nobody could approve; did you mean 'leads'?" },
        { "ctx.approve { title = 'x', escalate = { { from = { 'leads', 'nihgt' } }, } }",
          "no group 'nihgt'" },
        { "ctx.ask { title = 'x', escalate = { { after = '5m', from = {} } } }",
          "from is an empty list" },
        { "ctx.approve { title = 'x', escalate = { { after = p.app, from = 'leads' }; "
          "p.app } }",
          NULL },
        { "ctx.approve { title = 'x', escalate = p.app, from = 'leads' }", NULL },
        { "ctx.approve { title = 'x', from = p.app }", NULL },
        { "ctx.approve({ title = 'x', frm = 'leads' })", "no argument 'frm'" },
        { "ctx.ask { title = 'x', from = 'lead' }", "did you mean 'leads'?" },
        { "ctx:approve { title = 'x' }", "want a dot, not a colon" },
        { "ctx.sleep('5 minuets')", "ctx.sleep" },
        { "ctx.sleep('5m')", NULL },
        { "ctx.sleep()", "ctx.sleep takes 1 value, got 0" },
        { "ctx.note('a', 'b')", "ctx.note takes 1 value, got 2" },
        { "ctx.now(1)", "ctx.now takes 0 values, got 1" },
        { "ctx.signal('go', { withn = '1h' })", "did you mean 'within'?" },
        { "ctx.wait_until(function() return true end, { evry = '5s' })",
          "did you mean 'every'?" },
        { "ctx.wait_until(function() return true end, { every = '5s', within = '1m' })",
          NULL },
        { "ctx.wait_until('x')", "ctx.wait_until" },
        { "ctx.each({ 1 }, function() end, { atonce = 2 })", "no argument 'atonce'" },
        { "ctx.rollback { two = 'x' }", "no argument 'two'" },
        { "ctx.rollback()", NULL },
        { "ctx.call(p.app, { any = 1 })", NULL },
        { "ctx.call('other', {}, 3)", "ctx.call takes at most 2 values, got 3" },
        { "ctx.random(0)", "ctx.random" },
        { "ctx.call('seal-off', { vm = p.app })", NULL },
        { "ctx.call('seal-off', { vm = p.app, hours = 4 })", NULL },
        { "ctx.call('seal-of', { vm = p.app })",
          "there is no playbook 'seal-of', neither in cordon.lua's playbooks nor beside "
          "this file; did you mean 'seal-off'?" },
        { "ctx.call('zzzzzzzz')", "there is no playbook 'zzzzzzzz'" },
        { "ctx.call('seal-off', { vms = p.app, vm = 'a' })", "did you mean 'vm'?" },
        { "ctx.call('seal-off', { hours = 4 })",
          "playbook seal-off wants the argument 'vm'" },
        { "ctx.call('seal-off')", "playbook seal-off wants the argument 'vm'" },
        { "ctx.call('seal-off', {})", "playbook seal-off wants the argument 'vm'" },
        { "ctx.call('seal-off', { vm = 'a', hours = 'x' })", "hours" },
        { "local t = { vm = 'a' } ctx.call('seal-off', t)", NULL },
        { "ctx.call('seal-off', { ['v' .. 'm'] = 'a' })", NULL },
        { "ctx.call('beside', { any = 1 })", NULL },
        { "ctx.call('seal' .. p.app, { any = 1 })", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_declared(rows[i].body, rows[i].has);
}

TEST(a_gate_for_more_people_than_the_policy_has_is_found)
{
    static const struct {
        const char *args, *has;
    } rows[] = {
        { "from = 'night-shift', need = 3", NULL }, /* the policy's chain has one more */
        { "from = 'night-shift', need = 4", "ctx.approve: it needs 4 approvals of "
                                            "night-shift, and the policy has 3 people who "
                                            "can give one: bob, cy, z" },
        { "from = { 'leads', 'soc' }, need = 3", "needs 3 approvals of leads, soc" },
        { "from = { 'leads', 'leads' }, need = 2, escalate = { { after = '5m', from = "
          "'leads' } }",
          "has 1 person who can give one: ann (services" },
        { "from = 'leads', need = 2, escalate = { { after = '5m', from = { 'soc' } } }",
          NULL },
        { "from = 'leads', need = 2, escalate = p.app", NULL },
        { "from = 'leads', need = 2, escalate = { p.app }", NULL },
        { "from = 'bots', escalate = { { after = '5m', from = 'bots' } }",
          "it needs 1 approval of bots, and the policy has 0 people who can give one (" },
        { "from = 'all', need = 9", NULL },
        { "need = 9", NULL }, /* any group: all has anybody */
        { "from = 'leads', need = 2 + 7", NULL },
        { "from = p.app, need = 9", NULL },
        { "from = { 'leads', p.app }, need = 9", NULL },
        { "need = { 'leads', 'soc' }", NULL },
        { "need = { 'leads', 'leads', 'soc' }, escalate = { { after = '5m', from = 'leads' "
          "} }",
          "needs 3 approvals of leads, leads, soc, and the policy has 2 people" },
        { "need = { 'leads', 'bots' }, escalate = { { after = '5m', from = 'bots' } }",
          "it needs 1 approval of bots" },
        { "need = { 'leads', 'leads', p.app }", NULL },
        { "from = 'lead', need = 9", "no group 'lead'" },
        { "['n' .. 'eed'] = 1, from = 'leads', need = 9", NULL },
    };
    char body[300];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(body, sizeof body, "ctx.approve { title = 'x', %s }", rows[i].args);
        check_declared(body, rows[i].has);
    }
    check_declared("ctx.ask { title = 'x', from = 'bots' }", NULL); /* soc may answer */
}

/* A playbook that requires nothing, with this in on_alert.when. */
static void check_when(const char *when, const char *has)
{
    struct str source = { 0 };

    str_printf(&source,
               "return playbook { name = 'x', run = function() end, on_alert = { when = {\n"
               "  %s } } }",
               when);
    char *found = findings_of(str_text(&source));
    if (has == NULL)
        CHECK_STR(found, "[]");
    else
        CHECK_HAS(found, has);
    str_fini(&source);
}

TEST(an_on_alert_that_no_alert_can_match_is_found_where_it_stands)
{
    static const struct {
        const char *when, *has;
    } rows[] = {
        { "source = 'defender-for-cloud', type = 'AppServices_*', severity = 'medium+'",
          NULL },
        { "source = 'front-door'", NULL },
        { "source = 'Front-*'", NULL },
        { "source = 'entra-id-protection'", NULL },
        { "source = '*'", NULL },
        { "source = 'https://scanner.example/*'", NULL },
        { "source = 'defender-for-clod'", "did you mean defender-for-cloud?" },
        { "source = 'defender-for-clod'",
          "{\"column\":12,\"level\":\"error\",\"line\":2,\"message\":"
          "\"on_alert.when.source: no source" },
        { "type = 'A*',\n  source = 'sentinal'",
          "\"column\":12,\"level\":\"error\",\"line\":3" },
        { "source = 'frontdoor'", "did you mean front-door?" },
        { "source = 'defender-for-endpoints'", "did you mean defender-for-endpoint?" },
        { "source = 'azuremonitor'", "did you mean azure-monitor?" },
        { "source = 'weatherwatch'", "is called weatherwatch, so this matches nothing\"" },
        { "source = 'defender-for-clod*'", "is called defender-for-clod*" },
        { "severity = 'critical'", "is no severity of an alert" },
        { "source = 'graph',\n  severity = 'Critical+'", "\"line\":3" },
        { "severity = 'hihg+'", "\"column\":14,\"level\":\"error\",\"line\":2" },
        { "status = 'new'", "want active" },
        { "status = 'resolved', over = true", NULL },
        { "status = 'active', over = true", NULL },
        { "status = 'resolved', over = false", "contradicts the status beside it" },
        { "over = false, status = 'Auto-Resolved'", "contradicts the status beside it" },
        { "over = false, status = 'resol*'", NULL },
        { "source = 'defender-for-cloud', type = 'AppService_*'",
          "did you mean AppServices_?" },
        { "source = 'defender-for-cloud', type = 'Storage.Blobs_X'",
          "\"level\":\"warning\"" },
        { "source = 'defender-for-cloud', type = 'SUSPECT_SVCHOST'", NULL },
        { "source = 'sentinel', type = 'AppService_*'", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_when(rows[i].when, rows[i].has);
}

/* A playbook that requires app, with this on_alert. */
static void check_alert(const char *on_alert, const char *has)
{
    struct str source = { 0 };

    str_printf(
        &source,
        "local function of(alert) return { app = alert.resources[1] } end\n"
        "local function run(p, ctx) ctx.note(p.app) end\n"
        "return playbook { name = 'x', run = run, params = { app = { 'string', 'a' },\n"
        "  hours = { 'integer', 'b', default = 4 } },\n  on_alert = %s }",
        on_alert);
    char *found = findings_of(str_text(&source));
    if (has == NULL)
        CHECK_STR(found, "[]");
    else
        CHECK_HAS(found, has);
    str_fini(&source);
}

TEST(an_on_alert_that_can_start_nothing_is_found)
{
    static const struct {
        const char *on_alert, *has;
    } rows[] = {
        { "{ when = { type = 'A*' }, params = of }", NULL },
        { "{ when = { type = 'A*' } }", "can start nothing: its params gives no 'app'" },
        { "{ when = {}, params = function(a) return { hours = 2 } end }",
          "gives no 'app'" },
        { "{ when = {}, params = function(a) return {} end }", "gives no 'app'" },
        { "{ when = {}, params = function(a) return { apps = a.resources[1] } end }",
          "declares no parameter 'apps'" },
        { "{ when = {}, params = function(a) return { app = a.resorces } end }",
          "did you mean 'resources'?" },
        { "{ when = {}, params = function(a) return { app = a.entities.host[1] } end }",
          "did you mean 'hosts'?" },
        { "{ when = {}, params = function(a) return { app = a.resource('sites') } end }",
          "no resource is of the type 'sites': want one like 'Microsoft.Web/sites'" },
        { "{ when = {}, params = function(a) return { app = a.all 'web/sites'[1] } end }",
          "of the type 'web/sites'" },
        { "{ when = {}, params = function(a) return { app = a:resource('A.B/c') } end }",
          "want a dot, not a colon, behind 'a'" },
        { "{ when = {}, params = function(a) local t = 'A.B/c' return { app = "
          "a.resource(t) } "
          "end }",
          NULL },
        { "{ when = {}, params = function(a)\n"
          "  if a.severity == 'high' then return { app = 'x', hours = 8 } end\n"
          "  return { app = 'y' } end }",
          NULL },
        { "{ when = {}, params = function(a) local t = {} t.app = 'x' return t end }",
          NULL },
        { "{ when = {}, params = function(a) return { ['app'] = 'x' } end }", NULL },
        { "{ when = { severity = 'hgih' }, params = of }", "did you mean 'high'?" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_alert(rows[i].on_alert, rows[i].has);
}

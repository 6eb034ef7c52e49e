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
    "    ctx.approve { title = \"Stop \" .. app.name, from = \"cm\", need = 2, within = \"30m\" }\n"
    "    ctx.note(\"stopping\")\n"
    "    ctx.sleep \"1m\"\n"
    "    local at = ctx.now()\n"
    "    site.stop { id = p.app }\n"
    "    return { at = at, ips = p.ips }\n"
    "  end,\n"
    "}\n";

#define APP                                                                     \
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shop/" \
    "providers/Microsoft.Web/sites/shop"

static void load(struct proc *proc, const char *source)
{
    char *text;

    proc_open(proc);
    if (!proc_load(proc, source, &text))
        FAIL("%s", text);
}

static void check_wish(struct turn_seen seen, int64_t n, const char *kind, const char *action,
                       const char *args)
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
    check_wish(seen, 3, "approve", "",
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

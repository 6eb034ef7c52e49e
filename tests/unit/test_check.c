/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/check.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "check.h"

/* A plugin that is complete, for each test to break in one place. */
static struct cordon_plugin plugin;
static struct cordon_action get, set, burn;
static const struct cordon_action *actions[4];
static const char *permissions[2];

static int on_call(struct cordon_call *call, const struct cordon_input *in)
{
    (void)call;
    (void)in;
    return 1;
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    (void)call;
    (void)in;
    (void)out;
    return 1;
}

static int on_open(const struct cordon_host *host, const char *config, void **state)
{
    (void)host;
    (void)config;
    (void)state;
    return 0;
}

static struct cordon_action action_of(const char *name, enum cordon_effect effect)
{
    return (struct cordon_action){ .size = sizeof(struct cordon_action),
                                   .name = name,
                                   .summary = "Do it",
                                   .effect = effect,
                                   .risk = CORDON_LOW,
                                   .permissions = permissions,
                                   .settle_ms = 10,
                                   .timeout_ms = 100,
                                   .args_schema = "{\"type\":\"object\"}" };
}

static void make(void)
{
    permissions[0] = "a/b/read";
    get = action_of("demo.get", CORDON_READS);
    get.result_schema = "{\"type\":\"string\"}";
    get.read = on_call;
    set = action_of("demo.thing.set", CORDON_REVERTS);
    set.repeat = CORDON_KEYED;
    set.observe = set.apply = set.restore = on_call;
    set.plan = on_plan;
    burn = set;
    burn.name = "demo.thing.burn";
    burn.effect = CORDON_PERMANENT;
    burn.permanent_because = "it is burnt";
    burn.restore = NULL;
    actions[0] = &get;
    actions[1] = &set;
    actions[2] = &burn;
    actions[3] = NULL;
    plugin = (struct cordon_plugin){ .size = sizeof plugin,
                                     .abi = CORDON_ABI,
                                     .name = "demo",
                                     .version = "1.0.0",
                                     .summary = "A demo",
                                     .actions = actions,
                                     .open = on_open };
}

static void refused(const char *says)
{
    struct err err = { 0 };

    CHECK(check_plugin(&plugin, "demo", &err) != 0);
    CHECK_HAS(err.text, says);
    make();
}

TEST(a_complete_plugin_passes)
{
    struct err err;

    make();
    CHECK_OK(check_plugin(&plugin, "demo", &err), &err);
    CHECK_OK(check_plugin(&plugin, "", &err), &err);
    burn.restore = on_call; /* PERMANENT may, for the part that can */
    burn.undone = on_plan;
    plugin.config_schema = "{\"type\":\"object\"}";
    plugin.version = "1.0.0-rc.1";
    CHECK_OK(check_plugin(&plugin, "demo", &err), &err);
}

TEST(a_plugin_that_says_too_little_of_itself_is_refused)
{
    make();
    plugin.abi = 2, refused("version 2 of the plugin interface");
    plugin.size = 8, refused("the plugin's size is 8 bytes");
    plugin.name = "Demo", refused("must be a word");
    plugin.name = "", refused("must be a word");
    plugin.name = NULL, refused("must be a word");
    plugin.name = "omed", refused("calls itself omed");
    plugin.version = "1.0", refused("want a version");
    plugin.version = NULL, refused("want a version");
    plugin.summary = "", refused("want a summary");
    plugin.summary = "two\nlines", refused("want a summary");
    plugin.open = NULL, refused("has no open()");
    plugin.actions = NULL, refused("has no actions");
    actions[0] = NULL, refused("has no actions");
    actions[1] = &get, refused("declared twice");
    plugin.config_schema = "{", refused("config_schema");
    plugin.config_schema = "{\"type\":\"string\"}", refused("want \"type\": \"object\"");
}

TEST(an_action_whose_name_texts_or_times_are_wrong_is_refused)
{
    make();
    get.size = 8, refused("an action's size is 8 bytes");
    get.name = NULL, refused("an action has no name");
    get.name = "demo", refused("want a name like demo.noun.verb");
    get.name = "demo.", refused("want a name like");
    get.name = "demo.Get", refused("want a name like");
    get.name = "demo..get", refused("want a name like");
    get.name = "other.get", refused("want a name like");
    get.name = "demolition.get", refused("want a name like");
    get.summary = NULL, refused("want a summary");
    get.risk = 0, refused("has no risk");
    get.risk = 4, refused("has no risk");
    get.effect = 0, refused("has no effect");
    get.permissions = NULL, refused("has no list of permissions");
    permissions[0] = "", refused("each one line of text");
    get.timeout_ms = 0, refused("timeout_ms is 0");
    get.timeout_ms = CHECK_TIMEOUT_MAX_MS + 1, refused("timeout_ms is");
    get.settle_ms = 101, refused("settle_ms is 101");
    get.args_schema = NULL, refused("has no args_schema");
    get.args_schema = "{\"type\":\"array\"}", refused("want \"type\": \"object\"");
    get.args_schema = "{\"type\":\"object\",\"pattern\":\"a\"}",
    refused("demo.get: args_schema");
    get.result_schema = "{\"typ\":\"string\"}", refused("demo.get: result_schema");
}

TEST(the_functions_of_an_action_must_fit_its_effect)
{
    make();
    get.read = NULL, refused("has no read()");
    get.apply = on_call, refused("may have read() alone");
    get.undone = on_plan, refused("may have read() alone");
    get.result_schema = NULL, refused("has no result_schema");
    get.permanent_because = "x", refused("is not CORDON_PERMANENT");
    set.read = on_call, refused("may not have read()");
    set.observe = NULL, refused("has no observe()");
    set.plan = NULL, refused("has no plan()");
    set.apply = NULL, refused("has no apply()");
    set.restore = NULL, refused("has no restore()");
    set.repeat = 0, refused("has no repeat");
    set.repeat = 5, refused("has no repeat");
    set.permanent_because = "x", refused("is not CORDON_PERMANENT");
    burn.permanent_because = NULL, refused("does not say why");
    burn.permanent_because = "", refused("does not say why");
    burn.undone = on_plan, refused("has undone() and no restore()");
}

TEST(a_declaration_says_null_where_something_does_not_apply)
{
    struct str json = { 0 };
    struct span list, first;
    size_t pos = 0;

    make();
    check_declare(&plugin, &json);
    CHECK_HAS(json.ptr, "\"config_schema\":null");
    list = json_get(str_span(&json), "actions");
    CHECK(json_next(list, &pos, NULL, &first));
    CHECK_INT(json_kind(json_get(first, "repeat")), JSON_NULL);
    CHECK_INT(json_kind(json_get(first, "because")), JSON_NULL);
    CHECK_INT(json_kind(json_path(first, "result.type")), JSON_STRING);
    CHECK_INT(json_count(list), 3);
    CHECK(check_find(&plugin, "demo.thing.burn") == &burn);
    CHECK(check_find(&plugin, "demo.thing") == NULL);
    str_fini(&json);
}

TEST(only_what_changes_and_can_be_undone_declares_for_how_long)
{
    static const bool wanted[] = { false, true, false }; /* get, set, burn */
    struct str json = { 0 };
    struct span action;
    size_t pos = 0;
    int i = 0;

    make();
    check_declare(&plugin, &json);
    while (json_next(json_get(str_span(&json), "actions"), &pos, NULL, &action)) {
        struct span properties = json_path(action, "args.properties");

        CHECK_INT(json_get(properties, "expires").len > 0, wanted[i]);
        CHECK_INT(json_get(properties, "on_expire").len > 0, wanted[i]);
        i++;
    }
    CHECK_INT(i, 3);
    str_fini(&json);
}

/* What lies behind the size that a plugin gives is not looked at. */
TEST(an_action_of_a_plugin_from_before_partly_passes_and_one_that_asks_declares_it)
{
    struct str out = { 0 };
    struct err err;

    make();
    set.size = offsetof(struct cordon_action, partly);
    set.partly = (enum cordon_partly)77;
    CHECK_OK(check_plugin(&plugin, "demo", &err), &err);
    check_declare(&plugin, &out);
    CHECK(strstr(str_text(&out), "partly") == NULL);
    str_reset(&out);
    set.size = sizeof set;
    refused("partly is 77");
    set.partly = CORDON_PARTLY_ASKS;
    CHECK_OK(check_plugin(&plugin, "demo", &err), &err);
    check_declare(&plugin, &out);
    CHECK_HAS(str_text(&out), "\"partly\":\"asks\"");
    str_fini(&out);
}

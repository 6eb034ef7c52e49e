/* SPDX-License-Identifier: Apache-2.0 */
/* Adapters in their process: what they are given, where they end, and what is left of them. */
#include "proc.h"

#include "base/json.h"
#include "check.h"
#include "vm/budget.h"
#include "vm/limits.h"

#define ADAPT(body) "return { adapt = function(event) " body " end }"
#define ALERT       "{ id = 'a', title = 't', severity = 'low' }"

/* What the adapter makes of the delivery; the process goes on afterwards. */
static char *made(const char *source, const char *delivery)
{
    struct proc proc;
    char *text;

    proc_open(&proc);
    if (!proc_adapter(&proc, source, &text))
        FAIL("%s", text);
    if (!proc_adapt(&proc, "", delivery, &text))
        FAIL("%s", text == NULL ? "the process is gone" : text);
    proc_close(&proc, 0);
    return text;
}

/* The sentence of the delivery that is refused. */
static char *refused(const char *source, const char *delivery)
{
    struct proc proc;
    char *text;

    proc_open(&proc);
    if (!proc_adapter(&proc, source, &text))
        FAIL("%s", text);
    CHECK(!proc_adapt(&proc, "", delivery, &text));
    CHECK(text != NULL);
    proc_close(&proc, 0);
    return text;
}

/* The sentence of the adapter that cannot be loaded. */
static char *unloadable(const char *source)
{
    struct proc proc;
    char *text;

    proc_open(&proc);
    CHECK(!proc_adapter(&proc, source, &text));
    proc_close(&proc, 0);
    return text;
}

TEST(an_adapter_returns_an_alert_a_list_of_them_or_nothing)
{
    CHECK_STR(made(ADAPT("return " ALERT), "{\"x\":{}}"),
              "[{\"id\":\"a\",\"severity\":\"low\",\"title\":\"t\",\"raw\":{\"x\":{}}}]");
    CHECK_INT(json_count(span_of(made(ADAPT("return { " ALERT ", " ALERT " }"), "1"))), 2);
    CHECK_STR(made(ADAPT("return nil"), "{}"), "[]");
    CHECK_STR(made(ADAPT("return {}"), "{}"), "[]");
    CHECK_STR(made(ADAPT("return"), "{}"), "[]");
}

TEST(a_delivery_that_is_a_list_is_given_item_by_item)
{
    const char *source = ADAPT("return { id = event.n, title = 't', severity = 'low' }");

    CHECK_INT(json_count(span_of(made(source, "[{\"n\":\"1\"},{\"n\":\"2\"}]"))), 2);
    CHECK_INT(json_count(span_of(made(source, "{\"@odata.context\":\"c\",\"value\":[{\"n\":"
                                              "\"1\"},{\"n\":\"2\"},{\"n\":\"3\"}]}"))),
              3);
    CHECK_STR(made(source, "[]"), "[]");
    CHECK_HAS(made(source, "{\"n\":\"1\",\"value\":[1,2]}"), "\"value\":[1,2]");
}

TEST(what_came_in_is_raw_byte_for_byte_whatever_lua_made_of_it)
{
    CHECK_HAS(made(ADAPT("event.a = 7 return " ALERT), "{\"a\":{},\"b\":[],\"c\":null}"),
              "\"raw\":{\"a\":{},\"b\":[],\"c\":null}");
    CHECK_HAS(made(ADAPT("return { id = 'a', raw = event.raw }"), "{\"raw\":{\"c\":null}}"),
              "\"raw\":{\"c\":null}");
}

TEST(nothing_of_one_delivery_is_left_for_the_next)
{
    struct proc proc;
    char *text;

    proc_open(&proc);
    CHECK(
        proc_adapter(&proc,
                     "local n = 0 return { adapt = function() n = n + 1 return { id = 'n' "
                     ".. n } end }",
                     &text));
    for (int i = 0; i < 3; i++) {
        CHECK(proc_adapt(&proc, "", "{}", &text));
        CHECK_HAS(text, "\"n1\"");
    }
    CHECK(proc_adapt(&proc, "", "[{},{}]", &text));
    CHECK(strstr(text, "\"n2\"") == NULL);
    proc_close(&proc, 0);
}

TEST(an_adapter_with_a_mistake_is_refused_with_its_line)
{
    CHECK_HAS(unloadable("return {"), "\"line\":1");
    CHECK_HAS(unloadable("local x = 1\nreturn 7"), "return a table with a function adapt");
    CHECK_HAS(unloadable("return { adapt = 7 }"), "want a function of the event");
    CHECK_HAS(unloadable("return { is = 7, adapt = function() end }"), "adapter's is");
    CHECK_HAS(unloadable("return { adapt = function() end }, prnt()"), "prnt");
    CHECK_HAS(refused("return {\nadapt = function(e)\nreturn e.a.b end }", "{}"),
              "\"line\":3");
    CHECK_HAS(refused(ADAPT("return 7"), "{}"), "adapt wants to return an alert");
    CHECK_HAS(refused(ADAPT("return { id = function() end }"), "{}"), "is no data");
    CHECK_HAS(refused(ADAPT("error({})"), "{}"), "raised a table");
    CHECK_HAS(refused(ADAPT("alert.refuse('no such thing')"), "{}"),
              "\"line\":0,\"message\":\"no such thing\"");
}

TEST(an_adapter_reaches_nothing_outside_and_writes_to_nothing_shared)
{
    static const char *const bodies[] = {
        "return io.open('/etc/passwd')",
        "return os.execute('true')",
        "return require('os')",
        "return load('return 1')",
        "return getmetatable('')",
        "return debug.getinfo(1)",
        "alert.get = nil",
        "alert.new = 1",
        "string.rep = nil",
        "x = 1",
        "return coroutine.wrap(print)",
        "return use 'azure.appservice'",
        "return rawset(alert, 'get', nil)",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char *source = arena_printf(&proc_texts,
                                    "return { adapt = function(event) %s end }", bodies[i]);
        CHECK_HAS(refused(source, "{}"), "\"message\"");
    }
}

TEST(an_adapter_that_loops_or_hoards_ends_with_a_word_and_its_process)
{
    static const char *const bodies[] = { "while true do end",
                                          "local t = {} while true do t[#t + 1] = "
                                          "('x'):rep(1000000) .. #t end" };
    static const char *const codes[] = { "\"code\":\"budget\"", "\"code\":\"memory\"" };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct proc proc;
        char *text;
        char *source = arena_printf(&proc_texts,
                                    "return { adapt = function(event) %s end }", bodies[i]);
        proc_open(&proc);
        CHECK(proc_adapter(&proc, source, &text));
        CHECK(!proc_adapt(&proc, "", "{}", &text));
        CHECK(text != NULL);
        CHECK_HAS(text, codes[i]);
        proc_close(&proc, VM_EXIT_SPENT);
    }
}

static char *many(int count)
{
    return arena_printf(&proc_texts,
                        "return { adapt = function() local t = {} for i = 1, %d do t[i] = "
                        "{ id = 'a' .. i } end return t end }",
                        count);
}

TEST(what_a_delivery_becomes_is_bounded)
{
    CHECK_INT(json_count(span_of(made(many(VM_ALERTS_MAX), "{}"))), VM_ALERTS_MAX);
    CHECK_HAS(made(many(VM_ALERTS_MAX + 1), "{}"), "more alerts than are taken of one");
    CHECK_HAS(made(ADAPT("local t = {} for i = 1, 40 do t[i] = { id = ('x'):rep(200000) "
                         "} end return t"),
                   "{}"),
              "more bytes of alerts than are taken of one");
}

TEST(events_that_lie_in_each_other_end)
{
    const char *event =
        "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\",\"type\":\"t\"}";

    for (int i = 0; i < 20; i++)
        event = arena_printf(&proc_texts,
                             "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\","
                             "\"type\":\"t\",\"data\":%s}",
                             event);
    struct proc proc;
    char *text;
    proc_open(&proc);
    CHECK(proc_adapter(&proc, "", &text));
    CHECK(!proc_adapt(&proc, "cloudevents", event, &text));
    CHECK_HAS(text, "in each other more than 8 deep");
    CHECK(!proc_adapt(&proc, "no-such", "{}", &text));
    CHECK_HAS(text, "no adapter of kind no-such");
    CHECK(
        proc_adapt(&proc, "cloudevents",
                   "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\",\"type\":\"t\"}",
                   &text));
    proc_close(&proc, 0);
}

TEST(a_source_that_wraps_what_another_sends_asks_its_adapter)
{
    const char *source = ADAPT("return alert.as(alert.kind(event.payload), event.payload)");

    CHECK_HAS(made(source, "{\"payload\":{\"AlertType\":\"T\",\"SystemAlertId\":\"s-1\","
                           "\"AlertDisplayName\":\"n\",\"Severity\":\"Low\"}}"),
              "\"source\":\"defender-for-cloud\"");
    CHECK_HAS(refused(ADAPT("return alert.as('defender-for-cloud', event)"), "{}"),
              "nothing of kind defender-for-cloud: want the event with AlertType");
}

TEST(long_texts_of_spaces_and_letters_take_no_time_that_grows_with_their_square)
{
    struct str delivery = { 0 };
    struct proc proc;
    char *text;

    str_add_text(&delivery,
                 "{\"AlertType\":\"T\",\"SystemAlertId\":\"s\",\"AlertDisplayName\""
                 ":\"n\",\"Severity\":\"Low\",\"Intent\":\"a");
    for (int i = 0; i < 200000; i++)
        str_add_char(&delivery, ' ');
    str_add_text(&delivery, "b\"}");
    proc_open(&proc);
    CHECK(proc_adapter(&proc, "", &text));
    proc.wall_ms = PROC_WALL_MS * 5;
    CHECK(proc_adapt(&proc, "defender-for-cloud", str_text(&delivery), &text));
    proc_close(&proc, 0);
    str_fini(&delivery);
}

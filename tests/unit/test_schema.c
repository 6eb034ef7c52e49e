/* SPDX-License-Identifier: Apache-2.0 */
#include "base/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

struct sentence {
    const char *schema;
    const char *value; /* NULL: the schema itself is wrong */
    const char *why;   /* NULL: all is well */
};

/* Single quotes stand for double ones, so that the tables can be read. */
static char *quoted(const char *text)
{
    char *copy = text ? span_dup(span_of(text)) : NULL;

    for (char *c = copy; c && *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return copy;
}

static void check_sentence(const struct sentence *sentence)
{
    char *schema = quoted(sentence->schema), *value = quoted(sentence->value);
    char *why = quoted(sentence->why);
    struct err err = { 0 };
    int code;

    if (value) {
        CHECK_OK(schema_check(span_of(schema), &err), &err);
        code = schema_match(span_of(schema), span_of(value), &err);
    } else {
        code = schema_check(span_of(schema), &err);
    }
    if (why) {
        CHECK_STR(code == 0 ? schema : err.text, why);
        CHECK_INT(code, ERR_INVALID);
    } else {
        CHECK_OK(code, &err);
    }
    free(schema);
    free(value);
    free(why);
}

static void check_sentences(const struct sentence *sentences, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_sentence(&sentences[i]);
}

#define CHECK_SENTENCES(table) check_sentences((table), sizeof(table) / sizeof(table)[0])

/* -- Matching ------------------------------------------------------------------------- */

TEST(a_value_has_the_type_that_the_schema_says)
{
    static const struct sentence sentences[] = {
        { "{'type':'string'}", "'a'", NULL },
        { "{'type':'string'}", "3", "want a string, got 3" },
        { "{'type':'integer'}", "3", NULL },
        { "{'type':'integer'}", "3.0", NULL },
        { "{'type':'integer'}", "3.5", "want an integer, got 3.5" },
        { "{'type':'number'}", "3.5", NULL },
        { "{'type':'number'}", "3", NULL },
        { "{'type':'boolean'}", "false", NULL },
        { "{'type':'boolean'}", "null", "want true or false, got null" },
        { "{'type':'null'}", "null", NULL },
        { "{'type':'array'}", "[1]", NULL },
        { "{'type':'array'}", "{}", "want an array, got {}" },
        { "{'type':'object'}", "{'a':1}", NULL },
        { "{'type':'object'}", "[1]", "want an object, got [1]" },
        { "{'type':['string','null']}", "null", NULL },
        { "{'type':['string','null']}", "1", "want a string or null, got 1" },
        { "{}", "[1,'a']", NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(an_empty_array_is_an_object_unless_members_are_required)
{
    static const struct sentence sentences[] = {
        { "{'type':'object'}", "[]", NULL },
        { "{'type':'object','required':[]}", "[]", NULL },
        { "{'type':['object','null']}", "[]", NULL },
        { "{'type':'object','required':['a']}", "[]", "want an object, got []" },
        { "{'type':'string'}", "[]", "want a string, got []" },
        { "{'type':'object','properties':{'a':{'type':'object'}}}", "{'a':[]}", NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(an_unknown_member_is_refused_with_the_nearest_known_name)
{
    static const struct sentence sentences[] = {
        { "{'type':'object','properties':{'address':{},'name':{}},"
          "'additionalProperties':false}",
          "{'adress':1}", "unknown member 'adress', did you mean 'address'?" },
        { "{'type':'object','properties':{'address':{}},'additionalProperties':false}",
          "{'zebra':1}", "unknown member 'zebra'" },
        { "{'type':'object','properties':{'a':{'type':'object','properties':{'port':{}},"
          "'additionalProperties':false}}}",
          "{'a':{'prot':1}}", "a: unknown member 'prot', did you mean 'port'?" },
        { "{'type':'object','properties':{'address':{}}}", "{'adress':1}", NULL },
        { "{'type':'object','additionalProperties':false}", "{}", NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(a_required_member_must_be_there)
{
    static const struct sentence sentences[] = {
        { "{'type':'object','required':['site','ips']}", "{'site':1}",
          "want a member 'ips', there is none" },
        { "{'type':'object','required':['site']}", "{'site':null}", NULL },
        { "{'type':'array','items':{'type':'object','required':['a']}}", "[{'a':1},{}]",
          "[1]: want a member 'a', there is none" },
    };

    CHECK_SENTENCES(sentences);
}

TEST(the_path_to_the_breach_is_named)
{
    static const struct sentence sentences[] = {
        { "{'type':'object','properties':{'ips':{'type':'array','items':"
          "{'type':'string','format':'ip'}}}}",
          "{'ips':['10.0.0.1','::1/64','10.0.0']}",
          "ips[2]: want an ip address, optionally with /prefix, got '10.0.0'" },
        { "{'type':'object','properties':{'a b':{'type':'object','properties':"
          "{'c':{'type':'array','items':{'type':'array','items':{'type':'string'}}}}}}}",
          "{'a b':{'c':[['x'],['y',1]]}}", "'a b'.c[1][1]: want a string, got 1" },
    };

    CHECK_SENTENCES(sentences);
}

TEST(numbers_and_sizes_keep_their_limits)
{
    static const struct sentence sentences[] = {
        { "{'type':'integer','minimum':1,'maximum':10}", "1", NULL },
        { "{'type':'integer','minimum':1,'maximum':10}", "10", NULL },
        { "{'type':'integer','minimum':1}", "0", "want at least 1, got 0" },
        { "{'type':'number','maximum':10.5}", "10.6", "want at most 10.5, got 10.6" },
        { "{'type':'string','minLength':2}", "'\xc3\xa9'",
          "want at least 2 characters, got 1" },
        { "{'type':'string','maxLength':1}", "'\xc3\xa9'", NULL },
        { "{'type':'string','maxLength':1}", "'\\u00e9\\n'",
          "want at most 1 character, got 2" },
        { "{'type':'array','minItems':1}", "[]", "want at least 1 item, got 0" },
        { "{'type':'array','maxItems':2}", "[1,2,3]", "want at most 2 items, got 3" },
        { "{'type':'array','maxItems':3}", "[1,2,3]", NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(items_that_must_differ_are_compared_by_value)
{
    static const struct sentence sentences[] = {
        { "{'type':'array','uniqueItems':true}", "[1,2,'1',[1],{'a':1}]", NULL },
        { "{'type':'array','uniqueItems':true}", "['b','a','b']",
          "want each item once, 'b' is there twice" },
        { "{'type':'array','uniqueItems':true}", "[{'a':1,'b':2},{'b':2.0,'a':1}]",
          "want each item once, {'a': 1, 'b': 2} is there twice" },
        { "{'type':'array','uniqueItems':false}", "[1,1]", NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(constants_are_compared_by_value)
{
    static const struct sentence sentences[] = {
        { "{'enum':['start','stop',null]}", "'stop'", NULL },
        { "{'enum':['start','stop',null]}", "null", NULL },
        { "{'enum':['start','stop']}", "'stip'",
          "want one of 'start', 'stop', got 'stip', did you mean 'stop'?" },
        { "{'enum':[1,2]}", "3", "want one of 1, 2, got 3" },
        { "{'enum':[{'b':1,'a':[1.0]}]}", "{'a':[1],'b':1}", NULL },
        { "{'const':{'a':1}}", "{'a':1.0}", NULL },
        { "{'const':'x'}", "'y'", "want 'x', got 'y'" },
    };

    CHECK_SENTENCES(sentences);
}

#define SITE                                                                       \
    "'/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shop/pro" \
    "viders/microsoft.web/Sites/front"

TEST(a_resource_id_is_of_the_type_that_is_wanted)
{
    static const struct sentence sentences[] = {
        { "{'type':'string','x-arm-type':'Microsoft.Web/sites'}", SITE "'", NULL },
        { "{'type':'string','x-arm-type':'Microsoft.Web/sites/slots'}", SITE "/slots/a'",
          NULL },
        { "{'type':'string','x-arm-type':'Microsoft.Web/sites'}", SITE "/slots/a'", NULL },
        { "{'type':'string','x-arm-type':'Microsoft.Web/sites/slots'}", SITE "'",
          "want the id of a Microsoft.Web/sites/slots, got that of a microsoft.web/Sites" },
        { "{'type':'string','x-arm-type':'Microsoft.Web/sites'}", "'front'",
          "want the id of a Microsoft.Web/sites, got 'front'" },
        { "{'type':'string','x-arm-type':'Microsoft.Authorization/roleAssignments'}",
          SITE "/providers/Microsoft.Authorization/roleAssignments/x'", NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(what_is_shown_of_a_value_is_short_and_hides_nothing)
{
    struct err err;
    struct str value = { 0 };

    str_add_text(&value, "[\"\xe2\x80\xae\"");
    for (int i = 0; i < 1000; i++)
        str_add_text(&value, ",\"\xe2\x82\xac\"");
    str_add_char(&value, ']');
    CHECK_ERR(schema_match(span_of("{\"type\":\"string\"}"), str_span(&value), &err), &err,
              ERR_INVALID);
    CHECK(strlen(err.text) < 150);
    CHECK_HAS(err.text, "want a string, got [\"\\u202e\", \"\xe2\x82\xac\"");
    CHECK_STR(err.text + strlen(err.text) - 3, "...");
    str_fini(&value);
}

TEST(bytes_that_are_no_json_do_not_match)
{
    struct err err;

    CHECK_ERR(schema_match(span_of("{}"), span_of("{\"a\":1,\"a\":2}"), &err), &err,
              ERR_INVALID);
    CHECK_STR(err.text, "line 1, column 8: member \"a\" is there twice");
    CHECK_ERR(schema_match(span_of("{"), span_of("1"), &err), &err, ERR_INVALID);
    CHECK_HAS(err.text, "schema: line 1, column 2");
}

/* -- Checking schemas ----------------------------------------------------------------- */

TEST(a_schema_that_is_enforced_in_full_is_taken)
{
    static const struct sentence sentences[] = {
        { "{'type':'object','title':'t','description':'d','properties':{"
          "'site':{'type':'string','x-arm-type':'Microsoft.Web/sites','minLength':1},"
          "'ips':{'type':'array','items':{'type':'string','format':'ip'},'minItems':1,"
          "'maxItems':10,'uniqueItems':true},"
          "'wait':{'type':['string','null'],'format':'duration','default':'30m'},"
          "'count':{'type':'integer','minimum':1,'maximum':3,'default':2,'examples':[1]},"
          "'mode':{'enum':['a','b']},'kind':{'const':1}},"
          "'required':['site'],'additionalProperties':false}",
          NULL, NULL },
        { "{}", NULL, NULL },
    };

    CHECK_SENTENCES(sentences);
}

TEST(what_would_not_be_enforced_is_refused)
{
    static const struct sentence sentences[] = {
        { "{'minimun':1}", NULL, "unknown keyword 'minimun', did you mean 'minimum'?" },
        { "{'type':'string','pattern':'^a'}", NULL, "unknown keyword 'pattern'" },
        { "{'type':'object','properties':{'a':{'anyOf':[]}}}", NULL,
          "properties.a: unknown keyword 'anyOf'" },
        { "{'type':'array','items':{'type':'strnig'}}", NULL,
          "items.type: want a type, got 'strnig', did you mean 'string'?" },
        { "{'type':['string','string']}", NULL, "type: want each item once, got 'string'" },
        { "{'type':[]}", NULL, "type: want an array with items, got []" },
        { "{'type':'string','format':'ipv4'}", NULL, "format: want a format, got 'ipv4'" },
        { "{'type':'string','format':'uid'}", NULL,
          "format: want a format, got 'uid', did you mean 'uuid'?" },
        { "{'type':'integer','minLength':1}", NULL,
          "'minLength' wants 'type': 'string' beside it" },
        { "{'properties':{}}", NULL, "'properties' wants 'type': 'object' beside it" },
        { "{'type':'string','minimum':1}", NULL,
          "'minimum' wants 'type': 'number' beside it" },
        { "{'type':'string','minLength':-1}", NULL,
          "minLength: want an integer from 0, got -1" },
        { "{'type':'integer','minimum':'1'}", NULL, "minimum: want a number, got '1'" },
        { "{'type':'integer','minimum':3,'maximum':2}", NULL, "minimum is above maximum" },
        { "{'type':'object','additionalProperties':{}}", NULL,
          "additionalProperties: want true or false, got {}" },
        { "{'type':'object','properties':[]}", NULL, "properties: want an object, got []" },
        { "{'type':'array','items':true}", NULL,
          "items: want a schema, which is an object, got true" },
        { "{'enum':[]}", NULL, "enum: want an array with items, got []" },
        { "{'enum':[1,1.0]}", NULL, "enum: want each item once, got 1" },
        { "{'type':'object','required':'a'}", NULL,
          "required: want an array of strings, got 'a'" },
        { "{'type':'object','required':[1]}", NULL, "required: want a string, got 1" },
        { "{'type':'object','properties':{'site':{}},'required':['stie'],"
          "'additionalProperties':false}",
          NULL, "required: 'stie' is not one of the properties, did you mean 'site'?" },
        { "{'type':'string','x-arm-type':'sites'}", NULL,
          "x-arm-type: want a type such as 'Microsoft.Web/sites', got 'sites'" },
        { "{'type':'integer','default':'x'}", NULL, "default: want an integer, got 'x'" },
        { "{'title':1}", NULL, "title: want a string, got 1" },
        { "{'examples':1}", NULL, "examples: want an array, got 1" },
        { "[]", NULL, "want a schema, which is an object, got []" },
    };

    CHECK_SENTENCES(sentences);
}

/* -- Formats and names ---------------------------------------------------------------- */

struct format_case {
    const char *format;
    const char *text;
    bool fits;
};

static void check_formats(const struct format_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (schema_format(cases[i].format, span_of(cases[i].text)) != cases[i].fits)
            FAIL("%s: %s was %s", cases[i].format, cases[i].text,
                 cases[i].fits ? "refused" : "taken");
    }
}

TEST(formats_take_what_they_are_for_and_nothing_near_it)
{
    static const struct format_case cases[] = {
        { "ip", "10.0.0.1", true },
        { "ip", "0.0.0.0/0", true },
        { "ip", "10.0.0.0/32", true },
        { "ip", "::1", true },
        { "ip", "2001:db8::/128", true },
        { "ip", "::ffff:10.0.0.1", true },
        { "ip", "", false },
        { "ip", "10.0.0", false },
        { "ip", "10.0.0.256", false },
        { "ip", "010.0.0.1", false },
        { "ip", "10.0.0.1/33", false },
        { "ip", "10.0.0.1/08", false },
        { "ip", "10.0.0.1/", false },
        { "ip", "10.0.0.1/+8", false },
        { "ip", "::/129", false },
        { "ip", "fe80::1%eth0", false },
        { "ip", " 10.0.0.1", false },
        { "uuid", "11111111-2222-3333-4444-55555555abCD", true },
        { "uuid", "11111111-2222-3333-4444-55555555abCg", false },
        { "uuid", "111111112222333344445555555555555555", false },
        { "uuid", "{1111111-2222-3333-4444-5555555555}", false },
        { "duration", "1h30m", true },
        { "duration", "soon", false },
        { "date-time", "2026-01-31T09:00:00Z", true },
        { "date-time", "2024-02-29t23:59:60.123+02:00", true },
        { "date-time", "2023-02-29T00:00:00Z", false },
        { "date-time", "1900-02-29T00:00:00Z", false },
        { "date-time", "2026-04-31T00:00:00Z", false },
        { "date-time", "2026-13-01T00:00:00Z", false },
        { "date-time", "2026-01-31T24:00:00Z", false },
        { "date-time", "2026-01-31T09:00:00", false },
        { "date-time", "2026-01-31T09:00:00.Z", false },
        { "date-time", "2026-01-31T09:00:00+0200", false },
        { "date-time", "2026-01-31", false },
        { "date-time", "", false },
        { "arm-id", "/subscriptions/s", true },
        { "arm-id", "/Subscriptions/s/resourcegroups/r", true },
        { "arm-id", "/subscriptions/s/providers/Microsoft.Support/supportTickets/1", true },
        { "arm-id", "/providers/Microsoft.Management/managementGroups/m", true },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/c/d/e/f", true },
        { "arm-id",
          "/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a/slots/b",
          true },
        { "arm-id", "/SUBSCRIPTIONS/s/RESOURCEGROUPS/r/PROVIDERS/A.B/c/d", true },
        { "arm-id", "/subscriptions/s/resourceGroups/Łódź-東京/providers/A.B/c/d", true },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/rules/CPU is high",
          true },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/c/d/providers/E.F/g/h",
          true },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/c/ d", false },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/c/d\te", false },
        { "arm-id", "", false },
        { "arm-id", "/", false },
        { "arm-id", "subscriptions/s", false },
        { "arm-id", "/subscriptions/s/", false },
        { "arm-id", "/subscriptions//resourceGroups/r", false },
        { "arm-id", "/subscriptions/s/resourceGroups", false },
        { "arm-id", "/subscriptions/s/groups/r", false },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B", false },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/c", false },
        { "arm-id", "/subscriptions/s/resourceGroups/r/providers/A.B/c/..", false },
        { "arm-id", "/subscriptions/s/resourceGroups/../providers/A.B/c/d", false },
        { "arm-id", "/subscriptions/s?x=/resourceGroups/r", false },
        { "arm-id", "/subscriptions/%2e%2e/resourceGroups/r", false },
        { "arm-id", "/subscriptions/s/resourceGroups/a b", false },
        { "arm-id", "/subscriptions/s/resourceGroups/<group>", false },
        { "email", "a@b", false },
    };

    check_formats(cases, sizeof cases / sizeof cases[0]);
}

TEST(a_nul_in_text_fits_no_format)
{
    CHECK(!schema_format("ip", (struct span){ "10.0.0.1\0x", 10 }));
    CHECK(!schema_format("arm-id", (struct span){ "/subscriptions/a\0b", 18 }));
}

TEST(the_nearest_name_is_near)
{
    static const char *const names[] = { "address", "id", "description", "needed" };
    static const struct {
        const char *word;
        const char *want;
    } cases[] = {
        { "adress", "address" },
        { "Address", "address" },
        { "addresses", "address" },
        { "descripton", "description" },
        { "need", "needed" },
        { "neeedd", "needed" },
        { "di", "id" },
        { "ADRESS", "address" },
        { "xy", NULL },
        { "", NULL },
        { "locations", NULL },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STR(schema_nearest(span_of(cases[i].word), names, 4), cases[i].want);
    CHECK_STR(schema_nearest(span_of("a"), names, 0), NULL);
    CHECK_STR(schema_nearest(span_of("bar"), (const char *const[]){ "back" }, 1), NULL);
}

static const struct {
    const char *id, *says; /* NULL: the id fits */
} site_ids[] = {
    { "/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a", NULL },
    { "/subscriptions/s/resourceGroups/r/providers/microsoft.web/Sites/a/Slots/b", NULL },
    { "/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/a/config/web",
      "got that of a Microsoft.Web/sites/config" },
    { "/subscriptions/s/resourceGroups/r",
      "got that of a Microsoft.Resources/resourceGroups" },
    { "subscriptions/s", "it does not begin with /" },
    { "/subscriptions/s/resourceGroups", "a name is missing" },
    { "/subscriptions//resourceGroups/r", "nothing between two slashes" },
    { "/subscriptions/s/groups/r", "it does not go /subscriptions/S/resourceGroups/G" },
    { "/subscriptions/s/resourceGroups/r/providers/A.B", "a type and a name are missing" },
    { "/subscriptions/s/resourceGroups/../providers/A.B/c/d", "are no names" },
    { "/subscriptions/s/resourceGroups/r/providers/A.B/c/d?e", "a name has no ?" },
    { "/subscriptions/s/resourceGroups/a b", "a blank or a control character" },
};

TEST(a_bad_resource_id_is_told_with_what_is_wrong_with_it)
{
    struct span schema = span_of("{\"type\":\"string\",\"format\":\"arm-id\","
                                 "\"x-arm-type\":\"Microsoft.Web/sites\"}");

    for (size_t i = 0; i < sizeof site_ids / sizeof *site_ids; i++) {
        struct str value = { 0 };
        struct err err = { 0 };

        str_printf(&value, "\"%s\"", site_ids[i].id);
        int rc = schema_match(schema, str_span(&value), &err);
        CHECK_INT(rc == 0, site_ids[i].says == NULL);
        if (rc != 0)
            CHECK_HAS(err.text, site_ids[i].says);
        str_fini(&value);
    }
}

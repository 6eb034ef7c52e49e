/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/place.h"

#include "check.h"

static const char source[] =
    "-- a policy\n"
    "local soc = { 'a' }\n"
    "return {\n"
    "  groups = { soc = soc, [\"change-managers\"] = { 'b', 'c' } },\n"
    "  rules = {\n"
    "    { name = 'one', need = 1 },\n"
    "    { name = 'two', match = { target = '/s', action = f{ x = 1 } }, nede = 2 },\n"
    "  },\n"
    "}\n";

static void is_at(const char *path, int line, int column)
{
    struct place place = place_find(span_of(source), span_of(path));

    if (place.line != line || place.column != column)
        FAIL("\"%s\" is at %d:%d, should be at %d:%d", path, place.line, place.column, line,
             column);
}

TEST(a_key_is_found_by_its_path_through_tables_and_lists)
{
    is_at("groups", 4, 3);
    is_at("groups.soc", 4, 14);
    is_at("groups.change-managers[1]", 4, 54);
    is_at("rules[0].need", 6, 21);
    is_at("rules[1]", 7, 5);
    is_at("rules[1].match.action", 7, 46);
}

TEST(what_is_not_written_as_a_table_is_found_as_far_as_it_can_be_followed)
{
    is_at("groups.soc[0]", 4, 14);
    is_at("rules[1].match.action.x", 7, 46);
    is_at("rules[1].from", 7, 5);
    is_at("rules[9].need", 5, 3);
    is_at("nothing", 3, 8);
    is_at("", 3, 8);
}

TEST(without_a_returned_table_it_is_the_first_line)
{
    struct place place =
        place_find(span_of("local x = { a = 1 }\nreturn x\n"), span_of("a"));

    CHECK_INT(place.line, 1);
    CHECK_INT(place.column, 1);
    place = place_find(span_of("return { a = {"), span_of("a.b")); /* it ends too early */
    CHECK_INT(place.column, 10);
}

TEST(an_error_stands_where_its_path_or_its_unknown_member_does)
{
    struct place place =
        place_of_error(span_of(source),
                       "rules[1]: unknown member \"nede\", did you mean \"need\"?");

    CHECK_INT(place.line, 7);
    CHECK_INT(place.column, 69);
    place = place_of_error(span_of(source), "rules[0].need: want at least 0, got -1");
    CHECK_INT(place.line, 6);
    CHECK_INT(place.column, 21);
    place = place_of_error(span_of(source), "a sentence about it: rules");
    CHECK_INT(place.line, 3); /* it speaks of the whole */
}

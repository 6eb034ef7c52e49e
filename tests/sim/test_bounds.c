/* SPDX-License-Identifier: Apache-2.0 */
/* Approvers who vote for some of their groups only. */
#include "ballot.h"

static const char both[] =
    "{\"groups\":{\"cm\":[\"bob\",\"dora\"],\"soc\":[\"bob\",\"carol\"]},\"rules\":["
    "{\"name\":\"all\",\"need\":1,\"from\":[\"soc\"]},"
    "{\"name\":\"sets\",\"match\":{\"action\":\"noop.set\"},\"need\":1,\"from\":[\"cm\"]}]"
    "}";
static const char glass[] =
    "{\"break_glass\":{\"from\":[\"lead\"],\"review_from\":[\"soc\"]},"
    "\"groups\":{\"lead\":[\"bob\",\"zoe\"],\"soc\":[\"bob\",\"carol\",\"dora\"]},"
    "\"rules\":["
    "{\"name\":\"all\",\"need\":1,\"from\":[\"soc\"]}]}";

static void vote(struct world *w, const char *verb, const char *who, const char *groups)
{
    const struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    char *digest = json_get_text(span_of(gate->body), "digest");
    struct str json = { 0 };

    str_printf(&json,
               "{\"digest\":\"%s\",\"gate\":\"g-000001-1\",\"groups\":%s,"
               "\"reason\":\"seen\"}",
               digest, groups);
    w_ask(w, verb, who, str_text(&json));
    w_commit(w);
    free(digest);
    str_fini(&json);
}

static bool is_open(struct world *w)
{
    return w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL;
}

TEST(a_vote_counts_for_the_groups_of_its_bound_and_no_others)
{
    struct world *w = at_gate(both);

    vote(w, "approve", "bob", "[\"cm\"]");
    CHECK(is_open(w));
    vote(w, "approve", "carol", "null");
    CHECK(!is_open(w));
    w_free(w);
}

TEST(without_a_bound_it_counts_for_all_groups_that_somebody_is_in)
{
    struct world *w = at_gate(both);

    vote(w, "approve", "bob", "null");
    CHECK(!is_open(w));
    w_free(w);
}

TEST(the_bound_holds_after_a_crash)
{
    struct world *w = at_gate(both);

    vote(w, "approve", "bob", "[\"cm\"]");
    w_crash(w);
    vote(w, "approve", "dora", "null");
    CHECK(is_open(w));
    vote(w, "approve", "carol", "null");
    CHECK(!is_open(w));
    w_free(w);
}

TEST(whose_bound_has_none_of_the_groups_that_are_asked_is_a_stranger)
{
    struct world *w = at_gate(both);
    int rows = w->row_count;

    vote(w, "approve", "bob", "[\"other\"]");
    check_refused(w, "not_an_approver", "votes for others only");
    vote(w, "approve", "bob", "[]");
    check_refused(w, "not_an_approver", "votes for others only");
    vote(w, "deny", "bob", "[\"other\"]");
    check_refused(w, "not_an_approver", "votes for others only");
    vote(w, "approve", "dora", "[\"soc\"]");
    check_refused(w, "not_an_approver", "");
    CHECK_INT(w->row_count, rows);
    w_free(w);
}

static void break_glass(struct world *w, const char *groups)
{
    const struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    char *digest = json_get_text(span_of(gate->body), "digest");
    struct str json = { 0 };

    str_printf(&json,
               "{\"gates\":[{\"digest\":\"%s\",\"gate\":\"g-000001-1\"}],\"groups\":%s,"
               "\"reason\":\"now\",\"run\":\"r-000001\"}",
               digest, groups);
    w_ask(w, "break_glass", "zoe", str_text(&json));
    w_commit(w);
    free(digest);
    str_fini(&json);
}

TEST(a_bound_holds_for_breaking_the_glass_and_reviewing_it_too)
{
    struct world *w = at_gate(glass);

    break_glass(w, "[\"soc\"]");
    check_refused(w, "not_break_glass", "");
    break_glass(w, "[\"lead\"]");
    CHECK_INT(last(w)->exit, 0);
    w_ask(w, "review", "bob",
          "{\"groups\":[\"lead\"],\"ok\":true,\"reason\":\"seen\",\"run\":\"r-000001\"}");
    check_refused(w, "not_a_reviewer", "");
    w_free(w);
}

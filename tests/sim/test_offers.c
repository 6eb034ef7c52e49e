/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people are told before they vote, and when they are not asked at all.
 */
#include "world.h"

#define ASKS(group, n, more)                                                           \
    {                                                                                  \
        group, "0", n, "approve", "", "{" more "\"from\":\"soc\",\"title\":\"go on\"}" \
    }

static const struct w_wish approve_and_set[] = { ASKS(1, 1, ""), SET("0", 2, 2, "a"), END };
static const struct w_wish approve_and_two[] = { ASKS(1, 1, ""), SET("0", 2, 2, "a"),
                                                 SET("0", 3, 3, "b"), END };
static const struct w_wish approve_alone[] = { ASKS(1, 1, ""), END };
static const struct w_wish approve_detail[] = {
    ASKS(1, 1, "\"detail\":\"the owner agrees?\","), END
};
static const struct w_wish approve_and_there[] = { ASKS(1, 1, ""), SET("0", 2, 2, "there"),
                                                   END };
static const struct w_wish approve_and_one_there[] = { ASKS(1, 1, ""),
                                                       SET("0", 2, 2, "there"),
                                                       SET("0", 3, 3, "b"), END };
static const char policy[] = "{\"groups\":{\"soc\":[\"bob\"]},\"rules\":[{\"name\":\"all\","
                             "\"need\":0}]}";

static struct world *begun(const struct w_wish *script, const char *says)
{
    struct world *w = w_new(11, script);

    w->approves = false;
    w->says = says;
    w_policy_is(w, policy);
    snprintf(w_target(w, span_of("there"))->value, 32, "new");
    return w;
}

static struct w_entry *open_gate(struct world *w)
{
    w_start_run(w);
    w_pump(w);
    while (w_entry(w, ENTRY_GATE, GATE_OPEN) == NULL && w_by_itself(w))
        w_pump(w);
    return w_entry(w, ENTRY_GATE, GATE_OPEN);
}

static struct world *told(const struct w_wish *script, const char *says, const char *unseen)
{
    struct world *w = begun(script, says);

    w->unseen = unseen;
    return w;
}

static const char *end_row(const struct world *w)
{
    for (int i = w->row_count - 1; i >= 0; i--)
        if (w->rows[i].kind == ROW_END)
            return w->rows[i].body;
    return "";
}

static int rows_of(const struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

#define CANNOT(target) \
    "{\"" target "\":{\"cannot\":{\"code\":\"NoRoom\",\"message\":\"there is no room\"}}}"

/* What stands in the gate, or NULL for no gate; and how the run ends without one. */
static const struct offer {
    const char *what;
    const struct w_wish *script;
    const char *says, *unseen, *gate, *end;
    int changes;
} offers[] = {
    { "a change", approve_and_set, NULL, NULL, "\"what\":\"set it\"", NULL, 1 },
    { "a note", approve_and_set, "{\"a\":{\"notes\":[\"jobs run on\"]}}", NULL,
      "\"notes\":[\"jobs run on\"]", NULL, 1 },
    { "two notes", approve_and_set, "{\"a\":{\"notes\":[\"one\",\"two\"]}}", NULL,
      "\"notes\":[\"one\",\"two\"]", NULL, 1 },
    { "all refused", approve_and_set, CANNOT("a"), NULL, NULL, "there is no room", 0 },
    { "the second refused", approve_and_two, CANNOT("b"), NULL,
      "\"failed\":[{\"action\":\"noop.set\"", NULL, 1 },
    { "the second refused: why", approve_and_two, CANNOT("b"), NULL,
      "\"code\":\"NoRoom\",\"message\":\"there is no room\"", NULL, 1 },
    { "the first refused", approve_and_two, CANNOT("a"), NULL, NULL, "NoRoom", 0 },
    { "a look that fails", approve_and_set, NULL, "a",
      "\"message\":\"the world is like that\"", NULL, 0 },
    { "a second look that fails", approve_and_two, NULL, "b",
      "\"message\":\"the world is like that\"", NULL, 1 },
    { "a question of its own", approve_alone, NULL, NULL, "\"title\":\"go on\"", NULL, 0 },
    { "a detail and no change", approve_detail, NULL, NULL, "the owner agrees?", NULL, 0 },
    { "all is so already", approve_and_there, NULL, NULL, NULL, "", 0 },
    { "one of two is so already", approve_and_one_there, NULL, NULL, "\"path\":\"0/3\"",
      NULL, 1 },
    { "one is so already, one is refused", approve_and_one_there, CANNOT("b"), NULL, NULL,
      "there is no room", 0 },
    { "another target is refused", approve_and_set, CANNOT("b"), NULL, "\"what\":", NULL,
      1 },
};

static void check_offer(const struct offer *offer)
{
    struct world *w = told(offer->script, offer->says, offer->unseen);
    struct w_entry *gate = open_gate(w);

    if (offer->gate == NULL) {
        CHECK(gate == NULL);
        CHECK_STR(w_state(w, 1), offer->end[0] != '\0' ? "failed" : "done");
        CHECK_HAS(end_row(w), offer->end);
        CHECK_INT(w->applies, 0);
    } else {
        CHECK(gate != NULL);
        CHECK_HAS(gate->body, offer->gate);
        CHECK_INT(json_count(json_get(span_of(gate->body), "changes")), offer->changes);
    }
    w_free(w);
}

TEST(a_gate_shows_every_change_and_every_reason_and_opens_only_when_there_is_one)
{
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
        check_offer(&offers[i]);
}

TEST(a_note_that_another_hand_changes_makes_another_gate_digest)
{
    char digests[2][HASH_HEX_LEN + 1];

    for (int i = 0; i < 2; i++) {
        struct world *w = begun(approve_and_set, i == 0 ? "{\"a\":{\"notes\":[\"x\"]}}"
                                                        : "{\"a\":{\"notes\":[\"y\"]}}");
        struct span digest = json_get_raw(span_of(open_gate(w)->body), "digest");

        snprintf(digests[i], sizeof digests[i], "%.*s", (int)digest.len, digest.ptr);
        w_free(w);
    }
    CHECK(strcmp(digests[0], digests[1]) != 0);
}

TEST(a_note_stands_in_the_intent_of_a_change_that_nobody_had_to_approve)
{
    static const struct w_wish set[] = { SET("0", 1, 1, "a"), END };
    struct world *w = begun(set, "{\"a\":{\"notes\":[\"jobs run on\"]}}");
    int count = 0;

    w_start_run(w);
    w_settle(w);
    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == ROW_INTENT &&
                 strstr(w->rows[i].body, "\"notes\":[\"jobs run on\"]") != NULL;
    CHECK_INT(count, 1);
    w_free(w);
}

/* The playbook asks, there is nothing to show, and then there is something after all. */
TEST(a_change_that_was_not_there_when_nothing_was_asked_is_asked_for_then)
{
    struct world *w = begun(approve_and_set, NULL);

    snprintf(w_target(w, span_of("a"))->value, 32, "new");
    w_start_run(w);
    while (rows_of(w, ROW_ANSWER) == 0)
        CHECK(w_message_turn(w));
    snprintf(w_target(w, span_of("a"))->value, 32, "old");
    w_pump(w);
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    CHECK(gate != NULL);
    CHECK_HAS(gate->body, "nobody has seen this step");
    CHECK_HAS(gate->body, "\"from\":[\"soc\"]");
    CHECK_INT(w->applies, 0);
    w_free(w);
}

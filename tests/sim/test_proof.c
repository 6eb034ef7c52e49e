/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature proves itself when what it allows is about to be done, and not only when it
 * came: whoever writes into the journal cannot write what somebody's key has signed.
 *
 * A case has a gate approved while a halt holds the step, edits rows while there is no engine,
 * and lets the run go on.
 */
#include "ballot.h"

#include "base/err.h"
#include "engine/digest.h"

static const char signs[] =
    "{\"gate\":{\"sign\":true},\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[]}";
static const char two_of_soc[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\",\"dave\"]},\"rules\":["
    "{\"name\":\"two\",\"need\":2,\"from\":[\"soc\"]}]}";
static const char signs_at_night[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":["
    "{\"name\":\"all\",\"need\":1,\"from\":[\"soc\"]},"
    "{\"name\":\"night\",\"match\":{\"time\":{\"from\":\"23:00\",\"to\":\"06:00\"}},"
    "\"need\":1,\"from\":[\"soc\"],\"sign\":true}]}";
static const struct said bob_seen = { .who = "bob", .reason = "seen", .signer = &bob };

static void hold(struct world *w)
{
    w_ask(w, "halt", "owner", "{\"scope\":\"all\"}");
}

static void go_on(struct world *w)
{
    w_ask(w, "resume", "owner", "{\"scope\":\"all\"}");
    w_pump(w);
}

/* Approved by bob with his key, and the power is off. */
static struct world *approved(void)
{
    struct world *w = at_gate(signs);

    hold(w);
    vote_signed(w, "approve", "bob", &bob_seen);
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_GRANTED) != NULL);
    w_commit(w);
    w_fall(w);
    return w;
}

static void start_and_go_on(struct world *w)
{
    CHECK(w_start_engine(w));
    go_on(w);
}

static const char *says(struct world *w)
{
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    char *differs = gate != NULL ? json_get_text(span_of(gate->body), "differs") : NULL;
    const char *kept = w_keep(w, span_of(differs != NULL ? differs : w_state(w, 1)));

    free(differs);
    return kept;
}

/* Nothing was done, and the step asks anew and says these words of why. */
static void check_asks_anew(struct world *w, const char *words)
{
    CHECK_INT(w->applies, 0);
    if (strstr(says(w), words) == NULL)
        CHECK_STR(says(w), words);
}

/* One member of the newest row of a kind becomes another; NULL takes it away. */
static void set_member(struct world *w, int kind, const char *name, const char *json)
{
    struct w_row *row = row_of(w, kind);
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(span_of(row->body), &pos, &key, &value)) {
        if (span_is(key, name) && json == NULL)
            continue;
        json_key_span(&out, key);
        json_raw_value(&out, span_is(key, name) ? span_of(json) : value);
    }
    json_close(&out);
    row->body = w_keep(w, str_span(&text));
    str_fini(&text);
}

static void set_text(struct world *w, int kind, const char *name, const char *text)
{
    struct str json = { 0 };
    struct json_out out = { .str = &json };

    json_string(&out, text);
    set_member(w, kind, name, str_text(&json));
    str_fini(&json);
}

static void set_signature(struct world *w, const struct said *said, const char *gate_digest)
{
    struct str statement = { 0 }, armor = { 0 };
    struct said with_digest = *said;

    with_digest.digest = said->digest != NULL ? said->digest : gate_digest;
    put_statement(w, &with_digest, &statement);
    sign(said, str_span(&statement), &armor);
    set_text(w, ROW_VOTE, "key", said->signer->fingerprint);
    set_text(w, ROW_VOTE, "sig", str_text(&armor));
    str_fini(&statement);
    str_fini(&armor);
}

TEST(a_signed_vote_proves_itself_again_after_the_power_went)
{
    struct world *w = approved();

    start_and_go_on(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(a_vote_that_was_written_without_a_signature_allows_nothing_where_one_is_wanted)
{
    struct world *w = approved();

    set_member(w, ROW_VOTE, "key", NULL);
    set_member(w, ROW_VOTE, "sig", NULL);
    start_and_go_on(w);
    check_asks_anew(w, "bob, whose vote is not signed, may no longer approve this");
    w_free(w);
}

TEST(a_vote_whose_row_says_something_else_than_its_signature_allows_nothing)
{
    const struct {
        const char *name, *json;
    } edits[] = {
        { "sig", NULL },       { "key", NULL },          { "sig", "null" },
        { "key", "null" },     { "sig", "\"\"" },        { "sig", "7" },
        { "key", "\"\"" },     { "key", "\"SHA256:\"" }, { "who", "\"carol\"" },
        { "why", "\"Seen\"" }, { "why", "null" },        { "why", NULL },
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct world *w = approved();

        set_member(w, ROW_VOTE, edits[i].name, edits[i].json);
        start_and_go_on(w);
        check_asks_anew(w, "the approval: ");
        w_free(w);
    }
}

TEST(a_signature_over_anything_else_in_a_row_allows_nothing)
{
    static const char other[] =
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
    static struct signer stranger;
    const struct said forged[] = {
        { .who = "bob", .reason = "seen", .signer = &stranger },
        { .who = "bob", .reason = "seen", .signer = &carol },
        { .who = "bob", .reason = "seen", .signer = &bob, .namespace = "git" },
        { .who = "bob", .reason = "seen", .signer = &bob, .gate = "g-000001-2" },
        { .who = "bob", .reason = "seen", .signer = &bob, .digest = other },
        { .who = "bob", .reason = "seen", .signer = &bob, .install = "x" },
        { .who = "bob", .reason = "seen", .signer = &bob, .no = true },
        { .who = "carol", .reason = "seen", .signer = &bob },
    };

    s_init(&stranger, 9);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        struct world *w = approved();
        char *digest = json_get_text(span_of(row_of(w, ROW_GATE)->body), "digest");

        set_signature(w, &forged[i], digest);
        free(digest);
        start_and_go_on(w);
        check_asks_anew(w, "bob, whose vote is not what the key signed,");
        w_free(w);
    }
}

/* The bits of the blob; in the armor some letters have bits that mean nothing. */
TEST(no_byte_of_a_signature_in_a_row_can_be_another)
{
    enum { STEP = 5 };
    size_t len = 1;

    for (size_t at = 0; at < len; at += STEP) {
        struct world *w = approved();
        struct str text = { 0 }, blob = { 0 };
        char *armor = json_get_text(span_of(row_of(w, ROW_VOTE)->body), "sig");
        char *begin = strchr(armor, '\n'), *end = strstr(armor, "\n-----END");

        CHECK(begin != NULL && end != NULL);
        CHECK(base64_read(&blob, (struct span){ begin + 1, (size_t)(end - begin - 1) }));
        len = blob.len;
        blob.ptr[at] ^= (char)(1 << at % 8);
        str_add(&text, armor, (size_t)(begin + 1 - armor));
        base64_add(&text, blob.ptr, blob.len);
        str_add_text(&text, end);
        set_text(w, ROW_VOTE, "sig", str_text(&text));
        start_and_go_on(w);
        check_asks_anew(w, "bob, whose vote is not what the key signed,");
        free(armor);
        str_fini(&text);
        str_fini(&blob);
        w_free(w);
    }
    CHECK(len > 150);
}

/* Everything fits, the digests too; but nobody has signed that. */
TEST(a_gate_that_was_written_without_its_demand_for_a_signature_allows_nothing)
{
    struct world *w = approved();
    char hex[HASH_HEX_LEN + 1];

    set_member(w, ROW_GATE, "sign", NULL);
    gate_digest(span_of(row_of(w, ROW_GATE)->body), 1, hex);
    set_text(w, ROW_GATE, "digest", hex);
    set_text(w, ROW_VOTE, "d", hex);
    set_member(w, ROW_VOTE, "key", NULL);
    set_member(w, ROW_VOTE, "sig", NULL);
    start_and_go_on(w);
    check_asks_anew(w, "who must approve");
    w_free(w);
}

TEST(a_signed_vote_is_held_to_its_signature_also_where_none_is_wanted)
{
    for (int is_edited = 0; is_edited < 2; is_edited++) {
        struct world *w = at_gate(two_of_soc);

        hold(w);
        w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
        vote_signed(w, "approve", "bob", &bob_seen);
        w_pump(w);
        w_commit(w);
        w_fall(w);
        if (is_edited)
            set_text(w, ROW_VOTE, "why", "seen by me");
        start_and_go_on(w);
        CHECK_INT(w->applies, !is_edited);
        if (is_edited)
            check_asks_anew(w, "bob, whose vote is not what the key signed,");
        w_free(w);
    }
}

TEST(the_playbook_is_told_of_those_approvers_whose_votes_count)
{
    static const struct w_wish asks[] = { APPROVE(1, 1), SET("0", 2, 2, "a"), END };
    struct world *w = at_gate_of(asks, two_of_soc);

    vote_signed(w, "approve", "bob", &bob_seen);
    revoke(w, "k-1");
    w_vote(w, "approve", "carol", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK_HAS(row_of(w, ROW_ANSWER)->body, "{\"by\":[\"carol\",\"dave\"]}");
    w_free(w);
}

/* -- a signature is wanted later ------------------------------------------------------------ */

static void wait_for_the_night(struct world *w)
{
    w->now_ms += 50 * 60000; /* it is 23:03 */
    go_on(w);
}

TEST(an_approval_without_a_signature_ends_when_a_rule_begins_to_want_one)
{
    struct world *w = at_gate(signs_at_night);

    hold(w);
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_GRANTED) != NULL);
    wait_for_the_night(w);
    check_asks_anew(w, "who must approve");
    char *sign = json_get_text(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "sign");
    CHECK_STR(sign, "key");
    free(sign);
    w_free(w);
}

TEST(an_approval_without_a_signature_is_good_as_long_as_no_rule_wants_one)
{
    struct world *w = at_gate(signs_at_night);

    hold(w);
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    w->now_ms += 40 * 60000;
    go_on(w);
    CHECK_INT(w->applies, 1);
    w_free(w);
}

/* -- break-glass ---------------------------------------------------------------------------- */

static const char glass_signs[] =
    "{\"break_glass\":{\"from\":[\"soc\"],\"review_from\":[\"soc\"],\"sign\":true},"
    "\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":["
    "{\"name\":\"two\",\"need\":2,\"from\":[\"soc\"]}]}";
static const char glass[] =
    "{\"break_glass\":{\"from\":[\"soc\"],\"review_from\":[\"soc\"]},"
    "\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":["
    "{\"name\":\"two\",\"need\":2,\"from\":[\"soc\"]}]}";
static const char glass_verifies[] =
    "{\"break_glass\":{\"from\":[\"soc\"],\"review_from\":[\"soc\"],\"sign\":\"verified\"},"
    "\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":["
    "{\"name\":\"two\",\"need\":2,\"from\":[\"soc\"]}]}";
static const struct w_wish two_branches[] = { SET("0.1.1", 1, 1, "a"),
                                              SET("0.1.2", 1, 1, "b"), END };

/* What bob signs for the gates that are open, as `cordon break-glass --sign` does; word is
 * "break-glass", or another. */
static void put_glass_statement(struct world *w, const struct said *said,
                                enum vote_word word, struct str *out)
{
    struct str names = { 0 }, digests = { 0 };
    char *install = json_get_text(span_of(w->rows[0].body), "install");

    for (int i = 0; i < w->entry_count; i++) {
        if (w->entries[i].kind != ENTRY_GATE || w->entries[i].state != GATE_OPEN)
            continue;
        str_printf(&names, "%sg-000001-%d", names.len > 0 ? " " : "", w->entries[i].n);
        str_add_text(&digests, digests.len > 0 ? " " : "");
        str_add_span(&digests, json_get_raw(span_of(w->entries[i].body), "digest"));
    }
    struct statement statement = { .install = span_of(install),
                                   .gate = str_span(&names),
                                   .run = span_of("r-000001"),
                                   .digest = str_span(&digests),
                                   .reason = span_of(said->reason),
                                   .who = span_of(said->who),
                                   .vote = word };
    statement_put(out, &statement);
    free(install);
    str_fini(&names);
    str_fini(&digests);
}

/* Bob breaks the glass, with what said signed, or (NULL) with no signature. */
static void break_glass(struct world *w, const struct said *said, enum vote_word word)
{
    struct str statement = { 0 }, armor = { 0 }, json = { 0 };
    struct json_out out = { .str = &json };

    json_open(&out, '{');
    json_put_bool(&out, "follow", false);
    json_key(&out, "gates");
    json_open(&out, '[');
    for (int i = 0; i < w->entry_count; i++) {
        char name[24];

        if (w->entries[i].kind != ENTRY_GATE || w->entries[i].state != GATE_OPEN)
            continue;
        snprintf(name, sizeof name, "g-000001-%d", w->entries[i].n);
        json_open(&out, '{');
        json_put_raw(&out, "digest", json_get(span_of(w->entries[i].body), "digest"));
        json_put(&out, "gate", name);
        json_close(&out);
    }
    json_close(&out);
    json_put(&out, "reason", "it burns");
    json_put(&out, "run", "r-000001");
    if (said != NULL) {
        put_glass_statement(w, said, word, &statement);
        sign(said, str_span(&statement), &armor);
        json_put(&out, "sig", str_text(&armor));
    }
    json_close(&out);
    w_ask(w, "break_glass", "bob", str_text(&json));
    str_fini(&statement);
    str_fini(&armor);
    str_fini(&json);
}

static const struct said bob_breaks = { .who = "bob",
                                        .reason = "it burns",
                                        .signer = &bob };

TEST(a_glass_that_wants_a_signature_is_not_broken_without_one)
{
    struct world *w = at_gate(glass_signs);

    break_glass(w, NULL, VOTE_BREAK_GLASS);
    check_refused(w, "sign", "`cordon break-glass r-000001 --reason TEXT --sign KEYFILE`");
    CHECK(row_of(w, ROW_BREAK_GLASS) == NULL);
    break_glass(w, &bob_breaks, VOTE_BREAK_GLASS);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(one_signature_is_for_all_gates_that_the_glass_was_before)
{
    struct world *w = at_gate_of(two_branches, glass_signs);

    break_glass(w, &bob_breaks, VOTE_BREAK_GLASS);
    CHECK_INT(last(w)->exit, 0);
    w_crash(w);
    w_pump(w);
    w_settle(w);
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(a_glass_is_not_broken_with_a_signature_over_anything_else)
{
    const struct {
        struct said said;
        enum vote_word word;
        const char *code;
    } wrong[] = {
        { { .who = "bob", .reason = "it burns", .signer = &bob },
          VOTE_APPROVE,
          "signature" },
        { { .who = "bob", .reason = "it rains", .signer = &bob },
          VOTE_BREAK_GLASS,
          "signature" },
        { { .who = "carol", .reason = "it burns", .signer = &bob },
          VOTE_BREAK_GLASS,
          "signature" },
        { { .who = "bob", .reason = "it burns", .signer = &carol },
          VOTE_BREAK_GLASS,
          "key" },
        { { .who = "bob", .reason = "it burns", .signer = &bob, .namespace = "git" },
          VOTE_BREAK_GLASS,
          "signature" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        /* Also where none is wanted: one that is there must be right. */
        struct world *w = at_gate(i % 2 == 0 ? glass_signs : glass);

        break_glass(w, &wrong[i].said, wrong[i].word);
        check_refused(w, wrong[i].code, "");
        CHECK(row_of(w, ROW_BREAK_GLASS) == NULL);
        w_free(w);
    }
}

TEST(a_glass_that_wants_a_pin_is_not_broken_with_a_key_in_a_file)
{
    struct world *w = at_gate(glass_verifies);

    break_glass(w, &bob_breaks, VOTE_BREAK_GLASS);
    check_refused(w, "sign", "break_glass.sign of the policy wants a hardware key");
    w_free(w);
}

TEST(what_was_signed_to_break_the_glass_is_no_approval)
{
    struct world *w = at_gate(glass_signs);
    struct str statement = { 0 }, armor = { 0 }, json = { 0 };
    struct json_out out = { .str = &json };

    put_glass_statement(w, &bob_breaks, VOTE_BREAK_GLASS, &statement);
    sign(&bob_breaks, str_span(&statement), &armor);
    json_open(&out, '{');
    json_put(&out, "sig", str_text(&armor));
    json_put_raw(&out, "statement", str_span(&statement));
    json_close(&out);
    w_ask(w, "import", "bob", str_text(&json));
    check_refused(w, "file", "vote must be");
    str_fini(&statement);
    str_fini(&armor);
    str_fini(&json);
    w_free(w);
}

/* Broken while a halt holds the step; the key, or the row, is another when it goes on. */
static struct world *broken(const char *policy, const struct said *said)
{
    struct world *w = at_gate(policy);

    hold(w);
    break_glass(w, said, VOTE_BREAK_GLASS);
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_GRANTED) != NULL);
    return w;
}

TEST(a_broken_glass_whose_key_is_revoked_before_it_is_used_grants_nothing)
{
    struct world *w = broken(glass_signs, &bob_breaks);

    revoke(w, "k-1");
    go_on(w);
    check_asks_anew(w, "the approval: bob may no longer approve this");
    w_free(w);
}

/* The engine learns of a break-glass from the index, which is made of the rows. */
static void set_glass(struct world *w, const char *name, const char *json)
{
    set_member(w, ROW_BREAK_GLASS, name, json);
    w_entry(w, ENTRY_GLASS, -1)->body = row_of(w, ROW_BREAK_GLASS)->body;
}

TEST(a_break_glass_whose_row_says_something_else_than_its_signature_grants_nothing)
{
    const struct {
        const char *policy, *name, *json;
    } edits[] = {
        { glass_signs, "why", "\"it rains\"" }, { glass, "why", "\"it rains\"" },
        { glass_signs, "sig", NULL },           { glass, "sig", NULL },
        { glass_signs, "key", NULL },           { glass, "key", "\"SHA256:\"" },
        { glass_signs, "gates", "[1,2]" },      { glass, "gates", "[1,1]" },
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct world *w = broken(edits[i].policy, &bob_breaks);

        w_commit(w);
        w_fall(w);
        set_glass(w, edits[i].name, edits[i].json);
        start_and_go_on(w);
        check_asks_anew(w, "the approval: bob may no longer approve this");
        w_free(w);
    }
}

TEST(a_break_glass_that_was_written_without_a_signature_grants_nothing_where_one_is_wanted)
{
    for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
        struct world *w = broken(is_wanted ? glass_signs : glass, &bob_breaks);

        w_commit(w);
        w_fall(w);
        set_glass(w, "sig", NULL);
        set_glass(w, "key", NULL);
        start_and_go_on(w);
        CHECK_INT(w->applies, !is_wanted);
        w_free(w);
    }
}

/* Found by tests/fuzz/fuzz_statement.c: it was read as another text than it was signed as. */
TEST(a_statement_with_an_escape_in_a_name_is_refused)
{
    static const char json[] =
        "{\"digest\":\"6c1f\",\"gate\":\"g-\\\\1\",\"install\":\"ab\",\"reason\":\"\\t\","
        "\"run\":\"r-000001\",\"v\":\"cordon.approval.v1\",\"vote\":\"deny\",\"who\":"
        "\"bob\"}";
    struct str who = { 0 }, reason = { 0 };
    struct statement statement;
    struct err err;

    CHECK(statement_read(&statement, &who, &reason, span_of(json), &err) != 0);
    CHECK_HAS(err.text, "\"gate\" has an escape in it");
    str_fini(&who);
    str_fini(&reason);
}

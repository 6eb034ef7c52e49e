/* SPDX-License-Identifier: Apache-2.0 */
/* Whose key is whose, and what a signed vote is worth. */
#include "ballot.h"

static const char signs[] =
    "{\"gate\":{\"sign\":true},\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[]}";
static const char signs_by_rule[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":["
    "{\"name\":\"all\",\"need\":1,\"from\":[\"soc\"]},"
    "{\"name\":\"sets\",\"match\":{\"action\":\"noop.set\"},\"need\":1,\"sign\":true}]}";
static const char verifies[] =
    "{\"gate\":{\"sign\":\"verified\"},\"groups\":{\"soc\":[\"bob\"]},\"rules\":[]}";
static const char two_sign[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\",\"dave\"]},\"rules\":["
    "{\"name\":\"two\",\"need\":2,\"from\":[\"soc\"]}]}";

/* -- keys --------------------------------------------------------------------------------- */

TEST(a_key_belongs_to_one_person_and_is_known_after_a_crash)
{
    struct world *w = at_gate(signs);

    w_crash(w);
    add_key(w, "mallory", bob.line);
    check_refused(w, "exists", "is enrolled for bob already");
    revoke(w, bob.fingerprint);
    CHECK_INT(last(w)->exit, 0);
    w_crash(w);
    revoke(w, "k-1");
    check_refused(w, "revoked", "is revoked already");
    add_key(w, "bob", bob.line);
    check_refused(w, "revoked", "a revoked key is not taken again");
    w_free(w);
}

TEST(what_is_no_key_of_a_person_is_refused_and_not_journaled)
{
    struct world *w = at_gate(signs);
    int rows = w->row_count;

    add_key(w, "", carol.line);
    check_refused(w, "person", "whose key is it?");
    add_key(w, "bob", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQA=");
    check_refused(w, "key", "ssh-rsa");
    revoke(w, "k-9");
    check_refused(w, "not_found", "no key k-9 is enrolled");
    w_ask(w, "key_revoke", "owner", "{\"key\":\"k-1\"}");
    check_refused(w, "reason", "--reason");
    w_ask(w, "key_revoke", "owner", "{\"key\":\"k-1\",\"reason\":\" \\t\"}");
    check_refused(w, "reason", "--reason");
    CHECK_INT(w->row_count, rows);
    w_free(w);
}

/* -- votes at the engine ------------------------------------------------------------------ */

TEST(a_gate_that_wants_a_signature_takes_no_vote_without_one)
{
    struct world *w = at_gate(signs);

    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    check_refused(w, "sign", "`cordon approve g-000001-1 --sign KEYFILE`");
    CHECK(row_of(w, ROW_VOTE) == NULL);
    vote_signed(w, "approve", "bob",
                &(struct said){ .who = "bob", .reason = "seen", .signer = &bob });
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    CHECK_INT(w->applies, 1);
    w_free(w);
}

TEST(the_strictest_rule_says_whether_a_signature_is_wanted)
{
    struct world *w = at_gate(signs_by_rule);
    char *sign = json_get_text(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "sign");

    CHECK_STR(sign, "key");
    free(sign);
    w_vote(w, "approve", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    check_refused(w, "sign", "wants signed approvals");
    w_free(w);
}

TEST(to_deny_takes_no_key)
{
    struct world *w = at_gate(signs);

    w_vote(w, "deny", "bob", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w); /* no time passes */
    CHECK(row_of(w, ROW_VOTE) != NULL);
    CHECK_STR(w_state(w, 1), "denied");
    w_free(w);
}

TEST(a_key_that_is_a_file_is_not_one_that_asks_for_a_pin)
{
    struct world *w = at_gate(verifies);

    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &bob });
    check_refused(w, "sign", "wants a hardware key that asks for a PIN");
    CHECK(row_of(w, ROW_VOTE) == NULL);
    w_free(w);
}

TEST(a_signature_over_anything_else_is_refused_with_what_is_wrong)
{
    static const char other[] =
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
    const struct {
        struct said said;
        const char *code, *sentence;
    } wrong[] = {
        { { .who = "bob", .signer = &bob, .namespace = "git" }, "signature", "\"git\"" },
        { { .who = "bob", .signer = &bob, .gate = "g-000001-2" }, "not_found", "" },
        { { .who = "bob", .signer = &bob, .digest = other }, "digest", "look again" },
        { { .who = "bob", .signer = &bob, .install = "x" }, "signature", "not one of key" },
        { { .who = "bob", .signer = &bob, .no = true }, "signature", "not one of key" },
        { { .who = "carol", .signer = &bob }, "signature", "not one of key" },
        { { .who = "bob", .signer = &carol }, "key", "is that of carol" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct world *w = at_gate(signs);

        vote_signed(w, "approve", "bob", &wrong[i].said);
        check_refused(w, wrong[i].code, wrong[i].sentence);
        CHECK(row_of(w, ROW_VOTE) == NULL);
        w_free(w);
    }
}

TEST(a_key_that_nobody_enrolled_signs_for_nobody)
{
    struct world *w = at_gate(signs);
    struct signer stranger;

    s_init(&stranger, 9);
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &stranger });
    check_refused(w, "key", "is not enrolled here");
    w_free(w);
}

TEST(the_journal_has_what_proves_the_vote_later)
{
    struct world *w = at_gate(signs);
    const struct said said = { .who = "bob", .reason = "seen \"it\"", .signer = &bob };
    struct str statement = { 0 };
    struct sshsig sig;
    struct err err;

    put_statement(w, &said, &statement);
    vote_signed(w, "approve", "bob", &said);
    struct span row = span_of(row_of(w, ROW_VOTE)->body);
    char *armor = json_get_text(row, "sig"), *key = json_get_text(row, "key");
    CHECK_STR(key, bob.fingerprint);
    CHECK_OK(sshsig_read(&sig, span_of(armor), &err), &err);
    CHECK_OK(sshsig_check(&sig, SSHSIG_VOTE_NAMESPACE, str_span(&statement), &err), &err);
    sshsig_fini(&sig);
    str_fini(&statement);
    free(armor);
    free(key);
    w_free(w);
}

/* -- revoked keys ------------------------------------------------------------------------- */

TEST(a_revoked_key_signs_for_nobody)
{
    struct world *w = at_gate(signs);

    revoke(w, "k-1");
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &bob });
    check_refused(w, "key_revoked", "of bob has been revoked");
    w_free(w);
}

/* Approved, held by a halt, and then the key turns out to be stolen. */
static void revoked_after_the_grant(bool crash)
{
    struct world *w = at_gate(signs);

    w_ask(w, "halt", "owner", "{\"scope\":\"all\"}");
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &bob });
    w_pump(w);
    CHECK(w_entry(w, ENTRY_GATE, GATE_GRANTED) != NULL);
    revoke(w, "k-1");
    if (crash)
        w_crash(w);
    w_ask(w, "resume", "owner", "{\"scope\":\"all\"}");
    w_pump(w);
    CHECK_INT(w->applies, 0);
    struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    CHECK(gate != NULL);
    char *differs = json_get_text(span_of(gate->body), "differs");
    CHECK_STR(differs,
              "the approval: bob, whose key was revoked, may no longer approve this");
    free(differs);
    w_free(w);
}

TEST(a_permit_whose_key_is_revoked_before_it_is_used_is_none)
{
    revoked_after_the_grant(false);
}

TEST(a_permit_whose_key_is_revoked_is_none_after_a_crash_either)
{
    revoked_after_the_grant(true);
}

TEST(a_permit_that_has_enough_other_votes_outlives_a_revoked_key)
{
    struct world *w = at_gate(two_sign);

    w_ask(w, "halt", "owner", "{\"scope\":\"all\"}");
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &bob });
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    revoke(w, "k-1");
    vote_signed(w, "approve", "carol", &(struct said){ .who = "carol", .signer = &carol });
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL); /* that of bob counts no more */
    w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_pump(w);
    w_ask(w, "resume", "owner", "{\"scope\":\"all\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(who_lost_a_key_may_vote_again_with_another)
{
    struct world *w = at_gate(two_sign);
    struct signer second;

    s_init(&second, 3);
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &bob });
    add_key(w, "bob", second.line);
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &second });
    check_refused(w, "voted", "bob has voted"); /* two keys of one person count once */
    revoke(w, "k-1");
    vote_signed(w, "approve", "bob", &(struct said){ .who = "bob", .signer = &second });
    w_vote(w, "approve", "dave", w_entry(w, ENTRY_GATE, GATE_OPEN));
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

/* -- votes in files ----------------------------------------------------------------------- */

TEST(a_vote_in_a_file_is_that_of_the_keys_person_whoever_carries_it)
{
    struct world *w = at_gate(signs);

    import(w, "alice", &(struct said){ .who = "bob", .reason = "seen", .signer = &bob });
    CHECK_INT(last(w)->exit, 0);
    struct span row = span_of(row_of(w, ROW_VOTE)->body);
    CHECK(span_is(json_get_raw(row, "who"), "bob"));
    CHECK(span_is(json_get_raw(row, "via"), "alice"));
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done");
    w_free(w);
}

TEST(a_vote_in_a_file_is_taken_once)
{
    struct world *w = at_gate(two_sign);
    const struct said said = { .who = "bob", .reason = "seen", .signer = &bob };

    import(w, "carol", &said);
    CHECK_INT(last(w)->exit, 0);
    import(w, "carol", &said);
    check_refused(w, "replayed", "was taken before");
    w_crash(w);
    import(w, "carol", &said);
    check_refused(w, "replayed", "was taken before");
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    w_free(w);
}

TEST(a_vote_in_a_file_is_refused_with_its_reason)
{
    static const char other[] =
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
    const struct {
        struct said said;
        const char *code, *sentence;
    } wrong[] = {
        { { .who = "bob", .signer = &bob, .namespace = "file" }, "signature", "\"file\"" },
        { { .who = "bob", .signer = &bob, .install = other },
          "install",
          "another journal" },
        { { .who = "bob", .signer = &bob, .digest = other }, "digest", "look again" },
        { { .who = "bob", .signer = &bob, .gate = "g-000001-2" },
          "not_found",
          "no gate 2" },
        { { .who = "bob", .signer = &carol }, "key", "is that of carol" },
        { { .who = "bob", .signer = &bob, .no = true }, "reason", "--reason" },
        { { .who = "bob", .signer = &bob, .no = true, .reason = "  " },
          "reason",
          "--reason" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct world *w = at_gate(signs);

        import(w, "dave", &wrong[i].said);
        check_refused(w, wrong[i].code, wrong[i].sentence);
        CHECK(row_of(w, ROW_VOTE) == NULL);
        w_free(w);
    }
}

TEST(a_vote_in_a_file_comes_too_late_when_the_gate_has_ended)
{
    struct world *w = at_gate(signs);
    struct str statement = { 0 };
    struct said said = { .who = "bob", .reason = "seen", .signer = &bob };

    put_statement(w, &said, &statement);
    char *digest = json_get_text(str_span(&statement), "digest");
    said.digest = digest;
    w->now_ms += 31 * 60000;
    import(w, "dave", &said);
    check_refused(w, "gate_closed", "its deadline, which is over");
    import(w, "dave", &said);
    check_refused(w, "gate_closed", "is expired");
    CHECK(row_of(w, ROW_VOTE) == NULL);
    free(digest);
    str_fini(&statement);
    w_free(w);
}

TEST(the_rules_for_a_vote_in_a_file_are_those_of_its_person)
{
    struct world *w = at_gate("{\"gate\":{\"sign\":true},\"groups\":{\"soc\":[\"bob\","
                              "\"alice\"]},\"rules\":[]}");
    struct signer alice;

    s_init(&alice, 7);
    add_key(w, "alice", alice.line);
    import(w, "bob", &(struct said){ .who = "alice", .signer = &alice });
    check_refused(w, "own_request", "alice asked for this run");
    import(w, "bob", &(struct said){ .who = "carol", .signer = &carol });
    check_refused(w, "not_an_approver", "carol is in none of the groups");
    w_free(w);
}

/* A carrier cannot be made up at the engine. */
TEST(who_votes_at_the_engine_is_who_the_socket_says)
{
    struct world *w = at_gate(two_sign);
    char json[300];
    char *digest =
        json_get_text(span_of(w_entry(w, ENTRY_GATE, GATE_OPEN)->body), "digest");

    snprintf(
        json, sizeof json,
        "{\"digest\":\"%s\",\"gate\":\"g-000001-1\",\"via\":\"carol\",\"who\":\"carol\"}",
        digest);
    free(digest);
    w_ask(w, "approve", "bob", json);
    struct span row = span_of(row_of(w, ROW_VOTE)->body);
    CHECK(span_is(json_get_raw(row, "who"), "bob"));
    CHECK(json_get(row, "via").len == 0);
    w_free(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and throttles, with a clock of the test's own. */
#include "api/session.h"

#include <stdio.h>

#include "api/throttle.h"
#include "base/str.h"
#include "check.h"

#define MINUTE INT64_C(60000)

static struct session *begin(struct sessions *sessions, const char *who, char *text,
                             int64_t now_ms)
{
    struct session_about about = { .who = who, .roles = 2, .proved_ms = now_ms };

    return session_begin(sessions, &about, text, now_ms);
}

static void open_sessions(struct sessions *sessions)
{
    hash_setup();
    sessions_init(sessions);
}

TEST(a_session_is_found_by_what_the_browser_holds_and_nothing_else)
{
    struct sessions sessions;
    char text[SESSION_TEXT_LEN + 1];
    struct session *session;

    open_sessions(&sessions);
    session = begin(&sessions, "oncall", text, MINUTE);
    CHECK(session_find(&sessions, span_of(text), MINUTE) == session);
    CHECK(session_find(&sessions, span_of(session->token), MINUTE) == NULL);
    CHECK(session_find(&sessions, span_of(""), MINUTE) == NULL);
    CHECK(session_has_token(session, span_of(session->token)));
    CHECK(!session_has_token(session, span_of(text)));
    CHECK(!session_has_token(session, span_of("")));
    text[0] ^= 1;
    CHECK(session_find(&sessions, span_of(text), MINUTE) == NULL);
    sessions_fini(&sessions);
}

TEST(what_the_browser_holds_is_not_kept)
{
    struct sessions sessions;
    char text[SESSION_TEXT_LEN + 1];
    struct session *session;

    open_sessions(&sessions);
    session = begin(&sessions, "oncall", text, MINUTE);
    CHECK(memcmp(session->id.bytes, text, sizeof session->id.bytes) != 0);
    CHECK(strcmp(session->token, text) != 0);
    sessions_fini(&sessions);
}

TEST(a_session_ends_when_it_is_unused_for_half_an_hour)
{
    struct sessions sessions;
    char text[SESSION_TEXT_LEN + 1];

    open_sessions(&sessions);
    begin(&sessions, "oncall", text, 0);
    CHECK(session_find(&sessions, span_of(text), 29 * MINUTE) != NULL);
    CHECK(session_find(&sessions, span_of(text), 58 * MINUTE) != NULL);
    CHECK(session_find(&sessions, span_of(text), 88 * MINUTE) == NULL);
    CHECK_INT(sessions.count, 0);
    sessions_fini(&sessions);
}

TEST(a_session_ends_after_twelve_hours_however_much_it_is_used)
{
    struct sessions sessions;
    char text[SESSION_TEXT_LEN + 1];

    open_sessions(&sessions);
    begin(&sessions, "oncall", text, 0);
    for (int64_t at = 0; at < 720; at += 20)
        CHECK(session_find(&sessions, span_of(text), at * MINUTE) != NULL);
    CHECK(session_find(&sessions, span_of(text), 719 * MINUTE) != NULL);
    CHECK(session_find(&sessions, span_of(text), 720 * MINUTE) == NULL);
    sessions_fini(&sessions);
}

TEST(what_was_proved_counts_for_a_quarter_of_an_hour_also_while_it_is_used)
{
    struct sessions sessions;
    char text[SESSION_TEXT_LEN + 1];
    struct session *session;

    open_sessions(&sessions);
    session = begin(&sessions, "oncall", text, 0);
    CHECK(session_is_fresh(session, 14 * MINUTE));
    session_find(&sessions, span_of(text), 14 * MINUTE);
    CHECK(!session_is_fresh(session, 15 * MINUTE));
    session->proved_ms = 15 * MINUTE;
    CHECK(session_is_fresh(session, 29 * MINUTE));
    sessions_fini(&sessions);
}

TEST(one_person_has_so_many_sessions_and_the_oldest_gives_way)
{
    struct sessions sessions;
    char first[SESSION_TEXT_LEN + 1], second[SESSION_TEXT_LEN + 1];
    char other[SESSION_TEXT_LEN + 1], text[SESSION_TEXT_LEN + 1];

    open_sessions(&sessions);
    begin(&sessions, "oncall", first, 0);
    begin(&sessions, "oncall", second, 0);
    begin(&sessions, "change-manager-1", other, 0);
    CHECK(session_find(&sessions, span_of(first), 1) !=
          NULL); /* used: no longer the oldest */
    for (int i = 0; i < SESSIONS_EACH_MAX - 1; i++)
        begin(&sessions, "oncall", text, 2);
    CHECK_INT(sessions.count, SESSIONS_EACH_MAX + 1);
    CHECK(session_find(&sessions, span_of(second), 2) == NULL);
    CHECK(session_find(&sessions, span_of(first), 2) != NULL);
    CHECK(session_find(&sessions, span_of(other), 2) != NULL);
    sessions_fini(&sessions);
}

TEST(there_are_so_many_sessions_and_no_more)
{
    struct sessions sessions;
    char first[SESSION_TEXT_LEN + 1], text[SESSION_TEXT_LEN + 1], who[20];

    open_sessions(&sessions);
    begin(&sessions, "oncall", first, 0);
    for (int i = 0; i < SESSIONS_MAX; i++) {
        snprintf(who, sizeof who, "person-%d", i);
        begin(&sessions, who, text, 0);
    }
    CHECK_INT(sessions.count, SESSIONS_MAX);
    CHECK(session_find(&sessions, span_of(first), 0) == NULL);
    CHECK(session_find(&sessions, span_of(text), 0) != NULL);
    sessions_fini(&sessions);
}

TEST(whoever_is_wrong_too_often_waits_until_the_time_of_the_first_is_over)
{
    static struct throttle throttle = { .max = 3, .within_ms = 60000 };

    hash_setup();
    CHECK(!throttle_note(&throttle, "192.0.2.1", 1000));
    CHECK(!throttle_note(&throttle, "192.0.2.1", 2000));
    CHECK_INT(throttle_wait_ms(&throttle, "192.0.2.1", 3000), 0);
    CHECK(throttle_note(&throttle, "192.0.2.1", 3000));
    CHECK_INT(throttle_wait_ms(&throttle, "192.0.2.1", 4000), 57000);
    CHECK_INT(throttle_wait_ms(&throttle, "192.0.2.2", 4000), 0);
    CHECK_INT(throttle_wait_ms(&throttle, "192.0.2.1", 61000), 0);
    CHECK(!throttle_note(&throttle, "192.0.2.1", 61000));
    CHECK_INT(throttle_wait_ms(&throttle, "192.0.2.1", 61000), 0);
}

TEST(who_was_right_begins_anew)
{
    static struct throttle throttle = { .max = 1, .within_ms = 60000 };

    hash_setup();
    CHECK(throttle_note(&throttle, "oncall", 1000));
    CHECK(throttle_wait_ms(&throttle, "oncall", 1000) > 0);
    throttle_forget(&throttle, "oncall");
    CHECK_INT(throttle_wait_ms(&throttle, "oncall", 1000), 0);
}

TEST(any_number_of_names_takes_so_many_places)
{
    static struct throttle throttle = { .max = 2, .within_ms = 60000 };
    char name[20];

    hash_setup();
    for (int i = 0; i < 5 * THROTTLE_PLACES; i++) {
        snprintf(name, sizeof name, "%d", i);
        throttle_note(&throttle, name, 1000 + i);
    }
    throttle_note(&throttle, name, 1000 + 5 * THROTTLE_PLACES);
    CHECK(throttle_wait_ms(&throttle, name, 1000 + 5 * THROTTLE_PLACES) > 0);
}

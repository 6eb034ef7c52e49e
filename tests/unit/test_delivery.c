/* SPDX-License-Identifier: Apache-2.0 */
#include "api/proof.h"

#include "base/hash.h"
#include "base/json.h"
#include "check.h"

/* From the Standard Webhooks specification's own example. */
#define ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STAMP     "1614265330"
#define BODY      "{\"test\": 2432232314}"
#define KEYS      "[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const int64_t now_ms = INT64_C(1614265330000);

static bool holds(const char *signature, const char *stamp, const char *body,
                  const char *keys, int64_t at_ms)
{
    const char *why;

    return proof_hmac(&(struct hmac_proof){ ID, stamp, signature, span_of(body) },
                      span_of(keys), at_ms, &why);
}

TEST(the_example_of_the_specification_holds)
{
    CHECK(holds(SIGNATURE, STAMP, BODY, KEYS, now_ms));
}

TEST(one_of_several_signatures_and_keys_is_enough)
{
    CHECK(holds("v1,AAAA v2,xx " SIGNATURE, STAMP, BODY, KEYS, now_ms));
    CHECK(holds(SIGNATURE, STAMP, BODY,
                "[\"another\",\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]", now_ms));
}

TEST(whatever_is_changed_does_not_hold)
{
    CHECK(!holds(SIGNATURE, STAMP, BODY " ", KEYS, now_ms));
    CHECK(!holds(SIGNATURE, "1614265331", BODY, KEYS, now_ms));
    CHECK(!holds(SIGNATURE, STAMP, BODY, "[\"another\"]", now_ms));
    CHECK(!holds(SIGNATURE, STAMP, BODY, "[\"\"]", now_ms));
    CHECK(!holds(SIGNATURE, STAMP, BODY, "[]", now_ms));
    CHECK(!holds("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", STAMP, BODY, KEYS,
                 now_ms));
    CHECK(
        !holds("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", STAMP, BODY, KEYS, now_ms));
    CHECK(!holds("", STAMP, BODY, KEYS, now_ms));
}

TEST(a_time_of_more_than_five_minutes_does_not_hold)
{
    CHECK(holds(SIGNATURE, STAMP, BODY, KEYS, now_ms + PROOF_CLOCK_MS - 1));
    CHECK(!holds(SIGNATURE, STAMP, BODY, KEYS, now_ms + PROOF_CLOCK_MS));
    CHECK(!holds(SIGNATURE, STAMP, BODY, KEYS, now_ms - PROOF_CLOCK_MS));
    CHECK(!holds(SIGNATURE, "soon", BODY, KEYS, now_ms));
    CHECK(!holds(SIGNATURE, "-1614265330", BODY, KEYS, now_ms));
    CHECK(!holds(SIGNATURE, "99999999999999999999", BODY, KEYS, now_ms));
}

TEST(only_so_many_signatures_are_looked_at)
{
    CHECK(!holds("a b c d e f g h " SIGNATURE, STAMP, BODY, KEYS, now_ms));
}

TEST(each_item_of_graph_has_a_state_that_is_known)
{
    struct span states = span_of("[\"one\",\"two\"]");

    CHECK(proof_client_state(span_of("{\"value\":[{\"clientState\":\"two\"}]}"), states));
    CHECK(!proof_client_state(
        span_of("{\"value\":[{\"clientState\":\"two\"},{\"clientState\":\"three\"}]}"),
        states));
    CHECK(!proof_client_state(span_of("{\"value\":[{}]}"), states));
    CHECK(!proof_client_state(span_of("{\"value\":[]}"), states));
    CHECK(!proof_client_state(span_of("{}"), states));
    CHECK(!proof_client_state(span_of("{\"value\":[{\"clientState\":\"\"}]}"),
                              span_of("[\"\"]")));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "check.h"

static void check_hex(struct hash hash, const char *wanted)
{
    char hex[HASH_HEX_LEN + 1];

    CHECK_STR(hash_hex(hash, hex), wanted);
}

/* The values of FIPS 180-4's own examples and of RFC 4231, test cases 1 and 6. */
TEST(hashes_are_sha256)
{
    hash_setup();
    check_hex(hash_of(NULL, 0),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_hex(hash_of("abc", 3),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(macs_are_hmac_sha256_with_keys_of_any_length)
{
    unsigned char key[131];

    hash_setup();
    memset(key, 0x0b, 20);
    check_hex(hash_hmac(key, 20, "Hi There", 8),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    memset(key, 0xaa, sizeof key);
    check_hex(hash_hmac(key, sizeof key,
                        "Test Using Larger Than Block-Size Key - Hash Key First", 54),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* Written out: 6, "domain", 1, "a", 0, "", 8, 2. */
TEST(a_list_is_hashed_as_lengths_and_bytes)
{
    static const unsigned char bytes[] =
        "\6\0\0\0\0\0\0\0domain\1\0\0\0\0\0\0\0a\0\0\0\0\0\0\0\0"
        "\x08\0\0\0\0\0\0\0\2\0\0\0\0\0\0";
    struct hash_list list;
    char hex[HASH_HEX_LEN + 1];

    hash_setup();
    hash_list_init(&list, "domain");
    hash_list_add(&list, "a", 1);
    hash_list_add_span(&list, span_of(""));
    hash_list_add_int(&list, 2);
    check_hex(hash_list_end(&list), hash_hex(hash_of(bytes, sizeof bytes), hex));
}

static struct hash hash_two(const char *a, const char *b)
{
    struct hash_list list;

    hash_list_init(&list, "test");
    hash_list_add_span(&list, span_of(a));
    hash_list_add_span(&list, span_of(b));
    return hash_list_end(&list);
}

TEST(moving_a_byte_from_one_field_to_the_next_changes_the_hash)
{
    hash_setup();
    CHECK(hash_equal(hash_two("ab", "c"), hash_two("ab", "c")));
    CHECK(!hash_equal(hash_two("ab", "c"), hash_two("a", "bc")));
    CHECK(!hash_equal(hash_two("abc", ""), hash_two("", "abc")));
}

TEST(a_hash_comes_back_from_its_hex_form_and_from_no_other)
{
    static const char good[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char *const bad[] = {
        "",
        "ba78",
        "xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a ",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
    };
    struct hash hash;

    hash_setup();
    CHECK(hash_from_hex(span_of(good), &hash));
    CHECK(hash_equal(hash, hash_of("abc", 3)));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (hash_from_hex(span_of(bad[i]), &hash))
            FAIL("\"%s\" was taken for a hash", bad[i]);
    CHECK(hash_equal(hash, hash_of("abc", 3)));
}

TEST(random_bytes_differ_from_call_to_call)
{
    unsigned char a[32] = { 0 };
    unsigned char b[32] = { 0 };

    hash_setup();
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
}

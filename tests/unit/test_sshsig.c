/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sshsig.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/hash.h"
#include "check.h"
#include "sshsig_vectors.h"

static const struct vector {
    const char *key, *armor, *type;
} good[] = {
    { v_ed25519_key, v_ed25519_sig, "ssh-ed25519" },
    { v_ed25519_key, v_ed25519_sha256_sig, "ssh-ed25519" },
    { v_p256_key, v_p256_sig, "ecdsa-sha2-nistp256" },
    { v_p384_key, v_p384_sig, "ecdsa-sha2-nistp384" },
    { v_sk_ed25519_key, v_sk_ed25519_touched_sig, "sk-ssh-ed25519@openssh.com" },
    { v_sk_ed25519_key, v_sk_ed25519_verified_sig, "sk-ssh-ed25519@openssh.com" },
    { v_sk_p256_key, v_sk_p256_touched_sig, "sk-ecdsa-sha2-nistp256@openssh.com" },
    { v_sk_p256_key, v_sk_p256_verified_sig, "sk-ecdsa-sha2-nistp256@openssh.com" },
};
enum { GOOD_COUNT = sizeof good / sizeof *good };

/* 0 when the armor is a signature over the message for our namespace. */
static int try(struct span armor, struct span message, struct err *err)
{
    struct sshsig sig;

    if (sshsig_read(&sig, armor, err) != 0)
        return err->code;
    int rc = sshsig_check(&sig, SSHSIG_VOTE_NAMESPACE, message, err);
    sshsig_fini(&sig);
    return rc;
}

static void add_armor(struct str *out, struct span blob)
{
    str_add_text(out, "-----BEGIN SSH SIGNATURE-----\n");
    base64_add(out, blob.ptr, blob.len);
    str_add_text(out, "\n-----END SSH SIGNATURE-----\n");
}

static void dearm(struct str *blob, const char *armor)
{
    struct sshsig sig;
    struct err err;

    CHECK_OK(sshsig_read(&sig, span_of(armor), &err), &err);
    str_add_span(blob, str_span(&sig.bytes));
    sshsig_fini(&sig);
}

TEST(what_ssh_keygen_signs_is_a_signature_of_the_key_in_the_pub_file)
{
    struct err err;

    hash_setup();
    for (int i = 0; i < GOOD_COUNT; i++) {
        struct str blob = { 0 };
        struct sshkey key;
        struct sshsig sig;

        CHECK_OK(sshkey_read_line(&key, &blob, NULL, span_of(good[i].key), &err), &err);
        CHECK_STR(key.type, good[i].type);
        CHECK_OK(sshsig_read(&sig, span_of(good[i].armor), &err), &err);
        CHECK_OK(sshsig_check(&sig, SSHSIG_VOTE_NAMESPACE, span_of(v_message), &err), &err);
        CHECK_STR(sig.key.fingerprint, key.fingerprint);
        CHECK(span_equal(sig.key.blob, key.blob));
        sshsig_fini(&sig);
        str_fini(&blob);
    }
}

TEST(a_signature_with_any_bit_changed_is_refused)
{
    int tried = 0;

    hash_setup();
    for (int i = 0; i < GOOD_COUNT; i++) {
        struct str blob = { 0 };

        dearm(&blob, good[i].armor);
        for (size_t bit = 0; bit < blob.len * 8; bit++) {
            struct str armor = { 0 };
            struct err err;

            blob.ptr[bit / 8] ^= (char)(1 << bit % 8);
            add_armor(&armor, str_span(&blob));
            CHECK(try(str_span(&armor), span_of(v_message), &err) != 0);
            blob.ptr[bit / 8] ^= (char)(1 << bit % 8);
            str_fini(&armor);
            tried++;
        }
        str_fini(&blob);
    }
    printf("# %d changed bits, none taken\n", tried);
}

TEST(a_signature_cut_off_anywhere_or_with_more_behind_is_refused)
{
    hash_setup();
    for (int i = 0; i < GOOD_COUNT; i++) {
        struct str blob = { 0 }, armor = { 0 };
        struct err err;

        dearm(&blob, good[i].armor);
        for (size_t len = 0; len < blob.len; len++) {
            str_reset(&armor);
            add_armor(&armor, (struct span){ blob.ptr, len });
            CHECK(try(str_span(&armor), span_of(v_message), &err) != 0);
        }
        str_add_char(&blob, '\0');
        str_reset(&armor);
        add_armor(&armor, str_span(&blob));
        CHECK(try(str_span(&armor), span_of(v_message), &err) != 0);
        str_fini(&blob);
        str_fini(&armor);
    }
}

static void add_string(struct str *out, struct span bytes)
{
    const char lead[4] = { 0, 0, (char)(bytes.len >> 8), (char)bytes.len };

    str_add(out, lead, sizeof lead);
    str_add_span(out, bytes);
}

/* The same two numbers, the first of them with zeros in front. */
static void add_zeros(struct str *blob, const struct sshsig *sig, size_t zeros)
{
    struct str number = { 0 }, pair = { 0 }, signature = { 0 };
    struct span old = sig->signature, s = { sig->s.ptr, sig->s.len };
    size_t head =
        sig->bytes.len - old.len - 4 - strlen(sig->key.type) - 4 - 4; /* up to its length */

    while (zeros-- > 0)
        str_add_char(&number, 0);
    str_add_span(&number, sig->r);
    add_string(&pair, str_span(&number));
    if (s.ptr[0] & 0x80) {
        s.ptr--; /* the zero that says that it is positive */
        s.len++;
    }
    add_string(&pair, s);
    add_string(&signature, span_of(sig->key.type));
    add_string(&signature, str_span(&pair));
    str_add(blob, sig->bytes.ptr, head);
    add_string(blob, str_span(&signature));
    str_fini(&number);
    str_fini(&pair);
    str_fini(&signature);
}

TEST(a_number_has_one_spelling)
{
    struct sshsig sig;
    struct err err;

    hash_setup();
    CHECK_OK(sshsig_read(&sig, span_of(v_p256_sig), &err), &err);
    size_t right = (sig.r.ptr[0] & 0x80) != 0;
    for (size_t zeros = 0; zeros < 4; zeros++) {
        struct str blob = { 0 }, armor = { 0 };

        add_zeros(&blob, &sig, zeros);
        add_armor(&armor, str_span(&blob));
        int rc = try(str_span(&armor), span_of(v_message), &err);
        CHECK_INT(rc, zeros == right ? 0 : ERR_INVALID);
        str_fini(&blob);
        str_fini(&armor);
    }
    sshsig_fini(&sig);
}

TEST(a_message_with_any_bit_changed_is_not_what_was_signed)
{
    char message[sizeof v_message];

    hash_setup();
    memcpy(message, v_message, sizeof message);
    for (int i = 0; i < GOOD_COUNT; i++)
        for (size_t bit = 0; bit < (sizeof message - 1) * 8; bit++) {
            struct err err;

            message[bit / 8] ^= (char)(1 << bit % 8);
            CHECK_INT(try(span_of(good[i].armor),
                          (struct span){ message, sizeof message - 1 }, &err),
                      ERR_DENIED);
            message[bit / 8] ^= (char)(1 << bit % 8);
        }
}

TEST(a_signature_for_another_namespace_is_refused_by_name)
{
    struct err err;

    hash_setup();
    CHECK_INT(try(span_of(v_ed25519_git_sig), span_of(v_message), &err), ERR_DENIED);
    CHECK_STR(err.text,
              "the signature is for namespace \"git\", and must be for approval@cordon");
}

TEST(a_namespace_is_the_whole_name_and_no_part_of_it)
{
    static const char *const wanted[] = { "approval", "approval@cordo", "approval@cordonx",
                                          "" };
    struct sshsig sig;
    struct err err;

    hash_setup();
    CHECK_OK(sshsig_read(&sig, span_of(v_ed25519_sig), &err), &err);
    CHECK_OK(sshsig_check(&sig, "approval@cordon", span_of(v_message), &err), &err);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        CHECK_ERR(sshsig_check(&sig, wanted[i], span_of(v_message), &err), &err,
                  ERR_DENIED);
    sshsig_fini(&sig);
}

TEST(a_hardware_key_that_was_not_touched_signs_for_nobody)
{
    struct err err;

    hash_setup();
    CHECK_INT(try(span_of(v_sk_ed25519_untouched_sig), span_of(v_message), &err),
              ERR_DENIED);
    CHECK(strstr(err.text, "without being touched") != NULL);
    CHECK_INT(try(span_of(v_sk_p256_untouched_sig), span_of(v_message), &err), ERR_DENIED);
    CHECK(strstr(err.text, "without being touched") != NULL);
}

TEST(a_hardware_key_says_whether_it_asked_who_was_there)
{
    struct sshsig sig;
    struct err err;

    hash_setup();
    CHECK_OK(sshsig_read(&sig, span_of(v_sk_ed25519_touched_sig), &err), &err);
    CHECK(sig.is_touched && !sig.is_verified);
    sshsig_fini(&sig);
    CHECK_OK(sshsig_read(&sig, span_of(v_sk_ed25519_verified_sig), &err), &err);
    CHECK(sig.is_touched && sig.is_verified);
    sshsig_fini(&sig);
}

static void check_no_key(const char *line, const char *said)
{
    struct str blob = { 0 };
    struct sshkey key;
    struct err err;

    CHECK(sshkey_read_line(&key, &blob, NULL, span_of(line), &err) != 0);
    if (strstr(err.text, said) == NULL)
        CHECK_STR(err.text, said);
    str_fini(&blob);
}

TEST(keys_of_other_types_are_refused_with_what_would_be_right)
{
    struct err err;

    hash_setup();
    check_no_key(v_rsa_key, "keys of type ssh-rsa are not taken: want ssh-ed25519");
    check_no_key(v_p521_key, "keys of type ecdsa-sha2-nistp521 are not taken");
    CHECK_INT(try(span_of(v_rsa_sig), span_of(v_message), &err), ERR_INVALID);
    CHECK(strstr(err.text, "keys of type ssh-rsa are not taken") != NULL);
}

TEST(a_file_that_holds_no_public_key_is_refused)
{
    struct str line = { 0 };

    hash_setup();
    check_no_key("", "there is no key in it");
    check_no_key("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n",
                 "a private key stays with its owner");
    check_no_key("ssh-ed25519", "that is no public key");
    check_no_key("ssh-ed25519 AAAA*", "that is no public key");
    check_no_key("ssh-ed25519 AAAA", "cut off");
    str_printf(&line, "ssh-rsa %s", strchr(v_ed25519_key, ' ') + 1);
    check_no_key(str_text(&line), "names another type of key");
    str_reset(&line);
    for (int i = 0; i <= SSHKEY_LINE_MAX; i++)
        str_add_char(&line, 'A');
    check_no_key(str_text(&line), "at most 4096 bytes");
    str_fini(&line);
}

/* The last byte of the point: then it is on no curve. */
TEST(a_point_that_is_not_on_its_curve_is_no_key)
{
    struct str blob = { 0 };
    struct sshkey key;
    struct err err;

    hash_setup();
    CHECK_OK(sshkey_read_line(&key, &blob, NULL, span_of(v_p256_key), &err), &err);
    blob.ptr[blob.len - 1] ^= 1;
    CHECK_INT(sshkey_read(&key, str_span(&blob), &err), ERR_INVALID);
    str_fini(&blob);
}

TEST(armor_that_ssh_keygen_would_not_write_is_refused)
{
    static const char *const wrong[] = {
        "",
        "hello",
        "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        "-----BEGIN SSH SIGNATURE-----\nU1NI U0lH\n-----END SSH SIGNATURE-----\n",
        "-----BEGIN PGP SIGNATURE-----\nU1NIU0lH\n-----END PGP SIGNATURE-----\n",
    };
    struct str big = { 0 }, behind = { 0 };
    struct err err;

    hash_setup();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(try(span_of(wrong[i]), span_of(v_message), &err), ERR_INVALID);
    str_printf(&behind, "%s%s", v_ed25519_sig, v_ed25519_sig);
    CHECK_INT(try(str_span(&behind), span_of(v_message), &err), ERR_INVALID);
    for (int i = 0; i <= SSHSIG_ARMOR_MAX; i++)
        str_add_char(&big, 'A');
    CHECK_INT(try(str_span(&big), span_of(v_message), &err), ERR_TOO_BIG);
    str_fini(&big);
    str_fini(&behind);
}

TEST(base64_has_one_spelling_for_each_run_of_bytes)
{
    static const struct {
        const char *bytes, *letters;
    } pairs[] = { { "", "" },
                  { "f", "Zg==" },
                  { "fo", "Zm8=" },
                  { "foo", "Zm9v" },
                  { "foob", "Zm9vYg==" },
                  { "fooba", "Zm9vYmE=" },
                  { "foobar", "Zm9vYmFy" } };
    static const char *const wrong[] = { "Zg",   "Zg=",      "Zh==",   "Zm9=", "Z===",
                                         "====", "Zg==Zg==", "Zm9v\n", "Zm9-" };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct str out = { 0 };

        base64_add(&out, pairs[i].bytes, strlen(pairs[i].bytes));
        CHECK_STR(str_text(&out), pairs[i].letters);
        str_reset(&out);
        CHECK(base64_read(&out, span_of(pairs[i].letters)));
        CHECK_STR(str_text(&out), pairs[i].bytes);
        str_fini(&out);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str out = { 0 };

        CHECK(!base64_read(&out, span_of(wrong[i])));
        CHECK_INT(out.len, 0);
        str_fini(&out);
    }
}

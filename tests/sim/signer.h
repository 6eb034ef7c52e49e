/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/sim/signer.h - people's keys and signatures, as ssh-keygen makes them for Ed25519.
 *
 * tests/unit has what ssh-keygen itself made; here a signature is wanted for each statement.
 */
#pragma once

#include <sodium.h>

#include "base/base64.h"
#include "base/sshsig.h"
#include "engine/statement.h"
#include "world.h"

struct signer {
    unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    char line[200]; /* as in a .pub file */
    char fingerprint[SSHKEY_FINGERPRINT_LEN + 1];
};

static void s_string(struct str *out, const void *bytes, size_t len)
{
    unsigned char lead[4] = { (unsigned char)(len >> 24), (unsigned char)(len >> 16),
                              (unsigned char)(len >> 8), (unsigned char)len };

    str_add(out, lead, sizeof lead);
    str_add(out, bytes, len);
}

static void s_text(struct str *out, const char *text)
{
    s_string(out, text, strlen(text));
}

static void s_blob(struct str *out, const struct signer *signer)
{
    s_text(out, "ssh-ed25519");
    s_string(out, signer->public, sizeof signer->public);
}

/* The same seed gives the same key. */
static inline void s_init(struct signer *signer, int seed)
{
    unsigned char bytes[crypto_sign_SEEDBYTES] = { (unsigned char)seed };
    struct str blob = { 0 }, letters = { 0 };
    struct sshkey key;
    struct err err;

    hash_setup();
    crypto_sign_seed_keypair(signer->public, signer->secret, bytes);
    s_blob(&blob, signer);
    base64_add(&letters, blob.ptr, blob.len);
    snprintf(signer->line, sizeof signer->line, "ssh-ed25519 %s key", str_text(&letters));
    CHECK_OK(sshkey_read(&key, str_span(&blob), &err), &err);
    memcpy(signer->fingerprint, key.fingerprint, sizeof key.fingerprint);
    str_fini(&blob);
    str_fini(&letters);
}

static inline void s_sign(struct str *armor, const struct signer *signer,
                          const char *namespace, struct span message)
{
    unsigned char sha[crypto_hash_sha512_BYTES], made[crypto_sign_BYTES];
    struct str wanted = { 0 }, blob = { 0 }, key = { 0 }, signature = { 0 };
    static const unsigned char version[] = { 0, 0, 0, 1 };

    crypto_hash_sha512(sha, (const unsigned char *)message.ptr, message.len);
    str_add_text(&wanted, "SSHSIG");
    s_text(&wanted, namespace);
    s_text(&wanted, "");
    s_text(&wanted, "sha512");
    s_string(&wanted, sha, sizeof sha);
    crypto_sign_detached(made, NULL, (const unsigned char *)wanted.ptr, wanted.len,
                         signer->secret);
    s_blob(&key, signer);
    s_text(&signature, "ssh-ed25519");
    s_string(&signature, made, sizeof made);
    str_add_text(&blob, "SSHSIG");
    str_add(&blob, version, sizeof version);
    s_string(&blob, key.ptr, key.len);
    s_text(&blob, namespace);
    s_text(&blob, "");
    s_text(&blob, "sha512");
    s_string(&blob, signature.ptr, signature.len);
    str_add_text(armor, "-----BEGIN SSH SIGNATURE-----\n");
    base64_add(armor, blob.ptr, blob.len);
    str_add_text(armor, "\n-----END SSH SIGNATURE-----\n");
    str_fini(&wanted);
    str_fini(&blob);
    str_fini(&key);
    str_fini(&signature);
}

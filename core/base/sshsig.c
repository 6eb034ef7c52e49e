/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sshsig.h"

#include <string.h>

#include "base/base64.h"
#include "base/ecdsa.h"
#include "base/ed25519.h"
#include "base/err.h"
#include "base/hash.h"

static const char magic[] = "SSHSIG";
static const char armor_begin[] = "-----BEGIN SSH SIGNATURE-----\n";
static const char armor_end[] = "-----END SSH SIGNATURE-----";

enum { VERSION = 1, FLAG_TOUCHED = 0x01, FLAG_VERIFIED = 0x04, FLAGS_COUNTER_LEN = 5 };

/* -- taking it apart ---------------------------------------------------------------------- */

static int no_armor(struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "that is no SSH signature: want what ssh-keygen -Y sign writes");
}

static int read_armor(struct str *bytes, struct span armor, struct err *err)
{
    size_t begin_len = sizeof armor_begin - 1, end_len = sizeof armor_end - 1;
    struct str letters = { 0 };

    if (armor.len > SSHSIG_ARMOR_MAX)
        return err_set(err, ERR_TOO_BIG, "a signature has at most %d bytes",
                       SSHSIG_ARMOR_MAX);
    if (armor.len > 0 && armor.ptr[armor.len - 1] == '\n')
        armor.len--;
    if (armor.len < begin_len + end_len || !span_starts(armor, armor_begin) ||
        memcmp(armor.ptr + armor.len - end_len, armor_end, end_len) != 0)
        return no_armor(err);
    for (size_t i = begin_len; i < armor.len - end_len; i++)
        if (armor.ptr[i] != '\n')
            str_add_char(&letters, armor.ptr[i]);
    bool is_read = letters.len > 0 && base64_read(bytes, str_span(&letters));
    str_fini(&letters);
    return is_read ? 0 : no_armor(err);
}

/* A positive number without needless zeros in front, as RFC 4251 writes it. */
static struct span get_number(struct ssh_reader *in)
{
    struct span number = ssh_get_string(in);
    const unsigned char *bytes = (const unsigned char *)number.ptr;

    if (number.len == 0 || (bytes[0] & 0x80) != 0 ||
        (bytes[0] == 0 && (number.len == 1 || (bytes[1] & 0x80) == 0))) {
        in->is_bad = true;
        return number;
    }
    if (bytes[0] == 0) {
        number.ptr++;
        number.len--;
    }
    return number;
}

static bool is_ecdsa(enum sshkey_kind kind)
{
    return kind == SSHKEY_P256 || kind == SSHKEY_P384 || kind == SSHKEY_SK_P256;
}

static int read_signature(struct sshsig *sig, struct span blob, struct err *err)
{
    struct ssh_reader in = { .rest = blob };
    bool is_type = span_is(ssh_get_string(&in), sig->key.type);

    sig->signature = ssh_get_string(&in);
    if (is_ecdsa(sig->key.kind)) {
        struct ssh_reader pair = { .rest = sig->signature };

        sig->r = get_number(&pair);
        sig->s = get_number(&pair);
        in.is_bad |= !ssh_is_end(&pair);
    } else {
        in.is_bad |= sig->signature.len != ED25519_SIGNATURE_LEN;
    }
    if (sshkey_is_hardware(&sig->key)) {
        sig->flags_counter = ssh_get_bytes(&in, FLAGS_COUNTER_LEN);
        sig->flags = in.is_bad ? 0 : (unsigned char)sig->flags_counter.ptr[0];
    }
    if (!is_type || !ssh_is_end(&in))
        return err_set(err, ERR_INVALID,
                       "the signature is not one of a key of type %s, which it names",
                       sig->key.type);
    sig->is_touched = (sig->flags & FLAG_TOUCHED) != 0;
    sig->is_verified = (sig->flags & FLAG_VERIFIED) != 0;
    return 0;
}

static int read_fields(struct sshsig *sig, struct err *err)
{
    struct ssh_reader in = { .rest = str_span(&sig->bytes) };
    struct span lead = ssh_get_bytes(&in, sizeof magic - 1);
    uint32_t version = ssh_get_u32(&in);
    struct span key = ssh_get_string(&in);

    sig->namespace = ssh_get_string(&in);
    struct span reserved = ssh_get_string(&in);
    sig->hash_name = ssh_get_string(&in);
    struct span signature = ssh_get_string(&in);
    if (!ssh_is_end(&in) || !span_is(lead, magic))
        return no_armor(err);
    if (version != VERSION)
        return err_set(err, ERR_INVALID, "the signature is of version %u, and %d is known",
                       (unsigned)version, VERSION);
    if (reserved.len > 0)
        return err_set(err, ERR_INVALID,
                       "the signature's reserved field has %zu bytes, and must be empty",
                       reserved.len);
    if (!span_is(sig->hash_name, "sha512") && !span_is(sig->hash_name, "sha256"))
        return err_set(err, ERR_INVALID,
                       "the signature is over a hash that is not known: want sha512 or "
                       "sha256");
    if (sshkey_read(&sig->key, key, err) != 0)
        return err_wrap(err, "the signature's key");
    return read_signature(sig, signature, err);
}

int sshsig_read(struct sshsig *sig, struct span armor, struct err *err)
{
    struct sshsig read = { 0 };

    if (read_armor(&read.bytes, armor, err) != 0 || read_fields(&read, err) != 0) {
        str_fini(&read.bytes);
        return err->code;
    }
    *sig = read;
    return 0;
}

void sshsig_fini(struct sshsig *sig)
{
    str_fini(&sig->bytes);
}

/* -- is it one? --------------------------------------------------------------------------- */

static void add_string(struct str *out, struct span bytes)
{
    unsigned char lead[4] = { (unsigned char)(bytes.len >> 24),
                              (unsigned char)(bytes.len >> 16),
                              (unsigned char)(bytes.len >> 8), (unsigned char)bytes.len };

    str_add(out, lead, sizeof lead);
    str_add_span(out, bytes);
}

/* The bytes that stand for the message. */
static void put_signed(struct str *out, const struct sshsig *sig, struct span message)
{
    unsigned char sha512[SHA512_LEN];
    struct hash sha256;
    struct span digest = { (const char *)sha512, sizeof sha512 };

    if (span_is(sig->hash_name, "sha256")) {
        sha256 = hash_of(message.ptr, message.len);
        digest = (struct span){ (const char *)sha256.bytes, HASH_LEN };
    } else {
        sha512_of(sha512, message);
    }
    str_add_text(out, magic);
    add_string(out, sig->namespace);
    add_string(out, (struct span){ 0 });
    add_string(out, sig->hash_name);
    add_string(out, digest);
}

/* What a hardware key signs in place of it: PROTOCOL.u2f. */
static void put_hardware(struct str *out, const struct sshsig *sig, struct span wanted)
{
    struct hash application = hash_of(sig->key.application.ptr, sig->key.application.len);
    struct hash message = hash_of(wanted.ptr, wanted.len);

    str_add(out, application.bytes, HASH_LEN);
    str_add_span(out, sig->flags_counter);
    str_add(out, message.bytes, HASH_LEN);
}

static bool is_signed(const struct sshsig *sig, struct span bytes)
{
    switch (sig->key.kind) {
    case SSHKEY_P256:
    case SSHKEY_SK_P256:
        return ecdsa_is_signed(ECDSA_P256, sig->key.point, sig->r, sig->s, bytes);
    case SSHKEY_P384:
        return ecdsa_is_signed(ECDSA_P384, sig->key.point, sig->r, sig->s, bytes);
    default: return ed25519_is_signed(sig->key.point, sig->signature, bytes);
    }
}

static int wrong_namespace(const struct sshsig *sig, const char *wanted, struct err *err)
{
    struct str shown = { 0 };
    size_t len = sig->namespace.len;

    str_add_shown(&shown, sig->namespace.ptr,
                  len < SSHSIG_NAMESPACE_MAX ? len : SSHSIG_NAMESPACE_MAX);
    err_set(err, ERR_DENIED, "the signature is for namespace \"%s\", and must be for %s",
            str_text(&shown), wanted);
    str_fini(&shown);
    return err->code;
}

int sshsig_check(const struct sshsig *sig, const char *namespace, struct span message,
                 struct err *err)
{
    struct str plain = { 0 }, hardware = { 0 };
    bool is_hardware = sshkey_is_hardware(&sig->key);

    if (!span_is(sig->namespace, namespace))
        return wrong_namespace(sig, namespace, err);
    if (is_hardware && !sig->is_touched)
        return err_set(err, ERR_DENIED,
                       "the hardware key signed without being touched, so nobody need "
                       "have been there: make the key without -O no-touch-required");
    put_signed(&plain, sig, message);
    if (is_hardware)
        put_hardware(&hardware, sig, str_span(&plain));
    bool is_good = is_signed(sig, str_span(is_hardware ? &hardware : &plain));
    str_fini(&plain);
    str_fini(&hardware);
    return is_good ? 0
                   : err_set(err, ERR_DENIED,
                             "the signature is not one of key %s over what is voted on",
                             sig->key.fingerprint);
}

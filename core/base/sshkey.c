/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sshkey.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/ecdsa.h"
#include "base/ed25519.h"
#include "base/err.h"
#include "base/hash.h"

static const struct type {
    const char *name;
    const char *curve; /* NULL: Ed25519 */
    enum sshkey_kind kind;
    bool is_hardware;
} types[] = {
    { "ssh-ed25519", NULL, SSHKEY_ED25519, false },
    { "ecdsa-sha2-nistp256", "nistp256", SSHKEY_P256, false },
    { "ecdsa-sha2-nistp384", "nistp384", SSHKEY_P384, false },
    { "sk-ssh-ed25519@openssh.com", NULL, SSHKEY_SK_ED25519, true },
    { "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", SSHKEY_SK_P256, true },
};

/* -- the wire ----------------------------------------------------------------------------- */

struct span ssh_get_bytes(struct ssh_reader *in, size_t len)
{
    struct span bytes = { in->rest.ptr, len };

    if (in->is_bad || len > in->rest.len) {
        in->is_bad = true;
        return (struct span){ 0 };
    }
    in->rest.ptr += len;
    in->rest.len -= len;
    return bytes;
}

uint32_t ssh_get_u32(struct ssh_reader *in)
{
    struct span bytes = ssh_get_bytes(in, 4);
    uint32_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return value;
}

struct span ssh_get_string(struct ssh_reader *in)
{
    uint32_t len = ssh_get_u32(in);

    return ssh_get_bytes(in, len);
}

bool ssh_is_end(const struct ssh_reader *in)
{
    return !in->is_bad && in->rest.len == 0;
}

/* -- keys --------------------------------------------------------------------------------- */

static int refuse_type(struct span name, struct err *err)
{
    struct str shown = { 0 };

    str_add_shown(&shown, name.ptr, name.len < 60 ? name.len : 60);
    err_set(err, ERR_INVALID,
            "keys of type %s are not taken: want ssh-ed25519, ecdsa-sha2-nistp256, "
            "ecdsa-sha2-nistp384 or one of a hardware key (ssh-keygen -t ed25519-sk)",
            str_text(&shown));
    str_fini(&shown);
    return err->code;
}

static bool is_point(const struct sshkey *key)
{
    switch (key->kind) {
    case SSHKEY_P256:
    case SSHKEY_SK_P256: return ecdsa_is_key(ECDSA_P256, key->point);
    case SSHKEY_P384: return ecdsa_is_key(ECDSA_P384, key->point);
    default: return key->point.len == ED25519_KEY_LEN;
    }
}

static void set_fingerprint(struct sshkey *key)
{
    struct hash hash = hash_of(key->blob.ptr, key->blob.len);
    struct str text = { 0 };

    str_add_text(&text, "SHA256:");
    base64_add(&text, hash.bytes, HASH_LEN);
    /* As OpenSSH shows it: without the padding. */
    snprintf(key->fingerprint, sizeof key->fingerprint, "%.*s", SSHKEY_FINGERPRINT_LEN,
             str_text(&text));
    str_fini(&text);
}

int sshkey_read(struct sshkey *key, struct span blob, struct err *err)
{
    struct ssh_reader in = { .rest = blob };
    struct span name = ssh_get_string(&in);
    const struct type *type = NULL;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!in.is_bad && span_is(name, types[i].name))
            type = &types[i];
    if (in.is_bad)
        return err_set(err, ERR_INVALID, "the key is cut off or no SSH public key at all");
    if (type == NULL)
        return refuse_type(name, err);
    struct sshkey read = { .kind = type->kind, .type = type->name, .blob = blob };
    struct span curve = type->curve != NULL ? ssh_get_string(&in) : (struct span){ 0 };
    read.point = ssh_get_string(&in);
    if (type->is_hardware)
        read.application = ssh_get_string(&in);
    if (!ssh_is_end(&in) || (type->curve != NULL && !span_is(curve, type->curve)) ||
        !is_point(&read))
        return err_set(err, ERR_INVALID,
                       "the key says that it is of type %s, and its bytes are not those "
                       "of such a key",
                       type->name);
    set_fingerprint(&read);
    *key = read;
    return 0;
}

static struct span word(struct span *rest)
{
    struct span word = { rest->ptr, 0 };

    while (word.len < rest->len && rest->ptr[word.len] != ' ')
        word.len++;
    rest->ptr += word.len;
    rest->len -= word.len;
    while (rest->len > 0 && rest->ptr[0] == ' ') {
        rest->ptr++;
        rest->len--;
    }
    return word;
}

int sshkey_read_line(struct sshkey *key, struct str *blob, struct span *comment,
                     struct span line, struct err *err)
{
    static const char want[] = "want one line \"TYPE BASE64 COMMENT\", as in a .pub file";

    if (line.len > SSHKEY_LINE_MAX)
        return err_set(err, ERR_TOO_BIG, "a public key has at most %d bytes",
                       SSHKEY_LINE_MAX);
    while (line.len > 0 &&
           (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (line.len == 0)
        return err_set(err, ERR_INVALID, "there is no key in it: %s", want);
    if (memchr(line.ptr, '\n', line.len) != NULL)
        return err_set(err, ERR_INVALID, "that is more than one line: %s%s", want,
                       span_starts(line, "-----BEGIN")
                           ? "; a private key stays with its owner"
                           : "");
    struct span name = word(&line), letters = word(&line);
    str_reset(blob);
    if (letters.len == 0 || !base64_read(blob, letters))
        return err_set(err, ERR_INVALID, "that is no public key: %s", want);
    if (sshkey_read(key, str_span(blob), err) != 0)
        return err->code;
    if (!span_is(name, key->type))
        return err_set(err, ERR_INVALID,
                       "the line names another type of key than its bytes, which are of %s",
                       key->type);
    if (line.len > SSHKEY_COMMENT_MAX)
        line.len = SSHKEY_COMMENT_MAX;
    if (comment != NULL)
        *comment = line;
    return 0;
}

bool sshkey_is_hardware(const struct sshkey *key)
{
    return key->kind == SSHKEY_SK_ED25519 || key->kind == SSHKEY_SK_P256;
}

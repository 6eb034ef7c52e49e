/* SPDX-License-Identifier: Apache-2.0 */
#include "api/proof.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"

/* Of hashes, so that neither length nor place of a difference shows. */
static bool is_same(struct span a, struct span b)
{
    return hash_equal(hash_of(a.ptr, a.len), hash_of(b.ptr, b.len));
}

bool proof_one_of(struct span text, struct span list)
{
    struct span item;
    size_t pos = 0;
    bool is_one = false;

    while (json_next(list, &pos, NULL, &item)) {
        char *known = json_text(item);

        if (known != NULL && known[0] != '\0')
            is_one |= is_same(text, span_of(known)); /* all of them, always */
        text_wipe(known);
    }
    return is_one;
}

/* -- Standard Webhooks --------------------------------------------------------------------- */

static void add_key(struct str *out, struct span key)
{
    static const char prefix[] = "whsec_";
    struct span letters = key;

    if (span_starts(key, prefix)) {
        letters.ptr += sizeof prefix - 1;
        letters.len -= sizeof prefix - 1;
        if (base64_read(out, letters))
            return;
    }
    str_add_span(out, key);
}

static struct hash mac_of(const struct hmac_proof *given, struct span key)
{
    struct str text = { 0 }, bytes = { .is_secret = true };
    struct hash mac;

    str_printf(&text, "%s.%s.", given->id, given->timestamp);
    str_add_span(&text, given->body);
    add_key(&bytes, key);
    mac = hash_hmac(bytes.ptr, bytes.len, text.ptr, text.len);
    str_fini(&text);
    str_fini(&bytes);
    return mac;
}

/* Is one of the header's signatures this one? */
static bool has_signature(const char *header, struct hash mac)
{
    bool is_there = false;
    int count = 0;

    while (*header != '\0' && count++ < PROOF_SIGNATURES_MAX) {
        size_t len = strcspn(header, " ");
        struct str bytes = { 0 };
        struct hash given;

        if (len > 3 && memcmp(header, "v1,", 3) == 0 &&
            base64_read(&bytes, (struct span){ header + 3, len - 3 }) &&
            bytes.len == HASH_LEN) {
            memcpy(given.bytes, bytes.ptr, HASH_LEN);
            is_there |= hash_equal(given, mac);
        }
        str_fini(&bytes);
        header += len;
        header += *header == ' ';
    }
    return is_there;
}

static bool is_on_time(const char *timestamp, int64_t now_ms)
{
    int64_t seconds;

    return span_int(span_of(timestamp), &seconds) && seconds > 0 &&
           seconds < INT64_MAX / 1000 && seconds * 1000 > now_ms - PROOF_CLOCK_MS &&
           seconds * 1000 < now_ms + PROOF_CLOCK_MS;
}

bool proof_hmac(const struct hmac_proof *given, struct span keys, int64_t now_ms,
                const char **why)
{
    struct span item;
    size_t pos = 0;
    bool is_right = false;

    *why = "no webhook-id, webhook-timestamp and webhook-signature";
    if (given->id == NULL || given->timestamp == NULL || given->signature == NULL)
        return false;
    *why = "a webhook-id that is empty or long";
    if (given->id[0] == '\0' || strlen(given->id) > PROOF_ID_MAX)
        return false;
    *why = "a timestamp that is not within five minutes of now";
    if (!is_on_time(given->timestamp, now_ms))
        return false;
    *why = "a signature by none of the source's keys";
    while (json_next(keys, &pos, NULL, &item)) {
        char *key = json_text(item);

        if (key != NULL && key[0] != '\0')
            is_right |= has_signature(given->signature, mac_of(given, span_of(key)));
        text_wipe(key);
    }
    return is_right;
}

/* -- Graph --------------------------------------------------------------------------------- */

bool proof_client_state(struct span json, struct span states)
{
    struct span value = json_get(json, "value"), item;
    size_t pos = 0;
    int count = 0;

    if (json_kind(value) != JSON_ARRAY)
        return false;
    while (json_next(value, &pos, NULL, &item)) {
        char *state = json_get_text(item, "clientState");
        bool is_one = state != NULL && proof_one_of(span_of(state), states);

        text_wipe(state);
        if (!is_one)
            return false;
        count++;
    }
    return count > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/redact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum {
    FORMS = 11,
    BASE64_PART_MIN =
        8 /* of a secret that begins inside a group: less is found by chance */
};

struct redact_entry {
    char *name;
    char *value;
    char *forms[FORMS]; /* spellings of value, each once; NULL behind the last */
    size_t lens[FORMS];
};

/* -- Spellings -------------------------------------------------------------------------- */

static char *as_json(const char *value)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_string(&out, value);
    char *inside = xstrndup(text.ptr + 1, text.len - 2);
    str_fini(&text);
    return inside;
}

static char *as_url(const char *value)
{
    struct str text = { 0 };

    for (const char *c = value; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("-._~", *c))
            str_add_char(&text, *c);
        else
            str_printf(&text, "%%%02X", (unsigned char)*c);
    }
    return str_take(&text);
}

/* The part of the base64 text that does not depend on what stands behind the secret. last:
 * the two characters in which the alphabets differ. */
static char *as_base64(const char *value, const char *last)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct str text = { 0 };

    for (const unsigned char *c = (const unsigned char *)value; c[0] && c[1] && c[2];
         c += 3) {
        unsigned bits = (unsigned)c[0] << 16 | (unsigned)c[1] << 8 | c[2];
        for (int shift = 18; shift >= 0; shift -= 6) {
            unsigned six = bits >> shift & 63;
            str_add_char(&text, six < 62 ? letters[six] : last[six - 62]);
        }
    }
    return str_take(&text);
}

static char *as_hex(const char *value, const char *digits)
{
    struct str text = { 0 };

    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        str_add_char(&text, digits[*c >> 4]);
        str_add_char(&text, digits[*c & 15]);
    }
    return str_take(&text);
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void add_form(struct redact_entry *entry, char *form)
{
    size_t at = 0;

    for (; at < FORMS && entry->forms[at]; at++)
        if (strcmp(entry->forms[at], form) == 0) {
            wipe(form);
            return;
        }
    entry->forms[at] = form;
    entry->lens[at] = strlen(form);
}

static void add_base64(struct redact_entry *entry, const char *value, const char *last)
{
    char *form = as_base64(value, last);

    if (value == entry->value || strlen(form) >= BASE64_PART_MIN)
        add_form(entry, form);
    else
        wipe(form);
}

/* -- The list ------------------------------------------------------------------------------ */

int redact_add(struct redact *redact, struct span name, struct span value, struct err *err)
{
    if (redact->count >= REDACT_SECRETS_MAX)
        return err_set(err, ERR_TOO_BIG, "more than %d secrets (REDACT_SECRETS_MAX)",
                       REDACT_SECRETS_MAX);
    if (value.len < REDACT_LEN_MIN || memchr(value.ptr, 0, value.len))
        return err_set(
            err, ERR_INVALID,
            "secret %.*s: want at least %d bytes without a NUL, or it could not be "
            "kept out of what is logged",
            (int)name.len, name.ptr, REDACT_LEN_MIN);
    redact->entries =
        xrealloc(redact->entries, (redact->count + 1) * sizeof *redact->entries);
    struct redact_entry *entry = &redact->entries[redact->count++];
    *entry = (struct redact_entry){ .name = span_dup(name), .value = span_dup(value) };
    add_form(entry, span_dup(value));
    add_form(entry, as_json(entry->value));
    add_form(entry, as_url(entry->value));
    add_form(entry, as_hex(entry->value, "0123456789abcdef"));
    add_form(entry, as_hex(entry->value, "0123456789ABCDEF"));
    /* Three bytes are a group of base64. What stands before the secret decides where in a
     * group it begins, and so which of its bytes begin the first whole one. */
    for (int skip = 0; skip < 3; skip++) {
        add_base64(entry, entry->value + skip, "+/");
        add_base64(entry, entry->value + skip, "-_");
    }
    return 0;
}

void redact_fini(struct redact *redact)
{
    for (size_t i = 0; i < redact->count; i++) {
        free(redact->entries[i].name);
        wipe(redact->entries[i].value);
        for (int form = 0; form < FORMS; form++)
            wipe(redact->entries[i].forms[form]);
    }
    free(redact->entries);
    *redact = (struct redact){ 0 };
}

const char *redact_find(const struct redact *redact, const char *name)
{
    for (size_t i = 0; i < redact->count; i++)
        if (strcmp(redact->entries[i].name, name) == 0)
            return redact->entries[i].value;
    return NULL;
}

/* The length of the longest spelling of a secret that text begins with, or 0. */
static size_t secret_at(const struct redact *redact, struct span text)
{
    size_t longest = 0;

    for (size_t i = 0; i < redact->count; i++)
        for (int form = 0; form < FORMS && redact->entries[i].forms[form]; form++) {
            size_t len = redact->entries[i].lens[form];
            if (len > longest && len <= text.len &&
                memcmp(text.ptr, redact->entries[i].forms[form], len) == 0)
                longest = len;
        }
    return longest;
}

bool redact_to(const struct redact *redact, struct str *out, struct span text)
{
    bool found = false;
    size_t kept = 0;

    for (size_t at = 0; redact->count > 0 && at < text.len;) {
        size_t len = secret_at(redact, (struct span){ text.ptr + at, text.len - at });
        if (len == 0) {
            at++;
            continue;
        }
        str_add(out, text.ptr + kept, at - kept);
        str_add_text(out, "[secret]");
        at += len;
        kept = at;
        found = true;
    }
    if (kept < text.len)
        str_add(out, text.ptr + kept, text.len - kept);
    return found;
}

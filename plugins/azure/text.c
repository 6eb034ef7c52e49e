/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cordon/fold.h>

#include "job.h"

enum { DURATION_MAX_S = 3650 * 86400 };

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool text_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

void text_fold(char *text)
{
    cordon_fold(text, strlen(text));
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool text_is_word(const char *text, const char *more, size_t min, size_t max)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if (!is_plain(text[i]) && strchr(more, text[i]) == NULL)
            return false;
    }
    return len >= min && len <= max;
}

void text_clip(char *text)
{
    size_t len = strlen(text), begin = len;

    while (begin > 0 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80)
        begin--;
    if (begin == 0)
        return;
    unsigned char c = (unsigned char)text[--begin];
    size_t wanted = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (c >= 0x80 && len - begin < wanted)
        text[begin] = '\0';
}

bool text_is_uuid(const char *text)
{
    if (strlen(text) != UUID_SIZE - 1)
        return false;
    for (int i = 0; i < UUID_SIZE - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* Letters, digits and the bytes of more stay. */
static char *encode(struct job *job, const char *text, const char *more)
{
    char *out = job_alloc(job, 3 * strlen(text) + 1);
    char *at = out;

    for (; *text != '\0'; text++) {
        if (is_plain(*text) || strchr(more, *text) != NULL)
            *at++ = *text;
        else
            at += sprintf(at, "%%%02X", (unsigned char)*text);
    }
    return out;
}

char *text_encode(struct job *job, const char *text)
{
    return encode(job, text, "-._~");
}

char *text_encode_path(struct job *job, const char *text)
{
    return encode(job, text, "-._~/()$,:@!*'=+;&");
}

char *text_encode_link(struct job *job, const char *text)
{
    char *out = job_alloc(job, 3 * strlen(text) + 1);
    char *at = out;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_encoded = c == '%' && isxdigit((unsigned char)text[1]) &&
                          isxdigit((unsigned char)text[2]);
        if (c > ' ' && c < 0x7f && (is_encoded || strchr("%<>\"{}|\\^`", c) == NULL))
            *at++ = *text;
        else
            at += sprintf(at, "%%%02X", c);
    }
    return out;
}

static int value_of(char c)
{
    if (c == '+')
        c = '-';
    if (c == '/')
        c = '_';
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

char *text_from_base64(struct job *job, const char *text)
{
    char *out = job_alloc(job, strlen(text) + 1);
    size_t len = 0;
    unsigned bits = 0;
    int have = 0;

    for (; *text != '\0' && *text != '='; text++) {
        int value = value_of(*text);
        if (value < 0)
            return NULL;
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out[len] = (char)(bits >> have & 0xff);
        if (out[len++] == '\0')
            return NULL;
    }
    return out;
}

void text_random(struct job *job, char *out, size_t count)
{
    job->host->random(out, count);
    for (size_t i = 0; i < count; i++)
        out[i] = alphabet[(unsigned char)out[i] & 63];
    out[count] = '\0';
}

void text_uuid(struct job *job, char out[UUID_SIZE])
{
    unsigned char b[16];

    job->host->random(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, UUID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
             b[13], b[14], b[15]);
}

/* Seconds of the unit that text begins with; 0 when it is none. "ms" has no whole ones. */
static double unit_s(const char *text, size_t *len)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {
        { "ms", 0.001 }, { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 },
    };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        *len = strlen(units[i].name);
        if (strncmp(text, units[i].name, *len) == 0)
            return units[i].seconds;
    }
    return 0;
}

/* Takes "1.5h" off the front of *text, and adds its seconds to *sum. */
static bool take_part(const char **text, double *sum)
{
    size_t digits = strspn(*text, "0123456789.");
    size_t len = 0;
    double unit = digits > 0 ? unit_s(*text + digits, &len) : 0;

    *sum += strtod(*text, NULL) * unit;
    *text += digits + len;
    return unit > 0;
}

bool text_duration(const char *text, int64_t *seconds)
{
    double sum = 0;

    *seconds = 0;
    do {
        if (!take_part(&text, &sum))
            return false;
    } while (*text != '\0');
    if (sum < 1 || sum > DURATION_MAX_S)
        return false;
    *seconds = (int64_t)sum;
    return true;
}

char *text_parameter(struct job *job, const char *header, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = header; at != NULL && *at != '\0'; at++) {
        bool is_start = at == header || at[-1] == ' ' || at[-1] == ',';
        if (!is_start || strncasecmp(at, name, len) != 0 || at[len] != '=')
            continue;
        const char *value = at + len + 1;
        if (*value == '"') {
            const char *end = strchr(++value, '"');
            return end != NULL ? job_text(job, "%.*s", (int)(end - value), value) : NULL;
        }
        return job_text(job, "%.*s", (int)strcspn(value, ", "), value);
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "util.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include <sodium.h>

void *xcalloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        abort();
    return memory;
}

char *xstrdup(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

char *text_format(const char *fmt, ...)
{
    char *text;
    va_list args;

    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        abort();
    return text;
}

bool text_is(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

bool text_contains(const char *text, const char *part)
{
    return text != NULL && strcasestr(text, part) != NULL;
}

bool text_starts(const char *text, const char *prefix)
{
    return text != NULL && strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool scope_covers(const char *scope, const char *id)
{
    size_t len = strlen(scope);

    while (len > 0 && scope[len - 1] == '/')
        len--;
    return strncasecmp(scope, id, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

bool wildcard_fits(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *resume = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static char *to_base64(const char *text, int variant)
{
    size_t size = sodium_base64_encoded_len(strlen(text), variant);
    char *out = xcalloc(1, size);

    sodium_bin2base64(out, size, (const unsigned char *)text, strlen(text), variant);
    return out;
}

char *text_base64(const char *text)
{
    return to_base64(text, sodium_base64_VARIANT_ORIGINAL);
}

char *text_base64url(const char *text)
{
    return to_base64(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

char *text_from_base64url(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    char *out = xcalloc(1, len + 1);
    size_t used = 0;

    if (len > 0 && sodium_base642bin((unsigned char *)out, len, text, len, NULL, &used,
                                     NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0)
        return out;
    free(out);
    return NULL;
}

bool is_uuid(const char *text)
{
    if (text == NULL || strlen(text) != UUID_SIZE - 1)
        return false;
    for (int i = 0; i < UUID_SIZE - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_steady_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void time_text(char out[TIME_SIZE], int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    size_t len = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + len, TIME_SIZE - len, ".%03dZ", (int)(unix_ms % 1000));
}

void hex_make(char *out, size_t bytes)
{
    unsigned char chance[64];

    if (bytes > sizeof chance || getrandom(chance, bytes, 0) != (ssize_t)bytes)
        abort();
    for (size_t i = 0; i < bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", chance[i]);
}

void uuid_make(char out[UUID_SIZE])
{
    char hex[33];

    hex_make(hex, 16);
    hex[12] = '4';
    hex[16] = "89ab"[hex[16] % 4];
    snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

cJSON *json_get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(json_get(object, name));
}

bool json_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(json_get(object, name));
}

double json_number(const cJSON *object, const char *name, double otherwise)
{
    const cJSON *item = json_get(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

void json_set(cJSON *object, const char *name, cJSON *item)
{
    cJSON_bool is_kept = json_get(object, name) != NULL
                             ? cJSON_ReplaceItemInObjectCaseSensitive(object, name, item)
                             : cJSON_AddItemToObject(object, name, item);

    if (!is_kept)
        cJSON_Delete(item);
}

void json_set_text(cJSON *object, const char *name, const char *text)
{
    json_set(object, name, cJSON_CreateString(text));
}

void json_copy(cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *item = json_get(from, name);

    if (item != NULL)
        json_set(to, name, cJSON_Duplicate(item, true));
}

cJSON *json_find(const cJSON *array, const char *name, const char *text)
{
    cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        if (text_is(json_text(item, name), text))
            return item;
    }
    return NULL;
}

cJSON *json_merge(cJSON *target, const cJSON *patch)
{
    if (cJSON_IsNull(patch)) {
        cJSON_Delete(target);
        return NULL;
    }
    if (!cJSON_IsObject(patch)) {
        cJSON_Delete(target);
        return cJSON_Duplicate(patch, true);
    }
    if (!cJSON_IsObject(target)) {
        cJSON_Delete(target);
        target = cJSON_CreateObject();
    }
    const cJSON *change;
    cJSON_ArrayForEach(change, patch)
    {
        cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(target, change->string);
        cJSON *merged = json_merge(old, change);
        if (merged != NULL)
            cJSON_AddItemToObject(target, change->string, merged);
    }
    return target;
}

/* FNV-1a of the id or name. */
static uint32_t hash_of(const cJSON *item)
{
    const char *text =
        json_text(item, "id") ? json_text(item, "id") : json_text(item, "name");
    uint32_t hash = 2166136261U;

    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

cJSON *list_in_opaque_order(cJSON *list)
{
    cJSON *sorted = cJSON_CreateArray();

    while (cJSON_GetArraySize(list) > 0) {
        int lowest = 0;
        for (int i = 1; i < cJSON_GetArraySize(list); i++) {
            if (hash_of(cJSON_GetArrayItem(list, i)) <
                hash_of(cJSON_GetArrayItem(list, lowest)))
                lowest = i;
        }
        cJSON_AddItemToArray(sorted, cJSON_DetachItemFromArray(list, lowest));
    }
    cJSON_Delete(list);
    return sorted;
}

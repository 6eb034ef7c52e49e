/* SPDX-License-Identifier: Apache-2.0 */
#include "cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

static void mask(struct cidr *cidr)
{
    for (int bit = cidr->bits; bit < 128; bit++)
        cidr->bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

static bool parse_bits(const char *text, int max, int *bits)
{
    char *end;

    if (text[0] < '0' || text[0] > '9' || strlen(text) > 3)
        return false;
    long value = strtol(text, &end, 10);
    *bits = (int)value;
    return *end == '\0' && value <= max;
}

bool cidr_parse(struct cidr *cidr, const char *text)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");

    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    *cidr = (struct cidr){ .is_v6 = strchr(address, ':') != NULL };
    int max = cidr->is_v6 ? 128 : 32;
    cidr->bits = max;
    if (inet_pton(cidr->is_v6 ? AF_INET6 : AF_INET, address, cidr->bytes) != 1)
        return false;
    if (text[len] == '/' && !parse_bits(text + len + 1, max, &cidr->bits))
        return false;
    mask(cidr);
    return true;
}

bool cidr_overlaps(const struct cidr *a, const struct cidr *b)
{
    struct cidr left = *a;
    struct cidr right = *b;

    if (a->is_v6 != b->is_v6)
        return false;
    left.bits = right.bits = a->bits < b->bits ? a->bits : b->bits;
    mask(&left);
    mask(&right);
    return memcmp(left.bytes, right.bytes, sizeof left.bytes) == 0;
}

static const char *cidr_text(struct job *job, const struct cidr *cidr)
{
    char address[INET6_ADDRSTRLEN];

    inet_ntop(cidr->is_v6 ? AF_INET6 : AF_INET, cidr->bytes, address, sizeof address);
    return job_text(job, "%s/%d", address, cidr->bits);
}

const char *cidr_spelling(struct job *job, const char *text)
{
    struct cidr cidr;

    return cidr_parse(&cidr, text) ? cidr_text(job, &cidr) : text;
}

static int compare(const void *left, const void *right)
{
    const struct cidr *a = left;
    const struct cidr *b = right;

    if (a->is_v6 != b->is_v6)
        return a->is_v6 ? 1 : -1;
    int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return order != 0 ? order : a->bits - b->bits;
}

bool cidr_same(const struct cidr *a, const struct cidr *b)
{
    return compare(a, b) == 0;
}

static size_t unique(struct cidr *cidrs, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare(&cidrs[kept - 1], &cidrs[i]) != 0)
            cidrs[kept++] = cidrs[i];
    }
    return kept;
}

struct cidr_list *cidr_args(struct job *job)
{
    const cJSON *ips = json_get(job->args, "ips");
    const cJSON *item;
    struct cidr_list *list = job_alloc(job, sizeof *list);

    if (cJSON_GetArraySize(ips) > IPS_MAX) {
        job_fail(job, CORDON_REFUSED, "TooMany", "ips has more than %d addresses", IPS_MAX);
        return NULL;
    }
    list->cidrs = job_alloc(job, (IPS_MAX + 1) * sizeof list->cidrs[0]);
    cJSON_ArrayForEach(item, ips)
    {
        if (!cJSON_IsString(item) ||
            !cidr_parse(&list->cidrs[list->count++], item->valuestring)) {
            job_fail(job, CORDON_REFUSED, "BadAddress",
                     "%.60s is no address; want 203.0.113.7 or 203.0.113.0/24",
                     cJSON_IsString(item) ? item->valuestring : "a member of ips");
            return NULL;
        }
    }
    qsort(list->cidrs, list->count, sizeof list->cidrs[0], compare);
    list->count = unique(list->cidrs, list->count);
    list->texts = job_alloc(job, (list->count + 1) * sizeof list->texts[0]);
    for (size_t i = 0; i < list->count; i++)
        list->texts[i] = cidr_text(job, &list->cidrs[i]);
    return list;
}

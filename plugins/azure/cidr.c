/* SPDX-License-Identifier: Apache-2.0 */
#include "cidr.h"

#include <inttypes.h>
#include <string.h>

#include "job.h"

enum { COUNT_BITS = 53 }; /* more than these JSON numbers do not hold */

bool cidr_parse(struct cordon_ip *ip, const char *text)
{
    return cordon_ip_parse(text, strlen(text), ip);
}

bool cidr_same(const struct cordon_ip *a, const struct cordon_ip *b)
{
    return cordon_ip_compare(a, b) == 0;
}

static const char *cidr_text(struct job *job, const struct cordon_ip *ip)
{
    char shown[CORDON_IP_SHOWN];

    cordon_ip_show(ip, shown);
    if (!cordon_ip_is_host(ip))
        return job_text(job, "%s", shown);
    return job_text(job, "%s/%d", shown, ip->bits);
}

const char *cidr_spelling(struct job *job, const char *text)
{
    struct cordon_ip ip;

    return cordon_ip_read(text, strlen(text), &ip) ? cidr_text(job, &ip) : text;
}

static struct cidr_list *cidr_new(struct job *job, size_t room)
{
    struct cidr_list *list = job_alloc(job, sizeof *list);

    list->ips = job_alloc(job, (room + 1) * sizeof list->ips[0]);
    list->texts = job_alloc(job, (room + 1) * sizeof list->texts[0]);
    return list;
}

static void cidr_add(struct cidr_list *list, const struct cordon_ip *ip, const char *text)
{
    list->ips[list->count] = *ip;
    list->texts[list->count++] = text;
    list->v4_count += !ip->is_v6;
}

static bool refuse(struct job *job, const cJSON *item)
{
    job_fail(job, CORDON_REFUSED, "BadAddress",
             "%.60s is no address; want 203.0.113.7 or 203.0.113.0/24",
             cJSON_IsString(item) ? item->valuestring : "a member of ips");
    return false;
}

static bool read_ips(struct job *job, const cJSON *texts, struct cordon_ip *ips)
{
    const cJSON *item;
    size_t count = 0;

    cJSON_ArrayForEach(item, texts)
    {
        if (!cJSON_IsString(item) || !cidr_parse(&ips[count++], item->valuestring))
            return refuse(job, item);
    }
    return true;
}

struct cidr_list *cidr_args(struct job *job)
{
    const cJSON *texts = json_get(job->args, "ips");
    size_t count = (size_t)cJSON_GetArraySize(texts);

    if (count > IPS_MAX) {
        job_fail(job, CORDON_REFUSED, "TooMany", "ips has more than %d addresses", IPS_MAX);
        return NULL;
    }
    struct cordon_ip *ips = job_alloc(job, (count + 1) * sizeof *ips);
    if (!read_ips(job, texts, ips))
        return NULL;
    count = cordon_ip_merge(ips, count);
    struct cidr_list *list = cidr_new(job, count);
    for (size_t i = 0; i < count; i++)
        cidr_add(list, &ips[i], cidr_text(job, &ips[i]));
    return list;
}

struct cidr_list *cidr_written(struct job *job, const cJSON *written)
{
    struct cidr_list *list = cidr_new(job, (size_t)cJSON_GetArraySize(written));
    const cJSON *item;
    struct cordon_ip ip;

    cJSON_ArrayForEach(item, written)
    {
        const char *text = cJSON_IsString(item) ? item->valuestring : item->string;
        if (text != NULL && cidr_parse(&ip, text))
            cidr_add(list, &ip, text);
    }
    return list;
}

struct cidr_list *cidr_family(struct job *job, const struct cidr_list *list, bool is_v6)
{
    struct cidr_list *family = cidr_new(job, list->count);

    for (size_t i = 0; i < list->count; i++)
        if ((list->ips[i].is_v6 != 0) == is_v6)
            cidr_add(family, &list->ips[i], list->texts[i]);
    return family;
}

int64_t cidr_count(const struct cidr_list *list)
{
    const int64_t most = (INT64_C(1) << COUNT_BITS) - 1;
    int64_t sum = 0;

    for (size_t i = 0; i < list->count && sum < most; i++)
        sum += cordon_ip_count(&list->ips[i]);
    return sum < most ? sum : most;
}

const char *cidr_words(struct job *job, const struct cidr_list *list)
{
    int64_t count = cidr_count(list);

    if (count == (int64_t)list->count)
        return job_text(job, "%zu address%s", list->count, list->count == 1 ? "" : "es");
    return job_text(job, "%zu prefix%s with %" PRId64 " addresses", list->count,
                    list->count == 1 ? "" : "es", count);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what plugins read from strangers, without a plugin's host: an answer of Azure
 * Storage, which is XML; an address or a range of them; and a text of an alert in each form
 * that messages have. What was found lies in what came; a range has one spelling; and nothing
 * in a message can be taken for its end, for markup or for a header. */
#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/azure/cidr.h"
#include "../../plugins/azure/job.h"
#include "../../plugins/azure/xml.h"
#include "../../plugins/notify/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALLOCS_MAX = 400 * 1000, MESSAGE_MAX = 400, LINE_MAX_LEN = 998 }; /* RFC 5322 */

/* -- A call's memory ------------------------------------------------------------------------ */

static void *allocs[ALLOCS_MAX];
static size_t allocs_count;

void *job_alloc(struct job *job, size_t size)
{
    (void)job;
    assert(allocs_count < ALLOCS_MAX);
    allocs[allocs_count] = calloc(1, size);
    return allocs[allocs_count++];
}

char *job_text(struct job *job, const char *fmt, ...)
{
    va_list args;
    char text[MESSAGE_MAX];

    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof text);
    return memcpy(job_alloc(job, (size_t)len + 1), text, (size_t)len + 1);
}

void job_fail(struct job *job, enum cordon_status status, const char *code, const char *fmt,
              ...)
{
    (void)job, (void)status, (void)code, (void)fmt;
    abort(); /* what is tried here fails by its return value */
}

const cJSON *json_get(const cJSON *object, const char *name)
{
    (void)object, (void)name;
    return NULL;
}

static void free_all(void)
{
    while (allocs_count > 0)
        free(allocs[--allocs_count]);
}

/* -- What is read --------------------------------------------------------------------------- */

static void look_at(const struct xml *element, int depth)
{
    for (; element != NULL; element = element->next) {
        assert(depth <= XML_DEPTH_MAX);
        assert(strlen(element->name) <= XML_NAME_MAX);
        assert(strlen(element->text) == element->text_len);
        look_at(element->first, depth + 1);
    }
}

static void try_xml(const char *text)
{
    struct xml *root = NULL;
    const char *why = NULL;

    if (!xml_read(NULL, text, strlen(text), &root, &why))
        assert(why != NULL);
    look_at(root, 1);
}

static void try_cidr(const char *text)
{
    struct cordon_ip ip, again;

    if (!cidr_parse(&ip, text)) {
        assert(cidr_spelling(NULL, text) == text);
        return;
    }
    assert(ip.bits <= cordon_ip_width(&ip));
    assert(cidr_parse(&again, cidr_spelling(NULL, text)) && cidr_same(&ip, &again));
    assert(cordon_ip_overlaps(&ip, &again));
}

/* -- What is written ------------------------------------------------------------------------ */

static bool has(const struct text *text, const char *bytes)
{
    return text->ptr != NULL && strpbrk(text->ptr, bytes) != NULL;
}

/* Each line break is followed by a blank, and no line is longer than mail may have. */
static void check_folded(const struct text *text)
{
    const char *line = text_of(text), *end;

    while ((end = strstr(line, "\r\n")) != NULL) {
        assert(end - line <= LINE_MAX_LEN && (end[2] == ' ' || end[2] == '\t'));
        line = end + 2;
    }
    assert(strlen(line) <= LINE_MAX_LEN && strpbrk(line, "\r\n") == NULL);
}

static void try_message(const char *from)
{
    struct text clean = { 0 }, html = { 0 }, slack = { 0 }, header = { 0 };

    text_add_clean(&clean, from, MESSAGE_MAX, false);
    assert(clean.len <= MESSAGE_MAX && !has(&clean, "\r\n\t\x1b\x7f"));
    text_add_html(&html, from);
    assert(!has(&html, "\"'\n"));
    for (const char *tag = text_of(&html); (tag = strchr(tag, '<')) != NULL; tag++)
        assert(strncmp(tag, "<br>", 4) == 0);
    text_add_mrkdwn(&slack, from, MESSAGE_MAX);
    assert(slack.len <= MESSAGE_MAX && !has(&slack, "<>"));
    text_add_header(&header, from);
    check_folded(&header);
    text_free(&clean);
    text_free(&html);
    text_free(&slack);
    text_free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memcpy(calloc(1, size + 1), data, size);

    try_xml(text);
    try_cidr(text);
    try_message(text);
    free_all();
    free(text);
    return 0;
}

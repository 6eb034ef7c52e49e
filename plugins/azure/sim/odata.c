/* SPDX-License-Identifier: Apache-2.0 */
#include "odata.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum { TERMS_MAX = 8, TEXT_MAX = 256, MESSAGE_SIZE = 512 };

/* -- $filter: MEMBER OPERATOR VALUE, joined by "and" --------------------------------------- */

struct term {
    char member[TEXT_MAX];
    char operator[4];
    char value[TEXT_MAX];
};

struct filter {
    struct term terms[TERMS_MAX];
    int count;
};

/* A word up to a blank, or text in single quotes. */
static bool take_word(const char **at, char *out)
{
    size_t len;

    *at += strspn(*at, " ");
    bool is_quoted = **at == '\'';
    *at += is_quoted;
    len = strcspn(*at, is_quoted ? "'" : " ");
    if (len == 0 || len >= TEXT_MAX || (is_quoted && (*at)[len] != '\''))
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len + is_quoted;
    return true;
}

static bool is_operator(const char *word)
{
    static const char *const known[] = { "eq", "ne", "ge", "gt", "le", "lt", NULL };

    for (int i = 0; known[i] != NULL; i++) {
        if (strcmp(known[i], word) == 0)
            return true;
    }
    return false;
}

static bool read_filter(struct filter *filter, const char *text)
{
    char word[TEXT_MAX];

    *filter = (struct filter){ 0 };
    while (text != NULL) {
        struct term *term = &filter->terms[filter->count];
        if (filter->count++ == TERMS_MAX || !take_word(&text, term->member) ||
            !take_word(&text, word) || !is_operator(word) || !take_word(&text, term->value))
            return false;
        memcpy(term->operator, word, sizeof term->operator);
        text += strspn(text, " ");
        if (*text == '\0')
            return true;
        if (!take_word(&text, word) || strcmp(word, "and") != 0)
            return false;
    }
    return true;
}

static bool fits_term(const cJSON *item, const struct term *term)
{
    const char *text = json_text(item, term->member);
    int order = text != NULL ? strcmp(text, term->value) : -1;

    if (term->operator[0] == 'e')
        return text != NULL && order == 0;
    if (term->operator[0] == 'n')
        return order != 0;
    if (text == NULL)
        return false;
    bool or_equal = term->operator[1] == 'e';
    return (or_equal && order == 0) || (term->operator[0] == 'g' ? order > 0 : order<0);
}

static bool fits(const cJSON *item, const struct filter *filter)
{
    for (int i = 0; i < filter->count; i++) {
        if (!fits_term(item, &filter->terms[i]))
            return false;
    }
    return true;
}

static void apply_filter(cJSON *items, const struct filter *filter)
{
    for (int i = cJSON_GetArraySize(items) - 1; i >= 0; i--) {
        if (!fits(cJSON_GetArrayItem(items, i), filter))
            cJSON_DeleteItemFromArray(items, i);
    }
}

/* -- The other options --------------------------------------------------------------------- */

/* Orders by one member; takes and gives back items. */
static cJSON *apply_order(cJSON *items, const char *text)
{
    char member[TEXT_MAX];

    if (text == NULL)
        return items;
    snprintf(member, sizeof member, "%.*s", (int)strcspn(text, " "), text);
    bool is_down = text_contains(text, " desc");
    cJSON *sorted = cJSON_CreateArray();
    while (cJSON_GetArraySize(items) > 0) {
        int best = 0;
        for (int i = 1; i < cJSON_GetArraySize(items); i++) {
            const char *a = json_text(cJSON_GetArrayItem(items, i), member);
            const char *b = json_text(cJSON_GetArrayItem(items, best), member);
            int order = strcmp(a != NULL ? a : "", b != NULL ? b : "");
            best = (is_down ? order > 0 : order < 0) ? i : best;
        }
        cJSON_AddItemToArray(sorted, cJSON_DetachItemFromArray(items, best));
    }
    cJSON_Delete(items);
    return sorted;
}

static bool is_selected(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        at += strspn(at, " ");
        if (strncmp(at, name, len) == 0 && strchr(", ", at[len]) != NULL)
            return true;
    }
    return false;
}

static void apply_select(cJSON *item, const char *list)
{
    cJSON *member = item->child;

    while (list != NULL && member != NULL) {
        cJSON *next = member->next;
        if (!is_selected(list, member->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(item, member));
        member = next;
    }
}

static bool read_number(const struct request *request, const char *name, int *out)
{
    const char *text = request_query(request, name);
    char *end;

    if (text == NULL)
        return true;
    long number = strtol(text, &end, 10);
    *out = (int)number;
    return end != text && *end == '\0' && number >= 0 && number <= 100000;
}

static void add_context(const struct request *request, cJSON *json, const char *collection,
                        const char *end)
{
    char *context = text_format("%s/v1.0/$metadata#%s%s", request->base, collection, end);

    cJSON_AddStringToObject(json, "@odata.context", context);
    free(context);
}

/* -- Pages --------------------------------------------------------------------------------- */

struct next_link {
    const struct request *request;
    char *text;
};

static char *encode(const char *text)
{
    char *out = xcalloc(3, strlen(text) + 1);
    char *at = out;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c > ' ' && c < 0x7f && strchr("%&+#\"'", c) == NULL)
            *at++ = (char)c;
        else
            at += snprintf(at, 4, "%%%02X", c);
    }
    return out;
}

static void add_option(const char *name, void *arg)
{
    struct next_link *link = arg;

    if (text_is(name, "$skip") || text_is(name, "$skiptoken"))
        return;
    const char *value = request_query(link->request, name);
    char *encoded = encode(value != NULL ? value : "");
    char *longer = text_format("%s&%s=%s", link->text, name, encoded);
    free(encoded);
    free(link->text);
    link->text = longer;
}

static void add_next_link(const struct request *request, cJSON *json, int from)
{
    struct next_link link = {
        .request = request,
        .text = text_format("%s%s?$skiptoken=%d", request->base, request->path, from),
    };

    request_each_query(request, add_option, &link);
    cJSON_AddStringToObject(json, "@odata.nextLink", link.text);
    free(link.text);
}

static bool read_page(const struct request *request, int size_max, int *from, int *size)
{
    int top = size_max;
    int skip = 0;
    int token = 0;

    if (!read_number(request, "$top", &top) || !read_number(request, "$skip", &skip) ||
        !read_number(request, "$skiptoken", &token) || top == 0)
        return false;
    *from = token > 0 ? token : skip;
    *size = request->sim->settings.page_size;
    if (*size == 0 || *size > size_max)
        *size = size_max;
    if (top < *size)
        *size = top;
    return true;
}

static void reply_page(struct request *request, struct reply *reply, cJSON *items,
                       const char *collection, int from, int size)
{
    int total = cJSON_GetArraySize(items);
    cJSON *json = cJSON_CreateObject();
    cJSON *item;

    for (int i = 0; i < from && i < total; i++)
        cJSON_DeleteItemFromArray(items, 0);
    while (cJSON_GetArraySize(items) > size)
        cJSON_DeleteItemFromArray(items, size);
    add_context(request, json, collection, "");
    if (text_is(request_query(request, "$count"), "true"))
        cJSON_AddNumberToObject(json, "@odata.count", total);
    if (from + size < total)
        add_next_link(request, json, from + size);
    cJSON_ArrayForEach(item, items)
    {
        apply_select(item, request_query(request, "$select"));
    }
    cJSON_AddItemToObject(json, "value", items);
    reply_json(reply, 200, json);
}

void odata_reply_list(struct request *request, struct reply *reply, cJSON *items,
                      const char *collection, int size_max)
{
    struct filter filter;
    int from;
    int size;

    if (!read_filter(&filter, request_query(request, "$filter"))) {
        odata_error(request, reply, 400, "BadRequest",
                    "Invalid filter clause: the simulator reads MEMBER eq|ne|ge|gt|le|lt "
                    "VALUE, joined by and");
    } else if (!read_page(request, size_max, &from, &size)) {
        odata_error(request, reply, 400, "BadRequest",
                    "$top, $skip and $skiptoken have to be numbers");
    } else {
        if (request->sim->settings.list_order == ORDER_OPAQUE)
            items = list_in_opaque_order(items);
        apply_filter(items, &filter);
        items = apply_order(items, request_query(request, "$orderby"));
        reply_page(request, reply, items, collection, from, size);
        return;
    }
    cJSON_Delete(items);
}

void odata_reply_item(struct request *request, struct reply *reply, cJSON *item,
                      const char *collection)
{
    apply_select(item, request_query(request, "$select"));
    add_context(request, item, collection, "/$entity");
    reply_json(reply, 200, item);
}

void odata_error(struct request *request, struct reply *reply, int status, const char *code,
                 const char *fmt, ...)
{
    char message[MESSAGE_SIZE];
    char now[TIME_SIZE];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    reply_error(reply, status, code, "%s", message);
    time_text(now, clock_ms());
    cJSON *inner = cJSON_AddObjectToObject(json_get(reply->json, "error"), "innerError");
    const char *id = reply_header_get(reply, "request-id");
    cJSON_AddStringToObject(inner, "date", now);
    cJSON_AddStringToObject(inner, "request-id", id != NULL ? id : "");
    cJSON_AddStringToObject(inner, "client-request-id",
                            request->client_request_id != NULL ? request->client_request_id
                            : id != NULL                       ? id
                                                               : "");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "job.h"
#include "text.h"
#include "xml.h"

enum {
    SENTENCES_MAX = 4,
    CODE_MAX = 100,
    NAME_SHOWN_MAX = 120,
    TITLE_MAX = 100,
    SNIFF_MAX = 1024
};

/* What has been read of one answer by now. */
struct reading {
    struct job *job;
    struct fault *fault;
    const char *sentences[SENTENCES_MAX];
    size_t count;
    const char *policy, *assignment; /* names; NULL */
};

/* -- Texts ----------------------------------------------------------------------------- */

/* The bytes of the UTF-8 character at text, 0 when it is none. */
static size_t character_len(const char *text, size_t left, uint32_t *code)
{
    unsigned char c = (unsigned char)text[0];
    size_t len = c < 0x80   ? 1
                 : c < 0xc2 ? 0
                 : c < 0xe0 ? 2
                 : c < 0xf0 ? 3
                 : c < 0xf5 ? 4
                            : 0;

    if (len == 0 || len > left)
        return 0;
    *code = len == 1 ? c : c & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    bool is_long = (len == 3 && *code < 0x800) || (len == 4 && *code < 0x10000);
    bool is_none = (*code >= 0xd800 && *code < 0xe000) || *code > 0x10ffff;
    return is_long || is_none ? 0 : len;
}

/* Blanks, controls, line separators, and what turns the direction of a line. */
static bool is_blank(uint32_t code)
{
    return code <= ' ' || (code >= 0x7f && code <= 0xa0) ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

char *fault_clean(struct job *job, const char *text, size_t len, size_t max)
{
    static const char cut[] = "...";
    char *out = job_alloc(job, max + sizeof cut);
    size_t used = 0, room = max - (sizeof cut - 1), whole = 0;
    bool has_gap = false;

    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t n = character_len(text + at, len - at, &code);
        if (n > 0 && is_blank(code)) {
            has_gap = used > 0;
            at += n;
            continue;
        }
        if (used + has_gap + (n > 0 ? n : 1) > max) {
            memcpy(out + whole, cut, sizeof cut);
            return out;
        }
        if (has_gap)
            out[used++] = ' ';
        has_gap = false;
        memcpy(out + used, n > 0 ? text + at : "?", n > 0 ? n : 1);
        used += n > 0 ? n : 1;
        at += n > 0 ? n : 1;
        if (used <= room)
            whole = used;
    }
    out[used] = '\0';
    return out;
}

static void add_code(struct reading *reading, const char *text)
{
    struct fault *fault = reading->fault;
    const char *code = fault_clean(reading->job, text, strlen(text), CODE_MAX);

    if (code[0] == '\0')
        return;
    if (fault->code[0] == '\0')
        fault->code = code;
    if (fault->count < FAULT_CODES_MAX && !fault_has(fault, code))
        fault->codes[fault->count++] = code;
}

/* The same sentence is often there twice, once with more around it. */
static void add_sentence(struct reading *reading, const char *text, size_t len)
{
    const char *sentence = fault_clean(reading->job, text, len, FAULT_MESSAGE_MAX);

    if (sentence[0] == '\0')
        return;
    for (size_t i = 0; i < reading->count; i++) {
        if (strstr(reading->sentences[i], sentence) != NULL)
            return;
        if (strstr(sentence, reading->sentences[i]) != NULL) {
            reading->sentences[i] = sentence;
            return;
        }
    }
    if (reading->count < SENTENCES_MAX)
        reading->sentences[reading->count++] = sentence;
}

/* -- JSON ------------------------------------------------------------------------------ */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItem(object, name) : NULL;
}

/* A text, also as {"lang","value"}; a number in words; "" for anything else. */
static const char *text_in(struct job *job, const cJSON *item)
{
    if (cJSON_IsObject(item))
        item = member(item, "value");
    if (cJSON_IsNumber(item))
        return job_text(job, "%.0f", item->valuedouble);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static const char *first_text(struct job *job, const cJSON *object,
                              const char *const *names)
{
    const char *text = "";

    for (; *names != NULL && text[0] == '\0'; names++)
        text = text_in(job, member(object, *names));
    return text;
}

static void read_error(struct reading *reading, const cJSON *item, int depth);

/* Some messages are JSON in a text, with the reason in it. */
static void read_text(struct reading *reading, const char *text, int depth)
{
    const char *start = text + strspn(text, " \r\n\t");
    cJSON *json = *start == '{' && depth < FAULT_DEPTH_MAX ? cJSON_Parse(start) : NULL;

    if (json != NULL)
        read_error(reading, job_own(reading->job, json), depth + 1);
    else
        add_sentence(reading, text, strlen(text));
}

static void take_name(struct reading *reading, const char **name, const char *text)
{
    if (text[0] != '\0' && *name == NULL)
        *name = fault_clean(reading->job, text, strlen(text), NAME_SHOWN_MAX);
}

/* additionalInfo: the policy and its assignment, by the name that people gave them. */
static void read_policies(struct reading *reading, const cJSON *list)
{
    static const char *const policies[] = { "policyDefinitionDisplayName",
                                            "policyDefinitionName",
                                            "policySetDefinitionDisplayName",
                                            "policySetDefinitionName", NULL };
    static const char *const assignments[] = { "policyAssignmentDisplayName",
                                               "policyAssignmentName", NULL };
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const cJSON *info = member(item, "info");
        take_name(reading, &reading->policy, first_text(reading->job, info, policies));
        take_name(reading, &reading->assignment,
                  first_text(reading->job, info, assignments));
    }
}

/* Without additionalInfo the names are JSON behind "Policy identifiers:" in the message. */
static void read_identifiers(struct reading *reading, const char *text)
{
    static const char mark[] = "olicy identifiers: '";
    const char *at = strstr(text, mark);
    cJSON *json =
        at != NULL ? cJSON_ParseWithOpts(at + sizeof mark - 1, NULL, false) : NULL;
    const cJSON *item;

    cJSON_ArrayForEach(item, json)
    {
        take_name(reading, &reading->policy,
                  text_in(reading->job, member(member(item, "policyDefinition"), "name")));
        take_name(reading, &reading->assignment,
                  text_in(reading->job, member(member(item, "policyAssignment"), "name")));
    }
    cJSON_Delete(json);
}

static void read_inner(struct reading *reading, const cJSON *inner, int depth)
{
    const char *code = text_in(reading->job, member(inner, "code"));

    if (code[0] != '\0')
        reading->fault->inner = fault_clean(reading->job, code, strlen(code), CODE_MAX);
    read_error(reading, inner, depth);
}

static void read_parts(struct reading *reading, const cJSON *object, int depth)
{
    static const char *const parts[] = { "odata.error", "errors",   "details",
                                         "ErrorEntity", "response", NULL };
    const cJSON *properties = member(object, "properties");

    for (const char *const *part = parts; *part != NULL; part++)
        read_error(reading, member(object, *part), depth + 1);
    read_inner(reading, member(object, "innererror"), depth + 1);
    read_policies(reading, member(object, "additionalInfo"));
    read_error(reading, member(properties, "error"), depth + 1);
    read_error(reading, member(properties, "statusMessage"), depth + 1);
}

static void read_object(struct reading *reading, const cJSON *object, int depth)
{
    static const char *const codes[] = { "code", "errorCode", NULL };
    static const char *const messages[] = { "message", "errorMessage", "error_description",
                                            "detail",  "title",        "statusMessage",
                                            NULL };
    const cJSON *error = member(object, "error");
    const char *message = first_text(reading->job, object, messages);

    if (cJSON_IsString(error) && strchr(error->valuestring, ' ') == NULL)
        add_code(reading, error->valuestring); /* sign-in: a word, a sentence beside it */
    else
        read_error(reading, error, depth + 1);
    add_code(reading, first_text(reading->job, object, codes));
    add_code(reading, text_in(reading->job, member(object, "ExtendedCode")));
    read_identifiers(reading, message);
    read_text(reading, message, depth);
    read_text(reading, text_in(reading->job, member(object, "ExceptionMessage")), depth);
    read_parts(reading, object, depth);
}

static void read_error(struct reading *reading, const cJSON *item, int depth)
{
    const cJSON *one;
    int count = 0;

    if (item == NULL || depth > FAULT_DEPTH_MAX)
        return;
    if (cJSON_IsString(item))
        read_text(reading, item->valuestring, depth);
    else if (cJSON_IsObject(item))
        read_object(reading, item, depth);
    else if (cJSON_IsArray(item))
        cJSON_ArrayForEach(one, item)
        {
            if (count++ < FAULT_ITEMS_MAX)
                read_error(reading, one, depth + 1);
        }
}

/* The sign-in service puts its number in front of the sentence: AADSTS7000222: ... */
static void read_numbers(struct reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        const char *at = strstr(reading->sentences[i], "AADSTS");
        if (at != NULL)
            add_code(reading, job_text(reading->job, "AADSTS%.*s",
                                       (int)strspn(at + 6, "0123456789"), at + 6));
    }
}

/* -- XML and HTML ---------------------------------------------------------------------- */

/* What is inside of the first element of that name of a page, which is seldom XML, whatever its
 * prefix, attributes and letter case; NULL when there is none. */
static const char *find_element(const char *text, const char *name, size_t *len)
{
    size_t n = strlen(name);

    while ((text = strchr(text, '<')) != NULL) {
        const char *start = ++text;
        start += strcspn(start, ":>/ ");
        start = *start == ':' ? start + 1 : text;
        if (strncasecmp(start, name, n) != 0 || isalnum((unsigned char)start[n]))
            continue;
        const char *inside = strchr(start, '>');
        if (inside == NULL || inside[-1] == '/')
            continue;
        *len = strcspn(inside + 1, "<");
        return inside + 1;
    }
    return NULL;
}

/* "&lt;" and its like, and "&#10;"; writes the character and returns how much it stands for. */
static size_t read_entity(const char *at, char *out)
{
    static const char *const names[] = { "&amp;",  "&lt;",   "&gt;",
                                         "&quot;", "&apos;", "&nbsp;" };
    static const char means[] = "&<>\"' ";
    char *end = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(at, names[i], strlen(names[i])) == 0) {
            *out = means[i];
            return strlen(names[i]);
        }
    bool is_hex = at[1] == '#' && (at[2] == 'x' || at[2] == 'X');
    long code = at[1] == '#' ? strtol(at + (is_hex ? 3 : 2), &end, is_hex ? 16 : 10) : 0;
    *out = code > 0 && code < 0x7f ? (char)code : '?';
    return end != NULL && *end == ';' ? (size_t)(end + 1 - at) : 0;
}

static char *plain(struct job *job, const char *text, size_t len, size_t max)
{
    char *out = job_alloc(job, len + 1);
    size_t used = 0;

    for (size_t at = 0; at < len;) {
        size_t n = text[at] == '&' ? read_entity(text + at, &out[used]) : 0;
        if (n == 0) {
            out[used] = text[at];
            n = 1;
        }
        used++;
        at += n;
    }
    return fault_clean(job, out, used, max);
}

static const char *page_element(struct job *job, const char *text, const char *name,
                                size_t max)
{
    size_t len = 0;
    const char *inside = find_element(text, name, &len);

    return inside != NULL ? plain(job, inside, len, max) : "";
}

static const char *element(struct job *job, const struct xml *root, const char *name,
                           size_t max)
{
    const struct xml *found = xml_find(root, name);

    return found != NULL ? fault_clean(job, found->text, found->text_len, max) : "";
}

static void read_xml(struct reading *reading, const char *text)
{
    static const char *const messages[] = { "Message", "AuthenticationErrorDetail",
                                            "string", NULL };

    struct xml *root = NULL;
    const char *why;

    xml_read(reading->job, text, strlen(text), &root, &why); /* or what there is of it */
    add_code(reading, element(reading->job, root, "Code", CODE_MAX));
    for (const char *const *name = messages; *name != NULL; name++) {
        const char *sentence = element(reading->job, root, *name, FAULT_MESSAGE_MAX);
        add_sentence(reading, sentence, strlen(sentence));
    }
}

static const char *skip_mark(const char *text)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    return text + strspn(text, " \r\n\t");
}

static bool begins_page(const char *text)
{
    static const char *const words[] = {
        "<!doctype html", "<html", "<head", "<body", "<title", "<h1", "<h2",
        "<center",        "<p>",   "<div"
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_starts(text, words[i]))
            return true;
    return false;
}

bool fault_is_page(const struct fault_source *from)
{
    const char *text = skip_mark(from->body);
    char head[SNIFF_MAX + 1];

    if (*text == '{' || *text == '[' || *text == '\0')
        return false;
    if (from->type != NULL && text_starts(from->type, "text/html"))
        return true;
    if (*text != '<' || begins_page(text))
        return *text == '<';
    /* Behind a comment or an XML head. */
    size_t len = strnlen(text, SNIFF_MAX);
    memcpy(head, text, len);
    head[len] = '\0';
    return strcasestr(head, "<html") != NULL;
}

static const char *page_title(struct job *job, const char *text)
{
    static const char *const names[] = { "title", "h1", "h2", NULL };
    const char *title = "";

    for (const char *const *name = names; *name != NULL && title[0] == '\0'; name++)
        title = page_element(job, text, *name, TITLE_MAX);
    return title;
}

static void read_page(struct reading *reading, const struct fault_source *from)
{
    struct fault *fault = reading->fault;
    const char *title = page_title(reading->job, from->body);
    const char *named =
        title[0] != '\0'
            ? job_text(reading->job, "an HTML page with the title \"%s\"", title)
            : "an HTML page without a title";

    fault->is_foreign = !from->is_of_service;
    add_code(reading, fault->is_foreign ? "NotTheService" : "HtmlPage");
    fault->message =
        job_text(reading->job, "%s answered with %s and status %d%s",
                 fault->is_foreign ? "a proxy or gateway in between, and not the service,"
                                   : "the service",
                 named, from->status,
                 fault->is_foreign ? ": it has to let requests to the service through"
                                   : "");
}

/* -- Put together ---------------------------------------------------------------------- */

/* Named even where the sentence was cut before it. */
static const char *deny_assignment(struct reading *reading, const char *body)
{
    static const char mark[] = "deny assignment with name '";
    const char *at = strcasestr(body, mark);

    if (at == NULL)
        return NULL;
    at += sizeof mark - 1;
    const char *end = strstr(at, "' and Id");
    size_t len = end != NULL ? (size_t)(end - at) : strcspn(at, "\"\n");
    return fault_clean(reading->job, at, len, NAME_SHOWN_MAX);
}

static const char *named(struct reading *reading, const char *text, const char *what,
                         const char *name)
{
    if (name == NULL || name[0] == '\0' || strstr(text, name) != NULL)
        return text;
    return job_text(reading->job, "%s (%s \"%s\")", text, what, name);
}

static const char *joined(struct reading *reading)
{
    const char *text = reading->count > 0 ? reading->sentences[0] : "";

    for (size_t i = 1; i < reading->count; i++) {
        char last = text[strlen(text) - 1];
        text = job_text(reading->job, "%s%s%s", text,
                        last == '.' || last == ':' || last == '!' ? " " : ": ",
                        reading->sentences[i]);
    }
    return text;
}

static void put_together(struct reading *reading, const char *body)
{
    const char *deny = deny_assignment(reading, body);
    const char *whole = joined(reading);
    size_t room = FAULT_MESSAGE_MAX;

    if (deny != NULL || reading->policy != NULL || reading->assignment != NULL)
        room -= (size_t)NAME_SHOWN_MAX * 2 + 80;
    const char *text = strlen(whole) > FAULT_MESSAGE_MAX || strlen(whole) > room
                           ? fault_clean(reading->job, whole, strlen(whole), room)
                           : whole;
    text = named(reading, text, "policy", reading->policy);
    text = named(reading, text, "assignment of the policy", reading->assignment);
    reading->fault->message = named(reading, text, "deny assignment", deny);
}

static void read_headers(struct reading *reading, const struct fault_source *from)
{
    if (from->error_code != NULL)
        add_code(reading, from->error_code);
    if (reading->count > 0 || from->challenge == NULL)
        return;
    const char *why = text_parameter(reading->job, from->challenge, "error_description");
    const char *word = text_parameter(reading->job, from->challenge, "error");
    if (word != NULL)
        add_code(reading, word);
    if (why != NULL)
        add_sentence(reading, why, strlen(why));
}

static void read_body(struct reading *reading, const char *text)
{
    cJSON *json = *text == '{' || *text == '[' || *text == '"' ? cJSON_Parse(text) : NULL;

    if (json != NULL)
        read_error(reading, job_own(reading->job, json), 0);
    else if (*text == '<')
        read_xml(reading, text);
    else
        add_sentence(reading, text, strlen(text));
}

/* The part of an address that people know: its host. */
static const char *host_in(struct job *job, const char *url)
{
    const char *host = strstr(url, "://");

    host = host != NULL ? host + 3 : url;
    return fault_clean(job, host, strcspn(host, "/?#"), NAME_SHOWN_MAX);
}

/* Plain text that has no header of the service's: its own errors are JSON or XML. */
static bool is_foreign_text(const struct fault_source *from)
{
    const char *text = skip_mark(from->body);

    return !from->is_of_service && from->status >= 400 && from->status < 500 &&
           from->type != NULL && text_starts(from->type, "text/plain") && *text != '\0' &&
           strchr("{[<\"", *text) == NULL;
}

/* Who answered instead of the service, by the status or form of the answer; NULL. */
static const char *foreign_words(struct job *job, const struct fault_source *from)
{
    if (from->status == 407 || from->status == 511)
        return "a proxy in between wants a sign-in of its own";
    if (from->status >= 300 && from->status < 400 && !from->is_of_service)
        return job_text(job,
                        "a proxy or gateway in between, and not the service, answered "
                        "with a redirect%s%s",
                        from->location != NULL ? " to " : "",
                        from->location != NULL ? host_in(job, from->location) : "");
    if (is_foreign_text(from))
        return "a proxy or gateway in between, and not the service, answered with plain "
               "text";
    return NULL;
}

void fault_read(struct fault *fault, struct job *job, const struct fault_source *from)
{
    struct reading reading = { .job = job, .fault = fault };

    *fault = (struct fault){ .code = "", .inner = "", .message = "" };
    if (fault_is_page(from)) {
        read_page(&reading, from);
        return;
    }
    read_body(&reading, skip_mark(from->body));
    read_headers(&reading, from);
    read_numbers(&reading);
    put_together(&reading, from->body);
    const char *foreign = foreign_words(job, from);
    if (foreign == NULL)
        return;
    fault->is_foreign = true;
    if (fault->code[0] == '\0')
        add_code(&reading, "NotTheService");
    fault->message = job_text(job, "%s (status %d)%s%s", foreign, from->status,
                              fault->message[0] != '\0' ? ": " : "", fault->message);
}

bool fault_has(const struct fault *fault, const char *code)
{
    for (size_t i = 0; i < fault->count; i++)
        if (text_same(fault->codes[i], code))
            return true;
    return text_same(fault->inner, code);
}

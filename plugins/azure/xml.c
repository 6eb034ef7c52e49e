/* SPDX-License-Identifier: Apache-2.0 */
#include "xml.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <expat.h>

#include "job.h"

struct open_element {
    struct xml *element;
    struct xml *last; /* of its children */
    char *text;       /* malloc'd; the job gets a copy when the element ends */
    size_t text_len, text_cap;
};

struct reading {
    struct job *job;
    XML_Parser parser;
    struct xml *root;
    struct open_element open[XML_DEPTH_MAX];
    int depth, elements;
    const char *why;
};

static void stop(struct reading *reading, const char *why)
{
    if (reading->why == NULL)
        reading->why = why;
    XML_StopParser(reading->parser, XML_FALSE);
}

static struct xml *new_element(struct reading *reading, const char *name)
{
    const char *behind = strrchr(name, ':');
    struct xml *element = job_alloc(reading->job, sizeof *element);

    *element = (struct xml){
        .name = job_text(reading->job, "%s", behind != NULL ? behind + 1 : name), .text = ""
    };
    return element;
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = arg;

    (void)attributes;
    if (reading->depth == XML_DEPTH_MAX) {
        stop(reading,
             job_text(reading->job, "elements are more than %d deep (XML_DEPTH_MAX)",
                      XML_DEPTH_MAX));
        return;
    }
    if (reading->elements++ == XML_ELEMENTS_MAX) {
        stop(reading,
             job_text(reading->job, "there are more than %d elements (XML_ELEMENTS_MAX)",
                      XML_ELEMENTS_MAX));
        return;
    }
    if (strlen(name) > XML_NAME_MAX) {
        stop(reading, job_text(reading->job, "a name has more than %d bytes (XML_NAME_MAX)",
                               XML_NAME_MAX));
        return;
    }
    struct xml *element = new_element(reading, name);
    if (reading->depth == 0) {
        reading->root = element;
    } else {
        struct open_element *above = &reading->open[reading->depth - 1];
        if (above->last != NULL)
            above->last->next = element;
        else
            above->element->first = element;
        above->last = element;
    }
    reading->open[reading->depth++] = (struct open_element){ .element = element };
}

static void close_element(struct reading *reading)
{
    struct open_element *open = &reading->open[--reading->depth];

    if (open->text_len > 0) {
        char *text = job_alloc(reading->job, open->text_len + 1);
        memcpy(text, open->text, open->text_len);
        open->element->text = text;
        open->element->text_len = open->text_len;
    }
    free(open->text);
    open->text = NULL;
}

static void on_end(void *arg, const XML_Char *name)
{
    (void)name;
    close_element(arg);
}

static void on_text(void *arg, const XML_Char *text, int len)
{
    struct reading *reading = arg;
    struct open_element *open =
        reading->depth > 0 ? &reading->open[reading->depth - 1] : NULL;

    if (open == NULL)
        return;
    if (open->text_len + (size_t)len > open->text_cap) {
        size_t cap = 2 * (open->text_len + (size_t)len);
        char *more = realloc(open->text, cap);
        if (more == NULL)
            abort();
        open->text = more;
        open->text_cap = cap;
    }
    memcpy(open->text + open->text_len, text, (size_t)len);
    open->text_len += (size_t)len;
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    stop(arg, "it declares a document type, and no entity of one is read");
}

bool xml_read(struct job *job, const char *text, size_t len, struct xml **root,
              const char **why)
{
    struct reading reading = { .job = job, .parser = XML_ParserCreate(NULL) };

    if (reading.parser == NULL)
        abort();
    XML_SetUserData(reading.parser, &reading);
    XML_SetElementHandler(reading.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading.parser, on_doctype);
    bool is_read = len <= INT_MAX &&
                   XML_Parse(reading.parser, text, (int)len, XML_TRUE) == XML_STATUS_OK;
    while (reading.depth > 0)
        close_element(&reading);
    *root = reading.root;
    *why = reading.why;
    if (!is_read)
        *why = job_text(job, "line %lu, column %lu: %s",
                        (unsigned long)XML_GetCurrentLineNumber(reading.parser),
                        (unsigned long)XML_GetCurrentColumnNumber(reading.parser),
                        reading.why != NULL
                            ? reading.why
                            : XML_ErrorString(XML_GetErrorCode(reading.parser)));
    XML_ParserFree(reading.parser);
    return is_read;
}

const struct xml *xml_child(const struct xml *parent, const char *name)
{
    const struct xml *child = parent->first;

    while (child != NULL && strcmp(child->name, name) != 0)
        child = child->next;
    return child;
}

const char *xml_text(const struct xml *parent, const char *name)
{
    const struct xml *child = xml_child(parent, name);

    return child != NULL && child->first == NULL ? child->text : NULL;
}

const struct xml *xml_find(const struct xml *root, const char *name)
{
    const struct xml *found = NULL;

    if (root == NULL || strcasecmp(root->name, name) == 0)
        return root;
    for (const struct xml *child = root->first; child != NULL && found == NULL;
         child = child->next)
        found = xml_find(child, name);
    return found;
}

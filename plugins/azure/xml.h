/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - the XML that Azure Storage and gateways answer with, read by expat.
 *
 * All of XML 1.0 but a document type: whoever declares one wants entities, and is refused. A
 * name has no prefix ("m:code" is "code"), and attributes are not kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct job;

enum {
    XML_DEPTH_MAX = 32,       /* elements in one another */
    XML_ELEMENTS_MAX = 20000, /* of one document */
    XML_NAME_MAX = 200        /* bytes */
};

struct xml { /* an element; its memory is the job's */
    const char *name;
    const char *text; /* all of its own character data, entities and CDATA read */
    size_t text_len;
    struct xml *first, *next; /* its first child; the element behind it */
};

/* The document's one element. When the text is no XML, or more than the bounds allow: false, *why
 * says what and where, and *root is what was read up to there (NULL: nothing). */
bool xml_read(struct job *job, const char *text, size_t len, struct xml **root,
              const char **why);
/* The first child of that name; NULL. */
const struct xml *xml_child(const struct xml *parent, const char *name);
/* The text of the first child of that name; NULL when there is none, or it has elements. */
const char *xml_text(const struct xml *parent, const char *name);
/* The first element of that name, in any letter case, among root and what is in it; NULL. */
const struct xml *xml_find(const struct xml *root, const char *name);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - the little XML that Azure Storage answers with: elements without attributes, text, the
 * five entities. Anything else makes is_bad.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct job;

struct xml { /* what is inside of an element, borrowed */
    const char *at;
    const char *end;
    bool is_bad;
};

/* The document's one element; false when it is not called name. */
bool xml_open(struct xml *root, const char *text, const char *name);
/* The next child of that name; false when there is no more. Others are passed over. */
bool xml_next(struct xml *parent, const char *name, struct xml *child);
/* The text of the first child of that name; NULL when there is none, or it is no text. */
const char *xml_text(struct job *job, const struct xml *parent, const char *name);

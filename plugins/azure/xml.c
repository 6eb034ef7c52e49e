/* SPDX-License-Identifier: Apache-2.0 */
#include "xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

enum { NAME_MAX_LEN = 64 };

static void skip_blanks(struct xml *xml)
{
    while (xml->at < xml->end && isspace((unsigned char)*xml->at))
        xml->at++;
}

/* Past "<?xml ... ?>" and a byte order mark, if they are there. */
static void skip_head(struct xml *xml)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t len = (size_t)(xml->end - xml->at);

    if (len >= 3 && memcmp(xml->at, mark, 3) == 0)
        xml->at += 3;
    skip_blanks(xml);
    len = (size_t)(xml->end - xml->at);
    if (len < 2 || memcmp(xml->at, "<?", 2) != 0)
        return;
    const char *close = memmem(xml->at, len, "?>", 2);
    xml->at = close != NULL ? close + 2 : xml->end;
}

/* Reads "<name>" or "<name/>"; returns the name's length, 0 for what is neither. */
static size_t read_tag(struct xml *xml, const char **name, bool *is_empty)
{
    const char *at;

    skip_blanks(xml);
    at = xml->at;
    if (at == xml->end || *at != '<')
        return 0;
    *name = ++at;
    while (at < xml->end && (isalnum((unsigned char)*at) || *at == '-' || *at == '_'))
        at++;
    size_t len = (size_t)(at - *name);
    while (at < xml->end && *at == ' ')
        at++;
    *is_empty = at < xml->end && *at == '/';
    at += *is_empty;
    if (len == 0 || len > NAME_MAX_LEN || at >= xml->end || *at != '>')
        return 0;
    xml->at = at + 1;
    return len;
}

/* Where "</name>" begins that ends the element whose inside begins at xml->at. None of the
 * elements that Storage has lies in one of the same name. */
static const char *find_end(const struct xml *xml, const char *name, size_t len)
{
    const char *at = xml->at;

    while ((at = memmem(at, (size_t)(xml->end - at), "</", 2)) != NULL) {
        const char *after = at + 2 + len;
        if (after < xml->end && memcmp(at + 2, name, len) == 0 && *after == '>')
            return at;
        at += 2;
    }
    return NULL;
}

/* The next child, whatever its name. */
static size_t next_any(struct xml *parent, const char **name, struct xml *child)
{
    bool is_empty = false;

    skip_blanks(parent);
    if (parent->is_bad || parent->at == parent->end)
        return 0;
    size_t len = read_tag(parent, name, &is_empty);
    const char *end = len == 0   ? NULL
                      : is_empty ? parent->at
                                 : find_end(parent, *name, len);
    if (end == NULL) {
        parent->is_bad = true;
        return 0;
    }
    *child = (struct xml){ .at = parent->at, .end = end };
    parent->at = is_empty ? end : end + 2 + len + 1;
    return len;
}

static bool is_name(const char *text, size_t len, const char *name)
{
    return len > 0 && len == strlen(name) && memcmp(text, name, len) == 0;
}

bool xml_open(struct xml *root, const char *text, const char *name)
{
    struct xml document = { .at = text, .end = text + strlen(text) };
    const char *found = NULL;

    skip_head(&document);
    size_t len = next_any(&document, &found, root);
    skip_blanks(&document);
    return is_name(found, len, name) && document.at == document.end;
}

bool xml_next(struct xml *parent, const char *name, struct xml *child)
{
    const char *found = NULL;
    size_t len;

    while ((len = next_any(parent, &found, child)) > 0)
        if (is_name(found, len, name))
            return true;
    return false;
}

/* Writes the character that the entity at *at means, and goes past it. */
static bool read_entity(const char **at, const char *end, char *out)
{
    static const struct {
        const char *text;
        char means;
    } entities[] = {
        { "&amp;", '&' },  { "&lt;", '<' },    { "&gt;", '>' },
        { "&quot;", '"' }, { "&apos;", '\'' },
    };

    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        size_t len = strlen(entities[i].text);
        if ((size_t)(end - *at) < len || memcmp(*at, entities[i].text, len) != 0)
            continue;
        *out = entities[i].means;
        *at += len;
        return true;
    }
    return false;
}

const char *xml_text(struct job *job, const struct xml *parent, const char *name)
{
    struct xml inside = *parent, child;

    if (!xml_next(&inside, name, &child))
        return NULL;
    char *text = job_alloc(job, (size_t)(child.end - child.at) + 1);
    size_t len = 0;
    for (const char *at = child.at; at < child.end; len++) {
        if (*at == '<')
            return NULL;
        if (*at != '&')
            text[len] = *at++;
        else if (!read_entity(&at, child.end, &text[len]))
            return NULL;
    }
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/console.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/str.h"

/* CONSOLE_PAGE is the one page that core/api/page.sh makes of core/api/console/; the Makefile
 * names it, and says that this file depends on them. */
#define EMBED(NAME, FILE)                    \
    __asm__(".pushsection .rodata\n"         \
            ".global console_" NAME "\n"     \
            "console_" NAME ":\n"            \
            ".incbin \"" FILE "\"\n"         \
            ".global console_" NAME "_end\n" \
            "console_" NAME "_end:\n"        \
            ".byte 0\n"                      \
            ".popsection\n")
EMBED("page", CONSOLE_PAGE);
EMBED("icon", "core/api/console/icon.svg");

extern const char console_page[], console_page_end[], console_icon[], console_icon_end[];

struct file {
    const char *name, *type, *from, *to;
};
static const struct file page = { "", "text/html; charset=utf-8", console_page,
                                  console_page_end };
static const struct file icon = { "icon.svg", "image/svg+xml", console_icon,
                                  console_icon_end };

static struct span between(const char *from, const char *to)
{
    const char *start = strstr(console_page, from) + strlen(from);

    return (struct span){ start, (size_t)(strstr(start, to) - start) };
}

static void add_hash(struct str *out, struct span bytes)
{
    struct hash hash = hash_of(bytes.ptr, bytes.len);

    str_add_text(out, "'sha256-");
    base64_add(out, hash.bytes, sizeof hash.bytes);
    str_add_text(out, "'");
}

/* Nothing runs but our script, nothing shows but our style, each as these very bytes; nothing is
 * loaded but the icon, nothing is sent but to us, nobody frames us, and no text becomes
 * markup. */
static const char *policy(void)
{
    static struct str text;

    if (text.len > 0)
        return str_text(&text);
    str_add_text(&text, "default-src 'none'; script-src ");
    add_hash(&text, between("<script type=\"module\">", "</script>"));
    str_add_text(&text, "; style-src ");
    add_hash(&text, between("<style>", "</style>"));
    str_add_text(&text,
                 "; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri "
                 "'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
                 "trusted-types 'none'");
    return str_text(&text);
}

static void serve_file(struct request *request, const struct file *file)
{
    struct span bytes = { file->from, (size_t)(file->to - file->from) };
    char hex[HASH_HEX_LEN + 1], etag[HASH_HEX_LEN + 3];
    const char *known = request_header(request, "If-None-Match");

    hash_hex(hash_of(bytes.ptr, bytes.len), hex);
    snprintf(etag, sizeof etag, "\"%.32s\"", hex);
    respond_header(request, "ETag", etag);
    respond_header(request, "Cache-Control", "no-cache");
    respond_header(request, "Content-Security-Policy", policy());
    if (known != NULL && strcmp(known, etag) == 0)
        respond_static(request, 304, NULL, span_of(""));
    else
        respond_static(request, 200, file->type, bytes);
}

void get_console(struct request *request)
{
    serve_file(request, &page);
}

void get_console_file(struct request *request)
{
    if (strcmp(icon.name, request_param(request, 0)) == 0)
        serve_file(request, &icon);
    else
        respond_problem(request, 404, "not_found", "the console has no such file");
}

void go_to_console(struct request *request)
{
    respond_header(request, "Location", "/console/");
    respond(request, 302, NULL, span_of(""));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/console.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* The Makefile says that this file depends on them. */
#define EMBED(NAME, FILE)                             \
    __asm__(".pushsection .rodata\n"                  \
            ".global console_" NAME "\n"              \
            "console_" NAME ":\n"                     \
            ".incbin \"core/api/console/" FILE "\"\n" \
            ".global console_" NAME "_end\n"          \
            "console_" NAME "_end:\n"                 \
            ".byte 0\n"                               \
            ".popsection\n")
EMBED("index", "index.html");
EMBED("icon", "icon.svg");
EMBED("css", "console.css");
EMBED("app", "app.js");
EMBED("api", "api.js");
EMBED("dom", "dom.js");
EMBED("dialogs", "dialogs.js");
EMBED("gates", "gates.js");
EMBED("runs", "runs.js");
EMBED("pages", "pages.js");

#define FILE_OF(NAME) console_##NAME, console_##NAME##_end
extern const char console_index[], console_index_end[], console_icon[], console_icon_end[],
    console_css[], console_css_end[], console_app[], console_app_end[], console_api[],
    console_api_end[], console_dom[], console_dom_end[], console_dialogs[],
    console_dialogs_end[], console_gates[], console_gates_end[], console_runs[],
    console_runs_end[], console_pages[], console_pages_end[];

static const struct {
    const char *name, *type, *from, *to;
} files[] = {
    { "", "text/html; charset=utf-8", FILE_OF(index) },
    { "icon.svg", "image/svg+xml", FILE_OF(icon) },
    { "console.css", "text/css; charset=utf-8", FILE_OF(css) },
    { "app.js", "text/javascript; charset=utf-8", FILE_OF(app) },
    { "api.js", "text/javascript; charset=utf-8", FILE_OF(api) },
    { "dom.js", "text/javascript; charset=utf-8", FILE_OF(dom) },
    { "dialogs.js", "text/javascript; charset=utf-8", FILE_OF(dialogs) },
    { "gates.js", "text/javascript; charset=utf-8", FILE_OF(gates) },
    { "runs.js", "text/javascript; charset=utf-8", FILE_OF(runs) },
    { "pages.js", "text/javascript; charset=utf-8", FILE_OF(pages) },
};

/* Nothing is loaded but these files, nothing is sent but to us, and nobody frames us. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
    "'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static void serve_file(struct request *request, size_t i)
{
    struct span bytes = { files[i].from, (size_t)(files[i].to - files[i].from) };
    char hex[HASH_HEX_LEN + 1], etag[HASH_HEX_LEN + 3];
    const char *known = request_header(request, "If-None-Match");

    hash_hex(hash_of(bytes.ptr, bytes.len), hex);
    snprintf(etag, sizeof etag, "\"%.32s\"", hex);
    respond_header(request, "ETag", etag);
    respond_header(request, "Cache-Control", "no-cache");
    respond_header(request, "Content-Security-Policy", policy);
    if (known != NULL && strcmp(known, etag) == 0)
        respond_static(request, 304, NULL, span_of(""));
    else
        respond_static(request, 200, files[i].type, bytes);
}

void get_console(struct request *request)
{
    serve_file(request, 0);
}

void get_console_file(struct request *request)
{
    for (size_t i = 1; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].name, request_param(request, 0)) == 0) {
            serve_file(request, i);
            return;
        }
    respond_problem(request, 404, "not_found", "the console has no such file");
}

void go_to_console(struct request *request)
{
    respond_header(request, "Location", "/console/");
    respond(request, 302, NULL, span_of(""));
}

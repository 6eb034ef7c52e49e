/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "api/front.h"
#include "api/openapi.h"
#include "api/route.h"
#include "base/str.h"
#include "cli/command.h"
#include "plugin/host.h"
#include "serve/serve.h"
#include "vm/vm.h"

/* The engine's end of the socket, in a VM and in a plugin host. */
enum { PARENT_FD = 3 };

/* Only starter.c writes these words, so a wrong one is a mistake of ours. */
static int run_engine(int argc, char **argv)
{
    struct serve_options options = { .ready_fd = -1 };

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        int64_t number;
        if (strcmp(argv[i], "--stay") == 0) {
            options.stay = true;
            continue;
        }
        if (value && strcmp(argv[i], "--state") == 0)
            options.state_dir = value;
        else if (value && strcmp(argv[i], "--config") == 0)
            options.config = value;
        else if (value && strcmp(argv[i], "--ready-fd") == 0 &&
                 span_int(span_of(value), &number) && number >= 0 && number < 1 << 20)
            options.ready_fd = (int)number;
        else
            return EXIT_USAGE;
        i++;
    }
    return options.state_dir ? serve_engine(&options) : EXIT_USAGE;
}

/* For the tests that try each of them. */
static int show_routes(void)
{
    struct str text = { 0 };

    routes_write(&text);
    puts(str_text(&text));
    str_fini(&text);
    return EXIT_DONE;
}

/* For the tests that check it. */
static int show_openapi(void)
{
    struct span document = openapi_document();

    printf("%.*s\n", (int)document.len, document.ptr);
    return EXIT_DONE;
}

/* "cordon: vm contain_site" becomes "vm:contain_site", of which the kernel keeps 15 bytes. */
static void take_name(const char *title)
{
    static const char prefix[] = "cordon: ";
    char name[32];

    if (strncmp(title, prefix, sizeof prefix - 1) == 0)
        snprintf(name, sizeof name, "%s", title + sizeof prefix - 1);
    else
        snprintf(name, sizeof name, "cordon-engine");
    char *space = strchr(name, ' ');
    if (space != NULL)
        *space = ':';
    prctl(PR_SET_NAME, name);
}

int internal_main(const char *title, int argc, char **argv)
{
    take_name(title);
    if (strcmp(argv[0], "--internal-engine") == 0)
        return run_engine(argc, argv);
    if (strcmp(argv[0], "--internal-vm") == 0)
        return vm_main(PARENT_FD);
    if (strcmp(argv[0], "--internal-plugin-host") == 0)
        return host_main(PARENT_FD);
    if (strcmp(argv[0], "--internal-front") == 0)
        return front_main(PARENT_FD);
    if (strcmp(argv[0], "--internal-routes") == 0)
        return show_routes();
    if (strcmp(argv[0], "--internal-openapi") == 0)
        return show_openapi();
    fprintf(stderr, "cordon: no such part of cordon; people start with cordon help\n");
    return EXIT_USAGE;
}

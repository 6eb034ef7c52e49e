/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/azsim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/input.h"

static char *if_program(char *path)
{
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *azsim_find(void)
{
    const char *folder = getenv("CORDON_LIBEXEC");

    if (folder && folder[0]) {
        struct str path = { 0 };
        str_printf(&path, "%s/azsim", folder);
        return if_program(str_take(&path));
    }
    char *found = if_program(input_beside("azsim"));
    return found ? found : if_program(input_beside("../libexec/cordon/azsim"));
}

int azsim_exec(int argc, char **argv)
{
    char *path = azsim_find();
    char name[] = "azsim";

    if (!path) {
        fprintf(stderr,
                "cordon: azsim was not found: set CORDON_LIBEXEC to the folder it is"
                " in\n");
        return EXIT_FAILED;
    }
    char **words = xcalloc((size_t)argc + 2, sizeof(char *));
    words[0] = name;
    for (int i = 0; i < argc; i++)
        words[i + 1] = argv[i];
    execv(path, words);
    fprintf(stderr, "cordon: start %s: %s\n", path, strerror(errno));
    free(words);
    free(path);
    return EXIT_FAILED;
}

/* Only help gets here: main() hands all its words to the simulator itself. */
static int run_azsim(const struct options *options)
{
    (void)options;
    command_show_help(&command_azsim);
    return EXIT_DONE;
}

const struct command command_azsim = {
    .name = "azsim",
    .summary = "the simulator of Azure, to rehearse on",
    .usage = "cordon azsim --world FILE --port N",
    .about = "Its own options are shown by cordon azsim --help.",
    .example = "cordon azsim --world tests/world.json --port 8090",
    .run = run_azsim,
};

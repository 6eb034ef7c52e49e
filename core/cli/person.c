/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/person.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/options.h"

enum { LINE_MAX_BYTES = 4096 };

bool person_is_there(const struct options *options)
{
    return !options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* Reads by byte, so that what is typed ahead for the next question stays where it is. */
static bool read_line(struct str *line)
{
    char byte;

    for (;;) {
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got <= 0)
            return false; /* the end, or Ctrl-C */
        if (byte == '\n')
            return true;
        if (line->len < LINE_MAX_BYTES)
            str_add_char(line, byte);
    }
}

bool person_line(const char *prompt, struct str *line)
{
    sigset_t interrupt, before;

    /* While a person is being waited for, Ctrl-C must end the waiting. */
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    printf("%s", prompt);
    fflush(stdout);
    sigprocmask(SIG_UNBLOCK, &interrupt, &before);
    bool has_line = read_line(line);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (!has_line)
        printf("\n");
    return has_line;
}

enum person_says person_asked(const char *question, bool has_details)
{
    struct str prompt = { 0 }, line = { 0 };

    str_printf(&prompt, "%s [y/N%s] ", question, has_details ? "/details" : "");
    bool has_line = person_line(str_text(&prompt), &line);
    struct span said = str_span(&line);
    enum person_says says =
        !has_line ? PERSON_GONE
        : span_equal_nocase(said, span_of("y")) || span_equal_nocase(said, span_of("yes"))
            ? PERSON_YES
        : has_details && said.len > 0 && (said.ptr[0] == 'd' || said.ptr[0] == 'D')
            ? PERSON_DETAILS
            : PERSON_NO;
    str_fini(&prompt);
    str_fini(&line);
    return says;
}

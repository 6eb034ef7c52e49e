/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader against json_cases.txt, which tests/hostile sends as alerts, too. */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "check.h"

enum { CASES_MIN = 400, LINE_MAX_LEN = 8192 };

static void decode(struct str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        char hex[3] = { text[0] == '%' ? text[1] : '\0', text[0] == '%' ? text[2] : '\0' };

        str_add_char(out, hex[0] != '\0' ? (char)strtol(hex, NULL, 16) : *text);
        text += hex[0] != '\0' ? 2 : 0;
    }
}

static void try_case(char verdict, const char *name, struct span text)
{
    struct err err = { 0 };
    bool is_taken = json_check(text.ptr, text.len, JSON_LEN_MAX, &err) == 0;

    if (is_taken != (verdict == 'y'))
        FAIL("%s: %s", name, is_taken ? "was taken" : err.text);
    if (!is_taken && strncmp(err.text, "line ", 5) != 0)
        FAIL("%s: no place in: %s", name, err.text);
}

TEST(each_known_mistake_is_refused_with_its_place_and_what_is_none_is_taken)
{
    FILE *file = fopen("tests/unit/json_cases.txt", "re");
    struct str text = { 0 };
    char line[LINE_MAX_LEN];
    int count = 0;

    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        char *name = line + 2, *rest = strchr(name, ' ');

        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        CHECK(rest != NULL && (line[0] == 'y' || line[0] == 'n'));
        *rest = '\0';
        str_reset(&text);
        decode(&text, rest + 1);
        try_case(line[0], name, str_span(&text));
        count++;
    }
    CHECK(count >= CASES_MIN);
    fclose(file);
    str_fini(&text);
}

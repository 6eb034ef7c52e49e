/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alerts.c FILE - prints the alert in FILE as cordon has it from then on, or says why it is
 * none and ends with 1.
 */
#include "alert/alert.h"

#include <stdio.h>

#include "base/err.h"

int main(int argc, char **argv)
{
    static char text[ALERT_LEN_MAX + 1]; /* one more, so that too much is seen */
    struct str out = { 0 };
    struct err err;

    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: alerts FILE\n");
        return 2;
    }
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    if (alert_normalise((struct span){ text, len }, &out, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%.*s\n", (int)out.len, out.ptr);
    str_fini(&out);
    return 0;
}

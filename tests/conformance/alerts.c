/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alerts.c FILE [KIND] - prints the alerts that the delivery in FILE becomes, a line each, as
 * cordon has them from then on; or says why it becomes none and ends with 1. Without KIND the
 * adapter is the one that says that this is its.
 */
#include "alert/alert.h"

#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "vm/adapt.h"
#include "vm/state.h"
#include "vm/vm.h"

static int print(struct span alert)
{
    struct str out = { 0 };
    struct err err;

    if (json_get(alert, "fetch").len > 0) { /* of something that has to be fetched first */
        printf("%.*s\n", (int)alert.len, alert.ptr);
        return 0;
    }
    if (alert_complete(alert, span_of("generic"), &out, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%.*s\n", (int)out.len, out.ptr);
    str_fini(&out);
    return 0;
}

int main(int argc, char **argv)
{
    static char text[ALERT_LEN_MAX + 1]; /* one more, so that too much is seen */
    struct span alert;
    size_t pos = 0;
    struct err err;
    int rc = 0;

    FILE *file = argc == 2 || argc == 3 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: alerts FILE [KIND]\n");
        return 2;
    }
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    if (json_check(text, len, ALERT_LEN_MAX, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct vm *vm = vm_new(-1);
    if (!adapt_read(vm, span_of(argc == 3 ? argv[2] : ""), (struct span){ text, len })) {
        fprintf(stderr, "%s\n", str_text(&vm->adapted));
        return 1;
    }
    while (rc == 0 && json_next(str_span(&vm->adapted), &pos, NULL, &alert))
        rc = print(alert);
    vm_free(vm);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file that was carried from another machine, a gate or a vote: refused with a
 * sentence, or shown. */
#include "cli/gate_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "cli/gate.h"
#include "cli/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct str *gate)
{
    struct look look = { 0 };
    struct str out = { 0 };

    look.columns = 80;
    gate_render(&out, &look, str_span(gate));
    gate_file_say(&out, str_span(gate));
    assert(out.len > 0);
    str_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    struct str gate = { 0 }, vote = { 0 };
    struct err err = { 0 };
    char path[40];

    hash_setup();
    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (gate_file_read(&gate, path, &err) == 0)
        show(&gate);
    else
        assert(strlen(err.text) > 0);
    vote_file_read(&vote, path, &err);
    close(fd);
    str_fini(&gate);
    str_fini(&vote);
    return 0;
}

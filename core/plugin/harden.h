/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/harden.h - what a process gives up before it runs somebody else's code.
 */
#pragma once

#include <stdbool.h>

struct err;

enum {
    HARDEN_MEMORY_MAX = 512 * 1024 * 1024, /* of address space; not with a sanitizer, which
                                            * reserves terabytes of it */
    HARDEN_FILES_MAX = 512
};

/* No new privileges, no core files, no other process may look inside, death with the parent,
 * no descriptor but 0, 1, 2 and fd, an environment of HOME and PATH alone, bounded memory and
 * descriptors, and EPERM for system calls that no plugin has a use for (other processes'
 * memory, kernel modules, keys, mounts, io_uring, bpf, perf, namespaces, ...). */
int harden_process(int fd, struct err *err);
/* From here on no program can be started either, and no socket of this machine be opened: at the
 * engine's, this process would be its owner. */
int harden_no_programs(struct err *err);

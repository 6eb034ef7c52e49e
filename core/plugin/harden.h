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

/* What a plugin's process still reaches on disk. Lists end with NULL, or are NULL. */
struct harden_reach {
    const char *file;       /* of the plugin */
    const char *ca_file;    /* NULL: the system's */
    const char *record_dir; /* "": none */
    const char *const
        *paths; /* of the configuration: one that ends with ":rw" can be changed */
    const char *const *programs; /* none: it starts no process */
    const char *const
        *hosts; /* none, and no programs: it has no socket and no second thread */
};
enum { HARDEN_PATHS_MAX = 64 };

/* Before the plugin's first code. From here on this process reads the system's libraries and what
 * reach says, and nothing else on disk. It does not signal, limit, slow down or trace another
 * process, leave its process group, or open a socket but those of the internet: at a socket of this
 * machine it would be the engine's owner. Without programs it starts no process. Logs what
 * this kernel lacks for that. */
int harden_plugin(const struct harden_reach *reach, struct err *err);

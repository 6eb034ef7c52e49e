/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumers.h - which sites read a secret by the version that a rotation takes away.
 *
 * A site's Key Vault references are listed by the resource manager, without any value. One
 * that names a version goes on reading it when there is a newer one, and finds it disabled.
 */
#pragma once

struct job;

/* Notes each reference of each site that we can see to that version, and calls next. Only
 * before a change; nothing hangs on it, and what takes too long is left out. */
void consumers_look(struct job *job, const char *vault, const char *name,
                    const char *version, void (*next)(struct job *job, void *arg),
                    void *arg);

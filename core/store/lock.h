/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/lock.h - one process in a directory.
 */
#pragma once

struct err;

/* Makes the directory when it is not there (0700) and refuses one that is no directory, is
 * another user's, or that others may write into. */
int lock_check_dir(const char *dir, struct err *err);
/* Returns a descriptor to keep; closing it, or the end of the process however it comes,
 * gives the lock back. The file stays. ERR_BUSY names the process that has it. */
int lock_take(const char *dir, int *fd, struct err *err);

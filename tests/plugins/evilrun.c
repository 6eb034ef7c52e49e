/* SPDX-License-Identifier: Apache-2.0 */
/* evilrun.c - evil.c for a host whose configuration lets it start programs. */
#define EVIL "evilrun"
#include "evil.c" /* NOLINT(bugprone-suspicious-include) */

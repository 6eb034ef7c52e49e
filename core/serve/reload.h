/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/reload.h - cordon.lua read again while all goes on.
 */
#pragma once

struct serve;

/* From here on SIGHUP reads it again. */
void reload_open(struct serve *serve);
void reload_close(struct serve *serve);
/* One that comes while another is under way makes it begin anew at its end. */
void reload_begin(struct serve *serve);

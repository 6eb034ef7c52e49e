/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/child.h - a process of our own binary, and a stream of frames to it.
 */
#pragma once

#include "net/process.h"
#include "net/stream.h"

struct err;
struct loop;

/* mode: "--internal-vm" or "--internal-plugin-host". part and name are what ps shows: "vm" and
 * the playbook's name. They are argv[0], and the mode is the last word. The environment has what the log and
 * sanitizers read, and nothing else. Both out-parameters are set, or none. */
/* A child that cannot be started for want of descriptors, memory or processes (ERR_BUSY) is
 * started some time later: this many times, so for a minute, and with growing breaks. */
enum { CHILD_TRIES_MAX = 35 };
int child_break_ms(int tries);
/* Says once in a while that what has to wait, and why. */
void child_say_lack(const char *what, const struct err *why);

int child_start(struct loop *loop, const char *mode, const char *part, struct span name,
                struct process **process, struct stream **stream, stream_frame_fn *on_frame,
                stream_closed_fn *on_closed, process_fn *on_exit, void *arg,
                struct err *err);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_rig.h - a plugin host in a child process, and an engine's end to talk to it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "frame/frame.h"

struct rig {
    pid_t pid;
    int fd;
    struct str buf;  /* the frame read last */
    struct str sent; /* scratch */
};

struct rig_load {
    const char *name;   /* also the fixture's file, tests/plugins/NAME.so */
    const char *path;   /* instead of the fixture's */
    const char *sha256; /* "" */
    const char *config; /* "{}" */
    const char *hosts;  /* "[]" */
    const char *programs;
    const char *paths; /* "[]" */
    const char *record;
    const char *secret_name, *secret_value; /* at most one */
};

struct rig_call {
    int64_t id;
    enum host_op op;
    const char *action, *args, *before, *after, *goal, *resume, *trace;
    int64_t deadline_ms;
};

/* FRAME_HOST_DONE, its texts on the heap. */
struct rig_done {
    int64_t id;
    int status;
    char *code, *message, *target, *token, *state, *after, *goal, *info, *result;
    bool is_verified;
    int64_t wait_ms;
};

void rig_start(struct rig *rig);
/* The path of a fixture, heap. */
char *rig_fixture(const char *name);
void rig_send_load(struct rig *rig, const struct rig_load *load);
/* The sentence of FRAME_HOST_FAILED, heap, or NULL when it is READY. */
char *rig_load(struct rig *rig, const struct rig_load *load, char **declaration);
/* Loads a fixture that is known to load. */
void rig_load_ok(struct rig *rig, const struct rig_load *load);
void rig_call(struct rig *rig, const struct rig_call *call);
void rig_send_id(struct rig *rig, enum frame_type type, int64_t id);
struct rig_done rig_done(struct rig *rig);
struct rig_done rig_ask(struct rig *rig, const struct rig_call *call);
void rig_forget(struct rig_done *done);
/* The next frame must be PROGRESS; heap. */
char *rig_progress(struct rig *rig);
/* Waits until the host closes the socket; its exit status, or minus its signal. */
int rig_end(struct rig *rig);
/* Closes the socket first. */
int rig_close(struct rig *rig);

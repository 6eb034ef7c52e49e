/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame/frame.h - the messages between engine, VM, plugin host and command line.
 *
 * On the wire: length (4 bytes, little end first, of what follows), version (1), type (1),
 * reserved (2, zero), then fields. A field is a tag byte ('i' or 's'), and either 8 bytes
 * or a length (4) and bytes. Fields are read in the order in which they were written, and
 * reading checks itself: a wrong tag, a field too few or a byte too many makes frame_end()
 * say so, once, for all of them:
 *
 *     frame_begin(&out, &buf, FRAME_VM_ANSWER);       struct frame_reader in;
 *     frame_add_int(&out, run);                       frame_read(&in, fields);
 *     frame_add_span(&out, branch);                   run = frame_get_int(&in);
 *     frame_finish(&out);                             branch = frame_get_span(&in);
 *                                                     if (frame_end(&in, &err) != 0) ...
 *
 * Spans that are read are borrowed from the frame. JSON inside is canonical (base/json.h)
 * when it was made by our own code on the other side; the engine checks it all the same
 * where it must look inside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    FRAME_VERSION = 1,
    FRAME_LEN_MAX = 8 * 1024 * 1024, /* one frame; a longer one ends the connection */
    FRAME_HEADER_LEN = 8
};

/* The fields of each are listed in their order; "json" is a span of JSON text, "text" any
 * span, "int" and "bool" integers. */
enum frame_type {
    /* Engine to VM; each is answered by exactly one frame, in the order asked, except
     * FRAME_VM_DROP which has no answer. */
    FRAME_VM_LOAD = 1, /* text name, text source, json catalog (list of action names)
                        * -> FRAME_VM_LOADED */
    FRAME_VM_START,    /* int run, text entry ("run" or "recover"), json params, json about
                        * ({"id","alert","requester","parent"...}) -> FRAME_VM_TURN */
    FRAME_VM_ANSWER,   /* int run, text branch, int n, bool ok, json value (when not ok: an
                        * error {"code","message","action","retryable"}) -> FRAME_VM_TURN */
    FRAME_VM_DROP,     /* int run: forget it; no answer */
    FRAME_VM_MATCH,    /* json alert: would on_alert start a run -> FRAME_VM_MATCHED */
    FRAME_VM_DATA,     /* text name, text source: a chunk of Lua-as-data that returns one
                        * table -> FRAME_VM_DATA_DONE */
    FRAME_VM_CHECK,    /* text name, text source, json catalog ({"action": JSON Schema of
                        * its arguments}), json known (vm/check.h):
                        * what is wrong with it -> FRAME_VM_CHECKED */
    FRAME_VM_ADAPTER, /* text name, text source ("" = those that cordon brings alone): reads
                        * deliveries from here on -> FRAME_VM_LOADED, info {} */
    FRAME_VM_ADAPT,   /* text kind ("" = whichever says that it is its), bytes that came in
                     * -> FRAME_VM_ADAPTED */

    FRAME_VM_LOADED = 32, /* bool ok, json info (or error {"message","line","column"}):
                           * {"name","summary","params": JSON Schema, "recover": bool,
                           *  "on_alert": {...}|null, "on_alert_gives": bool, "on_failure": "keep"|"rollback"} */
    FRAME_VM_TURN,        /* int run, int state (enum vm_turn), json value, int count, then
                           * count times: text branch, int n, text kind, text action,
                           * json args */
    FRAME_VM_MATCHED,     /* bool ok, bool matches, json params (or error), text why */
    FRAME_VM_DATA_DONE,   /* bool ok, json value (or error {"message","line","column"}) */
    FRAME_VM_CHECKED,     /* json list of {"line","column","level","message"}; level is
                           * "error" or "warning" */
    FRAME_VM_ADAPTED, /* bool ok, json list of alerts, each with what it was made from in
                           * "raw" (or error {"message","line","column"}) */

    /* Engine to plugin host. */
    FRAME_HOST_LOAD = 64, /* text name, text path of the .so, text expected SHA-256 in hex
                           * ("" = tell me), json config, json hosts (list of globs and
                           * CIDRs), json programs (list), json paths (list; ":rw" at an
                           * end: may be changed), text record dir ("" = none),
                           * int count, then count times: text secret name, text value
                           * -> FRAME_HOST_READY or FRAME_HOST_FAILED */
    FRAME_HOST_CALL,   /* int id, int op (enum host_op), text action, text run, json args,
                           * json before ("" = none), text token, json after ("" = none),
                           * json goal ("" = none), text key, json resume ("" = none),
                           * int deadline ms from now, text traceparent of its requests
                           * ("" = none) -> FRAME_HOST_DONE */
    FRAME_HOST_SAVED,  /* int id: the progress is durable */
    FRAME_HOST_CANCEL, /* int id: give up; FRAME_HOST_DONE still comes */

    FRAME_HOST_READY = 96, /* text SHA-256 in hex of what was loaded, json declaration */
    FRAME_HOST_FAILED,     /* text sentence: why the plugin cannot be used */
    FRAME_HOST_DONE, /* int id, int status (enum cordon_status), text code, text message,
                            * text target, text token, json state (what was observed last),
                            * json after (PREPARE: planned), json goal (PREPARE: what undoing
                            * would leave; "" when it cannot be undone), json info (PREPARE:
                            * {"what","undo","affects","affects_what","own",
                            * "notes","cannot":{"code","message"}}; REFUSED of what is there
                            * no more: {"gone":true}; also where
                            * known, and so of OBSERVE {"tags","exists","tenant",
                            * "within","subscription","unplaced"}), json
                            * result,
                            * bool verified (APPLY, RESTORE: state equals after or goal),
                            * int ms for which the service wants to be left alone; 0: it
                            * does not say */
    FRAME_HOST_PROGRESS, /* int id, json resume -> FRAME_HOST_SAVED */

    /* Command line to engine and back, over the Unix socket. */
    FRAME_ASK = 128, /* text verb, json arguments */
    FRAME_EVENT,     /* json: something to show while waiting; any number */
    FRAME_REPLY, /* int exit code, json result or {"error": ..., "code": ...}; the last */

    /* Engine to a front (core/api), which listens for people, programs and alerts. */
    FRAME_FRONT_SETUP = 160, /* json: what it is to be, secrets included; again when that
                              * changes -> FRAME_FRONT_READY or FRAME_FRONT_FAILED once */
    FRAME_FRONT_EVENT,       /* int id, json */
    FRAME_FRONT_REPLY,       /* int id, int exit code, json; the last of that id */
    FRAME_FRONT_STOP,        /* take nothing new, finish what is there, end */

    /* And back. Ids are the front's, and many asks are under way at once. */
    FRAME_FRONT_READY = 192, /* text address that it listens on */
    FRAME_FRONT_FAILED,      /* text sentence: why it cannot, and what would be right */
    FRAME_FRONT_ASK,    /* int id, text who, json powers ({"groups","roles","via"}), text
                              * verb, json arguments */
    FRAME_FRONT_DROP,   /* int id: nobody waits for it any more */
    FRAME_FRONT_ALERT,  /* int id, text source, text delivery id, text kind of proof, bytes
                        * that were delivered */
    FRAME_FRONT_REFUSED /* text source, text address that it came from, int HTTP status, text
                         * sentence why, int how many of this source so far */
};

/* What a VM turn says of the run. */
enum vm_turn {
    VM_TURN_WAITING = 0, /* it waits for answers to its wishes (new ones are listed) */
    VM_TURN_DONE = 1,    /* it has returned; value is what it returned (or null) */
    VM_TURN_FAILED = 2,  /* it raised; value is the error */
    VM_TURN_BUDGET = 3   /* it used up its instructions; the VM ends after this frame */
};

/* What a host call does. PREPARE, APPLY and RESTORE are several plugin functions in a row,
 * so that a step costs two round trips and not five. */
enum host_op {
    HOST_READ = 1,    /* read() */
    HOST_PREPARE = 2, /* observe(), plan(), undone() */
    HOST_APPLY = 3, /* apply(), then observe() until the slice equals after, or settle_ms */
    HOST_OBSERVE = 4, /* observe() */
    HOST_RESTORE = 5  /* restore(), then observe() until the slice equals goal */
};

/* -- Writing: into any struct str, one frame behind the other. ------------------------ */
struct frame_writer {
    struct str *str;
    size_t start;
};
void frame_begin(struct frame_writer *out, struct str *str, enum frame_type type);
void frame_add_int(struct frame_writer *out, int64_t value);
void frame_add_span(struct frame_writer *out, struct span span);
void frame_add_text(struct frame_writer *out, const char *text); /* NULL: empty */
/* Fills the length in. A frame over FRAME_LEN_MAX is a bug of ours: bodies are bounded
 * before. */
void frame_finish(struct frame_writer *out);

/* -- Reading -------------------------------------------------------------------------- */

/* Looks for a whole frame at the start of the bytes. Returns 1 and its type, fields and
 * total length (header included); 0 when more bytes are needed; or a negative code for
 * bytes that are no frame. */
int frame_find(struct span bytes, enum frame_type *type, struct span *fields, size_t *total,
               struct err *err);

struct frame_reader {
    struct span rest;
    bool is_bad;
};
void frame_read(struct frame_reader *in, struct span fields);
int64_t frame_get_int(struct frame_reader *in);      /* 0 when bad */
struct span frame_get_span(struct frame_reader *in); /* empty when bad */
/* 0 when everything was there and nothing is left over. */
int frame_end(struct frame_reader *in, struct err *err);

/* -- Blocking transport, for the VM (which has no loop) and small tools. -------------- */

/* Reads one frame from fd into buf (reset first). Returns 1, 0 at end of file, or a
 * negative code. */
int frame_receive(int fd, struct str *buf, enum frame_type *type, struct span *fields,
                  struct err *err);
/* The same for who serves one fd for long: what has come is read in one go, and handed out
 * frame by frame. Fields are borrowed until the next call. */
struct frame_inbox {
    int fd;
    struct str bytes;
    size_t start; /* of the next frame */
};
int frame_next(struct frame_inbox *inbox, enum frame_type *type, struct span *fields,
               struct err *err);
int frame_send(int fd, struct span bytes, struct err *err);

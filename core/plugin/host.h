/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/host.h - the process that a plugin lives in.
 *
 * It speaks the FRAME_HOST_* messages of frame/frame.h over one socket, whose other end is
 * the engine: first FRAME_HOST_LOAD, answered by FRAME_HOST_READY or FRAME_HOST_FAILED (and
 * then the process ends), then any number of FRAME_HOST_CALL at once. Each is answered by
 * exactly one FRAME_HOST_DONE, unless the process ends before.
 *
 * What is true of FRAME_HOST_DONE:
 *   - its JSON is canonical; result keeps the action's result_schema;
 *   - no text of any frame holds a secret that came with FRAME_HOST_LOAD;
 *   - a call never outlives its deadline: apply and restore are UNKNOWN then (code
 *     "deadline"), unless they had answered and were only being verified; what only looks
 *     is RETRY. FRAME_HOST_CANCEL does the same with code "canceled";
 *   - codes of the host itself: "invalid_arguments", "bad_plugin" (what the plugin answered
 *     makes no sense), "deadline", "canceled", "busy", "refused" (the plugin refused
 *     without a code). All others are the plugin's.
 *
 * The json of FRAME_HOST_PROGRESS is the host's own: {"lro":[...],"plugin":...}. The engine
 * hands the newest one back as the call's resume, unread.
 */
#pragma once

enum {
    HOST_CALLS_MAX = 4096,             /* at once; more are answered RETRY, "busy" */
    HOST_ANSWER_MAX = 7 * 1024 * 1024, /* bytes of one answer: a frame has room for it */
    HOST_BLOCKED_MAX_S = 5,   /* a plugin function that does not return for so long ends the
                              * process */
    HOST_PAUSE_FIRST_MS = 50, /* between observations until a change shows: doubled each */
    HOST_PAUSE_LAST_MS = 2000 /* time up to this */
};

enum {
    HOST_EXIT_OK = 0,       /* the engine has closed the socket */
    HOST_EXIT_FAILED = 1,   /* said in FRAME_HOST_FAILED, or nobody could be told */
    HOST_EXIT_LACKING = 69, /* nothing is loaded yet: descriptors or memory are short */
    HOST_EXIT_MISUSE = 70,  /* the plugin named a call that there never was */
    HOST_EXIT_BLOCKED = 71
};

/* Gives up the process's rights and serves until the socket closes. Returns the exit
 * status. */
int host_main(int fd);

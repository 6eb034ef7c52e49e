/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - the error that an answer holds, in each of the languages that Azure's services
 * speak. Pure.
 *
 *     {"error":{"code","message","details":[],"innererror":{}}}    Resource Manager, Graph
 *     {"Code","Message","Details":[{"ErrorEntity":{}}]}            App Service
 *     {"odata.error":{"code","message":{"value"}}}                 older directories, tables
 *     {"error":"invalid_client","error_description":"AADSTS..."}   sign-in, metadata service
 *     <Error><Code/><Message/></Error>, x-ms-error-code            Storage
 *     an HTML page, plain text, a redirect                         a proxy in between
 *
 * Names count in any letter case, and errors within errors are read too. The sentence is for
 * people: one line of valid UTF-8, without control characters, of at most FAULT_MESSAGE_MAX
 * bytes. The policy or deny assignment that refuses is named even if the sentence is cut.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct job;

enum {
    FAULT_MESSAGE_MAX = 640,
    FAULT_CODES_MAX = 8, /* that are kept of one answer */
    FAULT_DEPTH_MAX = 8, /* of errors within errors */
    FAULT_ITEMS_MAX = 16 /* that are read of one list of details */
};

/* An answer as it came. Texts are never NULL but where it says so. */
struct fault_source {
    int status;
    const char *body;
    size_t len;
    const char *type;       /* Content-Type; NULL: not given */
    const char *error_code; /* x-ms-error-code; NULL */
    const char *challenge;  /* WWW-Authenticate; NULL */
    const char *location;   /* where a redirect goes; NULL */
    bool is_of_service;     /* it has a request id of Microsoft's */
};

/* All text is the job's, or constant; "" for what the answer does not say. */
struct fault {
    const char *code;                   /* the outermost */
    const char *inner;                  /* the innermost of innererror */
    const char *codes[FAULT_CODES_MAX]; /* all of them, the extended ones too */
    size_t count;
    const char *message;
    bool is_foreign; /* a proxy or gateway answered, and not the service */
};

void fault_read(struct fault *fault, struct job *job, const struct fault_source *from);

/* Is the answer a page for people? */
bool fault_is_page(const struct fault_source *from);

/* Is that one of its codes? Without regard to letter case. */
bool fault_has(const struct fault *fault, const char *code);

/* text on one line, without control characters, of at most max bytes. */
char *fault_clean(struct job *job, const char *text, size_t len, size_t max);

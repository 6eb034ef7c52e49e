/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon/plugin.h - everything that a plugin and cordon know of each other.
 *
 * A plugin is a shared object that exports one constant:
 *
 *     CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
 *         .size = sizeof(struct cordon_plugin), .abi = CORDON_ABI,
 *         .name = "azure", .version = "1.0.0", .summary = "...",
 *         .actions = actions, .open = on_open, .close = on_close,
 *     };
 *
 * No code of it runs at load. It compiles with this header and nothing else of cordon's (but
 * cordon/ip.h and cordon/fold.h, inline functions for addresses and letter case, where it
 * wants them),
 * and links with nothing of cordon's (-Wl,-z,defs): what it needs comes in as struct
 * cordon_host, a table of functions.
 *
 * ONE PROCESS, ONE PLUGIN, ONE THREAD. Each plugin lives in a process of its own. All its
 * functions are called on that process's one thread, never inside one another: a callback
 * never runs inside the call that asked for it. A plugin never blocks and starts no
 * threads. When it crashes or hangs, its process is ended, its open calls become "in
 * doubt", and cordon asks observe() of a fresh process what is true.
 *
 * AN ACTION either reads, or changes a SLICE: the few fields of one target that it is
 * about. For azure.appservice.stop the target is the site and the slice is
 * {"state":"Running"}. A changing action gives four small functions:
 *
 *     observe  what is the slice now?                 asynchronous, changes nothing
 *     plan     what will the slice be afterwards?     pure: no I/O, no time, no chance
 *     apply    make it so                             asynchronous
 *     restore  put the slice back                     asynchronous
 *
 * and cordon makes of them: approval diffs, dry runs, no-op detection, verification,
 * recovery after a crash, rollback that never overwrites what others changed, the ledger.
 * A reading action gives only read.
 *
 * ASYNCHRONOUS means, here and in the host's functions alike: it returns 0, and then the
 * answer (host->finish(), or the callback) comes exactly once, later, never from inside;
 * or it returns something else, and then no answer ever comes. A plugin function that
 * returns non-zero has refused: CORDON_REFUSED is reported with whatever host->fail() text
 * was set. (One liberty: a plugin that has nothing to wait for may call finish() before its
 * function returns 0. The host acts on it after that.)
 *
 * SEVERAL REQUESTS. A crash, a kill or a refusal may end a change between two of its requests.
 * Then each field of the slice is as before or as planned, and cordon completes the change or
 * takes the part back; see enum cordon_partly. For that, three things must hold of an action that
 * makes more than one request:
 *   - The slice shows each request's effect in a field of its own (members, not one list whose
 *     items are added one by one; where it must be a list, observe() fills "partly").
 *   - apply() and restore() read before they write, leave alone what is already so, and do not
 *     take what an earlier attempt did for somebody else's.
 *   - A request that was refused when an earlier one of the same call had succeeded ends the call
 *     as CORDON_UNKNOWN, with the refusal's code and message, never as CORDON_REFUSED.
 * The hold of a change that stays partly done is on the part, and restore() is called for it:
 * with after as that part, and goal as ever.
 *
 * TIME. A call that has not been finished when its deadline is over is answered by the host:
 * "not known" for apply() and restore(), "try again" for the others. From then on none of the
 * call's callbacks comes any more, its memory is gone, and finish() for it is ignored; so
 * nothing that other calls wait for may hang on one call's callback alone. The same holds for
 * callbacks that are still out when finish() is called. A function or callback that does not
 * return within five seconds ends the process.
 *
 * THE ANSWER SAYS WHAT IS TRUE OF THE WORLD, not what the code did: enum cordon_status.
 *
 * MEMORY. Everything in struct cordon_input, and everything from host->alloc(), lives until
 * the call's answer has been given. What is handed to a host function is copied before it
 * returns. Strings are UTF-8 with a NUL; JSON in is canonical (RFC 8785); JSON out may be
 * in any form, is checked strictly, and is made canonical by the host.
 *
 * COMPATIBILITY. Every struct begins with its size. Fields are only ever added at the end;
 * a reader looks at a field only if the size says that it is there, and a plugin writes one
 * of a struct that the host gave it only then. CORDON_ABI changes only if that cannot be
 * kept.
 *
 * The header compiles as C99 and as C++17.
 */
#ifndef CORDON_PLUGIN_H
#define CORDON_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CORDON_ABI 1

#define CORDON_EXPORT __attribute__((visibility("default")))

/* -- What an answer says ------------------------------------------------------------- */

enum cordon_status {
    CORDON_DONE = 0,    /* it is so now */
    CORDON_RETRY = 1,   /* nothing was changed; the same call may work later */
    CORDON_REFUSED = 2, /* nothing was changed, and the same call never will */
    CORDON_UNKNOWN = 3  /* the change may or may not have happened: timeout or reset after
                         * the first byte was sent, a 5xx, an answer that makes no sense */
};

/* -- What an action is --------------------------------------------------------------- */

enum cordon_effect {
    CORDON_READS = 1,    /* changes nothing */
    CORDON_REVERTS = 2,  /* restore() puts the slice back as it was */
    CORDON_PERMANENT = 3 /* something of it cannot be undone: permanent_because */
};

/* What makes it harmless to send apply() again when we do not know whether it arrived. */
enum cordon_repeat {
    CORDON_KEYED = 1,       /* the API takes the idempotency key (or a name made of it) */
    CORDON_CONDITIONAL = 2, /* the API compares the version token (If-Match, etag) */
    CORDON_OBSERVABLE = 3,  /* repeating is harmless and observe() shows the outcome */
    CORDON_BLIND = 4        /* none of these: a person decides */
};

/* What follows when a change of several requests ended between two of them, so that some fields
 * of the slice are as before and others as planned: "partly done". cordon looks twice, and
 * compares field by field; a field that is neither is somebody else's, and then a person decides
 * in any case. */
enum cordon_partly {
    CORDON_PARTLY_REPEATS = 0, /* apply() is called again, with the same args, before, after and
                                * key, and the token of now, and makes the requests that are
                                * missing. restore() likewise, with after as it was found */
    CORDON_PARTLY_ASKS = 1     /* a person is asked first: complete it, take it back, or keep
                                * the part. So it is with CORDON_BLIND in any case */
};

enum cordon_risk { CORDON_LOW = 1, CORDON_MEDIUM = 2, CORDON_HIGH = 3 };

struct cordon_call; /* one call under way; the host's */
struct cordon_host;

struct cordon_input {
    uint32_t size;
    const void *plugin;  /* what open() stored: the plugin's own state */
    const char *args;    /* matches args_schema */
    const char *before;  /* the slice as captured before the change. NULL the first time
                           * observe() is called, and in read(). Later observations get it,
                           * so that a slice may be told relative to it */
    const char *token;   /* the version token captured with before; "" when none */
    const char *after;   /* apply: the slice as planned. restore: as we left it, or where a
                           * part of that is back already, as it was found. observe, when a
                           * change may have been made: as in the call that made it. Else NULL */
    const char *goal;    /* restore, and observe for an undo: the slice as it shall be then.
                           * Else NULL */
    const char *key;     /* idempotency key, 32 hex digits: the same for every attempt of
                           * this step of this run, and for no other. restore() has its own */
    const char *resume;  /* what host->progress() saved in an earlier attempt, or NULL */
    const char *run;     /* "r-000041", for tags and descriptions */
    int64_t deadline_ms; /* milliseconds left for the whole call */
};

/* What observe() found. */
struct cordon_observation {
    uint32_t size;
    const char *target; /* the immutable id of what args name; the same text every time */
    const char *token;  /* ETag or the like; NULL or "" when the API has none */
    const char *state;  /* the slice, a JSON object, only what this action changes */
    /* The rest is for policies, guards and approvers, and part of no digest. */
    const char *tags;   /* the target's tags, a JSON object of texts; NULL: not known */
    int64_t exists;     /* how many such targets there are; 0: not known */
    const char *tenant; /* in whose directory the target is; NULL: not known */
    /* What approvers should know and the slice does not show, a JSON array of at most 16
     * texts of at most 1000 bytes each; NULL: nothing. Part of the gate's digest. */
    const char *notes;
    /* Before a change: one sentence, why apply() would be refused as things are now ("no
     * priority is free ..."), and what would help. The change is then refused before
     * anybody is asked for it. NULL: nothing is known to stand in the way. Ignored where
     * the plan changes nothing. cannot_code: the API's word; NULL: "cannot". */
    const char *cannot;
    const char *cannot_code;
    /* Where the target lies, for guards and rules, when its id does not show it. within: the
     * ids of the target and of what contains it, as other actions name such targets: a JSON
     * array of at most 8 texts of at most 4096 bytes, "*" for a part that is not known. */
    const char *within;
    const char *subscription; /* the subscription (account, project); NULL: see the id */
    /* One sentence: why the place or the subscription is not known, and what would help. What
     * may lie in a protected place is then not changed. NULL: it is known. */
    const char *unplaced;
    /* Only when size says that it is there, and only for a look after a change was sent
     * (input.after is there): a part of it was made, and cordon cannot see that by comparing
     * field by field, since a list counts as one field. A JSON object
     * {"before":[...],"planned":[...]} of names for people, one for each request's effect: at
     * most 64 texts of at most 200 bytes in each list, and none of the lists empty. NULL: cordon
     * compares. Never say it when anything is neither as before nor as planned. */
    const char *partly;
    /* Only when size says that it is there. One sentence: why exists is 0 although such things
     * are counted. Where a guard of shares would need the number, a person is then asked. NULL:
     * they are never counted, or were. */
    const char *uncounted;
};

/* What plan() says. Written by the plugin, memory from host->alloc(). */
struct cordon_plan {
    uint32_t size;
    const char *after; /* the slice as it will be. The same as before: nothing to do */
    /* For approvers: "stop site shop-web". It names all that the slice will hold, also what is
     * so already: cordon lists the hold of a run that found everything as wanted with it. */
    const char *what;
    const char *undo;         /* "start it again"; NULL when nothing can be undone */
    int64_t affects;          /* how many things or people feel it; 0 when not known */
    const char *affects_what; /* "users", "addresses", ...; NULL */
    /* Only when size says that it is there: why the target is the runner's own (identity,
     * vault, way out), so that doing it would cut the runner off; NULL when it is not. No
     * playbook and no policy gets past that. */
    const char *own;
    /* As in the observation, for what follows from the arguments and the slice. Both lists
     * of notes are shown; of two refusals the observation's counts. */
    const char *notes;
    const char *cannot;
    const char *cannot_code;
    /* Only when size says that it is there: why a person must approve it, whatever the policy
     * says ("203.0.113.7 is an outbound address of site shop-web"); NULL: no reason. */
    const char *ask;
};

/* How a call ended. */
struct cordon_result {
    uint32_t size;
    enum cordon_status status;
    const char *code;    /* the API's own word, "AuthorizationFailed"; NULL when DONE */
    const char *message; /* a sentence for people: what is wrong, what would be right */
    const char *json;    /* read: the result, matching result_schema. apply: what the
                          * playbook may know beside before and after (a version id); NULL */
    const struct cordon_observation *observation; /* observe() */
    /* With CORDON_REFUSED, of observe() and restore(): the target, or what it lies in, does
     * not exist any more, so there is nothing to put back. An undo is over then, and its hold
     * ends as "gone". Only for an answer of the API that says so without doubt. */
    int gone;
};

typedef int cordon_action_fn(struct cordon_call *call, const struct cordon_input *in);
/* plan() and undone() are synchronous. Returning non-zero refuses: host->fail() says why. */
typedef int cordon_plan_fn(struct cordon_call *call, const struct cordon_input *in,
                           struct cordon_plan *out);

struct cordon_action {
    uint32_t size;
    const char *name;    /* "azure.appservice.stop": plugin, noun, verb */
    const char *summary; /* one line, for `cordon actions` and the approver */
    enum cordon_effect effect;
    const char *permanent_because; /* PERMANENT: why, in words an approver understands */
    enum cordon_repeat repeat;     /* changing actions */
    enum cordon_risk risk;
    const char *const *permissions; /* cloud permissions that it needs; NULL at the end */
    uint32_t settle_ms;             /* how long the API may take until reads show a write */
    uint32_t timeout_ms;            /* how long one call may take in all */
    const char *args_schema;        /* JSON Schema of an object; see docs/plugins.md */
    const char *result_schema;      /* of read()'s result, or of apply()'s json; may be NULL
                                     * for a changing action without one */
    cordon_action_fn *read;         /* READS: this one and none of the others */
    cordon_action_fn *observe;
    cordon_plan_fn *plan;
    cordon_action_fn *apply;
    cordon_action_fn
        *restore;           /* REVERTS must have it; PERMANENT may, for the part that can */
    cordon_plan_fn *undone; /* pure: the slice after restore(); NULL: the same as before */
    /* Only when size says that it is there. */
    enum cordon_partly partly; /* what to do when a part of the change is done */
};

struct cordon_plugin {
    uint32_t size;
    uint32_t abi;        /* CORDON_ABI */
    const char *name;    /* [a-z][a-z0-9_]*, the first word of each action's name */
    const char *version; /* "1.0.0" */
    const char *summary;
    const char *config_schema; /* JSON Schema of open()'s config; NULL: takes none */
    const struct cordon_action *const *actions; /* NULL at the end */
    /* Called once, before any action; config is "{}" when none was given. Non-zero refuses
     * to start: host->fail(NULL, ...) says why. host outlives the plugin. */
    int (*open)(const struct cordon_host *host, const char *config, void **plugin);
    /* Called once, at the end, with no call under way. May be NULL. */
    void (*close)(void *plugin);
};

/* -- What the host offers ------------------------------------------------------------ */

enum {
    CORDON_HTTP_LRO = 1,    /* follow a long-running operation to its end: 201/202 with
                             * Azure-AsyncOperation or Location, Retry-After kept; the poll
                             * address is journaled first, so that a crash does not lose it */
    CORDON_HTTP_SAFE = 2,   /* sending it twice is harmless although it is no GET: may be
                             * sent again after 5xx and resets. GET and HEAD always are */
    CORDON_HTTP_SECRET = 4, /* neither body is ever logged or recorded */
    CORDON_HTTP_ONCE = 8    /* no retries at all, not even of 429 */
};

struct cordon_http {
    uint32_t size;
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
    const char *body;           /* may be NULL */
    size_t body_len;
    uint32_t flags;
    uint32_t
        timeout_ms; /* for all attempts and polls together; 0: what the call has left */
};

struct cordon_http_reply {
    uint32_t size;
    int status;        /* of the final reply; 0 when there was none */
    int may_have_sent; /* 0: provably not one byte of the request left us */
    int is_json;       /* body passed the strict validator */
    const char *body;  /* NUL behind it; "" when none */
    size_t body_len;
    const char *error;   /* a sentence when status is 0; else NULL */
    const void *headers; /* for host->header() */
    /* How a long-running operation that was followed ended: "Succeeded", "Failed" or
     * "Canceled"; NULL when none was. After the last two status is 500, whatever the poll's
     * own was, since the change may have been made in part, and body says why. */
    const char *operation;
    /* Only when size says that it is there: why a body that is not empty is no JSON, or which
     * bound of it is exceeded, by name; NULL when is_json, or there is no body. */
    const char *json_fault;
};

/*
 * LONG-RUNNING OPERATIONS. With CORDON_HTTP_LRO the callback comes when the operation has
 * ended. Its reply is then that of the resource (PUT, PATCH), of Location, or of the last
 * poll. When the time is up before that, or nobody can say any more how it ended, status is 0
 * and may_have_sent is 1. Polls carry the request's headers, and go only to the request's own
 * host or one beside or below it.
 *
 * In apply() and restore() the host journals the poll address before the first poll, by
 * itself. After a crash a fresh process calls apply() again, and all that the plugin has to
 * do is to come to the same request (same method, same url): it is not sent, polling goes on,
 * and the callback brings the end as if nothing had happened. Each saved address is taken up
 * once. The plugin's own progress() record is kept beside it: input.resume shows the plugin
 * its own record only, and NULL when it saved none.
 */

/* -- Mail ----------------------------------------------------------------------------- */

enum {
    CORDON_MAIL_PLAIN = 1 /* without TLS, to a listed address only. Else TLS is required:
                           * from the first byte with smtps://, by STARTTLS with smtp:// */
};

/* One message to one server. Sent at most once: whoever wants it tried again asks again. */
struct cordon_mail {
    uint32_t size;
    const char *url;  /* "smtp://mail.example:587" or "smtps://..."; nothing behind it */
    const char *from; /* "cordon@example.org", without <> */
    const char *const *to; /* likewise; NULL at the end */
    const char *user;      /* NULL: does not sign in */
    const char *password;
    const char *message; /* RFC 5322, each line ended by CR LF */
    size_t message_len;
    uint32_t flags;
    uint32_t timeout_ms; /* 0: what the call has left */
};

/* -- Bytes ---------------------------------------------------------------------------- */

/* Bytes for a listener that says nothing back, over a connection of their own; with udp:// one
 * datagram. */
struct cordon_send {
    uint32_t size;
    const char
        *url; /* "tls://siem.example:6514", or to a listed address "tcp://10.0.0.7:601"
                      * or "udp://10.0.0.7:514"; nothing behind it */
    const char *bytes;
    size_t len;          /* at most 60 KiB */
    uint32_t timeout_ms; /* 0: what the call has left */
};

/* reply lives until the callback returns. */
typedef void cordon_http_fn(struct cordon_call *call, const struct cordon_http_reply *reply,
                            void *arg);
typedef void cordon_timer_fn(struct cordon_call *call, void *arg);
/* status: the exit status, or -1; out: at most 64 KiB of standard output, NUL behind it. */
typedef void cordon_run_fn(struct cordon_call *call, int status, const char *out,
                           void *arg);

struct cordon_host {
    uint32_t size;
    uint32_t abi;

    /* Zeroed memory that lives as long as the call. Never NULL. */
    void *(*alloc)(struct cordon_call *call, size_t size);
    /* The call's answer, exactly once. The call is gone when it returns. */
    void (*finish)(struct cordon_call *call, const struct cordon_result *result);
    /* Stores the sentence for a refusal (non-zero return). call NULL: for open(). */
    void (*fail)(struct cordon_call *call, const char *code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
    /* A line for the operator's log; never secrets. level: 0 debug, 1 info, 2 warning. */
    void (*log)(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

    /* One HTTP exchange, with TLS, retries (Retry-After, jitter), long-running operations,
     * and this plugin's list of allowed hosts. At most 64 at once a plugin; more queue. */
    int (*http)(struct cordon_call *call, const struct cordon_http *request,
                cordon_http_fn *done, void *arg);
    /* A header of the final reply, or NULL. Name without regard to case. */
    const char *(*header)(const struct cordon_http_reply *reply, const char *name);
    int (*after)(struct cordon_call *call, uint32_t ms, cordon_timer_fn *done, void *arg);
    /* Journals json as the place to go on from; done when it is durable. Pass what a fresh
     * process needs; it comes back as input.resume. Only inside apply() and restore(). */
    int (*progress)(struct cordon_call *call, const char *json, cordon_timer_fn *done,
                    void *arg);
    /* Runs a program that the plugin's configuration allows (its "programs"), without a
     * shell, without standard input, killed at the call's deadline. */
    int (*run)(struct cordon_call *call, const char *const argv[], cordon_run_fn *done,
               void *arg);

    /* A secret that the configuration gives this plugin, by name; NULL when there is none.
     * Lives as long as the process. Never log it, never put it into an answer. */
    const char *(*secret)(const char *name);
    void (*random)(void *bytes, size_t len); /* cryptographic */
    int64_t (*now_ms)(void);                 /* wall clock, milliseconds since 1970 */

    /* Only when size says that it is there. Hands a message to a mail server of this plugin's
     * list of hosts. In the reply status is the server's last word, 250 when it has taken the
     * message for all of to; below 400 otherwise it is 0. may_have_sent: the whole message had
     * left and nobody said what became of it, or it was taken. No headers, no body. */
    int (*mail)(struct cordon_call *call, const struct cordon_mail *mail,
                cordon_http_fn *done, void *arg);

    /* Only when size says that it is there. Sends bytes to a listener of this plugin's list of
     * hosts. In the reply status is 200 when the other machine has acknowledged them all (with
     * UDP: when they have left), else 0; whether its program has read them nobody knows. No
     * headers, no body. */
    int (*send)(struct cordon_call *call, const struct cordon_send *send,
                cordon_http_fn *done, void *arg);
};

/* The one name that a plugin exports. */
extern CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif

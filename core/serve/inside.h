/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/inside.h - struct serve, and what the files of this folder are to each other.
 *
 *   serve.c    opens and closes everything in order
 *   pump.c     events into the engine, its rows to disk, and only then its commands
 *   tails.c    each open run's newest row
 *   open.c     the runs that were open, at a start
 *   preload.c  their rows
 *   dues.c     entries whose time has come
 *   vms.c      a process per playbook version
 *   hosts.c    a process per plugin
 *   config.c   cordon.lua; config_check.c looks at one that is not in force, reload.c reads it again
 *   rules.c    policy.lua; rules_gate.c is what it says of people and gates
 *   policies.c the policy shown, and tests of one
 *   locks.c    plugins.lock
 *   clients.c  connections, asks, followers
 *   feeds.c    rows told to who stays, of one run or of all
 *   alerts.c   what sources deliver; alert_views.c is alerts as they are read, hook_trial.c what one
 *              would become, catalogue.c what they may start, pull.c sources that are polled
 *   fronts.c   the processes that listen for people, programs and alerts; sources.c and
 *              sign_ins.c are what they let in by, secrets.c where keys come from
 *   author.c   whose work a playbook is
 *   glass.c    everybody is told of a break-glass
 *   notices.c  people are told; tell.c is what, notices_config.c where, notices_who.c whom
 *   starts.c   run, plan, check: from a source to a playbook that the engine knows
 *   trust.c    trust and untrust
 *   access.c   who may say who signs in, and make tokens
 *   keys.c     who may enrol and revoke people's keys
 *   views.c    what can be read from the store; view_runs.c, view_steps.c,
 *              view_gates.c, view_playbooks.c, view_metrics.c
 *   ledger.c   what is contained: from the index, and from rows of runs under way
 *   waited.c   who waits for a call that takes long hears of it
 *   rebuild.c  the index made again from the rows
 *   child.c    a process of our own binary; supervisor.c is who started this one
 *   calls.c    which version a name means to a run that calls it
 *   tests.c    playbook tests: a VM without an engine; answers.c is what it hears
 *
 * Everything happens on the loop's thread. Nothing here calls pump_event() from inside a
 * command that waited for a commit: what goes wrong there is told in a later turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/str.h"
#include "engine/engine.h"
#include "net/loop.h"
#include "serve/serve.h"

struct client;
struct fronts;
struct notices;
struct catalogue;
struct unread;
struct listener;
struct store;
struct tails;
struct preload;
struct open;
struct dues;
struct row;

enum {
    SERVE_ASK_MAX = 7 * 1024 * 1024,   /* bytes of one ask's arguments */
    SERVE_REPLY_MAX = 7 * 1024 * 1024, /* bytes of one reply: a frame's, with room */
    SERVE_FILE_MAX = 1024 * 1024,      /* bytes of cordon.lua, policy.lua, a secret */
    SERVE_CA_MAX = 64 * 1024,          /* bytes of a certificate authority's file */
    SERVE_LOCK_MAX = 8 * 1024 * 1024,  /* bytes of plugins.lock */
    SERVE_CLIENTS_MAX = 1000,          /* connections at once */
    SERVE_GATHER_MS = 8,        /* how long a commit may wait for others to share it */
    SERVE_COMMIT_WITHIN_MS = 5, /* rows that nothing waits for */
    SERVE_OPEN_TRIES = 40,      /* 50 ms apart, while another engine has the directory */
    SERVE_LINGER_MS = 200,      /* after the last client of an engine that ends itself */
    SERVE_BUCKETS = 256
};

/* A file that is read again when it changes. */
struct stamp {
    bool is_there;
    struct timespec changed;
    int64_t size;
    uint64_t inode;
};

struct lock_line { /* one of plugins.lock */
    struct list in_serve;
    char *name, *path, *sha256, *declaration;
    char *by;      /* who trusted it; NULL: the line does not say */
    char *json;    /* the line as it stands in the file */
    char *refused; /* why its host cannot be used; NULL */
};

struct known { /* a playbook version that the engine has */
    struct list in_serve;
    char hash[HASH_HEX_LEN + 1];
    char *name, *source;
    char *path; /* of the file that it was last started from; NULL: not known */
};

struct serve {
    const struct serve_options *options;
    const char *dir;
    struct loop *loop;
    struct store *store;
    struct engine *engine;
    int exit;
    bool is_ready, is_stopping, is_ending;
    struct supervisor *supervisor; /* NULL: nobody wants to hear */
    struct timer linger;
    struct timer watch; /* watch.c */
    /* pump.c */
    struct turn *turn;
    int items_done, commands_done;
    bool is_pumping, is_dirty, wrote_entries, wrote_credentials, has_lazy, has_looked;
    bool is_gathering; /* a commit is put off, for SERVE_GATHER_MS at most */
    int urgent_count;  /* commands that wait for the next commit */
    struct timer commit, tick;
    struct arena scratch;
    struct tails *tails;
    struct preload *preload; /* NULL but while open runs are told of */
    struct open *open;       /* as long */
    struct timer walk;
    struct dues *dues;
    /* vms.c, hosts.c */
    struct list machines, hosts;
    struct list asked_again; /* matches that wait for another process: vms.c */
    int64_t own_calls;       /* hosts_own_call() so far */
    struct list known;
    struct list loading; /* starts.c: runs of versions that are being loaded */
    struct list finding; /* calls.c */
    struct list pulls;   /* pull.c */
    int64_t pull_asks;
    struct list fetches;  /* fetch.c */
    struct list adapting; /* adapters.c: the processes that read deliveries */
    /* config.c, rules.c, locks.c */
    struct str config; /* JSON, "{}" when there is no file */
    /* reload.c */
    struct list old_configs;
    bool is_reloading, reload_again, reload_failed;
    int64_t reloaded_ms; /* 0: not since the start */
    char *config_path;
    struct str config_source; /* while it is read again */
    char *policy_path;
    struct stamp policy_stamp, lock_stamp;
    struct timer policy_again; /* runs while it is to be read once more */
    int policy_lacks;
    void (*policy_done)(struct serve *serve, const struct err *err);
    bool is_reading_policy, policy_ok;
    char *policy_why; /* why there is none */
    char policy_hash[HASH_HEX_LEN + 1];
    struct str policy_json; /* as the engine has it */
    struct list locks;
    /* clients.c */
    struct listener *listener;
    struct list clients, held; /* held: asks that wait until the policy has been read */
    struct list followers[SERVE_BUCKETS];
    struct list feeds; /* feeds.c */
    int feed_count;
    struct str counted; /* view_metrics.c */
    int64_t counted_ms;
    struct list asks[SERVE_BUCKETS]; /* clients who have asked something */
    struct list deliveries;          /* alerts.c: those that are being read */
    struct unread *unread;           /* unread.c; made when it is wanted */
    int delivery_count;
    struct catalogue *catalogue; /* catalogue.c */
    struct notices *notices;     /* notices.c; NULL: nobody is told */
    struct str notify_plugin;    /* what it gives the plugin notify */
    struct fronts *fronts;       /* NULL: nobody listens on the network */
    int client_count, follower_count;
    struct waited_call *waited; /* waited.c */
    int waited_count, waited_cap;
    struct timer waited_timer;
    int glass_count; /* break-glasses without review; -1: not counted yet */
    int64_t next_ask;
};

/* -- serve.c -------------------------------------------------------------------------- */
void serve_end(struct serve *serve, int exit);
/* Something ended: is there still a reason to be here? */
void serve_maybe_end(struct serve *serve);
char *serve_path(struct serve *serve, const char *name); /* DIR/name; free() */
/* Reads a whole file; ERR_NOT_FOUND, ERR_TOO_BIG, ERR_IO. */
int serve_read_file(struct str *out, const char *path, size_t len_max, struct err *err);
void serve_stamp(struct stamp *stamp, const char *path);
bool serve_stamp_same(const struct stamp *a, const struct stamp *b);
struct known *serve_known(struct serve *serve, struct span hash);
/* Tells the engine what runs that call each other have changed so far. */
int serve_give_families(struct serve *serve, struct err *err);
struct known *serve_know(struct serve *serve, struct span hash, struct span name,
                         struct span source);

/* "playbooks" (calls.c): those that a playbook of that file may call, with the schemas of their
 * parameters; null for a file beside it that the engine has not read. */
void calls_put_known(struct serve *serve, const char *path, struct json_out *out);

/* -- open.c --------------------------------------------------------------------------- */
/* Reads which runs the index has as running, and their rows. Before the configuration and the
 * policy have been read, since other processes do that meanwhile. */
int open_walk(struct serve *serve, struct err *err);
/* Starts the processes that those runs will want. Once the plugins are known. */
void open_warm(struct serve *serve);
/* Tells the engine of them. */
void open_give(struct serve *serve);
void open_forget(struct serve *serve);

/* -- pump.c --------------------------------------------------------------------------- */
/* Gives the engine an event (the time is filled in), writes its rows, does its commands. */
void pump_event(struct serve *serve, struct event *event);
void pump_open(struct serve *serve);
void pump_commit(struct serve *serve);

/* -- tails.c -------------------------------------------------------------------------- */
struct tails *tails_new(void);
void tails_free(struct tails *tails);
void tails_set(struct tails *tails, int64_t run, int64_t seq);
void tails_drop(struct tails *tails, int64_t run);
int64_t tails_get(const struct tails *tails, int64_t run); /* 0: not known here */

/* -- preload.c ------------------------------------------------------------------------ */
struct preload *preload_new(void);
void preload_free(struct preload *preload);
void preload_want(struct preload *preload, int64_t run); /* in the order of their numbers */
void preload_row(struct preload *preload, const struct row *row);
/* All rows of a run, oldest first; NULL when they are not all here, also without preload. */
const struct event_row *preload_rows(struct preload *preload, int64_t run, int64_t last_seq,
                                     int *count);

/* -- dues.c --------------------------------------------------------------------------- */
struct dues *dues_new(struct serve *serve);
void dues_free(struct dues *dues);
void dues_forget(struct dues *dues, int kind, int64_t run, int n); /* it was written anew */
void dues_arm(struct dues *dues);

/* -- rows.c --------------------------------------------------------------------------- */
/* A row as people get it: kinds and states by name. */
struct shown_row {
    int64_t seq, run, at_ms;
    int kind;
    struct span body;
};
void rows_show(struct serve *serve, struct json_out *out, const struct shown_row *row);
/* The newest row's seq of a run, 0 when there is no such run. */
int64_t rows_last(struct serve *serve, int64_t run);

/* -- watch.c -------------------------------------------------------------------------- */
struct watch_counts {
    int on, not_in_force;
};
void watch_start(struct serve *serve);
/* The bounds of "holds" in cordon.lua. */
int watch_validate(struct span config, struct err *err);
/* A row became durable: what a check found goes to the log. */
void watch_row(const struct turn_row *row);
/* Of the holds in the index. */
void watch_count(struct serve *serve, struct watch_counts *counts);

/* -- waited.c ------------------------------------------------------------------------- */
/* A call was sent to a host. */
void waited_add(struct serve *serve, int64_t number);
void waited_fini(struct serve *serve);

/* -- ledger.c ------------------------------------------------------------------------- */
struct ledger_query {
    int state;                  /* -1: any */
    int64_t run;                /* -1: of all */
    struct span action, target; /* JSON; empty: any */
    int64_t after_run; /* only holds beyond this one, in the order of their names */
    int after_n;
    int64_t limit; /* 0: all, and no "next" */
};
/* Writes the members "holds" and "next", also with those of runs under way, whose rows alone
 * tell of them yet. */
int ledger_show(struct serve *serve, struct json_out *out, const struct ledger_query *query,
                struct err *err);
/* Adds how many holds of a run are on, "in_place", and "undone" {"at","by"}: the run that let go
 * of one last. */
void ledger_put_standing(struct serve *serve, struct json_out *out, int64_t run);

/* -- vms.c ---------------------------------------------------------------------------- */
/* ok and json: what FRAME_VM_LOADED and FRAME_VM_DATA_DONE say; not ok also when the
 * process ended. Spans are borrowed. */
typedef void vms_done_fn(void *arg, bool ok, struct span json);
void vms_send(struct serve *serve, const struct command *command);
void vms_kill(struct serve *serve, struct span hash);
void vms_load(struct serve *serve, struct span hash, struct span name, struct span source,
              vms_done_fn *done, void *arg);
/* json is the list of findings; not ok: the process ended. */
/* path of its file, beside which lie playbooks that it may call; NULL: not known. */
void vms_check(struct serve *serve, struct span name, const char *path, struct span source,
               vms_done_fn *done, void *arg);
/* A chunk of Lua-as-data, in a process for that alone. */
void vms_data(struct serve *serve, const char *name, struct span source, vms_done_fn *done,
              void *arg);
/* A machine of one's own, without an engine: who drives it is called back. Frames of runs
 * are sent with vms_own_send(). gone comes once, also after a close by itself; after
 * vms_own_close() nothing comes. */
struct machine;
struct vms_hooks {
    vms_done_fn *loaded;
    void (*turn)(void *arg, const struct event *event);    /* as EV_VM_TURN has it */
    void (*matched)(void *arg, const struct event *event); /* as EV_VM_MATCHED, number2:
                                                            * does it match */
    vms_done_fn *adapted;                                  /* as FRAME_VM_ADAPTED has it */
    void (*gone)(void *arg, const char *why);
};
/* The same for adapters; source "": those that cordon brings. Frames FRAME_VM_ADAPT. */
struct machine *vms_own_adapter(struct serve *serve, struct span name, struct span source,
                                const struct vms_hooks *hooks, void *arg);
struct machine *vms_own(struct serve *serve, struct span name, struct span source,
                        const struct vms_hooks *hooks, void *arg);
void vms_own_send(struct machine *machine, struct span frame);
void vms_own_close(struct machine *machine);
/* The catalog has changed: machines without runs are ended. */
void vms_refresh(struct serve *serve);
/* Starts the one of a playbook version that is known, for runs that will want it. */
void vms_warm(struct serve *serve, struct span hash);
void vms_close(struct serve *serve);
struct span vms_error(struct arena *arena, struct span name, struct span json);

/* -- hosts.c -------------------------------------------------------------------------- */
void hosts_send(struct serve *serve, const struct command *command);
/* Starts it for calls that will come, when the plugin is there. */
void hosts_warm(struct serve *serve, struct span name);
bool hosts_are_idle(const struct serve *serve);
/* The plugin's line has changed: its host is ended, and started again when it is needed. */
void hosts_refresh(struct serve *serve, const char *name);
void hosts_close(struct serve *serve);
/* A call of this process's own, not of a run. done is called later, once, unless the
 * engine ends: UNKNOWN when the host dies at it, REFUSED when the plugin cannot be used. */
struct hosts_own {
    struct span action; /* its full name, that of the plugin in front */
    struct span args;   /* canonical JSON */
    const char *name;   /* what it is for, in the place of a run and as the key: as the
                         * plugin's log has it */
    int64_t deadline_ms;
    /* NULL: it reads. Else it is a change that no run has asked for and nobody approves, which
     * is for the engine's own messages alone: the slice now and then. name is its key. */
    const char *before, *after;
};
struct hosts_answer { /* borrowed */
    int status;       /* enum cordon_status */
    struct span code, message, result;
};
typedef void hosts_own_fn(void *arg, const struct hosts_answer *answer);
void hosts_own_call(struct serve *serve, const struct hosts_own *own, hosts_own_fn *done,
                    void *arg);
/* Starts the plugin with no pin, tells what it is, and ends it. Not ok: json is the
 * sentence. */
typedef void hosts_seen_fn(void *arg, bool ok, struct span sha256, struct span json);
void hosts_look(struct serve *serve, const char *path, hosts_seen_fn *seen, void *arg);

/* -- config.c ------------------------------------------------------------------------- */
typedef void config_done_fn(struct serve *serve, const struct err *err);
void config_read(struct serve *serve, config_done_fn *done);
/* Is that a configuration? The sentence says at which line and column of the file it is none. */
int config_check(struct span json, const char *path, struct span source, struct err *err);
/* How the log is written, here and in processes that are started from now on. */
void config_log(struct serve *serve);
struct asked;
/* config_check.c: its ask? */
bool config_ask(struct serve *serve, const struct asked *asked);
struct span config_plugin(struct serve *serve, const char *name);
/* The longest that this plugin's API takes here until reads show a write, 0 when the
 * configuration does not say: a simulator shows them at once. */
int64_t config_settle_ms(struct serve *serve, const char *name);
char *config_resolve(struct serve *serve, struct span path); /* free() */
/* Puts the certificates that the file has, as text: a front cannot read it. */
int config_put_ca(struct serve *serve, struct json_out *out, struct span path,
                  struct err *err);

/* -- rules.c -------------------------------------------------------------------------- */
/* Reads the policy and gives it to the engine; done (may be NULL) is called later. */
void rules_read(struct serve *serve, config_done_fn *done);
/* Reads it again when the file has changed. */
void rules_check(struct serve *serve);
int rules_validate(struct span json, struct err *err);
/* rules_reach.c: what can match nothing, as far as the trusted plugins show it. */
int rules_check_reach(struct serve *serve, struct span json, struct err *err);
/* Does each rule ask for no more people than its groups have? For check and doctor only: a
 * policy that asks for too many stays in force. */
int rules_check_people(struct span json, struct err *err);
/* Adds "chain" and "humans" of a policy in force, see vm/check.h. */
void rules_put_humans(struct span policy, struct json_out *out);
/* routes_check.c: the members of alerts that routes name. */
int routes_check_paths(struct serve *serve, struct span routes, struct err *err);
/* Adds a policy that is right, as the engine wants it. */
void rules_write(struct str *text, struct span json);
/* A list of texts with at least one in it; a group or a list of groups that there are. */
int rules_check_strings(struct span list, const char *what, struct err *err);
int rules_check_from(struct span groups, struct span from, const char *what,
                     struct err *err);
/* rules_gate.c: role slots; people, gates, break_glass. path is that of who asks for them. */
int rules_check_slots(struct span groups, struct span asked, const char *path,
                      struct err *err);
int rules_check_gates(struct span json, struct err *err);

/* -- glass.c -------------------------------------------------------------------------- */
void glass_changed(struct serve *serve); /* an entry of its kind was written */
/* Tells whoever asks of what nobody has reviewed yet. */
void glass_tell(struct serve *serve, int64_t ask);
/* Writes the member "break_glass": those of a run, or (run 0) all that are unreviewed. */
int glass_show(struct serve *serve, struct json_out *out, int64_t run, struct err *err);
/* How the newest of a run stands, given its entry's body; NULL when it has none. */
const char *glass_word(struct serve *serve, int64_t run, struct span entry_body);

/* -- author.c ------------------------------------------------------------------------- */
/* Whose work the source is that somebody brought, as a user's name; free(). path may be
 * NULL. */
char *author_of(const char *path, struct span source, const char *bringer);

/* -- locks.c -------------------------------------------------------------------------- */
/* Reads plugins.lock and gives each line to the engine. */
int locks_read(struct serve *serve, struct err *err);
void locks_check(struct serve *serve);
struct lock_line *locks_find(struct serve *serve, struct span name);
int locks_put(struct serve *serve, const char *name, const char *path, struct span sha256,
              struct span declaration, const char *who, struct err *err);
int locks_remove(struct serve *serve, const char *name, struct err *err);
void locks_catalog(struct serve *serve, struct str *out); /* list of the actions' names */
void locks_schemas(struct serve *serve, struct str *out); /* {action: schema of its args} */
/* {action: schema of what it gives to a playbook} */
void locks_results(struct serve *serve, struct json_out *out);
/* The declaration of an action that a trusted plugin offers; the empty span when none does. */
struct span locks_action(struct serve *serve, struct span name);
void locks_close(struct serve *serve);

/* -- clients.c ------------------------------------------------------------------------ */
int clients_open(struct serve *serve, struct err *err);
void clients_close(struct serve *serve);
/* For everybody who waits for an answer of an engine that is about to end. */
void clients_last_words(struct serve *serve, const char *sentence);
char *clients_name_of(uid_t uid); /* free() */
void clients_event(struct serve *serve, int64_t ask, struct span json);
void clients_follow(struct serve *serve, int64_t ask, int64_t run);
void clients_settled(struct serve *serve, int64_t run, int exit, struct span json);
void clients_tell(struct serve *serve, int64_t run, struct span json);
void clients_row(struct serve *serve, const struct turn_row *row);
void clients_reply(struct serve *serve, int64_t ask, int exit, struct span json);
void clients_error(struct serve *serve, int64_t ask, int exit, const char *code,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The policy has been read: asks that waited for it go on. */
void clients_resume(struct serve *serve);

/* An ask, as its verb gets it. Lives until the function returns. */
struct asked {
    int64_t number;
    struct span verb, args, who;
    struct span powers; /* empty: they came over the socket */
    bool is_owner;      /* the user whom the engine runs as, or root */
};
/* Gives an ask to the engine as it is. */
void clients_to_engine(struct serve *serve, const struct asked *asked);

/* -- feeds.c -------------------------------------------------------------------------- */
bool feeds_ask(struct serve *serve, const struct asked *asked);
void feeds_row(struct serve *serve, const struct turn_row *row); /* it is durable */
void feeds_tell(struct serve *serve, int64_t run, struct span json);
void feeds_forget(struct serve *serve, int64_t ask); /* nobody waits for it any more */
void feeds_close(struct serve *serve);
/* An ask that came to a front. The powers are {"groups","roles","via"}, and allow the verb. */
struct front;
struct clients_of_front {
    struct front *front;
    int64_t id;
    struct span who, powers, verb, args;
};
/* Without a verb it is only given a number, for who answers it. */
int64_t clients_ask_of(struct serve *serve, const struct clients_of_front *of);
void clients_drop(struct serve *serve, struct front *front, int64_t id);
void clients_drop_all(struct serve *serve, struct front *front);

/* -- rebuild.c ------------------------------------------------------------------------ */
bool rebuild_ask(struct serve *serve, const struct asked *asked);

/* -- calls.c -------------------------------------------------------------------------- */
/* CMD_FIND: the catalogue's version, or the file beside that of the caller. */
void calls_find(struct serve *serve, const struct command *command);
void calls_close(struct serve *serve);

/* -- starts.c, trust.c, keys.c, tests.c, views.c: true when the verb is one of theirs ---------- */
/* A version that has been loaded is known from here on. path and bringer as of author_of(). */
void starts_know(struct serve *serve, struct span hash, struct span name,
                 const char *source, const char *path, const char *bringer,
                 struct span info);
bool starts_ask(struct serve *serve, const struct asked *asked);
bool trust_ask(struct serve *serve, const struct asked *asked);
bool keys_ask(struct serve *serve, const struct asked *asked);
bool access_ask(struct serve *serve, const struct asked *asked);
bool tests_ask(struct serve *serve, const struct asked *asked);
bool views_ask(struct serve *serve, const struct asked *asked);
bool policies_ask(struct serve *serve, const struct asked *asked);
/* Sends how many rows the run of "run" or "gate" has so far, and those rows, as events. The
 * rows that come once the ask is handled follow them without a gap. */
void views_past(struct serve *serve, const struct asked *asked);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noop.c - a plugin whose world is a folder, or its own memory.
 *
 * noop.set makes a target's value something else; noop.burn does so for good; noop.get reads
 * it. With the configuration {"dir": D} values live in files of D and each apply and restore
 * adds a line to D/effects.log, so that a test can count effects across crashes; without,
 * they live in memory. {"log": F} is a world that costs little: F has a line for each apply
 * and restore, values live in memory, and are made again from F by the next process.
 * {"delay_ms": N} makes each answer take so long.
 */
#include "fixture.h"

#include <fcntl.h>
#include <unistd.h>

enum { BUCKETS = 65536, PATH_SIZE = 600, VALUE_SIZE = 4096 };

struct value {
    struct value *next;
    char *target;
    char *text; /* JSON */
};

static struct value *buckets[BUCKETS];
static char dir[512];
static int log_fd = -1;
static unsigned delay_ms;

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static void path_of(char *path, const char *target)
{
    snprintf(path, PATH_SIZE, "%s/%016llx.json", dir, (unsigned long long)hash_of(target));
}

static struct value *find(const char *target)
{
    struct value **at = &buckets[hash_of(target) % BUCKETS];

    while (*at && strcmp((*at)->target, target) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        (*at)->target = strdup(target);
        (*at)->text = strdup("null");
    }
    return *at;
}

/* The value of target as JSON, in the call's memory. */
static const char *load(struct cordon_call *call, const char *target)
{
    char path[PATH_SIZE];
    char *text = fixture_host->alloc(call, VALUE_SIZE);

    if (!*dir)
        return find(target)->text;
    path_of(path, target);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return "null";
    ssize_t n = read(fd, text, VALUE_SIZE - 1);
    close(fd);
    return n > 0 ? text : "null";
}

static void remember(const char *target, const char *json)
{
    struct value *value = find(target);

    free(value->text);
    value->text = strdup(json);
}

/* Whole or not at all: a new file takes the old one's place. */
static int store(const char *target, const char *json)
{
    char path[PATH_SIZE], other[PATH_SIZE + 8];

    if (!*dir) {
        remember(target, json);
        return 0;
    }
    path_of(path, target);
    snprintf(other, sizeof other, "%s.new", path);
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, json, strlen(json));
    close(fd);
    return n == (ssize_t)strlen(json) && rename(other, path) == 0 ? 0 : -1;
}

/* Each line: what, target, key, and the value, which may have spaces. */
static int open_log(const char *path)
{
    char line[PATH_SIZE + VALUE_SIZE], target[PATH_SIZE];
    int value_at;
    FILE *file = fopen(path, "a+e");

    if (!file)
        return -1;
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%*s %599s %*s %n", target, &value_at) == 1)
            remember(target, line + value_at);
    }
    log_fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
    fclose(file);
    return log_fd < 0 ? -1 : 0;
}

static int log_value(const char *what, const char *target, const char *key,
                     const char *json)
{
    char line[PATH_SIZE + VALUE_SIZE];
    int len = snprintf(line, sizeof line, "%s %s %s %s\n", what, target, key, json);

    return len < (int)sizeof line && write(log_fd, line, (size_t)len) == len ? 0 : -1;
}

static void log_effect(const char *what, const char *target, const char *key)
{
    char path[PATH_SIZE], line[PATH_SIZE];

    if (!*dir)
        return;
    snprintf(path, sizeof path, "%s/effects.log", dir);
    int len = snprintf(line, sizeof line, "%s %s %s\n", what, target, key);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)len) != len)
        fixture_host->log(2, "effects.log cannot be written");
    close(fd);
}

/* -- Answers, at once or late --------------------------------------------------------------- */

struct job {
    const struct cordon_input *in;
    const char *value; /* apply, restore: what it shall be; NULL: only look */
    const char *what;
    int is_read;
};

static void work(struct cordon_call *call, void *arg)
{
    struct job *job = arg;
    const char *target = fixture_get(call, job->in->args, "target");
    char *state = fixture_host->alloc(call, VALUE_SIZE + 16);

    if (job->value) {
        log_effect(job->what, target, job->in->key);
        if ((log_fd >= 0 && log_value(job->what, target, job->in->key, job->value) != 0) ||
            store(target, job->value) != 0)
            fixture_finish(call, CORDON_REFUSED, "NotWritable",
                           "what it shall be cannot be written");
        else
            fixture_finish(call, CORDON_DONE, NULL, NULL);
        return;
    }
    snprintf(state, VALUE_SIZE + 16, "{\"value\":%s}", load(call, target));
    if (job->is_read)
        fixture_finish_json(call, state);
    else
        fixture_finish_state(call, target, state);
}

static int begin(struct cordon_call *call, struct job job)
{
    struct job *kept = fixture_host->alloc(call, sizeof *kept);

    *kept = job;
    if (delay_ms > 0)
        return fixture_host->after(call, delay_ms, work, kept);
    work(call, kept);
    return 0;
}

/* What stands behind "value": in {"target":"...","value":V} or {"value":V}. */
static const char *value_of(struct cordon_call *call, const char *json)
{
    const char *at = strstr(json, "\"value\":");
    size_t len = at ? strlen(at + 8) : 0;

    if (len < 2 || len >= VALUE_SIZE)
        return NULL;
    char *value = fixture_host->alloc(call, len);
    memcpy(value, at + 8, len - 1);
    return value;
}

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    return begin(call, (struct job){ .in = in, .is_read = 1 });
}

static int on_observe(struct cordon_call *call, const struct cordon_input *in)
{
    return begin(call, (struct job){ .in = in });
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    const char *value = value_of(call, in->args);
    char *after = fixture_host->alloc(call, VALUE_SIZE + 16);
    char *what = fixture_host->alloc(call, VALUE_SIZE);

    if (!value) {
        fixture_host->fail(call, "TooLong", "the value has more than %d bytes", VALUE_SIZE);
        return 1;
    }
    snprintf(after, VALUE_SIZE + 16, "{\"value\":%s}", value);
    snprintf(what, VALUE_SIZE, "set %.200s to %.200s",
             fixture_get(call, in->args, "target"), value);
    out->after = after;
    out->what = what;
    out->undo = "set it back";
    out->affects = 1;
    out->affects_what = "things";
    return 0;
}

static int on_apply(struct cordon_call *call, const struct cordon_input *in)
{
    const char *value = value_of(call, in->after);

    return value ? begin(call, (struct job){ .in = in, .value = value, .what = "apply" })
                 : 1;
}

static int on_restore(struct cordon_call *call, const struct cordon_input *in)
{
    const char *value = value_of(call, in->goal);

    return value ? begin(call, (struct job){ .in = in, .value = value, .what = "restore" })
                 : 1;
}

/* -- Declaration -------------------------------------------------------------------------------- */

#define SET_SCHEMA                                                                 \
    "{\"type\":\"object\",\"properties\":{\"target\":{\"type\":\"string\","        \
    "\"description\":\"what to set\"},\"value\":{\"type\":[\"string\",\"number\"," \
    "\"boolean\",\"null\"]}},\"required\":[\"target\",\"value\"],"                 \
    "\"additionalProperties\":false}"
#define STATE_SCHEMA                                                                   \
    "{\"type\":\"object\",\"properties\":{\"value\":{\"type\":[\"string\",\"number\"," \
    "\"boolean\",\"null\"]}},\"required\":[\"value\"],\"additionalProperties\":false}"

static const char *const permissions[] = { "noop/values/write", NULL };

static const struct cordon_action get = {
    .size = sizeof get,
    .name = "noop.get",
    .summary = "Read a value",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 10000,
    .args_schema = FIXTURE_TARGET_SCHEMA,
    .result_schema = STATE_SCHEMA,
    .read = on_read,
};

static const struct cordon_action set = {
    .size = sizeof set,
    .name = "noop.set",
    .summary = "Set a value",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_LOW,
    .permissions = permissions,
    .settle_ms = 1000,
    .timeout_ms = 10000,
    .args_schema = SET_SCHEMA,
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_apply,
    .restore = on_restore,
};

static const struct cordon_action burn = {
    .size = sizeof burn,
    .name = "noop.burn",
    .summary = "Set a value for good",
    .effect = CORDON_PERMANENT,
    .permanent_because = "what was there before is not kept",
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_HIGH,
    .permissions = permissions,
    .settle_ms = 1000,
    .timeout_ms = 10000,
    .args_schema = SET_SCHEMA,
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_apply,
};

static const struct cordon_action *const actions[] = { &get, &set, &burn, NULL };

static int on_open(const struct cordon_host *host, const char *config, void **plugin)
{
    const char *at = strstr(config, "\"dir\":\"");
    const char *log = strstr(config, "\"log\":\"");
    const char *delay = strstr(config, "\"delay_ms\":");
    char path[PATH_SIZE];

    *plugin = NULL;
    fixture_host = host;
    if (at)
        snprintf(dir, sizeof dir, "%.*s", (int)strcspn(at + 7, "\""), at + 7);
    if (delay)
        delay_ms = (unsigned)strtoul(delay + 11, NULL, 10);
    if (*dir && access(dir, W_OK) != 0) {
        host->fail(NULL, "dir", "%s is no folder that can be written to", dir);
        return 1;
    }
    if (log)
        snprintf(path, sizeof path, "%.*s", (int)strcspn(log + 7, "\""), log + 7);
    if (log && open_log(path) != 0) {
        host->fail(NULL, "log", "%s cannot be written to", path);
        return 1;
    }
    return 0;
}

static void on_close(void *plugin)
{
    (void)plugin;
    if (log_fd >= 0)
        close(log_fd);
    for (int i = 0; i < BUCKETS; i++)
        while (buckets[i]) {
            struct value *value = buckets[i];
            buckets[i] = value->next;
            free(value->target);
            free(value->text);
            free(value);
        }
}

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "noop",
    .version = "1.0.0",
    .summary = "Values in a folder, for tests",
    .config_schema = "{\"type\":\"object\",\"properties\":{\"dir\":{\"type\":\"string\"},"
                     "\"log\":{\"type\":\"string\"},"
                     "\"delay_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":60000}},"
                     "\"additionalProperties\":false}",
    .actions = actions,
    .open = on_open,
    .close = on_close,
};

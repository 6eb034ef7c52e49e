/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - a host for one plugin that does one thing after the other, for tests.
 *
 *     driver PLUGIN.so CONFIG <requests >answers
 *
 * A request is a line of JSON: {"fn":"observe","action":"...","args":{},"before":...,
 * "after":...,"goal":...,"key":"...","run":"...","resume":...}; fn may be read, plan, apply, restore and
 * undone as well. The answer is a line of JSON. All lines are served by one open plugin.
 *
 * It holds the plugin to the contract: an answer from inside a call, a second one or none
 * ends the driver with a sentence. It sends nothing again, so that a test sees what each
 * reply is taken for. A secret NAME is the environment's SECRET_NAME; the file TRACE, if
 * set, gets a line for each exchange: method, address, flags and body.
 */
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include <cordon/plugin.h>

enum { EVENTS_MAX = 64, POLLS_MAX = 200, POLL_MS = 50, TIMEOUT_MS = 5000, OUT_MAX = 65536 };

struct buffer {
    char *text;
    size_t len;
};

/* Something that the plugin waits for. */
struct event {
    enum { EVENT_HTTP, EVENT_TIMER, EVENT_RUN } kind;
    struct cordon_http request;
    struct curl_slist *headers;
    char *url;
    char *method;
    char *body;
    char *argv[16];
    cordon_http_fn *on_http;
    cordon_timer_fn *on_timer;
    uint32_t wait_ms;
    cordon_run_fn *on_run;
    void *arg;
};

struct block {
    struct block *next;
    _Alignas(16) char bytes[];
};

struct cordon_call {
    struct block *blocks;
    struct event events[EVENTS_MAX];
    int first;
    int count;
    int progress_count;
    bool is_inside;
    bool is_finished;
    char code[128];
    char message[1024];
    cJSON *answer;
};

static struct cordon_call *current;

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fputs("driver: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(3);
}

static char *copy(const char *text)
{
    char *out = strdup(text != NULL ? text : "");

    if (out == NULL)
        abort();
    return out;
}

/* -- What the host offers -------------------------------------------------------------- */

static void *host_alloc(struct cordon_call *call, size_t size)
{
    struct block *block = calloc(1, sizeof *block + size);

    if (block == NULL)
        abort();
    block->next = call->blocks;
    call->blocks = block;
    return block->bytes;
}

static void add_json(cJSON *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    if (json == NULL)
        die("%s is not JSON: %s", name, text);
    cJSON_AddItemToObject(out, name, json);
}

static void add_text(cJSON *out, const char *name, const char *text)
{
    if (text != NULL)
        cJSON_AddStringToObject(out, name, text);
}

static void host_finish(struct cordon_call *call, const struct cordon_result *result)
{
    static const char *const names[] = { "DONE", "RETRY", "REFUSED", "UNKNOWN" };

    if (call != current || call->is_finished)
        die("a second answer");
    if (call->is_inside)
        die("an answer from inside the call");
    if (result->status != CORDON_DONE && (result->code == NULL || result->message == NULL))
        die("status %s without code and message", names[result->status]);
    call->is_finished = true;
    call->answer = cJSON_CreateObject();
    add_text(call->answer, "status", names[result->status]);
    add_text(call->answer, "code", result->code);
    add_text(call->answer, "message", result->message);
    add_json(call->answer, "result", result->json);
    if (result->observation != NULL) {
        add_text(call->answer, "target", result->observation->target);
        add_json(call->answer, "state", result->observation->state);
        add_json(call->answer, "tags", result->observation->tags);
        add_text(call->answer, "tenant", result->observation->tenant);
        if (result->observation->exists != 0)
            cJSON_AddNumberToObject(call->answer, "exists",
                                    (double)result->observation->exists);
    }
    for (struct block *block = call->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    call->blocks = NULL;
}

static void host_fail(struct cordon_call *call, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void host_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void host_fail(struct cordon_call *call, const char *code, const char *fmt, ...)
{
    char message[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (call == NULL) {
        fprintf(stderr, "open: %s: %s\n", code, message);
        return;
    }
    snprintf(call->code, sizeof call->code, "%s", code);
    snprintf(call->message, sizeof call->message, "%s", message);
}

static void host_log(int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "log %d: ", level);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

static struct event *event_add(struct cordon_call *call)
{
    if (call->is_finished)
        die("a request after the answer");
    if (call->count == EVENTS_MAX)
        die("more than %d events at once", EVENTS_MAX);
    struct event *event = &call->events[(call->first + call->count++) % EVENTS_MAX];
    memset(event, 0, sizeof *event);
    return event;
}

static int host_http(struct cordon_call *call, const struct cordon_http *request,
                     cordon_http_fn *done, void *arg)
{
    struct event *event = event_add(call);

    event->kind = EVENT_HTTP;
    event->request = *request;
    event->url = copy(request->url);
    event->method = copy(request->method);
    event->body = copy(request->body);
    bool has_type = false;
    for (int i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        event->headers = curl_slist_append(event->headers, request->headers[i]);
        has_type = has_type || strncasecmp(request->headers[i], "content-type:", 13) == 0;
    }
    if (!has_type) /* libcurl would say that it is a form, which our host does not */
        event->headers = curl_slist_append(event->headers, "Content-Type:");
    event->on_http = done;
    event->arg = arg;
    return 0;
}

static int host_after(struct cordon_call *call, uint32_t ms, cordon_timer_fn *done,
                      void *arg)
{
    struct event *event = event_add(call);

    event->kind = EVENT_TIMER;
    event->wait_ms = ms;
    event->on_timer = done;
    event->arg = arg;
    return 0;
}

static int host_progress(struct cordon_call *call, const char *json, cordon_timer_fn *done,
                         void *arg)
{
    if (call->progress_count++ == 16)
        die("more than 16 places saved in one call");
    cJSON *place = cJSON_ParseWithOpts(json, NULL, true);
    if (place == NULL)
        die("a place that is not JSON: %s", json);
    cJSON_Delete(place);
    return host_after(call, 0, done, arg);
}

static int host_run(struct cordon_call *call, const char *const argv[], cordon_run_fn *done,
                    void *arg)
{
    struct event *event = event_add(call);

    event->kind = EVENT_RUN;
    for (int i = 0; argv[i] != NULL && i < 15; i++)
        event->argv[i] = copy(argv[i]);
    event->on_run = done;
    event->arg = arg;
    return 0;
}

static const char *host_secret(const char *name)
{
    char variable[128];

    snprintf(variable, sizeof variable, "SECRET_%s", name);
    return getenv(variable);
}

static void host_random(void *bytes, size_t len)
{
    if (getrandom(bytes, len, 0) != (ssize_t)len)
        die("no chance to be had");
}

static int64_t host_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- HTTP ------------------------------------------------------------------------------- */

struct exchange {
    uint32_t timeout_ms; /* 0: as long as any */
    long status;
    struct buffer body;
    struct buffer headers; /* "name: value" lines, each ended by a NUL */
    char error[CURL_ERROR_SIZE];
    long sent;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct buffer *buffer = arg;
    size_t len = size * count;

    buffer->text = realloc(buffer->text, buffer->len + len + 2);
    if (buffer->text == NULL)
        abort();
    memcpy(buffer->text + buffer->len, bytes, len);
    buffer->len += len;
    buffer->text[buffer->len] = '\0';
    buffer->text[buffer->len + 1] = '\0';
    return len;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct buffer *buffer = arg;
    size_t len = size * count;

    on_bytes(bytes, 1, len, arg);
    while (buffer->len > 0 && strchr("\r\n", buffer->text[buffer->len - 1]) != NULL)
        buffer->len--;
    buffer->text[buffer->len++] = '\0';
    return len;
}

static const char *header_find(const struct buffer *headers, const char *name)
{
    size_t len = strlen(name);

    for (size_t at = 0; at < headers->len; at += strlen(headers->text + at) + 1) {
        const char *line = headers->text + at;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

static const char *host_header(const struct cordon_http_reply *reply, const char *name)
{
    return header_find(reply->headers, name);
}

static void exchange_fini(struct exchange *exchange)
{
    free(exchange->body.text);
    free(exchange->headers.text);
    memset(exchange, 0, sizeof *exchange);
}

static void exchange_run(struct exchange *exchange, const char *method, const char *url,
                         struct curl_slist *headers, const char *body)
{
    CURL *curl = curl_easy_init();

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange->headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->error);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     exchange->timeout_ms > 0 ? (long)exchange->timeout_ms
                                              : (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange->status);
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &exchange->sent);
    if (code != CURLE_OK)
        exchange->status = 0;
    if (code != CURLE_OK && exchange->error[0] == '\0')
        snprintf(exchange->error, sizeof exchange->error, "%s", curl_easy_strerror(code));
    curl_easy_cleanup(curl);
}

static bool has_status(const struct exchange *poll, const char *word)
{
    cJSON *json = cJSON_Parse(poll->body.text != NULL ? poll->body.text : "");
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(json, "status");
    bool has = cJSON_IsString(status) && strcmp(status->valuestring, word) == 0;

    cJSON_Delete(json);
    return has;
}

static bool is_running(const struct exchange *poll)
{
    return poll->status == 202 || has_status(poll, "InProgress");
}

static bool has_failed(const struct exchange *poll)
{
    return has_status(poll, "Failed") || has_status(poll, "Canceled");
}

/* Goes to the end of a long-running operation. Returns the word for that end, NULL when
 * there was no operation; what is handed on is the resource or the last poll. */
static const char *follow(struct exchange *exchange, const struct event *event)
{
    const char *where = header_find(&exchange->headers, "Azure-AsyncOperation");

    if (where == NULL)
        where = header_find(&exchange->headers, "Location");
    if (where == NULL || exchange->status < 200 || exchange->status > 202)
        return NULL;
    char *url = copy(where);
    for (int i = 0; i < POLLS_MAX; i++) {
        struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
        nanosleep(&pause, NULL);
        exchange_fini(exchange);
        exchange_run(exchange, "GET", url, event->headers, "");
        if (!is_running(exchange))
            break;
    }
    free(url);
    if (has_failed(exchange)) {
        exchange->status = 500;
        return "Failed";
    }
    if (strcmp(event->method, "PUT") == 0) {
        exchange_fini(exchange);
        exchange_run(exchange, "GET", event->url, event->headers, "");
    }
    return "Succeeded";
}

static void trace(const struct event *event)
{
    const char *path = getenv("TRACE");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;

    if (file == NULL)
        return;
    fprintf(file, "%s %s %u %s\n", event->method, event->url, event->request.flags,
            event->body);
    fclose(file);
}

static void serve_http(struct cordon_call *call, struct event *event)
{
    struct exchange exchange = { .timeout_ms = event->request.timeout_ms };

    const char *operation = NULL;

    trace(event);
    exchange_run(&exchange, event->method, event->url, event->headers, event->body);
    if (event->request.flags & CORDON_HTTP_LRO)
        operation = follow(&exchange, event);
    const char *body = exchange.body.text != NULL ? exchange.body.text : "";
    cJSON *json = cJSON_ParseWithOpts(body, NULL, true);
    struct cordon_http_reply reply = {
        .size = sizeof reply,
        .status = (int)exchange.status,
        .may_have_sent = exchange.status != 0 || exchange.sent > 0,
        .is_json = json != NULL,
        .body = body,
        .body_len = strlen(body),
        .error = exchange.status == 0 ? exchange.error : NULL,
        .headers = &exchange.headers,
        .operation = operation,
    };
    cJSON_Delete(json);
    event->on_http(call, &reply, event->arg);
    exchange_fini(&exchange);
    curl_slist_free_all(event->headers);
    free(event->url);
    free(event->method);
    free(event->body);
}

/* -- Programs --------------------------------------------------------------------------- */

static void serve_run(struct cordon_call *call, struct event *event)
{
    static char out[OUT_MAX + 1];
    size_t len = 0;
    ssize_t got;
    int ends[2];
    int status = 0;

    if (pipe(ends) != 0)
        die("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(event->argv[0], event->argv);
        _exit(127);
    }
    close(ends[1]);
    while (len < OUT_MAX && (got = read(ends[0], out + len, OUT_MAX - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    close(ends[0]);
    waitpid(pid, &status, 0);
    event->on_run(call, WIFEXITED(status) ? WEXITSTATUS(status) : -1, out, event->arg);
    for (int i = 0; event->argv[i] != NULL; i++)
        free(event->argv[i]);
}

/* -- Requests --------------------------------------------------------------------------- */

static const struct cordon_host host = {
    .size = sizeof host,
    .abi = CORDON_ABI,
    .alloc = host_alloc,
    .finish = host_finish,
    .fail = host_fail,
    .log = host_log,
    .http = host_http,
    .header = host_header,
    .after = host_after,
    .progress = host_progress,
    .run = host_run,
    .secret = host_secret,
    .random = host_random,
    .now_ms = host_now_ms,
};

static void serve_timer(struct cordon_call *call, struct event *event)
{
    struct timespec pause = { .tv_sec = event->wait_ms / 1000,
                              .tv_nsec = event->wait_ms % 1000 * 1000000L };

    nanosleep(&pause, NULL);
    event->on_timer(call, event->arg);
}

static void serve_events(struct cordon_call *call)
{
    while (!call->is_finished) {
        if (call->count == 0)
            die("no answer, and nothing that one could come from");
        struct event event = call->events[call->first];
        call->first = (call->first + 1) % EVENTS_MAX;
        call->count--;
        if (event.kind == EVENT_HTTP)
            serve_http(call, &event);
        else if (event.kind == EVENT_RUN)
            serve_run(call, &event);
        else
            serve_timer(call, &event);
    }
}

static char *member(const cJSON *request, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(request, name);

    if (item == NULL)
        return NULL;
    if (cJSON_IsString(item))
        return copy(item->valuestring);
    return cJSON_PrintUnformatted(item);
}

static void plan(struct cordon_call *call, cordon_plan_fn *fn,
                 const struct cordon_input *in)
{
    struct cordon_plan out = { .size = sizeof out };

    call->is_inside = true;
    int rc = fn(call, in, &out);
    call->is_inside = false;
    call->answer = cJSON_CreateObject();
    add_text(call->answer, "status", rc == 0 ? "DONE" : "REFUSED");
    if (rc != 0) {
        add_text(call->answer, "code", call->code);
        add_text(call->answer, "message", call->message);
    } else {
        add_json(call->answer, "after", out.after);
        add_text(call->answer, "what", out.what);
        add_text(call->answer, "undo", out.undo);
        add_text(call->answer, "own", out.own);
        add_text(call->answer, "ask", out.ask);
        cJSON_AddNumberToObject(call->answer, "affects", (double)out.affects);
    }
    for (struct block *block = call->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
}

static void act(struct cordon_call *call, cordon_action_fn *fn,
                const struct cordon_input *in)
{
    call->is_inside = true;
    int rc = fn(call, in);
    call->is_inside = false;
    if (rc == 0) {
        serve_events(call);
        return;
    }
    if (call->count > 0)
        die("refused by return value with a request under way");
    struct cordon_result result = {
        .size = sizeof result,
        .status = CORDON_REFUSED,
        .code = call->code,
        .message = call->message,
    };
    host_finish(call, &result);
}

static const struct cordon_action *action_find(const struct cordon_plugin *plugin,
                                               const char *name)
{
    for (int i = 0; plugin->actions[i] != NULL; i++) {
        if (strcmp(plugin->actions[i]->name, name) == 0)
            return plugin->actions[i];
    }
    die("no action %s", name);
}

static void dispatch(struct cordon_call *call, const struct cordon_action *action,
                     const char *fn, const struct cordon_input *in)
{
    if (strcmp(fn, "read") == 0)
        act(call, action->read, in);
    else if (strcmp(fn, "observe") == 0)
        act(call, action->observe, in);
    else if (strcmp(fn, "plan") == 0)
        plan(call, action->plan, in);
    else if (strcmp(fn, "apply") == 0)
        act(call, action->apply, in);
    else if (strcmp(fn, "restore") == 0)
        act(call, action->restore, in);
    else if (strcmp(fn, "undone") == 0)
        plan(call, action->undone, in);
    else
        die("no function %s", fn);
}

static void serve(const struct cordon_plugin *plugin, const void *state, const char *line)
{
    cJSON *request = cJSON_ParseWithOpts(line, NULL, true);
    struct cordon_call *call = calloc(1, sizeof *call);

    if (request == NULL || call == NULL)
        die("a request that is not JSON: %s", line);
    char *fn = member(request, "fn");
    char *name = member(request, "action");
    char *texts[] = { member(request, "args"),  member(request, "before"),
                      member(request, "after"), member(request, "goal"),
                      member(request, "key"),   member(request, "run"),
                      member(request, "resume") };
    struct cordon_input in = {
        .size = sizeof in,
        .plugin = state,
        .args = texts[0],
        .before = texts[1],
        .token = "",
        .after = texts[2],
        .goal = texts[3],
        .key = texts[4] != NULL ? texts[4] : "00112233445566778899aabbccddeeff",
        .run = texts[5] != NULL ? texts[5] : "r-000041",
        .resume = texts[6],
        .deadline_ms = TIMEOUT_MS,
    };
    current = call;
    dispatch(call, action_find(plugin, name), fn, &in);
    char *answer = cJSON_PrintUnformatted(call->answer);
    puts(answer);
    fflush(stdout);
    cJSON_free(answer);
    cJSON_Delete(call->answer);
    cJSON_Delete(request);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(fn);
    free(name);
    free(call);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;
    void *state = NULL;

    if (argc != 3)
        die("usage: driver PLUGIN.so CONFIG");
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    const struct cordon_plugin *plugin =
        library != NULL ? dlsym(library, "cordon_plugin_v1") : NULL;
    if (plugin == NULL)
        die("%s", dlerror());
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (plugin->open(&host, argv[2], &state) != 0)
        return 1;
    while (getline(&line, &size, stdin) > 0)
        serve(plugin, state, line);
    free(line);
    plugin->close(state);
    curl_global_cleanup();
    return 0;
}

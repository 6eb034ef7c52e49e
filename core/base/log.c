/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

enum { SENTENCE_MAX = 4096 }; /* longer ones are cut */

static char role[64] = "cordon";
static int level = -1;  /* not yet asked for */
static int format = -1; /* 1: JSON; likewise */

void log_level_set(enum log_level wanted)
{
    level = (int)wanted;
}

void log_format_set(bool is_json)
{
    format = is_json;
    setenv("CORDON_LOG_FORMAT", is_json ? "json" : "text", 1);
}

bool log_format_is_known(void)
{
    return getenv("CORDON_LOG_FORMAT") != NULL;
}

static bool is_json(void)
{
    const char *word = getenv("CORDON_LOG_FORMAT");

    if (format < 0)
        format = word != NULL && strcmp(word, "json") == 0;
    return format == 1;
}

static enum log_level level_of_environment(void)
{
    const char *word = getenv("CORDON_LOG");

    if (word != NULL && strcmp(word, "debug") == 0)
        return LOG_LEVEL_DEBUG;
    if (word != NULL && strcmp(word, "info") == 0)
        return LOG_LEVEL_INFO;
    return LOG_LEVEL_WARN;
}

/* A plugin's process clears its environment later. */
static void read_environment(void)
{
    if (level < 0)
        level = (int)level_of_environment();
    is_json();
}

void log_open(const char *name)
{
    snprintf(role, sizeof role, "%s", name);
    read_environment();
}

static bool is_wanted(enum log_level of_line)
{
    read_environment();
    return (int)of_line >= level;
}

static void write_text(struct str *line, const char *word, const char *sentence)
{
    char now[32];

    str_printf(line, "%s %s %s: ", clock_show_time(clock_unix_ms(), now), role, word);
    str_add_shown(line, sentence, strlen(sentence));
}

/* What is shown escaped in text is so here too: a reader prints what it finds. */
static void write_json(struct str *line, const char *word, const char *sentence)
{
    struct json_out out = { .str = line };
    struct str shown = { 0 };
    char day[32], time[32], now[64];
    int64_t now_ms = clock_unix_ms();

    snprintf(now, sizeof now, "%.10sT%sZ", clock_show(now_ms, day),
             clock_show_time(now_ms, time));
    str_add_shown(&shown, sentence, strlen(sentence));
    json_open(&out, '{');
    json_put(&out, "level", word);
    json_put_span(&out, "message", str_span(&shown));
    json_put_int(&out, "pid", getpid());
    json_put(&out, "process", role);
    json_put(&out, "ts", now);
    json_close(&out);
    str_fini(&shown);
}

/* One write for the whole line, since several processes share standard error. */
static void put_line(const char *word, const char *sentence)
{
    struct str line = { 0 };

    (is_json() ? write_json : write_text)(&line, word, sentence);
    str_add_char(&line, '\n');
    /* When standard error itself is gone there is nobody left to tell. */
    ssize_t ignored = write(STDERR_FILENO, line.ptr, line.len);
    (void)ignored;
    str_fini(&line);
}

static void put(const char *word, int cause, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* cause is an errno, or 0 for none. Leaves errno as it was. */
static void put(const char *word, int cause, const char *fmt, va_list ap)
{
    char sentence[SENTENCE_MAX];
    int saved = errno;

    vsnprintf(sentence, sizeof sentence, fmt, ap);
    if (cause != 0) {
        size_t len = strlen(sentence);
        snprintf(sentence + len, sizeof sentence - len, ": %s", strerror(cause));
    }
    put_line(word, sentence);
    errno = saved;
}

void log_debug(const char *fmt, ...)
{
    va_list ap;

    if (!is_wanted(LOG_LEVEL_DEBUG))
        return;
    va_start(ap, fmt);
    put("debug", 0, fmt, ap);
    va_end(ap);
}

void log_info(const char *fmt, ...)
{
    va_list ap;

    if (!is_wanted(LOG_LEVEL_INFO))
        return;
    va_start(ap, fmt);
    put("info", 0, fmt, ap);
    va_end(ap);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put("warn", errno, fmt, ap);
    va_end(ap);
}

void log_warnx(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put("warn", 0, fmt, ap);
    va_end(ap);
}

void fatal(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put("fatal", errno, fmt, ap);
    va_end(ap);
    exit(1);
}

void fatalx(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put("fatal", 0, fmt, ap);
    va_end(ap);
    exit(1);
}

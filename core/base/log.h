/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/log.h - what an operator reads on standard error.
 *
 * One line an event: time, process role, level, sentence. Control characters in what is
 * logged are shown escaped. Nothing secret is ever given to these functions.
 */
#pragma once

#include <stdbool.h>

/* Names the process in each line ("engine", "vm", "host azure"). Copied. */
void log_open(const char *role);

/* Only lines of this level and above are written. The default is LOG_LEVEL_WARN, or what
 * the environment's CORDON_LOG says: debug, info, warn. */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN };
void log_level_set(enum log_level level);

/* Text, or a JSON object a line: {"level","message","pid","process","ts"}. The default is text,
 * or what the environment's CORDON_LOG_FORMAT says: json, text. Processes that are started from
 * here on hear it by that. */
void log_format_set(bool is_json);
/* False in a process that was started before its parent had set one. */
bool log_format_is_known(void);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* With errno's sentence behind it, and without. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Logs and ends the process with exit code 1. */
void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

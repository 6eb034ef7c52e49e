/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - forms that text takes on its way to Azure and back, in the memory of a call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

enum { UUID_SIZE = 37 };

bool text_same(const char *a, const char *b); /* letter case apart */
bool text_starts(const char *text, const char *prefix);
/* Makes its letters small, those beyond ASCII too; the length stays. Of what is no UTF-8
 * only ASCII changes: cordon/fold.h. */
void text_fold(char *text);
/* Letters, digits and the bytes of more; min to max of them. */
bool text_is_word(const char *text, const char *more, size_t min, size_t max);
/* Takes the beginning of a character off the end, where a text was cut. */
void text_clip(char *text);
bool text_is_uuid(const char *text);

/* Percent-encodes everything but letters, digits and -._~ */
char *text_encode(struct job *job, const char *text);
/* The same of a path, whose slashes, commas, parentheses and so on stay. */
char *text_encode_path(struct job *job, const char *text);
/* A whole address with what may not stand in one encoded; what is encoded stays. */
char *text_encode_link(struct job *job, const char *text);

/* Decodes base64 of either alphabet. Returns NULL when it is none, or decodes to a NUL. */
char *text_from_base64(struct job *job, const char *text);

/* Writes count characters of base64url alphabet, 6 bits of chance each, and a NUL. */
void text_random(struct job *job, char *out, size_t count);

/* A fresh UUID, version 4. */
void text_uuid(struct job *job, char out[UUID_SIZE]);

/* Seconds of a duration such as "90d", "1h30m" or "1.5h"; false for anything else, and for
 * more than ten years. */
bool text_duration(const char *text, int64_t *seconds);

/* The value of name="value" in a header such as WWW-Authenticate; NULL when absent. */
char *text_parameter(struct job *job, const char *header, const char *name);

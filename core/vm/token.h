/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/token.h - Lua source as a row of tokens with their places, for those who look at a
 * playbook without running it.
 *
 * It takes any bytes: what is no Lua comes out as single characters. Whether the source is
 * right is Lua's parser's to say, not this file's.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum token_kind {
    TOKEN_NAME, /* keywords too */
    TOKEN_NUMBER,
    TOKEN_STRING, /* text is what is between the quotes, escapes as they stand */
    TOKEN_SIGN    /* one operator, also of two or three characters */
};

struct token {
    enum token_kind kind;
    struct span text;
    int line;
    int column; /* in characters, from 1 */
};

struct token_reader {
    const char *pos;
    const char *end;
    int line;
    const char *counted; /* where column is that of */
    int column;
};

void token_start(struct token_reader *in, struct span source);
/* False at the end. */
bool token_next(struct token_reader *in, struct token *token);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/base64.h - bytes as letters (RFC 4648, section 4), and back.
 *
 * Reading is strict: padding is wanted, and each run of bytes has one spelling only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

void base64_add(struct str *out, const void *bytes, size_t len);
/* Adds what text stands for; false, and nothing added, when it is no base64. */
bool base64_read(struct str *out, struct span text);
/* The same with '-' and '_' for '+' and '/', and without padding: section 5, as JWTs and
 * addresses have it. */
void base64url_add(struct str *out, const void *bytes, size_t len);
bool base64url_read(struct str *out, struct span text);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/http_strict.h - what a request may be made of, so that whoever stands before us reads it
 * as we do. Stricter than the RFCs where they let a reader choose.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* An address as it came: from "/", printable ASCII, each % with two hex digits and none 00. */
bool strict_uri(struct span uri);
bool strict_name(struct span name);   /* of a header: a token */
bool strict_value(struct span value); /* of a header: nothing that controls, but tabs */
/* A Content-Length: digits, as few as it takes. */
bool strict_length(struct span length);
/* A Content-Type: the wanted one, also with a charset of UTF-8; NULL is none. */
bool strict_type(const char *type, const char *wanted);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/openapi.h - the OpenAPI 3.1 document, made of the router's table and of what handlers check.
 *
 * So a path, a method, a role, a content type, a query or a body that the document names is the
 * one that is enforced. What people read about an operation stands in openapi.c; a route without
 * is in the document without words, and tests/api says so.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Lives for ever. */
struct span openapi_document(void);
/* A schema of openapi.json that bodies are checked against. */
struct span openapi_schema(const char *name);

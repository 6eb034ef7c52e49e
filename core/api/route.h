/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/route.h - which handler a method and a path mean.
 */
#pragma once

#include "api/http.h"

/* All that there is, on both listeners; ended by one without a path. */
extern const struct route routes[];

/* The route of a request, or NULL; then others is which methods its path takes. params gets
 * what {...} stood for, decoded, to be freed. Paths are compared byte for byte. */
const struct route *route_find(const struct route *routes, unsigned listener,
                               const char *method, const char *path, char **params,
                               unsigned *others);
/* "GET, POST": enum method, also several. */
const char *route_methods(unsigned methods);
/* "Not Found". */
const char *route_status_word(int status);
/* "viewer"; NULL for what is no single role. */
const char *role_name(unsigned role);
unsigned role_of(struct span name);   /* 0: there is none of that name */
unsigned roles_of(struct span names); /* a JSON list */
/* Writes all of it as JSON, for the tests that walk it. */
void routes_write(struct str *out);

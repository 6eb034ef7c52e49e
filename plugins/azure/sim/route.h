/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h - which function answers which method and path.
 *
 * A pattern is a path whose segments are compared without regard to letter case; {} stands
 * for any one segment and ends up in request->args, in order. A pattern that begins with
 * {scope} takes any number of segments there, also none, and puts them into request->scope.
 */
#pragma once

#include "exchange.h"

struct route {
    const char *method;
    const char *pattern;
    const char *action; /* the permission that the caller needs; NULL for none */
    handler_fn *handler;
    const char *query; /* the options that it takes, with blanks between; NULL: none */
};

/* Fills in request->args and request->scope when it fits. */
bool route_fits(struct request *request, const char *pattern);

/* Finds the route of request in routes, which end with an empty one. Returns NULL when
 * there is none and sets *has_path when another method would have fitted. */
const struct route *route_find(struct request *request, const struct route *routes,
                               bool *has_path);

/* Answers the request, whichever plane it is for. */
void route_serve(struct request *request, struct reply *reply);

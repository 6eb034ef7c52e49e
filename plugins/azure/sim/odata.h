/* SPDX-License-Identifier: Apache-2.0 */
/*
 * odata.h - the query options of Microsoft Graph on a list: $filter, $orderby, $count, $skip,
 * $top, $select, and the pages.
 */
#pragma once

#include "exchange.h"

/* The options that odata_reply_list() takes, for query_is_known(). */
#define ODATA_OPTIONS "$filter $orderby $count $skip $top $select $skiptoken"

/* Replies with the page of items, which it takes, that the options ask for, or with 400 when
 * it does not understand one. collection is what @odata.context names; size_max is the
 * largest page. */
void odata_reply_list(struct request *request, struct reply *reply, cJSON *items,
                      const char *collection, int size_max);

/* Replies with one item, which it takes, of which $select leaves some members. */
void odata_reply_item(struct request *request, struct reply *reply, cJSON *item,
                      const char *collection);

/* Replies like Graph, with an innerError. */
void odata_error(struct request *request, struct reply *reply, int status, const char *code,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

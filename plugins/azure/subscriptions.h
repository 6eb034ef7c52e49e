/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscriptions.h - the subscriptions that cordon's identity can see, of all pages of the list.
 */
#pragma once

struct job;

struct subscriptions {
    int most; /* of them are kept; the others are counted in left_out */
    void (*done)(struct job *job, void *arg);
    void *arg;
    const char **ids; /* "/subscriptions/ID"; set by subscriptions_list, as what follows */
    int count, left_out, pages;
};

/* Asks for the list and calls list->done, unless the job fails. list, with most, done and arg set,
 * lives as long as the job. */
void subscriptions_list(struct job *job, struct subscriptions *list);

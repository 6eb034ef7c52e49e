/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/list.h - a doubly linked list whose links live in the things that are listed.
 *
 * A head is a link that points at itself when the list is empty. list_each allows the
 * current item to be removed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *list)
{
    list->prev = list->next = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_add(struct list *head, struct list *item) /* at the end */
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static inline void list_remove(struct list *item) /* also fine when it is in no list */
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* The first one, out of the list; the list may not be empty. */
static inline struct list *list_take(struct list *head)
{
    struct list *item = head->next;

    head->next = item->next;
    item->next->prev = head;
    list_init(item);
    return item;
}

#define list_item(link, type, member) \
    ((type *)(void *)(((char *)(link)) - offsetof(type, member)))

#define list_each(link, after, head)                                            \
    for (struct list *link = (head)->next, *after = link->next; link != (head); \
         link = after, after = link->next)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/view_playbooks.c - playbooks that can be started by their name.
 */
#include "serve/views.h"

#include <stdlib.h>

#include "serve/alerts.h"
#include "store/store.h"

struct shelf { /* of each name the version in force, else the newest */
    struct serve *serve;
    struct list books;
};

struct book {
    struct list in_shelf;
    char *name, *hash, *info, *by;
    int64_t seq;
};

static void free_book(struct book *book)
{
    list_remove(&book->in_shelf);
    free(book->name);
    free(book->hash);
    free(book->info);
    free(book->by);
    free(book);
}

static void free_shelf(struct shelf *shelf)
{
    list_each (link, after, &shelf->books) {
        free_book(list_item(link, struct book, in_shelf));
    }
}

static struct book *find_book(struct shelf *shelf, struct span name)
{
    list_each (link, after, &shelf->books) {
        struct book *book = list_item(link, struct book, in_shelf);

        if (span_is(name, book->name))
            return book;
    }
    return NULL;
}

/* Entries come in the order of their rows, so that a newer version comes later. */
static int take_version(const struct entry *entry, void *arg)
{
    struct shelf *shelf = arg;
    char *name = json_get_text(entry->body, "name");
    struct book *book = find_book(shelf, span_of(name));
    struct span version = catalogue_version(shelf->serve, span_of(name));

    if (version.len > 0 && !span_equal(version, json_get_raw(entry->body, "hash"))) {
        free(name);
        return 0;
    }
    if (book != NULL)
        free_book(book);
    book = xcalloc(1, sizeof *book);
    book->name = name != NULL ? name : xstrdup("");
    book->hash = json_get_text(entry->body, "hash");
    book->by = json_get_text(entry->body, "by");
    book->info = span_dup(json_get(entry->body, "info"));
    book->seq = entry->run;
    list_add(&shelf->books, &book->in_shelf);
    return 0;
}

static int read_shelf(struct view *view, struct shelf *shelf, struct err *err)
{
    struct entry_query query = { .kind = ENTRY_PLAYBOOK, .state = -1, .run = -1 };

    shelf->serve = view->serve;
    list_init(&shelf->books);
    return store_each_entry(view->serve->store, &query, take_version, shelf, err);
}

static void put_book(struct view *view, const struct book *book, bool is_whole)
{
    struct json_out *out = &view->out;
    struct span info = span_of(book->info);

    json_open(out, '{');
    json_put(out, "author", book->by);
    json_put(out, "hash", book->hash);
    json_put_bool(out, "in_catalogue",
                  catalogue_version(view->serve, span_of(book->name)).len > 0);
    json_put(out, "name", book->name);
    json_put_bool(out, "on_alert", json_kind(json_get(info, "on_alert")) == JSON_OBJECT);
    if (is_whole) {
        json_put_raw(out, "on_failure", json_get(info, "on_failure"));
        json_put_raw(out, "params", json_get(info, "params"));
        json_put_raw(out, "when", json_get(json_get(info, "on_alert"), "when"));
    }
    json_put_bool(out, "recover", json_get_bool(info, "recover", false));
    json_put_raw(out, "summary", json_get(info, "summary"));
    json_close(out);
}

static int compare_books(const void *a, const void *b)
{
    const struct book *const *x = a, *const *y = b;
    struct span p = span_of((*x)->name), q = span_of((*y)->name);
    size_t len = p.len < q.len ? p.len : q.len;

    for (size_t i = 0; i < len; i++)
        if (p.ptr[i] != q.ptr[i])
            return (unsigned char)p.ptr[i] < (unsigned char)q.ptr[i] ? -1 : 1;
    return (p.len > q.len) - (p.len < q.len);
}

int view_playbooks(struct view *view, const struct asked *asked, struct err *err)
{
    struct book *books[VIEW_RUNS_MAX];
    struct shelf shelf;
    size_t count = 0;
    int rc = read_shelf(view, &shelf, err);

    (void)asked;
    list_each (link, after, &shelf.books) {
        if (count < VIEW_RUNS_MAX)
            books[count++] = list_item(link, struct book, in_shelf);
    }
    qsort(books, count, sizeof(void *), compare_books);
    json_key(&view->out, "playbooks");
    json_open(&view->out, '[');
    for (size_t i = 0; i < count; i++)
        put_book(view, books[i], false);
    json_close(&view->out);
    free_shelf(&shelf);
    return rc;
}

int view_playbook(struct view *view, const struct asked *asked, struct err *err)
{
    char *name = json_get_text(asked->args, "name");
    struct shelf shelf;
    int rc = read_shelf(view, &shelf, err);
    const struct book *book = rc == 0 ? find_book(&shelf, span_of(name)) : NULL;

    if (book != NULL)
        put_book(view, book, true);
    else if (rc == 0)
        rc = err_set(err, ERR_NOT_FOUND,
                     "there is no playbook %.100s; those that there are can be listed",
                     name != NULL ? name : "");
    free_shelf(&shelf);
    free(name);
    return rc;
}

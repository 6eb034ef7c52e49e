/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No journal that nobody wrote to is taken for one that somebody wrote to.
 *
 * Histories of the simulated engine (playbooks, people, accidents and crashes, from seeds) go
 * into a real journal, on a disk whose power fails. What is found afterwards, after the death
 * of the process or of the machine at some write, is opened and checked by the code that
 * checks at a start and by that of doctor.
 */
#include "store/store.h"

#include <sys/stat.h>

#include "base/err.h"
#include "power_vfs.h"
#include "serve/index.h"
#include "sim/book.h"
#include "sim/chaos.h"
#include "store/inside.h"

#ifdef CHECK_SANITIZED
enum { SEEDS = 12, JOURNALS_WANTED = 60 };
#else
enum { SEEDS = 60, JOURNALS_WANTED = 300 };
#endif

enum { CHECKPOINT_FRAMES = 24, IMAGES = 6 };

static struct err err;

static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", check_dir(), name);
    return path;
}

/* As a start does, and then as doctor does. */
static void check_honest(const char *dir, const char *what)
{
    struct index_diff diff = { 0 };
    struct str said = { 0 };
    struct store *store;
    int64_t rows;

    if (store_open(&store, dir, &err) != 0)
        FAIL("%s: %s", what, err.text);
    if (store_check_index(store, &said, &err) != 0 || said.len > 0)
        FAIL("%s: %s", what, said.len > 0 ? str_text(&said) : err.text);
    if (store_verify(store, &rows, &err) != 0)
        FAIL("%s: %s", what, err.text);
    if (index_compare(store, &diff, &err) != 0 || diff.wrong > 0)
        FAIL("%s: %s", what, diff.wrong > 0 ? str_text(&diff.first) : err.text);
    store_close(store);
    str_fini(&said);
    str_fini(&diff.first);
}

static int check_images(uint64_t seed)
{
    char what[80];
    uint64_t chance = seed * 7919;

    for (int i = 0; i < IMAGES; i++) {
        int at = i == 0 ? power_count() : (int)(chance % (uint64_t)(power_count() + 1));

        chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
        power_image(in_dir("found"), at, (enum power_loss)(i % 3), seed * 31 + (uint64_t)i);
        snprintf(what, sizeof what, "seed %d, operation %d, loss %d", (int)seed, at, i % 3);
        check_honest(in_dir("found"), what);
    }
    return IMAGES;
}

TEST(no_journal_that_only_cordon_wrote_is_taken_for_an_edited_one)
{
    int journals = 0;

    hash_setup();
    power_setup();
    CHECK_INT(mkdir(in_dir("found"), 0700), 0);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = w_new(seed, NULL);
        struct store *store;
        char dir[40];

        snprintf(dir, sizeof dir, "state%d", (int)seed);
        power_record(true);
        CHECK_OK(store_open(&store, in_dir(dir), &err), &err);
        store->db.checkpoint_frames = CHECKPOINT_FRAMES;
        w->on_commit = book_write;
        w->on_commit_arg = store;
        w->may_edit = seed % 2 == 0;
        chaos(w);
        w_commit(w);
        store_close(store);
        power_record(false);
        check_honest(in_dir(dir), dir);
        journals += 1 + check_images(seed);
        w_free(w);
    }
    printf("      %d journals\n", journals);
    CHECK(journals >= JOURNALS_WANTED);
}

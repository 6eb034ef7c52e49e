/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a journal when the power goes, and when the disk answers with errors. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/hash.h"
#include "check.h"
#include "power_vfs.h"
#include "store/inside.h"

enum {
    COMMITS = 40,
    FEW_COMMITS = 16,       /* where all is done once for each operation */
    CHECKPOINT_FRAMES = 24, /* so that the WAL is moved over and begun anew many times */
    IMAGES_WANTED = 2000    /* of all kinds together, in one run of this program */
};

static struct err err;

/* What was promised, and when: ops is how many operations had been recorded by then. */
static struct promise {
    int64_t seq;
    struct hash hash;
    int ops;
} promises[COMMITS + 1];
static int promised;
static int commits = COMMITS;

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", check_dir(), name);
    return path;
}

static int64_t rows_of(int commit)
{
    return 1 + commit * 7 % 13;
}

/* Appends what commit number n is made of. Bodies are of many lengths, some of them long
 * enough for pages of their own. */
static int append(struct store *store, int n)
{
    static char body[6000];
    struct store_stat stat;

    memset(body, 'a' + n % 26, sizeof body);
    store_stat(store, &stat);
    for (int64_t i = 0; i < rows_of(n); i++) {
        struct row row = { .seq = stat.last_seq + 1 + i,
                           .run = 1,
                           .prev = stat.last_seq + i };
        row.body = (struct span){ body, (size_t)(100 + (n * 31 + i * 17) % 300) };
        if (n % 11 == 5 && i == 0)
            row.body.len = sizeof body;
        if (store_append(store, &row, &err) != 0)
            return err.code;
    }
    struct entry entry = { .kind = 1, .run = 1, .due_ms = 5, .body = span_of("{}") };
    entry.last_seq = stat.last_seq + rows_of(n);
    return store_put(store, &entry, &err);
}

static void promise(const struct store *store)
{
    struct store_stat stat;

    store_stat(store, &stat);
    promises[promised++] = (struct promise){ stat.last_seq, stat.last_hash, power_count() };
}

static int open_small(struct store **store, const char *dir)
{
    if (store_open(store, dir, &err) != 0)
        return err.code;
    (*store)->db.checkpoint_frames = CHECKPOINT_FRAMES;
    return 0;
}

/* Half of it, an orderly stop and a start, and the other half. Ends at the first error, and
 * returns it. */
static int work(const char *dir)
{
    struct store *store = NULL;
    int rc = 0;

    promised = 0;
    promises[promised++] = (struct promise){ 0 };
    for (int n = 0; n < commits && rc == 0; n++) {
        if (n == commits / 2) {
            store_close(store);
            store = NULL;
        }
        if (store == NULL && open_small(&store, dir) != 0)
            return err.code;
        rc = append(store, n);
        if (rc == 0)
            rc = store_commit(store, &err);
        if (rc == 0)
            promise(store);
    }
    store_close(store);
    return rc;
}

/* Opens what was found and holds it against the promises: all that were given, and of the
 * commit that was under way everything or nothing. */
static void check_found(const char *dir, int least, const char *what)
{
    struct store *store;
    struct store_stat stat;
    struct entry entry;
    int64_t rows;
    int at = least;

    if (store_open(&store, dir, &err) != 0)
        FAIL("%s: %s", what, err.text);
    store_stat(store, &stat);
    if (stat.last_seq != promises[least].seq && least + 1 < promised)
        at = least + 1;
    if (stat.last_seq != promises[at].seq)
        FAIL("%s: %lld rows, promised %lld", what, (long long)stat.last_seq,
             (long long)promises[least].seq);
    if (at > 0 && !hash_equal(stat.last_hash, promises[at].hash))
        FAIL("%s: other rows than those that were promised", what);
    if (store_verify(store, &rows, &err) != 0)
        FAIL("%s: %s", what, err.text);
    if (at > 0) {
        CHECK_OK(store_find(store, 1, 1, 0, &entry, &err), &err);
        CHECK_INT(entry.last_seq, stat.last_seq);
    }
    store_close(store);
}

/* Where chance begins: make powerloss takes other places than make test. */
static uint64_t first_seed(void)
{
    const char *text = getenv("POWER_SEED");

    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* Every operation is a point at which the power goes. */
static void lose_power(enum power_loss loss)
{
    uint64_t seed = first_seed() * 1000003;
    char what[64];
    int images = 0;
    int least = 0;

    hash_setup();
    power_setup();
    power_record(true);
    CHECK_OK(work(in_dir("state")), &err);
    power_record(false);
    CHECK_INT(promised, COMMITS + 1);
    CHECK_INT(mkdir(in_dir("found"), 0700), 0);
    for (int count = 0; count <= power_count(); count++) {
        while (least + 1 < promised && promises[least + 1].ops <= count)
            least++;
        power_image(in_dir("found"), count, loss, seed + (uint64_t)count);
        snprintf(what, sizeof what, "operation %d, POWER_SEED=%llu", count,
                 (unsigned long long)first_seed());
        check_found(in_dir("found"), least, what);
        images++;
    }
    CHECK_INT(least, COMMITS);
    printf("      %d images\n", images);
    if (images < IMAGES_WANTED / 5)
        FAIL("only %d images", images);
}

TEST(no_promised_row_is_lost_when_all_that_was_not_synced_is)
{
    lose_power(POWER_LOSES_ALL);
}

TEST(no_promised_row_is_lost_when_the_process_dies_at_any_write)
{
    lose_power(POWER_LOSES_NOTHING);
}

TEST(no_promised_row_is_lost_when_chance_says_which_sectors_stay)
{
    lose_power(POWER_LOSES_SOME);
}

TEST(no_promised_row_is_lost_when_later_writes_stay_and_earlier_ones_go)
{
    lose_power(POWER_LOSES_WRITES);
}

TEST(no_promised_row_is_lost_when_writes_end_within_a_sector_or_in_rubbish)
{
    lose_power(POWER_TEARS);
}

/* The n-th operation fails, for n = 1, 2, 3 ... until none does. */
static void fail_each(bool for_good, bool is_full)
{
    struct promise all[FEW_COMMITS + 1];
    char what[64];
    int failures = 0;

    hash_setup();
    power_setup();
    commits = FEW_COMMITS;
    CHECK_OK(work(in_dir("whole")), &err);
    memcpy(all, promises, sizeof all);
    for (int n = 1;; n++) {
        char dir[32];
        snprintf(dir, sizeof dir, "state%d", n);
        power_fail(n, for_good, is_full);
        int rc = work(in_dir(dir));
        power_fail(0, false, false);
        if (n > 1 && rc == 0 && promised == FEW_COMMITS + 1 && !power_has_failed())
            break;
        failures += rc != 0;
        if (rc != 0 && rc != ERR_IO)
            FAIL("operation %d: code %d, %s", n, rc, err.text);
        int least = promised - 1;
        memcpy(promises, all, sizeof all);
        promised = FEW_COMMITS + 1;
        snprintf(what, sizeof what, "operation %d failed", n);
        check_found(in_dir(dir), least, what);
    }
    CHECK(failures > 100);
}

TEST(an_error_of_the_disk_fails_the_commit_and_loses_nothing)
{
    fail_each(false, false);
}

TEST(a_disk_that_fails_for_good_fails_the_commit_and_loses_nothing)
{
    fail_each(true, false);
}

TEST(a_disk_that_is_full_fails_the_commit_and_loses_nothing)
{
    fail_each(true, true);
}

TEST(a_full_disk_is_said_to_be_one)
{
    struct store *store = NULL;
    struct row row = { .seq = 1, .body = span_of("{}") };

    hash_setup();
    power_setup();
    CHECK_OK(store_open(&store, in_dir("state"), &err), &err);
    CHECK_OK(store_append(store, &row, &err), &err);
    power_fail(1, true, true);
    CHECK_ERR(store_commit(store, &err), &err, ERR_IO);
    CHECK_HAS(err.text, "no space left on its disk; free some and start again");
    CHECK_ERR(store_append(store, &row, &err), &err, ERR_INVALID);
    row.seq = 2;
    CHECK_ERR(store_append(store, &row, &err), &err, ERR_IO);
    power_fail(0, false, false);
    store_close(store);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* A sector: magic, turn, commits, seq, hash, key, tag over what is before it. */
enum {
    SECTOR = 512,
    AT_TURN = 16,
    AT_COMMITS = 24,
    AT_SEQ = 32,
    AT_HASH = 40,
    AT_KEY = AT_HASH + HASH_LEN,
    AT_TAG = AT_KEY + HASH_KEY_LEN
};

static const char magic[AT_TURN] = "cordon.mark.v1\n";

static int mark_fail(const struct mark *mark, const char *what, int rc, struct err *err)
{
    return err_set(err, ERR_IO,
                   "%s %s: %s (sqlite %d); the directory and the files in it must be "
                   "writable for this user",
                   what, mark->path, sqlite3_errstr(rc), rc);
}

static void put_int(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_int(const unsigned char *at)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void take_sector(struct mark *mark, const unsigned char *bytes)
{
    struct hash_tag tag;

    memcpy(tag.bytes, bytes + AT_TAG, sizeof tag.bytes);
    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        !hash_tag_equal(tag, hash_tag(bytes + AT_KEY, bytes, AT_TAG)))
        return;
    if (mark->is_there && get_int(bytes + AT_TURN) < mark->turn)
        return;
    mark->is_there = true;
    mark->turn = get_int(bytes + AT_TURN);
    mark->commits = (int64_t)get_int(bytes + AT_COMMITS);
    mark->seq = (int64_t)get_int(bytes + AT_SEQ);
    memcpy(mark->hash.bytes, bytes + AT_HASH, HASH_LEN);
    memcpy(mark->key, bytes + AT_KEY, HASH_KEY_LEN);
}

static int read_sectors(struct mark *mark, struct err *err)
{
    unsigned char bytes[2 * SECTOR];
    int rc = mark->file->pMethods->xRead(mark->file, bytes, sizeof bytes, 0);

    /* What is behind the end of a short file is zeros. */
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
        return mark_fail(mark, "read", rc, err);
    take_sector(mark, bytes);
    take_sector(mark, bytes + SECTOR);
    memset(bytes, 0, sizeof bytes);
    return 0;
}

/* As a journal's: SQLite then gives it the mode of the database, and syncs the directory
 * with the first sync. */
static int open_file(struct mark *mark, int flags, struct err *err)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int flags_out = 0;

    mark->file = xcalloc(1, (size_t)vfs->szOsFile);
    int rc = vfs->xOpen(vfs, mark->path, mark->file, flags | SQLITE_OPEN_MAIN_JOURNAL,
                        &flags_out);
    if (rc == SQLITE_OK)
        return 0;
    mark_close(mark);
    mark_fail(mark, "open", rc, err);
    return ERR_IO;
}

int mark_open(struct mark *mark, const char *dir, bool is_readonly, struct err *err)
{
    struct str path = { 0 };
    struct stat st;

    str_printf(&path, "%s/journal.db-mark", dir);
    *mark = (struct mark){ .path = str_take(&path) };
    if (lstat(mark->path, &st) != 0)
        return errno == ENOENT
                   ? 0
                   : err_set(err, ERR_IO, "look at %s: %s", mark->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_DENIED, "%s is no file; take it away", mark->path);
    if (open_file(mark, is_readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, err) !=
        0)
        return err->code;
    return read_sectors(mark, err);
}

static int write_sector(struct mark *mark, struct err *err)
{
    unsigned char bytes[SECTOR] = { 0 };

    memcpy(bytes, magic, sizeof magic);
    put_int(bytes + AT_TURN, ++mark->turn);
    put_int(bytes + AT_COMMITS, (uint64_t)mark->commits);
    put_int(bytes + AT_SEQ, (uint64_t)mark->seq);
    memcpy(bytes + AT_HASH, mark->hash.bytes, HASH_LEN);
    memcpy(bytes + AT_KEY, mark->key, HASH_KEY_LEN);
    struct hash_tag tag = hash_tag(mark->key, bytes, AT_TAG);
    memcpy(bytes + AT_TAG, tag.bytes, sizeof tag.bytes);
    int rc = mark->file->pMethods->xWrite(mark->file, bytes, sizeof bytes,
                                          (sqlite3_int64)(mark->turn % 2 * SECTOR));
    memset(bytes, 0, sizeof bytes);
    return rc == SQLITE_OK ? 0 : mark_fail(mark, "write", rc, err);
}

int mark_make(struct mark *mark, struct err *err)
{
    if (mark->file == NULL &&
        open_file(mark, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) != 0)
        return err->code;
    random_bytes(mark->key, sizeof mark->key);
    for (int sector = 0; sector < 2; sector++)
        if (write_sector(mark, err) != 0)
            return err->code;
    if (mark_sync(mark, err) != 0)
        return err->code;
    mark->is_there = true;
    return 0;
}

int mark_set(struct mark *mark, int64_t commits, int64_t seq, struct hash hash,
             struct err *err)
{
    mark->commits = commits;
    mark->seq = seq;
    mark->hash = hash;
    return write_sector(mark, err);
}

int mark_sync(struct mark *mark, struct err *err)
{
    int rc = mark->file->pMethods->xSync(mark->file, SQLITE_SYNC_NORMAL);

    return rc == SQLITE_OK ? 0 : mark_fail(mark, "sync", rc, err);
}

void mark_close(struct mark *mark)
{
    if (mark->file != NULL && mark->file->pMethods != NULL)
        mark->file->pMethods->xClose(mark->file);
    free(mark->file);
    mark->file = NULL;
}

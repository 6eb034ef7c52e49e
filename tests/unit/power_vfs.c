/* SPDX-License-Identifier: Apache-2.0 */
#include "power_vfs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"

enum { FILES = 4, SECTOR = 512, IMAGE_MAX = 4 * 1024 * 1024 };

static const char *const names[FILES] = { "journal.db", "journal.db-wal",
                                          "journal.db-journal", "journal.db-mark" };

struct op {
    enum op_kind { OP_MAKE, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_DELETE } kind;
    int file;
    int64_t at;
    int len;
    char *bytes;
};

static struct {
    bool is_recording;
    struct op *ops;
    int count;
    int cap;
    int fail_in;
    bool for_good;
    bool is_full;
    bool has_failed;
} disk;

struct file {
    sqlite3_file base;
    int file;
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;

/* -- Record and fail ------------------------------------------------------------------ */

static int which(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');

    for (int i = 0; slash != NULL && i < FILES; i++)
        if (strcmp(slash + 1, names[i]) == 0)
            return i;
    return -1;
}

static void record(enum op_kind kind, int file, int64_t at, const void *bytes, int len)
{
    if (!disk.is_recording || file < 0)
        return;
    if (disk.count == disk.cap) {
        disk.cap = disk.cap == 0 ? 1024 : 2 * disk.cap;
        disk.ops = xrealloc(disk.ops, (size_t)disk.cap * sizeof *disk.ops);
    }
    char *copy = NULL;
    if (len > 0) {
        copy = xmalloc((size_t)len);
        memcpy(copy, bytes, (size_t)len);
    }
    disk.ops[disk.count++] = (struct op){ kind, file, at, len, copy };
}

static bool fails(void)
{
    if (disk.fail_in == 0)
        return false;
    if (disk.fail_in > 1) {
        disk.fail_in--;
        return false;
    }
    if (!disk.for_good)
        disk.fail_in = 0;
    disk.has_failed = true;
    return true;
}

void power_record(bool is_on)
{
    if (is_on) {
        for (int i = 0; i < disk.count; i++)
            free(disk.ops[i].bytes);
        free(disk.ops);
        disk.ops = NULL;
        disk.count = disk.cap = 0;
    }
    disk.is_recording = is_on;
}

int power_count(void)
{
    return disk.count;
}

void power_fail(int count, bool for_good, bool is_full)
{
    disk.fail_in = count;
    disk.for_good = for_good;
    disk.is_full = is_full;
    disk.has_failed = false;
}

bool power_has_failed(void)
{
    return disk.has_failed;
}

/* -- Images --------------------------------------------------------------------------- */

struct image {
    bool is_there;
    int64_t len;
    char *bytes;
};

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void put(struct image *image, const struct op *op, int from, int len)
{
    assert(op->at + from + len <= IMAGE_MAX);
    memcpy(image->bytes + op->at + from, op->bytes + from, (size_t)len);
    if (op->at + from + len > image->len)
        image->len = op->at + from + len;
}

static void cut(struct image *image, int64_t len)
{
    if (len < image->len)
        memset(image->bytes + len, 0, (size_t)(image->len - len));
    image->len = len;
}

/* What was being written as the power went: the first bytes, nothing but the first bytes of
 * what is written and rubbish behind them, or nothing. */
static void tear(struct image *image, const struct op *op, int from, int len,
                 uint64_t *chance)
{
    int whole = (int)(next(chance) % (uint64_t)(len + 1));

    put(image, op, from, whole);
    if (next(chance) % 2 == 0)
        return;
    put(image, op, from, len);
    for (int i = whole; i < len; i++)
        image->bytes[op->at + from + i] = (char)next(chance);
}

static void write_some(struct image *image, const struct op *op, enum power_loss loss,
                       uint64_t *chance)
{
    if (loss == POWER_LOSES_WRITES && next(chance) % 2 == 0)
        return;
    for (int from = 0; from < op->len; from += SECTOR) {
        int len = op->len - from < SECTOR ? op->len - from : SECTOR;

        if (loss == POWER_TEARS && next(chance) % 4 == 0)
            tear(image, op, from, len, chance);
        else if (loss == POWER_LOSES_WRITES || next(chance) % 2 == 0)
            put(image, op, from, len);
    }
}

static void apply(struct image *image, const struct op *op, enum power_loss loss,
                  uint64_t *chance)
{
    bool is_safe = loss == POWER_LOSES_NOTHING;

    switch (op->kind) {
    case OP_MAKE: image->is_there = true; break;
    case OP_DELETE:
        cut(image, 0);
        image->is_there = false;
        break;
    case OP_TRUNCATE:
        if (is_safe || next(chance) % 2 == 0)
            cut(image, op->at);
        break;
    case OP_WRITE:
        if (is_safe)
            put(image, op, 0, op->len);
        else
            write_some(image, op, loss, chance);
        break;
    case OP_SYNC: break;
    }
}

static void save(const char *dir, int file, const struct image *image)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, names[file]);
    remove(path);
    if (!image->is_there)
        return;
    FILE *out = fopen(path, "wbe");
    assert(out != NULL);
    size_t written = fwrite(image->bytes, 1, (size_t)image->len, out);
    assert(written == (size_t)image->len);
    fclose(out);
}

void power_image(const char *dir, int count, enum power_loss loss, uint64_t seed)
{
    static struct image images[FILES]; /* zeros from len on, always */
    int synced[FILES] = { 0 };
    uint64_t chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

    assert(count <= disk.count);
    for (int i = 0; i < FILES; i++) {
        if (images[i].bytes == NULL)
            images[i].bytes = xcalloc(1, IMAGE_MAX);
        cut(&images[i], 0);
        images[i].is_there = false;
    }
    for (int i = 0; i < count; i++)
        if (disk.ops[i].kind == OP_SYNC)
            synced[disk.ops[i].file] = i;
    for (int i = 0; i < count; i++) {
        const struct op *op = &disk.ops[i];
        bool is_safe = i < synced[op->file] || loss == POWER_LOSES_NOTHING;
        bool is_lost = !is_safe && loss == POWER_LOSES_ALL &&
                       (op->kind == OP_WRITE || op->kind == OP_TRUNCATE);
        if (!is_lost)
            apply(&images[op->file], op, is_safe ? POWER_LOSES_NOTHING : loss, &chance);
    }
    for (int i = 0; i < FILES; i++)
        save(dir, i, &images[i]);
}

/* -- Between SQLite and the file system ----------------------------------------------- */

static struct file *file_of(sqlite3_file *base)
{
    return (struct file *)(void *)base;
}

static int on_close(sqlite3_file *base)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xClose(file->real);
}

static int on_read(sqlite3_file *base, void *bytes, int len, sqlite3_int64 at)
{
    struct file *file = file_of(base);

    if (fails())
        return SQLITE_IOERR_READ;
    return file->real->pMethods->xRead(file->real, bytes, len, at);
}

static int on_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
    struct file *file = file_of(base);

    if (fails())
        return disk.is_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    record(OP_WRITE, file->file, at, bytes, len);
    return file->real->pMethods->xWrite(file->real, bytes, len, at);
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 len)
{
    struct file *file = file_of(base);

    if (fails())
        return SQLITE_IOERR_TRUNCATE;
    record(OP_TRUNCATE, file->file, len, NULL, 0);
    return file->real->pMethods->xTruncate(file->real, len);
}

/* The real sync is left out: nobody pulls the plug of this machine. */
static int on_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    if (fails())
        return SQLITE_IOERR_FSYNC;
    record(OP_SYNC, file_of(base)->file, 0, NULL, 0);
    return SQLITE_OK;
}

static int on_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xFileSize(file->real, size);
}

static int on_lock(sqlite3_file *base, int level)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xLock(file->real, level);
}

static int on_unlock(sqlite3_file *base, int level)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xUnlock(file->real, level);
}

static int on_check_lock(sqlite3_file *base, int *is_reserved)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xCheckReservedLock(file->real, is_reserved);
}

static int on_control(sqlite3_file *base, int op, void *arg)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xFileControl(file->real, op, arg);
}

static int on_sector_size(sqlite3_file *base)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xSectorSize(file->real);
}

static int on_characteristics(sqlite3_file *base)
{
    struct file *file = file_of(base);

    return file->real->pMethods->xDeviceCharacteristics(file->real);
}

/* Version 1, without shared memory: the store needs none. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
};

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                   int *flags_out)
{
    struct file *file = file_of(base);

    (void)vfs;
    file->base.pMethods = NULL;
    file->file = which(path);
    file->real = (sqlite3_file *)(void *)(file + 1);
    if (fails())
        return SQLITE_CANTOPEN;
    int rc = real_vfs->xOpen(real_vfs, path, file->real, flags, flags_out);
    if (file->real->pMethods != NULL)
        file->base.pMethods = &methods;
    if (rc == SQLITE_OK)
        record(OP_MAKE, file->file, 0, NULL, 0);
    return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
    (void)vfs;
    (void)sync_dir;
    if (fails())
        return SQLITE_IOERR_DELETE;
    record(OP_DELETE, which(path), 0, NULL, 0);
    return real_vfs->xDelete(real_vfs, path, 0);
}

void power_setup(void)
{
    static sqlite3_vfs vfs;

    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs; /* all that is not named here is the real one's */
    vfs.zName = "power";
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = on_open;
    vfs.xDelete = on_delete;
    int rc = sqlite3_vfs_register(&vfs, 1);
    assert(rc == SQLITE_OK);
}

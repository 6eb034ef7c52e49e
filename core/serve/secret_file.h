/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/secret_file.h - a file that holds a secret: may it be taken, or have others read it?
 *
 * What an operator makes by hand (mode 600, ours), and what platforms make: systemd's credentials
 * (LoadCredential), Kubernetes' volumes (files of root with mode 0440 and our group, behind links
 * like ..data in a sticky directory) and Docker's secrets (files of root).
 *
 *     owner        we, or root
 *     others       nothing, not even to run it
 *     the group    nothing; or to read, when it is a group of ours and nobody may write (0440),
 *                  or when the file is a credential of systemd, whose directory is ours alone
 *     a link       of root or ours, relative, and never out of the directory
 *     directories  of root or ours, and nobody else may replace what is in them
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct err;
struct str;

enum { SECRET_LINKS_MAX = 8, SECRET_GROUPS_MAX = 256 };

/* Who wants to read. */
struct secret_reader {
    uid_t uid;
    gid_t groups[SECRET_GROUPS_MAX];
    size_t group_count;
    bool is_credential; /* the directory is $CREDENTIALS_DIRECTORY */
};

void secret_reader_init(struct secret_reader *reader, const char *dir);
/* 0, or an error that names the file, its mode, and what would be right. */
int secret_check(const struct stat *st, const char *path,
                 const struct secret_reader *reader, struct err *err);
/* May what lies in this directory be believed to be of whom it belongs to? owner: of the file or
 * link that lies in it. */
int secret_check_dir(const struct stat *dir, uid_t owner, const char *path,
                     const struct secret_reader *reader, struct err *err);
/* Adds the bytes of DIR/NAME, of at most max bytes. value is marked as secret. */
int secret_file_read(struct str *value, const char *dir, const char *name, size_t max,
                     struct err *err);
/* The same of a path, whose last part is the name. */
int secret_path_read(struct str *value, const char *path, size_t max, struct err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/password.h"
#include "cli/options.h"

/* Byte by byte: nothing behind the line is taken, and no buffer keeps it. */
static int read_line(struct str *out, int fd, struct err *err)
{
    char c = '\0';
    ssize_t n;

    /* In one piece, so that no smaller one is left behind when it grows. */
    str_add(out, (char[PASSWORD_LEN_MAX + 2]){ 0 }, PASSWORD_LEN_MAX + 2);
    str_reset(out);
    while ((n = read(fd, &c, 1)) == 1 && c != '\n')
        if (out->len <= PASSWORD_LEN_MAX)
            str_add_char(out, c);
    if (n < 0)
        return err_set(err, ERR_IO, "the password: %s", strerror(errno));
    if (out->len > 0 && out->ptr[out->len - 1] == '\r')
        out->ptr[--out->len] = '\0';
    return 0;
}

static int ask(struct str *out, int fd, const char *question, struct err *err)
{
    struct termios shown, hidden;
    int rc;

    if (tcgetattr(fd, &shown) != 0)
        return err_set(err, ERR_IO, "the terminal: %s", strerror(errno));
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    dprintf(fd, "%s", question);
    tcsetattr(fd, TCSAFLUSH, &hidden);
    rc = read_line(out, fd, err);
    tcsetattr(fd, TCSAFLUSH, &shown);
    dprintf(fd, "\n");
    return rc;
}

static int ask_twice(struct str *out, struct err *err)
{
    struct str again = { 0 };
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int rc;

    if (fd < 0)
        return err_set(err, ERR_IO,
                       "there is no terminal to type a password at: give it on standard "
                       "input with --password-stdin");
    rc = ask(out, fd, "new password (not shown): ", err);
    if (rc == 0)
        rc = ask(&again, fd, "once more: ", err);
    if (rc == 0 && !span_equal(str_span(out), str_span(&again)))
        rc = err_set(err, ERR_INVALID, "the two are not the same; nothing was changed");
    str_wipe(&again);
    close(fd);
    return rc;
}

int secret_read_new(struct str *out, const struct options *options, struct err *err)
{
    int rc =
        options->password_stdin ? read_line(out, STDIN_FILENO, err) : ask_twice(out, err);

    return rc == 0 ? password_check(str_span(out), err) : rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sign.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sshsig.h"
#include "engine/statement.h"

enum { EXIT_NO_PROGRAM = 127 };

/* In the child: never comes back. What it asks for (a passphrase, a touch) it asks at the
 * terminal, or on standard error. */
static void exec_keygen(const char *key_file, int in, int out)
{
    char name[] = "ssh-keygen", verb_flag[] = "-Y", verb[] = "sign", quiet[] = "-q",
         space_flag[] = "-n", space[] = SSHSIG_VOTE_NAMESPACE, file_flag[] = "-f";
    char *file = strdup(key_file);
    char *argv[] = {
        name, verb_flag, verb, quiet, space_flag, space, file_flag, file, NULL
    };

    if (file != NULL && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        execvp(name, argv);
    _exit(errno == ENOENT ? EXIT_NO_PROGRAM : 1);
}

static void write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* it has ended, and its status says why */
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
}

static void read_all(int fd, struct str *out)
{
    char chunk[1024];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && out->len <= SSHSIG_ARMOR_MAX)
            str_add(out, chunk, (size_t)n);
}

static int check_status(int status, const char *key_file, struct err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_PROGRAM)
        return err_set(err, ERR_NOT_FOUND,
                       "ssh-keygen signs, and is not installed: apt-get install "
                       "openssh-client");
    return err_set(err, ERR_INVALID, "ssh-keygen did not sign with %s", key_file);
}

/* A statement fits into a pipe, so that writing it whole before reading waits for nobody. */
static int run_keygen(struct str *armor, const char *key_file, struct span statement,
                      struct err *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, status = 0;

    if (pipe(in) != 0)
        return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
    if (pipe(out) != 0) {
        close(in[0]);
        close(in[1]);
        return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(in[1]);
        close(out[0]);
        exec_keygen(key_file, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    if (pid > 0) {
        write_all(in[1], statement);
        close(in[1]);
        read_all(out[0], armor);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    } else {
        close(in[1]);
    }
    close(out[0]);
    if (pid < 0)
        return err_set(err, ERR_IO, "fork: %s", strerror(errno));
    return check_status(status, key_file, err);
}

int sign_statement(struct str *armor, const char *key_file,
                   const struct statement *statement, struct err *err)
{
    struct str bytes = { 0 };
    struct sshsig sig;

    statement_put(&bytes, statement);
    int rc =
        access(key_file, R_OK) != 0
            ? err_set(err, ERR_INVALID,
                      "open the key %s: %s; want a file as ssh-keygen makes it, or the "
                      ".pub of a key in an agent",
                      key_file, strerror(errno))
        : bytes.len > STATEMENT_LEN_MAX
            ? err_set(err, ERR_TOO_BIG,
                      "what is signed has at most %d bytes: give a shorter reason",
                      STATEMENT_LEN_MAX)
            : run_keygen(armor, key_file, str_span(&bytes), err);
    if (rc == 0 && (rc = sshsig_read(&sig, str_span(armor), err)) == 0) {
        rc = sshsig_check(&sig, SSHSIG_VOTE_NAMESPACE, str_span(&bytes), err);
        sshsig_fini(&sig);
    }
    str_fini(&bytes);
    return rc;
}

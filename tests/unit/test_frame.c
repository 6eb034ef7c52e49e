/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "check.h"

static void answer(struct str *buf, int64_t run, const char *branch)
{
    struct frame_writer out;

    frame_begin(&out, buf, FRAME_VM_ANSWER);
    frame_add_int(&out, run);
    frame_add_text(&out, branch);
    frame_finish(&out);
}

static int find(const struct str *buf, struct span *fields, struct err *err)
{
    enum frame_type type;
    size_t total;

    return frame_find(str_span(buf), &type, fields, &total, err);
}

TEST(fields_come_back_in_the_order_in_which_they_were_written)
{
    struct err err;
    struct str buf = { 0 };
    struct frame_writer out;
    struct frame_reader in;
    enum frame_type type;
    struct span fields;
    size_t total;

    frame_begin(&out, &buf, FRAME_VM_START);
    frame_add_int(&out, INT64_MIN);
    frame_add_span(&out, (struct span){ "a\0b", 3 });
    frame_add_int(&out, -1);
    frame_add_text(&out, NULL);
    frame_add_int(&out, INT64_MAX);
    frame_finish(&out);

    CHECK_INT(frame_find(str_span(&buf), &type, &fields, &total, &err), 1);
    CHECK_INT(type, FRAME_VM_START);
    CHECK_INT(total, buf.len);
    frame_read(&in, fields);
    CHECK_INT(frame_get_int(&in) == INT64_MIN, 1);
    struct span text = frame_get_span(&in);
    CHECK_INT(text.len, 3);
    CHECK_INT(memcmp(text.ptr, "a\0b", 3), 0);
    CHECK_INT(frame_get_int(&in), -1);
    CHECK_INT(frame_get_span(&in).len, 0);
    CHECK_INT(frame_get_int(&in) == INT64_MAX, 1);
    CHECK_OK(frame_end(&in, &err), &err);
    str_fini(&buf);
}

TEST(the_bytes_on_the_wire_are_those_of_the_header)
{
    static const unsigned char want[] = { 18, 0, 0, 0, 1, 34, 0,   0, 'i', 2, 1,
                                          0,  0, 0, 0, 0, 0,  's', 0, 0,   0, 0 };
    struct str buf = { 0 };
    struct frame_writer out;

    frame_begin(&out, &buf, FRAME_VM_MATCHED);
    frame_add_int(&out, 258);
    frame_add_text(&out, "");
    frame_finish(&out);
    CHECK_INT(buf.len, sizeof want);
    CHECK_INT(memcmp(buf.ptr, want, sizeof want), 0);
    str_fini(&buf);
}

TEST(frames_stand_one_behind_the_other_in_one_buffer)
{
    struct err err;
    struct str buf = { 0 };
    enum frame_type type;
    struct span fields, rest;
    size_t total;
    int64_t sum = 0;

    answer(&buf, 1, "0");
    answer(&buf, 20, "0/1");
    answer(&buf, 300, "");
    rest = str_span(&buf);
    while (rest.len > 0) {
        struct frame_reader in;
        CHECK_INT(frame_find(rest, &type, &fields, &total, &err), 1);
        frame_read(&in, fields);
        sum += frame_get_int(&in);
        frame_get_span(&in);
        CHECK_OK(frame_end(&in, &err), &err);
        rest.ptr += total;
        rest.len -= total;
    }
    CHECK_INT(sum, 321);
    str_fini(&buf);
}

TEST(a_frame_cut_anywhere_is_one_that_needs_more_bytes)
{
    struct err err;
    struct str buf = { 0 };
    enum frame_type type;
    struct span fields;
    size_t total;

    answer(&buf, 7, "branch");
    for (size_t len = 0; len < buf.len; len++) {
        /* A copy of just these bytes, so that a sanitizer sees a read beyond them. */
        char *cut = xmalloc(len + 1);
        memcpy(cut, buf.ptr, len);
        cut = xrealloc(cut, len == 0 ? 1 : len);
        CHECK_INT(frame_find((struct span){ cut, len }, &type, &fields, &total, &err), 0);
        free(cut);
    }
    str_fini(&buf);
}

TEST(a_header_that_is_none_of_ours_is_refused_as_soon_as_it_shows)
{
    static const struct {
        const char *bytes;
        size_t len;
        int code;
        const char *text;
    } cases[] = {
        { "\x03\x00\x00\x00", 4, ERR_INVALID,
          "frame: length 3 is too short, want at least 4" },
        { "GET ", 4, ERR_TOO_BIG,
          "frame: length 542393671, and with its length field a frame has at most "
          "FRAME_LEN_MAX (8388608) bytes" },
        { "\xfd\xff\x7f\x00", 4, ERR_TOO_BIG,
          "frame: length 8388605, and with its length field a frame has at most "
          "FRAME_LEN_MAX (8388608) bytes" },
        { "\x04\x00\x00\x00\x02\x01\x00\x00", 8, ERR_VERSION, "frame: version 2, want 1" },
        { "\x10\x00\x00\x00\x01\x00\x00\x00", 8, ERR_INVALID,
          "frame: type 0 is none that we know" },
        { "\x10\x00\x00\x00\x01\xff\x00\x00", 8, ERR_INVALID,
          "frame: type 255 is none that we know" },
        { "\x10\x00\x00\x00\x01\x01\x00\x07", 8, ERR_INVALID,
          "frame: the reserved bytes are not zero" },
    };
    struct err err;
    enum frame_type type;
    struct span fields;
    size_t total;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span bytes = { cases[i].bytes, cases[i].len };
        CHECK_INT(frame_find(bytes, &type, &fields, &total, &err), cases[i].code);
        CHECK_STR(err.text, cases[i].text);
    }
}

TEST(the_longest_frame_passes_and_is_found)
{
    struct err err;
    struct str buf = { 0 };
    struct frame_writer out;
    struct span fields;
    size_t len = FRAME_LEN_MAX - FRAME_HEADER_LEN - 5;
    char *body = xcalloc(1, len);

    frame_begin(&out, &buf, FRAME_EVENT);
    frame_add_span(&out, (struct span){ body, len });
    frame_finish(&out);
    CHECK_INT(buf.len, FRAME_LEN_MAX);
    CHECK_INT(find(&buf, &fields, &err), 1);
    CHECK_INT(fields.len, len + 5);
    free(body);
    str_fini(&buf);
}

TEST(a_field_of_another_type_is_said_once_at_the_end)
{
    struct err err;
    struct str buf = { 0 };
    struct frame_reader in;
    struct span fields;

    answer(&buf, 7, "branch");
    CHECK_INT(find(&buf, &fields, &err), 1);
    frame_read(&in, fields);
    CHECK_INT(frame_get_span(&in).len, 0);
    CHECK_INT(frame_get_int(&in), 0);
    CHECK_INT(frame_get_span(&in).len, 0);
    CHECK_INT(frame_end(&in, &err), ERR_INVALID);
    CHECK_STR(err.text, "frame: a field is missing, cut short or of another type");
    str_fini(&buf);
}

TEST(not_one_byte_may_stand_behind_the_last_field)
{
    struct err err;
    struct frame_reader in;
    struct str bytes = { 0 };
    char text[64];

    str_add_text(&bytes, "i\1\2\3\4\5\6\7\10");
    frame_read(&in, str_span(&bytes));
    frame_get_int(&in);
    CHECK_OK(frame_end(&in, &err), &err);
    for (int more = 1; more <= 12; more++) {
        str_add_char(&bytes, 'x');
        frame_read(&in, str_span(&bytes));
        frame_get_int(&in);
        CHECK_ERR(frame_end(&in, &err), &err, ERR_INVALID);
        snprintf(text, sizeof text, "frame: %d bytes behind the last field", more);
        CHECK_STR(err.text, text);
    }
    str_fini(&bytes);
}

TEST(a_field_too_few_and_a_byte_too_many_are_both_found)
{
    struct err err;
    struct str buf = { 0 };
    struct frame_reader in;
    struct span fields;

    answer(&buf, 7, "branch");
    CHECK_INT(find(&buf, &fields, &err), 1);
    frame_read(&in, fields);
    CHECK_INT(frame_get_int(&in), 7);
    CHECK_INT(frame_end(&in, &err), ERR_INVALID);
    CHECK_STR(err.text, "frame: 11 bytes behind the last field");

    frame_read(&in, fields);
    CHECK_INT(frame_get_int(&in), 7);
    CHECK_INT(frame_get_span(&in).len, 6);
    CHECK_INT(frame_get_int(&in), 0);
    CHECK_INT(frame_end(&in, &err), ERR_INVALID);
    str_fini(&buf);
}

TEST(a_span_that_says_more_than_there_is_reads_as_empty)
{
    struct err err;
    struct frame_reader in;

    frame_read(&in, (struct span){ "s\xff\xff\xff\xff"
                                   "abc",
                                   8 });
    CHECK_INT(frame_get_span(&in).len, 0);
    CHECK_INT(frame_end(&in, &err), ERR_INVALID);
}

/* Writes the bytes from a child, in small pieces, and closes. */
static pid_t trickle(int fd, int other, struct span bytes)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    close(other);
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t len = bytes.len - at < 3 ? bytes.len - at : 3;
        if (write(fd, bytes.ptr + at, len) != (ssize_t)len)
            _exit(1);
    }
    _exit(0);
}

TEST(a_frame_that_comes_in_pieces_is_received_whole_and_not_a_byte_more)
{
    struct err err;
    struct str buf = { 0 }, two = { 0 };
    enum frame_type type;
    struct span fields;
    int fd[2];

    answer(&two, 1, "first");
    answer(&two, 2, "second");
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    pid_t pid = trickle(fd[1], fd[0], str_span(&two));
    close(fd[1]);
    for (int64_t run = 1; run <= 2; run++) {
        struct frame_reader in;
        CHECK_INT(frame_receive(fd[0], &buf, &type, &fields, &err), 1);
        CHECK_INT(type, FRAME_VM_ANSWER);
        frame_read(&in, fields);
        CHECK_INT(frame_get_int(&in), run);
    }
    CHECK_INT(frame_receive(fd[0], &buf, &type, &fields, &err), 0);
    waitpid(pid, NULL, 0);
    close(fd[0]);
    str_fini(&buf);
    str_fini(&two);
}

TEST(the_other_side_closing_inside_a_frame_is_an_error_and_between_two_is_not)
{
    struct err err;
    struct str buf = { 0 }, one = { 0 };
    enum frame_type type;
    struct span fields;

    answer(&one, 1, "first");
    for (size_t len = 0; len < one.len; len++) {
        int fd[2];
        CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
        CHECK_OK(frame_send(fd[1], (struct span){ one.ptr, len }, &err), &err);
        close(fd[1]);
        CHECK_INT(frame_receive(fd[0], &buf, &type, &fields, &err), len == 0 ? 0 : ERR_IO);
        close(fd[0]);
    }
    CHECK_STR(err.text, "receive a frame: the other side closed after 26 of 27 bytes");
    str_fini(&buf);
    str_fini(&one);
}

TEST(a_bad_header_ends_receiving_before_its_length_is_believed)
{
    struct err err;
    struct str buf = { 0 };
    enum frame_type type;
    struct span fields;
    int fd[2];

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    CHECK_OK(frame_send(fd[1], span_of("GET / HTTP/1.1\r\n"), &err), &err);
    CHECK_INT(frame_receive(fd[0], &buf, &type, &fields, &err), ERR_TOO_BIG);
    CHECK_INT(buf.len, FRAME_HEADER_LEN);
    close(fd[0]);
    close(fd[1]);
    str_fini(&buf);
}

TEST(an_inbox_hands_out_what_came_in_one_read_frame_by_frame)
{
    int fd[2];
    struct str bytes = { 0 };
    struct frame_writer out;
    struct frame_inbox inbox = { 0 };
    enum frame_type type;
    struct span fields;
    struct err err;

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    inbox.fd = fd[0];
    for (int i = 0; i < 3; i++) {
        frame_begin(&out, &bytes, FRAME_VM_DROP);
        frame_add_int(&out, i);
        frame_finish(&out);
    }
    size_t half = bytes.len - 5; /* the third is cut */
    CHECK_OK(frame_send(fd[1], (struct span){ bytes.ptr, half }, &err), &err);
    for (int i = 0; i < 3; i++) {
        struct frame_reader in;

        if (i == 2)
            CHECK_OK(frame_send(fd[1], (struct span){ bytes.ptr + half, 5 }, &err), &err);
        CHECK_INT(frame_next(&inbox, &type, &fields, &err), 1);
        frame_read(&in, fields);
        CHECK_INT(frame_get_int(&in), i);
    }
    CHECK_OK(frame_send(fd[1], (struct span){ bytes.ptr, 3 }, &err), &err);
    close(fd[1]);
    CHECK_INT(frame_next(&inbox, &type, &fields, &err), ERR_IO);
    close(fd[0]);
    str_fini(&bytes);
    str_fini(&inbox.bytes);
}

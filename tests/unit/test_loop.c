/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "check.h"
#include "frame/frame.h"
#include "net/listener.h"
#include "net/process.h"
#include "net/stream.h"

/* What happened, as letters in the order in which it happened. */
struct diary {
    struct loop *loop;
    struct str text;
    struct timer timer;
    struct later later;
    struct stream *stream;
    int frames;
    int64_t sum;
    char why[256];
    int status;
};

static void write_a(void *arg)
{
    str_add_char(&((struct diary *)arg)->text, 'a');
}

static void write_b(void *arg)
{
    str_add_char(&((struct diary *)arg)->text, 'b');
}

static void write_c(void *arg)
{
    str_add_char(&((struct diary *)arg)->text, 'c');
}

static void stop(void *arg)
{
    loop_stop(((struct diary *)arg)->loop);
}

static void end_diary(struct diary *diary)
{
    str_fini(&diary->text);
    loop_close(diary->loop);
}

/* -- Timers ----------------------------------------------------------------------------- */

TEST(timers_fire_in_the_order_in_which_they_are_due)
{
    struct diary diary = { .loop = loop_open() };
    struct timer first = { 0 }, second = { 0 }, third = { 0 };

    timer_start(&third, diary.loop, 20, write_c, &diary);
    timer_start(&first, diary.loop, 1, write_a, &diary);
    timer_start(&second, diary.loop, 10, write_b, &diary);
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "abc");
    end_diary(&diary);
}

TEST(a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once)
{
    struct diary diary = { .loop = loop_open() };
    struct timer stopped = { 0 }, moved = { 0 }, last = { 0 };

    timer_start(&stopped, diary.loop, 1, write_a, &diary);
    timer_start(&moved, diary.loop, 1, write_b, &diary);
    timer_start(&last, diary.loop, 5, write_c, &diary);
    timer_stop(&stopped);
    timer_stop(&stopped);
    timer_start(&moved, diary.loop, 15, write_b, &diary);
    CHECK(!timer_is_running(&stopped) && timer_is_running(&moved));
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "cb");
    end_diary(&diary);
}

struct eager {
    struct timer timer;
    struct loop *loop;
    int count;
    bool is_read;
};

enum { EAGER_MAX = 100000 };

static void again_at_once(void *arg)
{
    struct eager *eager = arg;

    if (++eager->count < EAGER_MAX)
        timer_start(&eager->timer, eager->loop, 0, again_at_once, eager);
    else
        loop_stop(eager->loop);
}

static void on_readable(void *arg, int events)
{
    struct eager *eager = arg;

    (void)events;
    eager->is_read = true;
    loop_stop(eager->loop);
}

TEST(a_timer_that_starts_itself_again_at_once_keeps_no_descriptor_waiting)
{
    struct eager eager = { .loop = loop_open() };
    struct watch *watch = NULL;
    struct err err;
    int ends[2];

    CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    CHECK(watch_open(&watch, eager.loop, ends[0], WATCH_READ, on_readable, &eager, &err) ==
          0);
    timer_start(&eager.timer, eager.loop, 0, again_at_once, &eager);
    loop_run(eager.loop);
    CHECK(eager.is_read && eager.count < EAGER_MAX);
    timer_stop(&eager.timer);
    watch_close(watch, NULL);
    loop_close(eager.loop);
    close(ends[0]);
    close(ends[1]);
}

enum { MANY = 500 };

struct order {
    int64_t last_ms;
    int fired;
    bool was_wrong;
    struct timer timers[MANY];
};

static struct order many;

static void on_many(void *arg)
{
    struct timer *timer = arg;

    many.was_wrong = many.was_wrong || timer->due_ms < many.last_ms;
    many.last_ms = timer->due_ms;
    many.fired++;
}

TEST(five_hundred_timers_started_and_stopped_at_random_keep_their_order)
{
    struct loop *loop = loop_open();
    unsigned chance = 7;

    for (int i = 0; i < 4 * MANY; i++) {
        chance = chance * 1103515245u + 12345u;
        struct timer *timer = &many.timers[(chance >> 8) % MANY];
        if (i % 5 == 4)
            timer_stop(timer);
        else
            timer_start(timer, loop, (int64_t)(chance >> 20) % 40, on_many, timer);
    }
    int running = 0;
    for (int i = 0; i < MANY; i++)
        running += timer_is_running(&many.timers[i]);
    loop_run(loop);
    CHECK(!many.was_wrong);
    CHECK_INT(many.fired, running);
    loop_close(loop);
}

/* -- The turn ------------------------------------------------------------------------------ */

static void on_turn(void *arg)
{
    struct diary *diary = arg;

    if (diary->text.len > 0 && str_text(&diary->text)[diary->text.len - 1] != 't')
        str_add_char(&diary->text, 't');
}

static void put_off_two(void *arg)
{
    struct diary *diary = arg;
    static struct later last;

    str_add_char(&diary->text, 'a');
    loop_last(diary->loop, &last, write_c, diary);
    loop_later(diary->loop, &diary->later, write_b, diary);
}

TEST(a_turn_is_timers_then_laters_then_turn_functions_then_the_last_ones)
{
    struct diary diary = { .loop = loop_open() };

    loop_on_turn(diary.loop, on_turn, &diary);
    timer_start(&diary.timer, diary.loop, 1, put_off_two, &diary);
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "abtct");
    end_diary(&diary);
}

static void again(void *arg)
{
    struct diary *diary = arg;

    str_add_char(&diary->text, 'x');
    if (diary->text.len < 5)
        loop_later(diary->loop, &diary->later, again, diary);
}

TEST(what_is_put_off_by_what_was_put_off_comes_in_the_next_turn_without_sleeping)
{
    struct diary diary = { .loop = loop_open() };
    struct timer far = { 0 };

    timer_start(&far, diary.loop, 3000, write_a, &diary);
    loop_on_turn(diary.loop, on_turn, &diary);
    loop_later(diary.loop, &diary.later, again, &diary);
    timer_start(&diary.timer, diary.loop, 50, stop, &diary);
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "xtxtxt");
    timer_stop(&far);
    end_diary(&diary);
}

TEST(what_stopping_leaves_undone_is_done_before_run_returns)
{
    struct diary diary = { .loop = loop_open() };
    struct later never = { 0 };

    loop_on_turn(diary.loop, on_turn, &diary);
    loop_later(diary.loop, &never, write_c, &diary);
    later_stop(&never);
    loop_later(diary.loop, &diary.later, write_a, &diary);
    timer_start(&diary.timer, diary.loop, 1, stop, &diary);
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "at");
    loop_later(diary.loop, &never, write_c,
               &diary); /* stopped, and so free for use again */
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "atct");
    end_diary(&diary);
}

TEST(a_signal_calls_back_on_the_loop)
{
    struct diary diary = { .loop = loop_open() };

    loop_on_signal(diary.loop, SIGUSR1, stop, &diary);
    timer_start(&diary.timer, diary.loop, 5000, write_a, &diary);
    raise(SIGUSR1);
    loop_run(diary.loop);
    CHECK_STR(str_text(&diary.text), "");
    timer_stop(&diary.timer);
    end_diary(&diary);
}

/* -- Streams ------------------------------------------------------------------------------- */

static void on_frame(void *arg, enum frame_type type, struct span fields)
{
    struct diary *diary = arg;
    struct frame_reader in;
    struct err err;

    CHECK_INT(type, FRAME_HOST_SAVED);
    frame_read(&in, fields);
    int64_t value = frame_get_int(&in);
    CHECK_OK(frame_end(&in, &err), &err);
    diary->frames++;
    diary->sum += value;
    if (value == 13) {
        stream_close(diary->stream);
        diary->stream = NULL;
    }
}

static void on_closed(void *arg, const char *why)
{
    struct diary *diary = arg;

    snprintf(diary->why, sizeof diary->why, "%s", why);
    diary->stream = NULL;
    loop_stop(diary->loop);
}

static void add_saved(struct str *bytes, int64_t value)
{
    struct frame_writer out;

    frame_begin(&out, bytes, FRAME_HOST_SAVED);
    frame_add_int(&out, value);
    frame_finish(&out);
}

static int open_pair(struct diary *diary)
{
    struct err err;
    int fds[2];

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_OK(stream_open(&diary->stream, diary->loop, fds[0], on_frame, on_closed, diary,
                         &err),
             &err);
    return fds[1];
}

TEST(frames_that_arrive_in_one_read_are_all_handed_out_and_the_end_is_told_once)
{
    struct diary diary = { .loop = loop_open() };
    struct str bytes = { 0 };
    int peer = open_pair(&diary);

    for (int i = 1; i <= 10; i++)
        add_saved(&bytes, i);
    CHECK_INT(write(peer, bytes.ptr, bytes.len), (int64_t)bytes.len);
    close(peer);
    loop_run(diary.loop);
    CHECK_INT(diary.frames, 10);
    CHECK_INT(diary.sum, 55);
    CHECK_STR(diary.why, "the other side has closed the connection");
    str_fini(&bytes);
    end_diary(&diary);
}

TEST(a_frame_cut_short_by_the_end_is_told_as_such)
{
    struct diary diary = { .loop = loop_open() };
    struct str bytes = { 0 };
    int peer = open_pair(&diary);

    add_saved(&bytes, 1);
    CHECK_INT(write(peer, bytes.ptr, bytes.len - 1), (int64_t)bytes.len - 1);
    close(peer);
    loop_run(diary.loop);
    CHECK_INT(diary.frames, 0);
    CHECK_HAS(diary.why, "in the middle of a frame");
    str_fini(&bytes);
    end_diary(&diary);
}

TEST(bytes_that_are_no_frame_end_the_stream_with_the_reason)
{
    struct diary diary = { .loop = loop_open() };
    int peer = open_pair(&diary);

    CHECK_INT(write(peer, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    loop_run(diary.loop);
    CHECK_INT(diary.frames, 0);
    CHECK_HAS(diary.why, "frame:");
    close(peer);
    end_diary(&diary);
}

TEST(a_stream_may_be_closed_from_inside_its_own_frame_and_then_says_no_more)
{
    struct diary diary = { .loop = loop_open() };
    struct str bytes = { 0 };
    int peer = open_pair(&diary);

    add_saved(&bytes, 13);
    add_saved(&bytes, 1);
    CHECK_INT(write(peer, bytes.ptr, bytes.len), (int64_t)bytes.len);
    loop_run(diary.loop);
    CHECK_INT(diary.frames, 1);
    CHECK_STR(diary.why, "");
    close(peer);
    str_fini(&bytes);
    end_diary(&diary);
}

TEST(three_frames_sent_in_one_turn_leave_as_one_write_at_its_end)
{
    struct diary diary = { .loop = loop_open() };
    struct str bytes = { 0 };
    char got[256];
    int fds[2];
    struct err err;

    /* Packets keep the borders of writes, so that they can be counted. */
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_OK(stream_open(&diary.stream, diary.loop, fds[0], on_frame, on_closed, &diary,
                         &err),
             &err);
    for (int i = 0; i < 3; i++)
        add_saved(&bytes, i);
    struct span all = str_span(&bytes);
    size_t one = all.len / 3;
    for (size_t i = 0; i < 3; i++)
        stream_send(diary.stream, (struct span){ all.ptr + i * one, one });
    CHECK_INT(recv(fds[1], got, sizeof got, MSG_DONTWAIT), -1);
    stream_finish(diary.stream);
    loop_run(diary.loop);
    CHECK_INT(recv(fds[1], got, sizeof got, 0), (int64_t)all.len);
    CHECK_MEM(got, all.ptr, all.len);
    CHECK_INT(recv(fds[1], got, sizeof got, 0), 0);
    close(fds[1]);
    str_fini(&bytes);
    end_diary(&diary);
}

TEST(much_that_is_sent_in_one_turn_begins_to_leave_before_its_end)
{
    struct diary diary = { .loop = loop_open() };
    static char block[STREAM_EAGER_MIN / 2], got[4 * sizeof block];
    int peer = open_pair(&diary);

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)i;
    stream_send(diary.stream, (struct span){ block, sizeof block });
    CHECK_INT(recv(peer, got, sizeof got, MSG_DONTWAIT), -1);
    stream_send(diary.stream, (struct span){ block, sizeof block });
    CHECK_INT(recv(peer, got, sizeof got, MSG_DONTWAIT), 2 * sizeof block);
    CHECK_MEM(got + sizeof block, block, sizeof block);
    stream_send(diary.stream, (struct span){ block, 10 });
    stream_finish(diary.stream);
    loop_run(diary.loop);
    CHECK_INT(recv(peer, got, sizeof got, 0), 10);
    CHECK_INT(recv(peer, got, sizeof got, 0), 0);
    close(peer);
    end_diary(&diary);
}

static void send_too_much(void *arg)
{
    struct diary *diary = arg;
    static char block[1024 * 1024];

    for (int i = 0; i < STREAM_OUT_MAX / (int)sizeof block + 2; i++)
        stream_send(diary->stream, (struct span){ block, sizeof block });
}

TEST(a_peer_that_does_not_read_is_left_when_too_much_waits_for_it)
{
    struct diary diary = { .loop = loop_open() };
    int peer = open_pair(&diary);

    timer_start(&diary.timer, diary.loop, 0, send_too_much, &diary);
    loop_run(diary.loop);
    CHECK_HAS(diary.why, "STREAM_OUT_MAX");
    close(peer);
    end_diary(&diary);
}

struct echo {
    struct diary diary;
    size_t got;
};

static void on_big(void *arg, enum frame_type type, struct span fields)
{
    struct echo *echo = arg;

    CHECK_INT(type, FRAME_ASK);
    echo->got += fields.len;
    loop_stop(echo->diary.loop);
}

TEST(a_frame_far_larger_than_one_read_arrives_whole)
{
    struct echo echo = { .diary = { .loop = loop_open() } };
    struct err err;
    struct frame_writer out;
    int fds[2];
    size_t len = 7 * 1024 * 1024;
    char *big = malloc(len);
    struct stream *from, *to;

    memset(big, 'x', len);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_OK(stream_open(&from, echo.diary.loop, fds[0], on_big, on_closed, &echo, &err),
             &err);
    CHECK_OK(stream_open(&to, echo.diary.loop, fds[1], on_big, on_closed, &echo, &err),
             &err);
    frame_begin(&out, stream_out(from), FRAME_ASK);
    frame_add_span(&out, (struct span){ big, len });
    frame_add_text(&out, "{}");
    frame_finish(&out);
    stream_flush(from);
    loop_run(echo.diary.loop);
    CHECK(echo.got > len);
    CHECK_INT(stream_unsent(from), 0);
    stream_close(from);
    stream_close(to);
    loop_run(echo.diary.loop);
    free(big);
    loop_close(echo.diary.loop);
}

/* -- Listener ------------------------------------------------------------------------------- */

static void on_connection(void *arg, int fd, uid_t uid, pid_t pid)
{
    struct diary *diary = arg;

    diary->frames++;
    CHECK_INT(uid, getuid());
    CHECK_INT(pid, getpid());
    close(fd);
    loop_stop(diary->loop);
}

TEST(a_connection_comes_with_the_peers_uid_and_pid_and_the_file_has_the_asked_bits)
{
    struct diary diary = { .loop = loop_open() };
    struct listener *listener;
    struct err err;
    struct stat st;
    char *path = check_path("sock");
    int fd;

    CHECK_OK(listener_open(&listener, diary.loop, path, 0600, on_connection, &diary, &err),
             &err);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_OK(listener_connect(path, &fd, &err), &err);
    loop_run(diary.loop);
    CHECK_INT(diary.frames, 1);
    close(fd);
    listener_close(listener);
    CHECK_INT(stat(path, &st), -1);
    CHECK_ERR(listener_connect(path, &fd, &err), &err, ERR_NOT_FOUND);
    free(path);
    end_diary(&diary);
}

TEST(a_socket_somebody_answers_at_is_refused_and_one_left_over_is_replaced)
{
    struct diary diary = { .loop = loop_open() };
    struct listener *first, *second;
    struct err err;
    char *path = check_path("sock");
    char *copy = check_path("left-over");

    CHECK_OK(listener_open(&first, diary.loop, path, 0600, on_connection, &diary, &err),
             &err);
    CHECK_ERR(listener_open(&second, diary.loop, path, 0600, on_connection, &diary, &err),
              &err, ERR_EXISTS);
    CHECK_HAS(err.text, "another process answers at");
    CHECK_INT(link(path, copy), 0);
    listener_close(first);
    CHECK_OK(listener_open(&second, diary.loop, copy, 0600, on_connection, &diary, &err),
             &err);
    listener_close(second);
    free(path);
    free(copy);
    end_diary(&diary);
}

TEST(a_socket_path_too_long_for_the_system_says_what_would_be_right)
{
    struct loop *loop = loop_open();
    struct listener *listener;
    struct err err;
    char path[200];

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    CHECK_ERR(listener_open(&listener, loop, path, 0600, on_connection, NULL, &err), &err,
              ERR_TOO_BIG);
    CHECK_HAS(err.text, "use a shorter state directory");
    loop_close(loop);
}

/* -- Processes ------------------------------------------------------------------------------ */

static void on_exit_status(void *arg, int status)
{
    struct diary *diary = arg;

    diary->status = status;
    str_add_char(&diary->text, 'e');
}

static struct process *start(struct diary *diary, const char *script, int fd, int out_fd)
{
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    const char *env[] = { "ONLY=this", NULL };
    struct process_options options = {
        .argv = argv, .env = env, .fd = fd, .out_fd = out_fd
    };
    struct process *process;
    struct err err;

    CHECK_OK(process_start(&process, diary->loop, &options, on_exit_status, diary, &err),
             &err);
    return process;
}

TEST(a_child_has_descriptor_3_its_environment_and_nothing_else)
{
    struct diary diary = { .loop = loop_open() };
    char got[512] = "";
    int fds[2], extra = dup(1);

    CHECK_INT(pipe(fds), 0);
    start(&diary, "echo \"$ONLY $HOME\" >&3; ls /proc/self/fd | tr '\\n' ' ' >&3; exit 7",
          fds[1], -1);
    loop_run(diary.loop);
    close(fds[1]);
    close(extra);
    CHECK_INT(diary.status, 7);
    CHECK(read(fds[0], got, sizeof got - 1) > 0);
    while (read(fds[0], got + strlen(got), sizeof got - 1 - strlen(got)) > 0)
        continue;
    /* The shell moves its own output; ls holds the folder itself as one more. */
    CHECK_HAS(got, "this \n0 1 2 3 4 ");
    CHECK_LACKS(got, " 5 ");
    CHECK_STR(str_text(&diary.text), "e");
    close(fds[0]);
    end_diary(&diary);
}

TEST(a_killed_child_reports_the_signal_and_a_closed_one_reports_nothing)
{
    struct diary diary = { .loop = loop_open() };
    struct process *killed = start(&diary, "exec sleep 30", -1, -1);
    struct process *closed = start(&diary, "exec sleep 30", -1, -1);

    process_kill(killed, SIGKILL);
    pid_t pid = process_pid(closed);
    process_close(closed);
    loop_run(diary.loop);
    CHECK_INT(diary.status, -SIGKILL);
    CHECK_STR(str_text(&diary.text), "e");
    CHECK_INT(kill(pid, 0), -1);
    CHECK_INT(errno, ESRCH);
    end_diary(&diary);
}

/* A shell that leaves a process behind, whose number it writes to descriptor 3. That process holds
 * the descriptor, so its end shows as the end of what can be read. */
static void leave_process(bool has_group, const char *then, int *out, struct diary *diary,
                          struct process **process)
{
    const char *argv[] = { "/bin/sh", "-c", NULL, NULL };
    char script[128];
    struct process_options options = { .argv = argv, .out_fd = -1, .has_group = has_group };
    struct err err;
    int fds[2];

    snprintf(script, sizeof script, "sleep 60 & echo $! >&3; %s", then);
    argv[2] = script;
    CHECK_INT(pipe(fds), 0);
    options.fd = fds[1];
    CHECK_OK(process_start(process, diary->loop, &options, on_exit_status, diary, &err),
             &err);
    close(fds[1]);
    *out = fds[0];
}

static pid_t read_pid(int fd)
{
    char text[16] = "";

    for (size_t len = 0; len < sizeof text - 1 && strchr(text, '\n') == NULL; len++)
        CHECK_INT(read(fd, text + len, 1), 1);
    return (pid_t)atoi(text);
}

static bool is_closed_within(int fd, int ms)
{
    struct pollfd ended = { .fd = fd, .events = POLLIN };
    char byte;

    return poll(&ended, 1, ms) == 1 && read(fd, &byte, 1) == 0;
}

TEST(a_process_group_ends_with_its_leader)
{
    struct diary diary = { .loop = loop_open() };
    struct process *process;
    int out;

    leave_process(true, "exit 0", &out, &diary, &process);
    read_pid(out);
    loop_run(diary.loop);
    CHECK(is_closed_within(out, 20000));
    close(out);
    leave_process(true, "wait", &out, &diary, &process);
    read_pid(out);
    process_close(process);
    CHECK(is_closed_within(out, 20000));
    close(out);
    end_diary(&diary);
}

TEST(without_a_group_of_its_own_what_a_process_leaves_goes_on)
{
    struct diary diary = { .loop = loop_open() };
    struct process *process;
    int out;

    leave_process(false, "exit 0", &out, &diary, &process);
    pid_t left = read_pid(out);
    loop_run(diary.loop);
    CHECK(!is_closed_within(out, 50));
    kill(left, SIGKILL);
    CHECK(is_closed_within(out, 20000));
    close(out);
    end_diary(&diary);
}

TEST(a_program_that_is_not_there_is_named_in_the_error)
{
    struct loop *loop = loop_open();
    const char *argv[] = { "/nowhere/at-all", NULL };
    struct process_options options = { .argv = argv, .fd = -1, .out_fd = -1 };
    struct process *process;
    struct err err;

    CHECK_ERR(process_start(&process, loop, &options, on_exit_status, NULL, &err), &err,
              ERR_NOT_FOUND);
    CHECK_STR(err.text, "start /nowhere/at-all: No such file or directory");
    loop_close(loop);
}

struct sum {
    struct loop *loop;
    pthread_t worker;
    int64_t value;
    bool is_done, stops;
};

static void add_up(void *arg)
{
    struct sum *sum = arg;

    sum->worker = pthread_self();
    for (int i = 1; i <= 1000; i++)
        sum->value += i;
}

static void on_added(void *arg)
{
    struct sum *sum = arg;

    sum->is_done = true;
    if (sum->stops)
        loop_stop(sum->loop);
}

TEST(work_is_done_on_another_thread_and_told_of_on_the_loops)
{
    struct sum sum = { .loop = loop_open(), .stops = true };

    loop_work(sum.loop, add_up, on_added, &sum);
    CHECK(!sum.is_done);
    loop_run(sum.loop);
    CHECK(sum.is_done);
    CHECK_INT(sum.value, 500500);
    CHECK(!pthread_equal(sum.worker, pthread_self()));
    loop_close(sum.loop);
}

TEST(a_loop_that_is_closed_waits_for_the_work_that_is_under_way)
{
    struct sum sum = { .loop = loop_open() };

    loop_work(sum.loop, add_up, on_added, &sum);
    loop_close(sum.loop);
    CHECK(sum.is_done);
    CHECK_INT(sum.value, 500500);
}

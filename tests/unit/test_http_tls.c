/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 and certificates, against nghttpd and against Python's own TLS: servers that are not
 * ours, with certificates that openssl makes for each test.
 */
#include "net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "check.h"
#include "net/loop.h"

enum { TRIES = 300, TRY_US = 20 * 1000, REPLY_MS = 10 * 1000, MANY = 20 };

/* -- The servers --------------------------------------------------------------------------- */

static void run(const char *command)
{
    struct str line = { 0 };

    str_printf(&line, "cd %s && { %s; } >>log 2>&1", check_dir(), command);
    int status = system(str_text(&line)); /* NOLINT(cert-env33-c): the words are ours */
    if (status != 0)
        FAIL("%s ended with %d; %s/log says why", command, status, check_dir());
    str_fini(&line);
}

/* An authority, ca.pem, and what it signed for name: cert.pem and key.pem. */
static void make_certificates(const char *name)
{
    struct str command = { 0 };

    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        " -subj /CN=test-authority -keyout ca.key -out ca.pem");
    str_printf(&command,
               "printf 'subjectAltName=%s' >names && "
               "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
               " -subj /CN=test-server -keyout key.pem -out request.pem && "
               "openssl x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca.key"
               " -CAcreateserial -extfile names -out cert.pem",
               name);
    run(str_text(&command));
    str_fini(&command);
}

static int free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK_INT(bind(fd, (struct sockaddr *)&address, len), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool is_listening(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return is;
}

struct process_of {
    pid_t pid;
    int port;
};

static struct process_of serve(const char *const argv[], int port)
{
    struct process_of server = { .pid = fork(), .port = port };

    if (server.pid == 0) {
        int log = chdir(check_dir()) == 0
                      ? open("server.log", O_WRONLY | O_CREAT | O_APPEND, 0600)
                      : -1;

        if (log < 0)
            _exit(126);
        dup2(log, 1);
        dup2(log, 2);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    for (int i = 0; i < TRIES && !is_listening(port); i++) {
        CHECK_INT(waitpid(server.pid, NULL, WNOHANG), 0); /* it has not ended */
        usleep(TRY_US);
    }
    CHECK(is_listening(port));
    return server;
}

static void end(struct process_of server)
{
    kill(server.pid, SIGKILL);
    waitpid(server.pid, NULL, 0);
}

static struct process_of serve_http2(void)
{
    char number[16];
    int port = free_port();
    const char *argv[] = { "nghttpd", "-v",   "-a",      "127.0.0.1", "-d",
                           "htdocs",  number, "key.pem", "cert.pem",  NULL };

    run("mkdir -p htdocs && printf hello >htdocs/ok");
    snprintf(number, sizeof number, "%d", port);
    return serve(argv, port);
}

/* Offers nothing newer than HTTP/1.1. */
static struct process_of serve_http1(void)
{
    static const char script[] =
        "import http.server, ssl, sys\n"
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        "context.load_cert_chain('cert.pem', 'key.pem')\n"
        "class Quiet(http.server.SimpleHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Quiet)\n"
        "server.socket = context.wrap_socket(server.socket, server_side=True,\n"
        "                                    do_handshake_on_connect=False)\n"
        "server.serve_forever()\n";
    char number[16];
    int port = free_port();
    const char *argv[] = { "python3", "-c", script, number, NULL };

    run("printf hello >ok");
    snprintf(number, sizeof number, "%d", port);
    return serve(argv, port);
}

/* How often the server's log has the text. */
static int logged(const char *text)
{
    struct str path = { 0 };
    char line[2000];
    int count = 0;

    str_printf(&path, "%s/server.log", check_dir());
    FILE *file = fopen(str_text(&path), "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strstr(line, text) != NULL;
    if (file != NULL)
        fclose(file);
    str_fini(&path);
    return count;
}

/* -- The client ----------------------------------------------------------------------------- */

struct seen {
    struct loop *loop;
    struct http *http;
    int count, wanted, good;
    struct http_reply last;
    char error[512];
};

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct seen *seen = arg;

    seen->last = *reply;
    snprintf(seen->error, sizeof seen->error, "%s", reply->error ? reply->error : "");
    seen->good += reply->status == 200 && strcmp(reply->body, "hello") == 0;
    if (++seen->count == seen->wanted)
        loop_stop(seen->loop);
}

static struct seen client(bool knows_authority)
{
    const char *allow[] = { "127.0.0.1", NULL };
    char *ca = check_path("ca.pem");
    struct http_options options = { .allow = allow,
                                    .ca_file = knows_authority ? ca : NULL };
    struct seen seen = { .loop = loop_open() };
    struct err err;

    CHECK_OK(http_open(&seen.http, seen.loop, &options, &err), &err);
    free(ca);
    return seen;
}

static void get(struct seen *seen, const struct process_of *server, int count)
{
    char url[64];
    struct http_request request = { .method = "GET", .url = url, .timeout_ms = REPLY_MS };
    struct http_call *call;
    struct err err;

    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", server->port);
    seen->wanted += count;
    for (int i = 0; i < count; i++)
        CHECK_OK(http_start(&call, seen->http, &request, on_reply, seen, &err), &err);
    loop_run(seen->loop);
}

static void finish(struct seen *seen)
{
    http_close(seen->http);
    loop_run(seen->loop);
    loop_close(seen->loop);
}

/* -- What is promised ------------------------------------------------------------------------ */

TEST(where_tls_offers_http_2_many_requests_share_one_connection)
{
    make_certificates("IP:127.0.0.1");
    struct process_of server = serve_http2();
    struct seen seen = client(true);

    get(&seen, &server, 1);
    CHECK_STR(seen.error, "");
    int connections = logged("The negotiated protocol: h2");
    get(&seen, &server, MANY);
    CHECK_INT(seen.good, 1 + MANY);
    CHECK_INT(connections, 1);
    CHECK_INT(logged("The negotiated protocol: h2"), 1);
    finish(&seen);
    end(server);
}

TEST(a_server_that_speaks_http_1_alone_is_understood_over_tls)
{
    make_certificates("IP:127.0.0.1");
    struct process_of server = serve_http1();
    struct seen seen = client(true);

    get(&seen, &server, 3);
    CHECK_STR(seen.error, "");
    CHECK_INT(seen.good, 3);
    finish(&seen);
    end(server);
}

TEST(a_certificate_that_nobody_we_know_vouches_for_ends_it_before_a_byte_of_the_request)
{
    make_certificates("IP:127.0.0.1");
    struct process_of server = serve_http2();
    struct seen seen = client(false);

    get(&seen, &server, 1);
    CHECK_INT(seen.last.status, 0);
    CHECK(!seen.last.may_have_sent);
    CHECK(seen.last.is_hopeless);
    CHECK_HAS(seen.error, "certificate");
    CHECK_INT(logged(":path"), 0);
    finish(&seen);
    end(server);
}

TEST(a_certificate_for_another_name_ends_it_before_a_byte_of_the_request)
{
    make_certificates("DNS:elsewhere.test");
    struct process_of server = serve_http2();
    struct seen seen = client(true);

    get(&seen, &server, 1);
    CHECK_INT(seen.last.status, 0);
    CHECK(!seen.last.may_have_sent);
    CHECK(seen.last.is_hopeless);
    CHECK_INT(logged(":path"), 0);
    finish(&seen);
    end(server);
}

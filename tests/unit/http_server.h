/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server.h - a tiny HTTP server on loopback, a thread a connection, for tests.
 *
 * It answers by path:
 *   /ok            200, body "hello"; the connection stays open
 *   /echo          200, body: the request as it came
 *   /drop          closes without a word, once the request is there
 *   /half          promises more body than it sends, and closes
 *   /silent        never answers
 *   /big           a body without end
 *   /headers       headers without end
 *   /early         a 103 before the 200
 *   /moved         302 to /ok
 *   /later         503, Retry-After 7200
 *   /lro           to PUT: 202, Location /ok, Retry-After 0; else 200
 */
#pragma once

struct server {
    int fd;
    int port;
    int requests; /* read with __atomic_load_n */
    int connections;
};

/* Started once a test; ends with the test's process. */
void server_start(struct server *server);
int server_requests(struct server *server);
int server_connections(struct server *server);

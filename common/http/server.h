/* SPDX-License-Identifier: Apache-2.0
 * The HTTP server: takes requests in, refuses what isn't a plain GET or HEAD, and hands the rest to its handler. Each
 * request has an id: the client's X-Request-Id, or one by chance. It is in the answer, and in the log with those that
 * fail or that came with one, at most twenty lines a second; with all at the level debug. */
#ifndef TIDEMARK_HTTP_SERVER_H
#define TIDEMARK_HTTP_SERVER_H

#include "base/error.h"
#include "http/cross_origin.h"
#include "http/listen.h"
#include "http/request_head.h"
#include "http/tls.h"

#define REQUEST_SECONDS_MAX 10 /* for the headers of a request, with the greetings of TLS before the first */
#define REST_SECONDS_MAX 30    /* between two of a connection */
#define CROWDED_SECONDS_MAX 2  /* for either, while more than three quarters of all connections are taken */
#define ANSWER_SECONDS_MAX 300 /* for an answer to be taken */

struct http_server_options {
    struct listen_address address;
    int64_t threads;
    size_t waiting_threads; /* for answers that wait; up to ANSWER_POOL_THREADS_MAX; 0: none does */
    unsigned connections_max;
    struct tls *tls;        /* outlives the server; NULL: nothing is encrypted */
    struct origins origins; /* whose pages may read the answers */
    struct streams
        *streams; /* those that answers without an end are among, and that outlive it; NULL: there are none */
};

/* All are called from any of the server's threads. */
struct http_handler {
    /* Answers GET of the head's target. *ret_route is how the request is counted, static text. Where it must wait for
     * something, and the head says that it may not, the reply says so: then it is called again by a thread that may. */
    void (*answer)(void *context, const struct request_head *head, struct reply *reply, const char **ret_route);
    /* Before each answer: so many connections are open. NULL: nobody asks. */
    void (*arrived)(void *context, size_t connections);
    /* A request was answered, or refused (as the route "other"). NULL: nobody counts. */
    void (*answered)(void *context, const char *route, unsigned status, int64_t duration_us);
    void *context; /* outlives the server */
};

struct http_server;

/* Listens and answers. Errors are those of listen_open. */
bool http_server_start(const struct http_server_options *options, const struct http_handler *handler,
                       struct http_server **ret_server, struct error *error) MUST_CHECK;
int http_server_port(const struct http_server *server); /* 0 where it listens on a unix socket */

/* To be called about once a second: ends connections that hang. */
void http_server_reap(struct http_server *server);

/* Ends streams, takes no more connections, ends those that are open, and removes its unix socket. NULL is allowed. */
void http_server_stop(struct http_server *server);

#endif

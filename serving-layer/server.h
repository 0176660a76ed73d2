/* SPDX-License-Identifier: Apache-2.0
 * The HTTP server: takes requests in, refuses what isn't a plain GET or HEAD, and hands the rest to the routes. */
#ifndef TIDEMARK_SERVING_SERVER_H
#define TIDEMARK_SERVING_SERVER_H

#include "routes.h"

#define CONNECTIONS_MAX 1024
#define REQUEST_SECONDS_MAX 30 /* for a request to arrive, and between two of a connection */
#define CROWDED_SECONDS_MAX 2  /* the same, while more than three quarters of all connections are taken */
#define ANSWER_SECONDS_MAX 300 /* for an answer to be taken */

struct server_options {
    const char *host; /* an address, or a name of this machine; "" or "*" is every address */
    int port;         /* 0: any that is free */
    int64_t threads;
};

struct server;

/* Listens and answers from `serving`, which must outlive it. ERROR_CONFIGURATION where the address can't be used. */
bool server_start(const struct server_options *options, const struct serving *serving, struct server **ret_server,
                  struct error *error) MUST_CHECK;
int server_port(const struct server *server);

/* To be called about once a second: ends connections that hang. */
void server_tend(struct server *server);

/* Takes no more connections and ends those that are open. NULL is allowed. */
void server_stop(struct server *server);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The connections that are open, so that one whose request never comes to an end, or whose answer nobody takes, is
 * ended after a time: the HTTP library counts idle time only, which a byte now and then resets. */
#ifndef TIDEMARK_HTTP_CONNECTIONS_H
#define TIDEMARK_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connections;
struct connection; /* a place in it */

struct connections *connections_new(size_t capacity); /* NULL: memory is short */
void connections_destroy(struct connections *connections);

/* All from any thread. */
struct connection *connections_add(struct connections *connections, int descriptor);     /* NULL: it is full */
void connections_remove(struct connections *connections, struct connection *connection); /* NULL is allowed */
/* A new stretch of time begins: a request is complete, or an answer was sent. */
void connections_mark(struct connections *connections, struct connection *connection, bool answering);
/* An answer without an end: whoever gives it ends it. */
void connections_mark_endless(struct connections *connections, struct connection *connection);
size_t connections_count(struct connections *connections);

/* Shuts down those that have waited for a request longer than `request_us`, or for their answer to be taken longer than
 * `answer_us`. */
void connections_reap(struct connections *connections, int64_t now_us, int64_t request_us, int64_t answer_us);

#endif

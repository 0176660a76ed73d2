/* SPDX-License-Identifier: Apache-2.0
 * The connections that are open, so that one whose request never comes to an end, or whose answer nobody takes, is
 * ended after a time: the HTTP library counts idle time only, which a byte now and then resets. */
#ifndef TIDEMARK_HTTP_CONNECTIONS_H
#define TIDEMARK_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum connection_stage {
    CONNECTION_ASKS,     /* from its beginning, or that of a further request, until that's headers are whole */
    CONNECTION_ANSWERED, /* until its answer is taken */
    CONNECTION_RESTS,    /* until a further request begins */
    CONNECTION_STAGES,
    CONNECTION_ENDLESS = CONNECTION_STAGES, /* an answer without an end: whoever gives it ends it */
    CONNECTION_TAKEN_IN,                    /* until its thread begins with it */
};

struct connections;
struct connection; /* a place in it */

struct connections *connections_new(size_t capacity); /* NULL: memory is short */
void connections_destroy(struct connections *connections);

/* Waits until there is room for one more. False once it is closed. */
bool connections_wait_for_place(struct connections *connections);
void connections_close(struct connections *connections);

/* All from any thread. One with the same descriptor as before is another one: that has ended without being removed. */
struct connection *connections_add(struct connections *connections, int descriptor);     /* NULL: it is full */
struct connection *connections_find(struct connections *connections, int descriptor);    /* NULL: it isn't there */
void connections_remove(struct connections *connections, struct connection *connection); /* NULL is allowed */
size_t connections_count(const struct connections *connections);
/* A new stretch of time begins, but where it is at this stage already. By one thread at a time for a connection. NULL
 * is allowed. */
void connection_mark(struct connection *connection, enum connection_stage stage);

/* Shuts down those that have been at their stage for longer than it may take. */
void connections_reap(struct connections *connections, int64_t now_us, const int64_t limits_us[CONNECTION_STAGES]);

#endif

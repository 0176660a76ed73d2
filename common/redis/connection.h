/* SPDX-License-Identifier: Apache-2.0
 * One connection to Redis, made when first needed and made afresh after any error. Every command has a time limit. On
 * connecting, and every ten seconds of use, it makes sure that the server never evicts keys, for an evicted offset
 * would be a wrong sum; and it loads the function library where the server doesn't know it. */
#ifndef TIDEMARK_REDIS_CONNECTION_H
#define TIDEMARK_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>

#include "base/error.h"
#include "base/text.h"
#include "redis/address.h"
#include "redis/reply_limit.h"

struct redis_connection {
    struct redis_address address;
    char name[300];           /* for messages: "Redis at host:port" */
    redisContext *context;    /* NULL while there is no connection */
    uint64_t number;          /* of the context: how many there have been */
    int timeout_s;            /* of an answer, as the context has it; 0: not set yet */
    struct reply_limit limit; /* set anew with every connection */
    int64_t checked_us;       /* monotonic time of the last look at the eviction policy */
};

/* Doesn't connect yet. The connection stays where it is. */
void redis_connection_init(struct redis_connection *connection, const struct redis_address *address);
void redis_connection_clean_up(struct redis_connection *connection);

/* Sends one command and waits for its reply, which the caller frees with freeReplyObject and which is never an error
 * reply. On an error the command may or may not have been carried out. A process that uses this ignores SIGPIPE. */
bool redis_connection_call(struct redis_connection *connection, const struct text words[], size_t count,
                           redisReply **ret_reply, struct error *error) MUST_CHECK;

/* Makes it where there is none, or the one that there was has ended. */
bool redis_connection_make_ready(struct redis_connection *connection, struct error *error) MUST_CHECK;

/* A command whose reply isn't waited for, on the connection that there is: ERROR_UNAVAILABLE where it was lost. The
 * replies are taken in the order of the commands, each with redis_connection_take, before anything else is called;
 * an error reply ends the connection, and the others are lost with it. */
bool redis_connection_send(struct redis_connection *connection, const struct text words[], size_t count,
                           struct error *error) MUST_CHECK;
bool redis_connection_take(struct redis_connection *connection, redisReply **ret_reply, struct error *error) MUST_CHECK;

#endif

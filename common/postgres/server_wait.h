/* SPDX-License-Identifier: Apache-2.0
 * How long an answer of PostgreSQL is waited for. A statement may run for hours, and a peer that is there and silent (a
 * proxy that swallows, a machine that froze, a server that lost our question) looks the same; TCP's own timers don't
 * tell them apart. So while nothing is heard, a second connection is opened from time to time, which asks the server
 * whether it is at work for us, and if it waits for a lock, who holds it. Three times "no", or no answer, in a row and
 * the connection is given up. During a shutdown it is two seconds. */
#ifndef TIDEMARK_POSTGRES_SERVER_WAIT_H
#define TIDEMARK_POSTGRES_SERVER_WAIT_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/error.h"

struct server_wait {
    PGconn *connection;
    int64_t heard_us;     /* when it last sent or took something */
    int64_t next_look_us; /* at what the server is doing */
    int64_t look_every_us;
    int64_t leave_us; /* 0, or when a shutdown ends the waiting */
    int strikes;      /* looks in a row that found nothing at work for us */
    char arrived[24]; /* how much of a COPY had arrived at the last look */
    char holder[300]; /* who holds the lock that was waited for at the last look; empty: nobody */
};

/* For one statement, or for one piece of a COPY. */
void server_wait_begin(struct server_wait *wait, PGconn *connection);

/* Waits until a result can be taken without waiting. On an error the connection is lost. */
bool server_wait_for_result(struct server_wait *wait, struct error *error) MUST_CHECK;

/* Waits until something more has come. On an error the connection is lost. */
bool server_wait_for_input(struct server_wait *wait, struct error *error) MUST_CHECK;

/* Waits until all that was to be sent is with the kernel. On an error the connection is lost. */
bool server_wait_flush(struct server_wait *wait, struct error *error) MUST_CHECK;

/* Goes on with a connection that is being made (after PQconnectStart) until it is made or failed; false where the
 * monotonic time `deadline_us` came first. */
bool server_wait_connect(PGconn *connection, int64_t deadline_us) MUST_CHECK;

#endif

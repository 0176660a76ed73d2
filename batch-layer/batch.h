/* SPDX-License-Identifier: Apache-2.0
 * What every command of the batch layer works with: the settings, the log, the real-time store, and one connection. */
#ifndef TIDEMARK_BATCH_BATCH_H
#define TIDEMARK_BATCH_BATCH_H

#include "config/settings.h"
#include "ports/log.h"
#include "ports/realtime_store.h"
#include "postgres/connection.h"
#include "postgres/postgres.h"

struct consumer_group;
struct kafka_access;
struct engine_operations;
struct master_operations;
struct publisher_operations;

struct batch {
    const struct settings *settings;
    /* The three roles, over the connection below. */
    const struct master_operations *master;
    const struct engine_operations *engine;
    const struct publisher_operations *publisher;
    struct event_log *log;
    struct realtime_store *realtime;
    struct publication_store *publications; /* reads what is published, on a connection of its own */
    PGconn *connection;                     /* NULL until batch_connect */
    bool accepts_partitions;                /* the operator says that no order has versions in two partitions */
    bool accepts_gaps;                      /* the operator accepts that the messages of recorded gaps are lost */
    bool revalidates;                       /* the operator says that bad messages may be good now */
    bool repairs;                           /* what `repair` finds is mended */
    bool has_warned_of_policy;              /* that nobody may ask for the policy of a topic */
    int64_t ready_wait_ms;                  /* how long a run waits for partitions that aren't ready */
    struct metrics *metrics;                /* of the table batch_metrics; NULL: nobody watches */
    /* Where nobody commits to a partition for so long, a run cuts it by itself; 0: no run does. */
    int64_t unread_after_ms;
    struct consumer_group *group; /* NULL until somebody asks for its members */
    struct kafka_access *access;  /* owned; the log keeps a pointer to it */
};

/* Takes a half-opened one too; see batch_open.h. */
void batch_close(struct batch *batch);

/* Connects to PostgreSQL where there is no good connection. A new connection holds no locks. */
bool batch_connect(struct batch *batch, struct error *error) MUST_CHECK;
void batch_disconnect(struct batch *batch);

/* Runs the SQL that was put together in `sql`, and empties it. */
bool batch_execute(struct batch *batch, struct buffer *sql, struct error *error) MUST_CHECK;
/* The same for one statement with a result. */
bool batch_query(struct batch *batch, struct buffer *sql, PGresult **ret_result, struct error *error) MUST_CHECK;

#endif

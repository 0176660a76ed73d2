/* SPDX-License-Identifier: Apache-2.0
 * Keeps the snapshots near to what PostgreSQL and Redis say, with a thread for each, so that a store that hangs doesn't
 * stop the other. What is read of PostgreSQL is handed to the thread that reads Redis, which puts it in place together
 * with slots that were read after it; where that thread doesn't come to it in time, it is put in place without.
 * Requests never wait for either: while a store is down the snapshots stay as they are, and say of what they are. */
#ifndef TIDEMARK_SERVING_FOLLOWER_H
#define TIDEMARK_SERVING_FOLLOWER_H

#include "postgres/postgres.h"
#include "serving_metrics.h"
#include "snapshot.h"

struct follower_stores {
    struct publication_store *publications;
    struct realtime_store *realtime;
    /* postgres_read_runs; NULL reads none */
    bool (*read_runs)(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                      struct error *error);
    /* postgres_read_published */
    bool (*read_published)(struct publication_store *store, const struct source *source, int64_t since_epoch,
                           const struct published_rows *rows, struct publication *ret_publication, struct error *error);
};

struct follower_times {
    int64_t live_us;        /* how often Redis is asked */
    int64_t publication_us; /* how often PostgreSQL is asked what is published */
    int64_t patience_us;    /* when slots no longer fit, something newer was probably published: until that is read, but
                             * no longer than this, the answers stay what they were; and so long what was published
                             * waits for Redis */
    int64_t silent_us;      /* without a commit for so long, a partition is silent; 0: UNREAD_AFTER_US */
};
#define FOLLOWER_TIMES(refresh_us)                                                                                     \
    ((struct follower_times){.live_us = (refresh_us), .publication_us = 200000, .patience_us = 500000})

struct follower;

/* Follows for these snapshots. Stores, snapshots and metrics must outlive it. */
bool follower_new(const struct follower_stores *stores, struct snapshot *const snapshots[], size_t count,
                  struct follower_times times, struct metrics *metrics, struct follower **ret_follower,
                  struct error *error) MUST_CHECK;

bool follower_start(struct follower *follower, struct error *error) MUST_CHECK;

/* What the threads do again and again, over all sources: for tests that start none. */
void follower_look_at_publications(struct follower *follower); /* those that are due */
void follower_read_live(struct follower *follower);

/* Ends the threads where they were started. NULL is allowed. */
void follower_destroy(struct follower *follower);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Keeps the snapshots near to what PostgreSQL and Redis say, with a thread for each, so that a store that hangs doesn't
 * stop the other. What is read of PostgreSQL is handed to the thread that reads Redis, which puts it in place together
 * with slots that were read after it; where that thread doesn't come to it in time, it is put in place without.
 * Requests never wait for either: while a store is down the snapshots stay as they are, and say of what they are. */
#ifndef TIDEMARK_MERGED_FOLLOWER_H
#define TIDEMARK_MERGED_FOLLOWER_H

#include "merged/snapshot.h"
#include "ports/publication_store.h"
#include "ports/realtime_store.h"

enum follower_store { FOLLOWER_PUBLICATIONS, FOLLOWER_SLOTS };

/* What a follower tells. Its threads call these, one for each store; none may wait for anything, and `damaged` is
 * called with the follower's lock. */
struct follower_listener {
    void (*answered)(void *context, enum follower_store store);
    void (*failed)(void *context, enum follower_store store, const struct error *error); /* asked again after a while */
    void (*damaged)(void *context, const struct slot_id *id, const struct error *damage);
    void (*placed)(void *context, const struct source *source, int64_t epoch); /* what is published is answered now */
    void (*lacks_memory)(void *context, const struct error *error);            /* the snapshot stays what it was */
    void *context;
};

struct follower_stores {
    struct publication_store *publications;
    struct realtime_store *realtime;
};

struct follower_times {
    int64_t live_us;        /* how often Redis is asked */
    int64_t publication_us; /* how often PostgreSQL is asked what is published */
    int64_t grace_us;       /* when slots no longer fit, something newer was probably published: until that is read, but
                             * no longer than this, the answers stay what they were; and so long what was published
                             * waits for Redis */
    int64_t silent_us;      /* without a commit for so long, a partition is silent; 0: UNREAD_AFTER_US */
};
#define FOLLOWER_TIMES(refresh_us)                                                                                     \
    ((struct follower_times){.live_us = (refresh_us), .publication_us = 200000, .grace_us = 500000})

struct follower;

/* Follows for these snapshots. Stores, snapshots and what the listener points to must outlive it. */
bool follower_new(const struct follower_stores *stores, struct snapshot *const snapshots[], size_t count,
                  struct follower_times times, const struct follower_listener *listener, struct follower **ret_follower,
                  struct error *error) MUST_CHECK;

bool follower_start(struct follower *follower, struct error *error) MUST_CHECK;

/* What the threads do again and again, over all sources: for tests that start none. */
void follower_look_at_publications(struct follower *follower); /* those that are due */
void follower_read_live(struct follower *follower);

/* Ends the threads where they were started. NULL is allowed. */
void follower_destroy(struct follower *follower);

#endif

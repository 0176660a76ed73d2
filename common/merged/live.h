/* SPDX-License-Identifier: Apache-2.0
 * What is held of a source's slots in the real-time store: a reader a partition, and the changes that the snapshot
 * hasn't taken yet. One thread reads the store; what it reads it takes in under the lock, which it doesn't hold while
 * it waits, so that another thread may make use of what is there meanwhile. */
#ifndef TIDEMARK_MERGED_LIVE_H
#define TIDEMARK_MERGED_LIVE_H

#include <pthread.h>

#include "ports/realtime_store.h"
#include "state/publication.h"

#define LIVE_LOOK_EVERY_US US_PER_SECOND /* each slot is looked at, also where the store knows of no news */

struct live;

struct live_partition {
    struct live *live;
    struct slot_reader reader;
    bool held;     /* the reading thread has the lock, for its reader changes */
    bool replaced; /* its cells were read anew, and are to be audited */
    bool damaged;  /* it can't be read, or its cells aren't what its ledger says: the speed layer builds it again */
    bool newer;    /* it is damaged in that its format is newer than this program's: nothing is known of it */
    bool included; /* the snapshot holds this slot's epochs after the published one */
    int64_t sequence,
        committed_us; /* of the slot's last commit that was seen, and (monotonic) when it was first seen */
    int64_t read_us;  /* monotonic time at which it was read; 0 never */
};

struct live {
    const struct source *source;
    pthread_mutex_t *lock;              /* of all that is here, and of the readers */
    struct live_partition **partitions; /* number i is partition i */
    size_t count;                       /* partitions known to exist; never shrinks */
    bool reachable;                     /* the store answered when it was last asked */
    int64_t epoch;                      /* the published one that the snapshot holds */
    struct panes *changes; /* one a view: deltas of included partitions that the snapshot doesn't hold yet */
    int64_t damages;       /* found so far */
    /* Called once for each slot that is found damaged, with the lock; NULL: nobody is told. */
    void (*damaged)(void *context, const struct slot_id *id, const struct error *damage);
    void *context;
    /* What had been written last to the slots when all were held as they were then; empty where that isn't known. It is
     * the reading thread's, as is the next. */
    char news[SLOT_STATE_SIZE];
    int64_t looked_us; /* monotonic time at which each slot was last asked whether it was written */
    int64_t silent_us; /* without a commit for so long, a partition is silent */
    bool is_new;       /* something was read or went out of reach since the snapshot took what is here … */
    int64_t taken_us;  /* … which was then (monotonic) */
    bool rebuild;      /* deltas don't suffice: cells were replaced, or memory was short */
};

/* `lock` is the caller's and outlives it. */
bool live_init(struct live *live, const struct source *source, pthread_mutex_t *lock, struct error *error) MUST_CHECK;
void live_clean_up(struct live *live);

/* Knows at least `count` partitions; false where memory is short. Called with the lock, as all below but live_read. */
bool live_grow(struct live *live, size_t count, struct error *error) MUST_CHECK;

/* Without the lock: brings every partition up to date and looks for new ones, up to `probes` numbers beyond those
 * known. After an error what was read before it is kept, and `reachable` is false. A slot that is damaged is no error:
 * it is told once. */
bool live_read(struct live *live, struct realtime_store *store, size_t probes, struct error *error) MUST_CHECK;

/* Adds up, view by view, the cells of the included partitions in the epochs after live->epoch. `sums` has one panes a
 * view, initialised; false where memory is short. */
bool live_sum(const struct live *live, struct panes sums[]) MUST_CHECK;

/* Whether nobody has committed to this partition for longer than the speed layer ever takes: what it said of the log's
 * end is old. */
bool live_is_silent(const struct live_partition *partition);

/* Whether the snapshot has anything to take: something new, or, once a second, who has fallen silent. */
bool live_is_due(const struct live *live);

/* Forgets the changes, once the snapshot holds them. */
void live_taken(struct live *live);

#endif

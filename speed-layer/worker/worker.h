/* SPDX-License-Identifier: Apache-2.0
 * A worker: one consumer of the group, and the partitions that the group gives it. It knows the world by ports only,
 * and does its work in turns, so that a simulation can play it step by step. One thread at a time. */
#ifndef TIDEMARK_SPEED_WORKER_H
#define TIDEMARK_SPEED_WORKER_H

#include "config/settings.h"
#include "partition/index.h"
#include "ports/consumer.h"
#include "ports/dead_letters.h"
#include "ports/publication_store.h"
#include "ports/realtime_store.h"
#include "ports/readers.h"
#include "reader_report.h"

/* A partition of ours that the group gave to another installation. */
struct foreign_partition {
    size_t source; /* its number in the settings */
    int32_t partition;
};

/* What the workers of a process share; outlives them. */
struct speed {
    const struct settings *settings;
    /* A copy of what is published of the source with this number, as of a moment ago, without waiting; false where
     * nothing was read yet. */
    bool (*latest)(void *context, size_t source, struct publication *ret_publication);
    void *latest_context;
    /* The foreign partitions by number, as of the last look at the group, without waiting; false behind the last.
     * NULL where nobody looks. */
    bool (*foreign)(void *context, size_t number, struct foreign_partition *ret_partition);
    void (*regrouped)(void *context); /* the group was shared out anew; NULL as above */
    void *group_context;
    struct index_budget budget;
    /* Of a replay: by number of the source the definition whose slots give way to those that are built here, once they
     * have read as far; NULL where those stay. NULL as a whole: no replay. */
    const char *const *places;
    /* Of a replay: of the group that follows the topics, which remembers where they began. NULL: the worker's own. */
    struct consumer *followers;
    bool accepts_partitions; /* of a replay: see struct log_extent */
    /* Both NULL where nobody watches. */
    struct metrics *metrics;       /* of the table speed_metrics */
    struct reader_report *reports; /* one a worker, by number */
};

/* The stores of one worker; they outlive it. */
struct worker_stores {
    struct realtime_store *realtime;
    struct publication_store *publications;
    struct dead_letter_store *dead_letters; /* NULL where no source has a dead-letter topic */
};

struct worker;

#define WORKER_TURN_US (30 * US_PER_SECOND) /* no turn takes so long, whatever is silent */

struct worker *worker_new(struct speed *speed, int number, const struct worker_stores *stores); /* NULL: no memory */
/* Leaves the group, with a last commit of what is pending. NULL is allowed. */
void worker_destroy(struct worker *worker);

/* What its consumer must call; the consumer is then the worker's. */
struct consumer_events worker_events(struct worker *worker);
void worker_attach(struct worker *worker, struct consumer *consumer);

/* Once round: opens what is closed, polls, commits what is due, looks at what is published. */
void worker_turn(struct worker *worker);

/* Every partition is committed up to the end that it had when it was first opened, or stopped by the breaker; of a
 * replay, has taken its place. */
bool worker_has_reached_ends(const struct worker *worker);
size_t worker_stopped_partitions(const struct worker *worker);

#endif

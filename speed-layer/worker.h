/* SPDX-License-Identifier: Apache-2.0
 * A worker: one thread, one consumer of the group, and the partitions that the group gives it. */
#ifndef TIDEMARK_SPEED_WORKER_H
#define TIDEMARK_SPEED_WORKER_H

#include "config/settings.h"
#include "index.h"
#include "kafka/dead_letters.h"
#include "published.h"

/* What the workers of a process share; outlives them. */
struct speed {
    const struct settings *settings;
    struct kafka_access kafka;
    struct dead_letters *dead_letters; /* NULL where no source has a dead-letter topic */
    struct published *published;
    struct index_budget budget;
    int64_t started_us;
    bool until_end;
};

/* Runs until a shutdown is requested or, with until_end, the ends are committed. Returns the exit code. */
int worker_run(struct speed *speed, int number);

#endif

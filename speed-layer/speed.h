/* SPDX-License-Identifier: Apache-2.0
 * The story of tidemark-speed: start the workers, wait for them. */
#ifndef TIDEMARK_SPEED_SPEED_H
#define TIDEMARK_SPEED_SPEED_H

#include "config/settings.h"
#include "ports/consumer.h"

/* Follows the topics until a shutdown, or until the ends. Returns the exit code. */
int speed_run(const struct settings *settings, bool until_end);

struct replay_run {
    const char *group;          /* by which it reads, beside that of the settings */
    const char *const *places;  /* see struct speed */
    struct consumer *followers; /* likewise */
    bool accepts_partitions;    /* likewise */
};

/* Reads the topics of these settings once more, with slots of their sources' fingerprints, until each partition has
 * taken its place. */
int speed_run_replay(const struct settings *settings, const struct replay_run *replay);

/* Asks those that run with this configuration whether they do their work; the exit code is 0 or 1. */
int speed_probe(const struct settings *settings);

#endif

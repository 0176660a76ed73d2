/* SPDX-License-Identifier: Apache-2.0
 * Whether somebody reads a partition: whoever does commits to its slot every few seconds, also while it is being opened
 * and where nothing comes. So a slot that stays as it is for longer is nobody's. Only the watcher's own clock counts.
 */
#ifndef TIDEMARK_BATCH_SIGHTING_H
#define TIDEMARK_BATCH_SIGHTING_H

#include "state/slot.h"

struct sighting {
    int64_t since_us; /* monotonic, of the first sight; 0 before it */
    bool moved;       /* it was begun, committed to or lost since, or the slot of another definition was read on */
    bool exists;
    char incarnation[INCARNATION_SIZE], commit_id[COMMIT_ID_MAX], reader_id[COMMIT_ID_MAX]; /* as first seen */
};

/* The slot as it is now, and who committed last, by whatever definition. */
void sighting_note(struct sighting *sighting, const struct slot *slot, const struct slot_definitions *definitions,
                   int64_t now_us);

/* It was first seen so long ago. */
bool sighting_is_old(const struct sighting *sighting, int64_t for_ms, int64_t now_us);

/* Nobody was seen for so long. */
bool sighting_is_quiet(const struct sighting *sighting, int64_t for_ms, int64_t now_us);

#endif

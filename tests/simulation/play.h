/* SPDX-License-Identifier: Apache-2.0
 * One schedule: faults in random order for a while, then calm, in which everything must come right without help. */
#ifndef TIDEMARK_SIMULATION_PLAY_H
#define TIDEMARK_SIMULATION_PLAY_H

#include "world.h"

#define SCHEDULE_STEPS 260

void world_make(struct world *world); /* once a process */

/* Plays the schedule of this seed but for the steps to skip. Ends the process where something is wrong; with `traces`
 * each step is printed. */
void world_play(struct world *world, uint64_t seed, const bool skips[SCHEDULE_STEPS], bool traces);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * A speed process of the simulation: the real worker over the simulated log and stores. */
#ifndef TIDEMARK_SIMULATION_SPEED_ACTOR_H
#define TIDEMARK_SIMULATION_SPEED_ACTOR_H

#include "world.h"

void speed_actor_init(struct world *world, int number);

#endif

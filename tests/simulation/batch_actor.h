/* SPDX-License-Identifier: Apache-2.0
 * A batch process of the simulation: the real story of a run over the simulated stores. */
#ifndef TIDEMARK_SIMULATION_BATCH_ACTOR_H
#define TIDEMARK_SIMULATION_BATCH_ACTOR_H

#include "world.h"

void batch_actor_init(struct world *world, int number);

#endif

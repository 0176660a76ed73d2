/* SPDX-License-Identifier: Apache-2.0
 * tidemark-speed replay in the simulation: the real plan, and the real worker in a group of its own. It rests until
 * world.replays is set, and clears that when it has come to its end; a killed one begins again. */
#ifndef TIDEMARK_SIMULATION_REPLAY_ACTOR_H
#define TIDEMARK_SIMULATION_REPLAY_ACTOR_H

#include "world.h"

void replay_actor_init(struct world *world);

#endif

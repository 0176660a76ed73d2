/* SPDX-License-Identifier: Apache-2.0
 * The serving process of the simulation: the real follower and snapshot. Its two threads are two actors; whenever one
 * of them has finished a pass, what would be answered is compared with the oracle. */
#ifndef TIDEMARK_SIMULATION_SERVING_ACTOR_H
#define TIDEMARK_SIMULATION_SERVING_ACTOR_H

#include "world.h"

void serving_start(struct world *world);
void serving_stop(struct world *world);
void serving_turn(struct world *world, int steps); /* of one thread by chance */
void serving_pass(struct world *world);            /* each thread comes round once */

/* The answers of all views are complete, of the newest publication, and hold all that the topic has. */
bool serving_is_current(const struct world *world);
/* They are complete. */
bool serving_is_complete(const struct world *world);
/* So are those of the views that have the definition that they had, but for what the next run has to place. */
bool serving_answers_unchanged(const struct world *world, const struct definition *old);
/* No other view is, before anything is published by this definition. */
void serving_check_change(const struct world *world, const struct definition *old);
/* They lack messages that the next run has to place. */
bool serving_defers(const struct world *world);
/* They hold all that the topic has. */
bool serving_reaches_ends(const struct world *world);
/* Of every partition the part after the cut is there. */
bool serving_is_whole(const struct world *world);
/* What keeps it from being so. */
void serving_explain(const struct world *world, struct buffer *out);

#endif

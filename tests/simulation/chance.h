/* SPDX-License-Identifier: Apache-2.0
 * Chance and time of a simulated world. They stand in for base/random.c and base/clock.c, so everything that happens
 * follows from the seed.
 *
 * Each step of a schedule draws from a generator of its own, made of seed and step: leaving a step out doesn't change
 * what the others draw, which is what makes a failing schedule small. */
#ifndef TIDEMARK_SIMULATION_CHANCE_H
#define TIDEMARK_SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

void chance_begin_step(uint64_t seed, uint64_t step);
uint64_t chance_below(uint64_t limit); /* 0 .. limit - 1 */
bool chance_one_in(uint64_t many);

/* The simulated clock: monotonic from 1 s on; the wall clock is WALL_EPOCH_US later. */
#define WALL_EPOCH_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */
void time_begin(void);
void time_pass(int64_t us);

#endif

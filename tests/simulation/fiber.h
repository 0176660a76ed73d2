/* SPDX-License-Identifier: Apache-2.0
 * Functions that run in turns in one thread, each on a stack of its own: what a process is in the simulation. */
#ifndef TIDEMARK_SIMULATION_FIBER_H
#define TIDEMARK_SIMULATION_FIBER_H

struct fiber;

/* `run` must never return. Nothing of it runs before the first resume. Ends the program where memory is short. */
struct fiber *fiber_new(void (*run)(void *context), void *context);

void fiber_resume(struct fiber *fiber); /* until it yields; not from within a fiber */
void fiber_yield(void);                 /* back to who resumed the one that runs */

#endif

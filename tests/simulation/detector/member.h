/* SPDX-License-Identifier: Apache-2.0
 * A process with the detector's real reader, over a consumer and an alert store that talk to the simulated broker. In
 * the midst of whatever it asks of the broker it may die, or stand still while others go on. */
#ifndef TIDEMARK_SIMULATION_DETECTOR_MEMBER_H
#define TIDEMARK_SIMULATION_DETECTOR_MEMBER_H

#include "broker.h"

struct member;

/* What the world does to members: each one in so many, 0 never. */
struct hardships {
    uint64_t death, standstill, removal; /* of a question; removal: of a standstill */
    uint64_t failure;                    /* of a question */
};

/* `others` is called where it stands still, to let them go on. */
struct member *member_new(int number, const struct hardships *hardships, void (*others)(void));
/* It ends in order where it isn't dead. */
void member_destroy(struct member *member);

/* A turn of its reader. False where it is dead, or has ended by itself: then *ret_error says why. */
bool member_turn(struct member *member, struct error *ret_error);
bool member_is_in_turn(const struct member *member);

#endif

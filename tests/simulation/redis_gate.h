/* SPDX-License-Identifier: Apache-2.0
 * The simulated Redis: the real-time store in memory, called by processes that die and replies that are lost. */
#ifndef TIDEMARK_SIMULATION_REDIS_GATE_H
#define TIDEMARK_SIMULATION_REDIS_GATE_H

#include "actor.h"
#include "memory_realtime.h"

/* One process' connection; the caller's memory. */
struct redis_gate {
    struct realtime_store store;
    struct memory_realtime *memory;
    const struct service *service;
    struct actor *actor;
    uint64_t pass;             /* its user's, who counts them */
    bool is_asked, has_failed; /* for news; any call has: in this pass */
    struct slot_seen {
        uint64_t pass;        /* in which its cells were read last; 0: they never were */
        uint64_t written;     /* of the memory's slot then */
    } seen[MEMORY_SLOTS_MAX]; /* by the memory's number */
};
void redis_gate_init(struct redis_gate *gate, struct memory_realtime *memory, const struct service *service,
                     struct actor *actor);

#endif

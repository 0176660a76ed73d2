/* SPDX-License-Identifier: Apache-2.0
 * The simulated dead-letter topic: letters and marks in memory, written by processes that die and replies that are
 * lost, and whose owners freeze between taking a partition over and writing. */
#ifndef TIDEMARK_SIMULATION_LETTERS_GATE_H
#define TIDEMARK_SIMULATION_LETTERS_GATE_H

#include "actor.h"
#include "memory_dead_letters.h"
#include "topic.h"

/* One process' producer; the caller's memory. */
struct letters_gate {
    struct dead_letter_store store;
    struct memory_dead_letters memory;
    const struct service *service;
    struct actor *actor;
};
void letters_gate_init(struct letters_gate *gate, struct memory_dead_letter_topic *topic, const struct service *service,
                       struct actor *actor);
void letters_gate_clean_up(struct letters_gate *gate);

/* Ends the simulation where a message that isn't bad has a letter, a bad one has two, or, where all was read, a bad one
 * that the log still holds has none. */
void letters_check(const struct memory_dead_letter_topic *letters, const struct topic *topic, bool all_was_read);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The slots that a partition has under other definitions of its source than the one that is configured: those of a file
 * that was in use before, or is in use beside this one while it takes its place. */
#ifndef TIDEMARK_PORTS_OTHER_DEFINITIONS_H
#define TIDEMARK_PORTS_OTHER_DEFINITIONS_H

#include "ports/realtime_store.h"

#define OTHER_DEFINITIONS_IDLE_S INT64_C(86400) /* what nobody has used for so long, nobody will */

/* The partition was committed to last, or its slot was begun, by a program with another definition. */
bool definitions_are_read_elsewhere(const struct slot_definitions *definitions, const struct source *source);

/* Forgets those that nobody has read or written for `idle_s` seconds; 0: all of them, at an operator's word.
 * *ret_forgotten is how many those were, also after an error. */
bool other_definitions_forget(struct realtime_store *store, const struct source *source, int32_t partition,
                              int64_t idle_s, size_t *ret_forgotten, struct error *error) MUST_CHECK;

/* What outlives a definition. */
struct other_definitions {
    bool found;                /* slots that were read from this cluster; else all is 0 */
    int64_t first, partitions; /* where the partition began, and how many there were then: as the earliest has it */
    int64_t next;              /* how far one has read: the bad messages below have their dead letters */
};

bool other_definitions_look(struct realtime_store *store, struct slot_id id, const char *cluster,
                            struct other_definitions *ret_others, struct error *error) MUST_CHECK;

#endif

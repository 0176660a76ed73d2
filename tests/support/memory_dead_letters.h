/* SPDX-License-Identifier: Apache-2.0
 * dead_letter_store in memory: the same promises as Kafka's transactions, for tests that play faults. One source.
 *
 * The topic is what is kept, whoever writes to it; each process has a store of its own. A process that crashes is one
 * whose store is cleaned up, or never used again. */
#ifndef TIDEMARK_TESTS_MEMORY_DEAD_LETTERS_H
#define TIDEMARK_TESTS_MEMORY_DEAD_LETTERS_H

#include "ports/dead_letters.h"

#define MEMORY_LETTER_PARTITIONS 8

/* Offsets of letters, ascending unless something is wrong. */
struct memory_letters {
    int64_t *offsets;
    size_t count, capacity;
};

/* What a read_committed reader sees, and the checkpoints. Outlives the stores. */
struct memory_dead_letter_topic {
    struct memory_dead_letter_partition {
        struct memory_letters written;
        int64_t checkpoint; /* -1 where there is none */
        int64_t owner;      /* grows with each store that takes the partition over */
    } partitions[MEMORY_LETTER_PARTITIONS];
};

struct memory_dead_letters {
    struct dead_letter_store store;
    struct memory_dead_letter_topic *topic;
    struct {
        struct memory_letters sent;
        int64_t owner;      /* the topic's when it was taken over; 0: not yet */
        int64_t checkpoint; /* the topic's then, or as this store moved it */
    } partitions[MEMORY_LETTER_PARTITIONS];
    bool is_down;       /* `keep` fails before anything is written */
    bool loses_replies; /* `keep` writes, and fails */
};

void memory_dead_letter_topic_init(struct memory_dead_letter_topic *topic);
void memory_dead_letter_topic_clean_up(struct memory_dead_letter_topic *topic);

void memory_dead_letters_init(struct memory_dead_letters *memory, struct memory_dead_letter_topic *topic);
void memory_dead_letters_clean_up(struct memory_dead_letters *memory);

/* From now on nobody who had the partition before can write; and the checkpoint is read. `keep` does so where it wasn't
 * done yet, or where the last `keep` failed. */
void memory_dead_letters_take_over(struct memory_dead_letters *memory, int32_t partition);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * A map from 128-bit hashes to numbers, by open addressing, from which single keys can be removed. The hashes are made
 * with a seed that nobody outside knows, so that no values can be chosen that meet in it. */
#ifndef TIDEMARK_DETECT_KEY_TABLE_H
#define TIDEMARK_DETECT_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct key_hash {
    uint64_t low, high;
};

struct key_table {
    struct key_bucket *buckets; /* all zero is an empty table */
    size_t capacity, count;
};

struct key_hash key_hash(struct text key, uint64_t seed);

void key_table_clean_up(struct key_table *table);
/* The number of this key; 0 where it isn't there. */
uint32_t key_table_find(const struct key_table *table, struct key_hash hash);
/* Bytes that the table would take more to hold one key more; 0 where it has room. */
size_t key_table_growth(const struct key_table *table);
/* Adds a key that isn't there; the number isn't 0. False where memory is short. */
bool key_table_add(struct key_table *table, struct key_hash hash, uint32_t number);
/* Removes a key that is there. */
void key_table_remove(struct key_table *table, struct key_hash hash);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * A map from bytes to a fixed-size value, by open addressing. Entries keep their order of insertion and can be walked
 * by number; nothing is removed singly. Values are zeroed when they are made. */
#ifndef TIDEMARK_BASE_BYTES_MAP_H
#define TIDEMARK_BASE_BYTES_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

struct bytes_map {
    size_t value_size;
    size_t count;
    size_t entry_capacity, bucket_count;
    struct bytes_map_entry *entries;
    uint32_t *buckets; /* entry number + 1; 0 is free */
    struct arena arena;
};

struct bytes_map_entry {
    uint64_t hash;
    struct text key;
    void *value;
};

void bytes_map_init(struct bytes_map *map, size_t value_size);
void bytes_map_clean_up(struct bytes_map *map);
void bytes_map_clear(struct bytes_map *map); /* memory is kept */
/* The value of this key, made where it is new; NULL where memory is short. Stays where it is until clear. */
void *bytes_map_at(struct bytes_map *map, struct text key);
/* The value of this key, or NULL where it isn't there. */
void *bytes_map_find(const struct bytes_map *map, struct text key);
size_t bytes_map_memory(const struct bytes_map *map); /* bytes held, about */

#endif

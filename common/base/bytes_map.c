/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes_map.h"

#include <stdlib.h>

#include "base/hash.h"

void bytes_map_init(struct bytes_map *map, size_t value_size)
{
    *map = (struct bytes_map){.value_size = value_size};
}

void bytes_map_clean_up(struct bytes_map *map)
{
    free(map->entries);
    free(map->buckets);
    arena_clean_up(&map->arena);
    bytes_map_init(map, map->value_size);
}

void bytes_map_clear(struct bytes_map *map)
{
    if (map->count) {
        memset(map->buckets, 0, map->bucket_count * sizeof *map->buckets);
        arena_clear(&map->arena);
        map->count = 0;
    }
}

/* The bucket that holds this key, or the free one where it belongs. */
static uint32_t *locate(const struct bytes_map *map, struct text key, uint64_t hash)
{
    size_t mask = map->bucket_count - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        uint32_t *bucket = &map->buckets[at];
        if (*bucket == 0)
            return bucket;
        const struct bytes_map_entry *entry = &map->entries[*bucket - 1];
        if (entry->hash == hash && text_equal(entry->key, key))
            return bucket;
    }
}

static bool grow(struct bytes_map *map)
{
    size_t capacity = map->entry_capacity ? map->entry_capacity * 2 : 32;
    if (capacity > UINT32_MAX / 4)
        return false;
    struct bytes_map_entry *entries = realloc(map->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    map->entries = entries;
    uint32_t *buckets = calloc(capacity * 2, sizeof *buckets);
    if (!buckets)
        return false;
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = capacity * 2;
    map->entry_capacity = capacity;
    for (size_t i = 0; i < map->count; i++)
        *locate(map, entries[i].key, entries[i].hash) = (uint32_t)i + 1;
    return true;
}

void *bytes_map_find(const struct bytes_map *map, struct text key)
{
    if (map->count == 0)
        return NULL;
    uint32_t *bucket = locate(map, key, hash_bytes(key.data, key.length));
    return *bucket ? map->entries[*bucket - 1].value : NULL;
}

void *bytes_map_at(struct bytes_map *map, struct text key)
{
    if (map->count == map->entry_capacity && !grow(map))
        return NULL;
    uint64_t hash = hash_bytes(key.data, key.length);
    uint32_t *bucket = locate(map, key, hash);
    if (*bucket)
        return map->entries[*bucket - 1].value;
    char *memory = arena_allocate(&map->arena, map->value_size + key.length);
    if (!memory)
        return NULL;
    char *copy = memory + map->value_size;
    if (key.length)
        memcpy(copy, key.data, key.length);
    map->entries[map->count] = (struct bytes_map_entry){hash, {copy, key.length}, memory};
    *bucket = (uint32_t)++map->count;
    return memory;
}

size_t bytes_map_memory(const struct bytes_map *map)
{
    size_t key_bytes = 48; /* an entry's key, rounded up */
    return map->entry_capacity * sizeof *map->entries + map->bucket_count * sizeof *map->buckets +
           map->count * (map->value_size + key_bytes);
}

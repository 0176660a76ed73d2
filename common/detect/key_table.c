/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/key_table.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#define CAPACITY_LEAST 64

struct key_bucket {
    struct key_hash hash;
    uint32_t number; /* 0: free */
};

struct key_hash key_hash(struct text key, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(key.data ? key.data : "", key.length, seed);
    return (struct key_hash){hash.low64, hash.high64};
}

void key_table_clean_up(struct key_table *table)
{
    free(table->buckets);
    *table = (struct key_table){0};
}

/* The bucket of this key, or the free one where it belongs. */
static size_t bucket_of(const struct key_table *table, struct key_hash hash)
{
    size_t mask = table->capacity - 1, at = hash.low & mask;
    while (table->buckets[at].number &&
           (table->buckets[at].hash.low != hash.low || table->buckets[at].hash.high != hash.high))
        at = (at + 1) & mask;
    return at;
}

uint32_t key_table_find(const struct key_table *table, struct key_hash hash)
{
    return table->capacity ? table->buckets[bucket_of(table, hash)].number : 0;
}

static bool is_full(const struct key_table *table)
{
    return (table->count + 1) * 4 > table->capacity * 3;
}

static size_t next_capacity(const struct key_table *table)
{
    return table->capacity ? 2 * table->capacity : CAPACITY_LEAST;
}

size_t key_table_growth(const struct key_table *table)
{
    return is_full(table) ? (next_capacity(table) - table->capacity) * sizeof(struct key_bucket) : 0;
}

static bool grow(struct key_table *table)
{
    struct key_table larger = {.capacity = next_capacity(table), .count = table->count};
    larger.buckets = calloc(larger.capacity, sizeof *larger.buckets);
    if (!larger.buckets)
        return false;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->buckets[i].number)
            larger.buckets[bucket_of(&larger, table->buckets[i].hash)] = table->buckets[i];
    free(table->buckets);
    *table = larger;
    return true;
}

bool key_table_add(struct key_table *table, struct key_hash hash, uint32_t number)
{
    if (is_full(table) && !grow(table))
        return false;
    struct key_bucket *bucket = &table->buckets[bucket_of(table, hash)];
    assert(number && !bucket->number);
    *bucket = (struct key_bucket){hash, number};
    table->count++;
    return true;
}

/* What lies behind the gap and was pushed off its place moves up, so that no mark of removal is needed. */
void key_table_remove(struct key_table *table, struct key_hash hash)
{
    size_t mask = table->capacity - 1, gap = bucket_of(table, hash);
    assert(table->buckets[gap].number);
    for (size_t at = (gap + 1) & mask; table->buckets[at].number; at = (at + 1) & mask) {
        size_t home = table->buckets[at].hash.low & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        table->buckets[gap] = table->buckets[at];
        gap = at;
    }
    table->buckets[gap] = (struct key_bucket){0};
    table->count--;
}

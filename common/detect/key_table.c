/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/key_table.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#define CAPACITY_LEAST 64

struct key_slot {
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
    free(table->slots);
    *table = (struct key_table){0};
}

/* The slot of this key, or the free one where it belongs. */
static size_t slot_of(const struct key_table *table, struct key_hash hash)
{
    size_t mask = table->capacity - 1, at = hash.low & mask;
    while (table->slots[at].number &&
           (table->slots[at].hash.low != hash.low || table->slots[at].hash.high != hash.high))
        at = (at + 1) & mask;
    return at;
}

uint32_t key_table_find(const struct key_table *table, struct key_hash hash)
{
    return table->capacity ? table->slots[slot_of(table, hash)].number : 0;
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
    return is_full(table) ? (next_capacity(table) - table->capacity) * sizeof(struct key_slot) : 0;
}

static bool grow(struct key_table *table)
{
    struct key_table larger = {.capacity = next_capacity(table), .count = table->count};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].number)
            larger.slots[slot_of(&larger, table->slots[i].hash)] = table->slots[i];
    free(table->slots);
    *table = larger;
    return true;
}

bool key_table_add(struct key_table *table, struct key_hash hash, uint32_t number)
{
    if (is_full(table) && !grow(table))
        return false;
    struct key_slot *slot = &table->slots[slot_of(table, hash)];
    assert(number && !slot->number);
    *slot = (struct key_slot){hash, number};
    table->count++;
    return true;
}

/* What lies behind the gap and was pushed off its place moves up, so that no mark of removal is needed. */
void key_table_remove(struct key_table *table, struct key_hash hash)
{
    size_t mask = table->capacity - 1, gap = slot_of(table, hash);
    assert(table->slots[gap].number);
    for (size_t at = (gap + 1) & mask; table->slots[at].number; at = (at + 1) & mask) {
        size_t home = table->slots[at].hash.low & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        table->slots[gap] = table->slots[at];
        gap = at;
    }
    table->slots[gap] = (struct key_slot){0};
    table->count--;
}

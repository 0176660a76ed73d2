/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <xxhash.h>

#define CHUNK_BYTES ((uint64_t)2 << 20) /* no version is larger: a message has at most 1 MiB */
#define SLOTS_FIRST ((uint64_t)1 << 12)

/* A slot: 29 low bits of the hash, from which its place follows also in a larger table; one bit that says that it is
 * taken; and the entry's position in units of 8 bytes, modulo 2^34, so the queue may hold 128 GiB. */
#define UNIT 8
#define POSITION_BITS 34
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)
#define TAKEN (UINT64_C(1) << POSITION_BITS)
#define HASH_SHIFT (POSITION_BITS + 1)
#define SLOTS_MAX (UINT64_C(1) << (64 - HASH_SHIFT))

/* A version in the queue; the event time and the projected fields follow. */
struct entry {
    struct index_key key;
    int64_t offset;
    int64_t record_time_us;
    uint32_t size; /* bytes with padding; 0 ends a chunk */
    uint32_t padding;
    char fields[];
};

struct index {
    const struct source *source;
    struct index_budget *budget;
    uint64_t seed;
    bool projected[FIELDS_MAX];
    struct value values[FIELDS_MAX]; /* of the version found last */
    struct buffer scratch;           /* an entry on its way in */

    char **chunks; /* a ring of pointers: chunk n is at n % chunk_capacity */
    uint64_t chunk_first, chunk_end, chunk_capacity;
    uint64_t head, tail; /* positions in bytes: the oldest entry, and where the next one goes */

    uint64_t *slots; /* 0 is free; one of an entry that has left is stale, and counts as used */
    uint64_t slot_count, slots_used;
    size_t live;
    struct index_floor floor;
};

static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t)(uintptr_t)&seed;
    return seed;
}

static void *map_memory(struct index *index, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, size, MADV_HUGEPAGE);
    atomic_fetch_add(&index->budget->used_bytes, (int64_t)size);
    return memory;
}

static void unmap_memory(struct index *index, void *memory, size_t size)
{
    if (!memory)
        return;
    munmap(memory, size);
    atomic_fetch_sub(&index->budget->used_bytes, (int64_t)size);
}

static bool is_over_budget(const struct index *index, size_t more)
{
    return atomic_load(&index->budget->used_bytes) + (int64_t)more > index->budget->ceiling_bytes;
}

static void project(struct index *index)
{
    for (size_t i = 0; i < index->source->view_count; i++) {
        const struct view *view = &index->source->views[i];
        if (view->where)
            expression_fields(view->where, index->projected);
        for (size_t d = 0; d < view->dimension_count; d++)
            index->projected[view->dimensions[d]] = true;
        for (size_t s = 0; s < view->sum_count; s++)
            index->projected[view->sums[s]] = true;
    }
}

struct index *index_new(const struct source *source, struct index_budget *budget)
{
    struct index *index = calloc(1, sizeof *index);
    if (!index)
        return NULL;
    *index = (struct index){.source = source, .budget = budget, .seed = random_seed(), .slot_count = SLOTS_FIRST};
    project(index);
    index->slots = map_memory(index, SLOTS_FIRST * sizeof *index->slots);
    if (!index->slots) {
        free(index);
        return NULL;
    }
    return index;
}

void index_destroy(struct index *index)
{
    if (!index)
        return;
    for (uint64_t chunk = index->chunk_first; chunk < index->chunk_end; chunk++)
        unmap_memory(index, index->chunks[chunk % index->chunk_capacity], CHUNK_BYTES);
    free(index->chunks);
    unmap_memory(index, index->slots, index->slot_count * sizeof *index->slots);
    buffer_clean_up(&index->scratch);
    free(index);
}

struct index_key index_key(const struct index *index, struct text key)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(key.data, key.length, index->seed);
    return (struct index_key){hash.low64, hash.high64};
}

static struct entry *entry_at(const struct index *index, uint64_t position)
{
    char *chunk = index->chunks[position / CHUNK_BYTES % index->chunk_capacity];
    return (struct entry *)(void *)(chunk + position % CHUNK_BYTES);
}

static uint64_t slot_make(struct index_key key, uint64_t position)
{
    return key.low << HASH_SHIFT | TAKEN | (position / UNIT & POSITION_MASK);
}

/* The first position at or after head that the slot can mean; at or after tail, its entry has left. */
static uint64_t slot_position(const struct index *index, uint64_t slot)
{
    return index->head + ((slot - index->head / UNIT) & POSITION_MASK) * UNIT;
}

/* The slot that holds this key, else the free one where its search ended; *ret_reusable is a stale one on the way. */
static uint64_t *locate(const struct index *index, struct index_key key, uint64_t **ret_reusable)
{
    uint64_t mask = index->slot_count - 1, tag = key.low << HASH_SHIFT | TAKEN;
    *ret_reusable = NULL;
    for (uint64_t at = key.low & mask;; at = (at + 1) & mask) {
        uint64_t *slot = &index->slots[at];
        if (*slot == 0)
            return slot;
        uint64_t position = slot_position(index, *slot);
        if (position >= index->tail) {
            if (!*ret_reusable)
                *ret_reusable = slot;
        } else if ((*slot & ~POSITION_MASK) == tag) {
            const struct entry *entry = entry_at(index, position);
            if (entry->key.low == key.low && entry->key.high == key.high)
                return slot;
        }
    }
}

void index_prefetch(const struct index *index, struct index_key key)
{
    __builtin_prefetch(&index->slots[key.low & (index->slot_count - 1)]);
}

void index_prefetch_version(const struct index *index, struct index_key key)
{
    uint64_t slot = index->slots[key.low & (index->slot_count - 1)];
    if (slot >> HASH_SHIFT == key.low << HASH_SHIFT >> HASH_SHIFT && slot_position(index, slot) < index->tail)
        __builtin_prefetch(entry_at(index, slot_position(index, slot)));
}

/* Fills a table with what is still in the queue. */
static bool rehash(struct index *index)
{
    uint64_t count = index->slot_count;
    while (index->live * 2 >= count && count < SLOTS_MAX)
        count *= 2;
    if (index->live * 10 >= count * 9)
        return false;
    uint64_t *slots = map_memory(index, count * sizeof *slots);
    if (!slots)
        return false;
    uint64_t used = 0;
    for (uint64_t old = 0; old < index->slot_count; old++) {
        uint64_t slot = index->slots[old];
        if (slot == 0 || slot_position(index, slot) >= index->tail)
            continue;
        uint64_t at = slot >> HASH_SHIFT & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = slot;
        used++;
    }
    unmap_memory(index, index->slots, index->slot_count * sizeof *slots);
    index->slots = slots;
    index->slot_count = count;
    index->slots_used = used;
    return true;
}

static void append_fields(struct index *index, const struct record *version)
{
    const struct schema *schema = &index->source->schema;
    buffer_append(&index->scratch, &version->event_time_us, sizeof version->event_time_us);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!index->projected[i])
            continue;
        const struct value *value = &version->values[i];
        buffer_append_char(&index->scratch, value->present ? 1 : 0);
        if (!value->present)
            continue;
        if (schema->fields[i].type != FIELD_TEXT) {
            buffer_append(&index->scratch, &value->number, sizeof value->number);
            continue;
        }
        uint32_t length = (uint32_t)value->text.length;
        buffer_append(&index->scratch, &length, sizeof length);
        buffer_append_text(&index->scratch, value->text);
    }
}

static void read_fields(struct index *index, const struct entry *entry, struct record *ret_version)
{
    const struct schema *schema = &index->source->schema;
    const char *at = entry->fields;
    memcpy(&ret_version->event_time_us, at, sizeof ret_version->event_time_us);
    at += sizeof ret_version->event_time_us;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct value *value = &index->values[i];
        *value = (struct value){.present = index->projected[i] && *at++ != 0};
        if (!value->present)
            continue;
        if (schema->fields[i].type != FIELD_TEXT) {
            memcpy(&value->number, at, sizeof value->number);
            at += sizeof value->number;
            continue;
        }
        uint32_t length;
        memcpy(&length, at, sizeof length);
        value->text = (struct text){at + sizeof length, length};
        at += sizeof length + length;
    }
    ret_version->values = index->values;
}

bool index_find(struct index *index, struct index_key key, struct record *ret_version)
{
    uint64_t *reusable, *slot = locate(index, key, &reusable);
    if (*slot == 0)
        return false;
    read_fields(index, entry_at(index, slot_position(index, *slot)), ret_version);
    return true;
}

/* Moves head over one entry (or over the empty rest of its chunk); what it says of the floor is kept up. */
static void pop(struct index *index)
{
    const struct entry *entry = entry_at(index, index->head);
    bool ends_chunk = index->head % CHUNK_BYTES + sizeof *entry > CHUNK_BYTES || entry->size == 0;
    if (!ends_chunk) {
        uint64_t *reusable, *slot = locate(index, entry->key, &reusable);
        if (*slot != 0 && slot_position(index, *slot) == index->head)
            index->live--;
        if (entry->record_time_us > index->floor.time_us)
            index->floor.time_us = entry->record_time_us;
        index->floor.offset = entry->offset + 1;
    }
    uint64_t chunk = index->head / CHUNK_BYTES;
    index->head = ends_chunk ? (chunk + 1) * CHUNK_BYTES : index->head + entry->size;
    if (index->head / CHUNK_BYTES > chunk) {
        unmap_memory(index, index->chunks[chunk % index->chunk_capacity], CHUNK_BYTES);
        index->chunk_first = chunk + 1;
    }
}

/* The floor stands at the oldest entry that is left, where there is one. */
static void settle_floor(struct index *index)
{
    while (index->head < index->tail &&
           (index->head % CHUNK_BYTES + sizeof(struct entry) > CHUNK_BYTES || entry_at(index, index->head)->size == 0))
        pop(index);
    if (index->head >= index->tail)
        return;
    const struct entry *oldest = entry_at(index, index->head);
    index->floor.offset = oldest->offset;
    if (oldest->record_time_us > index->floor.time_us)
        index->floor.time_us = oldest->record_time_us;
}

void index_evict(struct index *index, int64_t horizon_us)
{
    bool any = false;
    while (index->head < index->tail) {
        bool ends_chunk =
            index->head % CHUNK_BYTES + sizeof(struct entry) > CHUNK_BYTES || entry_at(index, index->head)->size == 0;
        if (!ends_chunk && entry_at(index, index->head)->record_time_us >= horizon_us)
            break;
        pop(index);
        any = any || !ends_chunk;
    }
    if (any)
        settle_floor(index);
}

/* Lets the oldest chunk go whole. */
static void evict_chunk(struct index *index)
{
    uint64_t chunk = index->chunk_first;
    while (index->head < index->tail && index->chunk_first == chunk)
        pop(index);
    settle_floor(index);
}

static bool add_chunk(struct index *index)
{
    while (is_over_budget(index, CHUNK_BYTES) && index->chunk_end - index->chunk_first > 1)
        evict_chunk(index);
    if (index->chunk_end - index->chunk_first == index->chunk_capacity) {
        uint64_t capacity = index->chunk_capacity ? index->chunk_capacity * 2 : 16;
        char **chunks = calloc(capacity, sizeof *chunks);
        if (!chunks)
            return false;
        for (uint64_t chunk = index->chunk_first; chunk < index->chunk_end; chunk++)
            chunks[chunk % capacity] = index->chunks[chunk % index->chunk_capacity];
        free(index->chunks);
        index->chunks = chunks;
        index->chunk_capacity = capacity;
    }
    char *memory = map_memory(index, CHUNK_BYTES);
    if (!memory)
        return false;
    index->chunks[index->chunk_end++ % index->chunk_capacity] = memory;
    return true;
}

/* Room for `size` bytes at the tail, in one chunk. */
static bool make_room(struct index *index, uint64_t size)
{
    uint64_t end = index->chunk_end * CHUNK_BYTES;
    if (end - index->tail >= size)
        return true;
    if (end - index->tail >= sizeof(struct entry))
        entry_at(index, index->tail)->size = 0;
    bool was_empty = index->head == index->tail;
    if (!add_chunk(index))
        return false;
    index->tail = (index->chunk_end - 1) * CHUNK_BYTES;
    if (was_empty) {
        while (index->chunk_first + 1 < index->chunk_end) {
            unmap_memory(index, index->chunks[index->chunk_first % index->chunk_capacity], CHUNK_BYTES);
            index->chunk_first++;
        }
        index->head = index->tail;
    }
    return true;
}

static bool link_entry(struct index *index, struct index_key key, uint64_t position)
{
    uint64_t *reusable, *slot = locate(index, key, &reusable);
    if (*slot == 0) {
        if (reusable) {
            slot = reusable;
        } else if (index->slots_used * 10 >= index->slot_count * 7) {
            if (!rehash(index))
                return false;
            slot = locate(index, key, &reusable);
            index->slots_used++;
        } else {
            index->slots_used++;
        }
        index->live++;
    }
    *slot = slot_make(key, position);
    return true;
}

bool index_put(struct index *index, struct index_key key, const struct record *version, int64_t offset,
               int64_t record_time_us)
{
    struct entry header = {.key = key, .offset = offset, .record_time_us = record_time_us};
    buffer_clear(&index->scratch);
    buffer_append(&index->scratch, &header, sizeof header);
    append_fields(index, version);
    while (index->scratch.length % UNIT)
        buffer_append_char(&index->scratch, 0);
    uint64_t size = index->scratch.length;
    if (index->scratch.failed || size > CHUNK_BYTES || !make_room(index, size))
        return false;
    header.size = (uint32_t)size;
    memcpy(index->scratch.data, &header, sizeof header);
    memcpy(entry_at(index, index->tail), index->scratch.data, size);
    if (!link_entry(index, key, index->tail))
        return false;
    index->tail += size;
    return true;
}

struct index_floor index_floor(const struct index *index)
{
    return index->floor;
}

void index_set_floor(struct index *index, struct index_floor floor)
{
    index->floor = floor;
}

size_t index_count(const struct index *index)
{
    return index->live;
}

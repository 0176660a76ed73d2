/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/index.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/random.h"

#define BLOCK_BYTES ((uint64_t)2 << 20)  /* no version is larger: a message has at most 1 MiB */
#define BUCKETS_FIRST ((uint64_t)1 << 9) /* one page of memory */

/* A bucket: 29 low bits of the hash, from which its place follows also in a larger table; one bit that says that it is
 * taken; and the entry's position in units of 8 bytes, modulo 2^34, so the queue may hold 128 GiB. */
#define UNIT 8
#define POSITION_BITS 34
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)
#define TAKEN (UINT64_C(1) << POSITION_BITS)
#define HASH_SHIFT (POSITION_BITS + 1)
#define BUCKETS_MAX (UINT64_C(1) << (64 - HASH_SHIFT))

/* A version in the queue. Offset and record time are counted from the block's, so that a version is small: memory that
 * is touched for the first time costs more than anything else here. The projected fields follow: a bit for each that
 * says whether it is null, then numbers and lengths in 7 bits a byte, as LEB128, and the bytes of texts. */
struct entry {
    struct index_key key;
    int64_t event_time_us;
    uint32_t offset;        /* after the block's */
    int32_t record_time_ms; /* after the block's */
    uint32_t size;          /* bytes with padding; 0 ends a block */
    char fields[];
};
#define ENTRY_BYTES offsetof(struct entry, fields)

/* Where a block counts from. */
struct block {
    char *memory;
    int64_t offset, record_time_ms;
};

struct index {
    const struct source *source;
    struct index_budget *budget;
    int64_t bytes;        /* of the budget */
    int64_t bytes_lacked; /* beside those, where it may let nothing go */
    bool is_full;
    uint64_t seed;
    uint8_t projected_fields[FIELDS_MAX]; /* what the views read */
    size_t projected_count;
    struct value values[FIELDS_MAX]; /* of the version found last */

    struct block *blocks; /* a ring: block n is at n % block_capacity */
    uint64_t block_first, block_end, block_capacity;
    uint64_t head, tail; /* positions in bytes: the oldest entry, and where the next one goes */

    uint64_t *buckets; /* 0 is free; one of an entry that has left is stale, and counts as used */
    uint64_t bucket_count, buckets_used;
    size_t live;
    int64_t latest_ms; /* of the times that versions came with, see time_in_queue; INT64_MIN before the first */
    struct index_floor floor;
};

static uint64_t random_seed(void)
{
    uint64_t seed;
    return random_bytes(&seed, sizeof seed) ? seed : (uint64_t)clock_wall_us();
}

/* Huge pages make look-ups cheap where there are many; a small index shall not take one, which the kernel would have to
 * clear first. */
static void *map_memory(struct index *index, size_t size, bool huge)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    atomic_fetch_add(&index->budget->used_bytes, (int64_t)size);
    index->bytes += (int64_t)size;
    return memory;
}

static void unmap_memory(struct index *index, void *memory, size_t size)
{
    if (!memory)
        return;
    munmap(memory, size);
    atomic_fetch_sub(&index->budget->used_bytes, (int64_t)size);
    index->bytes -= (int64_t)size;
}

static bool is_over_budget(const struct index *index, size_t more)
{
    return atomic_load(&index->budget->used_bytes) + (int64_t)more > index->budget->ceiling_bytes;
}

static void project(struct index *index)
{
    bool used[FIELDS_MAX] = {false};
    source_mark_used(index->source, used);
    for (size_t field = 0; field < index->source->schema.field_count; field++)
        if (used[field])
            index->projected_fields[index->projected_count++] = (uint8_t)field;
}

struct index *index_new(const struct source *source, struct index_budget *budget)
{
    struct index *index = calloc(1, sizeof *index);
    if (!index)
        return NULL;
    *index = (struct index){.source = source,
                            .budget = budget,
                            .seed = random_seed(),
                            .bucket_count = BUCKETS_FIRST,
                            .latest_ms = INT64_MIN};
    project(index);
    index->buckets = map_memory(index, BUCKETS_FIRST * sizeof *index->buckets, false);
    if (!index->buckets) {
        free(index);
        return NULL;
    }
    return index;
}

void index_destroy(struct index *index)
{
    if (!index)
        return;
    for (uint64_t block = index->block_first; block < index->block_end; block++)
        unmap_memory(index, index->blocks[block % index->block_capacity].memory, BLOCK_BYTES);
    free(index->blocks);
    unmap_memory(index, index->buckets, index->bucket_count * sizeof *index->buckets);
    free(index);
}

struct index_key index_key(const struct index *index, struct text key)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(key.data, key.length, index->seed);
    return (struct index_key){hash.low64, hash.high64};
}

static struct block *block_at(const struct index *index, uint64_t position)
{
    return &index->blocks[position / BLOCK_BYTES % index->block_capacity];
}

static struct entry *entry_at(const struct index *index, uint64_t position)
{
    return (struct entry *)(void *)(block_at(index, position)->memory + position % BLOCK_BYTES);
}

static int64_t offset_at(const struct index *index, uint64_t position)
{
    return block_at(index, position)->offset + entry_at(index, position)->offset;
}

static int64_t record_time_at(const struct index *index, uint64_t position)
{
    return (block_at(index, position)->record_time_ms + entry_at(index, position)->record_time_ms) * 1000;
}

/* Whether what is left of the block at this position holds no entry. */
static bool ends_block(const struct index *index, uint64_t position)
{
    return position % BLOCK_BYTES + ENTRY_BYTES > BLOCK_BYTES || entry_at(index, position)->size == 0;
}

static uint64_t bucket_make(struct index_key key, uint64_t position)
{
    return key.low << HASH_SHIFT | TAKEN | (position / UNIT & POSITION_MASK);
}

/* The first position at or after head that the bucket can mean; at or after tail, its entry has left. */
static uint64_t bucket_position(const struct index *index, uint64_t bucket)
{
    return index->head + ((bucket - index->head / UNIT) & POSITION_MASK) * UNIT;
}

/* The bucket that holds this key, else the free one where its search ended; *ret_reusable is a stale one on the way. */
static uint64_t *locate(const struct index *index, struct index_key key, uint64_t **ret_reusable)
{
    uint64_t mask = index->bucket_count - 1, tag = key.low << HASH_SHIFT | TAKEN;
    *ret_reusable = NULL;
    for (uint64_t at = key.low & mask;; at = (at + 1) & mask) {
        uint64_t *bucket = &index->buckets[at];
        if (*bucket == 0)
            return bucket;
        uint64_t position = bucket_position(index, *bucket);
        if (position >= index->tail) {
            if (!*ret_reusable)
                *ret_reusable = bucket;
        } else if ((*bucket & ~POSITION_MASK) == tag) {
            const struct entry *entry = entry_at(index, position);
            if (entry->key.low == key.low && entry->key.high == key.high)
                return bucket;
        }
    }
}

void index_prefetch(const struct index *index, struct index_key key)
{
    __builtin_prefetch(&index->buckets[key.low & (index->bucket_count - 1)]);
}

void index_prefetch_version(const struct index *index, struct index_key key)
{
    uint64_t bucket = index->buckets[key.low & (index->bucket_count - 1)];
    if (bucket >> HASH_SHIFT == key.low << HASH_SHIFT >> HASH_SHIFT && bucket_position(index, bucket) < index->tail)
        __builtin_prefetch(entry_at(index, bucket_position(index, bucket)));
}

static char *put_number(char *at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *at++ = (char)(number | 0x80);
    *at++ = (char)number;
    return at;
}

static const char *take_number(const char *at, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = (unsigned char)*at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    *ret_number = number;
    return at;
}

/* Small amounts of either sign take few bytes. */
static uint64_t zigzag(int64_t number)
{
    return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static int64_t unzigzag(uint64_t number)
{
    return (int64_t)(number >> 1 ^ (0 - (number & 1)));
}

#define NUMBER_BYTES 10 /* the longest */

/* Bytes that the fields take at most. */
static size_t fields_bound(const struct index *index, const struct record *version)
{
    size_t bound = (index->projected_count + 7) / 8;
    for (size_t i = 0; i < index->projected_count; i++) {
        const struct value *value = &version->values[index->projected_fields[i]];
        bool is_text = index->source->schema.fields[index->projected_fields[i]].type == FIELD_TEXT;
        bound += NUMBER_BYTES + (is_text && value->present ? value->text.length : 0);
    }
    return bound;
}

static char *put_fields(const struct index *index, const struct record *version, char *at)
{
    char *present = at;
    size_t count = index->projected_count;
    memset(present, 0, (count + 7) / 8);
    at += (count + 7) / 8;
    for (size_t i = 0; i < count; i++) {
        size_t field = index->projected_fields[i];
        const struct value *value = &version->values[field];
        if (!value->present)
            continue;
        present[i / 8] = (char)(present[i / 8] | 1 << i % 8);
        if (index->source->schema.fields[field].type != FIELD_TEXT) {
            at = put_number(at, zigzag(value->number));
            continue;
        }
        at = put_number(at, value->text.length);
        memcpy(at, value->text.data, value->text.length);
        at += value->text.length;
    }
    return at;
}

static void read_fields(struct index *index, const struct entry *entry, struct record *ret_version)
{
    const char *present = entry->fields, *at = present + (index->projected_count + 7) / 8;
    for (size_t i = 0; i < index->projected_count; i++) {
        size_t field = index->projected_fields[i];
        struct value *value = &index->values[field];
        uint64_t number;
        *value = (struct value){.present = present[i / 8] >> i % 8 & 1};
        if (!value->present)
            continue;
        at = take_number(at, &number);
        if (index->source->schema.fields[field].type != FIELD_TEXT) {
            value->number = unzigzag(number);
            continue;
        }
        value->text = (struct text){at, number};
        at += number;
    }
    *ret_version = (struct record){entry->event_time_us, index->values};
}

bool index_find(struct index *index, struct index_key key, struct record *ret_version)
{
    uint64_t *reusable, *bucket = locate(index, key, &reusable);
    if (*bucket == 0)
        return false;
    read_fields(index, entry_at(index, bucket_position(index, *bucket)), ret_version);
    return true;
}

/* No order like the one that leaves may be taken for a new one: see struct index_floor. One whose record time is known
 * lies no further ahead of it than max_future; one without may lie anywhere. */
static void raise_floor_time(struct index *index)
{
    int64_t record_us = record_time_at(index, index->head);
    int64_t event_us = entry_at(index, index->head)->event_time_us - index->source->schema.max_future_us;
    int64_t least_us = record_us > event_us ? record_us : event_us;
    if (least_us > index->floor.time_us)
        index->floor.time_us = least_us;
}

/* Moves head over one entry, or over the empty rest of its block; what it says of the floor is kept up. */
static void pop(struct index *index)
{
    const struct entry *entry = entry_at(index, index->head);
    bool empty = ends_block(index, index->head);
    if (!empty) {
        uint64_t *reusable, *bucket = locate(index, entry->key, &reusable);
        if (*bucket != 0 && bucket_position(index, *bucket) == index->head)
            index->live--;
        raise_floor_time(index);
        index->floor.offset = offset_at(index, index->head) + 1;
    }
    uint64_t block = index->head / BLOCK_BYTES;
    index->head = empty ? (block + 1) * BLOCK_BYTES : index->head + entry->size;
    if (index->head / BLOCK_BYTES > block) {
        unmap_memory(index, index->blocks[block % index->block_capacity].memory, BLOCK_BYTES);
        index->block_first = block + 1;
    }
}

/* The floor stands at the oldest entry that is left, where there is one. */
static void settle_floor(struct index *index)
{
    while (index->head < index->tail && ends_block(index, index->head))
        pop(index);
    if (index->head < index->tail)
        index->floor.offset = offset_at(index, index->head);
}

void index_evict(struct index *index, int64_t horizon_us)
{
    bool any = false;
    while (index->head < index->tail) {
        bool empty = ends_block(index, index->head);
        if (!empty && record_time_at(index, index->head) >= horizon_us)
            break;
        pop(index);
        any = any || !empty;
    }
    if (any)
        settle_floor(index);
}

/* Lets the oldest block go whole. */
static void evict_block(struct index *index)
{
    uint64_t block = index->block_first;
    while (index->head < index->tail && index->block_first == block)
        pop(index);
    settle_floor(index);
}

/* Where nothing may leave, whether there is no room for so many bytes more. */
static bool fills_up(struct index *index, size_t more)
{
    index->is_full = index->source->is_stream_alone && is_over_budget(index, more);
    index->bytes_lacked = index->is_full ? (int64_t)more : 0;
    return index->is_full;
}

/* Buckets of a table that has room for what is live; no more than there can be. */
static uint64_t buckets_wanted(const struct index *index)
{
    uint64_t count = index->bucket_count;
    while (index->live * 2 >= count && count < BUCKETS_MAX)
        count *= 2;
    return count;
}

/* Fills a table with what is still in the queue. Beside the old one it must have room in the budget: the oldest leave
 * until it has. */
static bool rehash(struct index *index)
{
    uint64_t count = buckets_wanted(index);
    if (fills_up(index, count * sizeof *index->buckets))
        return false;
    while (is_over_budget(index, count * sizeof *index->buckets) && index->block_end - index->block_first > 1) {
        evict_block(index);
        count = buckets_wanted(index);
    }
    if (index->live * 10 >= count * 9)
        return false;
    uint64_t *buckets = map_memory(index, count * sizeof *buckets, count * sizeof *buckets >= BLOCK_BYTES);
    if (!buckets)
        return false;
    uint64_t used = 0;
    for (uint64_t old = 0; old < index->bucket_count; old++) {
        uint64_t bucket = index->buckets[old];
        if (bucket == 0 || bucket_position(index, bucket) >= index->tail)
            continue;
        uint64_t at = bucket >> HASH_SHIFT & (count - 1);
        while (buckets[at] != 0)
            at = (at + 1) & (count - 1);
        buckets[at] = bucket;
        used++;
    }
    unmap_memory(index, index->buckets, index->bucket_count * sizeof *buckets);
    index->buckets = buckets;
    index->bucket_count = count;
    index->buckets_used = used;
    return true;
}

static bool add_block(struct index *index, int64_t offset, int64_t record_time_ms)
{
    if (fills_up(index, BLOCK_BYTES))
        return false;
    while (is_over_budget(index, BLOCK_BYTES) && index->block_end - index->block_first > 1)
        evict_block(index);
    if (index->block_end - index->block_first == index->block_capacity) {
        uint64_t capacity = index->block_capacity ? index->block_capacity * 2 : 16;
        struct block *blocks = calloc(capacity, sizeof *blocks);
        if (!blocks)
            return false;
        for (uint64_t block = index->block_first; block < index->block_end; block++)
            blocks[block % capacity] = index->blocks[block % index->block_capacity];
        free(index->blocks);
        index->blocks = blocks;
        index->block_capacity = capacity;
    }
    char *memory = map_memory(index, BLOCK_BYTES, index->block_end > 0);
    if (!memory)
        return false;
    index->blocks[index->block_end++ % index->block_capacity] = (struct block){memory, offset, record_time_ms};
    return true;
}

/* Whether an entry of `size` bytes goes into the block at the tail: it has room, and counts from near enough. */
static bool fits_block(const struct index *index, uint64_t size, int64_t offset, int64_t record_time_ms)
{
    if (index->block_end * BLOCK_BYTES - index->tail < size)
        return false;
    const struct block *block = block_at(index, index->tail);
    int64_t later_ms = record_time_ms - block->record_time_ms;
    return offset - block->offset <= UINT32_MAX && later_ms >= INT32_MIN && later_ms <= INT32_MAX;
}

/* Free memory for `size` bytes at the tail, in one block. */
static bool reserve(struct index *index, uint64_t size, int64_t offset, int64_t record_time_ms)
{
    if (fits_block(index, size, offset, record_time_ms))
        return true;
    if (index->block_end * BLOCK_BYTES - index->tail >= ENTRY_BYTES)
        entry_at(index, index->tail)->size = 0;
    bool was_empty = index->head == index->tail;
    if (!add_block(index, offset, record_time_ms))
        return false;
    index->tail = (index->block_end - 1) * BLOCK_BYTES;
    if (was_empty) {
        while (index->block_first + 1 < index->block_end) {
            unmap_memory(index, index->blocks[index->block_first % index->block_capacity].memory, BLOCK_BYTES);
            index->block_first++;
        }
        index->head = index->tail;
    }
    return true;
}

static bool link_entry(struct index *index, struct index_key key, uint64_t position)
{
    uint64_t *reusable, *bucket = locate(index, key, &reusable);
    if (*bucket == 0) {
        if (reusable) {
            bucket = reusable;
        } else if (index->buckets_used * 10 >= index->bucket_count * 7) {
            if (!rehash(index))
                return false;
            bucket = locate(index, key, &reusable);
            index->buckets_used++;
        } else {
            index->buckets_used++;
        }
        index->live++;
    }
    *bucket = bucket_make(key, position);
    return true;
}

/* A version without a record time stays as long as the latest that came before it, or as its event time says where
 * that is later; within what its block can count, so that it doesn't take a block of its own. */
static int64_t time_in_queue(struct index *index, int64_t event_time_us, int64_t record_time_us)
{
    int64_t time_ms = (record_time_us < 0 ? event_time_us : record_time_us) / 1000;
    if (time_ms > index->latest_ms)
        index->latest_ms = time_ms;
    if (record_time_us >= 0)
        return time_ms;
    if (index->block_first == index->block_end)
        return index->latest_ms;
    int64_t from_ms = index->blocks[(index->block_end - 1) % index->block_capacity].record_time_ms;
    int64_t later_ms = index->latest_ms - from_ms;
    return from_ms + (later_ms < INT32_MIN ? INT32_MIN : later_ms > INT32_MAX ? INT32_MAX : later_ms);
}

bool index_put(struct index *index, struct index_key key, const struct record *version, int64_t offset,
               int64_t record_time_us)
{
    int64_t record_time_ms = time_in_queue(index, version->event_time_us, record_time_us);
    uint64_t bound = (ENTRY_BYTES + fields_bound(index, version) + UNIT - 1) / UNIT * UNIT;
    if (bound > BLOCK_BYTES || !reserve(index, bound, offset, record_time_ms))
        return false;
    const struct block *block = block_at(index, index->tail);
    struct entry *entry = entry_at(index, index->tail);
    entry->key = key;
    entry->event_time_us = version->event_time_us;
    entry->offset = (uint32_t)(offset - block->offset);
    entry->record_time_ms = (int32_t)(record_time_ms - block->record_time_ms);
    const char *end = put_fields(index, version, entry->fields);
    entry->size = (uint32_t)(((uint64_t)(end - (const char *)entry) + UNIT - 1) / UNIT * UNIT);
    if (!link_entry(index, key, index->tail))
        return false;
    index->tail += entry->size;
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

bool index_is_full(const struct index *index)
{
    return index->is_full;
}

int64_t index_bytes(const struct index *index)
{
    return index->bytes + index->bytes_lacked;
}

size_t index_count(const struct index *index)
{
    return index->live;
}

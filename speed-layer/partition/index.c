/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/index.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/random.h"
#include "partition/version_codec.h"

#define BLOCK_BYTES ((uint64_t)2 << 20)  /* no version is larger: a message has at most 1 MiB */
#define BUCKETS_FIRST ((uint64_t)1 << 9) /* one page of memory */

/* A bucket: 29 low bits of the hash, from which its place follows also in a larger table; one bit that says that it is
 * taken; and the entry's position in units of 4 bytes, modulo 2^34, so the queue may hold 64 GiB. */
#define UNIT 4
#define POSITION_BITS 34
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)
#define TAKEN (UINT64_C(1) << POSITION_BITS)
#define HASH_SHIFT (POSITION_BITS + 1)
#define BUCKETS_MAX (UINT64_C(1) << (64 - HASH_SHIFT))
#define BLOCKS_MAX ((UINT64_C(1) << POSITION_BITS) * UNIT / BLOCK_BYTES - 1)

/* A version in the queue: the 64 bits of its key that no bucket has, what follows as numbers of 7 bits a byte, and what
 * version_codec.h keeps of it. Memory that is touched for the first time costs more than anything else here, so nothing
 * is kept that can be told otherwise. Offset and record time are needed only where the oldest entries leave one after
 * the other: they are counted from the entry before it in its block. The event time is counted from the block's.
 *
 *     high bits of the key    8 bytes
 *     offset                  doubled, and 1 where a later version of the order is in the queue
 *     record time, ms
 *     event time, µs
 *     the version, then padding up to a unit */
#define KEY_BYTES sizeof(uint64_t)
#define ENTRY_BYTES (KEY_BYTES + (size_t)3 * NUMBER_BYTES) /* at most, without the version */

struct entry_times {
    int64_t offset, record_time_ms, event_time_us;
};

/* One piece of the queue. */
struct block {
    char *memory;
    uint64_t used;            /* bytes, from the first */
    struct entry_times first; /* of its first entry, from which the others count */
};

/* Where a look-up ended. */
struct bucket_place {
    struct index_key key;
    uint64_t *bucket;   /* that holds this key, else the free one where the search ended; NULL: there was no look-up */
    uint64_t *reusable; /* a stale one on the way, or NULL */
};

struct index {
    const struct source *source;
    struct index_budget *budget;
    int64_t bytes;        /* of the budget */
    int64_t bytes_lacked; /* beside those, where it may let nothing go */
    bool is_full;
    uint64_t seed;
    struct version_codec codec;
    struct value values[FIELDS_MAX]; /* of the version found last */
    struct bucket_place sought;      /* by the last index_find, until the next index_put */

    struct block *blocks; /* a ring: block n is at n % block_capacity */
    uint64_t block_first, block_end, block_capacity;
    uint64_t head, tail;               /* positions in bytes: the oldest entry, and where the next one goes */
    struct entry_times passed, latest; /* what the entry at each of them counts from */

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

/* Also where buckets couldn't say where more entries are. */
static bool is_over_budget(const struct index *index, size_t more)
{
    return index->block_end - index->block_first >= BLOCKS_MAX ||
           atomic_load(&index->budget->used_bytes) + (int64_t)more > index->budget->ceiling_bytes;
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
    version_codec_init(&index->codec, source);
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

static uint64_t padded(size_t size)
{
    return (size + UNIT - 1) / UNIT * UNIT;
}

static struct block *block_at(const struct index *index, uint64_t position)
{
    return &index->blocks[position / BLOCK_BYTES % index->block_capacity];
}

static char *entry_at(const struct index *index, uint64_t position)
{
    return block_at(index, position)->memory + position % BLOCK_BYTES;
}

static uint64_t entry_key(const char *entry)
{
    uint64_t high;
    memcpy(&high, entry, sizeof high);
    return high;
}

static bool is_superseded(const char *entry)
{
    return entry[KEY_BYTES] & 1;
}

static void mark_superseded(char *entry)
{
    entry[KEY_BYTES] = (char)(entry[KEY_BYTES] | 1);
}

/* Both return where the version begins. `before` is what the entry counts from, `first` what its block does. */
static char *put_times(const struct entry_times *before, const struct entry_times *first,
                       const struct entry_times *times, char *at)
{
    at = put_number(at, (uint64_t)(times->offset - before->offset) << 1);
    at = put_number(at, zigzag(times->record_time_ms - before->record_time_ms));
    return put_number(at, zigzag(times->event_time_us - first->event_time_us));
}

static const char *take_times(const struct entry_times *before, const struct entry_times *first, const char *at,
                              struct entry_times *ret_times)
{
    uint64_t offset, record_time, event_time;
    at = take_number(at, &offset);
    at = take_number(at, &record_time);
    at = take_number(at, &event_time);
    *ret_times =
        (struct entry_times){before->offset + (int64_t)(offset >> 1), before->record_time_ms + unzigzag(record_time),
                             first->event_time_us + unzigzag(event_time)};
    return at;
}

/* Whether what is left of the block at this position holds no entry. */
static bool ends_block(const struct index *index, uint64_t position)
{
    return position % BLOCK_BYTES >= block_at(index, position)->used;
}

/* Of the oldest entry; returns where its version begins. */
static const char *take_head_times(const struct index *index, struct entry_times *ret_times)
{
    const struct block *block = block_at(index, index->head);
    const struct entry_times *before = index->head % BLOCK_BYTES ? &index->passed : &block->first;
    return take_times(before, &block->first, entry_at(index, index->head) + KEY_BYTES, ret_times);
}

static struct entry_times head_times(const struct index *index)
{
    struct entry_times times;
    take_head_times(index, &times);
    return times;
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

static struct bucket_place locate(const struct index *index, struct index_key key)
{
    uint64_t mask = index->bucket_count - 1, tag = key.low << HASH_SHIFT | TAKEN;
    struct bucket_place place = {.key = key};
    for (uint64_t at = key.low & mask;; at = (at + 1) & mask) {
        uint64_t *bucket = &index->buckets[at];
        place.bucket = bucket;
        if (*bucket == 0)
            return place;
        uint64_t position = bucket_position(index, *bucket);
        if (position >= index->tail) {
            if (!place.reusable)
                place.reusable = bucket;
        } else if ((*bucket & ~POSITION_MASK) == tag && entry_key(entry_at(index, position)) == key.high) {
            return place;
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

bool index_find(struct index *index, struct index_key key, struct record *ret_version, uint64_t *ret_judged)
{
    index->sought = locate(index, key);
    if (*index->sought.bucket == 0)
        return false;
    uint64_t position = bucket_position(index, *index->sought.bucket);
    const struct entry_times *first = &block_at(index, position)->first;
    struct entry_times times;
    const char *at = take_times(first, first, entry_at(index, position) + KEY_BYTES, &times);
    version_read(&index->codec, at, index->values, ret_judged);
    *ret_version = (struct record){times.event_time_us, index->values};
    return true;
}

/* No order like the one that leaves may be taken for a new one: see struct index_floor. One whose record time is known
 * lies no further ahead of it than max_future; one without may lie anywhere. */
static void raise_floor_time(struct index *index, const struct entry_times *leaving)
{
    int64_t record_us = leaving->record_time_ms * 1000;
    int64_t event_us = leaving->event_time_us - index->source->schema.max_future_us;
    int64_t least_us = record_us > event_us ? record_us : event_us;
    if (least_us > index->floor.time_us)
        index->floor.time_us = least_us;
}

/* Moves head over one entry, or over the empty rest of its block; what it says of the floor is kept up. */
static void pop(struct index *index)
{
    uint64_t block = index->head / BLOCK_BYTES;
    if (ends_block(index, index->head)) {
        index->head = (block + 1) * BLOCK_BYTES;
    } else {
        const char *entry = entry_at(index, index->head);
        uint64_t judged;
        const char *version = take_head_times(index, &index->passed);
        const char *end = version_read(&index->codec, version, index->values, &judged);
        index->live -= !is_superseded(entry);
        raise_floor_time(index, &index->passed);
        index->floor.offset = index->passed.offset + 1;
        index->head += padded((size_t)(end - entry));
    }
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
        index->floor.offset = head_times(index).offset;
}

void index_evict(struct index *index, int64_t horizon_us)
{
    bool any = false;
    while (index->head < index->tail) {
        bool empty = ends_block(index, index->head);
        if (!empty && head_times(index).record_time_ms * 1000 >= horizon_us)
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

static bool add_block(struct index *index, const struct entry_times *first)
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
    index->blocks[index->block_end++ % index->block_capacity] = (struct block){memory, 0, *first};
    return true;
}

/* Free memory for `size` bytes at the tail, in one block, which counts from these times where it is a new one. */
static bool reserve(struct index *index, uint64_t size, const struct entry_times *times)
{
    if (index->block_end * BLOCK_BYTES - index->tail >= size)
        return true;
    bool was_empty = index->head == index->tail;
    if (!add_block(index, times))
        return false;
    index->latest = *times;
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

/* Where index_find ended, if it looked for this key last; else a look-up. */
static struct bucket_place find_bucket(struct index *index, struct index_key key)
{
    struct bucket_place place = index->sought;
    index->sought.bucket = NULL;
    bool is_the_same = place.bucket && place.key.low == key.low && place.key.high == key.high;
    return is_the_same ? place : locate(index, key);
}

static bool link_entry(struct index *index, struct index_key key, uint64_t position)
{
    struct bucket_place place = find_bucket(index, key);
    if (*place.bucket == 0) {
        if (place.reusable) {
            place.bucket = place.reusable;
        } else if (index->buckets_used * 10 >= index->bucket_count * 7) {
            if (!rehash(index))
                return false;
            place = locate(index, key);
            index->buckets_used++;
        } else {
            index->buckets_used++;
        }
        index->live++;
    } else if (bucket_position(index, *place.bucket) < index->tail) {
        mark_superseded(entry_at(index, bucket_position(index, *place.bucket)));
    } else { /* it has left since it was found */
        index->live++;
    }
    *place.bucket = bucket_make(key, position);
    return true;
}

/* A version without a record time stays as long as the latest that came before it, or as its event time says where
 * that is later. */
static int64_t time_in_queue(struct index *index, int64_t event_time_us, int64_t record_time_us)
{
    int64_t time_ms = (record_time_us < 0 ? event_time_us : record_time_us) / 1000;
    if (time_ms > index->latest_ms)
        index->latest_ms = time_ms;
    return record_time_us < 0 ? index->latest_ms : time_ms;
}

bool index_put(struct index *index, struct index_key key, const struct record *version, uint64_t judged, int64_t offset,
               int64_t record_time_us)
{
    struct entry_times times = {offset, time_in_queue(index, version->event_time_us, record_time_us),
                                version->event_time_us};
    uint64_t bound = padded(ENTRY_BYTES + version_bound(&index->codec, version->values));
    if (bound > BLOCK_BYTES || !reserve(index, bound, &times))
        return false;
    struct block *block = block_at(index, index->tail);
    char *entry = entry_at(index, index->tail);
    memcpy(entry, &key.high, KEY_BYTES);
    char *at = put_times(&index->latest, &block->first, &times, entry + KEY_BYTES);
    const char *end = version_write(&index->codec, version->values, judged, at);
    if (!link_entry(index, key, index->tail))
        return false;
    index->latest = times;
    index->tail += padded((size_t)(end - entry));
    block->used = index->tail - (index->block_end - 1) * BLOCK_BYTES;
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

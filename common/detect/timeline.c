/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/timeline.h"

#include <stdlib.h>

#include "base/lower_bound.h"

#define BLOCK_LEAST 4096
#define BLOCK_MOST 262144

struct span_bytes {
    struct span_bytes *next; /* an earlier one */
    size_t size, used;
    int64_t words[];
};

int64_t timeline_number(const struct timeline *timeline, int64_t event_time_us)
{
    int64_t number = event_time_us / timeline->length_us;
    return number - (event_time_us % timeline->length_us < 0);
}

struct floor timeline_floor(const struct timeline *timeline, struct floor none)
{
    struct floor floor = none;
    for (size_t i = 0; i < timeline->count; i++)
        if (timeline->spans[i].first_offset < floor.offset)
            floor = (struct floor){timeline->spans[i].first_offset, timeline->spans[i].clock_before_us};
    return floor;
}

static bool reserve_span(struct timeline *timeline, size_t *ret_bytes)
{
    *ret_bytes = 0;
    if (timeline->count < timeline->capacity)
        return true;
    size_t capacity = timeline->capacity ? 2 * timeline->capacity : 16;
    struct span *spans = realloc(timeline->spans, capacity * sizeof *spans);
    if (!spans)
        return false;
    *ret_bytes = (capacity - timeline->capacity) * sizeof *spans;
    timeline->spans = spans;
    timeline->capacity = capacity;
    return true;
}

struct span_wanted {
    const struct timeline *timeline;
    int64_t number;
};

static bool lies_before(const void *context, size_t number)
{
    const struct span_wanted *wanted = context;
    return wanted->timeline->spans[number].number < wanted->number;
}

/* Where the span with this number is or belongs; most are asked for at the end. */
static size_t index_of(const struct timeline *timeline, int64_t number)
{
    size_t count = timeline->count;
    if (count > 0 && timeline->spans[count - 1].number <= number)
        return timeline->spans[count - 1].number == number ? count - 1 : count;
    const struct span_wanted wanted = {timeline, number};
    return lower_bound(timeline->count, lies_before, &wanted);
}

struct span *timeline_at(struct timeline *timeline, int64_t event_time_us, struct floor from, size_t *ret_bytes)
{
    int64_t number = timeline_number(timeline, event_time_us);
    size_t index = index_of(timeline, number);
    *ret_bytes = 0;
    if (index == timeline->count || timeline->spans[index].number != number) {
        if (!reserve_span(timeline, ret_bytes))
            return NULL;
        memmove(timeline->spans + index + 1, timeline->spans + index,
                (timeline->count - index) * sizeof *timeline->spans);
        timeline->spans[index] =
            (struct span){.number = number, .first_offset = from.offset, .clock_before_us = from.clock_before_us};
        timeline->count++;
    }
    struct span *span = &timeline->spans[index];
    if (from.offset < span->first_offset) {
        span->first_offset = from.offset;
        span->clock_before_us = from.clock_before_us;
    }
    return span;
}

struct span *timeline_oldest(struct timeline *timeline, int64_t until_us)
{
    bool is_over = timeline->count > 0 && timeline->spans[0].number < timeline_number(timeline, until_us + 1);
    return is_over ? &timeline->spans[0] : NULL;
}

void timeline_drop_oldest(struct timeline *timeline)
{
    timeline->count--;
    memmove(timeline->spans, timeline->spans + 1, timeline->count * sizeof *timeline->spans);
}

void *span_allocate(struct span *span, size_t size, size_t *ret_bytes)
{
    struct span_bytes *block = span->bytes;
    size = (size + 7) / 8 * 8;
    *ret_bytes = 0;
    if (!block || block->size - block->used < size) {
        size_t wanted = block ? 2 * block->size : BLOCK_LEAST;
        wanted = wanted > BLOCK_MOST ? BLOCK_MOST : wanted;
        wanted = wanted < size ? size : wanted;
        block = malloc(sizeof *block + wanted);
        if (!block)
            return NULL;
        *block = (struct span_bytes){.next = span->bytes, .size = wanted};
        span->bytes = block;
        *ret_bytes = sizeof *block + wanted;
    }
    void *unused = (char *)block->words + block->used;
    block->used += size;
    return unused;
}

size_t span_free_bytes(struct span *span)
{
    size_t bytes = 0;
    while (span->bytes) {
        struct span_bytes *next = span->bytes->next;
        bytes += sizeof *span->bytes + span->bytes->size;
        free(span->bytes);
        span->bytes = next;
    }
    return bytes;
}

void timeline_clean_up(struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->count; i++)
        span_free_bytes(&timeline->spans[i]);
    free(timeline->spans);
    *timeline = (struct timeline){.length_us = timeline->length_us};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detection_state.h"

#include <stdlib.h>

bool detection_fail(struct detection *detection, enum detection_result result)
{
    detection->result = result;
    return false;
}

/* Whether the budget has room for so many bytes more, which are taken. */
bool detection_take_bytes(struct detection *detection, size_t bytes)
{
    struct detection_budget *budget = detection->budget;
    if (bytes > 0 && (budget->used > budget->ceiling || bytes > budget->ceiling - budget->used))
        return detection_fail(detection, DETECTION_FULL);
    budget->used += bytes;
    detection->bytes += bytes;
    return true;
}

void detection_give_back_bytes(struct detection *detection, size_t bytes)
{
    detection->budget->used -= bytes;
    detection->bytes -= bytes;
}

/* A number of an array of entries with number 0 unused, from the list of free ones or behind the last. */
bool detection_reserve(struct detection *detection, void **entries, size_t size, uint32_t count, uint32_t *capacity)
{
    if (count < *capacity)
        return true;
    uint32_t larger = *capacity ? *capacity + *capacity / 2 : 64;
    if (!detection_take_bytes(detection, (larger - *capacity) * size))
        return false;
    void *moved = realloc(*entries, larger * size);
    if (!moved)
        return detection_fail(detection, DETECTION_NO_MEMORY);
    *entries = moved;
    *capacity = larger;
    return true;
}

/* The latest event time that is out of reach. */
int64_t detection_out_of_reach_us(const struct detection *detection)
{
    return detection->clock_us == CLOCK_NONE ? INT64_MIN : detection->clock_us - detection->reach_us;
}

struct span *detection_span(struct detection *detection, int64_t event_time_us, struct floor from)
{
    size_t bytes;
    struct span *span = timeline_at(&detection->timeline, event_time_us, from, &bytes);
    if (!span)
        detection_fail(detection, DETECTION_NO_MEMORY);
    else if (!detection_take_bytes(detection, bytes))
        return NULL;
    return span;
}

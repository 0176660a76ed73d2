/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as what is kept with a detector's position: what is taken is taken as it was written, and written again it
 * is taken to be the same. */
#include "fuzz.h"

#include "detect/detector_position.h"

static bool is_same(const struct detector_position *a, const struct detector_position *b)
{
    return a->floor.offset == b->floor.offset && a->floor.clock_before_us == b->floor.clock_before_us &&
           a->record_time_us == b->record_time_us && a->gap == b->gap && strcmp(a->fingerprint, b->fingerprint) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct detector_position untouched = {.offset = 17, .floor = {3, 4}, .record_time_us = 5, .fingerprint = "6"};
    struct detector_position position = untouched, again = untouched;
    char metadata[DETECTOR_METADATA_SIZE];
    if (!detector_position_parse((struct text){(const char *)data, size}, &position)) {
        REQUIRE(is_same(&position, &untouched));
        return 0;
    }
    REQUIRE(position.offset == 17 && position.floor.offset >= 0);
    detector_position_format(&position, metadata);
    REQUIRE(strnlen(metadata, sizeof metadata) < sizeof metadata);
    /* A fingerprint of bytes that no detector writes may hold a NUL, which ends it. */
    if (!memchr(data, '\0', size)) {
        REQUIRE(detector_position_parse(text_of(metadata), &again));
        if (position.record_time_us >= -1)
            REQUIRE(is_same(&position, &again));
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * Opening a detector's partitions. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "detector/state.h"

/* Where record times at or after this one begin; the end where there are none. */
static int64_t offset_since(struct consumer *consumer, const struct detector *detector, int32_t partition,
                            int64_t at_us, int64_t end)
{
    int64_t offset = consumer->operations->offset_at(consumer, detector->source->topic, partition, at_us);
    return offset < 0 || offset > end ? end : offset;
}

static bool ask_extent(const struct detector *detector, struct consumer *consumer, int32_t partition,
                       int64_t *ret_first, int64_t *ret_end, struct error *error)
{
    struct consumer_extent extent = {.topic = detector->source->topic, .partition = partition};
    consumer->operations->extents(consumer, &extent, 1);
    if (extent.error.code != ERROR_NONE) {
        *error = extent.error;
        return false;
    }
    *ret_first = extent.first;
    *ret_end = extent.end;
    return true;
}

static bool first_position(const struct detector *detector, struct consumer *consumer, int32_t partition,
                           bool at_beginning, struct detector_position *position, struct error *error)
{
    int64_t first, end, now_us = clock_wall_us();
    if (!ask_extent(detector, consumer, partition, &first, &end, error))
        return false;
    *position = (struct detector_position){.offset = at_beginning ? first : end,
                                           .floor = {first, CLOCK_NONE},
                                           .record_time_us = at_beginning ? -1 : now_us};
    if (!at_beginning)
        position->floor.offset = offset_since(consumer, detector, partition, now_us - detector_reach_us(detector), end);
    memcpy(position->fingerprint, detector->fingerprint, FINGERPRINT_SIZE);
    return true;
}

bool detector_first_positions(const struct detector *detector, struct consumer *consumer, bool at_beginning,
                              struct partition_position ret_positions[], size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        ret_positions[i].partition = (int32_t)i;
        if (!first_position(detector, consumer, (int32_t)i, at_beginning, &ret_positions[i].position, error))
            return false;
    }
    return true;
}

static bool has_any(const struct detector_position positions[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (positions[i].offset >= 0)
            return true;
    return false;
}

/* The group has no positions: a first start, unless there are alerts that say otherwise. */
static bool begin(struct detector_reader *reader, size_t count, struct error *error)
{
    const struct detector *detector = reader->detector;
    bool has_alerts = false;
    if (!reader->store->operations->has_alerts(reader->store, &has_alerts, error))
        return false;
    if (has_alerts)
        return error_set(error, ERROR_CONFIGURATION,
                         "detector %s: its positions are gone (they expire, or the topic was made anew), but %s has "
                         "alerts of it, so this is no first start: say where to go on with tidemark-speed reset "
                         "--detector %s --from end, or --from beginning to judge all again",
                         detector->name, detector->alerts, detector->name);
    struct partition_position *positions = calloc(count + 1, sizeof *positions);
    bool done = positions ? detector_first_positions(detector, reader->consumer, detector->from_beginning, positions,
                                                     count, error) &&
                                reader->store->operations->begin(reader->store, positions, count, false, error)
                          : error_set(error, ERROR_INTERNAL, "out of memory");
    if (done)
        log_info("detector %s: a first start: it judges from the %s of the topic on", detector->name,
                 detector->from_beginning ? "beginning" : "end");
    free(positions);
    return done;
}

static void tell_of_gap(const struct detector_partition *partition, const struct detector_position *position,
                        struct floor floor, int64_t first)
{
    if (first > position->offset)
        log_error("detector %s: partition %d: gap: the log no longer has offsets %lld to %lld, which were not judged",
                  partition->detector->name, (int)partition->number, (long long)position->offset, (long long)first - 1);
    else if (first > floor.offset)
        log_warning("detector %s: partition %d: gap: the log no longer has offsets %lld to %lld, which the windows at "
                    "offset %lld would need",
                    partition->detector->name, (int)partition->number, (long long)floor.offset, (long long)first - 1,
                    (long long)position->offset);
}

static bool open_one(struct detector_reader *reader, struct detector_partition *partition,
                     struct detector_position position, struct error *error)
{
    const struct detector *detector = reader->detector;
    int64_t first, end, reread = -1;
    if (!ask_extent(detector, reader->consumer, partition->number, &first, &end, error))
        return false;
    if (position.offset < 0) /* new to a group that has positions: the topic has grown */
        position = (struct detector_position){.offset = first, .floor = {first, CLOCK_NONE}, .record_time_us = -1};
    if (position.offset > end)
        return error_set(error, ERROR_CONFIGURATION,
                         "detector %s: partition %d of %s ends at offset %lld, before %lld, where it was judged up to: "
                         "the topic was made anew; say where to go on with tidemark-speed reset --detector %s",
                         detector->name, (int)partition->number, detector->source->topic, (long long)end,
                         (long long)position.offset, detector->name);
    if (position.record_time_us >= 0)
        reread = offset_since(reader->consumer, detector, partition->number,
                              position.record_time_us - detector_reach_us(detector), end);
    struct floor floor = detector_partition_floor(detector, &position, reread);
    tell_of_gap(partition, &position, floor, first);
    if (!detector_partition_open(partition, &position, floor, first, &reader->budget, reader->seed))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    partition->end = end;
    if (partition->target < 0)
        partition->target = end;
    return true;
}

static bool open_all(struct detector_reader *reader, struct error *error)
{
    struct consumer *consumer = reader->consumer;
    int32_t count = 0;
    if (!consumer->operations->partition_count(consumer, reader->detector->source->topic, &count, error))
        return false;
    struct detector_position *positions = calloc((size_t)count + 1, sizeof *positions);
    if (!positions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = reader->store->operations->positions(reader->store, positions, (size_t)count, error);
    if (done && !has_any(positions, (size_t)count))
        done = begin(reader, (size_t)count, error) &&
               reader->store->operations->positions(reader->store, positions, (size_t)count, error);
    for (size_t i = 0; done && i < reader->count; i++) {
        struct detector_partition *partition = &reader->partitions[i];
        if (partition->state != DETECTOR_CLOSED || partition->number >= count)
            continue;
        done = open_one(reader, partition, positions[partition->number], error);
        reader->must_assign = true;
    }
    free(positions);
    return done;
}

static bool has_closed(const struct detector_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->partitions[i].state == DETECTOR_CLOSED)
            return true;
    return false;
}

void detector_open_closed(struct detector_reader *reader)
{
    struct error error = {0};
    if (!has_closed(reader) || retry_wait_us(&reader->retry, clock_monotonic_us()) > 0)
        return;
    if (open_all(reader, &error))
        return;
    if (error.code == ERROR_CONFIGURATION)
        reader->fatal = error; /* which is said where it ends */
    else if (reader->retry.attempts % 10 == 0 && error.code != ERROR_TRY_AGAIN)
        log_warning("detector %s: %s; waiting for it", reader->detector->name, error.message);
    retry_failed(&reader->retry, clock_monotonic_us());
}

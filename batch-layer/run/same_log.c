/* SPDX-License-Identifier: Apache-2.0 */
#include "run/same_log.h"

#include <inttypes.h>

struct comparison {
    const struct source_run *run;
    const struct slot *slot;
    int32_t partition;
};

static bool take(void *context, const struct log_message *message, struct error *error)
{
    const struct comparison *comparison = context;
    return log_message_is_tail(message, comparison->slot) ||
           error_set(error, ERROR_CONFIGURATION,
                     "source %s: partition %d: the message at offset %" PRId64
                     " isn't the one that the speed layer read: the topic was made anew or lost its tail; give the "
                     "source another name to begin anew",
                     comparison->run->source->name, (int)comparison->partition, message->offset);
}

/* Without its tail nothing tells whether the speed layer read the same log, and what is published now might be merged
 * with cells of another. */
static bool has_tail_to_compare(const struct source_run *run, int32_t number, const struct slot *slot,
                                struct error *error)
{
    struct error other;
    return (slot->exists && slot_format_check(slot, &other)) ||
           error_set(error, ERROR_TRY_AGAIN,
                     "source %s: partition %d isn't ready any more: its slot was lost, or changed to another format, "
                     "while its messages were ingested",
                     run->source->name, (int)number);
}

static bool check_partition(const struct source_run *run, int32_t number, struct error *error)
{
    struct batch *batch = run->batch;
    struct slot slot;
    int64_t first, end, available;
    if (!batch->realtime->operations->read_slot(batch->realtime, (struct slot_id){run->source->name, number}, &slot,
                                                error))
        return false;
    struct error missing;
    if (!has_tail_to_compare(run, number, &slot, &missing)) {
        if (run->partitions[number].unread || !run->partitions[number].fits)
            return true; /* no slot fits what is published of it */
        *error = missing;
        return false;
    }
    if (slot.tail < 0)
        return true;
    if (!batch->log->operations->ends(batch->log, run->source->topic, number, &first, &end, error))
        return false;
    if (slot.next > end)
        return error_set(error, ERROR_CONFIGURATION,
                         "source %s: partition %d: the speed layer read up to offset %" PRId64
                         ", and the log ends at %" PRId64 ": the topic was made anew or lost its tail; give the source "
                         "another name to begin anew",
                         run->source->name, (int)number, slot.next, end);
    struct comparison comparison = {run, &slot, number};
    return slot.tail < first || batch->log->operations->read(batch->log, run->source->topic, number, slot.tail,
                                                             slot.tail + 1, &available, take, &comparison, error);
}

bool same_log_check(struct source_run *run, struct error *error)
{
    for (size_t i = 0; i < run->partition_count; i++)
        if (!check_partition(run, run->partitions[i].number, error))
            return false;
    return true;
}

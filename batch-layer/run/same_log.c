/* SPDX-License-Identifier: Apache-2.0 */
#include "run/same_log.h"

#include <inttypes.h>

/* A message that the speed layer took, to be found again. */
struct comparison {
    const struct source_run *run;
    int32_t partition;
    bool (*is_same)(const struct log_message *message, const void *taken);
    const void *taken;
    const char *remedy;
};

static bool take(void *context, const struct log_message *message, struct error *error)
{
    const struct comparison *comparison = context;
    return comparison->is_same(message, comparison->taken) ||
           error_set(error, ERROR_CONFIGURATION,
                     "source %s: partition %d: the message at offset %" PRId64
                     " isn't the one that the speed layer read: %s",
                     comparison->run->source->name, (int)comparison->partition, message->offset, comparison->remedy);
}

/* What the log no longer holds says nothing. */
static bool compare(const struct comparison *comparison, int64_t offset, struct error *error)
{
    struct event_log *log = comparison->run->batch->log;
    int64_t available;
    return log->operations->read(log, comparison->run->source->topic, comparison->partition, offset, offset + 1,
                                 &available, take, (void *)comparison, error);
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

static bool is_tail(const struct log_message *message, const void *taken)
{
    const struct slot *slot = taken;
    return log_message_is_tail(message, slot->tail_time_us, slot->tail_hash);
}

/* The slot's last message, which it may have taken long after the cut. */
static bool check_tail(const struct source_run *run, int32_t number, const struct slot *slot, int64_t first,
                       int64_t end, struct error *error)
{
    if (slot->tail < 0)
        return true;
    if (slot->next > end)
        return error_set(error, ERROR_CONFIGURATION,
                         "source %s: partition %d: the speed layer read up to offset %" PRId64
                         ", and the log ends at %" PRId64 ": the topic was made anew or lost its tail; give the source "
                         "another name to begin anew",
                         run->source->name, (int)number, slot->next, end);
    struct comparison comparison = {run, number, is_tail, slot,
                                    "the topic was made anew or lost its tail; give the source another name to begin "
                                    "anew"};
    return slot->tail < first || compare(&comparison, slot->tail, error);
}

static bool is_last(const struct log_message *message, const void *start)
{
    return log_message_hash(message) == ((const struct epoch_start *)start)->last_hash;
}

bool cut_is_in_log(const struct source_run *run, int32_t number, const struct epoch_start *start, int64_t first,
                   struct error *error)
{
    struct comparison comparison = {run, number, is_last, start,
                                    "the log lost its end and was written on since; tidemark-batch repair --yes has "
                                    "the slot built again from the log as it is now"};
    return start->last_hash == 0 || start->last < first || compare(&comparison, start->last, error);
}

/* The message that the cut lies behind: the slot may have gone on in the log as it is now, and have taken what came
 * before the cut from one that lost its end. Where the slot that was cut is no more, nothing tells, and an answer may
 * still hold what it had taken. */
static bool check_cut(struct source_run *run, struct run_partition *partition, const struct slot *slot, int64_t first,
                      struct error *error)
{
    const struct epoch_start *start = slot_epoch_start(slot, run->publication.epoch + 2);
    if (!start || start->offset != partition->cut)
        return error_set(error, ERROR_TRY_AGAIN,
                         "source %s: partition %d isn't ready any more: its slot was begun again while its messages "
                         "were ingested",
                         run->source->name, (int)partition->number);
    if (!cut_is_in_log(run, partition->number, start, first, error))
        return false;
    partition->last = start->last;
    partition->last_hash = start->last_hash;
    if (start->idle_us > partition->idle_us)
        partition->idle_us = start->idle_us;
    return true;
}

static bool check_partition(struct source_run *run, struct run_partition *partition, struct error *error)
{
    struct batch *batch = run->batch;
    int32_t number = partition->number;
    struct slot slot;
    int64_t first, end;
    if (partition->cut > partition->begins)
        partition->last_hash = 0; /* that of this cut isn't known yet */
    if (!batch->realtime->operations->read_slot(batch->realtime, slot_id_of(run->source, number), &slot, error))
        return false;
    struct error missing;
    if (!has_tail_to_compare(run, number, &slot, &missing)) {
        if (partition->unread || !partition->fits)
            return true; /* no slot fits what is published of it */
        *error = missing;
        return false;
    }
    return batch->log->operations->ends(batch->log, run->source->topic, number, &first, &end, error) &&
           check_tail(run, number, &slot, first, end, error) &&
           (partition->unread || !partition->fits || check_cut(run, partition, &slot, first, error));
}

bool same_log_check(struct source_run *run, struct error *error)
{
    for (size_t i = 0; i < run->partition_count; i++)
        if (!check_partition(run, &run->partitions[i], error))
            return false;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 * Opening a partition: from what both stores say to the offset where reading the log begins. */
#include "partition/partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "ports/other_definitions.h"
#include "state/fit.h"

/* Another cluster, or a log that ends before what was read of it, is another story under the same name. */
static bool check_topic(const struct partition *partition, const struct log_extent *log,
                        const struct publication *publication, int64_t reached, struct error *error)
{
    const struct slot *slot = &partition->slot;
    if (!publication_is_of_cluster(publication, log->cluster))
        return error_set(error, ERROR_CONFIGURATION,
                         "%s/%d was published from Kafka cluster %s, and this is cluster %s; check kafka.brokers, or "
                         "give the source another name to begin anew",
                         partition->id.source, (int)partition->id.partition, publication->cluster, log->cluster);
    if (slot->exists && strcmp(slot->cluster, log->cluster) != 0)
        return error_set(error, ERROR_CONFIGURATION,
                         "%s/%d was read from Kafka cluster %s, and this is cluster %s; check kafka.brokers and "
                         "redis.namespace, let tidemark-batch repair forget what was read, or give the source another "
                         "name to begin anew",
                         partition->id.source, (int)partition->id.partition, slot->cluster, log->cluster);
    if (reached > log->end)
        return error_set(error, ERROR_CONFIGURATION,
                         "%s/%d was read up to offset %" PRId64 ", and the log ends at %" PRId64
                         ": the topic was made anew or lost its tail; give the source another name to begin anew",
                         partition->id.source, (int)partition->id.partition, reached, log->end);
    return true;
}

/* One of a newer format isn't changed: the partition waits for a program that knows it, or until it is forgotten. */
static bool check_format(const struct partition *partition, struct error *error)
{
    return partition->slot.format <= REALTIME_FORMAT || slot_format_check(&partition->slot, error) ||
           error_context(error, "its slot");
}

/* Where the index must begin to know what the horizon promises: every order of the log before `next`. Where nothing was
 * removed, the record times of all before its first message are before the horizon, and those that had none are
 * published. Else record times say nothing, for they needn't ascend; but of what was read, no event time is later than
 * the clock and max_future together. */
static struct index_floor floor_for(const struct partition *partition, const struct log_extent *log, int64_t first,
                                    const struct published_partition *published)
{
    int64_t next = published ? published->cut : first, clock_us = published ? published->clock_us : 0;
    bool is_whole = log->first <= first;
    struct index_floor floor = {is_whole ? first : log->first, is_whole ? 0 : clock_us};
    if (floor.offset > next)
        floor.offset = next;
    int64_t horizon_us = clock_us - partition->source->horizon_us;
    int64_t at = clock_us > 0 && log->offset_at ? log->offset_at(log, partition->id, horizon_us) : -1;
    if (at <= floor.offset || at >= next)
        return floor;
    int64_t untimed_us = published->untimed_us - partition->source->schema.max_future_us;
    return (struct index_floor){at, !is_whole ? clock_us : untimed_us > horizon_us ? untimed_us : horizon_us};
}

/* The slot's, or where the log begins later, see floor_for. What it passes over without having read it, the batch layer
 * may know. */
static struct index_floor floor_in(const struct slot *slot, const struct log_extent *log)
{
    struct index_floor floor = {slot->floor, slot->floor_time_us};
    if (log->first <= floor.offset)
        return floor;
    int64_t time_us = log->first > slot->next ? FLOOR_TIME_NEVER : slot->clock_us;
    return (struct index_floor){log->first, time_us > floor.time_us ? time_us : floor.time_us};
}

/* The batch layer knows of a record time where there is one: the message behind which the cut lies has none where it is
 * not the last that has. It may also lie before that, where the slot passed over what the batch layer had ingested. */
static void take_tail(struct slot *fresh, const struct published_partition *published)
{
    if (published && published->tail_time_us > 0) {
        fresh->tail = published->tail;
        fresh->tail_time_us = published->tail_time_us;
    }
    if (!published || published->last_hash == 0 || published->last < fresh->tail)
        return;
    fresh->tail_time_us = published->last == fresh->tail ? fresh->tail_time_us : -1;
    fresh->tail = published->last;
    fresh->tail_hash = published->last_hash;
}

/* What no publication says, the slot says as it was; where this definition has none, those of others know it. */
static bool take_first(struct partition *partition, const struct log_extent *log, struct slot *fresh,
                       struct error *error)
{
    const struct slot *known = &partition->slot;
    struct other_definitions others = {known->exists, known->first, known->partitions, known->next};
    if (!known->exists &&
        !other_definitions_look(partition->environment->realtime, partition->id, log->cluster, &others, error))
        return false;
    fresh->first = others.found ? others.first : log->first;
    fresh->partitions = others.found && !log->accepts_partitions ? others.partitions : log->partitions;
    return true;
}

/* Of a source without a batch layer: the slot begins where the log does, and what lay before that is a gap. That it was
 * there outlives the slot from before it has one message on. */
static bool begin_with_log(const struct partition *partition, const struct log_extent *log, struct slot *fresh,
                           struct error *error)
{
    int64_t recorded = fresh->first;
    if (log->record_first && !log->record_first(log, partition->id, fresh->first, &recorded, error))
        return false;
    if (recorded < fresh->first)
        fresh->first = recorded;
    fresh->next = fresh->floor = log->first;
    gaps_add(&fresh->gaps, (struct offset_range){fresh->first, fresh->next});
    return true;
}

static bool rebuild_slot(struct partition *partition, const struct log_extent *log,
                         const struct publication *publication, struct error *error)
{
    const struct slot *old = &partition->slot;
    const struct published_partition *published = publication_partition(publication, partition->id.partition);
    struct slot fresh = {.exists = true,
                         .format = REALTIME_FORMAT,
                         .requires = REALTIME_CHECKSUMS,
                         .epoch = publication->epoch + 1,
                         .tail = -1,
                         .tail_time_us = -1};
    if (!take_first(partition, log, &fresh, error))
        return false;
    if (publication->accepted_partitions)
        fresh.partitions = publication->accepted_partitions;
    if (published)
        fresh.first = published->first;
    fresh.lost = published ? published->lost : 0;
    fresh.next = published ? published->cut : fresh.first;
    fresh.clock_us = published ? published->clock_us : 0;
    fresh.idle_us = published ? published->idle_us : 0;
    if (!check_topic(partition, log, publication, fresh.next, error))
        return false;
    struct index_floor floor = floor_for(partition, log, fresh.first, published);
    take_tail(&fresh, published);
    fresh.end = log->end;
    fresh.floor = floor.offset;
    fresh.floor_time_us = floor.time_us;
    if (publication->is_never && !begin_with_log(partition, log, &fresh, error))
        return false;
    snprintf(fresh.cluster, sizeof fresh.cluster, "%s", log->cluster);
    if (!partition_random_id(fresh.incarnation, error))
        return false;
    if (old->exists && old->format < REALTIME_FORMAT)
        log_warning("%s/%d: its slot has format %" PRId64 " and this program writes %d: it is built again",
                    partition->id.source, (int)partition->id.partition, old->format, REALTIME_FORMAT);
    bool done;
    struct realtime_store *store = partition->environment->realtime;
    crash_point("before_init");
    if (!store->operations->init(store, partition->id, old->incarnation, &fresh, &done, error))
        return false;
    crash_point("after_init");
    partition->rebuilds += done;
    return true;
}

/* What is known of the publication when the slot is looked at. */
struct known_publication {
    const struct publication *publication; /* NULL where it couldn't be read, for the reason given */
    const struct error *reason;
    bool may_be_old; /* it was read before this look: a slot that doesn't fit it may fit a newer one */
};

/* Reads the slot, and begins it anew where it doesn't fit. Where the publication is not known, going on with a slot
 * that is ours is safe, for readers test that it fits. */
static bool look_at_slot(struct partition *partition, const struct log_extent *log,
                         const struct known_publication *known, bool *ret_ready, struct error *error)
{
    struct realtime_store *store = partition->environment->realtime;
    if (!store->operations->read_slot(store, partition->id, &partition->slot, error) || !check_format(partition, error))
        return false;
    const struct slot *slot = &partition->slot;
    bool same = slot->exists && slot->format == REALTIME_FORMAT && strcmp(slot->cluster, log->cluster) == 0 &&
                slot->next <= log->end;
    if (same && !partition_audit(partition, &same, error))
        return false;
    const struct publication *publication = known->publication;
    const struct error *reason = known->reason;
    if (!publication) {
        *ret_ready = same && (error_is_retriable(reason) || reason->code == ERROR_PERMISSION);
        return *ret_ready || error_set(error, reason->code, "%s", reason->message);
    }
    *ret_ready = same && slot_fits(slot, partition->id.partition, publication);
    if (*ret_ready || known->may_be_old)
        return true;
    return check_topic(partition, log, publication, slot->next, error) &&
           rebuild_slot(partition, log, publication, error);
}

/* One look at both stores. *ret_ready: the slot in partition->slot may be gone on with. What is published is read
 * first: a slot that was read before a run opened and published would look as if it didn't fit. `recent`, if not NULL,
 * is what was published a moment ago, and saves reading that. */
static bool look(struct partition *partition, const struct log_extent *log, const struct publication *recent,
                 bool *ret_ready, struct error *error)
{
    struct publication_store *publications = partition->environment->publications;
    struct publication publication = {0};
    struct error reason = {0};
    struct known_publication known = {.publication = recent, .reason = &reason, .may_be_old = recent != NULL};
    if (!recent && publications->operations->read(publications, partition->source, &publication, &reason))
        known.publication = &publication;
    partition->published_epoch = known.publication ? known.publication->epoch : 0;
    partition->load = (struct load){.bytes = 0};
    partition->counted_share = partition->wanted_epoch = 0;
    bool done = look_at_slot(partition, log, &known, ret_ready, error);
    publication_clean_up(&publication);
    return done;
}

/* One that was stopped by its groups goes on where they are well below the limit: to stop and go costs an index each
 * time. */
static bool has_too_many_groups(const struct partition *partition)
{
    return partition->counted_share > SHARE_LOW && strcmp(partition->slot.alarm, PARTITION_ALARM_GROUPS) == 0;
}

static void start_reading(struct partition *partition, const struct log_extent *log)
{
    const struct slot *slot = &partition->slot;
    partition->alarm = NULL;
    breaker_reset(&partition->breaker);
    if (strcmp(slot->alarm, PARTITION_ALARM_BREAKER) == 0)
        breaker_expect_bad(&partition->breaker);
    partition->accept_from = slot->next;
    partition->position = slot->next;
    partition->clock_us = slot->clock_us;
    partition->idle_us = slot->idle_us;
    partition->deferred_us = slot->deferred_us;
    partition->tail = slot->tail;
    partition->tail_time_us = slot->tail_time_us;
    partition->tail_hash = slot->tail_hash;
    partition->end = log->end;
    if (partition->index) {
        struct index_floor floor = floor_in(slot, log);
        index_set_floor(partition->index, floor);
        partition->position = floor.offset;
    }
    /* The message at the tail is read again: see check_tail in partition.c. */
    if (slot->tail >= 0 && slot->tail < partition->position)
        partition->position = slot->tail;
    if (log->first > partition->position)
        partition->position = log->first;
    partition->gaps = slot->gaps;
    gaps_drop_below(&partition->gaps, partition->source->is_stream_alone ? slot->first : slot->epochs[0].offset);
    gaps_add(&partition->gaps, (struct offset_range){slot->next, log->first});
    if (log->first > slot->next)
        log_error("%s/%d: messages from offset %" PRId64 " to %" PRId64
                  " are gone from the log before they were read: this is a gap",
                  partition->id.source, (int)partition->id.partition, slot->next, log->first);
    partition->state = partition->position < partition->accept_from ? PARTITION_READING : PARTITION_RUNNING;
}

bool partition_open(struct partition *partition, const struct log_extent *log, struct error *error)
{
    partition_close(partition);
    for (int attempt = log->published ? -1 : 0; attempt < 3; attempt++) {
        bool ready;
        if (!look(partition, log, attempt < 0 ? log->published : NULL, &ready, error))
            return false;
        if (!ready)
            continue;
        if (has_too_many_groups(partition)) {
            partition_stop(partition, PARTITION_ALARM_GROUPS);
            return true;
        }
        if (partition->source->on_duplicate != ON_DUPLICATE_NONE) {
            partition->index = index_new(partition->source, partition->environment->budget);
            if (!partition->index)
                return error_set(error, ERROR_INTERNAL, "out of memory");
        }
        start_reading(partition, log);
        return true;
    }
    return error_set(error, ERROR_TRY_AGAIN, "%s/%d: the slot changes while it is opened", partition->id.source,
                     (int)partition->id.partition);
}

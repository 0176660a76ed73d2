/* SPDX-License-Identifier: Apache-2.0
 * Taking messages: each gets its one fate, and the panes and the ledger say so. */
#include "partition/partition.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD 8         /* messages whose payload is asked for before it is their turn */
#define AHEAD_BYTES 512 /* of each at most: what follows in a row the processor asks for by itself */
#define CACHE_LINE 64
#define BATCH 64 /* messages decoded together, so that their look-ups are loaded together */

struct partition *partition_new(const struct partition_environment *environment, const struct source *source,
                                int32_t number)
{
    struct partition *partition = calloc(1, sizeof *partition);
    if (!partition)
        return NULL;
    *partition = (struct partition){.id = slot_id_of(source, number), .source = source, .environment = environment};
    partition->decoder = decoder_new(&source->schema);
    partition->panes = calloc(source->view_count + 1, sizeof *partition->panes);
    if (!breaker_init(&partition->breaker, source->breaker) || !partition->decoder || !partition->panes) {
        partition_destroy(partition);
        return NULL;
    }
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&partition->panes[i], &source->views[i]);
    conditions_find(&partition->conditions, source);
    return partition;
}

void partition_destroy(struct partition *partition)
{
    if (!partition)
        return;
    index_destroy(partition->index);
    for (size_t i = 0; partition->panes && i < partition->source->view_count; i++)
        panes_clean_up(&partition->panes[i]);
    free(partition->panes);
    partition_forget_leaving(partition);
    breaker_clean_up(&partition->breaker);
    decoder_destroy(partition->decoder);
    free(partition);
}

void partition_forget_leaving(struct partition *partition)
{
    for (size_t i = 0; partition->leaving && i < partition->source->view_count; i++)
        panes_clean_up(&partition->leaving[i]);
    free(partition->leaving);
    partition->leaving = NULL;
}

static void forget_pending(struct partition *partition)
{
    for (size_t i = 0; i < partition->source->view_count; i++)
        panes_clear(&partition->panes[i]);
    partition->ledger = (struct ledger){0};
    partition->pending = 0;
    partition->commit_id[0] = '\0';
    partition_forget_leaving(partition);
}

void partition_close(struct partition *partition)
{
    forget_pending(partition);
    index_destroy(partition->index);
    partition->index = NULL;
    partition->state = PARTITION_CLOSED;
}

/* Where it stands in the log is what is committed. */
void partition_stop(struct partition *partition, const char *alarm)
{
    partition_close(partition);
    partition->position = partition->slot.next;
    partition->clock_us = partition->slot.clock_us;
    partition->idle_us = partition->slot.idle_us;
    partition->deferred_us = partition->slot.deferred_us;
    partition->tail = partition->slot.tail;
    partition->tail_time_us = partition->slot.tail_time_us;
    partition->tail_hash = partition->slot.tail_hash;
    partition->gaps = partition->slot.gaps;
    partition->alarm = alarm;
    partition->state = PARTITION_STOPPED;
}

int64_t partition_share(const struct partition *partition)
{
    struct load load = partition->load;
    load_add(&load, partition->panes, partition->source->view_count);
    return load_share(&load, &partition->environment->limits);
}

static bool is_full_at(const struct partition *partition, int64_t share)
{
    return partition->load.bytes > 0 && share > SHARE_FULL;
}

bool partition_is_full(const struct partition *partition)
{
    return is_full_at(partition, partition_share(partition));
}

bool partition_needs_count(const struct partition *partition)
{
    int64_t share = partition_share(partition);
    return is_full_at(partition, share) || (share >= SHARE_HALF && share - partition->counted_share >= SHARE_STEP);
}

bool partition_is_open(const struct partition *partition)
{
    return partition->state == PARTITION_READING || partition->state == PARTITION_RUNNING;
}

/* A message decoded, before it is applied. */
struct candidate {
    const struct log_message *message;
    bool good;
    struct record record;
    struct rejection rejection;
    struct index_key key;
};

/* `judged` says in which views the version counts. */
static bool add_to_views(struct partition *partition, const struct record *record, uint64_t judged, int sign)
{
    for (size_t i = 0; i < partition->source->view_count; i++) {
        bool counts = conditions_count(&partition->conditions, i, judged);
        if (counts && !view_add(&partition->panes[i], record, sign))
            return false;
        partition->ledger.views[i].counted += sign * counts;
        partition->ledger.views[i].filtered += sign * !counts;
    }
    return true;
}

/* Where the log began when nothing lay before it, or nobody knows what did. */
static int64_t beginning(const struct partition *partition)
{
    const struct slot *slot = &partition->slot;
    return partition->source->is_stream_alone ? slot->epochs[0].offset : slot->first;
}

/* An order that the index doesn't know has no earlier version where the index knows all that could be one: it reaches
 * back to the partition's first offset, or beyond the time at which an order of this event time could have come. */
static bool is_new(const struct partition *partition, const struct record *record)
{
    struct index_floor floor = index_floor(partition->index);
    if (floor.offset <= beginning(partition))
        return true;
    return floor.time_us >= 0 && record->event_time_us > floor.time_us + partition->source->schema.max_future_us;
}

/* By the clock before it. */
static void count_late(struct partition *partition, const struct record *record, uint64_t judged)
{
    const struct source *source = partition->source;
    for (size_t i = 0; i < source->view_count; i++)
        if (view_is_late(&source->views[i], partition->clock_us, record->event_time_us))
            partition->ledger.views[i].late += conditions_count(&partition->conditions, i, judged);
}

/* Applies a good message; false where memory is short. */
static bool apply_version(struct partition *partition, const struct candidate *candidate)
{
    struct ledger *ledger = &partition->ledger;
    const struct record *record = &candidate->record;
    uint64_t judged = conditions_judge(&partition->conditions, record), earlier_judged;
    if (!partition->index) {
        ledger->kept++;
        count_late(partition, record, judged);
        return add_to_views(partition, record, judged, 1);
    }
    struct record earlier;
    bool known = index_find(partition->index, candidate->key, &earlier, &earlier_judged);
    if (known && partition->source->on_duplicate == ON_DUPLICATE_IGNORE) {
        ledger->duplicate++;
        return true;
    }
    bool applied = true, is_new_order = !known && is_new(partition, record);
    if (is_new_order ||
        partition->source->on_duplicate == ON_DUPLICATE_REPLACE) /* else whether it counts isn't known */
        count_late(partition, record, judged);
    if (known) {
        ledger->replaced++;
        applied = add_to_views(partition, &earlier, earlier_judged, -1) && add_to_views(partition, record, judged, 1);
    } else if (is_new_order) {
        ledger->kept++;
        applied = add_to_views(partition, record, judged, 1);
    } else {
        ledger->deferred++;
        if (record->event_time_us > partition->deferred_us || partition->deferred_us == 0)
            partition->deferred_us = record->event_time_us;
    }
    return applied && index_put(partition->index, candidate->key, record, judged, candidate->message->offset,
                                candidate->message->record_time_us);
}

/* Below the slot's next offset the message was accounted for already: it only enters the index. */
static bool remember_version(struct partition *partition, const struct candidate *candidate)
{
    struct record earlier;
    uint64_t judged;
    if (partition->source->on_duplicate == ON_DUPLICATE_IGNORE &&
        index_find(partition->index, candidate->key, &earlier, &judged))
        return true;
    judged = conditions_judge(&partition->conditions, &candidate->record);
    return index_put(partition->index, candidate->key, &candidate->record, judged, candidate->message->offset,
                     candidate->message->record_time_us);
}

static void move_clock(struct partition *partition, const struct candidate *candidate)
{
    partition->clock_us =
        clock_after(partition->clock_us, candidate->record.event_time_us, candidate->message->record_time_us);
}

/* Where the floor's time isn't known, its first message tells it. */
static void note_floor_time(struct partition *partition, const struct log_message *message)
{
    struct index_floor floor = index_floor(partition->index);
    if (floor.time_us >= 0)
        return;
    floor.time_us = message->record_time_us >= 0 ? message->record_time_us : partition->slot.clock_us;
    index_set_floor(partition->index, floor);
}

static bool apply(struct partition *partition, const struct candidate *candidate)
{
    const struct log_message *message = candidate->message;
    bool before = message->offset < partition->accept_from, done = true;
    if (partition->index)
        note_floor_time(partition, message);
    if (before) {
        done = !candidate->good || !partition->index || remember_version(partition, candidate);
    } else {
        partition->state = PARTITION_RUNNING;
        partition->pending++;
        partition->ledger.consumed++;
        if (candidate->good) {
            done = apply_version(partition, candidate);
            move_clock(partition, candidate);
        } else {
            partition->ledger.bad++;
            if (partition->on_bad)
                partition->on_bad(partition->context, partition, message, &candidate->rejection);
        }
    }
    partition->position = message->offset + 1;
    if (!before && breaker_note(&partition->breaker, !candidate->good))
        partition_stop(partition, PARTITION_ALARM_BREAKER);
    return done;
}

/* False where memory is short: then the message was not judged. */
static bool decode(struct partition *partition, const struct log_message *message, struct candidate *ret_candidate)
{
    *ret_candidate = (struct candidate){.message = message};
    enum decode_result result = decoder_decode(partition->decoder, message->payload, message->record_time_us,
                                               &ret_candidate->record, &ret_candidate->rejection);
    ret_candidate->good = result == DECODE_GOOD;
    if (result != DECODE_GOOD)
        return result == DECODE_REJECTED;
    if (!partition->index)
        return true;
    size_t key = partition->source->schema.key;
    ret_candidate->key = index_key(partition->index, ret_candidate->record.values[key].text);
    index_prefetch(partition->index, ret_candidate->key);
    return true;
}

/* Another thread has unpacked it, so it lies in the cache of another processor. */
static void prefetch_payload(const struct log_message *message)
{
    size_t length = message->payload.length < AHEAD_BYTES ? message->payload.length : AHEAD_BYTES;
    for (size_t at = 0; at < length; at += CACHE_LINE)
        __builtin_prefetch(message->payload.data + at);
}

static bool take_batch(struct partition *partition, const struct log_message messages[], size_t count)
{
    struct candidate candidates[BATCH];
    size_t decoded = 0;
    bool applied = true;
    for (size_t i = 0; i < count && i < AHEAD; i++)
        prefetch_payload(&messages[i]);
    for (size_t i = 0; applied && i < count; i++) {
        if (i + AHEAD < count)
            prefetch_payload(&messages[i + AHEAD]);
        if (messages[i].offset >= partition->position)
            applied = decode(partition, &messages[i], &candidates[decoded++]);
    }
    for (size_t i = 0; partition->index && i < decoded; i++)
        if (candidates[i].good)
            index_prefetch_version(partition->index, candidates[i].key);
    for (size_t i = 0; applied && i < decoded && partition_is_open(partition); i++)
        if (candidates[i].message->offset >= partition->position)
            applied = apply(partition, &candidates[i]);
    if (decoded && applied && partition_is_open(partition)) { /* to hash each would cost more than it is worth */
        const struct log_message *last = candidates[decoded - 1].message;
        partition->tail = last->offset;
        partition->tail_time_us = last->record_time_us;
        partition->tail_hash = log_message_hash(last);
    }
    decoder_reset(partition->decoder);
    return applied;
}

/* Whether the message at the slot's tail, where it is among these, is the one that was read there. */
static bool check_tail(const struct partition *partition, const struct log_message messages[], size_t count,
                       struct error *error)
{
    for (size_t i = 0; i < count && messages[i].offset <= partition->slot.tail; i++)
        if (messages[i].offset == partition->slot.tail &&
            !log_message_is_tail(&messages[i], partition->slot.tail_time_us, partition->slot.tail_hash))
            return error_set(
                error, ERROR_CONFIGURATION,
                "%s/%d: the message at offset %lld isn't the one that was read there: the topic was made anew; give "
                "the source another name to begin anew",
                partition->id.source, (int)partition->id.partition, (long long)messages[i].offset);
    return true;
}

/* Where its index has no room: others may have what it held. */
static bool stop_by_index(struct partition *partition)
{
    if (!partition->index || !index_is_full(partition->index))
        return false;
    partition->index_bytes = index_bytes(partition->index);
    partition_stop(partition, PARTITION_ALARM_INDEX);
    return true;
}

bool partition_index_fits(const struct partition *partition)
{
    const struct index_budget *budget = partition->environment->budget;
    return atomic_load(&budget->used_bytes) + partition->index_bytes < budget->ceiling_bytes;
}

bool partition_take(struct partition *partition, const struct log_message messages[], size_t count, struct error *error)
{
    if (partition->position <= partition->slot.tail && !check_tail(partition, messages, count, error)) {
        partition_close(partition);
        return false;
    }
    for (size_t i = 0; i < count && partition_is_open(partition); i += BATCH) {
        size_t some = count - i < BATCH ? count - i : BATCH;
        if (!take_batch(partition, messages + i, some)) {
            if (stop_by_index(partition))
                return true;
            partition_close(partition);
            return error_set(error, ERROR_INTERNAL, "%s/%d: out of memory", partition->id.source,
                             (int)partition->id.partition);
        }
    }
    if (partition->index && !partition->source->is_stream_alone)
        index_evict(partition->index, partition->clock_us - partition->source->horizon_us);
    return true;
}

void partition_advance(struct partition *partition, int64_t offset)
{
    if (!partition_is_open(partition) || offset < partition->position)
        return;
    partition->position = offset;
    if (partition->position >= partition->accept_from)
        partition->state = PARTITION_RUNNING;
}

void partition_note_idle(struct partition *partition, int64_t at_us)
{
    if (partition->state == PARTITION_RUNNING && !partition->commit_id[0] && at_us > partition->idle_us)
        partition->idle_us = at_us;
}

bool partition_has_pending(const struct partition *partition)
{
    if (partition->state == PARTITION_STOPPED)
        return strcmp(partition->slot.alarm, partition->alarm) != 0;
    if (partition->state == PARTITION_READING)
        return partition->commit_id[0] != '\0';
    return partition->state == PARTITION_RUNNING &&
           (partition->pending > 0 || partition->leaving || partition->position > partition->slot.next ||
            partition->commit_id[0] || (partition->slot.end == LOG_END_UNKNOWN && !partition->is_left));
}

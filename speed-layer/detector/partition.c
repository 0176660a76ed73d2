/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/partition.h"

struct floor detector_partition_floor(const struct detector *detector, const struct detector_position *position,
                                      int64_t reread)
{
    bool is_same = strcmp(position->fingerprint, detector->fingerprint) == 0;
    if (is_same || reread < 0 || reread >= position->floor.offset)
        return position->floor;
    return (struct floor){reread, CLOCK_NONE};
}

bool detector_partition_open(struct detector_partition *partition, const struct detector_position *position,
                             struct floor floor, int64_t first, struct detection_budget *budget, uint64_t seed)
{
    detector_partition_close(partition);
    partition->detection = detection_new(partition->detector, budget, floor.clock_before_us, seed);
    if (!partition->detection)
        return false;
    partition->position = *position;
    partition->gap = first > position->offset ? first - position->offset : 0;
    partition->position.offset += partition->gap;
    partition->position.gap += partition->gap;
    partition->position.floor = floor;
    memcpy(partition->position.fingerprint, partition->detector->fingerprint, FINGERPRINT_SIZE);
    partition->record_time_us = position->record_time_us;
    partition->next = floor.offset < first ? first : floor.offset;
    partition->counts = partition->counted = (struct detection_counts){0};
    partition->state = DETECTOR_OPEN;
    return true;
}

void detector_partition_close(struct detector_partition *partition)
{
    detection_destroy(partition->detection);
    partition->detection = NULL;
    partition->state = DETECTOR_CLOSED;
}

struct alert_receiver {
    const struct detector_partition *partition;
    struct pending_alerts *pending;
};

static bool on_alert(void *context, const struct alert *alert)
{
    const struct alert_receiver *receiver = context;
    return pending_alerts_add(receiver->pending, alert, receiver->partition->detector, receiver->partition->number);
}

/* Bad messages are nobody's transactions: the source's own reader counts and keeps them. */
static enum detection_result take_one(struct detector_partition *partition, struct decoder *decoder,
                                      const struct log_message *message, struct alert_receiver *receiver)
{
    struct record record;
    struct rejection rejection;
    enum decode_result result = decoder_decode(decoder, message->payload, message->record_time_us, &record, &rejection);
    if (result != DECODE_GOOD)
        return result == DECODE_REJECTED ? DETECTION_TAKEN : DETECTION_NO_MEMORY;
    const struct transaction transaction = {message->offset, message->record_time_us, message->key, &record};
    return detection_take(partition->detection, &transaction, message->offset >= partition->position.offset, on_alert,
                          receiver);
}

/* The position stays a valid one without the state: a floor that is lower than it must be does no harm. */
static void stop(struct detector_partition *partition, enum detection_result result)
{
    partition->counts = *detection_counts(partition->detection);
    detection_destroy(partition->detection);
    partition->detection = NULL;
    partition->state = result == DETECTION_FULL ? DETECTOR_STOPPED : DETECTOR_CLOSED;
}

size_t detector_partition_take(struct detector_partition *partition, struct decoder *decoder,
                               const struct log_message messages[], size_t count, struct pending_alerts *pending)
{
    struct alert_receiver receiver = {partition, pending};
    size_t taken = 0;
    for (; taken < count && !pending_alerts_are_full(pending); taken++) {
        const struct log_message *message = &messages[taken];
        if (message->offset < partition->next)
            continue;
        size_t alerts = pending->count;
        enum detection_result result = take_one(partition, decoder, message, &receiver);
        if (result != DETECTION_TAKEN) {
            pending->count = alerts; /* it will be judged again as a whole */
            stop(partition, result);
            break;
        }
        partition->next = message->offset + 1;
        partition->record_time_us = message->record_time_us;
    }
    if (partition->detection)
        partition->counts = *detection_counts(partition->detection);
    decoder_reset(decoder);
    return taken;
}

void detector_partition_advance(struct detector_partition *partition, int64_t offset)
{
    if (offset > partition->next)
        partition->next = offset;
}

int64_t detector_partition_uncommitted(const struct detector_partition *partition)
{
    int64_t ahead = partition->next - partition->position.offset + partition->gap;
    return partition->state != DETECTOR_CLOSED && ahead > 0 ? ahead : 0;
}

struct detector_position detector_partition_position(const struct detector_partition *partition)
{
    struct detector_position position = partition->position;
    position.offset = partition->next;
    position.record_time_us = partition->record_time_us;
    if (partition->detection)
        position.floor = detection_floor(partition->detection, partition->next);
    return position;
}

void detector_partition_committed(struct detector_partition *partition, const struct detector_position *position)
{
    partition->position = *position;
}

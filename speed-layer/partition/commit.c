/* SPDX-License-Identifier: Apache-2.0
 * Committing what a partition has taken, and what follows from each answer. */
#include "partition/partition.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"

#include "base/crash.h"
#include "state/fit.h"

bool partition_random_id(char ret_id[INCARNATION_SIZE], struct error *error)
{
    unsigned char bytes[(INCARNATION_SIZE - 1) / 2];
    if (!random_bytes(bytes, sizeof bytes))
        return error_set(error, ERROR_INTERNAL, "the kernel gives no random numbers");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret_id + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* Of the log, for those who read the slot. Who leaves says nothing of it: it isn't known again before the next owner
 * has asked. */
static int64_t end_to_tell(const struct partition *partition, int64_t next)
{
    if (partition->is_left)
        return LOG_END_UNKNOWN;
    return partition->end > next ? partition->end : next;
}

/* While the index is filled nothing is taken yet: the commit leaves all as it is, and says that somebody is at it. */
static struct commit describe_opening(const struct partition *partition)
{
    const struct slot *slot = &partition->slot;
    return (struct commit){
        .id = partition->id,
        .source = partition->source,
        .incarnation = slot->incarnation,
        .cluster = slot->cluster,
        .commit_id = partition->commit_id,
        .after = slot->commit_id,
        .expected = slot->next,
        .next = slot->next,
        .floor = slot->floor,
        .floor_time_us = slot->floor_time_us,
        .clock_us = slot->clock_us,
        .idle_us = slot->idle_us,
        .left_us = slot->left_us,
        .deferred_us = slot->deferred_us,
        .tail = slot->tail,
        .tail_time_us = slot->tail_time_us,
        .tail_hash = slot->tail_hash,
        .end = end_to_tell(partition, slot->next),
        .ledger = &partition->ledger,
        .panes = partition->panes,
        .has_checksums = slot_has_checksums(&partition->slot),
        .gaps = &slot->gaps,
        .alarm = slot->alarm,
        .wanted_epoch = partition->wanted_epoch,
    };
}

static struct commit describe_taken(const struct partition *partition)
{
    struct index_floor floor = {partition->slot.floor, partition->slot.floor_time_us};
    if (partition->index)
        floor = index_floor(partition->index);
    else if (partition->source->on_duplicate == ON_DUPLICATE_NONE)
        floor = (struct index_floor){partition->slot.first, -1};
    return (struct commit){
        .id = partition->id,
        .source = partition->source,
        .incarnation = partition->slot.incarnation,
        .cluster = partition->slot.cluster,
        .commit_id = partition->commit_id,
        .after = partition->slot.commit_id,
        .expected = partition->slot.next,
        .next = partition->position,
        .floor = floor.offset,
        .floor_time_us = floor.time_us,
        .clock_us = partition->clock_us,
        .idle_us = partition->idle_us,
        .left_us = partition->leaving ? partition->leaving_us : partition->slot.left_us,
        .leaving = partition->leaving,
        .deferred_us = partition->deferred_us,
        .tail = partition->tail,
        .tail_time_us = partition->tail_time_us,
        .tail_hash = partition->tail_hash,
        .end = end_to_tell(partition, partition->position),
        .real_end = partition->is_left ? 0 : partition->real_end,
        .ledger = &partition->ledger,
        .panes = partition->panes,
        .has_checksums = slot_has_checksums(&partition->slot),
        .gaps = &partition->gaps,
        .alarm = partition->alarm,
        .wanted_epoch = partition->wanted_epoch,
    };
}

/* Until it is answered it stays the same. */
static bool describe(struct partition *partition, struct commit *ret_commit, struct error *error)
{
    if (partition->commit_id[0] == '\0' && !partition_random_id(partition->commit_id, error))
        return false;
    *ret_commit = partition->state == PARTITION_READING ? describe_opening(partition) : describe_taken(partition);
    return true;
}

static void committed(struct partition *partition, const struct commit *commit)
{
    slot_follow(&partition->slot, commit);
    partition->ledger = (struct ledger){0};
    partition->pending = 0;
    partition->commit_id[0] = '\0';
    load_add(&partition->load, partition->panes, partition->source->view_count);
    for (size_t i = 0; i < partition->source->view_count; i++)
        panes_clear(&partition->panes[i]);
    partition_forget_leaving(partition);
}

bool partitions_commit(struct partition *const partitions[], size_t count, enum commit_answer ret_answers[],
                       size_t *ret_answered, struct error *error)
{
    struct commit commits[PARTITIONS_AT_ONCE];
    struct commit_outcome outcomes[PARTITIONS_AT_ONCE];
    struct realtime_store *store = partitions[0]->environment->realtime;
    *ret_answered = 0;
    for (size_t i = 0; i < count; i++)
        if (!describe(partitions[i], &commits[i], error))
            return false;
    crash_point("before_redis");
    bool done = store->operations->commit(store, commits, count, outcomes, ret_answered, error);
    if (done)
        crash_point("after_redis_before_ack");
    for (size_t i = 0; i < *ret_answered; i++) {
        ret_answers[i] = outcomes[i].answer;
        if (ret_answers[i] == COMMIT_OK || ret_answers[i] == COMMIT_ALREADY)
            committed(partitions[i], &commits[i]);
        else
            partition_close(partitions[i]);
    }
    return done;
}

bool partition_commit(struct partition *partition, enum commit_answer *ret_answer, struct error *error)
{
    size_t answered;
    return partitions_commit(&partition, 1, ret_answer, &answered, error);
}

bool partition_check(struct partition *partition, const struct publication *publication, bool *ret_fits,
                     struct error *error)
{
    struct slot slot;
    struct realtime_store *store = partition->environment->realtime;
    if (!store->operations->read_slot(store, partition->id, &slot, error))
        return false;
    partition->published_epoch = publication->epoch;
    *ret_fits = slot.exists && strcmp(slot.incarnation, partition->slot.incarnation) == 0 &&
                slot.next == partition->slot.next && strcmp(slot.commit_id, partition->slot.commit_id) == 0 &&
                slot_fits(&slot, partition->id.partition, publication);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 * Partitions that the group gave to another installation: their slots say so, for the answers aren't complete without
 * them. Whoever of ours is given one later opens its slot as any other, and its first commit takes the alarm away. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/state.h"

#define MARKING_US US_PER_SECOND /* for so long slots are marked between two polls */

static bool owns(const struct worker *worker, const char *source, int32_t partition)
{
    for (size_t i = 0; i < worker->owned_count; i++)
        if (worker->owned[i].partition->id.partition == partition &&
            strcmp(worker->owned[i].partition->id.source, source) == 0)
            return true;
    return false;
}

/* Opens it as if it were ours, stops it at once, and commits that. */
static bool mark(struct worker *worker, struct partition *partition, struct error *error)
{
    struct slot slot;
    struct realtime_store *store = worker->environment.realtime;
    if (!store->operations->read_slot(store, partition->id, &slot, error))
        return false;
    if (slot.exists && strcmp(slot.alarm, SLOT_ALARM_FOREIGN) == 0)
        return true;
    struct log_extent log;
    enum commit_answer answer;
    if (!worker_ask_extent(worker, partition, &log, error) || !partition_open(partition, &log, error))
        return false;
    partition_stop(partition, SLOT_ALARM_FOREIGN);
    return partition_commit(partition, &answer, error);
}

void worker_mark_foreign(struct worker *worker)
{
    const struct speed *speed = worker->speed;
    struct foreign_partition foreign;
    int64_t until_us = clock_monotonic_us() + MARKING_US;
    if (!speed->foreign || worker->number != 0)
        return;
    for (size_t i = 0; clock_monotonic_us() < until_us && speed->foreign(speed->group_context, i, &foreign); i++) {
        const struct source *source = &speed->settings->sources[foreign.source];
        struct error error = {0};
        if (owns(worker, source->name, foreign.partition))
            continue;
        struct partition *partition = partition_new(&worker->environment, source, foreign.partition);
        if (partition && !mark(worker, partition, &error))
            log_debug("%s/%d isn't marked as foreign: %s", source->name, (int)foreign.partition, error.message);
        partition_destroy(partition);
    }
}

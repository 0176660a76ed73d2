/* SPDX-License-Identifier: Apache-2.0
 * A replay reads its topics as any worker does, into slots of a definition of their own. Each of them that has read as
 * far as the one that is in use takes its place, in one step; whoever reads that one goes on with what it then finds.
 */
#include "base/log.h"
#include "worker/state.h"

static bool has_caught_up(const struct owned *owned)
{
    const struct partition *partition = owned->partition;
    return partition->state == PARTITION_RUNNING && owned->target >= 0 && partition->slot.next >= owned->target &&
           !partition_has_pending(partition);
}

static bool take_place(struct worker *worker, struct owned *owned, const char *place, struct error *error)
{
    struct partition *partition = owned->partition;
    struct realtime_store *store = worker->environment.realtime;
    const struct slot_id there = {partition->id.source, partition->id.partition, place};
    bool done = true;
    if (place && !store->operations->replace(store, there, partition->id.definition, &done, error))
        return false;
    if (!done)
        return true;
    log_info("%s/%d: replayed up to offset %lld", partition->id.source, (int)partition->id.partition,
             (long long)partition->slot.next);
    owned->is_placed = true;
    worker_close(worker, owned);
    return true;
}

void worker_take_places(struct worker *worker)
{
    const char *const *places = worker->speed->places;
    struct error error = {0};
    for (size_t i = 0; places && i < worker->owned_count && !worker->suspended; i++) {
        struct owned *owned = &worker->owned[i];
        if (has_caught_up(owned) && !take_place(worker, owned, places[owned->source], &error))
            worker_suspend(worker, &error);
    }
}

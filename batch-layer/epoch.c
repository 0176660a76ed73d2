/* SPDX-License-Identifier: Apache-2.0 */
#include "epoch.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "batch_store.h"

static struct slot_id slot_of(const struct source_run *run, const struct partition_state *partition)
{
    return (struct slot_id){run->source->name, partition->number};
}

static bool not_ready(const struct source_run *run, const struct partition_state *partition, const char *reason,
                      struct error *error)
{
    return error_set(error, ERROR_TRY_AGAIN, "source %s: partition %d isn't ready: %s", run->source->name,
                     (int)partition->number, reason);
}

static bool has_epoch(const struct slot *slot, int64_t epoch)
{
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == epoch)
            return true;
    return false;
}

/* True where the slot continues the publication. */
static bool check_slot(const struct source_run *run, const struct partition_state *partition, const struct slot *slot,
                       struct error *error)
{
    struct error other;
    if (!slot->exists)
        return not_ready(run, partition, "the speed layer hasn't begun with it; is tidemark-speed running?", error);
    if (!slot_format_check(slot, &other))
        return error_context(&other, "its slot") || not_ready(run, partition, other.message, error);
    if (strcmp(slot->definition, run->source->fingerprint) != 0)
        return not_ready(run, partition, "the speed layer works with another definition of the source", error);
    if (!publication_is_of_cluster(&run->publication, slot->cluster))
        return not_ready(run, partition, "its slot was read from another Kafka cluster; see tidemark-batch repair",
                         error);
    if (!slot_fits(slot, partition->number, &run->publication))
        return not_ready(run, partition, "the speed layer is still rebuilding it from the published cut", error);
    return true;
}

static bool look_at(struct source_run *run, struct partition_state *partition, bool *news, struct error *error)
{
    struct realtime_store *store = run->batch->realtime;
    struct slot slot;
    if (!store->operations->read_slot(store, slot_of(run, partition), &slot, error) ||
        !check_slot(run, partition, &slot, error))
        return false;
    if (!partition->published) {
        partition->recorded = partition->recorded && partition->first == slot.first;
        partition->first = partition->begins = slot.first;
    }
    if (slot.partitions > 0 && slot.partitions < run->accepted_partitions)
        run->accepted_partitions = slot.partitions;
    *news = *news || slot.next > partition->begins;
    run->was_open = run->was_open || has_epoch(&slot, run->publication.epoch + 2);
    return true;
}

static bool look_once(struct source_run *run, bool *ret_news, struct error *error)
{
    bool news = false;
    run->was_open = false;
    run->accepted_partitions = (int64_t)run->partition_count;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!look_at(run, &run->partitions[i], &news, error))
            return false;
    if (run->publication.accepted_partitions)
        run->accepted_partitions = run->publication.accepted_partitions;
    if (run->batch->accepts_partitions)
        run->accepted_partitions = (int64_t)run->partition_count;
    *ret_news = news;
    return true;
}

static bool open_at(struct source_run *run, struct partition_state *partition, struct error *error)
{
    struct realtime_store *store = run->batch->realtime;
    int64_t cut;
    if (!store->operations->open_epoch(store, slot_of(run, partition), run->source->fingerprint,
                                       run->publication.epoch + 2, &cut, error))
        return false;
    if (cut < 0)
        return not_ready(run, partition, "the speed layer let go of it while its epoch was opened", error);
    if (cut < partition->begins) /* a store that came back older: it will be rebuilt */
        return not_ready(run, partition, "the real-time store is older than the published cut", error);
    partition->cut = cut;
    crash_point("after_open_epoch");
    return true;
}

static bool open_once(struct source_run *run, bool *ret_unused, struct error *error)
{
    (void)ret_unused;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!open_at(run, &run->partitions[i], error))
            return false;
    return true;
}

/* The speed layer may just be starting: tries again for a few seconds while partitions aren't ready. */
static bool keep_trying(struct source_run *run, bool (*step)(struct source_run *, bool *, struct error *), bool *ret,
                        struct error *error)
{
    struct retry retry = {.first_ms = 50, .ceiling_ms = 500};
    int64_t deadline_us = clock_monotonic_us() + run->batch->ready_wait_ms * 1000;
    for (;;) {
        struct error problem = {0};
        if (step(run, ret, &problem))
            return true;
        int64_t now_us = clock_monotonic_us();
        retry_failed(&retry, now_us);
        if (problem.code != ERROR_TRY_AGAIN || now_us >= deadline_us ||
            !shutdown_sleep(retry_wait_us(&retry, now_us) / 1000 + 1)) {
            *error = problem;
            return false;
        }
    }
}

bool epoch_look(struct source_run *run, bool *ret_news, struct error *error)
{
    return keep_trying(run, look_once, ret_news, error);
}

static bool drop_epochs(struct source_run *run, int64_t last, struct error *error)
{
    struct realtime_store *store = run->batch->realtime;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!store->operations->drop_epochs(store, slot_of(run, &run->partitions[i]), last, error))
            return false;
    return true;
}

bool epoch_open(struct source_run *run, struct error *error)
{
    return run->batch->store->note_opening(run, &run->opened_at_us, error) &&
           drop_epochs(run, run->publication.epoch - 1, error) && keep_trying(run, open_once, NULL, error);
}

bool epoch_drop_old(struct source_run *run, struct error *error)
{
    return drop_epochs(run, run->publication.epoch, error);
}

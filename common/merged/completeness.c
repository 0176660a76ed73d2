/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/completeness.h"

bool view_has_data(const struct snapshot *snapshot, size_t view)
{
    if (snapshot->partition_count == 0 || snapshot->publication.gap_count > 0 ||
        !snapshot_view_is_current(snapshot, view))
        return false;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        if (snapshot->partitions[i].absence != ABSENT_NOT || snapshot->partitions[i].added ||
            snapshot->partitions[i].gaps.count)
            return false;
    return true;
}

bool view_is_complete(const struct snapshot *snapshot, size_t view)
{
    return view_has_data(snapshot, view) && snapshot_deferred(snapshot) == 0;
}

int64_t snapshot_watermark_us(const struct snapshot *snapshot, size_t view)
{
    int64_t least_us = INT64_MAX, watermark_us = snapshot->source->views[view].watermark_us;
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        int64_t settled_us = snapshot->partitions[i].settled_us;
        if (settled_us > 0 && settled_us < least_us)
            least_us = settled_us;
    }
    return watermark_us == 0 || least_us == INT64_MAX ? INT64_MIN : least_us - watermark_us;
}

/* What the log says, where it was asked. */
static int64_t lag_in_log(const struct snapshot *snapshot, size_t partition, int64_t offset)
{
    if (partition >= snapshot->log_count || snapshot->log[partition].end < 0)
        return LAG_UNKNOWN;
    const struct log_sight *log = &snapshot->log[partition];
    int64_t from = offset >= 0 ? offset : log->first;
    return log->end > from ? log->end - from : 0;
}

int64_t snapshot_partition_lag(const struct snapshot *snapshot, size_t partition)
{
    const struct partition_provenance *state = &snapshot->partitions[partition];
    return state->lag == LAG_UNKNOWN && state->silent ? lag_in_log(snapshot, partition, state->offset) : state->lag;
}

static void add_lag(int64_t *sum, int64_t lag)
{
    *sum = *sum == LAG_UNKNOWN || lag == LAG_UNKNOWN ? LAG_UNKNOWN : *sum + lag;
}

/* Of partitions without a slot that no publication names, only the log knows. */
static void add_unheard(const struct snapshot *snapshot, struct unread *unread)
{
    for (size_t i = snapshot->partition_count; i < snapshot->log_count; i++) {
        unread->partitions++;
        add_lag(&unread->messages, lag_in_log(snapshot, i, -1));
    }
}

int64_t snapshot_lag(const struct snapshot *snapshot)
{
    struct unread lag = {0};
    for (size_t i = 0; i < snapshot->partition_count; i++)
        add_lag(&lag.messages, snapshot_partition_lag(snapshot, i));
    add_unheard(snapshot, &lag);
    return snapshot->partition_count > 0 || lag.partitions > 0 ? lag.messages : LAG_UNKNOWN;
}

bool partition_is_unread(const struct partition_provenance *state)
{
    return state->silent && !*state->alarm;
}

struct unread snapshot_unread(const struct snapshot *snapshot)
{
    struct unread unread = {0};
    if (snapshot->source->is_batch_alone) /* as it is meant to be */
        return unread;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        if (partition_is_unread(&snapshot->partitions[i])) {
            unread.partitions++;
            add_lag(&unread.messages, snapshot_partition_lag(snapshot, i));
        }
    add_unheard(snapshot, &unread);
    return unread;
}

int64_t snapshot_uncommitted(const struct snapshot *snapshot)
{
    int64_t uncommitted = snapshot->partition_count ? 0 : LAG_UNKNOWN;
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        if (snapshot->partitions[i].uncommitted == LAG_UNKNOWN)
            return LAG_UNKNOWN;
        uncommitted += snapshot->partitions[i].uncommitted;
    }
    return uncommitted;
}

int64_t snapshot_deferred(const struct snapshot *snapshot)
{
    int64_t deferred = 0;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        deferred += snapshot->partitions[i].deferred;
    return deferred;
}

struct ledger snapshot_ledger(const struct snapshot *snapshot)
{
    struct ledger ledger = snapshot->publication.ledger;
    ledger_merge(&ledger, &snapshot->live_ledger);
    return ledger;
}

bool snapshot_view_ledger_is_known(const struct snapshot *snapshot, size_t view)
{
    return snapshot->loaded && snapshot_view_is_current(snapshot, view);
}

bool snapshot_ledger_is_closed(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->partition_count; i++)
        if (!fates_are_closed(&snapshot->partitions[i].fates))
            return false;
    const struct ledger ledger = snapshot_ledger(snapshot);
    for (size_t i = 0; i < snapshot->source->view_count; i++)
        if (snapshot_view_is_current(snapshot, i) && !ledger_closes_view(&ledger, i))
            return false;
    return fates_are_closed(&ledger.fates);
}

bool snapshot_gap(const struct snapshot *snapshot, size_t partition, size_t number, struct offset_range *ret_gap)
{
    const struct publication *publication = &snapshot->publication;
    for (size_t i = 0; i < publication->gap_count; i++)
        if ((size_t)publication->gaps[i].partition == partition && number-- == 0) {
            *ret_gap = publication->gaps[i].range;
            return true;
        }
    const struct gaps *gaps = &snapshot->partitions[partition].gaps;
    if (number >= gaps->count)
        return false;
    *ret_gap = gaps->ranges[number];
    return true;
}

int64_t snapshot_gap_messages(const struct snapshot *snapshot)
{
    int64_t messages = 0;
    struct offset_range gap;
    for (size_t partition = 0; partition < snapshot->partition_count; partition++)
        for (size_t i = 0; snapshot_gap(snapshot, partition, i, &gap); i++)
            messages += gap.to - gap.from;
    return messages;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/fit.h"

/* Of what it passed over, the batch layer may have published some: the batch views hold orders that the slot doesn't
 * know of. */
static bool lacks_published(const struct slot *slot, const struct published_partition *published)
{
    const struct gaps *gaps = &slot->gaps;
    return slot->floor_time_us == FLOOR_TIME_NEVER &&
           (gaps->count == 0 || gaps->ranges[gaps->count - 1].to <= published->cut);
}

/* Both know which message lies behind the cut, and it isn't the same: one of them read another log under this name, or
 * one that lost its end and was written on since. */
static bool are_of_two_logs(const struct epoch_start *start, const struct published_partition *published)
{
    return start->last_hash != 0 && published->last_hash != 0 &&
           (start->last != published->last || start->last_hash != published->last_hash);
}

bool slot_fits(const struct slot *slot, int32_t partition, const struct publication *publication)
{
    if (!slot->exists || slot->epoch <= publication->epoch || !publication_is_of_cluster(publication, slot->cluster))
        return false;
    const struct published_partition *published = publication_partition(publication, partition);
    if (slot->lost != (published ? published->lost : 0) ||
        (published && (published->first != slot->first || lacks_published(slot, published))))
        return false;
    const struct epoch_start *start = slot_epoch_start(slot, publication->epoch + 1);
    if (publication->is_never)
        return start && start->offset >= slot->first;
    return start && start->offset == (published ? published->cut : slot->first) &&
           !(published && are_of_two_logs(start, published));
}

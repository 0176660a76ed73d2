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

bool slot_fits(const struct slot *slot, int32_t partition, const struct publication *publication)
{
    if (!slot->exists || slot->epoch <= publication->epoch || !publication_is_of_cluster(publication, slot->cluster))
        return false;
    const struct published_partition *published = publication_partition(publication, partition);
    if (published &&
        (published->lost > slot->lost || published->first != slot->first || lacks_published(slot, published)))
        return false;
    int64_t begins = published ? published->cut : slot->first;
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == publication->epoch + 1)
            return slot->epochs[i].offset == begins;
    return false;
}

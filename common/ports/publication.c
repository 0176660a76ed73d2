/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/publication.h"

#include <stdlib.h>
#include <string.h>

void publication_clean_up(struct publication *publication)
{
    free(publication->partitions);
    free(publication->gaps);
    *publication = (struct publication){0};
}

bool publication_copy(const struct publication *publication, struct publication *ret_copy)
{
    struct publication copy = *publication;
    copy.partitions = calloc(copy.partition_count + 1, sizeof *copy.partitions);
    copy.gaps = calloc(copy.gap_count + 1, sizeof *copy.gaps);
    if (!copy.partitions || !copy.gaps) {
        publication_clean_up(&copy);
        return false;
    }
    for (size_t i = 0; i < copy.partition_count; i++)
        copy.partitions[i] = publication->partitions[i];
    for (size_t i = 0; i < copy.gap_count; i++)
        copy.gaps[i] = publication->gaps[i];
    *ret_copy = copy;
    return true;
}

const struct published_partition *publication_partition(const struct publication *publication, int32_t partition)
{
    size_t low = 0, high = publication->partition_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (publication->partitions[middle].partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_named = low < publication->partition_count && publication->partitions[low].partition == partition;
    return is_named ? &publication->partitions[low] : NULL;
}

bool publication_is_of_cluster(const struct publication *publication, const char *cluster)
{
    return !*publication->cluster || strcmp(publication->cluster, cluster) == 0;
}

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

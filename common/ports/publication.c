/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/publication.h"

#include <stdlib.h>

void publication_clean_up(struct publication *publication)
{
    free(publication->partitions);
    *publication = (struct publication){0};
}

const struct published_partition *publication_partition(const struct publication *publication, int32_t partition)
{
    for (size_t i = 0; i < publication->partition_count; i++)
        if (publication->partitions[i].partition == partition)
            return &publication->partitions[i];
    return NULL;
}

bool slot_fits(const struct slot *slot, int32_t partition, const struct publication *publication)
{
    if (!slot->exists || slot->epoch <= publication->epoch)
        return false;
    const struct published_partition *published = publication_partition(publication, partition);
    int64_t begins = published ? published->cut : slot->first;
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == publication->epoch + 1)
            return slot->epochs[i].offset == begins;
    return false;
}

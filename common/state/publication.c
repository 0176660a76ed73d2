/* SPDX-License-Identifier: Apache-2.0 */
#include "state/publication.h"

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

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/publication.h"

#include <stdlib.h>
#include <string.h>

#include "base/lower_bound.h"

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

struct partition_wanted {
    const struct publication *publication;
    int32_t partition;
};

static bool lies_below(const void *context, size_t number)
{
    const struct partition_wanted *wanted = context;
    return wanted->publication->partitions[number].partition < wanted->partition;
}

const struct published_partition *publication_partition(const struct publication *publication, int32_t partition)
{
    const struct partition_wanted wanted = {publication, partition};
    size_t at = lower_bound(publication->partition_count, lies_below, &wanted);
    bool is_named = at < publication->partition_count && publication->partitions[at].partition == partition;
    return is_named ? &publication->partitions[at] : NULL;
}

bool publication_is_of_cluster(const struct publication *publication, const char *cluster)
{
    return !*publication->cluster || strcmp(publication->cluster, cluster) == 0;
}

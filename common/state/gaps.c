/* SPDX-License-Identifier: Apache-2.0 */
#include "state/gaps.h"

void gaps_add(struct gaps *gaps, struct offset_range gap)
{
    struct offset_range *last = gaps->count ? &gaps->ranges[gaps->count - 1] : NULL;
    if (gap.from >= gap.to || (last && gap.to <= last->to))
        return;
    if (last && (gap.from <= last->to || gaps->count == GAPS_MAX))
        last->to = gap.to;
    else
        gaps->ranges[gaps->count++] = gap;
}

void gaps_drop_below(struct gaps *gaps, int64_t offset)
{
    size_t kept = 0;
    for (size_t i = 0; i < gaps->count; i++)
        if (gaps->ranges[i].to > offset)
            gaps->ranges[kept++] = gaps->ranges[i];
    gaps->count = kept;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/load.h"

void load_add(struct load *load, const struct panes panes[], size_t view_count)
{
    for (size_t view = 0; view < view_count; view++) {
        const size_t count = panes_count(&panes[view]);
        load->groups[view] += (int64_t)count;
        for (size_t i = 0; i < count; i++)
            load->bytes += LIVE_GROUP_BYTES + (int64_t)panes_get(&panes[view], i).group.length;
    }
}

void load_count(struct load *load, const struct slot_reader *reader, int64_t published_epoch)
{
    *load = (struct load){.bytes = 0};
    for (size_t i = 0; i < reader->epoch_count; i++)
        if (reader->epochs[i].epoch > published_epoch)
            load_add(load, reader->epochs[i].panes, reader->source->view_count);
}

static int64_t share_of(int64_t taken, int64_t limit)
{
    return limit > 0 ? (taken * 1000 + limit - 1) / limit : 0;
}

int64_t load_share(const struct load *load, const struct load_limits *limits)
{
    int64_t most = share_of(load->bytes, limits->bytes);
    for (size_t i = 0; i < VIEWS_MAX; i++) {
        int64_t share = share_of(load->groups[i], limits->groups);
        most = share > most ? share : most;
    }
    return most;
}

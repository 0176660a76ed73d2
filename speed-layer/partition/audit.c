/* SPDX-License-Identifier: Apache-2.0
 * Whether the store still holds what was committed to it, and how much that is. */
#include <string.h>

#include "base/log.h"
#include "partition/partition.h"
#include "state/slot_audit.h"

static void count_live_groups(struct partition *partition, const struct slot_reader *reader)
{
    memset(partition->live_groups, 0, sizeof partition->live_groups);
    for (size_t i = 0; i < reader->epoch_count; i++)
        for (size_t view = 0;
             reader->epochs[i].epoch > partition->published_epoch && view < partition->source->view_count; view++)
            partition->live_groups[view] += (int64_t)panes_count(&reader->epochs[i].panes[view]);
}

bool partition_audit(struct partition *partition, bool *ret_sound, struct error *error)
{
    struct realtime_store *store = partition->environment->realtime;
    struct slot_reader reader;
    struct error damage = {0};
    slot_reader_init(&reader, partition->id, partition->source);
    bool read = store->operations->read(store, &reader, &damage);
    bool sound = read && slot_reader_audit(&reader, &damage);
    if (sound)
        count_live_groups(partition, &reader);
    slot_reader_clean_up(&reader);
    if (!sound && damage.code != ERROR_DATA) {
        *error = damage;
        return false;
    }
    if (!sound)
        log_error("%s/%d: its slot in the real-time store is damaged: %s", partition->id.source,
                  (int)partition->id.partition, damage.message);
    *ret_sound = sound;
    return true;
}

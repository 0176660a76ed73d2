/* SPDX-License-Identifier: Apache-2.0
 * Whether the store still holds what was committed to it, and how much that is. */
#include "base/log.h"
#include "partition/partition.h"
#include "state/slot_audit.h"

static void count_load(struct partition *partition, const struct slot_reader *reader)
{
    load_count(&partition->load, reader, partition->published_epoch);
    partition->counted_share = load_share(&partition->load, &partition->environment->limits);
    partition->wanted_epoch = partition_share(partition) >= SHARE_HALF ? partition->published_epoch + 1 : 0;
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
        count_load(partition, &reader);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/wanted.h"

#include "publication/publisher.h"

/* The epoch whose publication makes room for all partitions of the source; 0: none has to. */
static int64_t wanted_epoch(struct realtime_store *realtime, const struct source *source)
{
    struct slot slot;
    struct error error = {0};
    int64_t epoch = 0;
    for (int32_t i = 0; realtime->operations->read_slot(realtime, slot_id_of(source, i), &slot, &error) && slot.exists;
         i++)
        epoch = slot.wanted_epoch > epoch ? slot.wanted_epoch : epoch;
    return epoch;
}

bool publication_is_wanted(struct batch *record, struct realtime_store *realtime, const struct source *source)
{
    struct publication publication = {0};
    struct error error = {0};
    int64_t epoch = source->is_batch_alone ? 0 : wanted_epoch(realtime, source);
    if (epoch == 0)
        return false;
    bool is_needed = record->publisher->begin_read(record, source, &publication, &error) && publication.epoch < epoch;
    record->publisher->roll_back(record);
    publication_clean_up(&publication);
    return is_needed;
}

/* SPDX-License-Identifier: Apache-2.0
 * What is past the retention leaves the slot of a source without a batch layer, by whole days, in a commit of its own.
 * What it counted the ledger counts as expired from then on. What comes for those days later, or is taken back from
 * them, leaves with the next days. */
#include "partition/partition.h"

#include <stdlib.h>
#include <string.h>

#include "state/slot_audit.h"
#include "view/retention.h"

bool partition_has_expired(const struct partition *partition)
{
    const struct source *source = partition->source;
    const struct slot *slot = &partition->slot;
    bool any = false;
    for (size_t i = 0; !any && source->is_stream_alone && i < source->view_count; i++)
        any = view_leaves_before_us(&source->views[i], slot->clock_us) >
              view_leaves_before_us(&source->views[i], slot->left_us);
    return any && partition->state == PARTITION_RUNNING;
}

static bool take_leaving(struct partition *partition, size_t view, const struct panes *held)
{
    int64_t before_us = view_leaves_before_us(held->view, partition->leaving_us);
    for (size_t i = 0; i < panes_count(held); i++) {
        struct pane pane = panes_get(held, i);
        if (pane.window_start_us >= before_us)
            continue;
        if (!panes_add(&partition->leaving[view], pane.window_start_us, pane.group, pane.cell))
            return false;
        partition->ledger.views[view].counted -= pane.cell->count;
        partition->ledger.views[view].expired += pane.cell->count;
    }
    return true;
}

/* Of the slot as this partition left it: another one refuses the commit, whatever it takes out. */
static bool take_all_leaving(struct partition *partition, const struct slot_reader *reader)
{
    size_t view_count = partition->source->view_count;
    bool taken = true;
    partition->leaving = calloc(view_count + 1, sizeof *partition->leaving);
    partition->leaving_us = partition->slot.clock_us;
    if (!partition->leaving)
        return false;
    for (size_t i = 0; i < view_count; i++)
        panes_init(&partition->leaving[i], &partition->source->views[i]);
    for (size_t i = 0; taken && i < view_count; i++)
        taken = reader->epoch_count == 0 || take_leaving(partition, i, &reader->epochs[0].panes[i]);
    return taken;
}

bool partition_drop_expired(struct partition *partition, struct error *error)
{
    struct realtime_store *store = partition->environment->realtime;
    struct slot_reader reader;
    slot_reader_init(&reader, partition->id, partition->source);
    bool done = store->operations->read(store, &reader, error) && slot_reader_audit(&reader, error);
    if (done && reader.slot.exists && strcmp(reader.slot.commit_id, partition->slot.commit_id) == 0)
        done = take_all_leaving(partition, &reader) || error_set(error, ERROR_INTERNAL, "out of memory");
    slot_reader_clean_up(&reader);
    return done;
}

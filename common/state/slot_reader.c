/* SPDX-License-Identifier: Apache-2.0 */
#include "state/slot_reader.h"

#include <stdlib.h>

void slot_reader_init(struct slot_reader *reader, struct slot_id id, const struct source *source)
{
    *reader = (struct slot_reader){.id = id, .source = source};
}

void slot_reader_hold(struct slot_reader *reader)
{
    if (reader->hold)
        reader->hold(reader->context, reader);
}

static void cells_clean_up(const struct slot_reader *reader, struct epoch_cells *cells)
{
    for (size_t view = 0; view < reader->source->view_count; view++)
        panes_clean_up(&cells->panes[view]);
    free(cells->panes);
    free(cells->totals);
}

void slot_reader_clear(struct slot_reader *reader)
{
    for (size_t i = 0; i < reader->epoch_count; i++)
        cells_clean_up(reader, &reader->epochs[i]);
    reader->epoch_count = 0;
}

void slot_reader_clean_up(struct slot_reader *reader)
{
    slot_reader_clear(reader);
    reader->slot = (struct slot){0};
    reader->state[0] = '\0';
}

struct epoch_cells *slot_reader_epoch(struct slot_reader *reader, int64_t epoch)
{
    for (size_t i = 0; i < reader->epoch_count; i++)
        if (reader->epochs[i].epoch == epoch)
            return &reader->epochs[i];
    size_t view_count = reader->source->view_count;
    if (reader->epoch_count == LIVE_EPOCHS_MAX)
        return NULL;
    struct panes *panes = calloc(view_count + 1, sizeof *panes);
    struct cell_total *totals = calloc(view_count + 1, sizeof *totals);
    if (!panes || !totals) {
        free(panes);
        free(totals);
        return NULL;
    }
    for (size_t view = 0; view < view_count; view++)
        panes_init(&panes[view], &reader->source->views[view]);
    struct epoch_cells *cells = &reader->epochs[reader->epoch_count++];
    *cells = (struct epoch_cells){.epoch = epoch, .panes = panes, .totals = totals};
    return cells;
}

bool slot_reader_trim(struct slot_reader *reader)
{
    size_t kept = 0;
    for (size_t i = 0; i < reader->epoch_count; i++)
        if (slot_is_live(&reader->slot, reader->epochs[i].epoch))
            reader->epochs[kept++] = reader->epochs[i];
        else
            cells_clean_up(reader, &reader->epochs[i]);
    bool any = kept < reader->epoch_count;
    reader->epoch_count = kept;
    return any;
}

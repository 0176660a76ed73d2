/* SPDX-License-Identifier: Apache-2.0
 * What a reader holds of one slot: the slot, and its cells and ledger by epoch. */
#ifndef TIDEMARK_STATE_SLOT_READER_H
#define TIDEMARK_STATE_SLOT_READER_H

#include "state/cell_total.h"
#include "state/ledger.h"
#include "state/slot.h"

#define SLOT_STATE_SIZE 41 /* 160 bits as hex digits */

/* What a reader (the serving layer) holds of one slot: the slot, and the panes and ledger of each live epoch.
 * `read` asks for what changed since the sequence held; where the store can't say any more, or the incarnation is
 * another, everything is read again. `changes` of the call: for each pane changed the reader calls `changed`. */
struct slot_reader {
    struct slot_id id;
    const struct source *source;
    struct slot slot;
    char state[SLOT_STATE_SIZE]; /* by which the store tells a slot from what it was; empty where it can't */
    struct epoch_cells {
        int64_t epoch;
        struct panes *panes; /* one a view */
        struct ledger ledger;
        struct cell_total *totals; /* one a view: what the ledger says that the cells of the view add up to */
    } epochs[LIVE_EPOCHS_MAX];
    size_t epoch_count;
    /* Called before a read changes the reader, perhaps more than once: the read waits for nothing behind that. May be
     * NULL. */
    void (*hold)(void *context, struct slot_reader *reader);
    /* Called for each delta applied to `epochs` (not for a full read); may be NULL. */
    void (*changed)(void *context, struct slot_reader *reader, int64_t epoch, size_t view, struct pane delta);
    /* Called after `epochs` were replaced by a full read, an epoch appeared or one was dropped; may be NULL. */
    void (*replaced)(void *context, struct slot_reader *reader);
    void *context;
};
void slot_reader_init(struct slot_reader *reader, struct slot_id id, const struct source *source);
void slot_reader_clean_up(struct slot_reader *reader);
/* What a read calls before it changes the reader. */
void slot_reader_hold(struct slot_reader *reader);
/* The cells of this epoch, made where new; NULL where memory is short or there are too many epochs. */
struct epoch_cells *slot_reader_epoch(struct slot_reader *reader, int64_t epoch);
/* Forgets the epochs that aren't in reader->slot any more; true where there were any. */
bool slot_reader_trim(struct slot_reader *reader);
/* Forgets all cells. */
void slot_reader_clear(struct slot_reader *reader);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The real-time store: per partition of a source one slot that changes only by atomic functions.
 *
 * `commit` compares before it writes anything, so a crash, a zombie, a retry or a store that came back older all end
 * alike: the caller reads on from what the store says. */
#ifndef TIDEMARK_PORTS_REALTIME_STORE_H
#define TIDEMARK_PORTS_REALTIME_STORE_H

#include "state/commit.h"
#include "state/slot.h"
#include "state/slot_reader.h"

struct realtime_store {
    const struct realtime_store_operations *operations;
};

/* One commit by itself. */
bool realtime_commit(struct realtime_store *store, const struct commit *commit, struct commit_outcome *ret_outcome,
                     struct error *error) MUST_CHECK;

/* Every operation is one round trip, but that `ask` waits for no answer and `read` takes a large slot in parts; errors
 * are ERROR_UNAVAILABLE where trying again can help (no connection, LOADING, OOM, MISCONF, READONLY, NOREPLICAS, BUSY,
 * CLUSTERDOWN, MASTERDOWN) and ERROR_CONFIGURATION where an operator must act (an eviction policy that isn't
 * noeviction). ERROR_DATA is one slot's: the store and its other slots are well. What would change a slot of a newer
 * format changes nothing, and is ERROR_TRY_AGAIN, but for `commit` and `forget`. One thread at a time per store object.
 */
struct realtime_store_operations {
    bool (*read_slot)(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error);

    /* Starts a slot anew, only if it is still the incarnation that was seen ("" where there was no slot): all cells and
     * ledgers go. From `fresh` it takes incarnation, cluster, epoch, partitions, first, lost, next,
     * floor, floor_time_us, clock_us, tail*, end, real_end, gaps, requires; the epoch begins at next. *ret_done
     * false: somebody else was first.
     */
    bool (*init)(struct realtime_store *store, struct slot_id id, const char *seen_incarnation,
                 const struct slot *fresh, bool *ret_done, struct error *error);

    /* In one round trip, each an atomic step of its own, in this order. What came of the first *ret_answered is in
     * ret_outcomes. An error is of the next one; whether that and those behind it were carried out isn't known, and
     * they are to be tried again just as they are. */
    bool (*commit)(struct realtime_store *store, const struct commit commits[], size_t count,
                   struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error);

    /* Opens this epoch where the slot is at the one before, and gives the offset where it begins; opening again gives
     * the offset recorded. *ret_offset is -1 where the slot is absent or at another epoch: not ready. */
    bool (*open_epoch)(struct realtime_store *store, struct slot_id id, int64_t epoch, int64_t *ret_offset,
                       struct error *error);

    /* Forgets the epochs up to `last`, never the current one. */
    bool (*drop_epochs)(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error);

    /* Forgets the whole slot, whatever is left of it and whoever wrote it, where nobody has read or written it for
     * `idle_s` seconds; 0: at once, at an operator's word. Where its definition is in use, the speed layer begins it
     * anew. *ret_done false: it is used. */
    bool (*forget)(struct realtime_store *store, struct slot_id id, int64_t idle_s, bool *ret_done,
                   struct error *error);

    /* The slot that the same partition has by the definition `by` takes the place of this one, whatever that holds, in
     * one step: `by` has no slot afterwards. *ret_done false: it isn't there, or hasn't read as far. */
    bool (*replace)(struct realtime_store *store, struct slot_id id, const char *by, bool *ret_done,
                    struct error *error);

    /* Under which definitions the partition has slots, without its being a use of them. */
    bool (*definitions)(struct realtime_store *store, const char *source, int32_t partition,
                        struct slot_definitions *ret_definitions, struct error *error);

    /* Asks in one go what `read` asks for each of these readers, which are then given to it in this order: it only
     * waits for the answer. Where anything else comes between, or an answer is an error, those that are left are asked
     * for one by one, as all are where this is NULL. */
    bool (*ask)(struct realtime_store *store, struct slot_reader *const readers[], size_t count, struct error *error);

    /* Brings a reader up to date, see slot_reader. */
    bool (*read)(struct realtime_store *store, struct slot_reader *reader, struct error *error);

    /* What was written last to the slots of a source, of whatever definition: another text after each write, and the
     * same as before only where nothing was written since. "" where the store can't say. What somebody else edits is
     * no news. */
    bool (*read_news)(struct realtime_store *store, const char *source, char ret_news[SLOT_STATE_SIZE],
                      struct error *error);

    /* In one round trip for all readers: which of their slots were written since they were read, or may have been. What
     * somebody else edits `read` finds. NULL: the store can't say. */
    bool (*find_written)(struct realtime_store *store, struct slot_reader *const readers[], size_t count,
                         bool ret_written[], struct error *error);

    void (*destroy)(struct realtime_store *store);
};

#endif

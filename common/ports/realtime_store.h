/* SPDX-License-Identifier: Apache-2.0
 * The real-time store: per partition of a source one slot that changes only by atomic functions.
 *
 * A slot holds the next offset, the epochs that live with the offset where each began, the cells and the ledger of each
 * epoch, and what is needed to know whether it is still the same story: incarnation, cluster, definition. `commit`
 * compares before it writes anything, so a crash, a zombie, a retry or a store that came back older all end alike: the
 * caller reads on from what the store says. */
#ifndef TIDEMARK_PORTS_REALTIME_STORE_H
#define TIDEMARK_PORTS_REALTIME_STORE_H

#include "base/bytes_map.h"
#include "base/error.h"
#include "view/view.h"

#define REALTIME_FORMAT 1   /* of a slot; a newer one is refused */
#define LIVE_EPOCHS_MAX 4   /* published + 1 and + 2, and the ones before while a run retires them */
#define INCARNATION_SIZE 33 /* 128 random bits in hex, and NUL */
#define CLUSTER_ID_MAX 64
#define COMMIT_ID_MAX 64

/* How messages were accounted for; counted and filtered are kept per view beside it. Signed: epochs take back. */
struct ledger {
    int64_t consumed, kept, replaced, duplicate, deferred, bad;
    struct {
        int64_t counted, filtered;
    } views[VIEWS_MAX]; /* by number of the source's views */
};
void ledger_merge(struct ledger *into, const struct ledger *from);
/* consumed = kept + replaced + duplicate + deferred + bad; per view kept = counted + filtered. */
bool ledger_is_closed(const struct ledger *ledger, size_t view_count);

struct epoch_start {
    int64_t epoch;
    int64_t offset; /* of the first message that belongs to it */
};

/* A slot but for its cells. */
struct slot {
    bool exists; /* false: all the rest is zero */
    int format;
    char incarnation[INCARNATION_SIZE];
    char cluster[CLUSTER_ID_MAX];               /* Kafka's cluster id */
    char definition[FINGERPRINT_SIZE];          /* the source's fingerprint */
    int64_t defined_us;                         /* wall time at which the process that set the definition had started */
    int64_t epoch;                              /* to which commits go */
    struct epoch_start epochs[LIVE_EPOCHS_MAX]; /* ascending */
    size_t epoch_count;
    int64_t partitions;    /* how many the topic had when the first slot of this name was begun */
    int64_t first;         /* the first offset that the partition had when it was first seen */
    int64_t next;          /* the next offset */
    int64_t floor;         /* the order index knows every order from this offset on */
    int64_t floor_time_us; /* latest record time of the messages up to and with the one at `floor`; -1 unknown */
    int64_t clock_us;      /* latest event time seen, each no later than its record's; 0 before the first */
    int64_t tail_time_us;  /* record time of the message before `next`; -1 where there is none */
    uint64_t tail_hash;    /* of that message's key and payload; 0 where there is none */
    int64_t end;           /* of the log when the last commit was made, as far as its writer knew: for the lag */
    int64_t sequence;      /* number of commits in this incarnation */
    char commit_id[COMMIT_ID_MAX]; /* of the last commit; empty before the first of this incarnation */
};

struct slot_id {
    const char *source;
    int32_t partition;
};

struct commit {
    struct slot_id id;
    const struct source *source;
    const char *incarnation, *cluster; /* must be the slot's, as must be source->fingerprint */
    const char *commit_id;  /* unique per attempt at these messages; the same when a commit is tried again; no colon */
    int64_t expected, next; /* offsets: the slot must be at `expected`, and is at `next` afterwards */
    int64_t floor, floor_time_us, clock_us, tail_time_us;
    uint64_t tail_hash;
    int64_t end;
    const struct ledger *ledger; /* to add */
    const struct panes *panes;   /* to add: one a view of the source; zero cells are left out */
};

enum commit_answer {
    COMMIT_OK,
    COMMIT_ALREADY, /* the retry of a commit that had worked */
    COMMIT_REWOUND, /* the store is older than `expected`: read again from there */
    COMMIT_AHEAD,   /* somebody else went on: let go */
    COMMIT_LOST,    /* no slot: begin again from the published cut */
    COMMIT_FOREIGN, /* another incarnation, cluster, definition or format */
};
const char *commit_answer_name(enum commit_answer answer); /* "OK", "ALREADY", … */

/* Cells of one epoch that a read brought: deltas since the last read, or all. */
struct slot_reader;

struct realtime_store {
    const struct realtime_store_operations *operations;
};

/* Every operation is one round trip; errors are ERROR_UNAVAILABLE where trying again can help (no connection, LOADING,
 * OOM, MISCONF, READONLY, NOREPLICAS, BUSY, CLUSTERDOWN, MASTERDOWN) and ERROR_CONFIGURATION where an operator must act
 * (an eviction policy that isn't noeviction, a slot of a newer format). One thread at a time per store object. */
struct realtime_store_operations {
    bool (*read_slot)(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error);

    /* Starts a slot anew, only if it is still the incarnation that was seen ("" where there was no slot): all cells and
     * ledgers go. From `fresh` it takes incarnation, cluster, definition, defined_us, epoch, partitions, first, next,
     * floor, floor_time_us, clock_us, tail_*; the epoch begins at next. *ret_done false: somebody else was first. */
    bool (*init)(struct realtime_store *store, struct slot_id id, const char *seen_incarnation,
                 const struct slot *fresh, bool *ret_done, struct error *error);

    /* *ret_next is the slot's next offset for OK, ALREADY, REWOUND and AHEAD. */
    bool (*commit)(struct realtime_store *store, const struct commit *commit, enum commit_answer *ret_answer,
                   int64_t *ret_next, struct error *error);

    /* Opens this epoch where the slot is at the one before, and gives the offset where it begins; opening again gives
     * the offset recorded. *ret_offset is -1 where the slot is absent or at another epoch: not ready.
     * `definition` must be the slot's, else not ready too. */
    bool (*open_epoch)(struct realtime_store *store, struct slot_id id, const char *definition, int64_t epoch,
                       int64_t *ret_offset, struct error *error);

    /* Forgets the epochs up to `last`, never the current one. */
    bool (*drop_epochs)(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error);

    /* Brings a reader up to date, see slot_reader. */
    bool (*read)(struct realtime_store *store, struct slot_reader *reader, struct error *error);

    void (*destroy)(struct realtime_store *store);
};

/* What a reader (the serving layer) holds of one slot: the slot, and the panes and ledger of each live epoch.
 * `read` asks for what changed since the sequence held; where the store can't say any more, or the incarnation is
 * another, everything is read again. `changes` of the call: for each pane changed the reader calls `changed`. */
struct slot_reader {
    struct slot_id id;
    const struct source *source;
    struct slot slot;
    struct epoch_cells {
        int64_t epoch;
        struct panes *panes; /* one a view */
        struct ledger ledger;
    } epochs[LIVE_EPOCHS_MAX];
    size_t epoch_count;
    /* Called for each delta applied to `epochs` (not for a full read); may be NULL. */
    void (*changed)(void *context, struct slot_reader *reader, int64_t epoch, size_t view, struct pane delta);
    /* Called after `epochs` were replaced by a full read, an epoch appeared or one was dropped; may be NULL. */
    void (*replaced)(void *context, struct slot_reader *reader);
    void *context;
};
void slot_reader_init(struct slot_reader *reader, struct slot_id id, const struct source *source);
void slot_reader_clean_up(struct slot_reader *reader);
/* The cells of this epoch, made where new; NULL where memory is short or there are too many epochs. */
struct epoch_cells *slot_reader_epoch(struct slot_reader *reader, int64_t epoch);
/* Forgets the epochs that aren't in reader->slot any more; true where there were any. */
bool slot_reader_trim(struct slot_reader *reader);
/* Forgets all cells. */
void slot_reader_clear(struct slot_reader *reader);

#endif

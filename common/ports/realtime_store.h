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

#define REALTIME_FORMAT 2 /* of a slot; a newer one is left alone, an older one is begun anew */
#define LIVE_EPOCHS_MAX 4 /* published + 1 and + 2, and the ones before while a run retires them */
/* The floor's time and max_future together are later than the event time of any order before the floor. This is its
 * value where nobody knows, for the slot passed over messages that the log no longer held: no unknown order is new. */
#define FLOOR_TIME_NEVER (INT64_MAX / 2)
#define INCARNATION_SIZE 33 /* 128 random bits in hex, and NUL */
#define CLUSTER_ID_MAX 64
#define COMMIT_ID_MAX 64
#define GAPS_MAX 8
#define LOG_END_UNKNOWN (-1)
#define ALARM_SIZE 32
#define SLOT_ALARM_FOREIGN "foreign" /* the consumer group gave the partition to another installation */
/* A speed layer commits to each of its open partitions every 5 seconds at least, or every speed.flush_every where that
 * is longer. To a slot without a commit for that and so long nobody commits. */
#define UNREAD_AFTER_US INT64_C(15000000)

/* How messages were accounted for; counted and filtered are kept per view beside it. Signed: epochs take back. */
struct ledger {
    int64_t consumed, kept, replaced, duplicate, deferred, bad;
    struct {
        int64_t counted, filtered;
    } views[VIEWS_MAX]; /* by number of the source's views */
};
/* The same of one partition, without its views. */
struct fates {
    int64_t consumed, kept, replaced, duplicate, deferred, bad;
};
void fates_add(struct fates *fates, const struct ledger *ledger);
bool fates_are_closed(const struct fates *fates); /* consumed = kept + replaced + duplicate + deferred + bad */

void ledger_merge(struct ledger *into, const struct ledger *from);
/* consumed = kept + replaced + duplicate + deferred + bad; per view kept = counted + filtered. */
bool ledger_is_closed(const struct ledger *ledger, size_t view_count);

/* What the cells of a view add up to: a cell with room for the sums of any view. */
struct cell_total {
    _Alignas(struct cell) unsigned char bytes[sizeof(struct cell) + SUMS_MAX * sizeof(struct sum)];
};
struct cell *cell_total(struct cell_total *total);
void cell_total_add(struct cell_total *total, const struct panes *panes);

/* Half-open ranges of offsets whose messages the log no longer held when they were to be read: ascending, apart. Never
 * forgotten: where there are too many, the last is extended over what lies between. */
struct offset_range {
    int64_t from, to;
};
struct gaps {
    struct offset_range ranges[GAPS_MAX];
    size_t count;
};
void gaps_add(struct gaps *gaps, struct offset_range gap); /* not below the last; an empty one is none */
void gaps_drop_below(struct gaps *gaps, int64_t offset);   /* those that end at or before it */

struct epoch_start {
    int64_t epoch;
    int64_t offset;   /* of the first message that belongs to it */
    int64_t consumed; /* what its ledger must say: kept apart, so that a ledger that was deleted shows */
};

/* A slot but for its cells. One of another format has no epoch and no tail, and fits nothing that is published. Of an
 * older one, which has to be begun anew, what outlives it is given too: format, incarnation, cluster, definition,
 * defined_us, partitions, first. Of a newer one the format is all that is known. */
struct slot {
    bool exists; /* false: all the rest is zero */
    int64_t format;
    char incarnation[INCARNATION_SIZE];
    char cluster[CLUSTER_ID_MAX];               /* Kafka's cluster id */
    char definition[FINGERPRINT_SIZE];          /* the source's fingerprint */
    int64_t defined_us;                         /* wall time at which the process that set the definition had started */
    int64_t epoch;                              /* to which commits go */
    struct epoch_start epochs[LIVE_EPOCHS_MAX]; /* ascending */
    size_t epoch_count;
    int64_t partitions; /* how many the topic had when the first slot of this name was begun */
    int64_t first;      /* the first offset that the partition had when it was first seen */
    int64_t lost; /* where it was begun, the batch layer had lost messages below this offset, see published_partition */
    int64_t next; /* the next offset */
    int64_t floor;          /* the order index knows every order from this offset on */
    int64_t floor_time_us;  /* see FLOOR_TIME_NEVER; -1 where it isn't known yet */
    int64_t clock_us;       /* latest event time seen, each no later than its record's; 0 before the first */
    int64_t tail;           /* the offset of the last message before `next`; -1 where none is known */
    int64_t tail_time_us;   /* its record time; -1 where it has none */
    uint64_t tail_hash;     /* of its key and payload; 0 where none is known */
    int64_t end;            /* of the log when the last commit was made, as far as its writer knew: for the lag.
                               LOG_END_UNKNOWN once its owner has left it */
    int64_t real_end;       /* of the log then, with what lies behind a transaction that is open; 0 where the last
                               writer didn't know it */
    int64_t sequence;       /* number of commits in this incarnation */
    struct gaps gaps;       /* below `next`; none of them ends before the oldest epoch that lives begins */
    char alarm[ALARM_SIZE]; /* why the partition stands still; empty where it doesn't */
    char commit_id[COMMIT_ID_MAX]; /* of the last commit; empty before the first of this incarnation */
};

/* True where the slot has this program's format, or where there is none. ERROR_DATA where its format is newer: it stays
 * as it is until a program that knows it comes, or an operator has it forgotten. ERROR_TRY_AGAIN where it is older: the
 * speed layer begins it anew by itself. The message goes on from "its slot: ". */
bool slot_format_check(const struct slot *slot, struct error *error) MUST_CHECK;
/* Offsets that can't be read before a transaction ends. */
int64_t slot_uncommitted(const struct slot *slot);
bool slot_is_live(const struct slot *slot, int64_t epoch);
/* Keeps what is known of a slot of another format, see above; one of this program's stays as it is. */
void slot_keep_known(struct slot *slot);

struct slot_id {
    const char *source;
    int32_t partition;
};

struct commit {
    struct slot_id id;
    const struct source *source;
    const char *incarnation, *cluster; /* must be the slot's, as must be source->fingerprint */
    const char *commit_id;  /* unique per attempt at these messages; the same when a commit is tried again; no colon */
    const char *after;      /* the last commit that the writer knows of, "" none: must be the slot's, for a store that
                             * came back older can have come to the same offset on another way */
    int64_t expected, next; /* offsets: the slot must be at `expected`, and is at `next` afterwards */
    int64_t floor, floor_time_us, clock_us, tail, tail_time_us;
    uint64_t tail_hash;
    int64_t end, real_end;
    const struct gaps *gaps;     /* all that are to be kept; NULL: none */
    const char *alarm;           /* NULL: none */
    const struct ledger *ledger; /* to add */
    const struct panes *panes;   /* to add: one a view of the source; zero cells are left out */
};

/* What a commit that is taken makes of the fields that it carries: for the writer, and for a store in memory. */
void slot_follow(struct slot *slot, const struct commit *commit);

enum commit_answer {
    COMMIT_OK,
    COMMIT_ALREADY, /* the retry of a commit that had worked */
    COMMIT_REWOUND, /* the store is older than `expected`: read again from there */
    COMMIT_AHEAD,   /* somebody else went on, or came to this offset on another way: let go */
    COMMIT_LOST,    /* no slot: begin again from the published cut */
    COMMIT_FOREIGN, /* another incarnation, cluster, definition or format */
};
const char *commit_answer_name(enum commit_answer answer); /* "OK", "ALREADY", … */

/* Cells of one epoch that a read brought: deltas since the last read, or all. */
struct slot_reader;

struct realtime_store {
    const struct realtime_store_operations *operations;
};

/* Every operation is one round trip, but that `read` takes a large slot in parts; errors are ERROR_UNAVAILABLE where
 * trying again can help (no connection, LOADING, OOM, MISCONF, READONLY, NOREPLICAS, BUSY, CLUSTERDOWN, MASTERDOWN) and
 * ERROR_CONFIGURATION where an operator must act (an eviction policy that isn't noeviction). ERROR_DATA is one slot's:
 * the store and its other slots are well. What would change a slot of a newer format changes nothing, and is
 * ERROR_TRY_AGAIN, but for `commit` and `forget`. One thread at a time per store object. */
struct realtime_store_operations {
    bool (*read_slot)(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error);

    /* Starts a slot anew, only if it is still the incarnation that was seen ("" where there was no slot): all cells and
     * ledgers go. From `fresh` it takes incarnation, cluster, definition, defined_us, epoch, partitions, first, lost,
     * next, floor, floor_time_us, clock_us, tail*, gaps; the epoch begins at next. *ret_done false: somebody else was
     * first.
     */
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

    /* Forgets the whole slot, whatever is left of it and whoever wrote it, at an operator's word: the speed layer
     * begins it anew. */
    bool (*forget)(struct realtime_store *store, struct slot_id id, struct error *error);

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
/* Whether the cells of each epoch are what its ledger says: ERROR_DATA names epoch and view where they aren't, for a
 * cell, a ledger or both were changed or deleted by somebody else than `commit`. ERROR_DATA too where the slot's format
 * is newer than this program's, so that nothing can be said of its cells. */
bool slot_reader_audit(struct slot_reader *reader, struct error *error) MUST_CHECK;

#endif

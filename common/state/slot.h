/* SPDX-License-Identifier: Apache-2.0
 * A slot: what the real-time store holds of one partition of a source, but for its cells.
 *
 * The next offset, the epochs that live with the offset where each began, and what is needed to know whether it is
 * still the same story: incarnation, cluster. It changes only by the store's atomic functions, see
 * ports/realtime_store.h. */
#ifndef TIDEMARK_STATE_SLOT_H
#define TIDEMARK_STATE_SLOT_H

#include "base/error.h"
#include "state/gaps.h"
#include "view/view.h"

#define REALTIME_FORMAT 3 /* of a slot; a newer one is left alone, an older one is begun anew */
/* What a slot may require beside its format, words with blanks between. */
#define REALTIME_CHECKSUMS "checksums" /* each commit adds to those of struct cell_total */
#define REALTIME_KNOWN REALTIME_CHECKSUMS
#define FORMAT_BEYOND INT64_MAX /* in place of the format of a slot that requires what isn't among them */
#define REQUIRES_SIZE 64
#define LIVE_EPOCHS_MAX 4 /* published + 1 and + 2, and the ones before while a run retires them */
/* The floor's time and max_future together are later than the event time of any order before the floor. This is its
 * value where nobody knows, for the slot passed over messages that the log no longer held: no unknown order is new. */
#define FLOOR_TIME_NEVER (INT64_MAX / 2)
#define INCARNATION_SIZE 33 /* 128 random bits in hex, and NUL */
#define CLUSTER_ID_MAX 64
#define COMMIT_ID_MAX 64
#define LOG_END_UNKNOWN (-1)
#define ALARM_SIZE 32
#define SLOT_ALARM_FOREIGN "foreign" /* the consumer group gave the partition to another installation */
/* A speed layer commits to each of its open partitions every 5 seconds at least, or every speed.flush_every where that
 * is longer. To a slot without a commit for that and so long nobody commits. */
#define UNREAD_AFTER_US INT64_C(15000000)

/* Each definition of a source has slots of its own: programs of two files work side by side. */
struct slot_id {
    const char *source;
    int32_t partition;
    const char
        *definition; /* the source's fingerprint; "" names what releases before this left, which nobody goes on */
};
struct slot_id slot_id_of(const struct source *source, int32_t partition);

#define DEFINITIONS_MAX 16
/* The definitions under which a partition has slots. */
struct slot_definitions {
    /* Under which it was begun or committed to last, and the commit's or the incarnation's id; "" where that isn't
     * known. */
    char reader[FINGERPRINT_SIZE], reader_id[COMMIT_ID_MAX];
    size_t count; /* no more than that are named at once */
    char names[DEFINITIONS_MAX][FINGERPRINT_SIZE];
};

struct epoch_start {
    int64_t epoch;
    int64_t offset;   /* of the first message that belongs to it */
    int64_t consumed; /* what its ledger must say: kept apart, so that a ledger that was deleted shows */
    /* The last message that the slot had taken when it began: the one that the cut lies behind. */
    int64_t last;       /* its offset; -1 where none is known */
    uint64_t last_hash; /* of its key and payload; 0 where it isn't known */
    int64_t idle_us;    /* the slot's then */
};

/* A slot but for its cells. One of another format has no epoch and no tail, and fits nothing that is published. Of an
 * older one, which has to be begun anew, what outlives it is given too: format, incarnation, cluster, partitions,
 * first. Of a newer one the format is all that is known, and what it requires. */
struct slot {
    bool exists; /* false: all the rest is zero */
    int64_t format;
    char requires[REQUIRES_SIZE]; /* what must be known to use it, see REALTIME_KNOWN; empty where there is nothing */
    char incarnation[INCARNATION_SIZE];
    char cluster[CLUSTER_ID_MAX];               /* Kafka's cluster id */
    int64_t epoch;                              /* to which commits go */
    struct epoch_start epochs[LIVE_EPOCHS_MAX]; /* ascending */
    size_t epoch_count;
    int64_t partitions; /* how many the topic had when the first slot of this name was begun */
    int64_t first;      /* the first offset that the partition had when it was first seen */
    int64_t
        lost; /* of the publication that it was begun behind: what the batch layer had lost, see published_partition */
    int64_t next;           /* the next offset */
    int64_t floor;          /* the order index knows every order from this offset on */
    int64_t floor_time_us;  /* see FLOOR_TIME_NEVER; -1 where it isn't known yet */
    int64_t clock_us;       /* latest event time seen, each no later than its record's; 0 before the first */
    int64_t idle_us;        /* nothing is waited for that is older, for the partition was silent; 0: it never was */
    int64_t left_us;        /* by this clock panes have left it, see retention.h; 0: none have */
    int64_t deferred_us;    /* latest event time of a message that was deferred; 0: none was */
    int64_t tail;           /* the offset of the last message before `next`; -1 where none is known */
    int64_t tail_time_us;   /* its record time; -1 where it has none */
    uint64_t tail_hash;     /* of its key and payload; 0 where none is known */
    int64_t end;            /* of the log when the last commit was made, as far as its writer knew: for the lag.
                               LOG_END_UNKNOWN once its owner has left it */
    int64_t real_end;       /* of the log then, with what lies behind a transaction that is open; 0 where the last
                               writer didn't know it */
    int64_t wanted_epoch;   /* half of what it may hold is taken until this epoch or a later one is published; 0: less
                             */
    int64_t sequence;       /* number of commits in this incarnation */
    struct gaps gaps;       /* below `next`; none of them ends before the oldest epoch that lives begins */
    char alarm[ALARM_SIZE]; /* why the partition stands still; empty where it doesn't */
    char commit_id[COMMIT_ID_MAX]; /* of the last commit; empty before the first of this incarnation */
};

/* True where the slot has this program's format, or where there is none. ERROR_DATA where its format is newer: it stays
 * as it is until a program that knows it comes, or an operator has it forgotten. ERROR_TRY_AGAIN where it is older: the
 * speed layer begins it anew by itself. The message goes on from "its slot: ". */
bool slot_format_check(const struct slot *slot, struct error *error) MUST_CHECK;
/* Whether it requires checksums: one that was begun by an older program has none, and gets none. */
bool slot_has_checksums(const struct slot *slot);
/* Offsets that can't be read before a transaction ends. */
int64_t slot_uncommitted(const struct slot *slot);
bool slot_is_live(const struct slot *slot, int64_t epoch);
/* Where the epoch began; NULL where it doesn't live. */
const struct epoch_start *slot_epoch_start(const struct slot *slot, int64_t epoch);
/* Keeps what is known of a slot of another format, see above, and of one that requires what isn't known: its format is
 * FORMAT_BEYOND. One of this program's stays as it is. */
void slot_keep_known(struct slot *slot);

#endif

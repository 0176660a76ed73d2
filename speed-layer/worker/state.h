/* SPDX-License-Identifier: Apache-2.0
 * The parts of a worker, shared by the files that do its work. Internal to this folder. */
#ifndef TIDEMARK_SPEED_WORKER_STATE_H
#define TIDEMARK_SPEED_WORKER_STATE_H

#include "base/retry.h"
#include "worker/dead_letters.h"
#include "metrics/metrics.h"
#include "partition/partition.h"
#include "record/bad_notice.h"
#include "worker/worker.h"

/* Where a partition is counted; all NULL where nobody watches. */
struct partition_series {
    int64_t pending_since_us; /* monotonic time at which the first message since the last commit was taken */
    struct metric_series *messages, *bytes, *dead_letters, *rebuilds, *lag, *pending_age, *index_orders;
};

/* A partition that the group gave to this worker. */
struct owned {
    struct partition *partition;
    size_t source;            /* its number in the settings */
    struct retry retry;       /* of opening it */
    struct retry fetch_retry; /* of fetching what couldn't be read */
    bool is_unreadable;       /* nothing of it is fetched for now */
    bool is_placed;           /* of a replay: its slot is where it is to be, and isn't this worker's any more */
    int64_t letters_from;     /* of a replay: bad messages below have their dead letters */
    int64_t target;           /* --until-end: the end when it was first opened; -1 not known yet */
    int64_t flushed_us;       /* monotonic time of its last commit that was due; 0: none yet */
    int64_t silent_us;        /* since when, by the same clock, it has been read to its end and nothing came; 0: it
                                 isn't */
    struct partition_dead_letters dead_letters;
    struct {
        char news[SLOT_STATE_SIZE]; /* of its source, see struct realtime_store; "": not yet */
        int64_t epoch, published_at_us;
    } checked;             /* against what its slot was found right last */
    struct bad_notice bad; /* what is said of its bad messages */
    struct {
        int64_t end, since_us; /* where the log ends for read_committed, beside more behind it, since when */
        bool is_told;
    } held; /* by an open transaction; all zero: it isn't */
    struct partition_series series;
};

struct worker {
    struct speed *speed;
    int number;
    struct consumer *consumer;
    struct partition_environment environment;
    struct dead_letters dead_letters;
    char cluster[CLUSTER_ID_MAX]; /* "" until it is known */
    struct owned *owned;
    size_t owned_count;
    bool has_assignment; /* the group has given its word, maybe nothing */
    bool must_assign;    /* what is fetched isn't what is open */
    bool suspended;      /* the store takes no commits: nothing is fetched */
    bool has_more;       /* the last poll took as many messages as one takes */
    bool is_quiet;       /* nothing was pending when commits that are due were looked for */
    int64_t commit_us;   /* what a commit has taken lately */
    int64_t early_us;    /* monotonic time from which on a commit may be made before it is due */
    struct retry commit_retry;
    size_t audited;      /* slots so far */
    int64_t audit_at_us; /* when to look at the next one */
    int64_t checked_us, group_offsets_us, troubled_us;
    struct {
        size_t count;
        struct slot_id first; /* of them, and where its slot stood then */
        int64_t next, epoch, since_us;
    } begun; /* partitions that began anew and of which the log doesn't tell yet */
    struct {
        char reason[sizeof((struct error *)NULL)->message];
        int64_t at_us;
    } said; /* the last line of partitions that wait */
};

/* open.c */

/* Opens what is closed and due, for a second at most: a store that is silent takes seconds of each opening, and the
 * group must be polled meanwhile. */
void worker_open_closed(struct worker *worker);
/* What opening one partition needs to know of its log; asks the broker. */
bool worker_ask_extent(struct worker *worker, const struct partition *partition, struct log_extent *ret_log,
                       struct error *error);
/* Fetches what is open, each partition from its position. */
void worker_assign(struct worker *worker);
/* What the partition has pending is forgotten; it is opened again and reads on from what the store says. */
void worker_close(struct worker *worker, struct owned *owned);
/* A slot that is damaged stops its partition and no other: it is opened again until an operator has mended it. False
 * where the error is another one. */
bool worker_close_damaged(struct worker *worker, struct owned *owned, const struct error *error);
/* The partition stays closed for a while. */
void worker_delay_opening(struct owned *owned, const struct error *cause);
/* What the log has at the partition's position can't be read: it is fetched again after a while. The partition stays
 * open, and what it has pending is committed. */
void worker_delay_fetch(struct worker *worker, struct owned *owned, const struct error *cause);
/* Fetches again what has waited long enough. */
void worker_fetch_delayed(struct worker *worker);
/* What comes isn't heard of, for a while at least: no partition is known to be silent. */
void worker_forget_silence(struct worker *worker);
/* What lies at the partition's position was read. */
void worker_fetch_succeeded(struct owned *owned);

/* commit.c */

/* As many groups of a view as are pending make a commit due: speed.groups, or a small part of the room for live ones.
 */
int64_t worker_pending_groups_max(const struct worker *worker);
/* Whether the partition has as much pending as one commit takes. */
bool worker_has_enough(const struct worker *worker, const struct owned *owned);
/* Commits what is due; where no more has come for now, also what needn't wait until it is. Where the store is out of
 * reach the worker is suspended until it is back. */
void worker_commit_due(struct worker *worker, bool has_more);
/* A commit of nothing for each open partition that has nothing: it says how far the log goes, and that somebody reads
 * it, or is about to. */
void worker_commit_idle(struct worker *worker);
/* A last commit of all, so that nobody is told how far the log goes before the next owner has looked. It ends with the
 * first that fails: a store that is silent for one partition would be so for all of them, and the group waits for this
 * worker. */
void worker_commit_all(struct worker *worker);
/* Nothing is fetched while commits don't go through; what is pending stays. */
void worker_suspend(struct worker *worker, const struct error *cause);

/* foreign.c */

/* Lets the slots of partitions that other installations read say so. One worker of a process does it. */
void worker_mark_foreign(struct worker *worker);

/* Of sources without a batch layer: takes out of their slots what is past the retention. */
void worker_drop_expired(struct worker *worker);

/* periodic.c */

/* What is done from time to time: audits, checks of slots against what is published, positions for the group. */
void worker_look_around(struct worker *worker);
/* Tells the group the committed positions, for its tools; nothing is read from there. */
void worker_commit_group_offsets(struct worker *worker);

/* replay.c */

/* Of a replay: moves slots that have read as far into the places of those that are in use. */
void worker_take_places(struct worker *worker);

/* report.c; nothing happens where nobody watches */

/* After each turn: brings report and gauges up to date, not more often than they are worth it. */
void worker_update_report(struct worker *worker);
/* Begins to count a partition; and takes away the gauges of one that is no longer this worker's, or closed. */
void worker_count_partition(struct worker *worker, struct owned *owned);
void worker_forget_partition(struct owned *owned);
/* Before they are taken. */
void worker_count_messages(struct owned *owned, const struct log_message messages[], size_t count);
void worker_count_bad(struct worker *worker, const struct partition *partition, const struct rejection *rejection);
void worker_count_rebuilds(struct owned *owned, int64_t count);
/* A commit that was sent at `since_us`, with so many bad messages in it, and its answer; NULL where there was none. */
void worker_count_commit(struct worker *worker, struct owned *owned, const enum commit_answer *answer, int64_t since_us,
                         int64_t bad);

#endif

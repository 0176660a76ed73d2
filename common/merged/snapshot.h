/* SPDX-License-Identifier: Apache-2.0
 * What is answered of one source: published rows and the real-time cells after them, for one published epoch.
 *
 * The follower is the only writer. It prepares what is new without a lock and puts it in place under the write lock, so
 * that whoever holds the read lock sees rows, epoch, cut and offsets that belong together. Everything but the ages may
 * be read under the read lock only. */
#ifndef TIDEMARK_MERGED_SNAPSHOT_H
#define TIDEMARK_MERGED_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "merged/feed.h"
#include "merged/live.h"
#include "state/publication.h"
#include "merged/rows.h"
#include "merged/staging.h"

/* Why the epochs of a partition after the cut are missing from the answer. Where nobody read it when it was cut, and no
 * slot begins there yet, there are none: the answer is complete at the cut. */
enum absence { ABSENT_NOT, ABSENT_REBUILDING, ABSENT_UNREACHABLE, ABSENT_DEFINITION, ABSENT_FOREIGN };
const char *absence_name(enum absence absence);

#define LAG_UNKNOWN (-1)
#define ALARM_FORMAT "format" /* the slot's format is newer than this program's; the slot itself can't say so */

/* What the answer rests on of one partition. */
struct partition_provenance {
    int32_t partition;
    enum absence absence;
    bool included;      /* the epochs of its slot after the cut are in the answer */
    int64_t first;      /* the first offset that it ever had; -1 unknown */
    int64_t cut;        /* -1: the published cut doesn't name it */
    int64_t from;       /* of a source without a batch layer: the answer holds the messages from there on; else -1 */
    int64_t offset;     /* the answer holds the messages below it; -1: none */
    int64_t next;       /* of the slot; -1 where there is none */
    int64_t clock_us;   /* latest event time; 0 before the first */
    int64_t settled_us; /* the later of clock and idle time of what the answer holds; 0: it has neither */
    int64_t deferred;   /* messages after the cut */
    bool added;         /* the topic had fewer partitions: an order's versions can be in two */
    struct fates fates; /* of the messages that the answer holds */
    struct gaps gaps;   /* after the cut */
    char alarm[ALARM_SIZE];
    bool silent; /* nobody commits to its slot, as far as the store can be asked: what it says of the log is old */
    int64_t lag; /* messages in the log that aren't in the slot, or LAG_UNKNOWN */
    int64_t uncommitted; /* offsets behind them that can't be read before a transaction ends, or LAG_UNKNOWN */
};

/* Where a partition's log begins and ends, asked because nobody commits. */
struct log_sight {
    int64_t first, end; /* -1: not known */
};

struct view_state {
    struct view_rows rows;
    int64_t expired_us; /* windows that start before it are past the retention, sessions' moments a gap more; INT64_MIN:
                           none is */
};

struct snapshot {
    const struct source *source;
    size_t bytes_max;
    const struct rows_range *range; /* of one that is made for one question: what it holds of what is published */
    pthread_rwlock_t lock;
    _Atomic uint64_t state; /* from 1 on, another one after each change of what views are answered from */

    bool loaded; /* a publication was read */
    struct publication publication;
    struct partition_provenance *partitions;
    size_t partition_count;
    struct ledger live_ledger; /* of the included partitions after the cut */
    struct view_state *views;  /* one a view of the source */
    struct feed feed;          /* which rows changed, for those who keep copies */
    int64_t clock_us;          /* of the source: the latest of its partitions; never goes back */
    struct log_sight *log;     /* by partition, of all that the topic has; owned by the log watch */
    size_t log_count;          /* 0 where the log isn't asked, or can't be */
    bool live_reachable;
    int64_t damages;        /* slots found damaged so far, see struct live */
    struct buffer runs;     /* the latest batch runs as a JSON array; empty before they were read */
    struct buffer job_runs; /* the same of jobs; the first snapshot that is followed has them, for all */

    /* Monotonic times at which the stores last answered; 0 never. */
    _Atomic int64_t published_read_us, live_read_us;
};

/* Around each change of what views are answered from. What is answered before the end is of the state before. */
void snapshot_begin_change(struct snapshot *snapshot);
void snapshot_end_change(struct snapshot *snapshot);

struct snapshot *snapshot_new(const struct source *source, size_t bytes_max); /* NULL: memory is short */
void snapshot_destroy(struct snapshot *snapshot);

/* Takes what is new in `live` and, where `publication` is given, the published rows staged; moves from both. Where
 * memory is short the snapshot is no longer `loaded` and must be published anew from all rows. */
bool snapshot_update(struct snapshot *snapshot, struct live *live, struct staging *staging,
                     struct publication *publication, struct error *error) MUST_CHECK;

/* Whether all slots that are known fit what is published: false is a reason to look for a newer publication. */
bool live_fits(const struct live *live, const struct publication *publication);

/* The view's published rows, and the members of its measures, have the definition that is configured. */
bool snapshot_view_is_current(const struct snapshot *snapshot, size_t view);

size_t snapshot_bytes(const struct snapshot *snapshot);
/* What the rows of a view take, with the members of its measures. */
size_t snapshot_view_bytes(const struct snapshot *snapshot, size_t view);

/* Windows of the view that start before it aren't held, or not all of their members, or not what decides of whether a
 * session begins there. */
int64_t snapshot_floor_us(const struct snapshot *snapshot, size_t view);

/* Takes the members of a group of the view into its cell, which is merged: real time may have added to what is
 * published, or taken back. Returns whether real time has anything of them. */
bool snapshot_take_members(const struct snapshot *snapshot, size_t view, int64_t window_start_us, struct text group,
                           struct cell *cell);

#endif

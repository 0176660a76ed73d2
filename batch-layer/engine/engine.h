/* SPDX-License-Identifier: Apache-2.0
 * An engine computes what is published from the master dataset and the cuts of a run: the live version of each order,
 * and the views' rows. It decides nothing; publish.c checks its figures against each other.
 *
 * `merge` and `rebuild` run inside the publishing transaction, in this order; what they write is published with it or
 * not at all. */
#ifndef TIDEMARK_BATCH_ENGINE_H
#define TIDEMARK_BATCH_ENGINE_H

#include "run/source_run.h"

/* What the messages of this run add to a partition's ledger. Each figure is counted by itself, so that a sum that
 * doesn't come out shows a mistake. */
struct partition_ledger {
    int64_t good, bad; /* messages in the master dataset, and beside it: consumed is both */
    int64_t later;     /* messages of both kinds that are ingested already and lie after the run's cut */
    int64_t kept;      /* keys that are new */
    int64_t replaced, duplicate;
    int64_t moved; /* of those replaced: a published version, by one with another event time */
    int64_t split; /* new versions of orders that another partition has a version of, too: some where there are any */
    int64_t clock_us, untimed_us; /* of the partition, at the run's cut: see struct published_partition */
};

/* What becomes of one view. */
struct view_change {
    bool whole;            /* computed from nothing */
    struct buffer windows; /* else the literal of a bigint[]: starts of the windows that were computed again, in s */
    int64_t rows;          /* written */
    struct buffer refusal; /* why the view isn't published; empty: it is */
    /* Of the live versions: how many count, by the view's rows; how many don't, by the versions that came and went.
     * In total, as they are after this run. */
    int64_t counted, filtered;
    int64_t late; /* of the messages, in total as well: see view_is_late */
};

struct engine_operations {
    /* Messages from `begins` to `cut` of each partition become live versions, those that they replace are live no more.
     * Where run->recomputes_all, all are computed from the first message on. Fills `ret_ledgers`, one a partition of
     * the run. */
    bool (*merge)(struct source_run *run, struct partition_ledger ret_ledgers[], struct error *error);
    /* The rows follow the live versions: only the windows of versions that came or went are computed again, or all of a
     * view that is new or was defined anew. Fills `ret_changes`, one a view of the source; the caller cleans them up,
     * also after a failure. */
    bool (*rebuild)(struct source_run *run, struct view_change ret_changes[], struct error *error);
    /* The rows of a view's panes that begin from `from_us` until `to_us` are computed again from the live versions,
     * inside a publishing transaction of its own. Not of a hidden view, which has none. Fills `ret_change`, but for
     * counted, filtered and late; the caller cleans it up, also after a failure. */
    bool (*recompute)(struct source_run *run, size_t view, int64_t from_us, int64_t to_us,
                      struct view_change *ret_change, struct error *error);
    /* Orders with live versions in more than one partition. */
    bool (*count_split_orders)(struct source_run *run, int64_t *ret_count, struct error *error);
    /* Whether the live versions are messages of the master dataset, as they are there, and as many as the ledger says.
     * NULL where an engine keeps none. */
    bool (*check_versions)(struct source_run *run, bool *ret_same, struct error *error);
};

extern const struct engine_operations postgres_engine;

#endif

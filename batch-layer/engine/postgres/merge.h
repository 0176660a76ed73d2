/* SPDX-License-Identifier: Apache-2.0
 * New messages become live versions: what was ingested from the published cut on to the run's cut is merged into
 * tidemark.current_<source>. Inside the publishing transaction.
 *
 * Two temporary tables say what changed, for the views: tm_come holds the versions that come, tm_go those that go. */
#ifndef TIDEMARK_BATCH_MERGE_H
#define TIDEMARK_BATCH_MERGE_H

#include "run/source_run.h"

/* What the messages of this run add to a partition's ledger. Each figure is counted by itself, so that a sum that
 * doesn't come out shows a mistake. */
struct partition_ledger {
    int64_t good, bad; /* messages in the master dataset, and beside it: consumed is both */
    int64_t later;     /* messages of both kinds that are ingested already and lie after the run's cut */
    int64_t kept;      /* keys that are new */
    int64_t replaced, duplicate;
    int64_t moved;                /* of those replaced: a published version, by one with another event time */
    int64_t split;                /* new versions of orders that another partition has a version of, too */
    int64_t clock_us, untimed_us; /* of the partition, at the run's cut: see struct published_partition */
};

/* Fills `ret_ledgers`, one a partition of the run. */
bool merge_versions(struct source_run *run, struct partition_ledger ret_ledgers[], struct error *error) MUST_CHECK;

#endif

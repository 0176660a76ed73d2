/* SPDX-License-Identifier: Apache-2.0
 * What is missing from a snapshot, and what it adds up to: whether a view is complete, and how much of the log it
 * lacks.
 */
#ifndef TIDEMARK_MERGED_COMPLETENESS_H
#define TIDEMARK_MERGED_COMPLETENESS_H

#include "merged/snapshot.h"

/* All of these with the snapshot's read lock held. */

/* Nothing of the source is missing from this view's answers, whatever the range. */
bool view_is_complete(const struct snapshot *snapshot, size_t view);
/* The same, but for messages that are deferred to the next batch run. */
bool view_has_data(const struct snapshot *snapshot, size_t view);

/* Up to where versions of the view are no longer waited for: the least, over the partitions that have had a message or
 * were silent for long enough, of the later of clock and idle time, less the view's watermark; INT64_MIN where there is
 * none, or the view has no watermark. It follows from the state that the answer is of, and from nothing else. */
int64_t snapshot_watermark_us(const struct snapshot *snapshot, size_t view);

/* Messages in the log that the answer doesn't hold yet, or LAG_UNKNOWN. */
int64_t snapshot_lag(const struct snapshot *snapshot);
int64_t snapshot_partition_lag(const struct snapshot *snapshot, size_t partition); /* the same of one */

/* What nobody reads: no speed layer commits to the partition, and no alarm says why. */
struct unread {
    int64_t partitions;
    int64_t messages; /* that wait in them, or LAG_UNKNOWN */
};
struct unread snapshot_unread(const struct snapshot *snapshot);
bool partition_is_unread(const struct partition_provenance *state);
int64_t snapshot_uncommitted(const struct snapshot *snapshot);
int64_t snapshot_deferred(const struct snapshot *snapshot);
/* Of all messages that the answer holds. */
struct ledger snapshot_ledger(const struct snapshot *snapshot);
/* Of a view that was added or changed and isn't published yet, what lies below the cut isn't known. */
bool snapshot_view_ledger_is_known(const struct snapshot *snapshot, size_t view);
/* That ledger is, but for views whose definition isn't published yet, and so are the fates of each partition: what is
 * too much in one doesn't make up for another's loss. */
bool snapshot_ledger_is_closed(const struct snapshot *snapshot);

/* The messages of a partition that were lost before they were read, and that no operator has accepted as lost: false
 * where there are no more such ranges. `partition` counts as snapshot->partitions does. */
bool snapshot_gap(const struct snapshot *snapshot, size_t partition, size_t number, struct offset_range *ret_gap);
int64_t snapshot_gap_messages(const struct snapshot *snapshot); /* offsets that all of them cover */

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The epochs in the real-time store, as a run moves them: it follows publication E, opens E + 2 and so learns the cut,
 * publishes E + 1, and lets the speed layer forget what nobody reads any more.
 *
 * Where messages wait and nobody commits to a partition for a while, nobody reads it: then the run cuts it by itself,
 * at the log's end, and the publication says so. No slot begins at that cut, so none fits it, not even one to which a
 * process that was only asleep commits later; who comes back begins the slot anew there.
 *
 * A partition isn't ready where the speed layer hasn't begun with it, has another definition of the source, or is still
 * rebuilding it from the published cut. These functions wait for it for a short while. */
#ifndef TIDEMARK_BATCH_EPOCH_H
#define TIDEMARK_BATCH_EPOCH_H

#include "run/source_run.h"

/* Looks, and changes nothing: fills each partition's standing, its `first` and `begins` where it is new, and
 * run->was_open. *ret_news says whether there is something to publish: false only where no message waits. It takes
 * seconds to see that nobody reads a partition in which messages wait. ERROR_TRY_AGAIN names the partition that isn't
 * ready, and why. */
bool epoch_look(struct source_run *run, bool *ret_news, struct error *error) MUST_CHECK;

/* Opens the epoch on all partitions that somebody reads: fills `cut` and `unread` of each, and run->opened_at_us. Old
 * epochs that a run before should have dropped go first, for a slot holds few. */
bool epoch_open(struct source_run *run, struct error *error) MUST_CHECK;

/* Whether still nobody reads the partitions that this run cuts by itself, before that is published: whoever came back
 * would have to begin them anew. ERROR_TRY_AGAIN with run->came_back where somebody has: another run takes the cut from
 * the slot again. It isn't what makes answers right: somebody may come back right behind it. */
bool epoch_confirm(struct source_run *run, struct error *error) MUST_CHECK;

/* Once E + 1 is published: drops the epochs up to E, which readers of publication E don't need. */
bool epoch_drop_old(struct source_run *run, struct error *error) MUST_CHECK;

#endif

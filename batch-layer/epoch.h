/* SPDX-License-Identifier: Apache-2.0
 * The epochs in the real-time store, as a run moves them: it follows publication E, opens E + 2 and so learns the cut,
 * publishes E + 1, and lets the speed layer forget what nobody reads any more.
 *
 * A partition isn't ready where the speed layer hasn't begun with it, has another definition of the source, or is still
 * rebuilding it from the published cut. These functions wait for it for a short while. */
#ifndef TIDEMARK_BATCH_EPOCH_H
#define TIDEMARK_BATCH_EPOCH_H

#include "source_run.h"

/* Looks, and changes nothing: fills each partition's `first` and `begins` where it is new, and run->was_open.
 * *ret_news says whether any partition has gone beyond the published cut. ERROR_TRY_AGAIN names the partition that
 * isn't ready, and why. */
bool epoch_look(struct source_run *run, bool *ret_news, struct error *error) MUST_CHECK;

/* Opens the epoch on all partitions: fills `cut` of each, and run->opened_at_us. Old epochs that a run before should
 * have dropped go first, for a slot holds few. */
bool epoch_open(struct source_run *run, struct error *error) MUST_CHECK;

/* Once E + 1 is published: drops the epochs up to E, which readers of publication E don't need. */
bool epoch_drop_old(struct source_run *run, struct error *error) MUST_CHECK;

#endif

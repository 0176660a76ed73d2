/* SPDX-License-Identifier: Apache-2.0
 * Whether the batch layer has read the log that the speed layer has read, and not another one under the same name. */
#ifndef TIDEMARK_BATCH_SAME_LOG_H
#define TIDEMARK_BATCH_SAME_LOG_H

#include "run/source_run.h"

/* Reads the message before each slot's next offset again, once all is ingested: had the log changed before that, it is
 * another one now; and the one that each cut lies behind, which is published with it. ERROR_CONFIGURATION names the
 * offset. ERROR_TRY_AGAIN where a slot was lost or changed to another format meanwhile, but where this run cuts the
 * partition by itself. What the log no longer holds says nothing. */
bool same_log_check(struct source_run *run, struct error *error) MUST_CHECK;

/* Whether the log, whose first offset is given, still holds the message that this epoch of a slot began behind. */
bool cut_is_in_log(const struct source_run *run, int32_t partition, const struct epoch_start *start, int64_t first,
                   struct error *error) MUST_CHECK;

#endif

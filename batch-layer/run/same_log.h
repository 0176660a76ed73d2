/* SPDX-License-Identifier: Apache-2.0
 * Whether the batch layer reads the log that the speed layer has read, all of it, and not another one under the same
 * name. */
#ifndef TIDEMARK_BATCH_SAME_LOG_H
#define TIDEMARK_BATCH_SAME_LOG_H

#include "run/source_run.h"

/* ERROR_CONFIGURATION where the log's cluster isn't the one that the publication names, if it names one. */
bool same_cluster_check(const struct source *source, const struct publication *publication, const char *cluster,
                        struct error *error) MUST_CHECK;

/* ERROR_CONFIGURATION where the topic's cleanup.policy lets messages go from between others. One warning, where the
 * right to ask for it is missing. */
bool kept_whole_check(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

/* Reads the message before each slot's next offset again, once all is ingested: had the log changed before that, it is
 * another one now. ERROR_CONFIGURATION names the offset. ERROR_TRY_AGAIN where a slot was lost or changed to another
 * format meanwhile, but where this run cuts the partition by itself. What the log no longer holds says nothing. */
bool same_log_check(struct source_run *run, struct error *error) MUST_CHECK;

#endif

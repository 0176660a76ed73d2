/* SPDX-License-Identifier: Apache-2.0
 * Whether a log can be ingested at all: it is on the cluster that what is published names, and keeps all messages. */
#ifndef TIDEMARK_BATCH_LOG_CHECK_H
#define TIDEMARK_BATCH_LOG_CHECK_H

#include "batch.h"

/* ERROR_CONFIGURATION where the log's cluster isn't the one that the publication names, if it names one. */
bool same_cluster_check(const struct source *source, const struct publication *publication, const char *cluster,
                        struct error *error) MUST_CHECK;

/* ERROR_CONFIGURATION where the topic's cleanup.policy lets messages go from between others. One warning, where the
 * right to ask for it is missing. */
bool kept_whole_check(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

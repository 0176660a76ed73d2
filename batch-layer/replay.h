/* SPDX-License-Identifier: Apache-2.0
 * Reads the published messages of a source once more, in log order, into versions: from the log or from the master
 * dataset. */
#ifndef TIDEMARK_BATCH_REPLAY_H
#define TIDEMARK_BATCH_REPLAY_H

#include "batch.h"
#include "versions.h"

/* Whether the log still holds every message below the cut. */
bool replay_log_is_whole(struct batch *batch, const struct source *source, const struct publication *publication,
                         bool *ret_whole, struct error *error) MUST_CHECK;

bool replay_log(struct batch *batch, const struct source *source, const struct publication *publication,
                struct versions *versions, struct error *error) MUST_CHECK;

/* In the transaction that is open. Bad messages are counted from tidemark.bad. */
bool replay_master(struct batch *batch, const struct source *source, const struct publication *publication,
                   struct versions *versions, struct error *error) MUST_CHECK;

#endif

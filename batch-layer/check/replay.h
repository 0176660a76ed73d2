/* SPDX-License-Identifier: Apache-2.0
 * Replay: what is published of a source, computed once more from all messages below the published cut. */
#ifndef TIDEMARK_BATCH_REPLAY_H
#define TIDEMARK_BATCH_REPLAY_H

#include "batch.h"

/* From the log, and from the master dataset what the log has lost. Live versions, rows and ledger that differ are put
 * in place in one transaction, at the same epoch and cut; messages that only the log has come back into the master
 * dataset before. ERROR_DATA where both hold different messages at an offset, or neither holds what was ingested: it
 * says so, and nothing is changed. */
bool replay_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Finds what is damaged of a source, in all stores, says so and what is to be done; and does it. */
#ifndef TIDEMARK_BATCH_REPAIR_H
#define TIDEMARK_BATCH_REPAIR_H

#include "batch.h"

/* Prints a line a finding to standard output. With batch->repairs it mends what it finds:
 * - a slot that can't be read, was edited, has another format, or isn't what its ledger says is forgotten: the speed
 * layer builds it again;
 * - messages that are missing or changed in the master dataset are taken from the log again; those that the log has
 * lost are recorded as gaps;
 * - live versions, rows and ledger that aren't what the messages give are computed again, in one transaction.
 * Then it checks all once more. ERROR_DATA where there is damage that wasn't mended; ERROR_CONFIGURATION where the
 * topic isn't this platform's to mend. */
bool repair_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

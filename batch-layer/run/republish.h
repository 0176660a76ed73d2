/* SPDX-License-Identifier: Apache-2.0
 * The published epoch once more: live versions, rows and ledger from the master dataset alone, in one transaction.
 * Epoch and cuts stay, so the real-time part fits as before. */
#ifndef TIDEMARK_BATCH_REPUBLISH_H
#define TIDEMARK_BATCH_REPUBLISH_H

#include "run/source_run.h"

/* run->unpublished says which view couldn't be published. `run` is one that was initialised and has its record; it is
 * of no other use afterwards. */
bool republish(struct source_run *run, struct error *error) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Publication E + 1 in one transaction: versions, rows, ledger, epoch and cut. */
#ifndef TIDEMARK_BATCH_PUBLISH_H
#define TIDEMARK_BATCH_PUBLISH_H

#include "publication/publisher.h"

/* Publishes what is ingested below the run's cuts; run->unpublished says which view couldn't be. ERROR_DATA, with the
 * figures and nothing published, where the ledger doesn't close or the master dataset doesn't hold what was ingested;
 * ERROR_TRY_AGAIN where somebody else has published meanwhile. A lost reply to the commit is cleared up: true means
 * published. */
bool publish(struct source_run *run, struct error *error) MUST_CHECK;

/* In the transaction that is open: computes versions, split orders, rows and ledger, and writes what is published.
 * ERROR_DATA, with the figures, where the ledger isn't closed, in a partition or in total, or counts other messages
 * than were ingested. */
bool publishing_fill(struct publishing *publishing, struct error *error) MUST_CHECK;

/* Why a view isn't published though the rest is: ERROR_CONFIGURATION, of the last one; those before it are logged.
 * *ret_refusal stays as it is where all are. */
void publishing_tell_refusals(const struct publishing *publishing, struct error *ret_refusal);

#endif

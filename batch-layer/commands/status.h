/* SPDX-License-Identifier: Apache-2.0
 * What an operator wants to see of a source, as a table for people. */
#ifndef TIDEMARK_BATCH_STATUS_H
#define TIDEMARK_BATCH_STATUS_H

#include "batch.h"

/* Prints to standard output: epoch, cut, what is ingested and how far the log is, by partition; the ledger; the last
 * runs. Works while a run is under way, and with a database that is still empty. */
bool status_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0
 * From the log into the master dataset: each message once, with the offset in the same transaction. */
#ifndef TIDEMARK_BATCH_INGEST_H
#define TIDEMARK_BATCH_INGEST_H

#include "run/source_run.h"

/* Ingests every partition up to its `cut`, in transactions of the configured number of messages; run->messages counts
 * them. What the log no longer holds is noted in tidemark.gap. May be stopped and repeated at any point. */
bool ingest_to_cut(struct source_run *run, struct error *error) MUST_CHECK;

#endif

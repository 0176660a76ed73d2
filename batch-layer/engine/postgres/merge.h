/* SPDX-License-Identifier: Apache-2.0
 * New messages become live versions: what was ingested from the published cut on to the run's cut is merged into
 * tidemark.current_<source>. Inside the publishing transaction.
 *
 * Two temporary tables say what changed, for the views: tm_added holds the versions that are new, tm_removed those that
 * go. Where no version was live before there are neither, and all views are computed from nothing. */
#ifndef TIDEMARK_BATCH_MERGE_H
#define TIDEMARK_BATCH_MERGE_H

#include "engine/engine.h"

/* As engine_operations says. */
bool merge_versions(struct source_run *run, struct partition_ledger ret_ledgers[], struct error *error) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Recomputes a source's views from the messages alone, by the view library, and compares with what the platform holds:
 * the published rows, the real-time cells of each epoch after the cut, both together, and all ledgers.
 *
 * The messages come from the log, and from the master dataset where the log has lost its head. The live versions are
 * held in memory. It is exact while the platform runs: it compares one publication with slots that fit it, and each
 * slot up to the offset that it says. */
#ifndef TIDEMARK_BATCH_VERIFY_H
#define TIDEMARK_BATCH_VERIFY_H

#include "batch.h"

/* ERROR_CONFIGURATION where the topic is compacted: it no longer says what was in it. ERROR_DATA names the first cell
 * that differs, with both values and the messages that make it up. ERROR_TRY_AGAIN names a partition whose real-time
 * part couldn't be compared, where nothing else differs. */
bool verify_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

/* The same without the real-time part. */
bool verify_published(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

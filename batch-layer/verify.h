/* SPDX-License-Identifier: Apache-2.0
 * Recomputes a source's views from the messages alone, by the view library, and compares with what is published.
 *
 * The messages come from the log where it still holds all of them, else from the master dataset. The live versions are
 * held in memory. */
#ifndef TIDEMARK_BATCH_VERIFY_H
#define TIDEMARK_BATCH_VERIFY_H

#include "batch.h"

/* ERROR_DATA names the first cell that differs, with both values. */
bool verify_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

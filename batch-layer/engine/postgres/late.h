/* SPDX-License-Identifier: Apache-2.0
 * Late messages, see view_is_late, counted by SQL over the master dataset. */
#ifndef TIDEMARK_BATCH_LATE_H
#define TIDEMARK_BATCH_LATE_H

#include "engine/engine.h"

/* Adds to `late` of each view that has a watermark those of this run's messages, or of a view that is computed whole,
 * of all below the cut. The live versions are there already. */
bool late_count(struct source_run *run, struct view_change changes[], struct error *error) MUST_CHECK;

#endif

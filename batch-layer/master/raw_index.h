/* SPDX-License-Identifier: Apache-2.0
 * The indexes of raw.<source>: its primary key, which is partition and offset, and the one on `date`. */
#ifndef TIDEMARK_BATCH_RAW_INDEX_H
#define TIDEMARK_BATCH_RAW_INDEX_H

#include "batch.h"

/* Makes those that the table lacks, in one transaction, and tells the planner what it holds, so that it doesn't read
 * all of it by an index. While it does so nobody else uses the table. */
bool raw_index(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

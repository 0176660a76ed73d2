/* SPDX-License-Identifier: Apache-2.0
 * The story of a batch run: lock, look, open the next epoch, ingest up to the cut, publish, let old epochs go. */
#ifndef TIDEMARK_BATCH_RUN_H
#define TIDEMARK_BATCH_RUN_H

#include "batch.h"

/* One run over one source. True where it published or found nothing new. ERROR_CONFIGURATION, with all the rest
 * published, where the table of a view can't follow its definition since others use it. */
bool run_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

/* Ingests up to the log's end, and publishes nothing. */
bool ingest_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif

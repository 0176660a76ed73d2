/* SPDX-License-Identifier: Apache-2.0
 * tidemark.run: what was tried, when, and how it ended; of the last runs of each source. */
#ifndef TIDEMARK_BATCH_RUN_RECORD_H
#define TIDEMARK_BATCH_RUN_RECORD_H

#include "publication/publisher.h"

/* Notes that a run of this kind begins; the caller holds the source's lock, so that any run of this source that looks
 * unfinished has died and is marked so. */
bool run_record_begin(struct batch *batch, const struct source *source, const char *kind, int64_t *ret_id,
                      struct error *error) MUST_CHECK;

/* Notes the end. Does nothing where the connection is gone: the next run marks this one as died. */
void run_record_end(struct batch *batch, int64_t id, const char *outcome, const char *message, int64_t messages);

/* The last ones of the source, at most so many, the newest first. */
bool run_record_read(struct batch *batch, const struct source *source, size_t most,
                     void (*take)(void *context, const struct run_entry *entry), void *context,
                     struct error *error) MUST_CHECK;

#endif

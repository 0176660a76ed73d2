/* SPDX-License-Identifier: Apache-2.0
 * At most one run of a source at a time: an advisory lock that lives as long as the connection. */
#ifndef TIDEMARK_BATCH_SOURCE_LOCK_H
#define TIDEMARK_BATCH_SOURCE_LOCK_H

#include "batch.h"

/* ERROR_TRY_AGAIN, with the holder's process, host and starting time, where another run has it. */
bool source_lock_take(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;
void source_lock_release(struct batch *batch, const struct source *source);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Whether real time asks for a publication before one is due. */
#ifndef TIDEMARK_BATCH_WANTED_H
#define TIDEMARK_BATCH_WANTED_H

#include "batch.h"

/* Whether a slot of the source holds half of what it may, or more, that isn't published. `record` is connected, and
 * `realtime` used by nobody else meanwhile. False where a store can't be read. */
bool publication_is_wanted(struct batch *record, struct realtime_store *realtime, const struct source *source);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Who does what for the batch layer: the log, the real-time store, and who has each of the three roles. */
#ifndef TIDEMARK_BATCH_BATCH_OPEN_H
#define TIDEMARK_BATCH_BATCH_OPEN_H

#include "batch.h"

/* Opens Kafka and Redis as configured; connects to nothing yet. On failure nothing is left open. */
bool batch_open(const struct settings *settings, struct batch *ret_batch, struct error *error) MUST_CHECK;

#endif

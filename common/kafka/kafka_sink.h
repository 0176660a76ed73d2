/* SPDX-License-Identifier: Apache-2.0
 * A sink that is a compacted topic of one partition: a record for each row that changed, its key the row's name, its
 * value null where the row has vanished, or JSON that says so where rows are numbered. Each record states in the header
 * `tidemark-provenance` what the copy is of once its micro-batch, which is one transaction, is there. */
#ifndef TIDEMARK_KAFKA_SINK_H
#define TIDEMARK_KAFKA_SINK_H

#include "kafka/client.h"
#include "ports/sink_store.h"

#define KAFKA_SINK_HEADER "tidemark-provenance"

/* `access` and `topic` outlive it. `bytes_max` is what it may hold of the topic's rows while it reads them. Doesn't
 * connect yet. */
bool kafka_sink_open(const struct kafka_access *access, const char *topic, size_t bytes_max,
                     struct sink_store **ret_store, struct error *error) MUST_CHECK;

#endif

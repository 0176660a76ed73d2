/* SPDX-License-Identifier: Apache-2.0
 * The messages that one transaction of the ingest takes: the good ones streamed to the master dataset by COPY, the bad
 * ones kept beside them as they came. The functions are those of master_operations. */
#ifndef TIDEMARK_BATCH_CHUNK_H
#define TIDEMARK_BATCH_CHUNK_H

#include "master/master.h"

struct ingest_chunk *chunk_new(struct batch *batch, const struct source *source, PGconn *connection);
void chunk_destroy(struct ingest_chunk *chunk);
bool chunk_add(struct ingest_chunk *chunk, int32_t partition, const struct log_message *message,
               const struct record *record, const struct rejection *rejection, struct error *error) MUST_CHECK;
bool chunk_is_full(const struct ingest_chunk *chunk, int64_t messages_max);
bool chunk_store(struct ingest_chunk *chunk, int32_t partition, int64_t from, int64_t next, int64_t *ret_messages,
                 struct error *error) MUST_CHECK;

#endif

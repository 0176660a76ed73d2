/* SPDX-License-Identifier: Apache-2.0
 * The messages that one transaction of the ingest takes: decoded, the good ones streamed to the master dataset by COPY,
 * the bad ones kept beside them as they came. */
#ifndef TIDEMARK_BATCH_CHUNK_H
#define TIDEMARK_BATCH_CHUNK_H

#include "batch.h"

struct chunk {
    struct batch *batch;
    const struct source *source;
    struct decoder *decoder;
    int32_t partition;
    int64_t messages; /* added to the transaction that is open */
    int64_t stored;   /* by the last chunk_store */
    bool open;        /* a transaction and a COPY are under way */
    struct buffer lines, bad;
};

struct chunk *chunk_new(struct batch *batch, const struct source *source); /* NULL where memory is short */
void chunk_destroy(struct chunk *chunk);

void chunk_set_partition(struct chunk *chunk, int32_t partition);
bool chunk_add(struct chunk *chunk, const struct log_message *message, struct error *error) MUST_CHECK;
/* So many messages, or so many bytes of bad ones, that it is time to store them. */
bool chunk_is_full(const struct chunk *chunk, int64_t messages_max);

/* Commits what was added, and that the partition is ingested from `from` until `next`. ERROR_TRY_AGAIN where somebody
 * else has ingested it meanwhile. After a failure the caller rolls back and the chunk is of no use any more. */
bool chunk_store(struct chunk *chunk, int64_t from, int64_t next, struct error *error) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "master/chunk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "master/raw_sql.h"
#include "postgres/binary_copy.h"

#define SEND_BYTES (256 * 1024)          /* COPY data is sent in pieces of about this size */
#define BAD_BYTES_MAX (16 * 1024 * 1024) /* held of bad messages, in hexadecimal */

struct ingest_chunk {
    struct batch *batch;
    PGconn *own_connection; /* NULL: it uses the batch's */
    const struct source *source;
    int64_t messages;          /* added to the transaction that is open */
    bool open;                 /* a transaction and a COPY are under way */
    struct ingested_tail last; /* of the messages added; offset -1 where there is none */
    struct buffer rows, bad;
};

struct ingest_chunk *chunk_new(struct batch *batch, const struct source *source, PGconn *connection)
{
    struct ingest_chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->batch = batch;
    chunk->own_connection = connection;
    chunk->source = source;
    chunk->last.offset = -1;
    return chunk;
}

static PGconn *connection_of(const struct ingest_chunk *chunk)
{
    return chunk->own_connection ? chunk->own_connection : chunk->batch->connection;
}

void chunk_destroy(struct ingest_chunk *chunk)
{
    if (!chunk)
        return;
    if (connection_of(chunk))
        connection_roll_back(connection_of(chunk));
    buffer_clean_up(&chunk->rows);
    buffer_clean_up(&chunk->bad);
    free(chunk);
}

static bool begin(struct ingest_chunk *chunk, struct error *error)
{
    struct buffer sql = {0};
    append_raw_copy(&sql, chunk->source);
    bool done = !sql.failed ? connection_execute(connection_of(chunk), "begin", error) &&
                                  connection_copy_begin(connection_of(chunk), buffer_string(&sql), error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    buffer_append_text(&chunk->rows, binary_copy_head);
    chunk->open = done;
    return done;
}

static bool send(struct ingest_chunk *chunk, struct buffer *data, struct error *error)
{
    bool done = data->failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                             : data->length == 0 || connection_copy_put(connection_of(chunk), buffer_text(data), error);
    buffer_clear(data);
    return done;
}

bool chunk_add(struct ingest_chunk *chunk, int32_t partition, const struct log_message *message,
               const struct record *record, const struct rejection *rejection, struct error *error)
{
    if (!chunk->open && !begin(chunk, error))
        return false;
    if (record)
        append_raw_row(&chunk->rows, chunk->source, chunk->batch->settings->zone, partition, message->offset,
                       message->record_time_us, record);
    else
        append_bad_line(&chunk->bad, chunk->source, partition, message, rejection);
    chunk->messages++;
    chunk->last = (struct ingested_tail){message->offset, message->record_time_us, log_message_hash(message)};
    return chunk->rows.length < SEND_BYTES || send(chunk, &chunk->rows, error);
}

bool chunk_is_full(const struct ingest_chunk *chunk, int64_t messages_max)
{
    return chunk->messages >= messages_max || chunk->bad.length >= BAD_BYTES_MAX;
}

static bool copy_bad(struct ingest_chunk *chunk, struct error *error)
{
    if (chunk->bad.length == 0 && !chunk->bad.failed)
        return true;
    return connection_copy_begin(connection_of(chunk), bad_copy, error) && send(chunk, &chunk->bad, error) &&
           connection_copy_end(connection_of(chunk), error);
}

/* Compares and sets, so that two processes never both ingest. What is ingested once more to mend the master dataset,
 * below `from`, was counted before. */
static bool move_on(struct ingest_chunk *chunk, int32_t number, int64_t from, int64_t next, struct error *error)
{
    struct buffer sql = {0};
    RESULT *updated = NULL;
    buffer_appendf(&sql, "update tidemark.partition set ingested = %" PRId64, next);
    if (next > from && chunk->last.offset >= 0)
        buffer_appendf(&sql,
                       ", held = held + %" PRId64 ", ingested_offset = %" PRId64 ", ingested_us = %" PRId64
                       ", ingested_hash = %" PRId64,
                       chunk->messages, chunk->last.offset, chunk->last.record_time_us, (int64_t)chunk->last.hash);
    buffer_append_string(&sql, " where source = ");
    buffer_append_literal(&sql, text_of(chunk->source->name));
    buffer_appendf(&sql, " and partition = %d and ingested = %" PRId64, (int)number, from);
    bool done = sql.failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                           : connection_query(connection_of(chunk), buffer_string(&sql), 0, NULL, &updated, error);
    buffer_clean_up(&sql);
    if (!done)
        return false;
    return strcmp(PQcmdTuples(updated), "1") == 0 ||
           error_set(error, ERROR_TRY_AGAIN, "source %s: partition %d was ingested by somebody else meanwhile",
                     chunk->source->name, (int)number);
}

bool chunk_store(struct ingest_chunk *chunk, int32_t partition, int64_t from, int64_t next, int64_t *ret_messages,
                 struct error *error)
{
    if (!chunk->open && !begin(chunk, error))
        return false;
    PGconn *connection = connection_of(chunk);
    chunk->open = false;
    buffer_append_text(&chunk->rows, binary_copy_tail);
    if (!send(chunk, &chunk->rows, error) || !connection_copy_end(connection, error) || !copy_bad(chunk, error) ||
        !move_on(chunk, partition, from, next, error) || !connection_execute(connection, "commit", error))
        return false;
    *ret_messages = chunk->messages;
    chunk->messages = 0;
    chunk->last.offset = -1;
    return true;
}

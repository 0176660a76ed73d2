/* SPDX-License-Identifier: Apache-2.0 */
#include "master/chunk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"
#include "master/raw_line.h"

#define SEND_BYTES (256 * 1024)                         /* COPY data is sent in pieces of about this size */
#define BAD_PAYLOAD_MAX (MESSAGE_BYTES_MAX + 1)         /* kept of one bad message: a longer one is bad for ever */
#define BAD_BYTES_MAX (16 * 1024 * 1024)                /* held of bad messages, in hexadecimal */
#define LAST_RECORD_TIME_US INT64_C(253402300800000000) /* the year 10000, which a timestamp's text can't say */

struct chunk {
    struct batch *batch;
    const struct source *source;
    int64_t messages; /* added to the transaction that is open */
    bool open;        /* a transaction and a COPY are under way */
    struct buffer lines, bad;
};

struct chunk *chunk_new(struct batch *batch, const struct source *source)
{
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->batch = batch;
    chunk->source = source;
    return chunk;
}

void chunk_destroy(struct chunk *chunk)
{
    if (!chunk)
        return;
    buffer_clean_up(&chunk->lines);
    buffer_clean_up(&chunk->bad);
    free(chunk);
}

static bool begin(struct chunk *chunk, struct error *error)
{
    struct buffer sql = {0};
    append_raw_copy(&sql, chunk->source);
    bool done = !sql.failed ? connection_execute(chunk->batch->connection, "begin", error) &&
                                  connection_copy_begin(chunk->batch->connection, buffer_string(&sql), error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    chunk->open = done;
    return done;
}

static bool send(struct chunk *chunk, struct buffer *lines, struct error *error)
{
    bool done = lines->failed
                    ? error_set(error, ERROR_INTERNAL, "out of memory")
                    : lines->length == 0 || connection_copy_put(chunk->batch->connection, buffer_text(lines), error);
    buffer_clear(lines);
    return done;
}

static void append_bytes(struct buffer *line, struct text bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (!bytes.data) {
        buffer_append_string(line, "\\N");
        return;
    }
    size_t length = bytes.length < BAD_PAYLOAD_MAX ? bytes.length : BAD_PAYLOAD_MAX;
    buffer_append_string(line, "\\\\x");
    if (!buffer_reserve(line, 2 * length))
        return;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        buffer_append_char(line, digits[byte >> 4]);
        buffer_append_char(line, digits[byte & 15]);
    }
}

static void append_bad(struct chunk *chunk, int32_t partition, const struct log_message *message,
                       const struct rejection *rejection)
{
    struct buffer *line = &chunk->bad;
    buffer_append_copy_text(line, text_of(chunk->source->name));
    buffer_appendf(line, "\t%d\t%" PRId64 "\t", (int)partition, message->offset);
    if (message->record_time_us < 0 || message->record_time_us >= LAST_RECORD_TIME_US)
        buffer_append_string(line, "\\N");
    else
        buffer_append_timestamp(line, message->record_time_us);
    buffer_append_char(line, '\t');
    buffer_append_copy_text(line, text_of(rejection->field));
    buffer_append_char(line, '\t');
    buffer_append_copy_text(line, text_of(rejection->reason));
    buffer_append_char(line, '\t');
    append_bytes(line, message->key);
    buffer_append_char(line, '\t');
    append_bytes(line, message->payload);
    buffer_append_char(line, '\n');
}

bool chunk_add(struct chunk *chunk, int32_t partition, const struct log_message *message, const struct record *record,
               const struct rejection *rejection, struct error *error)
{
    if (!chunk->open && !begin(chunk, error))
        return false;
    if (record)
        append_raw_line(&chunk->lines, chunk->source, partition, message->offset, message->record_time_us, record);
    else
        append_bad(chunk, partition, message, rejection);
    chunk->messages++;
    return chunk->lines.length < SEND_BYTES || send(chunk, &chunk->lines, error);
}

bool chunk_is_full(const struct chunk *chunk, int64_t messages_max)
{
    return chunk->messages >= messages_max || chunk->bad.length >= BAD_BYTES_MAX;
}

static bool copy_bad(struct chunk *chunk, struct error *error)
{
    if (chunk->bad.length == 0 && !chunk->bad.failed)
        return true;
    return connection_copy_begin(chunk->batch->connection,
                                 "copy tidemark.bad (source, partition, \"offset\", record_time, field, reason, key, "
                                 "payload) from stdin",
                                 error) &&
           send(chunk, &chunk->bad, error) && connection_copy_end(chunk->batch->connection, error);
}

/* Compares and sets, so that two processes never both ingest. What is ingested once more to mend the master dataset,
 * below `from`, was counted before. */
static bool move_on(struct chunk *chunk, int32_t number, int64_t from, int64_t next, struct error *error)
{
    char partition[16], old[24], new[24], messages[24];
    snprintf(partition, sizeof partition, "%d", (int)number);
    snprintf(old, sizeof old, "%" PRId64, from);
    snprintf(new, sizeof new, "%" PRId64, next);
    snprintf(messages, sizeof messages, "%" PRId64, next > from ? chunk->messages : 0);
    const char *values[] = {chunk->source->name, partition, old, new, messages};
    RESULT *updated = NULL;
    if (!connection_query(chunk->batch->connection,
                          "update tidemark.partition set ingested = $4::bigint, held = held + $5::bigint "
                          "where source = $1 and partition = $2::int and ingested = $3::bigint",
                          5, values, &updated, error))
        return false;
    return strcmp(PQcmdTuples(updated), "1") == 0 ||
           error_set(error, ERROR_TRY_AGAIN, "source %s: partition %d was ingested by somebody else meanwhile",
                     chunk->source->name, (int)number);
}

bool chunk_store(struct chunk *chunk, int32_t partition, int64_t from, int64_t next, int64_t *ret_messages,
                 struct error *error)
{
    if (!chunk->open && !begin(chunk, error))
        return false;
    PGconn *connection = chunk->batch->connection;
    chunk->open = false;
    if (!send(chunk, &chunk->lines, error) || !connection_copy_end(connection, error) || !copy_bad(chunk, error) ||
        !move_on(chunk, partition, from, next, error) || !connection_execute(connection, "commit", error))
        return false;
    *ret_messages = chunk->messages;
    chunk->messages = 0;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dead_letters.h"

#include <inttypes.h>
#include <stdio.h>

#include "bad_messages.h"
#include "base/timestamp.h"
#include "run.h"
#include "schema.h"

#define SHOWN_BYTES 80

/* Bytes that a terminal could take for something else are shown as \xHH. */
static void append_shown(struct buffer *out, struct text bytes)
{
    size_t length = bytes.length < SHOWN_BYTES ? bytes.length : SHOWN_BYTES;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (byte >= ' ' && byte < 0x7F && byte != '\\')
            buffer_append_char(out, (char)byte);
        else
            buffer_appendf(out, "\\x%02x", byte);
    }
    if (length < bytes.length)
        buffer_append_string(out, " ...");
}

static void append_time(struct buffer *out, int64_t record_time_us)
{
    if (record_time_us < 0)
        buffer_append_char(out, '-');
    else
        buffer_append_timestamp(out, record_time_us);
}

static void append_size(struct buffer *out, struct text payload)
{
    if (!payload.data)
        buffer_append_string(out, "null");
    else if (payload.length > MESSAGE_BYTES_MAX)
        buffer_appendf(out, "more than %zu bytes", MESSAGE_BYTES_MAX);
    else
        buffer_appendf(out, "%zu bytes", payload.length);
}

static bool print_message(const struct source *source, struct decoder *decoder, const struct bad_message *message,
                          struct error *error)
{
    struct record record;
    struct rejection rejection;
    struct buffer line = {0};
    bool good = decoder_decode(decoder, message->payload, message->record_time_us, &record, &rejection);
    decoder_reset(decoder);
    buffer_appendf(&line, "%s/%d/%" PRId64 "  %.*s%s%.*s%s  ", source->topic, (int)message->partition, message->offset,
                   (int)message->field.length, message->field.data, message->field.length ? ": " : "",
                   (int)message->reason.length, message->reason.data, good ? " (good now)" : "");
    append_time(&line, message->record_time_us);
    buffer_append_string(&line, "  ");
    append_size(&line, message->payload);
    buffer_append_string(&line, "  ");
    append_shown(&line, message->payload);
    bool done = !line.failed || error_set(error, ERROR_INTERNAL, "out of memory");
    if (done)
        puts(buffer_string(&line));
    buffer_clean_up(&line);
    return done;
}

static bool print_rows(const struct source *source, struct decoder *decoder, const PGresult *rows, struct error *error)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct bad_message message;
        bool done = bad_message_init(&message, rows, row, error) && print_message(source, decoder, &message, error);
        bad_message_clean_up(&message);
        if (!done)
            return false;
    }
    return true;
}

static bool print_all(struct batch *batch, const struct source *source, struct decoder *decoder, int64_t limit,
                      struct error *error)
{
    char order[120];
    snprintf(order, sizeof order, "order by record_time desc nulls last, partition, \"offset\" desc limit %" PRId64,
             limit);
    if (!bad_messages_open(batch, source, order, error))
        return false;
    for (int count = 1; count > 0;) {
        RESULT *rows = NULL;
        if (!bad_messages_fetch(batch, &rows, error) || !print_rows(source, decoder, rows, error))
            return false;
        count = PQntuples(rows);
    }
    return true;
}

static bool print_head(struct batch *batch, const struct source *source, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *count = NULL;
    if (!connection_query(batch->connection, "select count(*) from tidemark.bad where source = $1", 1, values, &count,
                          error))
        return false;
    printf("source %s: %" PRId64 " bad messages are kept; those that were not ingested yet are in %s\n", source->name,
           result_integer(count, 0, 0), source->dead_letter ? source->dead_letter : "the topic alone");
    return true;
}

bool dead_letters_list(struct batch *batch, const struct source *source, int64_t limit, struct error *error)
{
    struct decoder *decoder = decoder_new(&source->schema);
    bool done = decoder || error_set(error, ERROR_INTERNAL, "out of memory");
    done = done && batch_connect(batch, error) && schema_migrate(batch, error) &&
           connection_execute(batch->connection, "begin isolation level repeatable read read only", error) &&
           print_head(batch, source, error) && print_all(batch, source, decoder, limit, error);
    if (batch->connection)
        connection_roll_back(batch->connection);
    decoder_destroy(decoder);
    return done;
}

bool dead_letters_replay(struct batch *batch, const struct source *source, struct error *error)
{
    batch->judges_again = true;
    return run_source(batch, source, error);
}

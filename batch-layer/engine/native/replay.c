/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/replay.h"

#include <inttypes.h>

#include "base/shutdown.h"
#include "database/schema.h"

#define ROWS_AT_ONCE "5000"

struct reading {
    const struct replay *replay;
    struct decoder *decoder;
};

/* --- from the log --- */

static bool take_message(void *context, const struct log_message *message, struct error *error)
{
    const struct reading *reading = context;
    const struct replay *replay = reading->replay;
    struct record record;
    struct rejection rejection = {0};
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    bool good = decoder_decode(reading->decoder, message->payload, message->record_time_us, &record, &rejection);
    bool done = !good && !rejection.reason
                    ? error_set(error, ERROR_INTERNAL, "out of memory")
                    : replay->take(replay->context, message->offset, good ? &record : NULL, error);
    decoder_reset(reading->decoder);
    return done;
}

static bool read_log(const struct replay *replay, int64_t from, struct error *error)
{
    struct event_log *log = replay->batch->log;
    struct reading reading = {replay, decoder_new(&replay->source->schema)};
    int64_t available = from;
    bool done = reading.decoder ? log->operations->read(log, replay->source->topic, replay->partition, from, replay->to,
                                                        &available, take_message, &reading, error)
                                : error_set(error, ERROR_INTERNAL, "out of memory");
    decoder_destroy(reading.decoder);
    return done && (available == from || error_set(error, ERROR_TRY_AGAIN,
                                                   "source %s: the log of partition %d lost its head while it was read",
                                                   replay->source->name, (int)replay->partition));
}

/* --- from the master dataset --- */

static bool parse_value(const struct field *field, struct text text, struct value *ret_value)
{
    if (field->type == FIELD_TEXT)
        ret_value->text = text;
    else if (field->type == FIELD_INTEGER)
        return integer_parse(text, &ret_value->number);
    else
        return decimal_parse(text, field->scale, &ret_value->number);
    return true;
}

static bool take_row(const struct replay *replay, const PGresult *rows, int row, struct error *error)
{
    const struct schema *schema = &replay->source->schema;
    struct value values[FIELDS_MAX];
    int64_t offset = result_integer(rows, row, 0);
    if (PQgetisnull(rows, row, 1))
        return replay->take(replay->context, offset, NULL, error);
    struct record record = {result_integer(rows, row, 1), values};
    for (size_t i = 0; i < schema->field_count; i++) {
        int column = 2 + (int)i;
        values[i] = (struct value){.present = !PQgetisnull(rows, row, column)};
        if (values[i].present && !parse_value(&schema->fields[i], result_text(rows, row, column), &values[i]))
            return error_set(error, ERROR_DATA, "source %s: the master dataset has a %s that isn't one",
                             replay->source->name, schema->fields[i].name);
    }
    return replay->take(replay->context, offset, &record, error);
}

/* Good and bad messages by their offsets; the bad ones have no event time. */
static bool open_cursor(const struct replay *replay, int64_t to, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "declare tm_raw no scroll cursor for select tm_offset, tm_event_us");
    for (size_t i = 0; i < replay->source->schema.field_count; i++) {
        buffer_append_string(&sql, ", ");
        buffer_append_identifier(&sql, replay->source->schema.fields[i].name);
    }
    buffer_append_string(&sql, " from ");
    append_raw_table(&sql, replay->source);
    buffer_appendf(&sql, " where tm_partition = %d and tm_offset >= %" PRId64 " and tm_offset < %" PRId64,
                   (int)replay->partition, replay->from, to);
    buffer_append_string(&sql, " union all select \"offset\", null");
    for (size_t i = 0; i < replay->source->schema.field_count; i++)
        buffer_append_string(&sql, ", null");
    buffer_append_string(&sql, " from tidemark.bad where source = ");
    buffer_append_literal(&sql, text_of(replay->source->name));
    buffer_appendf(&sql, " and partition = %d and \"offset\" >= %" PRId64 " and \"offset\" < %" PRId64 " order by 1",
                   (int)replay->partition, replay->from, to);
    bool done = batch_execute(replay->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool read_master(const struct replay *replay, int64_t to, struct error *error)
{
    if (!open_cursor(replay, to, error))
        return false;
    for (int count = 1; count > 0;) {
        RESULT *rows = NULL;
        if (shutdown_requested())
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
        if (!connection_query(replay->batch->connection, "fetch " ROWS_AT_ONCE " from tm_raw", 0, NULL, &rows, error))
            return false;
        count = PQntuples(rows);
        for (int row = 0; row < count; row++)
            if (!take_row(replay, rows, row, error))
                return false;
    }
    return connection_execute(replay->batch->connection, "close tm_raw", error);
}

bool replay_partition(const struct replay *replay, int64_t *ret_split, struct error *error)
{
    struct event_log *log = replay->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, replay->source->topic, replay->partition, &first, &end, error))
        return false;
    int64_t split = first < replay->from ? replay->from : first < replay->to ? first : replay->to;
    bool done = (split == replay->from || read_master(replay, split, error)) &&
                (split == replay->to || read_log(replay, split, error));
    if (done)
        *ret_split = split;
    return done;
}

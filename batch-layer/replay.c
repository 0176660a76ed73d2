/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <inttypes.h>

#include "base/shutdown.h"
#include "progress.h"
#include "schema.h"

#define ROWS_AT_ONCE "5000"

struct replay {
    struct batch *batch;
    const struct source *source;
    struct versions *versions;
    struct decoder *decoder;
    int32_t partition;
    struct progress progress;
};

static int64_t messages_in(const struct publication *publication)
{
    int64_t total = 0;
    for (size_t i = 0; i < publication->partition_count; i++)
        total += publication->partitions[i].cut - publication->partitions[i].first;
    return total;
}

bool replay_log_is_whole(struct batch *batch, const struct source *source, const struct publication *publication,
                         bool *ret_whole, struct error *error)
{
    bool whole = true;
    for (size_t i = 0; i < publication->partition_count; i++) {
        const struct published_partition *partition = &publication->partitions[i];
        int64_t first, end;
        if (!batch->log->operations->ends(batch->log, source->topic, partition->partition, &first, &end, error))
            return false;
        whole = whole && (first <= partition->first || partition->first == partition->cut);
    }
    *ret_whole = whole;
    return true;
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    struct replay *replay = context;
    struct record record;
    struct rejection rejection;
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    replay->versions->ledger->consumed++;
    progress_add(&replay->progress, 1);
    bool done = true;
    if (decoder_decode(replay->decoder, message->payload, message->record_time_us, &record, &rejection))
        done = versions_add(replay->versions, replay->partition, &record, error);
    else
        replay->versions->ledger->bad++;
    decoder_reset(replay->decoder);
    return done;
}

static bool read_partition(struct replay *replay, const struct published_partition *partition, struct error *error)
{
    struct event_log *log = replay->batch->log;
    int64_t available;
    replay->partition = partition->partition;
    if (partition->first == partition->cut)
        return true;
    if (!log->operations->read(log, replay->source->topic, partition->partition, partition->first, partition->cut,
                               &available, take, replay, error))
        return false;
    return available <= partition->first ||
           error_set(error, ERROR_TRY_AGAIN, "source %s: the log of partition %d lost its head while it was read",
                     replay->source->name, (int)partition->partition);
}

bool replay_log(struct batch *batch, const struct source *source, const struct publication *publication,
                struct versions *versions, struct error *error)
{
    struct replay replay = {
        .batch = batch, .source = source, .versions = versions, .decoder = decoder_new(&source->schema)};
    if (!replay.decoder)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    progress_begin(&replay.progress, source->name, messages_in(publication));
    bool done = true;
    for (size_t i = 0; done && i < publication->partition_count; i++)
        done = read_partition(&replay, &publication->partitions[i], error);
    progress_end(&replay.progress);
    decoder_destroy(replay.decoder);
    return done;
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

static bool take_row(struct replay *replay, const PGresult *rows, int row, struct error *error)
{
    const struct schema *schema = &replay->source->schema;
    struct value values[FIELDS_MAX];
    struct record record = {result_integer(rows, row, 0), values};
    for (size_t i = 0; i < schema->field_count; i++) {
        int column = 1 + (int)i;
        values[i] = (struct value){.present = !PQgetisnull(rows, row, column)};
        if (values[i].present && !parse_value(&schema->fields[i], result_text(rows, row, column), &values[i]))
            return error_set(error, ERROR_DATA, "source %s: the master dataset has a %s that isn't one",
                             replay->source->name, schema->fields[i].name);
    }
    replay->versions->ledger->consumed++;
    return versions_add(replay->versions, replay->partition, &record, error);
}

static bool open_cursor(struct replay *replay, const struct published_partition *partition, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "declare tm_raw no scroll cursor for select tm_event_us");
    for (size_t i = 0; i < replay->source->schema.field_count; i++) {
        buffer_append_string(&sql, ", ");
        buffer_append_identifier(&sql, replay->source->schema.fields[i].name);
    }
    buffer_append_string(&sql, " from ");
    append_raw_table(&sql, replay->source);
    buffer_appendf(&sql, " where tm_partition = %d and tm_offset < %" PRId64 " order by tm_offset",
                   (int)partition->partition, partition->cut);
    bool done = batch_execute(replay->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool read_rows(struct replay *replay, const struct published_partition *partition, struct error *error)
{
    replay->partition = partition->partition;
    if (!open_cursor(replay, partition, error))
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
        progress_add(&replay->progress, count);
    }
    return connection_execute(replay->batch->connection, "close tm_raw", error);
}

static bool count_bad(struct replay *replay, const struct published_partition *partition, struct error *error)
{
    struct buffer sql = {0};
    RESULT *count = NULL;
    buffer_append_string(&sql, "select count(*) from tidemark.bad where source = ");
    buffer_append_literal(&sql, text_of(replay->source->name));
    buffer_appendf(&sql, " and partition = %d and \"offset\" < %" PRId64, (int)partition->partition, partition->cut);
    bool done = batch_query(replay->batch, &sql, &count, error);
    buffer_clean_up(&sql);
    if (done) {
        replay->versions->ledger->bad += result_integer(count, 0, 0);
        replay->versions->ledger->consumed += result_integer(count, 0, 0);
    }
    return done;
}

bool replay_master(struct batch *batch, const struct source *source, const struct publication *publication,
                   struct versions *versions, struct error *error)
{
    struct replay replay = {.batch = batch, .source = source, .versions = versions};
    progress_begin(&replay.progress, source->name, messages_in(publication));
    bool done = true;
    for (size_t i = 0; done && i < publication->partition_count; i++)
        done = read_rows(&replay, &publication->partitions[i], error) &&
               count_bad(&replay, &publication->partitions[i], error);
    progress_end(&replay.progress);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "check/master_check.h"

#include <inttypes.h>

#include "base/shutdown.h"
#include "database/schema.h"
#include "run/batch_store.h"

#define BLOCK 20000 /* offsets that are compared at once */

/* One block: the rows of the master dataset by their offsets, and where the log's messages have come to among them. */
struct block {
    struct master_check *check;
    struct decoder *decoder;
    const PGresult *rows;
    int row;
    struct chunk *chunk; /* NULL: only compare */
    struct buffer text;  /* scratch */
};

enum column { COLUMN_OFFSET, COLUMN_RECORD, COLUMN_EVENT, COLUMN_FIELDS };

static bool query_rows(struct master_check *check, int64_t from, int64_t to, PGresult **ret_rows, struct error *error)
{
    struct buffer sql = {0};
    const struct source *source = check->run->source;
    buffer_append_string(&sql, "select tm_offset, tm_record_us, tm_event_us");
    for (size_t i = 0; i < source->schema.field_count; i++) {
        buffer_append_string(&sql, ", ");
        buffer_append_identifier(&sql, source->schema.fields[i].name);
    }
    buffer_append_string(&sql, " from ");
    append_raw_table(&sql, source);
    buffer_appendf(&sql, " where tm_partition = %d and tm_offset >= %" PRId64 " and tm_offset < %" PRId64,
                   (int)check->partition->number, from, to);
    buffer_append_string(&sql, " union all select \"offset\", null, null");
    for (size_t i = 0; i < source->schema.field_count; i++)
        buffer_append_string(&sql, ", null");
    buffer_append_string(&sql, " from tidemark.bad where source = ");
    buffer_append_literal(&sql, text_of(source->name));
    buffer_appendf(&sql, " and partition = %d and \"offset\" >= %" PRId64 " and \"offset\" < %" PRId64 " order by 1",
                   (int)check->partition->number, from, to);
    bool done = batch_query(check->run->batch, &sql, ret_rows, error);
    buffer_clean_up(&sql);
    return done;
}

static bool is_field_same(struct block *block, size_t number, const struct value *value)
{
    const struct field *field = &block->check->run->source->schema.fields[number];
    int column = COLUMN_FIELDS + (int)number;
    if (PQgetisnull(block->rows, block->row, column))
        return true;
    struct text stored = result_text(block->rows, block->row, column);
    if (!value->present)
        return false;
    if (field->type == FIELD_TEXT)
        return text_equal(stored, value->text);
    buffer_clear(&block->text);
    if (field->type == FIELD_DECIMAL)
        buffer_append_decimal(&block->text, value->number, field->scale);
    else
        buffer_append_integer(&block->text, value->number);
    return text_equal(stored, buffer_text(&block->text));
}

/* The row is at the message's offset. Whether a message is good can have changed with the configuration. */
static bool is_row_same(struct block *block, const struct log_message *message, const struct record *record)
{
    if (!record || PQgetisnull(block->rows, block->row, COLUMN_EVENT))
        return true;
    bool same = result_integer(block->rows, block->row, COLUMN_EVENT) == record->event_time_us;
    if (!PQgetisnull(block->rows, block->row, COLUMN_RECORD))
        same = same && result_integer(block->rows, block->row, COLUMN_RECORD) == message->record_time_us;
    for (size_t i = 0; same && i < block->check->run->source->schema.field_count; i++)
        same = is_field_same(block, i, &record->values[i]);
    return same;
}

static void note_missing(struct master_check *check, int64_t offset)
{
    if (check->missing++ == 0)
        check->first_missing = offset;
}

static void note_edited(struct master_check *check, int64_t offset)
{
    if (check->edited++ == 0)
        check->first_edited = offset;
    buffer_append_string(&check->edited_offsets, check->edited_offsets.length ? "," : "'{");
    buffer_append_integer(&check->edited_offsets, offset);
}

static bool take_judged(struct block *block, const struct log_message *message, const struct record *record,
                        const struct rejection *rejection, struct error *error)
{
    struct master_check *check = block->check;
    while (block->row < PQntuples(block->rows) &&
           result_integer(block->rows, block->row, COLUMN_OFFSET) < message->offset)
        block->row++;
    bool is_there = block->row < PQntuples(block->rows) &&
                    result_integer(block->rows, block->row, COLUMN_OFFSET) == message->offset;
    if (is_there) {
        if (!block->chunk && !is_row_same(block, message, record))
            note_edited(check, message->offset);
        return true;
    }
    if (!block->chunk) {
        note_missing(check, message->offset);
        return true;
    }
    return check->run->batch->store->chunk_add(block->chunk, check->partition->number, message, record, rejection,
                                               error);
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    struct block *block = context;
    struct record record;
    struct rejection rejection = {0};
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    bool good = decoder_decode(block->decoder, message->payload, message->record_time_us, &record, &rejection);
    bool done = !good && !rejection.reason ? error_set(error, ERROR_INTERNAL, "out of memory")
                                           : take_judged(block, message, good ? &record : NULL, &rejection, error);
    decoder_reset(block->decoder);
    return done;
}

static bool pass_block(struct block *block, int64_t from, int64_t to, struct error *error)
{
    struct master_check *check = block->check;
    struct batch *batch = check->run->batch;
    PGresult *rows = NULL;
    int64_t available = from, stored;
    if (!query_rows(check, from, to, &rows, error))
        return false;
    block->rows = rows;
    block->row = 0;
    bool done = batch->log->operations->read(batch->log, check->run->source->topic, check->partition->number, from, to,
                                             &available, take, block, error) &&
                (available == from || error_set(error, ERROR_TRY_AGAIN, "the log lost its head while it was read"));
    PQclear(rows);
    /* `ingested` stays: what comes lies below it. */
    return done && (!block->chunk ||
                    batch->store->chunk_store(block->chunk, check->partition->number, check->partition->ingested,
                                              check->partition->ingested, &stored, error));
}

static bool pass(struct master_check *check, bool mends, struct error *error)
{
    struct batch *batch = check->run->batch;
    struct block block = {.check = check, .decoder = decoder_new(&check->run->source->schema)};
    if (mends)
        block.chunk = batch->store->chunk_new(batch, check->run->source);
    bool done = (block.decoder && (block.chunk || !mends)) || error_set(error, ERROR_INTERNAL, "out of memory");
    for (int64_t from = check->from; done && from < check->partition->ingested; from += BLOCK) {
        int64_t left = check->partition->ingested - from;
        done = pass_block(&block, from, from + (left < BLOCK ? left : BLOCK), error);
    }
    if (!done)
        batch->store->roll_back(batch);
    batch->store->chunk_destroy(block.chunk);
    decoder_destroy(block.decoder);
    buffer_clean_up(&block.text);
    return done;
}

struct tail {
    int64_t time_us;
    bool same;
};

static bool take_tail(void *context, const struct log_message *message, struct error *error)
{
    (void)error;
    struct tail *tail = context;
    tail->same = message->record_time_us == tail->time_us;
    return true;
}

/* What another topic holds must not be taken for what is missing. */
static bool check_story(struct master_check *check, int64_t first, int64_t end, struct error *error)
{
    struct source_run *run = check->run;
    struct event_log *log = run->batch->log;
    struct tail tail = {.same = true};
    int64_t offset, available;
    if (!run->batch->store->read_tail(run, check->partition, &offset, &tail.time_us, error))
        return false;
    if (offset >= first && offset < end &&
        !log->operations->read(log, run->source->topic, check->partition->number, offset, offset + 1, &available,
                               take_tail, &tail, error))
        return false;
    return (end >= check->partition->ingested && tail.same) ||
           error_set(error, ERROR_CONFIGURATION,
                     "source %s: partition %d: the topic isn't the one that was ingested, it was made anew or lost its "
                     "tail: nothing can be repaired from it; give the source another name to begin anew",
                     run->source->name, (int)check->partition->number);
}

bool master_check(struct master_check *check, struct error *error)
{
    struct event_log *log = check->run->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, check->run->source->topic, check->partition->number, &first, &end, error) ||
        !check_story(check, first, end, error))
        return false;
    check->from = first > check->partition->first ? first : check->partition->first;
    return pass(check, false, error);
}

static bool delete_edited(struct master_check *check, struct error *error)
{
    struct buffer sql = {0};
    if (check->edited == 0)
        return true;
    buffer_append_string(&sql, "delete from ");
    append_raw_table(&sql, check->run->source);
    buffer_appendf(&sql, " where tm_partition = %d and tm_offset = any (%s}'::bigint[])", (int)check->partition->number,
                   buffer_string(&check->edited_offsets));
    sql.failed = sql.failed || check->edited_offsets.failed;
    bool done = batch_execute(check->run->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

bool master_mend(struct master_check *check, struct error *error)
{
    return delete_edited(check, error) && pass(check, true, error);
}

void master_check_clean_up(struct master_check *check)
{
    buffer_clean_up(&check->edited_offsets);
}

bool master_count(struct batch *batch, const struct source *source, int32_t partition, int64_t below,
                  int64_t *ret_count, struct error *error)
{
    struct buffer sql = {0};
    RESULT *count = NULL;
    buffer_append_string(&sql, "select (select count(*) from ");
    append_raw_table(&sql, source);
    buffer_appendf(&sql,
                   " where tm_partition = %d and tm_offset < %" PRId64
                   ") + (select count(*) from tidemark.bad where partition = %d and \"offset\" < %" PRId64
                   " and source = ",
                   (int)partition, below, (int)partition, below);
    buffer_append_literal(&sql, text_of(source->name));
    buffer_append_char(&sql, ')');
    bool done = batch_query(batch, &sql, &count, error);
    buffer_clean_up(&sql);
    if (done)
        *ret_count = result_integer(count, 0, 0);
    return done;
}

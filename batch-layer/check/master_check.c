/* SPDX-License-Identifier: Apache-2.0 */
#include "check/master_check.h"

#include "base/shutdown.h"
#include "base/timestamp.h"
#include "base/wide.h"
#include "master/master.h"

#define RANGE_OFFSETS 20000 /* offsets that are compared at once */

/* One range: the messages of the master dataset by their offsets, and the one that the log's have come to. */
struct check_range {
    struct master_check *check;
    struct decoder *decoder;
    struct master_rows *rows;
    struct master_row row; /* the next one, where has_row */
    bool has_row;
    struct ingest_chunk *chunk; /* NULL: only compare */
    struct buffer both;         /* how a message and its row differ */
};

static const struct master_operations *master_of(const struct check_range *range)
{
    return range->check->run->batch->master;
}

static bool is_value_same(const struct field *field, const struct value *stored, const struct value *value)
{
    if (!stored->present || !value->present)
        return !stored->present;
    return field->type == FIELD_TEXT ? text_equal(stored->text, value->text) : stored->number == value->number;
}

/* "amount 12.00 in the log, 13.00 in the master dataset" of the first field that differs; false where none does. */
static bool find_other_value(const struct check_range *range, const struct record *record, struct buffer *ret_both)
{
    const struct schema *schema = &range->check->run->source->schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        const struct value *stored = &range->row.record->values[i];
        if (is_value_same(field, stored, &record->values[i]))
            continue;
        buffer_appendf(ret_both, "%s ", field->name);
        buffer_append_value(ret_both, field, &record->values[i]);
        buffer_append_string(ret_both, " in the log, ");
        buffer_append_value(ret_both, field, stored);
        buffer_append_string(ret_both, " in the master dataset");
        return true;
    }
    return false;
}

static bool find_other_time(const char *name, int64_t at_us, int64_t stored_us, struct buffer *ret_both)
{
    if (at_us == stored_us)
        return false;
    buffer_appendf(ret_both, "%s ", name);
    buffer_append_timestamp(ret_both, at_us);
    buffer_append_string(ret_both, " in the log, ");
    buffer_append_timestamp(ret_both, stored_us);
    buffer_append_string(ret_both, " in the master dataset");
    return true;
}

/* What differs between the message and the row at its offset. Whether a message is good can have changed with the
 * configuration. */
static bool find_difference(const struct check_range *range, const struct log_message *message,
                            const struct record *record, struct buffer *ret_both)
{
    const struct master_row *row = &range->row;
    if (!record || !row->record)
        return false;
    if (row->damaged_field) {
        buffer_appendf(ret_both, "the master dataset has a %s that isn't one", row->damaged_field);
        return true;
    }
    return find_other_time("event time", record->event_time_us, row->record->event_time_us, ret_both) ||
           (row->record_time_us >= 0 &&
            find_other_time("record time", message->record_time_us, row->record_time_us, ret_both)) ||
           find_other_value(range, record, ret_both);
}

static void note_missing(struct master_check *check, int64_t offset)
{
    if (check->missing++ == 0)
        check->first_missing = offset;
}

static void note_edited(struct master_check *check, int64_t offset, struct text both)
{
    if (check->edited++ == 0) {
        check->first_edited = offset;
        buffer_append_text(&check->first_both, both);
    }
    buffer_append(&check->edited_offsets, &offset, sizeof offset);
}

static bool compare_message(struct check_range *range, const struct log_message *message, const struct record *record,
                            const struct rejection *rejection, struct error *error)
{
    struct master_check *check = range->check;
    while (range->has_row && range->row.offset < message->offset)
        range->has_row = master_of(range)->next_row(range->rows, &range->row);
    if (range->has_row && range->row.offset == message->offset) {
        buffer_clear(&range->both);
        if (!range->chunk && find_difference(range, message, record, &range->both))
            note_edited(check, message->offset, buffer_text(&range->both));
        return true;
    }
    if (!range->chunk) {
        note_missing(check, message->offset);
        return true;
    }
    return master_of(range)->chunk_add(range->chunk, check->partition->number, message, record, rejection, error);
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    struct check_range *range = context;
    struct record record;
    struct rejection rejection = {0};
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    bool good;
    bool done = decoder_classify(range->decoder, message->payload, message->record_time_us, &good, &record, &rejection,
                                 error) &&
                compare_message(range, message, good ? &record : NULL, &rejection, error);
    decoder_reset(range->decoder);
    return done;
}

static bool pass_range(struct check_range *range, int64_t from, int64_t to, struct error *error)
{
    const struct master_check *check = range->check;
    const struct source *source = check->run->source;
    struct batch *batch = check->run->batch;
    const struct master_operations *master = batch->master;
    int32_t number = check->partition->number;
    int64_t available = from, stored, ingested = check->partition->ingested;
    if (!master->read(batch, source, number, from, to, &range->rows, error))
        return false;
    range->has_row = master->next_row(range->rows, &range->row);
    bool done =
        batch->log->operations->read(batch->log, source->topic, number, from, to, &available, take, range, error) &&
        (available == from || error_set(error, ERROR_TRY_AGAIN, "the log lost its head while it was read"));
    master->rows_destroy(range->rows);
    /* `ingested` stays: what comes lies below it. */
    return done && (!range->chunk || master->chunk_store(range->chunk, number, ingested, ingested, &stored, error));
}

static bool pass(struct master_check *check, bool mends, struct error *error)
{
    struct batch *batch = check->run->batch;
    struct check_range range = {.check = check, .decoder = decoder_new(&check->run->source->schema)};
    if (mends)
        range.chunk = batch->master->chunk_new(batch, check->run->source, NULL);
    bool done = (range.decoder && (range.chunk || !mends)) || error_set(error, ERROR_INTERNAL, "out of memory");
    for (int64_t from = check->from; done && from < check->partition->ingested; from += RANGE_OFFSETS) {
        int64_t left = check->partition->ingested - from;
        done = pass_range(&range, from, from + (left < RANGE_OFFSETS ? left : RANGE_OFFSETS), error);
    }
    batch->master->chunk_destroy(range.chunk);
    buffer_clean_up(&range.both);
    decoder_destroy(range.decoder);
    return done;
}

struct tail {
    struct ingested_tail ingested;
    bool same;
};

static bool take_tail(void *context, const struct log_message *message, struct error *error)
{
    (void)error;
    struct tail *tail = context;
    tail->same = log_message_is_tail(message, tail->ingested.record_time_us, tail->ingested.hash);
    return true;
}

/* What another topic holds must not be taken for what is missing. */
static bool check_story(struct master_check *check, int64_t first, int64_t end, struct error *error)
{
    struct source_run *run = check->run;
    struct event_log *log = run->batch->log;
    struct tail tail = {.same = true};
    int64_t available;
    if (!run->batch->master->read_tail(run, check->partition, &tail.ingested, error))
        return false;
    int64_t offset = tail.ingested.offset;
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

bool master_mend(struct master_check *check, struct error *error)
{
    const struct buffer *edited = &check->edited_offsets;
    if (edited->failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return check->run->batch->master->remove(check->run, check->partition, (const int64_t *)(const void *)edited->data,
                                             edited->length / sizeof(int64_t), error) &&
           pass(check, true, error);
}

void master_check_clean_up(struct master_check *check)
{
    buffer_clean_up(&check->edited_offsets);
    buffer_clean_up(&check->first_both);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "master/raw_sql.h"

#include <inttypes.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "base/zone.h"
#include "postgres/binary_copy.h"

#define BAD_PAYLOAD_MAX (MESSAGE_BYTES_MAX + 1)         /* kept of one bad message: a longer one is bad for ever */
#define LAST_RECORD_TIME_US INT64_C(253402300800000000) /* the year 10000, which a timestamp's text can't say */

const char bad_copy[] = "copy tidemark.bad (source, partition, \"offset\", record_time, field, reason, key, payload) "
                        "from stdin";

void append_raw_columns(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "tm_partition, tm_offset, tm_record_us, tm_event_us");
    append_field_names(sql, &source->schema, "");
}

/* The source is a column of both halves, so that they have no condition of their own: then PostgreSQL takes them apart,
 * and finds the last message of a partition at the end of two indexes. */
void append_messages(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "(select ");
    buffer_append_literal(sql, text_of(source->name));
    buffer_append_string(sql, "::text collate \"C\" as tm_source, ");
    append_raw_columns(sql, source);
    buffer_append_string(sql, " from ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " union all select source, partition, \"offset\", "
                              "(extract(epoch from record_time) * 1000000)::bigint, null");
    for (size_t i = 0; i < source->schema.field_count; i++)
        buffer_append_string(sql, ", null");
    buffer_append_string(sql, " from tidemark.bad) m where tm_source = ");
    buffer_append_literal(sql, text_of(source->name));
}

void append_raw_copy(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "copy ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " (");
    append_raw_columns(sql, source);
    buffer_append_string(sql, schema_day_field(&source->schema) ? ")" : ", date, timestamp)");
    buffer_append_string(sql, " from stdin (format binary)");
}

static char *put_value(char *at, const struct field *field, const struct value *value)
{
    if (!value->present)
        return binary_copy_null(at);
    if (field->type == FIELD_TEXT)
        return binary_copy_text(at, value->text);
    return field->type == FIELD_DECIMAL ? binary_copy_numeric(at, value->number, field->scale)
                                        : binary_copy_bigint(at, value->number);
}

/* The local date of an event time, and the event time. */
static char *put_day_columns(char *at, const struct zone *zone, int64_t event_us)
{
    int64_t at_s = floor_divide(event_us, US_PER_SECOND);
    at = binary_copy_date(at, floor_divide(at_s + zone_offset(zone, at_s), SECONDS_PER_DAY));
    return binary_copy_timestamptz(at, event_us);
}

static size_t text_bytes(const struct schema *schema, const struct record *record)
{
    size_t bytes = 0;
    for (size_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].type == FIELD_TEXT && record->values[i].present)
            bytes += record->values[i].text.length;
    return bytes;
}

void append_raw_row(struct buffer *rows, const struct source *source, const struct zone *zone, int32_t partition,
                    int64_t offset, int64_t record_time_us, const struct record *record)
{
    const struct schema *schema = &source->schema;
    size_t columns = RAW_FIELDS + schema->field_count + (schema_day_field(schema) ? 0 : 2);
    if (!buffer_reserve(rows, BINARY_COPY_ROW_BYTES + columns * BINARY_COPY_VALUE_BYTES + text_bytes(schema, record)))
        return;
    char *begin = rows->data + rows->length, *at = binary_copy_row(begin, columns);
    at = binary_copy_int(at, partition);
    at = binary_copy_bigint(at, offset);
    at = record_time_us < 0 ? binary_copy_null(at) : binary_copy_bigint(at, record_time_us);
    at = binary_copy_bigint(at, record->event_time_us);
    for (size_t i = 0; i < schema->field_count; i++)
        at = put_value(at, &schema->fields[i], &record->values[i]);
    if (!schema_day_field(schema))
        at = put_day_columns(at, zone, record->event_time_us);
    rows->length += (size_t)(at - begin);
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

void append_bad_line(struct buffer *line, const struct source *source, int32_t partition,
                     const struct log_message *message, const struct rejection *rejection)
{
    buffer_append_copy_text(line, text_of(source->name));
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "master/raw_sql.h"

#include <inttypes.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "base/zone.h"

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
    buffer_append_string(sql, schema_day_field(&source->schema) ? ") from stdin" : ", date, timestamp) from stdin");
}

static void append_value(struct buffer *line, const struct field *field, const struct value *value)
{
    if (!value->present)
        buffer_append_string(line, "\\N");
    else if (field->type == FIELD_TEXT)
        buffer_append_copy_text(line, value->text);
    else if (field->type == FIELD_DECIMAL)
        buffer_append_decimal(line, value->number, field->scale);
    else
        buffer_append_integer(line, value->number);
}

static void append_digits(struct buffer *line, int64_t number, int width)
{
    char digits[8];
    for (int i = width; i-- > 0; number /= 10)
        digits[i] = (char)('0' + number % 10);
    buffer_append(line, digits, (size_t)width);
}

static void append_date(struct buffer *line, int64_t days)
{
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    append_digits(line, year, 4);
    buffer_append_char(line, '-');
    append_digits(line, month, 2);
    buffer_append_char(line, '-');
    append_digits(line, day, 2);
}

/* The local date of an event time, and the event time in UTC. */
static void append_day_columns(struct buffer *line, const struct zone *zone, int64_t event_us)
{
    int64_t at_s = floor_divide(event_us, US_PER_SECOND), days = floor_divide(at_s, SECONDS_PER_DAY);
    int64_t second = at_s - days * SECONDS_PER_DAY;
    buffer_append_char(line, '\t');
    append_date(line, floor_divide(at_s + zone_offset(zone, at_s), SECONDS_PER_DAY));
    buffer_append_char(line, '\t');
    append_date(line, days);
    buffer_append_char(line, ' ');
    append_digits(line, second / 3600, 2);
    buffer_append_char(line, ':');
    append_digits(line, second / 60 % 60, 2);
    buffer_append_char(line, ':');
    append_digits(line, second % 60, 2);
    buffer_append_char(line, '.');
    append_digits(line, event_us - at_s * US_PER_SECOND, 6);
    buffer_append_string(line, "+00");
}

void append_raw_line(struct buffer *line, const struct source *source, const struct zone *zone, int32_t partition,
                     int64_t offset, int64_t record_time_us, const struct record *record)
{
    buffer_append_integer(line, partition);
    buffer_append_char(line, '\t');
    buffer_append_integer(line, offset);
    buffer_append_char(line, '\t');
    if (record_time_us < 0)
        buffer_append_string(line, "\\N");
    else
        buffer_append_integer(line, record_time_us);
    buffer_append_char(line, '\t');
    buffer_append_integer(line, record->event_time_us);
    for (size_t i = 0; i < source->schema.field_count; i++) {
        buffer_append_char(line, '\t');
        append_value(line, &source->schema.fields[i], &record->values[i]);
    }
    if (!schema_day_field(&source->schema))
        append_day_columns(line, zone, record->event_time_us);
    buffer_append_char(line, '\n');
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

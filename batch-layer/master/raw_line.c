/* SPDX-License-Identifier: Apache-2.0 */
#include "master/raw_line.h"

void append_raw_copy(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "copy ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " (tm_partition, tm_offset, tm_record_us, tm_event_us");
    for (size_t i = 0; i < source->schema.field_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, source->schema.fields[i].name);
    }
    buffer_append_string(sql, ") from stdin");
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

void append_raw_line(struct buffer *line, const struct source *source, int32_t partition, int64_t offset,
                     int64_t record_time_us, const struct record *record)
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
    buffer_append_char(line, '\n');
}

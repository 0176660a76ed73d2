/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/row_decoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "lake/csv.h"
#include "record/json_number.h"

#define JOINED_TIME "tm_joined_at" /* what a row that is joined is given, for the decoder wants an event time */
#define LIVE "tm_live"
#define DECODED_MAX 64 /* rows, before the decoder's memory is used again */

/* Who is told of rows. */
struct visit {
    file_row_visitor *visit;
    void *context;
};

static bool tell(const struct visit *visit, const struct file_row *row, struct error *error)
{
    return visit->visit(visit->context, row, error);
}

/* --- What is decoded --------------------------------------------------------------------------------------------- */

static size_t add_field(struct row_decoder *decoder, const struct field *field, size_t number)
{
    size_t at = decoder->schema.field_count++;
    decoder->numbers[at] = number;
    decoder->fields[at] = *field;
    return at;
}

static void list_fields(struct row_decoder *decoder)
{
    const struct schema *source = decoder->source;
    decoder->schema = *source;
    decoder->schema.fields = decoder->fields;
    decoder->schema.field_count = 0;
    for (size_t i = 0; i < source->field_count; i++)
        if (decoder->is_log || source->fields[i].type != FIELD_DECIMAL)
            (void)add_field(decoder, &source->fields[i], i);
    decoder->partition = decoder->offset = FIELD_NONE;
    if (!decoder->is_log) {
        decoder->schema.key = FIELD_NONE;
        decoder->schema.event_time = JOINED_TIME;
        decoder->schema.event_time_unit = TIME_RFC3339;
        return;
    }
    if (source->field_count + 2 > FIELDS_MAX)
        return;
    decoder->partition = add_field(decoder, &(struct field){"tm_partition", FIELD_INTEGER, 0}, FIELD_NONE);
    decoder->offset = add_field(decoder, &(struct field){"tm_offset", FIELD_INTEGER, 0}, FIELD_NONE);
}

bool row_decoder_init(struct row_decoder *decoder, const struct schema *source, bool is_log, struct error *error)
{
    *decoder = (struct row_decoder){.source = source, .is_log = is_log};
    list_fields(decoder);
    decoder->decoder = decoder_new(&decoder->schema);
    if (decoder->decoder && is_log)
        decoder_want_flag(decoder->decoder, LIVE);
    return decoder->decoder || error_set(error, ERROR_INTERNAL, "out of memory");
}

/* A field's number in the source, where it has it, is noted. */
static void note_has(struct row_decoder *decoder, size_t field)
{
    if (decoder->numbers[field] != FIELD_NONE)
        decoder->has[decoder->numbers[field]] = true;
}

/* --- Messages ---------------------------------------------------------------------------------------------------- */

static bool take_good(struct row_decoder *decoder, const struct record *record, int64_t row, const struct visit *visit,
                      struct error *error)
{
    for (size_t i = 0; i < decoder->schema.field_count; i++)
        if (record->values[i].present)
            note_has(decoder, i);
    return decoder_flag(decoder->decoder) == FLAG_FALSE ||
           tell(visit, &(struct file_row){.number = row, .record = record}, error);
}

static bool take_message(struct row_decoder *decoder, struct text message, int64_t row, const struct visit *visit,
                         struct error *error)
{
    bool is_good;
    struct record record = {0};
    struct rejection rejection = {0};
    if (decoder->decoded++ % DECODED_MAX == 0)
        decoder_reset(decoder->decoder);
    if (!decoder_classify(decoder->decoder, message, -1, &is_good, &record, &rejection, error))
        return false;
    if (is_good)
        return take_good(decoder, &record, row, visit, error);
    char reason[300];
    (void)snprintf(reason, sizeof reason, "%s%s%s", rejection.field, *rejection.field ? ": " : "", rejection.reason);
    return tell(visit, &(struct file_row){.number = row, .reason = reason}, error);
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

/* A row that is joined gets a time: behind its opening brace, where it has one. */
static struct text with_time(struct row_decoder *decoder, struct text line)
{
    size_t at = 0;
    while (at < line.length && strchr(" \t\r\n", line.data[at]) && line.data[at] != '\0')
        at++;
    if (decoder->is_log || at >= line.length || line.data[at] != '{')
        return line;
    size_t next = at + 1;
    while (next < line.length && strchr(" \t\r\n", line.data[next]) && line.data[next] != '\0')
        next++;
    bool is_empty = next < line.length && line.data[next] == '}';
    buffer_clear(&decoder->message);
    buffer_append_string(&decoder->message, "{\"" JOINED_TIME "\":\"2000-01-01T00:00:00Z\"");
    buffer_append_string(&decoder->message, is_empty ? "" : ",");
    buffer_append(&decoder->message, line.data + at + 1, line.length - at - 1);
    return buffer_text(&decoder->message);
}

static bool take_line(struct row_decoder *decoder, struct text line, int64_t row, const struct visit *visit,
                      struct error *error)
{
    struct text message = with_time(decoder, line);
    return !decoder->message.failed ? take_message(decoder, message, row, visit, error)
                                    : error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool take_lines(struct row_decoder *decoder, struct text bytes, const struct visit *visit, int64_t *ret_rows,
                       struct error *error)
{
    int64_t row = 0;
    for (size_t at = 0; at < bytes.length; row++) {
        const char *line = bytes.data + at, *end = memchr(line, '\n', bytes.length - at);
        size_t length = end ? (size_t)(end - line) : bytes.length - at;
        if (!take_line(decoder, (struct text){line, length}, row, visit, error))
            return false;
        at += length + 1;
    }
    *ret_rows = row;
    return true;
}

bool row_decoder_row(struct row_decoder *decoder, struct text json, int64_t number, file_row_visitor *visit,
                     void *context, struct error *error)
{
    return take_line(decoder, json, number, &(struct visit){visit, context}, error);
}

/* --- CSV: each record as the message that it stands for ----------------------------------------------------------- */

struct csv_header {
    struct csv_record record;
    bool is_text[CSV_FIELDS_MAX]; /* else a number stands for itself */
};

static bool is_text(const struct row_decoder *decoder, struct text name)
{
    size_t field = schema_field(&decoder->schema, name);
    if (field != FIELD_NONE)
        return decoder->fields[field].type == FIELD_TEXT;
    return !text_equal(name, text_of(decoder->schema.event_time)) || decoder->schema.event_time_unit == TIME_RFC3339;
}

static bool read_header(struct row_decoder *decoder, FILE *stream, const char *path, struct csv_header *header,
                        struct error *error)
{
    csv_begin(stream);
    if (csv_next(stream, &header->record) != CSV_RECORD)
        return error_set(error, ERROR_DATA, "%s has no header line: its first line names the columns", path);
    if (header->record.count > CSV_FIELDS_MAX)
        return error_set(error, ERROR_DATA, "%s has more than %d columns", path, CSV_FIELDS_MAX);
    for (size_t i = 0; i < header->record.count; i++) {
        struct text name = csv_field(&header->record, i);
        for (size_t j = 0; j < i; j++)
            if (name.length > 0 && text_equal(name, csv_field(&header->record, j)))
                return error_set(error, ERROR_DATA, "%s has two columns \"%.*s\"", path, (int)name.length, name.data);
        size_t field = schema_field(&decoder->schema, name);
        header->is_text[i] = is_text(decoder, name);
        if (field != FIELD_NONE)
            note_has(decoder, field);
    }
    return true;
}

static bool check_header(const struct row_decoder *decoder, const struct csv_header *header, const char *path,
                         const char *name, const char *what, struct error *error)
{
    for (size_t i = 0; i < header->record.count; i++)
        if (text_equal(csv_field(&header->record, i), text_of(name)))
            return true;
    return !decoder->is_log || error_set(error, ERROR_DATA, "%s has no column \"%s\", which is %s", path, name, what);
}

static bool check_columns(const struct row_decoder *decoder, const struct csv_header *header, const char *path,
                          struct error *error)
{
    for (size_t i = 0; i < decoder->schema.field_count; i++) {
        bool is_key = i == decoder->source->key;
        bool is_required = is_key || decoder->fields[i].type == FIELD_DECIMAL;
        if (is_required && !check_header(decoder, header, path, decoder->fields[i].name,
                                         is_key ? "the key" : "a decimal, and required", error))
            return false;
    }
    return check_header(decoder, header, path, decoder->schema.event_time, "the event time", error);
}

/* As writers of CSV spell it. */
static const char *flag_word(struct text value)
{
    bool is_true = value.length == 4 && strncasecmp(value.data, "true", 4) == 0;
    bool is_false = value.length == 5 && strncasecmp(value.data, "false", 5) == 0;
    return is_true ? "true" : is_false ? "false" : value.data ? "\"\"" : "null";
}

static void append_member(struct row_decoder *decoder, const struct csv_header *header, const struct csv_record *record,
                          size_t number)
{
    struct text name = csv_field(&header->record, number), value = csv_field(record, number);
    struct json_number parsed;
    bool is_flag = decoder->is_log && text_equal(name, text_of(LIVE));
    if ((!value.data && !is_flag) || name.length == 0)
        return; /* null, or a column without a name */
    buffer_append_char(&decoder->message, decoder->message.length > 1 ? ',' : ' ');
    buffer_append_json(&decoder->message, name);
    buffer_append_char(&decoder->message, ':');
    if (is_flag)
        buffer_append_string(&decoder->message, flag_word(value));
    else if (header->is_text[number] || !json_number_parse(value, &parsed))
        buffer_append_json(&decoder->message, value);
    else
        buffer_append_text(&decoder->message, value);
}

static bool take_record(struct row_decoder *decoder, const struct csv_header *header, const struct csv_record *record,
                        const struct visit *visit, int64_t row, struct error *error)
{
    if (record->count != header->record.count) {
        char reason[100];
        (void)snprintf(reason, sizeof reason, "%zu fields, and the header has %zu", record->count,
                       header->record.count);
        return tell(visit, &(struct file_row){.number = row, .reason = reason}, error);
    }
    buffer_clear(&decoder->message);
    buffer_append_string(&decoder->message, "{");
    if (!decoder->is_log)
        buffer_append_string(&decoder->message, "\"" JOINED_TIME "\":\"2000-01-01T00:00:00Z\"");
    for (size_t i = 0; i < record->count; i++)
        append_member(decoder, header, record, i);
    buffer_append_char(&decoder->message, '}');
    if (decoder->message.failed || record->bytes.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return take_message(decoder, buffer_text(&decoder->message), row, visit, error);
}

/* A chunk and where it is read. */
struct csv_scan {
    struct csv_header header;
    struct csv_record record;
};

static bool take_records(struct row_decoder *decoder, FILE *stream, const char *path, const struct visit *visit,
                         int64_t *ret_rows, struct error *error)
{
    struct csv_header *header = &decoder->csv->header;
    struct csv_record *record = &decoder->csv->record;
    if (!read_header(decoder, stream, path, header, error) || !check_columns(decoder, header, path, error))
        return false;
    enum csv_result result;
    int64_t row = 0;
    for (; (result = csv_next(stream, record)) == CSV_RECORD; row++)
        if (!take_record(decoder, header, record, visit, row, error))
            return false;
    *ret_rows = row;
    return result == CSV_END || error_set(error, ERROR_DATA, "%s ends within quotes: it is cut short", path);
}

static bool take_csv(struct row_decoder *decoder, const char *path, const struct buffer *bytes,
                     const struct visit *visit, int64_t *ret_rows, struct error *error)
{
    if (!decoder->csv)
        decoder->csv = calloc(1, sizeof *decoder->csv);
    FILE *stream = decoder->csv ? fmemopen(bytes->data, bytes->length, "r") : NULL;
    if (!stream)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = take_records(decoder, stream, path, visit, ret_rows, error);
    (void)fclose(stream);
    return done;
}

bool row_decoder_chunk(struct row_decoder *decoder, const struct lake_folder *folder, const struct row_chunk *chunk,
                       file_row_visitor *visit, void *context, int64_t *ret_rows, struct error *error)
{
    const struct lake_file *file = &folder->files[chunk->file];
    const struct visit told = {visit, context};
    return file->format == LAKE_CSV ? take_csv(decoder, file->path, &chunk->bytes, &told, ret_rows, error)
                                    : take_lines(decoder, buffer_text(&chunk->bytes), &told, ret_rows, error);
}

void row_decoder_clean_up(struct row_decoder *decoder)
{
    decoder_destroy(decoder->decoder);
    buffer_clean_up(&decoder->message);
    if (decoder->csv) {
        buffer_clean_up(&decoder->csv->header.record.bytes);
        buffer_clean_up(&decoder->csv->record.bytes);
    }
    free(decoder->csv);
}

bool row_decoder_check_version(const char *version, const struct schema *schema, const char *folder,
                               struct error *error)
{
    return !version || schema_field(schema, text_of(version)) != FIELD_NONE ||
           error_set(error, ERROR_DATA,
                     "%s: the \"version\" of the job, \"%s\", isn't a declared field, which it has to "
                     "be for NDJSON and CSV",
                     folder, version);
}

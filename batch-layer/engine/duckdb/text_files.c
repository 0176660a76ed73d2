/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/text_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "database/table_rows.h"
#include "engine/duckdb/value_sql.h"
#include "lake/csv.h"
#include "record/json_number.h"

#define JOINED_TIME "tm_joined_at" /* what a row that is joined is given, for the decoder wants an event time */
#define DECODED_MAX 4096           /* rows, before the decoder's memory is given back */

struct loader {
    const struct text_files *files;
    struct schema schema; /* what the decoder knows */
    struct field fields[FIELDS_MAX];
    size_t numbers[FIELDS_MAX]; /* of these fields, among those of the source */
    struct decoder *decoder;
    struct duckdb_appender *appender;
    struct buffer message; /* scratch */
    size_t decoded;
    bool *has;
};

static void list_fields(struct loader *loader)
{
    const struct schema *source = loader->files->schema;
    size_t count = 0;
    for (size_t i = 0; i < source->field_count; i++) {
        if (!loader->files->is_log && source->fields[i].type == FIELD_DECIMAL)
            continue;
        loader->numbers[count] = i;
        loader->fields[count++] = source->fields[i];
    }
    loader->schema = *source;
    loader->schema.fields = loader->fields;
    loader->schema.field_count = count;
    if (loader->files->is_log)
        return;
    loader->schema.key = FIELD_NONE;
    loader->schema.event_time = JOINED_TIME;
    loader->schema.event_time_unit = TIME_RFC3339;
}

/* --- Into the table ---------------------------------------------------------------------------------------------- */

static void append_value(struct loader *loader, size_t field, const struct value *value)
{
    if (!value || !value->present)
        duckdb_appender_add_null(loader->appender);
    else if (loader->fields[field].type == FIELD_TEXT)
        duckdb_appender_add_text(loader->appender, value->text);
    else
        duckdb_appender_add_integer(loader->appender, value->number);
    if (value && value->present)
        loader->has[loader->numbers[field]] = true;
}

/* A record, or where that is NULL the reason why there is none. */
static bool append_row(struct loader *loader, size_t file, int64_t row, const struct record *record, const char *reason,
                       struct error *error)
{
    duckdb_appender_add_integer(loader->appender, (int64_t)file);
    duckdb_appender_add_integer(loader->appender, row);
    for (size_t i = 0; i < loader->schema.field_count; i++)
        append_value(loader, i, record ? &record->values[i] : NULL);
    if (record)
        duckdb_appender_add_integer(loader->appender, record->event_time_us);
    else
        duckdb_appender_add_null(loader->appender);
    if (reason)
        duckdb_appender_add_text(loader->appender, text_of(reason));
    else
        duckdb_appender_add_null(loader->appender);
    return duckdb_appender_end_row(loader->appender, error);
}

static bool take_message(struct loader *loader, struct text message, size_t file, int64_t row, struct error *error)
{
    bool is_good;
    struct record record = {0};
    struct rejection rejection = {0};
    if (!decoder_classify(loader->decoder, message, -1, &is_good, &record, &rejection, error))
        return false;
    char reason[300] = "";
    if (!is_good)
        (void)snprintf(reason, sizeof reason, "%s%s%s", rejection.field, *rejection.field ? ": " : "",
                       rejection.reason);
    bool done = append_row(loader, file, row, is_good ? &record : NULL, is_good ? NULL : reason, error);
    if (++loader->decoded % DECODED_MAX == 0)
        decoder_reset(loader->decoder);
    return done;
}

/* --- NDJSON ------------------------------------------------------------------------------------------------------ */

/* A row that is joined gets a time: behind its opening brace, where it has one. */
static struct text with_time(struct loader *loader, struct text line)
{
    size_t at = strspn(line.data, " \t\r\n");
    if (loader->files->is_log || at >= line.length || line.data[at] != '{')
        return line;
    const char *rest = line.data + at + 1;
    bool is_empty = rest[strspn(rest, " \t\r\n")] == '}';
    buffer_clear(&loader->message);
    buffer_append_string(&loader->message, "{\"" JOINED_TIME "\":\"2000-01-01T00:00:00Z\"");
    buffer_append_string(&loader->message, is_empty ? "" : ",");
    buffer_append(&loader->message, rest, line.length - at - 1);
    return buffer_text(&loader->message);
}

static bool load_lines(struct loader *loader, FILE *stream, size_t file, struct error *error)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    bool done = true;
    for (int64_t row = 0; done && (length = getline(&line, &capacity, stream)) >= 0; row++) {
        length -= length > 0 && line[length - 1] == '\n';
        struct text message = with_time(loader, (struct text){line, (size_t)length});
        done = !loader->message.failed ? take_message(loader, message, file, row, error)
                                       : error_set(error, ERROR_INTERNAL, "out of memory");
    }
    free(line);
    return done;
}

/* --- CSV: each record as the message that it stands for ----------------------------------------------------------- */

struct csv_header {
    struct csv_record record;
    bool is_text[CSV_FIELDS_MAX]; /* else a number stands for itself */
};

static bool is_text(const struct loader *loader, struct text name)
{
    size_t field = schema_field(&loader->schema, name);
    if (field != FIELD_NONE)
        return loader->fields[field].type == FIELD_TEXT;
    return !text_equal(name, text_of(loader->schema.event_time)) || loader->schema.event_time_unit == TIME_RFC3339;
}

static bool read_header(struct loader *loader, FILE *stream, const char *path, struct csv_header *header,
                        struct error *error)
{
    csv_begin(stream);
    if (csv_next(stream, &header->record) != CSV_RECORD)
        return error_set(error, ERROR_DATA, "%s has no header line", path);
    if (header->record.count > CSV_FIELDS_MAX)
        return error_set(error, ERROR_DATA, "%s has more than %d columns", path, CSV_FIELDS_MAX);
    for (size_t i = 0; i < header->record.count; i++) {
        struct text name = csv_field(&header->record, i);
        for (size_t j = 0; j < i; j++)
            if (name.length > 0 && text_equal(name, csv_field(&header->record, j)))
                return error_set(error, ERROR_DATA, "%s has two columns \"%.*s\"", path, (int)name.length, name.data);
        size_t field = schema_field(&loader->schema, name);
        header->is_text[i] = is_text(loader, name);
        if (field != FIELD_NONE)
            loader->has[loader->numbers[field]] = true;
    }
    return true;
}

static bool check_header(const struct loader *loader, const struct csv_header *header, const char *path,
                         const char *name, const char *what, struct error *error)
{
    for (size_t i = 0; i < header->record.count; i++)
        if (text_equal(csv_field(&header->record, i), text_of(name)))
            return true;
    return !loader->files->is_log ||
           error_set(error, ERROR_DATA, "%s has no column \"%s\", which is %s", path, name, what);
}

static bool check_columns(const struct loader *loader, const struct csv_header *header, const char *path,
                          struct error *error)
{
    for (size_t i = 0; i < loader->schema.field_count; i++) {
        bool is_key = i == loader->files->schema->key;
        bool is_required = is_key || loader->fields[i].type == FIELD_DECIMAL;
        if (is_required && !check_header(loader, header, path, loader->fields[i].name,
                                         is_key ? "the key" : "a decimal, and required", error))
            return false;
    }
    return check_header(loader, header, path, loader->schema.event_time, "the event time", error);
}

static void append_member(struct loader *loader, const struct csv_header *header, const struct csv_record *record,
                          size_t number)
{
    struct text value = csv_field(record, number);
    struct json_number parsed;
    if (!value.data || csv_field(&header->record, number).length == 0)
        return; /* null, or a column without a name */
    buffer_append_char(&loader->message, loader->message.length > 1 ? ',' : ' ');
    buffer_append_json(&loader->message, csv_field(&header->record, number));
    buffer_append_char(&loader->message, ':');
    if (header->is_text[number] || !json_number_parse(value, &parsed))
        buffer_append_json(&loader->message, value);
    else
        buffer_append_text(&loader->message, value);
}

static bool take_record(struct loader *loader, const struct csv_header *header, const struct csv_record *record,
                        size_t file, int64_t row, struct error *error)
{
    if (record->count != header->record.count) {
        char reason[100];
        (void)snprintf(reason, sizeof reason, "%zu fields, and the header has %zu", record->count,
                       header->record.count);
        return append_row(loader, file, row, NULL, reason, error);
    }
    buffer_clear(&loader->message);
    buffer_append_string(&loader->message, "{");
    if (!loader->files->is_log)
        buffer_append_string(&loader->message, "\"" JOINED_TIME "\":\"2000-01-01T00:00:00Z\"");
    for (size_t i = 0; i < record->count; i++)
        append_member(loader, header, record, i);
    buffer_append_char(&loader->message, '}');
    if (loader->message.failed || record->bytes.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return take_message(loader, buffer_text(&loader->message), file, row, error);
}

/* The file, and where it stands. */
struct csv_scan {
    struct csv_header header;
    struct csv_record record;
};

static bool load_records_into(struct loader *loader, struct csv_scan *scan, FILE *stream, size_t file,
                              struct error *error)
{
    const char *path = loader->files->folder->files[file].path;
    if (!read_header(loader, stream, path, &scan->header, error) || !check_columns(loader, &scan->header, path, error))
        return false;
    enum csv_result result;
    for (int64_t row = 0; (result = csv_next(stream, &scan->record)) == CSV_RECORD; row++)
        if (!take_record(loader, &scan->header, &scan->record, file, row, error))
            return false;
    return result == CSV_END || error_set(error, ERROR_DATA, "%s ends within quotes: it is cut short", path);
}

static bool load_records(struct loader *loader, FILE *stream, size_t file, struct error *error)
{
    struct csv_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = load_records_into(loader, scan, stream, file, error);
    buffer_clean_up(&scan->header.record.bytes);
    buffer_clean_up(&scan->record.bytes);
    free(scan);
    return done;
}

/* --- Tables: each row as JSON ------------------------------------------------------------------------------------- */

struct table_scan {
    struct loader *loader;
    size_t file;
    int64_t row;
};

static bool take_table_row(void *context, struct text json, struct error *error)
{
    struct table_scan *scan = context;
    struct text message = with_time(scan->loader, json);
    return scan->loader->message.failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                                        : take_message(scan->loader, message, scan->file, scan->row++, error);
}

static bool load_table(struct loader *loader, size_t file, struct error *error)
{
    struct table_scan scan = {.loader = loader, .file = file};
    const char *path = loader->files->folder->files[file].path;
    return table_rows_read(loader->files->settings, path + strlen("postgres://"), take_table_row, &scan, error) ||
           error_context(error, "%s", path);
}

/* --- All files --------------------------------------------------------------------------------------------------- */

static bool load_file(struct loader *loader, size_t file, struct error *error)
{
    const struct lake_file *entry = &loader->files->folder->files[file];
    if (entry->format == LAKE_TABLE)
        return load_table(loader, file, error);
    FILE *stream = fopen(entry->path, "re");
    if (!stream)
        return error_set(error, ERROR_DATA, "%s can't be read: %s", entry->path, strerror(errno));
    bool done = (entry->format == LAKE_CSV ? load_records : load_lines)(loader, stream, file, error);
    if (done && ferror(stream))
        done = error_set(error, ERROR_UNAVAILABLE, "%s can't be read: %s", entry->path, strerror(errno));
    (void)fclose(stream);
    return done;
}

static bool make_table(const struct loader *loader, struct duckdb_session *session, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "CREATE TEMP TABLE %s (tm_file BIGINT, tm_row BIGINT", loader->files->name);
    for (size_t i = 0; i < loader->schema.field_count; i++) {
        buffer_append_string(&sql, ", ");
        duckdb_append_identifier(&sql, loader->fields[i].name);
        buffer_append_string(&sql, loader->fields[i].type == FIELD_TEXT ? " VARCHAR" : " BIGINT");
    }
    buffer_append_string(&sql, ", tm_event_us BIGINT, tm_reason VARCHAR)");
    bool done = !sql.failed ? duckdb_session_execute(session, buffer_string(&sql), error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    return done;
}

bool text_files_load(const struct text_files *files, struct duckdb_session *session, bool ret_has[FIELDS_MAX],
                     struct error *error)
{
    struct loader loader = {.files = files, .has = ret_has};
    list_fields(&loader);
    loader.decoder = decoder_new(&loader.schema);
    bool done = loader.decoder || error_set(error, ERROR_INTERNAL, "out of memory");
    done = done && make_table(&loader, session, error) &&
           duckdb_appender_open(session, files->name, &loader.appender, error);
    for (size_t i = 0; done && i < files->folder->count; i++)
        done = load_file(&loader, i, error);
    if (loader.appender)
        done = duckdb_appender_close(loader.appender, done ? error : NULL) && done;
    decoder_destroy(loader.decoder);
    buffer_clean_up(&loader.message);
    return done;
}

void text_files_append(const struct text_files *files, const bool wants[], const char *version, struct buffer *sql)
{
    buffer_append_string(sql, "SELECT tm_file, tm_row, tm_event_us, tm_reason");
    for (size_t i = 0; i < files->schema->field_count; i++) {
        if (!wants[i])
            continue;
        buffer_append_string(sql, ", ");
        if (files->schema->fields[i].type == FIELD_DECIMAL)
            value_sql_append_minor_units(sql, &files->schema->fields[i]);
        else
            duckdb_append_identifier(sql, files->schema->fields[i].name);
    }
    if (version) {
        buffer_append_string(sql, ", ");
        duckdb_append_identifier(sql, version);
        buffer_append_string(sql, " AS tm_version");
    }
    buffer_appendf(sql, " FROM %s", files->name);
}

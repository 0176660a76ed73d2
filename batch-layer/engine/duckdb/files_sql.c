/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/files_sql.h"

#include <string.h>
#include <strings.h>

#include "lake/row_decoder.h"

/* Columns that DuckDB gives a file beside its own. */
static const char *const duckdb_columns[] = {"file_row_number", "file_index", "filename"};

static const struct field *field_of(const struct files_sql *files, size_t number)
{
    return &files->schema->fields[number];
}

static const struct file_column *column_of(const struct files_sql *files, size_t file, const char *name)
{
    return file_columns_find(&files->columns[file], name);
}

static const char *path_of(const struct files_sql *files, size_t file)
{
    return files->folder->files[file].path;
}

bool files_sql_has(const struct files_sql *files, const char *name)
{
    if (!files->columns) {
        size_t field = schema_field(files->schema, text_of(name));
        return field != FIELD_NONE && files->has[field];
    }
    for (size_t i = 0; i < files->folder->count; i++)
        if (column_of(files, i, name))
            return true;
    return false;
}

static enum value_need need_of(const struct files_sql *files, size_t field)
{
    if (field == files->key)
        return VALUE_IS_KEY;
    return files->is_log && field_of(files, field)->type == FIELD_DECIMAL ? VALUE_IS_REQUIRED : VALUE_MAY_BE_NULL;
}

/* --- Checks ------------------------------------------------------------------------------------------------------ */

/* A column that was probably meant: it differs by upper and lower case. */
static const char *alike(const struct file_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcasecmp(columns->list[i].name, name) == 0)
            return columns->list[i].name;
    return NULL;
}

static bool is_absent(const struct files_sql *files, size_t file, const char *name, const char *what,
                      struct error *error)
{
    const char *meant = alike(&files->columns[file], name);
    return error_set(error, ERROR_DATA, "%s has no column \"%s\", which is %s%s%s%s", path_of(files, file), name, what,
                     meant ? "; it has \"" : "", meant ? meant : "", meant ? "\"" : "");
}

static bool is_of_another_kind(const struct files_sql *files, size_t file, const struct file_column *column,
                               const char *wanted, struct error *error)
{
    return error_set(error, ERROR_DATA,
                     "%s: the column \"%s\" is of the type %s, which can't be %s: write it as that, or "
                     "declare the field as what it is",
                     path_of(files, file), column->name, column->type, wanted);
}

static const char *described(const struct field *field)
{
    return field->type == FIELD_TEXT ? "text" : field->type == FIELD_INTEGER ? "an integer" : "a decimal";
}

static bool check_field(const struct files_sql *files, size_t file, size_t number, struct error *error)
{
    const struct field *field = field_of(files, number);
    const struct file_column *column = column_of(files, file, field->name);
    if (!column)
        return is_absent(files, file, field->name,
                         number == files->key           ? "the key"
                         : field->type == FIELD_DECIMAL ? "a decimal, and required"
                                                        : "in other files of the folder",
                         error);
    struct value_sql sql = {0};
    bool can = value_sql_field(&sql, field, column, need_of(files, number));
    value_sql_clean_up(&sql);
    return can || is_of_another_kind(files, file, column, described(field), error);
}

/* An archive has it as `timestamp`, however messages call it. */
static const struct file_column *event_time_of(const struct files_sql *files, size_t file)
{
    const struct file_column *column = column_of(files, file, files->schema->event_time);
    return column || !column_of(files, file, "tm_offset") ? column : column_of(files, file, "timestamp");
}

static bool check_event_time(const struct files_sql *files, size_t file, struct error *error)
{
    const struct file_column *column = event_time_of(files, file);
    if (!column)
        return is_absent(files, file, files->schema->event_time, "the event time", error);
    struct value_sql sql = {0};
    bool can = value_sql_event_time(&sql, column, files->schema->event_time_unit);
    value_sql_clean_up(&sql);
    return can || is_of_another_kind(files, file, column,
                                     files->schema->event_time_unit == TIME_RFC3339
                                         ? "a time: numbers are one where the source's event_time says their unit"
                                         : "a time: a number or a time is expected",
                                     error);
}

static bool is_orderable(const struct file_column *column)
{
    return column->kind != COLUMN_OTHER && column->kind != COLUMN_BOOLEAN;
}

/* All files have it, and as the same type. */
static bool check_version(const struct files_sql *files, size_t file, struct error *error)
{
    const struct file_column *first = column_of(files, 0, files->version);
    const struct file_column *column = column_of(files, file, files->version);
    if (!column)
        return is_absent(files, file, files->version, "the \"version\" of the job", error);
    if (!is_orderable(column))
        return is_of_another_kind(files, file, column, "a version: a number, a text or a time is", error);
    return strcmp(first->type, column->type) == 0 ||
           error_set(error, ERROR_DATA,
                     "%s: the column \"%s\" is of the type %s, and of the type %s in %s: versions of "
                     "two types have no order",
                     path_of(files, file), column->name, column->type, first->type, path_of(files, 0));
}

/* What an archive has: all files or none. */
static bool check_own(const struct files_sql *files, size_t file, const char *name, enum column_kind kind, bool has,
                      struct error *error)
{
    const struct file_column *column = column_of(files, file, name);
    if (!column != !has)
        return error_set(error, ERROR_DATA, "%s %s a column \"%s\", and other files of the folder %s",
                         path_of(files, file), column ? "has" : "has not", name, column ? "have not" : "have");
    return !column || column->kind == kind ||
           is_of_another_kind(files, file, column, kind == COLUMN_BOOLEAN ? "true or false" : "an integer", error);
}

static bool check_log(const struct files_sql *files, size_t file, struct error *error)
{
    return check_event_time(files, file, error) && (!files->version || check_version(files, file, error)) &&
           check_own(files, file, "tm_partition", COLUMN_INTEGER, files->has_offsets, error) &&
           check_own(files, file, "tm_offset", COLUMN_INTEGER, files->has_offsets, error) &&
           check_own(files, file, "tm_live", COLUMN_BOOLEAN, files->has_live, error);
}

static bool check_file(const struct files_sql *files, size_t file, struct error *error)
{
    for (size_t i = 0; i < sizeof duckdb_columns / sizeof duckdb_columns[0]; i++)
        if (alike(&files->columns[file], duckdb_columns[i]))
            return error_set(error, ERROR_DATA,
                             "%s has a column \"%s\", which DuckDB takes for its own: name it "
                             "otherwise",
                             path_of(files, file), alike(&files->columns[file], duckdb_columns[i]));
    for (size_t i = 0; i < files->schema->field_count; i++)
        if (files->wants[i] && !check_field(files, file, i, error))
            return false;
    return !files->is_log || check_log(files, file, error);
}

bool files_sql_check(struct files_sql *files, struct error *error)
{
    if (!files->columns) {
        files->has_offsets = files->folder->count > 0 && text_files_has_offsets(&files->texts);
        return row_decoder_check_version(files->version, files->schema, files->folder->path, error);
    }
    for (size_t i = 0; i < files->schema->field_count && files->folder->count > 0; i++)
        files->wants[i] = files->wants[i] && files_sql_has(files, field_of(files, i)->name);
    files->has_offsets = files->is_log && (files_sql_has(files, "tm_offset") || files_sql_has(files, "tm_partition"));
    files->has_live = files->is_log && files_sql_has(files, "tm_live");
    for (size_t i = 0; i < files->folder->count; i++)
        if (!check_file(files, i, error))
            return false;
    return true;
}

/* --- The query: one SELECT for all files whose columns have the same types, and checks
 * -------------------------------------------- */

static bool is_alike_in(const struct file_column *one, const struct file_column *other)
{
    return strcmp(one->type, other->type) == 0 && one->has_no_null == other->has_no_null &&
           value_sql_is_bounded(one) == value_sql_is_bounded(other);
}

static bool has_alike(const struct files_sql *files, size_t a, size_t b, const char *name)
{
    const struct file_column *one = column_of(files, a, name), *other = column_of(files, b, name);
    return one && other && is_alike_in(one, other);
}

static bool is_alike(const struct files_sql *files, size_t a, size_t b)
{
    for (size_t i = 0; i < files->schema->field_count; i++)
        if (files->wants[i] && !has_alike(files, a, b, field_of(files, i)->name))
            return false;
    if (!files->is_log)
        return true;
    const struct file_column *one = event_time_of(files, a), *other = event_time_of(files, b);
    return strcmp(one->name, other->name) == 0 && is_alike_in(one, other);
}

static bool is_first_alike(const struct files_sql *files, size_t file)
{
    for (size_t i = 0; i < file; i++)
        if (is_alike(files, i, file))
            return false;
    return true;
}

static void append_value(struct buffer *sql, struct buffer *reasons, struct value_sql *value, const char *name)
{
    buffer_append_string(sql, ", ");
    buffer_append_text(sql, buffer_text(&value->value));
    buffer_append_string(sql, " AS ");
    duckdb_append_identifier(sql, name);
    buffer_append_text(reasons, buffer_text(&value->reasons));
    sql->failed |= value->value.failed || value->reasons.failed;
    value_sql_clean_up(value);
}

static void append_log_values(const struct files_sql *files, size_t file, struct buffer *sql, struct buffer *reasons)
{
    struct value_sql value = {0};
    (void)value_sql_event_time(&value, event_time_of(files, file), files->schema->event_time_unit);
    append_value(sql, reasons, &value, "tm_event_us");
    if (files->has_offsets)
        buffer_append_string(sql, ", f.tm_partition::BIGINT AS tm_partition, f.tm_offset::BIGINT AS tm_offset");
    if (files->version) {
        buffer_append_string(sql, ", f.");
        duckdb_append_identifier(sql, files->version);
        buffer_append_string(sql, " AS tm_version");
    }
}

static void append_paths(const struct files_sql *files, size_t file, struct buffer *sql, struct buffer *numbers)
{
    const char *comma = "";
    for (size_t i = file; i < files->folder->count; i++) {
        if (!is_alike(files, i, file))
            continue;
        buffer_append_string(sql, comma);
        duckdb_append_path(sql, path_of(files, i));
        buffer_appendf(numbers, "%s%zu", comma, i);
        comma = ", ";
    }
}

/* The files that are like this one. */
static void append_alike(const struct files_sql *files, size_t file, struct buffer *sql)
{
    struct buffer values = {0}, reasons = {0}, paths = {0}, numbers = {0};
    append_paths(files, file, &paths, &numbers);
    for (size_t i = 0; i < files->schema->field_count; i++) {
        struct value_sql value = {0};
        if (!files->wants[i])
            continue;
        const struct field *field = field_of(files, i);
        (void)value_sql_field(&value, field, column_of(files, file, field->name), need_of(files, i));
        append_value(&values, &reasons, &value, field->name);
    }
    if (files->is_log)
        append_log_values(files, file, &values, &reasons);
    buffer_appendf(sql, "SELECT ([%s])[f.file_index::BIGINT + 1]::BIGINT AS tm_file, f.file_row_number AS tm_row",
                   buffer_string(&numbers));
    buffer_append_text(sql, buffer_text(&values));
    if (reasons.length > 0)
        buffer_appendf(sql, ", CASE%s END AS tm_reason", buffer_string(&reasons));
    else
        buffer_append_string(sql, ", NULL::VARCHAR AS tm_reason");
    buffer_appendf(sql, " FROM read_parquet([%s]) AS f%s", buffer_string(&paths),
                   files->has_live ? " WHERE f.tm_live" : "");
    sql->failed |= values.failed || reasons.failed || paths.failed || numbers.failed;
    buffer_clean_up(&values);
    buffer_clean_up(&reasons);
    buffer_clean_up(&paths);
    buffer_clean_up(&numbers);
}

/* What a folder without files has. */
static void append_none(const struct files_sql *files, struct buffer *sql)
{
    buffer_append_string(sql, "SELECT 0::BIGINT AS tm_file, 0::BIGINT AS tm_row");
    for (size_t i = 0; i < files->schema->field_count; i++) {
        if (!files->wants[i])
            continue;
        buffer_append_string(sql, ", NULL::");
        value_sql_append_type(sql, field_of(files, i));
        buffer_append_string(sql, " AS ");
        duckdb_append_identifier(sql, field_of(files, i)->name);
    }
    if (files->is_log)
        buffer_append_string(sql, ", 0::BIGINT AS tm_event_us");
    if (files->version)
        buffer_append_string(sql, ", NULL::BIGINT AS tm_version");
    buffer_append_string(sql, ", NULL::VARCHAR AS tm_reason WHERE false");
}

void files_sql_append(const struct files_sql *files, struct buffer *sql)
{
    if (files->folder->count == 0)
        append_none(files, sql);
    else if (!files->columns)
        text_files_append(&files->texts, files->wants, files->version, sql);
    if (!files->columns)
        return;
    for (size_t i = 0; i < files->folder->count; i++) {
        if (!is_first_alike(files, i))
            continue;
        buffer_append_string(sql, i ? " UNION ALL " : "");
        append_alike(files, i, sql);
    }
}

bool files_sql_find_times(const struct files_sql *files, int64_t *ret_least, int64_t *ret_most)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; files->columns && i < files->folder->count; i++) {
        const struct file_column *column = event_time_of(files, i);
        if (column->kind != COLUMN_TIME || !column->has_range)
            return false;
        least = column->least < least ? column->least : least;
        most = column->most > most ? column->most : most;
    }
    *ret_least = least;
    *ret_most = most;
    return least <= most;
}

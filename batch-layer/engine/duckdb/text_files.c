/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/text_files.h"

#include <string.h>

#include "database/table_rows.h"
#include "engine/duckdb/value_sql.h"
#include "lake/row_decoder.h"

struct loader {
    const struct text_files *files;
    struct row_decoder rows;
    struct duckdb_appender *appender;
    size_t file;   /* that is loaded, */
    int64_t first; /* and how many of its rows were before the chunk at hand */
};

/* --- Into the table ---------------------------------------------------------------------------------------------- */

static void append_value(struct loader *loader, size_t field, const struct record *record)
{
    const struct value *value = record ? &record->values[field] : NULL;
    if (!value || !value->present)
        duckdb_appender_add_null(loader->appender);
    else if (loader->rows.fields[field].type == FIELD_TEXT)
        duckdb_appender_add_text(loader->appender, value->text);
    else
        duckdb_appender_add_integer(loader->appender, value->number);
}

static bool append_row(void *context, const struct file_row *row, struct error *error)
{
    struct loader *loader = context;
    duckdb_appender_add_integer(loader->appender, (int64_t)loader->file);
    duckdb_appender_add_integer(loader->appender, loader->first + row->number);
    for (size_t i = 0; i < loader->rows.schema.field_count; i++)
        append_value(loader, i, row->record);
    if (row->record)
        duckdb_appender_add_integer(loader->appender, row->record->event_time_us);
    else
        duckdb_appender_add_null(loader->appender);
    if (row->reason)
        duckdb_appender_add_text(loader->appender, text_of(row->reason));
    else
        duckdb_appender_add_null(loader->appender);
    return duckdb_appender_end_row(loader->appender, error);
}

static bool load_chunk(struct loader *loader, const struct row_chunk *chunk, struct error *error)
{
    int64_t rows = 0;
    if (chunk->file != loader->file)
        loader->first = 0;
    loader->file = chunk->file;
    bool done = row_decoder_chunk(&loader->rows, loader->files->folder, chunk, append_row, loader, &rows, error);
    loader->first += rows;
    return done;
}

static bool load_files(struct loader *loader, struct error *error)
{
    struct row_chunk chunk = {0};
    struct row_chunks *chunks = row_chunks_open(loader->files->folder);
    bool is_end = false, done = chunks || error_set(error, ERROR_INTERNAL, "out of memory");
    while (done && !is_end)
        done = row_chunks_next(chunks, &chunk, &is_end, error) && (is_end || load_chunk(loader, &chunk, error));
    row_chunks_close(chunks);
    buffer_clean_up(&chunk.bytes);
    return done;
}

static bool take_table_row(void *context, struct text json, struct error *error)
{
    struct loader *loader = context;
    return row_decoder_row(&loader->rows, json, loader->first++, append_row, loader, error);
}

/* A folder of files, or the one table that stands in its place. */
static bool load(struct loader *loader, struct error *error)
{
    const struct lake_folder *folder = loader->files->folder;
    if (folder->count == 0 || folder->files[0].format != LAKE_TABLE)
        return load_files(loader, error);
    const char *path = folder->files[0].path;
    return table_rows_read(loader->files->settings, path + strlen("postgres://"), take_table_row, loader, error) ||
           error_context(error, "%s", path);
}

static bool make_table(const struct loader *loader, struct duckdb_session *session, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "CREATE TEMP TABLE %s (tm_file BIGINT, tm_row BIGINT", loader->files->name);
    for (size_t i = 0; i < loader->rows.schema.field_count; i++) {
        buffer_append_string(&sql, ", ");
        duckdb_append_identifier(&sql, loader->rows.fields[i].name);
        buffer_append_string(&sql, loader->rows.fields[i].type == FIELD_TEXT ? " VARCHAR" : " BIGINT");
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
    struct loader loader = {.files = files};
    bool done = row_decoder_init(&loader.rows, files->schema, files->is_log, error) &&
                make_table(&loader, session, error) &&
                duckdb_appender_open(session, files->name, &loader.appender, error) && load(&loader, error);
    if (loader.appender)
        done = duckdb_appender_close(loader.appender, done ? error : NULL) && done;
    memcpy(ret_has, loader.rows.has, sizeof loader.rows.has);
    row_decoder_clean_up(&loader.rows);
    return done;
}

bool text_files_has_offsets(const struct text_files *files)
{
    return files->is_log && files->schema->field_count + 2 <= FIELDS_MAX;
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
    if (text_files_has_offsets(files))
        buffer_append_string(sql, ", tm_partition, tm_offset");
    if (version) {
        buffer_append_string(sql, ", ");
        duckdb_append_identifier(sql, version);
        buffer_append_string(sql, " AS tm_version");
    }
    buffer_appendf(sql, " FROM %s", files->name);
}

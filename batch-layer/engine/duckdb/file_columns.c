/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/file_columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/wide.h"

#define COLUMNS_MAX 4096

struct gathering {
    struct arena *arena;
    struct file_column *list;
    size_t count;
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum column_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum column_kind kind;
    } rows[] = {
        {"VARCHAR", COLUMN_TEXT},      {"TINYINT", COLUMN_INTEGER},   {"SMALLINT", COLUMN_INTEGER},
        {"INTEGER", COLUMN_INTEGER},   {"BIGINT", COLUMN_INTEGER},    {"HUGEINT", COLUMN_INTEGER},
        {"UTINYINT", COLUMN_INTEGER},  {"USMALLINT", COLUMN_INTEGER}, {"UINTEGER", COLUMN_INTEGER},
        {"UBIGINT", COLUMN_INTEGER},   {"DOUBLE", COLUMN_DOUBLE},     {"DATE", COLUMN_DATE},
        {"TIMESTAMP", COLUMN_TIME},    {"TIMESTAMP_S", COLUMN_TIME},  {"TIMESTAMP_MS", COLUMN_TIME},
        {"TIMESTAMP_NS", COLUMN_TIME}, {"BOOLEAN", COLUMN_BOOLEAN},   {"TIMESTAMP WITH TIME ZONE", COLUMN_TIME},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(type, rows[i].type) == 0)
            return rows[i].kind;
    return begins_with(type, "DECIMAL(") && !strchr(type, '[') ? COLUMN_DECIMAL : COLUMN_OTHER;
}

static bool take_row(void *context, const struct text values[], struct error *error)
{
    struct gathering *gathering = context;
    if (gathering->count == COLUMNS_MAX)
        return error_set(error, ERROR_DATA, "more than %d columns", COLUMNS_MAX);
    struct file_column *column = &gathering->list[gathering->count++];
    column->name = arena_copy(gathering->arena, values[0]);
    column->type = arena_copy(gathering->arena, values[1]);
    if (!column->name || !column->type)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    column->kind = kind_of(column->type);
    const char *comma = column->kind == COLUMN_DECIMAL ? strchr(column->type, ',') : NULL;
    column->scale = comma ? (unsigned)strtoul(comma + 1, NULL, 10) : 0;
    return true;
}

void duckdb_append_path(struct buffer *sql, const char *path)
{
    struct buffer plain = {0};
    for (; *path; path++) {
        if (strchr("*?[", *path))
            buffer_appendf(&plain, "[%c]", *path);
        else
            buffer_append_char(&plain, *path);
    }
    sql->failed = sql->failed || plain.failed;
    duckdb_append_text(sql, buffer_text(&plain));
    buffer_clean_up(&plain);
}

static bool keep(const struct gathering *gathering, struct file_columns *ret_columns, struct error *error)
{
    struct file_column *kept = arena_allocate(gathering->arena, gathering->count * sizeof *kept);
    if (!kept)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    memcpy(kept, gathering->list, gathering->count * sizeof *kept);
    *ret_columns = (struct file_columns){kept, gathering->count};
    return true;
}

/* Statistics are taken where the format leaves no doubt of what they bound: numbers of 32 and 64 bits, and all row
 * groups have them. Bounds that a writer may shorten, and the order of floating point, prove nothing here. */
static const char statistics[] =
    "SELECT path_in_schema, bool_and(coalesce(stats_null_count = 0, false))::INTEGER::VARCHAR, "
    "CASE WHEN count(least) = count(*) AND count(most) = count(*) THEN min(least)::VARCHAR END, max(most)::VARCHAR, "
    "CASE WHEN count(first) = count(*) AND count(last) = count(*) THEN min(first)::VARCHAR END, max(last)::VARCHAR "
    "FROM (SELECT *, TRY(floor(least_text::DECIMAL(38, 10))::BIGINT) AS least, "
    "TRY(ceil(most_text::DECIMAL(38, 10))::BIGINT) AS most, TRY(epoch_us(least_text::TIMESTAMP)) AS first, "
    "TRY(epoch_us(most_text::TIMESTAMP)) AS last FROM (SELECT path_in_schema, stats_null_count, "
    "CASE WHEN type IN ('INT32', 'INT64') THEN stats_min_value END AS least_text, "
    "CASE WHEN type IN ('INT32', 'INT64') THEN stats_max_value END AS most_text FROM parquet_metadata(";

enum statistic { PATH, HAS_NO_NULL, LEAST, MOST, FIRST, LAST };

static bool is_bounded(const struct file_column *column)
{
    return column->kind == COLUMN_INTEGER || column->kind == COLUMN_DECIMAL ||
           (column->kind == COLUMN_TIME && strcmp(column->type, "TIMESTAMP_NS") != 0);
}

static bool take_statistics(void *context, const struct text values[], struct error *error)
{
    struct gathering *gathering = context;
    (void)error;
    for (size_t i = 0; i < gathering->count; i++) {
        struct file_column *column = &gathering->list[i];
        bool is_time = column->kind == COLUMN_TIME;
        if (!text_equal(values[PATH], text_of(column->name)))
            continue;
        column->has_no_null = text_equal(values[HAS_NO_NULL], text_of("1"));
        column->has_range = is_bounded(column) && integer_parse(values[is_time ? FIRST : LEAST], &column->least) &&
                            integer_parse(values[is_time ? LAST : MOST], &column->most);
    }
    return true;
}

/* What can't be read of them proves nothing. */
static bool read_statistics(struct gathering *gathering, struct duckdb_session *session, const char *path,
                            struct error *error)
{
    struct buffer sql = {0};
    struct error found = {0};
    buffer_append_string(&sql, statistics);
    duckdb_append_path(&sql, path);
    buffer_append_string(&sql, "))) GROUP BY path_in_schema");
    bool done = duckdb_session_query_buffer(session, &sql, take_statistics, gathering, &found);
    buffer_clean_up(&sql);
    if (!done && found.code != ERROR_DATA && error)
        *error = found;
    return done || found.code == ERROR_DATA;
}

bool file_columns_read(struct duckdb_session *session, const char *path, struct arena *arena,
                       struct file_columns *ret_columns, struct error *error)
{
    struct buffer sql = {0};
    struct gathering gathering = {arena, calloc(COLUMNS_MAX, sizeof *gathering.list), 0};
    if (!gathering.list)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_append_string(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(");
    duckdb_append_path(&sql, path);
    buffer_append_string(&sql, "))");
    bool done = !sql.failed || error_set(error, ERROR_INTERNAL, "out of memory");
    if (done && !(duckdb_session_query(session, buffer_string(&sql), take_row, &gathering, error) &&
                  read_statistics(&gathering, session, path, error)))
        done = error_context(error, "%s can't be read as Parquet", path);
    done = done && keep(&gathering, ret_columns, error);
    free(gathering.list);
    buffer_clean_up(&sql);
    return done;
}

const struct file_column *file_columns_find(const struct file_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->list[i].name, name) == 0)
            return &columns->list[i];
    return NULL;
}

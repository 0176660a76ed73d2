/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/summary_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lake/partition_name.h"

/* The table as it is written. */
struct summary_table {
    const struct summary *summary;
    const struct day_folder *folder;
    struct duckdb_session *session;
    struct buffer sql; /* scratch */
};

bool summary_take_numbers(void *context, const struct text values[], struct error *error)
{
    int64_t **numbers = context;
    for (size_t i = 0; numbers[i]; i++)
        if (!integer_parse(values[i], numbers[i]))
            return error_set(error, ERROR_INTERNAL, "DuckDB gives no number where one was asked for");
    return true;
}

bool summary_table_count(struct duckdb_session *session, struct summary_day *day, struct error *error)
{
    int64_t *totals[] = {&day->orders_counted, &day->other_days, &day->rows, NULL};
    return duckdb_session_query(session,
                                "SELECT coalesce(sum(tm_count), 0)::BIGINT::VARCHAR, "
                                "coalesce(sum(tm_other), 0)::BIGINT::VARCHAR, count(*)::VARCHAR FROM " SUMMARY_TABLE,
                                summary_take_numbers, totals, error);
}

static void append_columns(const struct view *view, struct buffer *sql)
{
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, i ? ", " : "");
        duckdb_append_identifier(sql, view->schema->fields[view->dimensions[i]].name);
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, i || view->dimension_count ? ", " : "");
        duckdb_append_identifier(sql, view->measures[i].name);
    }
}

static const char *dimension_name(const struct summary_table *table, size_t partition)
{
    const struct view *view = table->summary->view;
    return view->schema->fields[view->dimensions[table->summary->partition_by[partition]]].name;
}

/* coalesce(nullif("dimension"::VARCHAR, name), ''): null, empty text and what is named as they are share a folder. */
static void append_partition(const struct summary_table *table, size_t partition, struct buffer *sql)
{
    buffer_append_string(sql, "coalesce(nullif(");
    duckdb_append_identifier(sql, dimension_name(table, partition));
    buffer_append_string(sql, "::VARCHAR, '" PARTITION_WITHOUT_VALUE "'), '')");
}

/* The values of each folder, one behind the other. */
struct partitions {
    struct summary_table *table;
    struct buffer values; /* each with a NUL behind */
    size_t count;
};

static bool take_partition(void *context, const struct text values[], struct error *error)
{
    struct partitions *partitions = context;
    for (size_t i = 0; i < partitions->table->summary->partition_count; i++) {
        buffer_append_text(&partitions->values, values[i]);
        buffer_append_char(&partitions->values, '\0');
    }
    partitions->count++;
    return !partitions->values.failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool find_partitions(struct partitions *partitions, struct error *error)
{
    struct summary_table *table = partitions->table;
    buffer_append_string(&table->sql, "SELECT DISTINCT ");
    for (size_t i = 0; i < table->summary->partition_count; i++) {
        buffer_append_string(&table->sql, i ? ", " : "");
        append_partition(table, i, &table->sql);
    }
    buffer_append_string(&table->sql, " FROM " SUMMARY_TABLE " ORDER BY ALL");
    return duckdb_session_query_buffer(table->session, &table->sql, take_partition, partitions, error);
}

static void append_copy(struct summary_table *table, const char *values, const char *path)
{
    struct buffer *sql = &table->sql;
    buffer_append_string(sql, "COPY (SELECT ");
    append_columns(table->summary->view, sql);
    buffer_append_string(sql, " FROM " SUMMARY_TABLE);
    for (size_t i = 0; i < table->summary->partition_count; i++, values += strlen(values) + 1) {
        buffer_append_string(sql, i ? " AND " : " WHERE ");
        append_partition(table, i, sql);
        buffer_append_string(sql, " = ");
        duckdb_append_text(sql, text_of(values));
    }
    for (size_t i = 0; i < table->summary->view->dimension_count; i++)
        buffer_appendf(sql, "%s%zu NULLS FIRST", i ? ", " : " ORDER BY ", i + 1);
    buffer_append_string(sql, ") TO ");
    duckdb_append_text(sql, text_of(path));
    buffer_append_string(sql, " (FORMAT parquet)");
}

/* Makes the folder of these values below that of the day, and appends its path. */
static bool make_partition(const struct summary_table *table, const char *values, struct buffer *path,
                           struct error *error)
{
    buffer_append_string(path, table->folder->made);
    for (size_t i = 0; i < table->summary->partition_count; i++, values += strlen(values) + 1) {
        if (!partition_name_append(path, dimension_name(table, i), text_of(values), error))
            return false;
        if (mkdir(buffer_string(path), 0777) != 0 && errno != EEXIST)
            return error_set(error, ERROR_UNAVAILABLE, "can't make the folder %s: %s", buffer_string(path),
                             strerror(errno));
    }
    return true;
}

static bool write_partition(struct summary_table *table, const char *values, struct error *error)
{
    struct buffer path = {0};
    bool done = make_partition(table, values, &path, error);
    buffer_appendf(&path, "/part-%s.parquet", table->folder->run);
    if (done) {
        append_copy(table, values, buffer_string(&path));
        done = (!path.failed || error_set(error, ERROR_INTERNAL, "out of memory")) &&
               duckdb_session_execute_buffer(table->session, &table->sql, error);
    }
    buffer_clean_up(&path);
    return done;
}

static bool write_rows(struct summary_table *table, struct error *error)
{
    if (table->summary->partition_count == 0)
        return write_partition(table, "", error);
    struct partitions partitions = {.table = table};
    bool done = find_partitions(&partitions, error);
    const char *values = buffer_string(&partitions.values);
    for (size_t i = 0; done && i < partitions.count; i++) {
        done = write_partition(table, values, error);
        for (size_t j = 0; j < table->summary->partition_count; j++)
            values += strlen(values) + 1;
    }
    buffer_clean_up(&partitions.values);
    return done;
}

bool summary_table_write(struct duckdb_session *session, const struct summary_day *day, struct error *error)
{
    struct summary_table table = {.summary = &day->job->summary, .folder = &day->folder, .session = session};
    bool done = write_rows(&table, error);
    buffer_clean_up(&table.sql);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spark/spark_job.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "engine/summary_engine.h"

EMBEDDED(summary_job_py, "engine/spark/summary_job.py");

/* --- What it reads ----------------------------------------------------------------------------------------------- */

static bool check_format(const struct settings *settings, const struct summary *summary,
                         const struct lake_folder *folder, bool allow_empty, struct error *error)
{
    for (size_t i = 0; i < folder->count; i++)
        if (folder->files[i].format != LAKE_PARQUET)
            return error_set(error, ERROR_CONFIGURATION,
                             "%s:%zu:%zu: the engine spark reads Parquet, and %s is none: say duckdb, or leave "
                             "\"engine\" out",
                             settings->path, summary->engine_location.line, summary->engine_location.column,
                             folder->files[i].path);
    return lake_folder_check(folder, allow_empty, error);
}

bool spark_job_list(const struct settings *settings, const struct job *job, const char *date, struct arena *arena,
                    const struct lake_folder **ret_folders, size_t *ret_count, struct error *error)
{
    const struct summary *summary = &job->summary;
    size_t count = 1 + summary->join_count;
    struct lake_folder *folders = arena_allocate(arena, count * sizeof *folders);
    for (size_t i = 0; i < count; i++) {
        const char *pattern = i ? summary->joins[i - 1].read : summary->read;
        bool allow_empty = i == 0 && summary->allow_empty;
        if (!folders)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        if (!lake_day_read(pattern, date, allow_empty, arena, &folders[i], error) ||
            !check_format(settings, summary, &folders[i], allow_empty, error))
            return false;
    }
    *ret_folders = folders;
    *ret_count = count;
    return true;
}

/* --- Constants --------------------------------------------------------------------------------------------------- */

/* Texts of JSON are texts of Python. */
static void append_text(struct buffer *out, const char *text)
{
    if (text)
        buffer_append_json(out, text_of(text));
    else
        buffer_append_string(out, "None");
}

static void append_files(struct buffer *out, const struct lake_folder *folder)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < folder->count; i++) {
        buffer_append_string(out, "\n    ");
        append_text(out, folder->files[i].path);
        buffer_append_char(out, ',');
    }
    buffer_append_string(out, "\n]");
}

static void append_fields(struct buffer *out, const struct schema *schema)
{
    buffer_append_string(out, "FIELDS = {  # a decimal is its digits behind the point\n");
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        buffer_append_string(out, "    ");
        append_text(out, field->name);
        if (field->type == FIELD_DECIMAL)
            buffer_appendf(out, ": %u,\n", field->scale);
        else
            buffer_appendf(out, ": \"%s\",\n", field->type == FIELD_TEXT ? "text" : "integer");
    }
    buffer_append_string(out, "}\n");
}

static void append_source(struct buffer *out, const struct summary *summary)
{
    static const char *const modes[] = {
        [ON_DUPLICATE_REPLACE] = "replace", [ON_DUPLICATE_IGNORE] = "ignore", [ON_DUPLICATE_NONE] = "none"};
    static const char *const factors[] = {[TIME_RFC3339] = "None",
                                          [TIME_SECONDS] = "1_000_000",
                                          [TIME_MILLISECONDS] = "1_000",
                                          [TIME_MICROSECONDS] = "1"};
    const struct source *source = summary->source;
    bool has_key = source->schema.key != FIELD_NONE;
    buffer_append_string(out, "KEY = ");
    append_text(out, has_key ? source->schema.fields[source->schema.key].name : NULL);
    buffer_append_string(out, "\nEVENT_TIME = ");
    append_text(out, source->schema.event_time);
    buffer_appendf(out, "\nEVENT_TIME_FACTOR = %s  # of a number, to microseconds\nON_DUPLICATE = \"%s\"\nVERSION = ",
                   factors[source->schema.event_time_unit], modes[source->on_duplicate]);
    append_text(out, summary->version);
    buffer_appendf(out, "\nBREAKER = %" PRId64 "\nALLOW_EMPTY = %s\n", source->breaker,
                   summary->allow_empty ? "True" : "False");
}

static void append_joins(struct buffer *out, const struct summary *summary, const struct lake_folder folders[])
{
    buffer_append_string(out, "JOINS = [");
    for (size_t i = 0; i < summary->join_count; i++) {
        buffer_append_char(out, '(');
        append_files(out, &folders[1 + i]);
        buffer_append_string(out, ", ");
        append_text(out, summary->view->schema->fields[summary->joins[i].on].name);
        buffer_append_string(out, "), ");
    }
    buffer_append_string(out, "]\n");
}

static const char *field_name(const struct view *view, size_t field)
{
    return field == FIELD_NONE ? NULL : view->schema->fields[field].name;
}

static void append_measures(struct buffer *out, const struct view *view)
{
    static const char *const kinds[] = {
        [MEASURE_COUNT] = "count",   [MEASURE_SUM] = "sum",     [MEASURE_AVERAGE] = "avg",
        [MEASURE_UNIQUE] = "unique", [MEASURE_MINIMUM] = "min", [MEASURE_MAXIMUM] = "max"};
    buffer_append_string(out, "MEASURES = [\n");
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(out, "    (");
        append_text(out, view->measures[i].name);
        buffer_appendf(out, ", \"%s\", ", kinds[view->measures[i].kind]);
        append_text(out, field_name(view, view->measures[i].field));
        buffer_append_string(out, "),\n");
    }
    buffer_append_string(out, "]\n");
}

static void append_view(struct buffer *out, const struct summary *summary)
{
    const struct view *view = summary->view;
    struct buffer where = {0};
    bool used[FIELDS_MAX] = {false};
    if (view->where)
        expression_print_spark(view->where, view->schema, &where);
    buffer_append_string(out, "WHERE = ");
    append_text(out, view->where ? buffer_string(&where) : NULL);
    buffer_append_string(out, "\nDIMENSIONS = [");
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(out, i ? ", " : "");
        append_text(out, field_name(view, view->dimensions[i]));
    }
    buffer_append_string(out, "]\n");
    append_measures(out, view);
    buffer_append_string(out, "USED = [");
    view_mark_used(view, used);
    for (size_t i = 0; i < view->schema->field_count; i++) {
        if (!used[i])
            continue;
        append_text(out, field_name(view, i));
        buffer_append_string(out, ", ");
    }
    buffer_append_string(out, "]\nPARTITION_BY = [");
    for (size_t i = 0; i < summary->partition_count; i++) {
        buffer_append_string(out, i ? ", " : "");
        append_text(out, field_name(view, view->dimensions[summary->partition_by[i]]));
    }
    buffer_append_string(out, "]\n");
    out->failed |= where.failed;
    buffer_clean_up(&where);
}

static void append_span(void *context, int64_t from_s, int64_t to_s)
{
    buffer_appendf(context, "(%" PRId64 ", %" PRId64 "), ", from_s * US_PER_SECOND, to_s * US_PER_SECOND);
}

void spark_job_append(const struct job *job, int64_t day, const char *date, const struct lake_folder folders[],
                      struct buffer *out)
{
    const struct summary *summary = &job->summary;
    buffer_appendf(out,
                   "\"\"\"%s of %s: orders from Parquet, their versions told apart, joined, summed up exactly.\n\n"
                   "Printed from the definition, for spark-submit.\"\"\"\n\n"
                   "import argparse\nimport functools\nimport json\nimport os\nimport re\nimport sys\n\n"
                   "from pyspark.errors import AnalysisException\n"
                   "from pyspark.sql import SparkSession, functions, types\n\nNAME = ",
                   job->name, date);
    append_text(out, job->name);
    buffer_append_string(out, "\nFILES = ");
    append_files(out, &folders[0]);
    buffer_append_char(out, '\n');
    append_fields(out, summary->view->schema);
    append_source(out, summary);
    append_joins(out, summary, folders);
    append_view(out, summary);
    buffer_append_string(out, "DAY_US = [");
    summary_day_spans(summary->view->zone, day, append_span, out);
    buffer_append_string(out, "]  # the moments of the day\n");
    buffer_append_string(out, summary_job_py);
}

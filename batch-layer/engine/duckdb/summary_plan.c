/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/summary_plan.h"

#include <inttypes.h>

#include "base/clock.h"

static const struct schema *schema_of(const struct summary_plan *plan)
{
    return &plan->summary->source->schema;
}

static const char *field_name(const struct summary_plan *plan, size_t field)
{
    return schema_of(plan)->fields[field].name;
}

/* --- Folders and files ------------------------------------------------------------------------------------------- */

static bool read_columns(struct files_sql *files, struct duckdb_session *session, struct arena *arena,
                         struct error *error)
{
    struct file_columns *columns = arena_allocate(arena, files->folder->count * sizeof *columns);
    if (!columns)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < files->folder->count; i++)
        if (!file_columns_read(session, files->folder->files[i].path, arena, &columns[i], error))
            return false;
    files->columns = columns;
    return true;
}

/* Of Parquet what each file has; of other formats all rows. */
static bool read_files(struct summary_plan *plan, const struct settings *settings, size_t number,
                       struct duckdb_session *session, struct arena *arena, struct error *error)
{
    struct files_sql *files = &plan->files[number];
    const struct lake_folder *folder = &plan->folders[number];
    *files = (struct files_sql){.schema = schema_of(plan), .folder = folder, .key = FIELD_NONE, .is_log = number == 0};
    if (folder->count > 0 && folder->files[0].format == LAKE_PARQUET)
        return read_columns(files, session, arena, error);
    files->texts = (struct text_files){.settings = settings,
                                       .schema = files->schema,
                                       .folder = folder,
                                       .is_log = files->is_log,
                                       .name = arena_printf(arena, "tm_rows_%zu", number)};
    if (!files->texts.name)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return text_files_load(&files->texts, session, files->has, error);
}

static bool list_folder(struct summary_plan *plan, size_t number, const char *date, struct arena *arena,
                        struct error *error)
{
    if (number && plan->summary->joins[number - 1].is_table)
        return lake_table(plan->summary->joins[number - 1].read, arena, &plan->folders[number], error);
    const char *pattern = number ? plan->summary->joins[number - 1].read : plan->summary->read;
    bool allow_empty = number == 0 && plan->summary->allow_empty;
    return lake_day_read(pattern, date, allow_empty, arena, &plan->folders[number], error) &&
           lake_folder_check(&plan->folders[number], allow_empty, error);
}

/* --- Where fields come from -------------------------------------------------------------------------------------- */

static size_t find_origin(const struct summary_plan *plan, size_t field)
{
    if (plan->folders[0].count == 0 || files_sql_has(&plan->files[0], field_name(plan, field)))
        return ORIGIN_FILES;
    for (size_t i = 1; i < plan->count; i++)
        if (files_sql_has(&plan->files[i], field_name(plan, field)))
            return ORIGIN_JOIN + i - 1;
    return ORIGIN_NONE;
}

static bool is_required(const struct summary_plan *plan, size_t field, const bool used[])
{
    return used[field] || field == schema_of(plan)->key || schema_of(plan)->fields[field].type == FIELD_DECIMAL;
}

static bool check_origin(const struct summary_plan *plan, size_t field, const bool used[], struct error *error)
{
    bool is_own = field == schema_of(plan)->key; /* a join can't say which order it is */
    if (!is_required(plan, field, used) || plan->origin[field] == ORIGIN_FILES ||
        (plan->origin[field] != ORIGIN_NONE && !is_own))
        return true;
    if (plan->folders[0].files[0].format == LAKE_NDJSON) /* absent in each message: null, or each is bad */
        return true;
    const char *what = is_own ? "the key" : used[field] ? "used by the view" : "a decimal, and required";
    return error_set(error, ERROR_DATA, "%s has no column \"%s\", which is %s%s", plan->folders[0].files[0].path,
                     field_name(plan, field), what, plan->count > 1 && !is_own ? ", and no join has it" : "");
}

/* The field by which a join finds its row has to be there before. */
static bool check_join(const struct summary_plan *plan, size_t join, struct error *error)
{
    size_t on = plan->summary->joins[join].on;
    if (!files_sql_has(&plan->files[1 + join], field_name(plan, on)))
        return error_set(error, ERROR_DATA, "%s has no column \"%s\", by which it is joined",
                         plan->folders[1 + join].files[0].path, field_name(plan, on));
    bool is_there =
        plan->origin[on] == ORIGIN_FILES || (plan->origin[on] >= ORIGIN_JOIN && plan->origin[on] - ORIGIN_JOIN < join);
    return is_there || error_set(error, ERROR_DATA,
                                 "%s is joined by \"%s\", which neither the files of %s nor a join "
                                 "before it have",
                                 plan->folders[1 + join].path, field_name(plan, on), plan->folders[0].path);
}

static bool find_origins(struct summary_plan *plan, struct error *error)
{
    bool used[FIELDS_MAX] = {false};
    view_mark_used(plan->summary->view, used);
    for (size_t i = 0; i < schema_of(plan)->field_count; i++)
        plan->origin[i] = find_origin(plan, i);
    for (size_t i = 0; i < plan->summary->join_count; i++) {
        if (!check_join(plan, i, error))
            return false;
        used[plan->summary->joins[i].on] = true;
    }
    for (size_t i = 0; i < schema_of(plan)->field_count; i++) {
        if (!check_origin(plan, i, used, error))
            return false;
        if (plan->origin[i] == ORIGIN_NONE && is_required(plan, i, used)) /* null throughout */
            plan->origin[i] = ORIGIN_FILES;
        plan->files[0].wants[i] = plan->origin[i] == ORIGIN_FILES;
        for (size_t join = 0; join < plan->summary->join_count; join++)
            plan->files[1 + join].wants[i] =
                plan->summary->joins[join].on == i || (used[i] && plan->origin[i] == ORIGIN_JOIN + join);
    }
    return true;
}

bool summary_plan_make(const struct settings *settings, const struct summary *summary, const char *date, int64_t day,
                       struct duckdb_session *session, struct arena *arena, struct summary_plan *ret_plan,
                       struct error *error)
{
    struct summary_plan *plan = ret_plan;
    *plan = (struct summary_plan){.summary = summary, .day = day, .count = 1 + summary->join_count};
    for (size_t i = 0; i < plan->count; i++)
        if (!list_folder(plan, i, date, arena, error) || !read_files(plan, settings, i, session, arena, error))
            return false;
    if (summary->source->on_duplicate != ON_DUPLICATE_NONE)
        plan->files[0].key = summary->source->schema.key;
    plan->files[0].version = summary->version;
    if (!find_origins(plan, error))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        if (!files_sql_check(&plan->files[i], error))
            return false;
    return true;
}

/* --- SQL --------------------------------------------------------------------------------------------------------- */

static void append_view_name(size_t number, struct buffer *sql)
{
    if (number)
        buffer_appendf(sql, "tm_join_%zu", number);
    else
        buffer_append_string(sql, "tm_messages");
}

void summary_plan_append_views(const struct summary_plan *plan, struct buffer *sql)
{
    for (size_t i = 0; i < plan->count; i++) {
        buffer_append_string(sql, "CREATE TEMP VIEW ");
        append_view_name(i, sql);
        buffer_append_string(sql, " AS ");
        files_sql_append(&plan->files[i], sql);
        buffer_append_string(sql, ";\n");
    }
}

void summary_plan_append_bad(const struct summary_plan *plan, size_t first, int64_t limit, struct buffer *sql)
{
    buffer_append_string(sql, "SELECT folder::VARCHAR, tm_file::VARCHAR, (tm_row + 1)::VARCHAR, tm_reason FROM (");
    for (size_t i = first; i < plan->count; i++) {
        buffer_appendf(sql, "%sSELECT %zu AS folder, tm_file, tm_row, tm_reason FROM ", i > first ? " UNION ALL " : "",
                       i);
        append_view_name(i, sql);
        buffer_append_string(sql, " WHERE tm_reason IS NOT NULL");
    }
    buffer_append_string(sql, ") ORDER BY folder, tm_file, tm_row");
    if (limit > 0)
        buffer_appendf(sql, " LIMIT %" PRId64, limit);
}

void summary_plan_append_double_key(const struct summary_plan *plan, size_t join, struct buffer *sql)
{
    struct buffer on = {0};
    duckdb_append_identifier(&on, field_name(plan, plan->summary->joins[join].on));
    buffer_appendf(sql, "SELECT %s::VARCHAR FROM ", buffer_string(&on));
    append_view_name(1 + join, sql);
    buffer_appendf(sql,
                   " WHERE tm_reason IS NULL AND %s IS NOT NULL GROUP BY %s HAVING count(*) > 1 ORDER BY %s LIMIT 1",
                   buffer_string(&on), buffer_string(&on), buffer_string(&on));
    sql->failed |= on.failed;
    buffer_clean_up(&on);
}

void summary_plan_append_message_count(struct buffer *sql)
{
    buffer_append_string(sql, "SELECT count(*)::VARCHAR FROM tm_messages");
}

void summary_plan_append_good_count(struct buffer *sql)
{
    buffer_append_string(sql, "SELECT coalesce(sum(tm_count), 0)::BIGINT::VARCHAR FROM " VERSIONS_TABLE);
}

/* --- Which version of each order counts: the last one, or the first
 * ------------------------------------------------- */

/* One number for file and row: their order, and by it a version is found again. */
#define PLACE "(tm_file * 1099511627776 + tm_row)" /* 2^40 */

bool summary_plan_has_versions(const struct summary_plan *plan)
{
    return plan->summary->source->on_duplicate != ON_DUPLICATE_NONE;
}

static bool last_counts(const struct summary_plan *plan)
{
    return plan->summary->source->on_duplicate == ON_DUPLICATE_REPLACE;
}

static void append_key(const struct summary_plan *plan, struct buffer *sql)
{
    buffer_append_string(sql, plan->files[0].has_offsets ? "tm_partition, " : "");
    duckdb_append_identifier(sql, field_name(plan, plan->files[0].key));
}

/* Versions in the order of their places alone. */
static void append_by_place(const struct summary_plan *plan, struct buffer *sql)
{
    buffer_appendf(sql,
                   "SELECT %s(" PLACE ") AS tm_place, count(*) AS tm_count FROM tm_messages "
                   "WHERE tm_reason IS NULL GROUP BY ",
                   last_counts(plan) ? "max" : "min");
    append_key(plan, sql);
}

/* By a column of versions or by offsets first. */
static void append_by_columns(const struct summary_plan *plan, struct buffer *sql)
{
    const char *direction = last_counts(plan) ? "DESC" : "ASC";
    buffer_append_string(sql, "SELECT " PLACE " AS tm_place, count(*) OVER (PARTITION BY ");
    append_key(plan, sql);
    buffer_append_string(sql, ") AS tm_count FROM tm_messages WHERE tm_reason IS NULL "
                              "QUALIFY row_number() OVER (PARTITION BY ");
    append_key(plan, sql);
    buffer_append_string(sql, " ORDER BY ");
    if (plan->files[0].version)
        buffer_appendf(sql, "tm_version %s NULLS %s, ", direction, last_counts(plan) ? "LAST" : "FIRST");
    if (plan->files[0].has_offsets)
        buffer_appendf(sql, "tm_offset %s NULLS %s, ", direction, last_counts(plan) ? "LAST" : "FIRST");
    buffer_appendf(sql, PLACE " %s) = 1", direction);
}

void summary_plan_append_versions(const struct summary_plan *plan, struct buffer *sql)
{
    buffer_append_string(sql, "CREATE TEMP TABLE " VERSIONS_TABLE " AS ");
    if (plan->files[0].version || plan->files[0].has_offsets)
        append_by_columns(plan, sql);
    else
        append_by_place(plan, sql);
    buffer_append_string(sql, ";\n");
}

/* The messages that count, which are all good. */
static void append_live(const struct summary_plan *plan, struct buffer *sql)
{
    buffer_append_string(sql, "SELECT * FROM tm_messages ");
    if (summary_plan_has_versions(plan))
        buffer_append_string(sql, "SEMI JOIN " VERSIONS_TABLE " ON tm_place = " PLACE);
    else
        buffer_append_string(sql, "WHERE tm_reason IS NULL");
}

/* m."field" or j2."field". */
static void append_origin(const struct summary_plan *plan, size_t field, struct buffer *sql)
{
    if (plan->origin[field] >= ORIGIN_JOIN)
        buffer_appendf(sql, "j%zu.", plan->origin[field] - ORIGIN_JOIN + 1);
    else
        buffer_append_string(sql, "m.");
    duckdb_append_identifier(sql, field_name(plan, field));
}

static void append_joined(const struct summary_plan *plan, struct buffer *sql)
{
    bool used[FIELDS_MAX] = {false};
    view_mark_used(plan->summary->view, used);
    buffer_append_string(sql, "SELECT m.tm_event_us");
    for (size_t i = 0; i < schema_of(plan)->field_count; i++) {
        if (!used[i])
            continue;
        buffer_append_string(sql, ", ");
        append_origin(plan, i, sql);
    }
    buffer_append_string(sql, " FROM live AS m");
    for (size_t i = 0; i < plan->summary->join_count; i++) {
        size_t on = plan->summary->joins[i].on;
        buffer_appendf(sql, " LEFT JOIN (SELECT * FROM tm_join_%zu WHERE tm_reason IS NULL) AS j%zu ON j%zu.", i + 1,
                       i + 1, i + 1);
        duckdb_append_identifier(sql, field_name(plan, on));
        buffer_append_string(sql, " = ");
        append_origin(plan, on, sql);
    }
}

static void append_span(void *context, int64_t from_s, int64_t to_s)
{
    buffer_appendf(context, " OR (o.tm_event_us >= %" PRId64 " AND o.tm_event_us < %" PRId64 ")",
                   from_s * US_PER_SECOND, to_s * US_PER_SECOND);
}

static void append_is_of_day(const struct summary_plan *plan, struct buffer *sql)
{
    buffer_append_string(sql, "(false");
    summary_day_spans(plan->summary->view->zone, plan->day, append_span, sql);
    buffer_append_char(sql, ')');
}

/* The event times that a folder is known to have, and whether one span of the day has them all. */
struct known_times {
    int64_t least, most;
    bool are_of_day;
};

static void look_for(void *context, int64_t from_s, int64_t to_s)
{
    struct known_times *times = context;
    times->are_of_day |= times->least >= from_s * US_PER_SECOND && times->most < to_s * US_PER_SECOND;
}

static bool all_are_of_day(const struct summary_plan *plan)
{
    struct known_times times = {0};
    if (!files_sql_find_times(&plan->files[0], &times.least, &times.most))
        return false;
    summary_day_spans(plan->summary->view->zone, plan->day, look_for, &times);
    return times.are_of_day;
}

/* How many are of another day; where none can be, event times aren't read for it. */
static void append_other_days(const struct summary_plan *plan, struct buffer *sql)
{
    if (all_are_of_day(plan)) {
        buffer_append_string(sql, "0::BIGINT");
        return;
    }
    buffer_append_string(sql, "count(*) FILTER (WHERE NOT ");
    append_is_of_day(plan, sql);
    buffer_append_char(sql, ')');
}

static void append_field(const struct summary_plan *plan, size_t field, struct buffer *sql)
{
    buffer_append_string(sql, "o.");
    duckdb_append_identifier(sql, field_name(plan, field));
}

/* Sum / count, rounded half away from zero in whole minor units. `sum` is exact, as text with `scale` digits. */
static void append_average(const char *field, unsigned scale, struct buffer *sql)
{
    static const char *const units[] = {"1", "0.1::DECIMAL(1, 1)", "0.01::DECIMAL(2, 2)", "0.001::DECIMAL(3, 3)"};
    struct buffer minor = {0};
    buffer_appendf(&minor, "replace(sum(%s)::VARCHAR, '.', '')::HUGEINT", field);
    buffer_appendf(sql, "CASE WHEN count(%s) > 0 THEN ((sign(%s) * ((2 * abs(%s) + count(%s)) // (2 * count(%s))))",
                   field, buffer_string(&minor), buffer_string(&minor), field, field);
    if (scale > 0)
        buffer_appendf(sql, "::DECIMAL(18, 0) * %s", units[scale]);
    buffer_appendf(sql, ")::DECIMAL(38, %u) END", scale);
    sql->failed |= minor.failed;
    buffer_clean_up(&minor);
}

static void append_measure(const struct summary_plan *plan, const struct measure *measure, struct buffer *sql)
{
    struct buffer field = {0};
    unsigned scale = 0;
    if (measure->field != FIELD_NONE) {
        append_field(plan, measure->field, &field);
        scale = schema_of(plan)->fields[measure->field].scale;
    }
    switch (measure->kind) {
    case MEASURE_COUNT:
        buffer_appendf(sql, "count(%s)::BIGINT", field.length ? buffer_string(&field) : "*");
        break;
    case MEASURE_SUM:
        buffer_appendf(sql, "sum(%s)::DECIMAL(38, %u)", buffer_string(&field), scale);
        break;
    case MEASURE_AVERAGE:
        append_average(buffer_string(&field), scale, sql);
        break;
    case MEASURE_UNIQUE:
        buffer_appendf(sql, "count(DISTINCT %s)::BIGINT", buffer_string(&field));
        break;
    case MEASURE_MINIMUM:
    case MEASURE_MAXIMUM:
        buffer_appendf(sql, measure->kind == MEASURE_MINIMUM ? "min(%s)" : "max(%s)", buffer_string(&field));
        if (schema_of(plan)->fields[measure->field].type == FIELD_DECIMAL)
            buffer_appendf(sql, "::DECIMAL(38, %u)", scale);
        break;
    }
    sql->failed |= field.failed;
    buffer_clean_up(&field);
}

static void append_groups(const struct summary_plan *plan, struct buffer *sql)
{
    const struct view *view = plan->summary->view;
    buffer_append_string(sql, "SELECT ");
    for (size_t i = 0; i < view->dimension_count; i++) {
        append_field(plan, view->dimensions[i], sql);
        buffer_append_string(sql, ", ");
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        append_measure(plan, &view->measures[i], sql);
        buffer_append_string(sql, " AS ");
        duckdb_append_identifier(sql, view->measures[i].name);
        buffer_append_string(sql, ", ");
    }
    buffer_append_string(sql, "count(*) AS tm_count, ");
    append_other_days(plan, sql);
    buffer_append_string(sql, " AS tm_other FROM joined AS o");
    if (view->where) {
        buffer_append_string(sql, " WHERE ");
        expression_print_duckdb(view->where, view->schema, "o.", sql);
    }
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, i ? ", " : " GROUP BY ");
        append_field(plan, view->dimensions[i], sql);
    }
    buffer_append_string(sql, " HAVING count(*) > 0");
}

void summary_plan_append_table(const struct summary_plan *plan, struct buffer *sql)
{
    buffer_append_string(sql, "CREATE TEMP TABLE " SUMMARY_TABLE " AS WITH live AS (");
    append_live(plan, sql);
    buffer_append_string(sql, "),\njoined AS (");
    append_joined(plan, sql);
    buffer_append_string(sql, ")\n");
    append_groups(plan, sql);
    buffer_append_string(sql, ";\n");
}

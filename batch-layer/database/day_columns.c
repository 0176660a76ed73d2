/* SPDX-License-Identifier: Apache-2.0 */
#include "database/day_columns.h"

#include "database/changed_days.h"
#include "database/grants.h"
#include "database/source_sql.h"
#include "postgres/live_versions.h"

/* --- date and timestamp ------------------------------------------------------------------------------------------ */

/* The zone by which the table's dates were made, "" for none, and how many columns have one of the names. */
static bool read_columns(struct batch *batch, const struct source *source, PGresult **ret_found, struct error *error)
{
    const char *values[] = {source->name};
    return connection_query(batch->connection,
                            "select coalesce(time_zone, ''), (select count(*) from pg_attribute where attrelid = "
                            "to_regclass(format('raw.%I', $1::text)) and attname in ('date', 'timestamp')) "
                            "from tidemark.source where name = $1",
                            1, values, ret_found, error);
}

/* PostgreSQL computes them of the rows that are there; those to come bring theirs, so that rows can be copied as they
 * are. An integer times an interval of a microsecond is exact: numbers up to 2^53 are. */
static void append_columns(struct buffer *sql, const struct source *source, const char *zone)
{
    buffer_append_string(sql, "alter table ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " add column date date generated always as "
                              "((to_timestamp(tm_event_us / 1000000) at time zone ");
    buffer_append_literal(sql, text_of(zone));
    buffer_append_string(sql, ")::date) stored, add column timestamp timestamptz generated always as "
                              "((timestamp '1970-01-01' + tm_event_us * interval '1 microsecond') at time zone 'UTC') "
                              "stored; alter table ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " alter column date drop expression, alter column timestamp drop expression; ");
}

static void append_note(struct buffer *sql, const struct source *source, const struct zone *zone)
{
    struct buffer table = {0};
    append_raw_table(&table, source);
    changed_days_append_note(sql, &(struct day_maker){.name = source->name}, zone, buffer_string(&table));
    sql->failed |= table.failed;
    buffer_clean_up(&table);
    buffer_append_string(sql, "; ");
}

static bool make_columns(struct batch *batch, const struct source *source, struct error *error)
{
    struct buffer sql = {0};
    const struct zone *zone = batch->settings->zone;
    append_columns(&sql, source, zone_name(zone));
    append_note(&sql, source, zone);
    buffer_append_string(&sql, "update tidemark.source set time_zone = ");
    buffer_append_literal(&sql, text_of(zone_name(zone)));
    buffer_append_string(&sql, " where name = ");
    buffer_append_literal(&sql, text_of(source->name));
    bool done = batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

bool day_columns_follow(struct batch *batch, const struct source *source, struct error *error)
{
    RESULT *found = NULL;
    const char *zone = zone_name(batch->settings->zone);
    if (!read_columns(batch, source, &found, error))
        return false;
    bool is_made = result_text(found, 0, 0).length > 0;
    if (schema_day_field(&source->schema))
        return true;
    if (!is_made && result_integer(found, 0, 1) == 0)
        return make_columns(batch, source, error);
    if (!is_made)
        return error_set(error, ERROR_CONFIGURATION,
                         "source %s: raw.%s has a column date or timestamp of a field that isn't declared any more: "
                         "rename it, for the table gets columns of these names",
                         source->name, source->name);
    if (!text_equal(result_text(found, 0, 0), text_of(zone)))
        return error_set(error, ERROR_CONFIGURATION,
                         "source %s: the column date of raw.%s was made with the time zone %s, and the configuration "
                         "says time_zone: %s; say time_zone: %s, or drop the columns date and timestamp (and live.%s, "
                         "which shows them) and set time_zone of the row in tidemark.source to null: the next run "
                         "makes them anew",
                         source->name, source->name, PQgetvalue(found, 0, 0), zone, PQgetvalue(found, 0, 0),
                         source->name);
    return result_integer(found, 0, 1) == 2 ||
           error_set(error, ERROR_CONFIGURATION,
                     "source %s: the column date or timestamp of raw.%s was dropped or renamed by somebody; drop the "
                     "other too, and set time_zone of the row in tidemark.source to null: the next run makes them anew",
                     source->name, source->name);
}

/* --- live.<source> ----------------------------------------------------------------------------------------------- */

void append_live_view(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "live.");
    buffer_append_identifier(sql, source->name);
}

/* By the date of the master dataset's index, then by the key of the live versions'. */
static void append_view(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "create or replace view ");
    append_live_view(sql, source);
    buffer_append_string(sql, " as select r.* from ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " r join ");
    append_current_table(sql, source);
    buffer_append_string(sql, " c on c.tm_partition = r.tm_partition and c.tm_offset = r.tm_offset and c.tm_key = ");
    if (source->on_duplicate == ON_DUPLICATE_NONE) {
        buffer_append_string(sql, "r.tm_offset::text");
        return;
    }
    buffer_append_string(sql, "r.");
    buffer_append_identifier(sql, source->schema.fields[source->schema.key].name);
}

static bool has_all_columns(struct batch *batch, const struct source *source, bool *ret_has, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *same = NULL;
    if (!connection_query(batch->connection,
                          "select count(distinct columns) = 1 and count(columns) = 2 from (select array_agg("
                          "(attname, atttypid, atttypmod)::text order by attnum) as columns from pg_attribute where "
                          "attnum > 0 and not attisdropped and attrelid in (to_regclass(format('raw.%I', $1::text)), "
                          "to_regclass(format('live.%I', $1::text))) group by attrelid) c",
                          1, values, &same, error))
        return false;
    *ret_has = *PQgetvalue(same, 0, 0) == 't';
    return true;
}

bool live_view_follow(struct batch *batch, const struct source *source, struct error *error)
{
    struct buffer sql = {0};
    bool has;
    if (!has_all_columns(batch, source, &has, error))
        return false;
    if (has)
        return true;
    append_view(&sql, source);
    bool done = batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

bool live_view_drop(struct batch *batch, const struct source *source, struct buffer *ret_grants, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "drop view if exists ");
    append_live_view(&sql, source);
    bool done = grants_read(batch, "live", source->name, ret_grants, error) && batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

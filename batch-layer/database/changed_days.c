/* SPDX-License-Identifier: Apache-2.0 */
#include "database/changed_days.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_SIZE 24
#define CHANGED "tidemark.changed_day"
#define TAKEN "tidemark.taken_day"
#define IS_MAKER "d.is_job = $1::boolean and d.maker = $2"
#define DAY_OF_NUMBER "date '1970-01-01' + $3::int"
#define ON_CONFLICT " on conflict (is_job, maker, day) do update set version = d.version + 1"

static const char *boolean_of(const struct day_maker *maker)
{
    return maker->is_job ? "true" : "false";
}

static void append_maker(struct buffer *sql, const struct day_maker *maker)
{
    buffer_appendf(sql, "%s, ", boolean_of(maker));
    buffer_append_literal(sql, text_of(maker->name));
}

/* Clocks change at full minutes, and there are few of them: a calendar isn't asked for each message. The minutes go
 * into a table first: PostgreSQL finds them in parallel so, as it does no insert. */
void changed_days_append_note(struct buffer *sql, const struct day_maker *maker, const struct zone *zone,
                              const char *times)
{
    buffer_appendf(sql,
                   "create temp table tm_minutes on commit drop as select distinct tm_event_us / 60000000 as minute "
                   "from %s m; insert into " CHANGED " as d (is_job, maker, day, version) select distinct ",
                   times);
    append_maker(sql, maker);
    buffer_append_string(sql, ", (to_timestamp(minute * 60) at time zone ");
    buffer_append_literal(sql, text_of(zone_name(zone)));
    buffer_append_string(sql, ")::date, 1 from pg_temp.tm_minutes" ON_CONFLICT "; drop table pg_temp.tm_minutes");
}

void changed_days_append_note_known(struct buffer *sql, const struct day_maker *maker)
{
    buffer_append_string(sql, "update " CHANGED " set version = version + 1 where (is_job, maker) = (");
    append_maker(sql, maker);
    buffer_append_char(sql, ')');
}

bool changed_days_note(PGconn *connection, const struct day_maker *maker, int64_t day, struct error *error)
{
    char number[NUMBER_SIZE];
    (void)snprintf(number, sizeof number, "%" PRId64, day);
    const char *values[] = {boolean_of(maker), maker->name, number};
    RESULT *noted = NULL;
    return connection_query(connection,
                            "insert into " CHANGED
                            " as d (is_job, maker, day, version) values ($1::boolean, $2, " DAY_OF_NUMBER
                            ", 1)" ON_CONFLICT,
                            3, values, &noted, error);
}

bool changed_days_read(PGconn *connection, const struct day_maker *maker, const char *job,
                       struct changed_day **ret_days, size_t *ret_count, struct error *error)
{
    const char *values[] = {boolean_of(maker), maker->name, job};
    RESULT *rows = NULL;
    if (!connection_query(connection,
                          "select d.day - date '1970-01-01', d.version from " CHANGED " d left join " TAKEN
                          " t on (t.is_job, t.maker, t.day) = (d.is_job, d.maker, d.day) and t.job = $3 "
                          "where " IS_MAKER " and d.version is distinct from t.version order by 1",
                          3, values, &rows, error))
        return false;
    size_t count = (size_t)PQntuples(rows);
    struct changed_day *days = count ? calloc(count, sizeof *days) : NULL;
    if (count && !days)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < count; i++)
        days[i] = (struct changed_day){result_integer(rows, (int)i, 0), result_integer(rows, (int)i, 1)};
    *ret_days = days;
    *ret_count = count;
    return true;
}

bool changed_days_version(PGconn *connection, const struct day_maker *maker, int64_t day, int64_t *ret_version,
                          struct error *error)
{
    char number[NUMBER_SIZE];
    (void)snprintf(number, sizeof number, "%" PRId64, day);
    const char *values[] = {boolean_of(maker), maker->name, number};
    RESULT *row = NULL;
    if (!connection_query(connection,
                          "select coalesce(max(d.version), 0) from " CHANGED " d where " IS_MAKER
                          " and d.day = " DAY_OF_NUMBER,
                          3, values, &row, error))
        return false;
    *ret_version = result_integer(row, 0, 0);
    return true;
}

bool changed_days_take(PGconn *connection, const struct day_maker *maker, const char *job,
                       const struct changed_day *day, struct error *error)
{
    char number[NUMBER_SIZE], version[NUMBER_SIZE];
    (void)snprintf(number, sizeof number, "%" PRId64, day->day);
    (void)snprintf(version, sizeof version, "%" PRId64, day->version);
    const char *values[] = {boolean_of(maker), maker->name, number, job, version};
    RESULT *taken = NULL;
    return connection_query(connection,
                            "insert into " TAKEN
                            " (is_job, maker, day, job, version) values ($1::boolean, $2, " DAY_OF_NUMBER
                            ", $4, $5::bigint) on conflict (job, is_job, maker, day) "
                            "do update set version = excluded.version",
                            5, values, &taken, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "database/schema.h"

/* Number n brings version n to version n + 1, and says so in schema_version. */
static const char *const migrations[] = {
    "create schema if not exists tidemark; create schema if not exists raw; create schema if not exists view;"
    "create table tidemark.schema_version (version int not null);"
    "create table tidemark.source (name text collate \"C\" primary key, topic text not null, cluster text,"
    " epoch bigint not null default 0, published_at timestamptz, opened_at timestamptz, definition text, partitions "
    "int);"
    "create table tidemark.partition (source text collate \"C\", partition int, first_offset bigint not null,"
    " ingested bigint not null, cut bigint, clock_us bigint not null default 0, consumed bigint not null default 0,"
    " kept bigint not null default 0, replaced bigint not null default 0, duplicate bigint not null default 0,"
    " bad bigint not null default 0, primary key (source, partition));"
    "create table tidemark.view (name text collate \"C\" primary key, source text collate \"C\" not null,"
    " fingerprint text not null, counted bigint not null, filtered bigint not null);"
    "create table tidemark.touched (source text collate \"C\", epoch bigint, view text collate \"C\", windows bigint[],"
    " published_at timestamptz not null, primary key (source, view, epoch));"
    "create table tidemark.gap (source text collate \"C\" not null, partition int not null,"
    " from_offset bigint not null, to_offset bigint not null, noted_at timestamptz not null default now());"
    "create table tidemark.run (id bigserial primary key, source text collate \"C\", kind text not null,"
    " started_at timestamptz not null default clock_timestamp(), finished_at timestamptz, epoch bigint,"
    " outcome text not null, message text, messages bigint not null default 0, rows bigint not null default 0);"
    "create index on tidemark.run (source, id);"
    "create table tidemark.bad (source text collate \"C\", partition int, \"offset\" bigint, record_time timestamptz,"
    " field text, reason text, key bytea, payload bytea, primary key (source, partition, \"offset\"));"
    "create table tidemark.job (name text collate \"C\" primary key, due_at timestamptz not null);"
    "insert into tidemark.schema_version values (1)",
    "alter table tidemark.gap add column accepted_at timestamptz;"
    "alter table tidemark.partition add column tail_offset bigint, add column tail_us bigint;"
    "insert into tidemark.schema_version values (2)",
    "alter table tidemark.partition add column held bigint not null default 0;"
    "alter table tidemark.source add column split_orders bigint not null default 0;"
    "alter table tidemark.run add column moved bigint not null default 0;"
    "do $$ declare s text; begin for s in select name from tidemark.source"
    " where to_regclass(format('raw.%I', name)) is not null loop"
    " execute format('update tidemark.partition p set held = (select count(*) from raw.%I"
    " where tm_partition = p.partition) + (select count(*) from tidemark.bad b where b.source = p.source and"
    " b.partition = p.partition) where p.source = %L', s, s);"
    " execute format('alter table tidemark.%I drop constraint %I, add constraint %I primary key"
    " (tm_key, tm_partition)', 'current_' || s, 'current_' || s || '_key', 'current_' || s || '_key');"
    " end loop; end $$;"
    "insert into tidemark.schema_version values (3)",
    /* Names of indexes that no table can have: a source called orders_key or a view called new_daily had none left. */
    ("do $$ declare s text; c record; begin for s in select name from tidemark.source loop"
     " for c in select conrelid::regclass as t, conname from pg_constraint where contype = 'p' and conrelid in"
     " (to_regclass(format('raw.%I', s)), to_regclass(format('tidemark.%I', 'current_' || s))) loop"
     " execute format('alter table %s rename constraint %I to %I', c.t, c.conname, case when c.t ="
     " to_regclass(format('raw.%I', s)) then s || '.key' else 'current_' || s || '.key' end); end loop;"
     " execute format('alter index if exists tidemark.%I rename to %I', 'current_' || s || '_event',"
     " 'current_' || s || '.event'); end loop;"
     " for s in select name from tidemark.view loop"
     " execute format('alter index if exists view.%I rename to %I', 'new_' || s || '_tm_window_idx', s || '.window');"
     " end loop; end $$;"
     "insert into tidemark.schema_version values (4)"),
    "alter table tidemark.partition add column unread boolean not null default false;"
    "insert into tidemark.schema_version values (5)",
    "alter table tidemark.view add column columns text[];"
    "insert into tidemark.schema_version values (6)",
    /* What was published before may hold any event time up to the clock's without a record time. */
    "alter table tidemark.partition add column untimed_us bigint not null default 0;"
    "update tidemark.partition set untimed_us = clock_us;"
    "insert into tidemark.schema_version values (7)",
    "alter table tidemark.partition add column last_offset bigint not null default -1,"
    " add column last_hash bigint not null default 0;"
    "insert into tidemark.schema_version values (8)",
    "create table if not exists tidemark.changed_day (is_job boolean, maker text collate \"C\", day date, version "
    "bigint not null,"
    " primary key (is_job, maker, day));"
    "create table if not exists tidemark.taken_day (job text collate \"C\", is_job boolean, maker text collate \"C\", "
    "day date,"
    " version bigint not null, primary key (job, is_job, maker, day));"
    "insert into tidemark.schema_version values (9)",
    "create schema if not exists live; alter table tidemark.source add column if not exists time_zone text;"
    "insert into tidemark.schema_version values (10)",
    "alter table tidemark.job alter column due_at drop not null, add column if not exists followed_at timestamptz;"
    "create table if not exists tidemark.job_run (id bigserial primary key, job text collate \"C\" not null,"
    " due_at timestamptz not null, day date, state text not null default 'due', by_hand boolean not null default false,"
    " attempt int not null default 0, started_at timestamptz, finished_at timestamptz, reason text, rows bigint,"
    " reads jsonb, unique nulls not distinct (job, due_at, day));"
    "create index if not exists job_run_job_id on tidemark.job_run (job, id);"
    "insert into tidemark.schema_version values (11)",
    /* Of the source's definition, as it was published. */
    "alter table tidemark.source add column if not exists fingerprint text not null default '';"
    "insert into tidemark.schema_version values (12)",
    /* Of one epoch readers may hear more than once what changed; and how far backfills have come. */
    "alter table tidemark.touched drop constraint touched_pkey, add primary key (source, view, epoch, published_at);"
    "create table if not exists tidemark.backfill (source text collate \"C\", view text collate \"C\", from_day date,"
    " to_day date, next_day date not null, primary key (source, view, from_day, to_day));"
    "insert into tidemark.schema_version values (13)",
    "alter table tidemark.partition add column if not exists idle_us bigint not null default 0;"
    "insert into tidemark.schema_version values (14)",
    "alter table tidemark.view add column if not exists late bigint not null default 0;"
    "insert into tidemark.schema_version values (15)",
    /* Of the message that was ingested last. */
    "alter table tidemark.partition add column if not exists ingested_offset bigint not null default -1,"
    " add column if not exists ingested_us bigint not null default -1,"
    " add column if not exists ingested_hash bigint not null default 0;"
    "insert into tidemark.schema_version values (16)",
};
_Static_assert(sizeof migrations / sizeof *migrations == POSTGRES_SCHEMA_VERSION, "a migration for each version");

/* The version, or 0 where the database is still empty. */
static bool read_version(struct batch *batch, int64_t *ret_version, struct error *error)
{
    RESULT *exists = NULL, *version = NULL;
    if (!connection_query(batch->connection, "select to_regclass('tidemark.schema_version') is not null", 0, NULL,
                          &exists, error))
        return false;
    *ret_version = 0;
    if (*PQgetvalue(exists, 0, 0) != 't')
        return true;
    if (!connection_query(batch->connection, "select coalesce(max(version), 0) from tidemark.schema_version", 0, NULL,
                          &version, error))
        return false;
    *ret_version = result_integer(version, 0, 0);
    if (*ret_version > POSTGRES_SCHEMA_VERSION)
        return error_set(error, ERROR_CONFIGURATION,
                         "PostgreSQL: the database has schema version %d and this program knows up to %d",
                         (int)*ret_version, POSTGRES_SCHEMA_VERSION);
    return true;
}

static bool migrate_locked(struct batch *batch, struct error *error)
{
    int64_t version; /* read again: another process may have been first */
    if (!connection_execute(batch->connection, "select pg_advisory_xact_lock(" POSTGRES_SCHEMA_LOCK ")", error) ||
        !read_version(batch, &version, error))
        return false;
    for (; version < POSTGRES_SCHEMA_VERSION; version++)
        if (!connection_execute(batch->connection, migrations[version], error))
            return false;
    return true;
}

/* Messages are UTF-8: any other encoding lacks characters, and the first message with one of them could never be
 * stored. SQL_ASCII is none: it keeps the bytes as they come. */
static bool check_encoding(struct batch *batch, struct error *error)
{
    const char *encoding = PQparameterStatus(batch->connection, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") == 0 || strcmp(encoding, "SQL_ASCII") == 0)
        return true;
    return error_set(error, ERROR_CONFIGURATION,
                     "PostgreSQL: the database %s has the encoding %s, which can't hold every text that a message can "
                     "have; make one with: create database … encoding 'UTF8' template template0",
                     PQdb(batch->connection), encoding);
}

bool schema_migrate(struct batch *batch, struct error *error)
{
    int64_t version;
    if (!check_encoding(batch, error) || !read_version(batch, &version, error))
        return false;
    if (version == POSTGRES_SCHEMA_VERSION)
        return true;
    bool done = connection_execute(batch->connection, "begin", error) && migrate_locked(batch, error) &&
                connection_execute(batch->connection, "commit", error);
    if (!done)
        connection_roll_back(batch->connection);
    return done || error_context(error, "migrating the schema");
}

bool schema_exists(struct batch *batch, bool *ret_exists, struct error *error)
{
    RESULT *result = NULL;
    if (!connection_query(batch->connection, "select to_regclass('tidemark.run') is not null", 0, NULL, &result, error))
        return false;
    *ret_exists = *PQgetvalue(result, 0, 0) == 't';
    return true;
}

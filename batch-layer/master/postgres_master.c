/* SPDX-License-Identifier: Apache-2.0
 * master_operations over PostgreSQL. */
#include <inttypes.h>
#include <stdio.h>

#include "master/bad_messages.h"
#include "master/chunk.h"
#include "master/raw_index.h"
#include "master/raw_sql.h"
#include "master/revalidation.h"
#include "master/rows.h"

#define HOLES_MAX "100" /* that are noted of a partition at once: each stands in every answer until it is accepted */

static bool note_cluster(struct batch *batch, const struct source *source, const char *cluster, struct error *error)
{
    const char *values[] = {source->name, cluster};
    RESULT *noted = NULL;
    return connection_query(batch->connection, "update tidemark.source set cluster = $2 where name = $1", 2, values,
                            &noted, error);
}

static bool read_partitions(struct batch *batch, const struct source *source,
                            struct ingested_partition ret_partitions[], size_t count, size_t *ret_count,
                            struct error *error)
{
    const char *values[] = {source->name};
    RESULT *rows = NULL;
    if (!connection_query(batch->connection,
                          "select partition, first_offset, ingested, held from tidemark.partition "
                          "where source = $1 order by partition",
                          1, values, &rows, error))
        return false;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++)
        ret_partitions[i] = (struct ingested_partition){0};
    for (int row = 0; row < PQntuples(rows); row++) {
        size_t number = (size_t)result_integer(rows, row, 0);
        *ret_count = number + 1;
        if (number < count)
            ret_partitions[number] = (struct ingested_partition){.recorded = true,
                                                                 .first = result_integer(rows, row, 1),
                                                                 .next = result_integer(rows, row, 2),
                                                                 .held = result_integer(rows, row, 3)};
    }
    return true;
}

static void append_deletion(struct buffer *sql, const struct source_run *run, const struct run_partition *partition,
                            const char *table)
{
    buffer_appendf(sql, "delete from %s where source = ", table);
    buffer_append_literal(sql, text_of(run->source->name));
    buffer_appendf(sql, " and partition = %d; ", (int)partition->number);
}

static bool record_partition(struct source_run *run, struct run_partition *partition, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "begin; delete from ");
    append_raw_table(&sql, run->source);
    buffer_appendf(&sql, " where tm_partition = %d; ", (int)partition->number);
    append_deletion(&sql, run, partition, "tidemark.bad");
    append_deletion(&sql, run, partition, "tidemark.gap");
    append_deletion(&sql, run, partition, "tidemark.partition");
    buffer_append_string(&sql, "insert into tidemark.partition (source, partition, first_offset, ingested) values (");
    buffer_append_literal(&sql, text_of(run->source->name));
    buffer_appendf(&sql, ", %d, %" PRId64 ", %" PRId64 "); commit", (int)partition->number, partition->first,
                   partition->first);
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    partition->ingested = partition->first;
    partition->held = 0;
    partition->recorded = done;
    return done;
}

static bool query_tail(struct source_run *run, struct buffer *sql, struct ingested_tail *ret_tail, struct error *error)
{
    RESULT *tail = NULL;
    if (!batch_query(run->batch, sql, &tail, error))
        return false;
    *ret_tail = (struct ingested_tail){-1, -1, 0};
    if (PQntuples(tail) == 1)
        *ret_tail = (struct ingested_tail){result_integer(tail, 0, 0), result_integer(tail, 0, 1),
                                           (uint64_t)result_integer(tail, 0, 2)};
    return true;
}

/* As it is noted; where no hash is, as of what was ingested before version 16 of the schema, the last of the messages
 * that have a record time. */
static bool read_tail(struct source_run *run, const struct run_partition *partition, struct ingested_tail *ret_tail,
                      struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "select ingested_offset, ingested_us, ingested_hash from tidemark.partition where "
                               "ingested_hash <> 0 and source = ");
    buffer_append_literal(&sql, text_of(run->source->name));
    buffer_appendf(&sql, " and partition = %d", (int)partition->number);
    bool done = query_tail(run, &sql, ret_tail, error);
    if (done && ret_tail->hash == 0) {
        buffer_append_string(&sql, "select tm_offset, tm_record_us, 0 from ");
        append_messages(&sql, run->source);
        buffer_appendf(&sql, " and tm_partition = %d and tm_record_us is not null order by tm_offset desc limit 1",
                       (int)partition->number);
        done = query_tail(run, &sql, ret_tail, error);
    }
    buffer_clean_up(&sql);
    return done;
}

static bool count(struct batch *batch, const struct source *source, int32_t partition, int64_t below,
                  int64_t *ret_count, struct error *error)
{
    struct buffer sql = {0};
    RESULT *found = NULL;
    buffer_append_string(&sql, "select count(*) from ");
    append_messages(&sql, source);
    buffer_appendf(&sql, " and tm_partition = %d and tm_offset < %" PRId64, (int)partition, below);
    bool done = batch_query(batch, &sql, &found, error);
    buffer_clean_up(&sql);
    if (done)
        *ret_count = result_integer(found, 0, 0);
    return done;
}

static bool note_gap(struct source_run *run, const struct run_partition *partition, int64_t from, int64_t to,
                     struct error *error)
{
    char number[16], old[24], new[24];
    snprintf(number, sizeof number, "%d", (int)partition->number);
    snprintf(old, sizeof old, "%" PRId64, from);
    snprintf(new, sizeof new, "%" PRId64, to);
    const char *values[] = {run->source->name, number, old, new};
    RESULT *noted = NULL;
    if (!connection_query(run->batch->connection,
                          "with moved as (update tidemark.partition set ingested = $4::bigint where source = $1 "
                          "and partition = $2::int and ingested = $3::bigint returning source, partition) "
                          "insert into tidemark.gap (source, partition, from_offset, to_offset) "
                          "select source, partition, $3::bigint, $4::bigint from moved",
                          4, values, &noted, error))
        return false;
    return strcmp(PQcmdTuples(noted), "1") == 0 ||
           error_set(error, ERROR_TRY_AGAIN, "source %s: partition %d was ingested by somebody else meanwhile",
                     run->source->name, (int)partition->number);
}

/* One range over all where there are too many to tell. */
static bool note_holes(struct source_run *run, const struct run_partition *partition, int64_t to, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "with held as (select tm_offset as o, tm_offset as e from ");
    append_messages(&sql, run->source);
    buffer_appendf(&sql,
                   " and tm_partition = %d and tm_offset < %" PRId64
                   " union all select from_offset, to_offset - 1 from tidemark.gap where partition = %d and source = ",
                   (int)partition->number, to, (int)partition->number);
    buffer_append_literal(&sql, text_of(run->source->name));
    buffer_appendf(
        &sql,
        " union all select %" PRId64 ", %" PRId64
        "), holes as (select coalesce(max(e) over (order by o, e rows between unbounded preceding and 1 "
        "preceding) + 1, %" PRId64 ") as f, o as t from held), lost as (select f, t, count(*) over () as n "
        "from holes where f < t) insert into tidemark.gap (source, partition, from_offset, to_offset) select ",
        to, to, partition->first);
    buffer_append_literal(&sql, text_of(run->source->name));
    buffer_appendf(&sql,
                   ", %d, f, t from (select f, t from lost where n <= " HOLES_MAX
                   " union all select min(f), max(t) from lost where n > " HOLES_MAX ") l where f < t",
                   (int)partition->number);
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool set_held(struct source_run *run, struct run_partition *partition, int64_t held, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "update tidemark.partition set held = %" PRId64 " where partition = %d and source = ", held,
                   (int)partition->number);
    buffer_append_literal(&sql, text_of(run->source->name));
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    partition->held = held;
    return done;
}

static bool remove_messages(struct source_run *run, const struct run_partition *partition, const int64_t offsets[],
                            size_t count, struct error *error)
{
    struct buffer sql = {0};
    if (count == 0)
        return true;
    buffer_append_string(&sql, "delete from ");
    append_raw_table(&sql, run->source);
    buffer_appendf(&sql, " where tm_partition = %d and tm_offset = any ('{", (int)partition->number);
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&sql, i ? "," : "");
        buffer_append_integer(&sql, offsets[i]);
    }
    buffer_append_string(&sql, "}'::bigint[])");
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool read_gaps(struct batch *batch, const struct source *source, size_t most,
                      void (*take)(void *context, const struct master_gap *gap), void *context, struct error *error)
{
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", most);
    const char *values[] = {source->name, limit};
    RESULT *rows = NULL;
    if (!connection_query(batch->connection,
                          "select partition, from_offset, to_offset, noted_at, accepted_at from tidemark.gap "
                          "where source = $1 order by accepted_at is not null, noted_at desc limit $2::bigint",
                          2, values, &rows, error))
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct master_gap gap = {.partition = (int32_t)result_integer(rows, row, 0),
                                       .from = result_integer(rows, row, 1),
                                       .to = result_integer(rows, row, 2),
                                       .noted_at = PQgetvalue(rows, row, 3),
                                       .accepted_at = PQgetvalue(rows, row, 4)};
        take(context, &gap);
    }
    return true;
}

const struct master_operations postgres_master = {
    .prepare = schema_prepare_source,
    .note_cluster = note_cluster,
    .read_partitions = read_partitions,
    .record_partition = record_partition,
    .chunk_new = chunk_new,
    .chunk_destroy = chunk_destroy,
    .chunk_add = chunk_add,
    .chunk_is_full = chunk_is_full,
    .chunk_store = chunk_store,
    .index = raw_index,
    .read = rows_read,
    .next_row = rows_next,
    .rows_destroy = rows_destroy,
    .count = count,
    .read_tail = read_tail,
    .note_gap = note_gap,
    .note_holes = note_holes,
    .set_held = set_held,
    .remove = remove_messages,
    .revalidate = revalidate,
    .read_gaps = read_gaps,
    .read_bad = bad_messages_list,
};

/* SPDX-License-Identifier: Apache-2.0
 * batch_store_operations over PostgreSQL. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "database/run_record.h"
#include "database/schema.h"
#include "database/source_lock.h"
#include "master/chunk.h"
#include "publication/publication_sql.h"

static bool begin(struct batch *batch, const struct source *source, struct error *error)
{
    return batch_connect(batch, error) && schema_migrate(batch, error) && source_lock_take(batch, source, error);
}

static bool note_cluster(struct batch *batch, const struct source *source, const char *cluster, struct error *error)
{
    const char *values[] = {source->name, cluster};
    RESULT *noted = NULL;
    return connection_query(batch->connection, "update tidemark.source set cluster = $2 where name = $1", 2, values,
                            &noted, error);
}

static bool read_partitions(struct source_run *run, struct error *error)
{
    const char *values[] = {run->source->name};
    RESULT *rows = NULL;
    if (!connection_query(run->batch->connection,
                          "select partition, first_offset, ingested, cut, clock_us, held, unread::int, untimed_us from "
                          "tidemark.partition "
                          "where source = $1 order by partition",
                          1, values, &rows, error))
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t number = result_integer(rows, row, 0);
        if ((size_t)number >= run->partition_count)
            return error_set(error, ERROR_CONFIGURATION,
                             "source %s: its topic %s has %zu partitions and had partition %" PRId64
                             ": it was made anew",
                             run->source->name, run->source->topic, run->partition_count, number);
        struct partition_state *partition = &run->partitions[number];
        partition->recorded = true;
        partition->first = result_integer(rows, row, 1);
        partition->ingested = result_integer(rows, row, 2);
        partition->published = !PQgetisnull(rows, row, 3);
        partition->begins = partition->published ? result_integer(rows, row, 3) : partition->first;
        partition->clock_us = result_integer(rows, row, 4);
        partition->held = result_integer(rows, row, 5);
        partition->unread = result_integer(rows, row, 6) != 0;
        partition->untimed_us = result_integer(rows, row, 7);
    }
    return true;
}

static void append_deletion(struct buffer *sql, const struct source_run *run, const struct partition_state *partition,
                            const char *table)
{
    buffer_appendf(sql, "delete from %s where source = ", table);
    buffer_append_literal(sql, text_of(run->source->name));
    buffer_appendf(sql, " and partition = %d; ", (int)partition->number);
}

static bool record_partition(struct source_run *run, struct partition_state *partition, struct error *error)
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

static bool read_tail(struct source_run *run, const struct partition_state *partition, int64_t *ret_offset,
                      int64_t *ret_record_time_us, struct error *error)
{
    struct buffer sql = {0};
    RESULT *tail = NULL;
    buffer_append_string(&sql, "select o, us from ((select tm_offset as o, tm_record_us as us from ");
    append_raw_table(&sql, run->source);
    buffer_appendf(&sql,
                   " where tm_partition = %d and tm_record_us is not null order by tm_offset desc limit 1) union all "
                   "(select \"offset\", (extract(epoch from record_time) * 1000000)::bigint from tidemark.bad "
                   "where partition = %d and record_time is not null and source = ",
                   (int)partition->number, (int)partition->number);
    buffer_append_literal(&sql, text_of(run->source->name));
    buffer_append_string(&sql, " order by \"offset\" desc limit 1)) m order by o desc limit 1");
    bool done = batch_query(run->batch, &sql, &tail, error);
    buffer_clean_up(&sql);
    if (!done)
        return false;
    bool any = PQntuples(tail) == 1;
    *ret_offset = any ? result_integer(tail, 0, 0) : -1;
    *ret_record_time_us = any ? result_integer(tail, 0, 1) : -1;
    return true;
}

static bool note_gap(struct source_run *run, const struct partition_state *partition, int64_t from, int64_t to,
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

static bool note_opening(struct source_run *run, int64_t *ret_opened_at_us, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "update tidemark.run set epoch = %" PRId64 " where id = %" PRId64, run->publication.epoch + 1,
                   run->id);
    bool done = batch_execute(run->batch, &sql, error);
    *ret_opened_at_us = clock_wall_us();
    RESULT *first = NULL;
    if (done && run->was_open) {
        buffer_appendf(&sql,
                       "select (extract(epoch from min(started_at)) * 1000000)::bigint from tidemark.run "
                       "where kind = 'run' and epoch = %" PRId64 " and id >= (select coalesce(max(id), 0) "
                       "from tidemark.run where source = ",
                       run->publication.epoch + 1);
        buffer_append_literal(&sql, text_of(run->source->name));
        buffer_append_string(&sql, " and outcome = 'published') and source = ");
        buffer_append_literal(&sql, text_of(run->source->name));
        done = batch_query(run->batch, &sql, &first, error);
        if (done && !PQgetisnull(first, 0, 0))
            *ret_opened_at_us = result_integer(first, 0, 0);
    }
    buffer_clean_up(&sql);
    return done;
}

static bool left_views(struct source_run *run, struct buffer *ret_tables, struct error *error)
{
    struct buffer sql = {0};
    RESULT *tables = NULL;
    const struct settings *settings = run->batch->settings;
    buffer_append_string(&sql,
                         "select string_agg(format('view.%I', name), ', ' order by name) from tidemark.view where "
                         "to_regclass(format('view.%I', name)) is not null and columns is distinct from '{}' and "
                         "source = ");
    buffer_append_literal(&sql, text_of(run->source->name));
    for (size_t i = 0; i < settings->source_count; i++)
        for (size_t view = 0; view < settings->sources[i].view_count; view++) {
            buffer_append_string(&sql, " and name <> ");
            buffer_append_literal(&sql, text_of(settings->sources[i].views[view].name));
        }
    bool done = batch_query(run->batch, &sql, &tables, error);
    if (done && !PQgetisnull(tables, 0, 0))
        buffer_append_text(ret_tables, result_text(tables, 0, 0));
    buffer_clean_up(&sql);
    return done;
}

static bool count_split_orders(struct source_run *run, int64_t *ret_count, struct error *error)
{
    struct buffer sql = {0};
    RESULT *split = NULL;
    buffer_append_string(&sql, "select count(*) from (select 1 from ");
    append_current_table(&sql, run->source);
    buffer_append_string(&sql, " group by tm_key having count(*) > 1) k");
    bool done = batch_query(run->batch, &sql, &split, error);
    if (done)
        *ret_count = result_integer(split, 0, 0);
    buffer_clean_up(&sql);
    return done;
}

static void roll_back(struct batch *batch)
{
    connection_roll_back(batch->connection);
}

const struct batch_store_operations postgres_batch_store = {
    .begin = begin,
    .end = source_lock_release,
    .begin_record = run_record_begin,
    .end_record = run_record_end,
    .prepare_source = schema_prepare_source,
    .note_cluster = note_cluster,
    .read_partitions = read_partitions,
    .record_partition = record_partition,
    .read_tail = read_tail,
    .note_gap = note_gap,
    .note_opening = note_opening,
    .left_views = left_views,
    .count_split_orders = count_split_orders,
    .chunk_new = chunk_new,
    .chunk_destroy = chunk_destroy,
    .chunk_add = chunk_add,
    .chunk_is_full = chunk_is_full,
    .chunk_store = chunk_store,
    .publish_begin = publication_begin,
    .judge_again = judge_again,
    .merge_versions = merge_versions,
    .rebuild_views = rebuild_views,
    .publish_write = publication_write,
    .publish_commit = publication_commit,
    .was_published = publication_was_committed,
    .roll_back = roll_back,
};

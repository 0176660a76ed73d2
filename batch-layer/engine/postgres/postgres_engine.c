/* SPDX-License-Identifier: Apache-2.0
 * engine_operations as SQL that PostgreSQL runs where the data is. */
#include "database/schema.h"
#include "engine/postgres/merge.h"
#include "engine/postgres/rebuild.h"

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

static bool check_versions(struct source_run *run, bool *ret_same, struct error *error)
{
    struct buffer sql = {0};
    RESULT *same = NULL;
    const struct source *source = run->source;
    buffer_append_string(&sql, "select (select count(*) from ");
    append_current_table(&sql, source);
    buffer_append_string(&sql, ") = (select coalesce(sum(kept), 0) from tidemark.partition where source = ");
    buffer_append_literal(&sql, text_of(source->name));
    buffer_append_string(&sql, ") and not exists (select 1 from ");
    append_current_table(&sql, source);
    buffer_append_string(&sql, " c left join ");
    append_raw_table(&sql, source);
    buffer_append_string(&sql, " r using (tm_partition, tm_offset) where r.tm_event_us is distinct from c.tm_event_us");
    for (size_t i = 0; i < source->schema.field_count; i++) {
        buffer_append_string(&sql, " or r.");
        buffer_append_identifier(&sql, source->schema.fields[i].name);
        buffer_append_string(&sql, " is distinct from c.");
        buffer_append_identifier(&sql, source->schema.fields[i].name);
    }
    buffer_append_char(&sql, ')');
    bool done = batch_query(run->batch, &sql, &same, error);
    buffer_clean_up(&sql);
    if (done)
        *ret_same = *PQgetvalue(same, 0, 0) == 't';
    return done;
}

const struct engine_operations postgres_engine = {
    .merge = merge_versions,
    .rebuild = rebuild_views,
    .recompute = rebuild_panes,
    .count_split_orders = count_split_orders,
    .check_versions = check_versions,
};

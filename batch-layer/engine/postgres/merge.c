/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/postgres/merge.h"

#include <inttypes.h>

#include "database/changed_days.h"
#include "engine/postgres/ranges.h"
#include "master/raw_sql.h"

struct merge {
    struct source_run *run;
    struct partition_ledger *ledgers;
    struct buffer sql;
};

static void append_key(struct merge *merge)
{
    const struct schema *schema = &merge->run->source->schema;
    if (merge->run->source->on_duplicate == ON_DUPLICATE_NONE) {
        buffer_append_string(&merge->sql, "r.tm_offset::text");
        return;
    }
    buffer_append_string(&merge->sql, "r.");
    buffer_append_identifier(&merge->sql, schema->fields[schema->key].name);
}

/* Before the first publication there are no live versions, and where they are computed anew none are left. */
static bool is_first(const struct merge *merge)
{
    return merge->run->publication.epoch == 0 || merge->run->recomputes_all;
}

static bool execute(struct merge *merge, struct error *error)
{
    return batch_execute(merge->run->batch, &merge->sql, error);
}

/* Of several new versions of an order the one that the source's rule keeps. */
static bool select_added(struct merge *merge, struct error *error)
{
    struct buffer *sql = &merge->sql;
    enum on_duplicate rule = merge->run->source->on_duplicate;
    buffer_append_string(sql, "create temp table tm_added on commit drop as select ");
    if (rule != ON_DUPLICATE_NONE) {
        buffer_append_string(sql, "distinct on (r.tm_partition, ");
        append_key(merge);
        buffer_append_string(sql, ") ");
    }
    buffer_append_string(sql, "r.tm_partition, ");
    append_key(merge);
    buffer_append_string(sql, " as tm_key, r.tm_offset, r.tm_event_us");
    append_field_names(&merge->sql, &merge->run->source->schema, "r.");
    buffer_append_string(sql, " from ");
    append_raw_table(sql, merge->run->source);
    buffer_append_string(sql, " r where ");
    append_ranges(sql, merge->run, PUBLISHED_NOW, "r.tm_partition", "r.tm_offset");
    if (rule != ON_DUPLICATE_NONE) {
        buffer_append_string(sql, " order by r.tm_partition, ");
        append_key(merge);
        buffer_append_string(sql, rule == ON_DUPLICATE_REPLACE ? ", r.tm_offset desc" : ", r.tm_offset");
    }
    buffer_append_string(sql, "; analyze pg_temp.tm_added");
    return execute(merge, error);
}

/* The versions in place of which others come, and whether to another time: none where the first one stays. */
static bool select_removed(struct merge *merge, struct error *error)
{
    struct buffer *sql = &merge->sql;
    buffer_append_string(sql, "create temp table tm_removed on commit drop as select c.tm_partition, c.tm_offset, "
                              "c.tm_event_us");
    append_field_names(&merge->sql, &merge->run->source->schema, "c.");
    buffer_append_string(sql, ", c.tm_event_us <> n.tm_event_us as tm_moved from pg_temp.tm_added n join ");
    append_current_table(sql, merge->run->source);
    buffer_append_string(sql, " c on c.tm_partition = n.tm_partition and c.tm_key = n.tm_key");
    if (merge->run->source->on_duplicate != ON_DUPLICATE_REPLACE)
        buffer_append_string(sql, " where false");
    buffer_append_string(sql, "; analyze pg_temp.tm_removed");
    return execute(merge, error);
}

static void append_upsert(struct merge *merge)
{
    struct buffer *sql = &merge->sql;
    const struct schema *schema = &merge->run->source->schema;
    buffer_append_string(sql, " on conflict (tm_partition, tm_key) do update set tm_offset = excluded.tm_offset,"
                              " tm_event_us = excluded.tm_event_us");
    for (size_t i = 0; i < schema->field_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, schema->fields[i].name);
        buffer_append_string(sql, " = excluded.");
        buffer_append_identifier(sql, schema->fields[i].name);
    }
}

/* Calls `use` with each row of a result whose first column is the partition. */
static bool by_partition(struct merge *merge, void (*use)(struct partition_ledger *, const PGresult *, int row),
                         struct error *error)
{
    RESULT *result = NULL;
    if (!batch_query(merge->run->batch, &merge->sql, &result, error))
        return false;
    for (int row = 0; row < PQntuples(result); row++)
        use(&merge->ledgers[result_integer(result, row, 0)], result, row);
    return true;
}

static void use_inserted(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->kept = result_integer(result, row, 1);
}

static void append_insert(struct merge *merge)
{
    buffer_append_string(&merge->sql, "insert into ");
    append_current_table(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " (tm_partition, tm_key, tm_offset, tm_event_us");
    append_field_names(&merge->sql, &merge->run->source->schema, "");
    buffer_append_string(&merge->sql, ") ");
}

/* A row that the insert made, rather than found, has no xmax. */
static bool upsert_current(struct merge *merge, struct error *error)
{
    struct buffer *sql = &merge->sql;
    buffer_append_string(sql, "with written as (");
    append_insert(merge);
    buffer_append_string(sql, "select tm_partition, tm_key, tm_offset, tm_event_us");
    append_field_names(&merge->sql, &merge->run->source->schema, "");
    buffer_append_string(sql, " from pg_temp.tm_added");
    if (merge->run->source->on_duplicate == ON_DUPLICATE_REPLACE)
        append_upsert(merge);
    buffer_append_string(sql, " returning tm_partition, xmax = 0 as tm_new) "
                              "select tm_partition, count(*) from written where tm_new group by tm_partition");
    return by_partition(merge, use_inserted, error);
}

static void use_good(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->good = result_integer(result, row, 1);
    int64_t clock_us = result_integer(result, row, 2);
    if (clock_us > ledger->clock_us)
        ledger->clock_us = clock_us;
    int64_t untimed_us = result_integer(result, row, 3);
    if (untimed_us > ledger->untimed_us)
        ledger->untimed_us = untimed_us;
}

static bool count_good(struct merge *merge, struct error *error)
{
    buffer_append_string(&merge->sql, "select tm_partition, count(*), max(least(tm_event_us, tm_record_us)), "
                                      "coalesce(max(tm_event_us) filter (where tm_record_us is null), 0) from ");
    append_raw_table(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " where ");
    append_ranges(&merge->sql, merge->run, PUBLISHED_NOW, "tm_partition", "tm_offset");
    buffer_append_string(&merge->sql, " group by tm_partition");
    return by_partition(merge, use_good, error);
}

static void use_bad(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->bad = result_integer(result, row, 1);
}

static bool count_bad(struct merge *merge, struct error *error)
{
    buffer_append_string(&merge->sql, "select partition, count(*) from tidemark.bad where source = ");
    buffer_append_literal(&merge->sql, text_of(merge->run->source->name));
    buffer_append_string(&merge->sql, " and ");
    append_ranges(&merge->sql, merge->run, PUBLISHED_NOW, "partition", "\"offset\"");
    buffer_append_string(&merge->sql, " group by partition");
    return by_partition(merge, use_bad, error);
}

static void use_later(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->later = result_integer(result, row, 1);
}

static bool count_later(struct merge *merge, struct error *error)
{
    buffer_append_string(&merge->sql, "select tm_partition, count(*) from ");
    append_messages(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " and ");
    append_ranges(&merge->sql, merge->run, LATER, "tm_partition", "tm_offset");
    buffer_append_string(&merge->sql, " group by tm_partition");
    return by_partition(merge, use_later, error);
}

static void use_added(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->replaced += ledger->good - result_integer(result, row, 1);
}

static void use_removed(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->replaced += result_integer(result, row, 1);
    ledger->moved = result_integer(result, row, 2);
}

/* Replaced are the new messages that a newer one follows at once, and the versions that had been current. */
static bool count_replaced(struct merge *merge, struct error *error)
{
    buffer_append_string(&merge->sql, "select tm_partition, count(*) from pg_temp.tm_added group by tm_partition");
    if (!by_partition(merge, use_added, error))
        return false;
    buffer_append_string(&merge->sql, "select tm_partition, count(*), count(*) filter (where tm_moved) "
                                      "from pg_temp.tm_removed group by tm_partition");
    return by_partition(merge, use_removed, error);
}

static void use_first(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->duplicate += ledger->good - result_integer(result, row, 1);
}

static void use_known(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->duplicate += result_integer(result, row, 1);
}

/* Where the first version stays, those of known orders don't come at all. */
static bool drop_known(struct merge *merge, struct error *error)
{
    buffer_append_string(&merge->sql, "select tm_partition, count(*) from pg_temp.tm_added group by tm_partition");
    if (!by_partition(merge, use_first, error))
        return false;
    buffer_append_string(&merge->sql, "with known as (delete from pg_temp.tm_added n using ");
    append_current_table(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " c where c.tm_partition = n.tm_partition and c.tm_key = n.tm_key "
                                      "returning n.tm_partition) "
                                      "select tm_partition, count(*) from known group by tm_partition");
    return by_partition(merge, use_known, error);
}

static void use_split(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->split = result_integer(result, row, 1);
}

/* The messages of an order shall have one Kafka key, and so be in one partition: what is in two counts twice. */
static bool count_split(struct merge *merge, struct error *error)
{
    if (merge->run->partition_count == 1 || merge->run->source->on_duplicate == ON_DUPLICATE_NONE)
        return true;
    buffer_append_string(&merge->sql,
                         "select tm_partition, count(*) from pg_temp.tm_added n where exists (select 1 from ");
    append_current_table(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " c where c.tm_key = n.tm_key and c.tm_partition <> n.tm_partition) group by 1");
    return by_partition(merge, use_split, error);
}

/* Also where it is empty: under wal_level=minimal what is written to a table that was emptied in the same transaction
 * isn't logged. */
static bool empty_current(struct merge *merge, struct error *error)
{
    if (!is_first(merge))
        return true;
    buffer_append_string(&merge->sql, "truncate ");
    append_current_table(&merge->sql, merge->run->source);
    return execute(merge, error);
}

/* Of the messages that this run publishes, and of the versions in place of which others came. */
static void append_times(struct buffer *sql, const struct merge *merge)
{
    buffer_append_char(sql, '(');
    if (!is_first(merge))
        buffer_append_string(sql, "select tm_event_us from pg_temp.tm_removed union all ");
    buffer_append_string(sql, "select tm_event_us from ");
    append_raw_table(sql, merge->run->source);
    buffer_append_string(sql, " where ");
    append_ranges(sql, merge->run, PUBLISHED_NOW, "tm_partition", "tm_offset");
    buffer_append_char(sql, ')');
}

/* Days whose messages are others now, or other versions live. */
static bool note_days(struct merge *merge, struct error *error)
{
    const struct source_run *run = merge->run;
    const struct day_maker maker = {.name = run->source->name};
    struct buffer *sql = &merge->sql, times = {0};
    if (run->recomputes_all) { /* a day may have lost its messages */
        changed_days_append_note_known(sql, &maker);
        buffer_append_string(sql, "; ");
    }
    append_times(&times, merge);
    changed_days_append_note(sql, &maker, run->batch->settings->zone, buffer_string(&times));
    sql->failed |= times.failed;
    buffer_clean_up(&times);
    return execute(merge, error);
}

/* --- where there are no live versions yet -------------------------------------------------------------------------
 * Whole rows aren't sorted: they go from the master dataset to the live versions as they lie there, in the order in
 * which they came, so that the versions of a window lie together. */

static void append_kept_offset(struct merge *merge)
{
    buffer_appendf(&merge->sql, "%s(r.tm_offset)",
                   merge->run->source->on_duplicate == ON_DUPLICATE_REPLACE ? "max" : "min");
}

static void append_new_messages(struct merge *merge)
{
    append_raw_table(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " r where ");
    append_ranges(&merge->sql, merge->run, PUBLISHED_NOW, "r.tm_partition", "r.tm_offset");
}

/* Orders that have several messages, and which of these the source's rule keeps. With tm_elsewhere: they are in several
 * partitions. */
static bool select_repeated(struct merge *merge, struct error *error)
{
    struct buffer *sql = &merge->sql;
    buffer_append_string(sql, "create temp table tm_repeated on commit drop as select min(r.tm_partition) as "
                              "tm_partition, ");
    append_key(merge);
    buffer_append_string(sql, " as tm_key, ");
    append_kept_offset(merge);
    buffer_append_string(sql, " as tm_offset, count(*) as tm_messages, min(r.tm_partition) <> max(r.tm_partition) as "
                              "tm_elsewhere from ");
    append_new_messages(merge);
    buffer_append_string(sql, " group by ");
    append_key(merge);
    buffer_append_string(sql, " having count(*) > 1; analyze pg_temp.tm_repeated");
    return execute(merge, error);
}

static bool has_split(struct merge *merge, bool *ret_has, struct error *error)
{
    RESULT *found = NULL;
    buffer_append_string(&merge->sql, "select exists (select from pg_temp.tm_repeated where tm_elsewhere)");
    if (!batch_query(merge->run->batch, &merge->sql, &found, error))
        return false;
    *ret_has = *PQgetvalue(found, 0, 0) == 't';
    return true;
}

/* An order that is in several partitions is one in each of them. */
static bool part_split(struct merge *merge, struct error *error)
{
    bool has = false;
    struct buffer *sql = &merge->sql;
    if (!has_split(merge, &has, error) || !has)
        return !has;
    buffer_append_string(sql, "with split as (delete from pg_temp.tm_repeated where tm_elsewhere returning tm_key) "
                              "insert into pg_temp.tm_repeated select r.tm_partition, ");
    append_key(merge);
    buffer_append_string(sql, ", ");
    append_kept_offset(merge);
    buffer_append_string(sql, ", count(*), true from ");
    append_new_messages(merge);
    buffer_append_string(sql, " and ");
    append_key(merge);
    buffer_append_string(sql, " in (select tm_key from split) group by r.tm_partition, ");
    append_key(merge);
    buffer_append_string(sql, "; analyze pg_temp.tm_repeated");
    return execute(merge, error);
}

static void use_replaced(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->replaced = result_integer(result, row, 1);
    ledger->split = result_integer(result, row, 2);
}

static void use_duplicate(struct partition_ledger *ledger, const PGresult *result, int row)
{
    ledger->duplicate = result_integer(result, row, 1);
    ledger->split = result_integer(result, row, 2);
}

static bool count_repeated(struct merge *merge, struct error *error)
{
    bool replaces = merge->run->source->on_duplicate == ON_DUPLICATE_REPLACE;
    buffer_append_string(&merge->sql, "select tm_partition, sum(tm_messages - 1)::bigint, count(*) filter (where "
                                      "tm_elsewhere) from pg_temp.tm_repeated group by tm_partition");
    return by_partition(merge, replaces ? use_replaced : use_duplicate, error);
}

static bool leaves_out_any(const struct merge *merge)
{
    for (size_t i = 0; i < merge->run->partition_count; i++)
        if (merge->ledgers[i].replaced > 0 || merge->ledgers[i].duplicate > 0)
            return true;
    return false;
}

/* To look for each message in a table without rows would cost a fourth more. */
static bool insert_current(struct merge *merge, struct error *error)
{
    struct buffer *sql = &merge->sql;
    append_insert(merge);
    buffer_append_string(sql, "select r.tm_partition, ");
    append_key(merge);
    buffer_append_string(sql, ", r.tm_offset, r.tm_event_us");
    append_field_names(sql, &merge->run->source->schema, "r.");
    buffer_append_string(sql, " from ");
    append_new_messages(merge);
    if (leaves_out_any(merge)) {
        buffer_append_string(sql, " and not exists (select from pg_temp.tm_repeated p where p.tm_key = ");
        append_key(merge);
        buffer_append_string(sql, " and p.tm_partition = r.tm_partition and p.tm_offset <> r.tm_offset)");
    }
    return execute(merge, error);
}

static bool count_kept(struct merge *merge, struct error *error)
{
    buffer_append_string(&merge->sql, "select tm_partition, count(*) from ");
    append_current_table(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, " group by tm_partition");
    return by_partition(merge, use_inserted, error);
}

/* An empty table is filled first and indexed afterwards: that takes a third of the time. The planner shall know at once
 * that it isn't empty any more. */
static bool fill_current(struct merge *merge, struct error *error)
{
    append_current_unindex(&merge->sql, merge->run->source);
    if (!execute(merge, error) || !insert_current(merge, error) || !count_kept(merge, error))
        return false;
    append_current_indexes(&merge->sql, merge->run->source);
    buffer_append_string(&merge->sql, "analyze ");
    append_current_table(&merge->sql, merge->run->source);
    return execute(merge, error);
}

static bool merge_first(struct merge *merge, struct error *error)
{
    if (!note_days(merge, error))
        return false;
    if (merge->run->source->on_duplicate != ON_DUPLICATE_NONE &&
        (!select_repeated(merge, error) || !part_split(merge, error) || !count_repeated(merge, error)))
        return false;
    return fill_current(merge, error);
}

/* --- where there are some ----------------------------------------------------------------------------------------- */

static bool merge_more(struct merge *merge, struct error *error)
{
    enum on_duplicate rule = merge->run->source->on_duplicate;
    if (!select_added(merge, error) || (rule == ON_DUPLICATE_IGNORE && !drop_known(merge, error)) ||
        !select_removed(merge, error) || !note_days(merge, error) ||
        (rule == ON_DUPLICATE_REPLACE && !count_replaced(merge, error)))
        return false;
    return upsert_current(merge, error) && count_split(merge, error);
}

static bool merge_all(struct merge *merge, struct error *error)
{
    if (!empty_current(merge, error) || !count_good(merge, error) || !count_bad(merge, error) ||
        !count_later(merge, error))
        return false;
    return is_first(merge) ? merge_first(merge, error) : merge_more(merge, error);
}

bool merge_versions(struct source_run *run, struct partition_ledger ret_ledgers[], struct error *error)
{
    struct merge merge = {.run = run, .ledgers = ret_ledgers};
    for (size_t i = 0; i < run->partition_count; i++)
        ret_ledgers[i] = (struct partition_ledger){.clock_us = run->partitions[i].clock_us,
                                                   .untimed_us = run->partitions[i].untimed_us};
    bool done = merge_all(&merge, error);
    buffer_clean_up(&merge.sql);
    return done;
}

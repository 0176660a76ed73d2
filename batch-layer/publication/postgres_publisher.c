/* SPDX-License-Identifier: Apache-2.0
 * publisher_operations over PostgreSQL. */
#include "publication/publisher.h"

#include <inttypes.h>

#include "base/clock.h"
#include "database/backfill_days.h"
#include "database/run_record.h"
#include "database/source_lock.h"
#include "engine/postgres/view_sql.h"
#include "master/raw_sql.h"
#include "postgres/publications.h"
#include "postgres/view_table.h"
#include "publication/published_view.h"

#define TOUCHED_EPOCHS "100" /* for so many epochs readers can ask what changed */

struct writing {
    struct publishing *publishing;
    struct buffer sql;
};

static void append_source(struct writing *writing)
{
    buffer_append_literal(&writing->sql, text_of(writing->publishing->run->source->name));
}

static bool execute(struct writing *writing, struct error *error)
{
    return batch_execute(writing->publishing->run->batch, &writing->sql, error);
}

/* Nobody else publishes while this row is locked; and nobody has. */
static bool check_epoch(struct writing *writing, struct error *error)
{
    RESULT *epoch = NULL;
    buffer_append_string(&writing->sql, "select epoch from tidemark.source where name = ");
    append_source(writing);
    buffer_append_string(&writing->sql, " for update");
    if (!batch_query(writing->publishing->run->batch, &writing->sql, &epoch, error))
        return false;
    int64_t found = PQntuples(epoch) == 1 ? result_integer(epoch, 0, 0) : -1;
    return found == writing->publishing->run->publication.epoch ||
           error_set(error, ERROR_TRY_AGAIN, "source %s: epoch %" PRId64 " was published meanwhile by somebody else",
                     writing->publishing->run->source->name, found);
}

static bool write_partitions(struct writing *writing, struct error *error)
{
    for (size_t i = 0; i < writing->publishing->run->partition_count; i++) {
        const struct run_partition *partition = &writing->publishing->run->partitions[i];
        const struct partition_ledger *ledger = &writing->publishing->ledgers[i];
        int before = writing->publishing->run->recomputes_all ? 0 : 1; /* what is published counts, or counts no more */
        buffer_appendf(&writing->sql,
                       "update tidemark.partition set cut = %" PRId64 ", unread = %s, clock_us = %" PRId64
                       ", idle_us = %" PRId64 ", untimed_us = %" PRId64 ", last_offset = %" PRId64
                       ", last_hash = %" PRId64 ", consumed = %d * consumed + %" PRId64 ", kept = %d * kept + %" PRId64
                       ", replaced = %d * replaced + %" PRId64 ", duplicate = %d * duplicate + %" PRId64
                       ", bad = %d * bad + %" PRId64 " where partition = %d and source = ",
                       partition->cut, partition->unread ? "true" : "false", ledger->clock_us, partition->idle_us,
                       ledger->untimed_us, partition->last_hash ? partition->last : -1, (int64_t)partition->last_hash,
                       before, ledger->good + ledger->bad, before, ledger->kept, before, ledger->replaced, before,
                       ledger->duplicate, before, ledger->bad, (int)partition->number);
        append_source(writing);
        buffer_append_string(&writing->sql, "; ");
    }
    return execute(writing, error);
}

/* The last message below each cut, good or bad, whose record time is known. */
static bool write_tails(struct writing *writing, struct error *error)
{
    struct buffer *sql = &writing->sql;
    buffer_append_string(sql,
                         "update tidemark.partition p set tail_offset = t.tm_offset, tail_us = t.tm_record_us from "
                         "tidemark.partition q left join lateral (select tm_offset, tm_record_us from ");
    append_messages(sql, writing->publishing->run->source);
    buffer_append_string(sql, " and tm_partition = q.partition and tm_offset < q.cut and tm_record_us is not null "
                              "order by tm_offset desc limit 1) t "
                              "on true where q.source = p.source and q.partition = p.partition and p.source = ");
    append_source(writing);
    return execute(writing, error);
}

static bool accept_gaps(struct writing *writing, struct error *error)
{
    if (!writing->publishing->run->batch->accepts_gaps)
        return true;
    buffer_append_string(&writing->sql, "update tidemark.gap set accepted_at = clock_timestamp() where accepted_at is "
                                        "null and source = ");
    append_source(writing);
    return execute(writing, error);
}

static void append_touched(struct writing *writing, const struct view *view, const struct view_change *change)
{
    struct buffer *sql = &writing->sql;
    buffer_append_string(sql, "insert into tidemark.touched (source, epoch, view, windows, published_at) select name, "
                              "epoch, ");
    buffer_append_literal(sql, text_of(view->name));
    buffer_append_string(sql, ", ");
    buffer_append_string(sql, change->whole            ? "null"
                              : change->windows.length ? buffer_string(&change->windows)
                                                       : "'{}'");
    buffer_append_string(sql, ", published_at from tidemark.source where name = ");
    append_source(writing);
    buffer_append_string(sql, "; ");
}

static void append_name(struct buffer *sql, const char *name)
{
    buffer_append_literal(sql, text_of(name));
}

/* A view that isn't published has no fingerprint: its table fits no definition until it is made anew, not even the one
 * by which it was last filled. The columns that a publication made are still in it; none are where somebody else made
 * it. */
static void append_view(struct writing *writing, const struct view *view, const struct view_change *change)
{
    struct buffer *sql = &writing->sql;
    bool is_published = change->refusal.length == 0, has_columns = is_published && !view->shown;
    buffer_append_string(sql,
                         "insert into tidemark.view as v (name, source, fingerprint, counted, filtered, late, columns) "
                         "values (");
    append_name(sql, view->name);
    buffer_append_string(sql, ", ");
    append_source(writing);
    buffer_append_string(sql, ", ");
    append_name(sql, is_published ? view->fingerprint : "");
    buffer_appendf(sql, ", %" PRId64 ", %" PRId64 ", %" PRId64 ", array[", change->counted, change->filtered,
                   change->late);
    if (has_columns)
        append_view_columns(sql, view, append_name);
    buffer_appendf(
        sql,
        "]::text[]) on conflict (name) do update set source = excluded.source, fingerprint = excluded.fingerprint, "
        "counted = excluded.counted, filtered = excluded.filtered, late = excluded.late, columns = %s.columns; ",
        is_published ? "excluded" : "v");
}

static bool write_views(struct writing *writing, struct error *error)
{
    struct buffer *sql = &writing->sql;
    for (size_t i = 0; i < writing->publishing->run->source->view_count; i++) {
        append_view(writing, &writing->publishing->run->source->views[i], &writing->publishing->changes[i]);
        append_touched(writing, &writing->publishing->run->source->views[i], &writing->publishing->changes[i]);
    }
    buffer_append_string(sql, "delete from tidemark.touched t using tidemark.source s where s.name = t.source and "
                              "t.epoch <= s.epoch - " TOUCHED_EPOCHS " and s.name = ");
    append_source(writing);
    return execute(writing, error);
}

/* A view that left the configuration keeps its table, which others may use, and grows old under its name: should it
 * come back, it is made anew. Nothing is left to know of one whose table was dropped. */
static bool leave_views(struct writing *writing, struct error *error)
{
    struct buffer *sql = &writing->sql;
    for (int dropped = 0; dropped < 2; dropped++) {
        buffer_append_string(sql, dropped ? "; delete from tidemark.view where (to_regclass(format('view.%I', name)) "
                                            "is null and to_regclass(format('view.%I', name || '" VIEW_PANES_SUFFIX
                                            "')) is null or columns = '{}') and source = "
                                          : "update tidemark.view set fingerprint = '' where source = ");
        append_source(writing);
        for (size_t i = 0; i < writing->publishing->run->source->view_count; i++) {
            buffer_append_string(sql, " and name <> ");
            append_name(sql, writing->publishing->run->source->views[i].name);
        }
    }
    return execute(writing, error);
}

static bool write_epoch(struct writing *writing, struct error *error)
{
    buffer_appendf(&writing->sql,
                   "update tidemark.source set epoch = %" PRId64 ", partitions = %" PRId64 ", split_orders = %" PRId64
                   ", published_at = clock_timestamp(), opened_at = "
                   "to_timestamp(0) + %" PRId64 " * interval '1 microsecond', fingerprint = '%s' where name = ",
                   writing->publishing->run->publication.epoch + 1, writing->publishing->run->accepted_partitions,
                   writing->publishing->run->split_orders, writing->publishing->run->opened_at_us,
                   writing->publishing->run->source->fingerprint);
    append_source(writing);
    return execute(writing, error);
}

/* What the record of the run says beside its figures; null where every view is published. */
static void append_refusals(struct writing *writing)
{
    struct buffer text = {0};
    for (size_t i = 0; i < writing->publishing->run->source->view_count; i++) {
        const struct buffer *refusal = &writing->publishing->changes[i].refusal;
        if (refusal->length > 0)
            buffer_appendf(&text, "%sview %s isn't published: %s", text.length ? "; " : "",
                           writing->publishing->run->source->views[i].name, buffer_string(refusal));
    }
    if (text.length == 0 && !text.failed)
        buffer_append_string(&writing->sql, "null");
    else
        buffer_append_literal(&writing->sql, buffer_text(&text));
    writing->sql.failed |= text.failed;
    buffer_clean_up(&text);
}

static bool write_run(struct writing *writing, struct error *error)
{
    int64_t messages = 0;
    for (size_t i = 0; i < writing->publishing->run->partition_count; i++)
        messages += writing->publishing->ledgers[i].good + writing->publishing->ledgers[i].bad;
    buffer_append_string(&writing->sql, "update tidemark.run set message = ");
    append_refusals(writing);
    buffer_appendf(&writing->sql,
                   ", finished_at = clock_timestamp(), epoch = %" PRId64 ", outcome = 'published', "
                   "messages = %" PRId64 ", rows = %" PRId64 ", moved = %" PRId64 " where id = %" PRId64,
                   writing->publishing->run->publication.epoch + 1, messages, publishing_rows(writing->publishing),
                   publishing_moved(writing->publishing), writing->publishing->run->id);
    return execute(writing, error);
}

/* What a worker hands to the process that leads it costs less beside reading and sorting than PostgreSQL takes it to:
 * with a cheap tuple large scans, sorts and groups are done in parallel. */
static bool publication_begin(struct publishing *publishing, struct error *error)
{
    struct writing writing = {.publishing = publishing};
    bool done = connection_execute(publishing->run->batch->connection,
                                   "begin; set local work_mem = '64MB'; set local maintenance_work_mem = '256MB'; "
                                   "set local parallel_tuple_cost = 0.01",
                                   error) &&
                check_epoch(&writing, error);
    buffer_clean_up(&writing.sql);
    return done;
}

static bool publication_write(struct publishing *publishing, struct error *error)
{
    struct writing writing = {.publishing = publishing};
    bool done = leave_views(&writing, error) && write_epoch(&writing, error) && write_partitions(&writing, error) &&
                write_tails(&writing, error) && accept_gaps(&writing, error) && write_views(&writing, error) &&
                write_run(&writing, error);
    buffer_clean_up(&writing.sql);
    return done;
}

/* Readers know by the time of the publication what they have seen of an epoch: it goes on even where the clock is set
 * back. */
static bool write_day(struct publishing *publishing, const struct backfill *backfill, int64_t day, struct error *error)
{
    struct writing writing = {.publishing = publishing};
    struct buffer *sql = &writing.sql;
    const struct source *source = publishing->run->source;
    buffer_append_string(sql, "update tidemark.source set published_at = greatest(clock_timestamp(), published_at + "
                              "interval '1 microsecond') where name = ");
    append_source(&writing);
    buffer_append_string(sql, "; ");
    for (size_t i = 0; i < source->view_count; i++)
        append_touched(&writing, &source->views[i], &publishing->changes[i]);
    backfill_append_note(sql, source, backfill, day);
    bool done = execute(&writing, error);
    buffer_clean_up(sql);
    return done;
}

static bool publication_commit(struct publishing *publishing, struct error *error)
{
    return connection_execute(publishing->run->batch->connection, "commit", error);
}

/* Its record of the run says whether it was done. */
static bool was_published(struct publishing *publishing, bool *ret_published, struct error *error)
{
    struct batch *batch = publishing->run->batch;
    struct buffer sql = {0};
    RESULT *found = NULL;
    buffer_appendf(&sql, "select 1 from tidemark.run where outcome = 'published' and id = %" PRId64,
                   publishing->run->id);
    batch_disconnect(batch);
    bool done = batch_connect(batch, error) && batch_query(batch, &sql, &found, error);
    if (done)
        *ret_published = PQntuples(found) == 1;
    buffer_clean_up(&sql);
    return done;
}

static bool take_back(struct source_run *run, struct error *error)
{
    struct buffer sql = {0};
    static const char *const statements[] = {
        "delete from tidemark.touched t using tidemark.source s where s.name = t.source and t.epoch = s.epoch and "
        "s.name = ",
        "; update tidemark.source set epoch = epoch - 1 where name = ",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        buffer_append_string(&sql, statements[i]);
        buffer_append_literal(&sql, text_of(run->source->name));
    }
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    run->publication.epoch--;
    run->publication.ledger = (struct ledger){0};
    return done;
}

static bool connect_to_schema(struct batch *batch, struct error *error)
{
    return batch_connect(batch, error) && schema_migrate(batch, error);
}

static bool lock(struct batch *batch, const struct source *source, struct error *error)
{
    return connect_to_schema(batch, error) && source_lock_take(batch, source, error);
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
                         "select string_agg(t, ', ' order by t) from tidemark.view, unnest(array[format('view.%I', "
                         "name), format('view.%I', name || '" VIEW_PANES_SUFFIX
                         "')]) t where to_regclass(t) is not null and columns is distinct from '{}' and source = ");
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

static void roll_back(struct batch *batch)
{
    connection_roll_back(batch->connection);
}

static bool begin_read(struct batch *batch, const struct source *source, struct publication *ret_publication,
                       struct error *error)
{
    return connection_execute(batch->connection, "begin isolation level repeatable read read only", error) &&
           snapshot_read(batch->connection, source, ret_publication, error);
}

const struct publisher_operations postgres_publisher = {
    .connect = connect_to_schema,
    .has_schema = schema_exists,
    .lock = lock,
    .unlock = source_lock_release,
    .begin_record = run_record_begin,
    .end_record = run_record_end,
    .read_records = run_record_read,
    .note_opening = note_opening,
    .left_views = left_views,
    .begin = publication_begin,
    .take_back = take_back,
    .write = publication_write,
    .write_day = write_day,
    .read_day = backfill_read_day,
    .commit = publication_commit,
    .was_published = was_published,
    .roll_back = roll_back,
    .begin_read = begin_read,
    .read_view = published_view_read,
};

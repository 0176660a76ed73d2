/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "crash.h"
#include "merge.h"
#include "rebuild.h"
#include "schema.h"

#define TOUCHED_EPOCHS "100" /* for so many epochs readers can ask what changed */

struct publishing {
    struct source_run *run;
    struct partition_ledger *ledgers;
    struct view_change changes[VIEWS_MAX];
    struct buffer sql;
};

static void append_source(struct publishing *publishing)
{
    buffer_append_literal(&publishing->sql, text_of(publishing->run->source->name));
}

static bool execute(struct publishing *publishing, struct error *error)
{
    return batch_execute(publishing->run->batch, &publishing->sql, error);
}

/* Nobody else publishes while this row is locked; and nobody has. */
static bool check_epoch(struct publishing *publishing, struct error *error)
{
    RESULT *epoch = NULL;
    buffer_append_string(&publishing->sql, "select epoch from tidemark.source where name = ");
    append_source(publishing);
    buffer_append_string(&publishing->sql, " for update");
    if (!batch_query(publishing->run->batch, &publishing->sql, &epoch, error))
        return false;
    int64_t found = PQntuples(epoch) == 1 ? result_integer(epoch, 0, 0) : -1;
    return found == publishing->run->publication.epoch ||
           error_set(error, ERROR_TRY_AGAIN, "source %s: epoch %" PRId64 " was published meanwhile by somebody else",
                     publishing->run->source->name, found);
}

static struct ledger add_up(const struct publishing *publishing)
{
    struct ledger total = publishing->run->publication.ledger;
    for (size_t i = 0; i < publishing->run->partition_count; i++) {
        const struct partition_ledger *ledger = &publishing->ledgers[i];
        total.consumed += ledger->good + ledger->bad;
        total.kept += ledger->kept;
        total.replaced += ledger->replaced;
        total.duplicate += ledger->duplicate;
        total.bad += ledger->bad;
    }
    for (size_t i = 0; i < publishing->run->source->view_count; i++) {
        total.views[i].counted = publishing->changes[i].counted;
        total.views[i].filtered = publishing->changes[i].filtered;
    }
    return total;
}

static bool check_ledger(const struct publishing *publishing, struct error *error)
{
    const struct source *source = publishing->run->source;
    struct ledger total = add_up(publishing);
    if (ledger_is_closed(&total, source->view_count))
        return true;
    struct buffer text = {0};
    for (size_t i = 0; i < source->view_count; i++)
        buffer_appendf(&text, "; %s: counted %" PRId64 " + filtered %" PRId64, source->views[i].name,
                       total.views[i].counted, total.views[i].filtered);
    error_set(error, ERROR_DATA,
              "source %s: the ledger isn't closed and nothing was published: consumed %" PRId64 ", kept %" PRId64
              " + replaced %" PRId64 " + duplicate %" PRId64 " + bad %" PRId64 "%s",
              source->name, total.consumed, total.kept, total.replaced, total.duplicate, total.bad,
              buffer_string(&text));
    buffer_clean_up(&text);
    return false;
}

static bool write_partitions(struct publishing *publishing, struct error *error)
{
    for (size_t i = 0; i < publishing->run->partition_count; i++) {
        const struct partition_state *partition = &publishing->run->partitions[i];
        const struct partition_ledger *ledger = &publishing->ledgers[i];
        buffer_appendf(&publishing->sql,
                       "update tidemark.partition set cut = %" PRId64 ", clock_us = %" PRId64
                       ", consumed = consumed + %" PRId64 ", kept = kept + %" PRId64 ", replaced = replaced + %" PRId64
                       ", duplicate = duplicate + %" PRId64 ", bad = bad + %" PRId64
                       " where partition = %d and source = ",
                       partition->cut, ledger->clock_us, ledger->good + ledger->bad, ledger->kept, ledger->replaced,
                       ledger->duplicate, ledger->bad, (int)partition->number);
        append_source(publishing);
        buffer_append_string(&publishing->sql, "; ");
    }
    return execute(publishing, error);
}

static void append_touched(struct publishing *publishing, const struct view *view, const struct view_change *change)
{
    struct buffer *sql = &publishing->sql;
    buffer_append_string(sql, "insert into tidemark.touched (source, epoch, view, windows, published_at) select name, "
                              "epoch, ");
    buffer_append_literal(sql, text_of(view->name));
    buffer_append_string(sql, ", ");
    buffer_append_string(sql, change->whole            ? "null"
                              : change->windows.length ? buffer_string(&change->windows)
                                                       : "'{}'");
    buffer_append_string(sql, ", published_at from tidemark.source where name = ");
    append_source(publishing);
    buffer_append_string(sql, "; ");
}

static bool write_views(struct publishing *publishing, struct error *error)
{
    struct buffer *sql = &publishing->sql;
    for (size_t i = 0; i < publishing->run->source->view_count; i++) {
        const struct view *view = &publishing->run->source->views[i];
        const struct view_change *change = &publishing->changes[i];
        buffer_append_string(sql, "insert into tidemark.view (name, source, fingerprint, counted, filtered) values (");
        buffer_append_literal(sql, text_of(view->name));
        buffer_append_string(sql, ", ");
        append_source(publishing);
        buffer_append_string(sql, ", ");
        buffer_append_literal(sql, text_of(view->fingerprint));
        buffer_appendf(sql, ", %" PRId64 ", %" PRId64 ")", change->counted, change->filtered);
        buffer_append_string(sql, " on conflict (name) do update set source = excluded.source, fingerprint = "
                                  "excluded.fingerprint, counted = excluded.counted, filtered = excluded.filtered; ");
        append_touched(publishing, view, change);
    }
    buffer_append_string(sql, "delete from tidemark.touched t using tidemark.source s where s.name = t.source and "
                              "t.epoch <= s.epoch - " TOUCHED_EPOCHS " and s.name = ");
    append_source(publishing);
    return execute(publishing, error);
}

/* A view that left the configuration would grow old under its name: it goes. */
static bool drop_old_views(struct publishing *publishing, struct error *error)
{
    RESULT *names = NULL;
    struct buffer *sql = &publishing->sql;
    buffer_append_string(sql, "delete from tidemark.view where source = ");
    append_source(publishing);
    for (size_t i = 0; i < publishing->run->source->view_count; i++) {
        buffer_append_string(sql, " and name <> ");
        buffer_append_literal(sql, text_of(publishing->run->source->views[i].name));
    }
    buffer_append_string(sql, " returning name");
    if (!batch_query(publishing->run->batch, sql, &names, error))
        return false;
    for (int row = 0; row < PQntuples(names); row++) {
        buffer_append_string(sql, "drop table if exists view.");
        buffer_append_identifier(sql, PQgetvalue(names, row, 0));
        buffer_append_string(sql, "; ");
    }
    return sql->length == 0 || execute(publishing, error);
}

static bool write_epoch(struct publishing *publishing, struct error *error)
{
    buffer_appendf(&publishing->sql,
                   "update tidemark.source set epoch = %" PRId64 ", partitions = %" PRId64
                   ", published_at = clock_timestamp(), opened_at = "
                   "to_timestamp(0) + %" PRId64 " * interval '1 microsecond' where name = ",
                   publishing->run->publication.epoch + 1, publishing->run->accepted_partitions,
                   publishing->run->opened_at_us);
    append_source(publishing);
    return execute(publishing, error);
}

static int64_t rows_written(const struct publishing *publishing)
{
    int64_t rows = 0;
    for (size_t i = 0; i < publishing->run->source->view_count; i++)
        rows += publishing->changes[i].rows;
    return rows;
}

static bool write_run(struct publishing *publishing, struct error *error)
{
    int64_t messages = 0;
    for (size_t i = 0; i < publishing->run->partition_count; i++)
        messages += publishing->ledgers[i].good + publishing->ledgers[i].bad;
    buffer_appendf(&publishing->sql,
                   "update tidemark.run set finished_at = clock_timestamp(), epoch = %" PRId64
                   ", outcome = 'published', "
                   "messages = %" PRId64 ", rows = %" PRId64 " where id = %" PRId64,
                   publishing->run->publication.epoch + 1, messages, rows_written(publishing), publishing->run->id);
    return execute(publishing, error);
}

static bool prepare(struct publishing *publishing, struct error *error)
{
    return connection_execute(publishing->run->batch->connection,
                              "begin; set local work_mem = '64MB'; set local maintenance_work_mem = '256MB'", error) &&
           check_epoch(publishing, error) && merge_versions(publishing->run, publishing->ledgers, error) &&
           drop_old_views(publishing, error) && rebuild_views(publishing->run, publishing->changes, error) &&
           check_ledger(publishing, error) && write_epoch(publishing, error) && write_partitions(publishing, error) &&
           write_views(publishing, error) && write_run(publishing, error);
}

/* After a commit whose reply was lost: its record of the run says whether it was done. */
static bool was_published(struct publishing *publishing, struct error *error)
{
    struct batch *batch = publishing->run->batch;
    RESULT *found = NULL;
    buffer_appendf(&publishing->sql, "select 1 from tidemark.run where outcome = 'published' and id = %" PRId64,
                   publishing->run->id);
    struct error unknown = {0};
    batch_disconnect(batch);
    if (!batch_connect(batch, &unknown) || !batch_query(batch, &publishing->sql, &found, &unknown))
        return error_context(error, "whether it was published isn't known yet");
    return PQntuples(found) == 1;
}

static bool publish_prepared(struct publishing *publishing, struct error *error)
{
    if (!prepare(publishing, error)) {
        connection_roll_back(publishing->run->batch->connection);
        return false;
    }
    crash_point("before_publish");
    bool done = connection_execute(publishing->run->batch->connection, "commit", error);
    if (!done)
        done = was_published(publishing, error);
    if (done) {
        log_info("source %s: epoch %" PRId64 " is published, %" PRId64 " rows written", publishing->run->source->name,
                 publishing->run->publication.epoch + 1, rows_written(publishing));
        crash_point("after_publish");
    }
    return done;
}

bool publish(struct source_run *run, struct error *error)
{
    struct publishing publishing = {.run = run};
    publishing.ledgers = calloc(run->partition_count, sizeof *publishing.ledgers);
    if (!publishing.ledgers)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = publish_prepared(&publishing, error);
    for (size_t i = 0; i < VIEWS_MAX; i++)
        buffer_clean_up(&publishing.changes[i].windows);
    buffer_clean_up(&publishing.sql);
    free(publishing.ledgers);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/publications.h"

#include <stdlib.h>

#include "postgres/live_versions.h"
#include "postgres/view_table.h"

#define READ_STATEMENT_TIMEOUT_MS 60000
#define READ_LOCK_TIMEOUT_MS 5000
#define LOCK_ATTEMPTS 3 /* a table may be replaced between being looked up and being locked */

static bool connect(struct publications *publications, struct error *error)
{
    struct connection_settings settings = {.url = publications->url,
                                           .password = publications->password,
                                           .application = "tidemark reader",
                                           .statement_timeout_ms = READ_STATEMENT_TIMEOUT_MS,
                                           .lock_timeout_ms = READ_LOCK_TIMEOUT_MS};
    return publications->connection || connection_open(&settings, &publications->connection, error);
}

static void disconnect(struct publications *publications)
{
    PQfinish(publications->connection);
    publications->connection = NULL;
}

/* Of which its rows are read. */
static void append_table(struct buffer *sql, const struct source *source, size_t view)
{
    if (source->views[view].shown) {
        append_current_table(sql, source);
        return;
    }
    append_view_table(sql, &source->views[view]);
}

/* Which tables there are: the schema's version table first, then each view's. */
static bool look_up_tables(PGconn *connection, const struct source *source, bool *ret_empty, bool ret_exists[],
                           struct error *error)
{
    struct buffer sql = {0}, name = {0};
    buffer_append_string(&sql, "select to_regclass('tidemark.schema_version') is not null");
    size_t view_count = ret_exists ? source->view_count : 0;
    for (size_t i = 0; i < view_count; i++) {
        buffer_clear(&name);
        append_table(&name, source, i);
        buffer_append_string(&sql, ", to_regclass(");
        buffer_append_literal(&sql, buffer_text(&name));
        sql.failed |= name.failed;
        buffer_append_string(&sql, ") is not null");
    }
    PGresult *result = NULL;
    bool done = !sql.failed ? connection_query(connection, buffer_string(&sql), 0, NULL, &result, error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    if (done) {
        *ret_empty = *PQgetvalue(result, 0, 0) != 't';
        for (size_t i = 0; i < view_count; i++)
            ret_exists[i] = *PQgetvalue(result, 0, (int)i + 1) == 't';
    }
    PQclear(result);
    buffer_clean_up(&sql);
    buffer_clean_up(&name);
    return done;
}

/* LOCK TABLE comes first because it takes no snapshot: what it waited for is then seen. */
static bool begin_locked(PGconn *connection, const struct source *source, const bool exists[], struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "begin isolation level repeatable read read only");
    for (size_t i = 0; exists && i < source->view_count; i++)
        if (exists[i]) {
            buffer_append_string(&sql, "; lock table ");
            append_table(&sql, source, i);
            buffer_append_string(&sql, " in access share mode");
        }
    bool done = !sql.failed ? connection_execute(connection, buffer_string(&sql), error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    return done;
}

bool snapshot_begin(struct publications *publications, const struct source *source, bool *ret_empty,
                    bool ret_exists[VIEWS_MAX], struct error *error)
{
    bool was_open = publications->connection != NULL;
    for (int attempt = 1; connect(publications, error); attempt++) {
        PGconn *connection = publications->connection;
        bool found = look_up_tables(connection, source, ret_empty, ret_exists, error);
        if (!found && was_open && PQstatus(connection) != CONNECTION_OK) {
            disconnect(publications); /* it died while it was idle, which shows at the first question */
            was_open = false;
            continue;
        }
        if (!found)
            return false;
        if (*ret_empty || begin_locked(connection, source, ret_exists, error))
            return true;
        if (attempt == LOCK_ATTEMPTS || PQstatus(connection) != CONNECTION_OK)
            return false;
        connection_roll_back(connection);
    }
    return false;
}

void snapshot_end(struct publications *publications, bool failed)
{
    if (!publications->connection)
        return;
    connection_roll_back(publications->connection);
    if (failed || PQstatus(publications->connection) != CONNECTION_OK)
        disconnect(publications);
}

/* 0 where the database was never migrated. */
static bool read_version(PGconn *connection, int64_t *ret_version, struct error *error)
{
    RESULT *result = NULL;
    if (!connection_query(connection, "select max(version) from tidemark.schema_version", 0, NULL, &result, error))
        return false;
    int64_t version = result_integer(result, 0, 0);
    if (version > POSTGRES_SCHEMA_VERSION)
        return error_set(error, ERROR_CONFIGURATION,
                         "PostgreSQL: the database has schema version %d and this program knows up to %d", (int)version,
                         POSTGRES_SCHEMA_VERSION);
    *ret_version = PQgetisnull(result, 0, 0) ? 0 : version;
    return true;
}

#define SOURCE_COLUMNS                                                                                                 \
    "epoch, " MICROSECONDS("published_at") ", " MICROSECONDS("opened_at") ", coalesce(partitions, 0), "                \
                                                                          "coalesce(cluster, '')"

/* A database of an older version, which the batch layer has yet to migrate, counts no split orders before version 3,
 * and doesn't say by which definition it was published before version 12. */
static bool read_source(PGconn *connection, const struct source *source, int64_t version,
                        struct publication *publication, struct error *error)
{
    RESULT *result = NULL;
    const char *values[] = {source->name};
    const char *query =
        version > 11  ? "select " SOURCE_COLUMNS ", split_orders, fingerprint from tidemark.source where name = $1"
        : version > 2 ? "select " SOURCE_COLUMNS ", split_orders, '' from tidemark.source where name = $1"
                      : "select " SOURCE_COLUMNS ", 0, '' from tidemark.source where name = $1";
    if (!connection_query(connection, query, 1, values, &result, error))
        return false;
    if (PQntuples(result) == 0)
        return true;
    publication->epoch = result_integer(result, 0, 0);
    publication->published_at_us = result_integer(result, 0, 1);
    publication->opened_at_us = result_integer(result, 0, 2);
    publication->accepted_partitions = result_integer(result, 0, 3);
    publication->split_orders = result_integer(result, 0, 5);
    struct text cluster = result_text(result, 0, 4);
    if (cluster.length >= sizeof publication->cluster)
        return error_set(error, ERROR_DATA, "PostgreSQL: the cluster of source %s is %zu bytes long", source->name,
                         cluster.length);
    memcpy(publication->cluster, cluster.data, cluster.length);
    struct text definition = result_text(result, 0, 6);
    if (definition.length < sizeof publication->definition)
        memcpy(publication->definition, definition.data, definition.length);
    return true;
}

/* 60 bits of a hash that is the same in every release. */
#define LOST                                                                                                           \
    "(select coalesce(('x' || left(md5(string_agg(g.from_offset || '-' || least(g.to_offset, p.cut), ',' "             \
    "order by g.from_offset)), 15))::bit(60)::bigint, 0) from tidemark.gap g "                                         \
    "where g.source = p.source and g.partition = p.partition and g.from_offset < p.cut)"

/* What a database of an older version, which the batch layer has yet to migrate, doesn't know: tails and accepted gaps
 * came with version 2, partitions that nobody reads with version 5, messages without a record time with version 7
 * (until then any may have had none), the message that the cut lies behind with version 8, idle times with 14. */
static bool read_partitions(PGconn *connection, const struct source *source, int64_t version,
                            struct publication *publication, struct error *error)
{
    RESULT *result = NULL;
    const char *values[] = {source->name};
    struct buffer sql = {0};
    buffer_appendf(
        &sql,
        "select partition, first_offset, cut, clock_us, consumed, kept, replaced, duplicate, bad, %s, " LOST
        ", %s, %s, %s, %s from tidemark.partition p where source = $1 and cut is not null order by partition",
        version > 1 ? "coalesce(tail_offset, -1), coalesce(tail_us, -1)" : "-1, -1", version > 4 ? "unread::int" : "0",
        version > 6 ? "untimed_us" : "clock_us", version > 7 ? "last_offset, last_hash" : "-1, 0",
        version > 13 ? "idle_us" : "0");
    bool read = !sql.failed ? connection_query(connection, buffer_string(&sql), 1, values, &result, error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    if (!read)
        return false;
    int count = PQntuples(result);
    struct published_partition *partitions = calloc((size_t)count + 1, sizeof *partitions);
    if (!partitions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    struct ledger *ledger = &publication->ledger;
    for (int row = 0; row < count; row++) {
        partitions[row] = (struct published_partition){.partition = (int32_t)result_integer(result, row, 0),
                                                       .first = result_integer(result, row, 1),
                                                       .cut = result_integer(result, row, 2),
                                                       .clock_us = result_integer(result, row, 3),
                                                       .lost = result_integer(result, row, 11),
                                                       .tail = result_integer(result, row, 9),
                                                       .tail_time_us = result_integer(result, row, 10),
                                                       .unread = result_integer(result, row, 12) != 0,
                                                       .untimed_us = result_integer(result, row, 13),
                                                       .last = result_integer(result, row, 14),
                                                       .last_hash = (uint64_t)result_integer(result, row, 15),
                                                       .idle_us = result_integer(result, row, 16)};
        partitions[row].fates = (struct fates){.consumed = result_integer(result, row, 4),
                                               .kept = result_integer(result, row, 5),
                                               .replaced = result_integer(result, row, 6),
                                               .duplicate = result_integer(result, row, 7),
                                               .bad = result_integer(result, row, 8)};
        fates_add(&ledger->fates, &partitions[row].fates);
    }
    publication->partitions = partitions;
    publication->partition_count = (size_t)count;
    return true;
}

static bool read_gaps(PGconn *connection, const struct source *source, int64_t version, struct publication *publication,
                      struct error *error)
{
    RESULT *result = NULL;
    const char *values[] = {source->name};
    const char *query = version > 1 ? "select g.partition, g.from_offset, least(g.to_offset, p.cut) "
                                      "from tidemark.gap g join tidemark.partition p using (source, partition) "
                                      "where source = $1 and g.from_offset < p.cut and g.accepted_at is null order by "
                                      "1, 2"
                                    : "select g.partition, g.from_offset, least(g.to_offset, p.cut) "
                                      "from tidemark.gap g join tidemark.partition p using (source, partition) "
                                      "where source = $1 and g.from_offset < p.cut order by 1, 2";
    if (!connection_query(connection, query, 1, values, &result, error))
        return false;
    int count = PQntuples(result);
    publication->gaps = calloc((size_t)count + 1, sizeof *publication->gaps);
    if (!publication->gaps)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (int row = 0; row < count; row++)
        publication->gaps[row] = (struct published_gap){
            (int32_t)result_integer(result, row, 0), {result_integer(result, row, 1), result_integer(result, row, 2)}};
    publication->gap_count = (size_t)count;
    return true;
}

static size_t view_number(const struct source *source, struct text name)
{
    for (size_t i = 0; i < source->view_count; i++)
        if (text_equal(text_of(source->views[i].name), name))
            return i;
    return source->view_count;
}

/* Late messages are counted since version 15, of views that have another fingerprint since. */
static bool read_views(PGconn *connection, const struct source *source, int64_t version,
                       struct publication *publication, struct error *error)
{
    RESULT *result = NULL;
    const char *values[] = {source->name};
    const char *query = version > 14
                            ? "select name, fingerprint, counted, filtered, late from tidemark.view where source = $1"
                            : "select name, fingerprint, counted, filtered, 0 from tidemark.view where source = $1";
    if (!connection_query(connection, query, 1, values, &result, error))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        size_t view = view_number(source, result_text(result, row, 0));
        struct text fingerprint = result_text(result, row, 1);
        if (view == source->view_count || fingerprint.length >= FINGERPRINT_SIZE)
            continue;
        memcpy(publication->view_fingerprints[view], fingerprint.data, fingerprint.length + 1);
        publication->ledger.views[view].counted = result_integer(result, row, 2);
        publication->ledger.views[view].filtered = result_integer(result, row, 3);
        publication->ledger.views[view].late = result_integer(result, row, 4);
    }
    return true;
}

bool snapshot_read(PGconn *connection, const struct source *source, struct publication *ret_publication,
                   struct error *error)
{
    struct publication publication = {0};
    int64_t version = 0;
    bool done = read_version(connection, &version, error);
    if (done && version > 0)
        done = read_source(connection, source, version, &publication, error) &&
               read_partitions(connection, source, version, &publication, error) &&
               read_gaps(connection, source, version, &publication, error) &&
               read_views(connection, source, version, &publication, error);
    if (!done) {
        publication_clean_up(&publication);
        return false;
    }
    *ret_publication = publication;
    return true;
}

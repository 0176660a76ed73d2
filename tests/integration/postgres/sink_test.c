/* SPDX-License-Identifier: Apache-2.0
 * A table as a sink: a micro-batch is one transaction, and happens only where the table is as the emitter knows it. */
#include "postgres/postgres_sink.h"

#include <pthread.h>

#include "postgres/postgres.h"
#include "postgres_server.h"
#include "sink_writing.h"

static const struct field fields[] = {{.name = "category", .type = FIELD_TEXT}};
static const struct schema schema = {.fields = fields, .field_count = 1, .key = FIELD_NONE};
static const struct view view = {.name = "v",
                                 .schema = &schema,
                                 .dimension_count = 1,
                                 .measure_count = 1,
                                 .measures = {{.name = "n", .kind = MEASURE_COUNT}}};

static void execute(const char *sql)
{
    struct error error;
    PGconn *connection = connect_to(server.url);
    if (!connection_execute(connection, sql, &error))
        fail_msg("%s", error.message);
    PQfinish(connection);
}

static int start(void **state)
{
    (void)state;
    struct error error;
    assert_true(postgres_sink_open(server.url, NULL, "analytics", "rows", &view, &sink, &error));
    assert_true(postgres_sink_open(server.url, NULL, "analytics", "rows", &view, &other, &error));
    return 0;
}

static int stop(void **state)
{
    destroy_sinks(state);
    execute("drop schema if exists analytics cascade; drop table if exists tidemark.emitted");
    return 0;
}

static const struct row_texts first_rows[] = {{"0\ta", "0\t60\ta\t1\tf"}, {"0\t\\N", "0\t60\t\\N\t1\tf"}, {0}};

static void rows_and_what_they_are_of_are_written_together(void **state)
{
    (void)state;
    static const struct row_texts next[] = {{"0\ta", NULL}, {"0\t\\N", "0\t60\t\\N\t2\tt"}, {0}};
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
    assert_sink_holds(sink, "0\ta 0, 0\t\\N 0, ");
    assert_sink_writes(sink, "{\"one\": 1}", "{\"two\": 1}", next);
    assert_sink_opens(other, false, "{\"two\": 1}");
    assert_sink_holds(other, "0\t\\N 0, ");
}

static void an_emitter_that_was_frozen_writes_nothing(void **state)
{
    (void)state;
    static const struct row_texts next[] = {{"0\ta", "0\t60\ta\t2\tf"}, {0}};
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
    assert_sink_opens(other, false, "{\"one\": 1}");
    assert_sink_writes(other, "{\"one\": 1}", "{\"two\": 1}", next);
    assert_sink_refuses(sink, "{\"one\": 1}", first_rows, ERROR_TRY_AGAIN, "another process");
    assert_sink_opens(sink, false, "{\"two\": 1}");
}

static void a_table_that_came_back_from_a_backup_is_noticed(void **state)
{
    (void)state;
    struct error error;
    bool has = true;
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
    execute("truncate tidemark.emitted, analytics.rows");
    assert_true(sink->operations->has(sink, text_of("{\"one\": 1}"), &has, &error));
    assert_false(has);
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
}

static void a_table_with_other_columns_is_refused_and_made_anew_when_asked_to(void **state)
{
    (void)state;
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
    execute("alter table analytics.rows add column mine text");
    assert_sink_opens_not(sink, ERROR_CONFIGURATION, "has other columns than the view's");
    assert_sink_opens(sink, true, "{\"one\": 1}");
    assert_sink_holds(sink, "");
    execute("drop table analytics.rows; delete from tidemark.emitted; create table analytics.rows (n int)");
    assert_sink_opens_not(other, ERROR_CONFIGURATION, "name another table, or drop it");
}

static void a_table_without_its_key_is_refused_and_made_anew_when_asked_to(void **state)
{
    (void)state;
    static const char *const keys[] = {"", ", unique (window_start, category)",
                                       ", unique nulls not distinct (category)"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char sql[400];
        snprintf(sql, sizeof sql,
                 "create schema if not exists analytics; drop table if exists analytics.rows; create table "
                 "analytics.rows (window_start timestamptz, window_end timestamptz, category text, n bigint, final "
                 "boolean%s)",
                 keys[i]);
        execute(sql);
        assert_sink_opens_not(sink, ERROR_CONFIGURATION, "unique nulls not distinct (\"window_start\", \"category\")");
    }
    execute("alter table analytics.rows add unique nulls not distinct (category, window_start)");
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
    execute("drop table analytics.rows; create table analytics.rows (window_start timestamptz, window_end timestamptz, "
            "category text, n bigint, final boolean)");
    assert_sink_opens_not(sink, ERROR_CONFIGURATION, "--restart makes it anew");
    assert_sink_opens(sink, true, "{\"one\": 1}");
}

static void *open_other(void *error)
{
    struct buffer statement = {0};
    bool done = other->operations->open(other, false, &statement, error);
    buffer_clean_up(&statement);
    return done ? other : NULL;
}

static void two_that_make_their_tables_at_once_both_open(void **state)
{
    (void)state;
    static const char making[] =
        "begin; select pg_advisory_xact_lock(" POSTGRES_SCHEMA_LOCK "); create schema tidemark; create table "
        "tidemark.emitted (sink text primary key, number bigint, written_at timestamptz, provenance json)";
    struct error error = {0}, other_error = {0};
    pthread_t thread;
    void *opened;
    execute("drop schema if exists tidemark cascade");
    PGconn *connection = connect_to(server.url);
    assert_true(connection_execute(connection, making, &error));
    assert_int_equal(pthread_create(&thread, NULL, open_other, &other_error), 0);
    assert_true(connection_execute(connection,
                                   "do $$ begin while not exists (select from pg_locks where not granted) loop perform "
                                   "pg_sleep(0.01); end loop; end $$; commit",
                                   &error));
    assert_int_equal(pthread_join(thread, &opened), 0);
    if (!opened)
        fail_msg("%s", other_error.message);
    PQfinish(connection);
}

static void a_connection_that_was_lost_is_opened_anew(void **state)
{
    (void)state;
    assert_sink_opens(sink, false, "");
    execute("select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'tidemark-emit'");
    assert_sink_refuses(sink, "", first_rows, ERROR_UNAVAILABLE, "");
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", first_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_and_what_they_are_of_are_written_together, start, stop),
        cmocka_unit_test_setup_teardown(an_emitter_that_was_frozen_writes_nothing, start, stop),
        cmocka_unit_test_setup_teardown(a_table_that_came_back_from_a_backup_is_noticed, start, stop),
        cmocka_unit_test_setup_teardown(a_table_with_other_columns_is_refused_and_made_anew_when_asked_to, start, stop),
        cmocka_unit_test_setup_teardown(a_table_without_its_key_is_refused_and_made_anew_when_asked_to, start, stop),
        cmocka_unit_test_setup_teardown(two_that_make_their_tables_at_once_both_open, start, stop),
        cmocka_unit_test_setup_teardown(a_connection_that_was_lost_is_opened_anew, start, stop),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

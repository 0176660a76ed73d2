/* SPDX-License-Identifier: Apache-2.0
 * The table of a view stays the same one while its definition changes, for the sake of those who use it. */
#include "batch_fixture.h"
#include "check/repair.h"

#define BY_CATEGORY                                                                                                    \
    "  by_category:\n    source: orders\n    window: tumbling 1 minute\n    dimensions: [category, quantity]\n"        \
    "    measures: { order_count: count, units: sum(quantity), mean_units: avg(quantity) }\n"

static const char with_more[] =
    "views:\n"
    "  daily_revenue:\n"
    "    source: orders\n"
    "    where: status <> 'cancelled' and amount > 0\n"
    "    window: tumbling 1 day\n"
    "    dimensions: [category]\n"
    "    measures: { units: sum(quantity), order_count: count, total_revenue: sum(amount), avg_value: avg(amount) }\n";

static const char with_less[] = "views:\n"
                                "  daily_revenue:\n"
                                "    source: orders\n"
                                "    window: tumbling 1 day\n"
                                "    measures: { order_count: count, total_revenue: sum(quantity) }\n" BY_CATEGORY;

static const char only_by_category[] = "views:\n" BY_CATEGORY;

/* One publication under the default views. */
static void make_published_world(struct world *world)
{
    make_world(world, 1);
    paid(world, 0, "a", "1.00");
    order(world, 0, "b", "2026-01-01T12:00:00Z", "2.00", "cancelled");
    follow_and_run(world);
}

static void use_the_table(struct world *world)
{
    sql(world, "create view public.report as select window_start, order_count, avg_value from view.daily_revenue; "
               "create index by_revenue on view.daily_revenue (total_revenue); "
               "comment on table view.daily_revenue is 'for finance'; "
               "comment on column view.daily_revenue.total_revenue is 'in pounds'; "
               "drop role if exists bi; create role bi; grant select on view.daily_revenue to bi");
}

#define USES                                                                                                           \
    "select has_table_privilege('bi', 'view.daily_revenue', 'select'), to_regclass('view.by_revenue') is not null, "   \
    "obj_description('view.daily_revenue'::regclass, 'pg_class'), col_description(attrelid, attnum) from "             \
    "pg_attribute where attrelid = 'view.daily_revenue'::regclass and attname = 'total_revenue'"

static void drop_role(struct world *world)
{
    sql(world, "drop owned by bi; drop role bi");
}

static void added_columns_keep_what_others_put_upon_the_table(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    use_the_table(&world);
    configure(&world, default_source, with_more);
    paid(&world, 0, "c", "4.00");
    follow_and_run(&world);
    assert_rows(&world, "select category, units, order_count, total_revenue, avg_value from view.daily_revenue",
                "c 4 2 5.00 2.50");
    assert_rows(&world, "select order_count, avg_value from public.report", "2 2.50");
    assert_rows(&world, USES, "t t for finance in pounds");
    assert_rows(&world,
                "select count(*) from pg_attribute where attrelid = 'view.daily_revenue'::regclass and attnotnull and "
                "attname like 'tm_%'",
                "6");
    verify_ok(&world);
    paid(&world, 0, "c", "6.00"); /* and the windows that change from now on are replaced as ever */
    follow_and_run(&world);
    assert_rows(&world, "select order_count, avg_value from public.report", "2 3.50");
    verify_ok(&world);
    drop_role(&world);
    end_world(&world);
}

static bool count_row(void *context, size_t view, int64_t window_start_us, struct text group, const struct cell *cell,
                      struct error *error)
{
    (void)window_start_us;
    (void)group;
    (void)cell;
    (void)error;
    ((int *)context)[view]++;
    return true;
}

static void ignore_view(void *context, size_t view)
{
    (void)context;
    (void)view;
}

static void ignore_window(void *context, size_t view, int64_t window_start_us)
{
    (void)context;
    (void)view;
    (void)window_start_us;
}

/* How many rows a reader gets of both views; *ret_is_known: whether the first is published by the file's definition. */
static void read_views(struct world *world, int ret_rows[2], bool *ret_is_known)
{
    struct publication publication;
    struct publication_store *store;
    const struct published_rows rows = {NULL, ignore_view, ignore_window, count_row, ret_rows};
    ret_rows[0] = ret_rows[1] = 0;
    assert_true(postgres_publications_open(world->settings->postgres.url, NULL, &store, NULL));
    if (!store->operations->read_rows(store, world->source, 0, &rows, &publication, &world->error))
        fail_msg("%s", world->error.message);
    *ret_is_known = strcmp(publication.view_fingerprints[0], world->source->views[0].fingerprint) == 0;
    assert_true(ledger_is_closed(&publication.ledger, world->source->view_count));
    publication_clean_up(&publication);
    store->operations->destroy(store);
}

/* The first view isn't published, and whoever asks is told so; all else is. */
static void assert_only_the_other_is_published(struct world *world, const char *epoch)
{
    int rows[2];
    bool is_known;
    read_views(world, rows, &is_known);
    assert_false(is_known);
    assert_int_equal(rows[0], 0);
    assert_true(rows[1] > 0);
    assert_rows(world, "select epoch from tidemark.source", epoch);
    assert_rows(world,
                "select outcome, message like 'view daily_revenue isn''t published: column %' from tidemark.run order "
                "by id desc limit 1",
                "published t");
    verify_ok(world);
}

static void column_that_somebody_uses_is_neither_dropped_nor_retyped(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    use_the_table(&world);
    configure(&world, default_source, with_less);
    paid(&world, 0, "c", "4.00");
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "view daily_revenue isn't published under its new definition, the rest is");
    assert_non_null(strstr(world.error.message, "column total_revenue is used by index view.by_revenue"));
    assert_non_null(strstr(world.error.message, "column avg_value is used by view public.report"));
    assert_only_the_other_is_published(&world, "2");
    assert_rows(&world, "select sum(order_count) from view.by_category", "3");
    assert_rows(&world, "select counted, filtered from tidemark.view order by name", "3 0\n3 0");
    assert_rows(&world, USES, "t t for finance in pounds");
    follow(&world); /* nothing new came, and it is tried again */
    run_fails(&world, ERROR_CONFIGURATION, "column avg_value is used by view public.report");
    assert_only_the_other_is_published(&world, "3");
    sql(&world, "drop view public.report");
    run_fails(&world, ERROR_CONFIGURATION, "column total_revenue is used by index view.by_revenue");
    assert_null(strstr(world.error.message, "avg_value"));
    sql(&world, "drop index view.by_revenue");
    run_ok(&world);
    assert_rows(&world, "select order_count, total_revenue from view.daily_revenue", "3 6");
    assert_rows(&world, "select to_regclass('pg_temp.tm_view_0')", "null");
    verify_ok(&world);
    drop_role(&world);
    end_world(&world);
}

/* The table was left as it was published two epochs ago: the old definition must not take it for its own. */
static void definition_that_is_taken_back_is_made_anew(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    use_the_table(&world);
    configure(&world, default_source, with_less);
    paid(&world, 0, "c", "4.00");
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "isn't published");
    configure(&world, default_source, default_views);
    int rows[2];
    bool is_known;
    read_views(&world, rows, &is_known);
    assert_false(is_known);
    follow_and_run(&world);
    assert_rows(&world, "select order_count, avg_value from public.report", "2 2.50");
    assert_rows(&world, USES, "t t for finance in pounds");
    verify_ok(&world);
    drop_role(&world);
    end_world(&world);
}

static void assert_left(struct world *world, const char *expected)
{
    struct buffer tables = {0};
    struct source_run run = {.batch = &world->batch, .source = world->source};
    assert_true(batch_connect(&world->batch, &world->error));
    assert_true(postgres_publisher.left_views(&run, &tables, &world->error));
    assert_string_equal(buffer_string(&tables), expected);
    buffer_clean_up(&tables);
}

static void view_taken_out_of_the_file_keeps_its_table(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    use_the_table(&world);
    assert_left(&world, "");
    configure(&world, default_source, only_by_category);
    assert_left(&world, "view.daily_revenue");
    paid(&world, 0, "c", "4.00");
    follow_and_run(&world);
    assert_left(&world, "view.daily_revenue");
    assert_rows(&world, "select order_count from public.report", "1");
    assert_rows(&world, USES, "t t for finance in pounds");
    verify_ok(&world);
    configure(&world, default_source, default_views); /* it comes back, and is made anew */
    assert_left(&world, "");
    follow_and_run(&world);
    assert_rows(&world, "select order_count from public.report", "2");
    verify_ok(&world);
    configure(&world, default_source, only_by_category);
    sql(&world, "drop table view.daily_revenue cascade");
    assert_left(&world, "");
    paid(&world, 0, "d", "4.00");
    follow_and_run(&world);
    assert_rows(&world, "select name from tidemark.view", "by_category");
    drop_role(&world);
    end_world(&world);
}

static void column_that_somebody_added_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    sql(&world,
        "alter table view.daily_revenue add column doubled numeric generated always as (order_count * 2) stored, "
        "add column units text");
    paid(&world, 0, "c", "4.00");
    follow_and_run(&world);
    configure(&world, default_source, with_more);
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "column units was added by somebody with another type");
    sql(&world, "alter table view.daily_revenue rename column units to of_somebody");
    run_ok(&world);
    assert_rows(&world, "select order_count, doubled, of_somebody from view.daily_revenue", "2 4 null");
    verify_ok(&world);
    end_world(&world);
}

static void what_somebody_put_in_the_place_of_a_table_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    configure(&world, default_source, only_by_category);
    paid(&world, 0, "c", "4.00");
    follow_and_run(&world);
    sql(&world, "drop table view.daily_revenue; create table view.daily_revenue (n int); "
                "insert into view.daily_revenue values (7); delete from tidemark.view where name = 'daily_revenue'");
    configure(&world, default_source, default_views);
    for (int i = 0; i < 2; i++) {
        follow(&world);
        run_fails(&world, ERROR_CONFIGURATION, "somebody else made a table of this name");
        assert_rows(&world, "select * from view.daily_revenue", "7");
    }
    sql(&world, "alter table view.daily_revenue rename to other");
    run_ok(&world);
    sql(&world, "drop table view.daily_revenue; create view view.daily_revenue as select 1 as window_start");
    sql(&world, "update tidemark.view set fingerprint = 'another' where name = 'daily_revenue'");
    run_fails(&world, ERROR_CONFIGURATION, "view daily_revenue isn't published");
    assert_rows(&world, "select epoch, window_start from tidemark.source, view.daily_revenue", "6 1");
    end_world(&world);
}

static void constraint_that_new_rows_break_keeps_back_its_view_alone(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    sql(&world, "create unique index a_day on view.daily_revenue (window_start)");
    configure(&world, default_source, with_more);
    memory_log_append(&world.log, 0,
                      "{\"order_id\": \"x\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": 4.00, \"status\": "
                      "\"paid\", \"category\": \"another\", \"quantity\": 2}",
                      -1);
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "duplicate key value violates unique constraint \"a_day\"");
    assert_rows(&world, "select epoch, order_count from tidemark.source, view.daily_revenue", "2 1");
    sql(&world, "drop index view.a_day");
    run_ok(&world);
    assert_rows(&world, "select category, order_count from view.daily_revenue order by 1", "another 1\nc 1");
    verify_ok(&world);
    end_world(&world);
}

static PGconn *begin_reading(struct world *world, const char *statement)
{
    PGconn *reader = PQconnectdb(world->settings->postgres.url);
    PGresult *result = PQexec(reader, statement);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
    return reader;
}

/* A reader whose snapshot is older than the publication, and who looks at the view only now. */
static void reader_that_began_before_sees_the_old_rows_whole(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    configure(&world, default_source, with_more);
    PGconn *reader = begin_reading(&world, "begin isolation level repeatable read; select epoch from tidemark.source");
    paid(&world, 0, "c", "4.00");
    follow_and_run(&world);
    PGresult *rows = PQexec(reader, "select order_count, epoch from view.daily_revenue, tidemark.source");
    assert_int_equal(PQntuples(rows), 1);
    assert_string_equal(PQgetvalue(rows, 0, 0), "1");
    assert_string_equal(PQgetvalue(rows, 0, 1), "1");
    PQclear(rows);
    PQfinish(reader);
    end_world(&world);
}

static void repaired_rows_are_put_into_the_same_table(void **state)
{
    (void)state;
    struct world world;
    make_published_world(&world);
    use_the_table(&world);
    sql(&world, "update view.daily_revenue set order_count = 9");
    world.batch.repairs = true;
    if (!repair_source(&world.batch, world.source, &world.error))
        fail_msg("%s", world.error.message);
    assert_rows(&world, "select order_count from public.report", "1");
    assert_rows(&world, USES, "t t for finance in pounds");
    verify_ok(&world);
    drop_role(&world);
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_columns_keep_what_others_put_upon_the_table),
        cmocka_unit_test(column_that_somebody_uses_is_neither_dropped_nor_retyped),
        cmocka_unit_test(definition_that_is_taken_back_is_made_anew),
        cmocka_unit_test(view_taken_out_of_the_file_keeps_its_table),
        cmocka_unit_test(column_that_somebody_added_is_left_alone),
        cmocka_unit_test(what_somebody_put_in_the_place_of_a_table_is_left_alone),
        cmocka_unit_test(constraint_that_new_rows_break_keeps_back_its_view_alone),
        cmocka_unit_test(reader_that_began_before_sees_the_old_rows_whole),
        cmocka_unit_test(repaired_rows_are_put_into_the_same_table),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

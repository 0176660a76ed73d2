/* SPDX-License-Identifier: Apache-2.0
 * view.<name> of a view of sessions: an SQL view over its moments that says what is answered. */
#include "batch_fixture.h"

#include "check/repair.h"

static const char sessions[] = "views:\n  v:\n    source: orders\n    where: status <> 'cancelled'\n"
                               "    window: session 10 minutes\n    retention: 30 days\n    dimensions: [category]\n"
                               "    measures: { n: count, known: count(quantity), total: sum(amount), mean: "
                               "avg(amount) }\n";
static const char longer_gap[] = "views:\n  v:\n    source: orders\n    where: status <> 'cancelled'\n"
                                 "    window: session 11 minutes\n    retention: 30 days\n    dimensions: [category]\n"
                                 "    measures: { n: count, known: count(quantity), total: sum(amount), mean: "
                                 "avg(amount) }\n";

#define ROWS                                                                                                           \
    "select category, window_start at time zone 'UTC', window_end at time zone 'UTC', n, known, total, mean from "     \
    "view.v order by category nulls first, window_start"

static void visit(struct world *world, const char *id, const char *category, const char *time, const char *amount,
                  const char *status)
{
    struct buffer payload = {0};
    buffer_appendf(&payload,
                   "{\"order_id\": \"%s\", \"status\": \"%s\", \"timestamp\": \"2026-01-01T%sZ\", \"amount\": %s, "
                   "\"category\": %s, \"quantity\": 2}",
                   id, status, time, amount, category);
    assert_false(payload.failed);
    memory_log_append(&world->log, 0, buffer_string(&payload), -1);
    buffer_clean_up(&payload);
}

static void make_visits(struct world *world)
{
    make_world_with(world, 1, default_source, sessions);
    visit(world, "1", "\"a\"", "12:00:00.000001", "1.00", "paid");
    visit(world, "2", "\"a\"", "12:10:00.000001", "2.00", "paid");
    visit(world, "3", "\"a\"", "12:20:00", "4.00", "paid");
    visit(world, "4", "\"a\"", "12:30:00.000001", "8.00", "paid"); /* a microsecond more than the gap */
    visit(world, "5", "null", "12:05:00", "16.00", "paid");
    visit(world, "6", "null", "12:05:00", "32.00", "paid");
    follow_and_run(world);
    assert_rows(world, ROWS,
                "null 2026-01-01 12:05:00 2026-01-01 12:15:00 2 2 48.00 24.00\n"
                "a 2026-01-01 12:00:00.000001 2026-01-01 12:30:00 3 3 7.00 2.33\n"
                "a 2026-01-01 12:30:00.000001 2026-01-01 12:40:00.000001 1 1 8.00 8.00");
    verify_ok(world);
}

static void a_cancellation_splits_a_session_and_a_late_order_joins_two(void **state)
{
    (void)state;
    struct world world;
    make_visits(&world);
    visit(&world, "2", "\"a\"", "12:10:00.000001", "2.00", "cancelled");
    visit(&world, "7", "\"a\"", "12:25:00", "64.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, ROWS,
                "null 2026-01-01 12:05:00 2026-01-01 12:15:00 2 2 48.00 24.00\n"
                "a 2026-01-01 12:00:00.000001 2026-01-01 12:10:00.000001 1 1 1.00 1.00\n"
                "a 2026-01-01 12:20:00 2026-01-01 12:40:00.000001 3 3 76.00 25.33");
    verify_ok(&world);
    end_world(&world);
}

static void another_gap_is_another_sql_view_over_the_moments(void **state)
{
    (void)state;
    struct world world;
    make_visits(&world);
    sql(&world, "create view public.report as select n from view.v");
    configure(&world, default_source, longer_gap);
    follow_and_run(&world);
    assert_rows(&world, "select n from public.report order by n", "2\n4");
    verify_ok(&world);
    end_world(&world);
}

static void a_moment_that_was_edited_is_found_and_repaired(void **state)
{
    (void)state;
    struct world world;
    make_visits(&world);
    sql(&world, "update view.\"v.panes\" set tm_window = tm_window + 1, window_start = window_start + interval "
                "'1 microsecond', window_end = window_end + interval '1 microsecond' where n = 2");
    world.error = (struct error){0};
    assert_false(verify_source(&world.batch, world.source, &world.error));
    assert_non_null(strstr(world.error.message, "view v, 2026-01-01T12:05:00+00:00, category null: published no row; "
                                                "recomputed n 2"));
    world.batch.repairs = true;
    if (!repair_source(&world.batch, world.source, &world.error))
        fail_msg("%s", world.error.message);
    verify_ok(&world);
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancellation_splits_a_session_and_a_late_order_joins_two),
        cmocka_unit_test(another_gap_is_another_sql_view_over_the_moments),
        cmocka_unit_test(a_moment_that_was_edited_is_found_and_repaired),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_fixture.h"

static void make_published_with(struct world *world, const char *views)
{
    make_world_with(world, 1, default_source, views);
    paid(world, 0, "a", "10.00");
    order(world, 0, "b", "2026-01-02T12:00:00Z", "1.00", "paid");
    paid(world, 0, "a", "11.00");
    follow_and_run(world);
    verify_ok(world);
}

static void make_published(struct world *world)
{
    make_published_with(world, default_views);
}

static void verify_fails(struct world *world, const char *part)
{
    world->error = (struct error){0};
    assert_false(verify_source(&world->batch, world->source, &world->error));
    if (world->error.code != ERROR_DATA || !strstr(world->error.message, part))
        fail_msg("not \"%s\": %d, %s", part, (int)world->error.code, world->error.message);
}

static void cell_that_differs_is_named_with_both_values(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update view.daily_revenue set total_revenue = total_revenue + 1, tm_sum_0 = tm_sum_0 + 100, "
                "avg_value = avg_value + 1");
    verify_fails(&world, "view daily_revenue, 2026-01-01T00:00:00+00:00: published order_count 1, total_revenue 12.00, "
                         "avg_value 12.00 of 1 versions; recomputed order_count 1, total_revenue 11.00, avg_value "
                         "11.00 of 1 versions; 2 messages "
                         "touch it: partition 0 offset 0 (a), partition 0 offset 2 (a)");
    end_world(&world);
}

static void row_too_few_or_too_many_is_found(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "delete from view.daily_revenue where tm_window = 1767312000");
    verify_fails(&world, "2026-01-02T00:00:00+00:00: published no row; recomputed order_count 1");
    sql(&world, "insert into view.by_category select * from view.by_category where tm_window = 1767268800");
    sql(&world, "delete from view.daily_revenue");
    verify_fails(&world, "category \"c\", quantity 2: the row is there twice");
    end_world(&world);
}

static void column_that_people_see_is_checked_too(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update view.daily_revenue set order_count = 7 where tm_window = 1767312000");
    verify_fails(&world, "order_count is 7 in the table, and its own hidden columns give 1");
    sql(&world, "update view.daily_revenue set order_count = 1, window_end = window_start");
    verify_fails(&world, "window_start or window_end isn't the window's");
    end_world(&world);
}

static void measures_that_rest_on_members_are_published_and_checked(void **state)
{
    (void)state;
    struct world world;
    make_published_with(&world, member_views);
    order(&world, 0, "b", "2026-01-01T13:00:00Z", "1.00", "paid"); /* moves */
    paid(&world, 0, "c", "0.50");
    follow_and_run(&world);
    verify_ok(&world);
    assert_rows(&world, "select order_count, orders, least, most, quantities from view.spread", "3 3 0.50 11.00 1");
    assert_rows(&world, "select name, counted, filtered from tidemark.view order by 1",
                "spread 3 0\nspread:amount 3 0\nspread:order_id 3 0\nspread:quantity 3 0");
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "11.00", "cancelled");
    follow_and_run(&world);
    verify_ok(&world);
    assert_rows(&world, "select order_count, orders, least, most, quantities from view.spread", "2 2 0.50 1.00 1");
    sql(&world, "update view.spread set most = 7");
    verify_fails(&world, "most is 7.00 in the table, and the live versions give 1.00");
    sql(&world, "update view.spread set most = 1.00, orders = 3");
    verify_fails(&world, "orders is 3 in the table, and the live versions give 2");
    sql(&world, "update view.spread set orders = 2, most = 2; update tidemark.current_orders set amount = 2 where "
                "tm_key = 'b'");
    verify_fails(&world,
                 "view spread:amount, 2026-01-01T00:00:00+00:00, category \"c\", amount 1.00: published no row; "
                 "recomputed of 1 versions");
    end_world(&world);
}

static void ledger_that_differs_is_found(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update tidemark.partition set replaced = replaced + 1, kept = kept - 1");
    verify_fails(&world, "partition 0, the ledger's kept is published as 1; recomputed 2");
    end_world(&world);
}

static void rows_removed_from_the_master_dataset_are_missed(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "delete from raw.orders where tm_offset = 1");
    verify_fails(&world, "messages were ingested, and the master dataset holds");
    end_world(&world);
}

static void master_dataset_is_taken_where_the_log_has_lost_its_head(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    world.log.partitions[0].first = 2;
    verify_ok(&world);
    sql(&world, "update raw.orders set amount = 5 where tm_offset = 1");
    verify_fails(&world, "recomputed order_count 1, total_revenue 5.00");
    world.log.partitions[0].first = 0;
    verify_ok(&world);
    end_world(&world);
}

static void nothing_published_is_no_difference(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow(&world);
    verify_ok(&world);
    end_world(&world);
}

static void partition_that_is_not_ready_is_named_unless_something_differs(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    paid(&world, 0, "c", "1.00");
    world.realtime->slots[0].epochs[1].offset--;
    assert_false(verify_source(&world.batch, world.source, &world.error));
    assert_int_equal(world.error.code, ERROR_TRY_AGAIN);
    assert_non_null(strstr(world.error.message, "partition 0 can't be compared: it is rebuilding"));
    sql(&world, "update view.daily_revenue set order_count = 7 where tm_window = 1767312000");
    verify_fails(&world, "order_count is 7 in the table");
    end_world(&world);
}

static void slot_of_another_format_is_named(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    world.realtime->slots[0].format = 99;
    verify_fails(&world, "partition 0: its slot: it has format 99, and this program knows up to format 3");
    world.realtime->slots[0].format = 0;
    assert_false(verify_source(&world.batch, world.source, &world.error));
    assert_int_equal(world.error.code, ERROR_TRY_AGAIN);
    assert_non_null(strstr(world.error.message, "partition 0 can't be compared: its slot: it has format 0"));
    end_world(&world);
}

static void what_only_the_speed_layer_has_read_is_not_compared(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    paid(&world, 0, "c", "1.00");
    paid(&world, 0, "d", "1.00");
    follow(&world);
    world.log.partitions[0].first = 4;
    assert_false(verify_source(&world.batch, world.source, &world.error));
    assert_int_equal(world.error.code, ERROR_TRY_AGAIN);
    assert_non_null(strstr(world.error.message, "that only the speed layer has read"));
    world.log.partitions[0].first = 0;
    gaps_add(&world.realtime->slots[0].gaps, (struct offset_range){3, 4});
    assert_false(verify_source(&world.batch, world.source, &world.error));
    assert_int_equal(world.error.code, ERROR_TRY_AGAIN);
    assert_non_null(strstr(world.error.message, "before the speed layer read them"));
    end_world(&world);
}

static void messages_that_the_speed_layer_says_it_read_and_did_not_count_are_named(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    paid(&world, 0, "c", "1.00");
    order(&world, 0, "b", "2026-01-02T12:00:00Z", "1.00", "cancelled");
    follow(&world); /* this one keeps no cells */
    verify_fails(&world, "partition 0, epoch 2, view daily_revenue, 2026-01-01T00:00:00+00:00: real-time no row; "
                         "recomputed order_count 1, total_revenue 1.00, avg_value 1.00 of 1 versions; 1 messages touch "
                         "it: partition 0 offset 3 (c)");
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_that_differs_is_named_with_both_values),
        cmocka_unit_test(row_too_few_or_too_many_is_found),
        cmocka_unit_test(column_that_people_see_is_checked_too),
        cmocka_unit_test(measures_that_rest_on_members_are_published_and_checked),
        cmocka_unit_test(ledger_that_differs_is_found),
        cmocka_unit_test(rows_removed_from_the_master_dataset_are_missed),
        cmocka_unit_test(master_dataset_is_taken_where_the_log_has_lost_its_head),
        cmocka_unit_test(nothing_published_is_no_difference),
        cmocka_unit_test(partition_that_is_not_ready_is_named_unless_something_differs),
        cmocka_unit_test(slot_of_another_format_is_named),
        cmocka_unit_test(what_only_the_speed_layer_has_read_is_not_compared),
        cmocka_unit_test(messages_that_the_speed_layer_says_it_read_and_did_not_count_are_named),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* SPDX-License-Identifier: Apache-2.0
 * A run publishes what the log holds up to the cut, and what an order changes is taken back. */
#include "batch_fixture.h"

static void first_run_publishes_rows_cut_and_ledger(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    memory_log_begin_at(&world.log, 1, 40);
    order(&world, 0, "a", "2026-01-01T23:59:59Z", "10.00", "paid");
    order(&world, 0, "b", "2026-01-01T00:00:00Z", "0.01", "paid");
    order(&world, 1, "c", "2026-01-02T00:00:00Z", "5", "paid");
    order(&world, 1, "d", "2026-01-02T00:00:00Z", "5", "cancelled");
    memory_log_append(&world.log, 1, "{\"order_id\": 7}", -1);
    follow_and_run(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 10.01 5.01\n2026-01-02 00:00:00+00 1 5.00 5.00");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    assert_rows(&world, "select partition, first_offset, ingested, cut from tidemark.partition order by 1",
                "0 0 2 2\n1 40 43 43");
    assert_rows(&world, LEDGER, "5 4 0 0 1");
    assert_rows(&world, "select name, counted, filtered from tidemark.view order by 1",
                "by_category 4 0\ndaily_revenue 3 1");
    assert_rows(&world, "select partition, \"offset\", field, convert_from(payload, 'UTF8') from tidemark.bad",
                "1 42 order_id {\"order_id\": 7}");
    assert_rows(&world, "select outcome, epoch, messages, rows from tidemark.run", "published 1 5 5");
    verify_ok(&world);
    end_world(&world);
}

/* Each is a row and a part of some conditions: nothing has room for so many only. */
static void topic_of_more_than_a_thousand_partitions_is_published_whole(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1100);
    paid(&world, 0, "a", "10.00");
    paid(&world, 1023, "b", "1.00");
    paid(&world, 1024, "c", "2.00");
    for (int32_t i = 1030; i < 1100; i++)
        paid(&world, i, "d", "3.00");
    follow_and_run(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 73 223.00 3.05");
    assert_rows(&world, "select count(*), sum(cut) from tidemark.partition", "1100 73");
    paid(&world, 1099, "d", "4.00");
    follow_and_run(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 73 224.00 3.07");
    end_world(&world);
}

static void correction_moves_the_amount_to_another_window(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "10.00");
    paid(&world, 0, "b", "1.00");
    follow_and_run(&world);
    order(&world, 0, "a", "2026-01-03T12:00:00Z", "7.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 1 1.00 1.00\n2026-01-03 00:00:00+00 1 7.00 7.00");
    assert_rows(&world, LEDGER, "3 2 1 0 0");
    assert_rows(&world, "select moved from tidemark.run order by id", "0\n1");
    assert_rows(&world, "select windows from tidemark.touched where view = 'daily_revenue' and epoch = 2",
                "{1767225600,1767398400}");
    verify_ok(&world);
    end_world(&world);
}

static void cancellation_of_the_only_order_removes_the_row(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "10.00");
    follow_and_run(&world);
    order(&world, 0, "a", "2026-01-01T12:00:00Z", "10.00", "cancelled");
    follow_and_run(&world);
    assert_rows(&world, DAILY, "");
    verify_ok(&world);
    end_world(&world);
}

static void run_without_news_opens_and_publishes_nothing(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "10.00");
    follow_and_run(&world);
    int64_t epoch = world.realtime->slots[0].epoch;
    run_ok(&world);
    assert_int_equal(world.realtime->slots[0].epoch, epoch);
    assert_rows(&world, "select epoch from tidemark.source", "1");
    assert_rows(&world, "select outcome from tidemark.run order by id", "published\nnothing new");
    end_world(&world);
}

static void messages_after_the_cut_wait_for_the_next_run(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "10.00");
    follow(&world);
    paid(&world, 0, "b", "1.00");
    assert_true(ingest_source(&world.batch, world.source, &world.error));
    run_ok(&world);
    assert_rows(&world, "select ingested, cut from tidemark.partition", "2 1");
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 1 10.00 10.00");
    verify_ok(&world);
    follow_and_run(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 11.00 5.50");
    verify_ok(&world);
    end_world(&world);
}

static void epoch_left_open_is_published_and_then_the_rest(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "10.00");
    follow(&world);
    int64_t cut;
    struct realtime_store *store = &world.realtime->store;
    assert_true(store->operations->open_epoch(store, slot_id_of(world.source, 0), 2, &cut, NULL));
    paid(&world, 0, "b", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    assert_rows(&world, "select cut from tidemark.partition", "2");
    verify_ok(&world);
    end_world(&world);
}

/* What the slot knows of a silence behind the cut says nothing of the cut. */
static void idle_time_is_published_as_it_was_at_the_cut(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid(&world, 0, "a", "10.00");
    follow(&world);
    int64_t cut;
    struct realtime_store *store = &world.realtime->store;
    world.realtime->slots[0].idle_us = 1000;
    assert_true(store->operations->open_epoch(store, slot_id_of(world.source, 0), 2, &cut, NULL));
    world.realtime->slots[0].idle_us = 2000;
    world.realtime->slots[1].idle_us = 3000;
    run_ok(&world);
    assert_rows(&world, "select partition, idle_us from tidemark.partition order by 1", "0 1000\n1 3000");
    memory_log_append(&world.log, 1, "{", NOON_US);
    follow(&world);
    world.realtime->slots[1].idle_us = 0; /* as a program of before leaves it */
    run_ok(&world);
    assert_rows(&world, "select partition, idle_us from tidemark.partition order by 1", "0 2000\n1 3000");
    end_world(&world);
}

static const char waiting_views[] = "views:\n"
                                    "  by_hour:\n"
                                    "    source: orders\n"
                                    "    where: status <> 'cancelled'\n"
                                    "    window: tumbling 1 hour\n"
                                    "    watermark: 30 minutes\n"
                                    "    measures: { orders: count }\n"
                                    "  by_day:\n"
                                    "    source: orders\n"
                                    "    window: tumbling 1 day\n"
                                    "    watermark: 1 hour\n"
                                    "    measures: { orders: count }\n"
                                    "  visits:\n"
                                    "    source: orders\n"
                                    "    window: session 30 minutes\n"
                                    "    retention: 7 days\n"
                                    "    watermark: 1 hour\n"
                                    "    dimensions: [category]\n"
                                    "    measures: { orders: count }\n";
#define LATE "select name, late from tidemark.view order by 1"

/* By the clock of its partition before it; of what waits an hour, a session of half an hour waits the longest. */
static void order_late_messages(struct world *world)
{
    order(world, 0, "a", "2026-07-01T12:00:00Z", "1.00", "paid");
    order(world, 0, "b", "2026-07-01T10:29:00Z", "1.00", "paid");      /* by the hour, and of a session */
    order(world, 0, "c", "2026-07-01T10:40:00Z", "1.00", "cancelled"); /* counts in no hour */
    order(world, 1, "d", "2026-06-01T00:00:00Z", "1.00", "paid");      /* the first of its partition */
    order(world, 0, "b", "2026-07-01T10:30:00Z", "2.00", "paid");      /* by the hour: each version is a message */
}

/* verify recomputes them from the messages by the view library. */
static void late_messages_are_counted_by_view(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 2, default_source, waiting_views);
    order_late_messages(&world);
    follow_and_run(&world);
    assert_rows(&world, LATE, "by_day 0\nby_hour 2\nvisits 1");
    verify_ok(&world);
    order(&world, 0, "e", "2026-06-30T22:00:00Z", "1.00", "paid"); /* a day that ended in London an hour later */
    order(&world, 1, "f", "2026-07-02T00:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, LATE, "by_day 1\nby_hour 3\nvisits 2");
    verify_ok(&world);
    char views[sizeof waiting_views]; /* another watermark is another definition: all are counted again */
    memcpy(views, waiting_views, sizeof views);
    memcpy(strstr(views, "30 minutes"), "90", strlen("90"));
    configure(&world, default_source, views);
    order(&world, 1, "g", "2026-07-02T00:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, LATE, "by_day 1\nby_hour 1\nvisits 2");
    verify_ok(&world);
    sql(&world, "update tidemark.view set late = late + 1 where name = 'by_hour'");
    assert_false(verify_source(&world.batch, world.source, &world.error));
    assert_non_null(strstr(world.error.message, "the ledger's late of view by_hour is published as 2; recomputed 1"));
    end_world(&world);
}

static void duplicates_that_do_not_count_are_not_late(void **state)
{
    (void)state;
    struct world world;
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), "ignore ", strlen("ignore "));
    make_world_with(&world, 2, source, waiting_views);
    order_late_messages(&world);
    follow_and_run(&world);
    assert_rows(&world, LATE, "by_day 0\nby_hour 1\nvisits 1");
    verify_ok(&world);
    order(&world, 0, "a", "2026-07-01T08:00:00Z", "1.00", "paid");
    order(&world, 0, "g", "2026-07-01T08:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, LATE, "by_day 0\nby_hour 2\nvisits 2");
    verify_ok(&world);
    end_world(&world);
}

static void order_in_two_partitions_is_counted_with_an_alarm(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid(&world, 0, "a", "1.00");
    paid(&world, 1, "b", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "0");
    paid(&world, 1, "a", "1.00");
    paid(&world, 1, "c", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "1");
    paid(&world, 0, "c", "1.00");
    paid(&world, 0, "d", "1.00");
    paid(&world, 1, "d", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "3");
    verify_ok(&world);
    end_world(&world);
}

#define PARTITION_FATES "select partition, consumed, kept, replaced, duplicate from tidemark.partition order by 1"
#define LIVE_VERSIONS "select tm_key, tm_partition, amount from tidemark.current_orders order by 1, 2"

/* One order in both partitions, with a second message in one; one in both; one with three messages; one with one. */
static void order_repeated_and_split(struct world *world)
{
    paid(world, 0, "a", "1.00");
    paid(world, 1, "a", "2.00");
    paid(world, 1, "a", "3.00");
    paid(world, 0, "b", "4.00");
    paid(world, 1, "b", "5.00");
    paid(world, 0, "c", "6.00");
    paid(world, 0, "c", "7.00");
    paid(world, 0, "c", "8.00");
    paid(world, 1, "d", "9.00");
    follow_and_run(world);
    assert_rows(world, "select split_orders from tidemark.source", "2");
    verify_ok(world);
}

static void first_run_keeps_the_last_version_of_each_order_and_partition(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    order_repeated_and_split(&world);
    assert_rows(&world, LIVE_VERSIONS, "a 0 1.00\na 1 3.00\nb 0 4.00\nb 1 5.00\nc 0 8.00\nd 1 9.00");
    assert_rows(&world, PARTITION_FATES, "0 5 3 2 0\n1 4 3 1 0");
    end_world(&world);
}

static void first_run_keeps_the_first_version_where_duplicates_are_ignored(void **state)
{
    (void)state;
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), "ignore ", 7);
    struct world world;
    make_world_with(&world, 2, source, default_views);
    order_repeated_and_split(&world);
    assert_rows(&world, LIVE_VERSIONS, "a 0 1.00\na 1 2.00\nb 0 4.00\nb 1 5.00\nc 0 6.00\nd 1 9.00");
    assert_rows(&world, PARTITION_FATES, "0 5 3 0 2\n1 4 3 0 1");
    end_world(&world);
}

static void first_version_stays_where_duplicates_are_ignored(void **state)
{
    (void)state;
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), "ignore ", 7);
    struct world world;
    make_world_with(&world, 1, source, default_views);
    paid(&world, 0, "a", "1.00");
    paid(&world, 0, "a", "2.00");
    follow_and_run(&world);
    paid(&world, 0, "a", "3.00");
    paid(&world, 0, "b", "4.00");
    follow_and_run(&world);
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 2 5.00 2.50");
    assert_rows(&world, LEDGER, "4 2 0 2 0");
    verify_ok(&world);
    end_world(&world);
}

static void every_message_counts_where_there_are_no_versions(void **state)
{
    (void)state;
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), "none   ", 7);
    struct world world;
    make_world_with(&world, 1, source, default_views);
    for (int i = 0; i < 3; i++) {
        paid(&world, 0, "a", "1.00");
        follow_and_run(&world);
    }
    assert_rows(&world, DAILY, "2026-01-01 00:00:00+00 3 3.00 1.00");
    verify_ok(&world);
    end_world(&world);
}

static void text_with_every_special_character_arrives_unchanged(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    memory_log_append(
        &world.log, 0,
        "{\"order_id\": \"a\\\\N\\t\\n\\r\\\\.\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": 1, "
        "\"category\": \"\\\\N\", \"status\": \"\\u00e9'\\\"\"}",
        -1);
    memory_log_append(
        &world.log, 0,
        "{\"order_id\": \"b\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": -1.5, \"status\": null}", -1);
    follow_and_run(&world);
    assert_rows(&world,
                "select order_id = E'a\\\\N\\t\\n\\r\\\\.', category = '\\N', status = E'\\u00e9''\"' from raw.orders "
                "where tm_offset = 0",
                "t t t");
    assert_rows(&world, "select category, status, amount, quantity from raw.orders where tm_offset = 1",
                "null null -1.50 null");
    assert_rows(&world,
                "select category, quantity, order_count, units, mean_units from view.by_category order by 1 nulls "
                "first",
                "null null 1 null null\n\\N null 1 null null");
    verify_ok(&world);
    end_world(&world);
}

static void clock_of_a_partition_does_not_run_ahead_of_its_records(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    memory_log_append(&world.log, 0, "{\"order_id\": \"a\", \"timestamp\": \"2026-01-01T12:30:00Z\", \"amount\": 1}",
                      NOON_US);
    follow_and_run(&world);
    assert_rows(&world, "select clock_us, untimed_us from tidemark.partition", "1767268800000000 0");
    order(&world, 0, "b", "2026-01-01T11:00:00Z", "1", "paid");
    order(&world, 0, "c", "2026-01-01T10:00:00Z", "1", "paid");
    follow_and_run(&world);
    assert_rows(&world, "select clock_us, untimed_us from tidemark.partition", "1767268800000000 1767265200000000");
    end_world(&world);
}

static void slots_of_other_definitions_are_removed_once_nobody_uses_them(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    world.realtime->definitions = (struct slot_definitions){.count = 2, .names = {"", "fedcba9876543210"}};
    world.realtime->others_are_used = true;
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    assert_int_equal(world.realtime->definitions.count, 2);
    world.realtime->others_are_used = false;
    run_ok(&world); /* nothing is new, and yet */
    assert_int_equal(world.realtime->definitions.count, 0);
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_of_other_definitions_are_removed_once_nobody_uses_them),
        cmocka_unit_test(first_run_publishes_rows_cut_and_ledger),
        cmocka_unit_test(topic_of_more_than_a_thousand_partitions_is_published_whole),
        cmocka_unit_test(correction_moves_the_amount_to_another_window),
        cmocka_unit_test(cancellation_of_the_only_order_removes_the_row),
        cmocka_unit_test(run_without_news_opens_and_publishes_nothing),
        cmocka_unit_test(messages_after_the_cut_wait_for_the_next_run),
        cmocka_unit_test(epoch_left_open_is_published_and_then_the_rest),
        cmocka_unit_test(idle_time_is_published_as_it_was_at_the_cut),
        cmocka_unit_test(late_messages_are_counted_by_view),
        cmocka_unit_test(duplicates_that_do_not_count_are_not_late),
        cmocka_unit_test(order_in_two_partitions_is_counted_with_an_alarm),
        cmocka_unit_test(first_run_keeps_the_last_version_of_each_order_and_partition),
        cmocka_unit_test(first_run_keeps_the_first_version_where_duplicates_are_ignored),
        cmocka_unit_test(first_version_stays_where_duplicates_are_ignored),
        cmocka_unit_test(every_message_counts_where_there_are_no_versions),
        cmocka_unit_test(text_with_every_special_character_arrives_unchanged),
        cmocka_unit_test(clock_of_a_partition_does_not_run_ahead_of_its_records),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* SPDX-License-Identifier: Apache-2.0
 * raw.<source> has dates, and live.<source> the version of each order that counts. */
#include "batch_fixture.h"

#define LIVE "select order_id, amount, status, tm_partition, tm_offset, date, timestamp from live.orders order by 1"

static void live_has_each_order_once_as_it_counts_at_the_published_cut(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    order(&world, 0, "a", "2026-06-01T22:59:59.999999Z", "1.00", "paid");
    order(&world, 1, "b", "2026-06-01T23:00:00.000001Z", "2.00", "paid"); /* midnight in London */
    follow_and_run(&world);
    order(&world, 0, "a", "2026-06-01T22:59:59.999999Z", "1.00", "cancelled");
    order(&world, 0, "a", "2026-12-31T23:59:59.999999Z", "3.00", "paid");
    assert_rows(&world, LIVE,
                "a 1.00 paid 0 0 2026-06-01 2026-06-01 22:59:59.999999+00\n"
                "b 2.00 paid 1 0 2026-06-02 2026-06-01 23:00:00.000001+00");
    follow_and_run(&world);
    assert_rows(&world, LIVE,
                "a 3.00 paid 0 2 2026-12-31 2026-12-31 23:59:59.999999+00\n"
                "b 2.00 paid 1 0 2026-06-02 2026-06-01 23:00:00.000001+00");
    assert_rows(&world, "select count(*) from raw.orders where date = '2026-06-01'", "2");
    end_world(&world);
}

static void live_of_a_source_without_versions_is_every_message(void **state)
{
    (void)state;
    static const char source[] = "sources:\n"
                                 "  payments: { topic: kafka://orders, event_time: timestamp, on_duplicate: none, "
                                 "fields: { order_id: text, amount: decimal(2) } }\n";
    struct world world;
    make_world_with(&world, 1, source, "");
    paid(&world, 0, "a", "1.00");
    paid(&world, 0, "a", "2.00");
    follow_and_run(&world);
    assert_rows(&world, "select order_id, amount, date from live.payments order by tm_offset",
                "a 1.00 2026-01-01\na 2.00 2026-01-01");
    end_world(&world);
}

/* Tests after this one find the role too. */
static void what_was_granted_stays_while_fields_come_and_get_wider(void **state)
{
    (void)state;
    char source[sizeof default_source + 40];
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    sql(&world, "create role analyst; grant usage on schema live to analyst; grant select on live.orders to analyst");
    snprintf(source, sizeof source, "%s      country: text\n", default_source);
    configure(&world, source, default_views);
    follow_and_run(&world);
    memcpy(strstr(source, "decimal(2)"), "decimal(3)", 10);
    configure(&world, source, default_views);
    follow_and_run(&world);
    sql(&world, "set role analyst");
    assert_rows(&world, "select amount, country from live.orders", "1.000 null");
    sql(&world, "reset role");
    verify_ok(&world);
    end_world(&world);
}

static void another_time_zone_is_refused_with_the_remedy(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    sql(&world, "update tidemark.source set time_zone = 'Asia/Tokyo'");
    run_fails(&world, ERROR_CONFIGURATION, "say time_zone: Asia/Tokyo, or drop the columns date and timestamp");
    sql(&world, "drop view live.orders; alter table raw.orders drop column timestamp");
    sql(&world, "update tidemark.source set time_zone = 'Europe/London'");
    run_fails(&world, ERROR_CONFIGURATION, "was dropped or renamed by somebody");
    sql(&world, "alter table raw.orders drop column date; update tidemark.source set time_zone = null");
    run_ok(&world);
    assert_rows(&world, "select date, timestamp from live.orders", "2026-01-01 2026-01-01 12:00:00+00");
    end_world(&world);
}

static void field_of_such_a_name_is_the_column(void **state)
{
    (void)state;
    char source[sizeof default_source + 40];
    struct world world;
    snprintf(source, sizeof source, "%s      date: text\n", default_source);
    make_world_with(&world, 1, source, default_views);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select order_id, date from live.orders", "a null");
    configure(&world, default_source, default_views);
    run_fails(&world, ERROR_CONFIGURATION, "of a field that isn't declared any more");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_has_each_order_once_as_it_counts_at_the_published_cut),
        cmocka_unit_test(live_of_a_source_without_versions_is_every_message),
        cmocka_unit_test(what_was_granted_stays_while_fields_come_and_get_wider),
        cmocka_unit_test(another_time_zone_is_refused_with_the_remedy),
        cmocka_unit_test(field_of_such_a_name_is_the_column),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

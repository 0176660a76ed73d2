/* SPDX-License-Identifier: Apache-2.0
 * Messages that were bad by wrong rules, once the rules are right. */
#include "commands/dead_letters.h"

#include "batch_fixture.h"

#define RULES(duplicates, more)                                                                                        \
    "sources:\n  orders:\n    topic: kafka://orders\n    key: order_id\n    event_time: timestamp\n"                   \
    "    on_duplicate: " duplicates "\n    fields:\n      order_id: text\n      category: text\n"                      \
    "      amount: decimal(2)\n      quantity: integer\n      status: text\n" more

#define WRONG "      discount: decimal(2)\n" /* required, and only some orders have it */

static const char *const counts = "select (select count(*) from raw.orders), (select count(*) from tidemark.bad)";

/* An order that the wrong rules take: it has the field. */
static void discounted(struct world *world, const char *id, const char *amount)
{
    char payload[300];
    snprintf(payload, sizeof payload,
             "{\"order_id\": \"%s\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": %s, \"status\": \"paid\", "
             "\"category\": \"c\", \"quantity\": 2, \"discount\": 0.5}",
             id, amount);
    memory_log_append(&world->log, 0, payload, -1);
}

static void plain(struct world *world, const char *id, const char *amount)
{
    order(world, 0, id, "2026-01-01T12:00:00Z", amount, "paid");
}

/* Versions of the orders a to d, the wrong rules' good and bad ones in each order. */
static void send_versions(struct world *world)
{
    discounted(world, "a", "1.00");
    plain(world, "a", "2.00");
    plain(world, "b", "4.00");
    discounted(world, "b", "8.00");
    plain(world, "c", "16.00");
    plain(world, "c", "32.00");
    discounted(world, "d", "64.00");
    memory_log_append(&world->log, 0, "never good", -1);
}

static void published_under_wrong_rules(struct world *world, const char *wrong)
{
    make_world_with(world, 1, wrong, default_views);
    send_versions(world);
    follow_and_run(world);
    assert_rows(world, counts, "3 5");
    verify_ok(world);
}

/* The run after the fix, and what it must come to. */
static void fix(struct world *world, const char *right, const char *revenue, const char *ledger)
{
    configure(world, right, default_views);
    follow(world);
    verify_ok(world); /* nothing is published by these rules yet, so nothing can differ */
    run_ok(world);
    assert_rows(world, counts, "7 1");
    assert_rows(world, "select order_count, total_revenue from view.daily_revenue", revenue);
    assert_rows(world, LEDGER, ledger);
    verify_ok(world);
    plain(world, "a", "128.00");
    follow_and_run(world);
    verify_ok(world);
    end_world(world);
}

static void orders_that_are_good_now_replace_and_are_replaced_in_log_order(void **state)
{
    (void)state;
    struct world world;
    published_under_wrong_rules(&world, RULES("replace", WRONG));
    fix(&world, RULES("replace", ""), "4 106.00", "8 4 3 0 1");
}

static void where_the_first_version_stays_it_may_be_one_that_is_good_only_now(void **state)
{
    (void)state;
    struct world world;
    published_under_wrong_rules(&world, RULES("ignore", WRONG));
    fix(&world, RULES("ignore", ""), "4 85.00", "8 4 0 3 1");
}

static void without_versions_every_message_that_is_good_now_counts(void **state)
{
    (void)state;
    struct world world;
    published_under_wrong_rules(&world, RULES("none", WRONG));
    fix(&world, RULES("none", ""), "7 127.00", "8 7 0 0 1");
}

static void a_decimal_that_gets_more_digits_takes_what_had_too_many(void **state)
{
    (void)state;
    char wider[sizeof default_source];
    struct world world;
    make_world(&world, 1);
    plain(&world, "a", "1.25");
    plain(&world, "b", "0.125");
    follow_and_run(&world);
    assert_rows(&world, counts, "1 1");
    memcpy(wider, default_source, sizeof wider);
    memcpy(strstr(wider, "decimal(2)"), "decimal(3)", 10);
    configure(&world, wider, default_views);
    follow_and_run(&world);
    assert_rows(&world, "select order_count, total_revenue from view.daily_revenue", "2 1.375");
    verify_ok(&world);
    end_world(&world);
}

static void a_message_of_nearly_a_megabyte_is_kept_whole(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, RULES("replace", WRONG), default_views);
    char *payload = malloc(MESSAGE_BYTES_MAX + 1);
    assert_non_null(payload);
    int length =
        snprintf(payload, 300, "{\"order_id\": \"a\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": 1}");
    memset(payload + length, ' ', MESSAGE_BYTES_MAX - (size_t)length);
    payload[MESSAGE_BYTES_MAX] = '\0';
    memory_log_append(&world.log, 0, payload, -1);
    free(payload);
    follow_and_run(&world);
    assert_rows(&world, counts, "0 1");
    configure(&world, RULES("replace", ""), default_views);
    follow_and_run(&world);
    assert_rows(&world, counts, "1 0");
    verify_ok(&world);
    end_world(&world);
}

static void what_stays_bad_says_why_by_the_rules_that_hold_now(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, RULES("replace", WRONG), default_views);
    plain(&world, "a", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select field from tidemark.bad", "discount");
    configure(&world, RULES("replace", "      rebate: decimal(2)\n"), default_views);
    follow_and_run(&world);
    assert_rows(&world, "select field from tidemark.bad", "rebate");
    end_world(&world);
}

static void a_run_that_dies_while_it_judges_again_is_simply_run_again(void **state)
{
    (void)state;
    struct world world;
    published_under_wrong_rules(&world, RULES("replace", WRONG));
    configure(&world, RULES("replace", ""), default_views);
    follow(&world);
    assert_true(run_and_crash(&world, "before_publish"));
    wait_for_lock(&world);
    assert_rows(&world, counts, "3 5");
    assert_true(run_and_crash(&world, "after_publish"));
    wait_for_lock(&world);
    assert_rows(&world, counts, "7 1");
    fix(&world, RULES("replace", ""), "4 106.00", "8 4 3 0 1");
}

static void replay_publishes_though_nothing_is_new(void **state)
{
    (void)state;
    struct world world;
    published_under_wrong_rules(&world, RULES("replace", WRONG));
    sql(&world, "update tidemark.bad set payload = convert_to('{\"order_id\": \"e\", \"timestamp\": "
                "\"2026-01-01T12:00:00Z\", \"amount\": 1, \"discount\": 1, \"status\": \"paid\"}', 'UTF8') "
                "where payload = convert_to('never good', 'UTF8')");
    if (!dead_letters_replay(&world.batch, world.source, &world.error))
        fail_msg("%s", world.error.message);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    assert_rows(&world, "select order_count, total_revenue from view.daily_revenue", "4 74.00");
    end_world(&world);
}

static void bad_messages_that_are_listed_change_nothing(void **state)
{
    (void)state;
    struct world world;
    published_under_wrong_rules(&world, RULES("replace", WRONG));
    if (!dead_letters_list(&world.batch, world.source, 3, &world.error))
        fail_msg("%s", world.error.message);
    assert_rows(&world, counts, "3 5");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_that_are_good_now_replace_and_are_replaced_in_log_order),
        cmocka_unit_test(where_the_first_version_stays_it_may_be_one_that_is_good_only_now),
        cmocka_unit_test(without_versions_every_message_that_is_good_now_counts),
        cmocka_unit_test(a_decimal_that_gets_more_digits_takes_what_had_too_many),
        cmocka_unit_test(a_message_of_nearly_a_megabyte_is_kept_whole),
        cmocka_unit_test(what_stays_bad_says_why_by_the_rules_that_hold_now),
        cmocka_unit_test(a_run_that_dies_while_it_judges_again_is_simply_run_again),
        cmocka_unit_test(replay_publishes_though_nothing_is_new),
        cmocka_unit_test(bad_messages_that_are_listed_change_nothing),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

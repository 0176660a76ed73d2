/* SPDX-License-Identifier: Apache-2.0
 * Rows of a view with a watermark are final once its partitions' clocks and idle times say so, whatever a batch run has
 * published. */
#include "serving_fixture.h"

#define HOUR_S 3600
#define WAIT_S 600 /* the watermark */

static struct text no_group(struct buffer *scratch)
{
    return group_of("a", 1, scratch);
}

/* A message in the first hour; the partition's clock is then at this second of the day. */
static void add_message(int partition, int64_t clock_s)
{
    struct buffer scratch = {0};
    fake_add(partition, GROUPED, DAY_S, no_group(&scratch), 1, 100);
    fake.slots[partition].slot.next++;
    fake.slots[partition].slot.clock_us = (DAY_S + clock_s) * US_PER_SECOND;
    buffer_clean_up(&scratch);
}

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    *state = bench;
    views[GROUPED].watermark_us = WAIT_S * US_PER_SECOND;
    bench_start(bench, 1 << 30);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 1, 0);
    return 0;
}

static int stop(void **state)
{
    bench_stop(*state);
    free(*state);
    views[GROUPED].watermark_us = 0;
    return 0;
}

static void assert_final(struct bench *bench, bool expected, const char *watermark)
{
    bench_follow(bench);
    assert_says(bench, "/v1/views/grouped", expected ? "\"final\": true" : "\"final\": false");
    assert_says(bench, "/v1/views/grouped", watermark);
}

static void the_partition_that_is_furthest_behind_decides(void **state)
{
    add_message(0, HOUR_S + WAIT_S - 1);
    assert_final(*state, false, "\"deferred\": 0, \"watermark\": \"2026-01-01T00:59:59.000Z\"}");
    add_message(0, HOUR_S + WAIT_S);
    assert_final(*state, true, "\"watermark\": \"2026-01-01T01:00:00.000Z\""); /* the other has no message */
    add_message(1, HOUR_S);
    assert_final(*state, false, "\"watermark\": \"2026-01-01T00:50:00.000Z\"");
    add_message(1, 2 * HOUR_S);
    assert_final(*state, true, "\"watermark\": \"2026-01-01T01:00:00.000Z\"");
}

static void a_late_message_restates_a_final_row(void **state)
{
    add_message(0, HOUR_S + WAIT_S);
    assert_final(*state, true, "\"order_count\": 1");
    add_message(0, HOUR_S + WAIT_S);
    assert_final(*state, true, "\"order_count\": 2");
}

static void nothing_is_final_where_something_is_missing(void **state)
{
    add_message(0, HOUR_S + WAIT_S);
    fake.slots[1].ledgers[0].deferred = 1;
    fake.slots[1].slot.sequence++;
    assert_final(*state, false, "\"complete\": false");
}

static void without_a_message_there_is_no_watermark(void **state)
{
    bench_follow(*state);
    assert_says(*state, "/v1/views/grouped", "\"watermark\": null");
    assert_says(*state, "/v1/views/daily", "\"deferred\": 0}"); /* a view without one doesn't speak of it */
}

static void views_say_what_makes_their_rows_final(void **state)
{
    char listed[20000];
    unsigned status;
    snprintf(listed, sizeof listed, "%s", bench_get(*state, "/v1/views", &status));
    const char *const daily = strstr(listed, "\"name\": \"daily\""), *const grouped =
                                                                         strstr(listed, "\"name\": \"grouped\"");
    static const char published[] = "\"final\": \"published\"", watermark[] = "\"final\": \"watermark\"";
    assert_true(daily && grouped);
    assert_int_equal(strncmp(strstr(daily, "\"final\": "), published, strlen(published)), 0);
    assert_int_equal(strncmp(strstr(grouped, "\"final\": "), watermark, strlen(watermark)), 0);
}

static void fall_silent(int partition, int64_t idle_s)
{
    fake.slots[partition].slot.idle_us = (DAY_S + idle_s) * US_PER_SECOND;
    fake.slots[partition].slot.sequence++;
}

static void a_silent_partition_holds_no_watermark_back(void **state)
{
    add_message(0, HOUR_S + WAIT_S);
    add_message(1, HOUR_S);
    assert_final(*state, false, "\"watermark\": \"2026-01-01T00:50:00.000Z\"");
    fall_silent(1, HOUR_S + WAIT_S - 1);
    assert_final(*state, false, "\"watermark\": \"2026-01-01T00:59:59.000Z\"");
    fall_silent(1, 2 * HOUR_S);
    assert_final(*state, true, "\"watermark\": \"2026-01-01T01:00:00.000Z\"");
}

static void a_partition_that_was_always_silent_has_a_say(void **state)
{
    add_message(0, HOUR_S + WAIT_S);
    fall_silent(1, HOUR_S);
    assert_final(*state, false, "\"watermark\": \"2026-01-01T00:50:00.000Z\"");
}

static void publish_a_message_each(void)
{
    fake.epoch++;
    fake.named = PARTITIONS;
    for (int i = 0; i < PARTITIONS; i++)
        fake.cut[i] = 1;
    fake_begin(0, fake.epoch + 1, 1);
}

/* Where nobody reads a partition, what is published of it is all that the answer is of. */
static void clock_and_idle_time_of_an_unread_partition_are_those_that_are_published(void **state)
{
    publish_a_message_each();
    fake.clock_us[0] = (DAY_S + 3 * HOUR_S) * US_PER_SECOND;
    fake.clock_us[1] = (DAY_S + HOUR_S) * US_PER_SECOND;
    fake.unread[1] = true;
    bench_follow(*state);
    assert_says(*state, "/v1/views/grouped", "\"watermark\": \"2026-01-01T00:50:00.000Z\"");
    publish_a_message_each();
    fake.idle_us[1] = (DAY_S + 2 * HOUR_S) * US_PER_SECOND;
    bench_follow(*state);
    assert_says(*state, "/v1/views/grouped", "\"watermark\": \"2026-01-01T01:50:00.000Z\"");
}

static void a_slot_that_is_not_in_the_answer_says_nothing_of_its_watermark(void **state)
{
    publish_a_message_each();
    fake.clock_us[0] = fake.clock_us[1] = (DAY_S + HOUR_S) * US_PER_SECOND;
    fake_begin(1, fake.epoch + 1, 7); /* behind the cut */
    for (int i = 0; i < PARTITIONS; i++) {
        fake.slots[i].slot.clock_us = (DAY_S + 2 * HOUR_S) * US_PER_SECOND;
        fall_silent(i, 3 * HOUR_S);
    }
    bench_follow(*state);
    assert_says(*state, "/v1/views/grouped", "\"reason\": \"rebuilding\"");
    assert_says(*state, "/v1/views/grouped", "\"watermark\": \"2026-01-01T00:50:00.000Z\"");
}

int main(void)
{
    if (make_views(NULL) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_partition_that_is_furthest_behind_decides, start, stop),
        cmocka_unit_test_setup_teardown(a_late_message_restates_a_final_row, start, stop),
        cmocka_unit_test_setup_teardown(nothing_is_final_where_something_is_missing, start, stop),
        cmocka_unit_test_setup_teardown(without_a_message_there_is_no_watermark, start, stop),
        cmocka_unit_test_setup_teardown(views_say_what_makes_their_rows_final, start, stop),
        cmocka_unit_test_setup_teardown(a_silent_partition_holds_no_watermark_back, start, stop),
        cmocka_unit_test_setup_teardown(a_partition_that_was_always_silent_has_a_say, start, stop),
        cmocka_unit_test_setup_teardown(clock_and_idle_time_of_an_unread_partition_are_those_that_are_published, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_slot_that_is_not_in_the_answer_says_nothing_of_its_watermark, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 * Partitions that no speed layer reads: answers are complete at the cut that says so, and status, metrics and lag say
 * how many messages wait. */
#include "serving_fixture.h"

#include "log_watch.h"

static struct fake_log {
    struct event_log log;
    bool is_down;
    int32_t partitions;
    int64_t first[PARTITIONS], end[PARTITIONS];
    int opened, asked;
} fake_log;

static bool count_partitions(struct event_log *log, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)log;
    (void)topic;
    *ret_count = fake_log.partitions;
    return !fake_log.is_down || error_set(error, ERROR_UNAVAILABLE, "the log is down");
}

static bool find_ends(struct event_log *log, const char *topic, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                      struct error *error)
{
    (void)log;
    (void)topic;
    (void)error;
    fake_log.asked++;
    *ret_first = fake_log.first[partition];
    *ret_end = fake_log.end[partition];
    return true;
}

static void destroy_log(struct event_log *log)
{
    (void)log;
    fake_log.opened--;
}

static bool open_log(void *context, struct event_log **ret_log, struct error *error)
{
    static const struct event_log_operations operations = {
        .partition_count = count_partitions, .ends = find_ends, .destroy = destroy_log};
    (void)context;
    (void)error;
    fake_log.log.operations = &operations;
    fake_log.opened++;
    *ret_log = &fake_log.log;
    return true;
}

static struct bench bench;
static struct log_watch *watch;

static void start(int64_t silent_us)
{
    static const struct log_watch_options options = {.open = open_log};
    fake.times = (struct follower_times){.silent_us = silent_us};
    fake_log = (struct fake_log){.partitions = PARTITIONS, .end = {10, 20}};
    bench_start(&bench, SIZE_MAX);
    assert_true(log_watch_new(&options, bench.snapshots, 1, &watch, NULL));
}

static void stop(void)
{
    log_watch_destroy(watch);
    assert_int_equal(fake_log.opened, 0);
    bench_stop(&bench);
}

/* Epoch 1, cut at 4 and 20. */
static void publish_what_nobody_reads(bool first_is_unread)
{
    fake.epoch = 1;
    fake.published_at_us = 1;
    fake.named = PARTITIONS;
    fake.cut[0] = 4;
    fake.cut[1] = 20;
    fake.unread[0] = first_is_unread;
    fake.unread[1] = true;
}

static void follow_and_look(void)
{
    bench_follow(&bench);
    bench_follow(&bench); /* silence shows at the second sight */
    log_watch_look(watch);
}

static void partition_that_nobody_reads_is_complete_at_its_cut(void **state)
{
    (void)state;
    start(INT64_MAX);
    publish_what_nobody_reads(true);
    fake_begin(1, 1, 0); /* a slot of before the cut, to which a process that was asleep still commits */
    fake.slots[1].slot.next = fake.slots[1].slot.end = 25;
    add_cell(&fake.slots[1].panes[0][DAILY], DAY_S, (struct text){"", 0}, 5, 500);
    add_cell(&fake.rows[DAILY], DAY_S, (struct text){"", 0}, 24, 2400);
    bench_follow(&bench);
    assert_says(&bench, "/v1/views/daily",
                "\"order_count\": 24, \"total\": 24.00, \"average\": 1.00, \"final\": false}], \"next\": null, "
                "\"provenance\": {\"complete\": true, \"missing\": []");
    assert_says(&bench, "/v1/views/daily", "\"speed\": {\"offsets\": {\"0\": 4, \"1\": 20}");
    assert_says(&bench, "/v1/status", "\"next\": 25, \"answered\": 20, \"fits\": false, \"missing\": null, \"lag\": 5");
    assert_says(&bench, "/metrics", "tidemark_serving_partitions_missing{source=\"orders\"} 0\n");
    fake_begin(1, 2, 20); /* the speed layer is back, and goes on from there */
    fake_add(1, DAILY, DAY_S, (struct text){"", 0}, 1, 100);
    fake.slots[1].slot.next = 21;
    bench_follow(&bench);
    assert_says(&bench, "/v1/views/daily", "\"order_count\": 25, \"total\": 25.00");
    assert_says(&bench, "/v1/views/daily", "\"complete\": true");
    assert_says(&bench, "/v1/views/daily", "\"speed\": {\"offsets\": {\"0\": 4, \"1\": 21}");
    stop();
}

static void partition_without_that_mark_is_missing_as_ever(void **state)
{
    (void)state;
    start(INT64_MAX);
    publish_what_nobody_reads(false);
    bench_follow(&bench);
    assert_says(&bench, "/v1/views/daily",
                "\"missing\": [{\"partition\": 0, \"reason\": \"rebuilding\", \"from\": 4}]");
    stop();
}

static void messages_that_nobody_reads_are_counted_in_the_log(void **state)
{
    (void)state;
    start(1);
    publish_what_nobody_reads(true);
    follow_and_look();
    assert_says(&bench, "/v1/views/daily", "\"complete\": true");
    assert_says(&bench, "/v1/views/daily", "\"lag\": 6}");
    assert_says(&bench, "/v1/status", "\"lag\": 6, \"unread\": {\"partitions\": 2, \"messages\": 6}");
    assert_says(&bench, "/v1/status", "\"missing\": null, \"lag\": 0, \"unread\": true");
    assert_says(&bench, "/metrics", "tidemark_serving_lag_messages{source=\"orders\"} 6\n");
    assert_says(&bench, "/metrics", "tidemark_serving_partitions_unread{source=\"orders\"} 2\n");
    assert_says(&bench, "/metrics", "tidemark_serving_unread_messages{source=\"orders\"} 6\n");
    assert_says(&bench, "/readyz", "ok\n");
    stop();
}

static void partition_that_an_alarm_stopped_is_not_unread(void **state)
{
    (void)state;
    start(1);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 1, 0);
    fake.slots[0].slot.next = 7;
    snprintf(fake.slots[0].slot.alarm, sizeof fake.slots[0].slot.alarm, "breaker");
    follow_and_look();
    assert_says(&bench, "/v1/status", "\"lag\": 23, \"unread\": {\"partitions\": 1, \"messages\": 20}");
    assert_says(&bench, "/v1/status", "\"lag\": 3, \"unread\": false");
    stop();
}

static void log_that_cannot_be_asked_leaves_their_number_open(void **state)
{
    (void)state;
    start(1);
    publish_what_nobody_reads(true);
    fake_log.is_down = true;
    follow_and_look();
    assert_says(&bench, "/v1/status", "\"lag\": null, \"unread\": {\"partitions\": 2, \"messages\": null}");
    assert_says(&bench, "/metrics", "tidemark_serving_unread_messages{source=\"orders\"} -1\n");
    stop();
}

static void topic_that_no_speed_layer_ever_saw_is_unread(void **state)
{
    (void)state;
    start(1);
    fake_log.first[1] = 15;
    follow_and_look();
    assert_says(&bench, "/v1/status", "\"lag\": 15, \"unread\": {\"partitions\": 2, \"messages\": 15}");
    assert_says(&bench, "/v1/views/daily", "\"missing\": [{\"partition\": null, \"reason\": \"rebuilding\"}]");
    stop();
}

static void log_that_is_read_is_never_asked(void **state)
{
    (void)state;
    start(INT64_MAX);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 1, 0);
    follow_and_look();
    assert_says(&bench, "/v1/status", "\"unread\": {\"partitions\": 0, \"messages\": 0}");
    assert_int_equal(fake_log.opened, 0);
    stop();
}

static void number_is_forgotten_once_somebody_reads(void **state)
{
    (void)state;
    start(1000000000);
    publish_what_nobody_reads(true);
    follow_and_look();
    assert_null(bench.snapshot->log);
    bench.snapshot->partitions[0].silent = true;
    log_watch_look(watch);
    assert_int_equal(fake_log.asked, 1);
    assert_int_equal(snapshot_unread(bench.snapshot).messages, 6);
    bench.snapshot->partitions[0].silent = false;
    log_watch_look(watch);
    assert_null(bench.snapshot->log);
    assert_int_equal(bench.snapshot->log_count, 0);
    stop();
}

static void thread_ends_while_it_waits(void **state)
{
    (void)state;
    start(INT64_MAX);
    assert_true(log_watch_start(watch, NULL));
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partition_that_nobody_reads_is_complete_at_its_cut),
        cmocka_unit_test(partition_without_that_mark_is_missing_as_ever),
        cmocka_unit_test(messages_that_nobody_reads_are_counted_in_the_log),
        cmocka_unit_test(partition_that_an_alarm_stopped_is_not_unread),
        cmocka_unit_test(log_that_cannot_be_asked_leaves_their_number_open),
        cmocka_unit_test(topic_that_no_speed_layer_ever_saw_is_unread),
        cmocka_unit_test(log_that_is_read_is_never_asked),
        cmocka_unit_test(number_is_forgotten_once_somebody_reads),
        cmocka_unit_test(thread_ends_while_it_waits),
    };
    return cmocka_run_group_tests(tests, make_views, NULL);
}

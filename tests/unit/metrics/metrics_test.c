/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "metrics/metrics.h"

enum { MESSAGES, BYTES, WAIT, METRIC_COUNT };
static const struct metric TABLE[] = {
    [MESSAGES] = {.name = "t_messages_total",
                  .kind = METRIC_COUNTER,
                  .help = "Messages.",
                  .labels = {"source", "fate"}},
    [BYTES] = {.name = "t_bytes", .kind = METRIC_GAUGE, .help = "Bytes held."},
    [WAIT] = {.name = "t_wait_seconds",
              .kind = METRIC_HISTOGRAM,
              .help = "Waits.",
              .divisor = 1000000,
              .labels = {"route"},
              .buckets = {1000, 2500000}},
};

static int set_up(void **state)
{
    *state = metrics_new(TABLE, METRIC_COUNT);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    metrics_destroy(*state);
    return 0;
}

static void assert_printed(struct metrics *metrics, const char *expected)
{
    struct buffer out = {0};
    metrics_print(metrics, &out);
    assert_string_equal(buffer_string(&out), expected);
    buffer_clean_up(&out);
}

static void a_series_is_made_once_and_counts(void **state)
{
    const char *const orders[] = {"orders", "kept"}, *const other[] = {"orders", "bad"};
    struct metric_series *series = metrics_series(*state, MESSAGES, orders);
    metric_add(series, 2);
    metric_add(metrics_series(*state, MESSAGES, orders), 3);
    metric_add(metrics_series(*state, MESSAGES, other), 1);
    assert_ptr_equal(series, metrics_series(*state, MESSAGES, orders));
    assert_printed(*state, "# HELP t_messages_total Messages.\n# TYPE t_messages_total counter\n"
                           "t_messages_total{source=\"orders\",fate=\"kept\"} 5\n"
                           "t_messages_total{source=\"orders\",fate=\"bad\"} 1\n");
}

static void label_values_are_escaped_and_found_again(void **state)
{
    const char *const strange[] = {"a\"b\\c\nd", "a"}, *const alike[] = {"a\"b\\c\\nd", "a"};
    struct metric_series *series = metrics_series(*state, MESSAGES, strange);
    assert_ptr_equal(series, metrics_series(*state, MESSAGES, strange));
    assert_ptr_not_equal(series, metrics_series(*state, MESSAGES, alike));
    assert_printed(*state, "# HELP t_messages_total Messages.\n# TYPE t_messages_total counter\n"
                           "t_messages_total{source=\"a\\\"b\\\\c\\nd\",fate=\"a\"} 0\n"
                           "t_messages_total{source=\"a\\\"b\\\\c\\\\nd\",fate=\"a\"} 0\n");
}

static void a_histogram_is_cumulative_and_in_the_unit_of_its_name(void **state)
{
    const char *const route[] = {"/"};
    struct metric_series *series = metrics_series(*state, WAIT, route);
    const int64_t waits_us[] = {1000, 1001, 2500000, 2500001};
    for (size_t i = 0; i < 4; i++)
        metric_observe(series, waits_us[i]);
    assert_int_equal(metric_value(series), 4);
    assert_printed(*state, "# HELP t_wait_seconds Waits.\n# TYPE t_wait_seconds histogram\n"
                           "t_wait_seconds_bucket{route=\"/\",le=\"0.001\"} 1\n"
                           "t_wait_seconds_bucket{route=\"/\",le=\"2.5\"} 3\n"
                           "t_wait_seconds_bucket{route=\"/\",le=\"+Inf\"} 4\n"
                           "t_wait_seconds_sum{route=\"/\"} 5.002002\n"
                           "t_wait_seconds_count{route=\"/\"} 4\n");
}

static void a_metric_without_labels_has_one_series(void **state)
{
    metric_set(metrics_series(*state, BYTES, NULL), 7);
    metric_set(metrics_series(*state, BYTES, NULL), -9);
    assert_printed(*state, "# HELP t_bytes Bytes held.\n# TYPE t_bytes gauge\nt_bytes -9\n");
}

static void a_gauge_that_is_withdrawn_comes_back_when_it_is_set(void **state)
{
    struct metric_series *bytes = metrics_series(*state, BYTES, NULL);
    metric_set(bytes, 7);
    metric_withdraw(bytes);
    assert_printed(*state, "# HELP t_bytes Bytes held.\n# TYPE t_bytes gauge\n");
    metric_set(bytes, 8);
    assert_printed(*state, "# HELP t_bytes Bytes held.\n# TYPE t_bytes gauge\nt_bytes 8\n");
}

static void series_beyond_the_ceiling_share_one(void **state)
{
    struct metric_series *last = NULL, *before = NULL;
    for (int i = 0; i < METRIC_SERIES_MAX + 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        const char *const values[] = {name, "x"};
        before = last;
        last = metrics_series(*state, MESSAGES, values);
    }
    const char *const first[] = {"s0", "x"};
    assert_ptr_equal(last, before);
    assert_ptr_not_equal(last, metrics_series(*state, MESSAGES, first));
}

static void *count_for_a_while(void *metrics)
{
    for (int i = 0; i < 20000; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i % 50);
        const char *const values[] = {name, "x"};
        metric_add(metrics_series(metrics, MESSAGES, values), 1);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_for_a_while, *state), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        const char *const values[] = {name, "x"};
        assert_int_equal(metric_value(metrics_series(*state, MESSAGES, values)), 4 * 400);
    }
}

static void the_reference_names_every_metric(void **state)
{
    (void)state;
    struct buffer out = {0};
    metrics_print_reference(TABLE, METRIC_COUNT, &out);
    assert_string_equal(buffer_string(&out), "| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n"
                                             "| `t_messages_total` | counter | `source`, `fate` | Messages. |\n"
                                             "| `t_bytes` | gauge |  | Bytes held. |\n"
                                             "| `t_wait_seconds` | histogram | `route` | Waits. |\n");
    buffer_clean_up(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_series_is_made_once_and_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(label_values_are_escaped_and_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_histogram_is_cumulative_and_in_the_unit_of_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_metric_without_labels_has_one_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_gauge_that_is_withdrawn_comes_back_when_it_is_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(series_beyond_the_ceiling_share_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_lose_no_count, set_up, tear_down),
        cmocka_unit_test(the_reference_names_every_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

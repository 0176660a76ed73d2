/* SPDX-License-Identifier: Apache-2.0
 * A topic as a sink, on librdkafka's mock cluster: it keeps neither transactions nor policies, as the broker of the
 * demo, and there the keys tell what was written. */
#include "kafka/kafka_sink.h"

#include <librdkafka/rdkafka_mock.h>

#include "sink_writing.h"

#define MEGABYTE (1 << 20)

static rd_kafka_t *holder;
static rd_kafka_mock_cluster_t *cluster;
static struct kafka_access access_to_mock;
static int topics;
static char topic[24];

static int begin(void **state)
{
    (void)state;
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
    holder = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    cluster = rd_kafka_mock_cluster_new(holder, 1);
    access_to_mock = (struct kafka_access){.brokers = rd_kafka_mock_cluster_bootstraps(cluster), .group = "tests"};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(holder);
    return 0;
}

static int start(void **state)
{
    (void)state;
    struct error error;
    snprintf(topic, sizeof topic, "rows-%d", ++topics);
    rd_kafka_mock_topic_create(cluster, topic, 1, 1);
    assert_true(kafka_sink_open(&access_to_mock, topic, MEGABYTE, &sink, &error));
    assert_true(kafka_sink_open(&access_to_mock, topic, MEGABYTE, &other, &error));
    return 0;
}

static void what_was_written_is_read_by_whoever_opens_it_next(void **state)
{
    (void)state;
    static const struct row_texts next[] = {{"b", NULL}, {"a", "{\"n\": 2, \"revision\": 2}"}, {0}},
                                  removed[] = {{"a", "{\"k\": 1, \"revision\": 3, \"removed\": true}"}, {0}};
    assert_sink_opens(sink, false, "");
    assert_sink_holds(sink, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", json_rows);
    assert_sink_holds(sink, "a 1, b 1, ");
    assert_sink_writes(sink, "{\"one\": 1}", "{\"two\": 1}", next);
    assert_sink_opens(other, false, "{\"two\": 1}");
    assert_sink_holds(other, "a 2, ");
    assert_sink_writes(other, "{\"two\": 1}", "{\"three\": 1}", removed);
    assert_sink_opens(other, false, "{\"three\": 1}");
    assert_sink_holds(other, "a 3 gone, ");
}

static void what_is_loaded_is_what_is_listed(void **state)
{
    (void)state;
    static const struct row_texts next[] = {{"b", NULL}, {"a", "{\"n\": 2, \"revision\": 2}"}, {0}};
    struct held_rows rows = {0};
    struct error error = {0};
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", json_rows);
    assert_sink_writes(sink, "{\"one\": 1}", "{\"two\": 1}", next);
    for (int i = 0; i < 2; i++) {
        assert_true(sink->operations->load(sink, &rows, &error));
        assert_int_equal(rows.count, 1);
        assert_int_equal(held_rows_find(&rows, text_of("a"))->revision, 2);
        assert_null(held_rows_find(&rows, text_of("b")));
        held_rows_clean_up(&rows);
        assert_sink_holds(sink, "a 2, ");
    }
}

/* This broker fences nobody, which the tests with a real one show. */
static void what_a_frozen_emitter_wrote_is_read_by_whoever_opens_it_next(void **state)
{
    (void)state;
    static const struct row_texts late[] = {{"a", NULL}, {0}};
    assert_sink_opens(sink, false, "");
    assert_sink_opens(other, false, "");
    assert_sink_writes(other, "", "{\"one\": 1}", json_rows);
    assert_sink_writes(sink, "", "{\"two\": 1}", late);
    assert_sink_opens(other, false, "{\"two\": 1}");
    assert_sink_holds(other, "b 1, ");
}

static void restarting_writes_a_null_for_each_key(void **state)
{
    (void)state;
    static const struct row_texts next[] = {{"c", "{\"n\": 1}"}, {0}};
    struct error error;
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", json_rows);
    assert_sink_opens(sink, true, "{\"one\": 1}");
    assert_true(sink_write(sink, "{\"one\": 1}", "{\"two\": 1}", next, true, &error));
    assert_sink_opens(other, false, "{\"two\": 1}");
    assert_sink_holds(other, "c 1, ");
}

static void rows_that_memory_does_not_hold_are_refused(void **state)
{
    (void)state;
    struct sink_store *small;
    struct error error;
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", json_rows);
    assert_true(kafka_sink_open(&access_to_mock, topic, 100, &small, &error));
    assert_sink_opens_not(small, ERROR_CONFIGURATION, "http.memory");
    small->operations->destroy(small);
}

static void a_topic_of_two_partitions_is_refused(void **state)
{
    (void)state;
    struct sink_store *wide;
    struct error error;
    rd_kafka_mock_topic_create(cluster, "wide", 2, 1);
    assert_true(kafka_sink_open(&access_to_mock, "wide", MEGABYTE, &wide, &error));
    assert_sink_opens_not(wide, ERROR_CONFIGURATION, "has 2 partitions");
    wide->operations->destroy(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read_by_whoever_opens_it_next, start, destroy_sinks),
        cmocka_unit_test_setup_teardown(what_is_loaded_is_what_is_listed, start, destroy_sinks),
        cmocka_unit_test_setup_teardown(what_a_frozen_emitter_wrote_is_read_by_whoever_opens_it_next, start,
                                        destroy_sinks),
        cmocka_unit_test_setup_teardown(restarting_writes_a_null_for_each_key, start, destroy_sinks),
        cmocka_unit_test_setup_teardown(rows_that_memory_does_not_hold_are_refused, start, destroy_sinks),
        cmocka_unit_test_setup_teardown(a_topic_of_two_partitions_is_refused, start, destroy_sinks),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

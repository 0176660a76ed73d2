/* SPDX-License-Identifier: Apache-2.0
 * What a verification says while memory is short is right or left out. */
#include "cmocka_test.h"
#include "failing_memory.h"

#include <stdio.h>
#include <unistd.h>

#include "check/verification.h"
#include "config/load.h"

#define MESSAGES 2

static const char configuration[] =
    "sources:\n  orders:\n    topic: kafka://orders\n    key: order_id\n    event_time: at\n"
    "    fields: { order_id: text, category: text }\n"
    "views:\n  daily:\n    source: orders\n    window: tumbling 1 day\n    dimensions: [category]\n"
    "    measures: { n: count }\n";
static const char explained[] = "; 2 messages touch it: partition 0 offset 0 (a long order), partition 0 offset 1 "
                                "(a long order)";

static struct settings *settings;

static bool log_ends(struct event_log *log, const char *topic, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                     struct error *error)
{
    (void)log;
    (void)topic;
    (void)partition;
    (void)error;
    *ret_first = 0;
    *ret_end = MESSAGES;
    return true;
}

static bool log_read(struct event_log *log, const char *topic, int32_t partition, int64_t from, int64_t to,
                     int64_t *ret_first_available,
                     bool (*take)(void *context, const struct log_message *message, struct error *error), void *context,
                     struct error *error)
{
    static const char payload[] =
        "{\"order_id\": \"a long order\", \"at\": \"2026-01-01T12:00:00Z\", \"category\": \"c\"}";
    (void)log;
    (void)topic;
    (void)partition;
    for (int64_t offset = from; offset < to; offset++) {
        const struct log_message message = {
            .offset = offset, .record_time_us = -1, .payload = {payload, sizeof payload - 1}};
        if (!take(context, &message, error))
            return false;
    }
    *ret_first_available = from;
    return true;
}

static bool explain(void *context)
{
    (void)context;
    static const struct event_log_operations operations = {.ends = log_ends, .read = log_read};
    struct event_log log = {&operations};
    struct batch batch = {.settings = settings, .log = &log};
    struct compared partition = {.first = 0, .cut = MESSAGES, .to = MESSAGES};
    struct verification verification = {
        .batch = &batch, .source = &settings->sources[0], .partition_count = 1, .partitions = &partition};
    const struct side side = {.name = "published", .partition = -1};
    struct pane pane = {.window_start_us = INT64_C(1767225600000000), .group = text_of("+1:c")};
    struct buffer out = {0};
    trace_cell(&verification, &side, 0, pane, &out);
    bool done = out.length > 0 && !out.failed;
    if (done)
        assert_string_equal(buffer_string(&out), explained);
    buffer_clean_up(&out);
    return done;
}

static void explanation_is_whole_or_left_out(void **state)
{
    (void)state;
    assert_true(fail_every_allocation(explain, NULL) > 5);
}

static int load(void **state)
{
    (void)state;
    char path[] = "/tmp/tidemark-test-XXXXXX";
    struct error error;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, configuration, sizeof configuration - 1), sizeof configuration - 1);
    close(file);
    bool loaded = settings_load(path, &settings, &error);
    unlink(path);
    if (!loaded)
        fail_msg("%s", error.message);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    settings_destroy(settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explanation_is_whole_or_left_out),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "config/checks.h"
#include "config/load.h"
#include "config/reference.h"
#include "config/statement.h"

static char folder[] = "/tmp/tidemark-settings-XXXXXX";
static char path[sizeof folder + 20];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/t.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *name, const void *data, size_t length)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static bool load_text(const char *text, struct settings **ret_settings, struct error *error)
{
    write_file(path, text, strlen(text));
    return settings_load(path, ret_settings, error);
}

static struct settings *loaded(const char *text)
{
    struct settings *settings = NULL;
    struct error error = {0};
    if (!load_text(text, &settings, &error))
        fail_msg("%s", error.message);
    return settings;
}

/* The error of a text that must be refused. */
static struct error refused(const char *text)
{
    struct settings *settings = NULL;
    struct error error = {0};
    if (load_text(text, &settings, &error)) {
        settings_destroy(settings);
        fail_msg("this was taken:\n%s", text);
    }
    assert_null(settings);
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    return error;
}

/* That the first line of the error is at this place and that all of it holds these words. */
static void assert_refused(const char *text, const char *place, const char *words)
{
    struct error error = refused(text);
    char expected[200];
    (void)snprintf(expected, sizeof expected, "%s:%s: ", path, place);
    if (strncmp(error.message, expected, strlen(expected)) != 0 || !strstr(error.message, words))
        fail_msg("expected %s…%s\nfound    %s\nof:\n%s", expected, words, error.message, text);
}

#define FIELDS "    fields: { order_id: text, amount: decimal(2), quantity: integer, status: text, category: text }\n"
#define SOURCE_HEAD "sources:\n  orders:\n    topic: kafka://orders\n    key: order_id\n    event_time: timestamp\n"
#define SOURCE SOURCE_HEAD FIELDS                                                    /* 6 lines */
#define VIEW SOURCE "views:\n  v:\n    source: orders\n    window: tumbling 1 day\n" /* 10 lines */
#define SESSION_OF(window)                                                                                             \
    SOURCE "views:\n  v: { source: orders, window: " window ", dimensions: [status], retention: 48 hours"
#define ALONE SOURCE "    batch: none\n" /* 7 lines */
#define OTHER "  other:\n    topic: kafka://other\n    key: k\n    event_time: t\n    fields: { k: text }\n"
#define KEPT_VIEW                                                                                                      \
    "views:\n  v:\n    source: orders\n    window: tumbling 1 day\n    retention: 30 days\n    measures: { n: count "  \
    "}\n"
#define MEASURES "    measures: { n: count }\n"
#define NO_EVENT_TIME "sources:\n  orders:\n    topic: kafka://orders\n    key: order_id\n"

static const char full_example[] =
    "time_zone: Europe/London                 # where a day begins, for views that don't say\n"
    "kafka:    { brokers: \"127.0.0.1:9092\", group: tidemark }   # any property under `properties:`\n"
    "redis:    { url: \"redis://127.0.0.1:6379/0\", namespace: tidemark }\n"
    "postgres: { url: \"postgresql://tidemark@127.0.0.1/tidemark\" }\n"
    "http:     { listen: \"127.0.0.1:8080\" }\n"
    "\n"
    "sources:\n"
    "  orders:\n"
    "    topic: kafka://orders\n"
    "    key: order_id\n"
    "    event_time: timestamp\n"
    "    on_duplicate: replace                # or: ignore, none\n"
    "    horizon: 48 hours\n"
    "    max_future: 1 hour\n"
    "    dead_letter: kafka://orders-dead-letter\n"
    "    breaker: 50\n"
    "    fields:\n"
    "      order_id: text\n"
    "      customer_id: text\n"
    "      customer_segment: text\n"
    "      product_id: text\n"
    "      category: text\n"
    "      amount: decimal(2)                 # exact: never a float\n"
    "      quantity: integer\n"
    "      status: text\n"
    "  transactions:\n"
    "    topic: kafka://transactions\n"
    "    key: transaction_id\n"
    "    event_time: timestamp\n"
    "    on_duplicate: none\n"
    "    fields: { transaction_id: text, customer_id: text, amount: decimal(2) }\n"
    "\n"
    "views:\n"
    "  daily_revenue:\n"
    "    source: orders\n"
    "    where: status <> 'cancelled' and amount > 0\n"
    "    window: tumbling 1 day\n"
    "    measures: { order_count: count, total_revenue: sum(amount) }\n"
    "  live_revenue:\n"
    "    source: orders\n"
    "    where: status <> 'cancelled' and amount > 0\n"
    "    window: tumbling_1_minute            # the underscored spelling means the same\n"
    "    retention: 48 hours\n"
    "    measures: { order_count: count, total_revenue: sum(amount) }\n"
    "  daily_summary:\n"
    "    source: orders\n"
    "    where: status <> 'cancelled' and amount > 0\n"
    "    window: tumbling 1 day\n"
    "    dimensions: [category, customer_segment]\n"
    "    measures:\n"
    "      total_orders: count\n"
    "      total_revenue: sum(amount)\n"
    "      avg_order_value: avg(amount)\n"
    "\n"
    "detectors:\n"
    "  fraud:\n"
    "    source: transactions                 # a source like orders\n"
    "    alerts: kafka://fraud-alerts\n"
    "    lateness: 1 minute                   # how long an out-of-order transaction is waited for\n"
    "    rules:\n"
    "      - velocity: { by: customer_id, more_than: 5, within: 5 minutes }\n"
    "        message: \"High velocity: {count} transactions in 5 min\"\n"
    "      - when: amount > 10000\n"
    "        message: \"Large transaction: {amount}\"\n"
    "\n"
    "jobs:\n"
    "  nightly:\n"
    "    schedule: \"0 2 * * *\"\n";

static void the_full_example_loads(void **state)
{
    (void)state;
    struct settings *settings = loaded(full_example);
    assert_string_equal(settings->path, path);
    assert_string_equal(settings->time_zone, "Europe/London");
    assert_string_equal(zone_name(settings->zone), "Europe/London");
    assert_int_equal(settings->source_count, 2);
    assert_int_equal(settings->detector_count, 1);
    assert_int_equal(settings->detectors[0].rule_count, 2);
    const struct source *source = settings_source(settings, text_of("orders"));
    assert_ptr_equal(source, &settings->sources[0]);
    assert_string_equal(source->topic, "orders");
    assert_string_equal(source->dead_letter, "orders-dead-letter");
    assert_int_equal(source->breaker, 50);
    assert_int_equal(source->on_duplicate, ON_DUPLICATE_REPLACE);
    assert_int_equal(source->horizon_us, INT64_C(48) * 3600 * 1000000);
    assert_int_equal(source->schema.max_future_us, INT64_C(3600) * 1000000);
    assert_int_equal(source->schema.field_count, 8);
    assert_int_equal(source->schema.key, 0);
    assert_string_equal(source->schema.event_time, "timestamp");
    assert_int_equal(source->schema.event_time_unit, TIME_RFC3339);
    assert_int_equal(source->schema.fields[5].type, FIELD_DECIMAL);
    assert_int_equal(source->schema.fields[5].scale, 2);
    assert_int_equal(source->schema.fields[6].type, FIELD_INTEGER);
    assert_int_equal(source->view_count, 3);
    assert_int_equal(strlen(source->fingerprint), FINGERPRINT_SIZE - 1);
    settings_destroy(settings);
}

static const struct view *view_of(const struct source *source, const char *name)
{
    for (size_t i = 0; i < source->view_count; i++)
        if (strcmp(source->views[i].name, name) == 0)
            return &source->views[i];
    return NULL;
}

static void views_are_found_with_all_their_parts(void **state)
{
    (void)state;
    struct settings *settings = loaded(full_example);
    const struct source *source = settings_source(settings, text_of("orders"));
    assert_non_null(source);
    const struct view *view = view_of(source, "daily_summary");
    assert_non_null(view);
    assert_ptr_equal(view->schema, &source->schema);
    assert_ptr_equal(view->zone, settings->zone);
    assert_non_null(view->where);
    assert_int_equal(view->window.length_s, 86400);
    assert_int_equal(view->dimension_count, 2);
    assert_int_equal(view->dimensions[0], 4);
    assert_int_equal(view->measure_count, 3);
    assert_int_equal(view->measures[0].kind, MEASURE_COUNT);
    assert_int_equal(view->measures[0].field, FIELD_NONE);
    assert_int_equal(view->measures[1].kind, MEASURE_SUM);
    assert_int_equal(view->measures[2].kind, MEASURE_AVERAGE);
    assert_string_equal(view->measures[2].name, "avg_order_value");
    assert_int_equal(view->sum_count, 1);
    assert_int_equal(view->measures[1].sum, view->measures[2].sum);
    assert_int_equal(view->sums[0], 5);
    const struct view *live = view_of(source, "live_revenue");
    assert_int_equal(live->window.length_s, 60);
    assert_int_equal(live->retention_s, 48 * 3600);
    assert_string_not_equal(live->fingerprint, view->fingerprint);
    assert_null(settings_source(settings, text_of("no_such_source")));
    settings_destroy(settings);
}

#define MEMBERS_VIEW                                                                                                   \
    SOURCE "views:\n  v:\n    source: orders\n    window: tumbling 1 hour\n    time_zone: Asia/Kolkata\n"              \
           "    where: amount > 0\n    dimensions: [category]\n    retention: 2 days\n"                                \
           "    measures: { n: count, u: unique(status), least: min(amount), s: sum(amount), most: max(amount)%s }\n"  \
           "  w: { source: orders, window: tumbling 1 day, measures: { n: count } }\n"

static void measures_that_rest_on_members_have_a_hidden_view_for_each_field(void **state)
{
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, MEMBERS_VIEW, "");
    struct settings *settings = loaded(text);
    const struct source *source = settings_source(settings, text_of("orders"));
    assert_int_equal(source->view_count, 4);
    assert_int_equal(source_shown_count(source), 2);
    const struct view *view = &source->views[0], *by_status = &source->views[2], *by_amount = &source->views[3];
    assert_string_equal(source->views[1].name, "w");
    assert_string_equal(by_status->name, "v:status");
    assert_string_equal(by_amount->name, "v:amount");
    assert_null(settings_view(settings, text_of("v:status"), NULL));
    assert_int_equal(view->member_count, 3);
    assert_int_equal(view->sum_count, 1);
    const size_t sums[] = {0, 1, 2, 0, 3}, members[] = {2, 3, 3};
    for (size_t i = 1; i < 5; i++)
        assert_int_equal(view->measures[i].sum, sums[i]);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(view->members[i], members[i]);
    for (const struct view *hidden = by_status; hidden <= by_amount; hidden++) {
        assert_ptr_equal(hidden->shown, view);
        assert_ptr_equal(hidden->where, view->where);
        assert_ptr_equal(hidden->zone, view->zone);
        assert_int_equal(hidden->window.length_s, 3600);
        assert_int_equal(hidden->retention_s, view->retention_s);
        assert_int_equal(hidden->dimension_count, 2);
        assert_int_equal(hidden->dimensions[0], view->dimensions[0]);
        assert_int_equal(hidden->sum_count + hidden->member_count + hidden->measure_count, 0);
    }
    assert_int_equal(member_field(by_status), view->measures[1].field);
    assert_int_equal(member_field(by_amount), view->measures[2].field);
    settings_destroy(settings);
}

static void a_job_runs_all_sources_unless_it_lists_some(void **state)
{
    (void)state;
    struct settings *settings = loaded(SOURCE "  returns:\n    topic: kafka://returns\n    on_duplicate: none\n"
                                              "    event_time: { field: at, unit: milliseconds }\n"
                                              "    fields: { amount: decimal(0) }\n"
                                              "jobs:\n  all: { schedule: \"0 2 * * *\" }\n"
                                              "  some: { schedule: \"*/5 * * * *\", sources: [returns] }\n");
    assert_int_equal(settings->job_count, 2);
    assert_string_equal(settings->jobs[0].name, "all");
    assert_int_equal(settings->jobs[0].source_count, 2);
    assert_int_equal(settings->jobs[1].source_count, 1);
    assert_ptr_equal(settings->jobs[1].sources[0], &settings->sources[1]);
    assert_int_equal(settings->sources[1].schema.key, FIELD_NONE);
    assert_int_equal(settings->sources[1].schema.event_time_unit, TIME_MILLISECONDS);
    assert_string_equal(settings->sources[1].schema.event_time, "at");
    settings_destroy(settings);
}

static void what_is_not_written_has_its_default(void **state)
{
    (void)state;
    struct settings *settings = loaded(SOURCE "kafka:\nviews:\n");
    assert_string_equal(settings->time_zone, "UTC");
    assert_string_equal(settings->kafka.brokers, "127.0.0.1:9092");
    assert_string_equal(settings->kafka.group, "tidemark");
    assert_int_equal(settings->kafka.properties.count, 0);
    assert_string_equal(settings->redis.url, "redis://127.0.0.1:6379/0");
    assert_null(settings->redis.password);
    assert_string_equal(settings->redis.name_space, "tidemark");
    assert_string_equal(settings->postgres.url, "postgresql://tidemark@127.0.0.1/tidemark");
    assert_string_equal(settings->http.host, "127.0.0.1");
    assert_int_equal(settings->http.port, 8080);
    assert_int_equal(settings->http.memory_bytes, INT64_C(1) << 30);
    assert_int_equal(settings->http.threads, 2);
    assert_int_equal(settings->http.refresh_us, 20000);
    assert_in_range(settings->speed.workers, 1, WORKERS_MAX);
    assert_int_equal(settings->speed.flush_every_us, 50000);
    assert_int_equal(settings->speed.flush_messages, 100000);
    assert_int_equal(settings->speed.index_bytes, INT64_C(1) << 30);
    assert_int_equal(settings->speed.groups_max, 100000);
    assert_int_equal(settings->speed.live_groups_max, 1000000);
    assert_int_equal(settings->speed.live_bytes_max, INT64_C(1) << 30);
    assert_int_equal(settings->batch.ingest_messages, 100000);
    assert_int_equal(settings->sources[0].horizon_us, INT64_C(48) * 3600 * 1000000);
    assert_int_equal(settings->sources[0].idle_after_us, INT64_C(60) * 1000000);
    assert_int_equal(settings->sources[0].schema.max_future_us, INT64_C(3600) * 1000000);
    assert_null(settings->sources[0].dead_letter);
    assert_int_equal(settings->sources[0].breaker, 1000);
    assert_int_equal(settings->job_count, 0);
    settings_destroy(settings);
}

static void every_key_of_the_sections_is_taken(void **state)
{
    (void)state;
    struct settings *settings = loaded(
        SOURCE
        "kafka: { brokers: 'a:1,b:2', group: g, properties: { security.protocol: ssl, queued.min.messages: 5 } }\n"
        "redis: { url: 'unix:///run/redis.sock', namespace: staging }\n"
        "postgres: { url: 'host=/run/postgresql dbname=x' }\n"
        "http: { listen: '[::1]:81', memory: 2 MiB, threads: 9, refresh: 1 s }\n"
        "speed: { workers: 3, flush_every: 1 minute, flush_messages: 7, index_memory: 64MiB, groups: 8, live_groups: 9 "
        "}\n"
        "batch: { ingest_messages: 12 }\n");
    assert_string_equal(settings->kafka.brokers, "a:1,b:2");
    assert_int_equal(settings->kafka.properties.count, 2);
    assert_string_equal(settings->kafka.properties.entries[0].name, "security.protocol");
    assert_string_equal(settings->kafka.properties.entries[1].value, "5");
    assert_string_equal(settings->redis.url, "unix:///run/redis.sock");
    assert_string_equal(settings->redis.name_space, "staging");
    assert_string_equal(settings->postgres.url, "host=/run/postgresql dbname=x");
    assert_string_equal(settings->http.host, "::1");
    assert_int_equal(settings->http.port, 81);
    assert_int_equal(settings->http.memory_bytes, 2 << 20);
    assert_int_equal(settings->http.threads, 9);
    assert_int_equal(settings->http.refresh_us, 1000000);
    assert_int_equal(settings->speed.workers, 3);
    assert_int_equal(settings->speed.flush_every_us, 60000000);
    assert_int_equal(settings->speed.flush_messages, 7);
    assert_int_equal(settings->speed.index_bytes, 64 << 20);
    assert_int_equal(settings->speed.groups_max, 8);
    assert_int_equal(settings->speed.live_groups_max, 9);
    assert_int_equal(settings->batch.ingest_messages, 12);
    settings_destroy(settings);
}

static void a_listener_beyond_this_machine_has_to_be_meant(void **state)
{
    (void)state;
    static const char *const near[] = {"127.0.0.1:80", "127.8.9.1:80", "[::1]:80", "localhost:80",
                                       "unix:///run/t.sock"};
    char text[1000];
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        snprintf(text, sizeof text, SOURCE "http: { listen: '%s' }\n", near[i]);
        settings_destroy(loaded(text));
    }
    struct settings *settings = loaded(SOURCE "http: { listen: '0.0.0.0:80', insecure: true }\n");
    assert_true(settings->http.insecure);
    settings_destroy(settings);
}

static void origins_are_named_one_by_one_or_all(void **state)
{
    (void)state;
    struct settings *settings =
        loaded(SOURCE "http: { allow_origins: [\"https://a.b:8443\", \"http://localhost\", \"*\"] }\n");
    assert_int_equal(settings->http.origin_count, 3);
    assert_string_equal(settings->http.origins[0], "https://a.b:8443");
    assert_string_equal(settings->http.origins[2], "*");
    settings_destroy(settings);
    settings = loaded(SOURCE "http: { allow_origins: [] }\n");
    assert_int_equal(settings->http.origin_count, 0);
    settings_destroy(settings);
    assert_refused(SOURCE "http: { allow_origins: \"*\" }\n", "7:24", "expected a list of origins");
    assert_refused(SOURCE "http: { allow_origins: [\"https://a\", \"https://a/b\"] }\n", "7:38", "without a path");
    assert_refused(SOURCE "http: { allow_origins: [a.b] }\n", "7:25", "an origin is https://host");
    assert_refused(SOURCE "http: { allow_origins: [[]] }\n", "7:25", "expected an origin");
    assert_refused(SOURCE "http: { allow_origins: [\"https://a:443\"] }\n", "7:25", "where it isn't 443");
    assert_refused(SOURCE "http: { allow_origins: [\"http://[::1]:80\"] }\n", "7:25", "80 of http://");
    assert_refused(SOURCE "http: { allow_origins: [\"https://A.b\"] }\n", "7:25", "in small letters");
    assert_refused(SOURCE "http: { allow_origins: [\"https://*.a.b\"] }\n", "7:25", "a star");
}

static void a_unix_socket_is_listened_at_by_its_path(void **state)
{
    (void)state;
    struct settings *settings = loaded(SOURCE "http: { listen: 'unix:///run/t.sock' }\n");
    assert_string_equal(settings->http.host, "/run/t.sock");
    assert_int_equal(settings->http.port, 0);
    assert_false(settings->http.insecure);
    settings_destroy(settings);
}

static void byte_order_mark_and_carriage_returns_are_harmless(void **state)
{
    (void)state;
    settings_destroy(loaded("\xEF\xBB\xBFsources:\r\n  orders:\r\n    topic: kafka://orders\r\n    key: k\r\n"
                            "    event_time: t\r\n    fields: { k: text }\t\r\n"));
    assert_refused("\xEF\xBB\xBFtime_zome: UTC\r\n" SOURCE, "1:1", "unknown key \"time_zome\"");
}

static void good_brokers_and_groups_are_taken(void **state)
{
    (void)state;
    static const char *const brokers[] = {"h", "h:1", "h:1,k:2", "h:1, k:2", "[::1]:9092", "SSL://h:1,SASL_SSL://k"};
    for (size_t i = 0; i < sizeof brokers / sizeof brokers[0]; i++) {
        char text[1000];
        (void)snprintf(text, sizeof text, SOURCE "kafka: { brokers: \"%s\", group: \"a group/%d ü\" }\n", brokers[i],
                       1);
        struct settings *settings = loaded(text);
        assert_string_equal(settings->kafka.brokers, brokers[i]);
        assert_string_equal(settings->kafka.group, "a group/1 ü");
        settings_destroy(settings);
    }
}

static void brokers_may_be_a_list(void **state)
{
    (void)state;
    struct settings *settings = loaded(SOURCE "kafka: { brokers: [\"a:9092\"] }\n");
    assert_string_equal(settings->kafka.brokers, "a:9092");
    settings_destroy(settings);
    settings = loaded(SOURCE "kafka:\n  brokers:\n    - a:1\n    - SSL://[::1]:2\n");
    assert_string_equal(settings->kafka.brokers, "a:1,SSL://[::1]:2");
    settings_destroy(settings);
    assert_refused(SOURCE "kafka: { brokers: [] }\n", "7:19", "\"brokers\" must not be empty");
    assert_refused(SOURCE "kafka: { brokers: [\"a:1\", \"b:x\"] }\n", "7:28", "a broker is host:port");
    assert_refused(SOURCE "kafka: { brokers: [[a]] }\n", "7:20", "expected a broker such as");
}

static void a_character_that_breaks_a_redis_url_is_told_with_the_way_to_write_it(void **state)
{
    (void)state;
    static const char *const passwords[] = {"hunter#2", "hunter?2", "hunter/2", "#"};
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        char text[1000];
        (void)snprintf(text, sizeof text, SOURCE "redis: { url: \"redis://:%s@h:6379/0\" }\n", passwords[i]);
        assert_refused(text, "7:15", "%23");
        assert_non_null(strstr(refused(text).message, "`password_file`"));
        assert_null(strstr(refused(text).message, "hunter"));
    }
    assert_refused(SOURCE "redis: { url: \"redis://h/0#x\" }\n", "7:15", "not supported");
}

static void group_is_the_namespace_where_it_is_not_given(void **state)
{
    (void)state;
    struct settings *settings = loaded(SOURCE "redis: { namespace: staging }\n");
    assert_string_equal(settings->kafka.group, "staging");
    settings_destroy(settings);
    settings = loaded(SOURCE "redis: { namespace: staging }\nkafka: { group: ours }\n");
    assert_string_equal(settings->kafka.group, "ours");
    settings_destroy(settings);
}

static void a_group_has_at_most_200_bytes(void **state)
{
    (void)state;
    for (int length = 200; length <= 201; length++) {
        char text[1000];
        (void)snprintf(text, sizeof text, SOURCE "kafka: { group: %0*d }\n", length, 1);
        if (length == 200)
            settings_destroy(loaded(text));
        else
            assert_refused(text, "7:17", "at most 200 bytes");
    }
}

static void good_urls_are_taken(void **state)
{
    (void)state;
    static const char *const urls[] = {"redis://h",        "redis://h:1",        "redis://h/3",
                                       "redis://:p@h:1/2", "redis://u:p@x@h:1/", "redis://[::1]:6379/1",
                                       "redis://[::1]",    "unix:///a/b"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char text[1000];
        (void)snprintf(text, sizeof text, SOURCE "redis: { url: \"%s\" }\n", urls[i]);
        struct settings *settings = loaded(text);
        assert_string_equal(settings->redis.url, urls[i]);
        settings_destroy(settings);
    }
}

struct bad {
    const char *text, *place, *words;
};

static const struct bad bad_yaml[] = {
    {"", "1:1", "the file is empty"},
    {"# nothing but a comment\n", "1:1", "the file is empty"},
    {"- a\n", "1:1", "expected a map of settings, not a list"},
    {"just words\n", "1:1", "expected a map of settings"},
    {"a: [1, 2\n", "2:1", ""},
    {"a: b: c\n", "1:5", "mapping values"},
    {"sources:\n\torders: x\n", "2:1", "a tab can't indent"},
    {"a: &x 1\n", "1:4", "anchors"},
    {"a: *x\n", "1:4", "aliases"},
    {"a: !!str x\n", "1:4", "tags"},
    {"a: !own {b: c}\n", "1:4", "tags"},
    {"jobs:\n  j: { schedule: * 2 * * * }\n", "2:18", "a text that begins with * stands in quotes"},
    {"jobs:\n  j: { schedule: */5 * * * * }\n", "2:18", "a text that begins with * stands in quotes"},
    {"time_zone: UTC\n\xEF\xBB\xBFkafka: {}\n", "2:1", "a byte-order mark"},
    {"\xEF\xBB\xBF\xEF\xBB\xBFtime_zone: UTC\n", "1:1", "a byte-order mark"},
    {"a: &x [1]\n", "1:4", "anchors"},
    {"time_zone: UTC\n---\ntime_zone: UTC\n", "2:1", "a second document"},
    {"time_zone: UTC\ntime_zone: UTC\n" SOURCE, "2:1", "duplicate key \"time_zone\", first given at 1:1"},
    {SOURCE "redis:\n  url: 'redis://h'\n  namespace: a\n  'url': x\n", "10:3", "first given at 8:3"},
    {"? [a, b]\n: c\n", "1:3", "a key must be a single word"},
    {"a: \"x\\0y\"\n", "1:4", "NUL"},
    {"a: \xC3\x28\n", "1:4", "not UTF-8: byte 0xC3"},
    {"a: b\nc: \xED\xA0\x80\n", "2:4", "not UTF-8"},
    {"a: \x01\n", "1:4", "control character"},
    {"a: {b: 'x\n", "2:1", ""},
    {"a: { b: ${X} }\n", "1:9", "has to stand in quotes"},
    {"a: [ü, ${X}]\n", "1:8", "has to stand in quotes"},
};

static const struct bad bad_settings[] = {
    {"time_zone: UTC\n", "1:1", "\"sources\" is missing"},
    {"sources: {}\n", "1:10", "at least one source"},
    {"sources:\n", "1:1", "\"sources\" is missing"},
    {"sources: [a]\n", "1:10", "expected a map, not a list"},
    {"kafak: { group: x }\n" SOURCE, "1:1", "unknown key \"kafak\"; did you mean \"kafka\"?"},
    {SOURCE "kafka: { groop: x }\n", "7:10", "did you mean \"group\"?"},
    {SOURCE "kafka: x\n", "7:8", "expected a map of settings, not a single value"},
    {SOURCE "kafka: { group: [x] }\n", "7:17", "expected a text, not a list"},
    {SOURCE "kafka: { group: }\n", "7:10", "nothing is given"},
    {SOURCE "kafka: { group: ~ }\n", "7:17", "nothing is given"},
    {SOURCE "kafka: { group: '' }\n", "7:17", "must not be empty"},
    {SOURCE "kafka: { group: \"a\\tb\" }\n", "7:17", "without control characters"},
    {SOURCE "kafka: { brokers: '' }\n", "7:20", "a broker is host:port"},
    {SOURCE "kafka: { brokers: 'h:abc' }\n", "7:20", "a broker is host:port"},
    {SOURCE "kafka: { brokers: h:99999 }\n", "7:19", "a broker is host:port"},
    {SOURCE "kafka: { brokers: 'h:1, k:0' }\n", "7:25", "a broker is host:port"},
    {SOURCE "kafka: { brokers: 'h:1,' }\n", "7:24", "a broker is host:port"},
    {SOURCE "kafka: { brokers: 'h:1 k:2' }\n", "7:20", "a broker is host:port"},
    {SOURCE "kafka: { brokers: 'kafka://h:1' }\n", "7:20", "a broker is host:port"},
    {SOURCE "kafka: { brokers: '[x]:1' }\n", "7:20", "a broker is host:port"},
    {SOURCE "kafka: { properties: { group.id: x } }\n", "7:24", "it is kafka.group"},
    {SOURCE "kafka: { properties: { transactional.id: x } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { enable.idempotence: false } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { enable.partition.eof: false } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { group.instance.id: x } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { enable.auto.commit: true } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { enable.auto.offset.store: true } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { auto.offset.reset: latest } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { isolation.level: x } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { partition.assignment.strategy: x } }\n", "7:24", "can't be set"},
    {SOURCE "kafka: { properties: { a: [1] } }\n", "7:27", "expected the value of a property"},
    {SOURCE "redis: { namespace: 'a{b}' }\n", "7:21", "must be of letters"},
    {SOURCE "redis: { url: 'rediss://h' }\n", "7:15", "TLS"},
    {SOURCE "redis: { url: 'h:6379' }\n", "7:15", "neither redis:// nor unix://"},
    {SOURCE "redis: { url: 'redis://h:0' }\n", "7:15", "the host or the port"},
    {SOURCE "redis: { url: 'redis://' }\n", "7:15", "the host or the port"},
    {SOURCE "redis: { url: 'redis://h/x' }\n", "7:15", "the database"},
    {SOURCE "redis: { url: 'unix://a' }\n", "7:15", "absolute"},
    {SOURCE "redis: { url: 'redis://h//0' }\n", "7:15", "the host or the port"},
    {SOURCE "redis: { url: 'redis://[x]:1' }\n", "7:15", "the host or the port"},
    {SOURCE "redis: { password_file: '' }\n", "7:25", "must not be empty"},
    {SOURCE "redis: { password_file: /no/such/file }\n", "7:25", "/no/such/file: No such file or directory"},
    {SOURCE "postgres: { url: 'mysql://h/d' }\n", "7:18", "expected postgresql://"},
    {SOURCE "postgres: { url: nonsense }\n", "7:18", "expected postgresql://"},
    {SOURCE "http: { listen: '8080' }\n", "7:17", "an address and a port"},
    {SOURCE "http: { tls: { certificate: c } }\n", "7:9", "\"key\" is missing"},
    {SOURCE "http: { tls: { key: k } }\n", "7:9", "\"certificate\" is missing"},
    {SOURCE "http: { tls: { certificate: c, key: '' } }\n", "7:37", "must be the path of a file"},
    {SOURCE "http: { tls: { certificate: c, key: [k] } }\n", "7:37", "the path of a file"},
    {SOURCE "http: { tls: {} }\n", "7:9", "is missing"},
    {SOURCE "http: { tls: }\n", "7:9", "a map of settings, but nothing is given"},
    {SOURCE "http: { tls: true }\n", "7:14", "a map of settings"},
    {SOURCE "http: { listen: 'h:0' }\n", "7:17", "an address and a port"},
    {SOURCE "http: { listen: 'h:65536' }\n", "7:17", "an address and a port"},
    {SOURCE "http: { listen: ':80' }\n", "7:17", "an address and a port"},
    {SOURCE "http: { listen: '::1:80' }\n", "7:17", "an address and a port"},
    {SOURCE "http: { listen: 'unix://a/b' }\n", "7:17", "an address and a port"},
    {SOURCE "http: { listen: 'unix:///a/' }\n", "7:17", "unix:///path"},
    {SOURCE "http: { listen: '0.0.0.0:80' }\n", "7:17", "insecure: true"},
    {SOURCE "http: { listen: '[::]:80' }\n", "7:17", "insecure: true"},
    {SOURCE "http: { listen: 'host:80', insecure: false }\n", "7:17", "insecure: true"},
    {SOURCE "http: { insecure: yes }\n", "7:19", "expected true or false, not \"yes\""},
    {SOURCE "http: { threads: 0 }\n", "7:18", "\"threads\" must be 1 to 256"},
    {SOURCE "http: { threads: 257 }\n", "7:18", "\"threads\" must be 1 to 256"},
    {SOURCE "http: { threads: two }\n", "7:18", "expected a whole number, not \"two\""},
    {SOURCE "http: { threads: 1.5 }\n", "7:18", "expected a whole number"},
    {SOURCE "http: { memory: 1 GB }\n", "7:17", "the unit is unknown; did you mean \"GiB\"?"},
    {SOURCE "http: { memory: 64mib }\n", "7:17", "did you mean \"MiB\"?"},
    {SOURCE "http: { memory: 1.5 GiB }\n", "7:17", "not \"1.5 GiB\": the number must be whole"},
    {SOURCE "http: { refresh: 1 sceond }\n", "7:18", "did you mean \"second\"?"},
    {SOURCE "http: { refresh: 50 milliseconds }\n", "7:18", "not \"50 milliseconds\": the unit is unknown"},
    {SOURCE "http: { memory: 12 }\n", "7:17", "the unit is missing"},
    {SOURCE "http: { memory: 1 KiB }\n", "7:17", "\"memory\" must be 1 MiB to 1 TiB"},
    {SOURCE "http: { memory: 99999999999 TiB }\n", "7:17", "the number is too large"},
    {SOURCE "http: { refresh: 50 }\n", "7:18", "the unit is missing"},
    {SOURCE "http: { refresh: fast }\n", "7:18", "not \"fast\": it begins with no number"},
    {SOURCE "http: { refresh: 5 hrs }\n", "7:18", "the unit is unknown; did you mean \"hours\"?"},
    {SOURCE "http: { refresh: 2 minutes }\n", "7:18", "must be 1 ms to 1 minute"},
    {SOURCE "http: { refresh: -5 ms }\n", "7:18", "it begins with no number"},
    {SOURCE "time_zone: Europe/Londom\n", "7:12", "Europe/Londom"},
};

static const struct bad bad_sources[] = {
    {"sources:\n  orders:\n", "2:3", "expected a map that describes the source"},
    {"sources:\n  1orders: {}\n", "2:3", "a name is of letters"},
    {"sources:\n  a23456789012345678901234567890123456789x1: {}\n", "2:3", "a name is of letters"},
    {"sources:\n  'a b': {}\n", "2:3", "a name is of letters"},
    {"sources:\n  orders:\n    topic: orders\n    key: order_id\n    event_time: t\n" FIELDS, "3:12", "kafka://orders"},
    {"sources:\n  orders:\n    topic: kafka://a b\n    key: order_id\n    event_time: t\n" FIELDS, "3:20",
     "a topic's name"},
    {"sources:\n  orders:\n    key: order_id\n    event_time: t\n" FIELDS, "2:3", "\"topic\" is missing"},
    {NO_EVENT_TIME FIELDS, "2:3", "\"event_time\" is missing"},
    {SOURCE_HEAD, "2:3", "\"fields\" is missing"},
    {SOURCE "    horizont: 2 days\n", "7:5", "did you mean \"horizon\"?"},
    {SOURCE "    idle_after: 0 s\n", "7:17", "\"idle_after\" must be 1 second to 365 days"},
    {SOURCE "    horizon: 1 s\n", "7:14", "\"horizon\" must be 1 minute to 3650 days"},
    {SOURCE "    speed: none\n    batch: none\n", "8:12", "nothing would be computed"},
    {SOURCE "    batch: nothing\n", "7:12", "expected layer or none"},
    {SOURCE "    horizon: 2 days\n    batch: none\n", "7:14", "there is no horizon with batch: none"},
    {ALONE "views:\n  v: { source: orders, window: tumbling 1 day, measures: { n: count } }\n", "9:3",
     "a view of a source with batch: none needs a \"retention\""},
    {ALONE KEPT_VIEW "    emit: [{ to: postgres://bi.v }]\n", "14:18", "is answered without PostgreSQL"},
    {ALONE KEPT_VIEW "jobs: { nightly: { schedule: '0 2 * * *' } }\n", "14:9", "each source says batch: none"},
    {ALONE OTHER KEPT_VIEW "jobs: { nightly: { sources: [other, orders] } }\n", "19:37",
     "the source \"orders\" says batch: none"},
    {ALONE OTHER KEPT_VIEW "jobs: { a: { archive: orders, write: 'lake/date={date}/' } }\n", "19:23",
     "the source \"orders\" says batch: none"},
    {ALONE OTHER KEPT_VIEW "jobs: { q: { repeatable: true, query: 'SELECT 1 FROM raw.orders' } }\n", "19:39",
     "the source \"orders\" says batch: none"},
    {SOURCE "    on_duplicate: replaced\n", "7:19", "expected replace, ignore or none; did you mean \"replace\"?"},
    {SOURCE "    breaker: -1\n", "7:14", "\"breaker\" must be 0 to 1000000"},
    {SOURCE "    dead_letter: kafka://orders\n", "7:18", "bad messages would come back"},
    {SOURCE "  more:\n    topic: kafka://orders\n    key: k\n    event_time: t\n    fields: { k: text }\n", "8:12",
     "the source \"orders\" follows this topic already"},
    {"sources:\n  orders:\n    topic: kafka://orders\n    event_time: t\n" FIELDS, "2:3", "\"key\" is missing"},
    {"sources:\n  orders:\n    topic: kafka://orders\n    key: oder_id\n    event_time: t\n" FIELDS, "4:10",
     "unknown field \"oder_id\"; did you mean \"order_id\"?"},
    {"sources:\n  orders:\n    topic: kafka://orders\n    key: $K\n    event_time: t\n" FIELDS, "4:10",
     "unknown field \"$K\"; a variable of the environment is written ${NAME}"},
    {"sources:\n  orders:\n    topic: kafka://orders\n    key: größe\n    event_time: t\n" FIELDS, "4:10",
     "unknown field \"größe\""},
    {"sources:\n  orders:\n    topic: kafka://orders\n    key: amount\n    event_time: t\n" FIELDS, "4:10",
     "the key must be a text field"},
    {NO_EVENT_TIME "    event_time: quantity\n" FIELDS, "5:17", "declared as a number"},
    {NO_EVENT_TIME "    event_time: { field: status, unit: seconds }\n" FIELDS, "5:17", "declared as text"},
    {NO_EVENT_TIME "    event_time: { field: t, unit: second }\n" FIELDS, "5:35", "did you mean \"seconds\"?"},
    {NO_EVENT_TIME "    event_time: { unit: seconds }\n" FIELDS, "5:5", "\"field\" is missing"},
    {NO_EVENT_TIME "    event_time: \"a\\nb\"\n" FIELDS, "5:17", "must be the name of a field"},
    {NO_EVENT_TIME "    event_time: { field: '' }\n" FIELDS, "5:26", "must not be empty"},
    {NO_EVENT_TIME "    event_time: ''\n" FIELDS, "5:17", "must be the name of a field"},
    {NO_EVENT_TIME "    event_time: [t]\n" FIELDS, "5:17", "the name of a field, or a map"},
    {SOURCE_HEAD "    fields: { order_id: text, a-b: text }\n", "6:31", "a field's name"},
    {SOURCE_HEAD "    fields: { order_id: text, 1a: text }\n", "6:31", "a field's name"},
    {SOURCE_HEAD "    fields: { order_id: text, tm_x: text }\n", "6:31", "Tidemark's own"},
    {SOURCE_HEAD "    fields: { order_id: text, ctid: text }\n", "6:31", "every table of PostgreSQL has a column"},
    {SOURCE_HEAD "    fields: { order_id: text, xmax: decimal(2) }\n", "6:31",
     "every table of PostgreSQL has a column"},
    {SOURCE_HEAD "    fields: { order_id: text, a: txet }\n", "6:34", "not \"txet\"; did you mean \"text\"?"},
    {SOURCE_HEAD "    fields: { order_id: text, a: decimal }\n", "6:34", "0 to 3 digits"},
    {SOURCE_HEAD "    fields: { order_id: text, a: decimal(4) }\n", "6:34", "0 to 3 digits"},
    {SOURCE_HEAD "    fields: { order_id: text, a: decimal(-1) }\n", "6:34", "0 to 3 digits"},
    {SOURCE_HEAD "    fields: { order_id: text, a: text(3) }\n", "6:34", "expected text, integer or decimal(n)"},
    {SOURCE_HEAD "    fields: { order_id: text, a: [text] }\n", "6:34", "expected text, integer or decimal(n)"},
};

#define TRANSACTIONS                                                                                                   \
    "sources:\n  t:\n    topic: kafka://t\n    on_duplicate: none\n    event_time: timestamp\n"                        \
    "    fields: { id: text, customer: text, amount: decimal(2) }\n"
#define DETECTOR TRANSACTIONS "detectors:\n  d:\n    source: t\n    alerts: kafka://a\n" /* 10 lines */
#define RULE "    rules: [{ when: amount > 1, message: large }]\n"
#define VELOCITY "    rules: [{ message: \"{count}\", velocity: { by: customer, more_than: 5, within: 5 minutes } }]\n"

static const struct bad bad_detectors[] = {
    {SOURCE "detectors:\n  d:\n    source: orders\n    alerts: kafka://a\n" RULE, "9:13",
     "none or ignore, not replace"},
    {TRANSACTIONS "detectors:\n  d:\n    source: x\n    alerts: kafka://a\n" RULE, "9:13", "unknown source"},
    {TRANSACTIONS "detectors:\n  d:\n    source: t\n    alerts: kafka://t\n" RULE, "10:13", "follows this topic"},
    {TRANSACTIONS "detectors:\n  dead-letters:\n    source: t\n    alerts: kafka://a\n" RULE, "8:3", "can't be named"},
    {DETECTOR, "8:3", "\"rules\" is missing"},
    {DETECTOR "    rules: []\n", "11:12", "at least one rule"},
    {DETECTOR "    rules: [large]\n", "11:13", "expected a rule"},
    {DETECTOR "    rules: [{ message: large }]\n", "11:13", "either \"velocity\" or \"when\""},
    {DETECTOR "    rules: [{ when: amount > 1 }]\n", "11:13", "\"message\" is missing"},
    {DETECTOR "    rules: [{ when: amuont > 1, message: a }]\n", "11:21", "amount"},
    {DETECTOR "    rules: [{ when: amount > 1, message: \"a {amuont}\" }]\n", "11:45", "did you mean {amount}?"},
    {DETECTOR "    rules: [{ when: amount > 1, message: \"{count}\" }]\n", "11:43", "can't name {count}"},
    {DETECTOR "    rules: [{ when: amount > 1, massage: a }]\n", "11:13", "\"message\" is missing"},
    {DETECTOR "    rules: [{ message: a, velocity: { by: customr, more_than: 5, within: 5 minutes } }]\n", "11:43",
     "did you mean \"customer\""},
    {DETECTOR "    rules: [{ message: a, velocity: { by: amount, more_than: 5, within: 5 minutes } }]\n", "11:43",
     "text or integer"},
    {DETECTOR "    rules: [{ message: a, velocity: { by: [id, id], more_than: 5, within: 5 minutes } }]\n", "11:48",
     "given twice"},
    {DETECTOR "    rules: [{ message: a, velocity: { by: id, more_than: 0, within: 5 minutes } }]\n", "11:58",
     "\"more_than\" must be 1 to"},
    {DETECTOR "    rules: [{ message: a, velocity: { by: id, more_than: 5, within: 5 } }]\n", "11:69",
     "unit is missing"},
    {DETECTOR "    lateness: -1 s\n" RULE, "11:15", "it begins with no number"},
    {DETECTOR "    memory: 1 KiB\n" RULE, "11:13", "must be 1 MiB to"},
    {DETECTOR "    from: start\n" RULE, "11:11", "beginning"},
};

static const struct bad bad_views[] = {
    {SOURCE "views:\n  v: { window: tumbling 1 day, measures: { n: count } }\n", "8:3", "\"source\" is missing"},
    {SOURCE "views:\n  v: { source: oders, window: tumbling 1 day, measures: { n: count } }\n", "8:16",
     "unknown source \"oders\"; did you mean \"orders\"?"},
    {SOURCE "views:\n  'v!': { source: orders, window: tumbling 1 day, measures: { n: count } }\n", "8:3",
     "a name is of"},
    {SOURCE "views:\n  v: { source: orders, measures: { n: count } }\n", "8:3", "\"window\" is missing"},
    {SOURCE "views:\n  v: { source: orders, window: tumbling 7 minutes, measures: { n: count } }\n", "8:32", ""},
    {SOURCE "views:\n  v: { source: orders, window: hopping 1 day, measures: { n: count } }\n", "8:32",
     "must be \"hopping\", a size, \"every\", and a hop"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 1 hour every 7 minutes, measures: { n: count } }\n", "8:32",
     "must hop by minutes that divide an hour, by 1 hour, or by whole days"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 15 days every 2 days, measures: { n: count } }\n", "8:32",
     "must have a hop that divides its size"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 40000 days every 100 days, measures: { n: count } }\n",
     "8:32", "must be at most 36500 days long"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 0 days every 2 days, measures: { n: count } }\n", "8:32",
     "must be \"hopping\", a size, \"every\", and a hop"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 50 minutes every 20 minutes, measures: { n: count } }\n",
     "8:32", "must have a hop that divides its size"},
    {SOURCE "views:\n  v: { source: orders, window: sliding_1_day_every_1_hour, measures: { n: count } }\n", "8:32",
     "both of minutes and hours, as \"24 hours every 1 hour\", or both of days"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 1441 minutes every 1 minute, measures: { n: count } }\n",
     "8:32", "must be at most 1440 hops long"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 6 hours every 1 hour, time_zone: Australia/Lord_Howe, "
            "measures: { n: count } }\n",
     "8:32", "clocks in Australia/Lord_Howe are changed by part of an hour"},
    {SOURCE "views:\n  v: { source: orders, window: hopping 2 days every 1 day, retention: 47 hours, measures: { n: "
            "count } }\n",
     "8:71", "\"retention\" must not be shorter than the window"},
    {SESSION_OF("session 2 hours") ", measures: { n: count } }\n", "8:32",
     "must be \"session\" and a gap of seconds or minutes, at most a day: \"session 30 minutes\""},
    {SESSION_OF("session_1441_minutes") ", measures: { n: count } }\n", "8:32", "a gap of seconds or minutes"},
    {SOURCE "views:\n  v: { source: orders, window: session 5 minutes, retention: 1 day, measures: { n: count } }\n",
     "8:32", "sessions are those of a group: give \"dimensions\""},
    {SOURCE
     "views:\n  v: { source: orders, window: session 5 minutes, dimensions: [status], measures: { n: count } }\n",
     "8:32", "a view of sessions needs a \"retention\""},
    {SESSION_OF("session 1440 minutes") ", measures: { n: unique(status) } }\n", "8:112",
     "unique isn't possible in a view of sessions, which has count, sum and avg"},
    {SESSION_OF("session 1440 minutes") ", measures: { n: max(amount) } }\n", "8:112",
     "max isn't possible in a view of"},
    {SOURCE "views:\n  v: { source: orders, window: session 60 minutes, dimensions: [status], retention: 59 minutes, "
            "measures: { n: count } }\n",
     "8:85", "\"retention\" must not be shorter than the gap"},
    {VIEW, "8:3", "\"measures\" is missing"},
    {VIEW "    measures: {}\n", "11:15", "at least one measure"},
    {VIEW "    measures: { n: cuont }\n", "11:20", "did you mean \"count\"?"},
    {VIEW "    measures: { n: SUM(amount) }\n", "11:20", "did you mean \"sum\"?"},
    {VIEW "    measures: { n: count(amont) }\n", "11:26", "did you mean \"amount\""},
    {VIEW "    measures: { n: count() }\n", "11:20", "the field is missing"},
    {VIEW "    measures: { n: sum }\n", "11:20", "the field is missing"},
    {VIEW "    measures: { n: sum() }\n", "11:20", "the field is missing"},
    {VIEW "    measures: { n: sum(amout) }\n", "11:24", "did you mean \"amount\"?"},
    {VIEW "    measures: { n: sum(quantity*amount) }\n", "11:24",
     "unknown field \"quantity*amount\"; a declared field is expected, nothing is calculated"},
    {SOURCE "views:\n  v: { source: $S, window: tumbling 1 day, measures: { n: count } }\n", "8:16",
     "unknown source \"$S\""},
    {VIEW "    measures: { n: 'avg( status )' }\n", "11:26", "avg needs an integer or decimal field"},
    {VIEW "    measures: { n: sum(amount }\n", "11:20", "expected count, count(field), sum(field), avg(field)"},
    {VIEW "    measures: { n: sum amount }\n", "11:20", "max(field); did you mean \"sum\"?"},
    {VIEW "    measures: { n: \"{Count}\" }\n", "11:20", "max(field); did you mean \"count\"?"},
    {VIEW "    measures: { n: {count} }\n", "11:20", "max(field), not a map; did you mean \"count\"?"},
    {VIEW "    measures: { n: unique(amount) }\n", "11:27", "unique needs a text or integer field"},
    {VIEW "    measures: { n: unique }\n", "11:20", "the field is missing"},
    {VIEW "    measures: { n: unique(catgory) }\n", "11:27", "did you mean \"category\"?"},
    {VIEW "    measures: { n: uniqe(category) }\n", "11:20", "did you mean \"unique\"?"},
    {VIEW "    measures: { n: min(status) }\n", "11:24", "min needs an integer or decimal field"},
    {VIEW "    measures: { n: max(category) }\n", "11:24", "max needs an integer or decimal field"},
    {VIEW "    measures: { n: approx_unique(category) }\n", "11:20", "unique(field)"},
    {VIEW "    measures: { order: count }\n", "11:17", "a measure can't be named \"order\""},
    {VIEW "    measures: { revision: count }\n", "11:17", "a measure can't be named \"revision\""},
    {VIEW "    measures: { final: count }\n", "11:17", "a measure can't be named \"final\""},
    {VIEW "    measures: { window_end: count }\n", "11:17", "a measure can't be named"},
    {VIEW "    measures: { tm_count: count }\n", "11:17", "names that begin with tm_ are Tidemark's own"},
    {VIEW "    measures: { tm_sum_0: sum(amount) }\n", "11:17", "names that begin with tm_ are Tidemark's own"},
    {VIEW "    measures: { tableoid: count }\n", "11:17",
     "every table of PostgreSQL has a column of this name already"},
    {VIEW "    measures: { '1': count }\n", "11:17", "a name is of"},
    {VIEW "    dimensions: [status]\n    measures: { status: count }\n", "12:17",
     "is a dimension of this view already"},
    {VIEW MEASURES "    dimensions: [amount]\n", "12:18", "must be a text or integer field"},
    {VIEW MEASURES "    dimensions: [catgory]\n", "12:18", "did you mean \"category\"?"},
    {VIEW MEASURES "    dimensions: [status, category, status]\n", "12:36", "given twice"},
    {VIEW MEASURES "    dimensions: status\n", "12:17", "expected a list"},
    {VIEW MEASURES "    dimensions: [[status]]\n", "12:18", "expected a name"},
    {VIEW MEASURES "    retention: 1 hour\n", "12:16", "must not be shorter than the window"},
    {VIEW MEASURES "    retention: 86400001 ms\n", "12:16", "whole seconds"},
    {VIEW MEASURES "    retention: 2 days\n    watermark: 3 days\n", "13:16", "must not be longer than the retention"},
    {VIEW MEASURES "    time_zone: Mars/Base\n", "12:16", "Mars/Base"},
    {VIEW MEASURES "    filter: x\n", "12:5", "unknown key \"filter\""},
    {VIEW MEASURES "    where: status = 'x' and amout > 0\n", "12:29", "amout"},
    {VIEW MEASURES "    where: 'status = ''x'' and amout > 0'\n", "12:32", "amout"},
    {VIEW MEASURES "    where: \"status = 'x' and amout > 0\"\n", "12:30", "amout"},
    {VIEW MEASURES "    where: \"status = '\\x41' and amout > 0\"\n", "12:12", "amout"},
    {VIEW MEASURES "    where: |\n      status = 'x'\n      and amout > 0\n", "12:12", "amout"},
    {VIEW MEASURES "    where: status = 'ü' and amout > 0\n", "12:29", "amout"},
    {VIEW MEASURES "jobs: { j: { schedule: '61 * * * *' } }\n", "12:24", ""},
    {VIEW MEASURES "jobs: { j: { schedule: '0 * * * *', sources: [oders] } }\n", "12:47", "did you mean \"orders\"?"},
    {VIEW MEASURES "jobs: { j: { schedule: '0 * * * *', sources: [orders, orders] } }\n", "12:55", "given twice"},
    {VIEW MEASURES "jobs: { j: { schedule: '0 * * * *', sources: [] } }\n", "12:46", "must not be empty"},
};

#define SUMMARY_OF(view) "jobs:\n  j:\n    summarise: " view "\n"
#define SUMMARY VIEW MEASURES SUMMARY_OF("v")
#define READ "    read: raw/{date}/\n"
#define WRITE "    write: gold/{date}/\n"

static const struct bad bad_summaries[] = {
    {SUMMARY READ WRITE "    sources: [orders]\n", "17:14", "a job is of one kind"},
    {SUMMARY READ WRITE "    summarize: v\n", "17:16", "are the same key"},
    {VIEW MEASURES SUMMARY_OF("w") READ WRITE, "14:16", "unknown view"},
    {SUMMARY WRITE, "13:3", "\"read\" is missing"},
    {SUMMARY READ, "13:3", "\"write\" is missing"},
    {SUMMARY "    read: raw/\n" WRITE, "15:11", "has to have {date} in it"},
    {SUMMARY READ "    write: gold/\n", "16:12", "has to have {date} in it"},
    {SUMMARY READ "    write: gold/{day}/{date}\n", "16:12", "only {date} may stand in braces"},
    {SUMMARY "    read: s3://raw/{date}/\n" WRITE, "15:11", "is mounted"},
    {SUMMARY READ "    write: s3://gold/{date}/\n", "16:12", "is mounted"},
    {SUMMARY READ "    write: raw/{date}\n", "16:12", "is the folder that is read"},
    {SUMMARY READ "    write: raw//./{date}/gold/\n", "16:12", "or one in it or around it: name a folder beside it"},
    {SUMMARY "    read: /raw/{date}/orders\n    write: /raw/{date}/\n", "16:12", "or one in it or around it"},
    {SUMMARY READ WRITE "    joins: [{ read: 'gold/{date}', on: status }]\n", "16:12", "is a folder that is joined"},
    {SUMMARY READ WRITE "    joins: [{ read: ./gold/, on: status }]\n", "16:12", "is a folder that is joined, or"},
    {SUMMARY READ WRITE "    joins: [{ read: silver, on: statu }]\n", "17:33", "did you mean \"status\"?"},
    {SUMMARY READ WRITE "    joins: [{ read: silver, on: amount }]\n", "17:33", "text or integer"},
    {SUMMARY READ WRITE "    joins: [{ read: 'postgres://db.example.com/shop', on: status }]\n", "17:21",
     "and no host"},
    {SUMMARY READ WRITE "    joins: [{ read: 'postgres://products', on: status }]\n", "17:21",
     "postgres://schema.table"},
    {SUMMARY READ WRITE "    joins: [{ read: silver }]\n", "17:13", "\"on\" is missing"},
    {SUMMARY READ WRITE "    joins: [silver]\n", "17:13", "a join: a map"},
    {SUMMARY READ WRITE "    partition_by: [status]\n", "17:20", "\"partition_by\" has dimensions of the view"},
    {SUMMARY READ WRITE "    joins: [{ read: silver, on: status }]\n    engine: native\n", "18:13", "without joins"},
    {SUMMARY READ WRITE "    joins: [{ read: 'postgres://a.b', on: status }]\n    engine: spark\n", "18:13",
     "no tables"},
    {SUMMARY READ WRITE "    engine: duck\n", "17:13", "did you mean \"duckdb\"?"},
    {SUMMARY READ WRITE "  k:\n    summarise: v\n" READ "    write: gold/{date}\n", "20:12", "\"j\" writes to this"},
    {VIEW MEASURES "    time_zone: Asia/Tokyo\n" SUMMARY_OF("v") READ WRITE, "15:16", "days are those of Asia/Tokyo"},
    {VIEW MEASURES "jobs: { j: { schedule: '0 * * * *', read: raw } }\n", "12:37",
     "belongs to a job with \"summarise\""},
};

#define ARCHIVE VIEW MEASURES "jobs:\n  j:\n    archive: orders\n"

static const struct bad bad_archives[] = {
    {ARCHIVE, "13:3", "\"write\" is missing"},
    {ARCHIVE "    write: raw/\n", "15:12", "has to have {date} in it"},
    {ARCHIVE "    write: s3://raw/{date}/\n", "15:12", "is mounted"},
    {ARCHIVE WRITE "    sources: [orders]\n", "16:14", "with \"sources\" it publishes, with \"archive\" it archives"},
    {ARCHIVE WRITE "    summarise: v\n", "14:14", "with \"archive\" it archives messages, with \"summarise\" it"},
    {ARCHIVE WRITE READ, "16:5", "\"read\" belongs to a job with \"summarise\""},
    {ARCHIVE WRITE "    partition_by: [status]\n", "16:5", "belongs to a job with \"summarise\""},
    {ARCHIVE WRITE "  k:\n    archive: orders\n    write: gold/{date}\n", "18:12", "\"j\" writes to this"},
    {ARCHIVE WRITE "  k:\n    archive: orders\n    write: gold/{date}/b\n", "18:12", "and a folder is replaced"},
    {VIEW MEASURES "jobs:\n  j:\n    archive: oders\n" WRITE, "14:14", "did you mean \"orders\"?"},
    {VIEW MEASURES "jobs:\n  j:\n" WRITE, "14:5", "belongs to a job with \"archive\" or \"summarise\""},
};

#define QUERY_OF(text) VIEW MEASURES "jobs:\n  j:\n    query: \"" text "\"\n"
#define REPEATABLE "    repeatable: true\n"
#define REPLACE "    replace: { table: a.t, where: 'd = :date' }\n"

static const struct bad bad_queries[] = {
    {QUERY_OF("insert into t select 1"), "13:3", "must not add twice: give \"replace"},
    {QUERY_OF("insert into t select 1") "    replace: { table: t }\n", "15:14", "needs both \"table\" and \"where\""},
    {QUERY_OF("insert into t select 1") "    replace: { table: 'a t', where: 'd = :date' }\n", "15:23",
     "a name as in SQL"},
    {QUERY_OF("insert into t select 1") "    replace: { table: t, where: 'd = :day' }\n", "15:38",
     "\"where\": :day: unknown; the day is :date"},
    {QUERY_OF("insert into t select 1; delete from t") REPLACE, "14:35", "one statement only"},
    {QUERY_OF("insert into t select ';' -- ;\\n;; select 1") REPLACE, "14:12", "one statement only"},
    {QUERY_OF("") REPLACE, "14:13", "there is no statement"},
    {QUERY_OF(" -- nothing") REPLACE, "14:13", "there is no statement"},
    {QUERY_OF("commit") REPEATABLE, "14:13", "in a transaction of its own"},
    {QUERY_OF("insert into t select 'it") REPLACE, "14:34", "a string doesn't end"},
    {QUERY_OF("insert into t select $a$ it $b$") REPLACE, "14:34", "a string between dollars doesn't end"},
    {QUERY_OF("insert into t /* /* */ select 1") REPLACE, "14:27", "a comment doesn't end"},
    {QUERY_OF("insert into t select $1") REPLACE, "14:34", "parameters have no numbers here"},
    {QUERY_OF("insert into t select :day") REPLACE, "14:34", "the day is :date"},
    {QUERY_OF("insert into t select now()") REPLACE, "14:34", "or say \"clock: true\""},
    {QUERY_OF("insert into t select pg_catalog . now ()") REPLACE, "14:47", "a clock says something else"},
    {QUERY_OF("insert into t select CURRENT_TIMESTAMP") REPLACE, "14:34", "a clock says"},
    {QUERY_OF("insert into t select localtime(0)") REPLACE, "14:34", "a clock says"},
    {QUERY_OF("insert into t select date 'today'") REPLACE, "14:39", "a clock says"},
    {QUERY_OF("insert into t select ' NOW '::timestamp") REPLACE, "14:34", "a clock says"},
    {QUERY_OF("insert into t select cast('now' as date)") REPLACE, "14:39", "a clock says"},
    {QUERY_OF("insert into t select timestamp with time zone 'now'") REPLACE, "14:59", "a clock says"},
    {QUERY_OF("insert into t select time(0) 'now'") REPLACE, "14:42", "a clock says"},
    {QUERY_OF("insert into t select age(x) from y") REPLACE, "14:34", "a clock says"},
    {QUERY_OF("insert into t select clock_timestamp()") REPLACE, "14:34", "a clock says"},
    {QUERY_OF("insert into t select 1") REPLACE "    create: create view t as select 1\n", "16:13", "CREATE TABLE"},
    {QUERY_OF("insert into t select 1") REPLACE "    create: create table t (d date default :date)\n", "16:13",
     "is of no day"},
    {QUERY_OF("insert into t select 1") REPLACE "    sources: [orders]\n", "16:14", "a job is of one kind"},
    {QUERY_OF("insert into t select 1") REPLACE "    summarise: v\n", "16:16", "a job is of one kind"},
    {QUERY_OF("insert into t select 1") REPLACE "    read: raw\n", "16:5", "belongs to a job with \"summarise\""},
    {VIEW MEASURES "jobs: { j: { clock: true } }\n", "12:14", "belongs to a job with \"query\""},
};

static const struct bad bad_orders_of_jobs[] = {
    {VIEW MEASURES "jobs: { a: { after: [] } }\n", "12:21", "must not be empty"},
    {VIEW MEASURES "jobs: { night: {}, a: { after: [nigth] } }\n", "12:33", "did you mean \"night\"?"},
    {VIEW MEASURES "jobs: { a: { after: [b, b] }, b: {} }\n", "12:25", "given twice"},
    {VIEW MEASURES "jobs: { a: { after: [a] } }\n", "12:21", "in a circle: a comes after a"},
    {VIEW MEASURES "jobs: { z: { after: [a] }, a: { after: [b, d] }, b: { after: [c] }, c: { after: [a] }, d: {} }\n",
     "12:62", "in a circle: b comes after c, which comes after a, which comes after b"},
    {VIEW MEASURES "jobs: { a: { retries: -1 } }\n", "12:23", "0 to 100"},
    {VIEW MEASURES "jobs: { a: { timeout: 1 hors } }\n", "12:23", ""},
    {VIEW MEASURES "jobs: { a: { catch_up: soon } }\n", "12:24", ""},
};

static void assert_all_refused(const struct bad rows[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(rows[i].text, rows[i].place, rows[i].words);
}

static void yaml_that_hides_something_is_refused(void **state)
{
    (void)state;
    assert_all_refused(bad_yaml, sizeof bad_yaml / sizeof bad_yaml[0]);
}

static void wrong_settings_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_settings, sizeof bad_settings / sizeof bad_settings[0]);
}

static void wrong_sources_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_sources, sizeof bad_sources / sizeof bad_sources[0]);
}

static void wrong_views_and_jobs_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_views, sizeof bad_views / sizeof bad_views[0]);
}

static void wrong_summaries_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_summaries, sizeof bad_summaries / sizeof bad_summaries[0]);
}

static void archive_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    assert_all_refused(bad_archives, sizeof bad_archives / sizeof bad_archives[0]);
    assert_refused(SOURCE_HEAD
                   "    fields: { order_id: text, timestamp: text }\njobs:\n  j:\n    archive: orders\n" WRITE,
                   "9:14", "leave it out of \"fields\"");
    assert_refused(SOURCE_HEAD
                   "    fields: { order_id: text, Timestamp: text }\njobs:\n  j:\n    archive: orders\n" WRITE,
                   "9:14", "differ by upper and lower case only");
}

static void wrong_queries_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_queries, sizeof bad_queries / sizeof bad_queries[0]);
}

static void wrong_orders_of_jobs_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_orders_of_jobs, sizeof bad_orders_of_jobs / sizeof bad_orders_of_jobs[0]);
}

static void a_query_is_as_it_was_written_but_for_its_day(void **state)
{
    (void)state;
    static const struct {
        const char *written, *expected;
        bool has_day;
    } cases[] = {
        {"select :date, :DATE;", "select $1   , $1    ", true},
        {"select:date from t where d=:date", "select $1   from t where d=$1   ", true},
        {"select current_date - 1 from t", "select $2           - 1 from t", true},
        {"select d::date, ':date', E'\\\\':date' from t", "select d::date, ':date', E'\\':date' from t", false},
        {"select $x$ :date ; $x$, x.current_date, a[1:n] from t -- :date", NULL, false},
        {"select /* :date /* ; */ */ \\\":date\\\", 'it''s :date', n.now from t as n", NULL, false},
        {"select age(a, b), 'today', now from t", NULL, false},
        {"select 'today' as date, f('now'), ('now') from t", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1500], expected[500] = "";
        (void)snprintf(text, sizeof text, VIEW MEASURES "jobs:\n  j:\n    repeatable: true\n    query: \"%s\"\n",
                       cases[i].written);
        for (const char *at = cases[i].expected ? cases[i].expected : cases[i].written; *at; at++)
            if (*at != '\\' || cases[i].expected)
                (void)strncat(expected, at, 1);
        struct settings *settings = loaded(text);
        assert_string_equal(settings->jobs[0].query.statement, expected);
        assert_int_equal(settings->jobs[0].query.has_day, cases[i].has_day);
        assert_int_equal(job_has_days(&settings->jobs[0]), cases[i].has_day);
        settings_destroy(settings);
    }
}

static void a_query_knows_what_it_reads_makes_and_replaces(void **state)
{
    (void)state;
    struct settings *settings = loaded(
        QUERY_OF("insert into t select date from raw.orders join \\\"live\\\" . orders using (id) where date = :date")
            REPLACE "    create: create table if not exists \"A b\".t (d date)\n    timeout: 1 hour\n    catch_up: 7 "
                    "days\n    after: [all]\n  all: {}\n");
    const struct job *job = &settings->jobs[0];
    assert_int_equal(job->kind, JOB_QUERY);
    assert_int_equal(job->query.read_count, 1);
    assert_ptr_equal(job->query.reads[0].source, &settings->sources[0]);
    assert_true(job->query.reads[0].is_raw);
    assert_string_equal(job->query.table, "a.t");
    assert_string_equal(job->query.where, "d = $1   ");
    assert_string_equal(job->query.created, "\"A b\".t");
    assert_string_equal(job->query.schema, "\"A b\"");
    assert_int_equal(job->retries, 2);
    assert_true(job->timeout_us == INT64_C(3600000000) && job->catch_up_us == 7 * INT64_C(86400000000));
    assert_true(job_takes_handed_days(job));
    assert_ptr_equal(job->after[0], &settings->jobs[1]);
    assert_int_equal(job->depth, 1);
    settings_destroy(settings);
}

static void names_of_one_table_may_be_written_in_several_ways(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool meet;
    } cases[] = {
        {"t2", "public.t2", true},   {"t2", "t3", false},       {"a.t", "b.t", false},
        {"Public . T2", "t2", true}, {"\"t2\"", "T2", true},    {"\"T2\"", "t2", false},
        {"\"A b\".t", "t", true},    {"\"A\".t", "a.t", false}, {"a.\"t\" ", "A.T", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(table_names_may_meet(cases[i].a, cases[i].b), cases[i].meet);
        assert_int_equal(table_names_may_meet(cases[i].b, cases[i].a), cases[i].meet);
    }
}

static void a_condition_may_begin_with_a_column_named_as_a_verb(void **state)
{
    (void)state;
    struct settings *settings = loaded(
        QUERY_OF("insert into t select 1") "    replace: { table: t, where: 'start <= :date and release > :date' }\n");
    assert_string_equal(settings->jobs[0].query.where, "start <= $1    and release > $1   ");
    settings_destroy(settings);
}

static void a_summary_has_its_view_and_what_it_reads(void **state)
{
    (void)state;
    struct settings *settings =
        loaded(VIEW MEASURES SUMMARY_OF("v") READ WRITE "    joins: [{ read: silver/, on: status }]\n  all: {}\n");
    const struct job *job = settings_job(settings, text_of("j"));
    assert_int_equal(job->kind, JOB_SUMMARISE);
    assert_false(job->has_schedule);
    assert_string_equal(job->summary.view->name, "v");
    assert_string_equal(job->summary.source->name, "orders");
    assert_string_equal(job->summary.joins[0].read, "silver/");
    assert_string_equal(job->summary.source->schema.fields[job->summary.joins[0].on].name, "status");
    assert_int_equal(job->summary.join_count, 1);
    assert_int_equal(settings_job(settings, text_of("all"))->kind, JOB_PUBLISH);
    assert_null(settings_job(settings, text_of("none")));
    settings_destroy(settings);
}

static void wrong_detectors_are_refused(void **state)
{
    (void)state;
    assert_all_refused(bad_detectors, sizeof bad_detectors / sizeof bad_detectors[0]);
}

#define SINK(text) VIEW MEASURES "    emit: [" text "]\n"

static const struct bad bad_sinks[] = {
    {VIEW MEASURES "    emit: console\n", "12:11", "expected a list of sinks"},
    {SINK("console"), "12:12", "expected a sink, such as { to: console"},
    {SINK("{ every: 1 s }"), "12:12", "to"},
    {SINK("{ to: consol }"), "12:18", "did you mean \"console\"?"},
    {SINK("{ to: console, evry: 1 s }"), "12:27", "did you mean \"every\"?"},
    {SINK("{ to: console, every: 1 ms }"), "12:34", "10 ms"},
    {SINK("{ to: console, mode: complete }"), "12:33", "expected update or append"},
    {SINK("{ to: console, mode: append }"), "12:33", "give the view a \"watermark\""},
    {SINK("{ to: redis://a/b, mode: append }"), "12:37", "so mode: update"},
    {SINK("{ to: postgres://a.b, mode: append }"), "12:40", "so mode: update"},
    {VIEW MEASURES "    watermark: 1 minute\n    emit: [{ to: console, mode: append, wait_for: data }]\n", "13:51",
     "wait_for: complete"},
    {SINK("{ to: console, wait_for: all }"), "12:37", "expected complete or data"},
    {SINK("{ to: kafka:// }"), "12:26", "a topic's name"},
    {SINK("{ to: kafka://orders }"), "12:26", "a source reads this topic"},
    {SINK("{ to: postgres://revenue }"), "12:29", "expected postgres://SCHEMA.TABLE"},
    {SINK("{ to: postgres://a.b.c }"), "12:29", "expected postgres://SCHEMA.TABLE"},
    {SINK("{ to: postgres://view.v }"), "12:29", "isn't for tables of yours"},
    {SINK("{ to: postgres://pg_x.v }"), "12:29", "isn't for tables of yours"},
    {SINK("{ to: redis://live }"), "12:26", "expected redis://PREFIX/NAME"},
    {SINK("{ to: redis://a/b/c }"), "12:26", "expected redis://PREFIX/NAME"},
    {SINK("{ to: redis://tidemark/b }"), "12:26", "name another prefix"},
    {"sources:\n  orders: { topic: kafka://orders, key: order_id, event_time: timestamp, speed: none, fields: { "
     "order_id: "
     "text } }\nviews:\n  v: { source: orders, window: tumbling 1 day, measures: { n: count }, emit: [{ to: "
     "redis://a/b }] "
     "}\n",
     "4:93", "no Redis is configured"},
    {SINK("{ to: redis://a/b }, { to: redis://a/b }"), "12:39", "another entry writes to this target"},
};

static void wrong_sinks_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_all_refused(bad_sinks, sizeof bad_sinks / sizeof bad_sinks[0]);
}

static void sinks_have_their_views_and_their_defaults(void **state)
{
    (void)state;
    struct settings *settings =
        loaded(SINK("{ to: console, every: 30 seconds }, { to: kafka://r }, { to: 'postgres://a.b', wait_for: data }, "
                    "{ to: redis://live-metrics/revenue }"));
    static const struct {
        enum sink_kind kind;
        const char *space, *name;
    } expected[] = {{SINK_CONSOLE, "", ""},
                    {SINK_KAFKA, "", "r"},
                    {SINK_POSTGRES, "a", "b"},
                    {SINK_REDIS, "live-metrics", "revenue"}};
    assert_int_equal(settings->sink_count, 4);
    for (size_t i = 0; i < settings->sink_count; i++) {
        const struct sink *sink = &settings->sinks[i];
        assert_int_equal(sink->kind, expected[i].kind);
        assert_string_equal(sink->space ? sink->space : "", expected[i].space);
        assert_string_equal(sink->name ? sink->name : "", expected[i].name);
        assert_ptr_equal(sink->view, &settings->sources[0].views[0]);
        assert_ptr_equal(sink->source, &settings->sources[0]);
        assert_int_equal(sink->every_us, i == 0 ? 30000000 : 1000000);
        assert_int_equal(sink->takes_deferred, i == 2);
    }
    settings_destroy(settings);
}

static void rows_are_appended_where_a_view_says_when_they_are_final(void **state)
{
    (void)state;
    struct settings *settings = loaded(
        VIEW MEASURES "    watermark: 1 minute\n    emit: [{ to: console, mode: append }, { to: kafka://r, mode: "
                      "append }, { to: kafka://s }]\n");
    assert_int_equal(settings->sink_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(settings->sinks[i].appends, i < 2);
    assert_true(settings_have_redis(settings));
    settings_destroy(settings);
}

static void a_detector_has_its_rules_and_its_defaults(void **state)
{
    (void)state;
    struct settings *settings = loaded(DETECTOR VELOCITY);
    const struct detector *detector = settings_detector(settings, text_of("d"));
    assert_ptr_equal(detector, &settings->detectors[0]);
    assert_null(settings_detector(settings, text_of("e")));
    assert_ptr_equal(detector->source, &settings->sources[0]);
    assert_string_equal(detector->alerts, "a");
    assert_false(detector->from_beginning);
    assert_int_equal(detector->lateness_us, INT64_C(60000000));
    assert_int_equal(detector->memory_bytes, 256 << 20);
    assert_int_equal(detector->rule_count, 1);
    assert_true(rule_is_velocity(&detector->rules[0]));
    assert_int_equal(detector->rules[0].by_count, 1);
    assert_int_equal(detector->rules[0].by[0], 1);
    assert_int_equal(detector->rules[0].more_than, 5);
    assert_int_equal(detector->rules[0].within_us, INT64_C(300000000));
    assert_int_equal(strlen(detector->fingerprint), FINGERPRINT_SIZE - 1);
    struct settings *changed = loaded(DETECTOR "    lateness: 2 minutes\n" VELOCITY);
    assert_string_not_equal(changed->detectors[0].fingerprint, detector->fingerprint);
    settings_destroy(changed);
    settings_destroy(settings);
}

static void a_dimension_named_like_a_parameter_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"from",         "to",         "format", "group_by",   "limit",
                                        "cursor",       "window",     "order",  "per_window", "time_zone",
                                        "window_start", "window_end", "final"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[1000];
        (void)snprintf(text, sizeof text,
                       SOURCE_HEAD
                       "    fields: { order_id: text, %s: text }\n"
                       "views:\n  v:\n    source: orders\n    window: tumbling 1 day\n    dimensions: [%s]\n" MEASURES,
                       names[i], names[i]);
        assert_refused(text, "11:18", "a dimension can't be named");
    }
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void several_errors_are_told_at_once_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct error error = refused("views: { v: { source: x } }\nnonsense: 1\nhttp: { threads: 0 }\n" SOURCE);
    assert_int_equal(count_lines(error.message), 5);
    const char *first = strstr(error.message, ":1:10: "), *unknown = strstr(error.message, ":2:1: ");
    const char *last = strstr(error.message, ":3:18: ");
    assert_non_null(first);
    assert_true(unknown > first && last > unknown);
}

static void more_errors_than_fit_are_counted(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 30; i++)
        buffer_appendf(&text, "k%d: x\n", i);
    struct error error = refused(buffer_string(&text));
    const char *last = strrchr(error.message, '\n');
    assert_non_null(last);
    size_t shown = count_lines(error.message) - 1;
    char expected[200];
    (void)snprintf(expected, sizeof expected, "\n%s: %zu more", path, 31 - shown);
    assert_string_equal(last, expected);
    buffer_clean_up(&text);
}

static void a_broken_source_does_not_make_its_views_wrong(void **state)
{
    (void)state;
    struct error error =
        refused(SOURCE_HEAD "    fields: { order_id: text, amount: decimal(9) }\nviews:\n  v:\n    source: orders\n"
                            "    window: tumbling 1 day\n    measures: { n: sum(amount) }\n");
    assert_int_equal(count_lines(error.message), 1);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct settings *settings = NULL;
    struct error error = {0};
    assert_false(settings_load("/no/such/tidemark.yaml", &settings, &error));
    assert_string_equal(error.message, "/no/such/tidemark.yaml: No such file or directory");
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    assert_false(settings_load(folder, &settings, &error));
    assert_non_null(strstr(error.message, ": Is a directory"));
    assert_null(settings);
}

static void a_file_over_one_mebibyte_is_refused(void **state)
{
    (void)state;
    size_t length = ((size_t)1 << 20) + 1;
    char *data = malloc(length);
    assert_non_null(data);
    memset(data, '\n', length);
    memcpy(data, SOURCE, strlen(SOURCE));
    write_file(path, data, length);
    struct settings *settings = NULL;
    struct error error = {0};
    assert_false(settings_load(path, &settings, &error));
    assert_non_null(strstr(error.message, "longer than 1 MiB"));
    write_file(path, data, length - 1);
    assert_true(settings_load(path, &settings, &error));
    settings_destroy(settings);
    free(data);
}

static void a_nul_in_the_file_is_refused(void **state)
{
    (void)state;
    static const char data[] = "time_zone: UTC\nkafka\0: x\n";
    write_file(path, data, sizeof data - 1);
    struct settings *settings = NULL;
    struct error error = {0};
    assert_false(settings_load(path, &settings, &error));
    assert_non_null(strstr(error.message, ":2:6: a control character"));
}

static void nesting_is_taken_to_64_levels(void **state)
{
    (void)state;
    for (size_t levels = 64; levels <= 65; levels++) {
        struct buffer text = {0};
        buffer_append_string(&text, "x: ");
        for (size_t i = 1; i < levels; i++)
            buffer_append_char(&text, '[');
        for (size_t i = 1; i < levels; i++)
            buffer_append_char(&text, ']');
        struct error error = refused(buffer_string(&text));
        assert_int_equal(strstr(error.message, "more than 64 levels") != NULL, levels > 64);
        buffer_clean_up(&text);
    }
    struct buffer deep = {0};
    for (size_t i = 0; i < 500000; i++)
        buffer_append_char(&deep, '[');
    assert_refused(buffer_string(&deep), "1:65", "more than 64 levels");
    buffer_clean_up(&deep);
}

static void a_value_with_a_line_break_is_told_on_one_line(void **state)
{
    (void)state;
    assert_refused(VIEW MEASURES "jobs: { j: { schedule: \"0\\n0 * * * *\" } }\n", "12:24", "minute \"0 0\" must");
    struct error error = refused(VIEW MEASURES "jobs: { j: { schedule: \"0\\n0 * * * *\" } }\n");
    assert_null(strchr(error.message, '\n'));
}

static void variables_are_put_in(void **state)
{
    (void)state;
    assert_int_equal(setenv("TM_TEST_PORT", "8123", 1), 0);
    assert_int_equal(setenv("TM_TEST_EMPTY", "", 1), 0);
    assert_int_equal(unsetenv("TM_TEST_UNSET"), 0);
    struct settings *settings =
        loaded(SOURCE "http: { listen: '127.0.0.1:${TM_TEST_PORT}', threads: \"${TM_TEST_UNSET:-7}\" }\n"
                      "kafka: { group: 'a${TM_TEST_EMPTY}b$${C}$d', brokers: '${TM_TEST_EMPTY:-x:1}' }\n");
    assert_int_equal(settings->http.port, 8123);
    assert_int_equal(settings->http.threads, 7);
    assert_string_equal(settings->kafka.group, "ab${C}$d");
    assert_string_equal(settings->kafka.brokers, "x:1");
    settings_destroy(settings);
    assert_refused(SOURCE "kafka: { group: 'a${TM_TEST_UNSET}' }\n", "7:19", "the environment has no TM_TEST_UNSET");
    assert_refused(SOURCE "kafka: { group: 'a${TM_TEST' }\n", "7:19", "expected ${NAME}");
    assert_refused(SOURCE "kafka: { group: 'a${1}' }\n", "7:19", "expected ${NAME}");
    assert_refused(SOURCE "kafka: { group: 'a${A-b}' }\n", "7:19", "expected ${NAME}");
    assert_refused(SOURCE "kafka: { group: 'a${A:-${B}}' }\n", "7:19", "expected ${NAME}");
    struct error alone = refused(SOURCE "time_zone: \"${TM_TEST_UNSET}\"\nhttp: { threads: '${TM_TEST_UNSET}' }\n");
    assert_int_equal(count_lines(alone.message), 2); /* what depends on the values isn't told */
}

static void a_bad_value_from_the_environment_is_not_repeated(void **state)
{
    (void)state;
    assert_int_equal(setenv("TM_TEST_SECRET", "hunter2", 1), 0);
    static const char *const texts[] = {SOURCE "redis: { url: '${TM_TEST_SECRET}' }\n",
                                        SOURCE "redis: { url: 'redis://:hunter2@h:x' }\n",
                                        SOURCE "redis: redis://:hunter2@h\n",
                                        SOURCE "redis: { redis://:hunter2@h }\n",
                                        SOURCE "http: { threads: '${TM_TEST_SECRET}' }\n",
                                        SOURCE "postgres: { url: 'pg://u:hunter2@h' }\n",
                                        SOURCE "kafka: { properties: { sasl.password: [hunter2] } }\n",
                                        SOURCE "redis: { password_file: '${TM_TEST_SECRET}' }\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = refused(texts[i]);
        assert_null(strstr(error.message, "hunter2"));
    }
}

static void a_password_is_the_first_line_of_its_file(void **state)
{
    (void)state;
    char secret[sizeof folder + 20], text[1000];
    (void)snprintf(secret, sizeof secret, "%s/secret", folder);
    (void)snprintf(text, sizeof text, SOURCE "redis: { password_file: %s }\npostgres: { password_file: %s }\n", secret,
                   secret);
    static const char *const contents[] = {"pass word", "pass word\n", "pass word\r\n", "pass word\nmore\n"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        write_file(secret, contents[i], strlen(contents[i]));
        struct settings *settings = loaded(text);
        assert_string_equal(settings->redis.password, "pass word");
        assert_string_equal(settings->postgres.password, "pass word");
        settings_destroy(settings);
    }
    write_file(secret, "\n", 1);
    assert_refused(text, "7:25", "its first line is empty");
    assert_refused(text, "7:25", secret);
    assert_int_equal(unlink(secret), 0);
}

/* Knows the properties "good" and "better" and what they may be. */
static bool check_like_a_library(const struct property *property, struct property_fault *ret_fault)
{
    bool is_known = strcmp(property->name, "good") == 0 || strcmp(property->name, "better") == 0;
    if (is_known && strcmp(property->value, "fine") == 0)
        return true;
    ret_fault->is_unknown = !is_known;
    (void)snprintf(ret_fault->reason, sizeof ret_fault->reason, "not %s: %s", property->name, property->value);
    return false;
}

/* Lets no two be together. */
static bool check_number(const struct property properties[], size_t count, size_t *ret_number,
                         struct property_fault *ret_fault)
{
    if (count == 1)
        return true;
    *ret_number = 1;
    *ret_fault = (struct property_fault){0};
    (void)snprintf(ret_fault->reason, sizeof ret_fault->reason, "%s is one too many", properties[1].value);
    return false;
}

static const struct settings_checks library = {.kafka_property = check_like_a_library,
                                               .kafka_properties = check_number};

static struct error refused_by_library(const char *properties)
{
    char text[1000];
    (void)snprintf(text, sizeof text, SOURCE "kafka: { properties: { %s } }\n", properties);
    struct settings *settings = loaded(text);
    struct error error = {0};
    assert_false(settings_check(settings, &library, &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    settings_destroy(settings);
    return error;
}

static void a_property_that_its_library_refuses_is_told_at_its_place(void **state)
{
    (void)state;
    char expected[200];
    struct error error = refused_by_library("good: bad,\n  bade: x");
    (void)snprintf(expected, sizeof expected, "%s:7:30: librdkafka: not good: bad\n%s:8:3: librdkafka: not bade: x",
                   path, path);
    assert_string_equal(error.message, expected);
    error = refused_by_library("good: fine, better: fine");
    (void)snprintf(expected, sizeof expected, "%s:7:44: librdkafka: fine is one too many", path);
    assert_string_equal(error.message, expected);
    struct settings *settings = loaded(SOURCE "kafka: { properties: { good: fine } }\n");
    assert_true(settings_check(settings, &library, &error));
    settings_destroy(settings);
}

static bool refuse_url(const char *url, struct error *error)
{
    return error_set(error, ERROR_CONFIGURATION, "a URL of %zu bytes", strlen(url));
}

static void urls_that_their_libraries_refuse_are_told_at_their_places(void **state)
{
    (void)state;
    static const struct settings_checks checks = {.redis_url = refuse_url, .postgres_url = refuse_url};
    char expected[200];
    struct error error = {0};
    struct settings *settings = loaded(SOURCE "redis: { url: redis://h }\npostgres: { url: postgresql://h/d }\n");
    assert_false(settings_check(settings, &checks, &error));
    (void)snprintf(expected, sizeof expected, "%s:7:15: a URL of 9 bytes\n%s:8:18: a URL of 16 bytes", path, path);
    assert_string_equal(error.message, expected);
    assert_true(settings_check(settings, &(struct settings_checks){0}, &error));
    settings_destroy(settings);
}

static bool refuse_certificate(const char *certificate, const char *key, bool *ret_key_is_wrong, struct error *error)
{
    *ret_key_is_wrong = strcmp(key, "good") != 0;
    return strcmp(certificate, key) == 0 || error_set(error, ERROR_CONFIGURATION, "not %s and %s", certificate, key);
}

static void a_certificate_or_key_that_is_refused_is_told_at_its_place(void **state)
{
    (void)state;
    static const struct settings_checks checks = {.certificate = refuse_certificate};
    static const struct {
        const char *tls, *message; /* NULL: it is taken */
    } cases[] = {{"http: { tls: { certificate: bad, key: good } }\n", ":7:29: not bad and good"},
                 {"http: { tls: { certificate: good, key: bad } }\n", ":7:40: not good and bad"},
                 {"http: { tls: { certificate: good, key: good } }\n", NULL},
                 {"", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1000];
        struct error error = {0};
        (void)snprintf(text, sizeof text, SOURCE "%s", cases[i].tls);
        struct settings *settings = loaded(text);
        assert_int_equal(settings_check(settings, &checks, &error), cases[i].message == NULL);
        assert_true(!cases[i].message || strstr(error.message, cases[i].message));
        assert_true(settings_check(settings, &(struct settings_checks){0}, &error));
        settings_destroy(settings);
    }
}

static void a_refused_property_does_not_tell_a_secret(void **state)
{
    (void)state;
    assert_int_equal(setenv("TM_TEST_SECRET", "hunter2", 1), 0);
    static const char *const properties[] = {"good: '${TM_TEST_SECRET}'", "'good=hunter2': x"};
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        struct error error = refused_by_library(properties[i]);
        assert_non_null(strstr(error.message, ":7:"));
        assert_null(strstr(error.message, "hunter2"));
    }
}

static void the_definition_shows_in_the_fingerprint(void **state)
{
    (void)state;
    struct settings *one = loaded(VIEW MEASURES), *same = loaded("# moved\n" VIEW MEASURES);
    struct settings *other = loaded(VIEW MEASURES "    time_zone: Europe/London\n");
    assert_string_equal(one->sources[0].views[0].fingerprint, same->sources[0].views[0].fingerprint);
    assert_string_equal(one->sources[0].fingerprint, same->sources[0].fingerprint);
    assert_string_not_equal(one->sources[0].views[0].fingerprint, other->sources[0].views[0].fingerprint);
    settings_destroy(one);
    settings_destroy(same);
    settings_destroy(other);
}

#define WINDOW_OF(window)                                                                                              \
    SOURCE "views:\n  v: { source: orders, window: " window                                                            \
           ", measures: { n: count, m: min(amount), u: unique(status) } }\n"

static void hopping_windows_are_panes_of_their_hop(void **state)
{
    (void)state;
    static const char *const windows[] = {WINDOW_OF("tumbling 5 minutes"), WINDOW_OF("hopping 1 hour every 5 minutes"),
                                          WINDOW_OF("hopping 30 minutes every 5 minutes"),
                                          WINDOW_OF("hopping 30 minutes every 10 minutes")};
    static const int64_t panes[] = {1, 12, 6, 3};
    struct settings *loads[4];
    for (size_t i = 0; i < 4; i++) {
        loads[i] = loaded(windows[i]);
        const struct view *views = loads[i]->sources[0].views;
        assert_int_equal(views[0].window.length_s, i == 3 ? 600 : 300);
        assert_int_equal(views[0].panes, panes[i]);
        assert_int_equal(views[1].panes, panes[i]); /* the hidden views of its members */
        assert_int_equal(views[2].panes, panes[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(views[0].fingerprint, loads[j]->sources[0].views[0].fingerprint);
    }
    struct settings *same = loaded(WINDOW_OF("sliding_60_minutes_every_5_minutes"));
    assert_string_equal(same->sources[0].fingerprint, loads[1]->sources[0].fingerprint);
    settings_destroy(same);
    for (size_t i = 0; i < 4; i++)
        settings_destroy(loads[i]);
}

static void hops_of_seven_days_are_no_weeks(void **state)
{
    (void)state;
    struct settings *week = loaded(WINDOW_OF("tumbling 1 week"));
    struct settings *hops = loaded(WINDOW_OF("hopping 7 days every 7 days"));
    const struct view *views[] = {&week->sources[0].views[0], &hops->sources[0].views[0]};
    assert_int_equal(views[0]->window.length_s, views[1]->window.length_s);
    assert_int_equal(views[1]->window.hop_days, 7);
    assert_false(view_hops(views[1]));
    assert_string_not_equal(views[0]->fingerprint, views[1]->fingerprint);
    settings_destroy(week);
    settings_destroy(hops);
}

static void sessions_are_moments_with_a_gap(void **state)
{
    (void)state;
    static const char *const windows[] = {SESSION_OF("session 30 minutes") ", measures: { n: count } }\n",
                                          SESSION_OF("session_1800_seconds") ", measures: { n: count } }\n",
                                          SESSION_OF("session 90 seconds") ", measures: { n: count } }\n"};
    struct settings *loads[3];
    for (size_t i = 0; i < 3; i++) {
        loads[i] = loaded(windows[i]);
        const struct view *view = &loads[i]->sources[0].views[0];
        assert_true(view_is_of_sessions(view));
        assert_int_equal(view->window.gap_s, i == 2 ? 90 : 1800);
        assert_int_equal(view->window.length_s, 0);
    }
    assert_string_equal(loads[0]->sources[0].fingerprint, loads[1]->sources[0].fingerprint);
    assert_string_not_equal(loads[0]->sources[0].fingerprint, loads[2]->sources[0].fingerprint);
    for (size_t i = 0; i < 3; i++)
        settings_destroy(loads[i]);
}

static void destroying_nothing_is_allowed(void **state)
{
    (void)state;
    settings_destroy(NULL);
}

static char *printed_manual(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    settings_print_reference(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_reference_manual_is_current(void **state)
{
    (void)state;
    static const char name[] = DOCS_FOLDER "/configuration.md";
    char *expected = printed_manual();
    const char *wish = getenv("TIDEMARK_WRITE_DOCS");
    if (wish && strcmp(wish, "1") == 0)
        write_file(name, expected, strlen(expected));
    FILE *file = fopen(name, "rb");
    if (!file)
        fail_msg("%s can't be opened; run this test with TIDEMARK_WRITE_DOCS=1", name);
    size_t size = strlen(expected) + 2;
    char *found = calloc(1, size);
    assert_non_null(found);
    size_t length = fread(found, 1, size - 1, file);
    (void)fclose(file);
    bool is_same = length == strlen(expected) && memcmp(found, expected, length) == 0;
    free(found);
    free(expected);
    if (!is_same)
        fail_msg("%s is out of date; run this test with TIDEMARK_WRITE_DOCS=1", name);
}

static void the_file_in_the_reference_manual_loads(void **state)
{
    (void)state;
    char *manual = printed_manual();
    char *begin = strstr(manual, "```yaml\n"), *end = begin ? strstr(begin, "\n```\n") : NULL;
    if (!end) {
        fail_msg("the manual has no file");
        return;
    }
    end[1] = '\0';
    struct settings *settings = loaded(begin + strlen("```yaml\n"));
    assert_int_equal(settings->job_count, 1);
    settings_destroy(settings);
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_full_example_loads),
        cmocka_unit_test(wrong_detectors_are_refused),
        cmocka_unit_test(wrong_sinks_are_refused_at_their_place),
        cmocka_unit_test(sinks_have_their_views_and_their_defaults),
        cmocka_unit_test(rows_are_appended_where_a_view_says_when_they_are_final),
        cmocka_unit_test(a_detector_has_its_rules_and_its_defaults),
        cmocka_unit_test(measures_that_rest_on_members_have_a_hidden_view_for_each_field),
        cmocka_unit_test(views_are_found_with_all_their_parts),
        cmocka_unit_test(a_job_runs_all_sources_unless_it_lists_some),
        cmocka_unit_test(what_is_not_written_has_its_default),
        cmocka_unit_test(every_key_of_the_sections_is_taken),
        cmocka_unit_test(a_listener_beyond_this_machine_has_to_be_meant),
        cmocka_unit_test(origins_are_named_one_by_one_or_all),
        cmocka_unit_test(a_unix_socket_is_listened_at_by_its_path),
        cmocka_unit_test(byte_order_mark_and_carriage_returns_are_harmless),
        cmocka_unit_test(good_brokers_and_groups_are_taken),
        cmocka_unit_test(brokers_may_be_a_list),
        cmocka_unit_test(a_character_that_breaks_a_redis_url_is_told_with_the_way_to_write_it),
        cmocka_unit_test(group_is_the_namespace_where_it_is_not_given),
        cmocka_unit_test(a_group_has_at_most_200_bytes),
        cmocka_unit_test(good_urls_are_taken),
        cmocka_unit_test(yaml_that_hides_something_is_refused),
        cmocka_unit_test(wrong_settings_are_refused_at_their_place),
        cmocka_unit_test(wrong_sources_are_refused_at_their_place),
        cmocka_unit_test(wrong_views_and_jobs_are_refused_at_their_place),
        cmocka_unit_test(wrong_summaries_are_refused_at_their_place),
        cmocka_unit_test(archive_that_cannot_be_written_is_refused),
        cmocka_unit_test(wrong_queries_are_refused_at_their_place),
        cmocka_unit_test(wrong_orders_of_jobs_are_refused_at_their_place),
        cmocka_unit_test(a_query_is_as_it_was_written_but_for_its_day),
        cmocka_unit_test(a_query_knows_what_it_reads_makes_and_replaces),
        cmocka_unit_test(names_of_one_table_may_be_written_in_several_ways),
        cmocka_unit_test(a_condition_may_begin_with_a_column_named_as_a_verb),
        cmocka_unit_test(a_summary_has_its_view_and_what_it_reads),
        cmocka_unit_test(a_dimension_named_like_a_parameter_is_refused),
        cmocka_unit_test(several_errors_are_told_at_once_in_the_order_of_the_file),
        cmocka_unit_test(more_errors_than_fit_are_counted),
        cmocka_unit_test(a_broken_source_does_not_make_its_views_wrong),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(a_file_over_one_mebibyte_is_refused),
        cmocka_unit_test(a_nul_in_the_file_is_refused),
        cmocka_unit_test(nesting_is_taken_to_64_levels),
        cmocka_unit_test(a_value_with_a_line_break_is_told_on_one_line),
        cmocka_unit_test(variables_are_put_in),
        cmocka_unit_test(a_bad_value_from_the_environment_is_not_repeated),
        cmocka_unit_test(a_password_is_the_first_line_of_its_file),
        cmocka_unit_test(a_property_that_its_library_refuses_is_told_at_its_place),
        cmocka_unit_test(urls_that_their_libraries_refuse_are_told_at_their_places),
        cmocka_unit_test(a_certificate_or_key_that_is_refused_is_told_at_its_place),
        cmocka_unit_test(a_refused_property_does_not_tell_a_secret),
        cmocka_unit_test(the_definition_shows_in_the_fingerprint),
        cmocka_unit_test(hopping_windows_are_panes_of_their_hop),
        cmocka_unit_test(hops_of_seven_days_are_no_weeks),
        cmocka_unit_test(sessions_are_moments_with_a_gap),
        cmocka_unit_test(destroying_nothing_is_allowed),
        cmocka_unit_test(the_reference_manual_is_current),
        cmocka_unit_test(the_file_in_the_reference_manual_loads),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

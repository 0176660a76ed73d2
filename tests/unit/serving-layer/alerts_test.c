/* SPDX-License-Identifier: Apache-2.0
 * The newest alerts: read from their topics, held, and asked for. */
#include "cmocka_test.h"

#include "routes.h"

enum { FIELD_ID, FIELD_AMOUNT, FIELD_AT, FIELD_COUNT };

static const struct field fields[FIELD_COUNT] = {
    {"id", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}, {"at", FIELD_INTEGER, 0}};
static const struct source payments = {.name = "payments",
                                       .schema = {.fields = fields,
                                                  .field_count = FIELD_COUNT,
                                                  .key = FIELD_ID,
                                                  .event_time = "at",
                                                  .event_time_unit = TIME_MILLISECONDS}};
static const struct detector detectors[] = {{.name = "fraud", .source = &payments, .alerts = "alerts"},
                                            {.name = "limits", .source = &payments, .alerts = "alerts"}};

/* A topic of one partition. */
struct topic {
    struct event_log log;
    const char *messages[32]; /* NULL: a marker */
    int64_t end;
    int64_t fails_at; /* a reading ends with an error before this offset; 0: none does */
    bool is_down;
};

static bool count_partitions(struct event_log *log, const char *name, int32_t *ret_count, struct error *error)
{
    assert_string_equal(name, "alerts");
    *ret_count = 1;
    return !((struct topic *)log)->is_down || error_set(error, ERROR_UNAVAILABLE, "down");
}

static bool ends(struct event_log *log, const char *name, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                 struct error *error)
{
    (void)name, (void)partition, (void)error;
    *ret_first = 0;
    *ret_end = ((struct topic *)log)->end;
    return true;
}

static bool read_messages(struct event_log *log, const char *name, int32_t partition, int64_t from, int64_t to,
                          int64_t *ret_first_available,
                          bool (*take)(void *, const struct log_message *, struct error *), void *context,
                          struct error *error)
{
    (void)name, (void)partition;
    const struct topic *topic = (struct topic *)log;
    *ret_first_available = from;
    for (int64_t i = from; i < to; i++) {
        if (topic->fails_at && i == topic->fails_at)
            return error_set(error, ERROR_UNAVAILABLE, "down");
        const struct log_message message = {.offset = i,
                                            .payload = text_of(topic->messages[i] ? topic->messages[i] : "")};
        if (topic->messages[i] && !take(context, &message, error))
            return false;
    }
    return true;
}

static void keep_open(struct event_log *log)
{
    (void)log;
}

static bool open_topic(void *context, struct event_log **ret_log, struct error *error)
{
    (void)error;
    *ret_log = context;
    return true;
}

static const struct event_log_operations operations = {
    .partition_count = count_partitions, .ends = ends, .read = read_messages, .destroy = keep_open};

struct bench {
    struct topic topic;
    struct settings settings;
    struct serving serving;
    struct metrics *metrics;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct error error;
    bench->topic.log.operations = &operations;
    bench->settings = (struct settings){.detectors = detectors, .detector_count = 2};
    bench->settings.http.alerts_max = 4;
    bench->metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT);
    bench->serving = (struct serving){.detectors = detectors, .detector_count = 2};
    const struct stream_hub_options options = {
        .metrics = bench->metrics, .push_every_us = 1000, .streams_max = 2, .bytes_max = 1 << 20};
    assert_true(stream_hub_new(&options, &bench->serving.hub, &error));
    assert_true(alert_feed_new(&bench->settings, open_topic, &bench->topic, &bench->serving.feed, &error));
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    stream_hub_destroy(bench->serving.hub);
    alert_feed_destroy(bench->serving.feed);
    metrics_destroy(bench->metrics);
    free(bench);
    return 0;
}

static void append(struct bench *bench, const char *message)
{
    bench->topic.messages[bench->topic.end++] = message;
}

#define ALERT(id, amount, minute, detector)                                                                            \
    "{\"id\":\"" id "\",\"amount\":" amount ",\"at\":\"2026-01-01T00:" minute                                          \
    ":00Z\",\"alerts\":[\"x\"],\"detector\":\"" detector "\",\"alert_id\":\"" id "\",\"evidence\":[]}"

/* The ids of the answer in their order, or its status where it isn't 200. */
static void assert_answer(struct bench *bench, const char *target, const char *expected)
{
    struct reply reply = {0};
    const char *name;
    char found[200] = "";
    route(&bench->serving, &(struct request_head){.target = target}, &reply, &name);
    if (reply.status != 200)
        snprintf(found, sizeof found, "%u", reply.status);
    const char *at = reply.status == 200 ? buffer_string(&reply.body) : "";
    while ((at = strstr(at, "\"id\":\""))) {
        strncat(found, at + strlen("\"id\":\""), 1);
        at++;
    }
    assert_string_equal(found, expected);
    reply_clean_up(&reply);
}

static void the_latest_event_time_comes_first_and_what_is_asked_for(void **state)
{
    struct bench *bench = *state;
    append(bench, ALERT("a", "1.00", "01", "fraud"));
    append(bench, NULL);
    append(bench, ALERT("b", "2.50", "03", "limits"));
    append(bench, ALERT("c", "2.50", "02", "fraud"));
    append(bench, ALERT("x", "2.50", "02", "of another program"));
    append(bench, "{}");
    append(bench, ALERT("d", "4.00", "03", "fraud"));
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "dbca");
    assert_answer(bench, "/v1/alerts?limit=2", "db");
    assert_answer(bench, "/v1/alerts?detector=fraud", "dca");
    assert_answer(bench, "/v1/alerts?from=2026-01-01T00:02:00Z&to=2026-01-01T00:03:00Z", "c");
    assert_answer(bench, "/v1/alerts?to=2026-01-01", "");
    assert_answer(bench, "/v1/alerts?field.amount=2.5", "bc");
    assert_answer(bench, "/v1/alerts?field.amount=2.5&field.id=c", "c");
    assert_answer(bench, "/v1/alerts?field.amount=x", "");
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct bench *bench = *state;
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts?detector=fruad", "404");
    assert_answer(bench, "/v1/alerts?field.amuont=1", "400");
    assert_answer(bench, "/v1/alerts?field.at=1", "400");
    assert_answer(bench, "/v1/alerts?amount=1", "400");
    assert_answer(bench, "/v1/alerts?limit=0", "400");
    assert_answer(bench, "/v1/alerts?from=yesterday", "400");
}

static void only_the_newest_are_held(void **state)
{
    struct bench *bench = *state;
    append(bench, ALERT("a", "1.00", "09", "fraud"));
    append(bench, ALERT("b", "1.00", "02", "fraud"));
    alert_feed_read(bench->serving.feed);
    append(bench, ALERT("c", "1.00", "03", "fraud"));
    append(bench, ALERT("d", "1.00", "04", "fraud"));
    append(bench, ALERT("e", "1.00", "05", "fraud"));
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "edcb");
}

static void where_kafka_is_down_they_are_503_until_it_is_back(void **state)
{
    struct bench *bench = *state;
    assert_answer(bench, "/v1/alerts", "503");
    append(bench, ALERT("a", "1.00", "01", "fraud"));
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "a");
    bench->topic.is_down = true;
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "503");
    bench->topic.is_down = false;
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "a");
}

static void a_reading_that_fails_goes_on_where_it_ended(void **state)
{
    struct bench *bench = *state;
    append(bench, ALERT("a", "1.00", "01", "fraud"));
    append(bench, "{}");
    append(bench, ALERT("b", "1.00", "02", "fraud"));
    for (bench->topic.fails_at = 1; bench->topic.fails_at < bench->topic.end; bench->topic.fails_at++) {
        alert_feed_read(bench->serving.feed);
        assert_answer(bench, "/v1/alerts", "503");
    }
    bench->topic.fails_at = 0;
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "ba");
}

static void a_topic_that_was_made_anew_is_read_from_its_beginning(void **state)
{
    struct bench *bench = *state;
    append(bench, ALERT("a", "1.00", "01", "fraud"));
    append(bench, ALERT("b", "1.00", "02", "fraud"));
    alert_feed_read(bench->serving.feed);
    bench->topic.end = 0;
    append(bench, ALERT("c", "1.00", "01", "fraud"));
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts", "c");
}

/* Opens a stream, behind the event of this id; the reply is its owner. */
static void open_stream(struct bench *bench, const char *target, const char *last_event_id, struct reply *ret_reply)
{
    const char *name;
    *ret_reply = (struct reply){0};
    route(&bench->serving, &(struct request_head){.target = target, .last_event_id = last_event_id}, ret_reply, &name);
    assert_string_equal(name, "/v1/alerts/stream");
}

/* The ids of the next event's alerts in their order, behind "reset " where it is one; "sleeps". The event's own id goes
 * to `id`. */
static void assert_next(const struct reply *reply, const char *expected, char id[100])
{
    struct stream_piece *piece;
    char found[200] = "sleeps", text[8000];
    if (reply->stream.next(reply->stream.context, &piece) == STREAM_PIECE) {
        snprintf(text, sizeof text, "%.*s", (int)piece->length, piece->bytes);
        stream_piece_release(piece);
        snprintf(found, sizeof found, "%s", strstr(text, "\"reset\": true") ? "reset " : "");
        for (const char *at = text; (at = strstr(at, "\"id\":\"")); at++)
            strncat(found, at + strlen("\"id\":\""), 1);
        const char *own = strstr(text, "\nid: ");
        assert_non_null(own);
        snprintf(id, 100, "%.*s", (int)strcspn(own + 5, "\n"), own + 5);
        assert_string_equal(text + strlen(text) - 4, "]}\n\n");
    }
    assert_string_equal(found, expected);
}

static void a_stream_begins_with_those_that_are_held_and_goes_on_with_each_that_comes(void **state)
{
    struct bench *bench = *state;
    struct reply all, fraud, resumed;
    char id[100], first[100];
    append(bench, ALERT("a", "1.00", "01", "fraud"));
    append(bench, ALERT("b", "1.00", "02", "limits"));
    alert_feed_read(bench->serving.feed);
    open_stream(bench, "/v1/alerts/stream", NULL, &all);
    open_stream(bench, "/v1/alerts/stream?detector=fraud", NULL, &fraud);
    assert_next(&all, "reset ba", first);
    assert_next(&fraud, "reset a", id);
    assert_next(&all, "sleeps", id);
    append(bench, ALERT("c", "1.00", "01", "limits"));
    append(bench, ALERT("d", "1.00", "02", "limits"));
    alert_feed_read(bench->serving.feed);
    assert_true(all.stream.is_due(all.stream.context));
    assert_next(&all, "dc", id);
    assert_next(&fraud, "sleeps", id);
    reply_clean_up(&fraud);
    open_stream(bench, "/v1/alerts/stream", first, &resumed);
    assert_next(&resumed, "dc", id);
    reply_clean_up(&resumed);
    append(bench, ALERT("e", "1.00", "03", "limits"));
    append(bench, ALERT("f", "1.00", "03", "limits"));
    alert_feed_read(bench->serving.feed);
    open_stream(bench, "/v1/alerts/stream", first, &resumed); /* it knows the two that were given up */
    assert_next(&resumed, "fedc", id);
    reply_clean_up(&resumed);
    append(bench, ALERT("g", "1.00", "03", "limits"));
    alert_feed_read(bench->serving.feed);
    open_stream(bench, "/v1/alerts/stream", first, &resumed); /* not the third */
    assert_next(&resumed, "reset gfed", id);
    reply_clean_up(&resumed);
    bench->topic.end = 0;
    append(bench, ALERT("h", "1.00", "01", "fraud"));
    alert_feed_read(bench->serving.feed);
    assert_next(&all, "reset h", id);
    assert_next(&all, "sleeps", id);
    reply_clean_up(&all);
}

static void a_stream_that_makes_no_sense_is_refused(void **state)
{
    struct bench *bench = *state;
    assert_answer(bench, "/v1/alerts/stream", "503");
    alert_feed_read(bench->serving.feed);
    assert_answer(bench, "/v1/alerts/stream?limit=1", "400");
    assert_answer(bench, "/v1/alerts/stream?detector=fruad", "404");
    assert_answer(bench, "/v1/alerts/stream?field.amuont=1", "400");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_begins_with_those_that_are_held_and_goes_on_with_each_that_comes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_that_makes_no_sense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_latest_event_time_comes_first_and_what_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_newest_are_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_kafka_is_down_they_are_503_until_it_is_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reading_that_fails_goes_on_where_it_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_topic_that_was_made_anew_is_read_from_its_beginning, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "alert_feed.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/ticker.h"
#include "detect/packed_fields.h"

#define READ_EVERY_US 200000
#define STALE_AFTER_US (15 * US_PER_SECOND) /* a reading that hangs for so long is none */
#define TOPIC_BYTES_MAX ((size_t)256 << 20) /* of alerts that are held */
#define OWN_MEMBER "detector"

/* How a detector's alerts are read back: its source's declared fields, and its own name behind them. */
struct alert_format {
    const struct detector *detector;
    struct field fields[FIELDS_MAX + 1];
    struct schema schema;
    struct decoder *decoder;
};

struct feed_topic {
    const char *name;
    int64_t *positions; /* one a partition; -1: not begun */
    int32_t partition_count;
    struct feed_alert *alerts; /* a ring of `most` */
    size_t first, count, bytes;
};

struct alert_feed {
    size_t most; /* alerts of a topic */
    struct alert_format *formats;
    size_t format_count;
    struct feed_topic *topics;
    size_t topic_count;
    bool (*open)(void *context, struct event_log **ret_log, struct error *error);
    void *context;
    struct event_log *log; /* NULL: not open */
    struct retry retry;

    pthread_rwlock_t lock; /* of what is held, and: */
    struct alert_feed_state state;
    int64_t current_us; /* monotonic time of the last reading, if it went well; 0: none, or it didn't */
    struct ticker ticker;
};

/* --- What an alert says ------------------------------------------------------------------------------------------ */

/* The event time is RFC 3339 in alerts, however the source's messages have it. */
static bool format_init(struct alert_format *format, const struct detector *detector)
{
    const struct schema *source = &detector->source->schema;
    if (source->field_count == FIELDS_MAX)
        return true; /* no room for the name: its alerts aren't shown */
    memcpy(format->fields, source->fields, source->field_count * sizeof *source->fields);
    for (size_t i = 0; i < source->field_count; i++)
        if (strcmp(source->fields[i].name, source->event_time) == 0)
            format->fields[i] = (struct field){.name = source->event_time, .type = FIELD_TEXT};
    format->fields[source->field_count] = (struct field){.name = OWN_MEMBER, .type = FIELD_TEXT};
    format->schema = *source;
    format->schema.fields = format->fields;
    format->schema.field_count = source->field_count + 1;
    format->schema.event_time_unit = TIME_RFC3339;
    format->detector = detector;
    format->decoder = decoder_new(&format->schema);
    return format->decoder != NULL;
}

static const struct alert_format *decode(struct alert_feed *feed, const struct feed_topic *topic, struct text json,
                                         struct record *ret_record)
{
    struct rejection rejection;
    for (size_t i = 0; i < feed->format_count; i++) {
        struct alert_format *format = &feed->formats[i];
        if (!format->decoder || strcmp(format->detector->alerts, topic->name) != 0)
            continue;
        decoder_reset(format->decoder);
        if (decoder_decode(format->decoder, json, -1, ret_record, &rejection) != DECODE_GOOD)
            continue;
        const struct value *name = &ret_record->values[format->schema.field_count - 1];
        if (name->present && text_equal(name->text, text_of(format->detector->name)))
            return format;
    }
    return NULL;
}

/* --- What is held ------------------------------------------------------------------------------------------------ */

static void drop_oldest(struct alert_feed *feed, struct feed_topic *topic)
{
    struct feed_alert *oldest = &topic->alerts[topic->first];
    feed->state.known = oldest->number > feed->state.known ? oldest->number : feed->state.known;
    topic->bytes -= oldest->bytes;
    free((void *)(uintptr_t)oldest->fields);
    topic->first = (topic->first + 1) % feed->most;
    topic->count--;
}

static void drop_all(struct alert_feed *feed, struct feed_topic *topic)
{
    while (topic->count > 0)
        drop_oldest(feed, topic);
}

/* Fields and text lie in one allocation. */
static bool make(struct alert_feed *feed, const struct alert_format *format, const struct record *record,
                 struct text json, struct feed_alert *ret_alert)
{
    const struct schema *schema = &format->detector->source->schema;
    struct value values[FIELDS_MAX];
    memcpy(values, record->values, schema->field_count * sizeof *values);
    for (size_t i = 0; i < schema->field_count; i++)
        if (format->fields[i].type != schema->fields[i].type || format->fields[i].name == schema->event_time)
            values[i].present = false;
    size_t size = packed_fields_size(schema, values);
    char *bytes = malloc(size + json.length);
    if (!bytes)
        return false;
    packed_fields_write(schema, values, bytes);
    memcpy(bytes + size, json.data, json.length);
    *ret_alert = (struct feed_alert){.event_time_us = record->event_time_us,
                                     .number = feed->state.newest + 1,
                                     .detector = format->detector,
                                     .json = {bytes + size, json.length},
                                     .fields = bytes,
                                     .bytes = size + json.length};
    return true;
}

struct topic_scan {
    struct alert_feed *feed;
    struct feed_topic *topic;
    int64_t *position; /* behind what is held: a reading that fails goes on from there */
};

static bool hold(struct alert_feed *feed, struct feed_topic *topic, const struct alert_format *format,
                 const struct record *record, struct text json)
{
    struct feed_alert alert;
    if (!make(feed, format, record, json, &alert))
        return false;
    pthread_rwlock_wrlock(&feed->lock);
    while (topic->count == feed->most || (topic->count > 0 && topic->bytes + alert.bytes > TOPIC_BYTES_MAX))
        drop_oldest(feed, topic);
    topic->alerts[(topic->first + topic->count++) % feed->most] = alert;
    topic->bytes += alert.bytes;
    feed->state.newest = alert.number;
    pthread_rwlock_unlock(&feed->lock);
    return true;
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    const struct topic_scan *scan = context;
    struct record record;
    const struct alert_format *format = decode(scan->feed, scan->topic, message->payload, &record);
    if (format && !hold(scan->feed, scan->topic, format, &record, message->payload)) /* others are somebody else's */
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *scan->position = message->offset + 1;
    return true;
}

/* --- Reading ----------------------------------------------------------------------------------------------------- */

static bool grow(struct feed_topic *topic, int32_t count, struct error *error)
{
    if (count <= topic->partition_count)
        return true;
    int64_t *positions = realloc(topic->positions, (size_t)count * sizeof *positions);
    if (!positions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    topic->positions = positions;
    while (topic->partition_count < count)
        topic->positions[topic->partition_count++] = -1;
    return true;
}

/* At least every other offset holds an alert: a transaction that wrote some ends with a marker. */
static int64_t beginning(const struct alert_feed *feed, int64_t first, int64_t end)
{
    int64_t most = 2 * (int64_t)feed->most;
    return end - first > most ? end - most : first;
}

static bool read_partition(struct alert_feed *feed, struct feed_topic *topic, int32_t partition, struct error *error)
{
    int64_t first, end, available, *position = &topic->positions[partition];
    struct topic_scan scan = {feed, topic, position};
    if (!feed->log->operations->ends(feed->log, topic->name, partition, &first, &end, error))
        return false;
    if (*position > end) { /* the topic was made anew */
        pthread_rwlock_wrlock(&feed->lock);
        drop_all(feed, topic);
        feed->state.known = ++feed->state.newest; /* a number of none: whoever knows less begins anew */
        pthread_rwlock_unlock(&feed->lock);
        *position = -1;
    }
    if (*position < first)
        *position = beginning(feed, first, end);
    if (*position >= end)
        return true;
    const int64_t from = *position;
    if (!feed->log->operations->read(feed->log, topic->name, partition, from, end, &available, take, &scan, error))
        return false;
    *position = available > from ? available : end;
    return true;
}

static bool read_topic(struct alert_feed *feed, struct feed_topic *topic, struct error *error)
{
    int32_t count;
    if (!feed->log->operations->partition_count(feed->log, topic->name, &count, error) || !grow(topic, count, error))
        return false;
    for (int32_t i = 0; i < count; i++)
        if (!read_partition(feed, topic, i, error))
            return false;
    return true;
}

static bool read_topics(struct alert_feed *feed, struct error *error)
{
    if (!feed->log && !feed->open(feed->context, &feed->log, error))
        return false;
    for (size_t i = 0; i < feed->topic_count; i++)
        if (!read_topic(feed, &feed->topics[i], error))
            return false;
    return true;
}

void alert_feed_read(struct alert_feed *feed)
{
    struct error error = {0};
    bool done = read_topics(feed, &error);
    pthread_rwlock_wrlock(&feed->lock);
    feed->current_us = done ? clock_monotonic_us() : 0;
    pthread_rwlock_unlock(&feed->lock);
    if (done) {
        retry_succeeded(&feed->retry);
        return;
    }
    if (feed->retry.attempts % 10 == 0)
        log_warning("the alerts can't be read: %s; waiting for it", error.message);
    retry_failed(&feed->retry, clock_monotonic_us());
}

static int64_t tick(void *context)
{
    struct alert_feed *feed = context;
    alert_feed_read(feed);
    int64_t now_us = clock_monotonic_us(), wait_us = retry_wait_us(&feed->retry, now_us);
    return now_us + (wait_us > READ_EVERY_US ? wait_us : READ_EVERY_US);
}

struct alert_feed_state alert_feed_state(struct alert_feed *feed)
{
    pthread_rwlock_rdlock(&feed->lock);
    struct alert_feed_state state = feed->state;
    pthread_rwlock_unlock(&feed->lock);
    return state;
}

bool alert_feed_visit(struct alert_feed *feed, void (*visit)(void *context, const struct feed_alert *alert),
                      void *context, struct alert_feed_state *ret_state)
{
    pthread_rwlock_rdlock(&feed->lock);
    if (ret_state)
        *ret_state = feed->state;
    bool is_current = feed->current_us && clock_monotonic_us() - feed->current_us < STALE_AFTER_US;
    for (size_t i = 0; is_current && i < feed->topic_count; i++)
        for (size_t j = 0; j < feed->topics[i].count; j++)
            visit(context, &feed->topics[i].alerts[(feed->topics[i].first + j) % feed->most]);
    pthread_rwlock_unlock(&feed->lock);
    return is_current;
}

/* --- Life -------------------------------------------------------------------------------------------------------- */

static bool add_topic(struct alert_feed *feed, const char *name)
{
    for (size_t i = 0; i < feed->topic_count; i++)
        if (strcmp(feed->topics[i].name, name) == 0)
            return true;
    struct feed_topic *topic = &feed->topics[feed->topic_count++];
    *topic = (struct feed_topic){.name = name, .alerts = calloc(feed->most, sizeof *topic->alerts)};
    return topic->alerts != NULL;
}

bool alert_feed_new(const struct settings *settings,
                    bool (*open)(void *context, struct event_log **ret_log, struct error *error), void *context,
                    struct alert_feed **ret_feed, struct error *error)
{
    struct alert_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *feed = (struct alert_feed){.most = (size_t)settings->http.alerts_max,
                                .formats = calloc(settings->detector_count + 1, sizeof *feed->formats),
                                .topics = calloc(settings->detector_count + 1, sizeof *feed->topics),
                                .open = open,
                                .context = context,
                                .state = {-1, -1},
                                .retry = RETRY_DEPENDENCY};
    pthread_rwlock_init(&feed->lock, NULL);
    ticker_init(&feed->ticker, tick, feed);
    bool done = feed->formats && feed->topics;
    for (size_t i = 0; done && i < settings->detector_count; i++)
        done = format_init(&feed->formats[feed->format_count++], &settings->detectors[i]) &&
               add_topic(feed, settings->detectors[i].alerts);
    if (!done) {
        alert_feed_destroy(feed);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *ret_feed = feed;
    return true;
}

bool alert_feed_start(struct alert_feed *feed, struct error *error)
{
    return ticker_start(&feed->ticker, 0, error);
}

void alert_feed_destroy(struct alert_feed *feed)
{
    if (!feed)
        return;
    ticker_stop(&feed->ticker);
    if (feed->log)
        feed->log->operations->destroy(feed->log);
    for (size_t i = 0; feed->topics && i < feed->topic_count; i++) {
        if (feed->topics[i].alerts)
            drop_all(feed, &feed->topics[i]);
        free(feed->topics[i].alerts);
        free(feed->topics[i].positions);
    }
    for (size_t i = 0; feed->formats && i < feed->format_count; i++)
        decoder_destroy(feed->formats[i].decoder);
    free(feed->topics);
    free(feed->formats);
    ticker_clean_up(&feed->ticker);
    pthread_rwlock_destroy(&feed->lock);
    free(feed);
}

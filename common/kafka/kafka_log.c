/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/kafka_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "kafka/extents.h"
#include "kafka/message.h"
#include "kafka/topics.h"

#define BATCH_MESSAGES 1000
#define BATCH_WAIT_MS 5 /* for so many, before the broker thread is woken */
#define WAKE_TIMEOUT_MS 1000
#define SILENCE_MAX_US (60 * US_PER_SECOND) /* without a message or an end: the broker is down */
#define FETCHES_MAX 5                       /* of a batch that can't be read, with back-off: three seconds */

struct kafka_log {
    struct event_log log;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
};

static struct kafka_log *self(struct event_log *log)
{
    return (struct kafka_log *)(void *)log;
}

static bool cluster(struct event_log *log, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    return kafka_cluster(self(log)->client, ret_cluster, CLUSTER_ID_MAX, error);
}

static bool partition_count(struct event_log *log, const char *topic, int32_t *ret_count, struct error *error)
{
    return kafka_partition_count(self(log)->client, topic, ret_count, error);
}

static bool policy(struct event_log *log, const char *topic, char ret_policy[LOG_POLICY_MAX], struct error *error)
{
    return kafka_topic_policy(self(log)->client, topic, ret_policy, error);
}

static bool ends(struct event_log *log, const char *topic, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                 struct error *error)
{
    int64_t first, end;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(self(log)->client, topic, partition, &first, &end, KAFKA_TIMEOUT_MS);
    if (code)
        return kafka_error(error, code, topic);
    *ret_first = first;
    *ret_end = end;
    return true;
}

static bool assign(rd_kafka_t *client, const char *topic, int32_t partition, int64_t from, struct error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = from;
    rd_kafka_resp_err_t code = kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 || kafka_error(error, code, topic);
}

struct range_scan {
    const char *topic;
    int32_t partition;
    int64_t next, to;
    bool (*take)(void *context, const struct log_message *message, struct error *error);
    void *context;
    int64_t heard_us;        /* when the broker was last heard of */
    bool is_unreadable;      /* what lies at `next` is: nothing from behind it may be taken */
    struct error unreadable; /* why */
    struct retry retry;      /* of fetching it */
};

/* What is on the queue still of an earlier scan says nothing of this one. */
static bool is_of(const struct range_scan *scan, const rd_kafka_message_t *message)
{
    return message->partition == scan->partition && message->rkt &&
           strcmp(rd_kafka_topic_name(message->rkt), scan->topic) == 0;
}

/* Whether the partition must be fetched anew from `next`, because what lies there can't be read or seems to be gone. */
static bool says_unreadable(struct range_scan *scan, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE || message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return !error_set(&scan->unreadable, ERROR_UNAVAILABLE, "kafka: %s/%d: offset %lld went away while it was read",
                          scan->topic, (int)scan->partition, (long long)scan->next);
    return kafka_is_unreadable(message, &scan->unreadable);
}

/* One message or event off the queue; false ends the scan, with an error where that isn't its end. */
static bool take_one(struct range_scan *scan, const rd_kafka_message_t *message, struct error *error)
{
    if (scan->is_unreadable)
        return true;
    if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) /* it names no partition */
        return kafka_error(error, message->err, scan->topic);
    if (!is_of(scan, message))
        return true;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        scan->heard_us = clock_monotonic_us();
        if (message->offset > scan->next)
            scan->next = message->offset;
        return scan->next < scan->to;
    }
    scan->is_unreadable = says_unreadable(scan, message);
    if (message->err || message->offset < scan->next)
        return true; /* transport errors heal */
    scan->heard_us = clock_monotonic_us();
    if (message->offset >= scan->to) {
        scan->next = scan->to;
        return false;
    }
    struct log_message taken = kafka_message(message);
    if (!scan->take(scan->context, &taken, error))
        return false;
    scan->next = message->offset + 1;
    retry_succeeded(&scan->retry);
    return scan->next < scan->to;
}

/* A batch that was damaged on its way is sound when it is fetched anew; one on the broker's disk isn't. And an offset
 * may be one that librdkafka made up behind a damaged batch. */
static bool fetch_again(struct kafka_log *log, struct range_scan *scan, struct error *error)
{
    if (scan->retry.attempts == FETCHES_MAX) {
        *error = scan->unreadable;
        return false;
    }
    retry_failed(&scan->retry, clock_monotonic_us());
    shutdown_sleep(retry_wait_us(&scan->retry, clock_monotonic_us()) / 1000);
    scan->is_unreadable = false;
    scan->heard_us = clock_monotonic_us();
    return assign(log->client, scan->topic, scan->partition, scan->next, error);
}

/* Nothing more is there at once. librdkafka 2.0's broker thread sleeps for up to a second once a queue has been full,
 * however soon it is empty again, and any request to the broker wakes it. */
static void wake_broker_thread(struct kafka_log *log, const struct range_scan *scan)
{
    kafka_ask_offset(log->client, scan->topic, scan->partition, RD_KAFKA_OFFSET_END, WAKE_TIMEOUT_MS);
}

static bool read_assigned(struct kafka_log *log, struct range_scan *scan, struct error *error)
{
    rd_kafka_message_t *messages[BATCH_MESSAGES];
    struct error stopped = {0};
    bool going = scan->next < scan->to;
    while (going) {
        if (shutdown_requested())
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
        if (clock_monotonic_us() - scan->heard_us > SILENCE_MAX_US)
            return error_set(error, ERROR_UNAVAILABLE, "kafka: %s/%d: no message at offset %lld for %d seconds",
                             scan->topic, (int)scan->partition, (long long)scan->next,
                             (int)(SILENCE_MAX_US / US_PER_SECOND));
        ssize_t count = rd_kafka_consume_batch_queue(log->queue, BATCH_WAIT_MS, messages, BATCH_MESSAGES);
        for (ssize_t i = 0; i < count; i++) {
            going = going && take_one(scan, messages[i], &stopped);
            rd_kafka_message_destroy(messages[i]);
        }
        if (going && scan->is_unreadable && !fetch_again(log, scan, error))
            return false;
        if (going && count < BATCH_MESSAGES)
            wake_broker_thread(log, scan);
    }
    if (stopped.code != ERROR_NONE) {
        *error = stopped;
        return false;
    }
    return true;
}

static bool read_log(struct event_log *log, const char *topic, int32_t partition, int64_t from, int64_t to,
                     int64_t *ret_first_available,
                     bool (*take)(void *context, const struct log_message *message, struct error *error), void *context,
                     struct error *error)
{
    int64_t first = 0, end = 0;
    if (!ends(log, topic, partition, &first, &end, error))
        return false;
    if (end < to)
        return error_set(error, ERROR_TRY_AGAIN,
                         "kafka: %s/%d ends at offset %lld, before %lld: was the topic made anew?", topic,
                         (int)partition, (long long)end, (long long)to);
    if (first > from) {
        *ret_first_available = first < to ? first : to;
        return true;
    }
    struct range_scan scan = {.topic = topic,
                              .partition = partition,
                              .next = from,
                              .to = to,
                              .take = take,
                              .context = context,
                              .heard_us = clock_monotonic_us(),
                              .retry = RETRY_DEPENDENCY};
    bool done = from >= to ||
                (assign(self(log)->client, topic, partition, from, error) && read_assigned(self(log), &scan, error));
    kafka_assign(self(log)->client, NULL);
    if (done)
        *ret_first_available = from;
    return done;
}

static void destroy(struct event_log *log)
{
    if (!log)
        return;
    rd_kafka_queue_destroy(self(log)->queue);
    kafka_consumer_destroy(self(log)->client);
    free(self(log));
}

static const struct event_log_operations operations = {cluster, partition_count, policy, ends, read_log, destroy};

bool kafka_log_open(const struct kafka_access *access, struct event_log **ret_log, struct error *error)
{
    struct kafka_log *log = calloc(1, sizeof *log);
    if (!log)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    /* The consumer API asks for a group; without a subscription or a commit nobody ever sees it. */
    const struct property defaults[] = {
        {"group.id", access->group},
        {"queued.max.messages.kbytes", "32768"},
        {"fetch.wait.max.ms", "10"}, /* what is asked for is there */
        {0},
    };
    log->client = kafka_client_new(RD_KAFKA_CONSUMER, access, defaults, NULL, NULL, error);
    if (!log->client) {
        free(log);
        return false;
    }
    rd_kafka_poll_set_consumer(log->client);
    log->queue = rd_kafka_queue_get_consumer(log->client);
    log->log.operations = &operations;
    *ret_log = &log->log;
    return true;
}

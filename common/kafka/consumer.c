/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/consumer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ticker.h"
#include "base/wide.h"
#include "kafka/extents.h"
#include "kafka/message.h"

#define WATCH_US 5000         /* from one turn of watch_ends() to the next while messages stream in, */
#define QUIET_WATCH_US 100000 /* and while none do */
#define WATCH_TIMEOUT_MS 1000
#define STREAM_TURNS 200 /* for so many after a full batch messages are taken to stream in: a second, see there */

struct kafka_consumer {
    struct consumer consumer;    /* first, so that one pointer is both */
    struct kafka_member *member; /* of the group, and asked for metadata and offsets: see its header */
    bool owns_member;            /* nobody else reads for it */
    bool has_number;
    size_t number;      /* of this consumer in it */
    bool is_given;      /* the events were told of partitions of the group, or of memory that was short for them */
    rd_kafka_t *client; /* fetches, and never joins the group */
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t **topics; /* see know_topics() */
    size_t topic_count;
    struct consumer_events events;
    struct log_message messages[CONSUMER_BATCH];

    struct ticker ends_watch;
    int at;               /* number of the partition about which it asked last */
    atomic_int streams;   /* turns of watch_ends() for which messages are taken to stream in */
    bool is_low;          /* the last poll left fewer messages in the queue than are fetched ahead */
    pthread_mutex_t lock; /* of `assigned` */
    rd_kafka_topic_partition_list_t *assigned; /* each offset is an end, each opaque a real one: see note_end() */
};

static struct kafka_consumer *of(struct consumer *consumer)
{
    return (struct kafka_consumer *)consumer;
}

static void set_assigned(struct kafka_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    pthread_mutex_lock(&consumer->lock);
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    consumer->assigned = list;
    pthread_mutex_unlock(&consumer->lock);
}

static void tell_trouble(struct kafka_consumer *consumer, const struct error *trouble)
{
    if (consumer->events.trouble)
        consumer->events.trouble(consumer->events.context, trouble);
}

/* Gives up what the group has given: nothing of it is committed or fetched behind this. */
static void release(struct kafka_consumer *consumer, bool lost)
{
    if (consumer->is_given)
        consumer->events.revoked(consumer->events.context, lost);
    consumer->is_given = false;
    kafka_assign(consumer->client, NULL);
    set_assigned(consumer, rd_kafka_topic_partition_list_new(0));
    kafka_member_release(consumer->member, consumer->number);
}

/* Tells what the group has given; where memory is short for it, it is told again in the next poll. */
static void tell_assigned(struct kafka_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    struct consumer_position *positions = calloc((size_t)list->cnt + 1, sizeof *positions);
    for (int i = 0; positions && i < list->cnt; i++)
        positions[i] = (struct consumer_position){list->elems[i].topic, list->elems[i].partition, -1};
    consumer->is_given = true;
    if (!positions || !consumer->events.assigned(consumer->events.context, positions, (size_t)list->cnt)) {
        struct error error;
        kafka_member_put_back(consumer->member, consumer->number);
        error_set(&error, ERROR_INTERNAL, "out of memory for %d partitions that the group gives", list->cnt);
        tell_trouble(consumer, &error);
    }
    free(positions);
}

/* Once a poll. What is fetched, and from where, kafka_consumer_assign says. */
static void follow_group(struct kafka_consumer *consumer)
{
    struct error trouble;
    bool lost;
    if (kafka_member_serve(consumer->member, consumer->number, &trouble))
        tell_trouble(consumer, &trouble);
    if (kafka_member_takes_back(consumer->member, consumer->number, &lost))
        release(consumer, lost);
    rd_kafka_topic_partition_list_t *list = kafka_member_take(consumer->member, consumer->number);
    if (!list)
        return;
    if (consumer->is_given) /* and gives anew without having asked for it: there was nothing */
        consumer->events.revoked(consumer->events.context, false);
    tell_assigned(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
    (void)client;
    struct kafka_consumer *consumer = context;
    struct error error;
    kafka_error(&error, (rd_kafka_resp_err_t)code, reason);
    tell_trouble(consumer, &error);
}

static void set_callbacks(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

/* A partition in `assigned`, copied out of it. */
struct asked_partition {
    char topic[256];
    int32_t partition;
    int64_t high; /* what may_have_grown() was told; 0 nothing was */
};

/* Whether a fetch has told of more in the log than the end that is noted. rd_kafka_get_watermark_offsets gives the last
 * fetch's high watermark also to a consumer that is read_committed (rd_kafka_get_watermark_offsets in
 * librdkafka 2.0.2's rdkafka.c reads rktp_hi_offset, never rktp_ls_offset; with a transaction open at offset 110 of 210
 * it says 210, and rd_kafka_query_watermark_offsets, whose request carries the isolation level, says 110). So it tells
 * only when to ask. */
static bool may_have_grown(struct kafka_consumer *consumer, const rd_kafka_topic_partition_t *one, int64_t *ret_high)
{
    int64_t first, high;
    bool is_known = !rd_kafka_get_watermark_offsets(consumer->client, one->topic, one->partition, &first, &high);
    *ret_high = is_known && high > 0 ? high : 0;
    return *ret_high > one->offset;
}

/* The next partition to ask about, behind the number *at: any, or one that may have grown. */
static bool choose(struct kafka_consumer *consumer, bool any, int *at, struct asked_partition *ret_asked)
{
    bool found = false;
    pthread_mutex_lock(&consumer->lock);
    for (int i = 0; i < consumer->assigned->cnt && !found; i++) {
        *at = (*at + 1) % consumer->assigned->cnt;
        const rd_kafka_topic_partition_t *one = &consumer->assigned->elems[*at];
        found = may_have_grown(consumer, one, &ret_asked->high) || any;
        if (found) {
            ret_asked->partition = one->partition;
            snprintf(ret_asked->topic, sizeof ret_asked->topic, "%s", one->topic);
        }
    }
    pthread_mutex_unlock(&consumer->lock);
    return found;
}

/* The offsets in `assigned` are those that were assigned, and from the first answer on the ends for read_committed. The
 * real end was heard of before that one: where it is beyond, a transaction was open. */
static void note_end(struct kafka_consumer *consumer, const struct asked_partition *asked, int64_t end)
{
    pthread_mutex_lock(&consumer->lock);
    rd_kafka_topic_partition_t *one =
        rd_kafka_topic_partition_list_find(consumer->assigned, asked->topic, asked->partition);
    if (one && end > one->offset)
        one->offset = end;
    if (one)
        one->opaque = (void *)(intptr_t)asked->high; // NOLINT(performance-no-int-to-ptr): it has no other place
    pthread_mutex_unlock(&consumer->lock);
}

static rd_kafka_topic_partition_list_t *position_list(const struct consumer_position positions[], size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, positions[i].topic, positions[i].partition)->offset =
            positions[i].offset;
    return list;
}

/* Asks for the ends of the log, of one partition after the other. librdkafka 2.0's broker thread sleeps for up to a
 * second once a queue has been full, however soon it is empty again, and any request to the broker wakes it: so while
 * messages stream in, an end is asked for in every turn, and a turn begins at once where the queue has room again. Else
 * some in a second, and only while a fetch has told of more than is known. */
static int64_t watch_ends(void *context)
{
    struct kafka_consumer *consumer = context;
    bool busy = atomic_load(&consumer->streams) > 0;
    if (busy)
        atomic_fetch_sub(&consumer->streams, 1);
    struct asked_partition asked;
    if (choose(consumer, busy, &consumer->at, &asked)) {
        int64_t end =
            kafka_ask_offset(consumer->client, asked.topic, asked.partition, RD_KAFKA_OFFSET_END, WATCH_TIMEOUT_MS);
        if (end >= 0)
            note_end(consumer, &asked, end);
    }
    return clock_monotonic_us() + (busy ? WATCH_US : QUIET_WATCH_US);
}

static bool assign(struct consumer *port, const struct consumer_position positions[], size_t count, struct error *error)
{
    struct kafka_consumer *consumer = of(port);
    rd_kafka_topic_partition_list_t *list = position_list(positions, count);
    rd_kafka_resp_err_t code = kafka_assign(consumer->client, list);
    set_assigned(consumer, list);
    return code == 0 || kafka_error(error, code, "assign");
}

/* An event instead of a message. */
static void serve(struct kafka_consumer *consumer, const rd_kafka_message_t *message)
{
    const struct consumer_events *events = &consumer->events;
    const char *topic = message->rkt ? rd_kafka_topic_name(message->rkt) : "";
    struct error error;
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        events->end(events->context, topic, message->partition, message->offset);
        break;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        events->out_of_range(events->context, topic, message->partition, message->offset);
        break;
    default:
        if (kafka_is_unreadable(message, &error)) {
            events->unreadable(events->context, topic, message->partition, &error);
        } else {
            kafka_error(&error, message->err, *topic ? topic : rd_kafka_message_errstr(message));
            tell_trouble(consumer, &error);
        }
    }
}

/* Messages come in runs of one partition; each run is given on at once. */
static size_t give_run(struct kafka_consumer *consumer, rd_kafka_message_t *const messages[], size_t count)
{
    size_t length = 0;
    const rd_kafka_message_t *first = messages[0];
    while (length < count && !messages[length]->err && messages[length]->rkt == first->rkt &&
           messages[length]->partition == first->partition) {
        consumer->messages[length] = kafka_message(messages[length]);
        length++;
    }
    consumer->events.messages(consumer->events.context, rd_kafka_topic_name(first->rkt), first->partition,
                              consumer->messages, length);
    return length;
}

/* librdkafka waits until the time is over or there are as many as are asked for. */
static size_t consume(struct kafka_consumer *consumer, int timeout_ms, rd_kafka_message_t *ret_messages[], size_t most)
{
    ssize_t count = rd_kafka_consume_batch_queue(consumer->queue, timeout_ms, ret_messages, most);
    return count > 0 ? (size_t)count : 0;
}

/* For watch_ends(): that messages begin to stream in, and when the queue begins to have room for more. It may run dry
 * for a moment, too, and then nobody else would have it filled. */
static void note_queue(struct kafka_consumer *consumer, bool is_full_batch)
{
    bool was_low = consumer->is_low, streamed = atomic_load(&consumer->streams) > 0;
    if (is_full_batch)
        atomic_store(&consumer->streams, STREAM_TURNS);
    consumer->is_low = rd_kafka_queue_length(consumer->queue) < KAFKA_QUEUED_MESSAGES;
    if (streamed ? consumer->is_low && !was_low : is_full_batch)
        ticker_wake(&consumer->ends_watch);
}

static bool poll_messages(struct consumer *port, int timeout_ms, bool gathers)
{
    struct kafka_consumer *consumer = of(port);
    rd_kafka_message_t *messages[CONSUMER_BATCH];
    follow_group(consumer);
    size_t count = consume(consumer, timeout_ms, messages, gathers ? CONSUMER_BATCH : 1);
    if (count && !gathers)
        count += consume(consumer, 0, messages + count, CONSUMER_BATCH - count);
    note_queue(consumer, count == CONSUMER_BATCH);
    for (size_t at = 0; at < count;) {
        if (messages[at]->err)
            serve(consumer, messages[at++]);
        else
            at += give_run(consumer, messages + at, count - at);
    }
    for (size_t i = 0; i < count; i++)
        rd_kafka_message_destroy(messages[i]);
    return count == CONSUMER_BATCH;
}

static void extents(struct consumer *port, struct consumer_extent extents[], size_t count)
{
    kafka_ask_extents(kafka_consumer_client(port), extents, count);
}

static int64_t known_end(struct consumer *port, const char *topic, int32_t partition)
{
    struct kafka_consumer *consumer = of(port);
    pthread_mutex_lock(&consumer->lock);
    const rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_find(consumer->assigned, topic, partition);
    int64_t end = one ? one->offset : -1;
    pthread_mutex_unlock(&consumer->lock);
    return end;
}

static int64_t real_end(struct consumer *port, const char *topic, int32_t partition)
{
    struct kafka_consumer *consumer = of(port);
    pthread_mutex_lock(&consumer->lock);
    const rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_find(consumer->assigned, topic, partition);
    int64_t end = one ? (int64_t)(intptr_t)one->opaque : 0;
    pthread_mutex_unlock(&consumer->lock);
    return end;
}

static int64_t offset_at(struct consumer *port, const char *topic, int32_t partition, int64_t at_us)
{
    return kafka_ask_offset(kafka_consumer_client(port), topic, partition, at_us / 1000, KAFKA_TIMEOUT_MS);
}

static bool cluster(struct consumer *port, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    return kafka_cluster(kafka_consumer_client(port), ret_cluster, CLUSTER_ID_MAX, error);
}

static bool partition_count(struct consumer *port, const char *topic, int32_t *ret_count, struct error *error)
{
    return kafka_partition_count(kafka_consumer_client(port), topic, ret_count, error);
}

#define FIRST_PREFIX "first=" /* of what is kept with the group's offsets */

/* -1 where none is kept. */
static int64_t kept_first(const rd_kafka_topic_partition_t *one)
{
    const size_t prefix = sizeof FIRST_PREFIX - 1;
    const char *kept = one->metadata;
    int64_t first = -1;
    if (!kept || one->metadata_size <= prefix || memcmp(kept, FIRST_PREFIX, prefix) != 0 ||
        !integer_parse((struct text){kept + prefix, one->metadata_size - prefix}, &first))
        return -1;
    return first;
}

/* librdkafka frees it as it would its own. */
static void keep_first(rd_kafka_topic_partition_t *one, int64_t first)
{
    char text[sizeof FIRST_PREFIX + 24];
    int length = snprintf(text, sizeof text, FIRST_PREFIX "%lld", (long long)first);
    free(one->metadata);
    one->metadata = strdup(text);
    one->metadata_size = one->metadata ? (size_t)length : 0;
}

static bool record_first(struct consumer *port, const char *topic, int32_t partition, int64_t first, int64_t *ret_first,
                         struct error *error)
{
    const struct consumer_position asked = {topic, partition, 0};
    rd_kafka_t *client = kafka_consumer_client(port);
    rd_kafka_topic_partition_list_t *list = position_list(&asked, 1);
    rd_kafka_topic_partition_t *one = list->elems;
    rd_kafka_resp_err_t code = rd_kafka_committed(client, list, KAFKA_TIMEOUT_MS);
    code = code ? code : one->err;
    *ret_first = code ? first : kept_first(one);
    if (*ret_first < 0) {
        *ret_first = first;
        one->offset = one->offset < 0 ? first : one->offset;
        keep_first(one, first);
        code = rd_kafka_commit(client, list, 0);
        code = code ? code : one->err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 || kafka_error(error, code, "the group's offsets");
}

static void commit_group_offsets(struct consumer *port, const struct group_offset offsets[], size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_add(list, offsets[i].topic, offsets[i].partition);
        one->offset = offsets[i].next;
        keep_first(one, offsets[i].first);
    }
    rd_kafka_commit(kafka_consumer_client(port), list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

/* librdkafka asks for the leaders of a topic that an application has named once it is connected, and for those of one
 * that is only assigned when it next looks around, which is once in a second. */
static bool know_topics(struct kafka_consumer *consumer, struct error *error)
{
    const rd_kafka_topic_partition_list_t *named = kafka_member_topics(consumer->member);
    size_t count = named ? (size_t)named->cnt : 0;
    consumer->topics = calloc(count + 1, sizeof *consumer->topics);
    if (!consumer->topics)
        return error_set(error, ERROR_INTERNAL, "out of memory for %zu topics", count);
    for (; consumer->topic_count < count; consumer->topic_count++) {
        const char *topic = named->elems[consumer->topic_count].topic;
        rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer->client, topic, NULL);
        if (!handle)
            return kafka_error(error, rd_kafka_last_error(), topic);
        consumer->topics[consumer->topic_count] = handle;
    }
    return true;
}

static void destroy(struct consumer *port)
{
    if (!port)
        return;
    struct kafka_consumer *consumer = of(port);
    if (consumer->has_number) {
        kafka_member_exit(consumer->member, consumer->number);
        release(consumer, rd_kafka_assignment_lost(kafka_consumer_client(port)) != 0);
    }
    ticker_clean_up(&consumer->ends_watch);
    if (consumer->queue)
        rd_kafka_queue_destroy(consumer->queue);
    for (size_t i = 0; i < consumer->topic_count; i++)
        rd_kafka_topic_destroy(consumer->topics[i]);
    free(consumer->topics);
    kafka_consumer_destroy(consumer->client);
    if (consumer->owns_member)
        kafka_member_destroy(consumer->member);
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    pthread_mutex_destroy(&consumer->lock);
    free(consumer);
}

static const struct consumer_operations operations = {
    .assign = assign,
    .poll = poll_messages,
    .extents = extents,
    .known_end = known_end,
    .real_end = real_end,
    .offset_at = offset_at,
    .record_first = record_first,
    .partition_count = partition_count,
    .cluster = cluster,
    .commit_group_offsets = commit_group_offsets,
    .destroy = destroy,
};

bool kafka_consumer_open_of(struct kafka_member *member, const struct kafka_access *access,
                            const struct consumer_events *events, struct consumer **ret_consumer, struct error *error)
{
    struct kafka_consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    consumer->consumer.operations = &operations;
    consumer->events = *events;
    consumer->member = member;
    consumer->assigned = rd_kafka_topic_partition_list_new(0);
    pthread_mutex_init(&consumer->lock, NULL);
    ticker_init(&consumer->ends_watch, watch_ends, consumer);
    consumer->at = -1;
    consumer->client = kafka_consumer_client_new(access, set_callbacks, consumer, error);
    if (consumer->client) {
        rd_kafka_poll_set_consumer(consumer->client);
        consumer->queue = rd_kafka_queue_get_consumer(consumer->client);
        consumer->has_number = know_topics(consumer, error) && kafka_member_enter(member, &consumer->number, error);
    }
    if (!consumer->has_number || !ticker_start(&consumer->ends_watch, 0, error)) {
        destroy(&consumer->consumer);
        return false;
    }
    *ret_consumer = &consumer->consumer;
    return true;
}

bool kafka_consumer_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                         const struct consumer_events *events, struct consumer **ret_consumer, struct error *error)
{
    struct kafka_member *member;
    if (!kafka_member_open(access, topics, topic_count, 1, &member, error))
        return false;
    if (!kafka_consumer_open_of(member, access, events, ret_consumer, error)) {
        kafka_member_destroy(member);
        return false;
    }
    of(*ret_consumer)->owns_member = true;
    return true;
}

rd_kafka_t *kafka_consumer_client(struct consumer *consumer)
{
    return kafka_member_client(of(consumer)->member);
}

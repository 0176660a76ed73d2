/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/consumer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka/message.h"

#define PULSE_NS 5000000 /* see pulse() */
#define ENDS_TURNS 20    /* of pulse(), from one question to the next while nothing streams in */

struct kafka_consumer {
    struct consumer consumer; /* first, so that one pointer is both */
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    rd_kafka_t *lookup; /* of metadata and offsets: a broker answers one request after the other on a connection, and
                           these would wait behind idle fetches. It never joins the group */
    rd_kafka_topic_partition_list_t *given; /* by the group, and not taken yet; NULL nothing is */
    struct consumer_events events;
    struct log_message messages[CONSUMER_BATCH];

    pthread_t pulse;
    bool has_pulse;
    atomic_bool busy, closing;
    pthread_mutex_t lock;                      /* of `assigned` */
    rd_kafka_topic_partition_list_t *assigned; /* each offset is an end, each opaque a real one: see note_end() */
};

static struct kafka_consumer *of(struct consumer *consumer)
{
    return (struct kafka_consumer *)consumer;
}

const struct property kafka_consumer_defaults[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"},
    {"enable.partition.eof", "true"},
    {"isolation.level", "read_committed"},
    {"partition.assignment.strategy", "range,roundrobin"},
    {"session.timeout.ms", "6000"},
    {"heartbeat.interval.ms", "1500"},
    {"fetch.error.backoff.ms", "50"},
    {"fetch.wait.max.ms", "100"}, /* the end that pulse() asks for waits behind it */
    {0},
};

static void set_given(struct kafka_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    if (consumer->given)
        rd_kafka_topic_partition_list_destroy(consumer->given);
    consumer->given = list;
}

/* Tells what the group has given, until it is taken. */
static void tell_assigned(struct kafka_consumer *consumer)
{
    const rd_kafka_topic_partition_list_t *list = consumer->given;
    struct consumer_position *positions = calloc((size_t)list->cnt + 1, sizeof *positions);
    for (int i = 0; positions && i < list->cnt; i++)
        positions[i] = (struct consumer_position){list->elems[i].topic, list->elems[i].partition, -1};
    if (positions && consumer->events.assigned(consumer->events.context, positions, (size_t)list->cnt)) {
        set_given(consumer, NULL);
    } else if (consumer->events.trouble) {
        struct error error;
        error_set(&error, ERROR_INTERNAL, "out of memory for %d partitions that the group gives", list->cnt);
        consumer->events.trouble(consumer->events.context, &error);
    }
    free(positions);
}

/* The group's decision is only noted; what is fetched, and from where, kafka_consumer_assign says. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *context)
{
    struct kafka_consumer *consumer = context;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        kafka_assign(client, none);
        rd_kafka_topic_partition_list_destroy(none);
        set_given(consumer, rd_kafka_topic_partition_list_copy(list));
        tell_assigned(consumer);
    } else {
        set_given(consumer, NULL);
        consumer->events.revoked(consumer->events.context, rd_kafka_assignment_lost(client) != 0);
        /* Once the last assignment of a consumer that is being closed has gone, nobody answers questions any more. */
        if (atomic_load(&consumer->closing))
            rd_kafka_assign(client, NULL);
        else
            kafka_assign(client, NULL);
        pthread_mutex_lock(&consumer->lock);
        rd_kafka_topic_partition_list_destroy(consumer->assigned);
        consumer->assigned = rd_kafka_topic_partition_list_new(0);
        pthread_mutex_unlock(&consumer->lock);
    }
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
    (void)client;
    struct kafka_consumer *consumer = context;
    struct error error;
    kafka_error(&error, (rd_kafka_resp_err_t)code, reason);
    if (consumer->events.trouble)
        consumer->events.trouble(consumer->events.context, &error);
}

static void prepare(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

/* A partition in `assigned`, copied out of it. */
struct place {
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
static bool choose(struct kafka_consumer *consumer, bool any, int *at, struct place *ret_place)
{
    bool found = false;
    pthread_mutex_lock(&consumer->lock);
    for (int i = 0; i < consumer->assigned->cnt && !found; i++) {
        *at = (*at + 1) % consumer->assigned->cnt;
        const rd_kafka_topic_partition_t *one = &consumer->assigned->elems[*at];
        found = may_have_grown(consumer, one, &ret_place->high) || any;
        if (found) {
            ret_place->partition = one->partition;
            snprintf(ret_place->topic, sizeof ret_place->topic, "%s", one->topic);
        }
    }
    pthread_mutex_unlock(&consumer->lock);
    return found;
}

/* The offsets in `assigned` are those that were assigned, and from the first answer on the ends for read_committed. The
 * real end was heard of before that one: where it is beyond, a transaction was open. */
static void note_end(struct kafka_consumer *consumer, const struct place *place, int64_t end)
{
    pthread_mutex_lock(&consumer->lock);
    rd_kafka_topic_partition_t *one =
        rd_kafka_topic_partition_list_find(consumer->assigned, place->topic, place->partition);
    if (one && end > one->offset)
        one->offset = end;
    if (one)
        one->opaque = (void *)(intptr_t)place->high; // NOLINT(performance-no-int-to-ptr): it has no other room
    pthread_mutex_unlock(&consumer->lock);
}

/* Asks for the ends of the log, of one partition after the other. librdkafka 2.0's broker thread sleeps for up to a
 * second once a queue has been full, however soon it is empty again, and any request to the broker wakes it: so while
 * messages stream in, an end is asked for in every turn. Else some in a second, and only while a fetch has told of more
 * than is known. */
static void *pulse(void *context)
{
    struct kafka_consumer *consumer = context;
    int at = -1;
    for (int turn = 0; !atomic_load(&consumer->closing); turn++) {
        nanosleep(&(struct timespec){.tv_nsec = PULSE_NS}, NULL);
        bool busy = atomic_load(&consumer->busy);
        struct place place;
        int64_t first, end;
        if ((busy || turn % ENDS_TURNS == 0) && choose(consumer, busy, &at, &place) &&
            !rd_kafka_query_watermark_offsets(consumer->client, place.topic, place.partition, &first, &end, 1000))
            note_end(consumer, &place, end);
    }
    return NULL;
}

static bool subscribe(struct kafka_consumer *consumer, const char *const topics[], size_t topic_count,
                      struct error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topic_count);
    for (size_t i = 0; i < topic_count; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 || kafka_error(error, code, "subscribe");
}

static rd_kafka_topic_partition_list_t *position_list(const struct consumer_position positions[], size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, positions[i].topic, positions[i].partition)->offset =
            positions[i].offset;
    return list;
}

static bool assign(struct consumer *port, const struct consumer_position positions[], size_t count, struct error *error)
{
    struct kafka_consumer *consumer = of(port);
    rd_kafka_topic_partition_list_t *list = position_list(positions, count);
    rd_kafka_resp_err_t code = kafka_assign(consumer->client, list);
    pthread_mutex_lock(&consumer->lock);
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    consumer->assigned = list;
    pthread_mutex_unlock(&consumer->lock);
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
        } else if (events->trouble) {
            kafka_error(&error, message->err, *topic ? topic : rd_kafka_message_errstr(message));
            events->trouble(events->context, &error);
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

static size_t poll_messages(struct consumer *port, int timeout_ms)
{
    struct kafka_consumer *consumer = of(port);
    rd_kafka_message_t *messages[CONSUMER_BATCH];
    if (consumer->given)
        tell_assigned(consumer);
    ssize_t polled = rd_kafka_consume_batch_queue(consumer->queue, timeout_ms, messages, CONSUMER_BATCH);
    size_t count = polled > 0 ? (size_t)polled : 0;
    atomic_store(&consumer->busy, count == CONSUMER_BATCH);
    for (size_t at = 0; at < count;) {
        if (messages[at]->err)
            serve(consumer, messages[at++]);
        else
            at += give_run(consumer, messages + at, count - at);
    }
    for (size_t i = 0; i < count; i++)
        rd_kafka_message_destroy(messages[i]);
    return count;
}

/* Partitions by their leaders: each leader is asked alone, so that one that is silent costs only its own. */
struct lookup {
    struct consumer_extent *extents;
    int32_t *leaders;
    size_t count;
};

/* Where the leader isn't known, the partition has an error. */
static void find_leaders(struct kafka_consumer *consumer, struct lookup *lookup)
{
    int32_t *leaders = NULL, count = 0;
    struct error error = {0};
    for (size_t i = 0; i < lookup->count; i++) {
        struct consumer_extent *extent = &lookup->extents[i];
        if (i == 0 || strcmp(extent->topic, extent[-1].topic) != 0) {
            free(leaders);
            leaders = NULL;
            count = 0;
            error.code = ERROR_NONE;
            (void)kafka_leaders(consumer->lookup, extent->topic, &leaders, &count, &error);
        }
        lookup->leaders[i] = extent->partition < count ? leaders[extent->partition] : -1;
        extent->error = error;
        if (error.code == ERROR_NONE && lookup->leaders[i] < 0)
            error_set(&extent->error, ERROR_UNAVAILABLE, "kafka: %s: a partition has no leader", extent->topic);
    }
    free(leaders);
}

/* Of the leader's partitions without an error. `which` is RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END: a broker
 * takes them where it takes a time. */
static void ask_leader(struct kafka_consumer *consumer, int32_t leader, int64_t which, const struct lookup *lookup)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)lookup->count);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; i < lookup->count; i++) {
        const struct consumer_extent *extent = &lookup->extents[i];
        if (lookup->leaders[i] == leader && extent->error.code == ERROR_NONE)
            rd_kafka_topic_partition_list_add(list, extent->topic, extent->partition)->offset = which;
    }
    if (list->cnt)
        code = rd_kafka_offsets_for_times(consumer->lookup, list, KAFKA_TIMEOUT_MS);
    for (size_t i = 0; list->cnt && i < lookup->count; i++) {
        struct consumer_extent *extent = &lookup->extents[i];
        const rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_find(list, extent->topic, extent->partition);
        if (one && (code || one->err))
            kafka_error(&extent->error, code ? code : one->err, extent->topic);
        else if (one && one->offset < 0)
            error_set(&extent->error, ERROR_UNAVAILABLE, "kafka: %s: the leader says no offset", extent->topic);
        else if (one)
            *(which == RD_KAFKA_OFFSET_END ? &extent->end : &extent->first) = one->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void ask_extents(struct consumer *port, struct consumer_extent extents[], size_t count)
{
    struct lookup lookup = {extents, calloc(count + 1, sizeof(int32_t)), count};
    for (size_t i = 0; !lookup.leaders && i < count; i++)
        error_set(&extents[i].error, ERROR_INTERNAL, "out of memory");
    if (!lookup.leaders)
        return;
    find_leaders(of(port), &lookup);
    for (size_t i = 0; i < count; i++) {
        bool is_first = lookup.leaders[i] >= 0;
        for (size_t before = 0; is_first && before < i; before++)
            is_first = lookup.leaders[before] != lookup.leaders[i];
        if (!is_first)
            continue;
        ask_leader(of(port), lookup.leaders[i], RD_KAFKA_OFFSET_BEGINNING, &lookup);
        ask_leader(of(port), lookup.leaders[i], RD_KAFKA_OFFSET_END, &lookup);
    }
    free(lookup.leaders);
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
    struct kafka_consumer *consumer = of(port);
    const struct consumer_position when = {topic, partition, at_us / 1000};
    rd_kafka_topic_partition_list_t *list = position_list(&when, 1);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(consumer->lookup, list, KAFKA_TIMEOUT_MS);
    int64_t offset = code || list->elems[0].err || list->elems[0].offset < 0 ? -1 : list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

static bool cluster(struct consumer *port, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    /* The member has heard it; a handle that nothing was asked of waits a second for it. */
    return kafka_cluster(of(port)->client, ret_cluster, CLUSTER_ID_MAX, error);
}

static bool partition_count(struct consumer *port, const char *topic, int32_t *ret_count, struct error *error)
{
    return kafka_partition_count(of(port)->lookup, topic, ret_count, error);
}

static void hint(struct consumer *port, const struct consumer_position positions[], size_t count)
{
    struct kafka_consumer *consumer = of(port);
    rd_kafka_topic_partition_list_t *list = position_list(positions, count);
    rd_kafka_commit(consumer->client, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

static void destroy(struct consumer *port)
{
    if (!port)
        return;
    struct kafka_consumer *consumer = of(port);
    atomic_store(&consumer->closing, true);
    if (consumer->has_pulse)
        pthread_join(consumer->pulse, NULL);
    if (consumer->client) {
        rd_kafka_queue_destroy(consumer->queue);
        kafka_consumer_destroy(consumer->client);
    }
    if (consumer->lookup)
        kafka_consumer_destroy(consumer->lookup);
    set_given(consumer, NULL);
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    pthread_mutex_destroy(&consumer->lock);
    free(consumer);
}

static const struct consumer_operations operations = {
    .assign = assign,
    .poll = poll_messages,
    .extents = ask_extents,
    .known_end = known_end,
    .real_end = real_end,
    .offset_at = offset_at,
    .partition_count = partition_count,
    .cluster = cluster,
    .hint = hint,
    .destroy = destroy,
};

bool kafka_consumer_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                         const struct consumer_events *events, struct consumer **ret_consumer, struct error *error)
{
    struct kafka_consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    consumer->consumer.operations = &operations;
    consumer->events = *events;
    consumer->assigned = rd_kafka_topic_partition_list_new(0);
    pthread_mutex_init(&consumer->lock, NULL);
    struct property member[sizeof kafka_consumer_defaults / sizeof kafka_consumer_defaults[0] + 1] = {
        {"group.id", access->group}};
    memcpy(member + 1, kafka_consumer_defaults, sizeof kafka_consumer_defaults);
    consumer->client = kafka_client_new(RD_KAFKA_CONSUMER, access, member, prepare, consumer, error);
    if (consumer->client) {
        rd_kafka_poll_set_consumer(consumer->client);
        consumer->queue = rd_kafka_queue_get_consumer(consumer->client);
    }
    if (consumer->client)
        consumer->lookup = kafka_client_new(RD_KAFKA_CONSUMER, access, member, NULL, NULL, error);
    if (!consumer->lookup || (topic_count > 0 && !subscribe(consumer, topics, topic_count, error))) {
        destroy(&consumer->consumer);
        return false;
    }
    consumer->has_pulse = pthread_create(&consumer->pulse, NULL, pulse, consumer) == 0;
    *ret_consumer = &consumer->consumer;
    return true;
}

rd_kafka_t *kafka_consumer_client(struct consumer *consumer)
{
    return of(consumer)->client;
}

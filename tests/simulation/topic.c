/* SPDX-License-Identifier: Apache-2.0 */
#include "topic.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "chance.h"

#define CLUSTER "simulated"

void topic_begin(struct topic *topic, int32_t partitions, int64_t max_future_us)
{
    topic->service = (struct service){.name = "kafka"};
    topic->partition_count = partitions;
    topic->pool_used = 0;
    topic->max_future_us = max_future_us;
    topic->record_us = WALL_EPOCH_US;
    topic->clock_us = 0;
    topic->generation = 1;
    topic->arrives_whole = false;
    memset(topic->order_event_us, 0, sizeof topic->order_event_us);
    for (int i = 0; i < TOPIC_PARTITIONS; i++) {
        int64_t began = chance_one_in(3) ? (int64_t)chance_below(9) : 0;
        topic->partitions[i].began = topic->partitions[i].first = topic->partitions[i].end = began;
        topic->partitions[i].lost_from = INT64_MAX;
        topic->partitions[i].owner = i % 2;
        topic->partitions[i].second = -1;
        topic->partitions[i].recorded_first = topic->partitions[i].known_first = -1;
    }
}

const struct order_message *topic_message(const struct topic *topic, int32_t partition, int64_t offset)
{
    const struct topic_partition *in = &topic->partitions[partition];
    return in->messages[offset - in->began];
}

const struct order_message *topic_message_of(const struct topic *topic, int32_t partition, int64_t offset, bool lost)
{
    const struct topic_partition *in = &topic->partitions[partition];
    if (lost && offset >= in->lost_from)
        return offset < in->lost_end ? in->lost[offset - in->began] : NULL;
    return offset < in->end ? in->messages[offset - in->began] : NULL;
}

void topic_lose_tail(struct topic *topic, int32_t partition, int64_t from)
{
    struct topic_partition *in = &topic->partitions[partition];
    if (in->lost_from != INT64_MAX || from >= in->end || from < in->first)
        return;
    memcpy(in->lost, in->messages, sizeof in->lost);
    in->lost_from = from;
    in->lost_end = in->end;
    in->end = from;
}

/* When an order of now was made: late, just now, or a little ahead of the producer's clock. */
static int64_t event_time(struct topic *topic, int order)
{
    static const int64_t before_us[] = {
        0, 0, 61 * US_PER_SECOND, 3 * 3600 * US_PER_SECOND, 50 * 3600 * US_PER_SECOND, -1800 * US_PER_SECOND};
    int64_t *event_us = &topic->order_event_us[order];
    if (*event_us)
        return *event_us;
    *event_us = topic->record_us - before_us[chance_below(sizeof before_us / sizeof *before_us)];
    if (topic->untimed_in_6 && chance_one_in(6)) /* where the record has no time, max_future doesn't bind */
        *event_us += (int64_t)chance_below(8 * 3600) * US_PER_SECOND;
    return *event_us;
}

static void write_payload(struct order_message *message)
{
    static const char *const categories[TOPIC_CATEGORIES] = {"null", "\"\"", "\"a\""};
    int64_t cents = message->cents < 0 ? -message->cents : message->cents;
    int length =
        snprintf(message->payload, sizeof message->payload,
                 "{\"id\":\"o%d\",\"status\":\"%s\",\"category\":%s,\"amount\":%s%d.%02d,\"at\":%lld}", message->order,
                 message->cancelled ? "cancelled" : "paid", categories[message->category],
                 message->cents < 0 ? "-" : "", (int)(cents / 100), (int)(cents % 100), (long long)message->event_us);
    message->length = (size_t)length;
}

static void append(struct topic_partition *partition, struct order_message *message)
{
    message->appended_us = clock_wall_us();
    partition->messages[partition->end++ - partition->began] = message;
}

/* Most orders stay in their partition; of a topic that has grown, some don't. */
static int32_t partition_of(const struct topic *topic, int order)
{
    if (topic->partition_count > 2 && chance_one_in(3))
        return 2;
    return order % (topic->partition_count < 2 ? topic->partition_count : 2);
}

/* Where the record has no time, an event time far ahead isn't bad. */
static void spoil(struct topic *topic, struct order_message *message)
{
    message->bad = true;
    switch (chance_below(message->record_us < 0 ? 2 : 3)) {
    case 0:
        message->length -= 1 + chance_below(20);
        break;
    case 1:
        message->length = 0;
        break;
    default:
        message->event_us = message->record_us + topic->max_future_us + 1;
        write_payload(message);
    }
}

/* Not so early that the event would lie too far ahead of it. */
static void choose_record_time(const struct topic *topic, struct order_message *message)
{
    int64_t least_us = message->event_us - topic->max_future_us;
    if (topic->is_disordered && chance_one_in(3))
        message->record_us -= (int64_t)chance_below(8 * 3600) * US_PER_SECOND;
    if (message->record_us < least_us)
        message->record_us = least_us;
    if (chance_below(6) < topic->untimed_in_6)
        message->record_us = -1;
}

int64_t topic_message_clock_us(const struct order_message *message)
{
    bool is_early = message->record_us >= 0 && message->record_us < message->event_us;
    return is_early ? message->record_us : message->event_us;
}

static void follow_clock(struct topic *topic, const struct order_message *message)
{
    int64_t at_us = topic_message_clock_us(message);
    if (!message->bad && !message->hole && at_us > topic->clock_us)
        topic->clock_us = at_us;
}

static void produce(struct topic *topic, int order, struct topic_partition *partition)
{
    if (partition->end - partition->began == TOPIC_OFFSETS)
        return;
    struct order_message *message = &topic->pool[topic->pool_used++];
    topic->record_us += (int64_t)chance_below(600) * US_PER_SECOND;
    *message = (struct order_message){.order = order,
                                      .category = (int)chance_below(TOPIC_CATEGORIES),
                                      .record_us = topic->record_us,
                                      .event_us = event_time(topic, order),
                                      .cents = (int64_t)chance_below(5) * 101 - 101,
                                      .cancelled = chance_one_in(5),
                                      .hole = chance_one_in(20) && topic->has_holes};
    choose_record_time(topic, message);
    write_payload(message);
    if (chance_one_in(12))
        spoil(topic, message);
    follow_clock(topic, message);
    append(partition, message);
}

void topic_produce(struct topic *topic)
{
    int order = (int)chance_below(TOPIC_ORDERS);
    produce(topic, order, &topic->partitions[partition_of(topic, order)]);
}

void topic_produce_in(struct topic *topic, int32_t partition)
{
    int order = 2 * (int)chance_below(TOPIC_ORDERS / 2) + partition;
    produce(topic, order, &topic->partitions[partition]);
}

void topic_grow(struct topic *topic)
{
    if (topic->partition_count == TOPIC_PARTITIONS)
        return;
    topic->partition_count++;
    topic->generation++;
}

void topic_give_all(struct topic *topic, int member)
{
    for (int i = 0; i < TOPIC_PARTITIONS; i++) {
        topic->partitions[i].owner = member;
        topic->partitions[i].second = -1;
    }
    topic->generation++;
}

void topic_rebalance(struct topic *topic, bool overlap)
{
    for (int i = 0; i < TOPIC_PARTITIONS; i++) {
        topic->partitions[i].owner = (int)chance_below(2);
        topic->partitions[i].second = overlap && chance_one_in(2) ? 1 - topic->partitions[i].owner : -1;
    }
    topic->generation++;
}

/* --- as the batch layer reads it --- */

static struct topic_log *log_of(struct event_log *log)
{
    return (struct topic_log *)(void *)log;
}

static bool log_cluster(struct event_log *log, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    struct topic_log *self = log_of(log);
    if (self->actor->dead || self->topic->service.is_down)
        return error_set(error, ERROR_UNAVAILABLE, "kafka is down");
    snprintf(ret_cluster, CLUSTER_ID_MAX, "%s", CLUSTER);
    return true;
}

static bool log_partition_count(struct event_log *log, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)topic;
    struct topic_log *self = log_of(log);
    if (!call_begins(self->actor, &self->topic->service, error))
        return false;
    *ret_count = self->topic->partition_count;
    return true;
}

static bool log_ends(struct event_log *log, const char *topic, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                     struct error *error)
{
    (void)topic;
    struct topic_log *self = log_of(log);
    if (!call_begins(self->actor, &self->topic->service, error))
        return false;
    *ret_first = self->topic->partitions[partition].first;
    *ret_end = self->topic->partitions[partition].end;
    return true;
}

static struct log_message message_at(const struct topic *topic, int32_t partition, int64_t offset)
{
    const struct order_message *message = topic_message(topic, partition, offset);
    return (struct log_message){.offset = offset,
                                .record_time_us = message->record_us,
                                .key = {NULL, 0},
                                .payload = {message->length ? message->payload : NULL, message->length}};
}

/* In pieces, so that the log's head can be lost in the middle. */
static bool log_read(struct event_log *log, const char *name, int32_t number, int64_t from, int64_t to,
                     int64_t *ret_first_available,
                     bool (*take)(void *context, const struct log_message *message, struct error *error), void *context,
                     struct error *error)
{
    (void)name;
    struct topic_log *self = log_of(log);
    const struct topic_partition *partition = &self->topic->partitions[number];
    if (!call_begins(self->actor, &self->topic->service, error))
        return false;
    if (to > partition->end)
        return error_set(error, ERROR_TRY_AGAIN, "the log ends before offset %lld", (long long)to);
    if (partition->first > from) {
        *ret_first_available = partition->first < to ? partition->first : to;
        return true;
    }
    for (int64_t offset = from; offset < to; offset++) {
        struct log_message message = message_at(self->topic, number, offset);
        if (!topic_message(self->topic, number, offset)->hole && !take(context, &message, error))
            return false;
    }
    *ret_first_available = from;
    return true;
}

static bool log_policy(struct event_log *log, const char *topic, char ret_policy[LOG_POLICY_MAX], struct error *error)
{
    (void)log;
    (void)topic;
    (void)error;
    snprintf(ret_policy, LOG_POLICY_MAX, "delete");
    return true;
}

static void log_destroy(struct event_log *log)
{
    (void)log;
}

void topic_log_init(struct topic_log *log, struct topic *topic, struct actor *actor)
{
    static const struct event_log_operations operations = {log_cluster, log_partition_count, log_policy, log_ends,
                                                           log_read,    log_destroy};
    *log = (struct topic_log){{&operations}, topic, actor};
}

/* --- as a member of the group reads it --- */

static struct topic_consumer *consumer_of(struct consumer *consumer)
{
    return (struct topic_consumer *)(void *)consumer;
}

static bool assign(struct consumer *port, const struct consumer_position positions[], size_t count, struct error *error)
{
    (void)error;
    struct topic_consumer *consumer = consumer_of(port);
    consumer->count = count;
    for (size_t i = 0; i < count; i++) {
        consumer->positions[i] = positions[i];
        consumer->told_end[i] = -1;
    }
    return true;
}

/* Revokes, where the member had something, and tells what it has now. */
static void follow_group(struct topic_consumer *consumer)
{
    const struct topic *topic = consumer->topic;
    struct consumer_position given[TOPIC_PARTITIONS];
    size_t count = 0;
    if (consumer->has_assignment)
        consumer->events.revoked(consumer->events.context, chance_one_in(4));
    consumer->count = 0;
    consumer->generation = topic->generation;
    for (int32_t i = 0; i < topic->partition_count; i++)
        if (consumer->is_apart || topic->partitions[i].owner == consumer->member ||
            topic->partitions[i].second == consumer->member)
            given[count++] = (struct consumer_position){TOPIC_NAME, i, -1};
    consumer->has_assignment = consumer->events.assigned(consumer->events.context, given, count);
}

#define POLL_MESSAGES 6

/* A fetch whose first messages came damaged: librdkafka says so, and goes on behind them. */
static void give_damaged(struct topic_consumer *consumer, struct consumer_position *at, int64_t end)
{
    struct error error;
    error_set(&error, ERROR_UNAVAILABLE, "what lies at offset %lld came damaged", (long long)at->offset);
    at->offset += 1 + (int64_t)chance_below((uint64_t)(end - at->offset));
    consumer->events.unreadable(consumer->events.context, TOPIC_NAME, at->partition, &error);
}

/* True where the partition has more. */
static bool give_some(struct topic_consumer *consumer, size_t number)
{
    struct consumer_position *at = &consumer->positions[number];
    const struct topic_partition *partition = &consumer->topic->partitions[at->partition];
    struct log_message messages[POLL_MESSAGES];
    size_t count = 0, most = 1 + chance_below(POLL_MESSAGES);
    if (at->offset < partition->first || at->offset > partition->end) {
        consumer->events.out_of_range(consumer->events.context, TOPIC_NAME, at->partition, at->offset);
        return false;
    }
    if (at->offset < partition->end && !consumer->topic->arrives_whole && chance_one_in(60))
        give_damaged(consumer, at, partition->end);
    for (; at->offset < partition->end && count < most; at->offset++)
        if (!topic_message(consumer->topic, at->partition, at->offset)->hole)
            messages[count++] = message_at(consumer->topic, at->partition, at->offset);
    if (count)
        consumer->events.messages(consumer->events.context, TOPIC_NAME, at->partition, messages, count);
    else if (consumer->told_end[number] != at->offset) {
        consumer->told_end[number] = at->offset;
        consumer->events.end(consumer->events.context, TOPIC_NAME, at->partition, at->offset);
    }
    return at->offset < partition->end;
}

static bool poll_messages(struct consumer *port, int timeout_ms, bool gathers)
{
    (void)timeout_ms, (void)gathers;
    struct topic_consumer *consumer = consumer_of(port);
    struct error error;
    if (!call_begins(consumer->actor, &consumer->topic->service, &error))
        return false;
    if (consumer->generation != consumer->topic->generation)
        follow_group(consumer);
    else if (consumer->count)
        return give_some(consumer, chance_below(consumer->count));
    return false;
}

static void ask_extents(struct consumer *port, struct consumer_extent extents[], size_t count)
{
    struct topic_consumer *consumer = consumer_of(port);
    struct error error;
    bool done = call_begins(consumer->actor, &consumer->topic->service, &error);
    for (size_t i = 0; i < count; i++) {
        extents[i].error = done ? (struct error){0} : error;
        extents[i].first = consumer->topic->partitions[extents[i].partition].first;
        extents[i].end = consumer->topic->partitions[extents[i].partition].end;
    }
}

static int64_t known_end(struct consumer *port, const char *topic, int32_t partition)
{
    (void)topic;
    return consumer_of(port)->topic->partitions[partition].end;
}

static int64_t real_end(struct consumer *port, const char *topic, int32_t partition)
{
    (void)port, (void)topic, (void)partition;
    return 0;
}

static int64_t offset_at(struct consumer *port, const char *topic, int32_t partition, int64_t at_us)
{
    (void)topic;
    const struct topic_partition *in = &consumer_of(port)->topic->partitions[partition];
    for (int64_t offset = in->first; offset < in->end; offset++)
        if (in->messages[offset - in->began]->record_us >= at_us)
            return offset;
    return -1;
}

static bool partition_count(struct consumer *port, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)topic;
    (void)error;
    *ret_count = consumer_of(port)->topic->partition_count;
    return true;
}

static bool cluster(struct consumer *port, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    (void)port;
    (void)error;
    snprintf(ret_cluster, CLUSTER_ID_MAX, "%s", CLUSTER);
    return true;
}

static bool record_first(struct consumer *port, const char *name, int32_t partition, int64_t first, int64_t *ret_first,
                         struct error *error)
{
    (void)name;
    struct topic_consumer *consumer = consumer_of(port);
    if (!call_begins(consumer->actor, &consumer->topic->service, error))
        return false;
    int64_t *recorded = &consumer->topic->partitions[partition].recorded_first;
    *ret_first = *recorded = *recorded < 0 ? first : *recorded;
    return call_ends(consumer->actor, &consumer->topic->service, error);
}

static void commit_group_offsets(struct consumer *port, const struct group_offset offsets[], size_t count)
{
    struct topic_consumer *consumer = consumer_of(port);
    bool is_told = !consumer->is_apart && !consumer->actor->dead && !consumer->topic->service.is_down;
    for (size_t i = 0; is_told && i < count; i++)
        consumer->topic->partitions[offsets[i].partition].recorded_first = offsets[i].first;
}

static void destroy(struct consumer *port)
{
    struct topic_consumer *consumer = consumer_of(port);
    if (consumer->has_assignment)
        consumer->events.revoked(consumer->events.context, false);
    consumer->has_assignment = false;
}

void topic_consumer_init(struct topic_consumer *consumer, struct topic *topic, struct actor *actor, int member,
                         const struct consumer_events *events)
{
    static const struct consumer_operations operations = {.assign = assign,
                                                          .poll = poll_messages,
                                                          .extents = ask_extents,
                                                          .known_end = known_end,
                                                          .real_end = real_end,
                                                          .offset_at = offset_at,
                                                          .record_first = record_first,
                                                          .partition_count = partition_count,
                                                          .cluster = cluster,
                                                          .commit_group_offsets = commit_group_offsets,
                                                          .destroy = destroy};
    *consumer = (struct topic_consumer){
        .consumer = {&operations}, .topic = topic, .actor = actor, .events = *events, .member = member};
}

void topic_consumer_init_apart(struct topic_consumer *consumer, struct topic *topic, struct actor *actor,
                               const struct consumer_events *events)
{
    topic_consumer_init(consumer, topic, actor, -2, events);
    consumer->is_apart = true;
}

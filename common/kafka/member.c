/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/member.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CONSUMERS_MAX 256 /* as many as speed.workers can be */

/* What one consumer has of the member's partitions. */
struct share {
    rd_kafka_topic_partition_list_t *partitions; /* NULL: nothing was given */
    bool is_open;                                /* its consumer is there */
    bool has_polled;                             /* and has polled since the group was last heard */
    bool is_taken;                               /* the consumer knows of the partitions */
    bool is_wanted_back;                         /* the group takes them, and waits */
};

struct kafka_member {
    rd_kafka_t *client;
    rd_kafka_topic_partition_list_t *topics; /* to subscribe to; NULL none */
    pthread_mutex_t lock;                    /* of all that follows; callbacks come under it */
    bool is_revoking;                        /* the group waits for what it takes back */
    bool is_closing;
    int64_t close_by_us; /* monotonic; 0: no consumer has gone yet */
    bool has_trouble;
    struct error trouble;
    size_t count, entered;
    struct share shares[CONSUMERS_MAX];
};

#define QUOTED(number) #number
#define TEXT_OF(number) QUOTED(number)

const struct property kafka_consumer_defaults[] = {
    {"partition.assignment.strategy", "range,roundrobin"}, /* librdkafka 2.0: eager ones only */
    {"session.timeout.ms", "6000"},
    {"heartbeat.interval.ms", "1500"},
    {"queued.min.messages", TEXT_OF(KAFKA_QUEUED_MESSAGES)},
    {"fetch.wait.max.ms", "100"}, /* the end that a consumer asks for on its connection waits behind it */
    {0},
};

rd_kafka_t *kafka_consumer_client_new(const struct kafka_access *access, void (*prepare)(rd_kafka_conf_t *, void *),
                                      void *context, struct error *error)
{
    /* The consumer API asks for a group also where none is joined. */
    struct property defaults[sizeof kafka_consumer_defaults / sizeof kafka_consumer_defaults[0] + 1] = {
        {"group.id", access->group}};
    memcpy(defaults + 1, kafka_consumer_defaults, sizeof kafka_consumer_defaults);
    return kafka_client_new(RD_KAFKA_CONSUMER, access, defaults, prepare, context, error);
}

static void share_clear(struct share *share)
{
    if (share->partitions)
        rd_kafka_topic_partition_list_destroy(share->partitions);
    share->partitions = NULL;
    share->is_taken = share->is_wanted_back = false;
}

/* --- What the group says, under the lock ------------------------------------------------------------------------- */

/* The member fetches nothing: where its consumers read is their own affair. */
static void answer(struct kafka_member *member, const rd_kafka_topic_partition_list_t *partitions)
{
    /* Once the last assignment of a client that is being closed has gone, nobody answers questions any more. */
    if (member->is_closing)
        rd_kafka_assign(member->client, partitions);
    else
        kafka_assign(member->client, partitions);
}

static void answer_if_released(struct kafka_member *member)
{
    for (size_t i = 0; i < member->count; i++)
        if (member->shares[i].is_wanted_back)
            return;
    member->is_revoking = false;
    answer(member, NULL);
}

/* Dealt one after the other, so that no consumer has two more than another. */
static void share_out(struct kafka_member *member, rd_kafka_topic_partition_list_t *given)
{
    size_t open[CONSUMERS_MAX], count = 0;
    rd_kafka_topic_partition_list_sort(given, NULL, NULL);
    for (size_t i = 0; i < member->count; i++) {
        share_clear(&member->shares[i]);
        if (!member->shares[i].is_open)
            continue;
        member->shares[i].partitions = rd_kafka_topic_partition_list_new(given->cnt);
        open[count++] = i;
    }
    for (int i = 0; count > 0 && i < given->cnt; i++)
        rd_kafka_topic_partition_list_add(member->shares[open[(size_t)i % count]].partitions, given->elems[i].topic,
                                          given->elems[i].partition);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *context)
{
    struct kafka_member *member = context;
    (void)client;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        answer(member, none);
        rd_kafka_topic_partition_list_destroy(none);
        if (!member->is_closing)
            share_out(member, list);
        return;
    }
    member->is_revoking = true;
    for (size_t i = 0; i < member->count; i++)
        member->shares[i].is_wanted_back = member->shares[i].partitions != NULL;
    answer_if_released(member);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
    struct kafka_member *member = context;
    (void)client;
    member->has_trouble = true;
    kafka_error(&member->trouble, (rd_kafka_resp_err_t)code, reason);
}

static void note_message(struct kafka_member *member, rd_kafka_message_t *message)
{
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        const char *topic = message->rkt ? rd_kafka_topic_name(message->rkt) : rd_kafka_message_errstr(message);
        member->has_trouble = true;
        kafka_error(&member->trouble, message->err, topic);
    }
    rd_kafka_message_destroy(message);
}

static bool have_all_polled(const struct kafka_member *member)
{
    for (size_t i = 0; i < member->count; i++)
        if (member->shares[i].is_open && !member->shares[i].has_polled)
            return false;
    return true;
}

static void hear(struct kafka_member *member)
{
    rd_kafka_message_t *message;
    for (size_t i = 0; i < member->count; i++)
        member->shares[i].has_polled = false;
    while (!member->is_revoking && (message = rd_kafka_consumer_poll(member->client, 0)))
        note_message(member, message);
}

/* --- The consumers ----------------------------------------------------------------------------------------------- */

bool kafka_member_enter(struct kafka_member *member, size_t *ret_number, struct error *error)
{
    pthread_mutex_lock(&member->lock);
    *ret_number = member->entered++;
    member->shares[*ret_number].is_open = true;
    bool is_last = member->entered == member->count;
    rd_kafka_resp_err_t code =
        is_last && member->topics ? rd_kafka_subscribe(member->client, member->topics) : RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_mutex_unlock(&member->lock);
    return code == 0 || kafka_error(error, code, "subscribe");
}

void kafka_member_exit(struct kafka_member *member, size_t number)
{
    pthread_mutex_lock(&member->lock);
    member->shares[number].is_open = false;
    if (member->close_by_us == 0)
        member->close_by_us = clock_monotonic_us() + KAFKA_CLOSE_US;
    pthread_mutex_unlock(&member->lock);
}

bool kafka_member_serve(struct kafka_member *member, size_t number, struct error *ret_trouble)
{
    pthread_mutex_lock(&member->lock);
    member->shares[number].has_polled = true;
    if (!member->is_revoking && have_all_polled(member))
        hear(member);
    bool has_trouble = member->has_trouble;
    if (has_trouble)
        *ret_trouble = member->trouble;
    member->has_trouble = false;
    pthread_mutex_unlock(&member->lock);
    return has_trouble;
}

/* That all is lost is known at once, also where a consumer that doesn't poll keeps the group from being heard. */
bool kafka_member_takes_back(struct kafka_member *member, size_t number, bool *ret_lost)
{
    pthread_mutex_lock(&member->lock);
    const struct share *share = &member->shares[number];
    *ret_lost = rd_kafka_assignment_lost(member->client) != 0;
    bool takes = share->partitions && (share->is_wanted_back || *ret_lost);
    pthread_mutex_unlock(&member->lock);
    return takes;
}

void kafka_member_release(struct kafka_member *member, size_t number)
{
    pthread_mutex_lock(&member->lock);
    share_clear(&member->shares[number]);
    if (member->is_revoking)
        answer_if_released(member);
    pthread_mutex_unlock(&member->lock);
}

rd_kafka_topic_partition_list_t *kafka_member_take(struct kafka_member *member, size_t number)
{
    rd_kafka_topic_partition_list_t *given = NULL;
    pthread_mutex_lock(&member->lock);
    struct share *share = &member->shares[number];
    if (share->partitions && !share->is_taken && !share->is_wanted_back) {
        share->is_taken = true;
        given = rd_kafka_topic_partition_list_copy(share->partitions);
    }
    pthread_mutex_unlock(&member->lock);
    return given;
}

void kafka_member_put_back(struct kafka_member *member, size_t number)
{
    pthread_mutex_lock(&member->lock);
    member->shares[number].is_taken = false;
    pthread_mutex_unlock(&member->lock);
}

/* --- The member -------------------------------------------------------------------------------------------------- */

static void set_callbacks(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

bool kafka_member_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                       size_t consumers, struct kafka_member **ret_member, struct error *error)
{
    struct kafka_member *member = consumers <= CONSUMERS_MAX ? calloc(1, sizeof *member) : NULL;
    if (!member)
        return error_set(error, ERROR_INTERNAL, "out of memory for %zu consumers", consumers);
    member->count = consumers;
    pthread_mutex_init(&member->lock, NULL);
    member->client = kafka_consumer_client_new(access, set_callbacks, member, error);
    if (!member->client) {
        kafka_member_destroy(member);
        return false;
    }
    rd_kafka_poll_set_consumer(member->client);
    if (topic_count > 0)
        member->topics = rd_kafka_topic_partition_list_new((int)topic_count);
    for (size_t i = 0; i < topic_count; i++)
        rd_kafka_topic_partition_list_add(member->topics, topics[i], RD_KAFKA_PARTITION_UA);
    *ret_member = member;
    return true;
}

void kafka_member_destroy(struct kafka_member *member)
{
    if (!member)
        return;
    member->is_closing = true;
    int64_t now_us = clock_monotonic_us();
    if (member->client)
        kafka_consumer_leave(member->client, member->close_by_us ? member->close_by_us : now_us + KAFKA_CLOSE_US);
    for (size_t i = 0; i < member->count; i++)
        share_clear(&member->shares[i]);
    if (member->topics)
        rd_kafka_topic_partition_list_destroy(member->topics);
    pthread_mutex_destroy(&member->lock);
    free(member);
}

rd_kafka_t *kafka_member_client(struct kafka_member *member)
{
    return member->client;
}

const rd_kafka_topic_partition_list_t *kafka_member_topics(const struct kafka_member *member)
{
    return member->topics;
}

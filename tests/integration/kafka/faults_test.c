/* SPDX-License-Identifier: Apache-2.0
 * Kafka's errors, pushed into librdkafka's mock cluster: whatever a coordinator, a leader or a broker answers, a member
 * of the group and the batch layer's log give each message once and in order, without help. */
#include "cmocka_test.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "kafka/consumer.h"
#include "kafka/kafka_log.h"

#define TOPIC "orders"
#define PARTITIONS 3
#define MESSAGES 300 /* a partition, at a time */
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define DEADLINE_US (60 * US_PER_SECOND)

/* Of the protocol; librdkafka's header has no names for them. */
enum {
    FETCH = 1,
    LIST_OFFSETS = 2,
    METADATA = 3,
    FIND_COORDINATOR = 10,
    JOIN_GROUP = 11,
    HEARTBEAT = 12,
    SYNC_GROUP = 14
};

struct cluster {
    rd_kafka_t *producer;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_access access;
    int64_t produced; /* messages a partition */
};

/* As the speed layer's worker: what the group gives is fetched from where it was read up to. */
struct member {
    struct consumer *consumer;
    bool owned[PARTITIONS], must_assign;
    int64_t next[PARTITIONS];
    int assignments, losses, troubles, out_of_range;
    int refusals, refused; /* of assignments, for want of memory: to come, and said as trouble */
};

/* What librdkafka does once in some seconds by itself, it does at once, or the tests would take minutes. */
static const struct property quick[] = {{"topic.metadata.refresh.interval.ms", "200"},
                                        {"topic.metadata.refresh.fast.interval.ms", "50"},
                                        {"coordinator.query.interval.ms", "1000"},
                                        {"heartbeat.interval.ms", "100"},
                                        {"session.timeout.ms", "3000"}};

static int start_cluster(void **state)
{
    char reason[256];
    struct cluster *cluster = calloc(1, sizeof *cluster);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "3", reason, sizeof reason);
    rd_kafka_conf_set(conf, "linger.ms", "0", reason, sizeof reason);
    cluster->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!cluster->producer)
        return -1;
    cluster->mock = rd_kafka_handle_mock_cluster(cluster->producer);
    cluster->access.brokers = rd_kafka_mock_cluster_bootstraps(cluster->mock);
    cluster->access.group = "tidemark";
    cluster->access.properties = quick;
    cluster->access.property_count = COUNT_OF(quick);
    *state = cluster;
    return rd_kafka_mock_topic_create(cluster->mock, TOPIC, PARTITIONS, 3);
}

static int stop_cluster(void **state)
{
    struct cluster *cluster = *state;
    rd_kafka_destroy(cluster->producer);
    free(cluster);
    return 0;
}

/* Each payload is the offset that it will have. */
static void produce(struct cluster *cluster)
{
    for (int64_t end = cluster->produced + MESSAGES; cluster->produced < end; cluster->produced++)
        for (int32_t partition = 0; partition < PARTITIONS; partition++) {
            char payload[24];
            int length = snprintf(payload, sizeof payload, "%lld", (long long)cluster->produced);
            assert_int_equal(rd_kafka_producev(cluster->producer, RD_KAFKA_V_TOPIC(TOPIC),
                                               RD_KAFKA_V_PARTITION(partition),
                                               RD_KAFKA_V_VALUE(payload, (size_t)length),
                                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                             0);
        }
    assert_int_equal(rd_kafka_flush(cluster->producer, 60000), 0);
}

static void assert_payload(const struct log_message *message)
{
    char expected[24];
    snprintf(expected, sizeof expected, "%lld", (long long)message->offset);
    assert_true(text_equal(message->payload, text_of(expected)));
}

static bool on_assigned(void *context, const struct consumer_position partitions[], size_t count)
{
    struct member *member = context;
    if (member->refusals > 0) {
        member->refusals--;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        member->owned[partitions[i].partition] = true;
    member->must_assign = true;
    member->assignments++;
    return true;
}

static void on_revoked(void *context, bool lost)
{
    struct member *member = context;
    memset(member->owned, 0, sizeof member->owned);
    member->losses += lost;
}

static void on_messages(void *context, const char *topic, int32_t partition, const struct log_message messages[],
                        size_t count)
{
    struct member *member = context;
    assert_string_equal(topic, TOPIC);
    assert_true(member->owned[partition]);
    for (size_t i = 0; i < count; i++) {
        assert_payload(&messages[i]);
        assert_int_equal(messages[i].offset, member->next[partition]); /* none twice, none left out */
        member->next[partition]++;
    }
}

static void on_end(void *context, const char *topic, int32_t partition, int64_t offset)
{
    (void)context, (void)topic, (void)partition, (void)offset;
}

static void on_out_of_range(void *context, const char *topic, int32_t partition, int64_t offset)
{
    struct member *member = context;
    (void)topic;
    assert_int_equal(offset, member->next[partition]);
    member->out_of_range++;
    member->must_assign = true;
}

static void on_trouble(void *context, const struct error *error)
{
    struct member *member = context;
    if (error->code == ERROR_INTERNAL) {
        assert_non_null(strstr(error->message, "out of memory"));
        member->refused++;
        return;
    }
    assert_true(error_is_retriable(error));
    member->troubles++;
}

static const char *const topics[] = {TOPIC};

static struct consumer_events events_of(struct member *member)
{
    return (struct consumer_events){.assigned = on_assigned,
                                    .revoked = on_revoked,
                                    .messages = on_messages,
                                    .end = on_end,
                                    .out_of_range = on_out_of_range,
                                    .trouble = on_trouble,
                                    .context = member};
}

static void join(struct cluster *cluster, struct member *member)
{
    *member = (struct member){0};
    const struct consumer_events events = events_of(member);
    struct error error;
    if (!kafka_consumer_open(&cluster->access, topics, 1, &events, &member->consumer, &error))
        fail_msg("%s", error.message);
}

static void leave(struct member *member)
{
    member->consumer->operations->destroy(member->consumer);
}

static void turn(struct member *member)
{
    struct consumer_position positions[PARTITIONS];
    size_t count = 0;
    struct error error;
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (member->owned[i])
            positions[count++] = (struct consumer_position){TOPIC, i, member->next[i]};
    if (member->must_assign)
        member->must_assign = !member->consumer->operations->assign(member->consumer, positions, count, &error);
    member->consumer->operations->poll(member->consumer, 10, true);
}

static bool has_read_all(const struct cluster *cluster, const struct member *member)
{
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (member->next[i] < cluster->produced)
            return false;
    return true;
}

/* Works until all that was produced is read. */
static void follow(const struct cluster *cluster, struct member *member)
{
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    while (!has_read_all(cluster, member) && clock_monotonic_us() < deadline_us)
        turn(member);
    assert_true(has_read_all(cluster, member));
}

static void work_for(struct member *member, int64_t us)
{
    for (int64_t until_us = clock_monotonic_us() + us; clock_monotonic_us() < until_us;)
        turn(member);
}

static size_t errors_left(const struct cluster *cluster, int16_t request)
{
    size_t left = 0, sum = 0;
    for (int32_t broker = 1; broker <= 3; broker++)
        if (rd_kafka_mock_broker_error_stack_cnt(cluster->mock, broker, request, &left) == 0)
            sum += left;
    return sum;
}

/* --- the group --- */

static void coordinator_that_is_not_there_or_not_ready_costs_only_time(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    rd_kafka_mock_push_request_errors(cluster->mock, FIND_COORDINATOR, 3, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
    rd_kafka_mock_push_request_errors(cluster->mock, JOIN_GROUP, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
    rd_kafka_mock_push_request_errors(cluster->mock, SYNC_GROUP, 2, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
                                      RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    join(cluster, &member);
    follow(cluster, &member);
    leave(&member);
}

static void member_that_the_coordinator_no_longer_knows_loses_its_partitions_and_gets_them_back(void **state)
{
    static const rd_kafka_resp_err_t answers[] = {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                                  RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID};
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    join(cluster, &member);
    follow(cluster, &member);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
        rd_kafka_mock_push_request_errors(cluster->mock, HEARTBEAT, 1, answers[i]);
        produce(cluster);
        follow(cluster, &member);
        while (member.assignments < (int)i + 2 && clock_monotonic_us() < deadline_us)
            turn(&member);
        produce(cluster);
        follow(cluster, &member);
    }
    assert_true(member.assignments >= 3);
    assert_true(member.losses >= 2); /* nothing may be committed any more */
    leave(&member);
}

static void assignment_that_memory_was_short_for_is_said_and_given_again(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    join(cluster, &member);
    member.refusals = 3;
    follow(cluster, &member);
    assert_int_equal(member.refused, 3);
    assert_int_equal(member.assignments, 1);
    leave(&member);
}

/* --- the leader --- */

static void leader_that_refuses_to_give_messages_is_asked_again(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    rd_kafka_mock_push_request_errors(cluster->mock, FETCH, 8, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    join(cluster, &member);
    follow(cluster, &member);
    assert_int_equal(errors_left(cluster, FETCH), 0);
    leave(&member);
}

static void leader_that_moves_again_and_again_is_followed(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    join(cluster, &member);
    for (int32_t move = 0; move < 6; move++) {
        for (int32_t partition = 0; partition < PARTITIONS; partition++)
            rd_kafka_mock_partition_set_leader(cluster->mock, TOPIC, partition, (partition + move) % 3 + 1);
        produce(cluster);
        follow(cluster, &member);
    }
    leave(&member);
}

static void end_of_the_log_is_asked_for_until_the_leader_says_it(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    struct consumer_extent extent = {.topic = TOPIC, .partition = 0};
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    produce(cluster);
    join(cluster, &member);
    rd_kafka_mock_push_request_errors(cluster->mock, LIST_OFFSETS, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    for (member.consumer->operations->extents(member.consumer, &extent, 1); extent.error.code != ERROR_NONE;
         member.consumer->operations->extents(member.consumer, &extent, 1)) {
        assert_true(error_is_retriable(&extent.error));
        assert_true(clock_monotonic_us() < deadline_us);
    }
    assert_int_equal(extent.first, 0);
    assert_int_equal(extent.end, cluster->produced);
    leave(&member);
}

static bool are_known(const struct consumer_extent extents[], int64_t end)
{
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (extents[i].error.code != ERROR_NONE || extents[i].first != 0 || extents[i].end != end)
            return false;
    return true;
}

/* A broker answers one request after the other on a connection: what waits behind such a fetch isn't answered in time.
 */
static void ends_are_answered_while_fetches_wait_for_messages(void **state)
{
    static const struct property patient[] = {{"fetch.wait.max.ms", "50000"}};
    struct cluster *cluster = *state;
    struct member member;
    struct consumer_extent extents[PARTITIONS];
    produce(cluster);
    cluster->access.properties = patient;
    cluster->access.property_count = COUNT_OF(patient);
    join(cluster, &member);
    follow(cluster, &member);
    for (int32_t i = 0; i < PARTITIONS; i++)
        extents[i] = (struct consumer_extent){.topic = TOPIC, .partition = i};
    member.consumer->operations->extents(member.consumer, extents, PARTITIONS);
    assert_true(are_known(extents, cluster->produced));
    leave(&member);
}

static void partition_without_a_leader_keeps_no_other_one_from_being_known(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    struct consumer_extent extents[PARTITIONS];
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    produce(cluster);
    join(cluster, &member);
    rd_kafka_mock_partition_set_leader(cluster->mock, TOPIC, 1, -1);
    for (int32_t i = 0; i < PARTITIONS; i++)
        extents[i] = (struct consumer_extent){.topic = TOPIC, .partition = i};
    member.consumer->operations->extents(member.consumer, extents, PARTITIONS);
    assert_int_equal(extents[0].error.code, ERROR_NONE);
    assert_int_equal(extents[0].end, cluster->produced);
    assert_true(error_is_retriable(&extents[1].error));
    assert_int_equal(extents[2].error.code, ERROR_NONE);
    rd_kafka_mock_partition_set_leader(cluster->mock, TOPIC, 1, 1);
    while (!are_known(extents, cluster->produced) && clock_monotonic_us() < deadline_us)
        member.consumer->operations->extents(member.consumer, extents, PARTITIONS);
    assert_true(are_known(extents, cluster->produced));
    leave(&member);
}

static void end_that_is_known_without_asking_follows_what_is_fetched_and_not_read_yet(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    join(cluster, &member);
    follow(cluster, &member);
    produce(cluster);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        int64_t end = -1, deadline_us = clock_monotonic_us() + DEADLINE_US;
        while (end < cluster->produced && clock_monotonic_us() < deadline_us) {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
            end = member.consumer->operations->known_end(member.consumer, TOPIC, partition);
        }
        assert_int_equal(end, cluster->produced);
        assert_true(member.next[partition] < end);
    }
    assert_int_equal(member.consumer->operations->known_end(member.consumer, TOPIC, PARTITIONS), -1);
    leave(&member);
}

static void offset_that_the_log_no_longer_has_is_said(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    join(cluster, &member);
    follow(cluster, &member);
    rd_kafka_mock_push_request_errors(cluster->mock, FETCH, 1, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    while (member.out_of_range == 0 && clock_monotonic_us() < deadline_us)
        turn(&member);
    assert_true(member.out_of_range > 0); /* not skipped, not begun at the end or at the start */
    produce(cluster);
    follow(cluster, &member);
    leave(&member);
}

/* --- the brokers --- */

static void brokers_that_are_all_down_are_told_and_waited_for(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    join(cluster, &member);
    follow(cluster, &member);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_down(cluster->mock, broker);
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    while (member.troubles == 0 && clock_monotonic_us() < deadline_us)
        turn(&member);
    assert_true(member.troubles > 0);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_up(cluster->mock, broker);
    produce(cluster);
    follow(cluster, &member);
    leave(&member);
}

static void brokers_that_answer_slowly_are_only_slow(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    cluster->access.property_count = 0; /* or so many requests as `quick` makes would queue up */
    produce(cluster);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_rtt(cluster->mock, broker, 300);
    join(cluster, &member);
    follow(cluster, &member);
    assert_int_equal(member.losses, 0);
    leave(&member);
}

static void partitions_that_go_to_another_member_and_come_back_are_read_from_where_it_was(void **state)
{
    struct cluster *cluster = *state;
    struct member first, second;
    produce(cluster);
    join(cluster, &first);
    follow(cluster, &first);
    join(cluster, &second);
    memcpy(second.next, first.next, sizeof second.next); /* both know what the store says */
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    while (second.assignments == 0 && clock_monotonic_us() < deadline_us) {
        turn(&first);
        turn(&second);
    }
    assert_true(second.assignments > 0);
    leave(&second);
    produce(cluster); /* the first is given everything again */
    follow(cluster, &first);
    work_for(&first, US_PER_SECOND / 10);
    leave(&first);
}

/* It waits for an answer once, for some seconds; each request of librdkafka alone would wait for a minute. */
static void consumer_of_silent_brokers_goes_without_waiting_for_all_that_it_has_asked(void **state)
{
    struct cluster *cluster = *state;
    struct member member;
    produce(cluster);
    join(cluster, &member);
    follow(cluster, &member);
    for (int32_t broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_rtt(cluster->mock, broker, 3600000);
    work_for(&member, US_PER_SECOND / 2);
    int64_t since_us = clock_monotonic_us();
    leave(&member);
    assert_true(clock_monotonic_us() - since_us < DEADLINE_US / 2);
}

/* --- consumers that share a member --- */

enum { SHARERS = 2 };

static struct kafka_member *join_together(struct cluster *cluster, struct member sharers[SHARERS])
{
    struct kafka_member *member;
    struct error error;
    if (!kafka_member_open(&cluster->access, topics, 1, SHARERS, &member, &error))
        fail_msg("%s", error.message);
    for (int i = 0; i < SHARERS; i++) {
        sharers[i] = (struct member){0};
        const struct consumer_events events = events_of(&sharers[i]);
        if (!kafka_consumer_open_of(member, &cluster->access, &events, &sharers[i].consumer, &error))
            fail_msg("%s", error.message);
    }
    return member;
}

static void leave_together(struct kafka_member *member, struct member sharers[SHARERS])
{
    for (int i = 0; i < SHARERS; i++)
        leave(&sharers[i]);
    kafka_member_destroy(member);
}

static int owners(const struct member *const members[], size_t count, int32_t partition)
{
    int owners = 0;
    for (size_t i = 0; i < count; i++)
        owners += members[i]->owned[partition];
    return owners;
}

/* What one has read the others know, as all read where the store says. */
static void tell_each_other(struct member *const members[], size_t count)
{
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        int64_t next = 0;
        for (size_t i = 0; i < count; i++)
            next = members[i]->next[partition] > next ? members[i]->next[partition] : next;
        for (size_t i = 0; i < count; i++)
            if (!members[i]->owned[partition])
                members[i]->next[partition] = next;
    }
}

/* Each partition has one reader at most, at any moment, and all of them read all that was produced. */
static void follow_together(const struct cluster *cluster, struct member *const members[], size_t count)
{
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    do {
        for (size_t i = 0; i < count; i++) {
            turn(members[i]);
            tell_each_other(members, count);
            for (int32_t partition = 0; partition < PARTITIONS; partition++)
                assert_true(owners((const struct member *const *)members, count, partition) <= 1);
        }
        assert_true(clock_monotonic_us() < deadline_us);
    } while (!has_read_all(cluster, members[0]) || !has_read_all(cluster, members[1]));
}

static void consumers_of_a_member_read_each_message_once_whatever_the_group_gives_and_takes(void **state)
{
    struct cluster *cluster = *state;
    struct member sharers[SHARERS], other;
    struct member *const all[] = {&sharers[0], &sharers[1], &other};
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    produce(cluster);
    struct kafka_member *member = join_together(cluster, sharers);
    follow_together(cluster, all, SHARERS);
    assert_int_equal(sharers[0].assignments, 1);
    assert_int_equal(sharers[1].assignments, 1);
    assert_true(sharers[0].owned[0] && sharers[0].owned[2] && sharers[1].owned[1]);
    join(cluster, &other);
    while (other.assignments == 0 && clock_monotonic_us() < deadline_us)
        follow_together(cluster, all, 3);
    assert_true(other.assignments > 0);
    produce(cluster);
    follow_together(cluster, all, 3);
    leave(&other);
    produce(cluster);
    follow_together(cluster, all, SHARERS);
    leave_together(member, sharers);
}

static void member_with_more_consumers_than_partitions_tells_each_what_it_has(void **state)
{
    struct cluster *cluster = *state;
    struct member sharers[SHARERS], others[PARTITIONS - 1];
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    produce(cluster);
    struct kafka_member *member = join_together(cluster, sharers);
    for (int i = 0; i < PARTITIONS - 1; i++)
        join(cluster, &others[i]);
    while (others[0].assignments + others[1].assignments < 2 && clock_monotonic_us() < deadline_us) {
        struct member *const all[] = {&sharers[0], &sharers[1], &others[0], &others[1]};
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            turn(all[i]);
            tell_each_other(all, COUNT_OF(all));
        }
    }
    for (int i = 0; i < 20; i++) {
        turn(&sharers[0]);
        turn(&sharers[1]);
    }
    assert_true(sharers[0].assignments > 0 && sharers[1].assignments == sharers[0].assignments);
    for (int i = 0; i < PARTITIONS - 1; i++)
        leave(&others[i]);
    leave_together(member, sharers);
}

/* The group puts out a process of which one thread hangs; the others must not go on with what is no longer theirs. */
static void consumer_that_does_not_come_round_loses_its_member_what_the_group_gave(void **state)
{
    static const struct property impatient[] = {{"session.timeout.ms", "3000"}, {"max.poll.interval.ms", "3000"}};
    struct cluster *cluster = *state;
    struct member sharers[SHARERS];
    struct member *const all[] = {&sharers[0], &sharers[1]};
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    produce(cluster);
    cluster->access.properties = impatient;
    cluster->access.property_count = COUNT_OF(impatient);
    struct kafka_member *member = join_together(cluster, sharers);
    follow_together(cluster, all, SHARERS);
    while (sharers[0].losses == 0 && clock_monotonic_us() < deadline_us)
        turn(&sharers[0]);
    assert_int_equal(sharers[0].losses, 1);
    produce(cluster);
    follow_together(cluster, all, SHARERS); /* it comes round again */
    assert_int_equal(sharers[1].losses, 1);
    leave_together(member, sharers);
}

/* --- the batch layer's log --- */

static bool take(void *context, const struct log_message *message, struct error *error)
{
    (void)error;
    int64_t *next = context;
    assert_payload(message);
    assert_int_equal(message->offset, *next);
    ++*next;
    return true;
}

/* Reads a partition whole, again where the error says that it can be tried again. */
static void assert_log_reads(const struct cluster *cluster, struct event_log *log, int32_t partition)
{
    int64_t deadline_us = clock_monotonic_us() + DEADLINE_US;
    for (;;) {
        struct error error = {0};
        int64_t next = 0, first;
        if (log->operations->read(log, TOPIC, partition, 0, cluster->produced, &first, take, &next, &error)) {
            assert_int_equal(first, 0);
            assert_int_equal(next, cluster->produced);
            return;
        }
        if (!error_is_retriable(&error) || clock_monotonic_us() > deadline_us)
            fail_msg("%s", error.message);
    }
}

static void log_is_read_whole_whatever_the_leader_answers(void **state)
{
    struct cluster *cluster = *state;
    struct event_log *log;
    struct error error;
    produce(cluster);
    assert_true(kafka_log_open(&cluster->access, &log, &error));
    rd_kafka_mock_push_request_errors(cluster->mock, METADATA, 2, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    rd_kafka_mock_push_request_errors(cluster->mock, LIST_OFFSETS, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    rd_kafka_mock_push_request_errors(cluster->mock, FETCH, 5, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        assert_log_reads(cluster, log, partition);
        rd_kafka_mock_partition_set_leader(cluster->mock, TOPIC, partition, partition % 3 + 1);
        assert_log_reads(cluster, log, partition);
    }
    log->operations->destroy(log);
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
#define FAULT(test) cmocka_unit_test_setup_teardown(test, start_cluster, stop_cluster)
    const struct CMUnitTest tests[] = {
        FAULT(coordinator_that_is_not_there_or_not_ready_costs_only_time),
        FAULT(member_that_the_coordinator_no_longer_knows_loses_its_partitions_and_gets_them_back),
        FAULT(assignment_that_memory_was_short_for_is_said_and_given_again),
        FAULT(leader_that_refuses_to_give_messages_is_asked_again),
        FAULT(leader_that_moves_again_and_again_is_followed),
        FAULT(end_of_the_log_is_asked_for_until_the_leader_says_it),
        FAULT(ends_are_answered_while_fetches_wait_for_messages),
        FAULT(partition_without_a_leader_keeps_no_other_one_from_being_known),
        FAULT(end_that_is_known_without_asking_follows_what_is_fetched_and_not_read_yet),
        FAULT(offset_that_the_log_no_longer_has_is_said),
        FAULT(brokers_that_are_all_down_are_told_and_waited_for),
        FAULT(brokers_that_answer_slowly_are_only_slow),
        FAULT(partitions_that_go_to_another_member_and_come_back_are_read_from_where_it_was),
        FAULT(consumer_of_silent_brokers_goes_without_waiting_for_all_that_it_has_asked),
        FAULT(consumers_of_a_member_read_each_message_once_whatever_the_group_gives_and_takes),
        FAULT(member_with_more_consumers_than_partitions_tells_each_what_it_has),
        FAULT(consumer_that_does_not_come_round_loses_its_member_what_the_group_gave),
        FAULT(log_is_read_whole_whatever_the_leader_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

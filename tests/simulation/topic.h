/* SPDX-License-Identifier: Apache-2.0
 * The simulated log: a topic of orders with a few partitions, its consumer group, and what each message ought to do. */
#ifndef TIDEMARK_SIMULATION_TOPIC_H
#define TIDEMARK_SIMULATION_TOPIC_H

#include "actor.h"
#include "ports/consumer.h"

#define TOPIC_NAME "orders"
#define TOPIC_PARTITIONS 3
#define TOPIC_OFFSETS 256 /* of a partition, in one schedule */
#define TOPIC_ORDERS 12
#define TOPIC_CATEGORIES 3 /* null, empty, "a" */

/* A message, and what the oracle needs to know of it; the product sees only the payload and the times. */
struct order_message {
    bool hole; /* an offset without a message, as a transaction's marker leaves */
    bool bad;
    int order, category;
    int64_t event_us, record_us, cents; /* record_us: -1 where the record has no time */
    bool cancelled;
    int64_t appended_us; /* wall time */
    char payload[160];
    size_t length;
};

struct topic {
    struct service service;
    int32_t partition_count; /* 0: it doesn't exist yet */
    struct topic_partition {
        int64_t began;      /* the first offset that there ever was */
        int64_t first, end; /* what is still there */
        struct order_message *messages[TOPIC_OFFSETS];
        /* What lay there before the tail was lost and others took its place; lost_from is INT64_MAX where it never was.
         */
        struct order_message *lost[TOPIC_OFFSETS];
        int64_t lost_from, lost_end;
        int owner;              /* member of the group that has it; -1 none */
        int second;             /* another one that also believes so; -1 none */
        int64_t recorded_first; /* with the group's offset; -1 none */
        int64_t known_first;    /* where slots began when the log lost its head: whoever begins one behind it says so */
    } partitions[TOPIC_PARTITIONS];
    struct order_message pool[TOPIC_PARTITIONS * TOPIC_OFFSETS];
    int pool_used;
    int64_t order_event_us[TOPIC_ORDERS]; /* an order keeps its event time; 0: not ordered yet */
    int64_t record_us;                    /* time of the last record */
    int64_t clock_us; /* latest event time, of each good message no later than its record's; 0: none */
    int64_t max_future_us;
    bool has_holes;        /* one where a message was tells nothing of whose story it is */
    unsigned untimed_in_6; /* so many messages of six have no record time */
    bool is_disordered;    /* producers give record times that don't ascend */
    bool arrives_whole;    /* no fetch comes damaged */
    int generation;        /* of the group: members learn of a new one when they poll */
};

void topic_begin(struct topic *topic, int32_t partitions, int64_t max_future_us);
void topic_produce(struct topic *topic);                                    /* a message by chance */
void topic_produce_in(struct topic *topic, int32_t partition);              /* one of the first two */
void topic_grow(struct topic *topic);                                       /* by one partition */
void topic_lose_tail(struct topic *topic, int32_t partition, int64_t from); /* once a partition */
/* With `lost`, what lay there before the tail was lost. NULL where there is nothing. */
const struct order_message *topic_message_of(const struct topic *topic, int32_t partition, int64_t offset, bool lost);
const struct order_message *topic_message(const struct topic *topic, int32_t partition, int64_t offset);
/* Where a good message brings its partition's clock at least: its event time, no later than its record's. */
int64_t topic_message_clock_us(const struct order_message *message);

/* The group's partitions are given anew to the members 0 and 1; with `overlap`, some to both. */
void topic_rebalance(struct topic *topic, bool overlap);
void topic_give_all(struct topic *topic, int member);

/* The topic as a process reads it. Both are the caller's memory. */
struct topic_log {
    struct event_log log;
    struct topic *topic;
    struct actor *actor;
};
void topic_log_init(struct topic_log *log, struct topic *topic, struct actor *actor);

struct topic_consumer {
    struct consumer consumer;
    struct topic *topic;
    struct actor *actor;
    struct consumer_events events;
    int member, generation;
    bool is_apart; /* alone in a group of its own */
    bool has_assignment;
    struct consumer_position positions[TOPIC_PARTITIONS];
    int64_t told_end[TOPIC_PARTITIONS]; /* the end that was told last; -1 none */
    size_t count;
};
void topic_consumer_init(struct topic_consumer *consumer, struct topic *topic, struct actor *actor, int member,
                         const struct consumer_events *events);
/* The only member of another group, which has all partitions. */
void topic_consumer_init_apart(struct topic_consumer *consumer, struct topic *topic, struct actor *actor,
                               const struct consumer_events *events);

#endif

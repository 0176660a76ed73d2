/* SPDX-License-Identifier: Apache-2.0
 * A member of a consumer group that shares out what the group gives it among the consumers of one process, so that a
 * process joins once however many threads read (kafka/consumer.h has the consumers). Its client fetches nothing and
 * can therefore be asked: nothing waits behind an idle fetch.
 *
 * It has no thread. Each consumer calls kafka_member_serve in each of its polls, and the group is heard once all of
 * them have: so a consumer that doesn't come round has the process put out of its group after max.poll.interval.ms, as
 * one that is alone would be. What the group takes back it gets once each consumer has released its share. */
#ifndef TIDEMARK_KAFKA_MEMBER_H
#define TIDEMARK_KAFKA_MEMBER_H

#include "kafka/client.h"

struct kafka_member;

/* For so many consumers, and it joins when the last of them is there; without topics it never does. `access` must
 * outlive it. Doesn't wait for a broker. */
bool kafka_member_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                       size_t consumers, struct kafka_member **ret_member, struct error *error) MUST_CHECK;

/* Leaves the group, if a broker answers within a few seconds from when its first consumer went. All of its consumers
 * are gone. NULL is allowed. */
void kafka_member_destroy(struct kafka_member *member);

/* Its librdkafka handle, which stays its own; it may be asked from any thread. */
rd_kafka_t *kafka_member_client(struct kafka_member *member);

/* What it subscribes to, its own; NULL where it never joins. */
const rd_kafka_topic_partition_list_t *kafka_member_topics(const struct kafka_member *member);

/* So many messages at least are fetched ahead, where there are. What lies in the queue has been written by another
 * processor and is still in the caches where it is little: docs/performance.md, "Where the time goes". */
#define KAFKA_QUEUED_MESSAGES 32000

/* Properties of members and consumers, which those of the configuration may change; ended by a row without a name. */
extern const struct property kafka_consumer_defaults[];

/* A client with them, of the group of the access; it joins nothing. See kafka_client_new. */
rd_kafka_t *kafka_consumer_client_new(const struct kafka_access *access, void (*prepare)(rd_kafka_conf_t *, void *),
                                      void *context, struct error *error);

/* For kafka/consumer.c; each consumer calls from a thread of its own. */

/* One more consumer, known by the number. False where the topics can't be subscribed to. */
bool kafka_member_enter(struct kafka_member *member, size_t *ret_number, struct error *error) MUST_CHECK;
/* It has released what it had, and gets nothing more. */
void kafka_member_exit(struct kafka_member *member, size_t number);

/* Hears the group, where it is time to. True where that told of trouble. */
bool kafka_member_serve(struct kafka_member *member, size_t number, struct error *ret_trouble);
/* Whether the consumer must release what it was given. `lost`: others have it already. */
bool kafka_member_takes_back(struct kafka_member *member, size_t number, bool *ret_lost);
/* Nothing of its share is fetched or committed any more. Without a share nothing happens. */
void kafka_member_release(struct kafka_member *member, size_t number);
/* What the consumer was given and has not taken yet, maybe no partition at all; NULL where there is nothing new. The
 * list is the caller's; where it can't take it now, it puts the share back and gets it again. */
rd_kafka_topic_partition_list_t *kafka_member_take(struct kafka_member *member, size_t number);
void kafka_member_put_back(struct kafka_member *member, size_t number);

#endif

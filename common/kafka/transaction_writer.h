/* SPDX-License-Identifier: Apache-2.0
 * Writes records and positions of a consumer group in one Kafka transaction: both are there, or neither. Who opens a
 * writer fences the one before with the same transactional id. Whatever goes wrong, the way on is to destroy it and
 * make another, which ends what this one had begun, one way or the other; the positions say which. */
#ifndef TIDEMARK_KAFKA_TRANSACTION_WRITER_H
#define TIDEMARK_KAFKA_TRANSACTION_WRITER_H

#include "base/text.h"
#include "kafka/client.h"

struct transaction_writer;

struct transaction_names {
    const char *id;         /* transactional */
    const char *timeout_ms; /* how long the broker keeps one open without hearing of it */
    const char *topic;      /* for errors */
    const char *records;    /* for errors: "dead letters" */
};

/* Properties of its producer, which those of the configuration may change; ended by a row without a name. */
extern const struct property kafka_writer_defaults[];

/* `access`, and the topic and the records of `names`, must outlive it. Doesn't connect yet. */
struct transaction_writer *transaction_writer_new(const struct kafka_access *access,
                                                  const struct transaction_names *names,
                                                  struct error *error) MUST_CHECK;
void transaction_writer_destroy(struct transaction_writer *writer); /* NULL is allowed */

/* Fences whoever had the id before; nothing where that is done already. After ERROR_UNAVAILABLE it may be called again.
 * ERROR_TRY_AGAIN, here and below: another one was opened. ERROR_CONFIGURATION: the brokers have no transactions.
 * `until_us` is monotonic time. */
bool transaction_writer_open(struct transaction_writer *writer, int64_t until_us, struct error *error) MUST_CHECK;

/* Its client, for questions to the brokers. */
rd_kafka_t *transaction_writer_client(struct transaction_writer *writer);

struct transaction_record {
    const char *topic;
    struct text key, value;      /* data NULL: null */
    rd_kafka_headers_t *headers; /* the writer's from now on; NULL: none */
    size_t size;                 /* by which transaction_refused tells that it was too large */
};

bool transaction_begin(struct transaction_writer *writer, struct error *error) MUST_CHECK;
/* The bytes are copied. */
bool transaction_add(struct transaction_writer *writer, const struct transaction_record *record, int64_t until_us,
                     struct error *error) MUST_CHECK;
/* Commits what was added and the group's positions; NULL: there are none. ERROR_TRY_AGAIN also where the group has
 * given its partitions to others meanwhile. */
bool transaction_commit(struct transaction_writer *writer, const rd_kafka_consumer_group_metadata_t *group,
                        const rd_kafka_topic_partition_list_t *positions, int64_t until_us,
                        struct error *error) MUST_CHECK;

/* Where all records lie in one partition: the offset behind the last of those that were committed; 0: there are none.
 * Brokers say that a transaction is committed before they show it: up to there readers see it once the log ends there
 * or later. */
int64_t transaction_end(const struct transaction_writer *writer);

/* After a failure: the least `size` of a record that a topic refused as too large; SIZE_MAX where none was. */
size_t transaction_refused(struct transaction_writer *writer);

#endif

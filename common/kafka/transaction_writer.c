/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/transaction_writer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "kafka/topics.h"

struct transaction_writer {
    rd_kafka_t *producer;
    const char *topic, *records;
    bool is_open;
    int64_t end; /* behind the last record that was delivered */
    /* Of the transaction, by its delivery reports: */
    size_t refused; /* the least that was too large; SIZE_MAX: none was */
    rd_kafka_resp_err_t failure;
};

/* A batch larger than batch.size holds one record: the one that is too large. */
const struct property kafka_writer_defaults[] = {
    {"transaction.timeout.ms", "30000"},
    {"message.timeout.ms", "30000"},
    {"message.max.bytes", LARGEST_DEAD_LETTER},
    {"batch.size", "65536"},
    {"linger.ms", "0"},
    {"retry.backoff.ms", "10"},
    {0},
};

#define DEFAULTS (sizeof kafka_writer_defaults / sizeof kafka_writer_defaults[0])

static void note_refused(struct transaction_writer *writer, size_t size)
{
    if (size < writer->refused)
        writer->refused = size;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    (void)producer;
    struct transaction_writer *writer = context;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        note_refused(writer, (size_t)(uintptr_t)message->_private);
    else if (message->err && !writer->failure)
        writer->failure = message->err;
    else if (!message->err && message->offset >= writer->end)
        writer->end = message->offset + 1;
}

static void prepare(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

struct transaction_writer *transaction_writer_new(const struct kafka_access *access,
                                                  const struct transaction_names *names, struct error *error)
{
    struct transaction_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        error_set(error, ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *writer = (struct transaction_writer){.topic = names->topic, .records = names->records, .refused = SIZE_MAX};
    struct property properties[DEFAULTS + 3];
    memcpy(properties, kafka_writer_defaults, sizeof kafka_writer_defaults);
    struct property *own = properties + DEFAULTS - 1;
    *own++ = (struct property){"transactional.id", names->id};
    *own++ = (struct property){"transaction.timeout.ms", names->timeout_ms};
    *own++ = (struct property){"message.timeout.ms", names->timeout_ms};
    *own = (struct property){0};
    writer->producer = kafka_client_new(RD_KAFKA_PRODUCER, access, properties, prepare, writer, error);
    if (writer->producer)
        return writer;
    free(writer);
    return NULL;
}

void transaction_writer_destroy(struct transaction_writer *writer)
{
    if (!writer)
        return;
    rd_kafka_purge(writer->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(writer->producer);
    free(writer);
}

rd_kafka_t *transaction_writer_client(struct transaction_writer *writer)
{
    return writer->producer;
}

static int left_ms(int64_t until_us)
{
    int64_t left_us = until_us - clock_monotonic_us();
    return left_us > 0 ? (int)(left_us / 1000) : 0;
}

static bool is_fence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static bool is_loss_of_partitions(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

/* Takes the error of librdkafka, which may be NULL: then it returns true. */
static bool translate(const struct transaction_writer *writer, rd_kafka_error_t *cause, struct error *error)
{
    if (!cause)
        return true;
    rd_kafka_resp_err_t code = rd_kafka_error_code(cause);
    if (is_fence(code))
        error_set(error, ERROR_TRY_AGAIN, "kafka: another process writes the %s of this partition", writer->records);
    else if (is_loss_of_partitions(code))
        error_set(error, ERROR_TRY_AGAIN, "kafka: %s: the group has given the partitions to others",
                  rd_kafka_err2str(code));
    else if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        error_set(error, ERROR_CONFIGURATION, "kafka: the brokers have no transactions, which %s need",
                  writer->records);
    else if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        error_set(error, ERROR_PERMISSION, "kafka: %s: %s", writer->topic, rd_kafka_error_string(cause));
    else if (kafka_error(error, code, writer->topic) || error->code == ERROR_UNAVAILABLE)
        error_set(error, ERROR_UNAVAILABLE, "kafka: %s: %s", writer->topic, rd_kafka_error_string(cause));
    rd_kafka_error_destroy(cause);
    return false;
}

bool transaction_writer_open(struct transaction_writer *writer, int64_t until_us, struct error *error)
{
    if (!writer->is_open)
        writer->is_open = translate(writer, rd_kafka_init_transactions(writer->producer, left_ms(until_us)), error);
    return writer->is_open;
}

bool transaction_begin(struct transaction_writer *writer, struct error *error)
{
    writer->refused = SIZE_MAX;
    writer->failure = 0;
    return translate(writer, rd_kafka_begin_transaction(writer->producer), error);
}

static rd_kafka_resp_err_t produce(struct transaction_writer *writer, const struct transaction_record *record)
{
    const struct text *key = &record->key, *value = &record->value;
    /* Without headers none are given, for librdkafka would take an empty list of them as it takes a full one. */
    if (!record->headers)
        return rd_kafka_producev(
            writer->producer, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_KEY(key->data, key->length),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)value->data, value->length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_OPAQUE((void *)(uintptr_t)record->size), RD_KAFKA_V_END);
    return rd_kafka_producev(writer->producer, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_KEY(key->data, key->length),
                             RD_KAFKA_V_VALUE((void *)(uintptr_t)value->data, value->length),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(record->headers),
                             RD_KAFKA_V_OPAQUE((void *)(uintptr_t)record->size), RD_KAFKA_V_END);
}

bool transaction_add(struct transaction_writer *writer, const struct transaction_record *record, int64_t until_us,
                     struct error *error)
{
    rd_kafka_resp_err_t code;
    while ((code = produce(writer, record)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && left_ms(until_us) > 0)
        rd_kafka_poll(writer->producer, 100);
    if (code && record->headers)
        rd_kafka_headers_destroy(record->headers);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        note_refused(writer, record->size);
    return code == 0 || kafka_error(error, code, writer->topic);
}

bool transaction_commit(struct transaction_writer *writer, const rd_kafka_consumer_group_metadata_t *group,
                        const rd_kafka_topic_partition_list_t *positions, int64_t until_us, struct error *error)
{
    bool sent =
        !group ||
        translate(writer, rd_kafka_send_offsets_to_transaction(writer->producer, positions, group, left_ms(until_us)),
                  error);
    crash_point("in_transaction");
    if (sent && translate(writer, rd_kafka_commit_transaction(writer->producer, left_ms(until_us)), error))
        return true;
    rd_kafka_poll(writer->producer, 0); /* delivery reports say more than what failed because of them */
    if (writer->failure && error->code == ERROR_UNAVAILABLE)
        kafka_error(error, writer->failure, writer->topic);
    return false;
}

size_t transaction_refused(struct transaction_writer *writer)
{
    rd_kafka_poll(writer->producer, 0);
    return writer->refused;
}

int64_t transaction_end(const struct transaction_writer *writer)
{
    return writer->end;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/letter_writer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "kafka/topics.h"

struct letter_writer {
    const struct source *source;
    int32_t partition;
    rd_kafka_t *marks, *producer;
    char group[300]; /* that holds the marks */
    bool initialised, is_open;
    int64_t mark; /* -1 where there is none */
    /* Of the transaction, by its delivery reports: */
    size_t refused; /* the least payload that was too large; SIZE_MAX: none was */
    rd_kafka_resp_err_t failure;
};

/* A batch larger than batch.size holds one letter: the one that is too large. */
const struct property kafka_writer_defaults[] = {
    {"transaction.timeout.ms", "30000"},
    {"message.timeout.ms", "30000"},
    {"message.max.bytes", LARGEST_LETTER},
    {"batch.size", "65536"},
    {"linger.ms", "0"},
    {"retry.backoff.ms", "10"},
    {0},
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    (void)producer;
    struct letter_writer *writer = context;
    const struct letter *letter = message->_private;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && letter->payload.length < writer->refused)
        writer->refused = letter->payload.length;
    else if (message->err && !writer->failure)
        writer->failure = message->err;
}

static void prepare(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

struct letter_writer *letter_writer_new(const struct kafka_access *access, const struct source *source,
                                        int32_t partition, rd_kafka_t *marks, struct error *error)
{
    char id[400];
    struct letter_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        error_set(error, ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *writer = (struct letter_writer){.source = source, .partition = partition, .marks = marks, .mark = -1};
    snprintf(writer->group, sizeof writer->group, "%s-dead-letters", access->group);
    snprintf(id, sizeof id, "%s/%s/%d", access->group, source->name, (int)partition);
    struct property transactional[sizeof kafka_writer_defaults / sizeof kafka_writer_defaults[0] + 1] = {
        {"transactional.id", id}};
    memcpy(transactional + 1, kafka_writer_defaults, sizeof kafka_writer_defaults);
    writer->producer = kafka_client_new(RD_KAFKA_PRODUCER, access, transactional, prepare, writer, error);
    if (writer->producer)
        return writer;
    free(writer);
    return NULL;
}

void letter_writer_destroy(struct letter_writer *writer)
{
    if (!writer)
        return;
    rd_kafka_purge(writer->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(writer->producer);
    free(writer);
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

/* Takes the error of librdkafka, which may be NULL: then it returns true. */
static bool translate(const struct letter_writer *writer, rd_kafka_error_t *cause, struct error *error)
{
    if (!cause)
        return true;
    rd_kafka_resp_err_t code = rd_kafka_error_code(cause);
    if (is_fence(code))
        error_set(error, ERROR_TRY_AGAIN, "kafka: another process writes the dead letters of this partition");
    else if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        error_set(error, ERROR_CONFIGURATION, "kafka: the brokers have no transactions, which dead letters need");
    else if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        error_set(error, ERROR_PERMISSION, "kafka: %s: %s", writer->source->dead_letter, rd_kafka_error_string(cause));
    else if (kafka_error(error, code, writer->source->dead_letter) || error->code == ERROR_UNAVAILABLE)
        error_set(error, ERROR_UNAVAILABLE, "kafka: %s: %s", writer->source->dead_letter, rd_kafka_error_string(cause));
    rd_kafka_error_destroy(cause);
    return false;
}

static rd_kafka_topic_partition_list_t *mark_list(const struct letter_writer *writer, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, writer->source->topic, writer->partition)->offset = offset;
    return list;
}

static bool read_mark(struct letter_writer *writer, int64_t until_us, struct error *error)
{
    rd_kafka_topic_partition_list_t *list = mark_list(writer, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t code = rd_kafka_committed(writer->marks, list, left_ms(until_us));
    if (!code)
        code = list->elems[0].err;
    writer->mark = list->elems[0].offset >= 0 ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 || kafka_error(error, code, "the mark of dead letters");
}

bool letter_writer_open(struct letter_writer *writer, int64_t until_us, struct error *error)
{
    if (!writer->initialised &&
        !translate(writer, rd_kafka_init_transactions(writer->producer, left_ms(until_us)), error))
        return false;
    writer->initialised = true;
    if (!writer->is_open)
        writer->is_open = kafka_topic_ensure(writer->producer, writer->source->dead_letter, error) &&
                          read_mark(writer, until_us, error);
    return writer->is_open;
}

static bool produce_one(struct letter_writer *writer, const struct letter *letter, size_t whole_below, int64_t until_us,
                        struct error *error)
{
    for (;;) {
        bool whole = letter->payload.length < whole_below;
        rd_kafka_resp_err_t code = letter_produce(letter, writer->producer, whole, (void *)(uintptr_t)letter);
        if (code == 0)
            return true;
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && letter->payload.length < writer->refused)
            writer->refused = letter->payload.length;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || left_ms(until_us) == 0)
            return kafka_error(error, code, writer->source->dead_letter);
        rd_kafka_poll(writer->producer, 100);
    }
}

static bool write_marked(struct letter_writer *writer, const struct letter letters[], size_t count, int64_t next,
                         size_t whole_below, int64_t until_us, struct error *error)
{
    if (!translate(writer, rd_kafka_begin_transaction(writer->producer), error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (letters[i].offset >= writer->mark && !produce_one(writer, &letters[i], whole_below, until_us, error))
            return false;
    rd_kafka_topic_partition_list_t *list = mark_list(writer, next);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(writer->group);
    bool done = translate(
        writer, rd_kafka_send_offsets_to_transaction(writer->producer, list, group, left_ms(until_us)), error);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    crash_point("in_letters");
    return done && translate(writer, rd_kafka_commit_transaction(writer->producer, left_ms(until_us)), error);
}

enum letter_outcome letter_writer_write(struct letter_writer *writer, const struct letter letters[], size_t count,
                                        int64_t next, size_t whole_below, int64_t until_us, size_t *ret_refused,
                                        struct error *error)
{
    writer->refused = SIZE_MAX;
    writer->failure = 0;
    if (count == 0 || letters[count - 1].offset < writer->mark)
        return LETTERS_WRITTEN;
    if (write_marked(writer, letters, count, next, whole_below, until_us, error)) {
        writer->mark = next;
        return LETTERS_WRITTEN;
    }
    rd_kafka_poll(writer->producer, 0); /* delivery reports say more than what failed because of them */
    if (writer->refused < whole_below) {
        *ret_refused = writer->refused;
        return LETTERS_TOO_LARGE;
    }
    if (writer->failure && error->code == ERROR_UNAVAILABLE)
        kafka_error(error, writer->failure, writer->source->dead_letter);
    return LETTERS_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/dead_letters.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

struct dead_letters {
    rd_kafka_t *client;
    _Atomic int64_t refused;
};

static const struct property defaults[] = {
    {"acks", "all"}, {"message.timeout.ms", "0"}, {"message.max.bytes", "16777216"}, {"linger.ms", "1"}, {0},
};

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    (void)client;
    struct dead_letters *letters = context;
    if (message->err == 0)
        return;
    atomic_fetch_add(&letters->refused, 1);
    log_error("dead letter %.*s was refused: %s", (int)message->key_len, (const char *)message->key,
              rd_kafka_err2str(message->err));
}

static void prepare(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

bool dead_letters_open(const struct kafka_access *access, struct dead_letters **ret_letters, struct error *error)
{
    struct dead_letters *letters = calloc(1, sizeof *letters);
    if (!letters)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    letters->client = kafka_client_new(RD_KAFKA_PRODUCER, access, defaults, prepare, letters, error);
    if (!letters->client) {
        free(letters);
        return false;
    }
    *ret_letters = letters;
    return true;
}

void dead_letters_close(struct dead_letters *letters)
{
    if (!letters)
        return;
    rd_kafka_destroy(letters->client);
    free(letters);
}

static rd_kafka_resp_err_t creation_result(rd_kafka_event_t *event)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    return count == 1 ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event);
}

bool dead_letters_create_topic(struct dead_letters *letters, const char *topic, struct error *error)
{
    int32_t partitions;
    if (!kafka_partition_count(letters->client, topic, &partitions, error))
        return false;
    if (partitions > 0)
        return true;
    char reason[256];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, 1, -1, reason, sizeof reason);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(letters->client);
    if (!wanted || !queue)
        return error_set(error, ERROR_INTERNAL, "topic %s: %s", topic, reason);
    rd_kafka_CreateTopics(letters->client, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_TIMEOUT_MS);
    rd_kafka_resp_err_t code = event ? creation_result(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    bool fine =
        code == 0 || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    return fine || kafka_error(error, code, topic);
}

bool dead_letters_send(struct dead_letters *letters, const struct dead_letter *letter, struct error *error)
{
    char key[320], partition[16], offset[24], reason[256];
    snprintf(key, sizeof key, "%s/%d/%lld", letter->topic, (int)letter->partition, (long long)letter->message->offset);
    snprintf(partition, sizeof partition, "%d", (int)letter->partition);
    snprintf(offset, sizeof offset, "%lld", (long long)letter->message->offset);
    snprintf(reason, sizeof reason, "%s%s%s", letter->field, *letter->field ? ": " : "", letter->reason);
    struct text payload = letter->message->payload;
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            letters->client, RD_KAFKA_V_TOPIC(letter->to), RD_KAFKA_V_KEY(key, strlen(key)),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)payload.data, payload.length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_HEADER("tidemark-topic", letter->topic, -1),
            RD_KAFKA_V_HEADER("tidemark-partition", partition, -1), RD_KAFKA_V_HEADER("tidemark-offset", offset, -1),
            RD_KAFKA_V_HEADER("tidemark-reason", reason, -1), RD_KAFKA_V_END);
        if (code == 0)
            return true;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return kafka_error(error, code, letter->to);
        rd_kafka_poll(letters->client, 100);
    }
}

bool dead_letters_flush(struct dead_letters *letters, int timeout_ms, struct error *error)
{
    if (rd_kafka_outq_len(letters->client) == 0)
        return true;
    rd_kafka_resp_err_t code = rd_kafka_flush(letters->client, timeout_ms);
    return code == 0 || kafka_error(error, code, "dead letters aren't acknowledged");
}

int64_t dead_letters_refused(struct dead_letters *letters)
{
    return atomic_load(&letters->refused);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/topics.h"

#include <stdio.h>

static rd_kafka_resp_err_t creation_result(rd_kafka_event_t *event)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    return count == 1 ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event);
}

static rd_kafka_resp_err_t create(rd_kafka_t *client, rd_kafka_NewTopic_t *wanted, rd_kafka_queue_t *queue)
{
    rd_kafka_NewTopic_set_config(wanted, "max.message.bytes", LARGEST_LETTER);
    rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_TIMEOUT_MS);
    rd_kafka_resp_err_t code = event ? creation_result(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    return code;
}

bool kafka_topic_ensure(rd_kafka_t *client, const char *topic, struct error *error)
{
    int32_t partitions;
    if (!kafka_partition_count(client, topic, &partitions, error))
        return false;
    if (partitions > 0)
        return true;
    char reason[256];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, 1, -1, reason, sizeof reason);
    if (!wanted)
        return error_set(error, ERROR_CONFIGURATION, "topic %s: %s", topic, reason);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_resp_err_t code = create(client, wanted, queue);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    bool fine =
        code == 0 || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    return fine || kafka_error(error, code, topic);
}

/* What librdkafka last said of a connection; "" where it said nothing. */
struct last_words {
    char text[300];
};

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
    (void)client;
    struct last_words *words = context;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) /* which doesn't say why */
        snprintf(words->text, sizeof words->text, "%s", reason);
}

static void hear_errors(rd_kafka_conf_t *conf, void *context)
{
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

/* A broker that was asked may name another one, at an address that only others reach: the address is what helps. */
static void add_words(rd_kafka_t *client, const struct last_words *words, struct error *error)
{
    rd_kafka_poll(client, 0);
    struct error cause = *error;
    if (cause.code == ERROR_UNAVAILABLE && words->text[0])
        error_set(error, cause.code, "%s (%s)", cause.message, words->text);
}

bool kafka_topic_create(const struct kafka_access *access, const char *topic, struct error *error)
{
    static const struct property defaults[] = {{0}};
    struct last_words words = {""};
    rd_kafka_t *client = kafka_client_new(RD_KAFKA_PRODUCER, access, defaults, hear_errors, &words, error);
    if (!client)
        return false;
    bool done = kafka_topic_ensure(client, topic, error);
    if (!done)
        add_words(client, &words, error);
    rd_kafka_destroy(client);
    return done;
}

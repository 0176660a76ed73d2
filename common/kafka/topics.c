/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/topics.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/shutdown.h"

static rd_kafka_resp_err_t creation_result(rd_kafka_event_t *event)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    return count == 1 ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event);
}

static rd_kafka_resp_err_t create(rd_kafka_t *client, rd_kafka_NewTopic_t *wanted, rd_kafka_queue_t *queue)
{
    rd_kafka_NewTopic_set_config(wanted, "max.message.bytes", LARGEST_DEAD_LETTER);
    rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_TIMEOUT_MS);
    rd_kafka_resp_err_t code = event ? creation_result(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    return code;
}

#define LOOK_MS 20 /* between two looks whether a topic is there */

/* The controller makes a topic, and the broker that is asked next may hear of it a moment later. */
static bool await_topic(rd_kafka_t *client, const char *topic, struct error *error)
{
    int64_t deadline_us = clock_monotonic_us() + KAFKA_TIMEOUT_MS * INT64_C(1000);
    int32_t partitions = 0;
    while (clock_monotonic_us() < deadline_us) {
        if (!kafka_partition_count(client, topic, &partitions, error))
            return false;
        if (partitions > 0)
            return true;
        if (!shutdown_sleep(LOOK_MS))
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    }
    return error_set(error, ERROR_UNAVAILABLE, "kafka: the topic %s was made, and isn't there yet", topic);
}

/* `policy` is its cleanup.policy; NULL: the brokers' default. */
static bool ensure(rd_kafka_t *client, const char *topic, const char *policy, struct error *error)
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
    if (policy)
        rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", policy);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_resp_err_t code = create(client, wanted, queue);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) /* the demo's broker, where the first record makes it */
        return true;
    bool is_made = code == 0 || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    return is_made ? await_topic(client, topic, error) : kafka_error(error, code, topic);
}

bool kafka_topic_ensure(rd_kafka_t *client, const char *topic, struct error *error)
{
    return ensure(client, topic, NULL, error);
}

bool kafka_topic_ensure_compacted(rd_kafka_t *client, const char *topic, struct error *error)
{
    return ensure(client, topic, "compact", error);
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

#define LISTEN_MS 100    /* between two looks whether a signal came */
#define METADATA_MS 1000 /* the same while a broker thinks; one that isn't there in this time is away */

/* The answer to what was asked, or NULL with the error set. */
static rd_kafka_event_t *await_answer(rd_kafka_queue_t *queue, const char *topic, struct error *error)
{
    int64_t deadline_us = clock_monotonic_us() + KAFKA_TIMEOUT_MS * INT64_C(1000);
    rd_kafka_event_t *event = NULL;
    while (!event && !shutdown_requested() && clock_monotonic_us() < deadline_us)
        event = rd_kafka_queue_poll(queue, LISTEN_MS);
    if (!event && shutdown_requested())
        error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    else if (!event)
        kafka_error(error, RD_KAFKA_RESP_ERR__TIMED_OUT, topic);
    return event;
}

/* A broker that answers: questions would go to the controller, and the demo's broker has none. */
static bool find_broker(rd_kafka_t *client, const char *topic, int32_t *ret_broker, struct error *error)
{
    int64_t deadline_us = clock_monotonic_us() + KAFKA_TIMEOUT_MS * INT64_C(1000);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && !shutdown_requested() && clock_monotonic_us() < deadline_us)
        code = rd_kafka_metadata(client, 0, NULL, &metadata, METADATA_MS);
    if (code)
        return shutdown_requested() ? error_set(error, ERROR_TRY_AGAIN, "stopped by a signal")
                                    : kafka_error(error, code, topic);
    *ret_broker = metadata->orig_broker_id;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

static const char *find_value(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

static bool take_policy(rd_kafka_event_t *event, const char *topic, char ret_policy[LOG_POLICY_MAX],
                        struct error *error)
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources =
        result ? rd_kafka_DescribeConfigs_result_resources(result, &count) : NULL;
    rd_kafka_resp_err_t code = count == 1 ? rd_kafka_ConfigResource_error(resources[0]) : rd_kafka_event_error(event);
    bool is_unknown = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                      code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    if (code && !is_unknown)
        return kafka_error(error, code, topic);
    const char *value = count == 1 && !code ? find_value(resources[0], "cleanup.policy") : NULL;
    snprintf(ret_policy, LOG_POLICY_MAX, "%s", value ? value : "");
    return true;
}

bool kafka_topic_policy(rd_kafka_t *client, const char *topic, char ret_policy[LOG_POLICY_MAX], struct error *error)
{
    char unused[200];
    int32_t broker = -1;
    if (!find_broker(client, topic, &broker, error))
        return false;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_event_t *event = NULL;
    if (resource && options) {
        rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_TIMEOUT_MS, unused, sizeof unused);
        rd_kafka_AdminOptions_set_broker(options, broker, unused, sizeof unused);
        rd_kafka_DescribeConfigs(client, &resource, 1, options, queue);
        event = await_answer(queue, topic, error);
    } else {
        error_set(error, ERROR_INTERNAL, "out of memory");
    }
    bool done = event && take_policy(event, topic, ret_policy, error);
    if (event)
        rd_kafka_event_destroy(event);
    if (resource)
        rd_kafka_ConfigResource_destroy(resource);
    if (options)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/shutdown.h"
#include "ports/readers.h"

static const struct property common_defaults[] = {
    {"socket.keepalive.enable", "true"},
    {"log.connection.close", "false"},
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "5000"},
    {"allow.auto.create.topics", "false"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {0},
};

/* Of all that read: offsets are the application's, and what is out of range is lost data and must be seen. */
static const struct property reader_defaults[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"}, /* what was damaged on its way is an error, not a message */
    {"enable.partition.eof", "true"},
    {"isolation.level", "read_committed"},
    {"fetch.error.backoff.ms", "50"},
    {0},
};

/* What librdkafka says of connections goes to the debug level: the programs say themselves what is down. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *message)
{
    (void)client;
    log_write(level <= 2 ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "kafka: %s: %s", facility, message);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *error)
{
    char reason[256];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return true;
    return error_set(error, ERROR_CONFIGURATION, "kafka property %s: %s", name, reason);
}

static bool set_all(rd_kafka_conf_t *conf, const struct property properties[], struct error *error)
{
    for (; properties->name; properties++)
        if (!set(conf, properties->name, properties->value, error))
            return false;
    return true;
}

const char *kafka_client_id(const struct kafka_access *access)
{
    for (size_t i = access->property_count; i > 0; i--)
        if (strcmp(access->properties[i - 1].name, "client.id") == 0)
            return access->properties[i - 1].value;
    return access->client_id ? access->client_id : CLIENT_ID_DEFAULT;
}

static bool configure(rd_kafka_conf_t *conf, rd_kafka_type_t type, const struct kafka_access *access,
                      const struct property defaults[], struct error *error)
{
    if (!set_all(conf, common_defaults, error) ||
        (type == RD_KAFKA_CONSUMER && !set_all(conf, reader_defaults, error)) || !set_all(conf, defaults, error) ||
        !set(conf, "client.id", kafka_client_id(access), error) ||
        !set(conf, "bootstrap.servers", access->brokers, error))
        return false;
    for (size_t i = 0; i < access->property_count; i++)
        if (!set(conf, access->properties[i].name, access->properties[i].value, error))
            return false;
    return true;
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, const struct kafka_access *access, const struct property defaults[],
                             void (*prepare)(rd_kafka_conf_t *, void *), void *context, struct error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (!configure(conf, type, access, defaults, error)) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    if (prepare)
        prepare(conf, context);
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    if (!client) {
        error_set(error, ERROR_CONFIGURATION, "kafka: %s", reason);
        rd_kafka_conf_destroy(conf);
    }
    return client;
}

bool kafka_error(struct error *error, rd_kafka_resp_err_t code, const char *what)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: /* of the cluster's create.topic.policy */
        return error_set(error, ERROR_PERMISSION, "kafka: %s: %s", what, rd_kafka_err2str(code));
    default:
        return error_set(error, ERROR_UNAVAILABLE, "kafka: %s: %s", what, rd_kafka_err2str(code));
    }
}

bool kafka_is_unreadable(const rd_kafka_message_t *event, struct error *error)
{
    const char *advice;
    switch (event->err) {
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        advice = "where it is sound and only large, raise receive.message.max.bytes in kafka.properties";
        break;
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        advice = "a newer librdkafka may know its format";
        break;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__UNDERFLOW:
        advice = "it was damaged on its way, or is so on the broker's disk";
        break;
    default:
        return false;
    }
    if (!event->rkt)
        return false;
    error_set(error, ERROR_UNAVAILABLE, "kafka: %s/%d: the batch at offset %lld can't be read: %s; %s",
              rd_kafka_topic_name(event->rkt), (int)event->partition, (long long)event->offset,
              rd_kafka_message_errstr(event), advice);
    return true;
}

bool kafka_cluster(rd_kafka_t *client, char *ret_cluster, size_t size, struct error *error)
{
    char *id = rd_kafka_clusterid(client, KAFKA_TIMEOUT_MS);
    if (!id)
        return error_set(error, ERROR_UNAVAILABLE, "kafka: no broker answers");
    snprintf(ret_cluster, size, "%s", id);
    rd_kafka_mem_free(client, id);
    return true;
}

/* *ret_metadata is NULL where the topic doesn't exist. */
static bool ask_metadata(rd_kafka_t *client, const char *topic, const struct rd_kafka_metadata **ret_metadata,
                         struct error *error)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code =
        handle ? rd_kafka_metadata(client, 0, handle, &metadata, KAFKA_TIMEOUT_MS) : rd_kafka_last_error();
    if (handle)
        rd_kafka_topic_destroy(handle);
    if (code || !metadata)
        return kafka_error(error, code, topic);
    rd_kafka_resp_err_t topic_code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__FAIL;
    bool unknown =
        topic_code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || topic_code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (!topic_code) {
        *ret_metadata = metadata;
        return true;
    }
    rd_kafka_metadata_destroy(metadata);
    *ret_metadata = NULL;
    return unknown || kafka_error(error, topic_code, topic);
}

bool kafka_partition_count(rd_kafka_t *client, const char *topic, int32_t *ret_count, struct error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (!ask_metadata(client, topic, &metadata, error))
        return false;
    *ret_count = metadata ? metadata->topics[0].partition_cnt : 0;
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    return true;
}

bool kafka_leaders(rd_kafka_t *client, const char *topic, int32_t **ret_leaders, int32_t *ret_count,
                   struct error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (!ask_metadata(client, topic, &metadata, error))
        return false;
    int32_t count = metadata ? metadata->topics[0].partition_cnt : 0;
    int32_t *leaders = calloc((size_t)count + 1, sizeof *leaders);
    for (int32_t i = 0; leaders && i < count; i++)
        leaders[i] = -1;
    for (int32_t i = 0; leaders && i < count; i++) {
        const struct rd_kafka_metadata_partition *one = &metadata->topics[0].partitions[i];
        if (one->id >= 0 && one->id < count)
            leaders[one->id] = one->leader;
    }
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (!leaders)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *ret_leaders = leaders;
    *ret_count = count;
    return true;
}

/* librdkafka's main thread serves its queue in order: the request to stop lies before our first question, and its
 * completion before our second. */
#define QUESTIONS 3

rd_kafka_resp_err_t kafka_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(client, partitions);
    for (int i = 0; i < QUESTIONS; i++) {
        rd_kafka_topic_partition_list_t *unused;
        if (rd_kafka_assignment(client, &unused) == 0)
            rd_kafka_topic_partition_list_destroy(unused);
    }
    return code;
}

void kafka_consumer_destroy(rd_kafka_t *client)
{
    if (!client)
        return;
    kafka_assign(client, NULL);
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void kafka_consumer_leave(rd_kafka_t *client, int64_t until_us)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_error_t *refused = rd_kafka_consumer_close_queue(client, queue);
    while (!refused && !rd_kafka_consumer_closed(client) && clock_monotonic_us() < until_us) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 20); /* serves callbacks */
        if (message)
            rd_kafka_message_destroy(message);
    }
    bool closed = refused || rd_kafka_consumer_closed(client);
    if (refused)
        rd_kafka_error_destroy(refused);
    rd_kafka_queue_destroy(queue);
    /* A client whose brokers are silent may still wait for them, and librdkafka asserts now and then that it doesn't
     * (issue 4792). Where the process ends anyhow, its end takes the client too. */
    if (closed || !shutdown_requested())
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

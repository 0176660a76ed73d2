/* SPDX-License-Identifier: Apache-2.0
 * Reads a topic once with librdkafka's batch API and looks at nothing: the speed that a consumer cannot exceed.
 *
 * usage: bare_consumer BROKERS TOPIC PARTITIONS MESSAGES
 *
 * Ends once it has seen so many messages; prints how many and their bytes. */
#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 10000 };

static rd_kafka_t *consumer_new(const char *brokers)
{
    static const char *const properties[][2] = {
        {"group.id", "bare-consumer"}, {"enable.auto.commit", "false"}, {"auto.offset.reset", "error"}};
    char message[256];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, message, sizeof message);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        rd_kafka_conf_set(configuration, properties[i][0], properties[i][1], message, sizeof message);
    return rd_kafka_new(RD_KAFKA_CONSUMER, configuration, message, sizeof message);
}

static void assign_from_the_start(rd_kafka_t *consumer, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = 0;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Returns false where the topic has an error. */
static bool consume(rd_kafka_t *consumer, int64_t wanted, int64_t *ret_bytes)
{
    static rd_kafka_message_t *batch[BATCH];
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    bool good = true;
    for (int64_t seen = 0; seen < wanted && good;) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 100, batch, BATCH);
        good = count >= 0;
        for (ssize_t i = 0; i < count; i++) {
            if (batch[i]->err) {
                fprintf(stderr, "bare_consumer: %s\n", rd_kafka_message_errstr(batch[i]));
                good = false;
            } else {
                seen++;
                *ret_bytes += (int64_t)batch[i]->len;
            }
            rd_kafka_message_destroy(batch[i]);
        }
    }
    rd_kafka_queue_destroy(queue);
    return good;
}

int main(int argc, char *argv[])
{
    if (argc != 5) {
        fprintf(stderr, "usage: bare_consumer BROKERS TOPIC PARTITIONS MESSAGES\n");
        return 64;
    }
    rd_kafka_t *consumer = consumer_new(argv[1]);
    if (!consumer)
        return 69;
    rd_kafka_poll_set_consumer(consumer);
    assign_from_the_start(consumer, argv[2], atoi(argv[3]));
    int64_t wanted = strtoll(argv[4], NULL, 10), bytes = 0;
    bool good = consume(consumer, wanted, &bytes);
    printf("%" PRId64 " messages, %" PRId64 " bytes\n", wanted, bytes);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return good ? 0 : 69;
}

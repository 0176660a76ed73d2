/* SPDX-License-Identifier: Apache-2.0
 * A Kafka broker for the demo and for nothing else: librdkafka's mock cluster, in memory, about 5 MB a partition.
 *
 * usage: tidemark-demo-broker TOPIC:PARTITIONS...
 *
 * Prints its bootstrap address on one line, and lives until INT or TERM, or until the process that started it is
 * gone. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69 };

static int fail(int code, const char *what, const char *detail)
{
    fprintf(stderr, "tidemark-demo-broker: %s: %s\n", what, detail);
    return code;
}

/* "orders:4" makes the topic orders with four partitions. */
static int topic_create(rd_kafka_mock_cluster_t *cluster, const char *argument)
{
    char name[250];
    const char *colon = strrchr(argument, ':');
    size_t length = colon ? (size_t)(colon - argument) : 0;
    char *end = NULL;
    long partitions = colon ? strtol(colon + 1, &end, 10) : 0;
    if (length == 0 || length >= sizeof name || *end != '\0' || partitions < 1 || partitions > 1000)
        return fail(EXIT_USAGE, "not TOPIC:PARTITIONS", argument);
    memcpy(name, argument, length);
    name[length] = '\0';
    rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(cluster, name, (int)partitions, 1);
    return error ? fail(EXIT_UNAVAILABLE, name, rd_kafka_err2str(error)) : 0;
}

static int serve(rd_kafka_t *client, int count, char *const arguments[], const sigset_t *signals)
{
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(client, 1);
    if (!cluster)
        return fail(EXIT_UNAVAILABLE, "mock cluster", "could not start");
    int code = 0;
    for (int i = 0; i < count && code == 0; i++)
        code = topic_create(cluster, arguments[i]);
    if (code == 0) {
        printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
        fflush(stdout);
        int number;
        sigwait(signals, &number);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    return code;
}

int main(int argc, char *argv[])
{
    if (argc < 2)
        return fail(EXIT_USAGE, "usage", "tidemark-demo-broker TOPIC:PARTITIONS...");
    /* Blocked before any thread starts, so that all inherit it and only sigwait sees them. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);

    char message[256];
    rd_kafka_conf_t *properties = rd_kafka_conf_new();
    /* The client only carries the cluster and connects to nothing: its notice about that would puzzle. */
    rd_kafka_conf_set(properties, "log_level", "4", message, sizeof message);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, properties, message, sizeof message);
    if (!client)
        return fail(EXIT_UNAVAILABLE, "librdkafka", message);
    int code = serve(client, argc - 1, argv + 1, &signals);
    rd_kafka_destroy(client);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/detectors.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/shutdown.h"
#include "program/program.h"
#include "detector/reader.h"
#include "kafka/alerts.h"
#include "kafka/consumer.h"

struct running_detector {
    const struct detector *detector;
    struct kafka_access access;
    struct detector_names names;
    bool until_end;
    struct metrics *metrics;
    struct reader_report report;
    pthread_t thread;
    bool has_reached_ends;
    int code;
};

struct detectors {
    size_t count; /* started */
    struct running_detector detectors[DETECTORS_MAX];
};

struct kafka_access detector_access(const struct settings *settings, const struct detector *detector,
                                    struct detector_names *names)
{
    detector_group(detector, settings->kafka.group, names->group);
    (void)snprintf(names->client_id, sizeof names->client_id, "tidemark/%s/detector/%s", settings->redis.name_space,
                   detector->name);
    return (struct kafka_access){.brokers = settings->kafka.brokers,
                                 .group = names->group,
                                 .client_id = names->client_id,
                                 .properties = settings->kafka.properties.entries,
                                 .property_count = settings->kafka.properties.count};
}

static bool open_reader(const struct running_detector *running, struct detector_reader *reader, struct error *error)
{
    const struct consumer_events events = detector_reader_events(reader);
    const char *const topics[] = {running->detector->source->topic};
    struct consumer *consumer;
    struct alert_store *store;
    if (!kafka_consumer_open(&running->access, topics, 1, &events, &consumer, error))
        return false;
    if (!kafka_alerts_open(&running->access, running->detector, consumer, &store, error)) {
        consumer->operations->destroy(consumer);
        return false;
    }
    detector_reader_attach(reader, consumer, store);
    return true;
}

static bool judge(struct running_detector *running, struct detector_reader *reader, struct error *error)
{
    while (!shutdown_requested() && !(running->until_end && detector_reader_has_reached_ends(reader)))
        if (!detector_reader_turn(reader, error))
            return false;
    running->has_reached_ends = detector_reader_has_reached_ends(reader);
    size_t stopped = detector_reader_stopped_partitions(reader);
    return !running->until_end || stopped == 0 ||
           error_set(error, ERROR_DATA, "detector %s: %zu partitions were stopped before their ends; see above",
                     running->detector->name, stopped);
}

static void *run(void *context)
{
    struct running_detector *running = context;
    struct error error = {0};
    char name[16];
    snprintf(name, sizeof name, "%.15s", running->detector->name);
    pthread_setname_np(pthread_self(), name);
    struct detector_reader *reader = detector_reader_new(running->detector, running->metrics, &running->report);
    bool done = reader ? open_reader(running, reader, &error) && judge(running, reader, &error)
                       : error_set(&error, ERROR_INTERNAL, "out of memory");
    if (!done) {
        running->code = program_fail(&error);
        shutdown_request();
    }
    detector_reader_destroy(reader);
    return NULL;
}

bool detectors_start(const struct settings *settings, struct metrics *metrics, bool until_end,
                     struct detectors **ret_detectors, struct error *error)
{
    struct detectors *detectors = calloc(1, sizeof *detectors);
    if (!detectors)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < settings->detector_count; i++) {
        struct running_detector *running = &detectors->detectors[i];
        running->detector = &settings->detectors[i];
        running->access = detector_access(settings, running->detector, &running->names);
        running->until_end = until_end;
        running->metrics = metrics;
        if (pthread_create(&running->thread, NULL, run, running) != 0) {
            shutdown_request();
            detectors_join(detectors);
            detectors_destroy(detectors);
            return error_set(error, ERROR_INTERNAL, "not all detectors could be started");
        }
        detectors->count++;
    }
    *ret_detectors = detectors;
    return true;
}

bool detectors_are_stuck(const struct detectors *detectors)
{
    for (size_t i = 0; i < detectors->count; i++)
        if (reader_report_is_stuck(&detectors->detectors[i].report, DETECTOR_TURN_US))
            return true;
    return false;
}

void detectors_append_hindrances(const struct detectors *detectors, struct buffer *out)
{
    for (size_t i = 0; i < detectors->count; i++) {
        const struct running_detector *running = &detectors->detectors[i];
        char name[300];
        snprintf(name, sizeof name, "detector %s", running->detector->name);
        reader_report_append_hindrances(&running->report, DETECTOR_TURN_US, name, out);
    }
}

int detectors_join(struct detectors *detectors)
{
    int code = 0;
    for (size_t i = 0; detectors && i < detectors->count; i++) {
        pthread_join(detectors->detectors[i].thread, NULL);
        code = code ? code : detectors->detectors[i].code;
    }
    return code;
}

bool detectors_have_reached_ends(const struct detectors *detectors)
{
    for (size_t i = 0; detectors && i < detectors->count; i++)
        if (!detectors->detectors[i].has_reached_ends)
            return false;
    return true;
}

void detectors_destroy(struct detectors *detectors)
{
    free(detectors);
}

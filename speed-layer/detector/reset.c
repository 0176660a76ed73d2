/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "program/program.h"
#include "detector/reader.h"
#include "detector/detectors.h"
#include "kafka/alerts.h"
#include "kafka/consumer.h"

const struct detector *detector_named(const struct settings *settings, const char *name, struct error *error)
{
    const char *known[DETECTORS_MAX];
    const struct detector *found = name ? settings_detector(settings, text_of(name)) : NULL;
    if (found)
        return found;
    for (size_t i = 0; i < settings->detector_count; i++)
        known[i] = settings->detectors[i].name;
    const char *meant = name ? nearest_word(name, known, settings->detector_count) : NULL;
    if (!name)
        error_set(error, ERROR_USAGE, "which detector? say --detector NAME");
    else
        error_set(error, ERROR_USAGE, "unknown detector %s%s%s%s", name, meant ? "; did you mean " : "",
                  meant ? meant : "", meant ? "?" : "");
    return NULL;
}

static bool set_positions(const struct detector *detector, struct consumer *consumer, struct alert_store *store,
                          bool at_beginning, struct error *error)
{
    int32_t count = 0;
    const char *topic = detector->source->topic;
    if (!consumer->operations->partition_count(consumer, topic, &count, error))
        return false;
    if (count == 0)
        return error_set(error, ERROR_UNAVAILABLE, "the topic %s doesn't exist", topic);
    struct partition_position *positions = calloc((size_t)count, sizeof *positions);
    if (!positions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = detector_first_positions(detector, consumer, at_beginning, positions, (size_t)count, error) &&
                store->operations->begin(store, positions, (size_t)count, true, error);
    for (int32_t i = 0; done && i < count; i++)
        printf("%s/%d: judged from offset %lld on\n", topic, (int)i, (long long)positions[i].position.offset);
    free(positions);
    return done;
}

static bool reset(const struct settings *settings, const struct detector *detector, bool at_beginning,
                  struct error *error)
{
    struct detector_names names;
    const struct kafka_access access = detector_access(settings, detector, &names);
    const struct consumer_events nothing = {0};
    struct consumer *consumer;
    struct alert_store *store;
    /* Without topics it never joins the group. */
    if (!kafka_consumer_open(&access, NULL, 0, &nothing, &consumer, error))
        return false;
    bool done = kafka_alerts_open(&access, detector, NULL, &store, error);
    if (done) {
        done = set_positions(detector, consumer, store, at_beginning, error);
        store->operations->destroy(store);
    }
    consumer->operations->destroy(consumer);
    return done;
}

int detector_reset(const struct settings *settings, const char *name, const char *from)
{
    struct error error = {0};
    const struct detector *detector = detector_named(settings, name, &error);
    bool at_beginning = from && strcmp(from, "beginning") == 0;
    if (detector && !at_beginning && (!from || strcmp(from, "end") != 0))
        error_set(&error, ERROR_USAGE, "from where? say --from end or --from beginning");
    if (error.code != ERROR_NONE || !reset(settings, detector, at_beginning, &error))
        return program_fail(&error);
    return 0;
}

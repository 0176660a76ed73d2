/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/topics.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "base/ticker.h"
#include "kafka/topics.h"
#include "program/program.h"

#define EVERY_US (60 * US_PER_SECOND)

struct topics {
    const struct settings *settings;
    const struct kafka_access *access;
    rd_kafka_t *client;
    bool has_warned; /* that nobody may ask */
    bool is_checked; /* before the workers start */
    struct retry retry;
    struct ticker ticker;
    int code; /* of the thread, until it is stopped */
};

static bool check_policy(struct topics *topics, const struct source *source, struct error *error)
{
    char policy[LOG_POLICY_MAX];
    struct error problem = {0};
    if (kafka_topic_policy(topics->client, source->topic, policy, &problem))
        return log_policy_check(source->name, source->topic, policy, error);
    if (problem.code != ERROR_PERMISSION) {
        *error = problem;
        return false;
    }
    if (!topics->has_warned)
        log_warning("%s: the right to describe topics is missing, so nobody looks whether they are compacted: then "
                    "sums over them would be wrong",
                    problem.message);
    topics->has_warned = true;
    return true;
}

static bool check_all(struct topics *topics, struct error *error)
{
    for (size_t i = 0; i < topics->settings->source_count; i++)
        if (!check_policy(topics, &topics->settings->sources[i], error))
            return false;
    return true;
}

/* Waits until the brokers answer: a topic must be there before the first bad message or alert. NULL is none. */
static bool make_topic(struct topics *topics, const char *topic, struct error *error)
{
    struct retry retry = RETRY_DEPENDENCY;
    while (topic && !kafka_topic_create(topics->access, topic, error)) {
        if (!error_is_retriable(error))
            return false;
        if (retry.attempts % 10 == 0)
            log_warning("%s; waiting for it", error->message);
        retry_failed(&retry, clock_monotonic_us());
        if (!shutdown_sleep(retry_wait_us(&retry, clock_monotonic_us()) / 1000))
            return true; /* the workers see it too */
    }
    return true;
}

/* Without it nothing could be judged, so it's better said at once, with what to do. */
static bool make_alert_topic(struct topics *topics, const struct detector *detector, struct error *error)
{
    if (make_topic(topics, detector->alerts, error))
        return true;
    struct error cause = *error;
    if (cause.code == ERROR_PERMISSION)
        error_set(
            error, ERROR_CONFIGURATION,
            "%s: detector %s: make the topic of its alerts, or give this user the rights Describe and Create on it",
            cause.message, detector->name);
    return false;
}

static bool make_topics(struct topics *topics, struct error *error)
{
    const struct settings *settings = topics->settings;
    for (size_t i = 0; i < settings->source_count; i++)
        if (!make_topic(topics, settings->sources[i].dead_letter, error))
            return false;
    for (size_t i = 0; i < settings->detector_count; i++)
        if (!make_alert_topic(topics, &settings->detectors[i], error))
            return false;
    return true;
}

/* Brokers that don't answer are the workers' to speak of. */
static bool prepare(struct topics *topics, struct error *error)
{
    struct error problem = {0};
    if (!make_topics(topics, error))
        return false;
    topics->is_checked = check_all(topics, &problem);
    if (topics->is_checked || error_is_retriable(&problem))
        return true;
    *error = problem;
    return false;
}

static int64_t tick(void *context)
{
    struct topics *topics = context;
    struct error error = {0};
    if (check_all(topics, &error)) {
        retry_succeeded(&topics->retry);
        return clock_monotonic_us() + EVERY_US;
    }
    if (error.code != ERROR_CONFIGURATION) {
        retry_failed(&topics->retry, clock_monotonic_us());
        return topics->retry.next_us;
    }
    topics->code = program_fail(&error);
    shutdown_request();
    return TICKER_END;
}

static void destroy(struct topics *topics)
{
    ticker_clean_up(&topics->ticker);
    if (topics->client)
        rd_kafka_destroy(topics->client);
    free(topics);
}

bool topics_start(const struct settings *settings, const struct kafka_access *access, struct topics **ret_topics,
                  struct error *error)
{
    static const struct property defaults[] = {{0}};
    struct topics *topics = calloc(1, sizeof *topics);
    if (!topics)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    topics->settings = settings;
    topics->access = access;
    topics->retry = RETRY_DEPENDENCY;
    ticker_init(&topics->ticker, tick, topics);
    topics->client = kafka_client_new(RD_KAFKA_PRODUCER, access, defaults, NULL, NULL, error);
    bool started = topics->client && prepare(topics, error) &&
                   ticker_start(&topics->ticker, topics->is_checked ? clock_monotonic_us() + EVERY_US : 0, error);
    if (!started) {
        destroy(topics);
        return false;
    }
    *ret_topics = topics;
    return true;
}

int topics_stop(struct topics *topics)
{
    if (!topics)
        return 0;
    ticker_stop(&topics->ticker);
    int code = topics->code;
    destroy(topics);
    return code;
}

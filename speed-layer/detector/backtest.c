/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/backtest.h"

#include <stdio.h>

#include "base/clock.h"
#include "program/program.h"
#include "detector/partition.h"
#include "detector/detectors.h"
#include "kafka/consumer.h"
#include "kafka/kafka_log.h"
#include "record/event_time.h"
#include "detector/reset.h"

#define NO_TIME INT64_MIN

struct backtest {
    const struct detector *detector;
    struct consumer *consumer; /* of no group: it is asked where times lie in the log */
    struct event_log *log;
    struct decoder *decoder;
    int64_t from_us, to_us; /* record times; NO_TIME: the log's beginning, its end */
    int64_t alerts[RULES_MAX], judged;

    /* Of the partition: */
    int32_t partition;
    int64_t judge_from;
    struct detection *detection;
    struct buffer line;
};

static bool print_alert(void *context, const struct alert *alert)
{
    struct backtest *backtest = context;
    buffer_clear(&backtest->line);
    alert_append_json(alert, backtest->detector, backtest->partition, &backtest->line);
    if (backtest->line.failed)
        return false;
    puts(buffer_string(&backtest->line));
    return true;
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    struct backtest *backtest = context;
    struct record record;
    struct rejection rejection;
    bool good, judge = message->offset >= backtest->judge_from;
    decoder_reset(backtest->decoder);
    if (!decoder_classify(backtest->decoder, message->payload, message->record_time_us, &good, &record, &rejection,
                          error))
        return false;
    if (!good)
        return true;
    const struct transaction transaction = {message->offset, message->record_time_us, message->key, &record};
    switch (detection_take(backtest->detection, &transaction, judge, print_alert, backtest)) {
    case DETECTION_TAKEN:
        return true;
    case DETECTION_FULL:
        return error_set(error, ERROR_DATA, "the transactions in reach of offset %lld take more than `memory`",
                         (long long)message->offset);
    default:
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
}

/* Where record times at or after this one begin, `end` where none do. */
static int64_t offset_at(const struct backtest *backtest, int64_t at_us, int64_t end)
{
    int64_t offset = backtest->consumer->operations->offset_at(backtest->consumer, backtest->detector->source->topic,
                                                               backtest->partition, at_us < 0 ? 0 : at_us);
    return offset < 0 || offset > end ? end : offset;
}

static bool judge(struct backtest *backtest, int64_t first, int64_t end, struct error *error)
{
    const struct detector *detector = backtest->detector;
    int64_t before_us = backtest->from_us - detector_reach_us(detector) - detector->lateness_us;
    int64_t fill_from = backtest->from_us == NO_TIME ? first : offset_at(backtest, before_us, end), available;
    int64_t to = backtest->to_us == NO_TIME ? end : offset_at(backtest, backtest->to_us, end);
    backtest->judge_from = backtest->from_us == NO_TIME ? first : offset_at(backtest, backtest->from_us, end);
    return fill_from >= to ||
           backtest->log->operations->read(backtest->log, detector->source->topic, backtest->partition, fill_from, to,
                                           &available, take, backtest, error);
}

static bool judge_partition(struct backtest *backtest, struct error *error)
{
    int64_t first, end;
    struct detection_budget budget = {.ceiling = (size_t)backtest->detector->memory_bytes};
    if (!backtest->log->operations->ends(backtest->log, backtest->detector->source->topic, backtest->partition, &first,
                                         &end, error))
        return false;
    backtest->detection = detection_new(backtest->detector, &budget, CLOCK_NONE, 0);
    if (!backtest->detection)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = judge(backtest, first, end, error);
    const struct detection_counts *counts = detection_counts(backtest->detection);
    backtest->judged += counts->judged;
    for (size_t i = 0; i < backtest->detector->rule_count; i++)
        backtest->alerts[i] += counts->alerts[i];
    detection_destroy(backtest->detection);
    return done;
}

static void print_summary(const struct backtest *backtest)
{
    fprintf(stderr, "%lld transactions judged\n", (long long)backtest->judged);
    for (size_t i = 0; i < backtest->detector->rule_count; i++)
        fprintf(stderr, "rule %zu (%s): %lld alerts\n", i + 1,
                rule_is_velocity(&backtest->detector->rules[i]) ? "velocity" : "when", (long long)backtest->alerts[i]);
}

static bool judge_all(struct backtest *backtest, struct error *error)
{
    int32_t count = 0;
    const char *topic = backtest->detector->source->topic;
    if (!backtest->log->operations->partition_count(backtest->log, topic, &count, error))
        return false;
    if (count == 0)
        return error_set(error, ERROR_UNAVAILABLE, "the topic %s doesn't exist", topic);
    for (backtest->partition = 0; backtest->partition < count; backtest->partition++)
        if (!judge_partition(backtest, error))
            return error_context(error, "%s/%d", topic, (int)backtest->partition);
    print_summary(backtest);
    return fflush(stdout) == 0 || error_set(error, ERROR_UNAVAILABLE, "standard output can't be written");
}

static bool run(const struct settings *settings, struct backtest *backtest, struct error *error)
{
    struct detector_names names;
    const struct kafka_access access = detector_access(settings, backtest->detector, &names);
    const struct consumer_events nothing = {0};
    backtest->decoder = decoder_new(&backtest->detector->source->schema);
    bool done = backtest->decoder || error_set(error, ERROR_INTERNAL, "out of memory");
    done = done && kafka_consumer_open(&access, NULL, 0, &nothing, &backtest->consumer, error) &&
           kafka_log_open(&access, &backtest->log, error) && judge_all(backtest, error);
    if (backtest->log)
        backtest->log->operations->destroy(backtest->log);
    if (backtest->consumer)
        backtest->consumer->operations->destroy(backtest->consumer);
    decoder_destroy(backtest->decoder);
    buffer_clean_up(&backtest->line);
    return done;
}

static bool parse_time(const char *option, const char *text, int64_t *ret_us, struct error *error)
{
    int64_t number;
    *ret_us = NO_TIME;
    if (!text)
        return true;
    if (rfc3339_date_parse(text_of(text), &number))
        *ret_us = number * SECONDS_PER_DAY * US_PER_SECOND;
    else if (!rfc3339_parse(text_of(text), ret_us))
        return error_set(error, ERROR_USAGE, "--%s is an RFC 3339 time or a date, not %s", option, text);
    return true;
}

int detector_backtest(const struct settings *settings, const char *name, const char *from, const char *to)
{
    struct error error = {0};
    struct backtest backtest = {.detector = detector_named(settings, name, &error)};
    if (!backtest.detector || !parse_time("from", from, &backtest.from_us, &error) ||
        !parse_time("to", to, &backtest.to_us, &error) || !run(settings, &backtest, &error))
        return program_fail(&error);
    return 0;
}

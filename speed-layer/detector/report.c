/* SPDX-License-Identifier: Apache-2.0
 * How a detector is, for those who watch it: its report and its metrics. */
#include <stdio.h>

#include "base/clock.h"
#include "detector/state.h"
#include "speed_metrics.h"

#define REPORT_EVERY_US 100000
#define STATES (DETECTOR_STOPPED + 1)

static struct metric_series *series(const struct detector_reader *reader, enum speed_metric metric,
                                    const char *second_label)
{
    const char *const labels[] = {reader->detector->name, second_label};
    return metrics_series(reader->metrics, metric, labels);
}

static void set(const struct detector_reader *reader, enum speed_metric metric, const char *second_label, int64_t value)
{
    metric_set(series(reader, metric, second_label), value);
}

static void add(const struct detector_reader *reader, enum speed_metric metric, const char *second_label, int64_t more)
{
    metric_add(series(reader, metric, second_label), more);
}

void detector_count_committed(struct detector_reader *reader, struct detector_partition *partition)
{
    const struct detection_counts *now = &partition->counts, *before = &partition->counted;
    char number[24];
    if (reader->metrics) {
        add(reader, SPEED_METRIC_DETECTOR_JUDGED, NULL, now->judged - before->judged);
        add(reader, SPEED_METRIC_DETECTOR_DUPLICATES, NULL, now->duplicates - before->duplicates);
        add(reader, SPEED_METRIC_DETECTOR_LATE, NULL, now->late - before->late);
        add(reader, SPEED_METRIC_DETECTOR_MISPLACED, NULL, now->misplaced - before->misplaced);
        add(reader, SPEED_METRIC_DETECTOR_GAP, NULL, partition->gap);
        for (size_t i = 0; i < reader->detector->rule_count; i++) {
            snprintf(number, sizeof number, "%zu", i + 1);
            add(reader, SPEED_METRIC_DETECTOR_ALERTS, number, now->alerts[i] - before->alerts[i]);
        }
    }
    partition->gap = 0;
    partition->counted = *now;
}

static int64_t lag(const struct detector_reader *reader, const struct detector_partition *partition)
{
    int64_t end =
        reader->consumer->operations->known_end(reader->consumer, reader->detector->source->topic, partition->number);
    end = partition->end > end ? partition->end : end;
    return end > partition->position.offset ? end - partition->position.offset : 0;
}

static void set_gauges(const struct detector_reader *reader, const int counts[STATES], int64_t now_us)
{
    static const char *const states[STATES] = {"closed", "open", "stopped"};
    int64_t entries = 0, uncommitted = 0;
    char number[24];
    for (size_t i = 0; i < reader->count; i++) {
        const struct detector_partition *partition = &reader->partitions[i];
        snprintf(number, sizeof number, "%d", (int)partition->number);
        uncommitted += detector_partition_uncommitted(partition);
        entries += partition->detection ? detection_entries(partition->detection) : 0;
        if (partition->state != DETECTOR_CLOSED)
            set(reader, SPEED_METRIC_DETECTOR_LAG, number, lag(reader, partition));
    }
    for (size_t i = 0; i < STATES; i++)
        set(reader, SPEED_METRIC_DETECTOR_PARTITIONS, states[i], counts[i]);
    set(reader, SPEED_METRIC_DETECTOR_ENTRIES, NULL, entries);
    set(reader, SPEED_METRIC_DETECTOR_BYTES, NULL, (int64_t)reader->budget.used);
    set(reader, SPEED_METRIC_DETECTOR_BYTES_MAX, NULL, (int64_t)reader->budget.ceiling);
    set(reader, SPEED_METRIC_DETECTOR_POSITION_AGE, NULL, uncommitted > 0 ? now_us - reader->committed_us : 0);
}

void detector_forget_lag(struct detector_reader *reader)
{
    char number[24];
    for (size_t i = 0; i < reader->count && reader->metrics; i++) {
        snprintf(number, sizeof number, "%d", (int)reader->partitions[i].number);
        metric_withdraw(series(reader, SPEED_METRIC_DETECTOR_LAG, number));
    }
}

void detector_update_report(struct detector_reader *reader)
{
    int64_t now_us = clock_monotonic_us();
    int counts[STATES] = {0};
    if (now_us - reader->reported_us < REPORT_EVERY_US)
        return;
    reader->reported_us = now_us;
    for (size_t i = 0; i < reader->count; i++)
        counts[reader->partitions[i].state]++;
    if (reader->metrics)
        set_gauges(reader, counts, now_us);
    if (!reader->report)
        return;
    reader->report->has_assignment = reader->has_assignment;
    reader->report->owned = (int)reader->count;
    reader->report->closed = counts[DETECTOR_CLOSED];
    reader->report->stopped = counts[DETECTOR_STOPPED];
    reader->report->turned_us = now_us;
}

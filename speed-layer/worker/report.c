/* SPDX-License-Identifier: Apache-2.0
 * How a worker is, for those who watch it: its report and its metrics. */
#include <stdio.h>

#include "base/clock.h"
#include "speed_metrics.h"
#include "worker/state.h"

#define REPORT_EVERY_US 100000
#define STATES (PARTITION_STOPPED + 1)

static void count_states(const struct worker *worker, int ret_counts[STATES], int *ret_unreadable)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        ret_counts[worker->owned[i].partition->state]++;
        *ret_unreadable += worker->owned[i].is_unreadable;
    }
}

static void fill(struct reader_report *report, const struct worker *worker, const int counts[STATES], int unreadable)
{
    report->has_assignment = worker->has_assignment;
    report->suspended = worker->suspended;
    report->owned = (int)worker->owned_count;
    report->closed = counts[PARTITION_CLOSED];
    report->stopped = counts[PARTITION_STOPPED];
    report->unreadable = unreadable;
}

static void set_worker_gauges(const struct worker *worker, const int counts[STATES])
{
    static const char *const states[STATES] = {"closed", "reading", "running", "stopped"};
    struct metrics *metrics = worker->speed->metrics;
    char number[16];
    snprintf(number, sizeof number, "%d", worker->number);
    for (size_t i = 0; i < STATES; i++) {
        const char *const labels[] = {number, states[i]};
        metric_set(metrics_series(metrics, SPEED_METRIC_PARTITIONS, labels), counts[i]);
    }
    const char *const label = number;
    metric_set(metrics_series(metrics, SPEED_METRIC_SUSPENDED, &label), worker->suspended);
}

void worker_count_partition(struct worker *worker, struct owned *owned)
{
    struct metrics *metrics = worker->speed->metrics;
    const struct partition *partition = owned->partition;
    char number[16];
    if (!metrics)
        return;
    snprintf(number, sizeof number, "%d", (int)partition->id.partition);
    const char *const labels[] = {partition->id.source, number};
    owned->series = (struct partition_series){
        .messages = metrics_series(metrics, SPEED_METRIC_MESSAGES, labels),
        .bytes = metrics_series(metrics, SPEED_METRIC_BYTES, labels),
        .dead_letters = metrics_series(metrics, SPEED_METRIC_DEAD_LETTERS, labels),
        .rebuilds = metrics_series(metrics, SPEED_METRIC_REBUILDS, labels),
        .lag = metrics_series(metrics, SPEED_METRIC_LAG, labels),
        .pending_age = metrics_series(metrics, SPEED_METRIC_PENDING_AGE, labels),
        .index_orders = metrics_series(metrics, SPEED_METRIC_INDEX_ORDERS, labels),
    };
}

void worker_forget_partition(struct owned *owned)
{
    if (!owned->series.messages)
        return;
    metric_withdraw(owned->series.lag);
    metric_withdraw(owned->series.pending_age);
    metric_withdraw(owned->series.index_orders);
}

static void set_partition_gauges(struct worker *worker, struct owned *owned, int64_t now_us)
{
    const struct partition *partition = owned->partition;
    const struct partition_series *series = &owned->series;
    if (partition->state == PARTITION_CLOSED) {
        worker_forget_partition(owned);
        return;
    }
    int64_t end =
        worker->consumer->operations->known_end(worker->consumer, partition->source->topic, partition->id.partition);
    if (partition->end > end)
        end = partition->end;
    metric_set(series->lag, end > partition->slot.next ? end - partition->slot.next : 0);
    metric_set(series->pending_age, partition->pending > 0 ? now_us - series->pending_since_us : 0);
    metric_set(series->index_orders, partition->index ? (int64_t)index_count(partition->index) : 0);
}

void worker_count_messages(struct owned *owned, const struct log_message messages[], size_t count)
{
    int64_t bytes = 0;
    if (!owned->series.messages)
        return;
    for (size_t i = 0; i < count; i++)
        bytes += (int64_t)messages[i].payload.length;
    if (owned->partition->pending == 0)
        owned->series.pending_since_us = clock_monotonic_us();
    metric_add(owned->series.messages, (int64_t)count);
    metric_add(owned->series.bytes, bytes);
}

void worker_count_bad(struct worker *worker, const struct partition *partition, const struct rejection *rejection)
{
    const char *const labels[] = {partition->id.source, rejection->reason};
    if (worker->speed->metrics)
        metric_add(metrics_series(worker->speed->metrics, SPEED_METRIC_BAD, labels), 1);
}

void worker_count_rebuilds(struct owned *owned, int64_t count)
{
    if (owned->series.rebuilds)
        metric_add(owned->series.rebuilds, count);
}

void worker_count_commit(struct worker *worker, struct owned *owned, const enum commit_answer *answer, int64_t since_us,
                         int64_t bad)
{
    static const char *const outcomes[] = {
        [COMMIT_OK] = "ok",       [COMMIT_ALREADY] = "already", [COMMIT_REWOUND] = "rewound",
        [COMMIT_AHEAD] = "ahead", [COMMIT_LOST] = "lost",       [COMMIT_FOREIGN] = "foreign"};
    struct metrics *metrics = worker->speed->metrics;
    const char *outcome = answer ? outcomes[*answer] : "error";
    if (!metrics)
        return;
    metric_add(metrics_series(metrics, SPEED_METRIC_COMMITS, &outcome), 1);
    metric_observe(metrics_series(metrics, SPEED_METRIC_COMMIT_DURATION, NULL), clock_monotonic_us() - since_us);
    if (owned->partition->source->dead_letter && answer && (*answer == COMMIT_OK || *answer == COMMIT_ALREADY))
        metric_add(owned->series.dead_letters, bad);
}

void worker_update_report(struct worker *worker)
{
    struct reader_report *report = worker->speed->reports ? &worker->speed->reports[worker->number] : NULL;
    int counts[STATES] = {0}, unreadable = 0;
    if (!report || !worker->speed->metrics)
        return;
    int64_t now_us = clock_monotonic_us();
    if (now_us - report->turned_us < REPORT_EVERY_US)
        return;
    count_states(worker, counts, &unreadable);
    fill(report, worker, counts, unreadable);
    set_worker_gauges(worker, counts);
    for (size_t i = 0; i < worker->owned_count; i++)
        set_partition_gauges(worker, &worker->owned[i], now_us);
    report->turned_us = now_us;
}

/* SPDX-License-Identifier: Apache-2.0
 * Counters, gauges and histograms, declared in one const table from which the code, /metrics and the manual come.
 *
 * A metric has one series for each set of label values. Look a series up once (at start-up, or when a partition is
 * assigned) and keep the pointer: an update is one relaxed atomic instruction, from any thread. All values are
 * integers, so nothing is lost by adding; `divisor` turns them into the unit that the name states when they are printed
 * (record µs, divisor 1,000,000, print seconds). */
#ifndef TIDEMARK_METRICS_METRICS_H
#define TIDEMARK_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define METRIC_LABELS_MAX 3
#define METRIC_BUCKETS_MAX 24
#define METRIC_SERIES_MAX 4096 /* of one metric; later ones share a series whose labels are all "other" */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* with the unit: tidemark_http_request_duration_seconds */
    enum metric_kind kind;
    const char *help;                          /* one sentence, without a line break */
    int64_t divisor;                           /* 0 is 1 */
    const char *labels[METRIC_LABELS_MAX + 1]; /* names, NULL-ended */
    int64_t buckets[METRIC_BUCKETS_MAX + 1];   /* upper bounds as recorded, ascending, 0-ended; a histogram's */
};

/* Ready-made buckets for durations recorded in µs: 100 µs to 10 s. */
#define METRIC_BUCKETS_DURATION                                                                                        \
    {                                                                                                                  \
        100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,       \
            10000000                                                                                                   \
    }

struct metrics;       /* the values of a table */
struct metric_series; /* one line of it (for a histogram, one set of lines) */

/* The table must outlive it; number i of the table is metric i below. NULL where memory is short. */
struct metrics *metrics_new(const struct metric *table, size_t count);
void metrics_destroy(struct metrics *metrics);

/* The series of metric `number` with these label values (as many as the metric has labels; NULL where it has none),
 * made where it is new, at zero. Finding one takes no lock. Never NULL: where memory is short or there are too many
 * series, it is one that they share. Valid as long as `metrics`. */
struct metric_series *metrics_series(struct metrics *metrics, size_t number, const char *const values[]);

void metric_add(struct metric_series *series, int64_t more);      /* a counter or a gauge */
void metric_set(struct metric_series *series, int64_t value);     /* a gauge, or a counter that is counted elsewhere */
void metric_withdraw(struct metric_series *series);               /* a gauge isn't printed until it is set again */
void metric_observe(struct metric_series *series, int64_t value); /* a histogram */
int64_t metric_value(const struct metric_series *series);         /* of a histogram: how many were observed */

/* Prints all series in the text format of Prometheus, version 0.0.4 (METRICS_CONTENT_TYPE). */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void metrics_print(const struct metrics *metrics, struct buffer *out);

/* Prints the reference of a table in Markdown: one table row a metric. */
void metrics_print_reference(const struct metric *table, size_t count, struct buffer *out);

#endif

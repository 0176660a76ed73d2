/* SPDX-License-Identifier: Apache-2.0
 * The metrics of the speed layer; docs/metrics.md is printed from the table. */
#ifndef TIDEMARK_SPEED_METRICS_H
#define TIDEMARK_SPEED_METRICS_H

#include "metrics/metrics.h"

enum speed_metric {
    SPEED_METRIC_MESSAGES,
    SPEED_METRIC_BYTES,
    SPEED_METRIC_BAD,
    SPEED_METRIC_DEAD_LETTERS,
    SPEED_METRIC_COMMITS,
    SPEED_METRIC_COMMIT_DURATION,
    SPEED_METRIC_REBUILDS,
    SPEED_METRIC_LAG,
    SPEED_METRIC_PENDING_AGE,
    SPEED_METRIC_INDEX_ORDERS,
    SPEED_METRIC_INDEX_BYTES,
    SPEED_METRIC_INDEX_BYTES_MAX,
    SPEED_METRIC_PARTITIONS,
    SPEED_METRIC_SUSPENDED,
    SPEED_METRIC_COUNT,
};
extern const struct metric speed_metrics[SPEED_METRIC_COUNT];

#endif

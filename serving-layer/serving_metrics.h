/* SPDX-License-Identifier: Apache-2.0
 * The metrics of the serving layer; docs/metrics.md is printed from the table. */
#ifndef TIDEMARK_SERVING_METRICS_H
#define TIDEMARK_SERVING_METRICS_H

#include "metrics/metrics.h"
#include "merged/snapshot.h"

enum serving_metric {
    METRIC_REQUESTS,
    METRIC_REQUEST_DURATION,
    METRIC_CONNECTIONS,
    METRIC_ROWS_ANSWERED,
    METRIC_STREAMS,
    METRIC_STREAM_EVENTS,
    METRIC_STREAM_RESETS,
    METRIC_STREAM_MERGED,
    METRIC_STREAMS_DROPPED,
    METRIC_TOKENS_STALE,
    METRIC_CERTIFICATE_STALE,
    METRIC_CERTIFICATE_EXPIRES,
    METRIC_STORE_UP,
    METRIC_STORE_ERRORS,
    METRIC_STORE_AGE,
    METRIC_EPOCH,
    METRIC_PUBLISHED_AT,
    METRIC_CLOCK,
    METRIC_DEFERRED,
    METRIC_LAG,
    METRIC_UNCOMMITTED,
    METRIC_PARTITIONS,
    METRIC_PARTITIONS_MISSING,
    METRIC_PARTITIONS_STOPPED,
    METRIC_PARTITIONS_UNREAD,
    METRIC_UNREAD,
    METRIC_LEDGER,
    METRIC_LEDGER_CLOSED,
    METRIC_GAPS,
    METRIC_SPLIT_ORDERS,
    METRIC_AUDIT_FAILURES,
    METRIC_VIEW_COMPLETE,
    METRIC_VIEW_ROWS,
    METRIC_VIEW_BYTES,
    METRIC_SINK_NUMBER,
    METRIC_SINK_STATE_AT,
    METRIC_SINK_ROWS,
    METRIC_SINK_RESTATED,
    METRIC_SINK_WAITING,
    METRIC_SINK_ERRORS,
    SERVING_METRIC_COUNT,
};
extern const struct metric serving_metrics[SERVING_METRIC_COUNT];

/* Sets the gauges that describe this source's snapshot; takes its read lock. */
void serving_metrics_observe(struct metrics *metrics, struct snapshot *snapshot);

#endif

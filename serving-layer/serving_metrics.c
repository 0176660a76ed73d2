/* SPDX-License-Identifier: Apache-2.0 */
#include "serving_metrics.h"

#include "base/clock.h"
#include "provenance.h"

const struct metric serving_metrics[SERVING_METRIC_COUNT] = {
    [METRIC_REQUESTS] = {.name = "tidemark_http_requests_total",
                         .kind = METRIC_COUNTER,
                         .help = "HTTP requests answered.",
                         .labels = {"route", "status"}},
    [METRIC_REQUEST_DURATION] = {.name = "tidemark_http_request_duration_seconds",
                                 .kind = METRIC_HISTOGRAM,
                                 .help = "Time to make an answer, without sending it.",
                                 .divisor = US_PER_SECOND,
                                 .labels = {"route"},
                                 .buckets = METRIC_BUCKETS_DURATION},
    [METRIC_CONNECTIONS] = {.name = "tidemark_http_connections",
                            .kind = METRIC_GAUGE,
                            .help = "HTTP connections that are open."},
    [METRIC_STREAMS] = {.name = "tidemark_http_streams",
                        .kind = METRIC_GAUGE,
                        .help = "Event streams that are open, by view; those of alerts are of the view alerts.",
                        .labels = {"view"}},
    [METRIC_STREAM_EVENTS] = {.name = "tidemark_http_stream_events_total",
                              .kind = METRIC_COUNTER,
                              .help = "Events that streams were given to send.",
                              .labels = {"view"}},
    [METRIC_STREAM_RESETS] = {.name = "tidemark_http_stream_resets_total",
                              .kind = METRIC_COUNTER,
                              .help = "Events with all rows of a selection: first ones, and those that begin anew.",
                              .labels = {"view"}},
    [METRIC_STREAM_MERGED] = {.name = "tidemark_http_stream_merged_total",
                              .kind = METRIC_COUNTER,
                              .help = "Events made for one reader alone, of several that others had before it.",
                              .labels = {"view"}},
    [METRIC_STREAMS_DROPPED] = {.name = "tidemark_http_streams_dropped_total",
                                .kind = METRIC_COUNTER,
                                .help = "Streams ended because their reader took nothing (slow), had gone away (gone), "
                                        "or may no longer read (forbidden).",
                                .labels = {"reason"}},
    [METRIC_TOKENS_STALE] = {.name = "tidemark_http_tokens_stale",
                             .kind = METRIC_GAUGE,
                             .help = "1 where the file of tokens changed and can't be read: those of before count."},
    [METRIC_ROWS_ANSWERED] = {.name = "tidemark_http_rows_total",
                              .kind = METRIC_COUNTER,
                              .help = "Rows of views answered.",
                              .labels = {"view"}},
    [METRIC_CERTIFICATE_STALE] = {.name = "tidemark_http_certificate_stale",
                                  .kind = METRIC_GAUGE,
                                  .help = "1 where the certificate of http.tls has expired, or changed and can't be "
                                          "used: the one of before is shown."},
    [METRIC_CERTIFICATE_EXPIRES] = {.name = "tidemark_http_certificate_expires_timestamp_seconds",
                                    .kind = METRIC_GAUGE,
                                    .help = "When the certificate that is shown, or one of its chain, expires; 0 "
                                            "without http.tls.",
                                    .divisor = US_PER_SECOND},
    [METRIC_STORE_UP] = {.name = "tidemark_serving_store_up",
                         .kind = METRIC_GAUGE,
                         .help = "1 where the store (redis, postgres) answered when it was last asked.",
                         .labels = {"store"}},
    [METRIC_STORE_ERRORS] = {.name = "tidemark_serving_store_errors_total",
                             .kind = METRIC_COUNTER,
                             .help = "Readings of a store that failed.",
                             .labels = {"store"}},
    [METRIC_STORE_AGE] = {.name = "tidemark_serving_store_age_seconds",
                          .kind = METRIC_GAUGE,
                          .help = "Time since a store was last read for this source; absent before the first time.",
                          .divisor = US_PER_SECOND,
                          .labels = {"source", "store"}},
    [METRIC_EPOCH] = {.name = "tidemark_serving_epoch",
                      .kind = METRIC_GAUGE,
                      .help = "Published epoch that is answered.",
                      .labels = {"source"}},
    [METRIC_PUBLISHED_AT] = {.name = "tidemark_serving_published_timestamp_seconds",
                             .kind = METRIC_GAUGE,
                             .help = "When the epoch that is answered was published; 0 before the first run.",
                             .divisor = US_PER_SECOND,
                             .labels = {"source"}},
    [METRIC_CLOCK] = {.name = "tidemark_serving_clock_timestamp_seconds",
                      .kind = METRIC_GAUGE,
                      .help = "Latest event time seen of the source.",
                      .divisor = US_PER_SECOND,
                      .labels = {"source"}},
    [METRIC_DEFERRED] = {.name = "tidemark_serving_deferred_messages",
                         .kind = METRIC_GAUGE,
                         .help = "Messages after the cut that wait for the next batch run.",
                         .labels = {"source"}},
    [METRIC_LAG] = {.name = "tidemark_serving_lag_messages",
                    .kind = METRIC_GAUGE,
                    .help = "Messages of the log that are not answered yet; -1 where that is unknown.",
                    .labels = {"source"}},
    [METRIC_UNCOMMITTED] = {.name = "tidemark_serving_uncommitted_messages",
                            .kind = METRIC_GAUGE,
                            .help = "Offsets of the log that can't be read before a transaction ends, in no lag; -1 "
                                    "where that is unknown.",
                            .labels = {"source"}},
    [METRIC_PARTITIONS] = {.name = "tidemark_serving_partitions",
                           .kind = METRIC_GAUGE,
                           .help = "Partitions of the source that are known.",
                           .labels = {"source"}},
    [METRIC_PARTITIONS_MISSING] = {.name = "tidemark_serving_partitions_missing",
                                   .kind = METRIC_GAUGE,
                                   .help = "Partitions of which the part after the cut is missing.",
                                   .labels = {"source"}},
    [METRIC_PARTITIONS_STOPPED] = {.name = "tidemark_serving_partitions_stopped",
                                   .kind = METRIC_GAUGE,
                                   .help = "Partitions that stand still with an alarm until an operator acts.",
                                   .labels = {"source"}},
    [METRIC_PARTITIONS_UNREAD] = {.name = "tidemark_serving_partitions_unread",
                                  .kind = METRIC_GAUGE,
                                  .help = "Partitions that no speed layer reads.",
                                  .labels = {"source"}},
    [METRIC_UNREAD] = {.name = "tidemark_serving_unread_messages",
                       .kind = METRIC_GAUGE,
                       .help = "Messages that wait in partitions that no speed layer reads; -1 where the log can't be "
                               "asked how many.",
                       .labels = {"source"}},
    [METRIC_LEDGER] = {.name = "tidemark_ledger_messages",
                       .kind = METRIC_GAUGE,
                       .help =
                           "Messages that are answered, by their fate: all of them consumed, and each of these kept, "
                           "replaced, duplicate, deferred or bad; absent before anything published was read.",
                       .labels = {"source", "fate"}},
    [METRIC_LEDGER_CLOSED] = {.name = "tidemark_ledger_closed",
                              .kind = METRIC_GAUGE,
                              .help = "1 where the ledger adds up, of each partition and in total, 0 where it doesn't; "
                                      "absent before anything published was read.",
                              .labels = {"source"}},
    [METRIC_GAPS] = {.name = "tidemark_gap_messages",
                     .kind = METRIC_GAUGE,
                     .help = "Offsets that the log lost before they were read, and that no operator has accepted.",
                     .labels = {"source"}},
    [METRIC_SPLIT_ORDERS] = {.name = "tidemark_split_orders",
                             .kind = METRIC_GAUGE,
                             .help = "Orders with versions in two partitions, as far as is published: each version "
                                     "counts.",
                             .labels = {"source"}},
    [METRIC_AUDIT_FAILURES] = {.name = "tidemark_audit_failures_total",
                               .kind = METRIC_COUNTER,
                               .help = "Slots of the real-time store that were found damaged when they were read.",
                               .labels = {"source"}},
    [METRIC_VIEW_COMPLETE] = {.name = "tidemark_serving_view_complete",
                              .kind = METRIC_GAUGE,
                              .help = "1 where answers of the view are complete.",
                              .labels = {"view"}},
    [METRIC_VIEW_ROWS] = {.name = "tidemark_serving_view_rows",
                          .kind = METRIC_GAUGE,
                          .help = "Rows of the view held in memory.",
                          .labels = {"view"}},
    [METRIC_VIEW_BYTES] = {.name = "tidemark_serving_view_bytes",
                           .kind = METRIC_GAUGE,
                           .help = "Memory that the rows of the view take, about.",
                           .labels = {"view"}},
    [METRIC_VIEW_WATERMARK] = {.name = "tidemark_serving_view_watermark_timestamp_seconds",
                               .kind = METRIC_GAUGE,
                               .help = "Event time up to which rows of the view are final; of views with a watermark, "
                                       "once there is one.",
                               .divisor = US_PER_SECOND,
                               .labels = {"view"}},
    [METRIC_VIEW_LATE] = {.name = "tidemark_serving_view_late_messages",
                          .kind = METRIC_GAUGE,
                          .help = "Messages that are answered and count in the view, and that came when their window "
                                  "had ended by more than the view's watermark; of views that have one.",
                          .labels = {"view"}},
    [METRIC_SINK_NUMBER] = {.name = "tidemark_sink_number",
                            .kind = METRIC_GAUGE,
                            .help = "Number of the micro-batch that the sink holds; of tidemark-serving emit, as all "
                                    "metrics of sinks.",
                            .labels = {"view", "sink"}},
    [METRIC_SINK_STATE_AT] = {.name = "tidemark_sink_state_timestamp_seconds",
                              .kind = METRIC_GAUGE,
                              .help = "When a state of the view was last taken for the sink.",
                              .divisor = US_PER_SECOND,
                              .labels = {"view", "sink"}},
    [METRIC_SINK_ROWS] = {.name = "tidemark_sink_rows_total",
                          .kind = METRIC_COUNTER,
                          .help = "Rows written to the sink, those that vanished among them.",
                          .labels = {"view", "sink"}},
    [METRIC_SINK_RESTATED] = {.name = "tidemark_sink_restated_rows_total",
                              .kind = METRIC_COUNTER,
                              .help = "Rows that a sink in the mode append was given again, since they changed or "
                                      "vanished once they were final.",
                              .labels = {"view", "sink"}},
    [METRIC_SINK_WAITING] = {.name = "tidemark_sink_waiting",
                             .kind = METRIC_GAUGE,
                             .help = "1 where there is no state to be taken, another process writes the sink, or it is "
                                     "down.",
                             .labels = {"view", "sink"}},
    [METRIC_SINK_ERRORS] = {.name = "tidemark_sink_errors_total",
                            .kind = METRIC_COUNTER,
                            .help = "Micro-batches that failed, and are tried again.",
                            .labels = {"view", "sink"}},
};

static void set(struct metrics *metrics, enum serving_metric metric, const char *label, int64_t value)
{
    metric_set(metrics_series(metrics, (size_t)metric, &label), value);
}

static void observe_ages(struct metrics *metrics, struct snapshot *snapshot)
{
    const int64_t read_us[] = {snapshot->published_read_us, snapshot->live_read_us}, now_us = clock_monotonic_us();
    static const char *const stores[] = {"postgres", "redis"};
    for (size_t i = 0; i < 2; i++) {
        const char *const labels[] = {snapshot->source->name, stores[i]};
        if (read_us[i] && !(i == 0 && snapshot->source->is_stream_alone))
            metric_set(metrics_series(metrics, METRIC_STORE_AGE, labels), now_us - read_us[i]);
    }
}

static void observe_ledger(struct metrics *metrics, const struct snapshot *snapshot)
{
    const char *source = snapshot->source->name;
    const struct ledger ledger = snapshot_ledger(snapshot);
    for (size_t i = 0; i < FATES_COUNT; i++) {
        const char *const labels[] = {source, fates_name(i)};
        metric_set(metrics_series(metrics, METRIC_LEDGER, labels), fates_get(&ledger.fates, i));
    }
    set(metrics, METRIC_LEDGER_CLOSED, source, snapshot_ledger_is_closed(snapshot));
}

/* Of a view with a watermark, once there is one; and what came too late for it, where that is known. */
static void observe_lateness(struct metrics *metrics, const struct snapshot *snapshot, size_t view)
{
    const char *name = snapshot->source->views[view].name;
    if (snapshot->source->views[view].watermark_us == 0)
        return;
    int64_t watermark_us = snapshot_watermark_us(snapshot, view);
    if (watermark_us != INT64_MIN)
        set(metrics, METRIC_VIEW_WATERMARK, name, watermark_us);
    if (snapshot_view_ledger_is_known(snapshot, view))
        set(metrics, METRIC_VIEW_LATE, name, snapshot_ledger(snapshot).views[view].late);
}

static void observe_views(struct metrics *metrics, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < source_shown_count(snapshot->source); i++) {
        const char *name = snapshot->source->views[i].name;
        set(metrics, METRIC_VIEW_COMPLETE, name, snapshot->loaded && view_is_complete(snapshot, i));
        set(metrics, METRIC_VIEW_ROWS, name, (int64_t)snapshot->views[i].rows.row_count);
        set(metrics, METRIC_VIEW_BYTES, name, (int64_t)snapshot_view_bytes(snapshot, i));
        observe_lateness(metrics, snapshot, i);
    }
}

static void observe_publication(struct metrics *metrics, const struct snapshot *snapshot)
{
    const char *source = snapshot->source->name;
    set(metrics, METRIC_EPOCH, source, snapshot->publication.epoch);
    set(metrics, METRIC_PUBLISHED_AT, source, snapshot->publication.published_at_us);
    set(metrics, METRIC_SPLIT_ORDERS, source, snapshot->publication.split_orders);
}

void serving_metrics_observe(struct metrics *metrics, struct snapshot *snapshot)
{
    const char *source = snapshot->source->name;
    observe_ages(metrics, snapshot);
    pthread_rwlock_rdlock(&snapshot->lock);
    int64_t missing = 0, stopped = 0;
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        missing += snapshot->partitions[i].absence != ABSENT_NOT;
        stopped += *snapshot->partitions[i].alarm != '\0';
    }
    if (!snapshot->source->is_stream_alone)
        observe_publication(metrics, snapshot);
    set(metrics, METRIC_CLOCK, source, snapshot->clock_us);
    set(metrics, METRIC_DEFERRED, source, snapshot_deferred(snapshot));
    set(metrics, METRIC_LAG, source, snapshot_lag(snapshot));
    set(metrics, METRIC_UNCOMMITTED, source, snapshot_uncommitted(snapshot));
    set(metrics, METRIC_PARTITIONS, source, (int64_t)snapshot->partition_count);
    set(metrics, METRIC_PARTITIONS_MISSING, source, missing);
    set(metrics, METRIC_PARTITIONS_STOPPED, source, stopped);
    const struct unread unread = snapshot_unread(snapshot);
    set(metrics, METRIC_PARTITIONS_UNREAD, source, unread.partitions);
    set(metrics, METRIC_UNREAD, source, unread.messages);
    set(metrics, METRIC_GAPS, source, snapshot_gap_messages(snapshot));
    set(metrics, METRIC_AUDIT_FAILURES, source, snapshot->damages);
    if (snapshot->loaded)
        observe_ledger(metrics, snapshot);
    observe_views(metrics, snapshot);
    pthread_rwlock_unlock(&snapshot->lock);
}

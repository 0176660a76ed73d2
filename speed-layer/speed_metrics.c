/* SPDX-License-Identifier: Apache-2.0 */
#include "speed_metrics.h"

#include "base/clock.h"

const struct metric speed_metrics[SPEED_METRIC_COUNT] = {
    [SPEED_METRIC_MESSAGES] = {.name = "tidemark_speed_messages_total",
                               .kind = METRIC_COUNTER,
                               .help =
                                   "Messages taken from the log, those too that are read again after a restart or a "
                                   "rebuild.",
                               .labels = {"source"}},
    [SPEED_METRIC_BYTES] = {.name = "tidemark_speed_bytes_total",
                            .kind = METRIC_COUNTER,
                            .help = "Bytes of the payloads of these messages.",
                            .labels = {"source"}},
    [SPEED_METRIC_BAD] = {.name = "tidemark_speed_bad_messages_total",
                          .kind = METRIC_COUNTER,
                          .help = "Messages found to break a rule of their source, by the rule.",
                          .labels = {"source", "reason"}},
    [SPEED_METRIC_DEAD_LETTERS] = {.name = "tidemark_speed_dead_letters_total",
                                   .kind = METRIC_COUNTER,
                                   .help = "Bad messages that are kept in the dead-letter topic and committed.",
                                   .labels = {"source"}},
    [SPEED_METRIC_COMMITS] = {.name = "tidemark_speed_commits_total",
                              .kind = METRIC_COUNTER,
                              .help =
                                  "Commits by outcome: ok and already were taken; after error they are tried again; "
                                  "after the others the partition is read again from what the store says.",
                              .labels = {"outcome"}},
    [SPEED_METRIC_COMMIT_DURATION] = {.name = "tidemark_speed_commit_duration_seconds",
                                      .kind = METRIC_HISTOGRAM,
                                      .help = "Time of a commit, from sending it until its answer.",
                                      .divisor = US_PER_SECOND,
                                      .buckets = METRIC_BUCKETS_DURATION},
    [SPEED_METRIC_REBUILDS] = {.name = "tidemark_speed_rebuilds_total",
                               .kind = METRIC_COUNTER,
                               .help = "Slots of the real-time store that were begun anew at the published cut.",
                               .labels = {"source"}},
    [SPEED_METRIC_LAG] = {.name = "tidemark_speed_lag_messages",
                          .kind = METRIC_GAUGE,
                          .help =
                              "Messages of the log that aren't committed yet; absent while the partition isn't open.",
                          .labels = {"source", "partition"}},
    [SPEED_METRIC_PENDING_AGE] = {.name = "tidemark_speed_pending_age_seconds",
                                  .kind = METRIC_GAUGE,
                                  .help =
                                      "How long the oldest message that was taken has waited for its commit; 0 where "
                                      "none waits.",
                                  .divisor = US_PER_SECOND,
                                  .labels = {"source", "partition"}},
    [SPEED_METRIC_INDEX_ORDERS] = {.name = "tidemark_speed_index_orders",
                                   .kind = METRIC_GAUGE,
                                   .help = "Orders that the index of the partition knows.",
                                   .labels = {"source", "partition"}},
    [SPEED_METRIC_INDEX_BYTES] = {.name = "tidemark_speed_index_bytes",
                                  .kind = METRIC_GAUGE,
                                  .help = "Memory that the order index of the process takes."},
    [SPEED_METRIC_INDEX_BYTES_MAX] = {.name = "tidemark_speed_index_limit_bytes",
                                      .kind = METRIC_GAUGE,
                                      .help = "Its ceiling: speed.index_memory."},
    [SPEED_METRIC_PARTITIONS] = {.name = "tidemark_speed_partitions",
                                 .kind = METRIC_GAUGE,
                                 .help = "Partitions that the group gave to the worker, by state: closed (waits to be "
                                         "opened), reading (fills its index), running, stopped (stands still with an "
                                         "alarm).",
                                 .labels = {"worker", "state"}},
    [SPEED_METRIC_SUSPENDED] = {.name = "tidemark_speed_suspended",
                                .kind = METRIC_GAUGE,
                                .help = "1 while the real-time store takes no commits and the worker waits for it.",
                                .labels = {"worker"}},
};

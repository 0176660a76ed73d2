/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing the partitions of a worker, and fetching what is open. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker_state.h"

#define OPENING_US US_PER_SECOND /* for so long partitions are opened between two polls */

void worker_delay_opening(struct owned *owned, const struct error *cause)
{
    if (owned->retry.attempts % 10 == 0)
        log_write(error_is_retriable(cause) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s/%d waits: %s",
                  owned->partition->id.source, (int)owned->partition->id.partition, cause->message);
    retry_failed(&owned->retry, clock_monotonic_us());
}

void worker_close(struct worker *worker, struct owned *owned)
{
    partition_close(owned->partition);
    worker->must_assign = true;
}

bool worker_close_damaged(struct worker *worker, struct owned *owned, const struct error *error)
{
    if (error->code != ERROR_DATA)
        return false;
    worker_close(worker, owned);
    worker_delay_opening(owned, error);
    return true;
}

static int64_t offset_at(void *context, struct slot_id id, int64_t at_us)
{
    struct worker *worker = context;
    const struct source *source = settings_source(worker->speed->settings, text_of(id.source));
    return worker->consumer->operations->offset_at(worker->consumer, source->topic, id.partition, at_us);
}

bool worker_ask_extent(struct worker *worker, const struct partition *partition, struct log_extent *ret_log,
                       struct error *error)
{
    const struct consumer_operations *operations = worker->consumer->operations;
    const char *topic = partition->source->topic;
    int32_t partitions;
    *ret_log = (struct log_extent){.cluster = worker->cluster, .offset_at = offset_at, .context = worker};
    if ((!*worker->cluster && !operations->cluster(worker->consumer, worker->cluster, error)) ||
        !operations->partition_count(worker->consumer, topic, &partitions, error))
        return false;
    if (partitions > PARTITIONS_MAX)
        return error_set(error, ERROR_CONFIGURATION, "topic %s has %d partitions; %d are supported", topic,
                         (int)partitions, PARTITIONS_MAX);
    ret_log->partitions = partitions;
    return operations->extent(worker->consumer, topic, partition->id.partition, &ret_log->first, &ret_log->end, error);
}

static bool open_one(struct worker *worker, struct owned *owned, struct error *error)
{
    struct partition *partition = owned->partition;
    struct log_extent log;
    letters_forget(&worker->letters, &owned->letters, partition);
    if (!worker_ask_extent(worker, partition, &log, error))
        return false;
    int64_t begun_anew = partition->begun_anew;
    bool opened = partition_open(partition, &log, error);
    worker_count_rebuilds(owned, partition->begun_anew - begun_anew);
    if (!opened)
        return false;
    if (owned->target < 0)
        owned->target = log.end;
    return true;
}

void worker_open_closed(struct worker *worker)
{
    int64_t until_us = clock_monotonic_us() + OPENING_US;
    for (size_t i = 0; i < worker->owned_count && !worker->suspended && clock_monotonic_us() < until_us; i++) {
        struct owned *owned = &worker->owned[i];
        int64_t now_us = clock_monotonic_us();
        if (owned->partition->state != PARTITION_CLOSED || retry_wait_us(&owned->retry, now_us) > 0 ||
            letters_wait_us(&worker->letters, &owned->letters, now_us) > 0)
            continue;
        struct error error = {0};
        if (!open_one(worker, owned, &error)) {
            worker_delay_opening(owned, &error);
            continue;
        }
        worker->must_assign = true;
        if (owned->partition->state == PARTITION_RUNNING) /* else its first messages show whether it can go on */
            retry_succeeded(&owned->retry);
    }
}

void worker_delay_fetch(struct worker *worker, struct owned *owned, const struct error *cause)
{
    if (owned->fetch_retry.attempts % 10 == 0)
        log_error("%s; fetching it again until it can be", cause->message);
    retry_failed(&owned->fetch_retry, clock_monotonic_us());
    owned->is_unreadable = true;
    owned->partition->alarm = PARTITION_ALARM_UNREADABLE;
    worker->must_assign = true;
}

void worker_fetch_delayed(struct worker *worker)
{
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct owned *owned = &worker->owned[i];
        if (!owned->is_unreadable || retry_wait_us(&owned->fetch_retry, now_us) > 0)
            continue;
        owned->is_unreadable = false;
        worker->must_assign = true;
    }
}

void worker_fetch_succeeded(struct owned *owned)
{
    if (owned->fetch_retry.attempts == 0)
        return;
    retry_succeeded(&owned->fetch_retry);
    if (owned->partition->state != PARTITION_STOPPED)
        owned->partition->alarm = NULL;
}

void worker_assign(struct worker *worker)
{
    struct consumer_position *positions = calloc(worker->owned_count + 1, sizeof *positions);
    size_t count = 0;
    for (size_t i = 0; positions && i < worker->owned_count; i++) {
        const struct partition *partition = worker->owned[i].partition;
        if (partition_is_open(partition) && !worker->owned[i].is_unreadable)
            positions[count++] =
                (struct consumer_position){partition->source->topic, partition->id.partition, partition->position};
    }
    struct error error;
    worker->must_assign =
        !positions || !worker->consumer->operations->assign(worker->consumer, positions, count, &error);
    free(positions);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define POLL_MS 10       /* the longest wait for messages while something is pending, */
#define QUIET_POLL_MS 50 /* and while nothing is: what else a turn does waits as long */
#define TROUBLE_EVERY_US (10 * US_PER_SECOND)

static struct owned *find_owned(struct worker *worker, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct partition *candidate = worker->owned[i].partition;
        if (candidate->id.partition == partition && strcmp(candidate->source->topic, topic) == 0)
            return &worker->owned[i];
    }
    return NULL;
}

static void on_bad(void *context, struct partition *partition, const struct log_message *message,
                   const struct rejection *rejection)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, partition->source->topic, partition->id.partition);
    worker_count_bad(worker, partition, rejection);
    if (message->offset >= owned->letters_from)
        dead_letters_send(&worker->dead_letters, &owned->dead_letters, partition, message, rejection);
    bad_notice_add(&owned->bad, rejection, message->offset);
}

static void say_breaker(struct owned *owned)
{
    const struct partition *partition = owned->partition;
    char last[BAD_NOTICE_SIZE];
    bad_notice_print_last(&owned->bad, last);
    log_error(
        "%s/%d: stopped by the breaker: more than %lld of its last %lld messages are bad, the last at %s. Nothing from "
        "offset %lld on is committed, and no more dead letters are written. See tidemark-batch dead-letters list "
        "--source %s; correct `fields` of the source and restart, or raise its `breaker` (0 never stops)",
        partition->id.source, (int)partition->id.partition, (long long)partition->source->breaker,
        2 * (long long)partition->source->breaker, last, (long long)partition->slot.next, partition->id.source);
    owned->bad = (struct bad_notice){.said_us = owned->bad.said_us};
}

static void say_index(const struct partition *partition)
{
    log_error("%s/%d: the index of orders needs more than %lld bytes, and speed.index_memory has %lld for all "
              "partitions of this process; waiting at offset %lld. Raise it and restart, or start further processes",
              partition->id.source, (int)partition->id.partition, (long long)partition->index_bytes,
              (long long)partition->environment->budget->ceiling_bytes, (long long)partition->slot.next);
}

static void stopped(struct worker *worker, struct owned *owned)
{
    if (strcmp(owned->partition->alarm, PARTITION_ALARM_INDEX) == 0)
        say_index(owned->partition);
    else
        say_breaker(owned);
    dead_letters_forget(&worker->dead_letters, &owned->dead_letters, owned->partition);
    worker->must_assign = true;
}

/* Whether what comes of this partition is its log from its position on. */
static bool takes(const struct worker *worker, const struct owned *owned)
{
    return !worker->suspended && owned && partition_is_open(owned->partition) && !owned->is_unreadable;
}

static void take(struct worker *worker, struct owned *owned, const struct log_message messages[], size_t count)
{
    struct error error;
    worker_count_messages(owned, messages, count);
    owned->silent_us = 0;
    if (!partition_take(owned->partition, messages, count, &error)) {
        worker_delay_opening(owned, &error);
        worker->must_assign = true;
        return;
    }
    if (owned->partition->state == PARTITION_STOPPED) {
        stopped(worker, owned);
        return;
    }
    if (owned->partition->state == PARTITION_RUNNING)
        retry_succeeded(&owned->retry);
    worker_fetch_succeeded(owned);
    if (worker_has_enough(worker, owned))
        worker_commit_due(worker, true);
}

/* In pieces that make no more than one commit due: a message touches two groups of a view at most. */
static void on_messages(void *context, const char *topic, int32_t partition, const struct log_message messages[],
                        size_t count)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    size_t piece = (size_t)(worker_pending_groups_max(worker) + 1) / 2;
    for (size_t at = 0; at < count && takes(worker, owned); at += piece)
        take(worker, owned, messages + at, count - at < piece ? count - at : piece);
}

static void on_end(void *context, const char *topic, int32_t partition, int64_t offset)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    if (!takes(worker, owned))
        return;
    partition_advance(owned->partition, offset);
    if (owned->silent_us == 0)
        owned->silent_us = clock_monotonic_us();
    worker_fetch_succeeded(owned);
}

static void on_unreadable(void *context, const char *topic, int32_t partition, const struct error *error)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    if (takes(worker, owned))
        worker_delay_fetch(worker, owned, error);
}

static void on_out_of_range(void *context, const char *topic, int32_t partition, int64_t offset)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    if (!takes(worker, owned))
        return;
    worker->must_assign = true;
    if (offset != owned->partition->position)
        return;
    log_warning("%s/%d: offset %lld is no longer in the log", owned->partition->id.source, (int)partition,
                (long long)owned->partition->position);
    worker_close(worker, owned);
}

static void on_trouble(void *context, const struct error *error)
{
    struct worker *worker = context;
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < worker->owned_count; i++) /* a log that can't be reached is silent too */
        if (worker->owned[i].silent_us)
            worker->owned[i].silent_us = now_us;
    if (worker->troubled_us && now_us - worker->troubled_us < TROUBLE_EVERY_US)
        return;
    worker->troubled_us = now_us;
    log_warning("%s; waiting for it", error->message);
}

/* False where memory is short. */
static bool own(struct worker *worker, const struct consumer_position *position)
{
    const struct settings *settings = worker->speed->settings;
    for (size_t i = 0; i < settings->source_count; i++) {
        if (strcmp(settings->sources[i].topic, position->topic) != 0)
            continue;
        struct partition *partition = partition_new(&worker->environment, &settings->sources[i], position->partition);
        if (!partition)
            return false;
        partition->on_bad = on_bad;
        partition->context = worker;
        worker->owned[worker->owned_count++] = (struct owned){.partition = partition,
                                                              .source = i,
                                                              .retry = RETRY_DEPENDENCY,
                                                              .fetch_retry = RETRY_DEPENDENCY,
                                                              .target = -1,
                                                              .dead_letters = PARTITION_DEAD_LETTERS_INIT};
        worker_count_partition(worker, &worker->owned[worker->owned_count - 1]);
    }
    return true;
}

static void disown_all(struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        worker_forget_partition(&worker->owned[i]);
        partition_destroy(worker->owned[i].partition);
    }
    free(worker->owned);
    worker->owned = NULL;
    worker->owned_count = 0;
    worker->has_assignment = false;
}

static bool on_assigned(void *context, const struct consumer_position partitions[], size_t count)
{
    struct worker *worker = context;
    worker->owned_count = 0;
    worker->owned = calloc(count + 1, sizeof *worker->owned);
    bool all = worker->owned != NULL;
    for (size_t i = 0; all && i < count; i++)
        all = own(worker, &partitions[i]);
    if (!all) {
        disown_all(worker);
        return false;
    }
    worker->has_assignment = true;
    if (worker->speed->regrouped)
        worker->speed->regrouped(worker->speed->group_context);
    log_info("worker %d has %zu partitions", worker->number, worker->owned_count);
    return true;
}

static void on_revoked(void *context, bool lost)
{
    struct worker *worker = context;
    if (lost && worker->owned_count)
        log_warning("worker %d: its %zu partitions were lost: the group waited too long for it", worker->number,
                    worker->owned_count);
    if (!lost && !worker->suspended)
        worker_commit_all(worker);
    if (!lost)
        worker_commit_group_offsets(worker);
    for (size_t i = 0; i < worker->owned_count; i++)
        dead_letters_forget(&worker->dead_letters, &worker->owned[i].dead_letters, worker->owned[i].partition);
    disown_all(worker);
    worker->suspended = false;
    retry_succeeded(&worker->commit_retry);
}

bool worker_has_reached_ends(const struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        const struct owned *owned = &worker->owned[i];
        if (owned->partition->state == PARTITION_STOPPED || owned->is_placed)
            continue;
        if (worker->speed->places)
            return false;
        if (owned->target < 0 || owned->partition->state == PARTITION_CLOSED ||
            owned->partition->slot.next < owned->target)
            return false;
    }
    return worker->has_assignment;
}

size_t worker_stopped_partitions(const struct worker *worker)
{
    size_t count = 0;
    for (size_t i = 0; i < worker->owned_count; i++)
        count += worker->owned[i].partition->state == PARTITION_STOPPED;
    return count;
}

struct worker *worker_new(struct speed *speed, int number, const struct worker_stores *stores)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    *worker = (struct worker){.speed = speed,
                              .number = number,
                              .dead_letters = DEAD_LETTERS_INIT(stores->dead_letters),
                              .commit_retry = RETRY_DEPENDENCY};
    worker->environment = (struct partition_environment){
        .realtime = stores->realtime,
        .limits = {speed->settings->speed.live_groups_max, speed->settings->speed.live_bytes_max},
        .publications = stores->publications,
        .budget = &speed->budget};
    return worker;
}

struct consumer_events worker_events(struct worker *worker)
{
    return (struct consumer_events){.assigned = on_assigned,
                                    .revoked = on_revoked,
                                    .messages = on_messages,
                                    .end = on_end,
                                    .out_of_range = on_out_of_range,
                                    .unreadable = on_unreadable,
                                    .trouble = on_trouble,
                                    .context = worker};
}

void worker_attach(struct worker *worker, struct consumer *consumer)
{
    worker->consumer = consumer;
}

/* Where a commit may be made at once, a first message is waited for; else what comes is gathered until it may. */
static void poll(struct worker *worker)
{
    int64_t early_in_us = worker->early_us - clock_monotonic_us();
    bool gathers = worker->has_more || early_in_us > 0;
    int timeout_ms = worker->is_quiet && !gathers ? QUIET_POLL_MS : POLL_MS;
    if (early_in_us > 0 && early_in_us < POLL_MS * 1000)
        timeout_ms = (int)(early_in_us + 999) / 1000;
    worker->has_more = worker->consumer->operations->poll(worker->consumer, timeout_ms, gathers);
}

void worker_turn(struct worker *worker)
{
    worker_open_closed(worker);
    worker_fetch_delayed(worker);
    if (worker->must_assign && !worker->suspended)
        worker_assign(worker);
    poll(worker);
    worker_commit_due(worker, worker->has_more);
    worker_take_places(worker);
    worker_look_around(worker);
    worker_update_report(worker);
}

void worker_destroy(struct worker *worker)
{
    if (worker && worker->consumer)
        worker->consumer->operations->destroy(worker->consumer);
    free(worker);
}

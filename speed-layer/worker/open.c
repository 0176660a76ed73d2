/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing the partitions of a worker, and fetching what is open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ports/other_definitions.h"
#include "worker/state.h"

#define OPENING_US US_PER_SECOND /* for so long partitions are opened between two polls */
#define OPENING_MAX 1000         /* so many at most are asked for together */
#define BEGUN_EVERY_US US_PER_SECOND

static bool is_worth_a_line(const struct owned *owned)
{
    return owned->retry.attempts % 10 == 0;
}

void worker_delay_opening(struct owned *owned, const struct error *cause)
{
    if (is_worth_a_line(owned))
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

/* Where the log has lost its head since its extent was asked, the message that is looked for may be gone with it. */
static int64_t offset_at(const struct log_extent *log, struct slot_id id, int64_t at_us)
{
    struct worker *worker = log->context;
    const struct consumer_operations *operations = worker->consumer->operations;
    const struct source *source = settings_source(worker->speed->settings, text_of(id.source));
    int64_t offset = operations->offset_at(worker->consumer, source->topic, id.partition, at_us);
    struct consumer_extent now = {.topic = source->topic, .partition = id.partition};
    if (offset >= 0)
        operations->extents(worker->consumer, &now, 1);
    return now.error.code == ERROR_NONE && now.first <= log->first ? offset : -1;
}

static bool record_first(const struct log_extent *log, struct slot_id id, int64_t first, int64_t *ret_first,
                         struct error *error)
{
    struct worker *worker = log->context;
    const struct source *source = settings_source(worker->speed->settings, text_of(id.source));
    struct consumer *group = worker->speed->followers ? worker->speed->followers : worker->consumer;
    return group->operations->record_first(group, source->topic, id.partition, first, ret_first, error);
}

static bool ask_partitions(struct worker *worker, const char *topic, int32_t *ret_partitions, struct error *error)
{
    if (!worker->consumer->operations->partition_count(worker->consumer, topic, ret_partitions, error))
        return false;
    return *ret_partitions <= PARTITIONS_MAX ||
           error_set(error, ERROR_CONFIGURATION, "topic %s has %d partitions; %d are supported", topic,
                     (int)*ret_partitions, PARTITIONS_MAX);
}

bool worker_ask_extent(struct worker *worker, const struct partition *partition, struct log_extent *ret_log,
                       struct error *error)
{
    const struct consumer_operations *operations = worker->consumer->operations;
    struct consumer_extent extent = {.topic = partition->source->topic, .partition = partition->id.partition};
    int32_t partitions;
    if ((!*worker->cluster && !operations->cluster(worker->consumer, worker->cluster, error)) ||
        !ask_partitions(worker, extent.topic, &partitions, error))
        return false;
    operations->extents(worker->consumer, &extent, 1);
    if (extent.error.code != ERROR_NONE) {
        *error = extent.error;
        return false;
    }
    *ret_log = (struct log_extent){.cluster = worker->cluster,
                                   .partitions = partitions,
                                   .first = extent.first,
                                   .end = extent.end,
                                   .offset_at = offset_at,
                                   .record_first = record_first,
                                   .context = worker};
    return true;
}

/* Partitions that are opened together: what can be asked for all of them at once is. */
struct opening {
    struct worker *worker;
    struct owned **due;
    struct consumer_extent *extents; /* of the same numbers */
    size_t count;

    /* Of the source that was asked for last. */
    const struct source *source;
    int32_t partitions;
    struct publication publication;
    bool has_publication;
    struct error problem;

    /* For one line in the log, however many they are. */
    const struct owned *failed; /* the first of those below */
    size_t failed_count;        /* in a row, all for this reason */
    struct error failure;
};

static bool is_due(const struct worker *worker, const struct owned *owned, int64_t now_us)
{
    return owned->partition->state == PARTITION_CLOSED && !owned->is_placed &&
           retry_wait_us(&owned->retry, now_us) == 0 &&
           dead_letters_wait_us(&worker->dead_letters, &owned->dead_letters, now_us) == 0;
}

static size_t count_due(const struct worker *worker)
{
    int64_t now_us = clock_monotonic_us();
    size_t count = 0;
    for (size_t i = 0; i < worker->owned_count && count < OPENING_MAX; i++)
        count += is_due(worker, &worker->owned[i], now_us);
    return count;
}

static bool opening_init(struct opening *opening, struct worker *worker, size_t most)
{
    int64_t now_us = clock_monotonic_us();
    *opening = (struct opening){
        .worker = worker, .due = calloc(most, sizeof *opening->due), .extents = calloc(most, sizeof *opening->extents)};
    for (size_t i = 0; opening->due && opening->extents && i < worker->owned_count && opening->count < most; i++) {
        struct owned *owned = &worker->owned[i];
        if (!is_due(worker, owned, now_us))
            continue;
        opening->extents[opening->count] = (struct consumer_extent){.topic = owned->partition->source->topic,
                                                                    .partition = owned->partition->id.partition};
        opening->due[opening->count++] = owned;
    }
    return opening->count > 0;
}

static void opening_clean_up(struct opening *opening)
{
    if (opening->has_publication)
        publication_clean_up(&opening->publication);
    free(opening->due);
    free(opening->extents);
}

/* What all partitions of a source have in common. Where PostgreSQL can't be read, each partition finds out what that
 * means for it. */
static bool ask_source(struct opening *opening, const struct source *source, struct error *error)
{
    struct worker *worker = opening->worker;
    struct publication_store *publications = worker->environment.publications;
    if (opening->source != source) {
        struct error unread;
        opening->source = source;
        opening->problem = (struct error){0};
        if (opening->has_publication)
            publication_clean_up(&opening->publication);
        opening->has_publication = publications->operations->read(publications, source, &opening->publication, &unread);
        (void)ask_partitions(worker, source->topic, &opening->partitions, &opening->problem);
    }
    if (opening->problem.code == ERROR_NONE)
        return true;
    *error = opening->problem;
    return false;
}

static void note_begun(struct worker *worker, const struct partition *partition)
{
    if (worker->begun.count++ == 0) {
        worker->begun.first = partition->id;
        worker->begun.next = partition->slot.next;
        worker->begun.epoch = partition->slot.epoch;
        worker->begun.since_us = clock_monotonic_us();
    }
}

static bool has_closed(const struct worker *worker)
{
    bool any = false;
    for (size_t i = 0; i < worker->owned_count; i++)
        any = any || worker->owned[i].partition->state == PARTITION_CLOSED;
    return any;
}

/* Once all are open; a line a second where that takes long. */
static void log_begun(struct worker *worker)
{
    size_t count = worker->begun.count;
    const struct slot_id first = worker->begun.first;
    if (count == 0 || (has_closed(worker) && clock_monotonic_us() - worker->begun.since_us < BEGUN_EVERY_US))
        return;
    if (count == 1)
        log_info("%s/%d: begins at offset %lld, epoch %lld", first.source, (int)first.partition,
                 (long long)worker->begun.next, (long long)worker->begun.epoch);
    else
        log_info("worker %d: %zu partitions begin anew, %s/%d at offset %lld, epoch %lld", worker->number, count,
                 first.source, (int)first.partition, (long long)worker->begun.next, (long long)worker->begun.epoch);
    worker->begun.count = 0;
}

/* Whoever follows the topic has kept the letters of what it has committed. A replay that gets ahead of it, or is there
 * when programs of another file stop, keeps those from there on. */
static bool find_letters(const struct worker *worker, struct owned *owned, struct error *error)
{
    struct other_definitions others;
    if (!worker->speed->places || !owned->partition->source->dead_letter)
        return true;
    if (!other_definitions_look(worker->environment.realtime, owned->partition->id, worker->cluster, &others, error))
        return false;
    owned->letters_from = others.next;
    return true;
}

static bool open_with(struct opening *opening, struct owned *owned, const struct consumer_extent *extent,
                      struct error *error)
{
    struct worker *worker = opening->worker;
    if (extent->error.code != ERROR_NONE) {
        *error = extent->error;
        return false;
    }
    const struct log_extent log = {.cluster = worker->cluster,
                                   .partitions = opening->partitions,
                                   .first = extent->first,
                                   .end = extent->end,
                                   .offset_at = offset_at,
                                   .record_first = record_first,
                                   .context = worker,
                                   .accepts_partitions = worker->speed->accepts_partitions,
                                   .published = opening->has_publication ? &opening->publication : NULL};
    int64_t rebuilds = owned->partition->rebuilds;
    bool opened = find_letters(worker, owned, error) && partition_open(owned->partition, &log, error);
    rebuilds = owned->partition->rebuilds - rebuilds;
    worker_count_rebuilds(owned, rebuilds);
    if (rebuilds > 0)
        note_begun(worker, owned->partition);
    if (!opened)
        return false;
    if (owned->target < 0)
        owned->target = log.end;
    return true;
}

static bool open_one(struct opening *opening, size_t number, struct error *error)
{
    struct owned *owned = opening->due[number];
    struct consumer_extent *extent = &opening->extents[number];
    const struct consumer_operations *operations = opening->worker->consumer->operations;
    dead_letters_forget(&opening->worker->dead_letters, &owned->dead_letters, owned->partition);
    if (!ask_source(opening, owned->partition->source, error))
        return false;
    if (open_with(opening, owned, extent, error))
        return true;
    if (error->code != ERROR_CONFIGURATION)
        return false;
    /* Somebody else may have read on in a log that has grown since it was asked. */
    operations->extents(opening->worker->consumer, extent, 1);
    return open_with(opening, owned, extent, error);
}

/* Partitions fail for one reason at many moments: it is said for the first of them, and again only after a while. */
#define REASON_EVERY_US (5 * US_PER_SECOND)

static bool is_said(struct worker *worker, const char *reason)
{
    int64_t now_us = clock_monotonic_us();
    if (worker->said.at_us > 0 && now_us - worker->said.at_us < REASON_EVERY_US &&
        strcmp(worker->said.reason, reason) == 0)
        return true;
    snprintf(worker->said.reason, sizeof worker->said.reason, "%s", reason);
    worker->said.at_us = now_us;
    return false;
}

static void log_failures(struct opening *opening)
{
    if (opening->failed_count == 0)
        return;
    enum log_level level = is_said(opening->worker, opening->failure.message) ? LOG_LEVEL_DEBUG
                           : error_is_retriable(&opening->failure)            ? LOG_LEVEL_WARNING
                                                                              : LOG_LEVEL_ERROR;
    const struct partition *first = opening->failed->partition;
    if (opening->failed_count == 1)
        log_write(level, "%s/%d waits: %s", first->id.source, (int)first->id.partition, opening->failure.message);
    else
        log_write(level, "%s/%d and %zu more wait: %s", first->id.source, (int)first->id.partition,
                  opening->failed_count - 1, opening->failure.message);
    opening->failed_count = 0;
}

static void note_failure(struct opening *opening, struct owned *owned, const struct error *error)
{
    if (is_worth_a_line(owned)) {
        if (strcmp(opening->failure.message, error->message) != 0)
            log_failures(opening);
        if (opening->failed_count++ == 0)
            opening->failed = owned;
        opening->failure = *error;
    }
    retry_failed(&owned->retry, clock_monotonic_us());
}

void worker_open_closed(struct worker *worker)
{
    struct opening opening;
    struct error error = {0};
    int64_t until_us = clock_monotonic_us() + OPENING_US;
    size_t most = worker->suspended ? 0 : count_due(worker);
    log_begun(worker);
    if (most == 0)
        return;
    if (!opening_init(&opening, worker, most)) {
        opening_clean_up(&opening);
        return;
    }
    bool known = *worker->cluster || worker->consumer->operations->cluster(worker->consumer, worker->cluster, &error);
    if (known)
        worker->consumer->operations->extents(worker->consumer, opening.extents, opening.count);
    for (size_t i = 0; i < opening.count && (!known || clock_monotonic_us() < until_us); i++) {
        struct owned *owned = opening.due[i];
        if (!known || !open_one(&opening, i, &error)) {
            note_failure(&opening, owned, &error);
            continue;
        }
        worker->must_assign |= partition_is_open(owned->partition);
        if (owned->partition->state == PARTITION_RUNNING) /* else its first messages show whether it can go on */
            retry_succeeded(&owned->retry);
    }
    log_failures(&opening);
    opening_clean_up(&opening);
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

void worker_forget_silence(struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++)
        worker->owned[i].silent_us = 0;
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
    worker_forget_silence(worker);
    worker->must_assign =
        !positions || !worker->consumer->operations->assign(worker->consumer, positions, count, &error);
    free(positions);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "letters.h"

#define POLL_MS 10 /* the longest wait for a first message, and so part of the freshness */
#define CHECK_EVERY_US US_PER_SECOND
#define OPENING_US US_PER_SECOND /* for so long partitions are opened between two polls */
#define HINT_EVERY_US (5 * US_PER_SECOND)
#define TROUBLE_EVERY_US (10 * US_PER_SECOND)
#define AUDIT_EVERY_US (60 * US_PER_SECOND)
#define AUDIT_SHARE 100

/* A partition that the group gave to this worker. */
struct owned {
    struct partition *partition;
    size_t source;      /* its number in the settings */
    struct retry retry; /* of opening it */
    int64_t target;     /* --until-end: the end when it was first opened; -1 not known yet */
    struct partition_letters letters;
};

struct worker {
    struct speed *speed;
    int number;
    struct consumer *consumer;
    struct partition_environment environment;
    struct letters letters;
    char cluster[CLUSTER_ID_MAX]; /* "" until it is known */
    struct owned *owned;
    size_t owned_count;
    bool has_assignment; /* the group has given its word, maybe nothing */
    bool must_assign;    /* what is fetched isn't what is open */
    bool suspended;      /* the store takes no commits: nothing is fetched */
    struct retry commit_retry;
    size_t audited;      /* slots so far */
    int64_t audit_at_us; /* when to look at the next one */
    int64_t flushed_us, checked_us, hinted_us, troubled_us;
};

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
    letters_send(&worker->letters, &owned->letters, partition, message, rejection);
}

/* The partition stays closed for a while. */
static void wait_to_open(struct owned *owned, const struct error *cause)
{
    if (owned->retry.attempts % 10 == 0)
        log_write(error_is_retriable(cause) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s/%d waits: %s",
                  owned->partition->id.source, (int)owned->partition->id.partition, cause->message);
    retry_failed(&owned->retry, clock_monotonic_us());
}

/* A slot that is damaged stops its partition and no other: it is opened again until an operator has mended it. False
 * where the error is another one. */
static bool close_where_damaged(struct worker *worker, struct owned *owned, const struct error *error)
{
    if (error->code != ERROR_DATA)
        return false;
    partition_close(owned->partition);
    wait_to_open(owned, error);
    worker->must_assign = true;
    return true;
}

/* Whether the slot has room for what is pending, after counting anew where it seems not to; else the partition waits
 * for a batch run, whose epoch lets older ones go. */
static bool has_room(struct worker *worker, struct owned *owned, bool *ret_room, struct error *error)
{
    struct partition *partition = owned->partition;
    bool sound = true;
    *ret_room = partition->state != PARTITION_RUNNING || !partition_is_full(partition);
    if (*ret_room)
        return true;
    if (!partition_audit(partition, &sound, error))
        return false;
    *ret_room = sound && !partition_is_full(partition);
    if (*ret_room)
        return true;
    letters_forget(&worker->letters, &owned->letters, partition);
    worker->must_assign = true;
    if (!sound) {
        partition_close(partition);
        return true;
    }
    log_error("%s/%d: a view has as many groups in Redis as speed.live_groups allows, %lld; waiting at offset %lld for "
              "a batch run to publish them",
              partition->id.source, (int)partition->id.partition, (long long)worker->environment.live_groups_max,
              (long long)partition->slot.next);
    partition_stop(partition, PARTITION_ALARM_GROUPS);
    return true;
}

/* Commits what a partition has pending. False where the store is out of reach: it is tried again later. */
static bool commit_one(struct worker *worker, struct owned *owned, struct error *error)
{
    struct partition *partition = owned->partition;
    bool room;
    if (!has_room(worker, owned, &room, error))
        return close_where_damaged(worker, owned, error);
    if (!room)
        return true;
    if (!letters_keep(&worker->letters, &owned->letters, partition)) {
        partition_close(partition);
        worker->must_assign = true;
        return true;
    }
    enum commit_answer answer;
    int64_t known_end =
        worker->consumer->operations->known_end(worker->consumer, partition->source->topic, partition->id.partition);
    if (known_end > partition->end)
        partition->end = known_end;
    if (!partition_commit(partition, &answer, error))
        return close_where_damaged(worker, owned, error);
    if (partition->state == PARTITION_CLOSED) {
        log_warning("%s/%d: the store answered %s; reading again from what it says", partition->id.source,
                    (int)partition->id.partition, commit_answer_name(answer));
        worker->must_assign = true;
    }
    return true;
}

/* Nothing is fetched while commits don't go through; what is pending stays. */
static void suspend(struct worker *worker, const struct error *cause)
{
    struct error error;
    if (!worker->suspended) {
        log_write(error_is_retriable(cause) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s; reading stops until it is back",
                  cause->message);
        worker->suspended = true;
        if (!worker->consumer->operations->assign(worker->consumer, NULL, 0, &error))
            log_error("%s", error.message);
    }
    retry_failed(&worker->commit_retry, clock_monotonic_us());
}

static void resume(struct worker *worker)
{
    if (worker->suspended)
        log_info("commits go through again");
    worker->must_assign = worker->must_assign || worker->suspended;
    worker->suspended = false;
    retry_succeeded(&worker->commit_retry);
}

static bool is_due(const struct worker *worker, const struct owned *owned, int64_t now_us)
{
    const struct settings *settings = worker->speed->settings;
    const struct partition *partition = owned->partition;
    if (partition->pending >= settings->speed.flush_messages || letters_are_full(&owned->letters))
        return true;
    if (letters_must_wait(&worker->letters, partition, now_us))
        return false;
    for (size_t i = 0; i < partition->source->view_count; i++)
        if ((int64_t)panes_count(&partition->panes[i]) >= settings->speed.groups_max)
            return true;
    return now_us - worker->flushed_us >= settings->speed.flush_every_us;
}

/* Whether the store answers at all. */
static bool probe(struct worker *worker, struct error *error)
{
    struct slot slot;
    struct realtime_store *store = worker->environment.realtime;
    return worker->owned_count == 0 ||
           store->operations->read_slot(store, worker->owned[0].partition->id, &slot, error) ||
           error->code == ERROR_DATA;
}

static void commit_due(struct worker *worker)
{
    int64_t now_us = clock_monotonic_us();
    struct error error = {0};
    if (worker->suspended && retry_wait_us(&worker->commit_retry, now_us) > 0)
        return;
    if (worker->suspended && !probe(worker, &error)) {
        suspend(worker, &error);
        return;
    }
    bool any = false;
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct owned *owned = &worker->owned[i];
        if (!partition_has_pending(owned->partition) || !(worker->suspended || is_due(worker, owned, now_us)))
            continue;
        if (!commit_one(worker, owned, &error)) {
            suspend(worker, &error);
            return;
        }
        any = true;
    }
    if (any)
        worker->flushed_us = now_us;
    resume(worker);
}

static void stopped(struct worker *worker, struct owned *owned)
{
    const struct partition *partition = owned->partition;
    log_error(
        "%s/%d: stopped by the breaker: more than %lld of its last %lld messages are bad. Nothing from offset %lld "
        "on is committed, and no more dead letters are written. Correct `fields` of the source and restart, or "
        "raise its `breaker` (0 never stops)",
        partition->id.source, (int)partition->id.partition, (long long)partition->source->breaker,
        2 * (long long)partition->source->breaker, (long long)partition->slot.next);
    letters_forget(&worker->letters, &owned->letters, partition);
    worker->must_assign = true;
}

static void on_messages(void *context, const char *topic, int32_t partition, const struct log_message messages[],
                        size_t count)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    struct error error;
    if (worker->suspended || !owned || !partition_is_open(owned->partition))
        return;
    if (!partition_take(owned->partition, messages, count, &error)) {
        wait_to_open(owned, &error);
        worker->must_assign = true;
        return;
    }
    if (owned->partition->state == PARTITION_STOPPED) {
        stopped(worker, owned);
        return;
    }
    if (owned->partition->state == PARTITION_RUNNING)
        retry_succeeded(&owned->retry);
    commit_due(worker);
}

static void on_end(void *context, const char *topic, int32_t partition, int64_t offset)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    if (owned && !worker->suspended)
        partition_advance(owned->partition, offset);
}

static void on_out_of_range(void *context, const char *topic, int32_t partition)
{
    struct worker *worker = context;
    struct owned *owned = find_owned(worker, topic, partition);
    if (!owned || !partition_is_open(owned->partition))
        return;
    log_warning("%s/%d: offset %lld is no longer in the log", owned->partition->id.source, (int)partition,
                (long long)owned->partition->position);
    partition_close(owned->partition);
    worker->must_assign = true;
}

static void on_trouble(void *context, const struct error *error)
{
    struct worker *worker = context;
    int64_t now_us = clock_monotonic_us();
    if (worker->troubled_us && now_us - worker->troubled_us < TROUBLE_EVERY_US)
        return;
    worker->troubled_us = now_us;
    log_warning("%s; waiting for it", error->message);
}

static void own(struct worker *worker, const struct consumer_position *position)
{
    const struct settings *settings = worker->speed->settings;
    for (size_t i = 0; i < settings->source_count; i++) {
        if (strcmp(settings->sources[i].topic, position->topic) != 0)
            continue;
        struct partition *partition = partition_new(&worker->environment, &settings->sources[i], position->partition);
        if (!partition)
            return;
        partition->on_bad = on_bad;
        partition->context = worker;
        worker->owned[worker->owned_count++] = (struct owned){.partition = partition,
                                                              .source = i,
                                                              .retry = RETRY_DEPENDENCY,
                                                              .target = -1,
                                                              .letters = PARTITION_LETTERS_INIT};
    }
}

static void on_assigned(void *context, const struct consumer_position partitions[], size_t count)
{
    struct worker *worker = context;
    worker->has_assignment = true;
    worker->owned = calloc(count + 1, sizeof *worker->owned);
    for (size_t i = 0; worker->owned && i < count; i++)
        own(worker, &partitions[i]);
    log_info("worker %d has %zu partitions", worker->number, worker->owned_count);
}

static void hint(struct worker *worker)
{
    struct consumer_position *positions = calloc(worker->owned_count + 1, sizeof *positions);
    size_t count = 0;
    for (size_t i = 0; positions && i < worker->owned_count; i++) {
        const struct partition *partition = worker->owned[i].partition;
        if (partition->state == PARTITION_RUNNING)
            positions[count++] =
                (struct consumer_position){partition->source->topic, partition->id.partition, partition->slot.next};
    }
    if (count)
        worker->consumer->operations->hint(worker->consumer, positions, count);
    free(positions);
}

/* A store that is silent for one partition would be so for all of them, and the group waits for this worker. */
static void commit_all(struct worker *worker)
{
    struct error error = {0};
    for (size_t i = 0; i < worker->owned_count; i++)
        if (partition_has_pending(worker->owned[i].partition) && !commit_one(worker, &worker->owned[i], &error)) {
            log_warning("%s; the next owner reads these messages again", error.message);
            return;
        }
}

static void on_revoked(void *context, bool lost)
{
    struct worker *worker = context;
    if (lost && worker->owned_count)
        log_warning("worker %d: its %zu partitions were lost: the group waited too long for it", worker->number,
                    worker->owned_count);
    if (!lost && !worker->suspended)
        commit_all(worker);
    if (!lost)
        hint(worker);
    for (size_t i = 0; i < worker->owned_count; i++) {
        letters_forget(&worker->letters, &worker->owned[i].letters, worker->owned[i].partition);
        partition_destroy(worker->owned[i].partition);
    }
    free(worker->owned);
    worker->owned = NULL;
    worker->owned_count = 0;
    worker->has_assignment = false;
    worker->suspended = false;
    retry_succeeded(&worker->commit_retry);
}

static int64_t offset_at(void *context, struct slot_id id, int64_t at_us)
{
    struct worker *worker = context;
    const struct source *source = settings_source(worker->speed->settings, text_of(id.source));
    return worker->consumer->operations->offset_at(worker->consumer, source->topic, id.partition, at_us);
}

static bool open_one(struct worker *worker, struct owned *owned, struct error *error)
{
    struct partition *partition = owned->partition;
    letters_forget(&worker->letters, &owned->letters, partition);
    if (!*worker->cluster && !worker->consumer->operations->cluster(worker->consumer, worker->cluster, error))
        return false;
    struct log_extent log = {.cluster = worker->cluster, .offset_at = offset_at, .context = worker};
    int32_t partitions;
    if (!worker->consumer->operations->partition_count(worker->consumer, partition->source->topic, &partitions, error))
        return false;
    log.partitions = partitions;
    if (!worker->consumer->operations->extent(worker->consumer, partition->source->topic, partition->id.partition,
                                              &log.first, &log.end, error) ||
        !partition_open(partition, &log, error))
        return false;
    if (owned->target < 0)
        owned->target = log.end;
    return true;
}

/* A store that is silent takes seconds of each opening; the group must be polled meanwhile. */
static void open_closed(struct worker *worker)
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
            wait_to_open(owned, &error);
            continue;
        }
        worker->must_assign = true;
        if (owned->partition->state == PARTITION_RUNNING) /* else its first messages show whether it can go on */
            retry_succeeded(&owned->retry);
    }
}

/* Fetches what is open, each partition from its position. */
static void assign(struct worker *worker)
{
    struct consumer_position *positions = calloc(worker->owned_count + 1, sizeof *positions);
    size_t count = 0;
    for (size_t i = 0; positions && i < worker->owned_count; i++) {
        const struct partition *partition = worker->owned[i].partition;
        if (partition_is_open(partition))
            positions[count++] =
                (struct consumer_position){partition->source->topic, partition->id.partition, partition->position};
    }
    struct error error;
    worker->must_assign =
        !positions || !worker->consumer->operations->assign(worker->consumer, positions, count, &error);
    free(positions);
}

/* What is published is looked at from time to time: where a slot doesn't fit it, the partition begins anew. */
static bool check_one(struct worker *worker, struct owned *owned, struct error *error)
{
    struct publication publication = {0};
    struct partition *partition = owned->partition;
    if (partition->state == PARTITION_CLOSED || partition->commit_id[0] ||
        !worker->speed->latest(worker->speed->latest_context, owned->source, &publication))
        return true;
    bool fits = true, read = partition_check(partition, &publication, &fits, error);
    if (read && !fits) {
        /* What was heard may be old: ask, before much work is done again. */
        struct publication_store *publications = worker->environment.publications;
        publication_clean_up(&publication);
        fits = !publications->operations->read(publications, partition->source, &publication, error);
        read = fits || partition_check(partition, &publication, &fits, error);
    }
    if (read && !fits) {
        log_warning("%s/%d: the slot isn't what this process left, or doesn't fit what is published; opening it again",
                    partition->id.source, (int)partition->id.partition);
        partition_close(partition);
        worker->must_assign = true;
    }
    publication_clean_up(&publication);
    return read || close_where_damaged(worker, owned, error);
}

/* One slot after the other, each once a minute, where that takes no more than a hundredth of the time. */
static void audit_next(struct worker *worker, int64_t now_us)
{
    struct owned *owned = worker->owned_count ? &worker->owned[worker->audited++ % worker->owned_count] : NULL;
    bool sound = true;
    struct error error = {0};
    worker->audit_at_us = now_us + AUDIT_EVERY_US / (int64_t)(worker->owned_count + !owned);
    if (!owned || owned->partition->state == PARTITION_CLOSED || owned->partition->commit_id[0])
        return;
    if (!partition_audit(owned->partition, &sound, &error))
        suspend(worker, &error);
    if (!sound) {
        partition_close(owned->partition);
        worker->must_assign = true;
    }
    int64_t end_us = clock_monotonic_us(), rest_us = AUDIT_SHARE * (end_us - now_us);
    if (end_us + rest_us > worker->audit_at_us)
        worker->audit_at_us = end_us + rest_us;
}

/* Opening those that wait for room shows whether there is some. */
static void look_for_room(struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct partition *partition = worker->owned[i].partition;
        if (partition->state == PARTITION_STOPPED && strcmp(partition->slot.alarm, PARTITION_ALARM_GROUPS) == 0)
            partition_close(partition);
    }
}

static void look_around(struct worker *worker)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us >= worker->audit_at_us && !worker->suspended)
        audit_next(worker, now_us);
    if (now_us - worker->checked_us >= CHECK_EVERY_US && !worker->suspended) {
        worker->checked_us = now_us;
        for (size_t i = 0; i < worker->owned_count; i++) {
            struct error error = {0};
            if (!check_one(worker, &worker->owned[i], &error)) {
                suspend(worker, &error);
                break;
            }
        }
    }
    if (now_us - worker->hinted_us >= HINT_EVERY_US) {
        worker->hinted_us = now_us;
        hint(worker);
        look_for_room(worker);
        if (worker->letters.store)
            worker->letters.store->operations->tend(worker->letters.store);
    }
}

bool worker_has_reached_ends(const struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        const struct owned *owned = &worker->owned[i];
        if (owned->partition->state == PARTITION_STOPPED)
            continue;
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
                              .letters = LETTERS_INIT(stores->dead_letters),
                              .commit_retry = RETRY_DEPENDENCY};
    worker->environment = (struct partition_environment){.realtime = stores->realtime,
                                                         .live_groups_max = speed->settings->speed.live_groups_max,
                                                         .publications = stores->publications,
                                                         .budget = &speed->budget,
                                                         .started_us = speed->started_us};
    return worker;
}

struct consumer_events worker_events(struct worker *worker)
{
    return (struct consumer_events){.assigned = on_assigned,
                                    .revoked = on_revoked,
                                    .messages = on_messages,
                                    .end = on_end,
                                    .out_of_range = on_out_of_range,
                                    .trouble = on_trouble,
                                    .context = worker};
}

void worker_attach(struct worker *worker, struct consumer *consumer)
{
    worker->consumer = consumer;
}

void worker_turn(struct worker *worker)
{
    open_closed(worker);
    if (worker->must_assign && !worker->suspended)
        assign(worker);
    worker->consumer->operations->poll(worker->consumer, POLL_MS);
    commit_due(worker);
    look_around(worker);
}

void worker_destroy(struct worker *worker)
{
    if (worker && worker->consumer)
        worker->consumer->operations->destroy(worker->consumer);
    free(worker);
}

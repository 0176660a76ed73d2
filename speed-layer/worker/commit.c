/* SPDX-License-Identifier: Apache-2.0
 * When a worker commits what its partitions have pending, and how it waits for a store that takes no commits. */
#include "base/clock.h"
#include "base/log.h"
#include "worker/state.h"

#define EARLY_SHARE 50              /* of a worker's time at most one part in so many goes into early commits, */
#define EARLY_STEPS 5               /* and at most so many are made in a flush_every; */
#define EARLY_REST_US US_PER_SECOND /* but none that took long is a reason to wait longer than this */
#define BEHIND_SHARE 20         /* of its time one part in so many goes into commits of partitions that are behind, */
#define BEHIND_US US_PER_SECOND /* as long as none waits longer than this for one */
#define COMMITS_LATELY 16       /* of which struct worker's commit_us is the mean */
#define SHARES_OF_LIMIT 32      /* twice one of them fits into the tenth that a partition needs to go on */

int64_t worker_pending_groups_max(const struct worker *worker)
{
    int64_t most = worker->speed->settings->speed.groups_max;
    const int64_t limits[] = {worker->environment.limits.groups, worker->environment.limits.bytes / LIVE_GROUP_BYTES};
    for (size_t i = 0; i < 2; i++)
        if (limits[i] > 0 && limits[i] / SHARES_OF_LIMIT < most)
            most = limits[i] / SHARES_OF_LIMIT;
    return most > 0 ? most : 1;
}

/* Whether the slot can take what is pending under its ceilings, counted once more where it seems not to; else the
 * partition waits for a batch run, whose epoch lets older ones go. */
static bool fits_limit(struct worker *worker, struct owned *owned, bool *ret_fits, struct error *error)
{
    struct partition *partition = owned->partition;
    bool sound = true;
    *ret_fits = partition->state != PARTITION_RUNNING || !partition_needs_count(partition);
    if (*ret_fits)
        return true;
    if (!partition_audit(partition, &sound, error))
        return false;
    *ret_fits = sound && !partition_is_full(partition);
    if (*ret_fits)
        return true;
    dead_letters_forget(&worker->dead_letters, &owned->dead_letters, partition);
    worker->must_assign = true;
    if (!sound) {
        partition_close(partition);
        return true;
    }
    log_error(
        "%s/%d: a view has as many groups in Redis as speed.live_groups allows, %lld, or all have as many bytes as "
        "speed.live_bytes does, %lld; waiting at offset %lld%s",
        partition->id.source, (int)partition->id.partition, (long long)worker->environment.limits.groups,
        (long long)worker->environment.limits.bytes, (long long)partition->slot.next,
        partition->source->is_stream_alone ? "; raise it and restart, or give the views a shorter retention"
                                           : " for a batch run to publish them");
    partition_stop(partition, PARTITION_ALARM_GROUPS);
    return true;
}

/* What the log is known to have, also behind a transaction that is open, is waited for. */
static void note_silence(const struct owned *owned)
{
    struct partition *partition = owned->partition;
    int64_t idle_after_us = partition->source->idle_after_us;
    if (owned->silent_us && clock_monotonic_us() - owned->silent_us >= idle_after_us &&
        partition->end <= partition->position && partition->real_end <= partition->position)
        partition_note_idle(partition, clock_wall_us() - idle_after_us);
}

/* Partitions whose commits go to the store together. */
struct round_trip {
    struct owned *owned[PARTITIONS_AT_ONCE];
    size_t count;
    int64_t groups; /* that all of them have pending */
};

/* Where the slot can take it and its dead letters are kept, what a partition has pending may be committed. False where
 * the store is out of reach. */
static bool prepare(struct worker *worker, struct owned *owned, bool *ret_ready, struct error *error)
{
    struct partition *partition = owned->partition;
    *ret_ready = false;
    bool fits;
    if (!fits_limit(worker, owned, &fits, error))
        return worker_close_damaged(worker, owned, error);
    if (!fits)
        return true;
    if (!dead_letters_keep(&worker->dead_letters, &owned->dead_letters, partition)) {
        worker_close(worker, owned);
        return true;
    }
    int64_t known_end =
        worker->consumer->operations->known_end(worker->consumer, partition->source->topic, partition->id.partition);
    if (known_end > partition->end)
        partition->end = known_end;
    partition->real_end =
        worker->consumer->operations->real_end(worker->consumer, partition->source->topic, partition->id.partition);
    note_silence(owned);
    *ret_ready = true;
    return true;
}

static void answered(struct worker *worker, const struct owned *owned, enum commit_answer answer)
{
    const struct partition *partition = owned->partition;
    if (partition->state != PARTITION_CLOSED)
        return;
    log_warning("%s/%d: the store answered %s; reading again from what it says", partition->id.source,
                (int)partition->id.partition, commit_answer_name(answer));
    worker->must_assign = true;
}

/* Returns how many have an answer; fewer than all: *error is of the next one. */
static size_t commit_together(struct worker *worker, struct owned *const owned[], size_t count, struct error *error)
{
    struct partition *partitions[PARTITIONS_AT_ONCE];
    enum commit_answer answers[PARTITIONS_AT_ONCE];
    int64_t bad[PARTITIONS_AT_ONCE], since_us = clock_monotonic_us();
    size_t done;
    for (size_t i = 0; i < count; i++) {
        partitions[i] = owned[i]->partition;
        bad[i] = partitions[i]->ledger.bad;
    }
    bool all = partitions_commit(partitions, count, answers, &done, error);
    int64_t each_us = (clock_monotonic_us() - since_us) / (int64_t)count;
    worker->commit_us =
        worker->commit_us ? worker->commit_us + (each_us - worker->commit_us) / COMMITS_LATELY : each_us;
    for (size_t i = 0; i < done; i++) {
        worker_count_commit(worker, owned[i], &answers[i], since_us, bad[i]);
        answered(worker, owned[i], answers[i]);
    }
    if (!all)
        worker_count_commit(worker, owned[done], NULL, since_us, bad[done]);
    return done;
}

/* Commits what is gathered. False where the store is out of reach: it is tried again later. What has no answer because
 * another slot is damaged is tried again at once, before more is taken. */
static bool commit_gathered(struct worker *worker, struct round_trip *trip, struct error *error)
{
    bool reached = true;
    for (size_t at = 0; reached && at < trip->count; at++) { /* past the one that has no answer */
        at += commit_together(worker, trip->owned + at, trip->count - at, error);
        reached = at == trip->count || worker_close_damaged(worker, trip->owned[at], error);
    }
    trip->count = 0;
    trip->groups = 0;
    return reached;
}

/* In pieces, so that Redis has time for others: no more groups at once than make one commit due. */
static bool gather(struct worker *worker, struct round_trip *trip, struct owned *owned, struct error *error)
{
    const struct partition *partition = owned->partition;
    bool ready;
    if (!prepare(worker, owned, &ready, error))
        return false;
    if (!ready)
        return true;
    trip->owned[trip->count++] = owned;
    for (size_t i = 0; i < partition->source->view_count; i++)
        trip->groups += (int64_t)panes_count(&partition->panes[i]);
    return (trip->count < PARTITIONS_AT_ONCE && trip->groups < worker_pending_groups_max(worker)) ||
           commit_gathered(worker, trip, error);
}

static bool commit_one(struct worker *worker, struct owned *owned, struct error *error)
{
    struct round_trip trip = {0};
    return gather(worker, &trip, owned, error) && commit_gathered(worker, &trip, error);
}

void worker_suspend(struct worker *worker, const struct error *cause)
{
    struct error error;
    if (!worker->suspended) {
        log_write(error_is_retriable(cause) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s; reading stops until it is back",
                  cause->message);
        worker->suspended = true;
        worker_forget_silence(worker);
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

/* What has come to its end for now needn't gather more: it is committed early, as often as that is cheap. */
static bool may_be_early(const struct worker *worker, bool has_more, int64_t now_us)
{
    return !has_more && now_us >= worker->early_us;
}

/* By what commits take lately: one that takes ten times as long now and then says little of the next ones. */
static void note_commits(struct worker *worker, int64_t count)
{
    int64_t now_us = clock_monotonic_us(), rest_us = EARLY_SHARE * count * worker->commit_us;
    int64_t least_us = worker->speed->settings->speed.flush_every_us / EARLY_STEPS;
    if (rest_us > EARLY_REST_US)
        rest_us = EARLY_REST_US;
    if (rest_us < least_us)
        rest_us = least_us;
    if (worker->early_us < now_us + rest_us)
        worker->early_us = now_us + rest_us;
}

/* Behind what is known of its log a partition isn't waited for, and where there are many such they gather more: else a
 * process that catches up would do little but commit. */
static int64_t flush_after_us(const struct worker *worker, const struct partition *partition)
{
    int64_t every_us = worker->speed->settings->speed.flush_every_us;
    int64_t behind_us = BEHIND_SHARE * worker->commit_us * (int64_t)worker->owned_count;
    if (behind_us > BEHIND_US)
        behind_us = BEHIND_US;
    return partition->position < partition->end && behind_us > every_us ? behind_us : every_us;
}

static bool has_many_groups(const struct worker *worker, const struct partition *partition)
{
    for (size_t i = 0; i < partition->source->view_count; i++)
        if ((int64_t)panes_count(&partition->panes[i]) >= worker_pending_groups_max(worker))
            return true;
    return false;
}

static bool has_many_messages(const struct worker *worker, const struct owned *owned)
{
    return owned->partition->pending >= worker->speed->settings->speed.flush_messages ||
           dead_letters_are_full(&owned->dead_letters);
}

bool worker_has_enough(const struct worker *worker, const struct owned *owned)
{
    return has_many_messages(worker, owned) || has_many_groups(worker, owned->partition);
}

/* By its own time alone: a partition that commits by count, as each does that catches up, keeps no other one waiting.
 * What comes after a quiet while is due at once. */
static bool is_due(const struct worker *worker, const struct owned *owned, bool early, int64_t now_us)
{
    const struct partition *partition = owned->partition;
    if (has_many_messages(worker, owned))
        return true;
    if (dead_letters_must_wait(&worker->dead_letters, partition, now_us))
        return false;
    if (has_many_groups(worker, partition))
        return true;
    return (early && partition->pending > 0) || now_us - owned->flushed_us >= flush_after_us(worker, partition);
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

void worker_commit_due(struct worker *worker, bool has_more)
{
    int64_t now_us = clock_monotonic_us();
    bool early = may_be_early(worker, has_more, now_us), reached = true;
    int64_t count = 0;
    struct round_trip trip = {0};
    struct error error = {0};
    worker->is_quiet = !worker->suspended;
    if (worker->suspended && retry_wait_us(&worker->commit_retry, now_us) > 0)
        return;
    if (worker->suspended && !probe(worker, &error)) {
        worker_suspend(worker, &error);
        return;
    }
    for (size_t i = 0; reached && i < worker->owned_count; i++) {
        struct owned *owned = &worker->owned[i];
        bool has_pending = partition_has_pending(owned->partition);
        worker->is_quiet = worker->is_quiet && !has_pending;
        if (!has_pending || !(worker->suspended || is_due(worker, owned, early, now_us)))
            continue;
        reached = gather(worker, &trip, owned, &error);
        owned->flushed_us = now_us;
        count++;
    }
    if (!reached || !commit_gathered(worker, &trip, &error)) {
        worker_suspend(worker, &error);
        return;
    }
    if (count > 0)
        note_commits(worker, count);
    resume(worker);
}

/* What is pending is committed before, by the days as they were. */
static bool drop_expired(struct worker *worker, struct owned *owned, struct error *error)
{
    struct partition *partition = owned->partition;
    if (partition_has_pending(partition) && !commit_one(worker, owned, error))
        return false;
    if (!partition_has_expired(partition) || partition_has_pending(partition))
        return true;
    if (!partition_drop_expired(partition, error))
        return worker_close_damaged(worker, owned, error);
    return !partition->leaving || commit_one(worker, owned, error);
}

void worker_drop_expired(struct worker *worker)
{
    struct error error = {0};
    for (size_t i = 0; i < worker->owned_count && !worker->suspended; i++)
        if (partition_has_expired(worker->owned[i].partition) && !drop_expired(worker, &worker->owned[i], &error))
            worker_suspend(worker, &error);
}

void worker_commit_idle(struct worker *worker)
{
    struct round_trip trip = {0};
    struct error error = {0};
    bool reached = true;
    for (size_t i = 0; reached && i < worker->owned_count && !worker->suspended; i++) {
        const struct partition *partition = worker->owned[i].partition;
        if (partition_is_open(partition) && !partition_has_pending(partition))
            reached = gather(worker, &trip, &worker->owned[i], &error);
    }
    if (!reached || !commit_gathered(worker, &trip, &error))
        worker_suspend(worker, &error);
}

void worker_commit_all(struct worker *worker)
{
    struct round_trip trip = {0};
    struct error error = {0};
    bool reached = true;
    for (size_t i = 0; reached && i < worker->owned_count; i++) {
        struct partition *partition = worker->owned[i].partition;
        bool has_pending = partition_has_pending(partition);
        partition->is_left = true;
        if (has_pending || partition_is_open(partition))
            reached = gather(worker, &trip, &worker->owned[i], &error);
    }
    if (!reached || !commit_gathered(worker, &trip, &error))
        log_warning("%s; the next owner reads these messages again", error.message);
}

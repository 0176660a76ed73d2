/* SPDX-License-Identifier: Apache-2.0
 * What a worker does from time to time: it looks at what is published, audits slots, tells the group positions, and has
 * idle partitions committed. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/state.h"

#define CHECK_EVERY_US US_PER_SECOND
#define GROUP_OFFSETS_EVERY_US (5 * US_PER_SECOND)
#define AUDIT_EVERY_US (60 * US_PER_SECOND)
#define HELD_US (60 * US_PER_SECOND) /* for so long a transaction may hold the end of the log before that is told */
#define AUDIT_SHARE 100              /* of the time at most one part in so many goes into audits, */
#define AUDIT_REST_US (600 * US_PER_SECOND) /* but none waits longer than this for the one before */

/* What slots of a source are held against. The news is asked for before any of them is read. */
struct standard {
    char news[SLOT_STATE_SIZE];
    struct publication publication;
};

/* False where nothing is known of what is published. */
static bool ask_standard(struct worker *worker, size_t source, struct standard *ret_standard, bool *ret_known,
                         struct error *error)
{
    struct realtime_store *store = worker->environment.realtime;
    const char *name = worker->speed->settings->sources[source].name;
    *ret_standard = (struct standard){0};
    *ret_known = worker->speed->latest(worker->speed->latest_context, source, &ret_standard->publication);
    return !*ret_known || !store->operations->read_news ||
           store->operations->read_news(store, name, ret_standard->news, error);
}

/* Nothing was written since its slot was held against the same. */
static bool was_checked(const struct owned *owned, const struct standard *standard)
{
    return *standard->news && strcmp(standard->news, owned->checked.news) == 0 &&
           standard->publication.epoch == owned->checked.epoch &&
           standard->publication.published_at_us == owned->checked.published_at_us;
}

static void note_checked(struct owned *owned, const struct standard *standard)
{
    memcpy(owned->checked.news, standard->news, sizeof owned->checked.news);
    owned->checked.epoch = standard->publication.epoch;
    owned->checked.published_at_us = standard->publication.published_at_us;
}

/* What was heard may be old: what is published is asked for, before much work is done again. */
static bool check_again(struct worker *worker, struct partition *partition, bool *ret_fits, struct error *error)
{
    struct publication publication = {0};
    struct publication_store *publications = worker->environment.publications;
    *ret_fits = !publications->operations->read(publications, partition->source, &publication, error);
    bool read = *ret_fits || partition_check(partition, &publication, ret_fits, error);
    publication_clean_up(&publication);
    return read;
}

/* What is published is looked at from time to time: where a slot doesn't fit it, the partition begins anew. */
static bool check_one(struct worker *worker, struct owned *owned, const struct standard *standard, struct error *error)
{
    bool fits = true;
    struct partition *partition = owned->partition;
    if (partition->state == PARTITION_CLOSED || partition->commit_id[0] || was_checked(owned, standard))
        return true;
    bool read = partition_check(partition, &standard->publication, &fits, error);
    if (read && fits)
        note_checked(owned, standard);
    if (read && !fits)
        read = check_again(worker, partition, &fits, error);
    if (read && !fits) {
        log_warning("%s/%d: the slot isn't what this process left, or doesn't fit what is published; opening it again",
                    partition->id.source, (int)partition->id.partition);
        worker_close(worker, owned);
    }
    return read || worker_close_damaged(worker, owned, error);
}

static bool check_source(struct worker *worker, size_t source, struct error *error)
{
    struct standard standard;
    bool known, done = ask_standard(worker, source, &standard, &known, error);
    for (size_t i = 0; done && known && i < worker->owned_count; i++)
        if (worker->owned[i].source == source)
            done = check_one(worker, &worker->owned[i], &standard, error);
    publication_clean_up(&standard.publication);
    return done;
}

static void check_all(struct worker *worker)
{
    struct error error = {0};
    for (size_t source = 0; source < worker->speed->settings->source_count && !worker->suspended; source++)
        if (!check_source(worker, source, &error))
            worker_suspend(worker, &error);
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
        worker_suspend(worker, &error);
    if (!sound)
        worker_close(worker, owned);
    int64_t end_us = clock_monotonic_us(), rest_us = AUDIT_SHARE * (end_us - now_us);
    if (rest_us > AUDIT_REST_US) /* it was no work: the process stood still, or Redis did */
        rest_us = AUDIT_REST_US;
    if (end_us + rest_us > worker->audit_at_us)
        worker->audit_at_us = end_us + rest_us;
}

void worker_commit_group_offsets(struct worker *worker)
{
    struct group_offset *offsets = calloc(worker->owned_count + 1, sizeof *offsets);
    size_t count = 0;
    for (size_t i = 0; offsets && i < worker->owned_count; i++) {
        const struct partition *partition = worker->owned[i].partition;
        if (partition->state == PARTITION_RUNNING)
            offsets[count++] = (struct group_offset){partition->source->topic, partition->id.partition,
                                                     partition->slot.next, partition->slot.first};
    }
    if (count)
        worker->consumer->operations->commit_group_offsets(worker->consumer, offsets, count);
    free(offsets);
}

/* Opening those that were stopped by their groups shows whether they are below the limit again; of those that were
 * stopped by their index, what others have left shows it. */
static void reopen_full(struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct partition *partition = worker->owned[i].partition;
        const char *alarm = partition->slot.alarm;
        if (partition->state == PARTITION_STOPPED &&
            (strcmp(alarm, PARTITION_ALARM_GROUPS) == 0 ||
             (strcmp(alarm, PARTITION_ALARM_INDEX) == 0 && partition_index_fits(partition))))
            partition_close(partition);
    }
}

/* The end for read_committed moves where transactions come and go, so only one that stays tells of one that is stuck.
 */
static void look_for_held_end(struct worker *worker, struct owned *owned, int64_t now_us)
{
    const struct consumer_operations *operations = worker->consumer->operations;
    const struct partition *partition = owned->partition;
    const char *source = partition->id.source, *topic = partition->source->topic;
    int64_t end = operations->known_end(worker->consumer, topic, partition->id.partition);
    int64_t real_end = operations->real_end(worker->consumer, topic, partition->id.partition);
    bool is_held = end >= 0 && real_end > end;
    if (!is_held || owned->held.since_us == 0 || end != owned->held.end) {
        if (owned->held.is_told)
            log_info("%s/%d: the transaction that was open at offset %lld has ended", source,
                     (int)partition->id.partition, (long long)owned->held.end);
        owned->held.end = end;
        owned->held.since_us = is_held ? now_us : 0;
        owned->held.is_told = false;
    } else if (!owned->held.is_told && now_us - owned->held.since_us >= HELD_US) {
        owned->held.is_told = true;
        log_warning(
            "%s/%d: a transaction has been open at offset %lld for a minute, and the %lld offsets from there on "
            "can't be read before it ends: look for its producer, or see kafka-transactions.sh find-hanging",
            source, (int)partition->id.partition, (long long)end, (long long)(real_end - end));
    }
}

static void look_for_held_ends(struct worker *worker, int64_t now_us)
{
    for (size_t i = 0; i < worker->owned_count; i++)
        if (partition_is_open(worker->owned[i].partition))
            look_for_held_end(worker, &worker->owned[i], now_us);
}

static void say_what_is_bad(struct worker *worker, int64_t now_us)
{
    char line[BAD_NOTICE_SIZE];
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct owned *owned = &worker->owned[i];
        const struct slot_id *id = &owned->partition->id;
        if (bad_notice_take(&owned->bad, id->source, id->partition, now_us, line))
            log_warning("%s", line);
    }
}

void worker_look_around(struct worker *worker)
{
    int64_t now_us = clock_monotonic_us();
    say_what_is_bad(worker, now_us);
    if (now_us >= worker->audit_at_us && !worker->suspended)
        audit_next(worker, now_us);
    if (now_us - worker->checked_us >= CHECK_EVERY_US && !worker->suspended) {
        worker->checked_us = now_us;
        check_all(worker);
        worker_drop_expired(worker);
    }
    if (now_us - worker->group_offsets_us >= GROUP_OFFSETS_EVERY_US) {
        worker->group_offsets_us = now_us;
        worker_commit_group_offsets(worker);
        look_for_held_ends(worker, now_us);
        reopen_full(worker);
        worker_commit_idle(worker);
        if (!worker->suspended)
            worker_mark_foreign(worker);
        if (worker->dead_letters.store)
            worker->dead_letters.store->operations->close_idle(worker->dead_letters.store);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * What a worker does from time to time: it looks at what is published, audits slots, tells the group positions, and has
 * idle partitions committed. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker_state.h"

#define CHECK_EVERY_US US_PER_SECOND
#define HINT_EVERY_US (5 * US_PER_SECOND)
#define AUDIT_EVERY_US (60 * US_PER_SECOND)
#define AUDIT_SHARE 100 /* of the time at most one part in so many goes into audits */

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
        worker_close(worker, owned);
    }
    publication_clean_up(&publication);
    return read || worker_close_damaged(worker, owned, error);
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
    if (end_us + rest_us > worker->audit_at_us)
        worker->audit_at_us = end_us + rest_us;
}

void worker_hint(struct worker *worker)
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

/* Opening those that wait for room shows whether there is some. */
static void look_for_room(struct worker *worker)
{
    for (size_t i = 0; i < worker->owned_count; i++) {
        struct partition *partition = worker->owned[i].partition;
        if (partition->state == PARTITION_STOPPED && strcmp(partition->slot.alarm, PARTITION_ALARM_GROUPS) == 0)
            partition_close(partition);
    }
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
        for (size_t i = 0; i < worker->owned_count; i++) {
            struct error error = {0};
            if (!check_one(worker, &worker->owned[i], &error)) {
                worker_suspend(worker, &error);
                break;
            }
        }
    }
    if (now_us - worker->hinted_us >= HINT_EVERY_US) {
        worker->hinted_us = now_us;
        worker_hint(worker);
        look_for_room(worker);
        worker_commit_idle(worker);
        if (worker->letters.store)
            worker->letters.store->operations->tend(worker->letters.store);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "run/epoch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "ports/other_definitions.h"
#include "publication/publisher.h"
#include "run/held.h"
#include "state/fit.h"

static struct slot_id slot_of(const struct source_run *run, const struct run_partition *partition)
{
    return slot_id_of(run->source, partition->number);
}

static bool not_ready(const struct source_run *run, const struct run_partition *partition, const char *reason,
                      struct error *error)
{
    return error_set(error, ERROR_TRY_AGAIN, "source %s: partition %d isn't ready: %s", run->source->name,
                     (int)partition->number, reason);
}

/* What only an operator can mend: a newer program's slot, or another cluster's. */
static bool check_story(const struct source_run *run, const struct run_partition *partition, const struct slot *slot,
                        struct error *error)
{
    struct error other;
    if (!slot->exists)
        return true;
    if (slot->format > REALTIME_FORMAT && !slot_format_check(slot, &other))
        return error_context(&other, "its slot") || not_ready(run, partition, other.message, error);
    return publication_is_of_cluster(&run->publication, slot->cluster) ||
           not_ready(run, partition, "its slot was read from another Kafka cluster; see tidemark-batch repair", error);
}

/* True where the slot continues the publication, and no other definition's was read on since; else it will where
 * somebody reads the partition. */
static bool check_slot(const struct source_run *run, const struct run_partition *partition, const struct slot *slot,
                       bool is_read_elsewhere, struct error *error)
{
    struct error other;
    if (is_read_elsewhere)
        return not_ready(run, partition,
                         "the speed layer works with another definition of the source: restart tidemark-speed with "
                         "this configuration, or run tidemark-batch with that one",
                         error);
    if (!slot->exists)
        return not_ready(run, partition, "the speed layer hasn't begun with it; is tidemark-speed running?", error);
    if (!slot_format_check(slot, &other))
        return error_context(&other, "its slot") || not_ready(run, partition, other.message, error);
    if (!slot_fits(slot, partition->number, &run->publication))
        return not_ready(run, partition, "the speed layer is still rebuilding it from the published cut", error);
    return true;
}

/* A partition begins where its slot says, or that of another definition, or was found to have begun before, or with the
 * log. */
static bool note_first(const struct source_run *run, struct run_partition *partition, const struct slot *slot,
                       int64_t log_first, struct error *error)
{
    struct other_definitions others = {.found = false};
    if (partition->published)
        return true;
    if (!slot->exists && !other_definitions_look(run->batch->realtime, slot_of(run, partition),
                                                 run->publication.cluster, &others, error))
        return false;
    int64_t first = slot->exists          ? slot->first
                    : others.found        ? others.first
                    : partition->recorded ? partition->first
                                          : log_first;
    partition->recorded = partition->recorded && partition->first == first;
    partition->first = partition->begins = first;
    return true;
}

/* What a look at all partitions has found. */
struct look {
    bool news;            /* some slots have messages that aren't published */
    int64_t waiting;      /* messages in the log that the slots don't have */
    bool foreign;         /* some have the alarm that says so: the group tells whose they are */
    bool tarries;         /* some of them in partitions that somebody reads */
    bool rebuilding;      /* answers wait for slots that somebody would have begun again by now, if anybody read them */
    struct error unready; /* of the first partition that is watched and whose answer isn't complete as it is */
    struct error unsettled; /* of the first that wasn't watched for long enough, or that somebody commits to */
};

static void watch(struct source_run *run, struct run_partition *partition, const struct error *problem,
                  struct look *look)
{
    bool is_quiet = sighting_is_quiet(&partition->sighting, run->batch->unread_after_ms, clock_monotonic_us());
    partition->standing = STANDING_WATCHED;
    run->watches = run->watches || !partition->sighting.moved;
    if (look->unready.code == ERROR_NONE && !(partition->unread && !partition->fits && partition->waiting == 0))
        look->unready = *problem;
    if (look->unsettled.code == ERROR_NONE && !is_quiet)
        look->unsettled = *problem;
}

/* Of a partition whose slot continues the publication. */
static void look_at_fitting(struct source_run *run, struct run_partition *partition, const struct slot *slot,
                            struct look *look)
{
    struct error problem;
    partition->fits = true;
    partition->standing = STANDING_READY;
    if (slot->partitions > 0 && slot->partitions < run->accepted_partitions)
        run->accepted_partitions = slot->partitions;
    look->news = look->news || slot->next > partition->begins;
    run->was_open = run->was_open || slot_is_live(slot, run->publication.epoch + 2);
    if (run->batch->unread_after_ms == 0 || partition->end <= slot->next)
        return;
    partition->waiting = partition->end - slot->next;
    const char *holder = held_by(slot->alarm);
    if (holder) {
        partition->standing = STANDING_HELD;
        look->foreign = look->foreign || strcmp(slot->alarm, SLOT_ALARM_FOREIGN) == 0;
        snprintf(partition->holder, sizeof partition->holder, "%s", holder);
        return;
    }
    look->waiting += partition->waiting;
    look->tarries = look->tarries || partition->sighting.moved;
    if (partition->sighting.moved)
        return;
    error_set(&problem, ERROR_TRY_AGAIN, "source %s: partition %d isn't ready: %" PRId64 " messages wait in it",
              run->source->name, (int)partition->number, partition->waiting);
    watch(run, partition, &problem, look);
}

/* Of a partition whose slot doesn't continue the publication, though it was published as one that is read: Redis was
 * emptied or came back older, or the log was found shorter than the slot knows. A speed layer that works with the same
 * definition begins such a slot again, whether messages wait in it or not. */
static bool is_rebuilding(const struct run_partition *partition, bool is_read_elsewhere)
{
    return !is_read_elsewhere && partition->published && !partition->unread;
}

/* What the store holds of the partition, noted as a sighting of whoever reads it, by whatever definition. */
static bool see_slot(const struct source_run *run, struct run_partition *partition, struct slot *ret_slot,
                     struct slot_definitions *ret_definitions, struct error *error)
{
    struct realtime_store *store = run->batch->realtime;
    if (!store->operations->read_slot(store, slot_of(run, partition), ret_slot, error) ||
        !store->operations->definitions(store, run->source->name, partition->number, ret_definitions, error))
        return false;
    sighting_note(&partition->sighting, ret_slot, ret_definitions, clock_monotonic_us());
    return true;
}

/* Of a source without a speed layer, which nobody has to be waited for. */
static void look_at_alone(struct run_partition *partition, struct look *look)
{
    partition->standing = STANDING_UNREAD;
    look->news = look->news || partition->end > partition->begins || !partition->unread;
}

static bool look_at(struct source_run *run, struct run_partition *partition, struct look *look, struct error *error)
{
    struct event_log *log = run->batch->log;
    struct slot slot;
    struct slot_definitions definitions;
    struct error problem;
    int64_t first = partition->first;
    if (!see_slot(run, partition, &slot, &definitions, error) || !check_story(run, partition, &slot, error))
        return false;
    if ((run->batch->unread_after_ms > 0 || run->source->is_batch_alone) &&
        !log->operations->ends(log, run->source->topic, partition->number, &first, &partition->end, error))
        return false;
    if (!note_first(run, partition, &slot, first, error))
        return false;
    partition->fits = false;
    partition->waiting = 0;
    if (run->source->is_batch_alone) {
        look_at_alone(partition, look);
        return true;
    }
    bool is_read_elsewhere = definitions_are_read_elsewhere(&definitions, run->source);
    if (check_slot(run, partition, &slot, is_read_elsewhere, &problem)) {
        look_at_fitting(run, partition, &slot, look);
        return true;
    }
    if (run->batch->unread_after_ms == 0) {
        *error = problem;
        return false;
    }
    partition->waiting = partition->end > partition->begins ? partition->end - partition->begins : 0;
    look->waiting += partition->waiting;
    look->rebuilding = look->rebuilding || is_rebuilding(partition, is_read_elsewhere);
    watch(run, partition, &problem, look);
    return true;
}

/* Nobody has read these for long enough. Where nothing waits, either, it is cut where it was cut before. */
static void settle(struct source_run *run, struct look *look)
{
    for (size_t i = 0; i < run->partition_count; i++) {
        struct run_partition *partition = &run->partitions[i];
        if (partition->standing == STANDING_WATCHED) {
            partition->standing = STANDING_UNREAD;
            look->news = look->news || partition->end > partition->begins || !partition->unread;
        }
    }
}

/* Before partitions are taken for nobody's: somebody else may have them. A group that goes on sharing them out for long
 * has no say. */
static bool ask_group(struct source_run *run, const struct look *look, struct error *error)
{
    const struct batch *batch = run->batch;
    const struct sighting *sighting = &run->partitions[0].sighting;
    bool asks = look->foreign || (run->watches && look->waiting > 0);
    if (!asks || held_by_members(run) ||
        sighting_is_old(sighting, batch->unread_after_ms + batch->ready_wait_ms, clock_monotonic_us()))
        return true;
    run->watches = true;
    return error_set(error, ERROR_TRY_AGAIN, "source %s: its consumer group is sharing out the partitions",
                     run->source->name);
}

/* Whether what is to be done with each partition is known by now. */
static bool conclude(struct source_run *run, struct look *look, struct error *error)
{
    bool any = look->news || look->waiting > 0 || look->rebuilding;
    const struct error *problem = any ? &look->unsettled : &look->unready;
    run->watches = run->watches && any;
    if (problem->code != ERROR_NONE) {
        *error = *problem;
        return false;
    }
    if (!ask_group(run, look, error))
        return false;
    settle(run, look);
    run->watches = false;
    if (!look->news && look->tarries)
        return error_set(error, ERROR_TRY_AGAIN,
                         "source %s: %" PRId64 " messages wait, and the speed layer hasn't taken any of them yet",
                         run->source->name, look->waiting);
    return true;
}

static bool look_once(struct source_run *run, bool *ret_news, struct error *error)
{
    struct look look = {0};
    run->was_open = run->watches = false;
    run->accepted_partitions = (int64_t)run->partition_count;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!look_at(run, &run->partitions[i], &look, error)) {
            run->watches = false;
            return false;
        }
    if (run->publication.accepted_partitions)
        run->accepted_partitions = run->publication.accepted_partitions;
    if (run->batch->accepts_partitions)
        run->accepted_partitions = (int64_t)run->partition_count;
    if (!conclude(run, &look, error))
        return false;
    *ret_news = look.news;
    return true;
}

/* No slot can begin at such a cut before it is published. One that is held is cut where its slot is, or stays as it was
 * cut before. */
static bool takes_own_cut(const struct run_partition *partition)
{
    return partition->standing == STANDING_UNREAD;
}

static bool open_at(struct source_run *run, struct run_partition *partition, struct error *error)
{
    struct realtime_store *store = run->batch->realtime;
    int64_t cut;
    partition->unread = takes_own_cut(partition);
    if (partition->unread || !partition->fits) {
        bool beyond = partition->unread && partition->end > partition->begins;
        partition->cut = beyond ? partition->end : partition->begins;
        return true;
    }
    if (!store->operations->open_epoch(store, slot_of(run, partition), run->publication.epoch + 2, &cut, error))
        return false;
    if (cut < 0)
        return not_ready(run, partition, "the speed layer let go of it while its epoch was opened", error);
    if (cut < partition->begins) /* a store that came back older: it will be rebuilt */
        return not_ready(run, partition, "the real-time store is older than the published cut", error);
    partition->cut = cut;
    crash_point("after_open_epoch");
    return true;
}

static bool open_once(struct source_run *run, bool *ret_unused, struct error *error)
{
    (void)ret_unused;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!open_at(run, &run->partitions[i], error))
            return false;
    return true;
}

/* The speed layer may just be starting: tries again for a few seconds while partitions aren't ready, and for as long as
 * it takes to tell whether anybody reads them. */
static bool keep_trying(struct source_run *run, bool (*step)(struct source_run *, bool *, struct error *), bool *ret,
                        struct error *error)
{
    struct retry retry = {.first_ms = 50, .ceiling_ms = 500};
    int64_t deadline_us = clock_monotonic_us() + run->batch->ready_wait_ms * 1000;
    for (;;) {
        struct error problem = {0};
        if (step(run, ret, &problem))
            return true;
        int64_t now_us = clock_monotonic_us();
        if (problem.code != ERROR_TRY_AGAIN || (now_us >= deadline_us && !run->watches) || !retry_sleep(&retry)) {
            *error = problem;
            return false;
        }
    }
}

bool epoch_look(struct source_run *run, bool *ret_news, struct error *error)
{
    return keep_trying(run, look_once, ret_news, error);
}

static bool drop_epochs(struct source_run *run, int64_t last, struct error *error)
{
    struct realtime_store *store = run->batch->realtime;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!store->operations->drop_epochs(store, slot_of(run, &run->partitions[i]), last, error))
            return false;
    return true;
}

bool epoch_open(struct source_run *run, struct error *error)
{
    return run->batch->publisher->note_opening(run, &run->opened_at_us, error) &&
           drop_epochs(run, run->publication.epoch - 1, error) && keep_trying(run, open_once, NULL, error);
}

bool epoch_confirm(struct source_run *run, struct error *error)
{
    for (size_t i = 0; i < run->partition_count; i++) {
        struct run_partition *partition = &run->partitions[i];
        struct slot slot;
        struct slot_definitions definitions;
        if (!takes_own_cut(partition))
            continue;
        if (!see_slot(run, partition, &slot, &definitions, error))
            return false;
        if (!partition->sighting.moved)
            continue;
        run->came_back = true;
        return not_ready(run, partition, "the speed layer came back to it while its messages were ingested", error);
    }
    return true;
}

bool epoch_drop_old(struct source_run *run, struct error *error)
{
    return drop_epochs(run, run->publication.epoch, error);
}

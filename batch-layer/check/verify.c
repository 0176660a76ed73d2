/* SPDX-License-Identifier: Apache-2.0 */
#include "check/verify.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/retry.h"
#include "check/verification.h"
#include "engine/native/reread.h"
#include "engine/native/versions.h"
#include "publication/publisher.h"
#include "run/log_check.h"
#include "run/progress.h"
#include "state/fit.h"
#include "state/slot_audit.h"

/* --- what the platform holds --- */

static void forget_held(struct verification *verification)
{
    for (size_t i = 0; i < verification->source->view_count; i++)
        panes_clear(&verification->published[i]);
    for (int32_t i = 0; i < verification->partition_count; i++)
        slot_reader_clean_up(&verification->partitions[i].reader);
    verification->unready = verification->damage = (struct error){0};
    publication_clean_up(&verification->publication);
    verification->batch->publisher->roll_back(verification->batch);
}

static bool read_ingested(struct verification *verification, struct error *error)
{
    struct batch *batch = verification->batch;
    size_t known, count = (size_t)verification->partition_count;
    struct ingested_partition *ingested = calloc(count + 1, sizeof *ingested);
    if (!ingested)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = batch->master->read_partitions(batch, verification->source, ingested, count, &known, error);
    for (size_t i = 0; done && i < count; i++)
        verification->partitions[i].ingested = ingested[i];
    free(ingested);
    return done;
}

static bool read_view(struct verification *verification, size_t number, struct error *error)
{
    struct batch *batch = verification->batch;
    const struct source *source = verification->source;
    const struct view *view = &source->views[number];
    struct panes *published = verification->published;
    return batch->publisher->read_view(batch, source, view, &published[number], error) &&
           (!view->shown || panes_take_members(&published[view->shown - source->views], number, &published[number]) ||
            error_set(error, ERROR_INTERNAL, "out of memory"));
}

/* Publication and rows in one snapshot. */
static bool read_published(struct verification *verification, struct error *error)
{
    struct batch *batch = verification->batch;
    if (!batch->publisher->begin_read(batch, verification->source, &verification->publication, error) ||
        !same_cluster_check(verification->source, &verification->publication, verification->cluster, error))
        return false;
    if (!read_ingested(verification, error))
        return false;
    for (size_t i = verification->source->view_count; i-- > 0;) /* members before the measures that rest on them */
        if (is_published(verification, i) && !read_view(verification, i, error))
            return false;
    return true;
}

static bool not_ready(struct verification *verification, int32_t partition, const char *why)
{
    if (verification->unready.code == ERROR_NONE)
        error_set(&verification->unready, ERROR_TRY_AGAIN, "source %s: partition %d can't be compared: %s",
                  verification->source->name, (int)partition, why);
    return false;
}

static bool is_ready(struct verification *verification, int32_t number)
{
    const struct slot_reader *reader = &verification->partitions[number].reader;
    struct error other;
    if (!reader->slot.exists)
        return not_ready(verification, number, "it has no slot yet; is tidemark-speed running?");
    if (!slot_format_check(&reader->slot, &other))
        return error_context(&other, "its slot") || not_ready(verification, number, other.message);
    if (strcmp(reader->slot.cluster, verification->cluster) != 0)
        return not_ready(verification, number,
                         "its slot was read from another Kafka cluster; see tidemark-batch repair");
    if (!slot_fits(&reader->slot, number, &verification->publication))
        return not_ready(verification, number, "it is rebuilding: its slot doesn't begin at the published cut");
    for (size_t i = 0; i < reader->epoch_count; i++)
        if (reader->epochs[i].epoch > verification->publication.epoch && reader->epochs[i].ledger.deferred)
            return not_ready(verification, number, "it has deferred messages, which the next batch run places");
    int64_t cut = verification->partitions[number].cut;
    if (reader->slot.gaps.count && reader->slot.gaps.ranges[reader->slot.gaps.count - 1].to > cut)
        return not_ready(verification, number,
                         "the log lost messages after the cut before the speed layer read them; the next batch run has "
                         "the last word");
    return true;
}

/* Nobody reads the source, or read it when it was cut, and no slot begins there yet: what is published is all there is.
 */
static bool is_all_published(const struct verification *verification, int32_t number)
{
    if (verification->source->is_batch_alone)
        return true;
    const struct published_partition *published = publication_partition(&verification->publication, number);
    return published && published->unread &&
           !slot_fits(&verification->partitions[number].reader.slot, number, &verification->publication);
}

/* What the speed layer read after the cut must be there still, in the log or in the master dataset. */
static bool is_readable(struct verification *verification, int32_t number, bool *ret_readable, struct error *error)
{
    struct batch *batch = verification->batch;
    const struct compared *compared = &verification->partitions[number];
    int64_t first, end, next = compared->reader.slot.next;
    if (!batch->log->operations->ends(batch->log, verification->source->topic, number, &first, &end, error))
        return false;
    *ret_readable = first <= compared->cut;
    if (*ret_readable)
        return true;
    int64_t held = compared->ingested.recorded ? compared->ingested.next : compared->cut;
    *ret_readable =
        held >= (first < next ? first : next) ||
        not_ready(verification, number, "the log lost messages after the cut that only the speed layer has read");
    return true;
}

/* A slot that isn't what its ledger says is a difference, but what differs in it the comparison may be able to name. */
static bool audit_slot(struct verification *verification, int32_t number, struct error *error)
{
    struct slot_reader *reader = &verification->partitions[number].reader;
    struct error damage;
    if (slot_reader_audit(reader, &damage))
        return true;
    error_context(&damage, "source %s: partition %d: its slot", verification->source->name, (int)number);
    if (damage.code != ERROR_DATA || reader->slot.format != REALTIME_FORMAT) {
        *error = damage;
        return false;
    }
    if (verification->damage.code == ERROR_NONE)
        verification->damage = damage;
    return true;
}

/* A slot that can't be read or has a newer format is a difference. */
static bool read_slot(struct verification *verification, int32_t number, struct error *error)
{
    struct compared *compared = &verification->partitions[number];
    struct realtime_store *store = verification->batch->realtime;
    slot_reader_init(&compared->reader, slot_id_of(verification->source, number), verification->source);
    if (!store->operations->read(store, &compared->reader, error))
        return error_context(error, "source %s: partition %d: its slot", verification->source->name, (int)number);
    if (!audit_slot(verification, number, error))
        return false;
    const struct published_partition *published = publication_partition(&verification->publication, number);
    compared->first = published ? published->first : compared->reader.slot.first;
    compared->cut = published ? published->cut : compared->first;
    compared->ready = !is_all_published(verification, number) && is_ready(verification, number);
    if (compared->ready && !is_readable(verification, number, &compared->ready, error))
        return false;
    compared->to = compared->ready ? compared->reader.slot.next : compared->cut;
    return true;
}

static bool has_moved(struct verification *verification, bool *ret_moved, struct error *error)
{
    struct publication now;
    struct publication_store *store = verification->batch->publications;
    if (!store->operations->read(store, verification->source, &now, error))
        return false;
    *ret_moved = now.epoch != verification->publication.epoch ||
                 now.published_at_us != verification->publication.published_at_us;
    publication_clean_up(&now);
    return true;
}

static void take_published_only(struct verification *verification)
{
    for (int32_t i = 0; i < verification->partition_count; i++) {
        const struct published_partition *published = publication_partition(&verification->publication, i);
        struct compared *compared = &verification->partitions[i];
        compared->first = published ? published->first : 0;
        compared->cut = compared->to = published ? published->cut : 0;
    }
}

/* *ret_again: something was published meanwhile, or a partition isn't ready. */
static bool read_held(struct verification *verification, bool *ret_again, struct error *error)
{
    *ret_again = false;
    if (!read_published(verification, error))
        return false;
    if (verification->published_only) {
        take_published_only(verification);
        return true;
    }
    for (int32_t i = 0; i < verification->partition_count; i++)
        if (!read_slot(verification, i, error))
            return false;
    if (!has_moved(verification, ret_again, error))
        return false;
    *ret_again = *ret_again || verification->unready.code != ERROR_NONE;
    return true;
}

/* Publication and slots that belong together; where they don't in time, `unready` says why. */
static bool gather(struct verification *verification, struct error *error)
{
    struct retry retry = {.first_ms = 50, .ceiling_ms = 500};
    int64_t deadline_us = clock_monotonic_us() + verification->batch->ready_wait_ms * 1000;
    bool again;
    while (read_held(verification, &again, error)) {
        int64_t now_us = clock_monotonic_us();
        if (!again || (verification->unready.code != ERROR_NONE && now_us >= deadline_us))
            return true;
        forget_held(verification);
        if (!retry_sleep(&retry))
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    }
    return false;
}

/* --- what the messages give --- */

/* One partition that is recomputed: first what is published, then epoch after epoch. */
struct recomputation {
    struct verification *verification;
    struct versions versions;
    struct progress progress;
    int32_t partition;
    struct side side; /* that the messages belong to now */
};

static bool merge_all(struct panes into[], const struct panes from[], size_t count, struct error *error)
{
    for (size_t view = 0; view < count; view++)
        if (!panes_add_all(&into[view], &from[view]))
            return error_set(error, ERROR_INTERNAL, "out of memory");
    return true;
}

/* The epoch's cells are complete: compares them. */
static bool end_epoch(struct recomputation *recomputation, struct error *error)
{
    struct verification *verification = recomputation->verification;
    size_t view_count = verification->source->view_count;
    struct epoch_cells *cells =
        slot_reader_epoch(&verification->partitions[recomputation->partition].reader, recomputation->side.epoch);
    if (!cells)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < view_count; i++)
        if (!compare_panes(verification, i, &recomputation->side, &cells->panes[i], &verification->stage[i], error))
            return false;
    if (!compare_ledgers(verification, &recomputation->side, &cells->ledger, &verification->stage_ledger, error) ||
        !merge_all(verification->held, cells->panes, view_count, error) ||
        !merge_all(verification->whole, verification->stage, view_count, error))
        return false;
    for (size_t i = 0; i < view_count; i++)
        panes_clear(&verification->stage[i]);
    verification->stage_ledger = (struct ledger){0};
    return true;
}

static void begin_epoch(struct recomputation *recomputation, size_t number)
{
    const struct slot *slot = &recomputation->verification->partitions[recomputation->partition].reader.slot;
    recomputation->side = (struct side){
        .name = "real-time",
        .partition = recomputation->partition,
        .epoch = slot->epochs[number].epoch,
        .from = slot->epochs[number].offset,
        .to = number + 1 < slot->epoch_count ? slot->epochs[number + 1].offset : slot->next,
    };
    recomputation->versions.panes = recomputation->verification->stage;
    recomputation->versions.ledger = &recomputation->verification->stage_ledger;
}

/* Goes on to the side that this offset belongs to; INT64_MAX ends the last. */
static bool reach(struct recomputation *recomputation, int64_t offset, struct error *error)
{
    const struct verification *verification = recomputation->verification;
    const struct compared *compared = &verification->partitions[recomputation->partition];
    const struct slot *slot = &compared->reader.slot;
    for (size_t i = 0; compared->ready && i < slot->epoch_count; i++) {
        bool is_next = slot->epochs[i].epoch > verification->publication.epoch &&
                       slot->epochs[i].epoch > recomputation->side.epoch;
        if (!is_next || offset < slot->epochs[i].offset)
            continue;
        if (recomputation->side.partition >= 0 && !end_epoch(recomputation, error))
            return false;
        begin_epoch(recomputation, i);
    }
    return offset < INT64_MAX || recomputation->side.partition < 0 || end_epoch(recomputation, error);
}

static bool take(void *context, const struct master_row *message, struct error *error)
{
    struct recomputation *recomputation = context;
    if (!reach(recomputation, message->offset, error))
        return false;
    struct ledger *ledger = recomputation->versions.ledger;
    recomputation->verification->messages++;
    progress_add(&recomputation->progress, 1);
    ledger->consumed++;
    ledger->bad += !message->record;
    return !message->record || versions_add(&recomputation->versions, recomputation->partition, message->record,
                                            message->record_time_us, error);
}

static bool recompute_partition(struct recomputation *recomputation, struct error *error)
{
    struct verification *verification = recomputation->verification;
    struct compared *compared = &verification->partitions[recomputation->partition];
    recomputation->side = (struct side){.name = "published", .partition = -1, .epoch = -1};
    recomputation->versions.panes = verification->computed;
    recomputation->versions.ledger = &compared->ledger;
    const struct reread reread = {verification->batch, verification->source, recomputation->partition,
                                  compared->first,     compared->to,         take,
                                  recomputation};
    int64_t split = compared->first;
    if (compared->first < compared->to && !reread_partition(&reread, &split, error))
        return false;
    verification->from_master += split - compared->first;
    ledger_merge(&verification->ledger, &compared->ledger);
    return reach(recomputation, INT64_MAX, error);
}

static bool recompute(struct verification *verification, struct error *error)
{
    struct recomputation recomputation = {.verification = verification};
    int64_t total = 0;
    for (int32_t i = 0; i < verification->partition_count; i++)
        total += verification->partitions[i].to - verification->partitions[i].first;
    versions_init(&recomputation.versions, verification->source, verification->computed, &verification->ledger);
    progress_begin(&recomputation.progress, verification->source->name, "messages", total);
    bool done = true;
    for (int32_t i = 0; done && i < verification->partition_count; i++) {
        recomputation.partition = i;
        done = recompute_partition(&recomputation, error);
    }
    progress_end(&recomputation.progress);
    versions_clean_up(&recomputation.versions);
    return done;
}

/* --- the story --- */

static bool compare_published_ledgers(struct verification *verification, struct error *error)
{
    const struct side side = {.name = "published", .partition = -1};
    for (int32_t i = 0; i < verification->partition_count; i++) {
        const struct side one = {.name = "published", .partition = i};
        const struct published_partition *published = publication_partition(&verification->publication, i);
        if (published &&
            !compare_fates(verification, &one, &published->fates, &verification->partitions[i].ledger.fates, error))
            return false;
    }
    return compare_ledgers(verification, &side, &verification->publication.ledger, &verification->ledger, error);
}

static bool compare_published(struct verification *verification, struct error *error)
{
    const struct side side = {.name = "published", .partition = -1};
    bool same_rules = verification->source->view_count == 0;
    for (size_t i = 0; i < verification->source->view_count; i++) {
        same_rules = same_rules || is_published(verification, i);
        if (!is_published(verification, i)) {
            if (verification->publication.epoch > 0)
                log_warning("view %s isn't published with this definition yet: not compared",
                            verification->source->views[i].name);
            continue;
        }
        if (!compare_panes(verification, i, &side, &verification->published[i], &verification->computed[i], error))
            return false;
    }
    /* Where no view is, the rules may be others than those by which the ledger says what was bad. */
    return verification->publication.epoch == 0 || !same_rules || compare_published_ledgers(verification, error);
}

/* What the log gives may all be right, and the master dataset, which outlives it, lack messages. */
static bool check_master(struct verification *verification, struct error *error)
{
    struct batch *batch = verification->batch;
    for (int32_t i = 0; i < verification->partition_count; i++) {
        const struct ingested_partition *ingested = &verification->partitions[i].ingested;
        int64_t held;
        if (!ingested->recorded)
            continue;
        if (!batch->master->count(batch, verification->source, i, ingested->next, &held, error))
            return false;
        if (held != ingested->held)
            return error_set(error, ERROR_DATA,
                             "source %s: partition %d: %" PRId64
                             " messages were ingested, and the master dataset holds %" PRId64
                             "; tidemark-batch repair says which, and mends it",
                             verification->source->name, (int)i, ingested->held, held);
    }
    return true;
}

/* Rows and cells added up, as they are served. */
static bool compare_merged(struct verification *verification, struct error *error)
{
    const struct side side = {.name = "merged", .partition = -1};
    size_t view_count = verification->source->view_count;
    if (!merge_all(verification->held, verification->published, view_count, error) ||
        !merge_all(verification->whole, verification->computed, view_count, error))
        return false;
    for (size_t i = 0; i < view_count; i++)
        if ((is_published(verification, i) || verification->publication.epoch == 0) &&
            !compare_panes(verification, i, &side, &verification->held[i], &verification->whole[i], error))
            return false;
    return true;
}

static bool compare_all(struct verification *verification, struct error *error)
{
    bool same = gather(verification, error) && recompute(verification, error) &&
                compare_published(verification, error) && compare_merged(verification, error) &&
                (verification->published_only || check_master(verification, error));
    if (verification->damage.code == ERROR_NONE)
        return same;
    if (same)
        *error = verification->damage;
    else
        log_error("%s", verification->damage.message);
    return false;
}

static bool verify(struct verification *verification, struct error *error)
{
    if (!compare_all(verification, error))
        return false;
    size_t cells = 0;
    for (size_t i = 0; i < verification->source->view_count; i++)
        cells += panes_count(&verification->whole[i]);
    log_info("source %s: epoch %" PRId64 ": %zu cells equal what %" PRId64 " messages give%s",
             verification->source->name, verification->publication.epoch, cells, verification->messages,
             verification->from_master ? "; those that the log has lost came from the master dataset" : "");
    if (verification->unready.code == ERROR_NONE)
        return true;
    *error = verification->unready;
    return false;
}

static bool make_panes(struct verification *verification)
{
    struct panes **const sets[] = {&verification->published, &verification->computed, &verification->stage,
                                   &verification->held, &verification->whole};
    size_t count = verification->source->view_count;
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
        *sets[set] = calloc(count + 1, sizeof **sets[set]);
        if (!*sets[set])
            return false;
        for (size_t i = 0; i < count; i++)
            panes_init(&(*sets[set])[i], &verification->source->views[i]);
    }
    return true;
}

static void clean_up(struct verification *verification)
{
    struct panes *const sets[] = {verification->published, verification->computed, verification->stage,
                                  verification->held, verification->whole};
    if (verification->batch->connection)
        verification->batch->publisher->roll_back(verification->batch);
    publication_clean_up(&verification->publication);
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
        for (size_t i = 0; sets[set] && i < verification->source->view_count; i++)
            panes_clean_up(&sets[set][i]);
        free(sets[set]);
    }
    for (int32_t i = 0; verification->partitions && i < verification->partition_count; i++)
        slot_reader_clean_up(&verification->partitions[i].reader);
    free(verification->partitions);
}

static bool begin(struct verification *verification, struct error *error)
{
    struct batch *batch = verification->batch;
    const struct source *source = verification->source;
    if (!batch->publisher->connect(batch, error) ||
        !batch->log->operations->cluster(batch->log, verification->cluster, error) ||
        !batch->log->operations->partition_count(batch->log, source->topic, &verification->partition_count, error) ||
        !kept_whole_check(batch, source, error))
        return false;
    verification->partitions = calloc((size_t)verification->partition_count + 1, sizeof *verification->partitions);
    if (!verification->partitions || !make_panes(verification))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (int32_t i = 0; i < verification->partition_count; i++)
        slot_reader_init(&verification->partitions[i].reader, slot_id_of(source, i), source);
    return true;
}

static bool run(struct batch *batch, const struct source *source, bool published_only, struct error *error)
{
    struct verification verification = {.batch = batch, .source = source, .published_only = published_only};
    bool done = begin(&verification, error) && verify(&verification, error);
    clean_up(&verification);
    return done;
}

bool verify_source(struct batch *batch, const struct source *source, struct error *error)
{
    return run(batch, source, false, error);
}

bool verify_published(struct batch *batch, const struct source *source, struct error *error)
{
    return run(batch, source, true, error);
}

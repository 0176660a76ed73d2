/* SPDX-License-Identifier: Apache-2.0 */
#include "run/publish.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "batch_metrics.h"
#include "master/master.h"

static struct ledger add_up(const struct publishing *publishing)
{
    struct ledger total = publishing->run->publication.ledger;
    for (size_t i = 0; i < publishing->run->partition_count; i++) {
        const struct partition_ledger *ledger = &publishing->ledgers[i];
        total.consumed += ledger->good + ledger->bad;
        total.kept += ledger->kept;
        total.replaced += ledger->replaced;
        total.duplicate += ledger->duplicate;
        total.bad += ledger->bad;
    }
    for (size_t i = 0; i < publishing->run->source->view_count; i++) {
        total.views[i].counted = publishing->changes[i].counted;
        total.views[i].filtered = publishing->changes[i].filtered;
    }
    return total;
}

/* What is published of a partition that this run goes on from. */
static struct fates fates_before(const struct source_run *run, const struct run_partition *partition)
{
    const struct published_partition *published = publication_partition(&run->publication, partition->number);
    return published && !run->recomputes_all ? published->fates : (struct fates){0};
}

/* Rows that somebody removed from the master dataset, or added to it, since they were ingested. */
static bool check_held(const struct source_run *run, const struct run_partition *partition,
                       const struct partition_ledger *ledger, struct error *error)
{
    int64_t ingested = partition->held - fates_before(run, partition).consumed;
    int64_t held = ledger->good + ledger->bad + ledger->later;
    return held == ingested || error_set(error, ERROR_DATA,
                                         "source %s: partition %d: from offset %" PRId64 " on %" PRId64
                                         " messages were ingested, and the master dataset holds %" PRId64
                                         ": nothing was published; tidemark-batch repair says which, and mends it",
                                         run->source->name, (int)partition->number, partition->begins, ingested, held);
}

static bool check_partition(const struct publishing *publishing, size_t number, struct error *error)
{
    const struct source_run *run = publishing->run;
    const struct run_partition *partition = &run->partitions[number];
    const struct partition_ledger *ledger = &publishing->ledgers[number];
    struct fates fates = fates_before(run, partition);
    fates.consumed += ledger->good + ledger->bad;
    fates.kept += ledger->kept;
    fates.replaced += ledger->replaced;
    fates.duplicate += ledger->duplicate;
    fates.bad += ledger->bad;
    if (!fates_are_closed(&fates))
        return error_set(error, ERROR_DATA,
                         "source %s: partition %d: the ledger isn't closed and nothing was published: consumed %" PRId64
                         ", kept %" PRId64 " + replaced %" PRId64 " + duplicate %" PRId64 " + bad %" PRId64,
                         run->source->name, (int)partition->number, fates.consumed, fates.kept, fates.replaced,
                         fates.duplicate, fates.bad);
    return check_held(run, partition, ledger, error);
}

static bool check_total(const struct publishing *publishing, struct error *error)
{
    const struct source *source = publishing->run->source;
    struct ledger total = add_up(publishing);
    if (ledger_is_closed(&total, source->view_count))
        return true;
    struct buffer text = {0};
    for (size_t i = 0; i < source->view_count; i++)
        buffer_appendf(&text, "; %s: counted %" PRId64 " + filtered %" PRId64, source->views[i].name,
                       total.views[i].counted, total.views[i].filtered);
    error_set(error, ERROR_DATA,
              "source %s: the ledger isn't closed and nothing was published: consumed %" PRId64 ", kept %" PRId64
              " + replaced %" PRId64 " + duplicate %" PRId64 " + bad %" PRId64 "%s",
              source->name, total.consumed, total.kept, total.replaced, total.duplicate, total.bad,
              buffer_string(&text));
    buffer_clean_up(&text);
    return false;
}

static bool check_ledger(const struct publishing *publishing, struct error *error)
{
    for (size_t i = 0; i < publishing->run->partition_count; i++)
        if (!check_partition(publishing, i, error))
            return false;
    return check_total(publishing, error);
}

/* Each but the last is logged. */
void publishing_tell_refusals(const struct publishing *publishing, struct error *ret_refusal)
{
    const struct source *source = publishing->run->source;
    for (size_t i = 0; i < source->view_count; i++) {
        const struct buffer *refusal = &publishing->changes[i].refusal;
        if (refusal->length == 0)
            continue;
        if (ret_refusal->code != ERROR_NONE)
            log_error("%s", ret_refusal->message);
        error_set(ret_refusal, ERROR_CONFIGURATION,
                  "source %s: view %s isn't published under its new definition, the rest is: %s", source->name,
                  source->views[i].name, buffer_string(refusal));
    }
}

/* Versions that lie before others in the log come late: their partitions are merged again from their beginnings. */
static void recompute_all(struct source_run *run)
{
    run->recomputes_all = true;
    run->publication.ledger = (struct ledger){0};
    for (size_t i = 0; i < run->partition_count; i++)
        run->partitions[i].begins = run->partitions[i].first;
}

static bool revalidate_bad(struct source_run *run, struct error *error)
{
    struct revalidation found;
    if (!run->revalidates)
        return true;
    if (!run->batch->master->revalidate(run, &found, error))
        return false;
    if (found.good > 0 || (found.checked > 0 && run->batch->revalidates))
        log_info("source %s: of %" PRId64 " messages that were bad, %" PRId64 " are good now", run->source->name,
                 found.checked, found.good);
    if (found.good_published > 0)
        recompute_all(run);
    return true;
}

/* All are counted only where there are some. */
static bool count_split(const struct publishing *publishing, struct error *error)
{
    struct source_run *run = publishing->run;
    bool any = run->publication.split_orders > 0;
    for (size_t i = 0; i < run->partition_count; i++)
        any = any || publishing->ledgers[i].split > 0;
    if (!any)
        return true;
    bool done = run->batch->engine->count_split_orders(run, &run->split_orders, error);
    if (done && run->split_orders > 0)
        log_warning("source %s: %" PRId64 " orders have versions in two partitions, and count in each: whoever sends "
                    "them must give all messages of an order the same Kafka key",
                    run->source->name, run->split_orders);
    return done;
}

bool publishing_fill(struct publishing *publishing, struct error *error)
{
    struct source_run *run = publishing->run;
    const struct batch *batch = run->batch;
    int64_t since_us = batch_stage_begin(batch);
    if (!batch->engine->merge(run, publishing->ledgers, error) || !count_split(publishing, error))
        return false;
    since_us = batch_stage_end(batch, run->source, "merge", since_us);
    if (!batch->engine->rebuild(run, publishing->changes, error) || !check_ledger(publishing, error))
        return false;
    batch_stage_end(batch, run->source, "views", since_us);
    return batch->publisher->write(publishing, error);
}

/* A commit without an answer may have been done. */
static bool commit(struct publishing *publishing, struct error *error)
{
    const struct publisher_operations *publisher = publishing->run->batch->publisher;
    struct error unknown = {0};
    bool published = false;
    if (publisher->commit(publishing, error))
        return true;
    publishing->run->has_lost_lock = true;
    if (!publisher->was_published(publishing, &published, &unknown))
        error_context(error, "whether it was published isn't known yet");
    return published;
}

static bool publish_all(struct publishing *publishing, struct error *error)
{
    struct source_run *run = publishing->run;
    const struct publisher_operations *publisher = run->batch->publisher;
    if (!publisher->begin(publishing, error) || !revalidate_bad(run, error) || !publishing_fill(publishing, error)) {
        publisher->roll_back(run->batch);
        return false;
    }
    crash_point("before_publish");
    int64_t since_us = batch_stage_begin(run->batch);
    if (!commit(publishing, error))
        return false;
    batch_stage_end(run->batch, run->source, "commit", since_us);
    batch_note_rows(run->batch, run->source, publishing_rows(publishing));
    batch_note_published(run->batch, run->source, run->publication.epoch + 1, clock_wall_us());
    log_info("source %s: epoch %" PRId64 " is published, %" PRId64 " rows written", run->source->name,
             run->publication.epoch + 1, publishing_rows(publishing));
    publishing_tell_refusals(publishing, &run->unpublished);
    crash_point("after_publish");
    return true;
}

bool publish(struct source_run *run, struct error *error)
{
    struct publishing publishing;
    bool done = publishing_init(&publishing, run, error) && publish_all(&publishing, error);
    publishing_clean_up(&publishing);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/shutdown.h"
#include "batch_metrics.h"
#include "ports/other_definitions.h"
#include "publication/publisher.h"
#include "run/epoch.h"
#include "run/held.h"
#include "run/ingest.h"
#include "run/publish.h"
#include "run/same_log.h"

#define PARTITIONS_NAMED 8 /* in a message */

/* A view that was never published, or was defined otherwise. */
static bool has_new_definition(const struct source_run *run)
{
    for (size_t i = 0; i < run->source->view_count; i++)
        if (strcmp(run->publication.view_fingerprints[i], run->source->views[i].fingerprint) != 0)
            return true;
    return false;
}

/* Names the partitions that nobody reads, and how much of what is published came from them. */
static void warn_of_unread(const struct source_run *run)
{
    struct buffer numbers = {0};
    int64_t messages = 0;
    size_t count = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct run_partition *partition = &run->partitions[i];
        if (!partition->unread)
            continue;
        if (count++ < PARTITIONS_NAMED)
            buffer_appendf(&numbers, "%s%d", count > 1 ? ", " : "", (int)partition->number);
        messages += partition->cut - partition->begins;
    }
    if (count > 0 && !run->source->is_batch_alone)
        log_warning("source %s: nobody reads its log: %zu of %zu partitions (%s%s) were cut at the log's end by this "
                    "run, %" PRId64 " offsets behind the last cut; is tidemark-speed running?",
                    run->source->name, count, run->partition_count, buffer_string(&numbers),
                    count > PARTITIONS_NAMED ? ", …" : "", messages);
    buffer_clean_up(&numbers);
}

/* The rest is published, and this is why the run doesn't end with 0. */
static void note_held(struct source_run *run)
{
    struct error held;
    if (held_check(run, &held))
        return;
    if (run->unpublished.code == ERROR_NONE)
        run->unpublished = held;
    else
        log_error("%s", held.message);
}

static bool publish_up_to_cut(struct source_run *run, struct error *error)
{
    const struct batch *batch = run->batch;
    int64_t since_us = batch_stage_begin(batch);
    if (!epoch_open(run, error))
        return false;
    since_us = batch_stage_end(batch, run->source, "open", since_us);
    if (!ingest_to_cut(run, error) || !same_log_check(run, error) || !epoch_confirm(run, error))
        return false;
    batch_stage_end(batch, run->source, "ingest", since_us);
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    if (!publish(run, error))
        return false;
    warn_of_unread(run);
    note_held(run);
    since_us = batch_stage_begin(batch);
    struct error late = {0}; /* it is published: what is left of old epochs the next run drops */
    if (!epoch_drop_old(run, &late))
        log_warning("source %s: old epochs stay until the next run: %s", run->source->name, late.message);
    batch_stage_end(batch, run->source, "drop", since_us);
    return true;
}

/* Somebody may still use a table whose view was taken out of the file: who that is, an operator knows. */
static bool warn_of_left_views(struct source_run *run, struct error *error)
{
    struct buffer tables = {0};
    bool done = run->batch->publisher->left_views(run, &tables, error);
    if (done && tables.length > 0)
        log_warning("source %s: no view of the configuration fills these tables any more: %s. They stay as they were "
                    "published last; drop them where nobody needs them",
                    run->source->name, buffer_string(&tables));
    buffer_clean_up(&tables);
    return done;
}

/* Where a topic has grown, says so, and how many orders have versions in two partitions as far as is published. */
static bool warn_of_added_partitions(struct source_run *run, struct error *error)
{
    if (run->source->on_duplicate == ON_DUPLICATE_NONE || run->accepted_partitions >= (int64_t)run->partition_count)
        return true;
    int64_t split;
    bool done = run->batch->engine->count_split_orders(run, &split, error);
    if (done)
        log_warning("source %s: its topic has %zu partitions and had %" PRId64 "; %" PRId64
                    " orders have versions in two of them. Answers are incomplete; where that is as it should be, say "
                    "tidemark-batch run --accept-partitions",
                    run->source->name, run->partition_count, run->accepted_partitions, split);
    return done;
}

/* Nothing came, and yet something else than what is published would be published. */
static bool is_stale(const struct source_run *run)
{
    return run->publication.epoch > 0 &&
           (run->revalidates || run->accepted_partitions != run->publication.accepted_partitions ||
            (run->batch->accepts_gaps && run->publication.gap_count > 0));
}

/* *ret_outcome is NULL where it published. */
static bool publish_news(struct source_run *run, const char **ret_outcome, struct error *error)
{
    bool news = false;
    if (!epoch_look(run, &news, error))
        return false;
    run->revalidates = run->batch->revalidates || has_new_definition(run);
    if (!warn_of_added_partitions(run, error))
        return false;
    if (news || is_stale(run))
        return publish_up_to_cut(run, error);
    if (!held_check(run, error))
        return false;
    log_info("source %s: nothing new since epoch %" PRId64, run->source->name, run->publication.epoch);
    *ret_outcome = "nothing new";
    return true;
}

/* What a file that was in use before has left, once nobody has used it for a day. What stays the next run looks at. */
static void forget_what_is_left(struct source_run *run)
{
    size_t slots = 0, forgotten;
    struct error error;
    bool done = true;
    for (size_t i = 0; done && i < run->partition_count; i++) {
        done = other_definitions_forget(run->batch->realtime, run->source, run->partitions[i].number,
                                        OTHER_DEFINITIONS_IDLE_S, &forgotten, &error);
        slots += forgotten;
    }
    if (slots > 0)
        log_info("source %s: %zu slots of other definitions, which nobody has used for a day, are removed",
                 run->source->name, slots);
    if (!done)
        log_warning("source %s: slots of other definitions stay until the next run: %s", run->source->name,
                    error.message);
}

/* One publication, or none where nothing is new. *ret_again: the epoch had been open already, and there may be more
 * after its cut; or the speed layer came back while this run had its own. */
static bool run_once(struct batch *batch, const struct source *source, bool *ret_again, struct error *error)
{
    struct source_run run;
    const char *outcome = NULL;
    int64_t since_us = batch_stage_begin(batch);
    bool done = source_run_begin(&run, batch, source, "run", error) && warn_of_left_views(&run, error) &&
                publish_news(&run, &outcome, error);
    if (done)
        forget_what_is_left(&run);
    *ret_again =
        run.came_back || (done && !outcome && run.was_open && !run.has_lost_lock && run.unpublished.code == ERROR_NONE);
    batch_note_run(batch, source, !done ? "failed" : outcome ? outcome : "published", since_us);
    batch_note_ingested(batch, source, run.messages);
    if (done && outcome)
        batch_note_published(batch, source, run.publication.epoch, run.publication.published_at_us);
    source_run_end(&run, outcome, done ? NULL : error);
    if (!done || run.unpublished.code == ERROR_NONE)
        return done;
    *error = run.unpublished;
    return false;
}

bool run_source(struct batch *batch, const struct source *source, struct error *error)
{
    if (!batch->publisher->lock(batch, source, error))
        return false;
    bool again = false;
    bool done = run_once(batch, source, &again, error);
    if (again)
        done = run_once(batch, source, &again, error);
    batch->publisher->unlock(batch, source);
    return done;
}

/* Without the speed layer's word on where a partition begins, it begins where the log does. */
static bool aim_at_ends(struct source_run *run, struct error *error)
{
    struct event_log *log = run->batch->log;
    for (size_t i = 0; i < run->partition_count; i++) {
        struct run_partition *partition = &run->partitions[i];
        int64_t first, end;
        if (!log->operations->ends(log, run->source->topic, partition->number, &first, &end, error))
            return false;
        if (!partition->recorded)
            partition->first = first;
        partition->cut = end;
    }
    return true;
}

bool ingest_source(struct batch *batch, const struct source *source, struct error *error)
{
    struct source_run run;
    if (!batch->publisher->lock(batch, source, error))
        return false;
    bool done = source_run_begin(&run, batch, source, "ingest", error) && aim_at_ends(&run, error) &&
                ingest_to_cut(&run, error);
    source_run_end(&run, "ingested", done ? NULL : error);
    batch->publisher->unlock(batch, source);
    return done;
}

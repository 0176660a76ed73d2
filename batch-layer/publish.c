/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/crash.h"
#include "base/log.h"
#include "batch_store.h"

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

bool publishing_check_ledger(const struct publishing *publishing, struct error *error)
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

int64_t publishing_rows(const struct publishing *publishing)
{
    int64_t rows = 0;
    for (size_t i = 0; i < publishing->run->source->view_count; i++)
        rows += publishing->changes[i].rows;
    return rows;
}

/* Versions that lie before others in the log come late: their partitions are merged again from their beginnings. */
static void begin_anew(struct source_run *run)
{
    run->anew = true;
    run->publication.ledger = (struct ledger){0};
    for (size_t i = 0; i < run->partition_count; i++)
        run->partitions[i].begins = run->partitions[i].first;
}

static bool judge_kept(struct source_run *run, struct error *error)
{
    struct judgement judgement;
    if (!run->judges_again)
        return true;
    if (!run->batch->store->judge_again(run, &judgement, error))
        return false;
    if (judgement.judged > 0)
        log_info("source %s: of %" PRId64 " messages that were bad, %" PRId64 " are good now", run->source->name,
                 judgement.judged, judgement.good);
    if (judgement.good_published > 0)
        begin_anew(run);
    return true;
}

static bool prepare(struct publishing *publishing, struct error *error)
{
    struct source_run *run = publishing->run;
    const struct batch_store_operations *store = run->batch->store;
    return store->publish_begin(publishing, error) && judge_kept(run, error) &&
           store->merge_versions(run, publishing->ledgers, error) &&
           store->rebuild_views(run, publishing->changes, error) && publishing_check_ledger(publishing, error) &&
           store->publish_write(publishing, error);
}

/* A commit without an answer may have been done. */
static bool commit(struct publishing *publishing, struct error *error)
{
    const struct batch_store_operations *store = publishing->run->batch->store;
    struct error unknown = {0};
    bool published = false;
    if (store->publish_commit(publishing, error))
        return true;
    publishing->run->has_lost_lock = true;
    if (!store->was_published(publishing, &published, &unknown))
        error_context(error, "whether it was published isn't known yet");
    return published;
}

static bool publish_prepared(struct publishing *publishing, struct error *error)
{
    struct source_run *run = publishing->run;
    if (!prepare(publishing, error)) {
        run->batch->store->roll_back(run->batch);
        return false;
    }
    crash_point("before_publish");
    if (!commit(publishing, error))
        return false;
    log_info("source %s: epoch %" PRId64 " is published, %" PRId64 " rows written", run->source->name,
             run->publication.epoch + 1, publishing_rows(publishing));
    crash_point("after_publish");
    return true;
}

bool publish(struct source_run *run, struct error *error)
{
    struct publishing publishing = {.run = run};
    publishing.ledgers = calloc(run->partition_count, sizeof *publishing.ledgers);
    if (!publishing.ledgers)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = publish_prepared(&publishing, error);
    for (size_t i = 0; i < VIEWS_MAX; i++)
        buffer_clean_up(&publishing.changes[i].windows);
    free(publishing.ledgers);
    return done;
}

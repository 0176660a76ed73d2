/* SPDX-License-Identifier: Apache-2.0 */
#include "run/backfill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "publication/publisher.h"
#include "run/progress.h"

struct filling {
    struct source_run run;
    const struct backfill *backfill;
    int64_t next; /* day */
    int64_t rows;
};

static bool is_wanted(const struct filling *filling, const struct view *view)
{
    return !view->shown && (!*filling->backfill->view || strcmp(filling->backfill->view, view->name) == 0);
}

static bool check_definitions(const struct filling *filling, struct error *error)
{
    const struct source *source = filling->run.source;
    for (size_t i = 0; i < source->view_count; i++)
        if (is_wanted(filling, &source->views[i]) &&
            strcmp(filling->run.publication.view_fingerprints[i], source->views[i].fingerprint) != 0)
            return error_set(error, ERROR_CONFIGURATION,
                             "source %s: view %s isn't published under the definition that is configured: the next "
                             "tidemark-batch run makes all of it, and a backfill is of no use",
                             source->name, source->views[i].name);
    return true;
}

static bool read_publication(struct filling *filling, struct error *error)
{
    struct batch *batch = filling->run.batch;
    publication_clean_up(&filling->run.publication);
    return batch->publications->operations->read(batch->publications, filling->run.source, &filling->run.publication,
                                                 error) &&
           check_definitions(filling, error);
}

static int64_t day_start_us(const struct zone *zone, int64_t day)
{
    const struct window days = {.length_s = SECONDS_PER_DAY};
    return window_start_of_day(&days, zone, day) * US_PER_SECOND;
}

/* Panes that begin in the day; with the first day also the one that it begins in. */
static bool recompute_view(struct publishing *publishing, const struct filling *filling, size_t number,
                           struct error *error)
{
    const struct batch *batch = publishing->run->batch;
    const struct view *view = &publishing->run->source->views[number];
    const struct zone *zone = batch->settings->zone;
    int64_t from_us = day_start_us(zone, filling->next), to_us = day_start_us(zone, filling->next + 1);
    if (filling->next == filling->backfill->from)
        from_us = window_start_us(&view->window, view->zone, from_us);
    return batch->engine->recompute(publishing->run, number, from_us, to_us, &publishing->changes[number], error);
}

static bool fill(struct publishing *publishing, const struct filling *filling, struct error *error)
{
    const struct source *source = publishing->run->source;
    for (size_t i = 0; i < source->view_count; i++)
        if (is_wanted(filling, &source->views[i]) && !recompute_view(publishing, filling, i, error))
            return false;
    return publishing->run->batch->publisher->write_day(publishing, filling->backfill, filling->next, error);
}

static bool fill_day(struct filling *filling, struct error *error)
{
    const struct publisher_operations *publisher = filling->run.batch->publisher;
    struct publishing publishing;
    bool done = publishing_init(&publishing, &filling->run, error) && publisher->begin(&publishing, error) &&
                fill(&publishing, filling, error);
    crash_point("before_backfill_commit");
    done = done && publisher->commit(&publishing, error);
    crash_point("after_backfill_commit");
    if (done)
        filling->rows += publishing_rows(&publishing);
    else
        publisher->roll_back(filling->run.batch);
    publishing_clean_up(&publishing);
    return done;
}

/* One day under the source's lock. ERROR_TRY_AGAIN where a run is at work. */
static bool take_turn(struct filling *filling, struct error *error)
{
    struct batch *batch = filling->run.batch;
    const struct source *source = filling->run.source;
    if (!batch->publisher->lock(batch, source, error))
        return false;
    bool done = read_publication(filling, error) && fill_day(filling, error);
    batch->publisher->unlock(batch, source);
    return done;
}

/* A run that is at work is waited for, and said once. */
static bool fill_next(struct filling *filling, struct error *error)
{
    struct retry retry = {.first_ms = 100, .ceiling_ms = 1000};
    while (!shutdown_requested()) {
        if (take_turn(filling, error))
            return true;
        if (error->code != ERROR_TRY_AGAIN)
            return false;
        if (retry.attempts == 0)
            log_info("%s; the backfill goes on behind it", error->message);
        if (!retry_sleep(&retry))
            break;
    }
    return error_set(error, ERROR_TRY_AGAIN,
                     "source %s: the backfill was stopped by a signal; the same command goes on where it was",
                     filling->run.source->name);
}

static bool fill_all(struct filling *filling, struct error *error)
{
    struct progress progress;
    const struct backfill *backfill = filling->backfill;
    bool done = true;
    progress_begin(&progress, filling->run.source->name, "days", backfill->to - filling->next + 1);
    for (; done && filling->next <= backfill->to; filling->next += done) {
        done = fill_next(filling, error);
        progress_add(&progress, 1);
    }
    progress_end(&progress);
    return done;
}

static bool begin(struct filling *filling, struct error *error)
{
    struct batch *batch = filling->run.batch;
    const struct source *source = filling->run.source;
    const struct backfill *backfill = filling->backfill;
    if (!batch->publisher->connect(batch, error) || !read_publication(filling, error) ||
        !batch->publisher->read_day(batch, source, backfill, &filling->next, error))
        return false;
    if (filling->next > backfill->from)
        log_info("source %s: %" PRId64 " of %" PRId64 " days were done before: it goes on behind them", source->name,
                 filling->next - backfill->from, backfill->to - backfill->from + 1);
    return batch->publisher->begin_record(batch, source, "backfill", &filling->run.id, error);
}

bool backfill_source(struct batch *batch, const struct source *source, const struct backfill *backfill,
                     struct error *error)
{
    struct filling filling = {.run = {.batch = batch, .source = source, .id = -1}, .backfill = backfill};
    bool done = begin(&filling, error);
    int64_t first = filling.next;
    done = done && fill_all(&filling, error);
    if (done)
        printf("source %s: %" PRId64 " days are filled again, %" PRId64 " rows written, at epoch %" PRId64 "\n",
               source->name, filling.next - first, filling.rows, filling.run.publication.epoch);
    source_run_end(&filling.run, "filled", done ? NULL : error);
    return done;
}

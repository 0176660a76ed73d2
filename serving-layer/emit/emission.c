/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/emission.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"

#define COPY 1 /* the process and the question of a position that a copy is of */
#define ASK_LOG_EVERY_US (5 * US_PER_SECOND)

void emission_init(struct emission *emission, const struct emission_options *options)
{
    const struct view *view = options->sink->view;
    *emission = (struct emission){
        .options = *options,
        .view = (size_t)(view - options->sink->source->views),
        .query = {.view = view, .from_us = INT64_MIN, .to_us = INT64_MAX, .limit = SIZE_MAX},
    };
    question_init(&emission->query.question, view);
}

void emission_clean_up(struct emission *emission)
{
    if (emission->is_following)
        feed_reader_close(&emission->reader);
    stream_position_clean_up(&emission->position);
    held_rows_clean_up(&emission->copy.rows);
    buffer_clean_up(&emission->stated);
}

/* What is known of the sink is read again. */
static void forget_copy(struct emission *emission)
{
    emission->is_open = false;
    emission->copy.is_loaded = false;
    emission->position.process = 0;
    held_rows_clean_up(&emission->copy.rows);
}

static bool hold(struct emission *emission, struct error *error)
{
    struct lease *lease = emission->options.lease;
    bool held = true;
    if (lease && !lease->operations->hold(lease, &held, error))
        held = false;
    else if (!held)
        error_set(error, ERROR_TRY_AGAIN, "another process writes it");
    if (!held)
        forget_copy(emission);
    return held;
}

/* --- what the sink states --- */

static bool check_statement(const struct emission *emission, const struct statement *statement, struct error *error)
{
    const struct sink *sink = emission->options.sink;
    if (!text_equal(statement->view, text_of(sink->view->name)))
        return error_set(error, ERROR_CONFIGURATION, "it holds the rows of the view \"%.*s\"" SINK_REMEDY,
                         (int)statement->view.length, statement->view.data);
    if (!text_equal(statement->fingerprint, text_of(sink->view->fingerprint)))
        return error_set(error, ERROR_CONFIGURATION, "it holds rows of another definition of the view" SINK_REMEDY);
    if (!text_equal(statement->mode, text_of(statement_mode(sink))))
        return error_set(error, ERROR_CONFIGURATION, "it was written in the mode %.*s, and mode is %s" SINK_REMEDY,
                         (int)statement->mode.length, statement->mode.data, statement_mode(sink));
    return true;
}

/* The position never goes below what a sink has stated. */
static bool raise_offsets(struct stream_position *position, const struct statement *statement, struct error *error)
{
    if (statement->partition_count > position->count) {
        int64_t *offsets = realloc(position->offsets, statement->partition_count * sizeof *offsets);
        if (!offsets)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        position->offsets = offsets;
        while (position->count < statement->partition_count)
            offsets[position->count++] = -1;
    }
    for (size_t i = 0; i < statement->partition_count; i++)
        if (statement->offsets[i] > position->offsets[i])
            position->offsets[i] = statement->offsets[i];
    return true;
}

static bool take_statement(struct emission *emission, struct error *error)
{
    struct statement statement = {0};
    emission->number = 0;
    if (emission->stated.length == 0)
        return true;
    if (!statement_parse(buffer_text(&emission->stated), &statement))
        return emission->options.restarts ||
               error_set(error, ERROR_CONFIGURATION,
                         "what it states of itself was written by no program like this" SINK_REMEDY);
    emission->number = statement.number;
    bool done = emission->options.restarts ||
                (check_statement(emission, &statement, error) && raise_offsets(&emission->position, &statement, error));
    statement_clean_up(&statement);
    return done;
}

static bool open_sink(struct emission *emission, struct error *error)
{
    struct sink_store *store = emission->options.store;
    buffer_clear(&emission->stated);
    if (!store->operations->open(store, emission->options.restarts, &emission->stated, error))
        return false;
    if (emission->stated.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    emission->is_open = take_statement(emission, error);
    return emission->is_open;
}

/* Whether the sink is still what it was left as: it may have been emptied, or come back from a backup. */
static bool look_at_sink(struct emission *emission, struct error *error)
{
    struct sink_store *store = emission->options.store;
    bool has = true;
    if (emission->is_open && !store->operations->has(store, buffer_text(&emission->stated), &has, error))
        return false;
    if (!has)
        forget_copy(emission);
    return emission->is_open || open_sink(emission, error);
}

/* --- which state is taken --- */

/* With the snapshot's lock: the first partition that stands below what the sink states, or SIZE_MAX. */
static size_t find_behind(const struct emission *emission)
{
    const struct snapshot *snapshot = emission->options.snapshot;
    const struct stream_position *position = &emission->position;
    for (size_t i = 0; i < position->count; i++)
        if (position->offsets[i] > (i < snapshot->partition_count ? snapshot->partitions[i].offset : -1))
            return i;
    return SIZE_MAX;
}

/* With the snapshot's lock: false where this state isn't to be taken, with the error. */
static bool may_take(const struct emission *emission, size_t *ret_behind, struct error *error)
{
    const struct snapshot *snapshot = emission->options.snapshot;
    bool suffices = emission->options.sink->takes_deferred ? view_has_data(snapshot, emission->view)
                                                           : view_is_complete(snapshot, emission->view);
    *ret_behind = SIZE_MAX;
    if (!snapshot->loaded)
        return error_set(error, ERROR_TRY_AGAIN, "nothing that is published could be read yet");
    if (!suffices)
        return error_set(error, ERROR_TRY_AGAIN, "what is answered of the view isn't complete");
    *ret_behind = find_behind(emission);
    if (*ret_behind == SIZE_MAX)
        return true;
    return error_set(error, ERROR_TRY_AGAIN,
                     "partition %zu is being read again, and stands below the offset %lld that "
                     "the sink states",
                     *ret_behind, (long long)emission->position.offsets[*ret_behind]);
}

/* An offset behind the log's end doesn't come back: then there is nothing to wait for. */
static void ask_log(struct emission *emission, size_t partition, struct error *error)
{
    const struct emission_options *options = &emission->options;
    int64_t now_us = clock_monotonic_us(), end;
    struct error unused = {0};
    if (!options->log_end || (emission->asked_us && now_us - emission->asked_us < ASK_LOG_EVERY_US))
        return;
    emission->asked_us = now_us;
    if (options->log_end(options->context, (int32_t)partition, &end, &unused) &&
        end < emission->position.offsets[partition])
        error_set(error, ERROR_CONFIGURATION,
                  "the sink states the offset %lld of partition %zu of the topic %s, which %s: what it holds can't "
                  "come back" SINK_REMEDY,
                  (long long)emission->position.offsets[partition], partition, options->sink->source->topic,
                  end < 0 ? "has no such partition any more" : "ends before it");
}

/* Rows that were given up, or are too many to be merged, can't be told from rows that have vanished. */
static bool event_failed(const struct problem *problem, struct error *error)
{
    if (problem->status == 422)
        return error_set(error, ERROR_CONFIGURATION,
                         "no copy of the view can be made: %s; a copy asks for all windows of the view, and a "
                         "retention makes them fewer",
                         problem->detail);
    return error_set(error, ERROR_UNAVAILABLE, "%s", problem->detail);
}

/* With the snapshot's lock: what changes is remembered from the first state that is taken, and not while all is read.
 */
static void follow(struct emission *emission)
{
    struct feed *feed = &emission->options.snapshot->feed;
    if (!emission->is_following)
        feed_reader_open(&emission->reader, feed, emission->view, feed->state);
    emission->is_following = true;
}

enum taking { TAKEN, TAKES_NOT, TAKING_FAILED };

static enum taking take_state(struct emission *emission, struct view_event *event, int64_t *ret_epoch,
                              struct error *error)
{
    struct snapshot *snapshot = emission->options.snapshot;
    struct problem problem = {0};
    size_t behind;
    enum taking outcome = TAKES_NOT;
    pthread_rwlock_rdlock(&snapshot->lock);
    if (may_take(emission, &behind, error)) {
        follow(emission);
        bool done = view_event_pick(snapshot, emission->view, &emission->query, &emission->position, COPY, COPY, event,
                                    &problem);
        outcome = done ? TAKEN : TAKING_FAILED;
        *ret_epoch = snapshot->publication.epoch;
    }
    pthread_rwlock_unlock(&snapshot->lock);
    if (outcome == TAKING_FAILED)
        event_failed(&problem, error);
    if (outcome == TAKES_NOT && behind != SIZE_MAX)
        ask_log(emission, behind, error);
    return outcome == TAKES_NOT && error->code == ERROR_CONFIGURATION ? TAKING_FAILED : outcome;
}

/* --- a micro-batch --- */

static bool lacks_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

static size_t count_restated(const struct batch_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        count += rows->rows[i].version.revision > 1;
    return count;
}

static bool write_rows(struct emission *emission, const struct view_event *event, int64_t epoch,
                       struct batch_rows *rows, struct error *error)
{
    struct sink_store *store = emission->options.store;
    struct buffer text = {0};
    const struct statement statement = {.number = emission->number + 1,
                                        .rows = (int64_t)emission->copy.rows.count,
                                        .checksum = emission->copy.rows.checksum,
                                        .epoch = epoch,
                                        .partition_count = event->to.count,
                                        .offsets = event->to.offsets};
    statement_append(emission->options.sink, &statement, buffer_text(&event->provenance), &text);
    const struct micro_batch batch = {.number = statement.number,
                                      .before = buffer_text(&emission->stated),
                                      .statement = buffer_text(&text),
                                      .rows = rows->rows,
                                      .count = rows->count,
                                      .restarts = emission->options.restarts};
    bool done = text.failed ? lacks_memory(error) : store->operations->write(store, &batch, error);
    crash_point("after_emit");
    if (!done) {
        buffer_clean_up(&text);
        return false;
    }
    buffer_clean_up(&emission->stated);
    emission->stated = text;
    emission->number = statement.number;
    emission->rows = rows->count;
    emission->restated = count_restated(rows);
    emission->options.restarts = false;
    return true;
}

/* What the sink states already. */
static bool is_stated(const struct emission *emission, const struct view_event *event, int64_t epoch)
{
    struct statement statement = {0};
    if (!statement_parse(buffer_text(&emission->stated), &statement))
        return false;
    bool is_same = statement.epoch == epoch && statement.partition_count == event->to.count;
    for (size_t i = 0; is_same && i < event->to.count; i++)
        is_same = statement.offsets[i] == event->to.offsets[i];
    statement_clean_up(&statement);
    return is_same;
}

/* *ret_wrote: there was something to be written. */
static bool write_event(struct emission *emission, const struct view_event *event, int64_t epoch, bool *ret_wrote,
                        struct error *error)
{
    struct batch_rows rows;
    *ret_wrote = true;
    batch_rows_init(&rows, emission->options.store->form, &emission->query.question.rows);
    const struct differences differences = {.sink = emission->options.sink,
                                            .store = emission->options.store,
                                            .restarts = emission->options.restarts,
                                            .stated = buffer_text(&emission->stated),
                                            .copy = &emission->copy,
                                            .event = event,
                                            .rows = &rows};
    bool done = differences_keep(&differences, error);
    done = done && (batch_rows_finish(&rows) || lacks_memory(error));
    if (done && rows.count == 0 && !emission->options.restarts)
        *ret_wrote = !emission->options.store->needs_rows && !is_stated(emission, event, epoch);
    done = done && *ret_wrote ? write_rows(emission, event, epoch, &rows, error) : done;
    batch_rows_clean_up(&rows);
    return done;
}

/* The position that the copy now has. */
static void take_position(struct emission *emission, struct view_event *event)
{
    stream_position_clean_up(&emission->position);
    emission->position = event->to;
    event->to = (struct stream_position){0};
}

static enum emission_outcome emit(struct emission *emission, struct error *error)
{
    struct view_event event = {0};
    int64_t epoch = 0;
    enum taking taking = take_state(emission, &event, &epoch, error);
    bool wrote = false;
    enum emission_outcome outcome = taking == TAKES_NOT ? EMISSION_WAITS : EMISSION_FAILED;
    if (taking == TAKEN && (!event.is_news || write_event(emission, &event, epoch, &wrote, error)))
        outcome = wrote ? EMISSION_WROTE : EMISSION_SAME;
    if (outcome == EMISSION_WROTE || outcome == EMISSION_SAME)
        take_position(emission, &event);
    else if (outcome == EMISSION_FAILED)
        forget_copy(emission);
    bool is_all = event.is_reset;
    view_event_clean_up(&event);
    if (is_all)
        malloc_trim(0); /* what comparing all rows took is many times what is held */
    return outcome;
}

enum emission_outcome emission_turn(struct emission *emission, struct error *error)
{
    struct error held = {0};
    if (!hold(emission, &held)) {
        *error = held;
        return held.code == ERROR_TRY_AGAIN ? EMISSION_WAITS : EMISSION_FAILED;
    }
    if (look_at_sink(emission, error))
        return emit(emission, error);
    forget_copy(emission);
    return EMISSION_FAILED;
}

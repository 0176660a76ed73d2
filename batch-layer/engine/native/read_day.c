/* SPDX-License-Identifier: Apache-2.0
 * The first half of a day: rows are decoded, judged, and added to the groups, or put apart by their orders. */
#include <stdlib.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "engine/native/native_day.h"

/* Makes room for one more; false where memory is short. */
static bool grow(void **list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown = realloc(*list, wanted * size);
    if (!grown)
        return false;
    *list = grown;
    *capacity = wanted;
    return true;
}

/* --- A row ------------------------------------------------------------------------------------------------------- */

static bool take_bad(struct native_worker *worker, const struct file_row *row, struct error *error)
{
    struct native_day *native = worker->native;
    const char *reason = arena_copy(&worker->reasons, text_of(row->reason));
    if (!reason || !grow((void **)&worker->bad, worker->bad_count, &worker->bad_capacity, sizeof *worker->bad))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    worker->bad[worker->bad_count++] = (struct bad_row){worker->current.number, row->number, reason};
    int64_t breaker = native->day->bad.breaker;
    if (atomic_fetch_add(&native->bad_count, 1) >= breaker && breaker > 0)
        atomic_store(&native->ends, true); /* the chunks before this one are being read: the first bad row is known */
    return true;
}

static bool is_of_other_day(struct native_worker *worker, int64_t event_time_us)
{
    int64_t at_s = floor_divide(event_time_us, US_PER_SECOND);
    if (at_s < worker->span.from_s || at_s >= worker->span.to_s)
        worker->span = zone_span(worker->native->zone, at_s);
    return floor_divide(at_s + worker->span.offset_s, SECONDS_PER_DAY) != worker->native->day->day;
}

static bool take_row(void *context, const struct file_row *row, struct error *error)
{
    struct native_worker *worker = context;
    struct native_day *native = worker->native;
    worker->current.messages++;
    if (!row->record)
        return take_bad(worker, row, error);
    struct version_facts facts = {.position = (uint64_t)worker->current.number << 32 | (uint64_t)row->number,
                                  .counts = view_counts(native->summary->view, row->record)};
    facts.is_of_other_day = facts.counts && is_of_other_day(worker, row->record->event_time_us);
    if (native->versions)
        return version_row_add(&native->form, worker->versions, &worker->decoder, row->record, facts, error);
    return !facts.counts || day_groups_add(&worker->groups, row->record->values, facts.is_of_other_day, error);
}

/* --- A thread ---------------------------------------------------------------------------------------------------- */

static bool next_chunk(struct native_worker *worker, bool *ret_end, struct error *error)
{
    struct native_day *native = worker->native;
    pthread_mutex_lock(&native->lock);
    *ret_end = native_day_ends(native);
    bool done = *ret_end || row_chunks_next(native->chunks, &worker->chunk, ret_end, error);
    pthread_mutex_unlock(&native->lock);
    return done;
}

static bool read_chunk(struct native_worker *worker, struct error *error)
{
    worker->current = (struct read_chunk){.number = worker->chunk.number, .file = worker->chunk.file};
    if (!row_decoder_chunk(&worker->decoder, worker->native->day->orders, &worker->chunk, take_row, worker,
                           &worker->current.rows, error))
        return false;
    if (!grow((void **)&worker->chunks, worker->chunk_count, &worker->chunk_capacity, sizeof *worker->chunks))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    worker->chunks[worker->chunk_count++] = worker->current;
    return true;
}

static bool read_chunks(struct native_worker *worker, struct error *error)
{
    bool is_end = false;
    while (!is_end) {
        if (!next_chunk(worker, &is_end, error))
            return false;
        if (!is_end && !read_chunk(worker, error))
            return false;
        if (!worker->versions && !native_day_check_groups(worker, 1, 2, error))
            return false;
    }
    if (worker->versions)
        return part_writer_end(worker->versions, error);
    return !worker->members || part_writer_end(worker->members, error);
}

/* --- What all of them found -------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    size_t one = ((const struct read_chunk *)a)->number, other = ((const struct read_chunk *)b)->number;
    return (one > other) - (one < other);
}

static int by_place(const void *a, const void *b)
{
    const struct bad_row *one = a, *other = b;
    if (one->chunk != other->chunk)
        return one->chunk > other->chunk ? 1 : -1;
    return (one->row > other->row) - (one->row < other->row);
}

/* Everything behind what the first worker has. */
static bool gather(struct native_day *native, struct error *error)
{
    struct native_worker *first = &native->workers[0];
    for (size_t i = 1; i < native->worker_count; i++) {
        const struct native_worker *worker = &native->workers[i];
        for (size_t j = 0; j < worker->chunk_count; j++) {
            if (!grow((void **)&first->chunks, first->chunk_count, &first->chunk_capacity, sizeof *first->chunks))
                return error_set(error, ERROR_INTERNAL, "out of memory");
            first->chunks[first->chunk_count++] = worker->chunks[j];
        }
        for (size_t j = 0; j < worker->bad_count; j++) {
            if (!grow((void **)&first->bad, first->bad_count, &first->bad_capacity, sizeof *first->bad))
                return error_set(error, ERROR_INTERNAL, "out of memory");
            first->bad[first->bad_count++] = worker->bad[j];
        }
        for (size_t j = 0; j < FIELDS_MAX; j++)
            first->decoder.has[j] |= worker->decoder.has[j];
    }
    if (first->chunk_count > 0)
        qsort(first->chunks, first->chunk_count, sizeof *first->chunks, by_number);
    if (first->bad_count > 0)
        qsort(first->bad, first->bad_count, sizeof *first->bad, by_place);
    return true;
}

/* Bad rows by their number in the file. */
static bool tell_bad(struct native_day *native, struct error *error)
{
    struct summary_day *day = native->day;
    const struct native_worker *all = &native->workers[0];
    int64_t before = 0;
    for (size_t i = 0, bad = 0; i < all->chunk_count; i++) {
        const struct read_chunk *chunk = &all->chunks[i];
        before = i > 0 && all->chunks[i - 1].file == chunk->file ? before + all->chunks[i - 1].rows : 0;
        day->messages += chunk->messages;
        for (; bad < all->bad_count && all->bad[bad].chunk == chunk->number; bad++)
            if (!bad_rows_add(&day->bad, day->orders->files[chunk->file].path, before + all->bad[bad].row + 1,
                              text_of(all->bad[bad].reason), error))
                return false;
    }
    return bad_rows_check(&day->bad, error);
}

static bool check_fields(const struct native_day *native, struct error *error)
{
    const struct view *view = native->summary->view;
    const struct lake_folder *orders = native->day->orders;
    bool used[FIELDS_MAX] = {false};
    view_mark_used(view, used);
    for (size_t i = 0; orders->count > 0 && i < view->schema->field_count; i++)
        if (used[i] && !native->workers[0].decoder.has[i] && orders->files[0].format == LAKE_CSV)
            return error_set(error, ERROR_DATA, "%s has no column \"%s\", which is used by the view",
                             orders->files[0].path, view->schema->fields[i].name);
    return true;
}

bool native_day_read(struct native_day *native, struct error *error)
{
    return native_day_run(native, native->worker_count, read_chunks, error) && gather(native, error) &&
           tell_bad(native, error) && check_fields(native, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "state/fit.h"
#include "view/retention.h"

#define FEED_SHARE 32 /* what a view's feed remembers is at most this part of the memory for rows */

const char *absence_name(enum absence absence)
{
    static const char *const names[] = {"", "rebuilding", "unreachable", "definition", "foreign"};
    return names[absence];
}

struct snapshot *snapshot_new(const struct source *source, size_t bytes_max)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    struct view_state *views = calloc(source->view_count + 1, sizeof *views);
    if (!snapshot || !views || !feed_init(&snapshot->feed, source, bytes_max / FEED_SHARE)) {
        free(views);
        free(snapshot);
        return NULL;
    }
    snapshot->source = source;
    snapshot->bytes_max = bytes_max;
    snapshot->state = 1;
    snapshot->views = views;
    for (size_t i = 0; i < source->view_count; i++) {
        view_rows_init(&views[i].rows, &source->views[i]);
        views[i].expired_us = INT64_MIN;
    }
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    /* Requests come without a pause; the follower must not starve. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&snapshot->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    return snapshot;
}

void snapshot_destroy(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (size_t i = 0; i < snapshot->source->view_count; i++)
        view_rows_clean_up(&snapshot->views[i].rows);
    feed_clean_up(&snapshot->feed);
    buffer_clean_up(&snapshot->runs);
    buffer_clean_up(&snapshot->job_runs);
    free(snapshot->views);
    free(snapshot->partitions);
    free(snapshot->log);
    publication_clean_up(&snapshot->publication);
    pthread_rwlock_destroy(&snapshot->lock);
    free(snapshot);
}

bool snapshot_view_is_current(const struct snapshot *snapshot, size_t view)
{
    const struct source *source = snapshot->source;
    const struct publication *publication = &snapshot->publication;
    bool is_current = true;
    for (size_t i = 0; is_current && publication->epoch > 0 && i < source->view_count; i++)
        if (i == view || source->views[i].shown == &source->views[view])
            is_current = strcmp(publication->view_fingerprints[i], source->views[i].fingerprint) == 0;
    return is_current;
}

size_t snapshot_bytes(const struct snapshot *snapshot)
{
    size_t bytes = 0;
    for (size_t i = 0; i < snapshot->source->view_count; i++)
        bytes += snapshot->views[i].rows.bytes;
    return bytes;
}

size_t snapshot_view_bytes(const struct snapshot *snapshot, size_t view)
{
    const struct source *source = snapshot->source;
    size_t bytes = 0;
    for (size_t i = 0; i < source->view_count; i++)
        if (i == view || source->views[i].shown == &source->views[view])
            bytes += snapshot->views[i].rows.bytes;
    return bytes;
}

static int64_t gap_us(const struct view *view)
{
    return view->window.gap_s * US_PER_SECOND;
}

/* What a session begins with is judged by the gap before it. */
static int64_t kept_from(const struct view *view, int64_t expired_us)
{
    return expired_us == INT64_MIN ? expired_us : expired_us - gap_us(view);
}

int64_t snapshot_floor_us(const struct snapshot *snapshot, size_t view)
{
    const struct source *source = snapshot->source;
    int64_t floor_us = snapshot->views[view].rows.floor_us;
    for (size_t i = 0; i < source->view_count; i++)
        if (source->views[i].shown == &source->views[view] && snapshot->views[i].rows.floor_us > floor_us)
            floor_us = snapshot->views[i].rows.floor_us;
    return floor_us == INT64_MIN ? floor_us : floor_us + gap_us(&source->views[view]);
}

/* The members of one field. */
static bool take_members(const struct view_rows *rows, size_t number, int64_t window_start_us, struct text group,
                         struct cell *cell)
{
    const struct view *hidden = rows->view;
    size_t at = view_rows_window(rows, window_start_us);
    bool is_touched = false;
    if (at == rows->count || rows->windows[at].start_us != window_start_us)
        return false;
    const struct window_rows *window = &rows->windows[at];
    for (size_t i = window_rows_first(hidden, window, group); i < window->count; i++) {
        const struct row *row = window->rows[i];
        struct value values[DIMENSIONS_MAX];
        if (!text_equal(member_group(hidden, row_group(row, hidden)), group))
            break;
        int64_t live = row_cell(row, hidden, LAYER_SPEED)->count;
        is_touched |= live != 0;
        if (row_cell(row, hidden, LAYER_BATCH)->count + live > 0 && group_parse(hidden, row_group(row, hidden), values))
            cell_take_member(hidden->shown, cell, number, &values[hidden->dimension_count - 1]);
    }
    return is_touched;
}

bool snapshot_take_members(const struct snapshot *snapshot, size_t view, int64_t window_start_us, struct text group,
                           struct cell *cell)
{
    const struct source *source = snapshot->source;
    bool is_touched = false;
    for (size_t i = 0; source->views[view].member_count > 0 && i < source->view_count; i++)
        if (source->views[i].shown == &source->views[view])
            is_touched |= take_members(&snapshot->views[i].rows, i, window_start_us, group, cell);
    return is_touched;
}

bool live_fits(const struct live *live, const struct publication *publication)
{
    for (size_t i = 0; i < live->count; i++)
        if (!slot_fits(&live->partitions[i]->reader.slot, (int32_t)i, publication))
            return false;
    return true;
}

static bool is_included(const struct live *live, const struct slot *slot, int32_t partition,
                        const struct publication *publication)
{
    return !live->partitions[partition]->damaged && slot_fits(slot, partition, publication);
}

/* Another installation reads the partition: what comes is in none of our slots, whatever the slot still holds. */
static bool is_foreign(const struct live *live, const struct slot *slot, int32_t partition)
{
    return !live->partitions[partition]->damaged && strcmp(slot->alarm, SLOT_ALARM_FOREIGN) == 0;
}

/* By another file than ours: its slots go on from there, and ours only where somebody still reads by our file. */
static bool is_published_otherwise(const struct source *source, const struct publication *publication)
{
    return *publication->definition && strcmp(publication->definition, source->fingerprint) != 0;
}

/* Of a partition whose slot isn't included. */
static enum absence absence_of(const struct live *live, int32_t partition, const struct publication *publication)
{
    const struct published_partition *published = publication_partition(publication, partition);
    if (published && (published->unread || live->source->is_batch_alone))
        return ABSENT_NOT;
    if (live->partitions[partition]->damaged)
        return ABSENT_REBUILDING;
    if (!live->reachable)
        return ABSENT_UNREACHABLE;
    return is_published_otherwise(live->source, publication) ? ABSENT_DEFINITION : ABSENT_REBUILDING;
}

static void add_fates_after(const struct slot_reader *reader, int64_t epoch, struct fates *fates)
{
    for (size_t i = 0; i < reader->epoch_count; i++)
        if (reader->epochs[i].epoch > epoch)
            fates_add(fates, &reader->epochs[i].ledger.fates);
}

/* What was lost below the cut, the publication says. */
static struct gaps gaps_after(const struct slot *slot, int64_t cut)
{
    struct gaps gaps = {0};
    for (size_t i = 0; i < slot->gaps.count; i++) {
        struct offset_range gap = slot->gaps.ranges[i];
        gaps_add(&gaps, (struct offset_range){gap.from > cut ? gap.from : cut, gap.to});
    }
    return gaps;
}

/* How many partitions the topic may have: as accepted at the first run, before that as when the slots were begun. */
static int64_t accepted_partitions(const struct live *live, const struct publication *publication)
{
    int64_t accepted = publication->accepted_partitions ? publication->accepted_partitions : INT64_MAX;
    for (size_t i = 0; publication->accepted_partitions == 0 && i < live->count; i++) {
        const struct slot *slot = &live->partitions[i]->reader.slot;
        if (slot->partitions > 0 && slot->partitions < accepted)
            accepted = slot->partitions;
    }
    return accepted;
}

/* As its slot says. One that isn't included counts from its own next offset, but where the answer is complete without
 * it.
 */
static int64_t lag_of(const struct live *live, int32_t number, const struct partition_provenance *state)
{
    const struct slot *slot = &live->partitions[number]->reader.slot;
    int64_t from = state->absence == ABSENT_NOT ? state->offset : slot->next;
    bool known = slot->exists && slot->end >= from && !live_is_silent(live->partitions[number]);
    return known ? slot->end - from : LAG_UNKNOWN;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* A slot says more than what is published, and one that isn't included says nothing of the answer. */
static int64_t settled_us(const struct slot *included, const struct published_partition *published)
{
    int64_t at_us = published ? later(published->clock_us, published->idle_us) : 0;
    return included ? later(at_us, later(included->clock_us, included->idle_us)) : at_us;
}

/* Without a batch layer nothing makes right what was deferred: it is past when its panes are. */
static bool has_deferred(const struct source *source, const struct slot *slot)
{
    bool all_past = source->is_stream_alone && source->view_count > 0;
    for (size_t i = 0; all_past && i < source->view_count; i++)
        all_past =
            slot->deferred_us < kept_from(&source->views[i], view_kept_from_us(&source->views[i], slot->clock_us));
    return !all_past;
}

static struct partition_provenance state_of(const struct live *live, int32_t number,
                                            const struct publication *publication)
{
    const struct published_partition *published = publication_partition(publication, number);
    const struct slot_reader *reader = &live->partitions[number]->reader;
    const struct slot *slot = &reader->slot;
    struct partition_provenance state = {
        .partition = number,
        .first = published      ? published->first
                 : slot->exists ? slot->first
                                : -1,
        .cut = published ? published->cut : -1,
        .from = publication->is_never && slot->epoch_count > 0 ? slot->epochs[0].offset : -1,
        .next = slot->exists ? slot->next : -1,
        .clock_us = published ? published->clock_us : 0,
        .included = is_included(live, slot, number, publication),
        .uncommitted = slot->exists && slot->end != LOG_END_UNKNOWN && !live_is_silent(live->partitions[number])
                           ? slot_uncommitted(slot)
                           : LAG_UNKNOWN,
        .fates = published ? published->fates : (struct fates){0},
    };
    state.silent = live->reachable && live_is_silent(live->partitions[number]);
    state.absence = is_foreign(live, slot, number) ? ABSENT_FOREIGN
                    : state.included               ? ABSENT_NOT
                                                   : absence_of(live, number, publication);
    state.offset = state.included ? slot->next : published ? published->cut : state.first;
    if (state.included) {
        add_fates_after(reader, publication->epoch, &state.fates);
        state.deferred = has_deferred(live->source, slot) ? state.fates.deferred : 0;
        state.gaps = gaps_after(slot, state.cut);
    }
    state.settled_us = settled_us(state.included ? slot : NULL, published);
    state.lag = lag_of(live, number, &state);
    memcpy(state.alarm, slot->alarm, sizeof state.alarm);
    if (live->partitions[number]->newer)
        memcpy(state.alarm, ALARM_FORMAT, sizeof ALARM_FORMAT);
    if (slot->exists && slot->clock_us > state.clock_us)
        state.clock_us = slot->clock_us;
    return state;
}

/* All that an update prepares before it takes the lock. */
struct update {
    const struct publication *publication; /* the one that holds afterwards */
    struct partition_provenance *partitions;
    size_t partition_count;
    bool rebuild; /* the live part is replaced, not added to */
    struct ledger live_ledger;
    int64_t clock_us;
    struct view_update {
        struct panes sums; /* of a rebuild */
        struct sorted_panes batch, live;
        struct view_rows fresh; /* where all batch rows are replaced */
        bool is_fresh;
        int64_t expired_us;
    } * views;
};

static void update_clean_up(struct update *update, size_t view_count)
{
    for (size_t i = 0; update->views && i < view_count; i++) {
        sorted_panes_clean_up(&update->views[i].batch);
        sorted_panes_clean_up(&update->views[i].live);
        panes_clean_up(&update->views[i].sums);
        view_rows_clean_up(&update->views[i].fresh);
    }
    free(update->views);
    free(update->partitions);
}

static bool prepare_partitions(struct update *update, struct live *live)
{
    int64_t accepted = accepted_partitions(live, update->publication);
    update->partition_count = live->count;
    update->partitions = calloc(live->count + 1, sizeof *update->partitions);
    for (size_t i = 0; update->partitions && i < live->count; i++) {
        struct partition_provenance *state = &update->partitions[i];
        *state = state_of(live, (int32_t)i, update->publication);
        state->added = live->source->on_duplicate != ON_DUPLICATE_NONE && (int64_t)i >= accepted;
        update->rebuild = update->rebuild || state->included != live->partitions[i]->included;
        live->partitions[i]->included = state->included;
        if (state->clock_us > update->clock_us)
            update->clock_us = state->clock_us;
    }
    return update->partitions != NULL;
}

static void sum_ledgers(struct update *update, const struct live *live)
{
    for (size_t i = 0; i < live->count; i++) {
        const struct slot_reader *reader = &live->partitions[i]->reader;
        for (size_t epoch = 0; live->partitions[i]->included && epoch < reader->epoch_count; epoch++)
            if (reader->epochs[epoch].epoch > live->epoch)
                ledger_merge(&update->live_ledger, &reader->epochs[epoch].ledger);
    }
}

/* Where kept windows begin: at the one that holds the clock less the retention. */
static int64_t expired_before(const struct view *view, int64_t clock_us, int64_t before_us)
{
    int64_t edge_us = view_kept_from_us(view, clock_us);
    return edge_us > before_us ? edge_us : before_us;
}

static bool prepare_live(struct update *update, const struct live *live)
{
    size_t view_count = live->source->view_count;
    struct panes *sums = calloc(view_count + 1, sizeof *sums);
    bool done = sums != NULL;
    for (size_t i = 0; done && i < view_count; i++)
        panes_init(&sums[i], &live->source->views[i]);
    done = done && (!update->rebuild || live_sum(live, sums));
    for (size_t i = 0; sums && i < view_count; i++) {
        update->views[i].sums = sums[i];
        done = done &&
               sorted_panes_init(&update->views[i].live, update->rebuild ? &update->views[i].sums : &live->changes[i]);
    }
    free(sums);
    return done;
}

/* Rows that replace a whole view are built without the lock. */
static bool prepare_batch(struct update *update, struct staging *staging)
{
    for (size_t i = 0; i < staging->source->view_count; i++) {
        struct staged_view *staged = &staging->views[i];
        struct view_update *view = &update->views[i];
        if (!sorted_panes_init(&view->batch, &staged->panes))
            return false;
        if (!staged->all)
            continue;
        view->is_fresh = true;
        view_rows_raise_floor(&view->fresh, staged->floor_us);
        view_rows_raise_floor(&view->fresh, kept_from(view->fresh.view, view->expired_us));
        if (!view_rows_add(&view->fresh, LAYER_BATCH, &view->batch))
            return false;
        sorted_panes_clean_up(&view->batch);
        panes_clean_up(&staged->panes);
        panes_init(&staged->panes, &staging->source->views[i]);
    }
    return !staging->failed;
}

static bool prepare(struct update *update, const struct snapshot *snapshot, struct live *live, struct staging *staging)
{
    const struct source *source = snapshot->source;
    update->views = calloc(source->view_count + 1, sizeof *update->views);
    if (!update->views)
        return false;
    for (size_t i = 0; i < source->view_count; i++) {
        panes_init(&update->views[i].sums, &source->views[i]);
        view_rows_init(&update->views[i].fresh, &source->views[i]);
    }
    update->clock_us = snapshot->clock_us;
    if (!prepare_partitions(update, live))
        return false;
    sum_ledgers(update, live);
    for (size_t i = 0; i < source->view_count; i++)
        update->views[i].expired_us =
            expired_before(&source->views[i], update->clock_us, snapshot->views[i].expired_us);
    return prepare_live(update, live) && (!staging || prepare_batch(update, staging));
}

/* Notes for the feed of one view. A change of a member is one of the row that it is in. */
struct notes {
    struct feed *feed;
    size_t number;           /* of the view that is shown */
    const struct view *view; /* whose rows they are: that one, or one of its hidden ones */
};

static void note_row(const struct notes *notes, int64_t start_us, struct text group)
{
    feed_note_row(notes->feed, notes->number, start_us, notes->view->shown ? member_group(notes->view, group) : group);
}

static void note_panes(const struct notes *notes, const struct sorted_panes *sorted)
{
    for (size_t i = 0; i < sorted->count; i++)
        note_row(notes, sorted->panes[i].window_start_us, sorted->panes[i].group);
}

static void note_window(const struct notes *notes, const struct window_rows *window)
{
    for (size_t i = 0; i < window->count; i++)
        note_row(notes, window->start_us, row_group(window->rows[i], notes->view));
}

static void note_staged(const struct notes *notes, const struct view_rows *rows, const struct staged_view *staged)
{
    for (size_t i = 0; i < staged->window_count; i++) {
        size_t at = view_rows_window(rows, staged->windows[i]);
        if (at < rows->count && rows->windows[at].start_us == staged->windows[i])
            note_window(notes, &rows->windows[at]);
    }
}

/* Before the update is placed. Where windows are cleared, which of their rows are others isn't looked for. */
static void note_changes(struct snapshot *snapshot, size_t number, const struct view_update *update,
                         const struct staged_view *staged, bool rebuild)
{
    const struct view_rows *rows = &snapshot->views[number].rows;
    const struct view *shown = rows->view->shown;
    const struct notes notes = {&snapshot->feed, shown ? (size_t)(shown - snapshot->source->views) : number,
                                rows->view};
    if (update->is_fresh)
        feed_note_all(notes.feed, notes.number);
    if (!feed_takes_notes(notes.feed, notes.number))
        return;
    const int64_t expired_us = snapshot->views[number].expired_us;
    for (size_t i = rebuild ? 0 : view_rows_window(rows, expired_us); i < rows->count; i++) {
        const struct window_rows *window = &rows->windows[i];
        bool expires = window->start_us >= expired_us && window->start_us < update->expired_us;
        if (!expires && !rebuild)
            break;
        if (expires || window_rows_has(rows->view, window, LAYER_SPEED))
            note_window(&notes, window);
    }
    if (staged)
        note_staged(&notes, rows, staged);
    note_panes(&notes, &update->batch);
    note_panes(&notes, &update->live);
}

/* With the write lock held. */
static bool place_view(struct view_state *state, struct view_update *update, const struct staged_view *staged,
                       bool rebuild)
{
    if (update->is_fresh) {
        struct view_rows old = state->rows;
        state->rows = update->fresh;
        update->fresh = old;
    } else if (staged) {
        for (size_t i = 0; i < staged->window_count; i++)
            view_rows_clear_window(&state->rows, LAYER_BATCH, staged->windows[i]);
        view_rows_raise_floor(&state->rows, staged->floor_us);
        if (!view_rows_add(&state->rows, LAYER_BATCH, &update->batch))
            return false;
    }
    state->expired_us = update->expired_us;
    view_rows_raise_floor(&state->rows, kept_from(state->rows.view, state->expired_us));
    if (rebuild && !update->is_fresh)
        view_rows_clear_layer(&state->rows, LAYER_SPEED);
    if (!view_rows_add(&state->rows, LAYER_SPEED, &update->live))
        return false;
    if (rebuild || staged)
        view_rows_sweep(&state->rows);
    return true;
}

#define GIVEN_UP_PART 64 /* of a view's bytes, at the limit: one window each time would move all others each time */

/* Where the limit is passed, the view that holds most gives up its oldest windows, and a part of the others with them.
 */
static void keep_limit(struct snapshot *snapshot)
{
    for (size_t bytes; (bytes = snapshot_bytes(snapshot)) > snapshot->bytes_max;) {
        struct view_rows *largest = &snapshot->views[0].rows;
        for (size_t i = 1; i < snapshot->source->view_count; i++)
            if (snapshot->views[i].rows.bytes > largest->bytes)
                largest = &snapshot->views[i].rows;
        size_t given_up = bytes - snapshot->bytes_max + largest->bytes / GIVEN_UP_PART;
        view_rows_shrink(largest, largest->bytes > given_up ? largest->bytes - given_up : 0);
    }
}

/* With the write lock held. */
static bool place(struct snapshot *snapshot, struct update *update, struct staging *staging,
                  struct publication *publication)
{
    for (size_t i = 0; i < snapshot->source->view_count; i++) {
        const struct staged_view *staged = staging ? &staging->views[i] : NULL;
        note_changes(snapshot, i, &update->views[i], staged, update->rebuild);
        if (!place_view(&snapshot->views[i], &update->views[i], staged, update->rebuild))
            return false;
    }
    if (publication) {
        struct publication old = snapshot->publication;
        snapshot->publication = *publication;
        *publication = old;
        snapshot->loaded = true;
    }
    struct partition_provenance *partitions = snapshot->partitions;
    snapshot->partitions = update->partitions;
    update->partitions = partitions;
    snapshot->partition_count = update->partition_count;
    snapshot->live_ledger = update->live_ledger;
    snapshot->clock_us = update->clock_us;
    keep_limit(snapshot);
    return true;
}

void snapshot_begin_change(struct snapshot *snapshot)
{
    pthread_rwlock_wrlock(&snapshot->lock);
}

void snapshot_end_change(struct snapshot *snapshot)
{
    snapshot->state++;
    pthread_rwlock_unlock(&snapshot->lock);
}

/* Nothing that anybody could see is new. */
static bool is_idle(const struct snapshot *snapshot, const struct update *update, const struct live *live)
{
    bool changed = update->rebuild || update->partition_count != snapshot->partition_count ||
                   live->reachable != snapshot->live_reachable ||
                   (update->partition_count && memcmp(update->partitions, snapshot->partitions,
                                                      update->partition_count * sizeof *update->partitions) != 0);
    for (size_t i = 0; !changed && i < live->source->view_count; i++)
        changed = panes_count(&live->changes[i]) > 0;
    return !changed;
}

bool snapshot_update(struct snapshot *snapshot, struct live *live, struct staging *staging,
                     struct publication *publication, struct error *error)
{
    struct update update = {.publication = publication ? publication : &snapshot->publication};
    update.rebuild = publication || live->rebuild;
    live->epoch = update.publication->epoch;
    bool done = prepare(&update, snapshot, live, staging);
    if (!done || publication || !is_idle(snapshot, &update, live)) {
        snapshot_begin_change(snapshot);
        feed_begin(&snapshot->feed);
        done = done && place(snapshot, &update, staging, publication);
        for (size_t i = 0; !done && i < snapshot->source->view_count; i++)
            feed_note_all(&snapshot->feed, i);
        feed_end(&snapshot->feed);
        snapshot->loaded = snapshot->loaded && done;
        snapshot->live_reachable = live->reachable;
        snapshot->damages = live->damages;
        snapshot_end_change(snapshot);
    }
    if (done)
        live_taken(live);
    update_clean_up(&update, snapshot->source->view_count);
    if (publication)
        publication_clean_up(publication);
    return done ||
           error_set(error, ERROR_INTERNAL, "out of memory while taking what is new of %s", snapshot->source->name);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pick.h"

#include "base/clock.h"
#include "base/zone.h"
#include "roll_up.h"

struct finality finality_of(const struct snapshot *snapshot, size_t view)
{
    const struct publication *publication = &snapshot->publication;
    const struct view *asked = &snapshot->source->views[view];
    struct finality finality = {.complete = view_is_complete(snapshot, view),
                                .settled_us = publication->epoch > 0 ? publication->opened_at_us : INT64_MIN};
    if (asked->watermark_us > 0) {
        finality.is_watermark = true;
        finality.settled_us = snapshot_watermark_us(snapshot, view);
        if (asked->window.gap_s > 0 && finality.settled_us > INT64_MIN) /* a session may still grow at its very end */
            finality.settled_us--;
    }
    return finality;
}

bool row_is_final(const struct finality *finality, int64_t end_us, bool has_live)
{
    return finality->complete && end_us <= finality->settled_us && (finality->is_watermark || !has_live);
}

/* A walk over the rows that are asked for. */
struct walk {
    const struct snapshot *snapshot;
    size_t view; /* its number */
    const struct view_query *query;
    const struct view_state *state;
    struct finality finality;
    struct selection *selection;
    struct buffer *next;
    const struct row *last;
    int64_t last_start_us;
    struct cell_total merged; /* of the row at hand */
};

/* False once the page is full and there is a row after it. */
static bool visit_row(struct walk *walk, const struct window_rows *window, const struct row *row)
{
    const struct view *view = walk->query->view;
    struct cell *cell = row_merge(row, view, &walk->merged);
    if (cell->count == 0 || !view_query_takes(walk->query, view, row_group(row, view)))
        return true;
    if (walk->selection->count == walk->query->limit) {
        cursor_append(walk->last_start_us, row_group(walk->last, view), walk->next);
        return false;
    }
    bool has_live = !cell_is_zero(view, row_cell(row, view, LAYER_SPEED));
    has_live |= snapshot_take_members(walk->snapshot, walk->view, window->start_us, row_group(row, view), cell);
    selection_add(walk->selection, &(struct selected_row){window->start_us, window->end_us,
                                                          row_is_final(&walk->finality, window->end_us, has_live),
                                                          row_group(row, view), cell});
    walk->last = row;
    walk->last_start_us = window->start_us;
    return !walk->selection->bytes.failed;
}

int64_t pick_begins(const struct view_state *state, const struct view_query *query)
{
    int64_t from_us = query->from_us > state->expired_us ? query->from_us : state->expired_us;
    bool is_behind = query->has_cursor && question_is_plain(&query->question) && query->cursor_start_us > from_us;
    return is_behind ? query->cursor_start_us : from_us;
}

static void visit_rows(struct walk *walk)
{
    const struct view_query *query = walk->query;
    const struct view_rows *rows = &walk->state->rows;
    for (size_t i = view_rows_window(rows, pick_begins(walk->state, query)); i < rows->count; i++) {
        const struct window_rows *window = &rows->windows[i];
        if (window->start_us >= query->to_us)
            return;
        size_t number = 0;
        if (query->has_cursor && window->start_us == query->cursor_start_us)
            number = window_rows_group(query->view, window, query->cursor_group, true);
        for (; number < window->count; number++)
            if (!visit_row(walk, window, window->rows[number]))
                return;
    }
}

/* A page of rows that are in their order. */
static void take_rolled(struct walk *walk, const struct rollup *rollup)
{
    const struct view_query *query = walk->query;
    struct cell_total cursor_cell = query->cursor_cell;
    const struct rollup_row cursor = {
        .start_us = query->cursor_start_us, .group = query->cursor_group, .cell = cell_total(&cursor_cell)};
    for (size_t i = query->has_cursor ? rollup_behind(rollup, &cursor) : 0; i < rollup->count; i++) {
        const struct rollup_row *row = rollup->rows[i];
        if (walk->selection->count == query->limit) {
            cursor_append_rolled(query, rollup->rows[i - 1], walk->next);
            return;
        }
        selection_add(walk->selection,
                      &(struct selected_row){row->start_us, row->end_us,
                                             row_is_final(&walk->finality, row->end_us, row->is_touched), row->group,
                                             row->cell});
    }
}

static bool visit_rolled(struct walk *walk, struct problem *problem)
{
    const struct view_query *query = walk->query;
    struct rollup rollup;
    rollup_init(&rollup, &query->question, pick_begins(walk->state, query), query->to_us);
    bool done = roll_up(walk->snapshot, walk->view, query, &rollup, problem);
    if (done)
        take_rolled(walk, &rollup);
    rollup_clean_up(&rollup);
    return done;
}

/* What was given up to keep within the memory can't be answered, and is not passed over in silence. */
bool pick_is_held(const struct snapshot *snapshot, size_t view, const struct view_query *query, struct problem *problem)
{
    int64_t floor_us = snapshot_floor_us(snapshot, view);
    int64_t to_us = query->to_us < floor_us ? query->to_us : floor_us;
    if (pick_begins(&snapshot->views[view], query) >= to_us)
        return true;
    struct buffer held = {0};
    buffer_append_local_time(&held, query->view->zone, floor_us);
    problem_set(problem, 422,
                "windows before %s are not held: http.memory is full; ask with from=%s, or raise http.memory",
                buffer_string(&held), buffer_string(&held));
    if (held.failed)
        problem_memory(problem);
    buffer_clean_up(&held);
    return false;
}

bool pick_page(const struct snapshot *snapshot, size_t view, const struct view_query *query,
               struct selection *selection, struct buffer *next, struct problem *problem)
{
    if (!snapshot->loaded)
        return problem_set(problem, 503, "nothing that is published of %s could be read yet", snapshot->source->name);
    struct walk walk = {.snapshot = snapshot,
                        .view = view,
                        .query = query,
                        .state = &snapshot->views[view],
                        .finality = finality_of(snapshot, view),
                        .selection = selection,
                        .next = next};
    if (!pick_is_held(snapshot, view, query, problem))
        return false;
    if (!snapshot_view_is_current(snapshot, view))
        return true;
    if (question_is_plain(&query->question))
        visit_rows(&walk);
    else if (!visit_rolled(&walk, problem))
        return false;
    return (!selection->bytes.failed && !next->failed) || problem_memory(problem);
}

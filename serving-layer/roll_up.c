/* SPDX-License-Identifier: Apache-2.0 */
#include "roll_up.h"

static bool add_row(const struct view *view, const struct view_query *query, int64_t start_us, const struct row *row,
                    struct rollup *rollup)
{
    struct cell_total merged;
    if (!view_query_takes(query, view, row_group(row, view)))
        return true;
    bool has_live = !cell_is_zero(view, row_cell(row, view, LAYER_SPEED));
    return rollup_add(rollup, start_us, row_group(row, view), row_merge(row, view, &merged), has_live);
}

/* The rows of the query's view, or of one that has its dimensions first. */
static bool add_rows(const struct view_state *state, const struct view_query *query, struct rollup *rollup)
{
    const struct view *view = state->rows.view;
    for (size_t i = view_rows_window(&state->rows, rollup_begins_us(rollup)); i < state->rows.count; i++) {
        const struct window_rows *window = &state->rows.windows[i];
        if (window->start_us >= rollup_reach_us(rollup))
            break;
        for (size_t number = 0; number < window->count; number++)
            if (!add_row(view, query, window->start_us, window->rows[number], rollup))
                return false;
    }
    return rollup_close(rollup);
}

/* A value that is in several panes is one: members are merged before they are counted. */
static bool add_members(const struct snapshot *snapshot, size_t number, const struct view_query *query,
                        struct rollup *rollup)
{
    struct view_question question;
    struct rollup members;
    question_of_members(rollup->question, &snapshot->source->views[number], &question);
    rollup_init_members(&members, &question, number, rollup);
    bool done = add_rows(&snapshot->views[number], query, &members);
    rollup->is_full = rollup->is_full || members.is_full;
    rollup_clean_up(&members);
    return done;
}

static bool add_all(const struct snapshot *snapshot, size_t view, const struct view_query *query, struct rollup *rollup)
{
    bool done = add_rows(&snapshot->views[view], query, rollup);
    for (size_t i = 0; done && i < snapshot->source->view_count; i++)
        if (snapshot->source->views[i].shown == query->view)
            done = add_members(snapshot, i, query, rollup);
    return done;
}

static bool refuse(const struct rollup *rollup, struct problem *problem)
{
    if (!rollup->is_full)
        return problem_memory(problem);
    return problem_set(problem, 422,
                       "there are more than %d rows: ask for a shorter range, longer windows or fewer "
                       "dimensions in group_by",
                       ROLLUP_ROWS_MAX);
}

bool roll_up_unordered(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       struct rollup *rollup, struct problem *problem)
{
    return add_all(snapshot, view, query, rollup) || refuse(rollup, problem);
}

bool roll_up(const struct snapshot *snapshot, size_t view, const struct view_query *query, struct rollup *rollup,
             struct problem *problem)
{
    return (add_all(snapshot, view, query, rollup) && rollup_order(rollup)) || refuse(rollup, problem);
}

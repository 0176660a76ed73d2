/* SPDX-License-Identifier: Apache-2.0 */
#include "roll_up.h"

static bool add_row(const struct view_query *query, int64_t start_s, const struct row *row, struct rollup *rollup)
{
    const struct view *view = query->view;
    struct value dimensions[DIMENSIONS_MAX];
    struct cell_total merged;
    if (!group_parse(view, row_group(row, view), dimensions) || !view_query_takes(query, dimensions))
        return true;
    bool has_live = !cell_is_zero(view, row_cell(row, view, PART_LIVE));
    return rollup_add(rollup, start_s, dimensions, row_merge(row, view, &merged), has_live);
}

static bool add_rows(const struct view_state *state, const struct view_query *query, struct rollup *rollup)
{
    int64_t reach_s = rollup_reach_s(rollup);
    for (size_t i = view_rows_window(&state->rows, rollup->from_s); i < state->rows.count; i++) {
        const struct window_rows *window = &state->rows.windows[i];
        if (window->start_s >= reach_s)
            return true;
        for (size_t number = 0; number < window->count; number++)
            if (!add_row(query, window->start_s, window->rows[number], rollup))
                return false;
    }
    return true;
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

bool roll_up_unordered(const struct view_state *state, const struct view_query *query, struct rollup *rollup,
                       struct problem *problem)
{
    return add_rows(state, query, rollup) || refuse(rollup, problem);
}

bool roll_up(const struct view_state *state, const struct view_query *query, struct rollup *rollup,
             struct problem *problem)
{
    return (add_rows(state, query, rollup) && rollup_order(rollup)) || refuse(rollup, problem);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view_changes.h"

#include "roll_up.h"
#include "view/window.h"

/* Completeness decides of every row whether it is final, and the time of the run that is published of those of some
 * windows, which are looked for where panes are rows. Which sessions begin at one moment, and are the first of it,
 * isn't looked for. */
bool view_changes_are_all(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                          const struct stream_position *since)
{
    const struct finality now = finality_of(snapshot, view);
    if (since->current != snapshot_view_is_current(snapshot, view) || since->finality.complete != now.complete)
        return true;
    if (view_is_of_sessions(query->view) && query->question.per_window)
        return true;
    return now.complete && since->finality.settled_us != now.settled_us && !question_is_plain(&query->question);
}

struct picking {
    const struct snapshot *snapshot;
    size_t view; /* its number */
    const struct view_query *query;
    const struct view_state *state;
    struct finality finality;
    int64_t begins_us; /* windows before it are expired */
    struct selection *selection;
};

static void pick_gone(const struct picking *picking, int64_t start_us, struct text group)
{
    selection_add(picking->selection, &(struct selected_row){.start_us = start_us, .group = group});
}

/* --- panes that are rows themselves --- */

static bool is_asked_for(const struct picking *picking, int64_t start_us, struct text group)
{
    const struct view_query *query = picking->query;
    return start_us >= query->from_us && start_us < query->to_us && view_query_takes(query, query->view, group);
}

/* The row of a pane, or that there is none. */
static void pick_row(const struct picking *picking, const struct window_rows *window, const struct row *row)
{
    const struct view *view = picking->query->view;
    struct cell_total merged;
    struct cell *cell = row_merge(row, view, &merged);
    bool has_live = !cell_is_zero(view, row_cell(row, view, LAYER_SPEED));
    has_live |= snapshot_take_members(picking->snapshot, picking->view, window->start_us, row_group(row, view), cell);
    if (cell->count == 0)
        pick_gone(picking, window->start_us, row_group(row, view));
    else
        selection_add(picking->selection,
                      &(struct selected_row){window->start_us, window->end_us,
                                             row_is_final(&picking->finality, window->end_us, has_live),
                                             row_group(row, view), cell});
}

static const struct window_rows *find_window(const struct view_rows *rows, int64_t start_us)
{
    size_t at = view_rows_window(rows, start_us);
    return at < rows->count && rows->windows[at].start_us == start_us ? &rows->windows[at] : NULL;
}

static void pick_change(const struct picking *picking, const struct change *change)
{
    const struct view *view = picking->query->view;
    const struct window_rows *window = find_window(&picking->state->rows, change->window_start_us);
    if (!is_asked_for(picking, change->window_start_us, change->group))
        return;
    size_t at = window ? window_rows_group(view, window, change->group, false) : 0;
    bool is_there = window && change->window_start_us >= picking->begins_us && at < window->count &&
                    text_equal(row_group(window->rows[at], view), change->group);
    if (is_there)
        pick_row(picking, window, window->rows[at]);
    else
        pick_gone(picking, change->window_start_us, change->group);
}

static void pick_window(const struct picking *picking, const struct window_rows *window)
{
    for (size_t i = 0; i < window->count; i++)
        if (is_asked_for(picking, window->start_us, row_group(window->rows[i], picking->query->view)))
            pick_row(picking, window, window->rows[i]);
}

/* Windows that end after one time and up to the other; they end in the order in which they start. */
static void pick_settled(const struct picking *picking, int64_t after_us, int64_t until_us)
{
    const struct view_rows *rows = &picking->state->rows;
    for (size_t i = rows->count; i > 0 && rows->windows[i - 1].end_us > after_us; i--) {
        const struct window_rows *window = &rows->windows[i - 1];
        if (window->end_us <= until_us && window->start_us >= picking->begins_us)
            pick_window(picking, window);
    }
}

static void pick_panes(const struct picking *picking, const struct finality *since, const struct changes *changes)
{
    int64_t before_us = since->settled_us, now_us = picking->finality.settled_us;
    for (size_t i = 0; i < changes->count && !picking->selection->bytes.failed; i++)
        pick_change(picking, &changes->changes[i]);
    if (picking->finality.complete && before_us != now_us)
        pick_settled(picking, before_us < now_us ? before_us : now_us, before_us < now_us ? now_us : before_us);
}

/* --- panes that are merged --- */

/* The rows that hold a pane that changed: their cells are none. */
static bool note_touched(const struct picking *picking, const struct changes *changes, struct rollup *touched)
{
    const struct view *view = picking->query->view;
    struct cell_total none = {0};
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        if (view_query_takes(picking->query, view, change->group) &&
            !rollup_add(touched, change->window_start_us, change->group, cell_total(&none), true))
            return false;
    }
    return rollup_close(touched);
}

static void pick_merged(const struct picking *picking, struct rollup *rollup, const struct rollup_row *touched)
{
    struct rollup_row row;
    if (rollup_find(rollup, touched->start_us, touched->group, &row))
        selection_add(picking->selection,
                      &(struct selected_row){row.start_us, row.end_us,
                                             row_is_final(&picking->finality, row.end_us, row.is_touched), row.group,
                                             row.cell});
    else
        pick_gone(picking, touched->start_us, touched->group);
}

/* Where only the first rows of a window are given, another row can take the place of one that hasn't changed: of each
 * window that was touched those that are given, and those that aren't. */
static bool pick_first(const struct picking *picking, struct rollup *rollup, const struct rollup *touched)
{
    struct rollup_row row;
    int64_t of_window = 0;
    if (!rollup_order(rollup))
        return false;
    for (size_t i = 0; i < rollup->count; i++) {
        const struct rollup_row *at = rollup->rows[i];
        of_window = i > 0 && at->start_us == rollup->rows[i - 1]->start_us ? of_window + 1 : 1;
        if (of_window > picking->query->question.per_window)
            pick_gone(picking, at->start_us, at->group);
        else
            selection_add(picking->selection,
                          &(struct selected_row){at->start_us, at->end_us,
                                                 row_is_final(&picking->finality, at->end_us, at->is_touched),
                                                 at->group, at->cell});
    }
    for (size_t i = 0; rollup_get(touched, i, &row); i++) {
        struct rollup_row now;
        if (!rollup_find(rollup, row.start_us, row.group, &now))
            pick_gone(picking, row.start_us, row.group);
    }
    return true;
}

/* The range of starts that hold the rows that were touched; false where there are none. */
static bool span(const struct rollup *touched, int64_t *ret_first_us, int64_t *ret_last_us)
{
    struct rollup_row row;
    for (size_t i = 0; rollup_get(touched, i, &row); i++) {
        if (i == 0 || row.start_us < *ret_first_us)
            *ret_first_us = row.start_us;
        if (i == 0 || row.start_us > *ret_last_us)
            *ret_last_us = row.start_us;
    }
    return touched->merged.count > 0;
}

static bool pick_rolled(const struct picking *picking, struct rollup *touched, struct problem *problem)
{
    const struct view_query *query = picking->query;
    struct view_question whole = query->question;
    struct rollup rollup;
    struct rollup_row row;
    int64_t first_us = 0, last_us = 0;
    if (!span(touched, &first_us, &last_us))
        return true;
    whole.per_window = 0;
    rollup_init(&rollup, &whole, first_us > picking->begins_us ? first_us : picking->begins_us, last_us + 1);
    bool done = roll_up_unordered(picking->snapshot, picking->view, query, &rollup, problem);
    if (done && query->question.per_window)
        done = pick_first(picking, &rollup, touched) || problem_memory(problem);
    for (size_t i = 0; done && !query->question.per_window && rollup_get(touched, i, &row); i++)
        pick_merged(picking, &rollup, &row);
    rollup_clean_up(&rollup);
    return done;
}

/* A window of which only a part is past the retention isn't given any more either. */
static bool pick_expired(const struct picking *picking, int64_t since_us, struct problem *problem)
{
    struct rollup expired;
    struct rollup_row row;
    int64_t from_us = since_us > picking->query->from_us ? since_us : picking->query->from_us;
    rollup_init(&expired, &picking->query->question, from_us, picking->state->expired_us);
    bool done = from_us >= picking->state->expired_us ||
                roll_up_unordered(picking->snapshot, picking->view, picking->query, &expired, problem);
    for (size_t i = 0; done && rollup_get(&expired, i, &row); i++)
        pick_gone(picking, row.start_us, row.group);
    rollup_clean_up(&expired);
    return done;
}

static bool pick_touched(const struct picking *picking, const struct changes *changes, struct problem *problem)
{
    struct rollup touched;
    rollup_init(&touched, &picking->query->question, picking->query->from_us, picking->query->to_us);
    bool done = note_touched(picking, changes, &touched) || problem_memory(problem);
    done = done && pick_rolled(picking, &touched, problem);
    rollup_clean_up(&touched);
    return done;
}

/* --- moments, of which sessions are made --- */

/* The moments of a group that changed lie between these. */
struct changed_group {
    bool is_there;
    int64_t first_us, last_us;
};

/* What sessions may have begun with, by start and group as a rollup has them; and the groups that changed. */
struct changed_moments {
    const struct picking *picking;
    struct bytes_map starts, groups;
    struct rollup rollup; /* the sessions that there are */
    struct buffer key;    /* scratch */
};

static void changed_moments_clean_up(struct changed_moments *moments)
{
    bytes_map_clean_up(&moments->starts);
    bytes_map_clean_up(&moments->groups);
    rollup_clean_up(&moments->rollup);
    buffer_clean_up(&moments->key);
}

/* The group among the rows of a pane's; false where the query doesn't take it, or memory is short. */
static bool find_group(struct changed_moments *moments, struct text pane_group, struct text *ret_group)
{
    const struct view_query *query = moments->picking->query;
    return view_query_takes(query, query->view, pane_group) && rollup_group(&moments->rollup, pane_group, ret_group);
}

static bool note_start(struct changed_moments *moments, int64_t at_us, struct text group)
{
    buffer_clear(&moments->key);
    buffer_append(&moments->key, &at_us, sizeof at_us);
    buffer_append_text(&moments->key, group);
    return !moments->key.failed && bytes_map_at(&moments->starts, buffer_text(&moments->key));
}

static bool note_changed(struct changed_moments *moments, const struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        int64_t at_us = changes->changes[i].window_start_us;
        struct text group;
        if (!find_group(moments, changes->changes[i].group, &group))
            continue;
        struct changed_group *changed = bytes_map_at(&moments->groups, group);
        if (!changed || !note_start(moments, at_us, group))
            return false;
        if (!changed->is_there)
            changed->first_us = at_us;
        changed->is_there = true;
        changed->last_us = at_us;
    }
    return true;
}

/* A session that began behind a moment which was none may be part of another one now. */
static bool note_behind(struct changed_moments *moments, const struct changes *changes)
{
    const struct view_rows *rows = &moments->picking->state->rows;
    const int64_t gap_us = moments->rollup.sessions.gap_us;
    if (changes->count == 0)
        return true;
    int64_t until_us = changes->changes[changes->count - 1].window_start_us + gap_us;
    for (size_t i = view_rows_window(rows, changes->changes[0].window_start_us);
         i < rows->count && rows->windows[i].start_us <= until_us; i++) {
        int64_t at_us = rows->windows[i].start_us;
        for (size_t row = 0; row < rows->windows[i].count; row++) {
            struct text group;
            const struct changed_group *changed =
                find_group(moments, row_group(rows->windows[i].rows[row], rows->view), &group)
                    ? bytes_map_find(&moments->groups, group)
                    : NULL;
            if (changed && at_us >= changed->first_us && at_us <= changed->last_us + gap_us &&
                !note_start(moments, at_us, group))
                return false;
        }
    }
    return true;
}

/* Sessions that have, or would have had, a moment that changed. */
static void pick_near(struct changed_moments *moments)
{
    const struct picking *picking = moments->picking;
    struct rollup_row row;
    for (size_t i = 0; rollup_get(&moments->rollup, i, &row); i++) {
        const struct changed_group *changed = bytes_map_find(&moments->groups, row.group);
        if (changed && row.end_us >= changed->first_us &&
            row.start_us <= changed->last_us + moments->rollup.sessions.gap_us)
            selection_add(picking->selection,
                          &(struct selected_row){row.start_us, row.end_us,
                                                 row_is_final(&picking->finality, row.end_us, row.is_touched),
                                                 row.group, row.cell});
    }
}

static void pick_gone_sessions(struct changed_moments *moments)
{
    const struct picking *picking = moments->picking;
    for (size_t i = 0; i < moments->starts.count; i++) {
        struct text key = moments->starts.entries[i].key;
        struct text group = {key.data + sizeof(int64_t), key.length - sizeof(int64_t)};
        struct rollup_row row;
        int64_t start_us;
        memcpy(&start_us, key.data, sizeof start_us);
        if (start_us >= picking->query->from_us && start_us < picking->query->to_us &&
            !rollup_find(&moments->rollup, start_us, group, &row))
            pick_gone(picking, start_us, group);
    }
}

static bool pick_sessions(const struct picking *picking, const struct changes *changes, struct problem *problem)
{
    struct changed_moments moments = {.picking = picking};
    bytes_map_init(&moments.starts, 1);
    bytes_map_init(&moments.groups, sizeof(struct changed_group));
    rollup_init(&moments.rollup, &picking->query->question, picking->begins_us, picking->query->to_us);
    bool done = roll_up_unordered(picking->snapshot, picking->view, picking->query, &moments.rollup, problem);
    if (done)
        done = (note_changed(&moments, changes) && note_behind(&moments, changes)) || problem_memory(problem);
    if (done) {
        pick_near(&moments);
        pick_gone_sessions(&moments);
    }
    changed_moments_clean_up(&moments);
    return done;
}

bool view_changes_pick(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       const struct stream_position *since, const struct changes *changes, struct selection *selection,
                       struct problem *problem)
{
    const struct picking picking = {.snapshot = snapshot,
                                    .view = view,
                                    .query = query,
                                    .state = &snapshot->views[view],
                                    .finality = finality_of(snapshot, view),
                                    .begins_us = pick_begins(&snapshot->views[view], query),
                                    .selection = selection};
    if (!pick_is_held(snapshot, view, query, problem))
        return false;
    if (!snapshot_view_is_current(snapshot, view))
        return true;
    if (question_is_plain(&query->question))
        pick_panes(&picking, &since->finality, changes);
    else if (view_is_of_sessions(query->view)) {
        if (changes->count > 0 && !pick_sessions(&picking, changes, problem))
            return false;
    } else if (!pick_expired(&picking, since->expired_us, problem) || !pick_touched(&picking, changes, problem))
        return false;
    return !selection->bytes.failed || problem_memory(problem);
}

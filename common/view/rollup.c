/* SPDX-License-Identifier: Apache-2.0 */
#include "view/rollup.h"

#include <assert.h>
#include <stdlib.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/lower_bound.h"

/* What the map of groups holds. */
struct rolled_group {
    size_t number;
    struct text name;
    size_t latest, before; /* the numbers of its latest row and of the one before, from 1; 0: it has none */
};

void rollup_init(struct rollup *rollup, const struct view_question *question, int64_t from_us, int64_t to_us)
{
    *rollup = (struct rollup){.question = question, .from_us = from_us, .to_us = to_us};
    bytes_map_init(&rollup->groups, sizeof(struct rolled_group));
    sessions_init(&rollup->sessions, question->rows.window.gap_s * US_PER_SECOND);
    rollup->open_us = rollup->latest_us = INT64_MIN;
}

void rollup_init_members(struct rollup *rollup, const struct view_question *question, size_t number,
                         struct rollup *shown)
{
    rollup_init(rollup, question, shown->from_us, shown->to_us);
    rollup->number = number;
    rollup->shown = shown;
}

static void rows_clean_up(struct rollup_rows *rows)
{
    free(rows->rows);
    arena_clean_up(&rows->cells);
    *rows = (struct rollup_rows){0};
}

void rollup_clean_up(struct rollup *rollup)
{
    bytes_map_clean_up(&rollup->groups);
    rows_clean_up(&rollup->merged);
    rows_clean_up(&rollup->hops);
    sessions_clean_up(&rollup->sessions);
    buffer_clean_up(&rollup->key);
    free(rollup->ranks);
    free(rollup->rows);
    rollup->ranks = NULL;
    rollup->rows = NULL;
}

/* --- merging --- */

/* Finds the window, or the hop, that the pane is in. Returns whether it is another one than before. */
static bool find_window(struct rollup *rollup, int64_t pane_start_us)
{
    const struct view *rows = &rollup->question->rows;
    if (rollup->is_warm && rollup->pane_us == pane_start_us)
        return false;
    int64_t start_us = window_start_us(&rows->window, rows->zone, pane_start_us);
    bool is_next = !rollup->is_warm || rollup->start_us != start_us;
    if (is_next)
        rollup->end_us = window_end_us(&rows->window, rows->zone, start_us);
    rollup->start_us = start_us;
    rollup->pane_us = pane_start_us;
    rollup->is_warm = true;
    return is_next;
}

bool rollup_group(struct rollup *rollup, struct text pane_group, struct text *ret_group)
{
    const struct view_question *question = rollup->question;
    struct value dimensions[DIMENSIONS_MAX], values[FIELDS_MAX];
    *ret_group = pane_group;
    if (question->rows.dimension_count == question->view->dimension_count)
        return true;
    bool is_valid = group_parse(question->view, pane_group, dimensions);
    assert(is_valid);
    for (size_t i = 0; is_valid && i < question->rows.dimension_count; i++)
        values[question->rows.dimensions[i]] = dimensions[question->kept[i]];
    buffer_clear(&rollup->key);
    if (is_valid)
        group_append(&question->rows, values, &rollup->key);
    *ret_group = buffer_text(&rollup->key);
    return !rollup->key.failed;
}

static struct rolled_group *group_at(struct rollup *rollup, struct text name)
{
    size_t count = rollup->groups.count;
    struct rolled_group *group = bytes_map_at(&rollup->groups, name);
    if (group && rollup->groups.count > count) {
        group->number = count;
        group->name = rollup->groups.entries[count].key;
    }
    return group;
}

static bool grow(struct rollup_rows *rows)
{
    size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
    struct rollup_row *grown = realloc(rows->rows, capacity * sizeof *grown);
    if (!grown)
        return false;
    rows->rows = grown;
    rows->capacity = capacity;
    return true;
}

/* NULL where memory is short, or with `is_full`. */
static struct rollup_row *append_row(struct rollup *rollup, struct rollup_rows *rows, int64_t start_us, int64_t end_us,
                                     struct text group, size_t group_number)
{
    rollup->is_full = rollup->is_full || rows->count == ROLLUP_ROWS_MAX;
    if (rollup->is_full || (rows->count == rows->capacity && !grow(rows)))
        return NULL;
    struct cell *cell = arena_allocate(&rows->cells, cell_size(&rollup->question->rows));
    if (!cell)
        return NULL;
    struct rollup_row *row = &rows->rows[rows->count++];
    *row = (struct rollup_row){
        .start_us = start_us, .end_us = end_us, .group = group, .group_number = group_number, .cell = cell};
    return row;
}

static struct rollup_row *row_numbered(const struct rollup_rows *rows, size_t number)
{
    return number ? &rows->rows[number - 1] : NULL;
}

/* The latest row of the group, where it starts then. */
static struct rollup_row *latest_row(const struct rollup_rows *rows, const struct rolled_group *group, int64_t start_us)
{
    struct rollup_row *row = row_numbered(rows, group->latest);
    return row && row->start_us == start_us ? row : NULL;
}

/* Where the clock goes back over midnight, the day before goes on after the first moments of the next one. */
static struct rollup_row *open_row(const struct rollup_rows *rows, const struct rolled_group *group, int64_t start_us)
{
    struct rollup_row *row = latest_row(rows, group, start_us), *before = row_numbered(rows, group->before);
    return row || !before || before->start_us != start_us ? row : before;
}

static void note_row(struct rollup_rows *rows, struct rolled_group *group, int64_t start_us)
{
    const struct rollup_row *latest = row_numbered(rows, group->latest);
    bool is_latest = !latest || latest->start_us < start_us;
    rows->is_disordered = rows->is_disordered || (rows->count > 1 && rows->rows[rows->count - 2].start_us > start_us);
    if (is_latest)
        group->before = group->latest;
    *(is_latest ? &group->latest : &group->before) = rows->count;
}

static bool add_to(struct rollup *rollup, struct rollup_rows *rows, struct rolled_group *group, int64_t start_us,
                   int64_t end_us, const struct cell *cell, bool is_touched)
{
    struct rollup_row *row = open_row(rows, group, start_us);
    if (!row) {
        row = append_row(rollup, rows, start_us, end_us, group->name, group->number);
        if (!row)
            return false;
        note_row(rows, group, start_us);
    }
    row->end_us = end_us;
    row->is_touched |= is_touched;
    cell_merge(&rollup->question->rows, row->cell, cell);
    return true;
}

static bool is_in_range(const struct rollup *rollup, int64_t start_us)
{
    return start_us >= rollup->from_us && start_us < rollup->to_us;
}

/* What lay there once touches the session that it would be in. */
static void take_back_moment(struct rollup *rollup, const struct rolled_group *group, struct session *session,
                             int64_t at_us)
{
    struct rollup_row *row = latest_row(&rollup->merged, group, session->first_us);
    if (session_take_back(&rollup->sessions, session, at_us) && row)
        row->is_touched = true;
}

static bool add_moment(struct rollup *rollup, struct rolled_group *group, int64_t at_us, const struct cell *cell,
                       bool is_touched)
{
    struct session *session = sessions_of(&rollup->sessions, group->name);
    if (!session)
        return false;
    if (cell->count <= 0) {
        if (is_touched)
            take_back_moment(rollup, group, session, at_us);
        return true;
    }
    is_touched |= session_add(&rollup->sessions, session, at_us);
    if (!is_in_range(rollup, session->first_us))
        return true;
    int64_t end_us = at_us + rollup->sessions.gap_us;
    rollup->open_us = end_us + 1;
    return add_to(rollup, &rollup->merged, group, session->first_us, end_us, cell, is_touched);
}

/* --- rows by start and group --- */

static int compare_groups(const void *left, const void *right, void *view)
{
    const struct rolled_group *const *a = left, *const *b = right;
    return group_compare(view, (*a)->name, (*b)->name);
}

/* Groups are compared once, and rows by what came of it. */
static bool rank_groups(struct rollup *rollup)
{
    size_t count = rollup->groups.count;
    const struct rolled_group **groups = malloc((count + 1) * sizeof *groups);
    rollup->ranks = malloc((count + 1) * sizeof *rollup->ranks);
    bool done = groups && rollup->ranks;
    for (size_t i = 0; done && i < count; i++)
        groups[i] = rollup->groups.entries[i].value;
    if (done)
        qsort_r(groups, count, sizeof *groups, compare_groups, (void *)(uintptr_t)&rollup->question->rows);
    for (size_t i = 0; done && i < count; i++)
        rollup->ranks[groups[i]->number] = i;
    free(groups);
    return done;
}

int rollup_compare(const struct rollup *rollup, const struct rollup_row *a, const struct rollup_row *b)
{
    int order = wide_compare(a->start_us, b->start_us);
    return order ? order : wide_compare(rollup->ranks[a->group_number], rollup->ranks[b->group_number]);
}

static int compare_in_window(const void *left, const void *right, void *rollup)
{
    return rollup_compare(rollup, left, right);
}

static int compare_starts(const void *left, const void *right)
{
    const struct rollup_row *a = left, *b = right;
    return wide_compare(a->start_us, b->start_us);
}

/* The rows of one window after the other come in order of the windows, mostly. */
static void sort_windows(struct rollup *rollup)
{
    struct rollup_row *rows = rollup->merged.rows;
    if (rollup->merged.is_disordered)
        qsort(rows, rollup->merged.count, sizeof *rows, compare_starts);
    for (size_t first = 0, next; first < rollup->merged.count; first = next) {
        bool is_sorted = true;
        for (next = first + 1; next < rollup->merged.count && rows[next].start_us == rows[first].start_us; next++)
            is_sorted = is_sorted && rollup_compare(rollup, &rows[next - 1], &rows[next]) < 0;
        if (!is_sorted)
            qsort_r(&rows[first], next - first, sizeof *rows, compare_in_window, rollup);
    }
}

struct row_place {
    const struct rollup *rollup;
    struct rollup_row row;
};

static bool lies_before(const void *context, size_t number)
{
    const struct row_place *place = context;
    return rollup_compare(place->rollup, &place->rollup->merged.rows[number], &place->row) < 0;
}

/* The row of a group, by its number, that starts then; NULL where there is none. */
static struct rollup_row *find_row(const struct rollup *rollup, int64_t start_us, size_t group_number)
{
    const struct row_place place = {rollup, {.start_us = start_us, .group_number = group_number}};
    size_t at = lower_bound(rollup->merged.count, lies_before, &place);
    struct rollup_row *row = at < rollup->merged.count ? &rollup->merged.rows[at] : NULL;
    return row && rollup_compare(rollup, row, &place.row) == 0 ? row : NULL;
}

/* --- hops and members --- */

static bool take_hopping(void *context, const struct rollup_row *row)
{
    struct rollup *rollup = context;
    struct rollup_row *copy =
        append_row(rollup, &rollup->merged, row->start_us, row->end_us, row->group, row->group_number);
    if (!copy)
        return false;
    copy->is_touched = row->is_touched;
    cell_merge(&rollup->question->rows, copy->cell, row->cell);
    return true;
}

static void reverse(struct rollup_rows *rows)
{
    for (size_t i = 0; i < rows->count / 2; i++) {
        struct rollup_row row = rows->rows[i];
        rows->rows[i] = rows->rows[rows->count - 1 - i];
        rows->rows[rows->count - 1 - i] = row;
    }
}

/* Gives the rows of windows that hop, the latest window first. */
static bool slide_hops(const struct rollup *rollup, take_rollup_row *take, void *context)
{
    const struct sliding sliding = {.view = &rollup->question->rows,
                                    .panes = rollup->question->panes,
                                    .from_us = rollup->from_us,
                                    .to_us = rollup->to_us,
                                    .group_count = rollup->groups.count,
                                    .take = take,
                                    .context = context};
    return slide(&sliding, rollup->hops.rows, rollup->hops.count);
}

/* Members on their way into the rows that show them. */
struct member_taking {
    struct rollup *members;
    struct member {
        struct value value;
        size_t group_number; /* of the rows; SIZE_MAX: none has it */
    } * each;                /* by number of the members' groups */
    struct rollup_row *last; /* that took one */
    size_t count;
};

static bool find_members(struct member_taking *taking)
{
    const struct rollup *members = taking->members;
    struct text group;
    taking->each = malloc((members->groups.count + 1) * sizeof *taking->each);
    for (size_t i = 0; taking->each && i < members->groups.count; i++) {
        struct member *member = &taking->each[i];
        bool is_valid = member_parse(&members->question->rows, members->groups.entries[i].key, &group, &member->value);
        const struct rolled_group *found = is_valid ? bytes_map_find(&members->shown->groups, group) : NULL;
        member->group_number = found ? found->number : SIZE_MAX;
    }
    return taking->each != NULL;
}

static bool take_member(void *context, const struct rollup_row *row)
{
    struct member_taking *taking = context;
    struct rollup *members = taking->members, *shown = members->shown;
    const struct member *member = &taking->each[row->group_number];
    if (++taking->count > ROLLUP_ROWS_MAX) {
        members->is_full = true;
        return false;
    }
    if (member->group_number == SIZE_MAX)
        return true;
    if (!taking->last || taking->last->start_us != row->start_us || taking->last->group_number != member->group_number)
        taking->last = find_row(shown, row->start_us, member->group_number);
    if (!taking->last)
        return true;
    taking->last->is_touched |= row->is_touched;
    if (row->cell->count > 0)
        cell_take_member(&shown->question->rows, taking->last->cell, members->number, &member->value);
    return true;
}

/* Has the rows take what was added, and forgets it. */
static bool give_members(struct rollup *members)
{
    struct member_taking taking = {.members = members};
    bool done = find_members(&taking);
    if (done && members->question->panes > 1)
        done = slide_hops(members, take_member, &taking);
    for (size_t i = 0; done && i < members->merged.count; i++)
        done = take_member(&taking, &members->merged.rows[i]);
    free(taking.each);
    bytes_map_clear(&members->groups);
    members->merged.count = 0;
    members->merged.is_disordered = false;
    arena_clear(&members->merged.cells);
    return done;
}

/* One map of members does for all windows: it is emptied when another one begins, and no pane of those before can come
 * any more. */
static bool may_give_members(const struct rollup *members)
{
    const struct view *rows = &members->question->rows;
    int64_t pane_s = floor_divide(members->pane_us, US_PER_SECOND);
    return members->start_us > members->latest_us &&
           (!window_is_of_days(&rows->window) || pane_s + SECONDS_PER_DAY < zone_span(rows->zone, pane_s).to_s);
}

bool rollup_add(struct rollup *rollup, int64_t pane_start_us, struct text pane_group, const struct cell *cell,
                bool is_touched)
{
    bool are_sessions = view_is_of_sessions(&rollup->question->rows), hops = rollup->question->panes > 1;
    assert(!rollup->is_warm || are_sessions || pane_start_us >= rollup->pane_us);
    if (!are_sessions) {
        bool is_next = find_window(rollup, pane_start_us);
        if (is_next && rollup->shown && !hops && may_give_members(rollup) && !give_members(rollup))
            return false;
        if (rollup->start_us > rollup->latest_us)
            rollup->latest_us = rollup->start_us;
        if (rollup->start_us < rollup->from_us || (!hops && rollup->start_us >= rollup->to_us))
            return true;
    }
    struct text name;
    struct rolled_group *group = rollup_group(rollup, pane_group, &name) ? group_at(rollup, name) : NULL;
    if (!group)
        return false;
    if (are_sessions)
        return add_moment(rollup, group, pane_start_us, cell, is_touched);
    return add_to(rollup, hops ? &rollup->hops : &rollup->merged, group, rollup->start_us, rollup->end_us, cell,
                  is_touched);
}

bool rollup_close(struct rollup *rollup)
{
    if (rollup->hops.is_disordered)
        qsort(rollup->hops.rows, rollup->hops.count, sizeof *rollup->hops.rows, compare_starts);
    if (rollup->shown)
        return give_members(rollup);
    if (rollup->question->panes > 1) {
        if (!slide_hops(rollup, take_hopping, rollup))
            return false;
        reverse(&rollup->merged);
        rows_clean_up(&rollup->hops);
    }
    if (!rank_groups(rollup))
        return false;
    sort_windows(rollup);
    return true;
}

int64_t rollup_begins_us(const struct rollup *rollup)
{
    int64_t gap_us = rollup->sessions.gap_us;
    return rollup->from_us < INT64_MIN + gap_us ? INT64_MIN : rollup->from_us - gap_us;
}

int64_t rollup_reach_us(const struct rollup *rollup)
{
    const struct view_question *question = rollup->question;
    if (view_is_of_sessions(&question->rows))
        return rollup->open_us > rollup->to_us ? rollup->open_us : rollup->to_us;
    /* Days, and what the clock shows twice: some more than the length. */
    int64_t length_us = (question->panes * question->rows.window.length_s + 3 * SECONDS_PER_DAY) * US_PER_SECOND;
    return rollup->to_us > INT64_MAX - 2 * length_us ? INT64_MAX : rollup->to_us + 2 * length_us;
}

bool rollup_get(const struct rollup *rollup, size_t number, struct rollup_row *ret_row)
{
    if (number >= rollup->merged.count)
        return false;
    *ret_row = rollup->merged.rows[number];
    return true;
}

bool rollup_find(const struct rollup *rollup, int64_t start_us, struct text name, struct rollup_row *ret_row)
{
    const struct rolled_group *group = bytes_map_find(&rollup->groups, name);
    const struct rollup_row *row = group ? find_row(rollup, start_us, group->number) : NULL;
    if (!row || row->cell->count == 0)
        return false;
    *ret_row = *row;
    return true;
}

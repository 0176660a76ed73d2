/* SPDX-License-Identifier: Apache-2.0 */
#include "view/rollup.h"

#include <stdlib.h>

#include "base/clock.h"
#include "view/sliding.h"

/* What the maps hold: a cell, whether a pane of it was touched, and of a session or a hopping window where it ends. */
struct rolled {
    bool is_touched;
    int64_t end_us;
    struct cell cell;
};

void rollup_init(struct rollup *rollup, const struct view_question *question, int64_t from_us, int64_t to_us)
{
    *rollup = (struct rollup){.question = question, .from_us = from_us, .to_us = to_us};
    bytes_map_init(&rollup->map, offsetof(struct rolled, cell) + cell_size(&question->rows));
    bytes_map_init(&rollup->hops, offsetof(struct rolled, cell) + cell_size(&question->rows));
    sessions_init(&rollup->sessions, question->rows.window.gap_s * US_PER_SECOND);
    rollup->open_us = INT64_MIN;
}

void rollup_clean_up(struct rollup *rollup)
{
    bytes_map_clean_up(&rollup->map);
    bytes_map_clean_up(&rollup->hops);
    sessions_clean_up(&rollup->sessions);
    buffer_clean_up(&rollup->key);
    free(rollup->rows);
    rollup->rows = NULL;
}

/* --- merging --- */

/* The start of the window, or of the hop, that the pane is in. */
static int64_t start_of(struct rollup *rollup, int64_t pane_start_us)
{
    const struct view *rows = &rollup->question->rows;
    if (!rollup->is_warm || rollup->pane_us != pane_start_us)
        rollup->start_us = window_start_us(&rows->window, rows->zone, pane_start_us);
    rollup->pane_us = pane_start_us;
    rollup->is_warm = true;
    return rollup->start_us;
}

static void append_group(struct rollup *rollup, const struct value dimensions[])
{
    const struct view_question *question = rollup->question;
    struct value values[FIELDS_MAX];
    for (size_t i = 0; i < question->rows.dimension_count; i++)
        values[question->rows.dimensions[i]] = dimensions[question->kept[i]];
    group_append(&question->rows, values, &rollup->key);
}

static struct rolled *add_to(struct rollup *rollup, struct bytes_map *map, int64_t start_us, const struct cell *cell,
                             bool is_touched)
{
    memcpy(rollup->key.data, &start_us, sizeof start_us);
    struct rolled *rolled = bytes_map_at(map, buffer_text(&rollup->key));
    rollup->is_full = map->count > ROLLUP_ROWS_MAX;
    if (!rolled || rollup->is_full)
        return NULL;
    cell_merge(&rollup->question->rows, &rolled->cell, cell);
    rolled->is_touched |= is_touched;
    return rolled;
}

static bool is_in_range(const struct rollup *rollup, int64_t start_us)
{
    return start_us >= rollup->from_us && start_us < rollup->to_us;
}

/* What lay there once touches the session that it would be in. */
static void take_back_moment(struct rollup *rollup, struct session *session, int64_t at_us)
{
    struct text row = buffer_text(&rollup->key);
    memcpy(rollup->key.data, &session->first_us, sizeof session->first_us);
    struct rolled *rolled =
        session_take_back(&rollup->sessions, session, at_us) ? bytes_map_find(&rollup->map, row) : NULL;
    if (rolled)
        rolled->is_touched = true;
}

/* The key has the group. */
static bool add_moment(struct rollup *rollup, int64_t at_us, const struct cell *cell, bool is_touched)
{
    struct text row = buffer_text(&rollup->key), group = {row.data + sizeof at_us, row.length - sizeof at_us};
    struct session *session = sessions_of(&rollup->sessions, group);
    if (!session)
        return false;
    if (cell->count <= 0) {
        if (is_touched)
            take_back_moment(rollup, session, at_us);
        return true;
    }
    is_touched |= session_add(&rollup->sessions, session, at_us);
    if (!is_in_range(rollup, session->first_us))
        return true;
    struct rolled *rolled = add_to(rollup, &rollup->map, session->first_us, cell, is_touched);
    if (!rolled)
        return false;
    rolled->end_us = at_us + rollup->sessions.gap_us;
    rollup->open_us = rolled->end_us + 1;
    return true;
}

/* The key of a row of this group; its start is still to be put in. */
static bool begin_key(struct rollup *rollup, const struct value dimensions[])
{
    const int64_t start_us = 0;
    buffer_clear(&rollup->key);
    buffer_append(&rollup->key, &start_us, sizeof start_us);
    append_group(rollup, dimensions);
    return !rollup->key.failed;
}

struct text rollup_group(struct rollup *rollup, const struct value dimensions[])
{
    if (!begin_key(rollup, dimensions))
        return (struct text){0};
    return (struct text){rollup->key.data + sizeof(int64_t), rollup->key.length - sizeof(int64_t)};
}

bool rollup_add(struct rollup *rollup, int64_t pane_start_us, const struct value dimensions[], const struct cell *cell,
                bool is_touched)
{
    if (view_is_of_sessions(&rollup->question->rows))
        return begin_key(rollup, dimensions) && add_moment(rollup, pane_start_us, cell, is_touched);
    int64_t start_us = start_of(rollup, pane_start_us);
    bool hops = rollup->question->panes > 1;
    if (start_us < rollup->from_us || (!hops && start_us >= rollup->to_us))
        return true;
    return begin_key(rollup, dimensions) &&
           add_to(rollup, hops ? &rollup->hops : &rollup->map, start_us, cell, is_touched);
}

static bool take_row(void *context, const struct hop_row *row)
{
    struct rollup *rollup = context;
    const int64_t start_us = 0;
    buffer_clear(&rollup->key);
    buffer_append(&rollup->key, &start_us, sizeof start_us);
    buffer_append_text(&rollup->key, row->group);
    struct rolled *rolled =
        rollup->key.failed ? NULL : add_to(rollup, &rollup->map, row->start_us, row->cell, row->is_touched);
    if (rolled)
        rolled->end_us = row->end_us;
    return rolled != NULL;
}

static bool slide_hops(struct rollup *rollup, struct hop_pane panes[])
{
    const struct view_question *question = rollup->question;
    const struct sliding sliding = {&question->rows, question->panes, rollup->from_us, rollup->to_us, take_row, rollup};
    for (size_t i = 0; i < rollup->hops.count; i++) {
        const struct bytes_map_entry *entry = &rollup->hops.entries[i];
        const struct rolled *rolled = entry->value;
        panes[i] = (struct hop_pane){.group = {entry->key.data + sizeof(int64_t), entry->key.length - sizeof(int64_t)},
                                     .cell = &rolled->cell,
                                     .is_touched = rolled->is_touched};
        memcpy(&panes[i].start_us, entry->key.data, sizeof panes[i].start_us);
    }
    return slide(&sliding, panes, rollup->hops.count);
}

bool rollup_close(struct rollup *rollup)
{
    if (rollup->question->panes == 1 || rollup->hops.count == 0)
        return true;
    struct hop_pane *panes = malloc(rollup->hops.count * sizeof *panes);
    bool done = panes && slide_hops(rollup, panes);
    free(panes);
    return done;
}

void rollup_take_members(struct rollup *rollup, size_t number, const struct rollup *members)
{
    const struct view *hidden = &members->question->rows;
    const size_t start_length = sizeof(int64_t);
    for (size_t i = 0; i < members->map.count; i++) {
        const struct bytes_map_entry *entry = &members->map.entries[i];
        const struct rolled *member = entry->value;
        struct text group = {entry->key.data + start_length, entry->key.length - start_length};
        struct text row = {entry->key.data, start_length + member_group(hidden, group).length};
        struct rolled *rolled = bytes_map_find(&rollup->map, row);
        struct value values[DIMENSIONS_MAX];
        if (!rolled || !group_parse(hidden, group, values))
            continue;
        rolled->is_touched |= member->is_touched;
        if (member->cell.count > 0)
            cell_take_member(&rollup->question->rows, &rolled->cell, number, &values[hidden->dimension_count - 1]);
    }
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

/* --- the order --- */

static int compare_numbers(wide a, wide b)
{
    return (a > b) - (a < b);
}

/* A measure as it is shown; false where it is null. */
static bool measure_value(const struct measure *measure, const struct cell *cell, wide *ret_value)
{
    if (measure_is_null(measure, cell))
        return false;
    const struct sum *sum = &cell->sums[measure->sum];
    *ret_value = measure->kind == MEASURE_COUNT     ? measure_count(measure, cell)
                 : measure->kind == MEASURE_UNIQUE  ? sum->count
                 : measure->kind == MEASURE_AVERAGE ? wide_average(sum->total, sum->count)
                                                    : sum->total;
    return true;
}

/* Nulls last, whichever way the others go. */
static int compare_present(bool a, bool b, bool descends, int order)
{
    if (!a || !b)
        return (int)b - (int)a;
    return descends ? -order : order;
}

static int compare_measures(const struct measure *measure, const struct order_key *key, const struct rollup_row *a,
                            const struct rollup_row *b)
{
    wide left = 0, right = 0;
    bool is_left = measure_value(measure, a->cell, &left), is_right = measure_value(measure, b->cell, &right);
    return compare_present(is_left, is_right, key->descends, compare_numbers(left, right));
}

static int compare_dimensions(const struct view *rows, const struct order_key *key, const struct rollup_row *a,
                              const struct rollup_row *b)
{
    struct value left[DIMENSIONS_MAX], right[DIMENSIONS_MAX];
    if (!group_parse(rows, a->group, left) || !group_parse(rows, b->group, right))
        return 0;
    const struct value *one = &left[key->number], *other = &right[key->number];
    bool is_text = rows->schema->fields[rows->dimensions[key->number]].type == FIELD_TEXT;
    int order = !one->present || !other->present ? 0
                : is_text                        ? text_compare(one->text, other->text)
                                                 : compare_numbers(one->number, other->number);
    return compare_present(one->present, other->present, key->descends, order);
}

static int compare_by(const struct view *rows, const struct order_key *key, const struct rollup_row *a,
                      const struct rollup_row *b)
{
    if (key->kind == ORDER_MEASURE)
        return compare_measures(&rows->measures[key->number], key, a, b);
    if (key->kind == ORDER_DIMENSION)
        return compare_dimensions(rows, key, a, b);
    return compare_present(true, true, key->descends, compare_numbers(a->start_us, b->start_us));
}

/* By the order, then by window, then by dimensions. */
static int compare_rows(const void *left, const void *right, void *context)
{
    const struct view_question *question = context;
    const struct rollup_row *a = left, *b = right;
    for (size_t i = 0; i < question->order_count; i++) {
        int order = compare_by(&question->rows, &question->order[i], a, b);
        if (order)
            return order;
    }
    int order = compare_numbers(a->start_us, b->start_us);
    return order ? order : group_compare(&question->rows, a->group, b->group);
}

/* The same of each window by itself, one window after the other. */
static int compare_in_windows(const void *left, const void *right, void *context)
{
    const struct rollup_row *a = left, *b = right;
    int order = compare_numbers(a->start_us, b->start_us);
    return order ? order : compare_rows(left, right, context);
}

static int64_t end_of(const struct view_question *question, const struct rollup_row *row)
{
    if (question->panes > 1 || view_is_of_sessions(&question->rows))
        return row->end_us;
    return window_end_us(&question->rows.window, question->rows.zone, row->start_us);
}

bool rollup_get(const struct rollup *rollup, size_t number, struct rollup_row *ret_row)
{
    if (number >= rollup->map.count)
        return false;
    const struct bytes_map_entry *entry = &rollup->map.entries[number];
    const struct rolled *rolled = entry->value;
    *ret_row = (struct rollup_row){.group = {entry->key.data + sizeof(int64_t), entry->key.length - sizeof(int64_t)},
                                   .cell = &rolled->cell,
                                   .end_us = rolled->end_us,
                                   .is_touched = rolled->is_touched};
    memcpy(&ret_row->start_us, entry->key.data, sizeof ret_row->start_us);
    return true;
}

bool rollup_find(struct rollup *rollup, int64_t start_us, struct text group, struct rollup_row *ret_row)
{
    buffer_clear(&rollup->key);
    buffer_append(&rollup->key, &start_us, sizeof start_us);
    buffer_append_text(&rollup->key, group);
    const struct rolled *rolled = rollup->key.failed ? NULL : bytes_map_find(&rollup->map, buffer_text(&rollup->key));
    if (!rolled || rolled->cell.count == 0)
        return false;
    *ret_row = (struct rollup_row){.start_us = start_us,
                                   .end_us = rolled->end_us,
                                   .group = group,
                                   .cell = &rolled->cell,
                                   .is_touched = rolled->is_touched};
    ret_row->end_us = end_of(rollup->question, ret_row);
    return true;
}

/* Rows of which a version counts. */
static void collect(struct rollup *rollup)
{
    struct rollup_row row;
    for (size_t i = 0; rollup_get(rollup, i, &row); i++)
        if (row.cell->count != 0)
            rollup->rows[rollup->count++] = row;
}

/* Keeps the first rows of each window; those of a window lie side by side. */
static void keep_first(struct rollup *rollup)
{
    size_t kept = 0;
    int64_t of_window = 0;
    for (size_t i = 0; i < rollup->count; i++) {
        of_window = i > 0 && rollup->rows[i].start_us == rollup->rows[i - 1].start_us ? of_window + 1 : 1;
        if (of_window <= rollup->question->per_window)
            rollup->rows[kept++] = rollup->rows[i];
    }
    rollup->count = kept;
}

static void sort(struct rollup *rollup, int compare(const void *, const void *, void *))
{
    qsort_r(rollup->rows, rollup->count, sizeof *rollup->rows, compare, (void *)(uintptr_t)rollup->question);
}

bool rollup_order(struct rollup *rollup)
{
    rollup->rows = malloc((rollup->map.count + 1) * sizeof *rollup->rows);
    if (!rollup->rows)
        return false;
    collect(rollup);
    sort(rollup, compare_in_windows);
    for (size_t i = 0; i < rollup->count; i++) {
        struct rollup_row *row = &rollup->rows[i];
        bool is_same =
            i > 0 && rollup->rows[i - 1].start_us == row->start_us && !view_is_of_sessions(&rollup->question->rows);
        row->end_us = is_same ? rollup->rows[i - 1].end_us : end_of(rollup->question, row);
    }
    if (rollup->question->per_window)
        keep_first(rollup);
    if (rollup->question->order_count)
        sort(rollup, compare_rows);
    return true;
}

size_t rollup_behind(const struct rollup *rollup, const struct rollup_row *row)
{
    size_t low = 0, high = rollup->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_rows(&rollup->rows[middle], row, (void *)(uintptr_t)rollup->question) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

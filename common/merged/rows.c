/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/lower_bound.h"

/* Header, the two cells and the bytes of the group lie in one allocation. */
struct row {
    size_t group_length;
    _Alignas(16) unsigned char data[];
};

#define ALLOCATION_OVERHEAD 16

static struct cell *cell_of(struct row *row, const struct view *view, enum layer layer)
{
    return (struct cell *)(void *)(row->data + (layer == LAYER_SPEED ? cell_size(view) : 0));
}

const struct cell *row_cell(const struct row *row, const struct view *view, enum layer layer)
{
    return (const struct cell *)(const void *)(row->data + (layer == LAYER_SPEED ? cell_size(view) : 0));
}

struct cell *row_merge(const struct row *row, const struct view *view, struct cell_total *ret_merged)
{
    struct cell *merged = cell_total(ret_merged);
    memcpy(merged, row_cell(row, view, LAYER_BATCH), cell_size(view));
    cell_merge(view, merged, row_cell(row, view, LAYER_SPEED));
    return merged;
}

struct text row_group(const struct row *row, const struct view *view)
{
    return (struct text){(const char *)row->data + 2 * cell_size(view), row->group_length};
}

static size_t row_size(const struct view *view, size_t group_length)
{
    return sizeof(struct row) + 2 * cell_size(view) + group_length;
}

/* What a row costs, with its pointer. */
static size_t row_bytes(const struct view *view, const struct row *row)
{
    return row_size(view, row->group_length) + ALLOCATION_OVERHEAD + sizeof(struct row *);
}

static struct row *row_new(const struct view *view, struct text group)
{
    struct row *row = aligned_alloc(16, (row_size(view, group.length) + 15) & ~(size_t)15);
    if (!row)
        return NULL;
    row->group_length = group.length;
    memset(row->data, 0, 2 * cell_size(view));
    if (group.length)
        memcpy(row->data + 2 * cell_size(view), group.data, group.length);
    return row;
}

static int compare_panes(const void *left, const void *right, void *view)
{
    const struct pane *a = left, *b = right;
    if (a->window_start_us != b->window_start_us)
        return a->window_start_us < b->window_start_us ? -1 : 1;
    return group_compare(view, a->group, b->group);
}

bool sorted_panes_init(struct sorted_panes *sorted, const struct panes *panes)
{
    *sorted = (struct sorted_panes){.count = panes_count(panes)};
    sorted->panes = malloc((sorted->count + 1) * sizeof *sorted->panes);
    if (!sorted->panes)
        return false;
    for (size_t i = 0; i < sorted->count; i++)
        sorted->panes[i] = panes_get(panes, i);
    qsort_r(sorted->panes, sorted->count, sizeof *sorted->panes, compare_panes, (void *)(uintptr_t)panes->view);
    return true;
}

void sorted_panes_clean_up(struct sorted_panes *sorted)
{
    free(sorted->panes);
    *sorted = (struct sorted_panes){0};
}

void view_rows_init(struct view_rows *rows, const struct view *view)
{
    *rows = (struct view_rows){.view = view, .floor_us = INT64_MIN};
}

static void free_window(struct view_rows *rows, struct window_rows *window)
{
    for (size_t i = 0; i < window->count; i++) {
        rows->bytes -= row_bytes(rows->view, window->rows[i]);
        free(window->rows[i]);
    }
    rows->row_count -= window->count;
    rows->bytes -= sizeof *window;
    free(window->rows);
}

void view_rows_clean_up(struct view_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free_window(rows, &rows->windows[i]);
    free(rows->windows);
    view_rows_init(rows, rows->view);
}

struct window_wanted {
    const struct view_rows *rows;
    int64_t start_us;
};

static bool starts_before(const void *context, size_t number)
{
    const struct window_wanted *wanted = context;
    return wanted->rows->windows[number].start_us < wanted->start_us;
}

size_t view_rows_window(const struct view_rows *rows, int64_t start_us)
{
    const struct window_wanted wanted = {rows, start_us};
    return lower_bound(rows->count, starts_before, &wanted);
}

struct group_wanted {
    const struct view *view;
    const struct view *order; /* whose dimensions are compared: the first ones */
    const struct window_rows *window;
    struct text group;
    bool after; /* rows of this group itself lie before it too */
};

static bool group_lies_before(const void *context, size_t number)
{
    const struct group_wanted *wanted = context;
    int order = group_compare(wanted->order, row_group(wanted->window->rows[number], wanted->view), wanted->group);
    return order < 0 || (wanted->after && order == 0);
}

size_t window_rows_group(const struct view *view, const struct window_rows *window, struct text group, bool after)
{
    const struct group_wanted wanted = {view, view, window, group, after};
    return lower_bound(window->count, group_lies_before, &wanted);
}

size_t window_rows_first(const struct view *hidden, const struct window_rows *window, struct text group)
{
    const struct group_wanted wanted = {hidden, hidden->shown, window, group, false};
    return lower_bound(window->count, group_lies_before, &wanted);
}

/* The window that starts here, made where it is new. */
static struct window_rows *window_at(struct view_rows *rows, int64_t start_us)
{
    size_t at = view_rows_window(rows, start_us);
    if (at < rows->count && rows->windows[at].start_us == start_us)
        return &rows->windows[at];
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
        struct window_rows *windows = realloc(rows->windows, capacity * sizeof *windows);
        if (!windows)
            return NULL;
        rows->windows = windows;
        rows->capacity = capacity;
    }
    memmove(&rows->windows[at + 1], &rows->windows[at], (rows->count - at) * sizeof *rows->windows);
    rows->windows[at] = (struct window_rows){.start_us = start_us,
                                             .end_us = window_end_us(&rows->view->window, rows->view->zone, start_us)};
    rows->count++;
    rows->bytes += sizeof *rows->windows;
    return &rows->windows[at];
}

static bool reserve(struct window_rows *window, size_t more)
{
    if (window->count + more <= window->capacity)
        return true;
    size_t capacity = window->capacity + window->capacity / 2;
    if (capacity < window->count + more)
        capacity = window->count + more;
    struct row **rows = realloc(window->rows, capacity * sizeof *rows);
    if (!rows)
        return false;
    window->rows = rows;
    window->capacity = capacity;
    return true;
}

/* Merges new rows, ascending and none of them there yet, into the window from behind. */
static void merge_rows(const struct view *view, struct window_rows *window, struct row *const fresh[], size_t count)
{
    size_t old = window->count, to = old + count;
    window->count = to;
    while (count) {
        struct text group = row_group(fresh[count - 1], view);
        if (old && group_compare(view, row_group(window->rows[old - 1], view), group) > 0)
            window->rows[--to] = window->rows[--old];
        else
            window->rows[--to] = fresh[--count];
    }
}

/* Adds the cells of one window: to the rows that are there, and as new ones. */
static bool add_to_window(struct view_rows *rows, struct window_rows *window, enum layer layer,
                          const struct pane *panes, size_t count)
{
    struct row **fresh = malloc(count * sizeof(struct row *));
    size_t fresh_count = 0;
    if (!fresh || !reserve(window, count)) {
        free(fresh);
        return false;
    }
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        size_t at = window_rows_group(rows->view, window, panes[i].group, false);
        struct row *row = at < window->count ? window->rows[at] : NULL;
        if (!row || !text_equal(row_group(row, rows->view), panes[i].group)) {
            if (cell_is_zero(rows->view, panes[i].cell))
                continue;
            row = row_new(rows->view, panes[i].group);
            if (!(done = row != NULL))
                break;
            fresh[fresh_count++] = row;
            rows->bytes += row_bytes(rows->view, row);
        }
        cell_merge(rows->view, cell_of(row, rows->view, layer), panes[i].cell);
    }
    merge_rows(rows->view, window, fresh, fresh_count);
    rows->row_count += fresh_count;
    free(fresh);
    return done;
}

bool view_rows_add(struct view_rows *rows, enum layer layer, const struct sorted_panes *sorted)
{
    for (size_t from = 0, to; from < sorted->count; from = to) {
        int64_t start_us = sorted->panes[from].window_start_us;
        for (to = from; to < sorted->count && sorted->panes[to].window_start_us == start_us;)
            to++;
        if (start_us < rows->floor_us)
            continue;
        struct window_rows *window = window_at(rows, start_us);
        if (!window || !add_to_window(rows, window, layer, &sorted->panes[from], to - from))
            return false;
    }
    return true;
}

bool window_rows_has(const struct view *view, const struct window_rows *window, enum layer layer)
{
    for (size_t i = 0; i < window->count; i++)
        if (!cell_is_zero(view, row_cell(window->rows[i], view, layer)))
            return true;
    return false;
}

static void clear_window(const struct view *view, struct window_rows *window, enum layer layer)
{
    for (size_t i = 0; i < window->count; i++)
        memset(cell_of(window->rows[i], view, layer), 0, cell_size(view));
}

void view_rows_clear_layer(struct view_rows *rows, enum layer layer)
{
    for (size_t i = 0; i < rows->count; i++)
        clear_window(rows->view, &rows->windows[i], layer);
}

void view_rows_clear_window(struct view_rows *rows, enum layer layer, int64_t window_start_us)
{
    size_t at = view_rows_window(rows, window_start_us);
    if (at < rows->count && rows->windows[at].start_us == window_start_us)
        clear_window(rows->view, &rows->windows[at], layer);
}

static void sweep_window(struct view_rows *rows, struct window_rows *window)
{
    size_t kept = 0;
    for (size_t i = 0; i < window->count; i++) {
        struct row *row = window->rows[i];
        if (cell_is_zero(rows->view, cell_of(row, rows->view, LAYER_BATCH)) &&
            cell_is_zero(rows->view, cell_of(row, rows->view, LAYER_SPEED))) {
            rows->bytes -= row_bytes(rows->view, row);
            rows->row_count--;
            free(row);
        } else {
            window->rows[kept++] = row;
        }
    }
    window->count = kept;
}

void view_rows_sweep(struct view_rows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        sweep_window(rows, &rows->windows[i]);
        if (rows->windows[i].count)
            rows->windows[kept++] = rows->windows[i];
        else
            free_window(rows, &rows->windows[i]);
    }
    rows->count = kept;
}

static void free_first_windows(struct view_rows *rows, size_t count)
{
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        free_window(rows, &rows->windows[i]);
    rows->count -= count;
    memmove(rows->windows, &rows->windows[count], rows->count * sizeof *rows->windows);
}

void view_rows_raise_floor(struct view_rows *rows, int64_t floor_us)
{
    if (floor_us <= rows->floor_us)
        return;
    rows->floor_us = floor_us;
    free_first_windows(rows, view_rows_window(rows, floor_us));
}

void view_rows_shrink(struct view_rows *rows, size_t bytes)
{
    size_t freed = 0, held = rows->bytes;
    while (held > bytes && freed < rows->count) {
        const struct window_rows *window = &rows->windows[freed++];
        held -= sizeof *window;
        for (size_t i = 0; i < window->count; i++)
            held -= row_bytes(rows->view, window->rows[i]);
    }
    if (freed)
        view_rows_raise_floor(rows, rows->windows[freed - 1].end_us);
}

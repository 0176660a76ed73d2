/* SPDX-License-Identifier: Apache-2.0
 * The rows of one view in memory: windows in order of their start, in each window the groups in their order, for each
 * group the cell of the batch view and the one of the real-time view.
 *
 * Cells come as sorted lists, so that thousands of new groups cost one merge of a window and not thousands of moves.
 * Not thread-safe: the snapshot holds the lock. */
#ifndef TIDEMARK_MERGED_ROWS_H
#define TIDEMARK_MERGED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/cell_total.h"

/* Whose cell of a row it is: what is published, or what the slots hold behind that. */
enum layer { LAYER_BATCH, LAYER_SPEED };

struct row; /* one group of a window */

struct window_rows {
    int64_t start_us, end_us;
    struct row **rows; /* ascending by group_compare */
    size_t count, capacity;
};

struct view_rows {
    const struct view *view;
    struct window_rows *windows; /* ascending by start */
    size_t count, capacity;
    int64_t floor_us; /* windows that start before it aren't held; INT64_MIN holds all */
    size_t row_count; /* in all windows */
    size_t bytes;     /* held, about */
};

void view_rows_init(struct view_rows *rows, const struct view *view);
void view_rows_clean_up(struct view_rows *rows); /* frees all; usable again */

/* Cells sorted by window and group; they point into the panes. */
struct sorted_panes {
    struct pane *panes;
    size_t count;
};
bool sorted_panes_init(struct sorted_panes *sorted, const struct panes *panes); /* false: memory is short */
void sorted_panes_clean_up(struct sorted_panes *sorted);

/* Adds these cells to the layer's; those of windows below the floor are left out. False where memory is short: then the
 * rows are no longer what they should be, and the caller builds them anew. */
bool view_rows_add(struct view_rows *rows, enum layer layer, const struct sorted_panes *sorted) MUST_CHECK;

void view_rows_clear_layer(struct view_rows *rows, enum layer layer);
/* Whether a row of the window has something of the layer's. */
bool window_rows_has(const struct view *view, const struct window_rows *window, enum layer layer);
void view_rows_clear_window(struct view_rows *rows, enum layer layer, int64_t window_start_us);
/* Removes the rows that are zero in both layers. */
void view_rows_sweep(struct view_rows *rows);
/* Raises the floor to `floor_us` (never lowers it) and frees what is below. */
void view_rows_raise_floor(struct view_rows *rows, int64_t floor_us);
/* Raises the floor, the oldest window first, until at most `bytes` are held or nothing is left. */
void view_rows_shrink(struct view_rows *rows, size_t bytes);

/* The number of the first window that starts at or after `start_us`; rows->count where there is none. */
size_t view_rows_window(const struct view_rows *rows, int64_t start_us);
/* The number of the first row of the window whose group is at or, with `after`, after this one. */
size_t window_rows_group(const struct view *view, const struct window_rows *window, struct text group, bool after);
/* The number of the first row of a window of a hidden view whose group in the shown one is this one or behind it. */
size_t window_rows_first(const struct view *hidden, const struct window_rows *window, struct text group);

const struct cell *row_cell(const struct row *row, const struct view *view, enum layer layer);
/* Both layers' cells together. */
struct cell *row_merge(const struct row *row, const struct view *view, struct cell_total *ret_merged);
struct text row_group(const struct row *row, const struct view *view);

#endif

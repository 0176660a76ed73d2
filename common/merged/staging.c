/* SPDX-License-Identifier: Apache-2.0 */
#include "merged/staging.h"

#include <stdlib.h>

bool staging_init(struct staging *staging, const struct source *source, size_t bytes_max, struct error *error)
{
    *staging = (struct staging){.source = source, .bytes_max = bytes_max};
    staging->views = calloc(source->view_count + 1, sizeof *staging->views);
    if (!staging->views)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < source->view_count; i++) {
        staging->views[i].floor_us = INT64_MIN;
        panes_init(&staging->views[i].panes, &source->views[i]);
    }
    return true;
}

void staging_clean_up(struct staging *staging)
{
    for (size_t i = 0; staging->views && i < staging->source->view_count; i++) {
        free(staging->views[i].windows);
        panes_clean_up(&staging->views[i].panes);
    }
    free(staging->views);
    *staging = (struct staging){0};
}

static void clear_view(void *context, size_t view)
{
    struct staging *staging = context;
    struct staged_view *staged = &staging->views[view];
    staged->all = true;
    staged->floor_us = INT64_MIN;
    staged->window_count = 0;
    panes_clear(&staged->panes);
}

static void clear_window(void *context, size_t view, int64_t window_start_us)
{
    struct staging *staging = context;
    struct staged_view *staged = &staging->views[view];
    if (staged->all)
        return;
    if (staged->window_count == staged->window_capacity) {
        size_t capacity = staged->window_capacity ? staged->window_capacity * 2 : 64;
        int64_t *windows = realloc(staged->windows, capacity * sizeof *windows);
        if (!windows) {
            staging->failed = true;
            return;
        }
        staged->windows = windows;
        staged->window_capacity = capacity;
    }
    staged->windows[staged->window_count++] = window_start_us;
}

static int compare_starts(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The start of the window in the middle of the rows, the newest for a view of a single window. */
static bool middle_window(const struct panes *panes, int64_t *ret_start_us)
{
    size_t count = panes_count(panes);
    int64_t *starts = malloc((count + 1) * sizeof *starts);
    if (!starts)
        return false;
    for (size_t i = 0; i < count; i++)
        starts[i] = panes_get(panes, i).window_start_us;
    qsort(starts, count, sizeof *starts, compare_starts);
    *ret_start_us = starts[count / 2] > starts[0] ? starts[count / 2] : starts[count - 1] + 1;
    free(starts);
    return true;
}

/* Leaves out the older half of the rows. */
static bool halve(struct staged_view *staged)
{
    struct panes kept;
    if (!middle_window(&staged->panes, &staged->floor_us))
        return false;
    panes_init(&kept, staged->panes.view);
    bool done = true;
    for (size_t i = 0; done && i < panes_count(&staged->panes); i++) {
        struct pane pane = panes_get(&staged->panes, i);
        done = pane.window_start_us < staged->floor_us || panes_add(&kept, pane.window_start_us, pane.group, pane.cell);
    }
    panes_clean_up(&staged->panes);
    staged->panes = kept;
    return done;
}

static size_t bytes_staged(const struct staging *staging)
{
    size_t bytes = 0;
    for (size_t i = 0; i < staging->source->view_count; i++)
        bytes += bytes_map_memory(&staging->views[i].panes.map);
    return bytes;
}

/* Takes from the view that holds the most. */
static bool shrink(struct staging *staging)
{
    struct staged_view *largest = &staging->views[0];
    for (size_t i = 1; i < staging->source->view_count; i++)
        if (bytes_map_memory(&staging->views[i].panes.map) > bytes_map_memory(&largest->panes.map))
            largest = &staging->views[i];
    return halve(largest);
}

static bool take_row(void *context, size_t view, int64_t window_start_us, struct text group, const struct cell *cell,
                     struct error *error)
{
    struct staging *staging = context;
    struct staged_view *staged = &staging->views[view];
    if (window_start_us < staged->floor_us)
        return true;
    bool done = !staging->failed && panes_add(&staged->panes, window_start_us, group, cell);
    if (done && panes_count(&staged->panes) % 4096 == 0 && bytes_staged(staging) > staging->bytes_max)
        done = shrink(staging);
    return done || error_set(error, ERROR_INTERNAL, "out of memory while reading published rows");
}

struct published_rows staging_receiver(struct staging *staging)
{
    return (struct published_rows){.range = staging->range,
                                   .clear_view = clear_view,
                                   .clear_window = clear_window,
                                   .row = take_row,
                                   .context = staging};
}

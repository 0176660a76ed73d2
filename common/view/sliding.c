/* SPDX-License-Identifier: Apache-2.0 */
#include "view/sliding.h"

#include <stdlib.h>

#include "base/bytes_map.h"

struct group_sum {
    struct text group;
    int64_t panes, touched; /* in the window at hand */
    size_t place;           /* among those that have panes in it */
    struct cell cell;
};

struct slide {
    const struct sliding *sliding;
    struct bytes_map groups;
    struct group_sum **present; /* those that have panes in the window at hand */
    size_t present_count;
    int64_t start_us, end_us; /* of that window */
};

static int compare_starts(const void *left, const void *right)
{
    const struct hop_pane *a = left, *b = right;
    return (a->start_us > b->start_us) - (a->start_us < b->start_us);
}

static bool is_ascending(const struct hop_pane panes[], size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (panes[i].start_us < panes[i - 1].start_us)
            return false;
    return true;
}

static bool take_in(struct slide *slide, struct hop_pane *pane)
{
    struct group_sum *sum = bytes_map_at(&slide->groups, pane->group);
    if (!sum)
        return false;
    if (sum->panes++ == 0) {
        sum->group = pane->group;
        sum->place = slide->present_count;
        slide->present[slide->present_count++] = sum;
    }
    sum->touched += pane->is_touched;
    cell_merge(slide->sliding->view, &sum->cell, pane->cell);
    pane->sum = sum;
    return true;
}

static void release(struct slide *slide, const struct hop_pane *pane)
{
    struct group_sum *sum = pane->sum;
    cell_take_away(slide->sliding->view, &sum->cell, pane->cell);
    sum->touched -= pane->is_touched;
    if (--sum->panes > 0)
        return;
    struct group_sum *last = slide->present[--slide->present_count];
    slide->present[sum->place] = last;
    last->place = sum->place;
}

/* Where no group has a pane in the window at hand, the next one is that of the next pane. */
static void step(struct slide *slide, const struct hop_pane *next)
{
    const struct view *view = slide->sliding->view;
    if (slide->present_count > 0) {
        slide->start_us = window_start_us(&view->window, view->zone, slide->start_us - 1);
        slide->end_us = window_start_us(&view->window, view->zone, slide->end_us - 1);
        return;
    }
    slide->start_us = slide->end_us = next->start_us;
    for (int64_t i = 0; i < slide->sliding->panes; i++)
        slide->end_us = window_end_us(&view->window, view->zone, slide->end_us);
}

static bool give_rows(const struct slide *slide)
{
    const struct sliding *sliding = slide->sliding;
    for (size_t i = 0; slide->start_us < sliding->to_us && i < slide->present_count; i++) {
        const struct group_sum *sum = slide->present[i];
        const struct hop_row row = {slide->start_us, slide->end_us, sum->group, &sum->cell, sum->touched > 0};
        if (!sliding->take(sliding->context, &row))
            return false;
    }
    return true;
}

static bool slide_back(struct slide *slide, struct hop_pane panes[], size_t count)
{
    size_t next = count, last = count; /* those from `next` on have come, those from `last` on have left */
    bool done = true;
    while (done && (next > 0 || slide->present_count > 0)) {
        step(slide, next > 0 ? &panes[next - 1] : NULL);
        if (slide->start_us < slide->sliding->from_us)
            return true;
        while (last > next && panes[last - 1].start_us >= slide->end_us)
            release(slide, &panes[--last]);
        while (done && next > 0 && panes[next - 1].start_us >= slide->start_us)
            done = take_in(slide, &panes[--next]);
        done = done && give_rows(slide);
    }
    return done;
}

bool slide(const struct sliding *sliding, struct hop_pane panes[], size_t count)
{
    struct slide slide = {.sliding = sliding, .present = calloc(count + 1, sizeof *slide.present)};
    if (!slide.present)
        return false;
    if (!is_ascending(panes, count))
        qsort(panes, count, sizeof *panes, compare_starts);
    bytes_map_init(&slide.groups, offsetof(struct group_sum, cell) + cell_size(sliding->view));
    bool done = slide_back(&slide, panes, count);
    bytes_map_clean_up(&slide.groups);
    free(slide.present);
    return done;
}

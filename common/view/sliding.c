/* SPDX-License-Identifier: Apache-2.0 */
#include "view/sliding.h"

#include <stdlib.h>

struct group_sum {
    struct text group;
    int64_t panes, touched; /* in the window at hand */
    size_t place;           /* among those that have panes in it */
    _Alignas(16) unsigned char cell[];
};

struct slide {
    const struct sliding *sliding;
    unsigned char *sums; /* a struct group_sum by number of the group */
    size_t sum_size;
    size_t *present; /* the groups that have panes in the window at hand */
    size_t present_count;
    int64_t start_us, end_us; /* of that window */
};

static struct group_sum *sum_of(const struct slide *slide, size_t group_number)
{
    return (struct group_sum *)(void *)(slide->sums + group_number * slide->sum_size);
}

static struct cell *cell_of(struct group_sum *sum)
{
    return (struct cell *)(void *)sum->cell;
}

static void take_in(struct slide *slide, const struct rollup_row *pane)
{
    struct group_sum *sum = sum_of(slide, pane->group_number);
    if (sum->panes++ == 0) {
        sum->group = pane->group;
        sum->place = slide->present_count;
        slide->present[slide->present_count++] = pane->group_number;
    }
    sum->touched += pane->is_touched;
    cell_merge(slide->sliding->view, cell_of(sum), pane->cell);
}

static void release(struct slide *slide, const struct rollup_row *pane)
{
    struct group_sum *sum = sum_of(slide, pane->group_number);
    cell_take_away(slide->sliding->view, cell_of(sum), pane->cell);
    sum->touched -= pane->is_touched;
    if (--sum->panes > 0)
        return;
    size_t last = slide->present[--slide->present_count];
    slide->present[sum->place] = last;
    sum_of(slide, last)->place = sum->place;
}

/* Where no group has a pane in the window at hand, the next one is that of the next pane. */
static void step(struct slide *slide, const struct rollup_row *next)
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
        struct group_sum *sum = sum_of(slide, slide->present[i]);
        const struct rollup_row row = {.start_us = slide->start_us,
                                       .end_us = slide->end_us,
                                       .group = sum->group,
                                       .group_number = slide->present[i],
                                       .cell = cell_of(sum),
                                       .is_touched = sum->touched > 0};
        if (!sliding->take(sliding->context, &row))
            return false;
    }
    return true;
}

static bool slide_back(struct slide *slide, const struct rollup_row panes[], size_t count)
{
    size_t next = count, last = count; /* those from `next` on have come, those from `last` on have left */
    while (next > 0 || slide->present_count > 0) {
        step(slide, next > 0 ? &panes[next - 1] : NULL);
        if (slide->start_us < slide->sliding->from_us)
            return true;
        while (last > next && panes[last - 1].start_us >= slide->end_us)
            release(slide, &panes[--last]);
        while (next > 0 && panes[next - 1].start_us >= slide->start_us)
            take_in(slide, &panes[--next]);
        if (!give_rows(slide))
            return false;
    }
    return true;
}

bool slide(const struct sliding *sliding, const struct rollup_row panes[], size_t count)
{
    struct slide slide = {.sliding = sliding, .sum_size = sizeof(struct group_sum) + cell_size(sliding->view)};
    slide.sums = calloc(sliding->group_count + 1, slide.sum_size);
    slide.present = malloc((sliding->group_count + 1) * sizeof *slide.present);
    bool done = slide.sums && slide.present && slide_back(&slide, panes, count);
    free(slide.sums);
    free(slide.present);
    return done;
}

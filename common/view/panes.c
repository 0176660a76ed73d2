/* SPDX-License-Identifier: Apache-2.0 */
#include "view/view.h"

#include <assert.h>

#include "base/clock.h"

size_t cell_size(const struct view *view)
{
    return sizeof(struct cell) + (view->sum_count + view->member_count) * sizeof(struct sum);
}

void cell_merge(const struct view *view, struct cell *into, const struct cell *from)
{
    into->count += from->count;
    for (size_t i = 0; i < view->sum_count; i++) {
        into->sums[i].count += from->sums[i].count;
        into->sums[i].total += from->sums[i].total;
    }
}

void cell_take_away(const struct view *view, struct cell *from, const struct cell *cell)
{
    from->count -= cell->count;
    for (size_t i = 0; i < view->sum_count; i++) {
        from->sums[i].count -= cell->sums[i].count;
        from->sums[i].total -= cell->sums[i].total;
    }
}

bool cell_is_zero(const struct view *view, const struct cell *cell)
{
    if (cell->count)
        return false;
    for (size_t i = 0; i < view->sum_count; i++)
        if (cell->sums[i].count || cell->sums[i].total)
            return false;
    return true;
}

void panes_init(struct panes *panes, const struct view *view)
{
    *panes = (struct panes){.view = view};
    bytes_map_init(&panes->map, cell_size(view));
}

void panes_clean_up(struct panes *panes)
{
    bytes_map_clean_up(&panes->map);
    panes->last = NULL;
    buffer_clean_up(&panes->key);
}

void panes_clear(struct panes *panes)
{
    bytes_map_clear(&panes->map);
    panes->last = NULL;
}

struct cell *panes_at(struct panes *panes, int64_t window_start_us, struct text group)
{
    buffer_clear(&panes->key);
    buffer_append(&panes->key, &window_start_us, sizeof window_start_us);
    buffer_append_text(&panes->key, group);
    return panes->key.failed ? NULL : bytes_map_at(&panes->map, buffer_text(&panes->key));
}

size_t panes_count(const struct panes *panes)
{
    return panes->map.count;
}

struct pane panes_get(const struct panes *panes, size_t number)
{
    assert(number < panes->map.count);
    const struct bytes_map_entry *entry = &panes->map.entries[number];
    struct pane pane = {.group = {entry->key.data + sizeof(int64_t), entry->key.length - sizeof(int64_t)},
                        .cell = entry->value};
    memcpy(&pane.window_start_us, entry->key.data, sizeof pane.window_start_us);
    return pane;
}

bool panes_add(struct panes *into, int64_t window_start_us, struct text group, const struct cell *cell)
{
    struct cell *held = panes_at(into, window_start_us, group);
    if (held)
        cell_merge(into->view, held, cell);
    return held != NULL;
}

bool panes_add_all(struct panes *into, const struct panes *from)
{
    for (size_t i = 0; i < panes_count(from); i++) {
        const struct pane pane = panes_get(from, i);
        if (!panes_add(into, pane.window_start_us, pane.group, pane.cell))
            return false;
    }
    return true;
}

bool view_counts(const struct view *view, const struct record *record)
{
    if (view->shown && !record->values[member_field(view)].present)
        return false;
    return !view->where || expression_evaluate(view->where, record->values) == TRUTH_TRUE;
}

int64_t clock_after(int64_t clock_us, int64_t event_time_us, int64_t record_time_us)
{
    bool is_ahead = record_time_us >= 0 && event_time_us > record_time_us;
    int64_t at_us = is_ahead ? record_time_us : event_time_us;
    return at_us > clock_us ? at_us : clock_us;
}

bool view_is_late(const struct view *view, int64_t clock_us, int64_t event_time_us)
{
    int64_t settled_us = clock_us - view->watermark_us;
    if (view->watermark_us == 0 || clock_us <= 0 || event_time_us >= settled_us)
        return false;
    if (view_is_of_sessions(view))
        return event_time_us + view->window.gap_s * US_PER_SECOND < settled_us;
    int64_t start_us = window_start_us(&view->window, view->zone, event_time_us);
    return window_end_us(&view->window, view->zone, start_us) <= settled_us;
}

/* The cell that a version belongs to. Where there are no dimensions, neighbours mostly share it. */
static struct cell *cell_of(struct panes *panes, const struct record *record)
{
    const struct view *view = panes->view;
    int64_t start = window_start_near_us(&view->window, view->zone, &panes->cursor, record->event_time_us);
    if (panes->last && panes->last_start_us == start)
        return panes->last;
    buffer_clear(&panes->key);
    buffer_append(&panes->key, &start, sizeof start);
    group_append(view, record->values, &panes->key);
    struct cell *cell = panes->key.failed ? NULL : bytes_map_at(&panes->map, buffer_text(&panes->key));
    if (view->dimension_count == 0) {
        panes->last = cell;
        panes->last_start_us = start;
    }
    return cell;
}

bool view_add(struct panes *panes, const struct record *record, int sign)
{
    const struct view *view = panes->view;
    struct cell *cell = cell_of(panes, record);
    if (!cell)
        return false;
    cell->count += sign;
    for (size_t i = 0; i < view->sum_count; i++) {
        const struct value *value = &record->values[view->sums[i]];
        if (value->present) {
            cell->sums[i].count += sign;
            if (view->schema->fields[view->sums[i]].type != FIELD_TEXT)
                cell->sums[i].total += sign * (wide)value->number;
        }
    }
    return true;
}

int view_apply(struct panes *panes, const struct record *record, int sign)
{
    if (!view_counts(panes->view, record))
        return 0;
    return view_add(panes, record, sign) ? 1 : -1;
}

bool view_hops(const struct view *view)
{
    return view->panes > 1;
}

bool view_is_of_sessions(const struct view *view)
{
    return window_is_of_moments(&view->window);
}

bool view_merges_panes(const struct view *view)
{
    return view_hops(view) || view_is_of_sessions(view);
}

size_t source_shown_count(const struct source *source)
{
    size_t count = 0;
    while (count < source->view_count && !source->views[count].shown)
        count++;
    return count;
}

void view_mark_added(const struct view *view, bool used[])
{
    for (size_t i = 0; i < view->dimension_count; i++)
        used[view->dimensions[i]] = true;
    for (size_t i = 0; i < view->sum_count; i++)
        used[view->sums[i]] = true;
    for (size_t i = 0; i < view->measure_count; i++)
        if (view->measures[i].field != FIELD_NONE)
            used[view->measures[i].field] = true;
}

void view_mark_used(const struct view *view, bool used[])
{
    if (view->where)
        expression_fields(view->where, used);
    view_mark_added(view, used);
}

void source_mark_used(const struct source *source, bool used[])
{
    for (size_t i = 0; i < source->view_count; i++)
        view_mark_used(&source->views[i], used);
}

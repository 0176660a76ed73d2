/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/day_groups.h"

#include "base/hash.h"

/* The hidden view that a measure rests on, by its number in the source. */
static size_t member_number(const struct view *view, const struct measure *measure)
{
    return view->members[measure->sum - view->sum_count];
}

static bool is_unique(const struct view *view, size_t number)
{
    for (size_t i = 0; i < view->measure_count; i++)
        if (view->measures[i].kind == MEASURE_UNIQUE && member_number(view, &view->measures[i]) == number)
            return true;
    return false;
}

static bool has_unique(const struct day_groups *groups, size_t number)
{
    for (size_t i = 0; i < groups->unique_count; i++)
        if (groups->uniques[i] == number)
            return true;
    return false;
}

bool day_groups_need_members(const struct view *view)
{
    for (size_t i = 0; i < view->measure_count; i++)
        if (view->measures[i].kind == MEASURE_UNIQUE)
            return true;
    return false;
}

void day_groups_init(struct day_groups *groups, const struct summary *summary, int64_t at_us,
                     struct part_writer *members)
{
    const struct view *view = summary->view;
    *groups = (struct day_groups){.source = summary->source,
                                  .view = view,
                                  .at_us = at_us,
                                  .window_us = window_start_us(&view->window, view->zone, at_us),
                                  .members = members};
    panes_init(&groups->cells, view);
    for (size_t i = 0; i < view->measure_count; i++) {
        if (!measure_rests_on_members(&view->measures[i]))
            continue;
        size_t number = member_number(view, &view->measures[i]);
        if (!is_unique(view, number))
            groups->is_extreme[i] = groups->has_extremes = true;
        else if (!has_unique(groups, number))
            groups->uniques[groups->unique_count++] = number;
    }
}

void day_groups_clean_up(struct day_groups *groups)
{
    if (groups->view)
        panes_clean_up(&groups->cells);
    buffer_clean_up(&groups->group);
}

static bool no_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool add_extremes(struct day_groups *groups, const struct value values[], struct error *error)
{
    const struct view *view = groups->view;
    buffer_clear(&groups->group);
    group_append(view, values, &groups->group);
    struct cell *cell =
        groups->group.failed ? NULL : panes_at(&groups->cells, groups->window_us, buffer_text(&groups->group));
    for (size_t i = 0; cell && i < view->measure_count; i++)
        if (groups->is_extreme[i] && values[view->measures[i].field].present)
            cell_take_member(view, cell, member_number(view, &view->measures[i]), &values[view->measures[i].field]);
    return cell || no_memory(error);
}

/* A member is the number of its view, as a byte, and its group there. */
static bool add_member(struct day_groups *groups, size_t number, const struct value values[], struct error *error)
{
    buffer_clear(&groups->group);
    buffer_append_char(&groups->group, (char)number);
    group_append(&groups->source->views[number], values, &groups->group);
    if (groups->group.failed)
        return no_memory(error);
    struct text key = buffer_text(&groups->group);
    struct stored_row *row =
        part_writer_add(groups->members, hash_bytes(key.data, key.length), sizeof *row + key.length, error);
    if (!row)
        return false;
    row->key_bytes = (uint32_t)key.length;
    memcpy(row->data, key.data, key.length);
    return true;
}

bool day_groups_add(struct day_groups *groups, const struct value values[], bool is_of_other_day, struct error *error)
{
    const struct record record = {groups->at_us, values};
    if (!view_add(&groups->cells, &record, 1))
        return no_memory(error);
    for (size_t i = 0; i < groups->unique_count; i++) {
        const struct view *hidden = &groups->source->views[groups->uniques[i]];
        if (values[member_field(hidden)].present && !add_member(groups, groups->uniques[i], values, error))
            return false;
    }
    groups->other_days += is_of_other_day;
    return !groups->has_extremes || add_extremes(groups, values, error);
}

bool day_groups_is_same_member(const struct stored_row *a, const struct stored_row *b)
{
    return a->hash == b->hash && a->key_bytes == b->key_bytes && memcmp(a->data, b->data, a->key_bytes) == 0;
}

bool day_groups_take_member(struct day_groups *groups, const struct stored_row *member, struct error *error)
{
    size_t number = (unsigned char)member->data[0];
    const struct view *hidden = &groups->source->views[number];
    struct text group = {member->data + 1, member->key_bytes - 1};
    struct value values[DIMENSIONS_MAX];
    struct cell *cell = group_parse(hidden, group, values)
                            ? panes_at(&groups->cells, groups->window_us, member_group(hidden, group))
                            : NULL;
    if (!cell)
        return no_memory(error);
    cell_take_member(groups->view, cell, number, &values[hidden->dimension_count - 1]);
    return true;
}

/* Of values that only one of the cells was told of. */
static void merge_members(const struct view *view, struct cell *into, const struct cell *from)
{
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        if (!measure_rests_on_members(measure))
            continue;
        struct sum *sum = &into->sums[measure->sum];
        const struct sum *other = &from->sums[measure->sum];
        bool is_less = other->total < sum->total;
        if (measure->kind == MEASURE_UNIQUE)
            sum->count += other->count;
        else if (other->count > 0 && (sum->count == 0 || is_less == (measure->kind == MEASURE_MINIMUM)))
            *sum = *other;
    }
}

bool day_groups_add_all(struct day_groups *into, const struct day_groups *from, struct error *error)
{
    for (size_t i = 0; i < panes_count(&from->cells); i++) {
        const struct pane pane = panes_get(&from->cells, i);
        struct cell *cell = panes_at(&into->cells, pane.window_start_us, pane.group);
        if (!cell)
            return no_memory(error);
        cell_merge(into->view, cell, pane.cell);
        merge_members(into->view, cell, pane.cell);
    }
    into->other_days += from->other_days;
    return true;
}

int64_t day_groups_memory(const struct day_groups *groups)
{
    return (int64_t)bytes_map_memory(&groups->cells.map);
}

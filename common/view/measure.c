/* SPDX-License-Identifier: Apache-2.0 */
#include "view/view.h"

bool measure_rests_on_members(const struct measure *measure)
{
    return measure->kind == MEASURE_UNIQUE || measure->kind == MEASURE_MINIMUM || measure->kind == MEASURE_MAXIMUM;
}

bool measure_is_null(const struct measure *measure, const struct cell *cell)
{
    return measure->kind != MEASURE_COUNT && measure->kind != MEASURE_UNIQUE && cell->sums[measure->sum].count == 0;
}

int64_t measure_count(const struct measure *measure, const struct cell *cell)
{
    return measure->field == FIELD_NONE ? cell->count : cell->sums[measure->sum].count;
}

void measure_append(const struct view *view, const struct measure *measure, const struct cell *cell, struct buffer *out)
{
    if (measure->kind == MEASURE_COUNT) {
        buffer_append_integer(out, measure_count(measure, cell));
        return;
    }
    const struct sum *sum = &cell->sums[measure->sum];
    unsigned scale = view->schema->fields[measure->field].scale;
    if (measure_is_null(measure, cell))
        buffer_append_string(out, "null");
    else if (measure->kind == MEASURE_UNIQUE)
        buffer_append_integer(out, sum->count);
    else if (measure->kind == MEASURE_AVERAGE)
        buffer_append_decimal(out, wide_average(sum->total, sum->count), scale);
    else
        buffer_append_decimal(out, sum->total, scale);
}

static void take_member(const struct measure *measure, struct sum *sum, const struct value *member)
{
    bool is_first = sum->count == 0;
    if (measure->kind == MEASURE_UNIQUE) {
        sum->count++;
        return;
    }
    if (is_first || (measure->kind == MEASURE_MINIMUM ? member->number < sum->total : member->number > sum->total))
        sum->total = member->number;
    sum->count = 1;
}

void cell_take_member(const struct view *view, struct cell *cell, size_t number, const struct value *member)
{
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        if (measure_rests_on_members(measure) && view->members[measure->sum - view->sum_count] == number)
            take_member(measure, &cell->sums[measure->sum], member);
    }
}

bool panes_take_members(struct panes *into, size_t number, const struct panes *members)
{
    for (size_t i = 0; i < panes_count(members); i++) {
        const struct pane pane = panes_get(members, i);
        struct text group;
        struct value value;
        if (pane.cell->count <= 0 || !member_parse(members->view, pane.group, &group, &value))
            continue;
        struct cell *cell = panes_at(into, pane.window_start_us, group);
        if (!cell)
            return false;
        cell_take_member(into->view, cell, number, &value);
    }
    return true;
}

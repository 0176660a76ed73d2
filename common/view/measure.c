/* SPDX-License-Identifier: Apache-2.0 */
#include "view/view.h"

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
    if (sum->count == 0)
        buffer_append_string(out, "null");
    else if (measure->kind == MEASURE_SUM)
        buffer_append_decimal(out, sum->total, scale);
    else
        buffer_append_decimal(out, wide_average(sum->total, sum->count), scale);
}

/* SPDX-License-Identifier: Apache-2.0
 * The rows of a rollup in the order that is asked for, and only the first of each window. */
#include <stdlib.h>

#include "base/lower_bound.h"
#include "view/rollup.h"

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
    return compare_present(is_left, is_right, key->descends, wide_compare(left, right));
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
                                                 : wide_compare(one->number, other->number);
    return compare_present(one->present, other->present, key->descends, order);
}

static int compare_by(const struct view *rows, const struct order_key *key, const struct rollup_row *a,
                      const struct rollup_row *b)
{
    if (key->kind == ORDER_MEASURE)
        return compare_measures(&rows->measures[key->number], key, a, b);
    if (key->kind == ORDER_DIMENSION)
        return compare_dimensions(rows, key, a, b);
    return compare_present(true, true, key->descends, wide_compare(a->start_us, b->start_us));
}

/* By the order, then by window. */
static int compare_asked(const struct view_question *question, const struct rollup_row *a, const struct rollup_row *b)
{
    for (size_t i = 0; i < question->order_count; i++) {
        int order = compare_by(&question->rows, &question->order[i], a, b);
        if (order)
            return order;
    }
    return wide_compare(a->start_us, b->start_us);
}

/* The same, then by dimensions. */
static int compare_rows(const void *left, const void *right, void *context)
{
    const struct rollup_row *const *a = left, *const *b = right;
    const struct rollup *rollup = context;
    int order = compare_asked(rollup->question, *a, *b);
    return order ? order : rollup_compare(rollup, *a, *b);
}

/* The same of each window by itself, one window after the other. */
static int compare_in_windows(const void *left, const void *right, void *rollup)
{
    const struct rollup_row *const *a = left, *const *b = right;
    int order = wide_compare((*a)->start_us, (*b)->start_us);
    return order ? order : compare_rows(left, right, rollup);
}

/* Keeps the first rows of each window; those of a window lie side by side. */
static void keep_first(struct rollup *rollup)
{
    size_t kept = 0;
    int64_t of_window = 0;
    for (size_t i = 0; i < rollup->count; i++) {
        of_window = i > 0 && rollup->rows[i]->start_us == rollup->rows[i - 1]->start_us ? of_window + 1 : 1;
        if (of_window <= rollup->question->per_window)
            rollup->rows[kept++] = rollup->rows[i];
    }
    rollup->count = kept;
}

static void sort(struct rollup *rollup, int compare(const void *, const void *, void *))
{
    qsort_r(rollup->rows, rollup->count, sizeof *rollup->rows, compare, rollup);
}

bool rollup_order(struct rollup *rollup)
{
    rollup->rows = malloc((rollup->merged.count + 1) * sizeof *rollup->rows);
    if (!rollup->rows)
        return false;
    for (size_t i = 0; i < rollup->merged.count; i++)
        if (rollup->merged.rows[i].cell->count != 0)
            rollup->rows[rollup->count++] = &rollup->merged.rows[i];
    if (rollup->question->per_window) {
        sort(rollup, compare_in_windows);
        keep_first(rollup);
    }
    if (rollup->question->order_count)
        sort(rollup, compare_rows);
    return true;
}

struct row_wanted {
    const struct rollup *rollup;
    const struct rollup_row *row;
};

static bool is_not_behind(const void *context, size_t number)
{
    const struct row_wanted *wanted = context;
    const struct view_question *question = wanted->rollup->question;
    const struct rollup_row *row = wanted->rollup->rows[number];
    int order = compare_asked(question, row, wanted->row);
    return (order ? order : group_compare(&question->rows, row->group, wanted->row->group)) <= 0;
}

size_t rollup_behind(const struct rollup *rollup, const struct rollup_row *row)
{
    const struct row_wanted wanted = {rollup, row};
    return lower_bound(rollup->count, is_not_behind, &wanted);
}

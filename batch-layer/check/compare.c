/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "check/verification.h"
#include "publication/published_view.h"

bool is_published(const struct verification *verification, size_t view)
{
    return strcmp(verification->publication.view_fingerprints[view], verification->source->views[view].fingerprint) ==
           0;
}

static void append_cell(struct buffer *out, const struct view *view, const struct cell *cell)
{
    if (cell->count == 0 && cell_is_zero(view, cell)) {
        buffer_append_string(out, "no row");
        return;
    }
    for (size_t i = 0; cell->count && i < view->measure_count; i++) {
        if (measure_rests_on_members(&view->measures[i])) /* compared by themselves */
            continue;
        buffer_appendf(out, "%s%s ", i ? ", " : "", view->measures[i].name);
        measure_append(view, &view->measures[i], cell, out);
    }
    for (size_t i = 0; !cell->count && i < view->sum_count; i++) {
        buffer_appendf(out, "%s%s ", i ? ", " : "", view->schema->fields[view->sums[i]].name);
        buffer_append_decimal(out, cell->sums[i].total, view->schema->fields[view->sums[i]].scale);
    }
    buffer_appendf(out, "%sof %" PRId64 " versions", view->shown ? "" : " ", cell->count);
}

static bool comes_before(const struct view *view, struct pane a, struct pane b)
{
    return a.window_start_us != b.window_start_us ? a.window_start_us < b.window_start_us
                                                  : group_compare(view, a.group, b.group) < 0;
}

static bool cells_equal(const struct view *view, const struct cell *a, const struct cell *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < view->sum_count; i++)
        equal = a->sums[i].count == b->sums[i].count && a->sums[i].total == b->sums[i].total;
    return equal;
}

/* Finds the first cell of `panes` that isn't the same in `others`; where one is found already, an earlier one. */
static bool find_difference(const struct view *view, struct panes *panes, struct panes *others, struct pane *first)
{
    for (size_t i = 0; i < panes_count(panes); i++) {
        struct pane pane = panes_get(panes, i);
        const struct cell *other = panes_at(others, pane.window_start_us, pane.group);
        if (!other)
            return false;
        if (!cells_equal(view, pane.cell, other) && (!first->cell || comes_before(view, pane, *first)))
            *first = pane;
    }
    return true;
}

static void append_side(struct buffer *out, const struct side *side)
{
    if (side->partition >= 0)
        buffer_appendf(out, "partition %d, ", (int)side->partition);
    if (side->epoch > 0)
        buffer_appendf(out, "epoch %" PRId64 ", ", side->epoch);
}

bool compare_panes(struct verification *verification, size_t number, const struct side *side, struct panes *held,
                   struct panes *computed, struct error *error)
{
    const struct view *view = &verification->source->views[number];
    struct pane first = {0};
    if (!find_difference(view, held, computed, &first) || !find_difference(view, computed, held, &first))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!first.cell)
        return true;
    struct buffer text = {0};
    append_side(&text, side);
    append_cell_name(&text, view, first.window_start_us, first.group);
    buffer_appendf(&text, ": %s ", side->name);
    append_cell(&text, view, panes_at(held, first.window_start_us, first.group));
    buffer_append_string(&text, "; recomputed ");
    append_cell(&text, view, panes_at(computed, first.window_start_us, first.group));
    trace_cell(verification, side, number, first, &text);
    error_set(error, ERROR_DATA, "%s", buffer_string(&text));
    buffer_clean_up(&text);
    return false;
}

struct figure {
    const char *name, *view;
    int64_t held, computed;
};

static bool compare_figure(const struct verification *verification, const struct side *side, struct figure figure,
                           struct error *error)
{
    if (figure.held == figure.computed)
        return true;
    struct buffer text = {0};
    append_side(&text, side);
    error_set(error, ERROR_DATA, "source %s: %sthe ledger's %s%s%s is %s as %" PRId64 "; recomputed %" PRId64,
              verification->source->name, buffer_string(&text), figure.name, figure.view ? " of view " : "",
              figure.view ? figure.view : "", side->name, figure.held, figure.computed);
    buffer_clean_up(&text);
    return false;
}

bool compare_fates(const struct verification *verification, const struct side *side, const struct fates *held,
                   const struct fates *computed, struct error *error)
{
    const struct figure figures[] = {
        {"consumed", NULL, held->consumed, computed->consumed},
        {"kept", NULL, held->kept, computed->kept},
        {"replaced", NULL, held->replaced, computed->replaced},
        {"duplicate", NULL, held->duplicate, computed->duplicate},
        {"bad", NULL, held->bad, computed->bad},
    };
    bool same = true;
    for (size_t i = 0; same && i < sizeof figures / sizeof *figures; i++)
        same = compare_figure(verification, side, figures[i], error);
    return same;
}

bool compare_ledgers(const struct verification *verification, const struct side *side, const struct ledger *held,
                     const struct ledger *computed, struct error *error)
{
    const struct source *source = verification->source;
    bool same = compare_fates(verification, side, &held->fates, &computed->fates, error);
    for (size_t i = 0; same && i < source->view_count; i++) {
        if (side->partition < 0 && !is_published(verification, i))
            continue;
        const struct figure counted = {"counted", source->views[i].name, held->views[i].counted,
                                       computed->views[i].counted};
        const struct figure filtered = {"filtered", source->views[i].name, held->views[i].filtered,
                                        computed->views[i].filtered};
        const struct figure late = {"late", source->views[i].name, held->views[i].late, computed->views[i].late};
        same = compare_figure(verification, side, counted, error) &&
               compare_figure(verification, side, filtered, error) && compare_figure(verification, side, late, error);
    }
    return same;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/slot_audit.h"

#include <inttypes.h>

static bool damaged(const struct epoch_cells *cells, const char *what, int64_t is, int64_t wanted, struct error *error)
{
    return error_set(error, ERROR_DATA, "epoch %" PRId64 ": %s is %" PRId64 ", and must be %" PRId64, cells->epoch,
                     what, is, wanted);
}

static bool is_same(const struct view *view, const struct cell *a, const struct cell *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < view->sum_count; i++)
        same = same && a->sums[i].count == b->sums[i].count && a->sums[i].total == b->sums[i].total;
    return same;
}

static bool have_same_checksums(const struct cell_total *a, const struct cell_total *b)
{
    for (size_t i = 0; i < CELL_CHECKSUMS; i++)
        if (a->checksums[i] != b->checksums[i])
            return false;
    return true;
}

static bool audit_view(const struct slot_reader *reader, struct epoch_cells *cells, size_t number, struct error *error)
{
    const struct view *view = &reader->source->views[number];
    struct cell_total counted = {0};
    cell_total_add(&counted, &cells->panes[number]);
    const struct cell *is = cell_total(&counted), *wanted = cell_total(&cells->totals[number]);
    int64_t count = cells->ledger.views[number].counted;
    if (is->count != count || wanted->count != count)
        return error_set(error, ERROR_DATA,
                         "epoch %" PRId64 ": the cells of view %s count %" PRId64 " versions, and its ledger %" PRId64,
                         cells->epoch, view->name, is->count, count);
    if (!is_same(view, is, wanted))
        return error_set(error, ERROR_DATA, "epoch %" PRId64 ": the cells of view %s don't add up to its ledger",
                         cells->epoch, view->name);
    if (slot_has_checksums(&reader->slot) && !have_same_checksums(&counted, &cells->totals[number]))
        return error_set(error, ERROR_DATA,
                         "epoch %" PRId64
                         ": the cells of view %s aren't those that were committed, though they add up to as much",
                         cells->epoch, view->name);
    return true;
}

bool slot_reader_audit(struct slot_reader *reader, struct error *error)
{
    if (reader->slot.format > REALTIME_FORMAT)
        return slot_format_check(&reader->slot, error);
    for (size_t i = 0; i < reader->epoch_count; i++) {
        struct epoch_cells *cells = &reader->epochs[i];
        int64_t consumed = 0;
        for (size_t k = 0; k < reader->slot.epoch_count; k++)
            if (reader->slot.epochs[k].epoch == cells->epoch)
                consumed = reader->slot.epochs[k].consumed;
        if (cells->ledger.consumed != consumed)
            return damaged(cells, "the number of messages in its ledger", cells->ledger.consumed, consumed, error);
        if (!ledger_is_closed(&cells->ledger, reader->source->view_count))
            return error_set(error, ERROR_DATA, "epoch %" PRId64 ": its ledger doesn't add up", cells->epoch);
        for (size_t view = 0; view < reader->source->view_count; view++)
            if (!audit_view(reader, cells, view, error))
                return false;
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/commit_codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "redis/msgpack.h"
#include "state/cell_total.h"
#include "view/retention.h"

#define VIEW_COUNTERS 4 /* of a ledger, for each view */

int64_t *ledger_counter(struct ledger *ledger, const struct source *source, size_t number, const char **ret_name,
                        const char **ret_view)
{
    *ret_view = NULL;
    if (number < FATES_COUNT) {
        *ret_name = fates_name(number);
        return fates_at(&ledger->fates, number);
    }
    size_t view = (number - FATES_COUNT) / VIEW_COUNTERS;
    if (view >= source->view_count)
        return NULL;
    static const char *const names[VIEW_COUNTERS] = {"counted:", "filtered:", "late:", "expired:"};
    int64_t *const counters[VIEW_COUNTERS] = {&ledger->views[view].counted, &ledger->views[view].filtered,
                                              &ledger->views[view].late, &ledger->views[view].expired};
    size_t counter = (number - FATES_COUNT) % VIEW_COUNTERS;
    *ret_view = source->views[view].name;
    *ret_name = names[counter];
    return counters[counter];
}

/* A payload that is being written. */
struct writer {
    struct buffer *out;
    struct buffer field; /* scratch */
    uint32_t items;      /* of the outer array */
    uint32_t changes;    /* of the inner one */
};

static size_t begin_hash(struct writer *writer, const char *name)
{
    writer->items += 2;
    writer->changes = 0;
    msgpack_append_string(writer->out, text_of(name));
    return msgpack_begin_array(writer->out);
}

/* The field is in writer->field; one that memory was too short for makes the whole payload fail. */
static void write_change(struct writer *writer, int64_t change)
{
    char text[24];
    writer->out->failed |= writer->field.failed;
    int length = snprintf(text, sizeof text, "%" PRId64, change);
    msgpack_append_string(writer->out, buffer_text(&writer->field));
    msgpack_append_string(writer->out, (struct text){text, (size_t)length});
    writer->changes += 2;
}

/* writer->field holds the cell's key up to `length`. */
static void write_counter(struct writer *writer, size_t length, int sum, char kind, int64_t change)
{
    if (change == 0)
        return;
    writer->field.length = length;
    if (sum >= 0)
        buffer_append_integer(&writer->field, sum);
    buffer_append_char(&writer->field, kind);
    write_change(writer, change);
}

/* writer->field holds the cell's key. */
static bool write_cell(struct writer *writer, const struct view *view, const struct cell *cell, struct error *error)
{
    buffer_append_char(&writer->field, '#');
    size_t length = writer->field.length;
    write_counter(writer, length, -1, 'c', cell->count);
    for (size_t i = 0; i < view->sum_count; i++) {
        const struct sum *sum = &cell->sums[i];
        wide billions = sum->total / SUM_SPLIT;
        if (billions != (int64_t)billions)
            return error_set(error, ERROR_INTERNAL, "a sum of the view %s is too large to keep", view->name);
        write_counter(writer, length, (int)i, 'n', cell->count - sum->count);
        write_counter(writer, length, (int)i, 'b', (int64_t)billions);
        write_counter(writer, length, (int)i, 'r', (int64_t)(sum->total % SUM_SPLIT));
    }
    return true;
}

/* In seconds, with six digits behind a point where there is a fraction. */
static void append_start(struct buffer *field, int64_t start_us)
{
    int64_t seconds = floor_divide(start_us, US_PER_SECOND), us = start_us - seconds * US_PER_SECOND;
    buffer_append_integer(field, seconds);
    if (us)
        buffer_appendf(field, ".%06" PRId64, us);
}

static bool write_pane(struct writer *writer, const struct view *view, struct pane pane, struct error *error)
{
    buffer_clear(&writer->field);
    append_start(&writer->field, pane.window_start_us);
    buffer_append_char(&writer->field, ':');
    buffer_append_text(&writer->field, pane.group);
    return write_cell(writer, view, pane.cell, error);
}

static bool write_total(struct writer *writer, const struct commit *commit, size_t view, struct error *error)
{
    struct cell_total total = {0};
    const struct panes *panes = &commit->panes[view];
    cell_total_add(&total, panes);
    if (commit->leaving)
        cell_total_take_away(&total, &commit->leaving[view]);
    buffer_clear(&writer->field);
    buffer_append_string(&writer->field, TOTAL_PREFIX);
    buffer_append_string(&writer->field, panes->view->name);
    if (!write_cell(writer, panes->view, cell_total(&total), error))
        return false;
    size_t length =
        sizeof TOTAL_PREFIX + strlen(panes->view->name); /* with the '#' that write_cell has put behind it */
    for (size_t i = 0; commit->has_checksums && i < CELL_CHECKSUMS; i++)
        write_counter(writer, length, (int)i, 'x', total.checksums[i]);
    return true;
}

static bool write_ledger(struct writer *writer, const struct commit *commit, struct error *error)
{
    struct ledger ledger = *commit->ledger;
    const char *name, *view;
    int64_t *counter;
    size_t place = begin_hash(writer, "ledger");
    for (size_t i = 0; (counter = ledger_counter(&ledger, commit->source, i, &name, &view)) != NULL; i++) {
        if (*counter == 0)
            continue;
        buffer_clear(&writer->field);
        buffer_append_string(&writer->field, name);
        buffer_append_string(&writer->field, view ? view : "");
        write_change(writer, *counter);
    }
    bool written = true;
    for (size_t i = 0; written && i < commit->source->view_count; i++)
        written = write_total(writer, commit, i, error);
    msgpack_end_array(writer->out, place, writer->changes);
    return written;
}

struct dated {
    int64_t day;
    size_t number; /* of the pane */
};

static int compare_dated(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;
    int order = (a->day > b->day) - (a->day < b->day);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

static bool write_days(struct writer *writer, const struct panes *panes, const struct dated *dated, size_t count,
                       struct error *error)
{
    for (size_t i = 0; i < count;) {
        int64_t day = dated[i].day;
        char name[VIEW_NAME_MAX_BYTES + 40];
        snprintf(name, sizeof name, "cells:%.*s:%" PRId64, VIEW_NAME_MAX_BYTES, panes->view->name, day);
        size_t place = begin_hash(writer, name);
        for (; i < count && dated[i].day == day; i++)
            if (!write_pane(writer, panes->view, panes_get(panes, dated[i].number), error))
                return false;
        msgpack_end_array(writer->out, place, writer->changes);
    }
    return true;
}

static bool write_panes(struct writer *writer, const struct panes *panes, struct error *error)
{
    size_t count = 0;
    struct dated *dated = malloc((panes_count(panes) + 1) * sizeof *dated);
    if (!dated)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < panes_count(panes); i++) {
        struct pane pane = panes_get(panes, i);
        if (!cell_is_zero(panes->view, pane.cell))
            dated[count++] = (struct dated){floor_divide(pane.window_start_us, SECONDS_PER_DAY * US_PER_SECOND), i};
    }
    qsort(dated, count, sizeof *dated, compare_dated);
    bool written = write_days(writer, panes, dated, count, error);
    free(dated);
    return written;
}

/* The view's hashes of the days before this one go. */
static void write_leaving(struct writer *writer, const struct view *view, int64_t left_us)
{
    char name[VIEW_NAME_MAX_BYTES + 40];
    snprintf(name, sizeof name, LEAVING_PREFIX "%s", view->name);
    size_t place = begin_hash(writer, name);
    buffer_clear(&writer->field);
    buffer_append_integer(&writer->field, view_leaves_before_us(view, left_us) / (SECONDS_PER_DAY * US_PER_SECOND));
    msgpack_append_string(writer->out, buffer_text(&writer->field));
    msgpack_end_array(writer->out, place, 1);
}

bool commit_encode(const struct commit *commit, struct buffer *out, struct error *error)
{
    struct writer writer = {.out = out};
    size_t place = msgpack_begin_array(out);
    bool written = write_ledger(&writer, commit, error);
    for (size_t i = 0; written && i < commit->source->view_count; i++)
        written = write_panes(&writer, &commit->panes[i], error);
    for (size_t i = 0; written && commit->leaving && i < commit->source->view_count; i++)
        write_leaving(&writer, &commit->source->views[i], commit->left_us);
    msgpack_end_array(out, place, writer.items);
    buffer_clean_up(&writer.field);
    if (written && out->failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return written;
}

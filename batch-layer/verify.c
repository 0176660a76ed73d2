/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "postgres/publications.h"
#include "published_view.h"
#include "replay.h"
#include "schema.h"

struct verification {
    struct batch *batch;
    const struct source *source;
    struct publication publication;
    struct panes *published, *computed; /* one a view */
    struct ledger ledger;               /* computed */
    bool from_log;
};

static bool is_current(const struct verification *verification, size_t view)
{
    return strcmp(verification->publication.view_fingerprints[view], verification->source->views[view].fingerprint) ==
           0;
}

/* Publication and rows in one snapshot. */
static bool read_published(struct verification *verification, struct error *error)
{
    struct batch *batch = verification->batch;
    if (!connection_execute(batch->connection, "begin isolation level repeatable read read only", error) ||
        !snapshot_read(batch->connection, verification->source, &verification->publication, error))
        return false;
    for (size_t i = 0; i < verification->source->view_count; i++)
        if (is_current(verification, i) &&
            !published_view_read(batch, &verification->source->views[i], &verification->published[i], error))
            return false;
    return true;
}

static bool recompute(struct verification *verification, struct error *error)
{
    struct batch *batch = verification->batch;
    const struct source *source = verification->source;
    struct versions versions;
    if (!replay_log_is_whole(batch, source, &verification->publication, &verification->from_log, error))
        return false;
    versions_init(&versions, source, verification->computed, &verification->ledger);
    bool done = verification->from_log ? replay_log(batch, source, &verification->publication, &versions, error)
                                       : replay_master(batch, source, &verification->publication, &versions, error);
    versions_clean_up(&versions);
    return done;
}

static void append_cell(struct buffer *out, const struct view *view, const struct cell *cell)
{
    if (cell->count == 0) {
        buffer_append_string(out, "no row");
        return;
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_appendf(out, "%s%s ", i ? ", " : "", view->measures[i].name);
        measure_append(view, &view->measures[i], cell, out);
    }
    buffer_appendf(out, " of %" PRId64 " versions", cell->count);
}

static bool comes_before(const struct view *view, struct pane a, struct pane b)
{
    return a.window_start_s != b.window_start_s ? a.window_start_s < b.window_start_s
                                                : group_compare(view, a.group, b.group) < 0;
}

static bool cells_equal(const struct view *view, const struct cell *a, const struct cell *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && a->count && i < view->sum_count; i++)
        equal = a->sums[i].count == b->sums[i].count && a->sums[i].total == b->sums[i].total;
    return equal;
}

/* Finds the first cell of `panes` that isn't the same in `others`; where one is found already, an earlier one. */
static bool find_difference(const struct view *view, struct panes *panes, struct panes *others, struct pane *first)
{
    for (size_t i = 0; i < panes_count(panes); i++) {
        struct pane pane = panes_get(panes, i);
        const struct cell *other = panes_at(others, pane.window_start_s, pane.group);
        if (!other)
            return false;
        if (!cells_equal(view, pane.cell, other) && (!first->cell || comes_before(view, pane, *first)))
            *first = pane;
    }
    return true;
}

static bool compare_view(struct verification *verification, size_t number, struct error *error)
{
    const struct view *view = &verification->source->views[number];
    struct panes *published = &verification->published[number], *computed = &verification->computed[number];
    struct pane first = {0};
    if (!find_difference(view, published, computed, &first) || !find_difference(view, computed, published, &first))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!first.cell)
        return true;
    struct buffer text = {0};
    append_cell_name(&text, view, first.window_start_s, first.group);
    buffer_append_string(&text, ": published ");
    append_cell(&text, view, panes_at(published, first.window_start_s, first.group));
    buffer_append_string(&text, "; recomputed ");
    append_cell(&text, view, panes_at(computed, first.window_start_s, first.group));
    error_set(error, ERROR_DATA, "%s", buffer_string(&text));
    buffer_clean_up(&text);
    return false;
}

struct figure {
    const char *name;
    int64_t published, computed;
};

static bool compare_ledger(const struct verification *verification, struct error *error)
{
    const struct ledger *published = &verification->publication.ledger, *computed = &verification->ledger;
    const struct figure figures[] = {
        {"consumed", published->consumed, computed->consumed},
        {"kept", published->kept, computed->kept},
        {"replaced", published->replaced, computed->replaced},
        {"duplicate", published->duplicate, computed->duplicate},
        {"bad", published->bad, computed->bad},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (figures[i].published != figures[i].computed)
            return error_set(error, ERROR_DATA,
                             "source %s: the ledger's %s is published as %" PRId64 "; recomputed %" PRId64,
                             verification->source->name, figures[i].name, figures[i].published, figures[i].computed);
    return true;
}

static bool compare(struct verification *verification, struct error *error)
{
    size_t rows = 0;
    for (size_t i = 0; i < verification->source->view_count; i++) {
        if (!is_current(verification, i)) {
            log_warning("view %s isn't published with this definition yet: not compared",
                        verification->source->views[i].name);
            continue;
        }
        if (!compare_view(verification, i, error))
            return false;
        rows += panes_count(&verification->published[i]);
    }
    if (!compare_ledger(verification, error))
        return false;
    log_info("source %s: epoch %" PRId64 ": %zu cells equal what %" PRId64 " messages of the %s give",
             verification->source->name, verification->publication.epoch, rows, verification->ledger.consumed,
             verification->from_log ? "log" : "master dataset");
    return true;
}

static bool verify(struct verification *verification, struct error *error)
{
    if (!read_published(verification, error))
        return false;
    if (verification->publication.epoch == 0) {
        log_info("source %s: nothing is published yet", verification->source->name);
        return true;
    }
    return recompute(verification, error) && compare(verification, error);
}

static bool make_panes(struct verification *verification)
{
    size_t count = verification->source->view_count;
    verification->published = calloc(count + 1, sizeof *verification->published);
    verification->computed = calloc(count + 1, sizeof *verification->computed);
    if (!verification->published || !verification->computed)
        return false;
    for (size_t i = 0; i < count; i++) {
        panes_init(&verification->published[i], &verification->source->views[i]);
        panes_init(&verification->computed[i], &verification->source->views[i]);
    }
    return true;
}

static void clean_up(struct verification *verification, bool made)
{
    for (size_t i = 0; made && i < verification->source->view_count; i++) {
        panes_clean_up(&verification->published[i]);
        panes_clean_up(&verification->computed[i]);
    }
    free(verification->published);
    free(verification->computed);
    publication_clean_up(&verification->publication);
    connection_roll_back(verification->batch->connection);
}

bool verify_source(struct batch *batch, const struct source *source, struct error *error)
{
    struct verification verification = {.batch = batch, .source = source};
    if (!batch_connect(batch, error) || !schema_migrate(batch, error))
        return false;
    bool made = make_panes(&verification);
    bool done = made ? verify(&verification, error) : error_set(error, ERROR_INTERNAL, "out of memory");
    clean_up(&verification, made);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/differences.h"

#include "emit/statement.h"

static bool lacks_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

/* The version of a row that is written next. */
static struct row_version next_version(const struct differences *differences, const struct held_row *held,
                                       uint64_t content, bool is_gone)
{
    uint32_t revision = differences->sink->appends ? (held ? held->revision : 0) + 1 : 0;
    return (struct row_version){.content = content, .revision = revision, .is_gone = is_gone};
}

/* Who was given a final row keeps it where it is only too old to be answered. */
static bool forgets(const struct differences *differences, int64_t start_us)
{
    return differences->sink->appends && start_us < differences->event->to.expired_us;
}

/* A row that isn't there any more. */
static bool keep_vanished(const struct differences *differences, const struct selected_row *selected,
                          const struct sink_row *row)
{
    const struct held_row *held = held_rows_find(&differences->copy->rows, row->name);
    if (!held || held->is_gone)
        return true;
    if (forgets(differences, selected->start_us))
        return held_rows_set(&differences->copy->rows, row->name, (struct row_version){.is_gone = true}) != NULL;
    struct row_version version = next_version(differences, held, 0, true);
    return held_rows_set(&differences->copy->rows, row->name, version) &&
           batch_rows_keep(differences->rows, row, version);
}

/* A row that is there, where the sink doesn't hold it so already. */
static bool keep_present(const struct differences *differences, const struct selected_row *selected,
                         const struct sink_row *row)
{
    struct held_row *held = held_rows_find(&differences->copy->rows, row->name);
    uint64_t content = sink_row_hash(row->content);
    bool waits = differences->sink->appends && !selected->final;
    if (held)
        held->is_seen = true;
    if (waits || (held && !held->is_gone && held->content == content))
        return true;
    struct row_version version = next_version(differences, held, content, false);
    held = held_rows_set(&differences->copy->rows, row->name, version);
    if (held)
        held->is_seen = true;
    return held && batch_rows_keep(differences->rows, row, version);
}

static bool keep_rows(const struct differences *differences)
{
    struct selected_row selected;
    struct sink_row row;
    for (size_t at = 0; selection_next(&differences->event->rows, &at, &selected);)
        if (!batch_rows_print(differences->rows, &selected, &row) ||
            !(selected.cell ? keep_present : keep_vanished)(differences, &selected, &row))
            return false;
    return true;
}

/* --- what the sink holds --- */

static bool load_row(void *context, struct text name, struct row_version version)
{
    return held_rows_set(context, name, version) != NULL;
}

static bool check_contents(const struct differences *differences, struct error *error)
{
    const struct held_rows *held = &differences->copy->rows;
    struct statement statement = {0};
    if (differences->store->is_mended || !statement_parse(differences->stated, &statement))
        return differences->store->is_mended || held->count == 0 || differences->stated.length > 0 ||
               error_set(error, ERROR_CONFIGURATION, "it holds rows, and nothing states of what they are" SINK_REMEDY);
    bool fits = statement.rows == (int64_t)held->count && statement.checksum == held->checksum;
    statement_clean_up(&statement);
    return fits || error_set(error, ERROR_CONFIGURATION,
                             "its rows aren't those that were written last: others have changed them" SINK_REMEDY);
}

static bool load_rows(const struct differences *differences, struct error *error)
{
    struct sink_store *store = differences->store;
    return store->operations->load ? store->operations->load(store, &differences->copy->rows, error)
                                   : store->operations->list(store, load_row, &differences->copy->rows, error);
}

static bool load_held(const struct differences *differences, struct error *error)
{
    struct held_copy *copy = differences->copy;
    held_rows_clean_up(&copy->rows);
    copy->is_loaded = differences->restarts || (load_rows(differences, error) && check_contents(differences, error));
    return copy->is_loaded;
}

static bool take_unseen(void *context, struct text name, struct row_version version)
{
    const struct differences *differences = context;
    const struct held_row *held = held_rows_find(&differences->copy->rows, name);
    int64_t start_us;
    (void)version;
    if (!held || held->is_gone || held->is_seen)
        return true;
    if (batch_rows_window_start(differences->rows, name, &start_us) && forgets(differences, start_us))
        return held_rows_set(&differences->copy->rows, name, (struct row_version){.is_gone = true}) != NULL;
    struct row_version next = next_version(differences, held, 0, true);
    return held_rows_set(&differences->copy->rows, name, next) &&
           batch_rows_keep_vanished(differences->rows, name, next);
}

/* Rows that are held and weren't seen have vanished; only the sink knows their names. */
static bool keep_unseen(const struct differences *differences, struct error *error)
{
    struct sink_store *store = differences->store;
    const struct held_rows *held = &differences->copy->rows;
    size_t seen = 0;
    for (size_t i = 0; i < held->capacity; i++)
        seen += held->places[i].is_used && !held->places[i].is_gone && held->places[i].is_seen;
    return seen == held->count || store->operations->list(store, take_unseen, (void *)(uintptr_t)differences, error);
}

bool differences_keep(const struct differences *differences, struct error *error)
{
    struct held_copy *copy = differences->copy;
    if (!differences->event->is_reset)
        return keep_rows(differences) || lacks_memory(error);
    if (copy->is_loaded)
        held_rows_unsee(&copy->rows);
    return (copy->is_loaded || load_held(differences, error)) && (keep_rows(differences) || lacks_memory(error)) &&
           keep_unseen(differences, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "database_rows.h"

struct published_views *published_views_new(const struct source *source)
{
    struct published_views *views = calloc(1, sizeof *views + source->view_count * sizeof views->panes[0]);
    assert(views);
    views->references = 1;
    views->count = source->view_count;
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&views->panes[i], &source->views[i]);
    return views;
}

struct published_views *published_views_share(struct published_views *views)
{
    if (views)
        views->references++;
    return views;
}

void published_views_release(struct published_views *views)
{
    if (!views || --views->references > 0)
        return;
    for (size_t i = 0; i < views->count; i++)
        panes_clean_up(&views->panes[i]);
    free(views);
}

void database_begin(struct database *database, const struct topic *topic)
{
    database_clean_up(database);
    memset(database, 0, sizeof *database);
    database->service = (struct service){.name = "PostgreSQL"};
    database->topic = topic;
    database->session = 1;
}

void database_clean_up(struct database *database)
{
    published_views_release(database->now.views);
    published_views_release(database->backup.views);
    database->now.views = database->backup.views = NULL;
}

static void copy_state(struct database_state *to, const struct database_state *from)
{
    struct published_views *views = published_views_share(from->views);
    published_views_release(to->views);
    *to = *from;
    to->views = views;
}

void database_back_up(struct database *database)
{
    copy_state(&database->backup, &database->now);
}

void database_restart(struct database *database)
{
    database->session++;
    database->locked_by = 0;
}

void database_restore(struct database *database)
{
    copy_state(&database->now, &database->backup);
    database_restart(database);
}

static struct published_partition published_partition(const struct database *database, int32_t number)
{
    const struct database_partition *partition = &database->now.partitions[number];
    struct published_partition published = {.partition = number,
                                            .first = partition->first,
                                            .cut = partition->cut,
                                            .clock_us = partition->clock_us,
                                            .idle_us = partition->idle_us,
                                            .untimed_us = partition->untimed_us,
                                            .unread = partition->unread,
                                            .fates = partition->fates,
                                            .last = partition->last,
                                            .last_hash = partition->last_hash,
                                            .tail = -1,
                                            .tail_time_us = -1};
    for (int i = 0; i < partition->gap_count; i++) {
        struct offset_range gap = partition->gaps[i].range;
        int64_t to = gap.to < partition->cut ? gap.to : partition->cut;
        for (int64_t offset = gap.from; offset < to; offset++)
            published.lost = (int64_t)(((uint64_t)published.lost + (uint64_t)offset + 1) * 0x9e3779b97f4a7c15u >> 4);
    }
    for (int i = 0; i < partition->count && partition->messages[i].offset < partition->cut; i++) {
        if (partition->messages[i].message->record_us < 0)
            continue;
        published.tail = partition->messages[i].offset;
        published.tail_time_us = partition->messages[i].message->record_us;
    }
    return published;
}

static void append_gaps(const struct database_partition *partition, int32_t number, struct publication *publication)
{
    for (int i = 0; i < partition->gap_count; i++) {
        struct offset_range gap = partition->gaps[i].range;
        if (gap.from >= partition->cut || partition->gaps[i].accepted)
            continue;
        gap.to = gap.to < partition->cut ? gap.to : partition->cut;
        publication->gaps[publication->gap_count++] = (struct published_gap){number, gap};
    }
}

/* Which of the published views has the name of this one; views->count where none has. */
static size_t find_view(const struct published_views *views, const struct view *view)
{
    size_t number = 0;
    while (number < views->count && strcmp(views->panes[number].view->name, view->name) != 0)
        number++;
    return number;
}

/* What is said of views, by the numbers that they have in this source. */
static void number_views(const struct database_state *state, const struct source *source,
                         struct publication *publication)
{
    memset(publication->view_fingerprints, 0, sizeof publication->view_fingerprints);
    memset(publication->ledger.views, 0, sizeof publication->ledger.views);
    for (size_t i = 0; state->views && i < source->view_count; i++) {
        size_t number = find_view(state->views, &source->views[i]);
        if (number == state->views->count)
            continue;
        publication->ledger.views[i] = state->publication.ledger.views[number];
        memcpy(publication->view_fingerprints[i], state->views->panes[number].view->fingerprint, FINGERPRINT_SIZE);
    }
}

void database_publication(const struct database *database, const struct source *source,
                          struct publication *ret_publication)
{
    const struct database_state *state = &database->now;
    struct publication publication = state->publication;
    number_views(state, source, &publication);
    publication.is_never = source->is_stream_alone;
    publication.partitions = calloc(TOPIC_PARTITIONS, sizeof *publication.partitions);
    publication.gaps = calloc((size_t)TOPIC_PARTITIONS * DATABASE_GAPS, sizeof *publication.gaps);
    assert(publication.partitions && publication.gaps);
    for (int32_t i = 0; i < TOPIC_PARTITIONS; i++) {
        if (!state->partitions[i].published)
            continue;
        publication.partitions[publication.partition_count++] = published_partition(database, i);
        append_gaps(&state->partitions[i], i, &publication);
    }
    *ret_publication = publication;
}

const struct database_losses *database_losses(const struct database *database, int64_t epoch, int64_t published_at_us)
{
    for (int i = 0; i < DATABASE_PUBLICATIONS; i++)
        if (database->losses[i].epoch == epoch && database->losses[i].published_at_us == published_at_us)
            return &database->losses[i];
    return NULL;
}

static struct database_reader *reader_of(struct publication_store *store)
{
    return (struct database_reader *)(void *)store;
}

static bool read_publication(struct publication_store *store, const struct source *source,
                             struct publication *ret_publication, struct error *error)
{
    struct database_reader *reader = reader_of(store);
    if (!call_begins(reader->actor, &reader->database->service, error) ||
        !call_ends(reader->actor, &reader->database->service, error))
        return false;
    database_publication(reader->database, source, ret_publication);
    return true;
}

/* All of this definition's. */
static bool give_rows(const struct database_state *state, const struct source *source, size_t view,
                      const struct published_rows *rows, struct error *error)
{
    rows->clear_view(rows->context, view);
    size_t number = state->views ? find_view(state->views, &source->views[view]) : 0;
    if (!state->views || number == state->views->count ||
        strcmp(state->views->panes[number].view->fingerprint, source->views[view].fingerprint) != 0)
        return true;
    const struct panes *panes = &state->views->panes[number];
    for (size_t i = 0; i < panes_count(panes); i++) {
        struct pane pane = panes_get(panes, i);
        if (pane.cell->count && !rows->row(rows->context, view, pane.window_start_us, pane.group, pane.cell, error))
            return false;
    }
    return true;
}

static bool read_rows(struct publication_store *store, const struct source *source, int64_t since_epoch,
                      const struct published_rows *rows, struct publication *ret_publication, struct error *error)
{
    (void)since_epoch;
    struct database_reader *reader = reader_of(store);
    if (!call_begins(reader->actor, &reader->database->service, error) ||
        !call_ends(reader->actor, &reader->database->service, error))
        return false;
    for (size_t view = 0; view < source->view_count; view++)
        if (!give_rows(&reader->database->now, source, view, rows, error))
            return false;
    database_publication(reader->database, source, ret_publication);
    return true;
}

static void destroy(struct publication_store *store)
{
    (void)store;
}

void database_reader_init(struct database_reader *reader, struct database *database, struct actor *actor)
{
    static const struct publication_store_operations operations = {
        .read = read_publication, .read_rows = read_rows, .destroy = destroy};
    *reader = (struct database_reader){{&operations}, database, actor};
}

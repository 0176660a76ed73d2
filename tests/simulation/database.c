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

void database_publication(const struct database *database, struct publication *ret_publication)
{
    const struct database_state *state = &database->now;
    *ret_publication = state->publication;
    ret_publication->partitions = calloc(TOPIC_PARTITIONS, sizeof *ret_publication->partitions);
    assert(ret_publication->partitions);
    ret_publication->partition_count = 0;
    for (int32_t i = 0; i < TOPIC_PARTITIONS; i++)
        if (state->partitions[i].published)
            ret_publication->partitions[ret_publication->partition_count++] =
                (struct published_partition){.partition = i,
                                             .first = state->partitions[i].first,
                                             .cut = state->partitions[i].cut,
                                             .clock_us = state->partitions[i].clock_us};
}

static struct database_reader *reader_of(struct publication_store *store)
{
    return (struct database_reader *)(void *)store;
}

static bool read_publication(struct publication_store *store, const struct source *source,
                             struct publication *ret_publication, struct error *error)
{
    (void)source;
    struct database_reader *reader = reader_of(store);
    if (!call_begins(reader->actor, &reader->database->service, error) ||
        !call_ends(reader->actor, &reader->database->service, error))
        return false;
    database_publication(reader->database, ret_publication);
    return true;
}

bool database_read_published(struct publication_store *store, const struct source *source, int64_t since_epoch,
                             const struct published_rows *rows, struct publication *ret_publication,
                             struct error *error)
{
    (void)since_epoch;
    struct database_reader *reader = reader_of(store);
    if (!call_begins(reader->actor, &reader->database->service, error) ||
        !call_ends(reader->actor, &reader->database->service, error))
        return false;
    const struct database_state *state = &reader->database->now;
    for (size_t view = 0; view < source->view_count; view++) {
        rows->clear_view(rows->context, view);
        if (!state->views || strcmp(state->publication.view_fingerprints[view], source->views[view].fingerprint) != 0)
            continue;
        for (size_t i = 0; i < panes_count(&state->views->panes[view]); i++) {
            struct pane pane = panes_get(&state->views->panes[view], i);
            if (pane.cell->count && !rows->row(rows->context, view, pane.window_start_s, pane.group, pane.cell, error))
                return false;
        }
    }
    database_publication(reader->database, ret_publication);
    return true;
}

static void destroy(struct publication_store *store)
{
    (void)store;
}

void database_reader_init(struct database_reader *reader, struct database *database, struct actor *actor)
{
    static const struct publication_store_operations operations = {.read = read_publication, .destroy = destroy};
    *reader = (struct database_reader){{&operations}, database, actor};
}

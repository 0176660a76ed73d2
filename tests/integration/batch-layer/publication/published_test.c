/* SPDX-License-Identifier: Apache-2.0
 * What readers get of what the batch layer publishes: the rows that changed, and all of them where that can't be told.
 */
#include "batch_fixture.h"

#include "run/backfill.h"

/* A reader's copy of the rows. */
struct copy {
    const struct source *source;
    struct panes panes[VIEWS_MAX];
    int whole_views, windows, rows; /* calls of the last read */
};

static void empty_cell(const struct view *view, struct cell *cell)
{
    memset(cell, 0, cell_size(view));
}

static void clear_view(void *context, size_t view)
{
    struct copy *copy = context;
    panes_clear(&copy->panes[view]);
    copy->whole_views++;
}

static void clear_window(void *context, size_t view, int64_t window_start_us)
{
    struct copy *copy = context;
    for (size_t i = 0; i < panes_count(&copy->panes[view]); i++) {
        struct pane pane = panes_get(&copy->panes[view], i);
        if (pane.window_start_us == window_start_us)
            empty_cell(copy->panes[view].view, pane.cell);
    }
    copy->windows++;
}

static bool row(void *context, size_t view, int64_t window_start_us, struct text group, const struct cell *cell,
                struct error *error)
{
    (void)error;
    struct copy *copy = context;
    struct cell *mine = panes_at(&copy->panes[view], window_start_us, group);
    assert_int_equal(mine->count, 0); /* cleared before, and each row once */
    cell_merge(copy->panes[view].view, mine, cell);
    copy->rows++;
    return true;
}

static void copy_init(struct copy *copy, const struct source *source)
{
    *copy = (struct copy){.source = source};
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&copy->panes[i], &source->views[i]);
}

static void copy_clean_up(struct copy *copy)
{
    for (size_t i = 0; i < copy->source->view_count; i++)
        panes_clean_up(&copy->panes[i]);
}

/* Reads what changed since this epoch; returns the epoch read. */
static int64_t read_since(struct publication_store *store, struct copy *copy, int64_t since)
{
    struct published_rows rows = {NULL, clear_view, clear_window, row, copy};
    struct publication publication;
    struct error error = {0};
    copy->whole_views = copy->windows = copy->rows = 0;
    if (!store->operations->read_rows(store, copy->source, since, &rows, &publication, &error))
        fail_msg("%s", error.message);
    int64_t epoch = publication.epoch;
    publication_clean_up(&publication);
    return epoch;
}

static void assert_same(struct copy *a, struct copy *b)
{
    for (size_t view = 0; view < a->source->view_count; view++)
        for (size_t i = 0; i < panes_count(&a->panes[view]); i++) {
            struct pane pane = panes_get(&a->panes[view], i);
            struct cell *other = panes_at(&b->panes[view], pane.window_start_us, pane.group);
            assert_memory_equal(pane.cell, other, cell_size(&a->source->views[view]));
        }
}

static void append_some(struct world *world)
{
    static int made;
    for (int i = 0; i < 20; i++) {
        char id[20], at[40];
        made++;
        snprintf(id, sizeof id, "o%d", made * 7 % 50);
        snprintf(at, sizeof at, "2026-01-%02dT12:%02d:00Z", made % 28 + 1, made % 60);
        order(world, 0, id, at, "3.10", made % 4 ? "paid" : "cancelled");
    }
    follow(world);
}

static void play_changes(const char *views)
{
    struct world world;
    struct copy follower, fresh;
    struct publication_store *store, *other;
    make_world_with(&world, 1, default_source, views);
    assert_true(postgres_publications_open(world.settings->postgres.url, NULL, &store, NULL));
    copy_init(&follower, world.source);
    int64_t epoch = read_since(store, &follower, 0);
    assert_int_equal(epoch, 0);
    for (int i = 0; i < 12; i++) {
        append_some(&world);
        run_ok(&world);
        if (i % 3 == 1)
            continue; /* the reader misses some */
        epoch = read_since(store, &follower, epoch);
        if (i > 0) {
            assert_int_equal(follower.whole_views, 0);
            assert_true(follower.windows > 0);
        }
        assert_true(postgres_publications_open(world.settings->postgres.url, NULL, &other, NULL));
        copy_init(&fresh, world.source);
        assert_int_equal(read_since(other, &fresh, 0), epoch);
        assert_same(&follower, &fresh);
        assert_same(&fresh, &follower);
        copy_clean_up(&fresh);
        other->operations->destroy(other);
    }
    read_since(store, &follower, epoch);
    assert_int_equal(follower.whole_views + follower.windows + follower.rows, 0);
    copy_clean_up(&follower);
    store->operations->destroy(store);
    end_world(&world);
}

static void changes_add_up_to_what_a_full_read_gives(void **state)
{
    (void)state;
    play_changes(default_views);
}

static void changed_members_add_up_to_what_a_full_read_gives(void **state)
{
    (void)state;
    play_changes(member_views);
}

static void days_that_were_filled_again_are_read_alone(void **state)
{
    (void)state;
    struct world world;
    struct copy copy;
    struct publication_store *store;
    const struct backfill backfill = {.view = "daily_revenue", .from = 20458, .to = 20460}; /* from 2026-01-05 */
    make_world(&world, 1);
    for (int i = 0; i < 3; i++)
        append_some(&world);
    run_ok(&world);
    assert_true(postgres_publications_open(world.settings->postgres.url, NULL, &store, NULL));
    copy_init(&copy, world.source);
    int64_t epoch = read_since(store, &copy, 0);
    if (!backfill_source(&world.batch, world.source, &backfill, &world.error))
        fail_msg("%s", world.error.message);
    assert_int_equal(read_since(store, &copy, epoch), epoch);
    assert_int_equal(copy.whole_views, 0);
    assert_in_range(copy.windows, 1, 3);
    assert_int_equal(copy.rows, copy.windows);
    read_since(store, &copy, epoch);
    assert_int_equal(copy.whole_views + copy.windows + copy.rows, 0);
    copy_clean_up(&copy);
    store->operations->destroy(store);
    end_world(&world);
}

static void database_that_was_restored_is_read_in_full(void **state)
{
    (void)state;
    struct world world;
    struct copy copy;
    struct publication_store *store;
    make_world(&world, 1);
    append_some(&world);
    run_ok(&world);
    append_some(&world);
    run_ok(&world);
    assert_true(postgres_publications_open(world.settings->postgres.url, NULL, &store, NULL));
    copy_init(&copy, world.source);
    int64_t epoch = read_since(store, &copy, 0);
    sql(&world, "update tidemark.touched set published_at = published_at + interval '1 second' where epoch = 2");
    read_since(store, &copy, epoch);
    assert_int_equal(copy.whole_views, 2);
    copy_clean_up(&copy);
    store->operations->destroy(store);
    end_world(&world);
}

static void epoch_longer_ago_than_is_remembered_is_read_in_full(void **state)
{
    (void)state;
    struct world world;
    struct copy copy;
    struct publication_store *store;
    make_world(&world, 1);
    append_some(&world);
    run_ok(&world);
    assert_true(postgres_publications_open(world.settings->postgres.url, NULL, &store, NULL));
    copy_init(&copy, world.source);
    int64_t epoch = read_since(store, &copy, 0);
    append_some(&world);
    run_ok(&world);
    sql(&world, "delete from tidemark.touched where epoch = 1");
    read_since(store, &copy, epoch);
    assert_int_equal(copy.whole_views, 2);
    copy_clean_up(&copy);
    store->operations->destroy(store);
    end_world(&world);
}

static void view_with_another_definition_has_no_rows(void **state)
{
    (void)state;
    struct world world;
    struct copy copy;
    struct publication_store *store;
    make_world(&world, 1);
    append_some(&world);
    run_ok(&world);
    configure(&world, default_source,
              "views:\n"
              "  daily_revenue:\n"
              "    source: orders\n"
              "    window: tumbling 1 hour\n"
              "    measures: { n: count }\n");
    assert_true(postgres_publications_open(world.settings->postgres.url, NULL, &store, NULL));
    copy_init(&copy, world.source);
    assert_int_equal(read_since(store, &copy, 0), 1);
    assert_int_equal(copy.whole_views, 1);
    assert_int_equal(copy.rows, 0);
    append_some(&world);
    run_ok(&world);
    assert_int_equal(read_since(store, &copy, 1), 2);
    assert_int_equal(copy.whole_views, 1);
    assert_true(copy.rows > 0);
    copy_clean_up(&copy);
    store->operations->destroy(store);
    end_world(&world);
}

static void empty_database_is_epoch_zero(void **state)
{
    (void)state;
    struct world world;
    struct publication publication;
    make_world(&world, 1);
    assert_true(
        world.batch.publications->operations->read(world.batch.publications, world.source, &publication, &world.error));
    assert_int_equal(publication.epoch, 0);
    assert_int_equal(publication.partition_count, 0);
    publication_clean_up(&publication);
    end_world(&world);
}

static void publication_says_cut_clock_and_ledger(void **state)
{
    (void)state;
    struct world world;
    struct publication publication;
    make_world(&world, 2);
    memory_log_begin_at(&world.log, 1, 5);
    append_some(&world);
    paid(&world, 1, "x", "1");
    memory_log_append(&world.log, 1, NULL, -1);
    follow(&world);
    int64_t before_us = clock_wall_us();
    run_ok(&world);
    assert_true(
        world.batch.publications->operations->read(world.batch.publications, world.source, &publication, &world.error));
    assert_int_equal(publication.partition_count, 2);
    assert_int_equal(publication.partitions[1].first, 5);
    assert_int_equal(publication.partitions[1].cut, 7);
    assert_int_equal(publication.partitions[1].clock_us, NOON_US);
    assert_true(publication.opened_at_us >= before_us && publication.opened_at_us <= publication.published_at_us);
    assert_int_equal(publication.ledger.consumed, 22);
    assert_int_equal(publication.ledger.bad, 1);
    assert_true(ledger_is_closed(&publication.ledger, world.source->view_count));
    assert_string_equal(publication.view_fingerprints[0], world.source->views[0].fingerprint);
    publication_clean_up(&publication);
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_add_up_to_what_a_full_read_gives),
        cmocka_unit_test(changed_members_add_up_to_what_a_full_read_gives),
        cmocka_unit_test(days_that_were_filled_again_are_read_alone),
        cmocka_unit_test(database_that_was_restored_is_read_in_full),
        cmocka_unit_test(epoch_longer_ago_than_is_remembered_is_read_in_full),
        cmocka_unit_test(view_with_another_definition_has_no_rows),
        cmocka_unit_test(empty_database_is_epoch_zero),
        cmocka_unit_test(publication_says_cut_clock_and_ledger),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

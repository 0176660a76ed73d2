/* SPDX-License-Identifier: Apache-2.0
 * The follower against stores that fail, go back and are published to while it reads: whatever happens, the rows are
 * those of exactly the messages below the offsets stated. */
#include "serving_fixture.h"

#include "base/log.h"

#define ORDERS 6
#define WINDOWS 3
#define MESSAGES_MAX 400

struct message {
    int order, window;
    int64_t amount;
};

/* The log, and what was kept of the stores to be restored later. */
struct world {
    struct message log[PARTITIONS][MESSAGES_MAX];
    int64_t ends[PARTITIONS];
    struct fake backup;
    int stage;         /* of the batch run; 0: none */
    int64_t run_epoch; /* published when it began */
    int64_t run_cut[PARTITIONS];
    int64_t now_us; /* the wall clock */
    struct bench bench;
};

static const struct text no_group = {"", 0};

static int64_t window_of(int number)
{
    return DAY_S + number * SECONDS_PER_DAY;
}

static int64_t window_us(int number)
{
    return window_of(number) * US_PER_SECOND;
}

static void make_panes(struct panes panes[VIEW_COUNT])
{
    for (size_t view = 0; view < VIEW_COUNT; view++)
        panes_init(&panes[view], &views[view]);
}

static void clean_panes(struct panes panes[VIEW_COUNT])
{
    for (size_t view = 0; view < VIEW_COUNT; view++)
        panes_clean_up(&panes[view]);
}

/* The last version of each order in [0, reach) of a partition, added to the panes of the views. */
static void fold(const struct world *world, int partition, int64_t reach, struct panes panes[VIEW_COUNT])
{
    const struct message *last[ORDERS] = {0};
    for (int64_t i = 0; i < reach; i++)
        last[world->log[partition][i].order] = &world->log[partition][i];
    for (int order = 0; order < ORDERS; order++)
        if (last[order]) {
            int64_t window_s = window_of(last[order]->window), amount = last[order]->amount;
            add_cell(&panes[DAILY], window_s, no_group, 1, amount);
            add_spread(&panes[SPREAD], &panes[SPREAD_MEMBERS], window_s, 1, amount);
        }
}

static void commit(int partition, struct panes panes[VIEW_COUNT], int sign)
{
    for (size_t view = 0; view < VIEW_COUNT; view++)
        for (size_t i = 0; i < panes_count(&panes[view]); i++) {
            struct pane pane = panes_get(&panes[view], i);
            int64_t total = views[view].sum_count ? (int64_t)pane.cell->sums[0].total : 0;
            fake_add(partition, view, pane.window_start_us / US_PER_SECOND, pane.group, sign * pane.cell->count,
                     sign * total);
        }
}

static void append_message(struct world *world, int partition)
{
    if (world->ends[partition] < MESSAGES_MAX)
        world->log[partition][world->ends[partition]++] =
            (struct message){(int)test_random(ORDERS), (int)test_random(WINDOWS), (int64_t)test_random(4)};
}

static bool fits_now(int partition)
{
    const struct slot *slot = &fake.slots[partition].slot;
    for (size_t i = 0; slot->exists && i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == fake.epoch + 1)
            return slot->epochs[i].offset == (fake.named ? fake.cut[partition] : 0);
    return false;
}

/* A speed process: starts the slot anew where it doesn't fit, else commits what a few messages change. */
static void speed_step(struct world *world, int partition)
{
    struct fake_slot *slot = &fake.slots[partition];
    if (!fits_now(partition)) {
        fake_begin(partition, fake.epoch + 1, fake.named ? fake.cut[partition] : 0);
        return;
    }
    int64_t next = slot->slot.next + 1 + (int64_t)test_random(4);
    if (next > world->ends[partition])
        next = world->ends[partition];
    struct panes before[VIEW_COUNT], after[VIEW_COUNT];
    make_panes(before);
    make_panes(after);
    fold(world, partition, slot->slot.next, before);
    fold(world, partition, next, after);
    commit(partition, before, -1);
    commit(partition, after, 1);
    slot->slot.next = next;
    clean_panes(before);
    clean_panes(after);
}

static void drop_epochs(struct fake_slot *slot, int64_t last)
{
    while (slot->slot.epoch_count && slot->slot.epochs[0].epoch <= last &&
           slot->slot.epochs[0].epoch < slot->slot.epoch) {
        struct panes oldest[VIEW_COUNT];
        memcpy(oldest, slot->panes[0], sizeof oldest);
        memmove(slot->panes[0], slot->panes[1], (LIVE_EPOCHS_MAX - 1) * sizeof slot->panes[0]);
        memcpy(slot->panes[LIVE_EPOCHS_MAX - 1], oldest, sizeof oldest);
        for (size_t view = 0; view < VIEW_COUNT; view++)
            panes_clear(&slot->panes[LIVE_EPOCHS_MAX - 1][view]);
        memmove(slot->slot.epochs, slot->slot.epochs + 1, (LIVE_EPOCHS_MAX - 1) * sizeof slot->slot.epochs[0]);
        slot->slot.epoch_count--;
    }
}

/* Gives the offset where this epoch begins, opening it where the slot is at the one before; -1 where it isn't. */
static int64_t open_epoch(int partition, int64_t epoch)
{
    struct slot *slot = &fake.slots[partition].slot;
    if (slot->exists && slot->epoch == epoch - 1 && slot->epoch_count < LIVE_EPOCHS_MAX)
        fake_open_epoch(partition);
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == epoch)
            return slot->epochs[i].offset;
    return -1;
}

static void publish(struct world *world)
{
    for (size_t view = 0; view < VIEW_COUNT; view++)
        panes_clear(&fake.rows[view]);
    for (int i = 0; i < PARTITIONS; i++) {
        fold(world, i, world->run_cut[i], fake.rows);
        fake.cut[i] = world->run_cut[i];
    }
    fake.named = PARTITIONS;
    fake.epoch++;
    fake.published_at_us = ++world->now_us;
}

static void batch_step(struct world *world)
{
    if (world->stage == 0)
        world->run_epoch = fake.epoch;
    int stage = world->stage++;
    if (stage < PARTITIONS) {
        world->run_cut[stage] = open_epoch(stage, world->run_epoch + 2);
        if (world->run_cut[stage] < 0)
            world->stage = 0;
    } else if (stage == PARTITIONS) {
        if (fake.epoch != world->run_epoch)
            world->stage = 0;
        else
            publish(world);
    } else {
        drop_epochs(&fake.slots[stage - PARTITIONS - 1], world->run_epoch);
        if (stage == 2 * PARTITIONS)
            world->stage = 0;
    }
}

static void copy_slot(struct fake_slot *to, const struct fake_slot *from, int number)
{
    fake_slot_clear(to);
    to->slot = from->slot;
    for (size_t epoch = 0; epoch < LIVE_EPOCHS_MAX; epoch++)
        for (size_t view = 0; view < VIEW_COUNT; view++)
            assert_true(panes_add_all(&to->panes[epoch][view], &from->panes[epoch][view]));
    snprintf(to->slot.incarnation, sizeof to->slot.incarnation, "copy%d", number);
}

static void copy_publication(struct fake *to, const struct fake *from)
{
    to->epoch = from->epoch;
    to->named = from->named;
    to->published_at_us = from->published_at_us;
    memcpy(to->cut, from->cut, sizeof to->cut);
    for (size_t view = 0; view < VIEW_COUNT; view++) {
        panes_clear(&to->rows[view]);
        assert_true(panes_add_all(&to->rows[view], &from->rows[view]));
    }
}

static void fault(struct world *world)
{
    static int copies;
    int partition = (int)test_random(PARTITIONS);
    switch (test_random(6)) {
    case 0:
        fake_slot_clear(&fake.slots[partition]);
        break;
    case 1:
        for (int i = 0; i < PARTITIONS; i++)
            copy_slot(&world->backup.slots[i], &fake.slots[i], i);
        break;
    case 2:
        for (int i = 0; i < PARTITIONS; i++)
            copy_slot(&fake.slots[i], &world->backup.slots[i], ++copies);
        break;
    case 3:
        copy_publication(&world->backup, &fake);
        break;
    case 4:
        copy_publication(&fake, &world->backup);
        fake.last_epoch = -1; /* a restored database isn't the one that was read before */
        break;
    default:
        world->stage = 0; /* the run dies */
    }
}

/* What is answered of members, as the folded panes have them. */
static void check_spread(const struct snapshot *snapshot, struct panes expected[VIEW_COUNT], int window)
{
    struct cell_total found = {0};
    const struct cell *wanted = panes_at(&expected[SPREAD], window_us(window), no_group);
    snapshot_take_members(snapshot, SPREAD, window_us(window), no_group, cell_total(&found));
    for (size_t i = 0; i < views[SPREAD].member_count; i++) {
        const struct sum *answered = &cell_total(&found)->sums[i];
        if (answered->count != wanted->sums[i].count || answered->total != wanted->sums[i].total)
            fail_msg("window %d: %s is %lld (%lld) and not %lld (%lld)", window, views[SPREAD].measures[1 + i].name,
                     (long long)answered->total, (long long)answered->count, (long long)wanted->sums[i].total,
                     (long long)wanted->sums[i].count);
    }
}

/* The rows held are those of the messages below the offsets stated, be the answer complete or not. */
static void check(struct world *world)
{
    const struct snapshot *snapshot = world->bench.snapshot;
    if (!snapshot->loaded)
        return;
    struct panes expected[VIEW_COUNT];
    make_panes(expected);
    for (size_t i = 0; i < snapshot->partition_count; i++)
        if (snapshot->partitions[i].offset > 0)
            fold(world, (int)i, snapshot->partitions[i].offset, expected);
    assert_true(panes_take_members(&expected[SPREAD], SPREAD_MEMBERS, &expected[SPREAD_MEMBERS]));
    for (int window = 0; window < WINDOWS; window++) {
        const struct view_rows *rows = &snapshot->views[DAILY].rows;
        const struct cell *cell = panes_at(&expected[DAILY], window_us(window), no_group);
        int64_t count = 0, total = 0;
        size_t at = view_rows_window(rows, window_us(window));
        for (int layer = LAYER_BATCH; layer <= (int)LAYER_SPEED; layer++)
            if (at < rows->count && rows->windows[at].start_us == window_us(window) && rows->windows[at].count) {
                const struct cell *held = row_cell(rows->windows[at].rows[0], &views[DAILY], (enum layer)layer);
                count += held->count;
                total += (int64_t)held->sums[0].total;
            }
        if (count != cell->count || total != (int64_t)cell->sums[0].total)
            fail_msg("window %d: %lld, %lld is not %lld, %lld", window, (long long)count, (long long)total,
                     (long long)cell->count, (long long)cell->sums[0].total);
        check_spread(snapshot, expected, window);
    }
    clean_panes(expected);
}

static void random_step(struct world *world)
{
    uint64_t choice = test_random(100);
    int partition = (int)test_random(PARTITIONS);
    if (choice < 20)
        append_message(world, partition);
    else if (choice < 50)
        speed_step(world, partition);
    else if (choice < 65)
        batch_step(world);
    else if (choice < 68)
        fault(world);
    else if (choice < 90)
        follower_read_live(world->bench.follower);
    else
        follower_look_at_publications(world->bench.follower);
    check(world);
}

/* Only the work itself goes on: the answer becomes complete and reaches the end of the log. */
static void settle(struct world *world)
{
    for (int round = 0; round < MESSAGES_MAX; round++)
        for (int i = 0; i < PARTITIONS; i++)
            speed_step(world, i);
    bench_follow(&world->bench);
    bench_follow(&world->bench);
    check(world);
    assert_true(view_is_complete(world->bench.snapshot, DAILY));
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(world->bench.snapshot->partitions[i].offset, world->ends[i]);
}

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof *world);
    make_views(NULL);
    bench_start(&world->bench, 1 << 30);
    make_panes(world->backup.rows);
    for (size_t slot = 0; slot < PARTITIONS; slot++)
        for (size_t epoch = 0; epoch < LIVE_EPOCHS_MAX; epoch++)
            for (size_t view = 0; view < VIEW_COUNT; view++)
                panes_init(&world->backup.slots[slot].panes[epoch][view], &views[view]);
    return world;
}

static void world_destroy(struct world *world)
{
    clean_panes(world->backup.rows);
    for (size_t slot = 0; slot < PARTITIONS; slot++)
        for (size_t epoch = 0; epoch < LIVE_EPOCHS_MAX; epoch++)
            for (size_t view = 0; view < VIEW_COUNT; view++)
                panes_clean_up(&world->backup.slots[slot].panes[epoch][view]);
    bench_stop(&world->bench);
    free(world);
}

static void every_answer_is_exact_whatever_the_stores_do(void **state)
{
    (void)state;
    test_random_seed();
    for (int schedule = 0; schedule < 300; schedule++) {
        struct world *world = world_new();
        for (int step = 0; step < 300; step++)
            random_step(world);
        settle(world);
        world_destroy(world);
    }
}

/* A copy of the daily view that is kept by the feed alone. */
struct copy {
    struct feed_reader reader;
    struct panes held;
    size_t resets, changes; /* that it was told of */
};

static void copy_window(struct copy *copy, const struct view_rows *rows, int64_t start_us)
{
    struct cell *cell = panes_at(&copy->held, start_us, no_group);
    size_t at = view_rows_window(rows, start_us);
    memset(cell, 0, cell_size(rows->view));
    if (at == rows->count || rows->windows[at].start_us != start_us || rows->windows[at].count == 0)
        return;
    for (int layer = LAYER_BATCH; layer <= (int)LAYER_SPEED; layer++)
        cell_merge(rows->view, cell, row_cell(rows->windows[at].rows[0], rows->view, (enum layer)layer));
}

static void copy_follow(struct copy *copy, struct snapshot *snapshot)
{
    const struct view_rows *rows = &snapshot->views[DAILY].rows;
    struct changes changes;
    pthread_rwlock_rdlock(&snapshot->lock);
    assert_true(feed_read(&copy->reader, &changes));
    copy->resets += changes.is_reset;
    copy->changes += changes.count;
    if (changes.is_reset)
        panes_clear(&copy->held);
    for (size_t i = 0; changes.is_reset && i < rows->count; i++)
        copy_window(copy, rows, rows->windows[i].start_us);
    for (size_t i = 0; i < changes.count; i++)
        copy_window(copy, rows, changes.changes[i].window_start_us);
    pthread_rwlock_unlock(&snapshot->lock);
    changes_clean_up(&changes);
}

static void assert_copy_is_the_view(const struct copy *copy, const struct snapshot *snapshot)
{
    struct copy anew = {0};
    panes_init(&anew.held, &views[DAILY]);
    for (int window = 0; window < WINDOWS; window++) {
        copy_window(&anew, &snapshot->views[DAILY].rows, window_us(window));
        const struct cell *held = panes_at((struct panes *)(uintptr_t)&copy->held, window_us(window), no_group);
        const struct cell *is = panes_at(&anew.held, window_us(window), no_group);
        assert_memory_equal(held, is, cell_size(&views[DAILY]));
    }
    panes_clean_up(&anew.held);
}

/* One follows every change, the other now and then. */
static void copies_that_follow_the_feed_are_the_view(void **state)
{
    (void)state;
    test_random_seed();
    size_t resets = 0, changes = 0;
    for (int schedule = 0; schedule < 100; schedule++) {
        struct world *world = world_new();
        struct snapshot *snapshot = world->bench.snapshot;
        struct copy copies[2];
        for (int i = 0; i < 2; i++) {
            copies[i] = (struct copy){0};
            panes_init(&copies[i].held, &views[DAILY]);
            feed_reader_open(&copies[i].reader, &snapshot->feed, DAILY, 0);
        }
        for (int step = 0; step < 300; step++) {
            random_step(world);
            for (int i = 0; i < 2; i++)
                if (i == 0 || test_random(20) == 0) {
                    copy_follow(&copies[i], snapshot);
                    assert_copy_is_the_view(&copies[i], snapshot);
                }
        }
        for (int i = 0; i < 2; i++) {
            resets += copies[i].resets;
            changes += copies[i].changes;
            feed_reader_close(&copies[i].reader);
            panes_clean_up(&copies[i].held);
        }
        world_destroy(world);
    }
    assert_true(changes > resets); /* it isn't all begun anew */
}

static struct world *world_with_a_day(void)
{
    struct world *world = world_new();
    for (int i = 0; i < PARTITIONS; i++) {
        world->log[i][0] = (struct message){i, 0, 100};
        world->ends[i] = 1;
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < PARTITIONS; i++)
            speed_step(world, i);
    bench_follow(&world->bench);
    return world;
}

static void run_batch(struct world *world)
{
    do
        batch_step(world);
    while (world->stage);
}

static void an_empty_database_is_epoch_zero_and_real_time_is_answered(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    assert_says(&world->bench, "/v1/views/daily", "\"order_count\": 2, \"total\": 2.00");
    assert_says(&world->bench, "/v1/views/daily",
                "{\"complete\": true, \"missing\": [], \"batch\": {\"epoch\": 0, \"published_at\": null, \"cut\": {}}");
    world_destroy(world);
}

static void nothing_is_answered_until_a_cut_was_read(void **state)
{
    (void)state;
    struct world *world = world_new();
    fake.postgres_down = true;
    bench_follow(&world->bench);
    assert_problem(&world->bench, "/v1/views/daily", 503, "could be read yet");
    assert_problem(&world->bench, "/readyz", 503, "PostgreSQL could not be read");
    assert_says(&world->bench, "/livez", "ok");
    world_destroy(world);
}

static void whoever_is_ready_answers(void **state)
{
    (void)state;
    struct world *world = world_new();
    follower_read_live(world->bench.follower);
    follower_look_at_publications(world->bench.follower);
    assert_problem(&world->bench, "/v1/views/daily", 503, "could be read yet");
    assert_problem(&world->bench, "/readyz", 503, "PostgreSQL could not be read");
    follower_read_live(world->bench.follower);
    assert_says(&world->bench, "/readyz", "ok");
    assert_says(&world->bench, "/v1/views/daily", "\"provenance\"");
    world_destroy(world);
}

static void a_ledger_that_was_never_read_is_neither_closed_nor_open(void **state)
{
    (void)state;
    unsigned status;
    struct world *world = world_new();
    fake.postgres_down = true;
    bench_follow(&world->bench);
    assert_answer(&world->bench, "/v1/ledger",
                  "{\"sources\": [{\"name\": \"orders\", \"epoch\": null, \"consumed\": null, \"kept\": null, "
                  "\"replaced\": null, \"duplicate\": null, \"deferred\": null, \"bad\": null, \"closed\": null, "
                  "\"lost\": null, \"views\": ["
                  "{\"name\": \"daily\", \"counted\": null, \"filtered\": null, \"closed\": null}, "
                  "{\"name\": \"grouped\", \"counted\": null, \"filtered\": null, \"closed\": null}, "
                  "{\"name\": \"recent\", \"counted\": null, \"filtered\": null, \"closed\": null}, "
                  "{\"name\": \"visits\", \"counted\": null, \"filtered\": null, \"closed\": null}, "
                  "{\"name\": \"spread\", \"counted\": null, \"filtered\": null, \"closed\": null}], "
                  "\"partitions\": {}}]}\n");
    assert_null(strstr(bench_get(&world->bench, "/metrics", &status), "\ntidemark_ledger_closed{"));
    assert_null(strstr(bench_get(&world->bench, "/metrics", &status), "\ntidemark_ledger_messages{"));
    world_destroy(world);
    world = world_with_a_day();
    assert_says(&world->bench, "/v1/ledger", "\"closed\": true, \"lost\": 0");
    assert_says(&world->bench, "/metrics", "\ntidemark_ledger_closed{source=\"orders\"} 1\n");
    world_destroy(world);
}

static void without_redis_the_last_answer_stays_complete(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    fake.redis_down = true;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true");
    assert_says(&world->bench, "/v1/status", "\"redis\": {\"reachable\": false");
    assert_says(&world->bench, "/metrics", "tidemark_serving_store_up{store=\"redis\"} 0\n");
    world_destroy(world);
}

static void what_is_published_while_redis_is_down_is_answered_as_far_as_it_goes(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    run_batch(world);
    fake.redis_down = true;
    bench_follow(&world->bench);
    check(world);
    assert_says(&world->bench, "/v1/views/daily", "\"order_count\": 2, \"total\": 2.00");
    assert_says(&world->bench, "/v1/views/daily",
                "{\"complete\": false, \"missing\": [{\"partition\": 0, \"reason\": \"unreachable\", \"from\": 1}, "
                "{\"partition\": 1, \"reason\": \"unreachable\", \"from\": 1}], \"batch\": {\"epoch\": 1");
    world_destroy(world);
}

static void a_lost_slot_is_said_to_be_rebuilding_from_the_cut(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    run_batch(world);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true");
    fake_slot_clear(&fake.slots[1]);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily",
                "{\"complete\": false, \"missing\": [{\"partition\": 1, \"reason\": \"rebuilding\", \"from\": 1}]");
    speed_step(world, 1);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true");
    world_destroy(world);
}

static void partitions_beyond_a_thousand_are_missing_like_others(void **state)
{
    (void)state;
    struct world *world = world_new();
    fake_begin(0, 1, 0);
    fake.slots[0].slot.partitions = 1500;
    bench_follow(&world->bench);
    assert_int_equal(world->bench.snapshot->partition_count, 1500);
    assert_says(&world->bench, "/v1/views/daily", "{\"partition\": 1024, ");
    assert_says(&world->bench, "/v1/views/daily", "{\"partition\": 1499, ");
    world_destroy(world);
}

static void come_back_and_be_lost_again(void *context)
{
    struct world *world = context;
    speed_step(world, 1);
    follower_read_live(world->bench.follower);
    fake_slot_clear(&fake.slots[1]);
    follower_read_live(world->bench.follower);
}

/* With times that never come: only the look that a misfit asks for is made. */
static void a_slot_that_is_lost_during_a_look_is_looked_for_once_more(void **state)
{
    (void)state;
    fake.times = (struct follower_times){.publication_us = 3600 * US_PER_SECOND, .grace_us = 3600 * US_PER_SECOND};
    struct world *world = world_with_a_day();
    fake_slot_clear(&fake.slots[1]);
    follower_read_live(world->bench.follower);
    fake.meanwhile = come_back_and_be_lost_again;
    fake.context = world;
    follower_look_at_publications(world->bench.follower);
    fake.meanwhile = NULL;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"missing\": [{\"partition\": 1, \"reason\": \"rebuilding\"");
    world_destroy(world);
}

static void deferred_messages_make_an_answer_incomplete_until_they_are_published(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    fake.slots[0].ledgers[0].deferred = 2;
    fake.slots[0].slot.next++;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily",
                "\"missing\": [{\"partition\": 0, \"reason\": \"deferred\", \"from\": 0, \"to\": 2}]");
    assert_says(&world->bench, "/v1/views/daily", "\"deferred\": 2}");
    world_destroy(world);
}

static void messages_that_were_lost_unread_are_a_gap_until_the_batch_layer_has_its_say(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    struct slot *slot = &fake.slots[0].slot;
    gaps_add(&slot->gaps, (struct offset_range){slot->next, slot->next + 7});
    slot->next += 7;
    slot->sequence++;
    bench_follow(&world->bench);
    char missing[200];
    snprintf(
        missing, sizeof missing,
        "\"complete\": false, \"missing\": [{\"partition\": 0, \"reason\": \"gap\", \"from\": %lld, \"to\": %lld}]",
        (long long)slot->next - 7, (long long)slot->next);
    assert_says(&world->bench, "/v1/views/daily", missing);
    assert_says(&world->bench, "/v1/status", "\"gaps\": [{\"from\": ");
    fake_open_epoch(0);
    fake_open_epoch(1);
    fake.cut[0] = slot->next;
    fake.cut[1] = fake.slots[1].slot.next;
    fake.named = PARTITIONS;
    fake.epoch = slot->epoch - 1;
    fake.published_at_us = fake.opened_at_us = DAY_S * US_PER_SECOND;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true, \"missing\": []");
    fake.gap = (struct published_gap){0, {3, 5}};
    fake.published_at_us++;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily",
                "\"complete\": false, \"missing\": [{\"partition\": 0, \"reason\": \"gap\", \"from\": 3, \"to\": 5}]");
    world_destroy(world);
}

static void a_slot_whose_cells_are_not_its_ledgers_is_left_out_until_it_is_built_again(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    const char *complete = "\"complete\": true";
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", complete);
    fake.slots[0].is_damaged = true;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", complete); /* what it followed by changes is right still */
    snprintf(fake.slots[0].slot.incarnation, sizeof fake.slots[0].slot.incarnation, "read-anew");
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "{\"partition\": 0, \"reason\": \"rebuilding\", \"from\": 0}");
    assert_int_equal(world->bench.snapshot->damages, 1);
    fake.slots[0].slot.next++;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"rebuilding\"");
    fake_begin(0, 1, 0);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", complete);
    world_destroy(world);
}

static void a_slot_of_a_newer_format_is_left_out_alone_with_an_alarm(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    run_batch(world);
    fake.slots[0].slot.format = 99;
    append_message(world, 1);
    speed_step(world, 1);
    for (int round = 0; round < 3; round++)
        bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"missing\": [{\"partition\": 0, \"reason\": \"rebuilding\"");
    assert_says(&world->bench, "/v1/views/daily", "\"speed\": {\"offsets\": {\"0\": 1, \"1\": 2}, \"lag\": null}");
    assert_says(&world->bench, "/v1/status", "\"redis\": {\"reachable\": true");
    assert_says(&world->bench, "/v1/status", "\"alarm\": \"format\"");
    assert_says(&world->bench, "/metrics", "tidemark_serving_partitions_stopped{source=\"orders\"} 1\n");
    assert_says(&world->bench, "/metrics", "tidemark_serving_store_up{store=\"redis\"} 1\n");
    assert_int_equal(world->bench.snapshot->damages, 1);
    check(world);
    fake_slot_clear(&fake.slots[0]);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/metrics", "tidemark_serving_partitions_stopped{source=\"orders\"} 0\n");
    assert_says(&world->bench, "/v1/views/daily", "\"rebuilding\"");
    speed_step(world, 0);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true");
    check(world);
    world_destroy(world);
}

static void a_slot_of_an_older_format_is_rebuilding_and_no_damage(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    fake.slots[0].slot.format = 1;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "{\"partition\": 0, \"reason\": \"rebuilding\", \"from\": 0}");
    assert_says(&world->bench, "/metrics", "tidemark_serving_partitions_stopped{source=\"orders\"} 0\n");
    assert_int_equal(world->bench.snapshot->damages, 0);
    world_destroy(world);
}

/* Then its slots go on from what is published, and those of this file only where somebody still reads by it. */
static void a_slot_that_does_not_fit_what_another_file_published_is_of_another_definition(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    fake.published_by = "other";
    run_batch(world);
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true");
    fake.slots[0].slot.incarnation[0]++;
    for (size_t i = 0; i < fake.slots[0].slot.epoch_count; i++)
        fake.slots[0].slot.epochs[i].offset++;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "{\"partition\": 0, \"reason\": \"definition\", \"from\": 1}");
    fake.published_by = orders.fingerprint;
    fake.published_at_us++;
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily", "{\"partition\": 0, \"reason\": \"rebuilding\", \"from\": 1}");
    world_destroy(world);
}

static void a_view_that_was_published_with_another_definition_is_missing(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    run_batch(world);
    snprintf(views[DAILY].fingerprint, FINGERPRINT_SIZE, "changed");
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily",
                "\"rows\": [], \"next\": null, \"provenance\": {\"complete\": false, \"missing\": "
                "[{\"partition\": 0, \"reason\": \"definition\", \"from\": 0, \"to\": 1}");
    assert_says(&world->bench, "/v1/views/recent", "\"complete\": true");
    assert_says(&world->bench, "/v1/ledger",
                "{\"name\": \"daily\", \"counted\": null, \"filtered\": null, \"closed\": null}");
    world_destroy(world);
}

static void nothing_known_of_a_source_is_not_complete(void **state)
{
    (void)state;
    struct world *world = world_new();
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/daily",
                "\"complete\": false, \"missing\": [{\"partition\": null, \"reason\": \"rebuilding\"}]");
    world_destroy(world);
}

static void what_is_past_the_retention_is_not_answered_and_said_to_be_expired(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    for (int minute = 0; minute < 120; minute++)
        fake_add(0, RECENT, DAY_S + 60 * minute, no_group, 1, 100);
    fake.slots[0].slot.clock_us = (DAY_S + 119 * 60 + 30) * US_PER_SECOND; /* 01:59:30: kept from 00:59 */
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/recent", "\"rows\": [{\"window_start\": \"2026-01-01T00:59:00+00:00\"");
    assert_says(&world->bench, "/v1/views/recent", "\"complete\": true");
    assert_says(&world->bench, "/v1/views/recent?from=2026-01-01T00:59:00Z", "\"complete\": true");
    assert_says(&world->bench, "/v1/views/recent?from=2026-01-01T00:58:59Z",
                "{\"partition\": null, \"reason\": \"expired\", \"from\": \"2026-01-01T00:58:59+00:00\", "
                "\"to\": \"2026-01-01T00:59:00+00:00\"}");
    world_destroy(world);
}

static void a_longer_window_that_is_past_the_retention_in_part_is_said_to_be_expired(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    for (int minute = 0; minute < 120; minute++)
        fake_add(0, RECENT, DAY_S + 60 * minute, no_group, 1, 100);
    fake.slots[0].slot.clock_us = (DAY_S + 119 * 60 + 30) * US_PER_SECOND; /* kept from 00:59 */
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/recent?window=1_hour",
                "\"rows\": [{\"window_start\": \"2026-01-01T01:00:00+00:00\"");
    assert_says(&world->bench, "/v1/views/recent?window=1_hour",
                "\"complete\": false, \"missing\": [{\"partition\": null, \"reason\": \"expired\", \"from\": "
                "\"2026-01-01T00:00:00+00:00\", \"to\": \"2026-01-01T00:59:00+00:00\"}]");
    assert_says(&world->bench, "/v1/views/recent?window=hopping_30_minutes_every_10_minutes",
                "\"expired\", \"from\": \"2026-01-01T00:30:00+00:00\", \"to\": \"2026-01-01T00:59:00+00:00\"}]");
    assert_says(&world->bench, "/v1/views/recent?window=1_hour&to=2026-01-01T00:00:00Z", "\"complete\": true");
    assert_says(&world->bench, "/v1/views/recent?window=1_hour&from=2026-01-01T01:00:00Z", "\"complete\": true");
    assert_says(&world->bench, "/v1/views/recent?window=1_minute&order=window_start", "\"complete\": true");
    fake.slots[0].slot.clock_us = (DAY_S + 120 * 60 + 30) * US_PER_SECOND; /* kept from 01:00 */
    bench_follow(&world->bench);
    assert_says(&world->bench, "/v1/views/recent?window=1_hour", "\"complete\": true");
    assert_says(&world->bench, "/v1/views/recent?window=hopping_30_minutes_every_10_minutes",
                "\"expired\", \"from\": \"2026-01-01T00:40:00+00:00\", \"to\": \"2026-01-01T01:00:00+00:00\"}]");
    world_destroy(world);
}

static void windows_beyond_the_memory_are_refused_and_not_left_out_in_silence(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    world->bench.snapshot->bytes_max = 20000;
    for (int hour = 0; hour < 1000; hour++)
        fake_add(0, DAILY, DAY_S + SECONDS_PER_DAY * hour, no_group, 1, 100);
    bench_follow(&world->bench);
    assert_true(snapshot_bytes(world->bench.snapshot) <= 20000);
    assert_problem(&world->bench, "/v1/views/daily", 422, "http.memory");
    assert_problem(&world->bench, "/v1/views/daily?from=2026-01-01&to=2026-01-02", 422, "http.memory");
    int64_t floor_us = world->bench.snapshot->views[DAILY].rows.floor_us;
    struct buffer target = {0};
    buffer_append_string(&target, "/v1/views/daily?from=");
    buffer_append_local_time(&target, views[DAILY].zone, floor_us);
    assert_says(&world->bench, buffer_string(&target), "\"complete\": true");
    buffer_clean_up(&target);
    world_destroy(world);
}

static void at_the_ceiling_of_memory_not_each_update_gives_up_windows(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    struct snapshot *snapshot = world->bench.snapshot;
    int rises = 0, day = 0;
    snapshot->bytes_max = 100000;
    for (; day < 1000; day++)
        fake_add(0, DAILY, DAY_S + SECONDS_PER_DAY * day, no_group, 1, 100);
    bench_follow(&world->bench);
    for (int update = 0; update < 60; update++, day++) {
        int64_t floor_us = snapshot->views[DAILY].rows.floor_us;
        fake_add(0, DAILY, DAY_S + SECONDS_PER_DAY * day, no_group, 1, 100);
        fake.slots[0].slot.next++;
        bench_follow(&world->bench);
        rises += snapshot->views[DAILY].rows.floor_us > floor_us;
        assert_true(snapshot_bytes(snapshot) <= snapshot->bytes_max);
        assert_true(snapshot_bytes(snapshot) >= snapshot->bytes_max / 16 * 15);
    }
    assert_in_range(rises, 3, 20);
    world_destroy(world);
}

static void a_store_that_was_down_is_asked_again(void **state)
{
    (void)state;
    struct world *world = world_with_a_day();
    fake.redis_down = true;
    follower_read_live(world->bench.follower);
    assert_false(world->bench.snapshot->live_reachable);
    fake.redis_down = false;
    while (!world->bench.snapshot->live_reachable)
        follower_read_live(world->bench.follower);
    assert_says(&world->bench, "/v1/views/daily", "\"complete\": true");
    world_destroy(world);
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_exact_whatever_the_stores_do),
        cmocka_unit_test(copies_that_follow_the_feed_are_the_view),
        cmocka_unit_test(an_empty_database_is_epoch_zero_and_real_time_is_answered),
        cmocka_unit_test(nothing_is_answered_until_a_cut_was_read),
        cmocka_unit_test(whoever_is_ready_answers),
        cmocka_unit_test(a_ledger_that_was_never_read_is_neither_closed_nor_open),
        cmocka_unit_test(without_redis_the_last_answer_stays_complete),
        cmocka_unit_test(what_is_published_while_redis_is_down_is_answered_as_far_as_it_goes),
        cmocka_unit_test(a_lost_slot_is_said_to_be_rebuilding_from_the_cut),
        cmocka_unit_test(partitions_beyond_a_thousand_are_missing_like_others),
        cmocka_unit_test(a_slot_that_is_lost_during_a_look_is_looked_for_once_more),
        cmocka_unit_test(deferred_messages_make_an_answer_incomplete_until_they_are_published),
        cmocka_unit_test(messages_that_were_lost_unread_are_a_gap_until_the_batch_layer_has_its_say),
        cmocka_unit_test(a_slot_whose_cells_are_not_its_ledgers_is_left_out_until_it_is_built_again),
        cmocka_unit_test(a_slot_of_a_newer_format_is_left_out_alone_with_an_alarm),
        cmocka_unit_test(a_slot_of_an_older_format_is_rebuilding_and_no_damage),
        cmocka_unit_test(a_slot_that_does_not_fit_what_another_file_published_is_of_another_definition),
        cmocka_unit_test(a_view_that_was_published_with_another_definition_is_missing),
        cmocka_unit_test(nothing_known_of_a_source_is_not_complete),
        cmocka_unit_test(what_is_past_the_retention_is_not_answered_and_said_to_be_expired),
        cmocka_unit_test(a_longer_window_that_is_past_the_retention_in_part_is_said_to_be_expired),
        cmocka_unit_test(windows_beyond_the_memory_are_refused_and_not_left_out_in_silence),
        cmocka_unit_test(at_the_ceiling_of_memory_not_each_update_gives_up_windows),
        cmocka_unit_test(a_store_that_was_down_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 * A source with three views and stores in memory: what tests of the serving layer are told is published and is in the
 * slots, in a few words. */
#ifndef TIDEMARK_TESTS_SERVING_FIXTURE_H
#define TIDEMARK_TESTS_SERVING_FIXTURE_H

#include "cmocka_test.h"

#include <pthread.h>

#include "answer_cache.h"
#include "base/clock.h"
#include "merged/follower.h"
#include "provenance.h"
#include "routes.h"
#include "store_health.h"
#include "view_stream.h"

#define UNUSED __attribute__((unused))
#define PARTITIONS 2
#define DAY_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

enum { DAILY, GROUPED, RECENT, VISITS, SPREAD, SPREAD_MEMBERS, VIEW_COUNT };
enum { CATEGORY, QUANTITY, AMOUNT, FIELD_COUNT };

static const struct field fields[FIELD_COUNT] = {
    {"category", FIELD_TEXT, 0}, {"quantity", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = FIELD_COUNT, .key = FIELD_NONE};
static struct view views[VIEW_COUNT];
static struct source orders = {.name = "orders", .views = views, .view_count = VIEW_COUNT, .fingerprint = "source1"};

static void make_view(struct view *view, const char *name, int64_t length_s, const struct zone *zone)
{
    *view =
        (struct view){.name = name, .schema = &schema, .window = {.length_s = length_s}, .zone = zone, .sum_count = 1};
    view->sums[0] = AMOUNT;
    view->measures[0] = (struct measure){"order_count", MEASURE_COUNT, FIELD_NONE, 0};
    view->measures[1] = (struct measure){"total", MEASURE_SUM, AMOUNT, 0};
    view->measures[2] = (struct measure){"average", MEASURE_AVERAGE, AMOUNT, 0};
    view->measure_count = 3;
    snprintf(view->fingerprint, sizeof view->fingerprint, "f-%s", name);
}

/* How far apart amounts are: a view whose measures rest on members, and the hidden view of these. */
static void make_spread(struct view *view, struct view *members, const struct zone *zone)
{
    *view = (struct view){
        .name = "spread", .schema = &schema, .window = {.length_s = 86400}, .zone = zone, .member_count = 3};
    view->measures[0] = (struct measure){"order_count", MEASURE_COUNT, FIELD_NONE, 0};
    view->measures[1] = (struct measure){"amounts", MEASURE_UNIQUE, AMOUNT, 0};
    view->measures[2] = (struct measure){"least", MEASURE_MINIMUM, AMOUNT, 1};
    view->measures[3] = (struct measure){"most", MEASURE_MAXIMUM, AMOUNT, 2};
    view->measure_count = 4;
    for (size_t i = 0; i < 3; i++)
        view->members[i] = SPREAD_MEMBERS;
    snprintf(view->fingerprint, sizeof view->fingerprint, "f-spread");
    *members = (struct view){
        .name = "spread:amount", .schema = &schema, .window = {.length_s = 86400}, .zone = zone, .shown = view};
    members->dimensions[members->dimension_count++] = AMOUNT;
    snprintf(members->fingerprint, sizeof members->fingerprint, "f-spread:amount");
}

static UNUSED int make_views(void **state)
{
    (void)state;
    static struct zone *zone;
    if (!zone && !zone_open("Europe/London", &zone, NULL))
        return -1;
    make_view(&views[DAILY], "daily", 86400, zone);
    make_view(&views[GROUPED], "grouped", 3600, zone);
    make_view(&views[RECENT], "recent", 60, zone);
    make_spread(&views[SPREAD], &views[SPREAD_MEMBERS], zone);
    views[GROUPED].dimensions[0] = CATEGORY;
    views[GROUPED].dimensions[1] = QUANTITY;
    views[GROUPED].dimension_count = 2;
    views[RECENT].retention_s = 3600;
    make_view(&views[VISITS], "visits", 0, zone);
    views[VISITS].window.gap_s = 600;
    views[VISITS].retention_s = 7200;
    views[VISITS].dimensions[0] = CATEGORY;
    views[VISITS].dimensions[1] = QUANTITY;
    views[VISITS].dimension_count = 2;
    return 0;
}

/* The group of `grouped` and `visits` with this category (NULL: null) and quantity. */
static UNUSED struct text group_of(const char *category, int64_t quantity, struct buffer *scratch)
{
    struct value values[FIELD_COUNT] = {0};
    values[CATEGORY].present = category != NULL;
    if (category)
        values[CATEGORY].text = text_of(category);
    values[QUANTITY] = (struct value){.present = true, .number = quantity};
    buffer_clear(scratch);
    group_append(&views[GROUPED], values, scratch);
    return buffer_text(scratch);
}

static UNUSED void add_cell(struct panes *panes, int64_t window_s, struct text group, int64_t count, int64_t cents)
{
    struct cell *cell = panes_at(panes, window_s * US_PER_SECOND, group);
    assert_non_null(cell);
    cell->count += count;
    if (panes->view->sum_count == 0)
        return;
    cell->sums[0].count += count;
    cell->sums[0].total += cents;
}

/* Adds so many orders of this amount to the panes of `spread` and of its members. */
static UNUSED void add_spread(struct panes *panes, struct panes *members, int64_t window_s, int64_t count,
                              int64_t cents)
{
    struct value values[FIELD_COUNT] = {[AMOUNT] = {.present = true, .number = cents}};
    struct buffer group = {0};
    group_append(members->view, values, &group);
    add_cell(panes, window_s, (struct text){"", 0}, count, 0);
    add_cell(members, window_s, buffer_text(&group), count, 0);
    buffer_clean_up(&group);
}

/* Held while the stores in memory are read, and by a test that changes them meanwhile. */
static UNUSED pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static UNUSED _Atomic bool fake_redis_hangs; /* whoever asks it waits until it doesn't */

static UNUSED void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Redis and PostgreSQL, as far as the follower sees them. */
struct fake_slot {
    struct slot slot;
    struct panes panes[LIVE_EPOCHS_MAX][VIEW_COUNT]; /* by slot.epochs */
    struct ledger ledgers[LIVE_EPOCHS_MAX];          /* what must follow from the rest is filled in when read */
    bool is_damaged;                                 /* whoever reads all finds cells that nobody committed */
};

struct fake {
    struct realtime_store realtime;
    struct publication_store publications;
    const char *published_by; /* the definition; NULL: that isn't known */
    bool redis_down, postgres_down;
    void (*meanwhile)(void *context); /* happens while the publication is read; NULL: nothing */
    void *context;
    struct follower_times times; /* of the follower to be started */
    struct fake_slot slots[PARTITIONS];
    int64_t epoch, published_at_us, opened_at_us, cut[PARTITIONS], clock_us[PARTITIONS], idle_us[PARTITIONS];
    struct fates fates[PARTITIONS]; /* below the cut */
    int named;                      /* partitions that the cut names */
    bool unread[PARTITIONS];        /* nobody read it when it was cut */
    struct published_gap gap;       /* where it isn't empty */
    struct panes rows[VIEW_COUNT];
    bool (*touches)(size_t view, int64_t window_s); /* the run that is read; NULL: every midnight's of four days */
    struct publication_store *last_reader;
    int64_t last_epoch, last_published_at_us; /* given to the reader */
};

static UNUSED struct fake fake;

static bool fake_down(bool down, struct error *error)
{
    return down && !error_set(error, ERROR_UNAVAILABLE, "down");
}

static bool fake_read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    (void)store;
    if (fake_down(fake.redis_down, error))
        return false;
    pthread_mutex_lock(&fake_lock);
    *ret_slot = id.partition < PARTITIONS ? fake.slots[id.partition].slot : (struct slot){0};
    pthread_mutex_unlock(&fake_lock);
    slot_keep_known(ret_slot);
    return true;
}

/* Ledger and totals as the commits would have left them. */
static void fake_close_ledger(struct fake_slot *slot, size_t epoch, struct epoch_cells *cells)
{
    struct ledger *ledger = &slot->ledgers[epoch];
    for (size_t view = 0; view < VIEW_COUNT; view++) {
        cells->totals[view] = (struct cell_total){0};
        cell_total_add(&cells->totals[view], &slot->panes[epoch][view]);
        ledger->views[view].counted = cell_total(&cells->totals[view])->count;
        if (ledger->views[view].counted > ledger->kept)
            ledger->kept = ledger->views[view].counted;
    }
    for (size_t view = 0; view < VIEW_COUNT; view++)
        ledger->views[view].filtered = ledger->kept - ledger->views[view].counted;
    ledger->consumed = ledger->kept + ledger->replaced + ledger->duplicate + ledger->deferred + ledger->bad;
    slot->slot.epochs[epoch].consumed = ledger->consumed;
    cells->ledger = *ledger;
}

static bool fake_read_all(struct slot_reader *reader, struct fake_slot *slot)
{
    slot_reader_clear(reader);
    for (size_t i = 0; i < slot->slot.epoch_count; i++) {
        struct epoch_cells *cells = slot_reader_epoch(reader, slot->slot.epochs[i].epoch);
        for (size_t view = 0; view < VIEW_COUNT; view++)
            if (!cells || !panes_add_all(&cells->panes[view], &slot->panes[i][view]))
                return false;
        fake_close_ledger(slot, i, cells);
        if (slot->is_damaged)
            panes_at(&cells->panes[DAILY], DAY_S * US_PER_SECOND, (struct text){"", 0})->count++;
    }
    return true;
}

/* What changed is told as deltas wherever that can be, as Redis' memory of commits allows it. */
static bool fake_tell_deltas(struct slot_reader *reader, struct fake_slot *slot)
{
    for (size_t i = 0; i < slot->slot.epoch_count; i++) {
        struct epoch_cells *cells = slot_reader_epoch(reader, slot->slot.epochs[i].epoch);
        for (size_t view = 0; view < VIEW_COUNT; view++)
            for (size_t at = 0; at < panes_count(&slot->panes[i][view]); at++) {
                struct pane pane = panes_get(&slot->panes[i][view], at);
                struct cell *held = cells ? panes_at(&cells->panes[view], pane.window_start_us, pane.group) : NULL;
                if (!held)
                    return false;
                union {
                    struct cell cell;
                    unsigned char bytes[sizeof(struct cell) + sizeof(struct sum)];
                } delta = {.bytes = {0}};
                delta.cell.count = pane.cell->count - held->count;
                for (size_t sum = 0; sum < views[view].sum_count; sum++) {
                    delta.cell.sums[sum].count = pane.cell->sums[sum].count - held->sums[sum].count;
                    delta.cell.sums[sum].total = pane.cell->sums[sum].total - held->sums[sum].total;
                }
                if (cell_is_zero(&views[view], &delta.cell))
                    continue;
                cell_merge(&views[view], held, &delta.cell);
                pane.cell = &delta.cell;
                if (reader->changed)
                    reader->changed(reader->context, reader, cells->epoch, view, pane);
            }
        if (!cells)
            return false;
        fake_close_ledger(slot, i, cells);
    }
    return true;
}

static bool fake_read_now(struct slot_reader *reader, struct error *error)
{
    if (fake_down(fake.redis_down, error))
        return false;
    static struct fake_slot none, other;
    struct fake_slot *slot = reader->id.partition < PARTITIONS ? &fake.slots[reader->id.partition] : &none;
    if (slot->slot.exists && slot->slot.format != REALTIME_FORMAT) {
        other.slot = slot->slot;
        slot_keep_known(&other.slot);
        slot = &other;
    }
    bool anew =
        strcmp(reader->slot.incarnation, slot->slot.incarnation) != 0 || reader->slot.sequence > slot->slot.sequence;
    size_t before = reader->epoch_count;
    slot_reader_hold(reader);
    reader->slot = slot->slot;
    bool trimmed = slot_reader_trim(reader);
    bool done = anew ? fake_read_all(reader, slot) : fake_tell_deltas(reader, slot);
    if (!done) {
        slot_reader_clean_up(reader);
        if (reader->replaced)
            reader->replaced(reader->context, reader);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    reader->slot = slot->slot;
    if (reader->replaced && (anew || trimmed || before != reader->epoch_count))
        reader->replaced(reader->context, reader);
    return true;
}

static bool fake_read(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    (void)store;
    while (fake_redis_hangs)
        nap();
    pthread_mutex_lock(&fake_lock);
    bool read = fake_read_now(reader, error);
    pthread_mutex_unlock(&fake_lock);
    return read;
}

/* The views filter what is kept. */
static void fake_sum_fates(struct ledger *ledger)
{
    for (int i = 0; i < fake.named; i++) {
        ledger->consumed += fake.fates[i].consumed;
        ledger->kept += fake.fates[i].kept;
        ledger->bad += fake.fates[i].bad;
    }
    for (size_t view = 0; view < VIEW_COUNT; view++)
        ledger->views[view].filtered = ledger->kept;
}

static bool fake_read_publication_now(const struct source *source, struct publication *ret_publication,
                                      struct error *error)
{
    if (fake_down(fake.postgres_down, error))
        return false;
    *ret_publication = (struct publication){
        .epoch = fake.epoch, .published_at_us = fake.published_at_us, .opened_at_us = fake.opened_at_us};
    snprintf(ret_publication->definition, FINGERPRINT_SIZE, "%s", fake.published_by ? fake.published_by : "");
    ret_publication->partitions = calloc(PARTITIONS, sizeof *ret_publication->partitions);
    ret_publication->gaps = calloc(1, sizeof *ret_publication->gaps);
    if (!ret_publication->partitions || !ret_publication->gaps) {
        publication_clean_up(ret_publication);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    for (int i = 0; i < fake.named; i++)
        ret_publication->partitions[i] = (struct published_partition){.partition = i,
                                                                      .cut = fake.cut[i],
                                                                      .clock_us = fake.clock_us[i],
                                                                      .idle_us = fake.idle_us[i],
                                                                      .unread = fake.unread[i],
                                                                      .fates = fake.fates[i]};
    fake_sum_fates(&ret_publication->ledger);
    ret_publication->partition_count = (size_t)fake.named;
    ret_publication->gaps[0] = fake.gap;
    ret_publication->gap_count = fake.gap.range.to > 0;
    for (size_t i = 0; fake.epoch && i < source->view_count; i++)
        snprintf(ret_publication->view_fingerprints[i], FINGERPRINT_SIZE, "f-%s", source->views[i].name);
    return true;
}

static bool fake_read_publication(struct publication_store *store, const struct source *source,
                                  struct publication *ret_publication, struct error *error)
{
    (void)store;
    if (fake.meanwhile)
        fake.meanwhile(fake.context);
    pthread_mutex_lock(&fake_lock);
    bool read = fake_read_publication_now(source, ret_publication, error);
    pthread_mutex_unlock(&fake_lock);
    return read;
}

static void fake_clear_windows(const struct published_rows *rows, size_t view)
{
    for (int64_t day = 0; !fake.touches && day < 4; day++)
        rows->clear_window(
            rows->context, view,
            window_start_us(&views[view].window, views[view].zone, (DAY_S + day * SECONDS_PER_DAY) * US_PER_SECOND));
    for (size_t i = 0; fake.touches && i < panes_count(&fake.rows[view]); i++)
        if (fake.touches(view, panes_get(&fake.rows[view], i).window_start_us))
            rows->clear_window(rows->context, view, panes_get(&fake.rows[view], i).window_start_us);
}

/* All rows, or, where the epoch before is held, windows that were touched. */
static bool fake_read_rows_now(const struct source *source, int64_t since_epoch, const struct published_rows *rows,
                               struct publication *ret_publication, struct error *error)
{
    if (fake_down(fake.postgres_down, error))
        return false;
    bool windows = since_epoch > 0 && since_epoch == fake.last_epoch && fake.epoch == since_epoch + 1;
    for (size_t view = 0; view < source->view_count; view++) {
        if (!windows)
            rows->clear_view(rows->context, view);
        if (windows)
            fake_clear_windows(rows, view);
        for (size_t i = 0; i < panes_count(&fake.rows[view]); i++) {
            struct pane pane = panes_get(&fake.rows[view], i);
            bool is_given = !windows || !fake.touches || fake.touches(view, pane.window_start_us);
            if (is_given && pane.cell->count &&
                !rows->row(rows->context, view, pane.window_start_us, pane.group, pane.cell, error))
                return false;
        }
    }
    fake.last_epoch = fake.epoch;
    return fake_read_publication_now(source, ret_publication, error);
}

static bool fake_read_rows(struct publication_store *store, const struct source *source, int64_t since_epoch,
                           const struct published_rows *rows, struct publication *ret_publication, struct error *error)
{
    (void)store;
    pthread_mutex_lock(&fake_lock);
    bool read = fake_read_rows_now(source, since_epoch, rows, ret_publication, error);
    pthread_mutex_unlock(&fake_lock);
    return read;
}

static const struct realtime_store_operations fake_realtime = {.read_slot = fake_read_slot, .read = fake_read};
static const struct publication_store_operations fake_publications = {.read = fake_read_publication,
                                                                      .read_rows = fake_read_rows};

static UNUSED void fake_slot_clear(struct fake_slot *slot)
{
    for (size_t i = 0; i < LIVE_EPOCHS_MAX; i++)
        for (size_t view = 0; view < VIEW_COUNT; view++)
            panes_clear(&slot->panes[i][view]);
    memset(slot->ledgers, 0, sizeof slot->ledgers);
    slot->is_damaged = false;
    slot->slot = (struct slot){0};
}

/* A slot begun at this epoch and offset, under a new incarnation. */
static UNUSED void fake_begin(int partition, int64_t epoch, int64_t offset)
{
    static int incarnations;
    struct fake_slot *slot = &fake.slots[partition];
    fake_slot_clear(slot);
    slot->slot =
        (struct slot){.exists = true, .format = REALTIME_FORMAT, .epoch = epoch, .next = offset, .epoch_count = 1};
    slot->slot.epochs[0] = (struct epoch_start){.epoch = epoch, .offset = offset, .consumed = 0};
    snprintf(slot->slot.incarnation, sizeof slot->slot.incarnation, "i%d", ++incarnations);
}

static UNUSED void fake_open_epoch(int partition)
{
    struct slot *slot = &fake.slots[partition].slot;
    slot->epochs[slot->epoch_count++] =
        (struct epoch_start){.epoch = ++slot->epoch, .offset = slot->next, .consumed = 0};
}

/* Adds to the current epoch of the slot. */
static UNUSED void fake_add(int partition, size_t view, int64_t window_s, struct text group, int64_t count,
                            int64_t cents)
{
    struct fake_slot *slot = &fake.slots[partition];
    add_cell(&slot->panes[slot->slot.epoch_count - 1][view], window_s, group, count, cents);
    slot->slot.sequence++;
}

struct bench {
    struct snapshot *snapshot;
    struct snapshot *snapshots[1];
    struct metrics *metrics;
    struct store_health health;
    struct follower *follower;
    struct serving serving;
};

static UNUSED void bench_start(struct bench *bench, size_t bytes_max)
{
    for (size_t view = 0; view < VIEW_COUNT; view++) {
        panes_init(&fake.rows[view], &views[view]);
        for (size_t slot = 0; slot < PARTITIONS; slot++)
            for (size_t epoch = 0; epoch < LIVE_EPOCHS_MAX; epoch++)
                panes_init(&fake.slots[slot].panes[epoch][view], &views[view]);
    }
    fake.realtime.operations = &fake_realtime;
    fake.publications.operations = &fake_publications;
    bench->snapshot = bench->snapshots[0] = snapshot_new(&orders, bytes_max);
    bench->metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT);
    const struct follower_stores stores = {&fake.publications, &fake.realtime};
    store_health_init(&bench->health, bench->metrics);
    const struct follower_listener listener = store_health_listener(&bench->health);
    assert_true(follower_new(&stores, bench->snapshots, 1, fake.times, &listener, &bench->follower, NULL));
    bench->serving = (struct serving){
        .sources = &orders, .source_count = 1, .snapshots = bench->snapshots, .metrics = bench->metrics};
    bench->serving.answers = answer_cache_new();
    assert_non_null(bench->serving.answers);
}

/* A hub whose streams are looked at where the test says so. */
static UNUSED void bench_stream(struct bench *bench, size_t streams_max)
{
    const struct stream_hub_options options = {.access = bench->serving.access,
                                               .metrics = bench->metrics,
                                               .push_every_us = 1000,
                                               .streams_max = streams_max,
                                               .bytes_max = 1 << 26};
    assert_true(stream_hub_new(&options, &bench->serving.hub, NULL));
}

static UNUSED void bench_stop(struct bench *bench)
{
    view_channels_sweep(bench->serving.hub, INT64_MAX);
    stream_hub_destroy(bench->serving.hub);
    answer_cache_destroy(bench->serving.answers);
    follower_destroy(bench->follower);
    snapshot_destroy(bench->snapshot);
    metrics_destroy(bench->metrics);
    for (size_t view = 0; view < VIEW_COUNT; view++) {
        panes_clean_up(&fake.rows[view]);
        for (size_t slot = 0; slot < PARTITIONS; slot++)
            for (size_t epoch = 0; epoch < LIVE_EPOCHS_MAX; epoch++)
                panes_clean_up(&fake.slots[slot].panes[epoch][view]);
    }
    fake = (struct fake){0};
}

static UNUSED void bench_follow(struct bench *bench)
{
    follower_read_live(bench->follower);
    follower_look_at_publications(bench->follower);
    follower_read_live(bench->follower);
}

/* The answer's body to GET of this target; the caller checks the status. Valid until the next call. */
static UNUSED const char *bench_get(struct bench *bench, const char *target, unsigned *ret_status)
{
    static char body[200000];
    struct reply reply = {0};
    const char *name;
    route(&bench->serving, &(struct request_head){.target = target}, &reply, &name);
    snprintf(body, sizeof body, "%s", reply.constant ? reply.constant : buffer_string(&reply.body));
    *ret_status = reply.status;
    reply_clean_up(&reply);
    return body;
}

static UNUSED void assert_answer(struct bench *bench, const char *target, const char *expected)
{
    unsigned status;
    const char *body = bench_get(bench, target, &status);
    if (status != 200 || strcmp(body, expected) != 0)
        fail_msg("%s: %u\n%s\nis not\n%s", target, status, body, expected);
}

static UNUSED void assert_problem(struct bench *bench, const char *target, unsigned expected, const char *word)
{
    unsigned status;
    const char *body = bench_get(bench, target, &status);
    if (status != expected || !strstr(body, word))
        fail_msg("%s: %u is not %u with \"%s\":\n%s", target, status, expected, word, body);
}

static UNUSED void assert_says(struct bench *bench, const char *target, const char *word)
{
    assert_problem(bench, target, 200, word);
}

#endif

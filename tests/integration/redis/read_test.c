/* SPDX-License-Identifier: Apache-2.0
 * A reader that follows by changes holds what one that reads all holds, and both hold what a model in memory says. */
#include "slot_fixture.h"

#include <inttypes.h>

#include "state/slot_audit.h"

static uint64_t random_state = 1;

static int64_t pick(int64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state >> 11) % below;
}

static void group_of(size_t number, struct buffer *out)
{
    static char longest[300];
    memset(longest, 'x', sizeof longest);
    const struct text categories[] = {
        {"", 0},     {"a", 1},       {"a:b#c", 5}, {"#0r", 3}, {"::", 2}, {"-", 1}, {"\x01\xff\n\r", 4},
        {"\0#c", 3}, {longest, 300},
    };
    const size_t count = sizeof categories / sizeof *categories;
    struct value value = {.present = number % (count + 1) < count};
    if (value.present)
        value.text = categories[number % (count + 1)];
    buffer_clear(out);
    group_append(&views[DAILY], &value, out);
}

static wide random_total(void)
{
    const wide totals[] = {0, 1, 999999999, 1000000000, 1000000001, (wide)INT64_MAX * 50, INT64_C(1000000000000000000)};
    wide total = totals[pick(7)] + pick(100);
    return pick(2) ? total : -total;
}

static void random_cell(const struct view *view, struct cell *cell)
{
    cell->count += pick(7) - 3;
    for (size_t i = 0; i < view->sum_count; i++) {
        cell->sums[i].count += pick(7) - 3;
        cell->sums[i].total += random_total();
    }
}

static void random_additions(struct additions *additions)
{
    struct buffer group = {0};
    for (int64_t n = pick(6); n > 0; n--) {
        group_of((size_t)pick(20), &group);
        random_cell(&views[DAILY], panes_at(&additions->panes[DAILY], ((pick(4) - 1) * 86400 - 3600) * US_PER_SECOND,
                                            buffer_text(&group)));
    }
    for (int64_t n = pick(6); n > 0; n--)
        random_cell(&views[MINUTE],
                    panes_at(&additions->panes[MINUTE], pick(4000) * 60 * US_PER_SECOND, (struct text){"", 0}));
    buffer_clean_up(&group);
    additions->ledger.consumed = pick(100);
    additions->ledger.kept = pick(3) - 1;
    additions->ledger.replaced = pick(3) - 1;
    additions->ledger.duplicate = pick(3) - 1;
    additions->ledger.deferred = pick(3) - 1;
    additions->ledger.bad = pick(3) - 1;
    additions->ledger.views[DAILY].counted = pick(3) - 1;
    additions->ledger.views[MINUTE].filtered = pick(3) - 1;
}

static void merge_panes(struct panes *into, const struct panes *from)
{
    for (size_t i = 0; i < panes_count(from); i++) {
        struct pane pane = panes_get(from, i);
        cell_merge(into->view, panes_at(into, pane.window_start_us, pane.group), pane.cell);
    }
}

static size_t cells_that_count(const struct panes *panes)
{
    size_t count = 0;
    for (size_t i = 0; i < panes_count(panes); i++)
        count += !cell_is_zero(panes->view, panes_get(panes, i).cell);
    return count;
}

static void assert_same_panes(struct panes *a, struct panes *b)
{
    assert_int_equal(cells_that_count(a), cells_that_count(b));
    for (size_t i = 0; i < panes_count(a); i++) {
        struct pane pane = panes_get(a, i);
        if (!cell_is_zero(a->view, pane.cell))
            assert_memory_equal(pane.cell, panes_at(b, pane.window_start_us, pane.group), cell_size(a->view));
    }
}

static void assert_same_cells(struct slot_reader *a, struct slot_reader *b)
{
    assert_int_equal(a->epoch_count, b->epoch_count);
    for (size_t i = 0; i < a->epoch_count; i++) {
        struct epoch_cells *other = slot_reader_epoch(b, a->epochs[i].epoch);
        assert_non_null(other);
        assert_memory_equal(&a->epochs[i].ledger, &other->ledger, sizeof other->ledger);
        assert_memory_equal(a->epochs[i].totals, other->totals, VIEW_COUNT * sizeof *other->totals);
        for (size_t view = 0; view < VIEW_COUNT; view++)
            assert_same_panes(&a->epochs[i].panes[view], &other->panes[view]);
    }
}

static void copy_reader(struct slot_reader *into, const struct slot_reader *from)
{
    slot_reader_clear(into);
    into->slot = from->slot;
    for (size_t i = 0; i < from->epoch_count; i++) {
        struct epoch_cells *cells = slot_reader_epoch(into, from->epochs[i].epoch);
        cells->ledger = from->epochs[i].ledger;
        memcpy(cells->totals, from->epochs[i].totals, VIEW_COUNT * sizeof *cells->totals);
        for (size_t view = 0; view < VIEW_COUNT; view++)
            merge_panes(&cells->panes[view], &from->epochs[i].panes[view]);
    }
}

/* Sums over all epochs, kept up to date by what a reader announces. */
struct listener {
    struct panes sums[VIEW_COUNT];
    size_t changes, replacements;
};

static void on_changed(void *context, struct slot_reader *reader, int64_t epoch, size_t view, struct pane delta)
{
    struct listener *listener = context;
    assert_true(epoch <= reader->slot.epoch);
    cell_merge(&views[view], panes_at(&listener->sums[view], delta.window_start_us, delta.group), delta.cell);
    listener->changes++;
}

static void on_replaced(void *context, struct slot_reader *reader)
{
    struct listener *listener = context;
    listener->replacements++;
    for (size_t view = 0; view < VIEW_COUNT; view++) {
        panes_clear(&listener->sums[view]);
        for (size_t i = 0; i < reader->epoch_count; i++)
            merge_panes(&listener->sums[view], &reader->epochs[i].panes[view]);
    }
}

/* The model is what the store must hold; `older` and the keys "older:…" are what it held once. */
struct play {
    struct slot_reader model, older, follower;
    struct listener listener;
    int64_t commits;
    int64_t incarnations;
};

static void play_init(struct play *play)
{
    *play = (struct play){0};
    slot_reader_init(&play->model, slot_three, &orders);
    slot_reader_init(&play->older, slot_three, &orders);
    slot_reader_init(&play->follower, slot_three, &orders);
    play->follower.changed = on_changed;
    play->follower.replaced = on_replaced;
    play->follower.context = &play->listener;
    for (size_t view = 0; view < VIEW_COUNT; view++)
        panes_init(&play->listener.sums[view], &views[view]);
}

static void play_clean_up(struct play *play)
{
    slot_reader_clean_up(&play->model);
    slot_reader_clean_up(&play->older);
    slot_reader_clean_up(&play->follower);
    for (size_t view = 0; view < VIEW_COUNT; view++)
        panes_clean_up(&play->listener.sums[view]);
}

static void play_begin(struct play *play)
{
    char incarnation[INCARNATION_SIZE];
    snprintf(incarnation, sizeof incarnation, "incarnation-%" PRId64, ++play->incarnations);
    int64_t epoch = pick(20), next = pick(1000);
    begin_slot(incarnation, epoch, next);
    slot_reader_clear(&play->model);
    play->model.slot = fresh_slot(incarnation, epoch, next);
    play->model.slot.epochs[0] = epoch_begins(&play->model.slot, epoch);
    play->model.slot.epoch_count = 1;
    slot_reader_epoch(&play->model, epoch);
}

static void play_commit(struct play *play)
{
    struct additions additions;
    char id[32];
    int64_t next, following = play->model.slot.next + pick(50);
    additions_init(&additions);
    random_additions(&additions);
    snprintf(id, sizeof id, "commit-%" PRId64, ++play->commits);
    struct commit commit = commit_of(&additions, play->model.slot.incarnation, id, play->model.slot.next, following);
    commit.after = play->model.slot.commit_id;
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    snprintf(play->model.slot.commit_id, COMMIT_ID_MAX, "%s", id);
    struct epoch_cells *cells = slot_reader_epoch(&play->model, play->model.slot.epoch);
    ledger_merge(&cells->ledger, &additions.ledger);
    for (size_t view = 0; view < VIEW_COUNT; view++)
        merge_panes(&cells->panes[view], &additions.panes[view]);
    for (size_t view = 0; view < VIEW_COUNT; view++)
        cell_total_add(&cells->totals[view], &additions.panes[view]);
    play->model.slot.epochs[play->model.slot.epoch_count - 1].consumed += additions.ledger.consumed;
    play->model.slot.next = following;
    play->model.slot.tail = commit.tail;
    play->model.slot.tail_hash = commit.tail_hash;
    play->model.slot.idle_us = commit.idle_us;
    additions_clean_up(&additions);
}

static void forget_before(struct slot *slot, int64_t epoch)
{
    size_t kept = 0;
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch >= epoch)
            slot->epochs[kept++] = slot->epochs[i];
    slot->epoch_count = kept;
}

static void play_open(struct play *play)
{
    struct slot *slot = &play->model.slot;
    assert_int_equal(open_epoch(slot->epoch + 1), slot->next);
    slot->epoch++;
    if (slot->epoch_count == LIVE_EPOCHS_MAX)
        forget_before(slot, slot->epochs[1].epoch);
    slot->epochs[slot->epoch_count++] = epoch_begins(slot, slot->epoch);
    slot_reader_trim(&play->model);
    slot_reader_epoch(&play->model, slot->epoch);
}

static void play_drop(struct play *play)
{
    struct slot *slot = &play->model.slot;
    int64_t last = slot->epoch - pick(4);
    drop_epochs(last);
    forget_before(slot, last >= slot->epoch ? slot->epoch : last + 1);
    slot_reader_trim(&play->model);
}

/* Copies all keys whose name begins with `from` to names with `to` instead, in place of those that were there. */
static void copy_keys(const char *from, const char *to)
{
    redis_do("EVAL %s 0 %s %s",
             "for _, k in ipairs(redis.call('KEYS', ARGV[2] .. '*')) do redis.call('DEL', k) end\n"
             "for _, k in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do\n"
             "  redis.call('COPY', k, ARGV[2] .. string.sub(k, #ARGV[1] + 1))\n"
             "end",
             from, to);
}

static void play_check(struct play *play)
{
    struct slot_reader fresh;
    slot_reader_init(&fresh, slot_three, &orders);
    read_into(&fresh);
    read_into(&play->follower);
    assert_same_cells(&play->model, &fresh);
    assert_same_cells(&play->model, &play->follower);
    assert_same_slot(&fresh.slot, &play->follower.slot);
    assert_int_equal(fresh.slot.next, play->model.slot.next);
    assert_int_equal(fresh.slot.epoch, play->model.slot.epoch);
    assert_memory_equal(fresh.slot.epochs, play->model.slot.epochs,
                        sizeof *fresh.slot.epochs * play->model.slot.epoch_count);
    struct listener expected = {0};
    for (size_t view = 0; view < VIEW_COUNT; view++)
        panes_init(&expected.sums[view], &views[view]);
    on_replaced(&expected, &fresh);
    for (size_t view = 0; view < VIEW_COUNT; view++) {
        assert_same_panes(&expected.sums[view], &play->listener.sums[view]);
        panes_clean_up(&expected.sums[view]);
    }
    slot_reader_clean_up(&fresh);
}

static void play_step(struct play *play)
{
    int64_t x = pick(100);
    if (x < 50)
        play_commit(play);
    else if (x < 58)
        play_open(play);
    else if (x < 64)
        play_drop(play);
    else if (x < 65)
        play_begin(play);
    else if (x < 66)
        for (int n = 0; n < 70; n++)
            play_commit(play);
    else if (x < 69) {
        copy_keys("test:", "older:");
        copy_reader(&play->older, &play->model);
    } else if (x < 72 && play->older.slot.epoch_count) {
        copy_keys("older:", "test:");
        copy_reader(&play->model, &play->older);
    } else
        play_check(play);
}

static void a_reader_that_follows_holds_what_one_that_reads_all_holds(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1, last = given ? first : 12;
    for (uint64_t seed = first; seed <= last; seed++) {
        struct play play;
        flush_redis(NULL);
        random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
        print_message("SEED=%" PRIu64 "\n", seed);
        play_init(&play);
        play_begin(&play);
        for (int step = 0; step < 500; step++)
            play_step(&play);
        play_check(&play);
        assert_true(play.listener.changes > 50 && play.listener.replacements > 10);
        play_clean_up(&play);
    }
}

static void commit_additions(struct additions *additions, const char *id, int64_t expected)
{
    int64_t next;
    struct commit commit = commit_of(additions, "a", id, expected, expected + 1);
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
}

static void sums_beyond_64_bits_stay_exact(void **state)
{
    (void)state;
    struct additions additions;
    struct slot_reader reader;
    additions_init(&additions);
    struct cell *cell = panes_at(&additions.panes[MINUTE], 0, (struct text){"", 0});
    cell->count = cell->sums[0].count = 1000;
    cell->sums[0].total = (wide)INT64_MAX * 1000 + 7;
    begin_slot("a", 1, 0);
    for (int64_t i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "%" PRId64, i + 1);
        commit_additions(&additions, id, i);
    }
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    const struct cell *got = panes_get(&reader.epochs[0].panes[MINUTE], 0).cell;
    assert_int_equal(got->count, 40000);
    assert_int_equal(got->sums[0].count, 40000);
    assert_true(got->sums[0].total == ((wide)INT64_MAX * 1000 + 7) * 40);
    slot_reader_clean_up(&reader);
    additions_clean_up(&additions);
}

static void nothing_new_brings_no_cells(void **state)
{
    (void)state;
    struct play play;
    play_init(&play);
    play_begin(&play);
    play_commit(&play);
    read_into(&play.follower);
    size_t changes = play.listener.changes, replacements = play.listener.replacements;
    assert_int_equal(replacements, 1);
    read_into(&play.follower);
    assert_int_equal(play.listener.changes, changes);
    assert_int_equal(play.listener.replacements, replacements);
    play_clean_up(&play);
}

static void remembered_commits_have_a_ceiling_in_number_and_bytes(void **state)
{
    (void)state;
    struct additions additions;
    begin_slot("a", 1, 0);
    additions_init(&additions);
    for (int64_t i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "%" PRId64, i + 1);
        commit_additions(&additions, id, i);
    }
    assert_int_equal(redis_number("LLEN " SLOT ":recent"), 64);
    for (int64_t i = 0; i < 20000; i++)
        panes_at(&additions.panes[MINUTE], i * 60 * US_PER_SECOND, (struct text){"", 0})->count = 1;
    for (int64_t i = 100; i < 106; i++) {
        char id[16];
        snprintf(id, sizeof id, "%" PRId64, i + 1);
        commit_additions(&additions, id, i);
    }
    assert_in_range(redis_number("LLEN " SLOT ":recent"), 1, 5);
    additions_clean_up(&additions);
}

static void many_cells_in_one_commit_come_back(void **state)
{
    (void)state;
    struct additions additions;
    struct slot_reader reader;
    additions_init(&additions);
    begin_slot("a", 1, 0);
    for (int64_t i = 0; i < 3000; i++)
        random_cell(&views[MINUTE], panes_at(&additions.panes[MINUTE], i * 60 * US_PER_SECOND, (struct text){"", 0}));
    commit_additions(&additions, "1", 0);
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    assert_same_panes(&additions.panes[MINUTE], &reader.epochs[0].panes[MINUTE]);
    slot_reader_clean_up(&reader);
    additions_clean_up(&additions);
}

static void an_emptied_reader_reads_all_again(void **state)
{
    (void)state;
    struct play play;
    play_init(&play);
    play_begin(&play);
    play_commit(&play);
    read_into(&play.follower);
    slot_reader_clear(&play.follower);
    read_into(&play.follower);
    assert_same_cells(&play.model, &play.follower);
    play_clean_up(&play);
}

/* Of the reader, and of one of a slot that there isn't. */
static bool is_written(struct slot_reader *reader)
{
    struct slot_reader absent;
    bool written[2] = {false, false};
    slot_reader_init(&absent, (struct slot_id){"orders", 4, "0123456789abcdef"}, &orders);
    must(store->operations->find_written(store, (struct slot_reader *[]){reader, &absent}, 2, written, &error));
    assert_true(written[1]); /* it is cheap to read */
    return written[0];
}

static void slots_that_were_written_are_told_from_those_that_were_not(void **state)
{
    (void)state;
    struct play play;
    play_init(&play);
    play_begin(&play);
    assert_true(is_written(&play.follower)); /* it was never read */
    read_into(&play.follower);
    assert_false(is_written(&play.follower));
    play_commit(&play);
    assert_true(is_written(&play.follower));
    read_into(&play.follower);
    play_open(&play);
    assert_true(is_written(&play.follower));
    read_into(&play.follower);
    assert_false(is_written(&play.follower));
    redis_do("CLIENT KILL TYPE normal"); /* while it is idle */
    assert_false(is_written(&play.follower));
    redis_do("DEL " META);
    redis_do("SET " META " text");
    assert_true(is_written(&play.follower)); /* as is all behind it */
    redis_do("DEL " META);
    assert_true(is_written(&play.follower));
    read_into(&play.follower);
    slot_reader_clean_up(&play.follower);
    assert_true(is_written(&play.follower));
    play_clean_up(&play);
}

/* --- readers that are asked for together --- */

struct together {
    struct additions one;
    struct commit commits[TOGETHER];
    char ids[TOGETHER][16], before[TOGETHER][16];
    struct slot_reader readers[TOGETHER], *all[TOGETHER];
    int rounds;
};

static void read_and_check(struct together *together, size_t number)
{
    struct slot_reader *reader = &together->readers[number];
    must(store->operations->read(store, reader, &error));
    assert_int_equal(reader->slot.next, together->commits[number].next);
    must(slot_reader_audit(reader, &error));
}

static void together_init(struct together *together)
{
    *together = (struct together){0};
    additions_init(&together->one);
    add_one(&together->one);
    begin_all(&together->one, together->commits);
    commit_all(together->commits);
    for (size_t i = 0; i < TOGETHER; i++) {
        snprintf(together->ids[i], sizeof together->ids[i], "%s", together->commits[i].commit_id);
        slot_reader_init(&together->readers[i], together->commits[i].id, &orders);
        together->all[i] = &together->readers[i];
        read_and_check(together, i);
    }
}

static void together_clean_up(struct together *together)
{
    for (size_t i = 0; i < TOGETHER; i++)
        slot_reader_clean_up(&together->readers[i]);
    additions_clean_up(&together->one);
}

/* One more commit to each slot, and the question after all of them. */
static void commit_and_ask(struct together *together)
{
    together->rounds++;
    for (size_t i = 0; i < TOGETHER; i++) {
        struct commit *commit = &together->commits[i];
        snprintf(together->before[i], sizeof together->before[i], "%s", together->ids[i]);
        snprintf(together->ids[i], sizeof together->ids[i], "d%d-%zu", together->rounds, i);
        commit->commit_id = together->ids[i];
        commit->after = together->before[i];
        commit->expected = commit->next;
        commit->next += 1 + (int64_t)i;
    }
    commit_all(together->commits);
    must(store->operations->ask(store, together->all, TOGETHER, &error));
}

static void readers_that_are_asked_for_together_hold_what_is_in_their_slots(void **state)
{
    (void)state;
    static const size_t orders_of_reading[][TOGETHER] = {{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {0, 1, 3, 2, 4}};
    struct together together;
    struct slot slot;
    together_init(&together);
    for (size_t way = 0; way < 3; way++) {
        commit_and_ask(&together);
        for (size_t i = 0; i < TOGETHER; i++)
            read_and_check(&together, orders_of_reading[way][i]);
    }
    commit_and_ask(&together);
    read_and_check(&together, 0);
    must(store->operations->read_slot(store, slot_three, &slot, &error)); /* something else comes between */
    assert_int_equal(slot.next, together.commits[3].next);
    for (size_t i = 1; i < TOGETHER; i++)
        read_and_check(&together, i);
    together_clean_up(&together);
}

static void slot_among_those_asked_for_may_be_damaged_begun_anew_or_not_yet_read(void **state)
{
    (void)state;
    struct together together;
    bool done;
    together_init(&together);
    commit_and_ask(&together);
    read_and_check(&together, 0);
    redis_do("DEL test:{orders/2}:0123456789abcdef:meta");
    redis_do("SET test:{orders/2}:0123456789abcdef:meta text");
    must(store->operations->ask(store, together.all + 1, TOGETHER - 1, &error));
    read_and_check(&together, 1);
    must_fail(store->operations->read(store, together.all[2], &error), ERROR_DATA);
    read_and_check(&together, 3);
    read_and_check(&together, 4);
    redis_do("DEL test:{orders/2}:0123456789abcdef:meta");
    struct slot fresh = fresh_slot("b", 1, 10);
    must(store->operations->init(store, together.commits[2].id, "", &fresh, &done, &error));
    together.commits[2].next = 10;
    slot_reader_clear(&together.readers[3]);
    must(store->operations->ask(store, together.all, TOGETHER, &error));
    for (size_t i = 0; i < TOGETHER; i++)
        read_and_check(&together, i);
    together_clean_up(&together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sums_beyond_64_bits_stay_exact, flush_redis),
        cmocka_unit_test_setup(nothing_new_brings_no_cells, flush_redis),
        cmocka_unit_test_setup(slots_that_were_written_are_told_from_those_that_were_not, flush_redis),
        cmocka_unit_test_setup(remembered_commits_have_a_ceiling_in_number_and_bytes, flush_redis),
        cmocka_unit_test_setup(many_cells_in_one_commit_come_back, flush_redis),
        cmocka_unit_test_setup(readers_that_are_asked_for_together_hold_what_is_in_their_slots, flush_redis),
        cmocka_unit_test_setup(slot_among_those_asked_for_may_be_damaged_begun_anew_or_not_yet_read, flush_redis),
        cmocka_unit_test_setup(an_emptied_reader_reads_all_again, flush_redis),
        cmocka_unit_test_setup(a_reader_that_follows_holds_what_one_that_reads_all_holds, flush_redis),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}

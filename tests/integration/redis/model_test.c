/* SPDX-License-Identifier: Apache-2.0
 * The real-time store in memory, on which the simulation stands, answers as Redis does: whatever is asked of both, in
 * whatever order, they say the same and hold the same. */
#include "cmocka_test.h"

#include "memory_realtime.h"
#include "slot_fixture.h"
#include "state/slot_audit.h"

enum { STEPS = 4000, IDS = 6 };

static struct memory_realtime memory;
static struct slot_reader follower; /* of Redis: brought up to date by changes where it can be */

static const struct realtime_store_operations *model(void)
{
    return memory.store.operations;
}

static bool one_in(uint64_t many)
{
    return test_random(many) == 0;
}

static void random_name(char *name, size_t size, const char *prefix)
{
    snprintf(name, size, "%s%d", prefix, (int)test_random(IDS));
}

/* Both did it, or both refused to; true where they did. */
static bool same(bool here, bool there)
{
    assert_int_equal(here, there);
    return here;
}

static struct slot slot_in_model(void)
{
    struct slot slot;
    assert_true(model()->read_slot(&memory.store, slot_three, &slot, &error));
    return slot;
}

static void compare_slots(void)
{
    struct slot here = slot_now(), there = slot_in_model();
    assert_same_slot(&here, &there);
}

static void compare_panes(struct panes *a, struct panes *b)
{
    for (size_t i = 0; i < panes_count(a); i++) {
        struct pane pane = panes_get(a, i);
        const struct cell *other = panes_at(b, pane.window_start_us, pane.group);
        assert_memory_equal(pane.cell, other, cell_size(a->view));
    }
}

static void compare_cells(struct slot_reader *here)
{
    struct slot_reader there;
    slot_reader_init(&there, slot_three, &orders);
    assert_true(model()->read(&memory.store, &there, &error));
    must(store->operations->read(store, here, &error));
    for (size_t e = 0; e < here->epoch_count; e++) {
        struct epoch_cells *a = &here->epochs[e], *b = slot_reader_epoch(&there, a->epoch); /* made where it is empty */
        assert_memory_equal(&a->ledger, &b->ledger, sizeof a->ledger);
        for (size_t view = 0; view < VIEW_COUNT; view++) {
            compare_panes(&a->panes[view], &b->panes[view]);
            compare_panes(&b->panes[view], &a->panes[view]);
        }
    }
    assert_int_equal(here->epoch_count, there.epoch_count);
    if (here->slot.format <= REALTIME_FORMAT && !slot_reader_audit(here, &error))
        fail_msg("%s", error.message);
    slot_reader_clean_up(&there);
}

static void begin_anew(void)
{
    struct slot now = slot_in_model(), fresh = {.epoch = (int64_t)test_random(5) + now.epoch, .tail = -1};
    char seen[INCARNATION_SIZE];
    bool here, there;
    snprintf(seen, sizeof seen, "%s", now.incarnation);
    if (one_in(3))
        random_name(seen, sizeof seen, "incarnation");
    random_name(fresh.incarnation, sizeof fresh.incarnation, "incarnation");
    snprintf(fresh.cluster, sizeof fresh.cluster, "cluster");
    fresh.format = REALTIME_FORMAT;
    fresh.next = fresh.first = fresh.floor = (int64_t)test_random(50);
    if (strcmp(fresh.incarnation, now.incarnation) == 0)
        return; /* names of incarnations don't repeat: it would be taken for the retry of what was done */
    if (same(store->operations->init(store, slot_three, seen, &fresh, &here, &error),
             model()->init(&memory.store, slot_three, seen, &fresh, &there, &error)))
        assert_int_equal(here, there);
}

static void add_by_chance(struct additions *additions)
{
    static const char *const categories[] = {NULL, "", "a", "b:+1"};
    for (uint64_t left = test_random(4); left > 0; left--) {
        const char *category = categories[test_random(4)];
        struct value values[3] = {{.present = category != NULL, .text = text_of(category ? category : "")}};
        struct buffer group = {0};
        int64_t sign = one_in(3) ? -1 : 1, cents = (int64_t)test_random(1000000000000) - 500000000000;
        group_append(&views[DAILY], values, &group);
        struct cell *cells[] = {
            panes_at(&additions->panes[DAILY], 86400 * US_PER_SECOND * (int64_t)test_random(3), buffer_text(&group)),
            panes_at(&additions->panes[MINUTE], 60 * US_PER_SECOND * (int64_t)test_random(3000), (struct text){"", 0})};
        for (size_t view = 0; view < VIEW_COUNT; view++) {
            cells[view]->count += sign;
            cells[view]->sums[0].count += sign;
            cells[view]->sums[0].total += sign * (wide)cents * 1000000;
            additions->ledger.views[view].counted += sign;
        }
        additions->ledger.kept += sign;
        additions->ledger.replaced += 1 - sign;
        additions->ledger.consumed++;
        buffer_clean_up(&group);
    }
    additions->ledger.bad++;
    additions->ledger.consumed++;
}

static void commit_by_chance(void)
{
    struct additions additions;
    struct slot now = slot_in_model();
    char incarnation[INCARNATION_SIZE], id[COMMIT_ID_MAX];
    struct gaps gaps = {0};
    additions_init(&additions);
    add_by_chance(&additions);
    snprintf(incarnation, sizeof incarnation, "%s", now.exists ? now.incarnation : "incarnation0");
    if (one_in(10))
        random_name(incarnation, sizeof incarnation, "incarnation");
    snprintf(id, sizeof id, "%s", now.commit_id);
    if (!*id || !one_in(6))
        snprintf(id, sizeof id, "commit%d", (int)test_random(1000000000));
    int64_t expected = one_in(6) ? (int64_t)test_random(60) : now.next;
    struct commit commit = commit_of(&additions, incarnation, id, expected, expected + 1 + (int64_t)test_random(9));
    char after[COMMIT_ID_MAX];
    snprintf(after, sizeof after, "%s", now.commit_id);
    if (one_in(10))
        random_name(after, sizeof after, "commit");
    commit.after = after;
    commit.tail = expected;
    commit.tail_hash = test_random(UINT64_MAX);
    commit.clock_us = (int64_t)test_random(1000);
    if (one_in(4))
        gaps_add(&gaps, (struct offset_range){expected, expected + 1});
    commit.gaps = &gaps;
    commit.alarm = one_in(8) ? "breaker" : "";
    commit.cluster = now.exists ? now.cluster : "cluster";
    struct commit_outcome here, there;
    must(realtime_commit(store, &commit, &here, &error));
    assert_true(realtime_commit(&memory.store, &commit, &there, &error));
    assert_string_equal(commit_answer_name(here.answer), commit_answer_name(there.answer));
    if (here.answer != COMMIT_LOST && here.answer != COMMIT_FOREIGN)
        assert_int_equal(here.next, there.next);
    additions_clean_up(&additions);
}

static void compare_definitions(void)
{
    struct slot_definitions here, there;
    must(store->operations->definitions(store, "orders", 3, &here, &error));
    assert_true(model()->definitions(&memory.store, "orders", 3, &there, &error));
    assert_int_equal(here.count, there.count);
    assert_string_equal(here.reader, there.reader);
    assert_string_equal(here.reader_id, there.reader_id);
    if (here.count > 0)
        assert_string_equal(here.names[0], there.names[0]);
}

static void open_by_chance(void)
{
    int64_t epoch = slot_in_model().epoch + (int64_t)test_random(4) - 1, here, there;
    if (same(store->operations->open_epoch(store, slot_three, epoch, &here, &error),
             model()->open_epoch(&memory.store, slot_three, epoch, &there, &error)))
        assert_int_equal(here, there);
}

static void drop_by_chance(void)
{
    int64_t last = slot_in_model().epoch - 3 + (int64_t)test_random(4);
    same(store->operations->drop_epochs(store, slot_three, last, &error),
         last < 0 || model()->drop_epochs(&memory.store, slot_three, last, &error));
}

static void forget(void)
{
    bool done;
    must(store->operations->forget(store, slot_three, 0, &done, &error));
    assert_true(done && model()->forget(&memory.store, slot_three, 0, &done, &error));
}

/* By hand, and mostly back to what it was: the rest of the slot is as it was. */
static void change_format(void)
{
    static const int formats[] = {REALTIME_FORMAT, REALTIME_FORMAT, REALTIME_FORMAT, 0, 1, 2, 4, 99};
    int format = formats[test_random(sizeof formats / sizeof *formats)];
    if (!slot_in_model().exists)
        return;
    redis_do("HSET %s format %d", META, format);
    memory.slots[slot_three.partition].slot.format = format;
}

static void whatever_is_asked_of_both_they_say_and_hold_the_same(void **state)
{
    (void)state;
    test_random_seed();
    memory_realtime_init(&memory, &orders);
    slot_reader_init(&follower, slot_three, &orders);
    for (int step = 0; step < STEPS; step++) {
        uint64_t chance = test_random(100);
        if (chance < 8)
            begin_anew();
        else if (chance < 70)
            commit_by_chance();
        else if (chance < 84)
            open_by_chance();
        else if (chance < 96)
            drop_by_chance();
        else if (one_in(4))
            forget();
        if (slot_in_model().format == REALTIME_FORMAT ? one_in(60) : one_in(4))
            change_format();
        compare_slots();
        compare_definitions();
        if (one_in(5))
            compare_cells(&follower);
        if (one_in(20)) {
            struct slot_reader anew;
            slot_reader_init(&anew, slot_three, &orders);
            compare_cells(&anew);
            slot_reader_clean_up(&anew);
        }
    }
    slot_reader_clean_up(&follower);
    memory_realtime_clean_up(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_asked_of_both_they_say_and_hold_the_same),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}

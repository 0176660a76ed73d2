/* SPDX-License-Identifier: Apache-2.0
 * The order index beside a plain model: an array of the latest version of each order. */
#include "cmocka_test.h"

#include "partition/index.h"

enum { KEY, STATUS, AMOUNT, NOTE, FIELDS };
static const struct field fields[FIELDS] = {
    {"id", FIELD_TEXT, 0}, {"status", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}, {"note", FIELD_TEXT, 0}};

static struct view view = {.sums = {AMOUNT}, .sum_count = 1, .dimensions = {STATUS}, .dimension_count = 1};
static struct source source = {
    .name = "orders", .schema = {.fields = fields, .field_count = FIELDS, .key = KEY}, .views = &view, .view_count = 1};

/* Memory is given back only after what takes its place was taken: then most of it is used. */
static const struct index_budget *watched;
static int64_t most_used;

int __real_munmap(void *memory, size_t size);
int __wrap_munmap(void *memory, size_t size);
int __wrap_munmap(void *memory, size_t size)
{
    if (watched && watched->used_bytes > most_used)
        most_used = watched->used_bytes;
    return __real_munmap(memory, size);
}

static struct index_key key_of(const struct index *index, uint64_t order)
{
    char memory[32];
    snprintf(memory, sizeof memory, "order-%llu", (unsigned long long)order);
    return index_key(index, text_of(memory));
}

static struct record version_of(struct value values[FIELDS], int64_t number)
{
    static char statuses[8][400];
    char *status = statuses[number % 8];
    memset(status, 'a' + (int)(number % 8), sizeof statuses[0]);
    values[KEY] = (struct value){.present = true, .text = text_of("x")};
    values[STATUS] = (struct value){.present = number % 5 != 0, .text = {status, (size_t)(number % 400)}};
    values[AMOUNT] = (struct value){.present = true, .number = number};
    values[NOTE] = (struct value){.present = true, .text = text_of("not kept")};
    return (struct record){number * 3, values};
}

static uint64_t judged; /* of the version found last */

static uint64_t judged_of(int64_t number)
{
    return (uint64_t)number % 8;
}

static void assert_version(const struct record *found, int64_t number)
{
    struct value values[FIELDS];
    struct record expected = version_of(values, number);
    assert_int_equal(found->event_time_us, expected.event_time_us);
    assert_int_equal(found->values[AMOUNT].number, number);
    assert_int_equal(found->values[STATUS].present, values[STATUS].present);
    if (values[STATUS].present)
        assert_true(text_equal(found->values[STATUS].text, values[STATUS].text));
    assert_false(found->values[NOTE].present);
    assert_int_equal(judged, judged_of(number));
}

static void the_latest_version_is_found_until_the_horizon_passes_it(void **state)
{
    (void)state;
    test_random_seed();
    enum { ORDERS = 3000, MESSAGES = 60000, HORIZON = 9000 };
    static int64_t latest[ORDERS];
    memset(latest, -1, sizeof latest);
    struct index_budget budget = {.ceiling_bytes = INT64_MAX};
    struct index *index = index_new(&source, &budget);
    for (int64_t offset = 0; offset < MESSAGES; offset++) {
        uint64_t order = test_random(ORDERS);
        struct index_key key = key_of(index, order);
        struct record found;
        bool known = index_find(index, key, &found, &judged);
        assert_int_equal(known, latest[order] >= 0 && latest[order] >= offset - HORIZON - 1);
        if (known)
            assert_version(&found, latest[order]);
        struct value values[FIELDS];
        struct record version = version_of(values, offset);
        assert_true(index_put(index, key, &version, judged_of(offset), offset, offset * 1000));
        latest[order] = offset;
        index_evict(index, (offset - HORIZON) * 1000);
        assert_int_equal(index_floor(index).offset, offset > HORIZON ? offset - HORIZON : 0);
        assert_int_equal(index_floor(index).time_us, offset > HORIZON ? (offset - HORIZON - 1) * 1000 : 0);
    }
    size_t live = 0;
    for (int order = 0; order < ORDERS; order++)
        live += latest[order] >= MESSAGES - 1 - HORIZON;
    assert_int_equal(index_count(index), live);
    index_destroy(index);
    assert_int_equal(budget.used_bytes, 0);
}

/* 1.3 million fill their table to two thirds. */
static void a_million_orders_take_at_most_48_bytes_each(void **state)
{
    (void)state;
    struct index_budget budget = {.ceiling_bytes = INT64_MAX};
    struct index *index = index_new(&source, &budget);
    enum { ORDERS = 1300000 };
    for (int64_t offset = 0; offset < ORDERS; offset++) {
        struct value values[FIELDS] = {[STATUS] = {.present = true, .text = text_of("Consumer-77")},
                                       [AMOUNT] = {.present = true, .number = offset * 7919 % 50000}};
        struct record version = {INT64_C(1700000000000000) + offset * 20000, values};
        assert_true(index_put(index, key_of(index, (uint64_t)offset), &version, 1, offset, version.event_time_us));
    }
    assert_in_range(index_bytes(index), 1, 48 * ORDERS);
    index_destroy(index);
}

static void beyond_the_budget_the_oldest_orders_leave_and_the_floor_says_so(void **state)
{
    (void)state;
    struct index_budget budget = {.ceiling_bytes = 8 << 20};
    struct index *index = index_new(&source, &budget);
    for (int64_t offset = 0; offset < 100000; offset++) {
        struct value values[FIELDS];
        struct record version = version_of(values, offset), found;
        assert_true(
            index_put(index, key_of(index, (uint64_t)offset), &version, judged_of(offset), offset, offset * 1000));
        int64_t floor = index_floor(index).offset;
        if (floor > 0)
            assert_false(index_find(index, key_of(index, (uint64_t)floor - 1), &found, &judged));
        assert_true(index_find(index, key_of(index, (uint64_t)floor), &found, &judged));
    }
    assert_true(index_floor(index).offset > 50000);
    assert_true(budget.used_bytes <= budget.ceiling_bytes + (4 << 20));
    index_destroy(index);
}

/* One that holds as much as it may, of many small versions: the table is a large part of it. */
static void a_table_that_grows_has_room_in_the_budget_beside_the_old_one(void **state)
{
    (void)state;
    struct index_budget budget = {.ceiling_bytes = 24 << 20};
    struct index *index = index_new(&source, &budget);
    watched = &budget;
    most_used = 0;
    for (int64_t offset = 0; offset < 700000; offset++) {
        struct value values[FIELDS];
        struct record version = version_of(values, 31);
        assert_true(
            index_put(index, key_of(index, (uint64_t)offset), &version, judged_of(offset), offset, offset * 1000));
    }
    assert_in_range(most_used, 20 << 20, budget.ceiling_bytes);
    watched = NULL;
    struct record found;
    assert_true(index_find(index, key_of(index, (uint64_t)index_floor(index).offset), &found, &judged));
    assert_true(index_count(index) > 100000);
    index_destroy(index);
    assert_int_equal(budget.used_bytes, 0);
}

static void an_index_that_was_emptied_goes_on(void **state)
{
    (void)state;
    struct index_budget budget = {.ceiling_bytes = INT64_MAX};
    struct index *index = index_new(&source, &budget);
    int64_t offset = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 700; i++, offset++) {
            struct value values[FIELDS];
            struct record version = version_of(values, offset), found;
            assert_true(
                index_put(index, key_of(index, (uint64_t)i), &version, judged_of(offset), offset, offset * 1000));
            assert_true(index_find(index, key_of(index, (uint64_t)i), &found, &judged));
            assert_version(&found, offset);
        }
        index_evict(index, INT64_MAX);
        assert_int_equal(index_count(index), 0);
        assert_int_equal(index_floor(index).offset, offset);
    }
    index_destroy(index);
    assert_int_equal(budget.used_bytes, 0);
}

/* What leaves without a record time could have any event time: the floor's time says so. */
static void versions_without_a_record_time_stay_like_their_neighbours_and_move_the_floors_time(void **state)
{
    (void)state;
    struct index_budget budget = {.ceiling_bytes = INT64_MAX};
    struct index *index = index_new(&source, &budget);
    for (int64_t offset = 0; offset < 3000; offset++) {
        struct value values[FIELDS];
        struct record version = version_of(values, offset % 100), found;
        bool is_timed = offset % 3 == 1;
        version.event_time_us = (is_timed ? 1 : offset % 3 == 0 ? offset + 5000 : offset / 2) * 1000;
        assert_true(index_put(index, key_of(index, (uint64_t)offset), &version, judged_of(offset), offset,
                              is_timed ? offset * 1000 : -1));
        index_evict(index, (offset - 10) * 1000);
        assert_true(index_find(index, key_of(index, (uint64_t)offset), &found, &judged));
    }
    index_evict(index, 4000 * 1000);
    assert_int_equal(index_count(index), 3000);
    assert_int_equal(index_floor(index).offset, 0);
    index_evict(index, INT64_MAX);
    assert_int_equal(index_floor(index).offset, 3000);
    assert_int_equal(index_floor(index).time_us, (2997 + 5000) * 1000);
    index_destroy(index);
}

static void a_chunk_holds_versions_with_and_without_record_times(void **state)
{
    (void)state;
    struct index_budget budget = {.ceiling_bytes = INT64_MAX};
    struct index *index = index_new(&source, &budget);
    int64_t few = 0;
    for (int64_t offset = 0; offset < 400; offset++) {
        struct value values[FIELDS];
        struct record version = version_of(values, offset);
        int64_t now_us = INT64_C(1700000000000000) + offset * 1000;
        version.event_time_us = offset % 2 ? now_us : INT64_C(4000000000000000) * (offset % 4 / 2);
        assert_true(index_put(index, key_of(index, (uint64_t)offset), &version, judged_of(offset), offset,
                              offset % 2 ? now_us : -1));
        few = offset == 3 ? budget.used_bytes : few;
    }
    assert_true(budget.used_bytes - few < 1 << 20);
    index_destroy(index);
}

static void without_a_batch_layer_nothing_leaves_and_the_index_is_full(void **state)
{
    (void)state;
    struct source alone = source;
    alone.is_stream_alone = true;
    struct index_budget budget = {.ceiling_bytes = INT64_C(8) << 20};
    struct index *index = index_new(&alone, &budget);
    struct value values[FIELDS];
    struct record found;
    uint64_t orders = 0;
    for (bool taken = true; taken; orders += taken) {
        struct record version = version_of(values, (int64_t)orders);
        taken = index_put(index, key_of(index, orders), &version, judged_of((int64_t)orders), (int64_t)orders, -1);
        assert_true(orders < 1000000);
    }
    assert_true(index_is_full(index));
    assert_true(orders > 1000);
    assert_int_equal(index_count(index), orders);
    assert_true(index_find(index, key_of(index, 0), &found, &judged));
    assert_version(&found, 0);
    assert_true(budget.used_bytes <= budget.ceiling_bytes && index_bytes(index) > budget.ceiling_bytes);
    index_destroy(index);
    assert_int_equal(budget.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_version_is_found_until_the_horizon_passes_it),
        cmocka_unit_test(a_million_orders_take_at_most_48_bytes_each),
        cmocka_unit_test(beyond_the_budget_the_oldest_orders_leave_and_the_floor_says_so),
        cmocka_unit_test(a_table_that_grows_has_room_in_the_budget_beside_the_old_one),
        cmocka_unit_test(an_index_that_was_emptied_goes_on),
        cmocka_unit_test(versions_without_a_record_time_stay_like_their_neighbours_and_move_the_floors_time),
        cmocka_unit_test(without_a_batch_layer_nothing_leaves_and_the_index_is_full),
        cmocka_unit_test(a_chunk_holds_versions_with_and_without_record_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

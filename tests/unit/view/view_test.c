/* SPDX-License-Identifier: Apache-2.0
 * Properties of the view library: taking back undoes adding, and any split and order of a log gives the same view. */
#include "cmocka_test.h"

#include "view/view.h"

enum { CATEGORY, SHELF, AMOUNT, STATUS, FIELDS };

static const struct field fields[FIELDS] = {
    {"category", FIELD_TEXT, 0}, {"shelf", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}, {"status", FIELD_TEXT, 0}};
static const struct schema schema = {.fields = fields, .field_count = FIELDS, .key = FIELD_NONE, .event_time = "at"};

struct fixture {
    struct arena arena;
    struct zone *zone;
    struct view view;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    struct error error;
    size_t position;
    if (!zone_open("Europe/London", &fixture.zone, &error))
        return -1;
    fixture.view = (struct view){.name = "v",
                                 .schema = &schema,
                                 .window = {.length_s = 3600},
                                 .zone = fixture.zone,
                                 .dimensions = {CATEGORY, SHELF},
                                 .dimension_count = 2,
                                 .measures = {{"n", MEASURE_COUNT, FIELD_NONE, 0},
                                              {"s", MEASURE_SUM, AMOUNT, 0},
                                              {"a", MEASURE_AVERAGE, AMOUNT, 0},
                                              {"q", MEASURE_SUM, SHELF, 1}},
                                 .measure_count = 4,
                                 .sums = {AMOUNT, SHELF},
                                 .sum_count = 2};
    if (!expression_compile(text_of("status <> 'cancelled' and amount > 0"), &schema, &fixture.arena,
                            &fixture.view.where, &position, &error))
        return -1;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    zone_close(fixture->zone);
    arena_clean_up(&fixture->arena);
    return 0;
}

struct order {
    struct record record;
    struct value values[FIELDS];
};

static void random_order(struct order *order)
{
    static const char *const categories[] = {"a", "", "b:1", "+2:", "a-"};
    static const char *const statuses[] = {"completed", "cancelled"};
    order->record = (struct record){1301187600000000 + (int64_t)test_random(20000) * 1000000, order->values};
    uint64_t category = test_random(6), status = test_random(3);
    order->values[CATEGORY] = (struct value){.present = category < 5};
    if (category < 5)
        order->values[CATEGORY].text = text_of(categories[category]);
    order->values[SHELF] = (struct value){.present = test_random(3) > 0, .number = (int64_t)test_random(3) - 1};
    order->values[AMOUNT] = (struct value){.present = true, .number = (int64_t)test_random(2000) - 300};
    order->values[STATUS] = (struct value){.present = status < 2};
    if (status < 2)
        order->values[STATUS].text = text_of(statuses[status]);
}

static void assert_same_panes(const struct panes *a, struct panes *b)
{
    for (size_t i = 0; i < panes_count(a); i++) {
        struct pane pane = panes_get(a, i);
        const struct cell *other = panes_at(b, pane.window_start_us, pane.group);
        assert_memory_equal(pane.cell, other, cell_size(a->view));
    }
}

static void any_split_and_order_gives_the_same_view(void **state)
{
    struct fixture *fixture = *state;
    test_random_seed();
    for (int round = 0; round < 200; round++) {
        enum { COUNT = 60, PARTS = 4 };
        struct order orders[COUNT];
        struct panes whole, parts[PARTS];
        panes_init(&whole, &fixture->view);
        for (int p = 0; p < PARTS; p++)
            panes_init(&parts[p], &fixture->view);
        for (int i = 0; i < COUNT; i++) {
            random_order(&orders[i]);
            assert_int_not_equal(view_apply(&whole, &orders[i].record, 1), -1);
        }
        for (int i = COUNT - 1; i >= 0; i--)
            view_apply(&parts[test_random(PARTS)], &orders[i].record, 1);
        for (int p = 1; p < PARTS; p++)
            for (size_t i = 0; i < panes_count(&parts[p]); i++) {
                struct pane pane = panes_get(&parts[p], i);
                cell_merge(&fixture->view, panes_at(&parts[0], pane.window_start_us, pane.group), pane.cell);
            }
        assert_same_panes(&whole, &parts[0]);
        assert_same_panes(&parts[0], &whole);
        panes_clean_up(&whole);
        for (int p = 0; p < PARTS; p++)
            panes_clean_up(&parts[p]);
    }
}

static void taking_back_undoes_adding(void **state)
{
    struct fixture *fixture = *state;
    test_random_seed();
    struct panes panes;
    panes_init(&panes, &fixture->view);
    for (int round = 0; round < 2000; round++) {
        struct order order;
        random_order(&order);
        int added = view_apply(&panes, &order.record, 1);
        assert_int_equal(added, view_apply(&panes, &order.record, -1));
    }
    assert_true(panes_count(&panes) > 10);
    for (size_t i = 0; i < panes_count(&panes); i++)
        assert_true(cell_is_zero(&fixture->view, panes_get(&panes, i).cell));
    panes_clean_up(&panes);
}

static void a_group_is_read_back_as_it_was_written(void **state)
{
    struct fixture *fixture = *state;
    test_random_seed();
    for (int round = 0; round < 2000; round++) {
        struct order order;
        random_order(&order);
        struct buffer group = {0};
        group_append(&fixture->view, order.values, &group);
        struct value values[DIMENSIONS_MAX];
        assert_true(group_parse(&fixture->view, buffer_text(&group), values));
        assert_int_equal(values[0].present, order.values[CATEGORY].present);
        if (values[0].present)
            assert_true(text_equal(values[0].text, order.values[CATEGORY].text));
        assert_int_equal(values[1].present, order.values[SHELF].present);
        if (values[1].present)
            assert_int_equal(values[1].number, order.values[SHELF].number);
        for (size_t cut = 0; cut < group.length; cut++)
            assert_false(group_parse(&fixture->view, (struct text){group.data, cut}, values));
        buffer_clean_up(&group);
    }
}

static void groups_are_ordered_with_nulls_first_and_integers_by_number(void **state)
{
    struct fixture *fixture = *state;
    static const char *const ascending[] = {"--", "-+2:-5", "-+1:7", "-+2:10", "+0:-", "+1:a-", "+1:b-", "+2:aa-"};
    const int order[] = {0, 1, 2, 3, 4, 5, 7, 6};
    for (size_t i = 0; i + 1 < 8; i++) {
        struct text a = text_of(ascending[order[i]]), b = text_of(ascending[order[i + 1]]);
        assert_true(group_compare(&fixture->view, a, b) < 0);
        assert_true(group_compare(&fixture->view, b, a) > 0);
        assert_int_equal(group_compare(&fixture->view, a, a), 0);
    }
}

static void measures_are_null_where_nothing_was_summed(void **state)
{
    struct fixture *fixture = *state;
    struct order order;
    random_order(&order);
    order.values[STATUS] = (struct value){.present = true, .text = text_of("completed")};
    order.values[AMOUNT] = (struct value){.present = true, .number = 1005};
    order.values[SHELF] = (struct value){.present = false};
    struct panes panes;
    panes_init(&panes, &fixture->view);
    assert_int_equal(view_apply(&panes, &order.record, 1), 1);
    order.values[AMOUNT].number = 2;
    assert_int_equal(view_apply(&panes, &order.record, 1), 1);
    assert_int_equal(panes_count(&panes), 1);
    static const char *const expected[] = {"2", "10.07", "5.04", "null"};
    for (size_t i = 0; i < 4; i++) {
        struct buffer out = {0};
        measure_append(&fixture->view, &fixture->view.measures[i], panes_get(&panes, 0).cell, &out);
        assert_string_equal(buffer_string(&out), expected[i]);
        buffer_clean_up(&out);
    }
    panes_clean_up(&panes);
}

static void a_fingerprint_changes_with_the_meaning_only(void **state)
{
    struct fixture *fixture = *state;
    struct source source = {.name = "orders",
                            .topic = "orders",
                            .schema = schema,
                            .views = &fixture->view,
                            .view_count = 1,
                            .horizon_us = 1};
    view_fingerprint(&fixture->view, &source);
    char before[FINGERPRINT_SIZE];
    memcpy(before, fixture->view.fingerprint, sizeof before);
    source.horizon_us = 2;
    view_fingerprint(&fixture->view, &source);
    assert_string_equal(before, fixture->view.fingerprint);
    fixture->view.window.length_s = 60;
    view_fingerprint(&fixture->view, &source);
    assert_string_not_equal(before, fixture->view.fingerprint);
    memcpy(before, fixture->view.fingerprint, sizeof before);
    fixture->view.watermark_us = 1; /* late messages are counted by it */
    view_fingerprint(&fixture->view, &source);
    assert_string_not_equal(before, fixture->view.fingerprint);
}

/* By what the clock was before it, less what the view waits: here an hour. */
static void a_message_is_late_once_its_window_had_ended(void **state)
{
    const struct fixture *fixture = *state;
    const int64_t hour_us = INT64_C(3600000000), at_us = 1000 * hour_us;
    struct view view = fixture->view;
    assert_false(view_is_late(&view, at_us + 100 * hour_us, at_us)); /* nothing is waited for */
    view.watermark_us = hour_us;
    assert_false(view_is_late(&view, 0, at_us));
    assert_false(view_is_late(&view, at_us + 2 * hour_us - 1, at_us));
    assert_true(view_is_late(&view, at_us + 2 * hour_us, at_us));
    assert_true(view_is_late(&view, at_us + 2 * hour_us, at_us + hour_us - 1));
    assert_false(view_is_late(&view, at_us + 2 * hour_us, at_us + hour_us));
    view.panes = 3; /* the first of its windows to end */
    assert_true(view_is_late(&view, at_us + 2 * hour_us, at_us));
    view.window = (struct window){.gap_s = 600}; /* what joins it may come at the very end of the gap */
    assert_false(view_is_late(&view, at_us + hour_us + 600000000, at_us));
    assert_true(view_is_late(&view, at_us + hour_us + 600000001, at_us));
}

static void a_clock_follows_event_times_up_to_their_records(void **state)
{
    (void)state;
    assert_int_equal(clock_after(0, 5, 7), 5);
    assert_int_equal(clock_after(0, 9, 7), 7);
    assert_int_equal(clock_after(0, 9, -1), 9);
    assert_int_equal(clock_after(8, 9, 7), 8);
}

static void fields_that_a_source_uses_are_those_its_views_read(void **state)
{
    const struct fixture *fixture = *state;
    struct view views[2] = {fixture->view, {.schema = &schema, .dimensions = {SHELF}, .dimension_count = 1}};
    struct source source = {.schema = schema, .views = &views[1], .view_count = 1};
    bool used[FIELDS] = {false};
    source_mark_used(&source, used);
    assert_true(used[SHELF]);
    assert_false(used[CATEGORY] || used[AMOUNT] || used[STATUS]);
    source.views = views;
    source_mark_used(&source, used);
    assert_true(used[CATEGORY] && used[AMOUNT] &&
                used[STATUS]); /* a dimension, a sum, and one that only `where` reads */
}

static void a_field_is_counted_where_it_is_not_null(void **state)
{
    struct view view = ((struct fixture *)*state)->view;
    view.where = NULL;
    view.dimension_count = 0;
    view.sums[0] = CATEGORY;
    view.sum_count = 1;
    const struct measure measure = {"c", MEASURE_COUNT, CATEGORY, 0};
    struct panes panes;
    struct order order;
    int64_t expected = 0;
    test_random_seed();
    panes_init(&panes, &view);
    for (int i = 0; i < 1000; i++) {
        int sign = test_random(3) ? 1 : -1;
        random_order(&order);
        order.record.event_time_us = 0;
        assert_int_equal(view_apply(&panes, &order.record, sign), 1);
        expected += order.values[CATEGORY].present ? sign : 0;
    }
    assert_int_equal(panes_count(&panes), 1);
    struct buffer found = {0}, wanted = {0};
    const struct cell *cell = panes_get(&panes, 0).cell;
    measure_append(&view, &measure, cell, &found);
    buffer_append_integer(&wanted, expected);
    assert_string_equal(buffer_string(&found), buffer_string(&wanted));
    assert_true(cell->sums[0].total == 0);
    buffer_clean_up(&found);
    buffer_clean_up(&wanted);
    panes_clean_up(&panes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_split_and_order_gives_the_same_view, set_up, tear_down),
        cmocka_unit_test_setup_teardown(taking_back_undoes_adding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_group_is_read_back_as_it_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_are_ordered_with_nulls_first_and_integers_by_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(measures_are_null_where_nothing_was_summed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_that_a_source_uses_are_those_its_views_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_field_is_counted_where_it_is_not_null, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fingerprint_changes_with_the_meaning_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_is_late_once_its_window_had_ended, set_up, tear_down),
        cmocka_unit_test(a_clock_follows_event_times_up_to_their_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

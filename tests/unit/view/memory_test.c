/* SPDX-License-Identifier: Apache-2.0
 * The view library while memory is short: what it did is right, and what it couldn't do left nothing behind. */
#include "cmocka_test.h"
#include "failing_memory.h"

#include "view/rollup.h"

enum { CATEGORY, SHELF, AMOUNT, FIELDS };

static const struct field fields[FIELDS] = {
    {"category", FIELD_TEXT, 0}, {"shelf", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = FIELDS, .key = FIELD_NONE, .event_time = "at"};
static struct view view = {.name = "v",
                           .schema = &schema,
                           .window = {.length_s = 3600},
                           .dimensions = {CATEGORY, SHELF},
                           .dimension_count = 2,
                           .measures = {{"n", MEASURE_COUNT, FIELD_NONE, 0}, {"s", MEASURE_SUM, AMOUNT, 0}},
                           .measure_count = 2,
                           .sums = {AMOUNT},
                           .sum_count = 1};
static struct source source = {
    .name = "s", .topic = "t", .schema = {.fields = fields, .field_count = FIELDS, .event_time = "at"}};

static int open_zone(void **state)
{
    (void)state;
    struct zone *zone;
    if (!zone_open("Europe/London", &zone, NULL))
        return -1;
    view.zone = zone;
    source.views = &view;
    source.view_count = 1;
    return 0;
}

static const char where[] = "category in ('it''s', 'b') or not (amount > 1.50 and shelf is not null)";
static const char sql[] =
    "((\"category\" IN ('it''s', 'b')) OR (NOT ((\"amount\" > 1.5) AND (\"shelf\" IS NOT NULL))))";

static bool compile(void *context)
{
    (void)context;
    struct arena arena = {0};
    struct buffer printed = {0};
    struct error error = {0};
    const struct expression *expression;
    size_t position;
    bool done = expression_compile(text_of(where), &schema, &arena, &expression, &position, &error);
    if (done) {
        expression_print_sql(expression, &schema, "", &printed);
        done = !printed.failed;
        if (done)
            assert_string_equal(printed.data, sql);
    } else {
        assert_int_equal(error.code, ERROR_INTERNAL);
        assert_non_null(strstr(error.message, "memory"));
    }
    buffer_clean_up(&printed);
    arena_clean_up(&arena);
    return done;
}

static void an_expression_compiles_and_prints_whole_or_says_that_memory_is_short(void **state)
{
    (void)state;
    fail_every_allocation(compile, NULL);
}

static bool compile_misspelled(void *context)
{
    (void)context;
    struct arena arena = {0};
    struct error error = {0};
    const struct expression *expression;
    size_t position;
    assert_false(expression_compile(text_of("amuont > 1"), &schema, &arena, &expression, &position, &error));
    bool told = error.code == ERROR_CONFIGURATION;
    assert_non_null(strstr(error.message, told ? "did you mean \"amount\"?" : "memory"));
    arena_clean_up(&arena);
    return told;
}

static void a_misspelled_field_is_told_or_that_memory_is_short(void **state)
{
    (void)state;
    fail_every_allocation(compile_misspelled, NULL);
}

static bool make_fingerprints(void *context)
{
    (void)context;
    static char first[FINGERPRINT_SIZE], first_of_source[FINGERPRINT_SIZE];
    bool made = view_fingerprint(&view, &source) && source_fingerprint(&source);
    if (made && !first[0]) {
        strcpy(first, view.fingerprint);
        strcpy(first_of_source, source.fingerprint);
    }
    assert_string_equal(view.fingerprint, first);
    assert_string_equal(source.fingerprint, first_of_source);
    return made;
}

static void a_fingerprint_is_never_of_half_a_definition(void **state)
{
    (void)state;
    fail_every_allocation(make_fingerprints, NULL);
}

#define ORDERS 200

struct order {
    struct record record;
    struct value values[FIELDS];
};

static struct order *order_of(int number)
{
    static struct order order;
    static char category[2];
    category[0] = (char)('a' + number % 9);
    order.values[CATEGORY] = (struct value){.present = number % 4 != 0, .text = {category, 1}};
    order.values[SHELF] = (struct value){.present = number % 3 != 0, .number = number % 11};
    order.values[AMOUNT] = (struct value){.present = true, .number = number};
    order.record = (struct record){INT64_C(1767225600000000) + number % 5 * INT64_C(3600000000), order.values};
    return &order;
}

/* The sum and the count of all cells. */
static void assert_total(const struct panes *panes, int64_t count, int64_t total)
{
    for (size_t i = 0; i < panes_count(panes); i++) {
        struct pane pane = panes_get(panes, i);
        count -= pane.cell->count;
        total -= (int64_t)pane.cell->sums[0].total;
    }
    assert_int_equal(count, 0);
    assert_int_equal(total, 0);
}

/* An order that couldn't be added changed nothing; what was added can be taken back, and merged elsewhere. */
static bool add_and_merge(void *context)
{
    (void)context;
    struct panes panes, sum;
    panes_init(&panes, &view);
    panes_init(&sum, &view);
    bool done = true;
    int added = 0;
    int64_t total = 0;
    for (; done && added < ORDERS; added += done) {
        done = view_apply(&panes, &order_of(added)->record, 1) == 1;
        total += done ? added : 0;
    }
    assert_total(&panes, added, total);
    for (size_t i = 0; done && i < panes_count(&panes); i++) {
        struct pane pane = panes_get(&panes, i);
        struct cell *cell = panes_at(&sum, pane.window_start_us, pane.group);
        done = cell != NULL;
        if (cell)
            cell_merge(&view, cell, pane.cell);
    }
    if (done)
        assert_total(&sum, added, total);
    for (int i = 0; i < added && view_apply(&panes, &order_of(i)->record, -1) == 1; i++)
        total -= i;
    assert_true(!done || total == 0);
    panes_clean_up(&panes);
    panes_clean_up(&sum);
    return done;
}

static void orders_are_added_whole_or_not_at_all(void **state)
{
    (void)state;
    unsigned long allocations = fail_every_allocation(add_and_merge, NULL);
    assert_true(allocations > 6);
}

static bool roll_up(void *context)
{
    (void)context;
    struct view_question question;
    struct rollup rollup;
    struct error error = {0};
    union {
        struct cell cell;
        unsigned char bytes[sizeof(struct cell) + sizeof(struct sum)];
    } one = {.bytes = {0}};
    one.cell.count = 1;
    question_init(&question, &view);
    assert_true(question_set_window(&question, text_of("hopping 24 hours every 1 hour"), &error));
    assert_true(question_set_group_by(&question, text_of("shelf"), &error));
    rollup_init(&rollup, &question, INT64_MIN, INT64_MAX);
    bool done = true;
    for (int64_t i = 0; done && i < 100; i++) {
        char group[] = "-+1:0"; /* no category, and a shelf */
        group[sizeof group - 2] = (char)('0' + i % 10);
        done = rollup_add(&rollup, 3600 * INT64_C(1000000) * (i / 10), text_of(group), &one.cell, false);
    }
    done = done && rollup_close(&rollup) && rollup_order(&rollup);
    int64_t counted = 0;
    for (size_t i = 0; done && i < rollup.count; i++)
        counted += rollup.rows[i]->cell->count;
    assert_int_equal(counted, done ? 100 * 24 : 0);
    assert_false(rollup.is_full);
    rollup_clean_up(&rollup);
    return done;
}

static void rows_are_merged_whole_or_not_at_all(void **state)
{
    (void)state;
    assert_true(fail_every_allocation(roll_up, NULL) > 4);
}

static bool refuse(void *context)
{
    (void)context;
    struct view_question question;
    struct error error = {0};
    question_init(&question, &view);
    assert_false(question_set_window(&question, text_of("tumbling 15 minutes"), &error));
    bool done = error.code == ERROR_USAGE;
    if (done)
        assert_non_null(strstr(error.message, "possible are multiples of \"tumbling 1 hour\" that divide a day"));
    else
        assert_int_equal(error.code, ERROR_INTERNAL);
    return done;
}

static void what_can_be_asked_is_said_whole_or_that_memory_is_short(void **state)
{
    (void)state;
    fail_every_allocation(refuse, NULL);
}

static bool print_rows(void *context)
{
    (void)context;
    struct buffer out = {0}, group = {0};
    struct value values[FIELDS] = {{.present = true, .text = {"a longer category", 17}}, {.present = false}};
    union {
        struct cell cell;
        unsigned char bytes[sizeof(struct cell) + sizeof(struct sum)];
    } made = {.bytes = {0}};
    struct cell *cell = &made.cell;
    cell->count = 7;
    cell->sums[0] = (struct sum){7, 123456789};
    for (int i = 0; i < 40; i++) {
        measure_append(&view, &view.measures[1], cell, &out);
        buffer_append_char(&out, ' ');
        window_print(&view.window, &out);
        buffer_append_json(&out, text_of("\"\x01"));
        buffer_append_local_time(&out, view.zone, 1767225600000000);
        group_append(&view, values, &group);
    }
    bool done = !out.failed && !group.failed;
    static const char once[] = "1234567.89 tumbling 1 hour\"\\\"\\u0001\"2026-01-01T00:00:00+00:00";
    if (done) {
        assert_int_equal(group.length, 40 * 22);
        assert_int_equal(out.length, 40 * (sizeof once - 1));
        assert_memory_equal(out.data, once, sizeof once - 1);
    }
    buffer_clean_up(&out);
    buffer_clean_up(&group);
    return done;
}

static void what_is_printed_is_whole_or_failed(void **state)
{
    (void)state;
    fail_every_allocation(print_rows, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_compiles_and_prints_whole_or_says_that_memory_is_short),
        cmocka_unit_test(a_misspelled_field_is_told_or_that_memory_is_short),
        cmocka_unit_test(a_fingerprint_is_never_of_half_a_definition),
        cmocka_unit_test(orders_are_added_whole_or_not_at_all),
        cmocka_unit_test(rows_are_merged_whole_or_not_at_all),
        cmocka_unit_test(what_can_be_asked_is_said_whole_or_that_memory_is_short),
        cmocka_unit_test(what_is_printed_is_whole_or_failed),
    };
    return cmocka_run_group_tests(tests, open_zone, NULL);
}

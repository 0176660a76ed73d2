/* SPDX-License-Identifier: Apache-2.0
 * Sessions merged from moments equal those that are found by looking at each two versions, whatever is asked. */
#include "cmocka_test.h"

#include <stdlib.h>

#include "base/clock.h"
#include "panes_in_order.h"
#include "view/rollup.h"

#define GAP_S 600
#define GAP_US (GAP_S * US_PER_SECOND)

enum { CUSTOMER, SHOP, AMOUNT, FIELDS };

static const struct field fields[FIELDS] = {
    {"customer", FIELD_TEXT, 0}, {"shop", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = FIELDS, .key = FIELD_NONE, .event_time = "at"};
static struct view view;

static int make_view(void **state)
{
    static struct zone *zone;
    (void)state;
    view = (struct view){.name = "visits",
                         .schema = &schema,
                         .window = {.gap_s = GAP_S},
                         .dimensions = {CUSTOMER, SHOP},
                         .dimension_count = 2,
                         .measures = {{"n", MEASURE_COUNT, FIELD_NONE, 0}, {"s", MEASURE_SUM, AMOUNT, 0}},
                         .measure_count = 2,
                         .sums = {AMOUNT},
                         .sum_count = 1};
    if (!zone && !zone_open("Europe/London", &zone, NULL))
        return -1;
    view.zone = zone;
    return 0;
}

/* A version that counts, or one that is taken back. */
struct version {
    int64_t at_us;
    const char *customer;
    int64_t shop;
    int sign;
};

static void add(struct panes *panes, const struct version *version)
{
    struct value values[FIELDS] = {[CUSTOMER] = {.present = version->customer != NULL},
                                   [SHOP] = {.present = true, .number = version->shop},
                                   [AMOUNT] = {.present = true, .number = 100}};
    if (version->customer)
        values[CUSTOMER].text = text_of(version->customer);
    const struct record record = {version->at_us, values};
    assert_int_equal(view_apply(panes, &record, version->sign), 1);
}

/* Moments as a program has them: in order, and as far as the rollup reaches. */
static void roll_up(struct rollup *rollup, const struct panes *panes, bool are_touched)
{
    size_t count = panes_count(panes);
    struct pane *sorted = panes_in_order(panes);
    for (size_t i = 0; i < count; i++) {
        if (sorted[i].window_start_us < rollup_begins_us(rollup))
            continue;
        if (sorted[i].window_start_us >= rollup_reach_us(rollup))
            break;
        assert_true(rollup_add(rollup, sorted[i].window_start_us, sorted[i].group, sorted[i].cell,
                               are_touched && sorted[i].cell->count <= 0));
    }
    free(sorted);
    assert_true(rollup_close(rollup));
    assert_true(rollup_order(rollup));
}

/* "customer first+length×count" of each row, in seconds, with "!" where it was touched. */
static void assert_sessions(const struct version versions[], size_t count, int64_t from_s, int64_t to_s,
                            const char *group_by, const char *expected)
{
    struct view_question question;
    struct rollup rollup;
    struct panes panes;
    struct error error = {0};
    struct buffer found = {0};
    panes_init(&panes, &view);
    for (size_t i = 0; i < count; i++)
        add(&panes, &versions[i]);
    question_init(&question, &view);
    assert_true(question_set_group_by(&question, text_of(group_by), &error));
    rollup_init(&rollup, &question, from_s * US_PER_SECOND, to_s * US_PER_SECOND);
    roll_up(&rollup, &panes, true);
    for (size_t i = 0; i < rollup.count; i++) {
        const struct rollup_row *row = rollup.rows[i];
        struct value dimensions[DIMENSIONS_MAX];
        assert_true(group_parse(&question.rows, row->group, dimensions));
        buffer_appendf(&found, "%s%.*s%lld+%lldx%lld%s", i ? " " : "",
                       question.rows.dimension_count ? (int)dimensions[0].text.length : 0, dimensions[0].text.data,
                       (long long)(row->start_us / US_PER_SECOND),
                       (long long)((row->end_us - row->start_us) / US_PER_SECOND), (long long)row->cell->count,
                       row->is_touched ? "!" : "");
    }
    assert_string_equal(buffer_string(&found), expected);
    buffer_clean_up(&found);
    rollup_clean_up(&rollup);
    panes_clean_up(&panes);
}

#define S(seconds) ((seconds)*US_PER_SECOND)
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void versions_a_gap_apart_are_one_session_and_those_further_apart_are_two(void **state)
{
    (void)state;
    static const struct version versions[] = {{S(5000), "a", 1, 1},     {S(5600), "a", 1, 1}, {S(5601), "b", 1, 1},
                                              {S(6200) + 1, "a", 1, 1}, {S(9000), "a", 1, 1}, {S(9000), "a", 1, 1}};
    assert_sessions(versions, COUNT_OF(versions), 0, 100000, "customer",
                    "a5000+1200x2 b5601+600x1 a6200+600x1 a9000+600x2");
}

static void a_session_is_answered_by_its_start_whole_and_what_begins_it_is_judged_before_the_range(void **state)
{
    (void)state;
    static const struct version versions[] = {
        {S(5000), "a", 1, 1}, {S(5600), "a", 1, 1}, {S(6200), "a", 1, 1}, {S(6801), "a", 1, 1}, {S(7400), "a", 1, 1}};
    assert_sessions(versions, COUNT_OF(versions), 5600, 6801, "customer", "");
    assert_sessions(versions, COUNT_OF(versions), 5001, 6802, "customer", "a6801+1199x2");
    assert_sessions(versions, COUNT_OF(versions), 5000, 5001, "customer", "a5000+1800x3");
}

static void a_version_that_is_taken_back_shortens_or_splits_and_touches_both_sides(void **state)
{
    (void)state;
    static const struct version versions[] = {{S(5000), "a", 1, 1},  {S(5500), "a", 1, 1},  {S(6000), "a", 1, 1},
                                              {S(5500), "a", 1, -1}, {S(6400), "a", 1, 1},  {S(9000), "a", 1, 1},
                                              {S(9100), "a", 1, 1},  {S(9100), "a", 1, -1}, {S(20000), "a", 1, 1},
                                              {S(30000), "a", 1, 1}, {S(30000), "a", 1, -1}};
    assert_sessions(versions, COUNT_OF(versions), 0, 100000, "customer",
                    "a5000+600x1! a6000+1000x2! a9000+600x1! a20000+600x1");
}

static void sessions_of_fewer_dimensions_are_those_of_all_their_moments(void **state)
{
    (void)state;
    static const struct version versions[] = {
        {S(5000), "a", 1, 1}, {S(5500), "a", 2, 1}, {S(6000), "a", 1, 1}, {S(6500), "b", 1, 1}};
    assert_sessions(versions, COUNT_OF(versions), 0, 100000, "customer,shop",
                    "a5000+600x1 a5500+600x1 a6000+600x1 b6500+600x1");
    assert_sessions(versions, COUNT_OF(versions), 0, 100000, "customer", "a5000+1600x3 b6500+600x1");
    assert_sessions(versions, COUNT_OF(versions), 0, 100000, "", "5000+2100x4");
}

/* --- any versions, recomputed --- */

#define VERSIONS 120

static bool is_counted(const struct version versions[], size_t number)
{
    int count = 0;
    for (size_t i = 0; i < VERSIONS; i++)
        if (versions[i].at_us == versions[number].at_us && versions[i].customer == versions[number].customer)
            count += versions[i].sign;
    return count > 0;
}

/* The ends of what a version is joined to by others at most a gap apart. */
static void find_session(const struct version versions[], size_t number, int64_t *first_us, int64_t *last_us)
{
    *first_us = *last_us = versions[number].at_us;
    for (bool grows = true; grows;) {
        grows = false;
        for (size_t i = 0; i < VERSIONS; i++) {
            int64_t at_us = versions[i].at_us;
            bool is_near =
                at_us >= *first_us - GAP_US && at_us <= *last_us + GAP_US && (at_us < *first_us || at_us > *last_us);
            if (!is_near || versions[i].customer != versions[number].customer || !is_counted(versions, i))
                continue;
            *first_us = at_us < *first_us ? at_us : *first_us;
            *last_us = at_us > *last_us ? at_us : *last_us;
            grows = true;
        }
    }
}

static void check_version(const struct version versions[], size_t number, struct rollup *rollup)
{
    int64_t first_us, last_us, count = 0;
    struct rollup_row row;
    struct value values[FIELDS_MAX] = {0};
    struct buffer pane_group = {0};
    struct text group;
    find_session(versions, number, &first_us, &last_us);
    for (size_t i = 0; i < VERSIONS; i++)
        if (versions[i].customer == versions[number].customer && versions[i].at_us >= first_us &&
            versions[i].at_us <= last_us)
            count += versions[i].sign;
    values[view.dimensions[0]] = (struct value){.present = true, .text = text_of(versions[number].customer)};
    group_append(&view, values, &pane_group);
    assert_true(rollup_group(rollup, buffer_text(&pane_group), &group));
    bool is_there = rollup_find(rollup, first_us, group, &row);
    assert_true(is_there == (first_us >= rollup->from_us && first_us < rollup->to_us));
    if (is_there) {
        assert_int_equal(row.end_us, last_us + GAP_US);
        assert_int_equal(row.cell->count, count);
        assert_true(row.cell->sums[0].total == 100 * count);
    }
    buffer_clean_up(&pane_group);
}

/* A third of them take back the one before. */
static void make_versions(struct version versions[])
{
    static const char *const customers[] = {"a", "b"};
    for (size_t i = 0; i < VERSIONS; i++) {
        versions[i] = (struct version){S(10000) + (int64_t)test_random(40) * (GAP_US / 2 + (int64_t)test_random(2)),
                                       customers[test_random(2)], 1, 1};
        if (i > 0 && versions[i - 1].sign > 0 && test_random(3) == 0) {
            versions[i] = versions[i - 1];
            versions[i].sign = -1;
        }
    }
}

static void any_sessions_equal_their_recomputation(void **state)
{
    (void)state;
    test_random_seed();
    for (int round = 0; round < 100; round++) {
        static struct version versions[VERSIONS];
        struct view_question question;
        struct rollup rollup;
        struct panes panes;
        struct error error = {0};
        panes_init(&panes, &view);
        make_versions(versions);
        for (size_t i = 0; i < VERSIONS; i++)
            add(&panes, &versions[i]);
        question_init(&question, &view);
        assert_true(question_set_group_by(&question, text_of("customer"), &error));
        int64_t from_us = S(10000) + (int64_t)test_random(20) * GAP_US;
        rollup_init(&rollup, &question, from_us, from_us + (int64_t)test_random(10) * GAP_US);
        roll_up(&rollup, &panes, false);
        for (size_t i = 0; i < VERSIONS; i++)
            if (is_counted(versions, i))
                check_version(versions, i, &rollup);
        rollup_clean_up(&rollup);
        panes_clean_up(&panes);
    }
}

static void another_window_is_refused_with_what_can_be_asked(void **state)
{
    (void)state;
    static const char *const windows[] = {"1 day", "hopping 1 hour every 5 minutes", "session 10 minutes", "x"};
    for (size_t i = 0; i < COUNT_OF(windows); i++) {
        struct view_question question;
        struct error error = {0};
        question_init(&question, &view);
        assert_false(question_is_plain(&question));
        assert_false(question_set_window(&question, text_of(windows[i]), &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_string_equal(error.message, "window can't be asked of a view whose rows are sessions (\"session 10 "
                                           "minutes\"): possible are group_by, order and per_window");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_a_gap_apart_are_one_session_and_those_further_apart_are_two),
        cmocka_unit_test(a_session_is_answered_by_its_start_whole_and_what_begins_it_is_judged_before_the_range),
        cmocka_unit_test(a_version_that_is_taken_back_shortens_or_splits_and_touches_both_sides),
        cmocka_unit_test(sessions_of_fewer_dimensions_are_those_of_all_their_moments),
        cmocka_unit_test(any_sessions_equal_their_recomputation),
        cmocka_unit_test(another_window_is_refused_with_what_can_be_asked),
    };
    return cmocka_run_group_tests(tests, make_view, NULL);
}

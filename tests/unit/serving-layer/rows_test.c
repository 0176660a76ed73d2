/* SPDX-License-Identifier: Apache-2.0 */
#include "serving_fixture.h"

#include "merged/rows.h"

#define GROUPS 40
#define WINDOWS 12

/* What the rows should be, by layer, window and group. */
struct model {
    int64_t counts[2][WINDOWS][GROUPS];
};

static int64_t window_us(int number)
{
    return (DAY_S + 3600 * number) * US_PER_SECOND;
}

static struct text random_group(int number, struct buffer *scratch)
{
    char category[8];
    snprintf(category, sizeof category, "c%d", number % 7);
    return group_of(number % 5 ? category : NULL, number - GROUPS / 2, scratch);
}

static void add_random(struct view_rows *rows, struct model *model, enum layer layer)
{
    struct panes panes;
    struct sorted_panes sorted;
    struct buffer scratch = {0};
    panes_init(&panes, &views[GROUPED]);
    for (uint64_t i = test_random(60); i > 0; i--) {
        int window = (int)test_random(WINDOWS), group = (int)test_random(GROUPS);
        int64_t count = (int64_t)test_random(3) - 1;
        add_cell(&panes, DAY_S + 3600 * window, random_group(group, &scratch), count, count * 100);
        if (window_us(window) >= rows->floor_us)
            model->counts[layer][window][group] += count;
    }
    assert_true(sorted_panes_init(&sorted, &panes));
    assert_true(view_rows_add(rows, layer, &sorted));
    sorted_panes_clean_up(&sorted);
    panes_clean_up(&panes);
    buffer_clean_up(&scratch);
}

/* Everything in order, nothing twice, and of each layer what the model says. */
static void assert_rows(const struct view_rows *rows, const struct model *model)
{
    struct buffer scratch = {0};
    size_t row_count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct window_rows *window = &rows->windows[i];
        assert_true(i == 0 || rows->windows[i - 1].start_us < window->start_us);
        row_count += window->count;
        for (size_t row = 1; row < window->count; row++)
            assert_true(group_compare(rows->view, row_group(window->rows[row - 1], rows->view),
                                      row_group(window->rows[row], rows->view)) < 0);
    }
    assert_int_equal(row_count, rows->row_count);
    for (int number = 0; number < WINDOWS; number++)
        for (int group = 0; group < GROUPS; group++)
            for (int layer = 0; layer < 2; layer++) {
                int64_t found = 0;
                size_t at = view_rows_window(rows, window_us(number));
                struct text name = random_group(group, &scratch);
                const struct window_rows *window = at < rows->count ? &rows->windows[at] : NULL;
                size_t row = window ? window_rows_group(rows->view, window, name, false) : 0;
                if (window && window->start_us == window_us(number) && row < window->count &&
                    text_equal(row_group(window->rows[row], rows->view), name))
                    found = row_cell(window->rows[row], rows->view, (enum layer)layer)->count;
                assert_int_equal(found, model->counts[layer][number][group]);
            }
    buffer_clean_up(&scratch);
}

static void random_change(struct view_rows *rows, struct model *model)
{
    enum layer layer = (enum layer)test_random(2);
    int window = (int)test_random(WINDOWS);
    switch (test_random(10)) {
    case 0:
        view_rows_clear_layer(rows, layer);
        memset(model->counts[layer], 0, sizeof model->counts[layer]);
        break;
    case 1:
        view_rows_clear_window(rows, layer, window_us(window));
        memset(model->counts[layer][window], 0, sizeof model->counts[layer][window]);
        break;
    case 2:
        view_rows_sweep(rows);
        break;
    default:
        add_random(rows, model, layer);
    }
}

static void rows_are_what_was_added_in_order_whatever_the_order_of_adding(void **state)
{
    (void)state;
    test_random_seed();
    for (int round = 0; round < 40; round++) {
        struct view_rows rows;
        static struct model model;
        memset(&model, 0, sizeof model);
        view_rows_init(&rows, &views[GROUPED]);
        for (int step = 0; step < 30; step++) {
            random_change(&rows, &model);
            assert_rows(&rows, &model);
        }
        int floor = (int)test_random(WINDOWS);
        view_rows_raise_floor(&rows, window_us(floor));
        memset(model.counts[0], 0, (size_t)floor * sizeof model.counts[0][0]);
        memset(model.counts[1], 0, (size_t)floor * sizeof model.counts[1][0]);
        add_random(&rows, &model, LAYER_SPEED);
        assert_rows(&rows, &model);
        view_rows_clean_up(&rows);
        assert_int_equal(rows.bytes, 0);
        assert_int_equal(rows.row_count, 0);
    }
}

static void sweeping_forgets_rows_that_are_zero_and_gives_their_memory_back(void **state)
{
    (void)state;
    struct view_rows rows;
    struct model model = {0};
    view_rows_init(&rows, &views[GROUPED]);
    while (rows.row_count < 20)
        add_random(&rows, &model, LAYER_SPEED);
    view_rows_clear_layer(&rows, LAYER_SPEED);
    assert_true(rows.row_count >= 20);
    view_rows_sweep(&rows);
    assert_int_equal(rows.row_count, 0);
    assert_int_equal(rows.count, 0);
    assert_int_equal(rows.bytes, 0);
    view_rows_clean_up(&rows);
}

static void shrinking_gives_up_the_oldest_windows_first(void **state)
{
    (void)state;
    struct view_rows rows;
    struct model model = {0};
    view_rows_init(&rows, &views[GROUPED]);
    while (rows.count < WINDOWS)
        add_random(&rows, &model, LAYER_BATCH);
    size_t half = rows.bytes / 2;
    view_rows_shrink(&rows, half);
    assert_true(rows.bytes <= half);
    assert_true(rows.count > 0);
    assert_int_equal(rows.windows[rows.count - 1].start_us, window_us(WINDOWS - 1));
    assert_int_equal(rows.windows[0].start_us, rows.floor_us);
    view_rows_shrink(&rows, 0);
    assert_int_equal(rows.bytes, 0);
    view_rows_clean_up(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_was_added_in_order_whatever_the_order_of_adding),
        cmocka_unit_test(sweeping_forgets_rows_that_are_zero_and_gives_their_memory_back),
        cmocka_unit_test(shrinking_gives_up_the_oldest_windows_first),
    };
    return cmocka_run_group_tests(tests, make_views, NULL);
}

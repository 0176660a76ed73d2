/* SPDX-License-Identifier: Apache-2.0
 * Checksums of cells come out alike in whatever order and pieces cells were added to, and else not. */
#include "cmocka_test.h"

#include "state/cell_total.h"

static struct field fields[] = {{.name = "amount", .type = FIELD_INTEGER}};
static struct schema schema = {.fields = fields, .field_count = 1};
static const struct view view = {.name = "minute", .schema = &schema, .sum_count = 1};

struct addition {
    int64_t start_s;
    const char *group;
    int64_t count;
    wide total;
};

static struct cell_total total_of(const struct addition additions[], size_t count)
{
    struct cell_total total = {0};
    for (size_t i = 0; i < count; i++) {
        struct panes panes;
        panes_init(&panes, &view);
        struct cell *cell = panes_at(&panes, additions[i].start_s * INT64_C(1000000), text_of(additions[i].group));
        assert_non_null(cell);
        cell->count = cell->sums[0].count = additions[i].count;
        cell->sums[0].total = additions[i].total;
        cell_total_add(&total, &panes);
        panes_clean_up(&panes);
    }
    return total;
}

static bool are_same(const struct cell_total *a, const struct cell_total *b)
{
    return memcmp(a->checksums, b->checksums, sizeof a->checksums) == 0;
}

static void order_and_pieces_make_no_difference(void **state)
{
    (void)state;
    const wide large = (wide)1 << 90;
    const struct addition whole[] = {{60, "a", 3, large}, {60, "b", 1, -7}, {120, "a", 2, 5}};
    const struct addition pieces[] = {{120, "a", 5, 1}, {60, "b", 1, -7},  {60, "a", 4, large + 9}, {120, "a", -3, 4},
                                      {60, "c", 1, 1},  {60, "a", -1, -9}, {60, "c", -1, -1}};
    struct cell_total a = total_of(whole, 3), b = total_of(pieces, 7);
    assert_true(are_same(&a, &b));
}

static void what_is_moved_from_one_cell_to_another_shows(void **state)
{
    (void)state;
    const struct addition is[] = {{60, "a", 3, 100}, {60, "b", 1, 7}};
    const struct addition moved[][2] = {{{60, "a", 3, 99}, {60, "b", 1, 8}},
                                        {{60, "a", 2, 100}, {60, "b", 2, 7}},
                                        {{60, "a", 3, 7}, {60, "b", 1, 100}},
                                        {{60, "b", 3, 100}, {60, "a", 1, 7}},
                                        {{120, "a", 3, 100}, {60, "b", 1, 7}}};
    struct cell_total wanted = total_of(is, 2);
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        struct cell_total other = total_of(moved[i], 2);
        for (size_t k = 0; k < CELL_CHECKSUMS; k++)
            assert_true(other.checksums[k] != wanted.checksums[k]);
    }
}

/* A store adds up what each commit adds, and reduces nothing. */
static void a_number_that_was_not_reduced_is_one_of_its_residues(void **state)
{
    (void)state;
    const struct addition some[] = {{60, "a", 3, 100}};
    struct cell_total wanted = {0}, kept = {0}, one = total_of(some, 1);
    int64_t sums[CELL_CHECKSUMS] = {0};
    for (int i = 0; i < 1000; i++) {
        struct cell_total next = total_of(some, 1);
        for (size_t k = 0; k < CELL_CHECKSUMS; k++) {
            cell_total_add_checksum(&wanted, k, next.checksums[k]);
            sums[k] += one.checksums[k];
        }
    }
    for (size_t k = 0; k < CELL_CHECKSUMS; k++)
        cell_total_add_checksum(&kept, k, sums[k]);
    assert_true(are_same(&wanted, &kept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_pieces_make_no_difference),
        cmocka_unit_test(what_is_moved_from_one_cell_to_another_shows),
        cmocka_unit_test(a_number_that_was_not_reduced_is_one_of_its_residues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "partition/version_codec.h"
#include "view/expression_nodes.h"

enum { KEY, STATUS, AMOUNT, CATEGORY, QUANTITY, FIELDS };
static const struct field fields[FIELDS] = {{"id", FIELD_TEXT, 0},
                                            {"status", FIELD_TEXT, 0},
                                            {"amount", FIELD_DECIMAL, 2},
                                            {"category", FIELD_TEXT, 0},
                                            {"quantity", FIELD_INTEGER, 0}};
static const struct expression only_status = {
    .kind = NODE_IS_NULL, .left = {.kind = OPERAND_FIELD, .field = STATUS}, .negated = true};
static const struct view views[] = {
    {.where = &only_status, .sums = {AMOUNT}, .sum_count = 1},
    {.dimensions = {CATEGORY}, .dimension_count = 1, .sums = {QUANTITY}, .sum_count = 1}};
static const struct source source = {
    .name = "orders", .schema = {.fields = fields, .field_count = FIELDS, .key = KEY}, .views = views, .view_count = 2};

static struct version_codec codec_of(enum on_duplicate on_duplicate)
{
    struct source its_source = source;
    its_source.on_duplicate = on_duplicate;
    struct version_codec codec;
    version_codec_init(&codec, &its_source);
    return codec;
}

static void numbers_take_as_many_bytes_as_they_need(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        int bytes;
    } numbers[] = {{0, 1},     {-1, 1},        {63, 1},         {-64, 1},       {64, 2},
                   {50000, 3}, {INT32_MAX, 5}, {INT64_MAX, 10}, {INT64_MIN, 10}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char bytes[NUMBER_BYTES];
        uint64_t taken;
        assert_int_equal(put_number(bytes, zigzag(numbers[i].number)) - bytes, numbers[i].bytes);
        assert_int_equal(take_number(bytes, &taken) - bytes, numbers[i].bytes);
        assert_int_equal(unzigzag(taken), numbers[i].number);
    }
}

static void what_views_add_is_kept_and_what_only_conditions_read_is_not(void **state)
{
    (void)state;
    struct version_codec codec = codec_of(ON_DUPLICATE_REPLACE);
    struct value values[FIELDS] = {[KEY] = {.present = true, .text = text_of("order-1")},
                                   [STATUS] = {.present = true, .text = text_of("completed")},
                                   [AMOUNT] = {.present = true, .number = -1250},
                                   [CATEGORY] = {.present = true, .text = text_of("85")}};
    char bytes[128];
    char *end = version_write(&codec, values, 3, bytes);
    assert_int_equal(end - bytes, 1 + 1 + 2 + 3);
    assert_true((size_t)(end - bytes) <= version_bound(&codec, values));

    struct value read[FIELDS] = {[QUANTITY] = {.present = true, .number = 1}};
    uint64_t judged;
    assert_ptr_equal(version_read(&codec, bytes, read, &judged), end);
    assert_int_equal(judged, 3);
    assert_false(read[KEY].present || read[STATUS].present || read[QUANTITY].present);
    assert_int_equal(read[AMOUNT].number, -1250);
    assert_true(text_equal(read[CATEGORY].text, text_of("85")));
}

static void any_version_comes_back_as_it_was(void **state)
{
    (void)state;
    test_random_seed();
    struct version_codec codec = codec_of(ON_DUPLICATE_REPLACE);
    static char text[1000], bytes[1200];
    for (int round = 0; round < 2000; round++) {
        struct value read[FIELDS],
            values[FIELDS] = {[AMOUNT] = {.present = test_random(2), .number = (int64_t)test_random(UINT64_MAX)},
                              [CATEGORY] = {.present = test_random(2), .text = {text, test_random(sizeof text)}},
                              [QUANTITY] = {.present = test_random(2), .number = -(int64_t)test_random(300)}};
        uint64_t judged = test_random(UINT64_MAX), found;
        const char *end = version_write(&codec, values, judged, bytes);
        assert_true((size_t)(end - bytes) <= version_bound(&codec, values));
        assert_ptr_equal(version_read(&codec, bytes, read, &found), end);
        assert_int_equal(found, judged);
        for (size_t field = AMOUNT; field < FIELDS; field++) {
            assert_int_equal(read[field].present, values[field].present);
            if (!read[field].present)
                continue;
            if (field == CATEGORY)
                assert_int_equal(read[field].text.length, values[field].text.length);
            else
                assert_int_equal(read[field].number, values[field].number);
        }
    }
}

static void where_nothing_is_replaced_nothing_is_kept(void **state)
{
    (void)state;
    struct version_codec codec = codec_of(ON_DUPLICATE_IGNORE);
    struct value values[FIELDS] = {[AMOUNT] = {.present = true, .number = 1}};
    char bytes[128];
    uint64_t judged;
    assert_ptr_equal(version_write(&codec, values, 1, bytes), bytes);
    assert_ptr_equal(version_read(&codec, bytes, values, &judged), bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_take_as_many_bytes_as_they_need),
        cmocka_unit_test(what_views_add_is_kept_and_what_only_conditions_read_is_not),
        cmocka_unit_test(any_version_comes_back_as_it_was),
        cmocka_unit_test(where_nothing_is_replaced_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

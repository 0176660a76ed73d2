/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "view/expression.h"

static const struct field fields[] = {
    {"status", FIELD_TEXT, 0},    {"category", FIELD_TEXT, 0}, {"quantity", FIELD_INTEGER, 0},
    {"amount", FIELD_DECIMAL, 2}, {"tax", FIELD_DECIMAL, 3},
};
static const struct schema schema = {.fields = fields, .field_count = 5, .key = FIELD_NONE, .event_time = "t"};

#define TEXT(string)                                                                                                   \
    {                                                                                                                  \
        .present = true, .text = { string, sizeof(string) - 1 }                                                        \
    }
#define NUMBER(value)                                                                                                  \
    {                                                                                                                  \
        .present = true, .number = (value)                                                                             \
    }

/* status 'paid', category null, quantity 3, amount 12.50, tax 12.500 */
static const struct value row[] = {TEXT("paid"), {.present = false}, NUMBER(3), NUMBER(1250), NUMBER(12500)};

static const struct expression *compile(struct arena *arena, struct text source)
{
    const struct expression *expression = NULL;
    size_t position = 0;
    struct error error = {0};
    if (!expression_compile(source, &schema, arena, &expression, &position, &error)) {
        fail_msg("%.*s: at %zu: %s", (int)source.length, source.data, position, error.message);
    }
    return expression;
}

static void assert_truth(const char *source, enum truth expected)
{
    struct arena arena = {0};
    enum truth truth = expression_evaluate(compile(&arena, text_of(source)), row);
    if (truth != expected) {
        fail_msg("%s is %d", source, (int)truth);
    }
    arena_clean_up(&arena);
}

static void comparisons_are_exact_at_any_scale(void **state)
{
    (void)state;
    static const char *const true_ones[] = {"amount = 12.5",
                                            "amount = 12.500000000000000000000000000",
                                            "amount = tax",
                                            "amount > quantity",
                                            "amount < 12.500000000000000000000000001",
                                            "amount > 12.49999999999999999999999999",
                                            "amount <> 12.51",
                                            "amount != 12",
                                            "-3 < quantity",
                                            "quantity <= 3.0",
                                            "quantity >= 3",
                                            "3 = quantity",
                                            "amount < 999999999999999999999999999999",
                                            "amount > -999999999999999999999999999999",
                                            "quantity > -0.000000000000000000000000000001",
                                            "amount = 0012.50",
                                            "quantity in (1, 3.00, 7)"};
    static const char *const false_ones[] = {"amount = 12.501",     "amount > tax", "amount < tax",
                                             "quantity = 3.1",      "quantity > 3", "amount <= 12.4999",
                                             "quantity in (1, 2.9)"};
    for (size_t i = 0; i < sizeof true_ones / sizeof true_ones[0]; i++) {
        assert_truth(true_ones[i], TRUTH_TRUE);
    }
    for (size_t i = 0; i < sizeof false_ones / sizeof false_ones[0]; i++) {
        assert_truth(false_ones[i], TRUTH_FALSE);
    }
}

static void the_smallest_and_the_largest_numbers_compare(void **state)
{
    (void)state;
    static const struct value extremes[] = {TEXT(""), TEXT(""), NUMBER(INT64_MIN), NUMBER(INT64_MAX),
                                            NUMBER(-999999999999999999)};
    static const char *const sources[] = {"quantity = -9223372036854775808",
                                          "quantity < -9223372036854775807.999999999",
                                          "quantity > -9223372036854775808.1",
                                          "amount = 92233720368547758.07",
                                          "tax = -999999999999999.999",
                                          "tax > -999999999999999.999000000000001",
                                          "tax < -999999999999999.998999999999999"};
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (expression_evaluate(compile(&arena, text_of(sources[i])), extremes) != TRUTH_TRUE) {
            fail_msg("%s", sources[i]);
        }
    }
    arena_clean_up(&arena);
}

static void texts_compare_bytewise(void **state)
{
    (void)state;
    assert_truth("status = 'paid'", TRUTH_TRUE);
    assert_truth("status = 'Paid'", TRUTH_FALSE);
    assert_truth("status > 'PAID'", TRUTH_TRUE);
    assert_truth("status < 'paid '", TRUTH_TRUE);
    assert_truth("status < 'é'", TRUTH_TRUE);
    assert_truth("status > ''", TRUTH_TRUE);
    assert_truth("status in ('x', 'paid')", TRUTH_TRUE);
    assert_truth("'o''brien' = 'o''brien'", TRUTH_TRUE);
    assert_truth("'o''brien' = 'obrien'", TRUTH_FALSE);
}

static void nulls_follow_sql(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        enum truth truth;
    } cases[] = {
        {"category = 'x'", TRUTH_NULL},
        {"category <> 'x'", TRUTH_NULL},
        {"category = category", TRUTH_NULL},
        {"category < status", TRUTH_NULL},
        {"not category = 'x'", TRUTH_NULL},
        {"status = null", TRUTH_NULL},
        {"null", TRUTH_NULL},
        {"category is null", TRUTH_TRUE},
        {"category is not null", TRUTH_FALSE},
        {"status is null", TRUTH_FALSE},
        {"null is null", TRUTH_TRUE},
        {"'' is null", TRUTH_FALSE},
        {"category = 'x' and false", TRUTH_FALSE},
        {"category = 'x' and true", TRUTH_NULL},
        {"category = 'x' or true", TRUTH_TRUE},
        {"category = 'x' or false", TRUTH_NULL},
        {"false or null or true", TRUTH_TRUE},
        {"true and null and false", TRUTH_FALSE},
        {"status in ('a', null)", TRUTH_NULL},
        {"status in (null, 'paid')", TRUTH_TRUE},
        {"status not in ('a', null)", TRUTH_NULL},
        {"status not in ('paid', null)", TRUTH_FALSE},
        {"status not in ('a', 'b')", TRUTH_TRUE},
        {"category in ('a')", TRUTH_NULL},
        {"category not in ('a')", TRUTH_NULL},
        {"null in (quantity, 3)", TRUTH_NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_truth(cases[i].source, cases[i].truth);
    }
}

static void and_binds_closer_than_or_and_not_closest(void **state)
{
    (void)state;
    assert_truth("true or false and false", TRUTH_TRUE);
    assert_truth("(true or false) and false", TRUTH_FALSE);
    assert_truth("not false or true", TRUTH_TRUE);
    assert_truth("not (false or true)", TRUTH_FALSE);
    assert_truth("NOT quantity = 4 AnD status = 'paid'", TRUTH_TRUE);
}

static void assert_printed(const char *source, const char *expected)
{
    struct arena arena = {0};
    struct buffer printed = {0};
    expression_print_sql(compile(&arena, text_of(source)), &schema, "o.", &printed);
    assert_string_equal(buffer_string(&printed), expected);
    buffer_clean_up(&printed);
    arena_clean_up(&arena);
}

static void it_prints_as_sql_in_one_canonical_form(void **state)
{
    (void)state;
    assert_printed("status<>'cancelled'  AND amount>0", "((o.\"status\" <> 'cancelled') AND (o.\"amount\" > 0))");
    assert_printed("(status != 'cancelled') and ((amount > -0.00))",
                   "((o.\"status\" <> 'cancelled') AND (o.\"amount\" > 0))");
    assert_printed("amount >= 0010.50 or not quantity in (1,-2.0, null) or true",
                   "((o.\"amount\" >= 10.5) OR (NOT (o.\"quantity\" IN (1, -2, NULL))) OR (TRUE))");
    assert_printed("category is null or category is not null or category not in ('')",
                   "((o.\"category\" IS NULL) OR (o.\"category\" IS NOT NULL) OR (o.\"category\" NOT IN ('')))");
    assert_printed("status = null or 1 < 2 or 'a' > 'b' or null is not null",
                   "((NULL::boolean) OR (TRUE) OR (FALSE) OR (FALSE))");
}

static void assert_printed_for_duckdb(const char *source, const char *expected)
{
    struct arena arena = {0};
    struct buffer printed = {0};
    expression_print_duckdb(compile(&arena, text_of(source)), &schema, "o.", &printed);
    assert_string_equal(buffer_string(&printed), expected);
    buffer_clean_up(&printed);
    arena_clean_up(&arena);
}

static void for_duckdb_numbers_finer_than_their_field_are_rounded_to_what_means_the_same(void **state)
{
    (void)state;
    assert_printed_for_duckdb("amount > 0.1 and status = 'a'", "((o.\"amount\" > 0.1) AND (o.\"status\" = 'a'))");
    assert_printed_for_duckdb("amount > 0.12345 or amount <= -0.001",
                              "((o.\"amount\" > 0.12) OR (o.\"amount\" <= -0.01))");
    assert_printed_for_duckdb("0.12345 > amount or 1.5 <= quantity",
                              "((o.\"amount\" <= 0.12) OR (o.\"quantity\" > 1))");
    assert_printed_for_duckdb("amount = 0.001 or amount <> 0.001",
                              "((o.\"amount\" <> o.\"amount\") OR (o.\"amount\" = o.\"amount\"))");
    assert_printed_for_duckdb("amount not in (1, 0.001, null)",
                              "(NOT (o.\"amount\" = 1 OR o.\"amount\" <> o.\"amount\" OR o.\"amount\" = NULL))");
    assert_printed_for_duckdb("status in ('a', 'b')", "(o.\"status\" IN ('a', 'b'))");
}

static void for_spark_identifiers_and_texts_are_quoted_as_it_quotes_them(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buffer printed = {0};
    const char *source = "status <> 'o''br\\ien' and amount > 0.12345 and status in ('a') or status = null";
    expression_print_spark(compile(&arena, text_of(source)), &schema, &printed);
    assert_string_equal(buffer_string(&printed),
                        "(((`status` <> 'o\\'br\\\\ien') AND (`amount` > 0.12) AND (`status` IN "
                        "('a'))) OR (CAST(NULL AS BOOLEAN)))");
    buffer_clean_up(&printed);
    arena_clean_up(&arena);
}

static void printed_texts_are_safe_with_any_setting_of_the_server(void **state)
{
    (void)state;
    assert_printed("status = 'o''brien'", "(o.\"status\" = 'o''brien')");
    assert_printed("status = '\\'", "(o.\"status\" = E'\\\\')");
    assert_printed("status = '\\'';drop'", "(o.\"status\" = E'\\\\'';drop')");
}

static void the_fields_that_it_reads_are_marked(void **state)
{
    (void)state;
    struct arena arena = {0};
    bool used[5] = {false};
    expression_fields(compile(&arena, text_of("not (3 in (quantity, 1)) and (amount > tax or true)")), used);
    const bool expected[5] = {false, false, true, true, true};
    assert_memory_equal(used, expected, sizeof used);
    arena_clean_up(&arena);
}

static void assert_refused(struct text source, size_t position, const char *part_of_message)
{
    struct arena arena = {0};
    const struct expression *expression = (const struct expression *)&schema; /* must stay as it is */
    size_t got_position = SIZE_MAX;
    struct error error = {0};
    if (expression_compile(source, &schema, &arena, &expression, &got_position, &error)) {
        fail_msg("%.*s was taken", (int)source.length, source.data);
    }
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    assert_ptr_equal(expression, &schema);
    if (got_position != position || !strstr(error.message, part_of_message)) {
        fail_msg("%.*s: at %zu: %s", (int)source.length, source.data, got_position, error.message);
    }
    arena_clean_up(&arena);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        size_t position;
        const char *message;
    } cases[] = {
        {"", 0, "found the end"},
        {"status", 6, "expected a comparison"},
        {"status = ", 9, "expected a field, a 'text', a number or null, found the end"},
        {"amuont > 0", 0, "unknown field \"amuont\"; did you mean \"amount\"?"},
        {"amount > 0 and Status = 'x'", 15, "did you mean \"status\"?"},
        {"status = cancelled", 9, "unknown field \"cancelled\"; a text is written in single quotes"},
        {"status = \"paid\"", 9, "single quotes"},
        {"status = 5", 9, "\"5\" is a number and can't be compared with a text"},
        {"amount = 'x'", 9, "'x' is a text and can't be compared with a number"},
        {"amount = status", 9, "\"status\" is a text"},
        {"quantity in (1, 'a')", 16, "'a' is a text"},
        {"null in (1, 'a')", 12, "'a' is a text"},
        {"status = 'paid", 9, "without its closing quote"},
        {"(amount > 0", 11, "expected and, or or \")\", found the end"},
        {"amount > 0)", 10, "expected and, or or the end, found \")\""},
        {"amount > 0 amount", 11, "found \"amount\""},
        {"amount in ()", 11, "found \")\""},
        {"amount in 5", 10, "expected \"(\" after in"},
        {"amount not 5", 11, "expected in after not"},
        {"amount is 5", 10, "expected null or not null"},
        {"amount == 5", 8, "found \"=\""},
        {"amount > 1e3", 9, "digits"},
        {"amount > 5.", 9, "digits"},
        {"amount > 1.2.3", 9, "digits"},
        {"amount > .5", 9, "unexpected character \".\""},
        {"amount > and", 9, "found \"and\""},
        {"true = true", 5, "found \"=\""},
        {"amount > 0; drop", 10, "unexpected character \";\""},
        {"amount > 1234567890123456789012345678901", 9, "30 digits at most"},
        {"amount > 0.0000000000000000000000000000001", 9, "30 digits at most"},
        {"status = 'a\xff'", 11, "UTF-8"},
        {"status = '\xed\xa0\x80'", 10, "UTF-8"},
        {"status = '\xc0\x80'", 10, "UTF-8"},
        {"status = '\xf4\x90\x80\x80'", 10, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(text_of(cases[i].source), cases[i].position, cases[i].message);
    }
    assert_refused((struct text){"status = 'a\0b'", 14}, 11, "NUL");
}

static void nesting_has_a_limit_and_long_chains_have_none(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buffer source = {0};
    for (int depth = 0; depth < EXPRESSION_DEPTH_MAX; depth++) {
        buffer_append_string(&source, depth % 2 ? "not " : "(");
    }
    buffer_append_string(&source, "quantity = 3");
    size_t inside = source.length;
    for (int depth = 0; depth < EXPRESSION_DEPTH_MAX / 2; depth++) {
        buffer_append_char(&source, ')');
    }
    assert_int_equal(expression_evaluate(compile(&arena, buffer_text(&source)), row), TRUTH_TRUE);
    struct buffer deeper = {0};
    buffer_appendf(&deeper, "%.*snot %s", (int)(inside - 12), source.data, source.data + inside - 12);
    assert_refused(buffer_text(&deeper), inside - 12, "nested more than 64 deep");
    buffer_clear(&source);
    buffer_append_string(&source, "quantity = 0");
    for (int i = 0; i < 100000; i++) {
        buffer_append_string(&source, " or quantity = 3 and quantity = 4");
    }
    assert_int_equal(expression_evaluate(compile(&arena, buffer_text(&source)), row), TRUTH_FALSE);
    buffer_clean_up(&deeper);
    buffer_clean_up(&source);
    arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_are_exact_at_any_scale),
        cmocka_unit_test(the_smallest_and_the_largest_numbers_compare),
        cmocka_unit_test(texts_compare_bytewise),
        cmocka_unit_test(nulls_follow_sql),
        cmocka_unit_test(and_binds_closer_than_or_and_not_closest),
        cmocka_unit_test(it_prints_as_sql_in_one_canonical_form),
        cmocka_unit_test(for_duckdb_numbers_finer_than_their_field_are_rounded_to_what_means_the_same),
        cmocka_unit_test(for_spark_identifiers_and_texts_are_quoted_as_it_quotes_them),
        cmocka_unit_test(printed_texts_are_safe_with_any_setting_of_the_server),
        cmocka_unit_test(the_fields_that_it_reads_are_marked),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(nesting_has_a_limit_and_long_chains_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as an expression: whether it compiles, and what it says of a few rows, must be what independent rules say;
 * so must what it prints for PostgreSQL, and from that it compiles again to the same. */
#include "fuzz.h"
#include "view/expression.h"
#include "where_rules.h"

#define FIELDS 4
#define ROWS 5

static const struct field fields[FIELDS] = {
    {"a", FIELD_TEXT, 0}, {"status", FIELD_TEXT, 0}, {"i", FIELD_INTEGER, 0}, {"d", FIELD_DECIMAL, 3}};
static const struct where_field rules_fields[FIELDS + 1] = {
    {"a", true, 0}, {"status", true, 0}, {"i", false, 0}, {"d", false, 3}, {NULL, false, 0}};
static const struct schema schema = {.fields = fields, .field_count = FIELDS, .key = FIELD_NONE, .event_time = "t"};

#define TEXT(string)                                                                                                   \
    {                                                                                                                  \
        .present = true, .text = (string), .length = sizeof(string) - 1                                                \
    }
#define NUMBER(value)                                                                                                  \
    {                                                                                                                  \
        .present = true, .number = (value)                                                                             \
    }
static const struct where_value rows[ROWS][FIELDS] = {
    {{.present = false}, {.present = false}, {.present = false}, {.present = false}},
    {TEXT("x"), TEXT("cancelled"), NUMBER(INT64_MIN), NUMBER(1500)},
    {TEXT(""), {.present = false}, NUMBER(0), NUMBER(-1)},
    {TEXT("it's \\ a"), TEXT("x"), NUMBER(12), NUMBER(12000)},
    {{.present = false}, TEXT("\xc3\xa9"), NUMBER(INT64_MAX), NUMBER(999999999999999999)},
};

static void make_values(const struct where_value from[FIELDS], struct value to[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++) {
        to[i] = (struct value){.present = from[i].present};
        if (from[i].present && rules_fields[i].is_text)
            to[i].text = (struct text){from[i].text, from[i].length};
        else if (from[i].present)
            to[i].number = from[i].number;
    }
}

static void check_row(const struct expression *expression, struct text source, struct text sql,
                      const struct where_value row[FIELDS])
{
    static const enum truth truths[] = {TRUTH_FALSE, TRUTH_NULL, TRUTH_TRUE};
    struct value values[FIELDS];
    enum where_truth expected, printed;
    uint64_t named, used;
    make_values(row, values);
    REQUIRE(where_rules(source.data, source.length, WHERE_CONFIGURED, rules_fields, row, &expected, &named));
    REQUIRE(where_rules(sql.data, sql.length, WHERE_SQL, rules_fields, row, &printed, &used));
    REQUIRE(expected == printed);
    REQUIRE(expression_evaluate(expression, values) == truths[expected + 1]);
    bool reads[FIELDS] = {false};
    expression_fields(expression, reads);
    REQUIRE((used & ~named) == 0);
    for (size_t i = 0; i < FIELDS; i++)
        REQUIRE(reads[i] == (used >> i & 1));
}

/* The printed form has a pair of parentheses for each step, so it may be nested too deeply to compile. */
static void check_again(struct text sql)
{
    struct arena arena = {0};
    struct buffer again = {0};
    struct error error = {0};
    const struct expression *expression;
    size_t position;
    char *source = where_of_sql(sql.data);
    if (expression_compile(text_of(source), &schema, &arena, &expression, &position, &error)) {
        expression_print_sql(expression, &schema, "", &again);
        REQUIRE(text_equal(sql, buffer_text(&again)));
    } else {
        REQUIRE(strstr(error.message, "nested more than"));
    }
    free(source);
    buffer_clean_up(&again);
    arena_clean_up(&arena);
}

static void check_good(const struct expression *expression, struct text source)
{
    struct buffer sql = {0};
    expression_print_sql(expression, &schema, "", &sql);
    REQUIRE(!sql.failed);
    for (size_t i = 0; i < ROWS; i++)
        check_row(expression, source, buffer_text(&sql), rows[i]);
    check_again(buffer_text(&sql));
    buffer_clean_up(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error = {0};
    const struct expression *expression;
    size_t position = SIZE_MAX;
    enum where_truth truth;
    uint64_t named;
    struct text source = {(const char *)data, size};
    bool good = expression_compile(source, &schema, &arena, &expression, &position, &error);
    REQUIRE(where_rules(source.data, size, WHERE_CONFIGURED, rules_fields, rows[0], &truth, &named) == good);
    if (good)
        check_good(expression, source);
    else
        REQUIRE(position <= size && error.code == ERROR_CONFIGURATION && error.message[0] != '\0');
    arena_clean_up(&arena);
    return 0;
}

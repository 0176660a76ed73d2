/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as an expression: it compiles, evaluates and prints, or is refused with a place inside the bytes. */
#include <assert.h>
#include <stdint.h>

#include "view/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct field fields[] = {
    {"a", FIELD_TEXT, 0},
    {"i", FIELD_INTEGER, 0},
    {"d", FIELD_DECIMAL, 3},
};
static const struct schema schema = {.fields = fields, .field_count = 3, .key = FIELD_NONE, .event_time = "t"};

static const struct value rows[][3] = {
    {{.present = false}, {.present = false}, {.present = false}},
    {{.present = true, .text = {"a", 1}}, {.present = true, .number = INT64_MIN}, {.present = true, .number = 1500}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct buffer printed = {0};
    struct error error = {0};
    const struct expression *expression;
    size_t position = SIZE_MAX;
    if (expression_compile((struct text){(const char *)data, size}, &schema, &arena, &expression, &position, &error)) {
        for (size_t i = 0; i < 2; i++) {
            enum truth truth = expression_evaluate(expression, rows[i]);
            assert(truth == TRUTH_FALSE || truth == TRUTH_TRUE || truth == TRUTH_NULL);
        }
        expression_print_sql(expression, &schema, "", &printed);
        assert(printed.failed || (printed.length > 0 && printed.data[0] == '('));
    } else {
        assert(position <= size && error.message[0] != '\0');
    }
    buffer_clean_up(&printed);
    arena_clean_up(&arena);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view/expression_nodes.h"

static wide power_of_ten(unsigned exponent)
{
    return exponent <= POWER_OF_TEN_MAX
               ? powers_of_ten[exponent]
               : (wide)powers_of_ten[POWER_OF_TEN_MAX] * powers_of_ten[exponent - POWER_OF_TEN_MAX];
}

/* A number as its floor and what is left, so that no scaling overflows: the rest is below one. */
struct split {
    wide floor, rest;
};

static struct split split_number(wide number, unsigned scale)
{
    wide unit = power_of_ten(scale);
    wide rest = number % unit;
    wide whole = number / unit;
    return rest < 0 ? (struct split){whole - 1, rest + unit} : (struct split){whole, rest};
}

static bool is_short(wide number, unsigned scale)
{
    return number == (int64_t)number && scale <= POWER_OF_TEN_MAX;
}

static int compare_numbers(wide a, unsigned a_scale, wide b, unsigned b_scale)
{
    if (a_scale == b_scale) {
        return wide_compare(a, b);
    }
    unsigned scale = a_scale > b_scale ? a_scale : b_scale;
    if (is_short(a, a_scale) && is_short(b, b_scale)) {
        return wide_compare(a * power_of_ten(scale - a_scale), b * power_of_ten(scale - b_scale));
    }
    struct split x = split_number(a, a_scale), y = split_number(b, b_scale);
    if (x.floor != y.floor) {
        return wide_compare(x.floor, y.floor);
    }
    return wide_compare(x.rest * power_of_ten(scale - a_scale), y.rest * power_of_ten(scale - b_scale));
}

static bool is_null(const struct operand *operand, const struct value values[])
{
    return operand->kind == OPERAND_NULL || (operand->kind == OPERAND_FIELD && !values[operand->field].present);
}

static struct text text_value(const struct operand *operand, const struct value values[])
{
    return operand->kind == OPERAND_FIELD ? values[operand->field].text : operand->text;
}

static wide number_value(const struct operand *operand, const struct value values[])
{
    return operand->kind == OPERAND_FIELD ? values[operand->field].number : operand->number;
}

static enum truth truth_of(bool condition)
{
    return condition ? TRUTH_TRUE : TRUTH_FALSE;
}

/* Equality alone is asked for most, and for texts it is cheaper than their order. */
static enum truth equal(const struct operand *a, const struct operand *b, const struct value values[])
{
    if (is_null(a, values) || is_null(b, values)) {
        return TRUTH_NULL;
    }
    if (a->is_text) {
        return truth_of(text_equal(text_value(a, values), text_value(b, values)));
    }
    return truth_of(compare_numbers(number_value(a, values), a->scale, number_value(b, values), b->scale) == 0);
}

static enum truth negate(enum truth truth)
{
    return truth == TRUTH_NULL ? TRUTH_NULL : truth_of(truth == TRUTH_FALSE);
}

static enum truth compare(const struct expression *node, const struct value values[])
{
    const struct operand *a = &node->left, *b = &node->right;
    if (node->comparison == EQUAL || node->comparison == NOT_EQUAL) {
        enum truth truth = equal(a, b, values);
        return node->comparison == EQUAL ? truth : negate(truth);
    }
    if (is_null(a, values) || is_null(b, values)) {
        return TRUTH_NULL;
    }
    int order = a->is_text ? text_compare(text_value(a, values), text_value(b, values))
                           : compare_numbers(number_value(a, values), a->scale, number_value(b, values), b->scale);
    switch (node->comparison) {
    case LESS:
        return truth_of(order < 0);
    case LESS_OR_EQUAL:
        return truth_of(order <= 0);
    case GREATER:
        return truth_of(order > 0);
    default:
        return truth_of(order >= 0);
    }
}

/* x IN (a, b) is x = a OR x = b: null where nothing is equal but something is null. */
static enum truth is_in(const struct expression *node, const struct value values[])
{
    enum truth truth = TRUTH_FALSE;
    for (const struct operand *item = node->list; item && truth != TRUTH_TRUE; item = item->next) {
        enum truth one = equal(&node->left, item, values);
        truth = one == TRUTH_FALSE ? truth : one;
    }
    return node->negated ? negate(truth) : truth;
}

/* `decisive` ends it: false for AND, true for OR. */
static enum truth all_of(const struct expression *node, enum truth decisive, const struct value values[])
{
    enum truth truth = negate(decisive);
    for (const struct expression *child = node->first; child; child = child->next) {
        enum truth one = expression_evaluate(child, values);
        if (one == decisive) {
            return decisive;
        }
        truth = one == TRUTH_NULL ? TRUTH_NULL : truth;
    }
    return truth;
}

enum truth expression_evaluate(const struct expression *expression, const struct value values[])
{
    switch (expression->kind) {
    case NODE_CONSTANT:
        return expression->constant;
    case NODE_AND:
        return all_of(expression, TRUTH_FALSE, values);
    case NODE_OR:
        return all_of(expression, TRUTH_TRUE, values);
    case NODE_NOT:
        return negate(expression_evaluate(expression->first, values));
    case NODE_COMPARE:
        return compare(expression, values);
    case NODE_IN:
        return is_in(expression, values);
    case NODE_IS_NULL:
        break;
    }
    return truth_of(is_null(&expression->left, values) != expression->negated);
}

static void mark(const struct operand *operand, bool used[])
{
    if (operand->kind == OPERAND_FIELD) {
        used[operand->field] = true;
    }
}

void expression_fields(const struct expression *expression, bool used[])
{
    mark(&expression->left, used);
    mark(&expression->right, used);
    for (const struct operand *item = expression->list; item; item = item->next) {
        mark(item, used);
    }
    for (const struct expression *child = expression->first; child; child = child->next) {
        expression_fields(child, used);
    }
}

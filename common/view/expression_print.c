/* SPDX-License-Identifier: Apache-2.0 */
#include "view/expression_nodes.h"

/* With E before it a backslash is always an escape, whatever standard_conforming_strings says. */
static void print_text(struct text text, struct buffer *out)
{
    if (text.length > 0 && memchr(text.data, '\\', text.length)) {
        buffer_append_char(out, 'E');
    }
    buffer_append_char(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') {
            buffer_append_char(out, text.data[i]);
        }
        buffer_append_char(out, text.data[i]);
    }
    buffer_append_char(out, '\'');
}

/* Spark's literals: a backslash is always an escape. */
static void print_escaped(struct text text, struct buffer *out)
{
    buffer_append_char(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') {
            buffer_append_char(out, '\\');
        }
        buffer_append_char(out, text.data[i]);
    }
    buffer_append_char(out, '\'');
}

struct sql_printer {
    const struct schema *schema;
    const char *prefix;
    char quote;   /* of identifiers */
    bool escapes; /* texts by backslashes */
    bool rounds;  /* numbers that are finer than the field beside them */
    struct buffer *out;
};

static const char *const comparisons[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};

static void print_operand(const struct sql_printer *printer, const struct operand *operand)
{
    struct buffer *out = printer->out;
    if (operand->kind == OPERAND_NULL) {
        buffer_append_string(out, "NULL");
    } else if (operand->kind == OPERAND_FIELD) {
        buffer_append_string(out, printer->prefix);
        buffer_append_quoted(out, text_of(printer->schema->fields[operand->field].name), printer->quote);
    } else if (operand->is_text) {
        (printer->escapes ? print_escaped : print_text)(operand->text, out);
    } else {
        buffer_append_decimal(out, operand->number, operand->scale);
    }
}

static bool is_finer(const struct operand *literal, const struct operand *field)
{
    return literal->kind == OPERAND_LITERAL && !literal->is_text && field->kind == OPERAND_FIELD &&
           literal->scale > field->scale;
}

static void print_plain(const struct sql_printer *printer, const struct operand *left, const char *comparison,
                        const struct operand *right)
{
    print_operand(printer, left);
    buffer_append_string(printer->out, comparison);
    print_operand(printer, right);
}

/* The next lower number of the field's scale. The literal's last digit isn't 0, so it is none itself. */
static struct operand round_down(const struct operand *literal, unsigned scale)
{
    struct operand lower = *literal;
    for (; lower.scale > scale; lower.scale--) {
        lower.number = lower.number / 10 - (lower.number % 10 < 0);
    }
    return lower;
}

static void print_finer(const struct sql_printer *printer, const struct operand *field, enum comparison_kind comparison,
                        const struct operand *literal)
{
    struct operand lower = round_down(literal, field->scale);
    if (comparison == EQUAL || comparison == NOT_EQUAL) { /* never and always, and null where the field is */
        print_plain(printer, field, comparison == EQUAL ? " <> " : " = ", field);
    } else {
        bool is_less = comparison == LESS || comparison == LESS_OR_EQUAL;
        print_plain(printer, field, is_less ? " <= " : " > ", &lower);
    }
}

static void print_comparison(const struct sql_printer *printer, const struct operand *left,
                             enum comparison_kind comparison, const struct operand *right)
{
    static const enum comparison_kind turned[] = {EQUAL, NOT_EQUAL, GREATER, GREATER_OR_EQUAL, LESS, LESS_OR_EQUAL};
    if (printer->rounds && is_finer(right, left)) {
        print_finer(printer, left, comparison, right);
    } else if (printer->rounds && is_finer(left, right)) {
        print_finer(printer, right, turned[comparison], left);
    } else {
        print_plain(printer, left, comparisons[comparison], right);
    }
}

static void print_list(const struct sql_printer *printer, const struct expression *node)
{
    print_operand(printer, &node->left);
    buffer_append_string(printer->out, node->negated ? " NOT IN (" : " IN (");
    for (const struct operand *item = node->list; item; item = item->next) {
        print_operand(printer, item);
        buffer_append_string(printer->out, item->next ? ", " : ")");
    }
}

/* As it is defined: equal to one of them. */
static void print_list_apart(const struct sql_printer *printer, const struct expression *node)
{
    buffer_append_string(printer->out, node->negated ? "NOT (" : "(");
    for (const struct operand *item = node->list; item; item = item->next) {
        print_comparison(printer, &node->left, EQUAL, item);
        buffer_append_string(printer->out, item->next ? " OR " : ")");
    }
}

static void print_expression(const struct sql_printer *printer, const struct expression *expression);

static void print_children(const struct sql_printer *printer, const struct expression *node)
{
    for (const struct expression *child = node->first; child; child = child->next) {
        print_expression(printer, child);
        if (child->next) {
            buffer_append_string(printer->out, node->kind == NODE_AND ? " AND " : " OR ");
        }
    }
}

static void print_expression(const struct sql_printer *printer, const struct expression *expression)
{
    static const char *const constants[] = {"FALSE", "TRUE", "NULL::boolean"};
    struct buffer *out = printer->out;
    buffer_append_char(out, '(');
    switch (expression->kind) {
    case NODE_CONSTANT:
        buffer_append_string(out, printer->escapes && expression->constant == TRUTH_NULL
                                      ? "CAST(NULL AS BOOLEAN)"
                                      : constants[expression->constant]);
        break;
    case NODE_NOT:
        buffer_append_string(out, "NOT ");
        print_children(printer, expression);
        break;
    case NODE_AND:
    case NODE_OR:
        print_children(printer, expression);
        break;
    case NODE_COMPARE:
        print_comparison(printer, &expression->left, expression->comparison, &expression->right);
        break;
    case NODE_IN:
        (printer->rounds && !expression->left.is_text ? print_list_apart : print_list)(printer, expression);
        break;
    case NODE_IS_NULL:
        print_operand(printer, &expression->left);
        buffer_append_string(out, expression->negated ? " IS NOT NULL" : " IS NULL");
        break;
    }
    buffer_append_char(out, ')');
}

void expression_print_sql(const struct expression *expression, const struct schema *schema, const char *prefix,
                          struct buffer *out)
{
    print_expression(&(struct sql_printer){schema, prefix, '"', false, false, out}, expression);
}

void expression_print_duckdb(const struct expression *expression, const struct schema *schema, const char *prefix,
                             struct buffer *out)
{
    print_expression(&(struct sql_printer){schema, prefix, '"', false, true, out}, expression);
}

void expression_print_spark(const struct expression *expression, const struct schema *schema, struct buffer *out)
{
    print_expression(&(struct sql_printer){schema, "", '`', true, true, out}, expression);
}

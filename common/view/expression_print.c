/* SPDX-License-Identifier: Apache-2.0 */
#include "view/expression_nodes.h"

static void print_identifier(struct text name, struct buffer *out)
{
    buffer_append_char(out, '"');
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '"') {
            buffer_append_char(out, '"');
        }
        buffer_append_char(out, name.data[i]);
    }
    buffer_append_char(out, '"');
}

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

static void print_operand(const struct operand *operand, const struct schema *schema, const char *prefix,
                          struct buffer *out)
{
    if (operand->kind == OPERAND_NULL) {
        buffer_append_string(out, "NULL");
    } else if (operand->kind == OPERAND_FIELD) {
        buffer_append_string(out, prefix);
        print_identifier(text_of(schema->fields[operand->field].name), out);
    } else if (operand->is_text) {
        print_text(operand->text, out);
    } else {
        buffer_append_decimal(out, operand->number, operand->scale);
    }
}

static void print_list(const struct expression *node, const struct schema *schema, const char *prefix,
                       struct buffer *out)
{
    buffer_append_string(out, node->negated ? " NOT IN (" : " IN (");
    for (const struct operand *item = node->list; item; item = item->next) {
        print_operand(item, schema, prefix, out);
        buffer_append_string(out, item->next ? ", " : ")");
    }
}

static void print_children(const struct expression *node, const struct schema *schema, const char *prefix,
                           struct buffer *out)
{
    for (const struct expression *child = node->first; child; child = child->next) {
        expression_print_sql(child, schema, prefix, out);
        if (child->next) {
            buffer_append_string(out, node->kind == NODE_AND ? " AND " : " OR ");
        }
    }
}

void expression_print_sql(const struct expression *expression, const struct schema *schema, const char *prefix,
                          struct buffer *out)
{
    static const char *const comparisons[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
    static const char *const constants[] = {"FALSE", "TRUE", "NULL::boolean"};
    buffer_append_char(out, '(');
    switch (expression->kind) {
    case NODE_CONSTANT:
        buffer_append_string(out, constants[expression->constant]);
        break;
    case NODE_NOT:
        buffer_append_string(out, "NOT ");
        print_children(expression, schema, prefix, out);
        break;
    case NODE_AND:
    case NODE_OR:
        print_children(expression, schema, prefix, out);
        break;
    case NODE_COMPARE:
        print_operand(&expression->left, schema, prefix, out);
        buffer_append_string(out, comparisons[expression->comparison]);
        print_operand(&expression->right, schema, prefix, out);
        break;
    case NODE_IN:
        print_operand(&expression->left, schema, prefix, out);
        print_list(expression, schema, prefix, out);
        break;
    case NODE_IS_NULL:
        print_operand(&expression->left, schema, prefix, out);
        buffer_append_string(out, expression->negated ? " IS NOT NULL" : " IS NULL");
        break;
    }
    buffer_append_char(out, ')');
}

/* SPDX-License-Identifier: Apache-2.0
 * The tree of a compiled expression, shared by what parses, evaluates and prints it. Internal to expression*.c.
 * A comparison without any field is worked out when it is compiled, so a tree never has one. */
#ifndef TIDEMARK_VIEW_EXPRESSION_NODES_H
#define TIDEMARK_VIEW_EXPRESSION_NODES_H

#include "base/wide.h"
#include "view/expression.h"

#define LITERAL_DIGITS_MAX 30 /* before and after the point together */

enum operand_kind { OPERAND_NULL, OPERAND_FIELD, OPERAND_LITERAL };

struct operand {
    enum operand_kind kind;
    bool is_text;   /* else a number; means nothing for OPERAND_NULL */
    unsigned scale; /* of a number */
    size_t field;   /* of OPERAND_FIELD */
    union {         /* of OPERAND_LITERAL */
        struct text text;
        wide number; /* in units of its last digit, which isn't a zero after the point */
    };
    struct operand *next; /* in the list of IN */
};

enum node_kind { NODE_CONSTANT, NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE, NODE_IN, NODE_IS_NULL };
enum comparison_kind { EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

struct expression {
    enum node_kind kind;
    enum truth constant;             /* of NODE_CONSTANT */
    enum comparison_kind comparison; /* of NODE_COMPARE */
    bool negated;                    /* NOT IN, IS NOT NULL */
    struct operand left, right;      /* right is NODE_COMPARE's */
    struct operand *list;            /* of NODE_IN, never empty */
    struct expression *first;        /* of AND and OR, two or more; of NOT, one */
    struct expression *next;         /* the sibling */
};

#endif

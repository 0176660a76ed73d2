/* SPDX-License-Identifier: Apache-2.0
 * By recursive descent; each function returns NULL (or false) where the error is set.
 *
 *   disjunction: conjunction {"or" conjunction}
 *   conjunction: negation {"and" negation}
 *   negation:    "not" negation | condition
 *   condition:   "(" disjunction ")" | "true" | "false" | "null" | operand test
 *   test:        comparison operand | ["not"] "in" "(" operand {"," operand} ")" | "is" ["not"] "null"
 *   operand:     field | text | number | "null" */
#include "view/expression_nodes.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/spelling.h"
#include "view/expression_token.h"

struct parser {
    struct text source;
    const struct schema *schema;
    struct arena *arena;
    struct token token; /* the next one */
    unsigned depth;
    size_t *ret_position;
    struct error *error;
};

static struct expression *parse_disjunction(struct parser *parser);

__attribute__((format(printf, 3, 4))) static bool fail(struct parser *parser, const struct token *token,
                                                       const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    *parser->ret_position = token->position;
    return error_set(parser->error, ERROR_CONFIGURATION, "%s", message);
}

static bool expected(struct parser *parser, const char *what)
{
    return fail(parser, &parser->token, "expected %s, found %s", what, token_show(&parser->token).text);
}

static bool no_memory(struct parser *parser)
{
    *parser->ret_position = parser->token.position;
    return error_set(parser->error, ERROR_INTERNAL, "out of memory");
}

static bool advance(struct parser *parser)
{
    return token_next(parser->source, parser->token.position + parser->token.text.length, &parser->token,
                      parser->ret_position, parser->error);
}

static bool expect_symbol(struct parser *parser, const char *symbol, const char *what)
{
    return token_is_symbol(&parser->token, symbol) ? advance(parser) : expected(parser, what);
}

static struct expression *new_node(struct parser *parser, enum node_kind kind)
{
    struct expression *node = arena_allocate(parser->arena, sizeof *node);
    if (!node) {
        (void)no_memory(parser);
        return NULL;
    }
    node->kind = kind;
    return node;
}

static struct expression *new_constant(struct parser *parser, enum truth truth)
{
    struct expression *node = new_node(parser, NODE_CONSTANT);
    if (node) {
        node->constant = truth;
    }
    return node;
}

/* --- operands --- */

static bool unknown_field(struct parser *parser, const struct token *token)
{
    size_t count = parser->schema->field_count;
    const char **names = arena_allocate(parser->arena, count * sizeof *names);
    char *word = arena_copy(parser->arena, token->text);
    if (!names || !word) {
        return no_memory(parser);
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = parser->schema->fields[i].name;
    }
    const char *near = token->text.length <= 100 ? nearest_word(word, names, count) : NULL;
    if (near) {
        return fail(parser, token, "unknown field %s; did you mean \"%s\"?", token_show(token).text, near);
    }
    return fail(parser, token, "unknown field %s; a text is written in single quotes", token_show(token).text);
}

static bool read_field(struct parser *parser, const struct token *token, struct operand *operand)
{
    size_t number = schema_field(parser->schema, token->text);
    if (number == FIELD_NONE) {
        return unknown_field(parser, token);
    }
    const struct field *field = &parser->schema->fields[number];
    *operand = (struct operand){
        .kind = OPERAND_FIELD, .field = number, .is_text = field->type == FIELD_TEXT, .scale = field->scale};
    return true;
}

static bool read_text(struct parser *parser, const struct token *token, struct operand *operand)
{
    struct text quoted = {token->text.data + 1, token->text.length - 2};
    char *plain = arena_allocate(parser->arena, quoted.length);
    if (!plain) {
        return no_memory(parser);
    }
    size_t length = 0;
    for (size_t i = 0; i < quoted.length; i++) {
        plain[length++] = quoted.data[i];
        i += quoted.data[i] == '\''; /* of two quotes one */
    }
    *operand = (struct operand){.kind = OPERAND_LITERAL, .is_text = true, .text = {plain, length}};
    return true;
}

/* Drops zeros that don't count, so that equal numbers are written alike. */
static bool read_number(struct parser *parser, const struct token *token, struct operand *operand)
{
    struct text rest = token->text;
    bool negative = rest.data[0] == '-';
    rest.data += negative;
    rest.length -= negative;
    if (memchr(rest.data, '.', rest.length)) {
        while (rest.data[rest.length - 1] == '0') {
            rest.length--;
        }
    }
    unsigned digits = 0, scale = 0;
    bool fraction = false;
    wide number = 0;
    for (size_t i = 0; i < rest.length && digits <= LITERAL_DIGITS_MAX; i++) {
        if (rest.data[i] == '.') {
            fraction = true;
            continue;
        }
        number = number * 10 + (rest.data[i] - '0');
        scale += fraction;
        digits += fraction || number > 0;
    }
    if (digits > LITERAL_DIGITS_MAX) {
        return fail(parser, token, "a number can have %d digits at most", LITERAL_DIGITS_MAX);
    }
    *operand = (struct operand){.kind = OPERAND_LITERAL, .number = negative ? -number : number, .scale = scale};
    return true;
}

static bool parse_operand(struct parser *parser, struct operand *operand)
{
    struct token token = parser->token;
    bool good;
    if (token_is_word(&token, "null")) {
        *operand = (struct operand){.kind = OPERAND_NULL};
        good = true;
    } else if (token.kind == TOKEN_WORD && !token_is_reserved(&token)) {
        good = read_field(parser, &token, operand);
    } else if (token.kind == TOKEN_TEXT) {
        good = read_text(parser, &token, operand);
    } else if (token.kind == TOKEN_NUMBER) {
        good = read_number(parser, &token, operand);
    } else {
        good = expected(parser, "a field, a 'text', a number or null");
    }
    return good && advance(parser);
}

/* Text is compared with text, a number with a number, null with either. */
static bool parse_comparable(struct parser *parser, const struct operand *left, struct operand *operand)
{
    struct token token = parser->token;
    if (!parse_operand(parser, operand)) {
        return false;
    }
    if (left->kind == OPERAND_NULL || operand->kind == OPERAND_NULL || left->is_text == operand->is_text) {
        return true;
    }
    return fail(parser, &token, "%s is a %s and can't be compared with a %s", token_show(&token).text,
                operand->is_text ? "text" : "number", left->is_text ? "text" : "number");
}

/* --- tests --- */

static bool is_field(const struct operand *operand)
{
    return operand->kind == OPERAND_FIELD;
}

/* What needs no field is worked out now. */
static struct expression *fold(struct parser *parser, struct expression *node)
{
    return new_constant(parser, expression_evaluate(node, NULL));
}

static bool comparison_of(const struct token *token, enum comparison_kind *ret_comparison)
{
    static const struct {
        const char *symbol;
        enum comparison_kind comparison;
    } comparisons[] = {
        {"=", EQUAL},          {"<>", NOT_EQUAL}, {"!=", NOT_EQUAL},        {"<", LESS},
        {"<=", LESS_OR_EQUAL}, {">", GREATER},    {">=", GREATER_OR_EQUAL},
    };
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (token_is_symbol(token, comparisons[i].symbol)) {
            *ret_comparison = comparisons[i].comparison;
            return true;
        }
    }
    return false;
}

static struct expression *parse_comparison(struct parser *parser, const struct operand *left,
                                           enum comparison_kind comparison)
{
    struct expression *node = new_node(parser, NODE_COMPARE);
    if (!node || !advance(parser) || !parse_comparable(parser, left, &node->right)) {
        return NULL;
    }
    node->left = *left;
    node->comparison = comparison;
    if (left->kind == OPERAND_NULL || node->right.kind == OPERAND_NULL) {
        return new_constant(parser, TRUTH_NULL);
    }
    return is_field(left) || is_field(&node->right) ? node : fold(parser, node);
}

static bool parse_list(struct parser *parser, struct expression *node, bool *ret_has_field)
{
    struct operand **end = &node->list;
    /* Between texts and numbers a null on the left decides nothing: the items must agree among themselves. */
    struct operand like = node->left;
    do {
        struct operand *item = arena_allocate(parser->arena, sizeof *item);
        if (!item) {
            return no_memory(parser);
        }
        if (!advance(parser) || !parse_comparable(parser, &like, item)) {
            return false;
        }
        like = like.kind == OPERAND_NULL ? *item : like;
        *ret_has_field |= is_field(item);
        *end = item;
        end = &item->next;
    } while (token_is_symbol(&parser->token, ","));
    return expect_symbol(parser, ")", "\",\" or \")\"");
}

/* After "in". */
static struct expression *parse_in(struct parser *parser, const struct operand *left, bool negated)
{
    struct expression *node = new_node(parser, NODE_IN);
    bool has_field = is_field(left);
    if (!node) {
        return NULL;
    }
    node->left = *left;
    node->negated = negated;
    if (!token_is_symbol(&parser->token, "(")) {
        (void)expected(parser, "\"(\" after in");
        return NULL;
    }
    if (!parse_list(parser, node, &has_field)) {
        return NULL;
    }
    return has_field && left->kind != OPERAND_NULL ? node : fold(parser, node);
}

/* After "is". */
static struct expression *parse_is_null(struct parser *parser, const struct operand *left)
{
    struct expression *node = new_node(parser, NODE_IS_NULL);
    if (!node) {
        return NULL;
    }
    node->left = *left;
    node->negated = token_is_word(&parser->token, "not");
    if (node->negated && !advance(parser)) {
        return NULL;
    }
    if (!token_is_word(&parser->token, "null")) {
        (void)expected(parser, node->negated ? "null" : "null or not null");
        return NULL;
    }
    if (!advance(parser)) {
        return NULL;
    }
    return is_field(left) ? node : fold(parser, node);
}

static struct expression *parse_test(struct parser *parser)
{
    struct operand left;
    if (!parse_operand(parser, &left)) {
        return NULL;
    }
    enum comparison_kind comparison;
    if (comparison_of(&parser->token, &comparison)) {
        return parse_comparison(parser, &left, comparison);
    }
    if (token_is_word(&parser->token, "is")) {
        return advance(parser) ? parse_is_null(parser, &left) : NULL;
    }
    bool negated = token_is_word(&parser->token, "not");
    if (negated && !advance(parser)) {
        return NULL;
    }
    if (token_is_word(&parser->token, "in")) {
        return advance(parser) ? parse_in(parser, &left, negated) : NULL;
    }
    if (left.kind == OPERAND_NULL && !negated) {
        return new_constant(parser, TRUTH_NULL);
    }
    (void)expected(parser, negated ? "in after not" : "a comparison (= <> < <= > >=), in, not in or is");
    return NULL;
}

/* --- conditions --- */

/* Counts a step down; false where it is one too many. */
static bool descend(struct parser *parser)
{
    if (parser->depth == EXPRESSION_DEPTH_MAX) {
        return fail(parser, &parser->token, "nested more than %d deep", EXPRESSION_DEPTH_MAX);
    }
    parser->depth++;
    return true;
}

static struct expression *parse_condition(struct parser *parser)
{
    if (token_is_symbol(&parser->token, "(")) {
        if (!descend(parser) || !advance(parser)) {
            return NULL;
        }
        struct expression *inner = parse_disjunction(parser);
        parser->depth--;
        return inner && expect_symbol(parser, ")", "and, or or \")\"") ? inner : NULL;
    }
    bool is_true = token_is_word(&parser->token, "true");
    if (is_true || token_is_word(&parser->token, "false")) {
        return advance(parser) ? new_constant(parser, is_true ? TRUTH_TRUE : TRUTH_FALSE) : NULL;
    }
    return parse_test(parser);
}

static struct expression *parse_negation(struct parser *parser)
{
    if (!token_is_word(&parser->token, "not")) {
        return parse_condition(parser);
    }
    struct expression *node = new_node(parser, NODE_NOT);
    if (!node || !descend(parser) || !advance(parser)) {
        return NULL;
    }
    node->first = parse_negation(parser);
    parser->depth--;
    return node->first ? node : NULL;
}

/* One operand, or two and more with `word` between them, side by side: a long chain is not deep. */
static struct expression *parse_chain(struct parser *parser, enum node_kind kind, const char *word,
                                      struct expression *(*parse)(struct parser *parser))
{
    struct expression *first = parse(parser);
    if (!first || !token_is_word(&parser->token, word)) {
        return first;
    }
    struct expression *node = new_node(parser, kind);
    if (!node) {
        return NULL;
    }
    node->first = first;
    for (struct expression *last = first; token_is_word(&parser->token, word); last = last->next) {
        if (!advance(parser) || !(last->next = parse(parser))) {
            return NULL;
        }
    }
    return node;
}

static struct expression *parse_conjunction(struct parser *parser)
{
    return parse_chain(parser, NODE_AND, "and", parse_negation);
}

static struct expression *parse_disjunction(struct parser *parser)
{
    return parse_chain(parser, NODE_OR, "or", parse_conjunction);
}

bool expression_compile(struct text source, const struct schema *schema, struct arena *arena,
                        const struct expression **ret_expression, size_t *ret_position, struct error *error)
{
    if (!source_is_text(source, ret_position)) {
        return error_set(error, ERROR_CONFIGURATION, "not UTF-8, or a NUL");
    }
    struct parser parser = {
        .source = source, .schema = schema, .arena = arena, .ret_position = ret_position, .error = error};
    if (!advance(&parser)) {
        return false;
    }
    const struct expression *expression = parse_disjunction(&parser);
    if (!expression) {
        return false;
    }
    if (parser.token.kind != TOKEN_END) {
        return expected(&parser, "and, or or the end");
    }
    *ret_expression = expression;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "where_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "order_rules.h"

#define NESTING_MAX 64
#define DIGITS_MAX 30
#define DIGITS_ROOM 64

struct source {
    const char *at, *end;
    enum where_dialect dialect;
    const struct where_field *fields;
    const struct where_value *values;
    uint64_t used;
    int nesting;
    bool failed;
};

/* A number as its digits: the whole without zeros in front, the fraction without zeros behind. */
struct number {
    bool negative;
    char whole[DIGITS_ROOM], fraction[DIGITS_ROOM];
};

enum operand_type { NOTHING, TEXT, NUMBER }; /* NOTHING: the word null */

struct operand {
    enum operand_type type;
    bool is_null; /* the word null, or a field without a value */
    const char *text;
    size_t length;
    char *owned; /* an unquoted text */
    struct number number;
};

static enum where_truth fail(struct source *source)
{
    source->failed = true;
    return WHERE_NULL;
}

/* --- words --- */

static char peek(struct source *source)
{
    while (source->at < source->end && strchr(" \t\r\n", *source->at))
        source->at++;
    return source->at < source->end ? *source->at : '\0';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte & 0x80) || byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static size_t word_length(struct source *source)
{
    size_t length = 0;
    if (!is_letter(peek(source)))
        return 0;
    while (source->at + length < source->end && (is_letter(source->at[length]) || is_digit(source->at[length])))
        length++;
    return length;
}

static bool take_word(struct source *source, const char *word)
{
    size_t length = word_length(source);
    if (length != strlen(word) || strncasecmp(source->at, word, length) != 0)
        return false;
    source->at += length;
    return true;
}

static bool take(struct source *source, const char *symbol)
{
    size_t length = strlen(symbol);
    (void)peek(source);
    if ((size_t)(source->end - source->at) < length || memcmp(source->at, symbol, length) != 0)
        return false;
    source->at += length;
    return true;
}

/* --- operands --- */

static bool is_reserved(const char *word, size_t length)
{
    static const char *const words[] = {"and", "or", "not", "in", "is", "null", "true", "false"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && strncasecmp(words[i], word, length) == 0)
            return true;
    return false;
}

/* The digits of a field's value, with its point, as a literal would have them. */
static void number_of_field(int64_t value, unsigned scale, struct number *ret_number)
{
    char digits[DIGITS_ROOM];
    *ret_number = (struct number){.negative = value < 0};
    int length = snprintf(digits, sizeof digits, "%0*" PRIu64, (int)scale + 1,
                          value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    int whole = length - (int)scale, zeros = 0;
    while (zeros < whole && digits[zeros] == '0')
        zeros++;
    memcpy(ret_number->whole, digits + zeros, (size_t)(whole - zeros));
    while (length > whole && digits[length - 1] == '0')
        length--;
    memcpy(ret_number->fraction, digits + whole, (size_t)(length - whole));
}

static void read_field(struct source *source, const char *name, size_t length, struct operand *operand)
{
    for (size_t i = 0; source->fields[i].name; i++) {
        const struct where_field *field = &source->fields[i];
        const struct where_value *value = &source->values[i];
        if (strlen(field->name) != length || memcmp(field->name, name, length) != 0)
            continue;
        source->used |= UINT64_C(1) << i;
        operand->type = field->is_text ? TEXT : NUMBER;
        operand->is_null = !value->present;
        operand->text = value->text;
        operand->length = value->length;
        number_of_field(value->number, field->scale, &operand->number);
        return;
    }
    (void)fail(source);
}

static void read_number(struct source *source, struct operand *operand)
{
    struct number *number = &operand->number;
    operand->type = NUMBER;
    number->negative = take(source, "-");
    const char *whole = source->at;
    while (source->at < source->end && is_digit(*source->at))
        source->at++;
    const char *whole_end = source->at, *fraction = source->at;
    if (source->end - source->at > 1 && *source->at == '.' && is_digit(source->at[1])) {
        fraction = ++source->at;
        while (source->at < source->end && is_digit(*source->at))
            source->at++;
    }
    const char *fraction_end = source->at;
    if (source->at < source->end && (*source->at == '.' || is_letter(*source->at)))
        source->failed = true;
    while (whole < whole_end && *whole == '0')
        whole++;
    while (fraction_end > fraction && fraction_end[-1] == '0')
        fraction_end--;
    if (whole_end - whole + (fraction_end - fraction) > DIGITS_MAX) {
        source->failed = true;
        return;
    }
    memcpy(number->whole, whole, (size_t)(whole_end - whole));
    memcpy(number->fraction, fraction, (size_t)(fraction_end - fraction));
}

/* Behind the opening quote; with `backslashes` they are doubled as quotes are. */
static void read_text(struct source *source, bool backslashes, struct operand *operand)
{
    char *text = operand->owned = malloc((size_t)(source->end - source->at) + 1);
    if (!text)
        abort();
    operand->type = TEXT;
    operand->text = text;
    for (;;) {
        if (source->at == source->end) {
            source->failed = true;
            return;
        }
        char byte = *source->at++;
        bool doubled = byte == '\'' || (backslashes && byte == '\\');
        if (doubled) {
            if (source->at == source->end || *source->at != byte) {
                source->failed |= byte == '\\';
                return;
            }
            source->at++;
        }
        text[operand->length++] = byte;
    }
}

static void read_operand(struct source *source, struct operand *ret_operand)
{
    *ret_operand = (struct operand){.type = NOTHING};
    bool sql = source->dialect == WHERE_SQL;
    char first = peek(source);
    if (sql && take(source, "\"")) {
        const char *end = memchr(source->at, '"', (size_t)(source->end - source->at));
        if (end)
            read_field(source, source->at, (size_t)(end - source->at), ret_operand);
        source->failed |= !end;
        source->at = end ? end + 1 : source->end;
    } else if (take(source, "'")) {
        read_text(source, false, ret_operand);
    } else if (sql && take(source, "E'")) {
        read_text(source, true, ret_operand);
    } else if (is_digit(first) || (first == '-' && source->end - source->at > 1 && is_digit(source->at[1]))) {
        read_number(source, ret_operand);
    } else if (take_word(source, "null")) {
        ret_operand->is_null = true;
    } else {
        size_t length = word_length(source);
        if (length == 0 || is_reserved(source->at, length) || sql)
            source->failed = true;
        else
            read_field(source, source->at, length, ret_operand);
        source->at += length;
    }
}

static bool is_zero(const struct number *number)
{
    return !number->whole[0] && !number->fraction[0];
}

static int compare_numbers(const struct number *a, const struct number *b)
{
    bool a_negative = a->negative && !is_zero(a), b_negative = b->negative && !is_zero(b);
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    size_t a_length = strlen(a->whole), b_length = strlen(b->whole);
    int order = a_length != b_length ? (a_length < b_length ? -1 : 1) : strcmp(a->whole, b->whole);
    order = order ? order : strcmp(a->fraction, b->fraction);
    return a_negative ? -order : order;
}

static int compare_texts(const struct operand *a, const struct operand *b)
{
    for (size_t i = 0; i < a->length && i < b->length; i++)
        if (a->text[i] != b->text[i])
            return (unsigned char)a->text[i] < (unsigned char)b->text[i] ? -1 : 1;
    return (a->length > b->length) - (a->length < b->length);
}

static int compare(const struct operand *a, const struct operand *b)
{
    return a->type == TEXT ? compare_texts(a, b) : compare_numbers(&a->number, &b->number);
}

static bool are_comparable(const struct operand *a, const struct operand *b)
{
    return a->type == NOTHING || b->type == NOTHING || a->type == b->type;
}

static enum where_truth truth_of(bool condition)
{
    return condition ? WHERE_TRUE : WHERE_FALSE;
}

/* --- tests --- */

/* The comparison's sign, as -1, 0 and 1 may satisfy it: bits 1, 2 and 4; 0 where there is none. */
static unsigned take_comparison(struct source *source)
{
    static const struct {
        const char *symbol;
        unsigned orders;
    } comparisons[] = {{"<>", 5}, {"<=", 3}, {">=", 6}, {"!=", 5}, {"<", 1}, {">", 4}, {"=", 2}};
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        if (take(source, comparisons[i].symbol))
            return comparisons[i].orders;
    return 0;
}

static enum where_truth read_comparison(struct source *source, const struct operand *left, unsigned orders)
{
    struct operand right;
    read_operand(source, &right);
    enum where_truth truth = WHERE_NULL;
    if (!are_comparable(left, &right))
        source->failed = true;
    else if (!left->is_null && !right.is_null) {
        int order = compare(left, &right);
        truth = truth_of((orders & (order < 0 ? 1U : order == 0 ? 2U : 4U)) != 0);
    }
    free(right.owned);
    return truth;
}

static enum where_truth read_list(struct source *source, const struct operand *left)
{
    enum where_truth truth = WHERE_FALSE;
    enum operand_type type = left->type;
    if (!take(source, "("))
        return fail(source);
    do {
        struct operand item;
        read_operand(source, &item);
        source->failed |= type != NOTHING && item.type != NOTHING && type != item.type;
        type = type == NOTHING ? item.type : type;
        enum where_truth one =
            left->is_null || item.is_null || source->failed ? WHERE_NULL : truth_of(compare(left, &item) == 0);
        truth = one > truth ? one : truth;
        free(item.owned);
    } while (!source->failed && take(source, ","));
    return take(source, ")") ? truth : fail(source);
}

static enum where_truth read_test(struct source *source, const struct operand *left)
{
    unsigned orders = take_comparison(source);
    if (orders)
        return read_comparison(source, left, orders);
    if (take_word(source, "is")) {
        bool negated = take_word(source, "not");
        return take_word(source, "null") ? truth_of(left->is_null != negated) : fail(source);
    }
    bool negated = take_word(source, "not");
    if (take_word(source, "in")) {
        enum where_truth truth = read_list(source, left);
        return negated ? (enum where_truth) - truth : truth;
    }
    return left->type == NOTHING && !negated ? WHERE_NULL : fail(source);
}

/* --- conditions --- */

static enum where_truth read_or(struct source *source);

static bool descend(struct source *source)
{
    if (source->dialect == WHERE_CONFIGURED && source->nesting == NESTING_MAX)
        source->failed = true;
    source->nesting++;
    return !source->failed;
}

static enum where_truth read_condition(struct source *source)
{
    if (take(source, "(")) {
        enum where_truth inner = descend(source) ? read_or(source) : WHERE_NULL;
        source->nesting--;
        return take(source, ")") ? inner : fail(source);
    }
    if (take_word(source, "true"))
        return WHERE_TRUE;
    if (take_word(source, "false"))
        return WHERE_FALSE;
    if (source->dialect == WHERE_SQL && take(source, "NULL::boolean"))
        return WHERE_NULL;
    struct operand left;
    read_operand(source, &left);
    enum where_truth truth = source->failed ? WHERE_NULL : read_test(source, &left);
    free(left.owned);
    return truth;
}

static enum where_truth read_not(struct source *source)
{
    if (!take_word(source, "not"))
        return read_condition(source);
    enum where_truth truth = descend(source) ? (enum where_truth) - read_not(source) : WHERE_NULL;
    source->nesting--;
    return truth;
}

static enum where_truth read_and(struct source *source)
{
    enum where_truth truth = read_not(source);
    while (!source->failed && take_word(source, "and")) {
        enum where_truth one = read_not(source);
        truth = one < truth ? one : truth;
    }
    return truth;
}

static enum where_truth read_or(struct source *source)
{
    enum where_truth truth = read_and(source);
    while (!source->failed && take_word(source, "or")) {
        enum where_truth one = read_and(source);
        truth = one > truth ? one : truth;
    }
    return truth;
}

bool where_rules(const char *source, size_t length, enum where_dialect dialect, const struct where_field fields[],
                 const struct where_value values[], enum where_truth *ret_truth, uint64_t *ret_used)
{
    struct source all = {.at = source, .end = source + length, .dialect = dialect, .fields = fields, .values = values};
    if (!rules_is_utf8(source, length) || (length && memchr(source, '\0', length)))
        return false;
    *ret_truth = read_or(&all);
    *ret_used = all.used;
    return !all.failed && peek(&all) == '\0' && all.at == all.end;
}

/* Copies a text with its quotes; one that is escaped has its backslashes doubled. Returns what follows it. */
static const char *copy_text(const char *sql, bool escaped, char **to)
{
    *(*to)++ = *sql++;
    while (*sql && (sql[0] != '\'' || sql[1] == '\'')) {
        if (*sql == '\'' || (escaped && *sql == '\\')) {
            if (*sql == '\'')
                *(*to)++ = *sql;
            sql++;
        }
        *(*to)++ = *sql++;
    }
    *(*to)++ = '\'';
    return *sql ? sql + 1 : sql;
}

char *where_of_sql(const char *sql)
{
    char *where = calloc(strlen(sql) + 2, 1), *to = where;
    if (!where)
        abort();
    while (*sql) {
        bool escaped = sql[0] == 'E' && sql[1] == '\'';
        if (escaped || *sql == '\'')
            sql = copy_text(sql + escaped, escaped, &to);
        else if (*sql == '"')
            sql++;
        else if (strncmp(sql, "::boolean", 9) == 0)
            sql += 9;
        else
            *to++ = *sql++;
    }
    return where;
}
